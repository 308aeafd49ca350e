
/*
 * usage_page: an answer of usage while it is written: a chain of buffers in
 * a pool, each of bounded size.
 */

#ifndef WGW_USAGE_PAGE_H
#define WGW_USAGE_PAGE_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "meter/label_text.h"
#include "meter/meter.h"

#pragma GCC visibility push(hidden)


/* more than a key takes in any form, all of it and its labels escaped */
#define WGW_USAGE_LINE  12288


/* What is asked of a name: the one behind it that has a cap, or any. */
#define WGW_TOLD_NEXT_CAP  1
#define WGW_TOLD_NEXT      2


/* What is known of a name, beside what was counted. */
typedef struct {
    ngx_str_t           name;           /* the whole */
    uint64_t            cap;            /* 0: none */
    ngx_str_t           owner;
    ngx_str_t           workload;
    unsigned            paused:1;
} wgw_usage_known_t;


struct wgw_usage_page_s;


/* What is asked for. */
typedef struct {
    wgw_zone_t        **zones;
    ngx_uint_t          nzones;
    ngx_str_t           zone;           /* this one only; empty: all */
    ngx_str_t           key;            /* this one only; empty: all */
    ngx_str_t           window;         /* an earlier one; see usage_past.h */
    uint64_t            after;          /* `next` of the page before, or 0 */
    ngx_str_t           name;           /* ... or, in its last part, this */
    ngx_uint_t          limit;
    ngx_uint_t          top;            /* the keys that have most; 0: all */
    size_t              by;             /* ... of that, see below */
    unsigned            openmetrics:1;
    ngx_str_t           followed;       /* see usage_names.h; empty: nothing */

    /*
     * Of a zone whose keys are names: NGX_OK and what is known of one, or,
     * with `next` (WGW_TOLD_*), of one behind it; where that is to have a cap
     * and has none, the caller goes on from there.  NGX_DECLINED, or
     * NGX_ERROR.  May be NULL.
     */
    ngx_int_t         (*known)(void *data, ngx_str_t *name, ngx_uint_t next,
                               wgw_usage_known_t *known);
    void               *data;

    /* writes metrics of another part; NULL: there are none */
    ngx_int_t         (*more)(struct wgw_usage_page_s *page);
    const void         *journal;    /* its wgw_usage_journal_t, or NULL */
} wgw_usage_query_t;


/* The caller zeroes it, and sets pool. */
typedef struct wgw_usage_page_s {
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

/*
 * Makes room, and says what a family is, before its lines: a counter's is in
 * OpenMetrics without its "_total".
 */
ngx_int_t wgw_usage_page_family(wgw_usage_page_t *page, const char *family,
    const char *help, ngx_uint_t counter);

/*
 * "owner" and "workload" of a name, each after a comma: as they are now, or,
 * when the name is gone, as `labels` have them, which lose them; nothing
 * without names.
 */
ngx_int_t wgw_usage_page_owner(wgw_usage_page_t *page, wgw_zone_t *zone,
    wgw_text_t name, wgw_labels_t *labels);


#pragma GCC visibility pop

#endif /* WGW_USAGE_PAGE_H */
