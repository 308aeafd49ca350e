
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "name.h"
#include "names_api.h"
#include "writer.h"


#define API_PAGE_BYTES  (4 * 1024 * 1024)       /* a page ends above it */
#define API_ERROR       512


/* A change on its way to the store and the reply to it. */
typedef struct {
    ngx_http_request_t        *request;
    wgw_change_t               change;
    wgw_record_t               record;
    char                       name[WGW_NAME_MAX];
    char                       storage[WGW_RECORD_JSON];
} api_change_t;


typedef struct {
    wgw_text_t                 after;
    char                       name[WGW_NAME_MAX];      /* of `after` */
    ngx_uint_t                 limit;
} api_page_t;


static ngx_uint_t api_trusted(ngx_http_request_t *r);
static ngx_uint_t api_host(ngx_http_request_t *r, ngx_str_t *host);
static ngx_table_elt_t *api_header(ngx_http_request_t *r, char *name);
static ngx_int_t api_name(ngx_http_request_t *r, ngx_str_t *rest,
    char name[WGW_NAME_MAX], wgw_text_t *text);

static ngx_int_t api_list(ngx_http_request_t *r);
static ngx_int_t api_page(ngx_http_request_t *r, api_page_t *page);
static ngx_int_t api_page_limit(ngx_http_request_t *r, api_page_t *page);
static ngx_int_t api_rows(ngx_http_request_t *r, api_page_t *page,
    ngx_chain_t **last, size_t *size);
static ngx_int_t api_row(ngx_http_request_t *r, wgw_text_t name,
    wgw_text_t packed, ngx_chain_t **last, size_t *size);
static ngx_int_t api_get(ngx_http_request_t *r, wgw_text_t name);

static ngx_int_t api_delete(ngx_http_request_t *r, wgw_text_t name);
static void api_put(ngx_http_request_t *r);
static ngx_int_t api_put_record(ngx_http_request_t *r, api_change_t *api);
static ngx_int_t api_body(ngx_http_request_t *r, wgw_text_t *body);
static api_change_t *api_change(ngx_http_request_t *r, wgw_text_t name);
static ngx_int_t api_conditions(ngx_http_request_t *r,
    wgw_store_write_t *write);
static ngx_int_t api_post(api_change_t *api);
static void api_done(wgw_change_t *change);
static ngx_int_t api_changed(api_change_t *api);

static ngx_int_t api_record(ngx_http_request_t *r, ngx_uint_t status,
    wgw_record_t *record);
static ngx_int_t api_etag(ngx_http_request_t *r, uint64_t change);
static ngx_int_t api_not_allowed(ngx_http_request_t *r, char *methods);
static ngx_int_t api_error(ngx_http_request_t *r, ngx_uint_t status,
    const char *field, const char *message);
static ngx_int_t api_failed(ngx_http_request_t *r, wgw_store_rc_t rc,
    wgw_store_error_t *error);
static ngx_int_t api_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_chain_t *out, size_t size);
static ngx_chain_t *api_chain(ngx_http_request_t *r, size_t size);


static wgw_names_api_store_pt     api_store;
static const wgw_record_rules_t  *api_rules;


void
wgw_names_api_init(wgw_names_api_store_pt store,
    const wgw_record_rules_t *rules)
{
    api_store = store;
    api_rules = rules;
}


ngx_int_t
wgw_names_api_handler(ngx_http_request_t *r)
{
    char        name[WGW_NAME_MAX];
    ngx_int_t   rc;
    ngx_str_t   rest;
    wgw_text_t  text;

    if (!api_trusted(r)) {
        return api_error(r, NGX_HTTP_FORBIDDEN, "",
                         "this Host or Origin may not use the API: use a "
                         "loopback address, \"localhost\" or a server_name");
    }

    rc = api_name(r, &rest, name, &text);
    if (rc != NGX_OK) {
        return rc;
    }

    if (rest.len == 0) {
        if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
            return api_list(r);
        }

        return api_not_allowed(r, "GET, HEAD");
    }

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return api_get(r, text);
    }

    if (r->args.len) {
        return api_error(r, NGX_HTTP_BAD_REQUEST, "",
                         "a change takes no arguments");
    }

    if (r->method & NGX_HTTP_DELETE) {
        return api_delete(r, text);
    }

    if (r->method & NGX_HTTP_PUT) {

        if (r->headers_in.content_length_n > WGW_RECORD_JSON) {
            return api_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, "",
                             "a record has at most 65536 bytes");
        }

        rc = ngx_http_read_client_request_body(r, api_put);

        return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
    }

    return api_not_allowed(r, "GET, HEAD, PUT, DELETE");
}


