
/*
 * http_lookup: see http_lookup.h.
 */

#include "claims/http_lookup.h"
#include "claims/intake.h"


#define LOOKUP_FRESH  30                /* seconds, of what is not said */
#define LOOKUP_STALE  300
#define LOOKUP_QUEUE  64
#define LOOKUP_MOST   2592000           /* seconds: 30 days */

#define LOOKUP_TIME   10000             /* ms, for an answer */
#define LOOKUP_LEASE  15                /* seconds; and to store what came */
#define LOOKUP_TELL   60                /* between two lines of one kind */


typedef struct {
    ngx_pool_t          *pool;
    wgw_lookup_conf_t   *conf;
    wgw_claims_t        *claims;
    wgw_cid_t            cid;
    wgw_expiring_key_t   key;
    wgw_asked_place_t    place;
    ngx_uint_t           status;
} lookup_t;


static char *lookup_set(ngx_str_t *value, size_t prefix, time_t *time);
static ngx_http_core_loc_conf_t *lookup_location(
    ngx_http_core_srv_conf_t *cscf, ngx_str_t *name);
static ngx_http_core_loc_conf_t *lookup_named(ngx_http_core_srv_conf_t *cscf,
    ngx_str_t *name);
static ngx_http_core_loc_conf_t *lookup_static(
    ngx_http_location_tree_node_t *node, ngx_str_t *name);
static void lookup_begin(wgw_claims_t *claims, wgw_lookup_conf_t *conf,
    wgw_content_t *content);
static ngx_int_t lookup_send(wgw_claims_t *claims, wgw_lookup_conf_t *conf,
    wgw_content_t *content, const wgw_asked_place_t *place);
static void lookup_full(wgw_lookup_conf_t *conf);
static void lookup_came(wgw_errand_t *errand);
static const char *lookup_judge(wgw_errand_t *errand, unsigned *none);
static ngx_int_t lookup_take(lookup_t *lookup, wgw_errand_t *errand);
static void lookup_taken(wgw_intake_t *intake);
static void lookup_answered(lookup_t *lookup, wgw_asked_count_t what);
static void lookup_failed(lookup_t *lookup, const char *phrase);
static int64_t lookup_now(void);


static wgw_errand_header_t  lookup_headers[] = {
    { ngx_string("User-Agent"), ngx_string("wgw") }
};


wgw_lookup_conf_t *
wgw_lookup_create(ngx_conf_t *cf)
{
    wgw_lookup_conf_t  *lookup;

    lookup = ngx_pcalloc(cf->pool, sizeof(wgw_lookup_conf_t));
    if (lookup == NULL) {
        return NULL;
    }

    lookup->fresh = NGX_CONF_UNSET;
    lookup->stale = NGX_CONF_UNSET;
    lookup->queue = NGX_CONF_UNSET;
    lookup->line = wgw_line(cf);

    return lookup;
}


ngx_uint_t
wgw_lookup_takes(ngx_str_t *value)
{
    return ngx_strncmp(value->data, "lookup=", 7) == 0
           || ngx_strncmp(value->data, "fresh=", 6) == 0
           || ngx_strncmp(value->data, "stale=", 6) == 0
           || ngx_strncmp(value->data, "queue=", 6) == 0;
}


char *
wgw_lookup_param(ngx_str_t *value, wgw_lookup_conf_t *lookup)
{
    if (value->data[0] == 'f') {
        return lookup_set(value, 6, &lookup->fresh);
    }

    if (value->data[0] == 's') {
        return lookup_set(value, 6, &lookup->stale);
    }

    if (value->data[0] == 'q') {

        if (lookup->queue != NGX_CONF_UNSET) {
            return "is duplicate";
        }

        lookup->queue = ngx_atoi(value->data + 6, value->len - 6);

        return lookup->queue > 0 && lookup->queue <= WGW_ASKED_PLACES
               ? NGX_CONF_OK : "is not a number from 1 to 240";
    }

    if (lookup->location.len) {
        return "is duplicate";
    }

    lookup->location.data = value->data + 7;
    lookup->location.len = value->len - 7;

    return lookup->location.len > 1
           && lookup->location.len <= WGW_LOOKUP_NAME
           && (value->data[7] == '/' || value->data[7] == '@')
           ? NGX_CONF_OK : "is not a location";
}


