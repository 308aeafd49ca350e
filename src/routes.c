
#include <ngx_config.h>
#include <ngx_core.h>

#include <openssl/rand.h>
#include <openssl/x509.h>

#include "hash.h"
#include "routes.h"


#define ROUTES_WAYS    2
#define ROUTES_SETS    (WGW_ROUTES_CACHE / ROUTES_WAYS)

#define ROUTES_TEXT    64               /* "[2001:...:0010]:65535" */


typedef struct {
    uint64_t             hash;
    uint64_t             id;            /* snapshot it was read from */
    wgw_route_t         *route;         /* NULL: free */
    size_t               len;
    char                 name[WGW_NAME_MAX];
} routes_entry_t;


typedef struct {
    routes_entry_t       ways[ROUTES_WAYS];
    ngx_uint_t           victim;        /* the one not used last */
} routes_set_t;


static routes_entry_t *routes_entry(ngx_str_t *name);
static ngx_int_t routes_read(wgw_store_t *store, ngx_str_t *name,
    routes_entry_t *entry, uint64_t id, ngx_log_t *log);
static wgw_store_rc_t routes_get(wgw_store_t *store, char *name, size_t *len,
    wgw_text_t *packed, wgw_store_error_t *error);
static wgw_route_t *routes_parse(wgw_record_t *record, ngx_str_t *name,
    ngx_log_t *log);
static void routes_copy(ngx_str_t *dst, wgw_text_t *src, u_char **p);
static void routes_peer(wgw_peer_t *peer, wgw_addr_t *addr, u_char **p);


static routes_set_t  *routes_cache;
static uint8_t        routes_seed[WGW_HASH_SEED];


ngx_int_t
wgw_routes_find(wgw_store_t *store, ngx_str_t *name, wgw_route_t **route,
    uint64_t *id, ngx_log_t *log)
{
    ngx_int_t           rc;
    routes_entry_t     *entry;
    wgw_store_error_t   error;

    if (wgw_store_begin(store, id, &error) != WGW_STORE_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0, "names: %s", error.text);
        return NGX_ERROR;
    }

    entry = routes_entry(name);

    if (entry == NULL) {
        rc = NGX_ERROR;

    } else if (entry->route && entry->id == *id) {
        rc = NGX_OK;

    } else {
        rc = routes_read(store, name, entry, *id, log);
    }

    wgw_store_end(store);

    if (rc == NGX_OK) {
        *route = entry->route;
        entry->route->refs++;
    }

    return rc;
}


/*
 * The cache's entry of a name, or the one to be used for it: then its route
 * is NULL.
 */

static routes_entry_t *
routes_entry(ngx_str_t *name)
{
    uint64_t         hash;
    ngx_uint_t       i;
    routes_set_t    *set;
    routes_entry_t  *entry;

    if (routes_cache == NULL) {
        routes_cache = ngx_calloc(sizeof(routes_set_t) * ROUTES_SETS,
                                  ngx_cycle->log);

        if (routes_cache == NULL
            || RAND_bytes(routes_seed, WGW_HASH_SEED) != 1)
        {
            return NULL;
        }
    }

    hash = wgw_hash(routes_seed, name->data, name->len);
    set = &routes_cache[hash & (ROUTES_SETS - 1)];

    for (i = 0; i < ROUTES_WAYS; i++) {
        entry = &set->ways[i];

        if (entry->route
            && entry->hash == hash
            && entry->len == name->len
            && ngx_memcmp(entry->name, name->data, name->len) == 0)
        {
            set->victim = !i;
            return entry;
        }
    }

    entry = &set->ways[set->victim];

    if (entry->route) {
        wgw_route_release(entry->route);
        entry->route = NULL;
    }

    entry->hash = hash;
    entry->len = name->len;
    ngx_memcpy(entry->name, name->data, name->len);

    return entry;
}


/* The parsed form is kept if it was made from this very record. */

static ngx_int_t
routes_read(wgw_store_t *store, ngx_str_t *name, routes_entry_t *entry,
    uint64_t id, ngx_log_t *log)
{
    char                found[WGW_NAME_MAX];
    size_t              len;
    ngx_str_t           full;
    wgw_text_t          packed;
    wgw_route_t        *route;
    wgw_record_t        record;
    wgw_store_rc_t      rc;
    wgw_store_error_t   error;

    len = name->len;
    ngx_memcpy(found, name->data, len);

    rc = routes_get(store, found, &len, &packed, &error);

    if (rc == WGW_STORE_OK
        && wgw_record_unpack(&record, (uint8_t *) packed.data, packed.len)
           != 0)
    {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "names: the record of \"%*s\" is damaged", len, found);
        return NGX_ERROR;
    }

    route = entry->route;

    if (rc == WGW_STORE_OK
        && route
        && route->change == record.change
        && route->name.len == len
        && ngx_memcmp(route->name.data, found, len) == 0)
    {
        entry->id = id;
        return NGX_OK;
    }

    if (route) {
        wgw_route_release(route);
        entry->route = NULL;
    }

    if (rc == WGW_STORE_NONE) {
        return NGX_DECLINED;
    }

    if (rc != WGW_STORE_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0, "names: %s", error.text);
        return NGX_ERROR;
    }

    full.data = (u_char *) found;
    full.len = len;

    entry->route = routes_parse(&record, &full, log);
    entry->id = id;

    return entry->route ? NGX_OK : NGX_ERROR;
}


static wgw_store_rc_t
routes_get(wgw_store_t *store, char *name, size_t *len, wgw_text_t *packed,
    wgw_store_error_t *error)
{
    wgw_text_t      key;
    wgw_store_rc_t  rc;

    do {
        key.data = name;
        key.len = *len;

        rc = wgw_store_get(store, key, packed, error);

        if (rc != WGW_STORE_NONE) {
            return rc;
        }

        *len = wgw_name_widen(name, *len);

    } while (*len);

    return WGW_STORE_NONE;
}


