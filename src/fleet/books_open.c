
/*
 * How books begin: what the journal says against what the tables have.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/statefile.h"
#include "fleet/books.h"


static int wgw_books_recover(wgw_books_t *books);
static int wgw_books_adopt(wgw_books_t *books, wgw_book_t *book);
static void wgw_books_compare(wgw_books_t *books, wgw_book_t *book,
    uint32_t record);
static int wgw_books_opening(wgw_books_t *books, wgw_book_t *book,
    int64_t now);
static int wgw_books_from_zero(wgw_books_t *books, wgw_book_t *book,
    const char *path, int64_t now);
static int wgw_books_opening_one(wgw_books_t *books, wgw_book_t *book,
    uint32_t record, int64_t now);
static int wgw_books_gone(wgw_books_t *books, int64_t now);
static wgw_book_t *wgw_books_book(wgw_books_t *books, wgw_text_t zone);


int
wgw_books_open(wgw_books_t *books, uint64_t now, const char **why)
{
    int      rc;
    size_t   i;
    int64_t  seconds;

    wgw_journal_rows(&books->rows);
    wgw_journal_rows(&books->before);

    rc = wgw_journal_open(&books->journal, wgw_books_past, books, why);

    if (rc == -1
        || (rc == 1 && books->journal.epoch
            && wgw_books_recover(books) != 0))
    {
        return -1;
    }

    seconds = (int64_t) (now / 1000);

    books->last = books->journal.to;
    books->last = books->last < seconds ? books->last : seconds;
    books->told = books->last;

    for (i = 0; i < books->n; i++) {
        if (wgw_books_adopt(books, &books->books[i]) != 0) {
            return -1;
        }
    }

    if (rc == 1
        && wgw_journal_begin(&books->journal, now, wgw_books_state, books)
           != 0)
    {
        return -1;
    }

    if (rc == 0) {
        *why = books->journal.torn;
    }

    if (wgw_books_gone(books, seconds) != 0) {
        return -1;
    }

    for (i = 0; i < books->n; i++) {
        if (!books->books[i].opened
            && wgw_books_opening(books, &books->books[i], seconds) != 0)
        {
            return -1;
        }
    }

    wgw_readings_free(&books->past);

    return wgw_journal_sync(&books->journal) == 0 ? rc : -1;
}


int
wgw_books_past(void *data, wgw_journal_record_t *record)
{
    wgw_books_t  *books = data;

    if (wgw_readings_take(&books->past, record) != 0) {
        errno = ENOMEM;
        return -1;
    }

    return 0;
}


/* Of all files, what can be read. */

static int
wgw_books_recover(wgw_books_t *books)
{
    int                    rc;
    const char            *error;
    wgw_journal_record_t   record;
    wgw_journal_reader_t  *reader;

    reader = malloc(sizeof(wgw_journal_reader_t));

    if (reader == NULL) {
        errno = ENOMEM;
        return -1;
    }

    wgw_readings_free(&books->past);
    wgw_journal_seek(reader, books->journal.dir, 0, 0);

    do {
        rc = wgw_journal_get_record(reader, &record, &error);

        if (rc == 1) {
            books->journal.to = record.to;
            rc = wgw_books_past(books, &record) == 0 ? 1 : -2;
        }

    } while (rc == 1 || rc == -1);

    wgw_journal_leave(reader);
    free(reader);

    return rc == 0 ? 0 : -1;
}


static int
wgw_books_adopt(wgw_books_t *books, wgw_book_t *book)
{
    int       zone;
    uint32_t  record, end;

    book->size = book->table->segments[book->table->count - 1].end;

    book->seen = calloc(book->size, sizeof(uint64_t));
    book->told = calloc(book->size, sizeof(wgw_reading_sums_t));
    book->anew = calloc(book->size, 1);

    if (book->seen == NULL || book->told == NULL || book->anew == NULL) {
        errno = ENOMEM;
        return -1;
    }

    zone = wgw_readings_zone(&books->past, book->zone);
    book->opened = zone >= 0 && books->past.opened[zone];

    if (!book->opened) {
        return 0;
    }

    end = wgw_book_end(book);

    for (record = 0; record < end; record++) {
        wgw_books_compare(books, book, record);
    }

    return 0;
}


