
/*
 * bulk: many changes of names at once, from lines of JSON (NDJSON).
 *
 * Each line is a record as record.h has it, or {"name":...,"delete":true};
 * blank lines are skipped, lines may end with CR LF, the last one need not
 * end.  All of them are made, or none: the first bad line refuses all.
 *
 * Without `replace` they are one transaction.  With it they become the whole
 * set (shadow.h): names that are in none are gone, and deletes are refused.
 * Nothing is written before the first WGW_BULK_ROWS lines were found good.
 *
 * The body is read where nginx has put it, in the writer's thread, in steps
 * of some milliseconds; only what the rows become is kept in memory, and of
 * a replace no more than WGW_BULK_BYTES at a time.
 */

#ifndef WGW_BULK_H
#define WGW_BULK_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "names/rows.h"

#pragma GCC visibility push(hidden)


#define WGW_BULK_ROWS          100000   /* without replace */
#define WGW_BULK_ROWS_REPLACE  10000000
#define WGW_BULK_BYTES         (32 * 1024 * 1024)


typedef enum {
    WGW_BULK_OK = 0,
    WGW_BULK_BAD,               /* a line: see `line` and `error` */
    WGW_BULK_LONG,              /* too many lines: `line` is the first */
    WGW_BULK_BODY,              /* the body or memory failed; see `failure` */
    WGW_BULK_STORE              /* see `rc` and `failure` */
} wgw_bulk_status_t;


typedef struct {
    wgw_bulk_status_t    status;
    uint32_t             line;
    wgw_record_error_t   error;
    wgw_store_rc_t       rc;
    wgw_store_error_t    failure;
    wgw_store_counts_t   counts;
} wgw_bulk_result_t;


/* Called once, in the event loop; by then every worker serves the change. */
typedef void (*wgw_bulk_handler_pt)(const wgw_bulk_result_t *result,
    void *data);


/*
 * `body` and `rules` must stay until the handler is called.  What remains to
 * be done then, giving back the room of the old set, needs neither.
 * Returns NGX_ERROR if there is no memory.
 */
ngx_int_t wgw_bulk_start(wgw_store_t *store, const wgw_record_rules_t *rules,
    ngx_chain_t *body, ngx_uint_t replace, wgw_bulk_handler_pt handler,
    void *data);


#pragma GCC visibility pop

#endif /* WGW_BULK_H */
