
/*
 * What is said of look-ups in the configuration, and the locations that they
 * go to.
 */

#include "claims/http_lookup.h"


#define LOOKUP_FRESH  30                /* seconds, of what is not said */
#define LOOKUP_STALE  300
#define LOOKUP_QUEUE  64
#define LOOKUP_MOST   2592000           /* seconds: 30 days */


static char *lookup_set(ngx_str_t *value, size_t prefix, time_t *time);
static ngx_int_t lookup_service(ngx_http_core_main_conf_t *cmcf,
    wgw_claims_ask_t *lookup);
static void lookup_places(ngx_array_t *all);
static ngx_http_core_loc_conf_t *lookup_location(
    ngx_http_core_srv_conf_t *cscf, ngx_str_t *name);
static ngx_http_core_loc_conf_t *lookup_named(ngx_http_core_srv_conf_t *cscf,
    ngx_str_t *name);
static ngx_http_core_loc_conf_t *lookup_static(
    ngx_http_location_tree_node_t *node, ngx_str_t *name);


wgw_claims_ask_t *
wgw_claims_lookup_create(ngx_conf_t *cf)
{
    wgw_claims_ask_t  *lookup;

    lookup = ngx_pcalloc(cf->pool, sizeof(wgw_claims_ask_t));
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
wgw_claims_lookup_takes(ngx_str_t *value)
{
    return ngx_strncmp(value->data, "lookup=", 7) == 0
           || ngx_strncmp(value->data, "fresh=", 6) == 0
           || ngx_strncmp(value->data, "stale=", 6) == 0
           || ngx_strncmp(value->data, "queue=", 6) == 0;
}


char *
wgw_claims_lookup_param(ngx_str_t *value, wgw_claims_ask_t *lookup)
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
wgw_claims_lookup_is_set(const wgw_claims_ask_t *lookup)
{
    return lookup->fresh != NGX_CONF_UNSET || lookup->stale != NGX_CONF_UNSET
           || lookup->queue != NGX_CONF_UNSET;
}


wgw_claims_ask_t *
wgw_claims_lookup_merge(ngx_conf_t *cf, ngx_array_t *all,
    wgw_claims_ask_t *conf)
{
    ngx_uint_t                  i;
    wgw_claims_ask_t         **lookup, *copy;
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

    copy = ngx_palloc(cf->pool, sizeof(wgw_claims_ask_t));
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
wgw_claims_lookup_init(ngx_conf_t *cf, ngx_array_t *all)
{
    ngx_uint_t                  i;
    wgw_claims_ask_t         **lookup;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
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

        if (lookup_service(cmcf, lookup[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    lookup_places(all);

    return all->nelts ? wgw_errand_init(cf) : NGX_OK;
}


/*
 * A location of a server, by names that outlive a reload: those of the two,
 * and which of the servers of that name it is.
 */

static ngx_int_t
lookup_service(ngx_http_core_main_conf_t *cmcf, wgw_claims_ask_t *lookup)
{
    u_char                      digests[2 * WGW_SHA256 + sizeof(uint64_t)];
    uint64_t                    number;
    ngx_str_t                  *name;
    ngx_uint_t                  i;
    ngx_http_core_srv_conf_t  **server;

    name = &lookup->server->server_name;
    server = cmcf->servers.elts;
    number = 0;

    for (i = 0; i < cmcf->servers.nelts && server[i] != lookup->server; i++) {
        number += server[i]->server_name.len == name->len
                  && ngx_strncmp(server[i]->server_name.data, name->data,
                                 name->len)
                     == 0;
    }

    ngx_memcpy(digests + 2 * WGW_SHA256, &number, sizeof(uint64_t));

    return wgw_sha256(name->data, name->len, digests) == 0
           && wgw_sha256(lookup->location.data, lookup->location.len,
                         digests + WGW_SHA256)
              == 0
           && wgw_sha256(digests, sizeof(digests), lookup->service) == 0
           ? NGX_OK : NGX_ERROR;
}


/* Each service has its own, as far as there are any. */

static void
lookup_places(ngx_array_t *all)
{
    uint32_t            end;
    ngx_uint_t          i, k;
    wgw_claims_ask_t  **lookup;

    lookup = all->elts;
    end = 0;

    for (i = 0; i < all->nelts; i++) {
        lookup[i]->places.first = end;
        lookup[i]->places.n = (uint32_t) lookup[i]->queue;

        for (k = 0; k < i; k++) {

            if (ngx_memcmp(lookup[k]->service, lookup[i]->service, WGW_SHA256)
                == 0)
            {
                lookup[i]->places.first = lookup[k]->places.first;
                break;
            }
        }

        end = ngx_max(end, lookup[i]->places.first + lookup[i]->places.n);
    }
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
