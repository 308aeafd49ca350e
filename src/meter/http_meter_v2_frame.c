
#include "meter/http_meter_v2_frame.h"

#if (NGX_HTTP_V2)

#include <ngx_http_v2_module.h>


ngx_http_v2_out_frame_t **
ngx_http_wgw_meter_v2_headers(ngx_http_v2_stream_t *stream)
{
    ngx_http_v2_out_frame_t  **fn;

    for (fn = &stream->connection->last_out; *fn; fn = &(*fn)->next) {
        if ((*fn)->stream == stream
            && (*fn)->first->buf->pos[3] == NGX_HTTP_V2_HEADERS_FRAME)
        {
            break;
        }
    }

    return fn;
}


off_t
ngx_http_wgw_meter_v2_frame(ngx_connection_t *fc,
    ngx_http_v2_stream_t *stream)
{
    ngx_http_request_t      *r;
    ngx_http_v2_loc_conf_t  *h2lcf;

    r = fc->data;
    h2lcf = ngx_http_get_module_loc_conf(r, ngx_http_v2_module);

    return ngx_min(h2lcf->chunk_size, stream->connection->frame_size);
}


off_t
ngx_http_wgw_meter_v2_cost(off_t payload, off_t frame)
{
    off_t  frames;

    frames = payload ? (payload + frame - 1) / frame : 1;

    return payload + frames * NGX_HTTP_V2_FRAME_HEADER_SIZE;
}


off_t
ngx_http_wgw_meter_v2_payload(off_t bytes, off_t frame)
{
    off_t  rest, whole;

    whole = frame + NGX_HTTP_V2_FRAME_HEADER_SIZE;
    rest = bytes % whole - NGX_HTTP_V2_FRAME_HEADER_SIZE;

    return bytes / whole * frame + ngx_max(rest, 0);
}


off_t
ngx_http_wgw_meter_v2_trailers(ngx_http_request_t *r)
{
    off_t             size;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    size = 0;

    for (part = &r->headers_out.trailers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            size += 1 + NGX_HTTP_V2_INT_OCTETS + header[i].key.len
                    + NGX_HTTP_V2_INT_OCTETS + header[i].value.len;
        }
    }

    if (size == 0) {
        return 0;
    }

    return ngx_http_wgw_meter_v2_cost(size,
                                      r->stream->connection->frame_size);
}


off_t
ngx_http_wgw_meter_v2_window(ngx_http_v2_stream_t *stream)
{
    if (stream->send_window <= 0) {
        return 0;
    }

    return ngx_min((off_t) stream->send_window,
                   (off_t) stream->connection->send_window);
}

#endif
