
/*
 * Books: what tables count is in the journal, whatever is killed, lost or
 * taken from a copy; the sums that a ledger makes of it are those of clients.
 *
 * sources: fleet/books
 */

#include "fleet/books.h"
#include "fleet/journal_segment.h"
#include "table/growth.h"
#include "table/mend.h"
#include "t/unit/tap.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>


#define NOV   INT64_C(1793491200)       /* 2026-11-01 */
#define KEYS  1000


static char            dir[] = "/tmp/wgw-books.XXXXXX";
static wgw_books_t     books;
static wgw_book_t      book;
static wgw_table_t     table;
static void           *memory;
static wgw_table_conf_t  conf;
static uint64_t        epoch;
static int             records;


/* What a ledger has: the sum of one key, by cursor and base. */

static uint64_t  billed, cursor, backward, owner;


static void
ledger_row(const wgw_reading_t *r, const char *key)
{
    uint64_t  from;

    if (r->key.len != strlen(key) || memcmp(r->key.data, key, r->key.len)
        || (r->key.len == 0 && r->class != WGW_READING_OTHER))
    {
        return;
    }

    owner += r->labels.len != 0;
    from = r->based ? r->base.sent : cursor;

    if (r->sums.sent < from) {
        backward++;
    } else {
        billed += r->sums.sent - from;
    }

    cursor = r->sums.sent;
}


/* Of [from, to), by where an interval begins; 0 and 0: of all. */

static uint64_t
ledger(const char *key, int64_t from, int64_t to)
{
    int                    rc;
    uint64_t               before;
    const char            *error;
    wgw_reading_t          r;
    wgw_journal_record_t   record;
    wgw_journal_reader_t  *reader;

    reader = malloc(sizeof(wgw_journal_reader_t));
    wgw_journal_seek(reader, dir, 0, 0);

    billed = 0;
    cursor = 0;
    backward = 0;
    owner = 0;
    records = 0;

    for ( ;; ) {
        rc = wgw_journal_get_record(reader, &record, &error);

        if (rc == 0) {
            break;
        }

        if (rc == -1 || record.kind == WGW_JOURNAL_STATE) {
            continue;
        }

        records++;
        before = billed;

        while (wgw_journal_next(&record, &r)) {
            ledger_row(&r, key);
        }

        if (to && (record.from < from || record.from >= to)) {
            billed = before;
        }
    }

    wgw_journal_leave(reader);
    free(reader);

    return billed;
}


static void
make(void)
{
    static const uint8_t  seed[WGW_HASH_SEED] = "a seed";

    conf.keys = KEYS;
    conf.key_bytes = 24;
    conf.window.kind = WGW_WINDOW_MONTH;
    conf.window.reset_day = 1;
    conf.label_bytes = 64;

    free(memory);
    memory = calloc(1, wgw_table_size(&conf));
    wgw_table_format(memory, &conf, seed);
    wgw_table_open(&table, memory);
}


static void
set(void)
{
    memset(&book, 0, sizeof(book));

    book.table = &table;
    book.window = conf.window;
    book.zone = wgw_text("names");
    book.kind = wgw_text("name");

    books.books = &book;
    books.n = 1;

    (void) snprintf(books.journal.dir, sizeof(books.journal.dir), "%s", dir);
    (void) snprintf(books.journal.node, sizeof(books.journal.node), "n1");

    books.journal.segment = 1 << 20;
    books.journal.max = 1 << 30;
    books.journal.keep = INT64_C(86400) * 36500;
}


static int
start(int64_t now)
{
    const char  *why;

    set();

    return wgw_books_open(&books, (uint64_t) now * 1000, &why);
}


static void
count(const char *key, int64_t now, uint64_t sent)
{
    uint32_t    record;
    wgw_text_t  text;

    text.data = key;
    text.len = strlen(key);
    record = wgw_table_get(&table, text);

    wgw_table_add(&table, record, wgw_table_period(&table, now), sent, 1, 1);
}


static uint64_t
used(const char *key, int64_t now)
{
    wgw_text_t  text;

    text.data = key;
    text.len = strlen(key);

    return wgw_table_used(&table, wgw_table_find(&table, text),
                          wgw_table_period(&table, now), WGW_COUNT_SENT);
}