static char *
lookup_set(ngx_str_t *value, size_t prefix, time_t *time)
{
    ngx_str_t  text;

    if (*time != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    text.data = value->data + prefix;
    text.len = value->len - prefix;

    *time = ngx_parse_time(&text, 1);

    return *time == (time_t) NGX_ERROR || *time > LOOKUP_MOST
           ? "is not a time of at most 30 days" : NGX_CONF_OK;
}


ngx_uint_t
wgw_lookup_is_set(const wgw_lookup_conf_t *lookup)
{
    return lookup->fresh != NGX_CONF_UNSET || lookup->stale != NGX_CONF_UNSET
           || lookup->queue != NGX_CONF_UNSET;
}


wgw_lookup_conf_t *
wgw_lookup_merge(ngx_conf_t *cf, ngx_array_t *all, wgw_lookup_conf_t *conf)
{
    ngx_uint_t                  i;
    wgw_lookup_conf_t         **lookup, *copy;
    ngx_http_core_srv_conf_t   *cscf;

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    if (conf->server == cscf) {
        return conf;
    }

    lookup = all->elts;

    for (i = 0; i < all->nelts; i++) {

        if (lookup[i]->server == cscf
            && lookup[i]->line.number == conf->line.number
            && lookup[i]->line.file == conf->line.file)
        {
            return lookup[i];
        }
    }

    copy = ngx_palloc(cf->pool, sizeof(wgw_lookup_conf_t));
    lookup = ngx_array_push(all);

    if (copy == NULL || lookup == NULL) {
        return NULL;
    }

    *copy = *conf;
    copy->server = cscf;

    ngx_conf_merge_value(copy->fresh, NGX_CONF_UNSET, LOOKUP_FRESH);
    ngx_conf_merge_value(copy->stale, NGX_CONF_UNSET, LOOKUP_STALE);
    ngx_conf_merge_value(copy->queue, NGX_CONF_UNSET, LOOKUP_QUEUE);

    *lookup = copy;

    return copy;
}


ngx_int_t
wgw_lookup_init(ngx_conf_t *cf, ngx_array_t *all)
{
    ngx_uint_t                  i;
    wgw_lookup_conf_t         **lookup;
    ngx_http_core_loc_conf_t   *clcf;

    lookup = all->elts;

    for (i = 0; i < all->nelts; i++) {
        clcf = lookup_location(lookup[i]->server, &lookup[i]->location);

        if (clcf == NULL) {
            wgw_line_error(cf->log, &lookup[i]->line, 0,
                           "no location \"%V\" for \"lookup\" in the server",
                           &lookup[i]->location);
            return NGX_ERROR;
        }

        lookup[i]->place.server = lookup[i]->server->ctx;
        lookup[i]->place.location = clcf->loc_conf;
    }

    return all->nelts ? wgw_errand_init(cf) : NGX_OK;
}


static ngx_http_core_loc_conf_t *
lookup_location(ngx_http_core_srv_conf_t *cscf, ngx_str_t *name)
{
    ngx_http_core_loc_conf_t  *clcf;

    if (name->data[0] == '@') {
        return lookup_named(cscf, name);
    }

    clcf = cscf->ctx->loc_conf[ngx_http_core_module.ctx_index];

    return lookup_static(clcf->static_locations, name);
}


static ngx_http_core_loc_conf_t *
lookup_named(ngx_http_core_srv_conf_t *cscf, ngx_str_t *name)
{
    ngx_http_core_loc_conf_t  **clcfp;

    for (clcfp = cscf->named_locations; clcfp && *clcfp; clcfp++) {

        if ((*clcfp)->name.len == name->len
            && ngx_strncmp((*clcfp)->name.data, name->data, name->len) == 0)
        {
            return *clcfp;
        }
    }

    return NULL;
}


/* As nginx finds one, but only of that very name. */

static ngx_http_core_loc_conf_t *
lookup_static(ngx_http_location_tree_node_t *node, ngx_str_t *name)
{
    size_t      len, n;
    u_char     *uri;
    ngx_int_t   rc;

    uri = name->data;
    len = name->len;

    while (node) {
        n = ngx_min(len, (size_t) node->len);
        rc = ngx_filename_cmp(uri, node->name, n);

        if (rc != 0) {
            node = rc < 0 ? node->left : node->right;

        } else if (len < (size_t) node->len) {
            node = node->left;

        } else if (len == (size_t) node->len) {
            return node->exact ? node->exact : node->inclusive;

        } else if (node->inclusive) {
            node = node->tree;
            uri += n;
            len -= n;

        } else {
            node = node->right;
        }
    }

    return NULL;
}


/* Each location may be another claims service. */

wgw_asked_state_t
wgw_lookup(wgw_claims_t *claims, wgw_lookup_conf_t *conf,
    wgw_content_t *content)
{
    u_char              bytes[WGW_LOOKUP_NAME + WGW_CID_MULTIHASH], *p;
    unsigned            due;
    wgw_expiring_t     *asked;
    wgw_asked_state_t   state;

    asked = &claims->asked->expiring;

    if (content->asked_of != conf) {
        p = ngx_cpymem(bytes, content->cid.multihash.data,
                       content->cid.multihash.len);
        p = ngx_cpymem(p, conf->location.data, conf->location.len);

        content->asked = wgw_expiring_key(asked, bytes, p - bytes);
        content->asked_of = conf;
    }

    state = wgw_asked_look(asked, content->asked, lookup_now(), &due);

    if (due) {
        lookup_begin(claims, conf, content);
    }

    return state;
}


static void
lookup_begin(wgw_claims_t *claims, wgw_lookup_conf_t *conf,
    wgw_content_t *content)
{
    wgw_asked_rc_t       rc;
    wgw_expiring_t      *asked;
    wgw_asked_place_t    place;

    asked = &claims->asked->expiring;

    rc = wgw_asked_begin(asked, content->asked, conf->queue, lookup_now(),
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
lookup_send(wgw_claims_t *claims, wgw_lookup_conf_t *conf,
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
lookup_full(wgw_lookup_conf_t *conf)
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
        lookup_failed(lookup, phrase);

    } else if (none) {
        lookup_answered(lookup, WGW_ASKED_NONE);

    } else if (lookup_take(lookup, errand) != NGX_OK) {
        lookup_failed(lookup, "cannot be stored");
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
        lookup_failed(lookup, intake->rc == WGW_INTAKE_STORE
                              ? intake->change.error.text
                              : intake->reason ? intake->reason
                                               : "finds no memory");
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
lookup_failed(lookup_t *lookup, const char *phrase)
{
    char       text[WGW_CID_TEXT];
    wgw_out_t  out;

    wgw_asked_failed(&lookup->claims->asked->expiring, lookup->key,
                     &lookup->place, lookup_now());

    wgw_out_init(&out, text, sizeof(text));
    wgw_cid_write(&out, &lookup->cid);

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "claims about %*s are not known: the answer %s "
                  "(status %ui)", (size_t) (out.pos - text), text, phrase,
                  lookup->status);

    ngx_destroy_pool(lookup->pool);
}


const wgw_cid_t *
wgw_lookup_of(ngx_http_request_t *r)
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


/* Of the same clock in all processes, which nobody sets. */

static int64_t
lookup_now(void)
{
    return (int64_t) (ngx_current_msec / 1000);
}
