
#include <string.h>

#include "fleet/journal.h"
#include "format/varint.h"


#define WGW_READING_CLASS    0x03
#define WGW_READING_BASE     0x04
#define WGW_READING_LIFE     0x08
#define WGW_READING_ZONE     0x10
#define WGW_READING_LABELS   0x20
#define WGW_READING_FLAGS    0x3f

#define WGW_JOURNAL_NUMBER   (UINT64_MAX >> 1)

/* 9999-12-31T23:59:59Z */
#define WGW_JOURNAL_TIME     INT64_C(253402300799)


static void wgw_journal_number(wgw_out_t *out, uint64_t number);
static void wgw_journal_text(wgw_out_t *out, wgw_text_t text);
static void wgw_journal_sums(wgw_out_t *out, const wgw_reading_sums_t *sums);
static int wgw_journal_head(wgw_journal_record_t *record);
static int wgw_journal_one(wgw_journal_record_t *record,
    wgw_reading_t *reading, const char **error);
static int wgw_journal_fit(const wgw_journal_record_t *record,
    const wgw_reading_t *reading, unsigned flags);
static int wgw_journal_labels(wgw_text_t labels);
static int wgw_journal_get(wgw_journal_record_t *record, uint64_t max,
    uint64_t *number);
static int wgw_journal_get_text(wgw_journal_record_t *record, size_t max,
    wgw_text_t *text);
static int wgw_journal_get_sums(wgw_journal_record_t *record,
    wgw_reading_sums_t *sums);


void
wgw_journal_rows(wgw_journal_rows_t *rows)
{
    wgw_out_init(&rows->out, rows->bytes, sizeof(rows->bytes));

    rows->rows = 0;
    rows->zone_len = 0;
}


int
wgw_journal_row(wgw_journal_rows_t *rows, const wgw_reading_t *r)
{
    char        flags;
    wgw_out_t  *out;

    out = &rows->out;

    if (rows->rows == WGW_JOURNAL_ROWS
        || (size_t) (out->end - out->pos) < WGW_JOURNAL_ROW)
    {
        return -1;
    }

    flags = (char) (r->class & WGW_READING_CLASS);
    flags |= r->based ? WGW_READING_BASE : 0;
    flags |= r->life ? WGW_READING_LIFE : 0;
    flags |= r->labels.len ? WGW_READING_LABELS : 0;

    if (rows->zone_len != r->zone.len
        || memcmp(rows->zone, r->zone.data, r->zone.len) != 0)
    {
        flags |= WGW_READING_ZONE;
        memcpy(rows->zone, r->zone.data, r->zone.len);
        rows->zone_len = r->zone.len;
    }

    wgw_out_bytes(out, &flags, 1);

    if (flags & WGW_READING_ZONE) {
        wgw_journal_text(out, r->zone);
        wgw_journal_text(out, r->kind);
    }

    wgw_journal_text(out, r->key);

    if (r->life) {
        wgw_journal_number(out, r->life);
    }

    wgw_journal_sums(out, &r->sums);

    if (r->based) {
        wgw_journal_sums(out, &r->base);
    }

    wgw_journal_number(out, r->window);
    wgw_journal_number(out, r->window_sent);
    wgw_journal_number(out, r->window_received);

    if (r->labels.len) {
        wgw_journal_text(out, r->labels);
    }

    rows->rows++;

    return 0;
}


size_t
wgw_journal_write(uint8_t *buffer, const wgw_journal_record_t *record,
    const wgw_journal_rows_t *rows)
{
    char       head[2];
    wgw_out_t  out;

    wgw_out_init(&out, buffer, WGW_JOURNAL_MAX);

    head[0] = WGW_JOURNAL_VERSION;
    head[1] = (char) record->kind;

    wgw_out_bytes(&out, head, 2);
    wgw_journal_number(&out, record->epoch);
    wgw_journal_number(&out, record->seq);
    wgw_out_bytes(&out, record->prev, WGW_JOURNAL_HASH);
    wgw_journal_number(&out, (uint64_t) record->from);
    wgw_journal_number(&out, (uint64_t) record->to);
    wgw_journal_text(&out, record->node);
    wgw_journal_text(&out, record->note);
    wgw_journal_number(&out, rows ? rows->rows : 0);

    if (rows) {
        wgw_out_bytes(&out, rows->bytes,
                      (size_t) (rows->out.pos - rows->out.start));
    }

    return (size_t) (out.pos - out.start);
}


