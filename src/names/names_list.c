
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/reply.h"
#include "names/names_list.h"
#include "names/names_request.h"
#include "names/rows.h"


#define LIST_TAIL   (WGW_NAME_MAX + 32)
#define LIST_BYTES  (4 * 1024 * 1024)       /* a page ends above it */

/* {"backend":"https://[...]:65535","failures":65535,"since":4294967295} */
#define LIST_FAILING  160


typedef struct {
    wgw_text_t                 after;
    char                       name[WGW_NAME_MAX];      /* of `after` */
    ngx_uint_t                 limit;
    ngx_uint_t                 failing;
} list_page_t;


static ngx_int_t list_page(ngx_http_request_t *r, list_page_t *page,
    wgw_names_refusal_t *refusal);
static ngx_int_t list_rows(ngx_http_request_t *r, list_page_t *page,
    ngx_chain_t **last, wgw_names_refusal_t *refusal);
static ngx_int_t list_row(ngx_http_request_t *r, list_page_t *page,
    wgw_text_t name, wgw_text_t packed, ngx_uint_t n, ngx_chain_t **last);
static void list_failing(const wgw_record_t *record, wgw_out_t *out);


static wgw_names_failures_pt  list_failures;


void
wgw_names_list_init(wgw_names_failures_pt failures)
{
    list_failures = failures;
}


