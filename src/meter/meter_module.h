
/*
 * meter_module: the nginx modules that make up the meter module, for each
 * other.  The core one owns the zones; http and stream share its directive
 * and its variables.
 */

#ifndef WGW_METER_MODULE_H
#define WGW_METER_MODULE_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "meter/flow.h"
#include "meter/usage.h"

#pragma GCC visibility push(hidden)


#define NGX_HTTP_WGW_USAGE_JSON        1
#define NGX_HTTP_WGW_USAGE_PROMETHEUS  2


typedef struct {
    ngx_array_t      zones;     /* of wgw_zone_t *, each a wgw_meter_zone_t's */
    ngx_array_t      rates;     /* of wgw_zone_t * */
    void            *claims;    /* those of claims_conf.h, or NULL */
} ngx_wgw_meter_conf_t;


/* What parsing a directive needs of http or stream. */
typedef struct {
    ngx_int_t      (*index)(ngx_conf_t *cf, ngx_str_t *name);
    void          *(*compile)(ngx_conf_t *cf, ngx_str_t *value);
    ngx_uint_t       precheck;  /* bodies have a length */
} ngx_wgw_meter_proto_t;


typedef struct {
    ngx_str_t        name;
    uintptr_t        what;      /* for ngx_wgw_meter_variable() */
} ngx_wgw_meter_var_t;


typedef struct {
    ngx_array_t     *meters;    /* of wgw_meter_conf_t; empty: off */
    ngx_uint_t       log_level;
    ngx_uint_t       status;
    ngx_uint_t       usage;     /* NGX_HTTP_WGW_USAGE_* */
    ngx_array_t     *hosts;     /* of it: ngx_str_t; NULL: any */
} ngx_http_wgw_meter_conf_t;


extern ngx_module_t               ngx_wgw_meter_module;
extern ngx_module_t               ngx_http_wgw_meter_module;
extern ngx_module_t               ngx_stream_wgw_meter_module;
extern ngx_module_t               ngx_http_wgw_rate_module;
extern ngx_module_t               ngx_stream_wgw_rate_module;

extern ngx_conf_enum_t            ngx_wgw_meter_log_levels[];
extern const ngx_wgw_meter_var_t  ngx_wgw_meter_vars[];

extern const ngx_wgw_meter_proto_t  ngx_http_wgw_meter_proto;
extern const ngx_wgw_meter_proto_t  ngx_stream_wgw_meter_proto;


/* The directive `wgw_meter`. */
char *ngx_wgw_meter_parse(ngx_conf_t *cf, ngx_array_t **meters,
    const ngx_wgw_meter_proto_t *proto);

/*
 * The value of a key: of the variable with that index, or, for NGX_ERROR, of
 * what compile() made.  NGX_OK, or NGX_ERROR.
 */
ngx_int_t ngx_http_wgw_meter_key(void *request, ngx_int_t index, void *value,
    ngx_str_t *key);
ngx_int_t ngx_stream_wgw_meter_key(void *session, ngx_int_t index,
    void *value, ngx_str_t *key);

/* NGX_OK and the name for "$name" or "${name}" and nothing else. */
ngx_int_t ngx_wgw_meter_is_variable(ngx_str_t *value, ngx_str_t *name);

/* `wgw_meter_log_level` of a stream server, by its s->srv_conf. */
ngx_uint_t ngx_stream_wgw_meter_log_level(void **srv_conf);

/* Meters a session that a rate refused, as `denied`.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_stream_wgw_meter_refuse(void *session);

/* A variable of the flow, which may be NULL. */
ngx_int_t ngx_wgw_meter_variable(wgw_flow_t *flow, ngx_pool_t *pool,
    ngx_variable_value_t *v, uintptr_t what);

/* Ends a flow: the handler of a pool cleanup. */
void ngx_wgw_meter_cleanup(void *data);

/* For the http module: timers do not work yet when a core one starts. */
ngx_int_t ngx_wgw_meter_init_process(ngx_cycle_t *cycle);
void ngx_wgw_meter_exit_process(ngx_cycle_t *cycle);

/* Sees to it that requests have flows where they need one. */
void ngx_http_wgw_meter_enable(ngx_conf_t *cf);

/* WGW_RATE_* of a request, 0 when no limit was looked at. */
ngx_uint_t ngx_http_wgw_rate_status(ngx_http_request_t *r);

/* The rates of a location or server of stream, NULL or empty: none. */
ngx_array_t *ngx_http_wgw_rates(ngx_http_request_t *r);
ngx_array_t *ngx_stream_wgw_rates(void **srv_conf);

/* The directive `wgw_usage`, and its endpoint. */
char *ngx_http_wgw_usage(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_wgw_usage_handler(ngx_http_request_t *r);


#pragma GCC visibility pop

#endif /* WGW_METER_MODULE_H */
