
#include "meter/page.h"
#include "meter/page_parts.h"
#include "core/version.h"
#include "format/html.h"

#include <wgw_page_text.h>          /* of `config` */


#define PAGE_MARK       "<!--wgw:"
#define PAGE_MARK_END   "-->"


typedef struct {
    const char           *name;
    ngx_int_t           (*write)(wgw_usage_page_t *page,
                                 wgw_page_query_t *query);
} page_part_t;


static ngx_int_t page_write(wgw_usage_page_t *page, wgw_page_query_t *query,
    wgw_text_t text);
static ngx_int_t page_part(wgw_usage_page_t *page, wgw_page_query_t *query,
    wgw_text_t name);
static ngx_int_t page_text(wgw_usage_page_t *page, wgw_text_t text);

static ngx_int_t page_css(wgw_usage_page_t *page, wgw_page_query_t *query);
static ngx_int_t page_js(wgw_usage_page_t *page, wgw_page_query_t *query);
static ngx_int_t page_version(wgw_usage_page_t *page,
    wgw_page_query_t *query);
static ngx_int_t page_now(wgw_usage_page_t *page, wgw_page_query_t *query);
static ngx_int_t page_search(wgw_usage_page_t *page, wgw_page_query_t *query);
static ngx_int_t page_links(wgw_usage_page_t *page, wgw_page_query_t *query);
static ngx_int_t page_settings(wgw_usage_page_t *page,
    wgw_page_query_t *query);


static const page_part_t  page_parts[] = {
    { "css",      page_css },
    { "js",       page_js },
    { "version",  page_version },
    { "time",     page_now },
    { "q",        page_search },
    { "traffic",  wgw_page_traffic },
    { "names",    wgw_page_names },
    { "top",      wgw_page_top },
    { "zones",    wgw_page_zones },
    { "links",    page_links },
    { "settings", page_settings },
    { NULL,       NULL }
};


