
/*
 * usage_journal: metrics of the journal that tables are written down in, for
 * Prometheus.
 *
 * Who writes it is above the meter, and says so here, in memory that all
 * processes share: see fleet/bookkeeper.h.
 */

#ifndef WGW_USAGE_JOURNAL_H
#define WGW_USAGE_JOURNAL_H


#include "meter/usage_page.h"

#pragma GCC visibility push(hidden)


typedef struct {
    uint64_t             epoch;         /* of the last record on the disk */
    uint64_t             seq;
    uint64_t             time;          /* when the tables were read last */
    uint64_t             size;          /* bytes of all files */
    uint64_t             sent;          /* records, by this agent */
    uint64_t             failures;      /* readings that were not written */
    uint64_t             failing;       /* 1: the last one was not */
} wgw_usage_journal_t;


/* Nothing where `journal` is NULL. */
ngx_int_t wgw_usage_journal(wgw_usage_page_t *page,
    const wgw_usage_journal_t *journal);


#pragma GCC visibility pop

#endif /* WGW_USAGE_JOURNAL_H */
