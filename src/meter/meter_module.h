
/*
 * meter_module: what the http modules of the meter know of each other.
 */

#ifndef WGW_METER_MODULE_H
#define WGW_METER_MODULE_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "meter/meter_conf.h"
#include "meter/usage.h"

#pragma GCC visibility push(hidden)


#define NGX_HTTP_WGW_USAGE_JSON        1
#define NGX_HTTP_WGW_USAGE_PROMETHEUS  2


typedef struct {
    ngx_array_t     *meters;    /* of wgw_meter_conf_t; empty: off */
    ngx_uint_t       usual;     /* one of them, known before the answer */
    ngx_uint_t       log_level;
    ngx_uint_t       status;
    ngx_uint_t       usage;     /* NGX_HTTP_WGW_USAGE_* */
    ngx_array_t     *hosts;     /* of it: ngx_str_t; NULL: any */
    void            *page;      /* of http_page.h, or NULL */
    ngx_array_t     *grid;      /* of http_grid.h, or NULL: ngx_str_t */
} ngx_http_wgw_meter_conf_t;


typedef struct {
    ngx_uint_t       enabled;
    ngx_int_t        paused;    /* index of a variable, or NGX_ERROR */
    ngx_int_t        preflight; /* the same */
} ngx_http_wgw_meter_main_conf_t;


/*
 * What another part of the module adds to the meters of a location: meters
 * with keys, or that it has refused the request, which then counts as denied.
 */
typedef struct {
    wgw_meter_conf_t  *meters;
    ngx_str_t         *keys;
    ngx_uint_t         n;
    ngx_uint_t         refused;
} ngx_http_wgw_meter_more_t;

/* Called with zeros before a request's meters are decided; may be NULL. */
typedef void (*ngx_http_wgw_meter_more_pt)(ngx_http_request_t *r,
    ngx_http_wgw_meter_more_t *more);


extern ngx_http_wgw_meter_more_pt  ngx_http_wgw_meter_more;

/* Metrics of that part; may be NULL. */
extern ngx_int_t  (*ngx_http_wgw_usage_more)(wgw_usage_page_t *page);

extern ngx_module_t  ngx_http_wgw_meter_module;

/* Sees to it that requests have flows where they need one. */
void ngx_http_wgw_meter_enable(ngx_conf_t *cf);

/* The directive `wgw_usage`, and its endpoint. */
char *ngx_http_wgw_usage(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_wgw_usage_handler(ngx_http_request_t *r);


#pragma GCC visibility pop

#endif /* WGW_METER_MODULE_H */
