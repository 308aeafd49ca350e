
/*
 * Records of a journal: what is read is written again, row by row, as it was.
 */

#include "fleet/journal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* One record for each text: but a zone may be repeated before each row. */

static void
again(wgw_journal_record_t *record, size_t size)
{
    size_t                      len;
    uint8_t                    *buffer;
    const char                 *error;
    wgw_reading_t               row, other;
    wgw_journal_record_t        copy, head;
    static wgw_journal_rows_t   rows;

    head = *record;
    wgw_journal_rows(&rows);

    while (wgw_journal_next(record, &row)) {
        if (wgw_journal_row(&rows, &row) != 0) {
            return;
        }
    }

    assert(record->left == 0 && record->pos == record->end);
    assert(rows.rows == head.rows);

    buffer = malloc(WGW_JOURNAL_MAX);
    len = wgw_journal_write(buffer, &head, &rows);

    assert(len <= size);
    assert(wgw_journal_read(buffer, len, &copy, &error) == 0);
    assert(copy.seq == head.seq && copy.epoch == head.epoch);
    assert(copy.rows == head.rows && copy.from == head.from);

    while (wgw_journal_next(&copy, &other)) {
        assert(wgw_journal_next(&head, &row));
        assert(wgw_text_equal(row.key, other.key));
        assert(wgw_text_equal(row.zone, other.zone));
        assert(row.sums.sent == other.sums.sent);
        assert(row.based == other.based && row.life == other.life);
    }

    free(buffer);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t               *copy;
    const char            *error;
    wgw_journal_record_t   record;

    copy = malloc(size ? size : 1);
    memcpy(copy, data, size);

    if (wgw_journal_read(copy, size, &record, &error) == 0) {
        again(&record, size);
    }

    free(copy);

    return 0;
}
