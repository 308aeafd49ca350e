
/*
 * zone_class: what a zone is, and what its table, of whatever kind, does for
 * it: zone_billable.c and zone_expiring.c say so of counters and of the rest.
 */

#ifndef WGW_ZONE_CLASS_H
#define WGW_ZONE_CLASS_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "core/line.h"
#include "table/expiring.h"
#include "table/holders.h"
#include "table/table.h"

#pragma GCC visibility push(hidden)


typedef struct wgw_zone_s  wgw_zone_t;


/* Of tables that grow. */
typedef struct {

    /* one was made with: NGX_OK the same, WGW_ZONE_MORE, WGW_ZONE_FEWER
       if the configuration says more or fewer keys, or NGX_DECLINED */
    ngx_int_t          (*compare)(const wgw_zone_t *zone,
                                  const wgw_zone_t *made);

    /* adds what is missing to a file; to memory, of a size for those keys */
    int                (*append)(const wgw_zone_t *zone, ngx_fd_t fd,
                                 const char **error);
    void               (*more)(const wgw_zone_t *zone, void *memory,
                               void *first, ngx_uint_t number);
    void               (*join)(wgw_zone_t *zone, void *memory);

    /* 1 if it was made with less room for the texts of its keys */
    int                (*narrow)(const wgw_zone_t *zone,
                                 const wgw_zone_t *made);

    /* alone: how many zone->purge drops; whether the others fit, and then
       with which configuration; writes them to such memory */
    ngx_uint_t         (*purged)(wgw_zone_t *zone);
    int                (*fit)(wgw_zone_t *zone, wgw_zone_t *to);
    void               (*rewrite)(wgw_zone_t *zone, const wgw_zone_t *to,
                                  void *memory);
} wgw_zone_growth_t;


/* What kind of table a zone has; see the functions of the tables. */
typedef struct {
    size_t             (*size)(const wgw_zone_t *zone);
    void               (*format)(const wgw_zone_t *zone, void *memory,
                                 const u_char *seed);
    int                (*check)(wgw_zone_t *made, const void *header,
                                ngx_fd_t fd, size_t size,
                                const char **error);
    void               (*open)(wgw_zone_t *zone, void *memory);
    uint8_t           *(*boot)(wgw_zone_t *zone);
    uint32_t           (*repair)(wgw_zone_t *zone, int rebuild);
    const char          *lost;          /* log format: what a repair drops */

    /* the parameters a table was made with, as the configuration has them */
    u_char            *(*describe)(const wgw_zone_t *zone, u_char *buf,
                                   u_char *last);

    const wgw_zone_growth_t
                        *growth;        /* NULL: none */
    wgw_holders_t     *(*holders)(void);        /* NULL: nothing is held */
    void               (*forget)(wgw_holders_t *holders);
} wgw_zone_class_t;


struct wgw_zone_s {
    const wgw_zone_class_t  *class;
    ngx_str_t                name;      /* in the configuration */
    ngx_str_t                file;      /* path, empty: anonymous */

    wgw_line_t               line;      /* its own, or where it was named */
    ngx_uint_t               fleet;     /* a mode of lease.h: machines share
                                           it; 0: it is this one's */
    wgw_line_t               alone;     /* a line that they cannot share */
    ngx_uint_t               defined;

    /* windows without traffic after which a key goes at a start, 0: never;
       `archive`, unless NULL, has to say NGX_OK when it was written */
    ngx_uint_t               purge;
    ngx_int_t              (*archive)(ngx_cycle_t *cycle, wgw_zone_t *zone);

    union {
        wgw_table_conf_t     conf;
        wgw_expiring_conf_t  expiring_conf;
    };

    /* of WGW_HASH_SEED bytes, for a table that is made; NULL: at random */
    const u_char            *seed;

    /* valid after wgw_zone_open() */

    union {
        wgw_table_t          table;
        wgw_expiring_t       expiring;
    };

    wgw_table_parts_t        parts;     /* of a table that was checked */
    void                    *mapping;   /* opaque: shared by cycles */
    wgw_holders_t           *holders;   /* of a table of counters */
    volatile int            *lost;      /* 1: pages of the file are gone */
};


#define WGW_ZONE_MORE   1
#define WGW_ZONE_FEWER  2


#pragma GCC visibility pop

#endif /* WGW_ZONE_CLASS_H */