static void
test_first(void)
{
    make();
    set();
    ok(wgw_books_fresh(&books, &book, getuid(), getgid()) == 0,
       "a new table is told");

    count("a", NOV + 5, 100);

    ok(start(NOV + 10) == 1, "the first epoch");
    epoch = books.journal.epoch;
    (void) wgw_books_read(&books, NOV + 11);
    ok(ledger("a", 0, 0) == 100, "what came before the agent is counted");

    count("a", NOV + 11, 10);
    count("b", NOV + 12, 5);
    ok(wgw_books_read(&books, NOV + 20) == 0 && ledger("a", 0, 0) == 110
       && ledger("b", 0, 0) == 5, "and what comes");

    (void) ledger("a", 0, 0);
    ok(records == 3, "in one record");
    ok(wgw_books_read(&books, NOV + 30) == 0, "nothing to say");
    (void) ledger("a", 0, 0);
    ok(records == 3, "is not said");
    ok(wgw_books_read(&books, NOV + 90) == 0, "but that, now and then");
    (void) ledger("a", 0, 0);
    ok(records == 4, "is");
}


static void
test_killed(void)
{
    count("a", NOV + 95, 1000);
    wgw_books_close(&books);
    count("a", NOV + 96, 2000);

    ok(start(NOV + 100) == 0 && books.journal.epoch == epoch,
       "an agent that was killed: the epoch goes on");
    ok(wgw_books_read(&books, NOV + 110) == 0 && ledger("a", 0, 0) == 3110,
       "egress 136: and nothing is lost");
    (void) ledger("a", 0, 0);
    ok(records == 5, "only what has changed is written");
    ok(wgw_books_read(&books, NOV + 120) == 0 && ledger("a", 0, 0) == 3110,
       "nor counted twice");
}


static int
clear(void)
{
    char  command[100];

    (void) snprintf(command, sizeof(command), "rm -f %s/*", dir);

    return system(command);
}


/* An opening that was written before, and a table that has a past. */

static void
test_old_table(void)
{
    wgw_books_close(&books);
    ok(clear() == 0, "the journal is lost");

    ok(start(NOV + 130) == 1 && books.journal.epoch > epoch, "a new epoch");
    ok(ledger("a", 0, 0) == 0, "what was before is not counted again");

    count("a", NOV + 131, 7);
    (void) wgw_books_read(&books, NOV + 140);
    ok(ledger("a", 0, 0) == 7, "what comes is");
}


static void
test_turn(void)
{
    int64_t  dec;

    dec = NOV + 30 * 86400;

    count("a", dec - 3, 50);
    (void) wgw_books_read(&books, dec - 2);
    count("a", dec - 1, 60);
    count("a", dec + 1, 700);
    (void) wgw_books_read(&books, dec + 8);

    ok(ledger("a", NOV, dec) == 7 + 50 + 60,
       "egress 143: the month before has what is its own");
    ok(ledger("a", dec, dec + 86400) == 700, "egress 143: and this one");

    count("b", dec + 31 * 86400 - 1, 3);
    (void) wgw_books_read(&books, dec + 31 * 86400);
    count("b", dec + 31 * 86400 + 1, 4);
    (void) wgw_books_read(&books, dec + 31 * 86400 + 10);

    ok(ledger("b", dec, dec + 31 * 86400) == 3
       && ledger("b", dec + 31 * 86400, dec + 40 * 86400) == 4,
       "egress 143: read at the turn itself");
}


/* As of the last sync of a page: any of the words may be older. */

