
/*
 * meter_vars: what is alike of a flow in http and stream: its making and end,
 * its rates and its variables.
 */

#ifndef WGW_METER_VARS_H
#define WGW_METER_VARS_H


#include "meter/flow.h"
#include "meter/pace.h"

#pragma GCC visibility push(hidden)


typedef struct {
    ngx_str_t        name;
    uintptr_t        what;      /* for ngx_wgw_meter_variable() */
} ngx_wgw_meter_var_t;


/* ends with an empty name */
extern const ngx_wgw_meter_var_t  ngx_wgw_meter_vars[];


/* A variable of the flow, which may be NULL. */
ngx_int_t ngx_wgw_meter_variable(wgw_flow_t *flow, ngx_pool_t *pool,
    ngx_variable_value_t *v, uintptr_t what);

/*
 * A zeroed flow with room behind it for `n` meters, which its pool ends; or
 * NULL.
 */
wgw_flow_t *ngx_wgw_meter_create(ngx_pool_t *pool, ngx_uint_t n);

/*
 * From here on bytes move at the rates.  `length` bytes have come and are
 * owed.  NGX_OK, or NGX_ERROR.
 */
ngx_int_t ngx_wgw_meter_pace(wgw_flow_t *flow, ngx_array_t *rates,
    wgw_rate_key_pt key, void *data, off_t length);

/* Ends a flow: the handler of a pool cleanup. */
void ngx_wgw_meter_cleanup(void *data);


#pragma GCC visibility pop

#endif /* WGW_METER_VARS_H */
