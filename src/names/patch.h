
/*
 * patch: a record changed by a merge patch (merge.h), in the transaction that
 * reads it: what others change at the same time is neither lost nor mixed.
 */

#ifndef WGW_PATCH_H
#define WGW_PATCH_H


#include "names/rows.h"

#pragma GCC visibility push(hidden)


/* The caller sets the first five, and write.name and its conditions. */
typedef struct {
    wgw_text_t                 text;    /* the patch */
    const wgw_record_rules_t  *rules;
    wgw_record_t              *record;  /* gets what results */
    char                      *storage; /* its texts, WGW_RECORD_JSON bytes */
    wgw_rows_write_t          *write;

    unsigned                   refused; /* for this: */
    wgw_record_error_t         error;
} wgw_patch_t;


/*
 * Makes the change; OK, NONE, MISMATCH, or what failed.  MISMATCH with
 * patch->refused: the patch, or the record that it would make, is bad.
 */
wgw_store_rc_t wgw_patch_write(wgw_txn_t *t, wgw_patch_t *patch);


#pragma GCC visibility pop

#endif /* WGW_PATCH_H */
