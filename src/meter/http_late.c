
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "meter/http_key.h"
#include "meter/http_late.h"


ngx_uint_t
ngx_http_wgw_late_number(ngx_array_t *meters)
{
    ngx_uint_t         i, n;
    wgw_meter_conf_t  *conf;

    n = 0;
    conf = meters ? meters->elts : NULL;

    for (i = 0; meters && i < meters->nelts; i++) {
        n += conf[i].late;
    }

    return n;
}


ngx_int_t
ngx_http_wgw_late_push(ngx_http_request_t *r, wgw_flow_t *flow)
{
    ngx_str_t          key;
    ngx_uint_t         i;
    ngx_array_t       *meters;
    wgw_meter_conf_t  *conf;

    meters = flow->late;
    conf = meters->elts;
    flow->late = NULL;

    for (i = 0; i < meters->nelts; i++) {

        if (!conf[i].late || flow->meters.status == WGW_METER_REJECTED) {
            continue;
        }

        if (ngx_http_wgw_meter_key(r, conf[i].key_index, conf[i].key, &key)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        wgw_flow_late(flow, &conf[i], &key);
    }

    return NGX_OK;
}