/* Against pages of other sites in a browser here, and DNS rebinding. */

static ngx_uint_t
api_trusted(ngx_http_request_t *r)
{
    ngx_str_t         *value, host;
    ngx_table_elt_t   *origin;

    host = r->headers_in.server;

    if (host.len && !api_host(r, &host)) {
        return 0;
    }

    origin = api_header(r, "origin");

    if (origin == NULL) {
        return 1;
    }

    if (r->headers_in.host == NULL) {
        return 0;
    }

    /* the same origin, by either scheme */

    value = &origin->value;
    host = r->headers_in.host->value;

    if (value->len <= host.len + sizeof("://") - 1) {
        return 0;
    }

    return ngx_strncasecmp(value->data + value->len - host.len, host.data,
                           host.len) == 0
           && ((value->len - host.len == sizeof("http://") - 1
                && ngx_strncmp(value->data, "http://", 7) == 0)
               || (value->len - host.len == sizeof("https://") - 1
                   && ngx_strncmp(value->data, "https://", 8) == 0));
}


static ngx_uint_t
api_host(ngx_http_request_t *r, ngx_str_t *host)
{
    ngx_uint_t                 i;
    wgw_addr_t                 addr;
    wgw_text_t                 text;
    ngx_http_server_name_t    *name;
    ngx_http_core_srv_conf_t  *cscf;

    static const wgw_addr_t    loopback = { .family = 6, .addr = { [15] = 1 } };

    if (host->len == sizeof("localhost") - 1
        && ngx_strncmp(host->data, "localhost", host->len) == 0)
    {
        return 1;
    }

    text.data = (char *) host->data;
    text.len = host->len;

    if (text.len > 2 && text.data[0] == '[') {
        text.data++;
        text.len -= 2;
    }

    if (wgw_addr_parse(&addr, text) == 0
        && ((addr.family == 4 && addr.addr[0] == 127)
            || wgw_addr_equal(&addr, &loopback)))
    {
        return 1;
    }

    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    name = cscf->server_names.elts;

    for (i = 0; i < cscf->server_names.nelts; i++) {
        if (name[i].name.len == host->len
            && ngx_strncasecmp(name[i].name.data, host->data, host->len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_table_elt_t *
api_header(ngx_http_request_t *r, char *name)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    len = ngx_strlen(name);

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (header[i].key.len == len
                && ngx_strncmp(header[i].lowcase_key, name, len) == 0)
            {
                return &header[i];
            }
        }
    }

    return NULL;
}


/* What follows the location's prefix: empty, or a name in canonical form. */

static ngx_int_t
api_name(ngx_http_request_t *r, ngx_str_t *rest, char name[WGW_NAME_MAX],
    wgw_text_t *text)
{
    const char                *error;
    wgw_text_t                 part;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    rest->data = r->uri.data + ngx_min(clcf->name.len, r->uri.len);
    rest->len = r->uri.data + r->uri.len - rest->data;

    if (rest->len && rest->data[0] == '/') {
        rest->data++;
        rest->len--;

    } else if (rest->len && clcf->name.len
               && clcf->name.data[clcf->name.len - 1] != '/')
    {
        return api_error(r, NGX_HTTP_NOT_FOUND, "", "no such resource");
    }

    if (rest->len == 0) {
        return NGX_OK;
    }

    part.data = (char *) rest->data;
    part.len = rest->len;

    text->data = name;
    text->len = wgw_name_parse(name, part, api_rules->domain, &error);

    if (text->len == 0) {
        return api_error(r, NGX_HTTP_BAD_REQUEST, "name", error);
    }

    return NGX_OK;
}


static ngx_int_t
api_list(ngx_http_request_t *r)
{
    size_t        size;
    ngx_int_t     rc;
    api_page_t    page;
    wgw_out_t     out;
    ngx_chain_t  *first, *last;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = api_page(r, &page);
    if (rc != NGX_OK) {
        return rc;
    }

    first = api_chain(r, sizeof("{\"names\":["));
    if (first == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    first->buf->last = ngx_cpymem(first->buf->last, "{\"names\":[",
                                  sizeof("{\"names\":[") - 1);

    last = first;
    size = first->buf->last - first->buf->pos;

    rc = api_rows(r, &page, &last, &size);
    if (rc != NGX_OK) {
        return rc;
    }

    last->next = api_chain(r, WGW_NAME_MAX + 32);
    if (last->next == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    last = last->next;

    wgw_out_init(&out, last->buf->pos, WGW_NAME_MAX + 32);
    wgw_out_str(&out, "],\"next\":");

    if (page.after.len) {
        wgw_out_json(&out, page.after);

    } else {
        wgw_out_str(&out, "null");
    }

    wgw_out_str(&out, "}\n");

    last->buf->last = (u_char *) out.pos;
    size += out.pos - out.start;

    return api_send(r, NGX_HTTP_OK, first, size);
}


static ngx_int_t
api_page(ngx_http_request_t *r, api_page_t *page)
{
    u_char      *dst, *src;
    ngx_str_t    value;
    const char  *error;
    wgw_text_t   text;

    page->after.len = 0;
    page->after.data = page->name;
    page->limit = WGW_NAMES_API_LIMIT;

    if (ngx_http_arg(r, (u_char *) "after", 5, &value) == NGX_OK
        && value.len)
    {
        dst = ngx_pnalloc(r->pool, value.len);
        if (dst == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        text.data = (char *) dst;
        src = value.data;

        ngx_unescape_uri(&dst, &src, value.len, 0);

        text.len = dst - (u_char *) text.data;

        page->after.len = wgw_name_parse(page->name, text, api_rules->domain,
                                         &error);
        if (page->after.len == 0) {
            return api_error(r, NGX_HTTP_BAD_REQUEST, "after", error);
        }
    }

    return api_page_limit(r, page);
}


static ngx_int_t
api_page_limit(ngx_http_request_t *r, api_page_t *page)
{
    uint64_t    limit;
    ngx_str_t   value;
    wgw_text_t  text;

    if (ngx_http_arg(r, (u_char *) "limit", 5, &value) != NGX_OK) {
        return NGX_OK;
    }

    text.data = (char *) value.data;
    text.len = value.len;

    if (wgw_text_uint(text, WGW_NAMES_API_LIMIT_MAX, &limit) != 0
        || limit == 0)
    {
        return api_error(r, NGX_HTTP_BAD_REQUEST, "limit",
                         "must be a number from 1 to 1000");
    }

    page->limit = limit;

    return NGX_OK;
}


/* page->after becomes the name to go on from, or empty at the end. */

static ngx_int_t
api_rows(ngx_http_request_t *r, api_page_t *page, ngx_chain_t **last,
    size_t *size)
{
    size_t              len;
    uint64_t            id;
    ngx_int_t           rv;
    ngx_uint_t          n;
    wgw_text_t          packed, name;
    wgw_store_t        *store;
    wgw_store_rc_t      rc;
    wgw_store_error_t   error;

    store = api_store(r->connection->log);

    if (store == NULL) {
        return api_error(r, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                         "the store is not available");
    }

    rc = wgw_store_begin(store, &id, &error);
    if (rc != WGW_STORE_OK) {
        return api_failed(r, rc, &error);
    }

    rv = NGX_OK;

    for (n = 0; /* void */ ; n++) {
        char  found[WGW_NAME_MAX];

        rc = wgw_store_next(store, page->after, found, &len, &packed, &error);

        if (rc != WGW_STORE_OK) {
            page->after.len = 0;
            break;
        }

        if (n == page->limit || *size > API_PAGE_BYTES) {
            break;
        }

        name.data = page->name;
        name.len = len;

        ngx_memcpy(page->name, found, len);
        page->after.len = len;

        if (n) {
            *(*last)->buf->last++ = ',';
            (*size)++;
        }

        rv = api_row(r, name, packed, last, size);
        if (rv != NGX_OK) {
            break;
        }
    }

    wgw_store_end(store);

    if (rv == NGX_OK && rc == WGW_STORE_FAILED) {
        return api_failed(r, rc, &error);
    }

    return rv;
}


static ngx_int_t
api_row(ngx_http_request_t *r, wgw_text_t name, wgw_text_t packed,
    ngx_chain_t **last, size_t *size)
{
    size_t         len;
    wgw_out_t      out;
    ngx_chain_t   *cl;
    wgw_record_t   record;

    static char    json[WGW_RECORD_JSON];

    if (wgw_record_unpack(&record, (uint8_t *) packed.data, packed.len)
        != 0)
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "names: the record of \"%*s\" is damaged", name.len,
                      name.data);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    record.name = name;

    wgw_out_init(&out, json, WGW_RECORD_JSON);
    wgw_record_json(&record, &out);

    len = out.pos - out.start;

    cl = api_chain(r, len + 1);         /* and a comma */
    if (cl == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cl->buf->last = ngx_cpymem(cl->buf->last, json, len);

    (*last)->next = cl;
    *last = cl;
    *size += len;

    return NGX_OK;
}


static ngx_int_t
api_get(ngx_http_request_t *r, wgw_text_t name)
{
    uint64_t            id;
    ngx_int_t           rv;
    wgw_text_t          packed;
    wgw_store_t        *store;
    wgw_record_t        record;
    wgw_store_rc_t      rc;
    wgw_store_error_t   error;

    rv = ngx_http_discard_request_body(r);
    if (rv != NGX_OK) {
        return rv;
    }

    store = api_store(r->connection->log);

    if (store == NULL) {
        return api_error(r, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                         "the store is not available");
    }

    rc = wgw_store_begin(store, &id, &error);
    if (rc != WGW_STORE_OK) {
        return api_failed(r, rc, &error);
    }

    rc = wgw_store_get(store, name, &packed, &error);

    if (rc == WGW_STORE_OK) {

        if (wgw_record_unpack(&record, (uint8_t *) packed.data, packed.len)
            == 0)
        {
            record.name = name;
            rv = api_record(r, NGX_HTTP_OK, &record);

        } else {
            rv = api_error(r, NGX_HTTP_INTERNAL_SERVER_ERROR, "",
                           "the record is damaged: put it again");
        }

    } else {
        rv = api_failed(r, rc, &error);
    }

    wgw_store_end(store);

    return rv;
}


static ngx_int_t
api_delete(ngx_http_request_t *r, wgw_text_t name)
{
    ngx_int_t      rc;
    api_change_t  *api;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    api = api_change(r, name);
    if (api == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = api_conditions(r, &api->change.write);
    if (rc != NGX_OK) {
        return rc;
    }

    r->main->count++;

    rc = api_post(api);

    if (rc != NGX_DONE) {
        r->main->count--;
    }

    return rc;
}


/* The body is there; the name was checked before it was read. */

static void
api_put(ngx_http_request_t *r)
{
    char           name[WGW_NAME_MAX];
    ngx_int_t      rc;
    ngx_str_t      rest;
    wgw_text_t     text;
    api_change_t  *api;

    rc = api_name(r, &rest, name, &text);

    if (rc == NGX_OK) {
        api = api_change(r, text);
        rc = api ? api_put_record(r, api) : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
    }
}


static ngx_int_t
api_put_record(ngx_http_request_t *r, api_change_t *api)
{
    ngx_int_t            rc;
    wgw_text_t           body;
    wgw_record_error_t   error;

    rc = api_body(r, &body);
    if (rc != NGX_OK) {
        return rc;
    }

    if (wgw_record_parse(&api->record, body, api->change.write.name,
                         api_rules, api->storage, NULL, &error)
        != 0)
    {
        return api_error(r, NGX_HTTP_BAD_REQUEST, error.field, error.message);
    }

    api->change.write.record = &api->record;

    rc = api_conditions(r, &api->change.write);
    if (rc != NGX_OK) {
        return rc;
    }

    return api_post(api);
}


/* nginx may have put a part of the body, or all, into a temporary file. */

static ngx_int_t
api_body(ngx_http_request_t *r, wgw_text_t *body)
{
    u_char       *p;
    size_t        size, len;
    ngx_buf_t    *buf;
    ngx_chain_t  *cl;

    p = ngx_palloc(r->pool, WGW_RECORD_JSON);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    size = 0;

    for (cl = r->request_body ? r->request_body->bufs : NULL;
         cl;
         cl = cl->next)
    {
        buf = cl->buf;
        len = (size_t) ngx_buf_size(buf);

        if (len > WGW_RECORD_JSON - size) {
            return api_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, "",
                             "a record has at most 65536 bytes");
        }

        if (ngx_buf_in_memory(buf)) {
            ngx_memcpy(p + size, buf->pos, len);

        } else if (len
                   && ngx_read_file(buf->file, p + size, len, buf->file_pos)
                      != (ssize_t) len)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        size += len;
    }

    body->data = (char *) p;
    body->len = size;

    return NGX_OK;
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
    ngx_memcpy(api->name, name.data, name.len);

    api->request = r;
    api->change.data = api;
    api->change.handler = api_done;
    api->change.write.name.data = api->name;
    api->change.write.name.len = name.len;

    return api;
}


static ngx_int_t
api_conditions(ngx_http_request_t *r, wgw_store_write_t *write)
{
    u_char           *p, *last;
    ngx_table_elt_t  *match, *none;

    match = r->headers_in.if_match;
    none = r->headers_in.if_none_match;

    if (none) {
        if (none->value.len != 1 || none->value.data[0] != '*') {
            return api_error(r, NGX_HTTP_BAD_REQUEST, "If-None-Match",
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

    /* what does not look like an ETag of ours matches no record */

    p = match->value.data;
    last = p + match->value.len;

    if (last - p < 3 || last - p > 18 || *p != '"' || last[-1] != '"') {
        return api_error(r, NGX_HTTP_PRECONDITION_FAILED, "If-Match",
                         "does not match the record");
    }

    write->if_match = (uint64_t) ngx_hextoi(p + 1, last - p - 2);

    if (write->if_match == (uint64_t) NGX_ERROR || write->if_match == 0) {
        return api_error(r, NGX_HTTP_PRECONDITION_FAILED, "If-Match",
                         "does not match the record");
    }

    return NGX_OK;
}


/*
 * The request waits for the writer, and cannot be freed meanwhile; its
 * count, already taken, is released by the reply.
 */

static ngx_int_t
api_post(api_change_t *api)
{
    wgw_store_t         *store;
    ngx_http_request_t  *r;

    r = api->request;

    store = api_store(r->connection->log);

    if (store == NULL) {
        return api_error(r, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                         "the store is not available");
    }

    r->main->blocked++;

    wgw_writer_post(store, &api->change);

    return NGX_DONE;
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

    ngx_http_finalize_request(r, api_changed(api));
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
api_changed(api_change_t *api)
{
    wgw_store_write_t   *write;
    ngx_http_request_t  *r;

    r = api->request;
    write = &api->change.write;

    if (write->rc != WGW_STORE_OK) {
        return api_failed(r, write->rc, &api->change.error);
    }

    if (write->record == NULL) {
        return api_send(r, NGX_HTTP_NO_CONTENT, NULL, 0);
    }

    api->record.name = write->name;
    api->record.change = write->change;

    return api_record(r, write->existed ? NGX_HTTP_OK : NGX_HTTP_CREATED,
                      &api->record);
}


static ngx_int_t
api_record(ngx_http_request_t *r, ngx_uint_t status, wgw_record_t *record)
{
    wgw_out_t     out;
    ngx_chain_t  *cl;

    static char   json[WGW_RECORD_JSON + 1];

    wgw_out_init(&out, json, sizeof(json));
    wgw_record_json(record, &out);
    wgw_out_str(&out, "\n");

    cl = api_chain(r, out.pos - out.start);
    if (cl == NULL || api_etag(r, record->change) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cl->buf->last = ngx_cpymem(cl->buf->last, json, out.pos - out.start);

    return api_send(r, status, cl, out.pos - out.start);
}


static ngx_int_t
api_etag(ngx_http_request_t *r, uint64_t change)
{
    ngx_table_elt_t  *etag;

    etag = ngx_list_push(&r->headers_out.headers);
    if (etag == NULL) {
        return NGX_ERROR;
    }

    etag->hash = 1;
#if (nginx_version >= 1023000)
    etag->next = NULL;
#endif
    ngx_str_set(&etag->key, "ETag");

    etag->value.data = ngx_pnalloc(r->pool, sizeof("\"\"") - 1 + 16);
    if (etag->value.data == NULL) {
        etag->hash = 0;
        return NGX_ERROR;
    }

    etag->value.len = ngx_sprintf(etag->value.data, "\"%xL\"", change)
                      - etag->value.data;

    r->headers_out.etag = etag;

    return NGX_OK;
}


static ngx_int_t
api_not_allowed(ngx_http_request_t *r, char *methods)
{
    ngx_table_elt_t  *allow;

    allow = ngx_list_push(&r->headers_out.headers);
    if (allow == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    allow->hash = 1;
#if (nginx_version >= 1023000)
    allow->next = NULL;
#endif
    ngx_str_set(&allow->key, "Allow");
    allow->value.data = (u_char *) methods;
    allow->value.len = ngx_strlen(methods);

    return api_error(r, NGX_HTTP_NOT_ALLOWED, "", "method is not allowed");
}


static ngx_int_t
api_error(ngx_http_request_t *r, ngx_uint_t status, const char *field,
    const char *message)
{
    ngx_int_t     rc;
    wgw_out_t     out;
    wgw_text_t    text;
    ngx_chain_t  *cl;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    cl = api_chain(r, API_ERROR);
    if (cl == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wgw_out_init(&out, cl->buf->pos, API_ERROR);

    text.data = message;
    text.len = ngx_strlen(message);

    wgw_out_str(&out, "{\"error\":");
    wgw_out_json(&out, text);

    if (*field) {
        text.data = field;
        text.len = ngx_strlen(field);

        wgw_out_str(&out, ",\"field\":");
        wgw_out_json(&out, text);
    }

    wgw_out_str(&out, "}\n");

    cl->buf->last = (u_char *) out.pos;

    return api_send(r, status, cl, out.pos - out.start);
}


static ngx_int_t
api_failed(ngx_http_request_t *r, wgw_store_rc_t rc, wgw_store_error_t *error)
{
    switch (rc) {

    case WGW_STORE_NONE:
        return api_error(r, NGX_HTTP_NOT_FOUND, "name", "is not known");

    case WGW_STORE_MISMATCH:
        return api_error(r, NGX_HTTP_PRECONDITION_FAILED, "",
                         "the record is not as the request's condition says");

    case WGW_STORE_FULL:
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0, "names: %s",
                      error->text);
        return api_error(r, NGX_HTTP_INSUFFICIENT_STORAGE, "",
                         "there is no space left: nothing was changed");

    default:
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "names: %s",
                      error->text);
        return api_error(r, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                         "the store is not available: nothing was changed");
    }
}


static ngx_int_t
api_send(ngx_http_request_t *r, ngx_uint_t status, ngx_chain_t *out,
    size_t size)
{
    ngx_int_t     rc;
    ngx_chain_t  *cl;

    /* conditions of a change were tested against the record before it */

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        r->disable_not_modified = 1;
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = size;

    if (size) {
        ngx_str_set(&r->headers_out.content_type, "application/json");
        r->headers_out.content_type_len = r->headers_out.content_type.len;

    } else {
        r->header_only = 1;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    for (cl = out; cl->next; cl = cl->next) { /* void */ }

    cl->buf->last_buf = (r == r->main) ? 1 : 0;
    cl->buf->last_in_chain = 1;

    return ngx_http_output_filter(r, out);
}


static ngx_chain_t *
api_chain(ngx_http_request_t *r, size_t size)
{
    ngx_chain_t  *cl;

    cl = ngx_alloc_chain_link(r->pool);
    if (cl == NULL) {
        return NULL;
    }

    cl->buf = ngx_create_temp_buf(r->pool, size);
    cl->next = NULL;

    return cl->buf ? cl : NULL;
}