static void
wgw_journal_number(wgw_out_t *out, uint64_t number)
{
    char    byte[WGW_VARINT_MAX];
    size_t  n;

    /* a total never comes near that */

    number &= WGW_JOURNAL_NUMBER;

    for (n = 0; number >= 0x80; n++) {
        byte[n] = (char) (number | 0x80);
        number >>= 7;
    }

    byte[n++] = (char) number;

    wgw_out_bytes(out, byte, n);
}


static void
wgw_journal_text(wgw_out_t *out, wgw_text_t text)
{
    wgw_journal_number(out, text.len);
    wgw_out_bytes(out, text.data, text.len);
}


static void
wgw_journal_sums(wgw_out_t *out, const wgw_reading_sums_t *sums)
{
    wgw_journal_number(out, sums->sent);
    wgw_journal_number(out, sums->received);
    wgw_journal_number(out, sums->requests);
}


int
wgw_journal_read(const uint8_t *bytes, size_t len,
    wgw_journal_record_t *record, const char **error)
{
    uint32_t              i;
    wgw_reading_t         reading;
    wgw_journal_record_t  scan;

    memset(record, 0, sizeof(wgw_journal_record_t));

    if (len < 2 || len > WGW_JOURNAL_MAX) {
        *error = len < 2 ? "is cut short" : "is too long";
        return -1;
    }

    if (bytes[0] != WGW_JOURNAL_VERSION) {
        *error = "has a version that is not known";
        return -1;
    }

    if (bytes[1] > WGW_JOURNAL_FRESH) {
        *error = "is of no kind that is known";
        return -1;
    }

    record->kind = bytes[1];
    record->pos = bytes + 2;
    record->end = bytes + len;

    if (wgw_journal_head(record) != 0) {
        *error = "has a head that is not right";
        return -1;
    }

    scan = *record;

    for (i = 0; i < record->rows; i++) {
        if (wgw_journal_one(&scan, &reading, error) != 0) {
            return -1;
        }
    }

    if (scan.pos != scan.end) {
        *error = "has more behind its last row";
        return -1;
    }

    record->left = record->rows;

    return 0;
}


static int
wgw_journal_head(wgw_journal_record_t *record)
{
    uint64_t  from, to, rows;

    if (wgw_journal_get(record, WGW_JOURNAL_NUMBER, &record->epoch) != 0
        || wgw_journal_get(record, WGW_JOURNAL_NUMBER, &record->seq) != 0
        || record->end - record->pos < WGW_JOURNAL_HASH)
    {
        return -1;
    }

    memcpy(record->prev, record->pos, WGW_JOURNAL_HASH);
    record->pos += WGW_JOURNAL_HASH;

    if (wgw_journal_get(record, WGW_JOURNAL_TIME, &from) != 0
        || wgw_journal_get(record, WGW_JOURNAL_TIME, &to) != 0
        || from > to
        || wgw_journal_get_text(record, WGW_JOURNAL_NODE, &record->node) != 0
        || !wgw_journal_node(record->node)
        || wgw_journal_get_text(record, WGW_JOURNAL_NOTE, &record->note) != 0
        || (record->note.len && !wgw_text_printable(record->note))
        || wgw_journal_get(record, WGW_JOURNAL_ROWS, &rows) != 0)
    {
        return -1;
    }

    record->from = (int64_t) from;
    record->to = (int64_t) to;
    record->rows = (uint32_t) rows;

    return 0;
}


int
wgw_journal_next(wgw_journal_record_t *record, wgw_reading_t *reading)
{
    const char  *error;

    if (record->left == 0) {
        return 0;
    }

    record->left--;

    return wgw_journal_one(record, reading, &error) == 0;
}


