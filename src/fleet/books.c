
/*
 * Reading tables; how it begins is in books_open.c, how they are raised in
 * books_raise.c.
 */

#include <string.h>

#include "fleet/books.h"


static int wgw_books_table(wgw_books_t *books, wgw_book_t *book, int64_t to);
static int wgw_books_record(wgw_books_t *books, wgw_book_t *book,
    uint32_t record, int64_t to);
static int wgw_books_turn(wgw_books_t *books, wgw_book_t *book,
    uint32_t record, const wgw_usage_t *usage);
static int wgw_books_tell(wgw_books_t *books, wgw_book_t *book,
    uint32_t record, const wgw_usage_t *usage, const wgw_reading_sums_t *sums,
    wgw_journal_rows_t *rows, int64_t to);
static int64_t wgw_books_turned(const wgw_books_t *books, wgw_book_t *book,
    int64_t to);
static int wgw_books_turned_over(wgw_books_t *books, int64_t to);
static int wgw_books_state_of(wgw_books_t *books, wgw_book_t *book,
    wgw_journal_t *journal);
static uint64_t wgw_book_sum(wgw_book_t *book, uint32_t record);
static uint64_t wgw_book_less(uint64_t from, uint64_t n);


int
wgw_books_read(wgw_books_t *books, int64_t now)
{
    size_t  i;

    now = now > books->last ? now : books->last;

    for (i = 0; i < books->n; i++) {
        if (wgw_books_table(books, &books->books[i], now) != 0) {
            return -1;
        }
    }

    if (books->rows.rows || now - books->told >= WGW_BOOKS_QUIET) {
        if (wgw_books_write(books, &books->rows, WGW_JOURNAL_USAGE, now)
            != 0)
        {
            return -1;
        }

        books->told = now;
    }

    if (wgw_journal_sync(&books->journal) != 0) {
        return -1;
    }

    books->last = now;
    books->gone = wgw_journal_gone(&books->journal);

    if (books->gone || wgw_journal_due(&books->journal, now)) {
        if (wgw_journal_turn(&books->journal, now, wgw_books_state, books)
            != 0)
        {
            return -1;
        }

        wgw_books_trim(books, now);
    }

    return 0;
}


void
wgw_books_trim(wgw_books_t *books, int64_t now)
{
    uint64_t  all;

    all = wgw_journal_trim(&books->journal, now);

    books->others = wgw_book_less(all, books->journal.size);
}


uint64_t
wgw_books_size(const wgw_books_t *books)
{
    return books->others + books->journal.size;
}


/*
 * Where its window has turned, records of before have one time, those of
 * after it another one, and those of other zones a third.
 */

static int
wgw_books_table(wgw_books_t *books, wgw_book_t *book, int64_t to)
{
    int64_t   turn;
    uint32_t  record, end;

    /* a file that was shortened reads as if nothing had been counted */

    if (!book->opened || (book->lost && *book->lost)) {
        return 0;
    }

    turn = wgw_books_turned(books, book, to);

    if (turn && books->rows.rows
        && wgw_books_write(books, &books->rows, WGW_JOURNAL_USAGE, to) != 0)
    {
        return -1;
    }

    books->turn = turn;
    end = wgw_book_end(book);

    for (record = 0; record < end; record++) {

        if (wgw_book_sum(book, record) != book->seen[record]
            && wgw_books_record(books, book, record, to) != 0)
        {
            return -1;
        }
    }

    return books->turn ? wgw_books_turned_over(books, to) : 0;
}


/* When its window turned, if that was since the last reading; or 0. */

static int64_t
wgw_books_turned(const wgw_books_t *books, wgw_book_t *book, int64_t to)
{
    wgw_usage_t  usage;

    if (book->window.kind == WGW_WINDOW_TOTAL || books->last == 0
        || wgw_table_read(book->table, WGW_TABLE_UNKNOWN, to, &usage) != 0)
    {
        return 0;
    }

    return usage.window.start > books->last && usage.window.start <= to
           ? usage.window.start : 0;
}


static int
wgw_books_turned_over(wgw_books_t *books, int64_t to)
{
    if (books->before.rows
        && wgw_books_write(books, &books->before, WGW_JOURNAL_USAGE, to) != 0)
    {
        return -1;
    }

    if (books->rows.rows
        && wgw_books_write(books, &books->rows, WGW_JOURNAL_USAGE, to) != 0)
    {
        return -1;
    }

    books->turn = 0;

    return 0;
}


