
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fleet/journal_file.h"
#include "format/hex.h"
#include "ledger/dump.h"
#include "program/memory.h"


/* of a line without its rows, and of a row, all escaped */
#define DUMP_LINE  8192


static void dump_record(wgw_journal_record_t *record,
    const uint8_t hash[WGW_JOURNAL_HASH]);
static void dump_row(const wgw_reading_t *reading, int first);
static void dump_out(wgw_out_t *out);


static const char  *const dump_kinds[] = {
    "usage", "state", "opening", "opened", "fresh"
};

static const char  *const dump_classes[] = {
    "key", "unknown", "other", "denied"
};


int
dump_print(const char *dir)
{
    int                    rc, bad;
    const char            *error;
    wgw_journal_record_t   record;
    wgw_journal_reader_t  *reader;

    if (access(dir, R_OK|X_OK) != 0) {
        return ledger_fail(LEDGER_FAILED, "\"%s\" cannot be read", dir);
    }

    reader = wgw_alloc(sizeof(wgw_journal_reader_t));
    wgw_journal_seek(reader, dir, 0, 0);
    bad = 0;

    for ( ;; ) {
        rc = wgw_journal_get_record(reader, &record, &error);

        if (rc == 0) {
            break;
        }

        if (rc < 0) {
            bad = 1;
            (void) ledger_fail(LEDGER_ALARM, "\"%s\" %s", dir, error);
            continue;
        }

        dump_record(&record, reader->hash);
    }

    wgw_journal_leave(reader);
    free(reader);

    if (fflush(stdout) != 0 || ferror(stdout)) {
        return ledger_fail(LEDGER_FAILED, "cannot be written");
    }

    return bad ? LEDGER_ALARM : LEDGER_OK;
}


static void
dump_record(wgw_journal_record_t *record,
    const uint8_t hash[WGW_JOURNAL_HASH])
{
    int            first;
    char           buffer[DUMP_LINE], hex[2 * WGW_JOURNAL_HASH];
    wgw_out_t      out;
    wgw_reading_t  reading;

    wgw_out_init(&out, buffer, sizeof(buffer));

    wgw_out_str(&out, "{\"node\":");
    wgw_out_json(&out, record->node);
    wgw_out_str(&out, ",\"kind\":\"");
    wgw_out_str(&out, dump_kinds[record->kind]);
    wgw_out_str(&out, "\",\"epoch\":");
    wgw_out_uint(&out, record->epoch);
    wgw_out_str(&out, ",\"seq\":");
    wgw_out_uint(&out, record->seq);
    wgw_out_str(&out, ",\"hash\":\"");
    wgw_hex_encode(hex, hash, WGW_JOURNAL_HASH);
    wgw_out_bytes(&out, hex, sizeof(hex));
    wgw_out_str(&out, "\",\"from\":");
    wgw_out_uint(&out, (uint64_t) record->from);
    wgw_out_str(&out, ",\"to\":");
    wgw_out_uint(&out, (uint64_t) record->to);

    if (record->note.len) {
        wgw_out_str(&out, ",\"note\":");
        wgw_out_json(&out, record->note);
    }

    wgw_out_str(&out, ",\"rows\":[");
    dump_out(&out);

    for (first = 1; wgw_journal_next(record, &reading); first = 0) {
        dump_row(&reading, first);
    }

    (void) fputs("]}\n", stdout);
}


static void
dump_row(const wgw_reading_t *r, int first)
{
    char       buffer[DUMP_LINE];
    wgw_out_t  out;

    wgw_out_init(&out, buffer, sizeof(buffer));

    wgw_out_str(&out, first ? "{\"zone\":" : ",{\"zone\":");
    wgw_out_json_key(&out, r->zone);
    wgw_out_str(&out, ",\"key\":");
    wgw_out_json_key(&out, r->key);

    if (r->class != WGW_READING_KEY) {
        wgw_out_str(&out, ",\"class\":\"");
        wgw_out_str(&out, dump_classes[r->class]);
        wgw_out_str(&out, "\"");
    }

    if (r->life) {
        wgw_out_str(&out, ",\"life\":");
        wgw_out_uint(&out, r->life);
    }

    wgw_out_str(&out, ",\"sent\":");
    wgw_out_uint(&out, r->sums.sent);
    wgw_out_str(&out, ",\"received\":");
    wgw_out_uint(&out, r->sums.received);
    wgw_out_str(&out, ",\"requests\":");
    wgw_out_uint(&out, r->sums.requests);

    if (r->based) {
        wgw_out_str(&out, ",\"base\":{\"sent\":");
        wgw_out_uint(&out, r->base.sent);
        wgw_out_str(&out, ",\"received\":");
        wgw_out_uint(&out, r->base.received);
        wgw_out_str(&out, ",\"requests\":");
        wgw_out_uint(&out, r->base.requests);
        wgw_out_str(&out, "}");
    }

    wgw_out_str(&out, "}");
    dump_out(&out);
}


static void
dump_out(wgw_out_t *out)
{
    (void) fwrite(out->start, 1, (size_t) (out->pos - out->start), stdout);
}
