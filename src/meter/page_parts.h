
/*
 * page_parts: the parts of the status page that are made of figures.
 *
 * Each writes whole elements, and returns NGX_OK or NGX_ERROR.  What is long
 * makes room for itself, line by line, by wgw_usage_page_room().
 */

#ifndef WGW_PAGE_PARTS_H
#define WGW_PAGE_PARTS_H


#include "meter/page_query.h"

#pragma GCC visibility push(hidden)


/* A plot of an hour, and the same minute by minute. */
ngx_int_t wgw_page_traffic(wgw_usage_page_t *page, wgw_page_query_t *query);

/* A page of names. */
ngx_int_t wgw_page_names(wgw_usage_page_t *page, wgw_page_query_t *query);

/* The keys of all zones that moved most in the window. */
ngx_int_t wgw_page_top(wgw_usage_page_t *page, wgw_page_query_t *query);

/* A row a zone. */
ngx_int_t wgw_page_zones(wgw_usage_page_t *page, wgw_page_query_t *query);


/* Bytes as people read them, of units of 1000: "1.23 GB". */
void wgw_page_size(wgw_out_t *out, uint64_t bytes);

/* A cell with a number, with what it is for narrow screens. */
void wgw_page_cell_size(wgw_out_t *out, const char *label, uint64_t bytes);
void wgw_page_cell_number(wgw_out_t *out, const char *label,
    uint64_t number);

/* A smaller line with a text from outside; nothing where that is empty. */
void wgw_page_small(wgw_out_t *out, const char *what, ngx_str_t *text);

/* A bar, and what it says in words, of which 0 is no limit. */
void wgw_page_bar(wgw_out_t *out, uint64_t used, uint64_t limit);


#pragma GCC visibility pop

#endif /* WGW_PAGE_PARTS_H */
