
/*
 * books: what the meters of a node have counted, written down in a journal
 * again and again; see journal_file.h.
 *
 * The totals of a table only grow, and a row of the journal has all of them:
 * whoever writes may be killed at any instruction, and goes on from what the
 * journal says, as does a table that has lost some (wgw_books_raise()).  What
 * a reading cannot follow from the last one is counted from another base:
 * that of a key which a purge took and which came again, and all of a zone
 * that was not written down before.
 *
 * An interval that the turn of a zone's window lies in is split there, to the
 * byte.  Takes no nginx types; for a thread of its own, as it waits for the
 * disk.
 */

#ifndef WGW_BOOKS_H
#define WGW_BOOKS_H


#include <sys/types.h>

#include "fleet/journal_file.h"
#include "fleet/readings.h"
#include "table/labels.h"
#include "table/table.h"

#pragma GCC visibility push(hidden)


/* a record without rows says that there was nothing to say */
#define WGW_BOOKS_QUIET   60            /* seconds */


/* One zone; the first five members are set. */
typedef struct {
    wgw_table_t         *table;
    wgw_window_t         window;
    wgw_text_t           zone;
    wgw_text_t           kind;          /* what its keys are */
    volatile int        *lost;          /* NULL, or 1: its file is gone */

    uint32_t             size;          /* of both arrays */
    uint64_t            *seen;          /* sums of a record's words */
    wgw_reading_sums_t  *told;          /* the last reading of its key */
    unsigned char       *anew;          /* it is counted from 0 */
    unsigned             opened;
} wgw_book_t;


typedef struct {
    wgw_journal_t        journal;
    wgw_book_t          *books;
    size_t               n;

    uint64_t             others;        /* bytes of the files before */
    unsigned             gone;          /* the last reading found none */

    int64_t              last;          /* when they were read last, or 0 */
    int64_t              told;          /* when something was said */
    wgw_readings_t       past;          /* while it is opened */
    wgw_journal_rows_t   rows;          /* until now ... */
    wgw_journal_rows_t   before;        /* ... and until a window's turn */
    int64_t              turn;          /* of the zone that is read, or 0 */
} wgw_books_t;


/*
 * Opens the journal, whose members are set, and compares what it says with
 * what the tables have.  `now` in milliseconds.  Returns 0, 1 for a new epoch,
 * and a phrase why in either case, or NULL; -1 and errno.
 */
int wgw_books_open(wgw_books_t *books, uint64_t now, const char **why);

/*
 * Reads all tables, and writes down what has changed, on the disk.  `now` in
 * seconds.  0, or -1 and errno: open it anew then.  Where the file was deleted
 * meanwhile another one begins, with all readings, and `gone` is 1.
 */
int wgw_books_read(wgw_books_t *books, int64_t now);

/* Deletes files that are too old or too many; `now` in seconds. */
void wgw_books_trim(wgw_books_t *books, int64_t now);

/* Bytes of all files. */
uint64_t wgw_books_size(const wgw_books_t *books);

/*
 * A new epoch, later than one that another has: all that the tables have is
 * the base that is counted from.  0, or -1 and errno: open it anew then.
 */
int wgw_books_renew(wgw_books_t *books, uint64_t now, uint64_t epoch);

void wgw_books_close(wgw_books_t *books);

/*
 * Before anybody counts: raises the tables to what the journal says.  Returns
 * the records that were behind, or -1 and errno.
 */
int64_t wgw_books_raise(wgw_books_t *books, int64_t now);

/*
 * A table that nobody has counted in yet is counted from 0: says so, by a file
 * that root gives to this user.  0, or -1 and errno.
 */
int wgw_books_fresh(wgw_books_t *books, wgw_book_t *book, uid_t uid,
    gid_t gid);


/* For the parts of it. */

#define WGW_BOOKS_PATH   (WGW_JOURNAL_DIR + WGW_JOURNAL_ZONE + 8)

/* Where it is said that a table is new; 0, or -1: a name has a slash. */
int wgw_books_mark(const wgw_books_t *books, const wgw_book_t *book,
    char path[WGW_BOOKS_PATH]);

/* Takes the readings of a journal, as a wgw_journal_each_pt. */
int wgw_books_past(void *books, wgw_journal_record_t *record);

/* One past the last record that is in use, and that there is room for. */
uint32_t wgw_book_end(wgw_book_t *book);

/* A row of it; the labels' text is in `labels`. */
void wgw_book_row(wgw_book_t *book, uint32_t record, const wgw_usage_t *usage,
    const wgw_reading_sums_t *sums, wgw_labels_t *labels,
    wgw_reading_t *reading);

/* Adds a row, writing a record when there is no more room. */
int wgw_books_add(wgw_books_t *books, wgw_journal_rows_t *rows, unsigned kind,
    int64_t to, const wgw_reading_t *reading);

/* Writes a record with these rows, and empties them. */
int wgw_books_write(wgw_books_t *books, wgw_journal_rows_t *rows,
    unsigned kind, int64_t to);

/* All readings, as a wgw_journal_state_pt. */
int wgw_books_state(void *books, wgw_journal_t *journal);

/* The class of a record. */
unsigned wgw_book_class(uint32_t record);


#pragma GCC visibility pop

#endif /* WGW_BOOKS_H */
