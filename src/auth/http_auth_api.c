
/*
 * Management, where an administrator puts `wgw_auth_api`:
 *
 *     GET     tokens?after=CURSOR&limit=N    {"tokens":[...],"next":CURSOR}
 *     DELETE  tokens/ID                      revokes a key
 *     GET     addresses?after=A&limit=N      {"addresses":[...],"next":A}
 *     DELETE  addresses/ADDRESS              revokes all keys of an address
 *     GET     metrics                        in Prometheus' text format
 *
 * below the location's prefix, and for those whom request.h trusts.
 */


#include "auth/auth_module.h"
#include "format/base64url.h"
#include "core/args.h"
#include "core/reply.h"
#include "core/request.h"


#define API_LIMIT      100
#define API_LIMIT_MAX  1000
#define API_TOKEN      512              /* bytes of one in JSON, at most */
#define API_ADDRESS    96
#define API_WALK       256              /* tokens of one step */
#define API_SORT       1000000          /* tokens that are sorted at most */
#define API_METRIC     128


typedef uint8_t  api_address_t[WGW_EIP55_BYTES];


static ngx_int_t api_token(ngx_http_request_t *r, wgw_text_t id);
static ngx_int_t api_address(ngx_http_request_t *r, wgw_text_t text);
static ngx_int_t api_untold(ngx_http_request_t *r);
static ngx_int_t api_revoked(ngx_http_request_t *r, wgw_tokens_rc_t rc);
static ngx_int_t api_list(ngx_http_request_t *r, wgw_text_t what);
static ngx_int_t api_page(ngx_http_request_t *r, ngx_uint_t *limit,
    wgw_text_t *after, wgw_args_error_t *error);
static ngx_int_t api_tokens(ngx_http_request_t *r, ngx_uint_t limit,
    wgw_text_t after);
static void api_print_token(wgw_out_t *out, wgw_token_t *token);
static void api_print_services(wgw_out_t *out, wgw_token_t *token);
static ngx_int_t api_addresses(ngx_http_request_t *r, ngx_uint_t limit,
    wgw_text_t after);
static void api_print_addresses(wgw_out_t *out, api_address_t *list,
    size_t n, api_address_t after, ngx_uint_t limit);
static api_address_t *api_sorted(ngx_http_request_t *r, size_t *n);
static int api_compare(const void *one, const void *two);
static ngx_int_t api_metrics(ngx_http_request_t *r);


ngx_int_t
ngx_http_wgw_auth_api_handler(ngx_http_request_t *r)
{
    size_t                     len;
    ngx_int_t                  rc;
    wgw_text_t                 rest, what, which;
    wgw_args_error_t           error;
    ngx_http_wgw_auth_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_auth_module);

    if (!wgw_request_trusted(r, conf->api_hosts)) {
        return wgw_request_distrust(r);
    }

    rc = wgw_reply_discard(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (wgw_request_rest(r, &rest) != NGX_OK) {
        rest.len = 0;
    }

    for (len = 0; len < rest.len && rest.data[len] != '/'; len++) {
        /* void */
    }

    what.data = rest.data;
    what.len = len;

    which.data = rest.data + len + (len < rest.len);
    which.len = rest.len - len - (len < rest.len);

    if (which.len == 0) {
        return api_list(r, what);
    }

    if (r->method != NGX_HTTP_DELETE) {
        return wgw_reply_not_allowed(r, "DELETE");
    }

    rc = wgw_args_read(r, NULL, &error);

    if (rc != NGX_OK) {
        return wgw_args_refused(r, rc, &error);
    }

    if (wgw_text_equal(what, wgw_text("tokens"))) {
        return api_token(r, which);
    }

    if (wgw_text_equal(what, wgw_text("addresses"))) {
        return api_address(r, which);
    }

    return wgw_reply_error(r, NGX_HTTP_NOT_FOUND, "", "no such resource");
}


/*
 * One that is not in the list is revoked as well: the table may have been
 * lost, and the key be known from a log.
 */

