
/*
 * meter_vars: the variables of a flow, alike in http and stream.
 */

#ifndef WGW_METER_VARS_H
#define WGW_METER_VARS_H


#include "meter/flow.h"

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

/* Ends a flow: the handler of a pool cleanup. */
void ngx_wgw_meter_cleanup(void *data);


#pragma GCC visibility pop

#endif /* WGW_METER_VARS_H */
