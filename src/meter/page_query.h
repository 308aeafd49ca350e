
/*
 * page_query: what the status page is asked for, and what it is made from.
 */

#ifndef WGW_PAGE_QUERY_H
#define WGW_PAGE_QUERY_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "meter/traffic.h"
#include "meter/usage_page.h"

#pragma GCC visibility push(hidden)


#define WGW_PAGE_ROWS    50         /* names, or keys */
#define WGW_PAGE_TOP     10
#define WGW_PAGE_SEARCH  253        /* bytes to search for */


/* Where the endpoints of the other modules are, as paths. */
typedef struct {
    ngx_str_t            names;
    ngx_str_t            usage;
    ngx_str_t            metrics;
    ngx_str_t            auth;
    ngx_str_t            claims;
    ngx_str_t            providers;
    ngx_str_t            certificates;
    ngx_str_t            grid;
} wgw_page_uris_t;


/* What is asked for. */
typedef struct {
    wgw_usage_query_t   *usage;         /* zones, known, and data */
    wgw_page_uris_t     *uris;
    wgw_traffic_t       *traffic;       /* NULL: none is kept */
    ngx_str_t            search;        /* in names; empty: all */
    ngx_str_t            after;         /* the last one of the page before */
    time_t               now;
} wgw_page_query_t;


#pragma GCC visibility pop

#endif /* WGW_PAGE_QUERY_H */
