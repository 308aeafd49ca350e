
/*
 * usage_rows: the keys that an answer of usage is about, and what is said of
 * each: the fields are in one table for all forms.
 */

#ifndef WGW_USAGE_ROWS_H
#define WGW_USAGE_ROWS_H


#include "meter/usage_page.h"

#pragma GCC visibility push(hidden)


#define WGW_USAGE_TOP_MAX    1000


/* The totals of a record. */
typedef struct {
    const char   *name;         /* in JSON */
    const char   *family;       /* for Prometheus */
    const char   *help;
    size_t        offset;       /* in wgw_usage_t */
} wgw_usage_field_t;


/* Its windows. */
typedef struct {
    const char   *name;
    const char   *label;
    size_t        start;
    size_t        sent;
    size_t        received;
} wgw_usage_window_t;


typedef struct {
    wgw_zone_t        *zone;
    uint32_t           record;  /* 0: none */
    const char        *class;   /* NULL: a key */
    wgw_usage_t        usage;
} wgw_usage_row_t;


typedef struct {
    const char        *name;
    uint32_t           record;
} wgw_usage_class_t;


/* each ends with an empty name */
extern const wgw_usage_field_t   wgw_usage_fields[];
extern const wgw_usage_window_t  wgw_usage_spans[];
extern const wgw_usage_class_t   wgw_usage_classes[];


#define wgw_usage_number(usage, offset)                                       \
    *(const uint64_t *) ((const char *) (usage) + (offset))


/* 1 for a zone of query->zones that is asked for. */
ngx_uint_t wgw_usage_selected(wgw_usage_query_t *query, ngx_uint_t n);

/* Sets query->by: "sent", "received" or "requests"; or NGX_DECLINED. */
ngx_int_t wgw_usage_by(wgw_usage_query_t *query, ngx_str_t *name);

/*
 * The keys that are asked for, as wgw_usage_row_t, and where the next page
 * begins, or 0.  NGX_DECLINED when there is no such key or zone.
 */
ngx_int_t wgw_usage_rows(ngx_pool_t *pool, wgw_usage_query_t *query,
    ngx_array_t *rows, uint64_t *next);

/* Adds a record; NGX_DECLINED when that is of no key. */
ngx_int_t wgw_usage_row(ngx_array_t *rows, wgw_zone_t *zone,
    uint32_t record);

/*
 * Adds names with a cap that a zone for names has no key of; `last`, unless it
 * is empty, is where the next page begins.
 */
ngx_int_t wgw_usage_idle(wgw_usage_query_t *query, ngx_array_t *rows,
    ngx_str_t *last);


#pragma GCC visibility pop

#endif /* WGW_USAGE_ROWS_H */
