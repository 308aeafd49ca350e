
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <openssl/rand.h>
#include <openssl/x509.h>

#include "core/cells.h"
#include "crypto/hash.h"
#include "names/rows.h"
#include "route/routes.h"


#define ROUTES_WAYS    2
#define ROUTES_SETS    (WGW_ROUTES_CACHE / ROUTES_WAYS)

#define ROUTES_USUAL   (6 * WGW_CELLS_LINE)     /* bytes of a route, */
#define ROUTES_HOT     offsetof(wgw_route_t, change)    /* and of it first */


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


_Static_assert(sizeof(routes_set_t) == WGW_CELLS_LINE, "a set is a cache line");

#if (NGX_PTR_SIZE == 8)

_Static_assert(ROUTES_HOT % WGW_CELLS_LINE == 0
               && sizeof(wgw_route_t) - ROUTES_HOT == WGW_CELLS_LINE
               && sizeof(wgw_peer_t) == WGW_CELLS_LINE,
               "what each request reads is a line, and so is a peer");

#endif


static ngx_int_t routes_create(void);
static inline routes_set_t *routes_set(uint64_t hash);
static void routes_prefetch(wgw_route_t *route, size_t from);
static routes_entry_t *routes_entry(routes_set_t *set, uint64_t hash,
    ngx_str_t *name);
static ngx_int_t routes_enter(wgw_store_t *store, ngx_str_t *name,
    routes_set_t *set, uint64_t hash, uint64_t *id, ngx_log_t *log)
    __attribute__((noinline));
static ngx_int_t routes_look(wgw_store_t *store, ngx_str_t *name,
    routes_entry_t *entry, uint64_t hash, uint64_t *id, ngx_log_t *log);
static void routes_hold(wgw_store_t *store);
static void routes_turn_handler(ngx_event_t *ev);
static ngx_int_t routes_recall(wgw_store_t *store, ngx_str_t *name,
    routes_entry_t *entry, uint64_t hash, uint64_t id, ngx_log_t *log);
static ngx_int_t routes_read(wgw_store_t *store, ngx_str_t *name,
    routes_entry_t *entry, uint64_t hash, ngx_log_t *log);
static ngx_int_t routes_take(routes_entry_t *entry, uint64_t hash,
    ngx_str_t *asked, ngx_str_t *name, wgw_record_t *record, ngx_log_t *log);
static void routes_drop(routes_entry_t *entry);
static wgw_store_rc_t routes_get(wgw_store_t *store, ngx_str_t *name,
    char *wider, wgw_text_t *packed, wgw_store_error_t *error);
static ngx_int_t routes_parse(routes_entry_t *entry, wgw_record_t *record,
    ngx_str_t *asked, ngx_str_t *name, ngx_log_t *log);
static wgw_route_t *routes_room(routes_entry_t *entry, size_t size,
    ngx_log_t *log);
static void routes_texts(wgw_route_t *route, wgw_record_t *record,
    ngx_str_t *asked, ngx_str_t *name, u_char *p);
static inline void routes_copy(ngx_str_t *dst, const void *data, size_t len,
    u_char **p);
static void routes_peer(wgw_peer_t *peer, wgw_addr_t *addr, u_char **p);
static socklen_t routes_sockaddr(wgw_sockaddr_t *sockaddr,
    const wgw_addr_t *addr);


/* addresses are not chosen by clients: a seed that all workers know */
static const uint8_t  routes_peer_seed[WGW_HASH_SEED];

static routes_set_t  *routes_cache;
static wgw_cells_t    routes_cells = { .size = ROUTES_USUAL };
static ngx_uint_t     routes_first;

/* all workers of a master have the same */
static uint8_t        routes_seed[WGW_HASH_SEED];
static ngx_uint_t     routes_seeded;

static wgw_text_t     routes_node;      /* what this gateway is called */
static ngx_event_t    routes_turn;      /* its data: the store that is held */


ngx_int_t
wgw_routes_init(wgw_text_t node, ngx_log_t *log)
{
    routes_node = node;

    if (routes_seeded) {
        return NGX_OK;
    }

    if (RAND_bytes(routes_seed, WGW_HASH_SEED) != 1) {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "RAND_bytes() failed");
        return NGX_ERROR;
    }

    routes_seeded = 1;

    return NGX_OK;
}


uint64_t
wgw_routes_hash(ngx_str_t *name)
{
    return wgw_hash(routes_seed, name->data, name->len);
}


void
wgw_routes_prefetch(wgw_store_t *store, uint64_t hash)
{
    if (routes_cache) {
        __builtin_prefetch(routes_set(hash), 1);
        wgw_store_prefetch(store, hash);
    }
}


