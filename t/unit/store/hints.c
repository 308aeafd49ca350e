
/*
 * Rows found by hints, of all processes, while others change them or are
 * killed.
 */

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "t/unit/store/store.h"


#define SEED     77
#define SECONDS  2              /* of the test with many processes */


/* what a change has reached for certain: set when it was committed */
typedef struct {
    int64_t  caps[ROWS];
    int      stop;
} board_t;


static wgw_hints_t  *hints;


static uint64_t
hash(unsigned n)
{
    uint64_t  x;

    x = (n + SEED) * UINT64_C(0x9e3779b97f4a7c15);

    return x ^ x >> 29;
}


static wgw_store_t *
opened(const char *name)
{
    wgw_store_t  *store;

    store = wgw_store_open(&wgw_rows_class, path(name), WGW_STORE_SYNC_OFF,
                           &error);
    wgw_store_hints(store, hints);

    return store;
}


static wgw_text_t
name(unsigned n)
{
    static char  text[16];

    snprintf(text, sizeof(text), "n%04u.example", n);

    return (wgw_text_t) { text, strlen(text) };
}


static int64_t
packed_cap(wgw_text_t packed)
{
    wgw_record_t  made;

    return wgw_record_unpack(&made, (const uint8_t *) packed.data, packed.len)
           == 0
           ? (int64_t) made.cap_bytes : -2;
}


/* By a hint, -1 without one. */

static int64_t
recall(wgw_store_t *store, unsigned n)
{
    char        room[WGW_HINTS_ROOM];
    wgw_text_t  packed;

    return wgw_store_recall(store, wgw_store_id(store), hash(n), name(n),
                            room, &packed)
           ? packed_cap(packed) : -1;
}


/* By a look, which leaves a hint. */

static int64_t
look(wgw_store_t *store, unsigned n)
{
    int64_t     found;
    uint64_t    id;
    wgw_text_t  packed;

    found = -1;

    if (wgw_store_begin(store, &id, &error) == WGW_STORE_OK) {

        if (wgw_store_get(store, WGW_ROWS, name(n), &packed, &error)
            == WGW_STORE_OK)
        {
            found = packed_cap(packed);
            wgw_store_remember(store, hash(n), name(n), packed);
        }

        wgw_store_end(store);
    }

    return found;
}


static void
look_all(wgw_store_t *store)
{
    unsigned  n;

    /* the first ones say where the file is */

    for (n = 0; n < 2 * ROWS; n++) {
        look(store, n % ROWS);
    }
}


/* How many are recalled, and as they are by a look: -1 if any is not. */

static int
good(wgw_store_t *store)
{
    int      n, found;
    int64_t  by_hint;

    found = 0;

    for (n = 0; n < ROWS; n++) {
        by_hint = recall(store, n);

        if (by_hint != -1 && by_hint != cap(store, name(n).data)) {
            return -1;
        }

        found += (by_hint != -1);
    }

    return found;
}


static void
fill(const char *store_name)
{
    int                 i;
    wgw_store_t        *store;
    wgw_store_row_t     rows[ROWS];
    wgw_store_counts_t  counts;

    store = fresh(store_name);

    for (i = 0; i < ROWS; i++) {
        rows[i] = row(i, i + 1, 0);
    }

    wgw_row_write(store, WGW_ROWS, rows, ROWS, &counts, &error);
    wgw_store_close();
}


static void
test_alone(void)
{
    int           found;
    wgw_store_t  *store;

    fill("alone");
    store = opened("alone");

    ok(good(store) == 0, "before the first look there is no hint");

    look_all(store);
    found = good(store);
    ok(found > ROWS * 9 / 10, "then nearly all rows have one: %d", found);

    ok(recall(store, ROWS) == -1, "what is not there has none");

    put(store, name(7).data, 100);
    ok(good(store) == 0, "after a change none is good any more");

    look_all(store);
    found = good(store);
    ok(found > ROWS * 9 / 10 && recall(store, 7) == 100,
       "and then of what is now: %d", found);

    wgw_store_close();
}


/* The `place` of each way, of a state before, beside the stamps of now. */

static void
test_halves(void)
{
    int           i, n, found;
    uint64_t     *words, *before;
    wgw_store_t  *store;

    n = 8 + 8 * 1024;
    words = (uint64_t *) hints;
    before = malloc(n * sizeof(uint64_t));

    fill("halves");
    store = opened("halves");
    look_all(store);

    memcpy(before, words, n * sizeof(uint64_t));

    for (i = 0; i < ROWS; i++) {
        put(store, name(i).data, 1000 + i);
    }

    look_all(store);
    ok(good(store) > ROWS * 9 / 10, "rows were changed");

    for (i = 8; i < n; i += 2) {
        words[i] = before[i];
    }

    /* some rows are where they were */

    found = good(store);
    ok(found >= 0 && found < ROWS / 4,
       "half a hint of before is no hint: %d", found);

    look_all(store);
    memcpy(words + 8, before + 8, (n - 8) * sizeof(uint64_t));
    ok(good(store) == 0, "nor is a whole one");

    free(before);
    wgw_store_close();
}