static void
test_power(void)
{
    void     *copy;
    int64_t   now;
    uint64_t  sum;

    now = NOV + 70 * 86400;
    count("a", now, 1000);
    (void) wgw_books_read(&books, now + 1);
    copy = malloc(wgw_table_size(&conf));
    memcpy(copy, memory, wgw_table_size(&conf));

    count("a", now + 2, 500);
    count("new", now + 2, 30);
    (void) wgw_books_read(&books, now + 10);
    count("a", now + 11, 9);
    wgw_books_close(&books);
    sum = ledger("a", 0, 0);

    memcpy(memory, copy, wgw_table_size(&conf));
    free(copy);
    wgw_table_open(&table, memory);
    (void) wgw_table_repair(&table, 1);

    ok(used("a", now + 20) == 1000, "a table that is older than its journal");
    set();
    ok(wgw_books_raise(&books, now + 20) == 2, "is raised");
    ok(used("a", now + 20) == 1500, "to what was written down");
    ok(used("new", now + 20) == 30, "also keys that it lost");

    ok(start(now + 20) == 0, "and goes on");
    count("a", now + 21, 4);
    (void) wgw_books_read(&books, now + 30);
    ok(ledger("a", 0, 0) == sum + 4 && backward == 0,
       "egress 139: lost is what was not written down");
}


static void
test_new_table(void)
{
    int64_t   now;
    uint64_t  sum;

    now = NOV + 70 * 86400 + 100;
    wgw_books_close(&books);
    sum = ledger("a", 0, 0);

    make();
    set();
    ok(wgw_books_raise(&books, now) > 1, "a table that was deleted");
    ok(used("a", now) == 1504, "what is used in the window is known");

    ok(start(now) == 0, "it goes on");
    count("a", now + 1, 5);
    (void) wgw_books_read(&books, now + 5);
    ok(ledger("a", 0, 0) == sum + 5, "and is counted once");
}


/* A key that has gone, and comes again from 0. */

static void
test_purged(void)
{
    int64_t   now;
    uint64_t  sum;

    now = NOV + 70 * 86400 + 300;
    wgw_books_close(&books);
    sum = ledger("b", 0, 0);

    make();
    ok(start(now) == 0, "a table without its keys");
    count("b", now + 1, 2);
    (void) wgw_books_read(&books, now + 5);
    ok(ledger("b", 0, 0) == sum + 2 && backward == 0,
       "a key that came again is counted from 0");
    count("b", now + 6, 3);
    (void) wgw_books_read(&books, now + 10);
    ok(ledger("b", 0, 0) == sum + 5, "and goes on");

    /* it came before the agent did */

    wgw_books_close(&books);
    make();
    count("b", now + 11, 1);
    ok(start(now + 12) == 0, "another");
    (void) wgw_books_read(&books, now + 20);
    ok(ledger("b", 0, 0) == sum + 6 && backward == 0, "the same");
}


/* The ledger has more than this journal: what it has not, is not known. */

static void
test_renewed(void)
{
    int64_t   now;
    uint64_t  sum;

    now = NOV + 70 * 86400 + 400;
    count("b", now - 1, 10);
    (void) wgw_books_read(&books, now);
    wgw_books_close(&books);
    sum = ledger("b", 0, 0);
    epoch = books.journal.epoch;

    make();
    count("b", now, 3);
    ok(start(now + 1) == 0, "a key that came again");
    ok(wgw_books_renew(&books, (uint64_t) (now + 2) * 1000, epoch) == 0
       && books.journal.epoch > epoch, "before it was read: a new epoch");
    (void) wgw_books_read(&books, now + 5);
    ok(ledger("b", 0, 0) == sum && backward == 0,
       "all that the tables have is the base");
    count("b", now + 6, 2);
    (void) wgw_books_read(&books, now + 10);
    ok(ledger("b", 0, 0) == sum + 2 && backward == 0,
       "and what comes is counted");
}


static void
test_many(void)
{
    int       i;
    char      key[64];
    int64_t   now;
    uint64_t  sum;

    now = NOV + 71 * 86400;
    sum = 0;

    for (i = 0; i < KEYS + 50; i++) {
        (void) snprintf(key, sizeof(key), "key-%d.example", i);
        count(key, now, 10);
    }

    books.journal.segment = 10000;
    (void) wgw_books_read(&books, now + 5);

    for (i = 0; i < 20; i++) {
        count("key-7.example", now + 10 + i, 1);
        (void) wgw_books_read(&books, now + 10 + i);
    }

    sum = ledger("key-7.example", 0, 0);
    ok(sum == 30, "over files, each of which begins with all readings");
    ok(ledger("", 0, 0) != 0, "egress 142: what had no room is counted");

    wgw_books_close(&books);
    ok(start(now + 100) == 0, "opened again");
    (void) wgw_books_read(&books, now + 110);
    ok(ledger("key-7.example", 0, 0) == 30, "nothing twice");
}


