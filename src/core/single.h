
/*
 * single: what a process that has no master (`master_process off`) does beside
 * its requests, for want of nginx's helper process that calls paths' managers:
 * it calls these once.
 *
 * A core module's init_process is before those of events in a static build:
 * there are no timers and no queues yet.  So it is put off until the one of an
 * http module, which is behind them in each build.
 */

#ifndef WGW_SINGLE_H
#define WGW_SINGLE_H


#include <ngx_config.h>
#include <ngx_core.h>

#pragma GCC visibility push(hidden)


/* In init_process of a core module; NGX_ERROR: no memory. */
ngx_int_t wgw_single_put(ngx_cycle_t *cycle, ngx_path_manager_pt manager,
    void *data);

/* In init_process of an http module: calls what was put, once. */
void wgw_single_start(void);


#pragma GCC visibility pop

#endif /* WGW_SINGLE_H */
