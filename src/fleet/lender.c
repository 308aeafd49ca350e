
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "fleet/agent.h"
#include "fleet/leases.h"
#include "fleet/lender.h"
#include "fleet/members.h"
#include "table/zone_lease.h"


#define LENDER_LOCK  200                /* ms */
#define LENDER_TELL  60                 /* seconds */


/* One of an agent, for all its zones. */
typedef struct {
    wgw_fleet_t     *fleet;
    wgw_members_t    members;
    ngx_event_t      timer;
    time_t           told;
    uint64_t         doubles;
} lender_t;


typedef struct {
    wgw_zone_t      *zone;
    lender_t        *lender;
    int              count;
    wgw_leases_t    *leases;            /* NULL: another process grants */
    ngx_uint_t       refused;           /* and the log says so */
    ngx_event_t      timer;
} lender_zone_t;


static void lender_start(wgw_fleet_t *fleet, void *data);
static void lender_count(wgw_fleet_t *fleet, void *data);
static lender_t *lender_get(wgw_fleet_t *fleet);
static void lender_timer(ngx_event_t *ev);
static void lender_tell(lender_t *lender);
static void lender_zone_timer(ngx_event_t *ev);
static ngx_int_t lender_open(lender_zone_t *lz);
static void lender_refused(lender_zone_t *lz);
static int64_t lender_wall(void);


ngx_int_t
wgw_lender_members(ngx_cycle_t *cycle, wgw_fleet_t *fleet, wgw_zone_t *zone)
{
    if (fleet == NULL) {
        (void) wgw_line_error(cycle->log, &zone->line, 0,
                              "zone \"%V\" has \"fleet\", and there is no "
                              "\"wgw_fleet\"", &zone->name);
        return NGX_ERROR;
    }

    return wgw_agent_use(fleet, lender_count, NULL);
}


ngx_int_t
wgw_lender_zone(ngx_cycle_t *cycle, wgw_fleet_t *fleet, wgw_zone_t *zone,
    int count)
{
    lender_zone_t  *lz;

    if (wgw_lender_members(cycle, fleet, zone) != NGX_OK
        || wgw_zone_lease(cycle, zone, fleet->nodes) != NGX_OK)
    {
        return NGX_ERROR;
    }

    lz = ngx_pcalloc(cycle->pool, sizeof(lender_zone_t));
    if (lz == NULL) {
        return NGX_ERROR;
    }

    lz->zone = zone;
    lz->count = count;

    return wgw_agent_use(fleet, lender_start, lz);
}


static void
lender_start(wgw_fleet_t *fleet, void *data)
{
    lender_zone_t *lz = data;

    lz->lender = lender_get(fleet);

    if (lz->lender == NULL) {
        return;
    }

    lz->timer.handler = lender_zone_timer;
    lz->timer.data = lz;
    lz->timer.log = ngx_cycle->log;
    lz->timer.cancelable = 1;

    ngx_add_timer(&lz->timer, 1);
}


static void
lender_count(wgw_fleet_t *fleet, void *data)
{
    (void) lender_get(fleet);
}


/* One for all. */

static lender_t *
lender_get(wgw_fleet_t *fleet)
{
    uint64_t   alive;
    lender_t  *lender;

    if (fleet->lender) {
        return fleet->lender;
    }

    lender = ngx_pcalloc(ngx_cycle->pool, sizeof(lender_t));
    if (lender == NULL) {
        return NULL;
    }

    alive = fleet->alive ? __atomic_load_n(&fleet->alive[1], __ATOMIC_SEQ_CST)
                         : 0;

    lender->fleet = fleet;
    wgw_members_init(&lender->members, wgw_agent_wire(fleet),
                     wgw_fleet_text(&fleet->prefix),
                     wgw_fleet_text(&fleet->node), wgw_agent_random(), alive);

    lender->timer.handler = lender_timer;
    lender->timer.data = lender;
    lender->timer.log = ngx_cycle->log;
    lender->timer.cancelable = 1;

    ngx_add_timer(&lender->timer, 1);

    fleet->lender = lender;

    return lender;
}


