
/*
 * http_lookup: see http_lookup.h.
 */

#include "claims/http_lookup.h"
#include "claims/intake.h"


#define LOOKUP_TIME   10000             /* ms, for an answer */
#define LOOKUP_LEASE  15                /* seconds; and to store what came */
#define LOOKUP_TELL   60                /* between two lines of one kind */


typedef struct {
    ngx_pool_t          *pool;
    wgw_claims_ask_t   *conf;
    wgw_claims_t        *claims;
    wgw_cid_t            cid;
    wgw_expiring_key_t   key;
    wgw_asked_place_t    place;
    ngx_uint_t           status;
} lookup_t;


static void lookup_begin(wgw_claims_t *claims, wgw_claims_ask_t *conf,
    wgw_content_t *content);
static ngx_int_t lookup_send(wgw_claims_t *claims, wgw_claims_ask_t *conf,
    wgw_content_t *content, const wgw_asked_place_t *place);
static void lookup_full(wgw_claims_ask_t *conf);
static void lookup_came(wgw_errand_t *errand);
static const char *lookup_judge(wgw_errand_t *errand, unsigned *none);
static ngx_int_t lookup_take(lookup_t *lookup, wgw_errand_t *errand);
static void lookup_taken(wgw_intake_t *intake);
static void lookup_answered(lookup_t *lookup, wgw_asked_count_t what);
static void lookup_failed(lookup_t *lookup, const char *phrase,
    const char *reason);
static int64_t lookup_now(void);


static wgw_errand_header_t  lookup_headers[] = {
    { ngx_string("User-Agent"), ngx_string("wgw") }
};


/* What one claims service said is nothing to the server that asks another. */

wgw_asked_state_t
wgw_claims_lookup(wgw_claims_t *claims, wgw_claims_ask_t *conf,
    wgw_content_t *content)
{
    u_char              bytes[WGW_SHA256 + WGW_CID_MULTIHASH], *p;
    unsigned            due;
    wgw_expiring_t     *asked;
    wgw_asked_state_t   state;

    asked = &claims->asked->expiring;

    if (content->asked_of != conf) {
        p = ngx_cpymem(bytes, conf->service, WGW_SHA256);
        p = ngx_cpymem(p, content->cid.multihash.data,
                       content->cid.multihash.len);

        content->asked = wgw_expiring_key(asked, bytes, p - bytes);
        content->asked_of = conf;
    }

    state = wgw_asked_look(asked, content->asked, lookup_now(), &due);

    /* a worker that is about to end waits for what it asks */

    if (due && !ngx_exiting) {
        lookup_begin(claims, conf, content);
    }

    return state;
}


static void
lookup_begin(wgw_claims_t *claims, wgw_claims_ask_t *conf,
    wgw_content_t *content)
{
    wgw_asked_rc_t       rc;
    wgw_expiring_t      *asked;
    wgw_asked_place_t    place;

    asked = &claims->asked->expiring;

    rc = wgw_asked_begin(asked, content->asked, conf->places, lookup_now(),
                         LOOKUP_LEASE, &place);

    if (rc == WGW_ASKED_FULL) {
        wgw_asked_count(asked, WGW_ASKED_DROPPED);
        lookup_full(conf);

    } else if (rc == WGW_ASKED_OK
               && lookup_send(claims, conf, content, &place) != NGX_OK)
    {
        wgw_asked_failed(asked, content->asked, &place, lookup_now());
    }
}