static int
wgw_books_record(wgw_books_t *books, wgw_book_t *book, uint32_t record,
    int64_t to)
{
    uint32_t             i, n, first, twins[WGW_TABLE_SEGMENTS];
    uint64_t             sum;
    wgw_usage_t          usage;
    wgw_reading_sums_t   sums;

    first = record;
    sum = wgw_book_sum(book, record);

    n = record < WGW_TABLE_FIRST || book->table->count == 1
        ? 0 : wgw_table_twins(book->table, record, twins);

    for (i = 0; i < n; i++) {
        first = twins[i] < first ? twins[i] : first;
    }

    /* a key of several records is told by the first, once in a reading */

    if (first != record) {
        book->seen[record] = sum;
        book->seen[first] = 0;
        return 0;
    }

    if (wgw_table_read(book->table, record, to, &usage) != 0) {
        return 0;
    }

    book->seen[record] = sum;

    /* counted in a window that has come just now: at the next reading */

    if (books->turn && usage.window.start != books->turn) {
        book->seen[record] = 0;
        return 0;
    }

    if (books->turn) {
        if (wgw_books_turn(books, book, record, &usage) != 0) {
            return -1;
        }

        /* what is behind the turn has its time later */

        if (usage.window.start == to) {
            book->seen[record] = 0;
            return 0;
        }
    }

    sums.sent = usage.sent;
    sums.received = usage.received;
    sums.requests = usage.requests;

    return wgw_books_tell(books, book, record, &usage, &sums, &books->rows,
                          to);
}


/* As it was when the window turned. */

static int
wgw_books_turn(wgw_books_t *books, wgw_book_t *book, uint32_t record,
    const wgw_usage_t *usage)
{
    wgw_usage_t          then;
    wgw_reading_sums_t  *told, sums;

    told = &book->told[record];

    sums.sent = wgw_book_less(usage->sent, usage->window.sent);
    sums.received = wgw_book_less(usage->received, usage->window.received);
    sums.requests = usage->requests;

    /* requests are not known by window: they go with the bytes */

    if (sums.sent == told->sent && sums.received == told->received) {
        sums.requests = told->requests;
    }

    then = *usage;
    then.window.start = usage->last.start;
    then.window.sent = usage->last.sent < sums.sent ? usage->last.sent
                                                    : sums.sent;
    then.window.received = usage->last.received < sums.received
                           ? usage->last.received : sums.received;

    return wgw_books_tell(books, book, record, &then, &sums, &books->before,
                          usage->window.start);
}


static int
wgw_books_tell(wgw_books_t *books, wgw_book_t *book, uint32_t record,
    const wgw_usage_t *usage, const wgw_reading_sums_t *sums,
    wgw_journal_rows_t *rows, int64_t to)
{
    wgw_labels_t         labels;
    wgw_reading_t        reading;
    wgw_reading_sums_t  *told;

    told = &book->told[record];

    if (!book->anew[record] && sums->sent <= told->sent
        && sums->received <= told->received
        && sums->requests <= told->requests)
    {
        return 0;
    }

    wgw_book_row(book, record, usage, sums, &labels, &reading);

    reading.based = book->anew[record];

    if (wgw_books_add(books, rows, WGW_JOURNAL_USAGE, to, &reading) != 0) {
        return -1;
    }

    book->anew[record] = 0;
    *told = *sums;

    return 0;
}


void
wgw_book_row(wgw_book_t *book, uint32_t record, const wgw_usage_t *usage,
    const wgw_reading_sums_t *sums, wgw_labels_t *labels, wgw_reading_t *r)
{
    const wgw_label_t    *last;
    const wgw_segment_t  *segment;

    memset(r, 0, sizeof(wgw_reading_t));

    r->zone = book->zone;
    r->kind = book->kind;
    r->class = wgw_book_class(record);
    r->sums = *sums;
    r->window = wgw_window_period(book->window, usage->window.start);
    r->window_sent = usage->window.sent < sums->sent ? usage->window.sent
                                                     : sums->sent;
    r->window_received = usage->window.received < sums->received
                         ? usage->window.received : sums->received;

    if (r->class != WGW_READING_KEY) {
        return;
    }

    r->key = usage->key;
    r->life = usage->life;

    segment = wgw_table_segment(book->table, record);
    wgw_labels_get(segment, record - segment->first, labels);

    if (labels->n) {
        last = &labels->elts[labels->n - 1];

        r->labels.data = labels->text;
        r->labels.len = (size_t) (last->value.data + last->value.len
                                  - labels->text);
    }
}


