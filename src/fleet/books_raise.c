
/*
 * Tables that are behind what was written down.
 */

#include "fleet/books.h"
#include "table/raise.h"


static int64_t wgw_books_raise_zone(wgw_books_t *books, wgw_book_t *book,
    int64_t now);
static int wgw_books_raise_one(wgw_book_t *book, wgw_text_t key,
    const wgw_readings_one_t *one, int64_t now);


int64_t
wgw_books_raise(wgw_books_t *books, int64_t now)
{
    int          rc;
    size_t       i;
    int64_t      n;
    const char  *why;

    rc = wgw_journal_open(&books->journal, wgw_books_past, books, &why);
    n = 0;

    if (rc != -1) {
        for (i = 0; i < books->n; i++) {
            n += wgw_books_raise_zone(books, &books->books[i], now);
        }
    }

    wgw_journal_close(&books->journal);
    wgw_readings_free(&books->past);

    return rc == -1 ? -1 : n;
}


static int64_t
wgw_books_raise_zone(wgw_books_t *books, wgw_book_t *book, int64_t now)
{
    int                  zone;
    size_t               i;
    int64_t              n;
    wgw_readings_one_t  *one;

    zone = wgw_readings_zone(&books->past, book->zone);

    if (zone < 0 || !books->past.opened[zone]) {
        return 0;
    }

    n = 0;

    for (i = 0; i < books->past.n; i++) {
        one = &books->past.elts[i];

        if (one->zone == zone) {
            n += wgw_books_raise_one(book, wgw_readings_key(&books->past, one),
                                     one, now);
        }
    }

    return n;
}


/*
 * A key that is not there is one that was lost if it counted lately, and one
 * that a purge took if it did not.
 */

static int
wgw_books_raise_one(wgw_book_t *book, wgw_text_t key,
    const wgw_readings_one_t *one, int64_t now)
{
    uint32_t     record, n, i, lives[WGW_TABLE_SEGMENTS];
    wgw_raise_t  to;

    if ((one->sums.sent | one->sums.received | one->sums.requests) == 0) {
        return 0;
    }

    to.sent = one->sums.sent;
    to.received = one->sums.received;
    to.requests = one->sums.requests;
    to.period = one->window;
    to.window_sent = one->window_sent;
    to.window_received = one->window_received;

    switch (one->class) {

    case WGW_READING_UNKNOWN:
        return wgw_table_raise(book->table, WGW_TABLE_UNKNOWN, &to);

    case WGW_READING_OTHER:
        return wgw_table_raise(book->table, WGW_TABLE_OTHER, &to);

    case WGW_READING_DENIED:
        return wgw_table_raise(book->table, WGW_TABLE_DENIED, &to);

    default: /* WGW_READING_KEY */
        break;
    }

    record = WGW_TABLE_UNKNOWN;
    n = wgw_table_lives(book->table, key, lives, WGW_TABLE_SEGMENTS);

    for (i = 0; i < n; i++) {
        if (wgw_table_is(book->table, lives[i], key, one->life)) {
            record = lives[i];
        }
    }

    if (record == WGW_TABLE_UNKNOWN) {

        if (one->window + 1 < wgw_window_period(book->window, now)) {
            return 0;
        }

        record = wgw_table_live(book->table, key, one->life);
    }

    return record < WGW_TABLE_FIRST ? 0
           : wgw_table_raise(book->table, record, &to);
}
