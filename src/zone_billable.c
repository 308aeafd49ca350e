
/*
 * A zone with a table of counters.
 */

#include "zone.h"


static size_t wgw_zone_table_size(const wgw_zone_t *zone);
static void wgw_zone_table_format(const wgw_zone_t *zone, void *memory,
    const u_char *seed);
static int wgw_zone_table_check(wgw_zone_t *made, const void *header,
    size_t size, const char **error);
static void wgw_zone_table_open(wgw_zone_t *zone, void *memory);
static uint8_t *wgw_zone_table_boot(wgw_zone_t *zone);
static uint32_t wgw_zone_table_repair(wgw_zone_t *zone, int rebuild);
static u_char *wgw_zone_table_describe(const wgw_zone_t *zone, u_char *buf,
    u_char *last);


const wgw_zone_class_t  wgw_zone_billable = {
    wgw_zone_table_size,
    wgw_zone_table_format,
    wgw_zone_table_check,
    wgw_zone_table_open,
    wgw_zone_table_boot,
    wgw_zone_table_repair,
    "wgw table \"%V\" has lost the keys of %uD records "
    "when the machine stopped, they count as \"other\"",
    wgw_zone_table_describe
};


static size_t
wgw_zone_table_size(const wgw_zone_t *zone)
{
    return wgw_table_size(&zone->conf);
}


static void
wgw_zone_table_format(const wgw_zone_t *zone, void *memory,
    const u_char *seed)
{
    wgw_table_format(memory, &zone->conf, seed);
}


static int
wgw_zone_table_check(wgw_zone_t *made, const void *header, size_t size,
    const char **error)
{
    return wgw_table_check(header, size, &made->conf, error);
}


static void
wgw_zone_table_open(wgw_zone_t *zone, void *memory)
{
    wgw_table_open(&zone->table, memory);
}


static uint8_t *
wgw_zone_table_boot(wgw_zone_t *zone)
{
    return wgw_table_boot(&zone->table);
}


static uint32_t
wgw_zone_table_repair(wgw_zone_t *zone, int rebuild)
{
    return wgw_table_repair(&zone->table, rebuild);
}


/* Not the size of keys: for a file it was decided when that was made. */

static u_char *
wgw_zone_table_describe(const wgw_zone_t *zone, u_char *buf, u_char *last)
{
    const wgw_table_conf_t  *conf;

    conf = &zone->conf;

    return ngx_slprintf(buf, last, conf->window.kind == WGW_WINDOW_MONTH
                                   && conf->window.reset_day > 1
                                   ? "keys=%uD window=%s reset_day=%d"
                                   : "keys=%uD window=%s",
                        conf->keys, wgw_window_name(conf->window.kind),
                        (int) conf->window.reset_day);
}