static void
wgw_books_compare(wgw_books_t *books, wgw_book_t *book, uint32_t record)
{
    unsigned             class;
    wgw_text_t           key;
    wgw_usage_t          usage;
    wgw_readings_one_t  *one;

    if (wgw_table_read(book->table, record, books->last, &usage) != 0) {
        return;
    }

    class = wgw_book_class(record);
    key = usage.key;
    key.len = class == WGW_READING_KEY ? key.len : 0;

    one = wgw_readings_find(&books->past, book->zone, class, key,
                            class == WGW_READING_KEY ? usage.life : 0);
    if (one == NULL) {
        return;
    }

    one->seen = 1;

    if (usage.sent < one->sums.sent || usage.received < one->sums.received
        || usage.requests < one->sums.requests)
    {
        book->anew[record] = 1;
        return;
    }

    book->told[record] = one->sums;

    if (book->table->count == 1 && usage.sent == one->sums.sent
        && usage.received == one->sums.received
        && usage.requests == one->sums.requests)
    {
        book->seen[record] = usage.sent + usage.received + usage.requests;
    }
}


/* What is not in the tables any more begins at 0 when it comes again. */

static int
wgw_books_gone(wgw_books_t *books, int64_t now)
{
    size_t               i;
    wgw_book_t          *book;
    wgw_text_t           zone;
    wgw_reading_t        reading;
    wgw_readings_one_t  *one;

    for (i = 0; i < books->past.n; i++) {
        one = &books->past.elts[i];

        if (one->seen || one->class != WGW_READING_KEY
            || (one->sums.sent | one->sums.received | one->sums.requests)
               == 0)
        {
            continue;
        }

        zone.data = books->past.zones[one->zone];
        zone.len = books->past.zone_lens[one->zone];
        book = wgw_books_book(books, zone);

        if (book == NULL || !book->opened) {
            continue;
        }

        memset(&reading, 0, sizeof(wgw_reading_t));

        reading.zone = book->zone;
        reading.kind = book->kind;
        reading.key = wgw_readings_key(&books->past, one);
        reading.life = one->life;
        reading.based = 1;

        if (wgw_books_add(books, &books->rows, WGW_JOURNAL_USAGE, now,
                          &reading)
            != 0)
        {
            return -1;
        }
    }

    return books->rows.rows
           ? wgw_books_write(books, &books->rows, WGW_JOURNAL_USAGE, now)
           : 0;
}


static wgw_book_t *
wgw_books_book(wgw_books_t *books, wgw_text_t zone)
{
    size_t  i;

    for (i = 0; i < books->n; i++) {
        if (wgw_text_equal(books->books[i].zone, zone)) {
            return &books->books[i];
        }
    }

    return NULL;
}


/* A zone that was not written down before. */

static int
wgw_books_opening(wgw_books_t *books, wgw_book_t *book, int64_t now)
{
    char      path[WGW_BOOKS_PATH];
    uint32_t  record, end;

    if (wgw_books_mark(books, book, path) == 0 && access(path, F_OK) == 0) {
        return wgw_books_from_zero(books, book, path, now);
    }

    end = wgw_book_end(book);

    for (record = 0; record < end; record++) {
        if (wgw_books_opening_one(books, book, record, now) != 0) {
            return -1;
        }
    }

    if (wgw_books_write(books, &books->rows, WGW_JOURNAL_OPENED, now) != 0
        || wgw_journal_sync(&books->journal) != 0)
    {
        return -1;
    }

    book->opened = 1;

    return 0;
}


