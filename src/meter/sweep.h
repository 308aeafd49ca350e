
/*
 * sweep: what a worker does for the meter each second: flows that go on are
 * counted, records looked at, windows that have ended written.
 */

#ifndef WGW_SWEEP_H
#define WGW_SWEEP_H


#include <ngx_config.h>
#include <ngx_core.h>

#pragma GCC visibility push(hidden)


/* In init_process of an http module: a core one's is before timers work. */
ngx_int_t wgw_sweep_init(ngx_cycle_t *cycle);

/* Counts what goes on, and ends the archives' jobs. */
void wgw_sweep_exit(ngx_cycle_t *cycle);


#pragma GCC visibility pop

#endif /* WGW_SWEEP_H */
