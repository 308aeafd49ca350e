
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/args.h"
#include "core/body.h"
#include "format/name.h"
#include "names/etag.h"
#include "names/names_api.h"
#include "names/names_bulk.h"
#include "names/patch.h"
#include "core/reply.h"
#include "core/request.h"
#include "store/writer.h"


#define API_TOO_LARGE   "a record has at most 65536 bytes"
#define API_TAIL        (WGW_NAME_MAX + 32)
#define API_PAGE_BYTES  (4 * 1024 * 1024)       /* a page ends above it */


/* Why a request is refused; functions that fill it return NGX_ERROR. */
typedef struct {
    ngx_uint_t                 status;
    const char                *field;
    const char                *message;
    wgw_record_error_t         record;          /* may hold both texts */
} api_refusal_t;


/* A change on its way to the store and the reply to it. */
typedef struct {
    ngx_http_request_t        *request;
    wgw_change_t               change;
    wgw_rows_write_t           write;
    wgw_patch_t                patch;       /* of a PATCH */
    wgw_record_t               record;
    char                       name[WGW_NAME_MAX];
    char                       storage[WGW_RECORD_JSON];
} api_change_t;


typedef struct {
    wgw_text_t                 after;
    char                       name[WGW_NAME_MAX];      /* of `after` */
    ngx_uint_t                 limit;
} api_page_t;


static ngx_int_t api_refuse(api_refusal_t *refusal, ngx_uint_t status,
    const char *field, const char *message);
static ngx_int_t api_refused(ngx_http_request_t *r, api_refusal_t *refusal);
static ngx_int_t api_name(ngx_http_request_t *r, char name[WGW_NAME_MAX],
    wgw_text_t *text, api_refusal_t *refusal);
static ngx_int_t api_item(ngx_http_request_t *r, wgw_text_t name);

static ngx_int_t api_list(ngx_http_request_t *r);
static ngx_int_t api_page(ngx_http_request_t *r, api_page_t *page,
    api_refusal_t *refusal);
static ngx_int_t api_args(ngx_http_request_t *r, wgw_arg_t *args,
    api_refusal_t *refusal);
static ngx_int_t api_rows(ngx_http_request_t *r, api_page_t *page,
    ngx_chain_t **last, api_refusal_t *refusal);
static ngx_int_t api_row(ngx_http_request_t *r, api_page_t *page,
    wgw_text_t name, wgw_text_t packed, ngx_chain_t **last);
static wgw_store_t *api_look(ngx_http_request_t *r, uint64_t *id,
    api_refusal_t *refusal);
static ngx_int_t api_get(ngx_http_request_t *r, wgw_text_t name);

static ngx_int_t api_delete(ngx_http_request_t *r, wgw_text_t name);
static ngx_int_t api_close(ngx_http_request_t *r, ngx_uint_t *close,
    api_refusal_t *refusal);
static void api_put(ngx_http_request_t *r, ngx_uint_t status,
    wgw_text_t body);
static ngx_uint_t api_patch_type(ngx_http_request_t *r);
static ngx_int_t api_patch_refuse(ngx_http_request_t *r);
static ngx_int_t api_put_record(ngx_http_request_t *r, api_change_t *api,
    wgw_text_t body, api_refusal_t *refusal);
static api_change_t *api_change(ngx_http_request_t *r, wgw_text_t name);
static ngx_int_t api_conditions(ngx_http_request_t *r,
    wgw_rows_write_t *write, api_refusal_t *refusal);
static ngx_int_t api_post(api_change_t *api, api_refusal_t *refusal);
static wgw_store_rc_t api_make(wgw_txn_t *t, wgw_change_t *change);
static void api_done(wgw_change_t *change);
static ngx_int_t api_changed(api_change_t *api);

static ngx_int_t api_record(ngx_http_request_t *r, ngx_uint_t status,
    wgw_record_t *record);
static ngx_int_t api_failed(ngx_http_request_t *r, wgw_store_rc_t rc,
    wgw_store_error_t *error, api_refusal_t *refusal);


