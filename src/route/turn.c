
#include <ngx_config.h>
#include <ngx_core.h>

#include "route/turn.h"


static wgw_peer_t *turn_among(wgw_route_t *route, ngx_uint_t *tried,
    const wgw_health_conf_t *conf);
static uint64_t turn_place(wgw_route_t *route, uint64_t hash);


static wgw_health_t  *turn_health;


_Static_assert(WGW_RECORD_BACKENDS <= 8 * sizeof(ngx_uint_t),
               "a bit for each backend");


void
wgw_turn_init(wgw_health_t *health)
{
    turn_health = health;
}


wgw_peer_t *
wgw_turn_next(wgw_route_t *route, ngx_uint_t *tried,
    const wgw_health_conf_t *conf)
{
    wgw_peer_t  *peer;

    if (route->npeers == 1) {

        if (*tried) {
            return NULL;
        }

        *tried = 1;

        return route->peers;
    }

    peer = turn_among(route, tried, conf);

    return peer ? peer : turn_among(route, tried, NULL);
}


/* Among those that work, or, without `conf`, all. */

static wgw_peer_t *
turn_among(wgw_route_t *route, ngx_uint_t *tried,
    const wgw_health_conf_t *conf)
{
    ngx_uint_t   i, n;
    wgw_peer_t  *peer;

    for (n = 0; n < route->npeers; n++) {

        i = (route->next + n) % route->npeers;

        if (*tried & (ngx_uint_t) 1 << i) {
            continue;
        }

        peer = &route->peers[i];

        if (conf
            && !wgw_health_try(turn_health, conf, peer->hash,
                               (uint32_t) ngx_time()))
        {
            continue;
        }

        *tried |= (ngx_uint_t) 1 << i;
        route->next = i + 1;

        return peer;
    }

    return NULL;
}


void
wgw_turn_failed(wgw_route_t *route, wgw_peer_t *peer, ngx_log_t *log)
{
    wgw_health_failed(turn_health, turn_place(route, peer->hash),
                      (uint32_t) ngx_time());

    /* where there is no choice, nginx says it all */

    if (route->npeers == 1) {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, log, 0, "backend %V of \"%V\" failed",
                  &peer->text, &route->name);
}


void
wgw_turn_worked(wgw_route_t *route, wgw_peer_t *peer)
{
    wgw_health_worked(turn_health, turn_place(route, peer->hash));
}


/*
 * A backend that has nobody beside it is known for that as well, but in
 * another place: what it does to one name's only backend is nothing that the
 * names go by who have a choice.
 */

static uint64_t
turn_place(wgw_route_t *route, uint64_t hash)
{
    return route->npeers == 1 ? ~hash : hash;
}


uint32_t
wgw_turn_failures(const wgw_addr_t *backend, uint32_t *since)
{
    uint64_t  hash;
    uint32_t  failures, time, now;

    hash = wgw_route_backend(backend);
    failures = wgw_health_look(turn_health, hash, &time);

    if (failures == 0) {
        failures = wgw_health_look(turn_health, ~hash, &time);
    }

    /* the clock may have been set back since */

    if (failures) {
        now = (uint32_t) ngx_time();
        *since = now > time ? now - time : 0;
    }

    return failures;
}
