
/*
 * expiry: tokens whose time has ended, and their revocations, leave the store
 * without being asked for: one worker looks once a minute.
 *
 * What has left cannot come back, and a revocation that has left is none.  So
 * a date that leapt, as the steady clock tells (CLOCK_BOOTTIME, which nobody
 * sets), is not believed for an hour, by workers of a reload neither.
 */

#ifndef WGW_EXPIRY_H
#define WGW_EXPIRY_H


#include <ngx_config.h>
#include <ngx_core.h>

#pragma GCC visibility push(hidden)


/* In init_module: workers go on from what the master has seen. */
ngx_int_t wgw_expiry_load(ngx_cycle_t *cycle);

/* In init_process of an http module: a core one's is before timers work. */
ngx_int_t wgw_expiry_init(ngx_cycle_t *cycle);


#pragma GCC visibility pop

#endif /* WGW_EXPIRY_H */