static void
lender_timer(ngx_event_t *ev)
{
    lender_t    *lender;
    ngx_uint_t   i;

    lender = ev->data;

    wgw_members_tick(&lender->members);

    if (lender->fleet->alive && lender->members.told) {
        for (i = 0; i < 2; i++) {
            __atomic_store_n(&lender->fleet->alive[i], lender->members.alive,
                             __ATOMIC_SEQ_CST);
        }
    }

    if (ngx_time() >= lender->told + LENDER_TELL) {
        lender_tell(lender);
    }

    ngx_add_timer(&lender->timer, WGW_MEMBERS_BEAT / 4);
}


static void
lender_tell(lender_t *lender)
{
    wgw_members_t  *m;

    m = &lender->members;

    /* an agent that ends and the one that follows are two for a moment */

    if (m->doubles > lender->doubles + 3) {
        lender->told = ngx_time();

        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "wgw fleet: another machine is node \"%V\" as well",
                      &lender->fleet->node);
    }

    if (m->alive > lender->fleet->nodes) {
        lender->told = ngx_time();

        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "wgw fleet: %uL nodes live, more than \"nodes=%ui\": "
                      "none has a part of a cap without asking",
                      m->alive, lender->fleet->nodes);
    }

    lender->doubles = m->doubles;
}


static void
lender_zone_timer(ngx_event_t *ev)
{
    uint64_t            nodes, alive;
    lender_zone_t      *lz;
    wgw_lease_header_t *header;

    lz = ev->data;

    if (lz->leases == NULL && lender_open(lz) != NGX_OK) {
        ngx_add_timer(&lz->timer, LENDER_LOCK);
        return;
    }

    alive = lz->lender->members.alive;
    nodes = lz->lender->fleet->nodes;
    nodes = alive > nodes ? 0 : nodes;
    header = lz->zone->table.lease->header;

    if (header->nodes != nodes) {
        __atomic_store_n(&header->nodes, nodes, __ATOMIC_SEQ_CST);
    }

    wgw_leases_tick(lz->leases, alive);

    lender_refused(lz);

    ngx_add_timer(&lz->timer, WGW_LEASES_TICK);
}


static ngx_int_t
lender_open(lender_zone_t *lz)
{
    wgw_fleet_t        *fleet;
    wgw_leases_conf_t   conf;

    if (wgw_zone_lease_lock(lz->zone) != NGX_OK) {
        return NGX_AGAIN;
    }

    fleet = lz->lender->fleet;

    conf.table = &lz->zone->table;
    conf.wire = wgw_agent_wire(fleet);
    conf.count = lz->count;
    conf.prefix = wgw_fleet_text(&fleet->prefix);
    conf.node = wgw_fleet_text(&fleet->node);
    conf.zone = wgw_fleet_text(&lz->zone->name);
    conf.wall = lender_wall;
    conf.random = wgw_agent_random;

    lz->leases = wgw_leases_create(&conf);

    return lz->leases ? NGX_OK : NGX_ERROR;
}


/* A Redis that is full answers, and grants nothing: nobody else says that. */

static void
lender_refused(lender_zone_t *lz)
{
    const char  *why;

    why = wgw_leases_refusal(lz->leases);

    if (lz->refused == (why[0] != '\0')) {
        return;
    }

    lz->refused = why[0] != '\0';

    if (lz->refused) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "wgw fleet: zone \"%V\" is granted nothing, trying "
                      "again: Redis: %s", &lz->zone->name, why);

    } else {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "wgw fleet: zone \"%V\" is granted again",
                      &lz->zone->name);
    }
}


static int64_t
lender_wall(void)
{
    return (int64_t) ngx_time();
}