static ngx_int_t
api_token(ngx_http_request_t *r, wgw_text_t id)
{
    size_t            len;
    int64_t           now, until;
    uint8_t           bytes[WGW_TOKENS_ID];
    wgw_tokens_rc_t   rc;
    wgw_elsewhere_t  *elsewhere;

    if (id.len != WGW_JWT_ID
        || wgw_base64url_decode(bytes, &len, id) != 0)
    {
        return wgw_reply_error(r, NGX_HTTP_NOT_FOUND, "token",
                               "is not the id of a key");
    }

    now = ngx_wgw_auth_now();
    until = now + ngx_wgw_auth_ttl();

    rc = wgw_tokens_revoke(ngx_wgw_auth_tokens(), bytes, until, now);

    elsewhere = ngx_wgw_auth_elsewhere();

    if (rc == WGW_TOKENS_OK && elsewhere
        && wgw_elsewhere_token(elsewhere, bytes, until) != NGX_OK)
    {
        return api_untold(r);
    }

    return api_revoked(r, rc);
}


static ngx_int_t
api_address(ngx_http_request_t *r, wgw_text_t text)
{
    int64_t           now, until;
    uint8_t           address[WGW_EIP55_BYTES];
    const char       *error;
    wgw_tokens_rc_t   rc;
    wgw_elsewhere_t  *elsewhere;

    error = wgw_allowlist_address(address, text);

    if (error) {
        return wgw_reply_error(r, NGX_HTTP_NOT_FOUND, "address", error);
    }

    now = ngx_wgw_auth_now();

    until = now + ngx_wgw_auth_ttl();

    rc = wgw_tokens_revoke_address(ngx_wgw_auth_tokens(), address, until,
                                   now);

    elsewhere = ngx_wgw_auth_elsewhere();

    if (rc == WGW_TOKENS_OK && elsewhere
        && wgw_elsewhere_address(elsewhere, address, now, until) != NGX_OK)
    {
        return api_untold(r);
    }

    return api_revoked(r, rc);
}


static ngx_int_t
api_untold(ngx_http_request_t *r)
{
    return wgw_reply_error(r, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                           "revoked here, other machines cannot be told now: "
                           "try again");
}


static ngx_int_t
api_revoked(ngx_http_request_t *r, wgw_tokens_rc_t rc)
{
    if (rc == WGW_TOKENS_LOST) {
        return wgw_reply_error(r, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                               "wgw_auth_zone was damaged: no key is good "
                               "until a start with another file");
    }

    if (rc != WGW_TOKENS_OK) {
        return wgw_reply_error(r, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                               "there is no room in wgw_auth_zone: nothing "
                               "was revoked");
    }

    return wgw_reply_send(r, NGX_HTTP_NO_CONTENT, "", NULL);
}


static ngx_int_t
api_list(ngx_http_request_t *r, wgw_text_t what)
{
    ngx_int_t         rc;
    ngx_uint_t        limit, tokens;
    wgw_text_t        after;
    wgw_args_error_t  error;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return wgw_reply_not_allowed(r, "GET, HEAD");
    }

    if (wgw_text_equal(what, wgw_text("metrics"))) {
        rc = wgw_args_read(r, NULL, &error);

        return rc == NGX_OK ? api_metrics(r)
                            : wgw_args_refused(r, rc, &error);
    }

    tokens = wgw_text_equal(what, wgw_text("tokens"));

    if (!tokens && !wgw_text_equal(what, wgw_text("addresses"))) {
        return wgw_reply_error(r, NGX_HTTP_NOT_FOUND, "", "no such resource");
    }

    rc = api_page(r, &limit, &after, &error);

    if (rc != NGX_OK) {
        return wgw_args_refused(r, rc, &error);
    }

    return tokens ? api_tokens(r, limit, after)
                  : api_addresses(r, limit, after);
}


static ngx_int_t
api_page(ngx_http_request_t *r, ngx_uint_t *limit, wgw_text_t *after,
    wgw_args_error_t *error)
{
    uint64_t          n;
    ngx_int_t         rc;
    wgw_arg_t         args[] = { { "limit", { NULL, 0 } },
                                 { "after", { NULL, 0 } },
                                 { NULL, { NULL, 0 } } };

    rc = wgw_args_read(r, args, error);

    if (rc != NGX_OK) {
        return rc;
    }

    n = API_LIMIT;

    if (args[0].value.data
        && (wgw_text_uint(args[0].value, API_LIMIT_MAX, &n) != 0 || n == 0))
    {
        error->field = "limit";
        error->message = "must be a number from 1 to 1000";
        return NGX_DECLINED;
    }

    *limit = n;
    *after = args[1].value;

    return NGX_OK;
}


