
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "format/hex.h"
#include "ledger/apply.h"
#include "program/memory.h"


#define APPLY_ARGS     14
#define APPLY_AGAIN    200              /* ms */

/* of a row's JSON, every byte of its key and labels escaped */
#define APPLY_ROW      16384
#define APPLY_NUMBER   24
#define APPLY_NOTE     4096
#define APPLY_HASH     (2 * WGW_JOURNAL_HASH + 3)


typedef struct {
    char    numbers[7][APPLY_NUMBER];
    char    hash[APPLY_HASH];
    char    prev[APPLY_HASH];
    char    from[APPLY_NUMBER];
    char    to[APPLY_NUMBER];
    char    node[WGW_JOURNAL_NODE + 1];
    char    note[WGW_JOURNAL_NOTE + 1];
} apply_texts_t;


apply_counts_t  apply_counts;


static apply_result_t apply_call(database_t *db,
    const char *values[APPLY_ARGS]);
static apply_result_t apply_answer(const PGresult *result);
static char *apply_rows(wgw_journal_record_t *record);
static void apply_row(wgw_out_t *out, const wgw_reading_t *r);
static void apply_key(wgw_out_t *out, wgw_text_t text);
static void apply_part(wgw_out_t *out, wgw_text_t part, int quoted);
static void apply_labels(wgw_out_t *out, wgw_text_t labels);
static void apply_member(wgw_out_t *out, const char *name, uint64_t number);
static const char *apply_number(char text[APPLY_NUMBER], uint64_t number);
static const char *apply_bytes(char text[APPLY_HASH],
    const uint8_t hash[WGW_JOURNAL_HASH]);
static const char *apply_text(char *text, wgw_text_t from);


apply_result_t
apply_record(database_t *db, wgw_journal_record_t *record,
    const uint8_t hash[WGW_JOURNAL_HASH], int anyway,
    apply_position_t *follows)
{
    char            *rows;
    uint32_t         count;
    const char      *values[APPLY_ARGS];
    apply_texts_t    t;
    apply_result_t   rc;

    count = record->rows;
    rows = apply_rows(record);

    values[0] = apply_text(t.node, record->node);
    values[1] = apply_number(t.numbers[0], record->epoch);
    values[2] = apply_number(t.numbers[1], record->seq);
    values[3] = apply_bytes(t.hash, hash);
    values[4] = apply_bytes(t.prev, record->prev);
    values[5] = apply_number(t.numbers[2], record->kind);
    values[6] = apply_number(t.from, (uint64_t) record->from);
    values[7] = apply_number(t.to, (uint64_t) record->to);
    values[8] = apply_text(t.note, record->note);
    values[9] = apply_number(t.numbers[3], count);
    values[10] = rows;
    values[11] = anyway ? "true" : "false";
    values[12] = apply_number(t.numbers[4], follows->epoch);
    values[13] = apply_number(t.numbers[5], follows->seq);

    rc = apply_call(db, values);

    free(rows);

    if (rc == APPLY_DONE) {
        apply_counts.applied++;
        apply_counts.rows += count;
    }

    apply_counts.known += rc == APPLY_KNOWN;

    if (rc == APPLY_DONE || rc == APPLY_KNOWN) {
        memset(follows, 0, sizeof(apply_position_t));

        if (record->kind == WGW_JOURNAL_STATE) {
            follows->epoch = record->epoch;
            follows->seq = record->seq;
        }
    }

    return rc;
}


/*
 * Where the connection is lost it is not known whether it was applied: the
 * database will say that it is known.
 */

static apply_result_t
apply_call(database_t *db, const char *values[APPLY_ARGS])
{
    PGresult        *result;
    apply_result_t   rc;

    static const char  sql[] =
        "SELECT wgw.apply($1, $2, $3, $4, $5, $6, to_timestamp($7),"
        " to_timestamp($8), $9, $10, $11, $12, $13, $14)";

    for ( ;; ) {
        result = PQexecParams(db->conn, sql, APPLY_ARGS, NULL, values, NULL,
                              NULL, 0);

        if (PQresultStatus(result) == PGRES_TUPLES_OK) {
            rc = apply_answer(result);
            PQclear(result);

            return rc;
        }

        if (!database_again(db, result)) {
            ledger_log("record %s of epoch %s of %s is not taken: %s",
                       values[2], values[1], values[0],
                       PQerrorMessage(db->conn));
            PQclear(result);
            apply_counts.bad++;

            return APPLY_BAD;
        }

        PQclear(result);

        if (PQstatus(db->conn) != CONNECTION_OK
            && database_open(db, db->info, 1) != LEDGER_OK)
        {
            return APPLY_GAP;
        }

        ledger_nap(APPLY_AGAIN);

        if (ledger_stop) {
            return APPLY_GAP;
        }
    }
}


static apply_result_t
apply_answer(const PGresult *result)
{
    const char  *answer;

    answer = PQgetvalue(result, 0, 0);

    if (strcmp(answer, "applied") == 0) {
        return APPLY_DONE;
    }

    return strcmp(answer, "known") == 0 ? APPLY_KNOWN : APPLY_GAP;
}


/* An array of JSON, as wgw.apply_rows() reads it. */

