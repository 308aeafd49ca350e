
/*
 * bookkeeper: the directive `wgw_journal`, in main, and who keeps the books:
 *
 *     wgw_journal PATH [node=NAME] [every=10s] [keep=28d] [max=4g]
 *                 [segment=64m]
 *
 * All meter zones with a file are written down, by a thread of nginx's helper
 * process (that of proxy_cache), which may wait for the disk.  It locks
 * PATH/lock, as there are two such processes for a while in each reload and
 * upgrade.  There is none while old workers drain after a QUIT: what they
 * count then is written down by the next start.
 *
 * Before anybody counts, the master raises tables which are behind their
 * journal; see books.h.
 */

#ifndef WGW_BOOKKEEPER_H
#define WGW_BOOKKEEPER_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <pthread.h>

#include "core/line.h"
#include "fleet/books.h"
#include "fleet/fleet_conf.h"
#include "meter/usage_journal.h"
#include "table/zone.h"

#pragma GCC visibility push(hidden)


typedef struct {
    ngx_str_t                dir;
    ngx_str_t                node;      /* empty: not said */
    time_t                   every;
    time_t                   keep;
    off_t                    max;
    off_t                    segment;
    wgw_line_t               line;

    ngx_path_t               path;      /* for nginx's helper process */
    wgw_books_t             *books;     /* of the zones */
    wgw_zone_t             **zones;
    wgw_usage_journal_t     *state;     /* written by the thread only */

    /* of the process that keeps them */

    ngx_log_t               *log;
    wgw_doubt_t              doubt;
    pthread_t                thread;
    ngx_uint_t               started;
    volatile int             stop;
    volatile int             keeping;   /* it has the lock */
    uint64_t                 renew;     /* one behind this epoch is asked
                                           for, by the agent */
} wgw_bookkeeper_t;


/* `cmd->offset` is where the module has its wgw_bookkeeper_t *. */
char *wgw_bookkeeper_parse(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * When the zones are open, of wgw_meter_zone_t; `keeper` and `fleet` may be
 * NULL.  NGX_ERROR, logged.
 */
ngx_int_t wgw_bookkeeper_open(ngx_cycle_t *cycle, wgw_bookkeeper_t *keeper,
    ngx_array_t *zones, wgw_fleet_t *fleet);

/* Sends what is written down by the fleet's agent. */
ngx_int_t wgw_bookkeeper_send(wgw_bookkeeper_t *keeper, wgw_fleet_t *fleet);

/* In init_module, init_process and exit_process of a core module. */
ngx_int_t wgw_bookkeeper_init_module(ngx_cycle_t *cycle,
    wgw_bookkeeper_t *keeper);
ngx_int_t wgw_bookkeeper_init_process(ngx_cycle_t *cycle,
    wgw_bookkeeper_t *keeper);
void wgw_bookkeeper_exit_process(void);


#pragma GCC visibility pop

#endif /* WGW_BOOKKEEPER_H */
