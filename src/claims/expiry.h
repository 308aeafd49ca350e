
/*
 * expiry: tokens whose time has ended, and their revocations, leave the store
 * without being asked for: one worker looks once a minute.
 */

#ifndef WGW_EXPIRY_H
#define WGW_EXPIRY_H


#include <ngx_config.h>
#include <ngx_core.h>

#pragma GCC visibility push(hidden)


/* In init_process of an http module: a core one's is before timers work. */
ngx_int_t wgw_expiry_init(ngx_cycle_t *cycle);


#pragma GCC visibility pop

#endif /* WGW_EXPIRY_H */
