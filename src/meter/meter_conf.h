
/*
 * meter_conf: the zones of the configuration, which the core module owns, and
 * the directive `wgw_meter`, alike in http and stream.
 */

#ifndef WGW_METER_CONF_H
#define WGW_METER_CONF_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "meter/meter.h"
#include "meter/traffic.h"

#pragma GCC visibility push(hidden)


typedef struct {
    ngx_array_t      zones;     /* of wgw_zone_t *, each a wgw_meter_zone_t's */
    ngx_array_t      rates;     /* of wgw_zone_t * */
    void            *claims;    /* those of claims_conf.h, or NULL */
    wgw_traffic_t   *traffic;   /* NULL without zones */
    void            *keeper;    /* of the journal: see bookkeeper.h, or NULL */
    const void      *journal;   /* its wgw_usage_journal_t, or NULL */
    void            *fleet;     /* that of fleet_conf.h, or NULL */
    uint64_t        *nodes;     /* of it that live */
} ngx_wgw_meter_conf_t;


/* What parsing a directive needs of http or stream. */
typedef struct {
    ngx_int_t      (*index)(ngx_conf_t *cf, ngx_str_t *name);
    ngx_uint_t     (*defined)(ngx_conf_t *cf, ngx_str_t *name);
    void          *(*compile)(ngx_conf_t *cf, ngx_str_t *value);
    ngx_uint_t       precheck;  /* bodies have a length */
} ngx_wgw_meter_proto_t;


extern ngx_module_t     ngx_wgw_meter_module;

extern ngx_conf_enum_t  ngx_wgw_meter_log_levels[];


/* The zone of that name, which may be defined further down. */
wgw_meter_zone_t *ngx_wgw_meter_zone_get(ngx_conf_t *cf, ngx_str_t *name);

/* The directive `wgw_meter`. */
char *ngx_wgw_meter_parse(ngx_conf_t *cf, ngx_array_t **meters,
    const ngx_wgw_meter_proto_t *proto);

/* 1 when a variable is among those of http or stream. */
ngx_uint_t ngx_wgw_meter_has(ngx_array_t *keys, ngx_str_t *name);

/* NGX_OK and the name for "$name" or "${name}" and nothing else. */
ngx_int_t ngx_wgw_meter_is_variable(ngx_str_t *value, ngx_str_t *name);


#pragma GCC visibility pop

#endif /* WGW_METER_CONF_H */
