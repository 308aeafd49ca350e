
/*
 * What Redis answers of names: bytes as it sends them, read as each reply.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "fleet/gazette.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
row_is_sound(const wgw_follow_row_t *row)
{
    assert(row->name.len > 0 && row->name.len <= WGW_NAME_MAX);
    assert(row->version <= WGW_FOLLOW_VERSION);
    assert(row->json.len <= WGW_RECORD_JSON);
    assert(row->gone == (row->json.len == 0));
}


static void
look(const redisReply *reply)
{
    size_t                  i, entries, rows;
    uint64_t                version;
    wgw_text_t              cursor;
    wgw_follow_row_t        row;
    wgw_gazette_head_t      head;
    wgw_gazette_entry_t     entry;
    wgw_gazette_verdict_t   verdict;

    if (wgw_gazette_head_of(reply, &head) == 0) {
        assert(head.epoch.len == 0 || head.epoch.len == WGW_FOLLOW_EPOCH);
    }

    if (wgw_gazette_entries(reply, &entries, &rows) == 0) {
        for (i = 0; i <= entries; i++) {
            if (wgw_gazette_entry(reply, i, &entry) == 0) {
                assert(i < entries && entry.name.len <= WGW_NAME_MAX);
            }
        }

        for (i = 0; i <= rows; i++) {
            if (wgw_gazette_row(reply, i, &row) == 0) {
                assert(i < rows);
                row_is_sound(&row);
            }
        }
    }

    if (wgw_gazette_scanned(reply, &cursor, &rows) == 0) {
        assert(cursor.len <= WGW_GAZETTE_CURSOR);

        for (i = 0; i <= rows; i++) {
            if (wgw_gazette_found(reply, i, &row) == 0) {
                row_is_sound(&row);
            }
        }
    }

    for (i = 0; i < 4; i++) {
        (void) wgw_gazette_told(reply, i, &version);

        row.name = wgw_text("a.example");

        if (wgw_gazette_compared(reply, i, &row, &verdict) == 0
            && verdict == WGW_GAZETTE_LATER)
        {
            row_is_sound(&row);
        }
    }
}


/*
 * hiredis takes memory for as many elements as are announced: of arrays and,
 * from 1.0 on, of maps, sets, pushes and attributes.
 */

static int
announces(const uint8_t *data, size_t size)
{
    size_t  i, digits;

    for (i = 0, digits = 0; i < size; i++) {
        digits = data[i] >= '0' && data[i] <= '9' ? digits + 1 : 0;

        if (digits > 4 && i >= digits && data[i - digits]
            && strchr("*%~>|", data[i - digits]))
        {
            return 1;
        }
    }

    return 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void         *reply;
    redisReader  *reader;

    if (announces(data, size)) {
        return 0;
    }

    reader = redisReaderCreate();
    reply = NULL;

    if (redisReaderFeed(reader, (const char *) data, size) == REDIS_OK
        && redisReaderGetReply(reader, &reply) == REDIS_OK && reply)
    {
        look(reply);
        freeReplyObject(reply);
    }

    redisReaderFree(reader);

    return 0;
}