static ngx_int_t
api_tokens(ngx_http_request_t *r, ngx_uint_t limit, wgw_text_t after)
{
    size_t        size;
    uint32_t      i, n;
    uint64_t      cursor;
    wgw_out_t     out;
    ngx_chain_t  *cl;
    wgw_token_t  *tokens;

    cursor = 0;

    if (after.data && wgw_text_uint(after, UINT64_MAX - 1, &cursor) != 0) {
        return wgw_reply_error(r, NGX_HTTP_BAD_REQUEST, "after",
                               "must be the \"next\" of a page");
    }

    tokens = ngx_palloc(r->pool, limit * sizeof(wgw_token_t));
    if (tokens == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    n = wgw_tokens_list(ngx_wgw_auth_tokens(), tokens, (uint32_t) limit,
                        &cursor, ngx_wgw_auth_now());

    size = n * API_TOKEN + 64;

    cl = wgw_reply_chain(r->pool, size);
    if (cl == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wgw_out_init(&out, cl->buf->pos, size);
    wgw_out_str(&out, "{\"tokens\":[");

    for (i = 0; i < n; i++) {
        wgw_out_str(&out, i ? "," : "");
        api_print_token(&out, &tokens[i]);
    }

    wgw_out_str(&out, "],\"next\":");

    if (cursor == WGW_TOKENS_END) {
        wgw_out_str(&out, "null");

    } else {
        wgw_out_uint(&out, cursor);
    }

    wgw_out_str(&out, "}\n");

    cl->buf->last = (u_char *) out.pos;

    return wgw_reply_send(r, NGX_HTTP_OK, "application/json", cl);
}


static void
api_print_token(wgw_out_t *out, wgw_token_t *token)
{
    char  address[WGW_EIP55_LEN];

    wgw_eip55_print(address, token->address);

    wgw_out_str(out, "{\"id\":\"");
    wgw_base64url_encode(out, token->id, WGW_TOKENS_ID);
    wgw_out_str(out, "\",\"address\":\"");
    wgw_out_bytes(out, address, WGW_EIP55_LEN);
    wgw_out_str(out, "\",\"services\":[");
    api_print_services(out, token);
    wgw_out_str(out, "],\"iat\":");
    wgw_out_uint(out, (uint64_t) token->iat);
    wgw_out_str(out, ",\"exp\":");
    wgw_out_uint(out, (uint64_t) token->exp);

    if (token->uses != WGW_TOKENS_UNLIMITED) {
        wgw_out_str(out, ",\"uses\":");
        wgw_out_uint(out, token->uses);
    }

    wgw_out_str(out, "}");
}


/* They are stored with commas between them. */

static void
api_print_services(wgw_out_t *out, wgw_token_t *token)
{
    size_t      start, end;
    wgw_text_t  service;

    for (start = 0; start < token->services_len; start = end + 1) {

        for (end = start; end < token->services_len; end++) {
            if (token->services[end] == ',') {
                break;
            }
        }

        service.data = token->services + start;
        service.len = end - start;

        wgw_out_str(out, start ? "," : "");
        wgw_out_json(out, service);
    }
}


static ngx_int_t
api_addresses(ngx_http_request_t *r, ngx_uint_t limit, wgw_text_t after)
{
    size_t          n, size;
    wgw_out_t       out;
    ngx_chain_t    *cl;
    api_address_t  *list, from;

    ngx_memzero(from, sizeof(from));

    if (after.data && wgw_allowlist_address(from, after) != NULL) {
        return wgw_reply_error(r, NGX_HTTP_BAD_REQUEST, "after",
                               "must be the \"next\" of a page");
    }

    list = api_sorted(r, &n);
    size = limit * API_ADDRESS + 128;

    cl = wgw_reply_chain(r->pool, size);

    if (list == NULL || cl == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wgw_out_init(&out, cl->buf->pos, size);
    api_print_addresses(&out, list, n, from, limit);

    cl->buf->last = (u_char *) out.pos;

    return wgw_reply_send(r, NGX_HTTP_OK, "application/json", cl);
}


/* Those after one, each with how often it is in the list. */

static void
api_print_addresses(wgw_out_t *out, api_address_t *list, size_t n,
    api_address_t after, ngx_uint_t limit)
{
    char        text[WGW_EIP55_LEN];
    size_t      i, j;
    ngx_uint_t  printed;

    wgw_out_str(out, "{\"addresses\":[");

    printed = 0;

    for (i = 0; i < n && printed < limit; i = j) {

        for (j = i + 1; j < n && api_compare(list[i], list[j]) == 0; j++) {
            /* void */
        }

        if (api_compare(list[i], after) <= 0) {
            continue;
        }

        wgw_eip55_print(text, list[i]);

        wgw_out_str(out, printed++ ? ",{\"address\":\"" : "{\"address\":\"");
        wgw_out_bytes(out, text, WGW_EIP55_LEN);
        wgw_out_str(out, "\",\"tokens\":");
        wgw_out_uint(out, j - i);
        wgw_out_str(out, "}");
    }

    wgw_out_str(out, "],\"next\":");

    if (i < n) {
        wgw_out_str(out, "\"");
        wgw_out_bytes(out, text, WGW_EIP55_LEN);
        wgw_out_str(out, "\"");

    } else {
        wgw_out_str(out, "null");
    }

    wgw_out_str(out, "}\n");
}


/* The addresses of all tokens, in order, repeated. */

static api_address_t *
api_sorted(ngx_http_request_t *r, size_t *n)
{
    size_t           max;
    int64_t          now;
    uint32_t         i, got;
    uint64_t         cursor;
    wgw_token_t     *tokens;
    api_address_t   *list;
    wgw_expiring_t  *table;

    *n = 0;
    cursor = 0;

    now = ngx_wgw_auth_now();
    table = ngx_wgw_auth_tokens();

    max = ngx_min(wgw_tokens_live(table, now) + API_WALK, API_SORT);

    list = ngx_palloc(r->pool, max * sizeof(api_address_t));
    tokens = ngx_palloc(r->pool, API_WALK * sizeof(wgw_token_t));

    if (list == NULL || tokens == NULL) {
        return NULL;
    }

    while (cursor != WGW_TOKENS_END && *n < max) {
        got = wgw_tokens_list(table, tokens,
                              (uint32_t) ngx_min(API_WALK, max - *n),
                              &cursor, now);

        for (i = 0; i < got; i++) {
            ngx_memcpy(list[(*n)++], tokens[i].address, WGW_EIP55_BYTES);
        }
    }

    qsort(list, *n, sizeof(api_address_t), api_compare);

    return list;
}


static int
api_compare(const void *one, const void *two)
{
    return ngx_memcmp(one, two, WGW_EIP55_BYTES);
}


static ngx_int_t
api_metrics(ngx_http_request_t *r)
{
    size_t                        size;
    wgw_out_t                     out;
    ngx_uint_t                    i, part;
    ngx_chain_t                  *cl;
    const ngx_wgw_auth_reason_t  *reason;

    static const char  *names[] = {
        "wgw_auth_signins_total", "wgw_auth_refused_total"
    };

    reason = ngx_wgw_auth_reasons;

    for (i = 0; reason[i].word; i++) {
        /* void */
    }

    size = (i + 8) * API_METRIC;

    cl = wgw_reply_chain(r->pool, size);
    if (cl == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wgw_out_init(&out, cl->buf->pos, size);

    for (part = 0; part < 2; part++) {
        wgw_out_str(&out, "# TYPE ");
        wgw_out_str(&out, names[part]);
        wgw_out_str(&out, " counter\n");

        for (i = 0; reason[i].word; i++) {

            if (reason[i].request != part) {
                continue;
            }

            wgw_out_str(&out, names[part]);
            wgw_out_str(&out, part ? "{reason=\"" : "{result=\"");
            wgw_out_str(&out, reason[i].word);
            wgw_out_str(&out, "\"} ");
            wgw_out_uint(&out, ngx_wgw_auth_counted(i));
            wgw_out_str(&out, "\n");
        }
    }

    wgw_out_str(&out, "# TYPE wgw_auth_tokens gauge\nwgw_auth_tokens ");
    wgw_out_uint(&out, wgw_tokens_live(ngx_wgw_auth_tokens(),
                                       ngx_wgw_auth_now()));
    wgw_out_str(&out, "\n");

    cl->buf->last = (u_char *) out.pos;

    return wgw_reply_send(r, NGX_HTTP_OK,
                          "text/plain; version=0.0.4; charset=utf-8", cl);
}
