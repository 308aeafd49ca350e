
/*
 * usage_page: an answer of usage while it is written: a chain of buffers in
 * a pool, each of bounded size.
 */

#ifndef WGW_USAGE_PAGE_H
#define WGW_USAGE_PAGE_H


#include "meter/usage.h"

#pragma GCC visibility push(hidden)


/* more than a key takes in any form, every byte of it escaped */
#define WGW_USAGE_LINE  8192


/* The caller zeroes it, and sets pool. */
typedef struct {
    ngx_pool_t         *pool;
    ngx_chain_t        *first;
    ngx_chain_t       **last;
    ngx_buf_t          *buf;
    off_t               length;
    wgw_out_t           out;
    wgw_usage_query_t  *query;
} wgw_usage_page_t;


/* Makes sure that a line fits.  NGX_OK, or NGX_ERROR. */
ngx_int_t wgw_usage_page_room(wgw_usage_page_t *page);

/* The length of the whole, or NGX_ERROR. */
off_t wgw_usage_page_end(wgw_usage_page_t *page, ngx_chain_t **out);

/* "owner" and "workload" of a name, and a comma; nothing without names. */
ngx_int_t wgw_usage_page_owner(wgw_usage_page_t *page, wgw_zone_t *zone,
    wgw_text_t name);


#pragma GCC visibility pop

#endif /* WGW_USAGE_PAGE_H */