static char *
apply_rows(wgw_journal_record_t *record)
{
    char           *text;
    size_t          size, used;
    wgw_out_t       out;
    wgw_reading_t   reading;

    size = 4 * WGW_JOURNAL_MAX;
    text = wgw_alloc(size);
    wgw_out_init(&out, text, size);
    wgw_out_str(&out, "[");

    while (wgw_journal_next(record, &reading)) {

        if ((size_t) (out.end - out.pos) < APPLY_ROW) {
            used = (size_t) (out.pos - text);
            size *= 2;
            text = wgw_grow(text, size);
            wgw_out_init(&out, text, size);
            out.pos += used;
        }

        if (out.pos != text + 1) {
            wgw_out_str(&out, ",");
        }

        apply_row(&out, &reading);
    }

    wgw_out_str(&out, "]");
    wgw_out_bytes(&out, "", 1);

    return text;
}


static void
apply_row(wgw_out_t *out, const wgw_reading_t *r)
{
    wgw_out_str(out, "{\"z\":");
    apply_key(out, r->zone);
    wgw_out_str(out, ",\"d\":");
    apply_key(out, r->kind);
    wgw_out_str(out, ",\"k\":");
    apply_key(out, r->key);

    apply_member(out, "c", r->class);
    apply_member(out, "l", r->life);
    apply_member(out, "s", r->sums.sent);
    apply_member(out, "v", r->sums.received);
    apply_member(out, "q", r->sums.requests);

    if (r->based) {
        apply_member(out, "bs", r->base.sent);
        apply_member(out, "bv", r->base.received);
        apply_member(out, "bq", r->base.requests);
    }

    if (r->labels.len) {
        wgw_out_str(out, ",\"b\":");
        apply_labels(out, r->labels);
    }

    wgw_out_str(out, "}");
}


/* PostgreSQL has no zero byte in a text. */

static void
apply_key(wgw_out_t *out, wgw_text_t text)
{
    size_t      i;
    wgw_text_t  part;

    for (i = 0; i <= text.len; i += part.len + 1) {
        part.data = text.data + i;
        part.len = strnlen(part.data, text.len - i);

        /* the quote at its end and that at the next one's beginning */

        if (i) {
            out->pos--;
            wgw_out_str(out, "\\\\x00");
        }

        apply_part(out, part, i != 0);
    }
}


static void
apply_part(wgw_out_t *out, wgw_text_t part, int quoted)
{
    char  *begin;

    begin = out->pos;
    wgw_out_json_key(out, part);

    if (quoted) {
        memmove(begin, begin + 1, (size_t) (out->pos - begin - 1));
        out->pos--;
    }
}


/* Pairs of a byte of length and the text; wgw_journal_read() saw to that. */

static void
apply_labels(wgw_out_t *out, wgw_text_t labels)
{
    size_t      i, n;
    wgw_text_t  text;

    wgw_out_str(out, "{");

    for (i = 0, n = 0; i < labels.len; n++) {
        text.len = (uint8_t) labels.data[i];
        text.data = labels.data + i + 1;
        i += 1 + text.len;

        wgw_out_str(out, n % 2 ? ":" : n ? "," : "");
        apply_key(out, text);
    }

    wgw_out_str(out, "}");
}


static void
apply_member(wgw_out_t *out, const char *name, uint64_t number)
{
    wgw_out_str(out, ",\"");
    wgw_out_str(out, name);
    wgw_out_str(out, "\":");
    wgw_out_uint(out, number);
}


static const char *
apply_number(char text[APPLY_NUMBER], uint64_t number)
{
    (void) snprintf(text, APPLY_NUMBER, "%llu", (unsigned long long) number);

    return text;
}


static const char *
apply_bytes(char text[APPLY_HASH], const uint8_t hash[WGW_JOURNAL_HASH])
{
    text[0] = '\\';
    text[1] = 'x';
    wgw_hex_encode(text + 2, hash, WGW_JOURNAL_HASH);
    text[APPLY_HASH - 1] = '\0';

    return text;
}


static const char *
apply_text(char *text, wgw_text_t from)
{
    memcpy(text, from.data, from.len);
    text[from.len] = '\0';

    return text;
}


int
apply_position(database_t *db, const char *node, apply_position_t *position)
{
    PGresult    *result;
    const char  *values[1], *hash;
    wgw_text_t   digits;

    memset(position, 0, sizeof(apply_position_t));

    values[0] = node;
    result = database_query(db, "SELECT epoch, seq, encode(hash, 'hex') "
                                "FROM wgw.node WHERE name = $1", values, 1);
    if (result == NULL) {
        return LEDGER_FAILED;
    }

    if (PQntuples(result)) {
        position->epoch = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
        position->seq = strtoull(PQgetvalue(result, 0, 1), NULL, 10);

        hash = PQgetvalue(result, 0, 2);
        digits.data = hash;
        digits.len = strlen(hash);

        if (wgw_hex_decode(position->hash, WGW_JOURNAL_HASH, digits) != 0) {
            memset(position->hash, 0, WGW_JOURNAL_HASH);
        }
    }

    PQclear(result);

    return LEDGER_OK;
}


int
apply_note(database_t *db, const char *node, const char *what,
    const char *format, ...)
{
    char         note[APPLY_NOTE];
    va_list      args;
    const char  *values[3];

    va_start(args, format);
    (void) vsnprintf(note, sizeof(note), format, args);
    va_end(args);

    values[0] = node;
    values[1] = what;
    values[2] = note;

    return database_run(db, "SELECT wgw.note((SELECT id FROM wgw.node "
                            "WHERE name = $1), $2, $3)", values, 3);
}