static wgw_names_store_pt     api_store;
static const wgw_record_rules_t  *api_rules;


void
wgw_names_api_init(wgw_names_store_pt store,
    const wgw_record_rules_t *rules)
{
    api_store = store;
    api_rules = rules;

    wgw_names_bulk_init(store, rules);
}


ngx_int_t
wgw_names_api_handler(ngx_http_request_t *r, ngx_array_t *hosts)
{
    char            name[WGW_NAME_MAX];
    wgw_text_t      text;
    api_refusal_t   refusal;

    if (!wgw_request_trusted(r, hosts)) {
        return wgw_request_distrust(r);
    }

    if (api_name(r, name, &text, &refusal) != NGX_OK) {
        return api_refused(r, &refusal);
    }

    if (text.len) {
        return api_item(r, text);
    }

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return api_list(r);
    }

    if (r->method & NGX_HTTP_POST) {
        return wgw_names_bulk(r);
    }

    return wgw_reply_not_allowed(r, "GET, HEAD, POST");
}


static ngx_int_t
api_item(ngx_http_request_t *r, wgw_text_t name)
{
    api_refusal_t  refusal;

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return api_get(r, name);
    }

    if (!(r->method & (NGX_HTTP_PUT|NGX_HTTP_PATCH|NGX_HTTP_DELETE))) {
        return wgw_reply_not_allowed(r, "GET, HEAD, PUT, PATCH, DELETE");
    }

    if (r->method & NGX_HTTP_DELETE) {
        return api_delete(r, name);
    }

    if (api_args(r, NULL, &refusal) != NGX_OK) {
        return api_refused(r, &refusal);
    }

    if ((r->method & NGX_HTTP_PATCH) && !api_patch_type(r)) {
        return api_patch_refuse(r);
    }

    return wgw_body_read(r, WGW_RECORD_JSON, api_put);
}


static ngx_int_t
api_refuse(api_refusal_t *refusal, ngx_uint_t status, const char *field,
    const char *message)
{
    refusal->status = status;
    refusal->field = field;
    refusal->message = message;

    return NGX_ERROR;
}


