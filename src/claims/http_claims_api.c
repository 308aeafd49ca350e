
/*
 * http_claims_api: see http_claims_api.h.
 */

#include "claims/claims_conf.h"
#include "claims/http_claims_api.h"
#include "claims/claim_json.h"
#include "claims/http_claims_post.h"
#include "claims/rows.h"
#include "core/reply.h"
#include "core/request.h"
#include "format/cid.h"
#include "format/dagjson.h"
#include "store/writer.h"


#define API_LIMIT    100
#define API_BYTES    1048576            /* a page ends above it */
#define API_JSON     (WGW_DAGJSON_ROOM(WGW_TOKEN_MAX) + 2048)
#define API_CHAINS   (WGW_CHAIN_FOUND * WGW_CHAIN_MAX * 70                    \
                      + WGW_CHAIN_FOUND * 1024 + 256)


typedef struct {
    unsigned             db;
    uint8_t              hash[WGW_CLAIM_HASH];
    unsigned             hashed;        /* else all tokens */
    unsigned             payer;         /* only first tokens of a subject */
    wgw_text_t           did;           /* of audience or payer */
    wgw_cid_t            content;
    unsigned             has_content;
    uint8_t              at[WGW_TOKEN_ID];
    size_t               after;         /* bytes of `at`: 0 or all */
    ngx_uint_t           limit;
} api_page_t;


typedef struct {
    ngx_http_request_t  *request;
    wgw_change_t         change;
    uint8_t              name[WGW_TOKEN_CID];
} api_revoke_t;


static ngx_int_t api_item(ngx_http_request_t *r, wgw_claims_t *claims,
    wgw_text_t text);
static ngx_int_t api_get(ngx_http_request_t *r, wgw_claims_t *claims,
    wgw_text_t name);
static ngx_int_t api_revoke(ngx_http_request_t *r, wgw_claims_t *claims,
    wgw_text_t name);
static wgw_store_rc_t api_revoke_make(wgw_txn_t *t, wgw_change_t *change);
static void api_revoke_done(wgw_change_t *change);
static ngx_int_t api_list(ngx_http_request_t *r, wgw_claims_t *claims);
static const char *api_page(ngx_http_request_t *r, api_page_t *page);
static const char *api_page_more(ngx_http_request_t *r, api_page_t *page);
static ngx_int_t api_arg(ngx_http_request_t *r, const char *name,
    wgw_text_t *value);
static ngx_int_t api_rows(ngx_http_request_t *r, wgw_claims_t *claims,
    wgw_store_t *store, api_page_t *page, ngx_chain_t ***ll);
static ngx_int_t api_row(ngx_http_request_t *r, wgw_claims_t *claims,
    wgw_store_t *store, api_page_t *page, ngx_chain_t ***ll, size_t *size);
static ngx_int_t api_chains(ngx_http_request_t *r, wgw_claims_t *claims,
    wgw_store_t *store, api_page_t *page, ngx_chain_t ***ll);
static void api_chains_json(wgw_out_t *out, const wgw_claim_t *tokens,
    const wgw_chain_t *chains, size_t n, const char *reason);
static ngx_int_t api_add(ngx_http_request_t *r, ngx_chain_t ***ll,
    wgw_out_t *out);
static ngx_int_t api_no_store(ngx_http_request_t *r);


ngx_int_t
wgw_claims_api_handler(ngx_http_request_t *r, ngx_array_t *hosts)
{
    wgw_text_t     rest;
    wgw_claims_t  *claims;

    if (!wgw_request_trusted(r, hosts)) {
        return wgw_request_distrust(r);
    }

    if (wgw_request_rest(r, &rest) != NGX_OK) {
        return wgw_reply_error(r, NGX_HTTP_NOT_FOUND, "", "no such resource");
    }

    claims = wgw_claims_conf((ngx_cycle_t *) ngx_cycle);

    if (rest.len) {
        return api_item(r, claims, rest);
    }

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return api_list(r, claims);
    }

    if (r->method & NGX_HTTP_POST) {
        return wgw_claims_post(r);
    }

    return wgw_reply_not_allowed(r, "GET, HEAD, POST");
}


static ngx_int_t
api_item(ngx_http_request_t *r, wgw_claims_t *claims, wgw_text_t text)
{
    uint8_t     name[WGW_TOKEN_CID];
    ngx_int_t   rc;
    wgw_text_t  view;

    view.data = (char *) name;
    view.len = wgw_claim_name_read(name, text);

    if (view.len == 0) {
        return wgw_reply_error(r, NGX_HTTP_BAD_REQUEST, "id",
                               "is neither an id nor a token's CID");
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_DELETE))) {
        return wgw_reply_not_allowed(r, "GET, HEAD, DELETE");
    }

    rc = wgw_reply_discard(r);
    if (rc != NGX_OK) {
        return rc;
    }

    return (r->method & NGX_HTTP_DELETE) ? api_revoke(r, claims, view)
                                         : api_get(r, claims, view);
}