void
wgw_routes_prefetch_route(wgw_store_t *store, uint64_t hash, ngx_str_t *name)
{
    ngx_uint_t     i;
    routes_set_t  *set;

    if (routes_cache == NULL) {
        return;
    }

    set = routes_set(hash);

    for (i = 0; i < ROUTES_WAYS; i++) {

        if (set->ways[i].hash == hash && set->ways[i].route) {
            routes_prefetch(set->ways[i].route, ROUTES_HOT);
            return;
        }
    }

    wgw_store_prefetch_row(store, hash, name->len);

    /* where the new one will be */

    routes_prefetch(set->ways[set->victim].route, 0);
}


ngx_int_t
wgw_routes_find(wgw_store_t *store, ngx_str_t *name, uint64_t hash,
    wgw_route_t **route, uint64_t *id, ngx_log_t *log)
{
    ngx_int_t        rc;
    routes_set_t    *set;
    routes_entry_t  *entry;

    if (routes_cache == NULL && routes_create() != NGX_OK) {
        return NGX_ERROR;
    }

    set = routes_set(hash);

    *id = wgw_store_id(store);

    entry = routes_entry(set, hash, name);

    if (entry == NULL) {
        entry = &set->ways[set->victim];

        rc = routes_enter(store, name, set, hash, id, log);

        if (rc != NGX_OK) {
            return rc;
        }

    } else if (entry->id != *id || *id == 0) {

        rc = routes_look(store, name, entry, hash, id, log);

        if (rc != NGX_OK) {
            routes_drop(entry);
            return rc;
        }
    }

    if (entry->route->elsewhere) {
        return NGX_DECLINED;
    }

    *route = entry->route;
    entry->route->refs++;

    return NGX_OK;
}


/* In the place of the one that was not used for longer. */

static ngx_int_t
routes_enter(wgw_store_t *store, ngx_str_t *name, routes_set_t *set,
    uint64_t hash, uint64_t *id, ngx_log_t *log)
{
    ngx_int_t        rc;
    ngx_uint_t       full;
    routes_entry_t  *entry;

    entry = &set->ways[set->victim];
    full = (entry->route != NULL);

    rc = routes_look(store, name, entry, hash, id, log);

    if (rc != NGX_OK) {
        return rc;
    }

    /* names soon forgotten would all go to their first backend */

    if (full || entry->route->name.data[0] == '*') {
        entry->route->next = routes_first++;
    }

    set->victim ^= 1;

    return NGX_OK;
}


static ngx_int_t
routes_create(void)
{
    routes_cache = ngx_memalign(WGW_CELLS_LINE,
                                sizeof(routes_set_t) * ROUTES_SETS,
                                ngx_cycle->log);

    if (routes_cache == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(routes_cache, sizeof(routes_set_t) * ROUTES_SETS);

    return NGX_OK;
}


static inline routes_set_t *
routes_set(uint64_t hash)
{
    return &routes_cache[hash & (ROUTES_SETS - 1)];
}


static void
routes_prefetch(wgw_route_t *route, size_t from)
{
    size_t  n;

    for (n = from; route && n < ROUTES_USUAL; n += WGW_CELLS_LINE) {
        __builtin_prefetch((u_char *) route + n, 1);
    }
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


/* A name that is not there takes nobody's place. */

static ngx_int_t
routes_look(wgw_store_t *store, ngx_str_t *name, routes_entry_t *entry,
    uint64_t hash, uint64_t *id, ngx_log_t *log)
{
    ngx_int_t          rc;
    wgw_store_error_t  error;

    if (routes_recall(store, name, entry, hash, *id, log) == NGX_OK) {
        return NGX_OK;
    }

    if (wgw_store_begin(store, id, &error) != WGW_STORE_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0, "names: %s", error.text);
        return NGX_ERROR;
    }

    rc = routes_read(store, name, entry, hash, log);

    if (rc == NGX_OK) {
        entry->id = *id;
    }

    routes_hold(store);

    return rc;
}


/* What was found before, by whichever worker, as of the newest commit. */

static ngx_int_t
routes_recall(wgw_store_t *store, ngx_str_t *name, routes_entry_t *entry,
    uint64_t hash, uint64_t id, ngx_log_t *log)
{
    char          room[WGW_HINTS_ROOM];
    wgw_text_t    key, packed;
    wgw_record_t  record;

    key.data = (char *) name->data;
    key.len = name->len;

    if (!wgw_store_recall(store, id, hash, key, room, &packed)
        || wgw_record_unpack(&record, (uint8_t *) packed.data, packed.len)
           != 0
        || routes_take(entry, hash, name, name, &record, log) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    entry->id = id;

    return NGX_OK;
}


/* Leaves the snapshot open until this turn of the event loop ends. */

static void
routes_hold(wgw_store_t *store)
{
    if (routes_turn.posted && routes_turn.data != store) {
        wgw_store_end(store);
        return;
    }

    wgw_store_hold(store);

    if (!routes_turn.posted) {
        routes_turn.handler = routes_turn_handler;
        routes_turn.data = store;
        routes_turn.log = ngx_cycle->log;

        ngx_post_event(&routes_turn, &ngx_posted_events);
    }
}


static void
routes_turn_handler(ngx_event_t *ev)
{
    wgw_store_end(ev->data);
}


static ngx_int_t
routes_read(wgw_store_t *store, ngx_str_t *name, routes_entry_t *entry,
    uint64_t hash, ngx_log_t *log)
{
    char                wider[WGW_NAME_MAX];
    ngx_str_t           found;
    wgw_text_t          key, packed;
    wgw_record_t        record;
    wgw_store_rc_t      rc;
    wgw_store_error_t   error;

    found = *name;

    rc = routes_get(store, &found, wider, &packed, &error);

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
                      "names: the record of \"%V\" is damaged", &found);
        return NGX_ERROR;
    }

    if (found.data == name->data) {
        key.data = (char *) name->data;
        key.len = name->len;

        wgw_store_remember(store, hash, key, packed);
    }

    return routes_take(entry, hash, name, &found, &record, log);
}


