
#include <ngx_config.h>
#include <ngx_core.h>

#include "names/rows.h"
#include "route/lookup.h"


static ngx_str_t *lookup_backend(wgw_lookup_t *lookup);
static void lookup_refresh(wgw_lookup_t *lookup, ngx_log_t *log);
static void lookup_set_cap(wgw_lookup_t *lookup, wgw_route_t *route);
static ngx_int_t lookup_local(ngx_connection_t *c, ngx_sockaddr_t *local);


const wgw_value_name_t  wgw_lookup_variables[] = {
    { ngx_string("wgw_name"), WGW_LOOKUP_NAME },
    { ngx_string("wgw_backend"), WGW_LOOKUP_BACKEND },
    { ngx_string("wgw_scheme"), WGW_LOOKUP_SCHEME },
    { ngx_string("wgw_tls_name"), WGW_LOOKUP_TLS_NAME },
    { ngx_string("wgw_cap"), WGW_LOOKUP_CAP },
    { ngx_string("wgw_owner"), WGW_LOOKUP_OWNER },
    { ngx_string("wgw_workload"), WGW_LOOKUP_WORKLOAD },
    { ngx_string("wgw_life"), WGW_LOOKUP_LIFE },
    { ngx_null_string, 0 }
};


static wgw_names_t  *lookup_names;


void
wgw_lookup_use(ngx_conf_t *cf, wgw_names_t *names, const char *directive)
{
    if (names->user == NULL) {
        names->user = directive;
        names->used = wgw_line(cf);
    }
}


void
wgw_lookup_init(wgw_names_t *names)
{
    lookup_names = names;
}


wgw_names_t *
wgw_lookup_names(void)
{
    return lookup_names;
}


/* The worker's store; after a failure it is tried again each second. */

wgw_store_t *
wgw_lookup_store(ngx_log_t *log)
{
    wgw_names_t        *names;
    wgw_store_error_t   error;

    names = lookup_names;

    if (names->store || names->tried == ngx_time()) {
        return names->store;
    }

    names->tried = ngx_time();
    names->store = wgw_store_open(&wgw_rows_class, (char *) names->path.data,
                                  names->sync, &error);

    if (names->store == NULL) {
        ngx_log_error(NGX_LOG_ERR, log, 0, "names \"%V\": %s", &names->path,
                      error.text);
        return NULL;
    }

    wgw_store_hints(names->store, names->hints);

    return names->store;
}


void
wgw_lookup_ahead(ngx_str_t *name)
{
    wgw_store_t  *store;

    store = lookup_names->store;

    if (store && name->len && name->len <= WGW_NAME_MAX) {
        wgw_routes_prefetch(store, wgw_routes_hash(name));
    }
}


void
wgw_lookup_named(wgw_lookup_t *lookup)
{
    wgw_store_t  *store;

    store = lookup_names->store;

    lookup->hash = wgw_routes_hash(&lookup->name);

    if (store) {
        wgw_routes_prefetch_route(store, lookup->hash, &lookup->name);
    }
}


/* Finds the route, once; a name that is not there is looked up again. */

void
wgw_lookup(wgw_lookup_t *lookup, ngx_log_t *log)
{
    wgw_store_t  *store;

    if (lookup->route) {
        return;
    }

    store = wgw_lookup_store(log);

    if (store == NULL) {
        lookup->rc = NGX_ERROR;

    } else if (lookup->name.len == 0) {
        lookup->rc = NGX_DECLINED;

    } else {
        lookup->rc = wgw_routes_find(store, &lookup->name, lookup->hash,
                                     &lookup->route, &lookup->id, log);
    }
}


void
wgw_lookup_cleanup(wgw_lookup_t *lookup)
{
    if (lookup->route) {
        wgw_route_release(lookup->route);
        lookup->route = NULL;
    }
}