static ngx_int_t
api_get(ngx_http_request_t *r, wgw_claims_t *claims, wgw_text_t name)
{
    uint64_t            id;
    ngx_chain_t        *out, **ll;
    wgw_out_t           json;
    wgw_text_t          row;
    wgw_claim_t         claim;
    wgw_store_t        *store;
    wgw_store_rc_t      rc;
    wgw_store_error_t   error;

    static char         buffer[API_JSON];

    store = wgw_claims_store(claims, r->connection->log);

    if (store == NULL
        || wgw_store_begin(store, &id, &error) != WGW_STORE_OK)
    {
        return api_no_store(r);
    }

    rc = wgw_claim_rows_get(store, name, claim.id, &row, &error);

    if (rc == WGW_STORE_OK && wgw_claim_unpack(&claim, row, 1) == 0
        && wgw_claim_name(&claim) == 0)
    {
        wgw_out_init(&json, buffer, sizeof(buffer));
        wgw_claim_json(&json, &claim);
        wgw_out_str(&json, "\n");

    } else {
        rc = rc == WGW_STORE_OK ? WGW_STORE_FAILED : rc;
    }

    wgw_store_end(store);

    if (rc == WGW_STORE_NONE) {
        return wgw_reply_error(r, NGX_HTTP_NOT_FOUND, "id", "is not known");
    }

    if (rc != WGW_STORE_OK) {
        return api_no_store(r);
    }

    ll = &out;

    if (api_add(r, &ll, &json) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return wgw_reply_send(r, NGX_HTTP_OK, "application/json", out);
}


static ngx_int_t
api_revoke(ngx_http_request_t *r, wgw_claims_t *claims, wgw_text_t name)
{
    api_revoke_t  *revoke;

    revoke = ngx_pcalloc(r->pool, sizeof(api_revoke_t));
    if (revoke == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memcpy(revoke->name, name.data, name.len);

    revoke->request = r;
    revoke->change.store = wgw_claims_store(claims, r->connection->log);

    if (revoke->change.store == NULL) {
        return api_no_store(r);
    }

    revoke->change.key.data = (char *) revoke->name;
    revoke->change.key.len = name.len;
    revoke->change.make = api_revoke_make;
    revoke->change.handler = api_revoke_done;
    revoke->change.data = revoke;

    r->main->count++;
    r->main->blocked++;

    wgw_writer_post(&revoke->change);

    return NGX_DONE;
}


/* In the thread. */

static wgw_store_rc_t
api_revoke_make(wgw_txn_t *t, wgw_change_t *change)
{
    return wgw_claim_rows_revoke(t, change->key);
}


static void
api_revoke_done(wgw_change_t *change)
{
    ngx_int_t            rc;
    api_revoke_t        *revoke;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    revoke = change->data;
    r = revoke->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    r->main->blocked--;

    if (change->rc == WGW_STORE_OK) {
        rc = wgw_reply_send(r, NGX_HTTP_NO_CONTENT, NULL, NULL);

    } else {
        rc = wgw_claims_post_failed(r, change->rc, &change->error);
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
api_list(ngx_http_request_t *r, wgw_claims_t *claims)
{
    char                next[128];
    uint64_t            id;
    ngx_int_t           rc;
    ngx_chain_t        *out, **ll;
    wgw_out_t           json;
    const char         *error;
    api_page_t          page;
    wgw_store_t        *store;
    wgw_store_error_t   failure;

    rc = wgw_reply_discard(r);
    if (rc != NGX_OK) {
        return rc;
    }

    error = api_page(r, &page);
    if (error) {
        return wgw_reply_error(r, NGX_HTTP_BAD_REQUEST, "", error);
    }

    store = wgw_claims_store(claims, r->connection->log);

    if (store == NULL
        || wgw_store_begin(store, &id, &failure) != WGW_STORE_OK)
    {
        return api_no_store(r);
    }

    ll = &out;
    rc = api_rows(r, claims, store, &page, &ll);

    if (rc == NGX_OK && page.has_content) {
        rc = api_chains(r, claims, store, &page, &ll);
    }

    wgw_store_end(store);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? api_no_store(r)
                                  : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wgw_out_init(&json, next, sizeof(next));
    wgw_out_str(&json, ",\"next\":");

    if (page.after) {
        wgw_claim_json_id(&json, page.at);

    } else {
        wgw_out_str(&json, "null");
    }

    wgw_out_str(&json, "}\n");

    if (api_add(r, &ll, &json) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return wgw_reply_send(r, NGX_HTTP_OK, "application/json", out);
}


/* NULL, or what is wrong with the arguments. */

static const char *
api_page(ngx_http_request_t *r, api_page_t *page)
{
    wgw_text_t  value;
    ngx_uint_t  n;

    ngx_memzero(page, sizeof(api_page_t));

    page->db = WGW_CLAIM_TOKENS;
    n = 0;

    if (api_arg(r, "content", &value) == NGX_OK) {

        if (wgw_cid_read(&page->content, value) != 0) {
            return "\"content\" is no CID";
        }

        page->has_content = 1;
        page->db = WGW_CLAIM_CONTENTS;
        wgw_claim_hash(page->hash, page->content.multihash);
        n++;
    }

    if (api_arg(r, "audience", &page->did) == NGX_OK) {
        page->db = WGW_CLAIM_AUDIENCES;
        n++;

    } else if (api_arg(r, "payer", &page->did) == NGX_OK) {
        page->db = WGW_CLAIM_AUDIENCES;
        page->payer = 1;
        n++;
    }

    if (n > 1) {
        return "has more than one of \"content\", \"audience\" and \"payer\"";
    }

    if (page->db == WGW_CLAIM_AUDIENCES) {

        if (wgw_did_check(page->did) != NULL) {
            return "\"audience\" and \"payer\" must be DIDs";
        }

        page->did = wgw_did_bare(page->did);
        wgw_claim_hash(page->hash, page->did);
    }

    page->hashed = n;

    return api_page_more(r, page);
}


static const char *
api_page_more(ngx_http_request_t *r, api_page_t *page)
{
    uint8_t     name[WGW_TOKEN_CID];
    uint64_t    limit;
    wgw_text_t  value;

    page->limit = API_LIMIT;

    if (api_arg(r, "limit", &value) == NGX_OK) {

        if (wgw_text_uint(value, 1000, &limit) != 0 || limit == 0) {
            return "\"limit\" must be a number from 1 to 1000";
        }

        page->limit = limit;
    }

    if (api_arg(r, "after", &value) == NGX_OK && value.len) {

        if (wgw_claim_name_read(name, value) != WGW_TOKEN_ID) {
            return "\"after\" must be an id";
        }

        ngx_memcpy(page->at, name, WGW_TOKEN_ID);
        page->after = WGW_TOKEN_ID;
    }

    return NULL;
}


static ngx_int_t
api_arg(ngx_http_request_t *r, const char *name, wgw_text_t *value)
{
    u_char     *dst, *src;
    ngx_str_t   arg;

    if (ngx_http_arg(r, (u_char *) name, ngx_strlen(name), &arg) != NGX_OK) {
        return NGX_DECLINED;
    }

    dst = ngx_pnalloc(r->pool, arg.len + 1);
    if (dst == NULL) {
        return NGX_DECLINED;
    }

    value->data = (char *) dst;
    src = arg.data;

    ngx_unescape_uri(&dst, &src, arg.len, 0);

    value->len = dst - (u_char *) value->data;

    return NGX_OK;
}


/* NGX_DECLINED: the store.  page->after is 0 at the end. */

static ngx_int_t
api_rows(ngx_http_request_t *r, wgw_claims_t *claims, wgw_store_t *store,
    api_page_t *page, ngx_chain_t ***ll)
{
    char                head[16];
    size_t              size;
    uint8_t             id[WGW_TOKEN_ID];
    ngx_int_t           rv;
    ngx_uint_t          n;
    wgw_out_t           json;
    wgw_store_rc_t      rc;
    wgw_store_error_t   error;

    wgw_out_init(&json, head, sizeof(head));
    wgw_out_str(&json, "{\"tokens\":[");

    if (api_add(r, ll, &json) != NGX_OK) {
        return NGX_ERROR;
    }

    size = 0;
    n = 0;

    for ( ;; ) {
        rc = wgw_claim_rows_next(store, page->db,
                                 page->hashed ? page->hash : NULL,
                                 (wgw_text_t) { (char *) page->at,
                                                page->after },
                                 id, &error);

        if (rc == WGW_STORE_NONE) {
            page->after = 0;
            break;
        }

        if (rc != WGW_STORE_OK) {
            return NGX_DECLINED;
        }

        if (n == page->limit || size > API_BYTES) {
            break;
        }

        ngx_memcpy(page->at, id, WGW_TOKEN_ID);
        page->after = WGW_TOKEN_ID;

        rv = api_row(r, claims, store, page, ll, &size);

        if (rv == NGX_OK) {
            n++;

        } else if (rv != NGX_DECLINED) {
            return NGX_ERROR;
        }
    }

    wgw_out_init(&json, head, sizeof(head));
    wgw_out_str(&json, "]");

    return api_add(r, ll, &json);
}


/* NGX_DECLINED: not one that is asked for. */

static ngx_int_t
api_row(ngx_http_request_t *r, wgw_claims_t *claims, wgw_store_t *store,
    api_page_t *page, ngx_chain_t ***ll, size_t *size)
{
    ngx_uint_t          i;
    wgw_out_t           json;
    wgw_text_t          row, name;
    wgw_claim_t         claim;
    wgw_store_error_t   error;

    static char         buffer[API_JSON];

    name.data = (char *) page->at;
    name.len = WGW_TOKEN_ID;

    if (wgw_claim_rows_get(store, name, claim.id, &row, &error)
        != WGW_STORE_OK
        || wgw_claim_unpack(&claim, row, 1) != 0
        || wgw_claim_name(&claim) != 0
        || (page->did.len && !wgw_text_equal(page->did, claim.token.aud)))
    {
        return NGX_DECLINED;
    }

    if (page->payer) {

        for (i = 0; i < claims->rules.nsubjects; i++) {

            if (wgw_text_equal(claims->rules.subjects[i], claim.token.iss)) {
                break;
            }
        }

        if (i == claims->rules.nsubjects) {
            return NGX_DECLINED;
        }
    }

    wgw_out_init(&json, buffer, sizeof(buffer));
    wgw_out_str(&json, *size ? "," : "");
    wgw_claim_json(&json, &claim);

    *size += json.pos - json.start;

    return api_add(r, ll, &json);
}


static ngx_int_t
api_chains(ngx_http_request_t *r, wgw_claims_t *claims, wgw_store_t *store,
    api_page_t *page, ngx_chain_t ***ll)
{
    size_t              i, n, found;
    wgw_out_t           json;
    const char         *reason;
    wgw_store_error_t   error;

    static char              buffer[API_CHAINS];
    static wgw_claim_t       tokens[WGW_CHAIN_TOKENS];
    static wgw_chain_t       chains[WGW_CHAIN_FOUND];
    static wgw_chain_link_t  links[WGW_CHAIN_TOKENS];

    if (wgw_claim_rows_collect(store, &claims->rules,
                               page->content.multihash, claims->quotes,
                               tokens, &n, &error)
        != WGW_STORE_OK)
    {
        return NGX_DECLINED;
    }

    for (i = 0; i < n; i++) {
        links[i].token = &tokens[i].token;
        links[i].barred = wgw_token_time(&tokens[i].token, ngx_time(),
                                         claims->skew);

        if (!wgw_claims_key_holds(claims, tokens[i].token.iss,
                                  &tokens[i].key))
        {
            links[i].barred = "signature:bad";
        }
    }

    found = wgw_chain_search(&claims->rules, links, n, chains,
                             WGW_CHAIN_FOUND, &reason);

    wgw_out_init(&json, buffer, sizeof(buffer));
    api_chains_json(&json, tokens, chains, found, reason);

    if (json.overflow) {
        return NGX_ERROR;
    }

    return api_add(r, ll, &json);
}


static void
api_chains_json(wgw_out_t *out, const wgw_claim_t *tokens,
    const wgw_chain_t *chains, size_t n, const char *reason)
{
    size_t      i, k;
    wgw_text_t  payer;

    wgw_out_str(out, ",\"chains\":[");

    for (i = 0; i < n; i++) {
        payer = tokens[chains[i].links[0]].token.aud;

        /* a longer one is no key of a meter either */

        payer.len = ngx_min(payer.len, WGW_TABLE_KEY_MAX);

        wgw_out_str(out, i ? ",{\"payer\":" : "{\"payer\":");
        wgw_out_json(out, payer);
        wgw_out_str(out, ",\"tokens\":[");

        for (k = 0; k < chains[i].n; k++) {
            wgw_out_str(out, k ? "," : "");
            wgw_claim_json_id(out, tokens[chains[i].links[k]].id);
        }

        wgw_out_str(out, "]}");
    }

    wgw_out_str(out, "]");

    if (reason) {
        wgw_out_str(out, ",\"reason\":\"");
        wgw_out_str(out, reason);
        wgw_out_str(out, "\"");
    }
}


static ngx_int_t
api_add(ngx_http_request_t *r, ngx_chain_t ***ll, wgw_out_t *out)
{
    size_t        len;
    ngx_chain_t  *cl;

    len = out->pos - out->start;

    cl = wgw_reply_chain(r->pool, len);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf->last = ngx_cpymem(cl->buf->last, out->start, len);
    cl->next = NULL;

    **ll = cl;
    *ll = &cl->next;

    return NGX_OK;
}


static ngx_int_t
api_no_store(ngx_http_request_t *r)
{
    return wgw_reply_error(r, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                           WGW_CLAIMS_POST_NO_STORE);
}