off_t
wgw_page(ngx_pool_t *pool, wgw_page_query_t *query, ngx_chain_t **out)
{
    wgw_usage_page_t  page;

    ngx_memzero(&page, sizeof(wgw_usage_page_t));

    page.pool = pool;
    page.query = query->usage;

    if (wgw_usage_page_room(&page) != NGX_OK
        || page_write(&page, query,
                      (wgw_text_t) { (const char *) wgw_page_html,
                                     sizeof(wgw_page_html) })
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return wgw_usage_page_end(&page, out);
}


void
wgw_page_parts(wgw_text_t *script, wgw_text_t *style)
{
    script->data = (const char *) wgw_page_js;
    script->len = sizeof(wgw_page_js);

    style->data = (const char *) wgw_page_css;
    style->len = sizeof(wgw_page_css);
}


/* The document, with what stands in place of its marks. */

static ngx_int_t
page_write(wgw_usage_page_t *page, wgw_page_query_t *query, wgw_text_t text)
{
    const char  *p, *end, *last;
    wgw_text_t   name;

    last = text.data + text.len;

    for (p = text.data; p < last; p = end) {

        end = memmem(p, last - p, PAGE_MARK, sizeof(PAGE_MARK) - 1);

        if (end == NULL) {
            end = last;
        }

        if (page_text(page, (wgw_text_t) { p, end - p }) != NGX_OK) {
            return NGX_ERROR;
        }

        if (end == last) {
            break;
        }

        name.data = end + sizeof(PAGE_MARK) - 1;
        end = memmem(name.data, last - name.data, PAGE_MARK_END,
                     sizeof(PAGE_MARK_END) - 1);

        if (end == NULL) {
            return NGX_ERROR;
        }

        name.len = end - name.data;

        if (page_part(page, query, name) != NGX_OK) {
            return NGX_ERROR;
        }

        end += sizeof(PAGE_MARK_END) - 1;
    }

    return NGX_OK;
}


static ngx_int_t
page_part(wgw_usage_page_t *page, wgw_page_query_t *query, wgw_text_t name)
{
    const page_part_t  *part;

    for (part = page_parts; part->name; part++) {

        if (name.len == ngx_strlen(part->name)
            && ngx_strncmp(name.data, part->name, name.len) == 0)
        {
            return wgw_usage_page_room(page) == NGX_OK
                   ? part->write(page, query) : NGX_ERROR;
        }
    }

    return NGX_ERROR;
}


/* Of any length. */

static ngx_int_t
page_text(wgw_usage_page_t *page, wgw_text_t text)
{
    size_t  n;

    while (text.len) {
        if (wgw_usage_page_room(page) != NGX_OK) {
            return NGX_ERROR;
        }

        n = ngx_min(text.len, WGW_USAGE_LINE);

        wgw_out_bytes(&page->out, text.data, n);

        text.data += n;
        text.len -= n;
    }

    return NGX_OK;
}


static ngx_int_t
page_css(wgw_usage_page_t *page, wgw_page_query_t *query)
{
    wgw_text_t  script, style;

    wgw_page_parts(&script, &style);

    return page_text(page, style);
}


static ngx_int_t
page_js(wgw_usage_page_t *page, wgw_page_query_t *query)
{
    wgw_text_t  script, style;

    wgw_page_parts(&script, &style);

    return page_text(page, script);
}


static ngx_int_t
page_version(wgw_usage_page_t *page, wgw_page_query_t *query)
{
    wgw_out_str(&page->out, WGW_VERSION);

    return NGX_OK;
}


static ngx_int_t
page_now(wgw_usage_page_t *page, wgw_page_query_t *query)
{
    u_char    *p, text[128];
    ngx_tm_t   tm;

    ngx_gmtime(query->now, &tm);

    p = ngx_snprintf(text, sizeof(text),
                     "<time datetime=\"%4d-%02d-%02dT%02d:%02d:%02dZ\">"
                     "%4d-%02d-%02d %02d:%02d:%02d UTC</time>",
                     tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                     tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec,
                     tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                     tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);

    wgw_out_bytes(&page->out, text, p - text);

    return NGX_OK;
}


static ngx_int_t
page_search(wgw_usage_page_t *page, wgw_page_query_t *query)
{
    wgw_out_html(&page->out, (wgw_text_t) { (char *) query->search.data,
                                            query->search.len });
    return NGX_OK;
}


/* The paths come from the configuration, and are what URIs may be. */

static const struct {
    const char  *name;
    const char  *link;      /* where a person may look; NULL: nowhere */
    size_t       offset;
} page_uris[] = {
    { "names",        "Names",        offsetof(wgw_page_uris_t, names) },
    { "usage",        "Usage",        offsetof(wgw_page_uris_t, usage) },
    { "metrics",      "Metrics",      offsetof(wgw_page_uris_t, metrics) },
    { "auth",         NULL,           offsetof(wgw_page_uris_t, auth) },
    { "claims",       "Claims",       offsetof(wgw_page_uris_t, claims) },
    { "providers",    "Providers",    offsetof(wgw_page_uris_t, providers) },
    { "certificates", "Certificates",
      offsetof(wgw_page_uris_t, certificates) },
    { "grid",         NULL,           offsetof(wgw_page_uris_t, grid) },
    { NULL,           NULL,           0 }
};


#define page_uri(query, i)                                                    \
    ((ngx_str_t *) ((char *) (query)->uris + page_uris[i].offset))


static ngx_int_t
page_links(wgw_usage_page_t *page, wgw_page_query_t *query)
{
    ngx_str_t   *uri;
    ngx_uint_t   i;

    for (i = 0; page_uris[i].name; i++) {
        uri = page_uri(query, i);

        if (page_uris[i].link == NULL || uri->len == 0) {
            continue;
        }

        wgw_out_str(&page->out, "<a href=\"");
        wgw_out_html(&page->out, (wgw_text_t) { (char *) uri->data,
                                                uri->len });
        wgw_out_str(&page->out, "\">");
        wgw_out_str(&page->out, page_uris[i].link);
        wgw_out_str(&page->out, "</a>");
    }

    return NGX_OK;
}


static ngx_int_t
page_settings(wgw_usage_page_t *page, wgw_page_query_t *query)
{
    ngx_str_t   *uri;
    ngx_uint_t   i;

    for (i = 0; page_uris[i].name; i++) {
        uri = page_uri(query, i);

        wgw_out_str(&page->out, i ? ",\"" : "{\"");
        wgw_out_str(&page->out, page_uris[i].name);
        wgw_out_str(&page->out, "\":");
        wgw_out_json(&page->out, (wgw_text_t) { (char *) uri->data,
                                                uri->len });
    }

    wgw_out_str(&page->out, "}");

    return NGX_OK;
}
