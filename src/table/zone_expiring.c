
/*
 * A zone with a table of rates or of notes.
 */

#include "table/zone.h"


static size_t wgw_zone_slots_size(const wgw_zone_t *zone);
static void wgw_zone_slots_format(const wgw_zone_t *zone, void *memory,
    const u_char *seed);
static int wgw_zone_slots_check(wgw_zone_t *made, const void *header,
    ngx_fd_t fd, size_t size, const char **error);
static void wgw_zone_slots_open(wgw_zone_t *zone, void *memory);
static uint8_t *wgw_zone_slots_boot(wgw_zone_t *zone);
static uint32_t wgw_zone_slots_repair(wgw_zone_t *zone, int rebuild);
static u_char *wgw_zone_slots_describe(const wgw_zone_t *zone, u_char *buf,
    u_char *last);


const wgw_zone_class_t  wgw_zone_expiring = {
    wgw_zone_slots_size,
    wgw_zone_slots_format,
    wgw_zone_slots_check,
    wgw_zone_slots_open,
    wgw_zone_slots_boot,
    wgw_zone_slots_repair,
    "wgw table \"%V\" has lost %uD notes when the machine stopped",
    wgw_zone_slots_describe,
    NULL,
    NULL,
    NULL
};


static size_t
wgw_zone_slots_size(const wgw_zone_t *zone)
{
    return wgw_expiring_size(&zone->expiring_conf);
}


static void
wgw_zone_slots_format(const wgw_zone_t *zone, void *memory,
    const u_char *seed)
{
    wgw_expiring_format(memory, &zone->expiring_conf, seed);
}


static int
wgw_zone_slots_check(wgw_zone_t *made, const void *header, ngx_fd_t fd,
    size_t size, const char **error)
{
    uint32_t  kind;

    kind = made->expiring_conf.kind;

    if (wgw_expiring_check(header, size, &made->expiring_conf, error) != 0) {
        return -1;
    }

    if (made->expiring_conf.kind != kind) {
        *error = made->expiring_conf.kind == WGW_EXPIRING_RATES
                 ? "is one of rates"
                 : made->expiring_conf.kind == WGW_EXPIRING_NOTES
                   ? "is one of notes"
                   : made->expiring_conf.kind == WGW_EXPIRING_RATIONS
                     ? "is one of rations" : "is one of what was asked";
        return -1;
    }

    made->parts.count = 1;
    made->parts.parts[0].offset = 0;
    made->parts.parts[0].size = size;

    return 0;
}


static void
wgw_zone_slots_open(wgw_zone_t *zone, void *memory)
{
    wgw_expiring_open(&zone->expiring, memory);
    zone->expiring.lost = zone->lost;
}


static uint8_t *
wgw_zone_slots_boot(wgw_zone_t *zone)
{
    return wgw_expiring_boot(&zone->expiring);
}


static uint32_t
wgw_zone_slots_repair(wgw_zone_t *zone, int rebuild)
{
    return wgw_expiring_repair(&zone->expiring, rebuild);
}


static u_char *
wgw_zone_slots_describe(const wgw_zone_t *zone, u_char *buf, u_char *last)
{
    return ngx_slprintf(buf, last, "keys=%uD", zone->expiring_conf.keys);
}
