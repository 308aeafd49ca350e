
#include "meter/meter_zone.h"


/* of a leap of the clock, see wgw_table_now() */
#define WGW_METER_LASTS    60


static int wgw_meter_clock(wgw_meter_zone_t *zone);


uint64_t
wgw_meter_period(wgw_meter_zone_t *zone)
{
    (void) wgw_meter_window(zone);

    return zone->period;
}


void
wgw_meter_tick(wgw_meter_zone_t *zone)
{
    int           rc;
    uint64_t      left;
    wgw_table_t  *table;

    table = &zone->zone.table;
    left = wgw_table_left(table);

    rc = wgw_meter_clock(zone);

    if (zone->turn && !*zone->zone.lost) {
        zone->turn(zone);
    }

    zone->period = wgw_table_period(table, zone->now);

    if (rc != WGW_NOW_BELIEVED || left == 0 || wgw_table_left(table) == left) {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "wgw_meter_zone \"%V\": the leap of the clock is undone",
                  &zone->zone.name);

    wgw_table_sweep(table, 0, 0, UINT32_MAX);

    if (zone->undone) {
        zone->undone(zone, left);
    }
}


int64_t
wgw_meter_now(wgw_meter_zone_t *zone)
{
    (void) wgw_meter_clock(zone);

    return zone->now;
}


/* Both clocks are read anew: the event loop's is of when it last waited. */

static int
wgw_meter_clock(wgw_meter_zone_t *zone)
{
    int              rc;
    int64_t          wall;
    struct timeval   tv;
    struct timespec  ts;

    ngx_gettimeofday(&tv);
    (void) clock_gettime(CLOCK_BOOTTIME, &ts);

    wall = tv.tv_sec;
    rc = wgw_table_now(&zone->zone.table, &zone->doubt, wall, ts.tv_sec,
                       &zone->now);

    switch (rc) {

    case WGW_NOW_BELIEVED:
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "wgw_meter_zone \"%V\": the clock has been steady for "
                      "%d s and is believed", &zone->zone.name,
                      WGW_METER_LASTS);
        break;

    case WGW_NOW_DOUBTED:
        if (ngx_worker == 0) {
            ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                          "wgw_meter_zone \"%V\": the clock may be wrong by "
                          "%L s, windows wait until it has been steady for "
                          "%d s", &zone->zone.name, wall - zone->now,
                          WGW_METER_LASTS);
        }

        break;

    case WGW_NOW_RIGHT:
        if (ngx_worker == 0) {
            ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                          "wgw_meter_zone \"%V\": the clock is right again",
                          &zone->zone.name);
        }

        break;

    default: /* WGW_NOW_STEADY, WGW_NOW_WAITS */
        break;
    }

    return rc;
}