int
wgw_books_add(wgw_books_t *books, wgw_journal_rows_t *rows, unsigned kind,
    int64_t to, const wgw_reading_t *reading)
{
    if (wgw_journal_row(rows, reading) == 0) {
        return 0;
    }

    return wgw_books_write(books, rows, kind, to) == 0
           && wgw_journal_row(rows, reading) == 0 ? 0 : -1;
}


int
wgw_books_write(wgw_books_t *books, wgw_journal_rows_t *rows, unsigned kind,
    int64_t to)
{
    int                   rc;
    wgw_journal_record_t  record;

    memset(&record, 0, sizeof(wgw_journal_record_t));

    record.kind = kind;
    record.to = rows == &books->before ? books->turn : to;
    record.from = books->last ? books->last : to;

    if (books->turn && rows != &books->before) {
        record.from = books->turn;
    }

    record.from = record.from < record.to ? record.from : record.to;

    rc = wgw_journal_append(&books->journal, &record, rows);

    wgw_journal_rows(rows);

    return rc;
}


/* As they were written down; in the window, what came since is not. */

int
wgw_books_state(void *data, wgw_journal_t *journal)
{
    size_t        i;
    wgw_books_t  *books = data;

    wgw_journal_rows(&books->rows);

    for (i = 0; i < books->n; i++) {
        if (books->books[i].opened
            && wgw_books_state_of(books, &books->books[i], journal) != 0)
        {
            return -1;
        }
    }

    if (books->rows.rows && wgw_journal_state(journal, &books->rows) != 0) {
        return -1;
    }

    wgw_journal_rows(&books->rows);

    return 0;
}


static int
wgw_books_state_of(wgw_books_t *books, wgw_book_t *book,
    wgw_journal_t *journal)
{
    uint32_t                   record, end;
    wgw_usage_t                usage;
    wgw_labels_t               labels;
    wgw_reading_t              reading;
    const wgw_reading_sums_t  *told;

    end = wgw_book_end(book);

    for (record = 0; record < end; record++) {
        told = &book->told[record];

        if (record >= WGW_TABLE_FIRST
            && (told->sent | told->received | told->requests) == 0)
        {
            continue;
        }

        if (wgw_table_read(book->table, record, books->last, &usage) != 0) {
            continue;
        }

        usage.window.sent = wgw_book_less(usage.window.sent,
                                          usage.sent - told->sent);
        usage.window.received = wgw_book_less(usage.window.received,
                                              usage.received
                                              - told->received);

        wgw_book_row(book, record, &usage, told, &labels, &reading);

        if (wgw_journal_row(&books->rows, &reading) == 0) {
            continue;
        }

        if (wgw_journal_state(journal, &books->rows) != 0) {
            return -1;
        }

        wgw_journal_rows(&books->rows);
        (void) wgw_journal_row(&books->rows, &reading);
    }

    return 0;
}


uint32_t
wgw_book_end(wgw_book_t *book)
{
    uint32_t  end;

    end = wgw_table_end(book->table);

    return end < book->size ? end : book->size;
}


unsigned
wgw_book_class(uint32_t record)
{
    switch (record) {

    case WGW_TABLE_UNKNOWN:
        return WGW_READING_UNKNOWN;

    case WGW_TABLE_OTHER:
        return WGW_READING_OTHER;

    case WGW_TABLE_DENIED:
        return WGW_READING_DENIED;

    default:
        return WGW_READING_KEY;
    }
}


static uint64_t
wgw_book_sum(wgw_book_t *book, uint32_t record)
{
    const wgw_record_hot_t  *hot;

    hot = wgw_table_hot(book->table, record);

    return wgw_load(&hot->sent) + wgw_load(&hot->received)
           + wgw_load(&hot->requests);
}


static uint64_t
wgw_book_less(uint64_t from, uint64_t n)
{
    return from > n ? from - n : 0;
}
