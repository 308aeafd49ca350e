
/*
 * A zone with a table of counters.
 *
 * Which record is written next is chance.  The kernel is told so, or it would
 * read records in by large pieces, of which the first write after each time
 * that one went to the disk costs as much as all of its pages do, and takes
 * all of them there again.  Before they are read in turn, as in a repair, they
 * are asked for.
 */

#include <sys/mman.h>

#include "table/growth.h"
#include "table/mend.h"
#include "table/segment.h"
#include "table/zone.h"


#define WGW_ZONE_ASK  131072


static size_t wgw_zone_table_size(const wgw_zone_t *zone);
static void wgw_zone_table_format(const wgw_zone_t *zone, void *memory,
    const u_char *seed);
static int wgw_zone_table_check(wgw_zone_t *made, const void *header,
    ngx_fd_t fd, size_t size, const char **error);
static void wgw_zone_table_open(wgw_zone_t *zone, void *memory);
static void wgw_zone_table_random(const wgw_segment_t *s);
static void wgw_zone_table_ask(const wgw_segment_t *s);
static uint8_t *wgw_zone_table_boot(wgw_zone_t *zone);
static uint32_t wgw_zone_table_repair(wgw_zone_t *zone, int rebuild);
static u_char *wgw_zone_table_describe(const wgw_zone_t *zone, u_char *buf,
    u_char *last);
static ngx_int_t wgw_zone_table_compare(const wgw_zone_t *zone,
    const wgw_zone_t *made);
static int wgw_zone_table_append(const wgw_zone_t *zone, ngx_fd_t fd,
    const char **error);
static void wgw_zone_table_more(const wgw_zone_t *zone, void *memory,
    void *first, ngx_uint_t number);
static void wgw_zone_table_join(wgw_zone_t *zone, void *memory);
static int wgw_zone_table_narrow(const wgw_zone_t *zone,
    const wgw_zone_t *made);
static ngx_uint_t wgw_zone_table_purged(wgw_zone_t *zone);
static int64_t wgw_zone_table_now(wgw_zone_t *zone);
static int wgw_zone_table_fit(wgw_zone_t *zone, wgw_zone_t *to);
static void wgw_zone_table_rewrite(wgw_zone_t *zone, const wgw_zone_t *to,
    void *memory);


static const wgw_zone_growth_t  wgw_zone_table_growth = {
    wgw_zone_table_compare,
    wgw_zone_table_append,
    wgw_zone_table_more,
    wgw_zone_table_join,
    wgw_zone_table_narrow,
    wgw_zone_table_purged,
    wgw_zone_table_fit,
    wgw_zone_table_rewrite
};


const wgw_zone_class_t  wgw_zone_billable = {
    wgw_zone_table_size,
    wgw_zone_table_format,
    wgw_zone_table_check,
    wgw_zone_table_open,
    wgw_zone_table_boot,
    wgw_zone_table_repair,
    "wgw table \"%V\" has lost the keys of %uD records "
    "when the machine stopped, they count as \"other\"",
    wgw_zone_table_describe,
    &wgw_zone_table_growth,
    wgw_holders_create,
    wgw_holders_destroy
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
wgw_zone_table_check(wgw_zone_t *made, const void *header, ngx_fd_t fd,
    size_t size, const char **error)
{
    return wgw_growth_look(fd, size, &made->parts, &made->conf, error);
}


static void
wgw_zone_table_open(wgw_zone_t *zone, void *memory)
{
    wgw_table_open(&zone->table, memory);
    wgw_zone_table_random(&zone->table.segments[0]);
}


static void
wgw_zone_table_random(const wgw_segment_t *s)
{
    u_char  *start, *end;

    start = (u_char *) ((uintptr_t) s->hot & ~(ngx_pagesize - 1));
    end = (u_char *) &s->hot[s->end - s->first];

    (void) madvise(start, end - start, MADV_RANDOM);
}


/* The kernel reads no more than this in one call. */

static void
wgw_zone_table_ask(const wgw_segment_t *s)
{
    u_char  *p, *end;

    p = (u_char *) ((uintptr_t) s->hot & ~(ngx_pagesize - 1));
    end = (u_char *) &s->hot[wgw_segment_taken(s)];

    for ( /* void */ ; p < end; p += WGW_ZONE_ASK) {
        (void) madvise(p, ngx_min(end - p, WGW_ZONE_ASK), MADV_WILLNEED);
    }
}


static uint8_t *
wgw_zone_table_boot(wgw_zone_t *zone)
{
    return wgw_table_boot(&zone->table);
}


static uint32_t
wgw_zone_table_repair(wgw_zone_t *zone, int rebuild)
{
    uint32_t  n;

    for (n = 0; n < zone->table.count; n++) {
        wgw_zone_table_ask(&zone->table.segments[n]);
    }

    return wgw_table_repair(&zone->table, rebuild);
}


/* Not the size of keys and labels, decided when a table was made. */

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


static ngx_int_t
wgw_zone_table_compare(const wgw_zone_t *zone, const wgw_zone_t *made)
{
    if (zone->conf.window.kind != made->conf.window.kind
        || zone->conf.window.reset_day != made->conf.window.reset_day)
    {
        return NGX_DECLINED;
    }

    if (zone->conf.keys == made->conf.keys) {
        return NGX_OK;
    }

    return zone->conf.keys > made->conf.keys ? WGW_ZONE_MORE : WGW_ZONE_FEWER;
}


static int
wgw_zone_table_append(const wgw_zone_t *zone, ngx_fd_t fd, const char **error)
{
    return wgw_growth_append(fd, &zone->conf, error);
}


static void
wgw_zone_table_more(const wgw_zone_t *zone, void *memory, void *first,
    ngx_uint_t number)
{
    wgw_table_format_segment(memory, &zone->conf, first, number);
}


static void
wgw_zone_table_join(wgw_zone_t *zone, void *memory)
{
    wgw_table_join(&zone->table, memory);
    wgw_zone_table_random(&zone->table.segments[zone->table.count - 1]);
}


static int
wgw_zone_table_narrow(const wgw_zone_t *zone, const wgw_zone_t *made)
{
    return made->conf.key_bytes < zone->conf.key_bytes
           || made->conf.label_bytes < zone->conf.label_bytes;
}


static ngx_uint_t
wgw_zone_table_purged(wgw_zone_t *zone)
{
    return wgw_growth_purged(&zone->table, zone->purge,
                             wgw_zone_table_now(zone));
}


static int
wgw_zone_table_fit(wgw_zone_t *zone, wgw_zone_t *to)
{
    return wgw_growth_fit(&zone->table, zone->purge, wgw_zone_table_now(zone),
                          &to->conf);
}


static void
wgw_zone_table_rewrite(wgw_zone_t *zone, const wgw_zone_t *to, void *memory)
{
    wgw_growth_rewrite(memory, &to->conf, &zone->table, zone->purge,
                       wgw_zone_table_now(zone));
}


/* A clock that is wrong at a start must not make keys old. */

static int64_t
wgw_zone_table_now(wgw_zone_t *zone)
{
    int64_t          now;
    wgw_doubt_t      doubt;
    struct timespec  ts;

    ngx_memzero(&doubt, sizeof(wgw_doubt_t));
    (void) clock_gettime(CLOCK_BOOTTIME, &ts);

    (void) wgw_table_now(&zone->table, &doubt, ngx_time(), ts.tv_sec, &now);

    return now;
}