static ngx_int_t
api_refused(ngx_http_request_t *r, api_refusal_t *refusal)
{
    if (refusal->status == NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return wgw_reply_error(r, refusal->status, refusal->field,
                           refusal->message);
}


/* What follows the location's prefix: empty, or a name in canonical form. */

static ngx_int_t
api_name(ngx_http_request_t *r, char name[WGW_NAME_MAX], wgw_text_t *text,
    api_refusal_t *refusal)
{
    const char  *error;
    wgw_text_t   rest;

    text->data = name;
    text->len = 0;

    if (wgw_request_rest(r, &rest) != NGX_OK) {
        return api_refuse(refusal, NGX_HTTP_NOT_FOUND, "",
                          "no such resource");
    }

    if (rest.len == 0) {
        return NGX_OK;
    }

    text->len = wgw_name_parse(name, rest, api_rules->domain, &error);

    if (text->len == 0) {
        return api_refuse(refusal, NGX_HTTP_BAD_REQUEST, "name", error);
    }

    return NGX_OK;
}


static ngx_int_t
api_list(ngx_http_request_t *r)
{
    ngx_int_t       rc;
    api_page_t      page;
    wgw_out_t       out;
    ngx_chain_t    *first, *last;
    api_refusal_t   refusal;

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

    if (api_page(r, &page, &refusal) != NGX_OK
        || api_rows(r, &page, &last, &refusal) != NGX_OK)
    {
        return api_refused(r, &refusal);
    }

    last->next = wgw_reply_chain(r->pool, API_TAIL);
    if (last->next == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    last = last->next;

    wgw_out_init(&out, last->buf->pos, API_TAIL);
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
api_page(ngx_http_request_t *r, api_page_t *page, api_refusal_t *refusal)
{
    uint64_t     limit;
    const char  *error;
    wgw_arg_t    args[] = { { "after", { NULL, 0 } },
                            { "limit", { NULL, 0 } },
                            { NULL, { NULL, 0 } } };

    page->after.len = 0;
    page->after.data = page->name;
    page->limit = WGW_NAMES_API_LIMIT;

    if (api_args(r, args, refusal) != NGX_OK) {
        return NGX_ERROR;
    }

    if (args[0].value.len) {
        page->after.len = wgw_name_parse(page->name, args[0].value,
                                         api_rules->domain, &error);
        if (page->after.len == 0) {
            return api_refuse(refusal, NGX_HTTP_BAD_REQUEST, "after", error);
        }
    }

    if (args[1].value.data == NULL) {
        return NGX_OK;
    }

    if (wgw_text_uint(args[1].value, WGW_NAMES_API_LIMIT_MAX, &limit) != 0
        || limit == 0)
    {
        return api_refuse(refusal, NGX_HTTP_BAD_REQUEST, "limit",
                          "must be a number from 1 to 1000");
    }

    page->limit = limit;

    return NGX_OK;
}


static ngx_int_t
api_args(ngx_http_request_t *r, wgw_arg_t *args, api_refusal_t *refusal)
{
    ngx_int_t         rc;
    wgw_args_error_t  error;

    rc = wgw_args_read(r, args, &error);

    if (rc == NGX_DECLINED) {
        return api_refuse(refusal, NGX_HTTP_BAD_REQUEST, error.field,
                          error.message);
    }

    return rc == NGX_OK ? NGX_OK
                        : api_refuse(refusal, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                     "", "");
}


/* page->after becomes the name to go on from, or empty at the end. */

static ngx_int_t
api_rows(ngx_http_request_t *r, api_page_t *page, ngx_chain_t **last,
    api_refusal_t *refusal)
{
    size_t              size;
    uint64_t            id;
    ngx_int_t           rv;
    ngx_uint_t          n;
    wgw_text_t          found, packed;
    wgw_store_t        *store;
    wgw_store_rc_t      rc;
    wgw_store_error_t   error;

    store = api_look(r, &id, refusal);
    if (store == NULL) {
        return NGX_ERROR;
    }

    rv = NGX_OK;
    size = 0;

    for (n = 0; /* void */ ; n++) {

        rc = wgw_store_next(store, WGW_ROWS, page->after, &found, &packed,
                            &error);

        if (rc != WGW_STORE_OK) {
            page->after.len = 0;
            break;
        }

        if (n == page->limit || size > API_PAGE_BYTES) {
            break;
        }

        if (n) {
            *(*last)->buf->last++ = ',';
        }

        rv = api_row(r, page, found, packed, last);

        if (rv != NGX_OK) {
            api_refuse(refusal, NGX_HTTP_INTERNAL_SERVER_ERROR, "", "");
            break;
        }

        size += (*last)->buf->last - (*last)->buf->pos;
    }

    wgw_store_end(store);

    if (rv == NGX_OK && rc == WGW_STORE_FAILED) {
        return api_failed(r, rc, &error, refusal);
    }

    return rv;
}


/* A row becomes the page's last one. */

static ngx_int_t
api_row(ngx_http_request_t *r, api_page_t *page, wgw_text_t name,
    wgw_text_t packed, ngx_chain_t **last)
{
    size_t         len;
    wgw_out_t      out;
    ngx_chain_t   *cl;
    wgw_record_t   record;

    static char    json[WGW_RECORD_JSON];

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

    wgw_out_init(&out, json, WGW_RECORD_JSON);
    wgw_record_json(&record, &out);

    len = out.pos - out.start;

    cl = wgw_reply_chain(r->pool, len + 1);     /* and a comma */
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf->last = ngx_cpymem(cl->buf->last, json, len);

    (*last)->next = cl;
    *last = cl;

    return NGX_OK;
}


/* The store, at a snapshot to be ended. */

static wgw_store_t *
api_look(ngx_http_request_t *r, uint64_t *id, api_refusal_t *refusal)
{
    wgw_store_t        *store;
    wgw_store_rc_t      rc;
    wgw_store_error_t   error;

    store = api_store(r->connection->log);

    if (store == NULL) {
        api_refuse(refusal, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                   WGW_NAMES_NO_STORE);
        return NULL;
    }

    rc = wgw_store_begin(store, id, &error);

    if (rc != WGW_STORE_OK) {
        api_failed(r, rc, &error, refusal);
        return NULL;
    }

    return store;
}


static ngx_int_t
api_get(ngx_http_request_t *r, wgw_text_t name)
{
    uint64_t            id;
    ngx_int_t           rv;
    wgw_text_t          packed;
    wgw_store_t        *store;
    wgw_record_t        record;
    api_refusal_t       refusal;
    wgw_store_rc_t      rc;
    wgw_store_error_t   error;

    rv = wgw_reply_discard(r);
    if (rv != NGX_OK) {
        return rv;
    }

    store = api_args(r, NULL, &refusal) == NGX_OK
            ? api_look(r, &id, &refusal) : NULL;

    if (store == NULL) {
        return api_refused(r, &refusal);
    }

    rc = wgw_store_get(store, WGW_ROWS, name, &packed, &error);

    if (rc != WGW_STORE_OK) {
        api_failed(r, rc, &error, &refusal);
        rv = api_refused(r, &refusal);

    } else if (wgw_record_unpack(&record, (uint8_t *) packed.data, packed.len)
               == 0)
    {
        record.name = name;
        rv = api_record(r, NGX_HTTP_OK, &record);

    } else {
        rv = wgw_reply_error(r, NGX_HTTP_INTERNAL_SERVER_ERROR, "",
                             "the record is damaged: put it again");
    }

    wgw_store_end(store);

    return rv;
}


static ngx_int_t
api_delete(ngx_http_request_t *r, wgw_text_t name)
{
    ngx_int_t       rc;
    ngx_uint_t      close;
    api_change_t   *api;
    api_refusal_t   refusal;

    if (api_close(r, &close, &refusal) != NGX_OK) {
        return api_refused(r, &refusal);
    }

    rc = wgw_reply_discard(r);
    if (rc != NGX_OK) {
        return rc;
    }

    api = api_change(r, name);
    if (api == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    api->write.close = close;

    r->main->count++;

    if (api_conditions(r, &api->write, &refusal) != NGX_OK
        || api_post(api, &refusal) != NGX_OK)
    {
        r->main->count--;
        return api_refused(r, &refusal);
    }

    return NGX_DONE;
}


static ngx_int_t
api_close(ngx_http_request_t *r, ngx_uint_t *close, api_refusal_t *refusal)
{
    wgw_arg_t  args[] = { { "close", { NULL, 0 } }, { NULL, { NULL, 0 } } };

    if (api_args(r, args, refusal) != NGX_OK) {
        return NGX_ERROR;
    }

    *close = wgw_text_equal(args[0].value, wgw_text("true"));

    if (*close
        || args[0].value.data == NULL
        || wgw_text_equal(args[0].value, wgw_text("false")))
    {
        return NGX_OK;
    }

    return api_refuse(refusal, NGX_HTTP_BAD_REQUEST, "close",
                      "must be true or false");
}


/* The body is there; the name was checked before it was read. */

static void
api_put(ngx_http_request_t *r, ngx_uint_t status, wgw_text_t body)
{
    char            name[WGW_NAME_MAX];
    wgw_text_t      text;
    api_change_t   *api;
    api_refusal_t   refusal;

    if (status != NGX_HTTP_OK) {
        api_refuse(&refusal, status, "", API_TOO_LARGE);
        ngx_http_finalize_request(r, api_refused(r, &refusal));
        return;
    }

    if (api_name(r, name, &text, &refusal) != NGX_OK) {
        ngx_http_finalize_request(r, api_refused(r, &refusal));
        return;
    }

    api = api_change(r, text);

    if (api == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (api_put_record(r, api, body, &refusal) != NGX_OK) {
        ngx_http_finalize_request(r, api_refused(r, &refusal));
    }
}


/* 1 for what a patch may be sent as: also without a type, or as curl's -d. */

static ngx_uint_t
api_patch_type(ngx_http_request_t *r)
{
    size_t            len;
    ngx_str_t        *type;
    ngx_uint_t        i;

    static const char  *types[] = {
        "application/merge-patch+json", "application/json",
        "application/x-www-form-urlencoded"
    };

    if (r->headers_in.content_type == NULL) {
        return 1;
    }

    type = &r->headers_in.content_type->value;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        len = ngx_strlen(types[i]);

        if (type->len >= len
            && ngx_strncasecmp(type->data, (u_char *) types[i], len) == 0
            && (type->len == len || type->data[len] == ';'
                || type->data[len] == ' '))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
api_patch_refuse(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = wgw_reply_discard(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (wgw_reply_header(r, "Accept-Patch",
                         "application/merge-patch+json, application/json")
        == NULL)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return wgw_reply_error(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                           "Content-Type",
                           "must be \"application/merge-patch+json\"");
}


static ngx_int_t
api_put_record(ngx_http_request_t *r, api_change_t *api, wgw_text_t body,
    api_refusal_t *refusal)
{
    if (r->method & NGX_HTTP_PATCH) {
        api->patch.text = body;
        api->patch.rules = api_rules;
        api->patch.record = &api->record;
        api->patch.storage = api->storage;
        api->patch.write = &api->write;

    } else if (wgw_record_parse(&api->record, body, api->write.name,
                                api_rules, api->storage, NULL,
                                &refusal->record)
               != 0)
    {
        return api_refuse(refusal, NGX_HTTP_BAD_REQUEST,
                          refusal->record.field, refusal->record.message);

    } else {
        api->write.record = &api->record;
    }

    if (api_conditions(r, &api->write, refusal) != NGX_OK) {
        return NGX_ERROR;
    }

    return api_post(api, refusal);
}


static api_change_t *
api_change(ngx_http_request_t *r, wgw_text_t name)
{
    api_change_t  *api;

    api = ngx_palloc(r->pool, sizeof(api_change_t));
    if (api == NULL) {
        return NULL;
    }

    ngx_memzero(&api->change, sizeof(wgw_change_t));
    ngx_memzero(&api->write, sizeof(wgw_rows_write_t));
    ngx_memzero(&api->patch, sizeof(wgw_patch_t));
    ngx_memcpy(api->name, name.data, name.len);

    api->request = r;
    api->write.name.data = api->name;
    api->write.name.len = name.len;

    api->change.key = api->write.name;
    api->change.make = api_make;
    api->change.handler = api_done;
    api->change.data = api;

    return api;
}


static ngx_int_t
api_conditions(ngx_http_request_t *r, wgw_rows_write_t *write,
    api_refusal_t *refusal)
{
    wgw_text_t        value;
    ngx_table_elt_t  *match, *none;

    match = r->headers_in.if_match;
    none = r->headers_in.if_none_match;

    if (none) {
        if (none->value.len != 1 || none->value.data[0] != '*') {
            return api_refuse(refusal, NGX_HTTP_BAD_REQUEST, "If-None-Match",
                              "must be \"*\" for a change");
        }

        write->absent = 1;
    }

    if (match == NULL) {
        return NGX_OK;
    }

    write->match = 1;

    if (match->value.len == 1 && match->value.data[0] == '*') {
        return NGX_OK;
    }

    value.data = (char *) match->value.data;
    value.len = match->value.len;

    /* what does not look like ETags of ours matches no record */

    write->nmatch = wgw_etag_list(value, write->if_match, WGW_ROWS_MATCH);

    if (write->nmatch == 0) {
        return api_refuse(refusal, NGX_HTTP_PRECONDITION_FAILED, "If-Match",
                          "does not match the record");
    }

    return NGX_OK;
}


/*
 * The request waits for the writer, and cannot be freed meanwhile; its
 * count, already taken, is released by the reply.
 */

static ngx_int_t
api_post(api_change_t *api, api_refusal_t *refusal)
{
    ngx_http_request_t  *r;

    r = api->request;

    api->change.store = api_store(r->connection->log);

    if (api->change.store == NULL) {
        return api_refuse(refusal, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                          WGW_NAMES_NO_STORE);
    }

    r->main->blocked++;

    wgw_writer_post(&api->change);

    return NGX_OK;
}


/* In the thread. */

static wgw_store_rc_t
api_make(wgw_txn_t *t, wgw_change_t *change)
{
    api_change_t  *api;

    api = change->data;

    return api->patch.rules ? wgw_patch_write(t, &api->patch)
                            : wgw_rows_write(t, &api->write);
}


static void
api_done(wgw_change_t *change)
{
    api_change_t        *api;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    api = change->data;
    r = api->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    r->main->blocked--;

    /* conditions were tested against the record before the change */

    r->disable_not_modified = 1;

    ngx_http_finalize_request(r, api_changed(api));
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
api_changed(api_change_t *api)
{
    api_refusal_t        refusal;
    wgw_rows_write_t   *write;
    ngx_http_request_t  *r;

    r = api->request;
    write = &api->write;

    if (api->change.rc == WGW_STORE_MISMATCH && api->patch.refused) {
        api_refuse(&refusal, NGX_HTTP_BAD_REQUEST, api->patch.error.field,
                   api->patch.error.message);
        return api_refused(r, &refusal);
    }

    if (api->change.rc != WGW_STORE_OK) {
        api_failed(r, api->change.rc, &api->change.error, &refusal);
        return api_refused(r, &refusal);
    }

    if (write->record == NULL) {
        return wgw_reply_send(r, NGX_HTTP_NO_CONTENT, NULL, NULL);
    }

    api->record.name = write->name;
    api->record.change = write->change;

    return api_record(r, write->existed ? NGX_HTTP_OK : NGX_HTTP_CREATED,
                      &api->record);
}


static ngx_int_t
api_record(ngx_http_request_t *r, ngx_uint_t status, wgw_record_t *record)
{
    u_char           *etag;
    wgw_out_t         out;
    ngx_chain_t      *cl;

    static char       json[WGW_RECORD_JSON + 1];

    wgw_out_init(&out, json, sizeof(json));
    wgw_record_json(record, &out);
    wgw_out_str(&out, "\n");

    cl = wgw_reply_chain(r->pool, out.pos - out.start);
    etag = ngx_pnalloc(r->pool, sizeof("\"\"") + 16);

    if (cl == NULL || etag == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cl->buf->last = ngx_cpymem(cl->buf->last, json, out.pos - out.start);

    ngx_sprintf(etag, "\"%xL\"%Z", record->change);

    r->headers_out.etag = wgw_reply_header(r, "ETag", (char *) etag);

    if (r->headers_out.etag == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

#if (NGX_HTTP_GZIP)

    /* compressing makes an ETag weak, and If-Match holds for strong ones */

    r->gzip_tested = 1;
    r->gzip_ok = 0;

#endif

    return wgw_reply_send(r, status, "application/json", cl);
}


static ngx_int_t
api_failed(ngx_http_request_t *r, wgw_store_rc_t rc, wgw_store_error_t *error,
    api_refusal_t *refusal)
{
    switch (rc) {

    case WGW_STORE_NONE:
        return api_refuse(refusal, NGX_HTTP_NOT_FOUND, "name",
                          "is not known");

    case WGW_STORE_MISMATCH:
        return api_refuse(refusal, NGX_HTTP_PRECONDITION_FAILED, "",
                          "the record is not as the request's condition says");

    case WGW_STORE_FULL:
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0, "names: %s",
                      error->text);

        return api_refuse(refusal, NGX_HTTP_INSUFFICIENT_STORAGE, "",
                          WGW_NAMES_NO_SPACE);

    default:
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "names: %s",
                      error->text);

        return api_refuse(refusal, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                          WGW_NAMES_NO_STORE);
    }
}
