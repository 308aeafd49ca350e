
#include <errno.h>
#include <stdlib.h>

#include "format/merge.h"
#include "names/patch.h"


static int patch_merge(wgw_patch_t *patch, wgw_record_t *base);
static int patch_met(const wgw_rows_write_t *write, const wgw_record_t *base);


wgw_store_rc_t
wgw_patch_write(wgw_txn_t *t, wgw_patch_t *patch)
{
    wgw_text_t         value;
    wgw_record_t       base;
    wgw_store_rc_t     rc;
    wgw_rows_write_t  *write;

    write = patch->write;
    patch->refused = 0;

    rc = wgw_txn_get(t, WGW_ROWS, write->name, &value);

    if (rc == WGW_STORE_NONE) {
        return write->match ? WGW_STORE_MISMATCH : rc;
    }

    if (rc != WGW_STORE_OK) {
        return rc;
    }

    if (wgw_record_unpack(&base, (const uint8_t *) value.data, value.len)
        != 0)
    {
        patch->refused = 1;
        (void) wgw_json_refuse(&patch->error, "",
                               "the record is damaged: put it again");
        return WGW_STORE_MISMATCH;
    }

    if (!patch_met(write, &base)) {
        return WGW_STORE_MISMATCH;
    }

    base.name = write->name;

    if (patch_merge(patch, &base) != 0) {
        return patch->refused ? WGW_STORE_MISMATCH : wgw_txn_fail(t, ENOMEM);
    }

    write->record = patch->record;

    return wgw_rows_write(t, write);
}


/* The conditions of a request hold for the record as it is. */

static int
patch_met(const wgw_rows_write_t *write, const wgw_record_t *base)
{
    return !write->absent && wgw_rows_match(write, base->change);
}


static int
patch_merge(wgw_patch_t *patch, wgw_record_t *base)
{
    int          rc;
    char        *memory;
    wgw_out_t    document, merged;
    const char  *error;

    memory = malloc(WGW_RECORD_JSON + 2 * WGW_RECORD_JSON);
    if (memory == NULL) {
        return -1;
    }

    wgw_out_init(&document, memory, WGW_RECORD_JSON);
    wgw_out_init(&merged, memory + WGW_RECORD_JSON, 2 * WGW_RECORD_JSON);

    wgw_record_json(base, &document);

    error = wgw_merge((wgw_text_t) { document.start,
                                     (size_t) (document.pos
                                               - document.start) },
                      patch->text, &merged);

    if (error) {
        rc = wgw_json_refuse(&patch->error, "", error);

    } else {
        rc = wgw_record_parse(patch->record,
                              (wgw_text_t) { merged.start,
                                             (size_t) (merged.pos
                                                       - merged.start) },
                              base->name, patch->rules, patch->storage, NULL,
                              &patch->error);
    }

    patch->refused = (rc != 0);

    free(memory);

    return rc;
}