ngx_int_t
wgw_names_list(ngx_http_request_t *r)
{
    ngx_int_t            rc;
    list_page_t          page;
    wgw_out_t            out;
    ngx_chain_t         *first, *last;
    wgw_names_refusal_t  refusal;

    rc = wgw_reply_discard(r);
    if (rc != NGX_OK) {
        return rc;
    }

    first = wgw_reply_chain(r->pool, sizeof("{\"names\":["));
    if (first == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    first->buf->last = ngx_cpymem(first->buf->last, "{\"names\":[",
                                  sizeof("{\"names\":[") - 1);
    last = first;

    if (list_page(r, &page, &refusal) != NGX_OK
        || list_rows(r, &page, &last, &refusal) != NGX_OK)
    {
        return wgw_names_refused(r, &refusal);
    }

    last->next = wgw_reply_chain(r->pool, LIST_TAIL);
    if (last->next == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    last = last->next;

    wgw_out_init(&out, last->buf->pos, LIST_TAIL);
    wgw_out_str(&out, "],\"next\":");

    if (page.after.len) {
        wgw_out_json(&out, page.after);

    } else {
        wgw_out_str(&out, "null");
    }

    wgw_out_str(&out, "}\n");

    last->buf->last = (u_char *) out.pos;

    return wgw_reply_send(r, NGX_HTTP_OK, "application/json", first);
}


static ngx_int_t
list_page(ngx_http_request_t *r, list_page_t *page,
    wgw_names_refusal_t *refusal)
{
    uint64_t     limit;
    const char  *error;
    wgw_arg_t    args[] = { { "after", { NULL, 0 } },
                            { "limit", { NULL, 0 } },
                            { "failing", { NULL, 0 } },
                            { NULL, { NULL, 0 } } };

    page->after.len = 0;
    page->after.data = page->name;
    page->limit = WGW_NAMES_LIST_LIMIT;
    page->failing = 0;

    if (wgw_names_args(r, args, refusal) != NGX_OK) {
        return NGX_ERROR;
    }

    if (args[2].value.data) {
        if (!wgw_text_equal(args[2].value, wgw_text("true"))) {
            return wgw_names_refuse(refusal, NGX_HTTP_BAD_REQUEST, "failing",
                                    "must be \"true\"");
        }

        page->failing = 1;
    }

    if (args[0].value.len) {
        page->after.len = wgw_name_parse(page->name, args[0].value,
                                         wgw_names_rules()->domain, &error);
        if (page->after.len == 0) {
            return wgw_names_refuse(refusal, NGX_HTTP_BAD_REQUEST, "after",
                                    error);
        }
    }

    if (args[1].value.data == NULL) {
        return NGX_OK;
    }

    if (wgw_text_uint(args[1].value, WGW_NAMES_LIST_MAX, &limit) != 0
        || limit == 0)
    {
        return wgw_names_refuse(refusal, NGX_HTTP_BAD_REQUEST, "limit",
                                "must be a number from 1 to 1000");
    }

    page->limit = limit;

    return NGX_OK;
}


/* page->after becomes the name to go on from, or empty at the end. */

static ngx_int_t
list_rows(ngx_http_request_t *r, list_page_t *page, ngx_chain_t **last,
    wgw_names_refusal_t *refusal)
{
    size_t             size;
    uint64_t           id;
    ngx_int_t          rv;
    ngx_uint_t         n, looks;
    wgw_text_t         found, packed;
    wgw_store_t       *store;
    wgw_store_rc_t     rc;
    wgw_store_error_t  error;

    store = wgw_names_look(r, &id, refusal);
    if (store == NULL) {
        return NGX_ERROR;
    }

    rv = NGX_OK;
    size = 0;

    for (n = 0, looks = 0; /* void */ ; looks++) {

        rc = wgw_store_next(store, WGW_ROWS, page->after, &found, &packed,
                            &error);

        if (rc != WGW_STORE_OK) {
            page->after.len = 0;
            break;
        }

        if (n == page->limit || size > LIST_BYTES
            || (page->failing && looks == WGW_NAMES_LIST_LOOKS))
        {
            break;
        }

        rv = list_row(r, page, found, packed, n, last);

        if (rv == NGX_DECLINED) {
            rv = NGX_OK;
            continue;
        }

        n++;

        if (rv != NGX_OK) {
            wgw_names_refuse(refusal, NGX_HTTP_INTERNAL_SERVER_ERROR, "", "");
            break;
        }

        size += (*last)->buf->last - (*last)->buf->pos;
    }

    wgw_store_end(store);

    if (rv == NGX_OK && rc == WGW_STORE_FAILED) {
        return wgw_names_failed(r, rc, &error, refusal);
    }

    return rv;
}


/* A row becomes the page's last one; NGX_DECLINED: it is not wanted. */

static ngx_int_t
list_row(ngx_http_request_t *r, list_page_t *page, wgw_text_t name,
    wgw_text_t packed, ngx_uint_t n, ngx_chain_t **last)
{
    size_t        len;
    wgw_out_t     out;
    ngx_chain_t  *cl;
    wgw_record_t  record;

    static char    json[WGW_RECORD_JSON + WGW_RECORD_BACKENDS * LIST_FAILING];

    if (name.len > WGW_NAME_MAX
        || wgw_record_unpack(&record, (uint8_t *) packed.data, packed.len)
           != 0)
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "names: the record of \"%*s\" is damaged", name.len,
                      name.data);
        return NGX_ERROR;
    }

    ngx_memcpy(page->name, name.data, name.len);
    page->after.len = name.len;

    record.name = page->after;
    wgw_record_place(&record, wgw_names_rules()->node);

    wgw_out_init(&out, json, sizeof(json));
    wgw_record_json(&record, &out);

    if (page->failing) {
        len = out.pos - out.start;
        list_failing(&record, &out);

        if (len == (size_t) (out.pos - out.start)) {
            return NGX_DECLINED;
        }
    }

    len = out.pos - out.start;

    cl = wgw_reply_chain(r->pool, len + 1);     /* and a comma */
    if (cl == NULL) {
        return NGX_ERROR;
    }

    if (n) {
        *cl->buf->last++ = ',';
    }

    cl->buf->last = ngx_cpymem(cl->buf->last, json, len);

    (*last)->next = cl;
    *last = cl;

    return NGX_OK;
}


/* In place of the last brace of a record; nothing, if none of it fails. */

static void
list_failing(const wgw_record_t *record, wgw_out_t *out)
{
    size_t    i, n;
    uint32_t  failures, since;

    for (i = 0, n = 0; i < record->nbackends; i++) {

        failures = list_failures(&record->backends[i], &since);

        if (failures == 0) {
            continue;
        }

        if (n++ == 0) {
            out->pos--;
            wgw_out_str(out, ",\"failing\":[");

        } else {
            wgw_out_str(out, ",");
        }

        wgw_out_str(out, "{\"backend\":\"");
        wgw_record_backend(record, i, out);
        wgw_out_str(out, "\",\"failures\":");
        wgw_out_uint(out, failures);
        wgw_out_str(out, ",\"since\":");
        wgw_out_uint(out, since);
        wgw_out_str(out, "}");
    }

    wgw_out_str(out, n ? "]}" : "");
}
