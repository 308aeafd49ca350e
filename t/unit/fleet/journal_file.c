
/*
 * The files of a journal: written, killed, damaged, read while it grows.
 *
 * sources: fleet/journal_file
 */

#include "fleet/journal_file.h"
#include "t/unit/tap.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>


static char                  dir[] = "/tmp/wgw-journal.XXXXXX";
static wgw_journal_t         journal;
static wgw_journal_reader_t  reader;
static wgw_journal_rows_t    rows;
static unsigned              seen;


static int
count(void *data, wgw_journal_record_t *record)
{
    (void) data;
    seen += record->rows;

    return 0;
}


static int
open_it(const char **why)
{
    (void) snprintf(journal.dir, sizeof(journal.dir), "%s", dir);
    (void) snprintf(journal.node, sizeof(journal.node), "n1");

    journal.segment = 4096;
    journal.max = 1 << 20;
    journal.keep = 86400;
    seen = 0;

    return wgw_journal_open(&journal, count, NULL, why);
}


static int
add(uint64_t sent)
{
    wgw_reading_t         r;
    wgw_journal_record_t  record;

    memset(&r, 0, sizeof(r));
    memset(&record, 0, sizeof(record));

    r.zone = wgw_text("names");
    r.key = wgw_text("shop");
    r.sums.sent = sent;

    wgw_journal_rows(&rows);
    (void) wgw_journal_row(&rows, &r);

    record.from = 100;
    record.to = 110;

    return wgw_journal_append(&journal, &record, &rows);
}


static int
state(void *data, wgw_journal_t *j)
{
    wgw_reading_t  r;

    (void) data;
    memset(&r, 0, sizeof(r));

    r.zone = wgw_text("names");
    r.key = wgw_text("shop");
    r.sums.sent = 1000;

    wgw_journal_rows(&rows);
    (void) wgw_journal_row(&rows, &r);

    return wgw_journal_state(j, &rows);
}


/* How many records there are behind one, and whether they are a chain. */

static unsigned
walk(uint64_t epoch, uint64_t seq, int *chain)
{
    int                   rc;
    unsigned              n;
    uint8_t               hash[WGW_JOURNAL_HASH];
    const char           *error;
    wgw_journal_record_t  r;

    wgw_journal_seek(&reader, dir, epoch, seq);

    *chain = 1;

    for (n = 0; /* void */ ; n++) {
        rc = wgw_journal_get_record(&reader, &r, &error);

        if (rc <= 0) {
            *chain &= rc == 0;
            break;
        }

        if (n && r.seq != 1 && r.kind != WGW_JOURNAL_STATE) {
            *chain &= memcmp(hash, r.prev, sizeof(hash)) == 0;
        }

        memcpy(hash, reader.hash, sizeof(hash));
    }

    wgw_journal_leave(&reader);

    return n;
}


static void
test_write(void)
{
    int          i, chain;
    const char  *why;

    ok(open_it(&why) == 1, "none yet");
    ok(wgw_journal_begin(&journal, 5000, NULL, NULL) == 0, "an epoch");

    for (i = 1; i <= 10; i++) {
        (void) add((uint64_t) i);
    }

    ok(wgw_journal_sync(&journal) == 0 && journal.seq == 10, "ten records");
    ok(walk(0, 0, &chain) == 10 && chain, "are read, a chain");
    ok(walk(5000, 7, &chain) == 3, "from any on");
    ok(walk(5000, 10, &chain) == 0, "and behind the last there is none");

    wgw_journal_close(&journal);
    ok(open_it(&why) == 0 && seen == 10 && journal.seq == 10,
       "opened again, it goes on");
}


static void
test_torn(void)
{
    int          chain;
    char         path[WGW_JOURNAL_PATH];
    const char  *why;

    (void) add(11);
    (void) wgw_journal_sync(&journal);
    wgw_journal_close(&journal);

    wgw_journal_segment_path(path, dir, 5000, 1);
    ok(truncate(path, (off_t) journal.size - 5) == 0, "a record is cut");

    ok(walk(0, 0, &chain) == 10 && chain, "egress 140: it is not read");
    ok(open_it(&why) == 0 && journal.seq == 10 && journal.torn,
       "egress 140: nor gone on from, with a warning");
    ok(add(11) == 0 && wgw_journal_sync(&journal) == 0
       && walk(0, 0, &chain) == 11 && chain, "another takes its place");
}


