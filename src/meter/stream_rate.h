
/*
 * stream_rate: the stream side of rates, for the meter, which paces by those
 * of bytes, and counts what is refused.
 */

#ifndef WGW_STREAM_RATE_H
#define WGW_STREAM_RATE_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_stream.h>

#include "meter/rate.h"

#pragma GCC visibility push(hidden)


/* What rates need of the meter. */
typedef struct {

    /* `wgw_meter_log_level` of a server, by its s->srv_conf */
    ngx_uint_t     (*log_level)(void **srv_conf);

    /* meters a session that was refused, as `denied`: NGX_OK or NGX_ERROR */
    ngx_int_t      (*refuse)(ngx_stream_session_t *s);
} ngx_stream_wgw_rate_meter_t;


extern ngx_module_t  ngx_stream_wgw_rate_module;


/* Before any session. */
void ngx_stream_wgw_rate_meter(const ngx_stream_wgw_rate_meter_t *meter);

/* The rates of a server, by its s->srv_conf; NULL or empty: none. */
ngx_array_t *ngx_stream_wgw_rates(void **srv_conf);


#pragma GCC visibility pop

#endif /* WGW_STREAM_RATE_H */