static int
wgw_journal_one(wgw_journal_record_t *record, wgw_reading_t *reading,
    const char **error)
{
    unsigned  flags;

    *error = "has a row that is not right";

    memset(reading, 0, sizeof(wgw_reading_t));

    if (record->pos == record->end) {
        return -1;
    }

    flags = *record->pos++;

    if (flags & ~WGW_READING_FLAGS) {
        return -1;
    }

    reading->class = flags & WGW_READING_CLASS;
    reading->based = (flags & WGW_READING_BASE) != 0;

    if ((flags & WGW_READING_ZONE)
        && (wgw_journal_get_text(record, WGW_JOURNAL_ZONE, &record->zone) != 0
            || wgw_journal_get_text(record, WGW_JOURNAL_ZONE,
                                    &record->zone_kind) != 0))
    {
        return -1;
    }

    reading->zone = record->zone;
    reading->kind = record->zone_kind;

    if (wgw_journal_get_text(record, WGW_JOURNAL_KEY, &reading->key) != 0
        || ((flags & WGW_READING_LIFE)
            && wgw_journal_get(record, WGW_JOURNAL_NUMBER, &reading->life)
               != 0)
        || wgw_journal_get_sums(record, &reading->sums) != 0
        || (reading->based
            && wgw_journal_get_sums(record, &reading->base) != 0)
        || wgw_journal_get(record, WGW_JOURNAL_NUMBER, &reading->window) != 0
        || wgw_journal_get(record, WGW_JOURNAL_NUMBER, &reading->window_sent)
           != 0
        || wgw_journal_get(record, WGW_JOURNAL_NUMBER,
                           &reading->window_received) != 0
        || ((flags & WGW_READING_LABELS)
            && wgw_journal_get_text(record, WGW_JOURNAL_LABELS,
                                    &reading->labels) != 0))
    {
        return -1;
    }

    return wgw_journal_fit(record, reading, flags);
}


/* What is well-formed may make no sense. */

static int
wgw_journal_fit(const wgw_journal_record_t *record, const wgw_reading_t *r,
    unsigned flags)
{
    if (record->zone.len == 0
        || !wgw_text_printable(record->zone)
        || (record->zone_kind.len && !wgw_text_printable(record->zone_kind)))
    {
        return -1;
    }

    if ((r->class == WGW_READING_KEY) != (r->key.len != 0)) {
        return -1;
    }

    if (r->based
        && (r->base.sent > r->sums.sent
            || r->base.received > r->sums.received
            || r->base.requests > r->sums.requests))
    {
        return -1;
    }

    if (((flags & WGW_READING_LIFE) && r->life == 0)
        || r->window_sent > r->sums.sent
        || r->window_received > r->sums.received)
    {
        return -1;
    }

    return (flags & WGW_READING_LABELS) ? wgw_journal_labels(r->labels) : 0;
}


/* A byte of length and the text, in pairs; see table/labels.h. */

static int
wgw_journal_labels(wgw_text_t labels)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < labels.len; n++) {
        i += 1 + (size_t) (uint8_t) labels.data[i];
    }

    return i == labels.len && n != 0 && n % 2 == 0 ? 0 : -1;
}


static int
wgw_journal_get(wgw_journal_record_t *record, uint64_t max, uint64_t *number)
{
    int  n;

    n = wgw_varint(record->pos, (size_t) (record->end - record->pos), number);

    if (n <= 0 || *number > max) {
        return -1;
    }

    record->pos += n;

    return 0;
}


static int
wgw_journal_get_text(wgw_journal_record_t *record, size_t max,
    wgw_text_t *text)
{
    uint64_t  len;

    if (wgw_journal_get(record, max, &len) != 0
        || len > (uint64_t) (record->end - record->pos))
    {
        return -1;
    }

    text->data = (const char *) record->pos;
    text->len = (size_t) len;
    record->pos += len;

    return 0;
}


static int
wgw_journal_get_sums(wgw_journal_record_t *record, wgw_reading_sums_t *sums)
{
    return wgw_journal_get(record, WGW_JOURNAL_NUMBER, &sums->sent) == 0
           && wgw_journal_get(record, WGW_JOURNAL_NUMBER, &sums->received)
              == 0
           && wgw_journal_get(record, WGW_JOURNAL_NUMBER, &sums->requests)
              == 0
           ? 0 : -1;
}


int
wgw_journal_node(wgw_text_t node)
{
    return node.len <= WGW_JOURNAL_NODE && wgw_text_plain(node);
}