void
wgw_lookup_value(wgw_lookup_t *lookup,
    wgw_lookup_field_e field, ngx_str_t *value, ngx_log_t *log)
{
    wgw_route_t  *route;

    route = lookup->route;

    switch (field) {

    case WGW_LOOKUP_NAME:
        *value = route->name;
        break;

    case WGW_LOOKUP_BACKEND:
        *value = *lookup_backend(lookup);
        break;

    case WGW_LOOKUP_SCHEME:
        if (route->passthrough) {
            ngx_str_null(value);

        } else if (route->https) {
            ngx_str_set(value, "https");

        } else {
            ngx_str_set(value, "http");
        }

        break;

    case WGW_LOOKUP_TLS_NAME:
        *value = route->tls_name.len ? route->tls_name : lookup->name;
        break;

    case WGW_LOOKUP_CAP:
        lookup_refresh(lookup, log);
        *value = lookup->cap;
        break;

    case WGW_LOOKUP_OWNER:
        *value = route->owner;
        break;

    case WGW_LOOKUP_WORKLOAD:
        *value = route->workload;
        break;

    case WGW_LOOKUP_LIFE:
        *value = *wgw_route_text(&route->life);
        break;

    default:
        ngx_str_null(value);
    }
}


/* A request has one turn, however often it asks. */

static ngx_str_t *
lookup_backend(wgw_lookup_t *lookup)
{
    wgw_route_t  *route;

    route = lookup->route;

    if (lookup->peer == NULL) {
        lookup->peer = &route->peers[route->next++ % route->npeers];
        lookup->told = 1;
    }

    return &lookup->peer->text;
}


/* Takes over the cap if the store changed since the last look. */

static void
lookup_refresh(wgw_lookup_t *lookup, ngx_log_t *log)
{
    wgw_route_t  *route;
    wgw_store_t  *store;

    store = wgw_lookup_store(log);

    if (store
        && wgw_store_id(store) != lookup->id
        && wgw_routes_find(store, &lookup->name, lookup->hash, &route,
                           &lookup->id, log)
           == NGX_OK)
    {
        lookup_set_cap(lookup, route);
        wgw_route_release(route);

    } else if (lookup->cap.data == NULL) {
        lookup_set_cap(lookup, lookup->route);
    }
}


static void
lookup_set_cap(wgw_lookup_t *lookup, wgw_route_t *route)
{
    ngx_str_t  *cap;

    cap = wgw_route_text(&route->cap);

    lookup->cap.data = lookup->cap_text;
    lookup->cap.len = cap->len;

    ngx_memcpy(lookup->cap_text, cap->data, cap->len);
}


ngx_uint_t
wgw_lookup_here(ngx_connection_t *c, wgw_route_t *route)
{
    ngx_sockaddr_t  local;

    if (route->naddresses == 0) {
        return 1;
    }

    /* UDP and HTTP/3: nginx knows of each datagram, the socket does not */

    if (c->shared) {
        return wgw_route_answers(route, c->local_sockaddr);
    }

    return lookup_local(c, &local) == NGX_OK
           && wgw_route_answers(route, &local.sockaddr);
}


ngx_uint_t
wgw_lookup_loops(ngx_connection_t *c, wgw_route_t *route)
{
    in_port_t        port;
    wgw_addr_t       own, addr;
    ngx_uint_t       i;
    ngx_sockaddr_t   local;

    port = ngx_inet_get_port(c->listening->sockaddr);
    own.family = 0;

    for (i = 0; i < route->npeers; i++) {

        if (ngx_inet_get_port(&route->peers[i].sockaddr.sockaddr) != port) {
            continue;
        }

        if (own.family == 0
            && (lookup_local(c, &local) != NGX_OK
                || wgw_route_address(&own, &local.sockaddr) != NGX_OK))
        {
            return 0;
        }

        if (wgw_route_address(&addr, &route->peers[i].sockaddr.sockaddr)
            == NGX_OK
            && wgw_addr_equal(&own, &addr))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
lookup_local(ngx_connection_t *c, ngx_sockaddr_t *local)
{
    socklen_t  len;

    len = sizeof(ngx_sockaddr_t);

    if (getsockname(c->fd, &local->sockaddr, &len) == -1) {
        ngx_connection_error(c, ngx_socket_errno, "getsockname() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}
