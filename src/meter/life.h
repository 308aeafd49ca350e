
/*
 * life: the life of a key, as a variable says it.
 */

#ifndef WGW_METER_LIFE_H
#define WGW_METER_LIFE_H


#include <ngx_config.h>
#include <ngx_core.h>

#pragma GCC visibility push(hidden)


/* 0, none, for what is no number. */
uint64_t wgw_meter_life(const ngx_variable_value_t *v);


#pragma GCC visibility pop

#endif /* WGW_METER_LIFE_H */