/*
 * The parsed form is kept if it was made from this very record.  The entry
 * changes only if there is a record to take its place.
 */

static ngx_int_t
routes_take(routes_entry_t *entry, uint64_t hash, ngx_str_t *asked,
    ngx_str_t *name, wgw_record_t *record, ngx_log_t *log)
{
    wgw_route_t  *route;

    route = entry->route;

    if (route
        && entry->hash == hash
        && route->change == record->change
        && route->asked.len == asked->len
        && ngx_memcmp(route->asked.data, asked->data, asked->len) == 0
        && route->name.len == name->len
        && ngx_memcmp(route->name.data, name->data, name->len) == 0)
    {
        return NGX_OK;
    }

    entry->hash = hash;

    return routes_parse(entry, record, asked, name, log);
}


static void
routes_drop(routes_entry_t *entry)
{
    if (entry->route) {
        wgw_route_release(entry->route);
        entry->route = NULL;
    }
}


/* A wildcard is put into `wider`, and then found there. */

static wgw_store_rc_t
routes_get(wgw_store_t *store, ngx_str_t *name, char *wider,
    wgw_text_t *packed, wgw_store_error_t *error)
{
    size_t          len;
    wgw_text_t      key;
    wgw_store_rc_t  rc;

    key.data = (char *) name->data;
    key.len = name->len;

    rc = wgw_store_get(store, WGW_ROWS, key, packed, error);

    if (rc != WGW_STORE_NONE) {
        return rc;
    }

    len = name->len;
    ngx_memcpy(wider, name->data, len);

    name->data = (u_char *) wider;
    key.data = wider;

    for ( ;; ) {
        len = wgw_name_widen(wider, len);

        if (len == 0) {
            return WGW_STORE_NONE;
        }

        name->len = len;
        key.len = len;

        rc = wgw_store_get(store, WGW_ROWS, key, packed, error);

        if (rc != WGW_STORE_NONE) {
            return rc;
        }
    }
}


/* One allocation holds the route and all it points to. */

static ngx_int_t
routes_parse(routes_entry_t *entry, wgw_record_t *record, ngx_str_t *asked,
    ngx_str_t *name, ngx_log_t *log)
{
    size_t        size;
    u_char       *p;
    ngx_uint_t    i;
    wgw_route_t  *route;

    size = sizeof(wgw_route_t)
           + record->nbackends * sizeof(wgw_peer_t)
           + record->naddresses * sizeof(wgw_addr_t)
           + asked->len + name->len + record->tls_name.len + record->tls_ca.len
           + record->owner.len + record->workload.len + 2 * NGX_INT64_LEN;

    for (i = 0; i < record->nbackends; i++) {
        size += record->backends[i].family == 4 ? WGW_ADDR_TEXT_V4
                                                : WGW_ADDR_TEXT;
    }

    route = routes_room(entry, size, log);
    if (route == NULL) {
        return NGX_ERROR;
    }

    wgw_record_place(record, routes_node);

    route->elsewhere = record->elsewhere;
    route->change = record->change;
    route->passthrough = record->passthrough;
    route->https = record->https;
    route->verify = record->verify;
    route->paused = record->paused;
    route->proxy = record->proxy;
    route->next = 0;
    route->npeers = record->nbackends;
    route->naddresses = record->naddresses;

    route->addresses = (wgw_addr_t *) (route->peers + route->npeers);
    p = (u_char *) (route->addresses + route->naddresses);

    for (i = 0; i < route->naddresses; i++) {
        route->addresses[i] = record->addresses[i];
    }

    for (i = 0; i < route->npeers; i++) {
        routes_peer(&route->peers[i], &record->backends[i], &p);
    }

    routes_texts(route, record, asked, name, p);

    return NGX_OK;
}


