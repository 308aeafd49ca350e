
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
} routes_entry_t;


/* a line of the processor's cache */
typedef struct {
    routes_entry_t       ways[ROUTES_WAYS];
    uint64_t             victim;        /* the one not used last */
    uint64_t             unused;
} routes_set_t;


_Static_assert(sizeof(routes_set_t) == 64, "a set is a cache line");


static routes_set_t *routes_set(ngx_str_t *name, uint64_t *hash);
static routes_entry_t *routes_entry(routes_set_t *set, uint64_t hash,
    ngx_str_t *name);
static ngx_int_t routes_look(wgw_store_t *store, ngx_str_t *name,
    routes_entry_t *entry, uint64_t *id, ngx_log_t *log);
static ngx_int_t routes_read(wgw_store_t *store, ngx_str_t *name,
    routes_entry_t *entry, ngx_log_t *log);
static void routes_drop(routes_entry_t *entry);
static wgw_store_rc_t routes_get(wgw_store_t *store, char *name, size_t *len,
    wgw_text_t *packed, wgw_store_error_t *error);
static wgw_route_t *routes_parse(wgw_record_t *record, ngx_str_t *asked,
    ngx_str_t *name, ngx_log_t *log);
static void routes_copy(ngx_str_t *dst, wgw_text_t *src, u_char **p);
static void routes_peer(wgw_peer_t *peer, wgw_addr_t *addr, u_char **p);


/* addresses are not chosen by clients: a seed that all workers know */
static const uint8_t  routes_peer_seed[WGW_HASH_SEED];

static routes_set_t  *routes_cache;
static ngx_uint_t     routes_first;
static uint8_t        routes_seed[WGW_HASH_SEED];


ngx_int_t
wgw_routes_find(wgw_store_t *store, ngx_str_t *name, wgw_route_t **route,
    uint64_t *id, ngx_log_t *log)
{
    uint64_t         hash;
    ngx_int_t        rc;
    routes_set_t    *set;
    routes_entry_t  *entry, found;

    set = routes_set(name, &hash);
    if (set == NULL) {
        return NGX_ERROR;
    }

    *id = wgw_store_id(store);

    entry = routes_entry(set, hash, name);

    if (entry == NULL) {

        /* a name that is not there takes nobody's place */

        found.hash = hash;
        found.route = NULL;

        rc = routes_look(store, name, &found, id, log);

        if (rc != NGX_OK) {
            return rc;
        }

        entry = &set->ways[set->victim];

        /* names soon forgotten would all go to their first backend */

        if (entry->route || found.route->name.data[0] == '*') {
            found.route->next = routes_first++;
        }

        routes_drop(entry);
        *entry = found;

        set->victim ^= 1;

    } else if (entry->id != *id || *id == 0) {

        rc = routes_look(store, name, entry, id, log);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    *route = entry->route;
    entry->route->refs++;

    return NGX_OK;
}


static routes_set_t *
routes_set(ngx_str_t *name, uint64_t *hash)
{
    if (routes_cache == NULL) {
        routes_cache = ngx_memalign(sizeof(routes_set_t),
                                    sizeof(routes_set_t) * ROUTES_SETS,
                                    ngx_cycle->log);

        if (routes_cache == NULL
            || RAND_bytes(routes_seed, WGW_HASH_SEED) != 1)
        {
            ngx_free(routes_cache);
            routes_cache = NULL;

            return NULL;
        }

        ngx_memzero(routes_cache, sizeof(routes_set_t) * ROUTES_SETS);
    }

    *hash = wgw_hash(routes_seed, name->data, name->len);

    return &routes_cache[*hash & (ROUTES_SETS - 1)];
}


static routes_entry_t *
routes_entry(routes_set_t *set, uint64_t hash, ngx_str_t *name)
{
    ngx_uint_t       i;
    routes_entry_t  *entry;

    for (i = 0; i < ROUTES_WAYS; i++) {
        entry = &set->ways[i];

        if (entry->hash == hash
            && entry->route
            && entry->route->asked.len == name->len
            && ngx_memcmp(entry->route->asked.data, name->data, name->len)
               == 0)
        {
            set->victim = !i;
            return entry;
        }
    }

    return NULL;
}


static ngx_int_t
routes_look(wgw_store_t *store, ngx_str_t *name, routes_entry_t *entry,
    uint64_t *id, ngx_log_t *log)
{
    ngx_int_t          rc;
    wgw_store_error_t  error;

    if (wgw_store_begin(store, id, &error) != WGW_STORE_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0, "names: %s", error.text);
        return NGX_ERROR;
    }

    entry->id = *id;

    rc = routes_read(store, name, entry, log);

    wgw_store_end(store);

    if (rc != NGX_OK) {
        routes_drop(entry);
    }

    return rc;
}


/* The parsed form is kept if it was made from this very record. */

static ngx_int_t
routes_read(wgw_store_t *store, ngx_str_t *name, routes_entry_t *entry,
    ngx_log_t *log)
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

    if (rc == WGW_STORE_NONE) {
        return NGX_DECLINED;
    }

    if (rc != WGW_STORE_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0, "names: %s", error.text);
        return NGX_ERROR;
    }

    if (wgw_record_unpack(&record, (uint8_t *) packed.data, packed.len)
        != 0)
    {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "names: the record of \"%*s\" is damaged", len, found);
        return NGX_ERROR;
    }

    route = entry->route;

    if (route
        && route->change == record.change
        && route->name.len == len
        && ngx_memcmp(route->name.data, found, len) == 0)
    {
        return NGX_OK;
    }

    full.data = (u_char *) found;
    full.len = len;

    route = routes_parse(&record, name, &full, log);
    if (route == NULL) {
        return NGX_ERROR;
    }

    routes_drop(entry);
    entry->route = route;

    return NGX_OK;
}


static void
routes_drop(routes_entry_t *entry)
{
    if (entry->route) {
        wgw_route_release(entry->route);
        entry->route = NULL;
    }
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
routes_parse(wgw_record_t *record, ngx_str_t *asked, ngx_str_t *name,
    ngx_log_t *log)
{
    size_t        size;
    u_char       *p;
    ngx_uint_t    i;
    wgw_text_t    text;
    wgw_route_t  *route;

    size = sizeof(wgw_route_t)
           + record->nbackends * (sizeof(wgw_peer_t) + ROUTES_TEXT)
           + record->naddresses * sizeof(wgw_addr_t)
           + asked->len + name->len + record->tls_name.len + record->tls_ca.len
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
    route->proxy = record->proxy;
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

    text.data = (char *) asked->data;
    text.len = asked->len;

    routes_copy(&route->asked, &text, &p);

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

    ngx_memzero(&peer->sockaddr, sizeof(wgw_sockaddr_t));

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

    peer->hash = wgw_hash(routes_peer_seed, &peer->sockaddr, peer->socklen);

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