static void
test_turn(void)
{
    int                   chain, rc;
    const char           *error;
    wgw_journal_record_t  r;

    wgw_journal_seek(&reader, dir, 5000, 10);
    rc = wgw_journal_get_record(&reader, &r, &error);
    ok(rc == 1 && r.seq == 11, "a reader at the end");
    ok(wgw_journal_get_record(&reader, &r, &error) == 0, "waits");

    (void) add(12);
    ok(wgw_journal_turn(&journal, 5, state, NULL) == 0, "another file");
    (void) add(13);
    (void) wgw_journal_sync(&journal);

    rc = wgw_journal_get_record(&reader, &r, &error);
    ok(rc == 1 && r.seq == 12, "the reader gets what the old one has");
    rc = wgw_journal_get_record(&reader, &r, &error);
    ok(rc == 1 && r.seq == 13, "and goes on to the new one");
    wgw_journal_leave(&reader);

    ok(walk(0, 0, &chain) == 13 && chain, "the chain goes on");

    wgw_journal_close(&journal);
    ok(open_it(&error) == 0 && seen == 2 && journal.seq == 13,
       "the newest file has all readings");
}


static void
test_trimmed(void)
{
    char                  path[WGW_JOURNAL_PATH];
    const char           *error;
    wgw_journal_record_t  r;

    wgw_journal_segment_path(path, dir, 5000, 1);
    (void) unlink(path);

    wgw_journal_seek(&reader, dir, 5000, 3);
    ok(wgw_journal_get_record(&reader, &r, &error) == 1
       && r.kind == WGW_JOURNAL_STATE && r.seq == 12,
       "who comes too late gets all readings");
    ok(wgw_journal_get_record(&reader, &r, &error) == 1 && r.seq == 13,
       "and what is behind them");
    wgw_journal_leave(&reader);

    journal.max = 0;
    (void) wgw_journal_turn(&journal, 6, state, NULL);
    ok(wgw_journal_trim(&journal, 100) > 0, "old files go");
    wgw_journal_seek(&reader, dir, 5000, 13);
    ok(wgw_journal_get_record(&reader, &r, &error) == 0, "the newest stays");
    wgw_journal_leave(&reader);
}


static void
test_damaged(void)
{
    int          fd, chain;
    char         path[WGW_JOURNAL_PATH];
    const char  *why;

    (void) add(14);
    (void) add(15);
    (void) add(16);
    (void) wgw_journal_sync(&journal);
    wgw_journal_close(&journal);

    wgw_journal_segment_path(path, dir, 5000, 14);
    fd = open(path, O_RDWR);
    ok(fd != -1 && pwrite(fd, "X", 1, (off_t) journal.state + 60) == 1,
       "a byte is another");
    (void) close(fd);

    ok(open_it(&why) == 1, "a new epoch is needed");
    is(why, strlen(why), "is damaged", "as it is damaged");
    ok(wgw_journal_begin(&journal, 10, state, NULL) == 0
       && journal.epoch == 5001, "which is later, whatever the clock says");
    (void) add(17);
    (void) wgw_journal_sync(&journal);

    (void) walk(5000, 13, &chain);
    ok(!chain, "who reads is told");

    wgw_journal_seek(&reader, dir, 5001, 0);
    ok(walk(5001, 0, &chain) == 1, "and the new epoch is read");
}


/* As when the disk is full: a record is there or not. */

static void
test_full(void)
{
    int            chain;
    uint64_t       size;
    struct rlimit  limit, old;

    size = journal.size;
    (void) signal(SIGXFSZ, SIG_IGN);
    (void) getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = size + 50;
    (void) setrlimit(RLIMIT_FSIZE, &limit);

    ok(add(18) == -1, "egress 141: no room");
    (void) setrlimit(RLIMIT_FSIZE, &old);

    ok(journal.size == size && add(18) == 0
       && wgw_journal_sync(&journal) == 0
       && walk(5001, 0, &chain) == 2 && chain,
       "egress 141: it goes on when there is");
}


int
main(void)
{
    ok(mkdtemp(dir) != NULL, "a folder");

    test_write();
    test_torn();
    test_turn();
    test_trimmed();
    test_damaged();
    test_full();
    wgw_journal_close(&journal);

    return done_in(dir);
}