/* The memory of the entry's route, if nobody else has it and it fits. */

static wgw_route_t *
routes_room(routes_entry_t *entry, size_t size, ngx_log_t *log)
{
    wgw_route_t  *route;

    size = size > ROUTES_USUAL ? ngx_align(size, WGW_CELLS_LINE)
                               : ROUTES_USUAL;

    route = entry->route;

    if (route && route->refs == 1 && route->size == size) {

        if (route->trust) {
            X509_STORE_free(route->trust);
        }

    } else {
        routes_drop(entry);

        route = size == ROUTES_USUAL ? wgw_cells_take(&routes_cells)
                                     : ngx_alloc(size, log);
        if (route == NULL) {
            ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                          "names: no memory for a route");
            return NULL;
        }

        route->refs = 1;
        route->size = size;

        entry->route = route;
    }

    route->trust = NULL;

    return route;
}


static void
routes_texts(wgw_route_t *route, wgw_record_t *record, ngx_str_t *asked,
    ngx_str_t *name, u_char *p)
{
    routes_copy(&route->asked, asked->data, asked->len, &p);

    if (name->data == asked->data) {
        route->name = route->asked;

    } else {
        routes_copy(&route->name, name->data, name->len, &p);
    }

    routes_copy(&route->tls_name, record->tls_name.data, record->tls_name.len,
                &p);
    routes_copy(&route->tls_ca, record->tls_ca.data, record->tls_ca.len, &p);
    routes_copy(&route->owner, record->owner.data, record->owner.len, &p);
    routes_copy(&route->workload, record->workload.data, record->workload.len,
                &p);

    route->cap.number = record->cap_bytes;
    route->cap.text.data = p;
    route->cap.text.len = 0;

    route->life.number = record->life;
    route->life.text.data = p + NGX_INT64_LEN;
    route->life.text.len = 0;
}


static inline void
routes_copy(ngx_str_t *dst, const void *data, size_t len, u_char **p)
{
    dst->data = *p;
    dst->len = len;

    if (len) {
        *p = ngx_cpymem(*p, data, len);
    }
}


static void
routes_peer(wgw_peer_t *peer, wgw_addr_t *addr, u_char **p)
{
    peer->socklen = routes_sockaddr(&peer->sockaddr, addr);
    peer->hash = wgw_hash(routes_peer_seed, &peer->sockaddr, peer->socklen);

    peer->text.data = *p;

    *p = (u_char *) wgw_addr_write(addr, (char *) *p);

    peer->text.len = *p - peer->text.data;
}


/* Padded with zeros; returns the length. */

static socklen_t
routes_sockaddr(wgw_sockaddr_t *sockaddr, const wgw_addr_t *addr)
{
    ngx_memzero(sockaddr, sizeof(wgw_sockaddr_t));

#if (NGX_HAVE_INET6)
    if (addr->family == 6) {
        sockaddr->sockaddr_in6.sin6_family = AF_INET6;
        sockaddr->sockaddr_in6.sin6_port = htons(addr->port);
        ngx_memcpy(&sockaddr->sockaddr_in6.sin6_addr, addr->addr, 16);

        return sizeof(struct sockaddr_in6);
    }
#endif

    sockaddr->sockaddr_in.sin_family = AF_INET;
    sockaddr->sockaddr_in.sin_port = htons(addr->port);
    ngx_memcpy(&sockaddr->sockaddr_in.sin_addr, addr->addr, 4);

    return sizeof(struct sockaddr_in);
}


uint64_t
wgw_route_backend(const wgw_addr_t *addr)
{
    socklen_t       len;
    wgw_sockaddr_t  sockaddr;

    len = routes_sockaddr(&sockaddr, addr);

    return wgw_hash(routes_peer_seed, &sockaddr, len);
}


void
wgw_route_release(wgw_route_t *route)
{
    if (--route->refs == 0) {
        X509_STORE_free(route->trust);

        if (route->size == ROUTES_USUAL) {
            wgw_cells_give(&routes_cells, route);

        } else {
            ngx_free(route);
        }
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