static ngx_int_t
lookup_send(wgw_claims_t *claims, wgw_claims_ask_t *conf,
    wgw_content_t *content, const wgw_asked_place_t *place)
{
    lookup_t      *lookup;
    ngx_pool_t    *pool;
    wgw_errand_t  *errand;

    pool = ngx_create_pool(1024, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    lookup = ngx_pcalloc(pool, sizeof(lookup_t));
    errand = lookup ? wgw_errand_create(ngx_cycle->log) : NULL;

    if (errand == NULL) {
        ngx_destroy_pool(pool);
        return NGX_ERROR;
    }

    lookup->pool = pool;
    lookup->conf = conf;
    lookup->claims = claims;
    lookup->key = content->asked;
    lookup->place = *place;
    wgw_cid_copy(&lookup->cid, &content->cid);

    errand->place = &conf->place;
    errand->method = NGX_HTTP_GET;
    errand->uri = conf->location;
    errand->headers = lookup_headers;
    errand->nheaders = 1;
    errand->max = WGW_INTAKE_BYTES;
    errand->timeout = LOOKUP_TIME;
    errand->done = lookup_came;
    errand->data = lookup;

    if (wgw_errand_run(errand) != NGX_OK) {
        ngx_destroy_pool(pool);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
lookup_full(wgw_claims_ask_t *conf)
{
    static time_t  told;

    if (told && ngx_time() - told < LOOKUP_TELL) {
        return;
    }

    told = ngx_time();

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "wgw_content: %ui look-ups of claims are on their way, a "
                  "content is not looked up", (ngx_uint_t) conf->queue);
}


static void
lookup_came(wgw_errand_t *errand)
{
    lookup_t    *lookup;
    unsigned     none;
    const char  *phrase;

    lookup = errand->data;
    lookup->status = errand->status;
    none = 0;

    phrase = lookup_judge(errand, &none);

    if (phrase) {
        lookup_failed(lookup, phrase, "");

    } else if (none) {
        lookup_answered(lookup, WGW_ASKED_NONE);

    } else if (lookup_take(lookup, errand) != NGX_OK) {
        lookup_failed(lookup, "cannot be stored", "");
    }
}


/* NULL, or what is wrong with it. */

static const char *
lookup_judge(wgw_errand_t *errand, unsigned *none)
{
    if (errand->timedout) {
        return "did not come in time";
    }

    if (errand->too_long) {
        return "is too long";
    }

    switch (errand->status) {

    case 0:
        return "did not come";

    case NGX_HTTP_NO_CONTENT:
    case NGX_HTTP_NOT_FOUND:
    case 410:                           /* Gone */
        *none = 1;
        return NULL;

    case NGX_HTTP_OK:
        *none = errand->answer.len == 0;
        return errand->encoding.len ? "is encoded" : NULL;

    default:
        return "is a refusal";
    }
}


static ngx_int_t
lookup_take(lookup_t *lookup, wgw_errand_t *errand)
{
    wgw_text_t     body;
    wgw_store_t   *store;
    wgw_intake_t  *intake;

    store = wgw_claims_store(lookup->claims, ngx_cycle->log);
    if (store == NULL) {
        return NGX_ERROR;
    }

    body.data = (char *) errand->answer.data;
    body.len = errand->answer.len;

    intake = wgw_intake_create(lookup->claims, store, body,
                               lookup->cid.multihash);
    if (intake == NULL) {
        return NGX_ERROR;
    }

    intake->done = lookup_taken;
    intake->data = lookup;

    wgw_intake_run(intake);

    return NGX_OK;
}


static void
lookup_taken(wgw_intake_t *intake)
{
    lookup_t  *lookup;

    lookup = intake->data;

    if (intake->left_out) {
        ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                      "claims: %uz tokens that were looked up are no good",
                      intake->left_out);
    }

    if (intake->rc == WGW_INTAKE_OK) {
        lookup_answered(lookup, WGW_ASKED_FOUND);

    } else {
        lookup_failed(lookup, "is refused, ",
                      intake->rc == WGW_INTAKE_STORE
                      ? intake->change.error.text
                      : intake->reason ? intake->reason : "no memory");
    }

    wgw_intake_destroy(intake);
}


static void
lookup_answered(lookup_t *lookup, wgw_asked_count_t what)
{
    wgw_expiring_t  *asked;

    asked = &lookup->claims->asked->expiring;

    wgw_asked_answered(asked, lookup->key, &lookup->place, lookup_now(),
                       lookup->conf->fresh, lookup->conf->stale);
    wgw_asked_count(asked, what);

    ngx_destroy_pool(lookup->pool);
}


static void
lookup_failed(lookup_t *lookup, const char *phrase, const char *reason)
{
    char       text[WGW_CID_TEXT];
    wgw_out_t  out;

    wgw_asked_failed(&lookup->claims->asked->expiring, lookup->key,
                     &lookup->place, lookup_now());

    wgw_out_init(&out, text, sizeof(text));
    wgw_cid_write(&out, &lookup->cid);

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "claims about %*s are not known: the answer %s%s "
                  "(status %ui)", (size_t) (out.pos - text), text, phrase,
                  reason, lookup->status);

    ngx_destroy_pool(lookup->pool);
}


const wgw_cid_t *
wgw_claims_lookup_of(ngx_http_request_t *r)
{
    lookup_t      *lookup;
    wgw_errand_t  *errand;

    errand = wgw_errand_get(r);

    if (errand == NULL || errand->done != lookup_came) {
        return NULL;
    }

    lookup = errand->data;

    return &lookup->cid;
}


/* For Prometheus. */

ngx_int_t
wgw_claims_lookup_metrics(wgw_usage_page_t *page)
{
    ngx_uint_t       i;
    wgw_claims_t    *claims;
    wgw_expiring_t  *asked;

    static const char  *results[] = { "found", "none", "failed", "dropped" };

    claims = wgw_claims_conf((ngx_cycle_t *) ngx_cycle);

    if (!claims->looked_up) {
        return NGX_OK;
    }

    if (wgw_usage_page_family(page, "wgw_claims_lookups_total",
                              "Look-ups of claims.", 1)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    asked = &claims->asked->expiring;

    for (i = 0; i < 4; i++) {
        wgw_out_str(&page->out, "wgw_claims_lookups_total{result=\"");
        wgw_out_str(&page->out, results[i]);
        wgw_out_str(&page->out, "\"} ");
        wgw_out_uint(&page->out,
                     wgw_asked_counted(asked, WGW_ASKED_FOUND + i));
        wgw_out_str(&page->out, "\n");
    }

    if (wgw_usage_page_family(page, "wgw_claims_lookups_pending",
                              "Look-ups on their way.", 0)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    wgw_out_str(&page->out, "wgw_claims_lookups_pending ");
    wgw_out_uint(&page->out, wgw_asked_places(asked, lookup_now()));
    wgw_out_str(&page->out, "\n");

    return NGX_OK;
}


/* Of the same clock in all processes, which nobody sets. */

static int64_t
lookup_now(void)
{
    return (int64_t) (ngx_current_msec / 1000);
}