int
wgw_books_renew(wgw_books_t *books, uint64_t now, uint64_t epoch)
{
    size_t  i;

    if (wgw_journal_begin(&books->journal, now > epoch ? now : epoch + 1,
                          wgw_books_state, books)
        != 0)
    {
        return -1;
    }

    for (i = 0; i < books->n; i++) {
        if (books->books[i].opened
            && wgw_books_opening(books, &books->books[i],
                                 (int64_t) (now / 1000))
               != 0)
        {
            return -1;
        }
    }

    return 0;
}


/*
 * Nobody had counted in it before this instance began: the readings begin at
 * 0, in one record, so that there is no half of that.
 */

static int
wgw_books_from_zero(wgw_books_t *books, wgw_book_t *book, const char *path,
    int64_t now)
{
    wgw_reading_t  reading;

    memset(&reading, 0, sizeof(wgw_reading_t));

    reading.zone = book->zone;
    reading.kind = book->kind;
    reading.class = WGW_READING_UNKNOWN;
    reading.based = 1;

    if (wgw_books_add(books, &books->rows, WGW_JOURNAL_FRESH, now, &reading)
        != 0
        || wgw_books_write(books, &books->rows, WGW_JOURNAL_FRESH, now) != 0
        || wgw_journal_sync(&books->journal) != 0)
    {
        return -1;
    }

    book->opened = 1;

    (void) unlink(path);

    return 0;
}


/* The classes are there always, so that the zone is known from then on. */

static int
wgw_books_opening_one(wgw_books_t *books, wgw_book_t *book, uint32_t record,
    int64_t now)
{
    wgw_usage_t          usage;
    wgw_labels_t         labels;
    wgw_reading_t        reading;
    wgw_reading_sums_t  *told;

    if (wgw_table_read(book->table, record, now, &usage) != 0) {
        return 0;
    }

    told = &book->told[record];

    told->sent = usage.sent;
    told->received = usage.received;
    told->requests = usage.requests;

    if (record >= WGW_TABLE_FIRST
        && (told->sent | told->received | told->requests) == 0)
    {
        return 0;
    }

    wgw_book_row(book, record, &usage, told, &labels, &reading);

    reading.based = 1;
    reading.base = *told;
    book->anew[record] = 0;

    return wgw_books_add(books, &books->rows, WGW_JOURNAL_OPENING, now,
                         &reading);
}


int
wgw_books_mark(const wgw_books_t *books, const wgw_book_t *book,
    char path[WGW_BOOKS_PATH])
{
    if (memchr(book->zone.data, '/', book->zone.len)) {
        return -1;
    }

    (void) snprintf(path, WGW_BOOKS_PATH, "%s/%.*s.fresh", books->journal.dir,
                    (int) book->zone.len, book->zone.data);

    return 0;
}


int
wgw_books_fresh(wgw_books_t *books, wgw_book_t *book, uid_t uid, gid_t gid)
{
    int       fd, rc;
    char      path[WGW_BOOKS_PATH];
    uint32_t  record;

    if (wgw_table_end(book->table) > WGW_TABLE_FIRST
        || wgw_books_mark(books, book, path) != 0)
    {
        return 0;
    }

    for (record = 0; record < WGW_TABLE_FIRST; record++) {
        if (wgw_table_counted(book->table, record)) {
            return 0;
        }
    }

    fd = wgw_statefile_open(path);

    if (fd == -1) {
        return -1;
    }

    rc = geteuid() == 0 ? fchown(fd, uid, gid) : 0;

    (void) close(fd);

    return rc;
}


void
wgw_books_close(wgw_books_t *books)
{
    size_t       i;
    wgw_book_t  *book;

    for (i = 0; i < books->n; i++) {
        book = &books->books[i];

        free(book->seen);
        free(book->told);
        free(book->anew);

        book->seen = NULL;
        book->told = NULL;
        book->anew = NULL;
        book->opened = 0;
    }

    wgw_readings_free(&books->past);
    wgw_journal_close(&books->journal);
}
