
/*
 * page: the status page, a document of HTML.
 *
 * Its text is page/page.html, with style and script from beside it, put into
 * the module when it is configured (tools/embed.sh).  Where it has a mark,
 * <!--wgw:NAME-->, stands what the function of that name in page.c writes:
 * all that the meter knows, so that the page is of use without a script.  What
 * a script adds, and how it loads these parts anew, is in page/page.js.
 *
 * Names are listed in order, each with what was counted under it, where a
 * zone has names for keys and the route module is loaded; else the keys of
 * the first zone.
 */

#ifndef WGW_PAGE_H
#define WGW_PAGE_H


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
    ngx_str_t            backends;
    ngx_str_t            certificates;
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


/* Returns the length of `*out`, or NGX_ERROR. */
off_t wgw_page(ngx_pool_t *pool, wgw_page_query_t *query, ngx_chain_t **out);

/* The text of the script and of the style, for hashes of them. */
void wgw_page_parts(wgw_text_t *script, wgw_text_t *style);


#pragma GCC visibility pop

#endif /* WGW_PAGE_H */