static void
test_labels(void)
{
    int64_t      now;
    wgw_text_t   key;
    wgw_label_t  label;
    uint32_t     record;
    size_t       len;
    char         text[WGW_LABELS_TEXT];

    now = NOV + 72 * 86400;
    make();
    wgw_books_close(&books);
    ok(start(now) == 0, "a table");

    key = wgw_text("labelled");
    record = wgw_table_get(&table, key);
    label.name = wgw_text("owner");
    label.value = wgw_text("alice");
    len = wgw_labels_add(text, 0, &label);
    ok(wgw_labels_set(table.segments, record, (wgw_text_t) { text, len }) == 0,
       "labels");

    count("labelled", now + 1, 1);
    (void) wgw_books_read(&books, now + 2);
    (void) ledger("labelled", 0, 0);
    ok(owner == 1, "are in the row");
    wgw_books_close(&books);
}


/* Bytes of the files there are. */

static uint64_t
files(void)
{
    char                    path[WGW_JOURNAL_PATH];
    size_t                  i;
    uint64_t                sum;
    struct stat             st;
    wgw_journal_segments_t  list;

    ok(wgw_journal_segments(dir, &list) == 0, "its files");

    for (sum = 0, i = 0; i < list.n; i++) {
        wgw_journal_segment_path(path, dir, list.elts[i].epoch,
                                 list.elts[i].seq);
        sum += stat(path, &st) == 0 ? (uint64_t) st.st_size : 0;
    }

    wgw_journal_segments_free(&list);

    return sum;
}


static void
test_gone(void)
{
    int64_t   now;
    uint64_t  seq;

    now = NOV + 73 * 86400;
    make();
    ok(clear() == 0 && start(now) == 1, "a journal");

    count("a", now, 100);
    ok(wgw_books_read(&books, now + 1) == 0 && !books.gone, "is written");

    epoch = books.journal.epoch;
    seq = books.journal.seq;

    count("a", now + 1, 20);
    ok(clear() == 0, "and deleted meanwhile");
    ok(wgw_books_read(&books, now + 2) == 0 && books.gone, "that is seen");
    ok(files() != 0 && files() == wgw_books_size(&books),
       "another file begins");

    count("a", now + 2, 3);
    ok(wgw_books_read(&books, now + 3) == 0 && !books.gone, "once");
    ok(books.journal.epoch == epoch && books.journal.seq == seq + 2,
       "the epoch goes on");
    ok(ledger("a", 0, 0) == 123, "and nothing is lost");
    wgw_books_close(&books);
}


/* As many as there are, also when old ones were deleted. */

static void
test_size(void)
{
    int       i, wrong;
    char      key[32];
    int64_t   now;
    uint64_t  most;

    now = NOV + 74 * 86400;
    make();
    ok(clear() == 0 && start(now) == 1, "another journal");

    books.journal.segment = 4096;
    books.journal.max = 65536;
    most = 0;

    for (i = 0, wrong = 0; i < 4000; i++) {
        (void) snprintf(key, sizeof(key), "key-%d.example", i % 20);
        count(key, now + i, 1);

        wrong += wgw_books_read(&books, now + i + 1) != 0
                 || wgw_books_size(&books)
                    > books.journal.max + 2 * books.journal.segment;

        most = wgw_books_size(&books) > most ? wgw_books_size(&books) : most;
    }

    ok(wrong == 0, "its files are never more than they may be");
    ok(most > books.journal.max, "old ones were deleted");
    ok(files() == wgw_books_size(&books), "what is left is what it says");
    wgw_books_close(&books);
}


int
main(void)
{
    ok(mkdtemp(dir) != NULL, "a folder");

    test_first();
    test_killed();
    test_old_table();
    test_turn();
    test_power();
    test_new_table();
    test_purged();
    test_renewed();
    test_many();
    test_labels();
    test_gone();
    test_size();
    free(memory);

    return done_in(dir);
}
