
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "core/single.h"
#include "meter/meter_archive.h"
#include "meter/meter_conf.h"
#include "meter/room.h"
#include "meter/sweep.h"
#include "meter/wrap.h"


#define SWEEP_TIME     1000     /* ms */
#define SWEEP_RECORDS  1024     /* looked at in one sweep */


static void sweep_all(ngx_event_t *ev);
static void sweep_records(wgw_meter_zone_t *zone);
static void sweep_traffic(ngx_wgw_meter_conf_t *mcf);
static void sweep_reap(wgw_zone_t *zone, ngx_log_t *log);


static ngx_event_t       sweep_event;

/* debug logs read the descriptor of an event's connection */
static ngx_connection_t  sweep_dummy;


ngx_int_t
wgw_sweep_init(ngx_cycle_t *cycle)
{
    ngx_uint_t             i;
    ngx_event_t           *ev;
    wgw_zone_t           **zones;
    ngx_wgw_meter_conf_t  *mcf;

    wgw_single_start();
    wgw_flow_setup(&wgw_wrap);

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                                ngx_wgw_meter_module);

    if (mcf->zones.nelts == 0
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    zones = mcf->zones.elts;

    for (i = 0; i < mcf->zones.nelts; i++) {
        wgw_holders_begin(zones[i]->holders);
    }

    sweep_dummy.fd = (ngx_socket_t) -1;

    ev = &sweep_event;

    ev->handler = sweep_all;
    ev->data = &sweep_dummy;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, SWEEP_TIME);

    return NGX_OK;
}


void
wgw_sweep_exit(ngx_cycle_t *cycle)
{
    ngx_uint_t              i;
    wgw_zone_t            **zones;
    ngx_wgw_meter_conf_t   *mcf;

    wgw_flow_leave();

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                                ngx_wgw_meter_module);
    sweep_traffic(mcf);

    zones = mcf->zones.elts;

    for (i = 0; i < mcf->zones.nelts; i++) {
        wgw_meter_archive_stop((wgw_meter_zone_t *) zones[i]);
    }
}


static void
sweep_all(ngx_event_t *ev)
{
    ngx_uint_t              i;
    wgw_zone_t            **zones;
    wgw_meter_zone_t       *zone;
    ngx_wgw_meter_conf_t   *mcf;

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                                ngx_wgw_meter_module);
    zones = mcf->zones.elts;

    for (i = 0; i < mcf->zones.nelts; i++) {
        wgw_zone_watch(zones[i], ev->log);
    }

    wgw_flow_sweep();
    sweep_traffic(mcf);

    /* workers that drain may be the last ones of their master */

    for (i = 0; (ngx_worker == 0 || ngx_exiting) && i < mcf->zones.nelts; i++) {
        sweep_reap(zones[i], ev->log);
    }

    for (i = 0; ngx_worker == 0 && i < mcf->zones.nelts; i++) {
        zone = (wgw_meter_zone_t *) zones[i];

        if (*zone->zone.lost) {
            continue;
        }

        (void) wgw_meter_period(zone);

        sweep_records(zone);
        wgw_meter_archive_look(zone, ev->log);
        wgw_room_look(&zone->zone, &zone->told, ev->log);
    }

    ngx_add_timer(ev, SWEEP_TIME);
}


/* Some of them, until all were looked at since the clock went on. */

static void
sweep_records(wgw_meter_zone_t *zone)
{
    uint64_t      turn;
    wgw_table_t  *table;

    table = &zone->zone.table;
    turn = wgw_table_turn(table);

    if (zone->swept == 0) {

        if (turn && turn == zone->clean) {
            return;
        }

        zone->sweeping = turn;
    }

    wgw_table_sweep(table, 0, zone->swept, SWEEP_RECORDS);

    zone->swept += SWEEP_RECORDS;

    if (zone->swept >= wgw_table_end(table)) {
        zone->swept = 0;
        zone->clean = zone->sweeping;
    }
}


static void
sweep_traffic(ngx_wgw_meter_conf_t *mcf)
{
    if (mcf->traffic) {
        wgw_traffic_turn(mcf->traffic, ngx_time());
    }
}


static void
sweep_reap(wgw_zone_t *zone, ngx_log_t *log)
{
    if (wgw_holders_reap(zone->holders, &zone->table)) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "wgw_meter_zone \"%V\": what a process held that is "
                      "gone is free again", &zone->name);
    }
}
