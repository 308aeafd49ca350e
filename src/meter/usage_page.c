
#include "meter/usage_page.h"


#define WGW_USAGE_BUFFER  32768


ngx_int_t
wgw_usage_page_room(wgw_usage_page_t *page)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = page->buf;

    if (b && page->out.end - page->out.pos >= WGW_USAGE_LINE) {
        return NGX_OK;
    }

    if (b) {
        b->last = (u_char *) page->out.pos;
        page->length += b->last - b->pos;

    } else {
        page->last = &page->first;
    }

    b = ngx_create_temp_buf(page->pool, WGW_USAGE_BUFFER);
    if (b == NULL) {
        return NGX_ERROR;
    }

    cl = ngx_alloc_chain_link(page->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf = b;
    cl->next = NULL;

    *page->last = cl;
    page->last = &cl->next;
    page->buf = b;

    wgw_out_init(&page->out, b->pos, b->end - b->pos);

    return NGX_OK;
}


off_t
wgw_usage_page_end(wgw_usage_page_t *page, ngx_chain_t **out)
{
    ngx_buf_t  *b;

    if (page->out.overflow) {
        return NGX_ERROR;
    }

    b = page->buf;

    b->last = (u_char *) page->out.pos;
    b->last_buf = 1;
    b->last_in_chain = 1;

    *out = page->first;

    return page->length + (b->last - b->pos);
}


ngx_int_t
wgw_usage_page_owner(wgw_usage_page_t *page, wgw_zone_t *zone,
    wgw_text_t name, wgw_labels_t *labels)
{
    ngx_int_t           rc;
    ngx_str_t           text;
    wgw_out_t          *out;
    wgw_text_t          owner, workload;
    wgw_usage_query_t  *query;
    wgw_usage_known_t   known;

    query = page->query;

    if (query->known == NULL || !((wgw_meter_zone_t *) zone)->named) {
        return NGX_OK;
    }

    text.data = (u_char *) name.data;
    text.len = name.len;

    rc = query->known(query->data, &text, 0, &known);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    owner = wgw_label_value(labels, wgw_text("owner"));
    workload = wgw_label_value(labels, wgw_text("workload"));

    if (rc == NGX_OK) {
        owner = (wgw_text_t) { (char *) known.owner.data, known.owner.len };
        workload = (wgw_text_t) { (char *) known.workload.data,
                                  known.workload.len };
    }

    out = &page->out;

    wgw_out_str(out, ",\"owner\":");
    wgw_out_json(out, owner);
    wgw_out_str(out, ",\"workload\":");
    wgw_out_json(out, workload);

    wgw_label_hide(labels, wgw_text("owner"));
    wgw_label_hide(labels, wgw_text("workload"));

    return NGX_OK;
}


ngx_int_t
wgw_usage_page_family(wgw_usage_page_t *page, const char *family,
    const char *help, ngx_uint_t counter)
{
    size_t      len;
    wgw_out_t  *out;

    if (wgw_usage_page_room(page) != NGX_OK) {
        return NGX_ERROR;
    }

    out = &page->out;
    len = ngx_strlen(family);

    if (counter && page->query->openmetrics) {
        len -= sizeof("_total") - 1;
    }

    wgw_out_str(out, "# HELP ");
    wgw_out_bytes(out, family, len);
    wgw_out_str(out, " ");
    wgw_out_str(out, help);
    wgw_out_str(out, "\n# TYPE ");
    wgw_out_bytes(out, family, len);
    wgw_out_str(out, counter ? " counter\n" : " gauge\n");

    return NGX_OK;
}