static void
test_others(void)
{
    int           status, found;
    pid_t         pid;
    wgw_store_t  *store;

    fill("others");

    pid = fork();

    if (pid == 0) {
        store = opened("others");
        look_all(store);
        _exit(good(store) > ROWS * 9 / 10 ? 0 : 1);
    }

    waitpid(pid, &status, 0);

    store = opened("others");
    found = good(store);
    ok(status == 0 && found == 0,
       "another's hints are of no use before it is known where the file is");

    look(store, 0);
    look(store, ROWS - 1);
    found = good(store);
    ok(found > ROWS * 9 / 10, "which two rows say: %d", found);

    wgw_store_close();
}


static void
test_another_file(void)
{
    wgw_store_t  *store;

    fill("first");
    fill("second");

    store = opened("first");
    look_all(store);
    ok(good(store) > 0, "hints are of the file of who came first");
    wgw_store_close();

    store = opened("second");
    look_all(store);
    ok(good(store) == 0, "who has another one goes without");
    wgw_store_close();
}


/* Changes rows, one after another, and says what was committed. */

static void
change(board_t *board)
{
    unsigned      n;
    int64_t       value;
    wgw_store_t  *store;

    store = opened("many");

    for (value = 1000; !__atomic_load_n(&board->stop, __ATOMIC_ACQUIRE);
         value++)
    {
        n = value * 7 % ROWS;

        if (put(store, name(n).data, value).rc == WGW_STORE_OK) {
            __atomic_store_n(&board->caps[n], value, __ATOMIC_RELEASE);
        }

        if (value % 64 == 0) {
            nanosleep(&(struct timespec) { 0, 3000000 }, NULL);
        }
    }
}


/* Asks for rows: 1 if one was older than what had been committed before. */

static int
ask(board_t *board, uint64_t *hits)
{
    unsigned      n;
    int64_t       least, found;
    wgw_store_t  *store;

    store = opened("many");

    for (n = getpid(); !__atomic_load_n(&board->stop, __ATOMIC_ACQUIRE);
         n = n * 1103515245 + 12345)
    {
        least = __atomic_load_n(&board->caps[n / 65536 % ROWS],
                                __ATOMIC_ACQUIRE);
        found = recall(store, n / 65536 % ROWS);

        if (found == -1) {
            found = look(store, n / 65536 % ROWS);

        } else {
            __atomic_add_fetch(hits, 1, __ATOMIC_RELAXED);
        }

        if (found < least) {
            return 1;
        }
    }

    return 0;
}


static pid_t
start(board_t *board, uint64_t *hits)
{
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        _exit(ask(board, hits));
    }

    return pid;
}


static void
test_many(void)
{
    int        i, status, stale, kills;
    pid_t      changer, askers[3];
    time_t     end;
    board_t   *board;
    uint64_t  *hits;

    fill("many");

    board = mmap(NULL, sizeof(board_t) + sizeof(uint64_t),
                 PROT_READ|PROT_WRITE, MAP_ANONYMOUS|MAP_SHARED, -1, 0);
    hits = (uint64_t *) (board + 1);

    changer = fork();

    if (changer == 0) {
        change(board);
        _exit(0);
    }

    for (i = 0; i < 3; i++) {
        askers[i] = start(board, hits);
    }

    stale = 0;
    end = time(NULL) + SECONDS;

    for (kills = 0; time(NULL) < end; kills++) {
        nanosleep(&(struct timespec) { 0, 5000000 }, NULL);

        kill(askers[kills % 3], SIGKILL);
        waitpid(askers[kills % 3], &status, 0);
        stale += WIFEXITED(status) && WEXITSTATUS(status);

        askers[kills % 3] = start(board, hits);
    }

    __atomic_store_n(&board->stop, 1, __ATOMIC_RELEASE);

    for (i = 0; i < 3; i++) {
        waitpid(askers[i], &status, 0);
        stale += status != 0;
    }

    waitpid(changer, &status, 0);

    ok(stale == 0 && *hits > 1000,
       "no row is older than a commit, while one changes them, three ask and "
       "%d are killed: %lu by hints", kills, (unsigned long) *hits);
}


static void
each(void (*test)(void))
{
    wgw_hints_destroy(hints);
    hints = wgw_hints_create();

    test();
}


int
main(void)
{

    if (mkdtemp(root) == NULL) {
        return 1;
    }

    each(test_alone);
    each(test_halves);
    each(test_others);
    each(test_another_file);
    each(test_many);

    wgw_hints_destroy(hints);

    return done_in(root);
}