/* One allocation holds the route and all it points to. */

static wgw_route_t *
routes_parse(wgw_record_t *record, ngx_str_t *name, ngx_log_t *log)
{
    size_t        size;
    u_char       *p;
    ngx_uint_t    i;
    wgw_text_t    text;
    wgw_route_t  *route;

    size = sizeof(wgw_route_t)
           + record->nbackends * (sizeof(wgw_peer_t) + ROUTES_TEXT)
           + record->naddresses * sizeof(wgw_addr_t)
           + name->len + record->tls_name.len + record->tls_ca.len
           + record->owner.len + record->workload.len + NGX_INT64_LEN;

    route = ngx_alloc(size, log);
    if (route == NULL) {
        return NULL;
    }

    ngx_memzero(route, sizeof(wgw_route_t));

    route->refs = 1;
    route->change = record->change;
    route->passthrough = record->passthrough;
    route->https = record->https;
    route->verify = record->verify;
    route->paused = record->paused;
    route->npeers = record->nbackends;
    route->naddresses = record->naddresses;

    route->peers = (wgw_peer_t *) (route + 1);
    route->addresses = (wgw_addr_t *) (route->peers + route->npeers);
    p = (u_char *) (route->addresses + route->naddresses);

    ngx_memcpy(route->addresses, record->addresses,
               route->naddresses * sizeof(wgw_addr_t));

    for (i = 0; i < route->npeers; i++) {
        routes_peer(&route->peers[i], &record->backends[i], &p);
    }

    text.data = (char *) name->data;
    text.len = name->len;

    routes_copy(&route->name, &text, &p);
    routes_copy(&route->tls_name, &record->tls_name, &p);
    routes_copy(&route->tls_ca, &record->tls_ca, &p);
    routes_copy(&route->owner, &record->owner, &p);
    routes_copy(&route->workload, &record->workload, &p);

    route->cap.data = p;

    if (record->cap_bytes) {
        route->cap.len = ngx_sprintf(p, "%uL", record->cap_bytes) - p;
    }

    return route;
}


static void
routes_copy(ngx_str_t *dst, wgw_text_t *src, u_char **p)
{
    dst->data = *p;
    dst->len = src->len;

    *p = ngx_cpymem(*p, src->data, src->len);
}


static void
routes_peer(wgw_peer_t *peer, wgw_addr_t *addr, u_char **p)
{
    wgw_out_t  out;

    ngx_memzero(&peer->sockaddr, sizeof(ngx_sockaddr_t));

#if (NGX_HAVE_INET6)
    if (addr->family == 6) {
        peer->sockaddr.sockaddr_in6.sin6_family = AF_INET6;
        peer->sockaddr.sockaddr_in6.sin6_port = htons(addr->port);
        ngx_memcpy(&peer->sockaddr.sockaddr_in6.sin6_addr, addr->addr, 16);
        peer->socklen = sizeof(struct sockaddr_in6);

    } else
#endif
    {
        peer->sockaddr.sockaddr_in.sin_family = AF_INET;
        peer->sockaddr.sockaddr_in.sin_port = htons(addr->port);
        ngx_memcpy(&peer->sockaddr.sockaddr_in.sin_addr, addr->addr, 4);
        peer->socklen = sizeof(struct sockaddr_in);
    }

    wgw_out_init(&out, *p, ROUTES_TEXT);
    wgw_addr_text(addr, &out);

    peer->text.data = *p;
    peer->text.len = out.pos - out.start;

    *p += peer->text.len;
}


void
wgw_route_release(wgw_route_t *route)
{
    if (--route->refs == 0) {
        X509_STORE_free(route->trust);
        ngx_free(route);
    }
}


ngx_uint_t
wgw_route_answers(wgw_route_t *route, struct sockaddr *local)
{
    ngx_uint_t  i;
    wgw_addr_t  addr;

    if (route->naddresses == 0) {
        return 1;
    }

    if (wgw_route_address(&addr, local) != NGX_OK) {
        return 0;
    }

    for (i = 0; i < route->naddresses; i++) {
        if (wgw_addr_equal(&route->addresses[i], &addr)) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
wgw_route_address(wgw_addr_t *addr, struct sockaddr *sockaddr)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    ngx_memzero(addr, sizeof(wgw_addr_t));

    switch (sockaddr->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sockaddr;

        /* an IPv4 client of a [::] listener with ipv6only=off */

        if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
            addr->family = 4;
            ngx_memcpy(addr->addr, &sin6->sin6_addr.s6_addr[12], 4);
            return NGX_OK;
        }

        addr->family = 6;
        ngx_memcpy(addr->addr, &sin6->sin6_addr, 16);
        return NGX_OK;
#endif

    case AF_INET:
        sin = (struct sockaddr_in *) sockaddr;

        addr->family = 4;
        ngx_memcpy(addr->addr, &sin->sin_addr, 4);
        return NGX_OK;

    default:
        return NGX_DECLINED;
    }
}


void
wgw_routes_clear(void)
{
    ngx_uint_t       i;
    routes_entry_t  *entry;

    if (routes_cache == NULL) {
        return;
    }

    for (i = 0; i < WGW_ROUTES_CACHE; i++) {
        entry = &routes_cache[i / ROUTES_WAYS].ways[i % ROUTES_WAYS];

        if (entry->route) {
            wgw_route_release(entry->route);
        }
    }

    ngx_free(routes_cache);
    routes_cache = NULL;
}
