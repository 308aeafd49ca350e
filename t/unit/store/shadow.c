
/*
 * The whole set replaced, while it is read and changed and processes are
 * killed.
 */

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "t/unit/store/store.h"


#define ROUNDS   12
#define STEPS    4000           /* of the test by chance */
#define NAMES    12             /* in it */


/* Clears until it is done; returns the last code. */

static wgw_store_rc_t
clear(wgw_store_t *store, wgw_shadow_t *shadow, unsigned fill)
{
    unsigned        more;
    wgw_store_rc_t  rc;

    do {
        rc = wgw_shadow_clear(store, shadow, fill, &more, &error);
    } while (rc == WGW_STORE_OK && more);

    return rc;
}


static wgw_store_rc_t
begin(wgw_store_t *store, wgw_shadow_t *shadow)
{
    wgw_store_rc_t  rc;

    rc = wgw_shadow_start(store, shadow, &error);

    return rc == WGW_STORE_OK ? clear(store, shadow, 1) : rc;
}


static wgw_store_rc_t
load(wgw_store_t *store, wgw_shadow_t *shadow, unsigned n, int64_t cap,
    uint32_t line)
{
    wgw_store_row_t  one = row(n, cap, line);

    return wgw_shadow_load(store, shadow, &one, 1, &error);
}


/* What is in a database, by LMDB itself; the store must not be open. */

static long
entries(const char *directory, const char *name)
{
    long      n;
    MDB_env  *env;
    MDB_dbi   dbi;
    MDB_txn  *txn;
    MDB_val   key = { 7, "replace" };
    MDB_val   value;
    MDB_stat  st;

    mdb_env_create(&env);
    mdb_env_set_maxdbs(env, 4);
    mdb_env_set_mapsize(env, WGW_STORE_MAP);
    mdb_env_open(env, directory, MDB_RDONLY|MDB_NOLOCK, 0640);
    mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);

    n = -1;

    if (mdb_dbi_open(txn, name, 0, &dbi) == 0
        && mdb_stat(txn, dbi, &st) == 0)
    {
        n = strcmp(name, "wgw") == 0 ? mdb_get(txn, dbi, &key, &value) == 0
                                     : (long) st.ms_entries;
    }

    mdb_txn_abort(txn);
    mdb_env_close(env);

    return n;
}


static void
replace_odd_sets(wgw_store_t *store)
{
    wgw_shadow_t        shadow;
    wgw_store_counts_t  counts;

    /* a name twice */

    ok(begin(store, &shadow) == WGW_STORE_OK
       && load(store, &shadow, 1, 1, 1) == WGW_STORE_OK
       && load(store, &shadow, 2, 1, 2) == WGW_STORE_OK
       && load(store, &shadow, 1, 1, 4) == WGW_STORE_OK
       && load(store, &shadow, 2, 1, 3) == WGW_STORE_OK
       && shadow.duplicate == 3,
       "the first line with a name again is noted");
    ok(clear(store, &shadow, 0) == WGW_STORE_OK && row_cap(store, 2) == 2,
       "given up: nothing is changed");

    /* an empty set */

    ok(begin(store, &shadow) == WGW_STORE_OK
       && wgw_shadow_flip(store, &shadow, &counts, &error) == WGW_STORE_OK
       && counts.deleted == 3 && row_cap(store, 1) == -1,
       "a set without names");
    ok(clear(store, &shadow, 0) == WGW_STORE_OK, "tidied");
}


static void
test_replace(void)
{
    wgw_store_t         *store;
    wgw_shadow_t         shadow;
    write_t              same, before;
    wgw_store_counts_t   counts;

    store = fresh("replace");

    put(store, "n0000.example", 1);
    same = put(store, "n0001.example", 1);
    before = put(store, "n0002.example", 1);

    ok(begin(store, &shadow) == WGW_STORE_OK, "replace: begun");
    ok(load(store, &shadow, 1, 1, 1) == WGW_STORE_OK
       && load(store, &shadow, 2, 2, 2) == WGW_STORE_OK
       && load(store, &shadow, 3, 2, 3) == WGW_STORE_OK
       && shadow.duplicate == 0,
       "loaded");
    ok(row_cap(store, 0) == 1 && row_cap(store, 1) == 1
       && row_cap(store, 2) == 1 && row_cap(store, 3) == -1,
       "what is served is the old set");

    ok(wgw_shadow_flip(store, &shadow, &counts, &error) == WGW_STORE_OK,
       "flipped");
    ok(counts.added == 1 && counts.changed == 1 && counts.deleted == 1,
       "one name is new, one changed, one gone");
    ok(row_cap(store, 0) == -1 && row_cap(store, 1) == 1
       && row_cap(store, 2) == 2 && row_cap(store, 3) == 2,
       "what is served is the new set");

    ok(put(store, "n0001.example", 1).row.change == same.row.change,
       "what did not change has its id");
    ok(put(store, "n0002.example", 2).row.change > before.row.change,
       "what did has another");

    ok(clear(store, &shadow, 0) == WGW_STORE_OK, "tidied");
    ok(clear(store, &shadow, 0) == WGW_STORE_TAKEN, "which ends it");

    replace_odd_sets(store);

    wgw_store_close();

    ok(entries(path("replace"), "wgw") == 0
       && entries(path("replace"), "names.0") == 0
       && entries(path("replace"), "names.1") == 0
       && entries(path("replace"), "kept") == 0,
       "nothing is left of it all");
}


static void
test_taken(void)
{
    unsigned             more;
    wgw_store_t         *store;
    wgw_shadow_t         first, second;
    wgw_store_counts_t   counts;

    store = fresh("taken");
    put(store, "n0000.example", 1);

    begin(store, &first);
    load(store, &first, 1, 1, 1);

    ok(wgw_shadow_start(store, &second, &error) == WGW_STORE_OK,
       "taken: a second replace");
    ok(load(store, &first, 2, 1, 2) == WGW_STORE_TAKEN,
       "the first one can load no more: %s", error.text);
    ok(wgw_shadow_flip(store, &first, &counts, &error) == WGW_STORE_TAKEN
       && wgw_shadow_clear(store, &first, 0, &more, &error)
          == WGW_STORE_TAKEN,
       "nor flip nor clear");
    ok(clear(store, &second, 1) == WGW_STORE_OK
       && load(store, &second, 3, 3, 1) == WGW_STORE_OK
       && wgw_shadow_flip(store, &second, &counts, &error) == WGW_STORE_OK
       && counts.added == 1 && counts.deleted == 1,
       "the second is made");
    ok(clear(store, &first, 0) == WGW_STORE_TAKEN
       && clear(store, &second, 0) == WGW_STORE_OK
       && clear(store, &first, 0) == WGW_STORE_TAKEN,
       "and tidied by itself alone");
    ok(row_cap(store, 1) == -1 && row_cap(store, 3) == 3,
       "nothing of the first one is there");

    wgw_store_close();
}


typedef struct {
    int64_t   now[NAMES];       /* the cap that is there; -1: none */
    int64_t   set[NAMES];       /* in the new set */
    unsigned  loaded[NAMES];
    unsigned  touched[NAMES];   /* changed meanwhile */
} chance_t;


/* One row more of the new set, unless it is there. */

static unsigned
chance_load(wgw_store_t *store, wgw_shadow_t *shadow, chance_t *c, unsigned n,
    uint32_t line)
{
    int64_t          value;
    wgw_store_row_t  one;

    value = rand() % 3;
    one = row(n, value, line);
    c->loaded[n] = 1;

    if (!c->touched[n]) {
        c->set[n] = value;
    }

    return wgw_shadow_load(store, shadow, &one, 1, &error) != WGW_STORE_OK;
}


/* A change of what is there, which holds for the new set, too. */

static unsigned
chance_change(wgw_store_t *store, chance_t *c, unsigned n)
{
    wgw_store_row_t     one;
    wgw_store_counts_t  counts;

    if (rand() % 3) {
        c->now[n] = rand() % 3;
        c->set[n] = c->now[n];
        c->touched[n] = 1;
        put(store, row(n, 0, 0).key.data, (uint64_t) c->now[n]);

        return 0;
    }

    if (c->now[n] == -1) {
        return 0;
    }

    one = row(n, -1, 0);
    c->now[n] = -1;
    c->set[n] = -1;
    c->touched[n] = 1;

    return wgw_row_write(store, WGW_ROWS, &one, 1, &counts, &error)
           != WGW_STORE_OK;
}


/* The flip counts what differs. */

static unsigned
chance_flip(wgw_store_t *store, wgw_shadow_t *shadow, chance_t *c)
{
    int64_t             old;
    uint64_t            added, changed, deleted;
    unsigned            i, bad;
    wgw_store_counts_t  counts;

    added = changed = deleted = 0;
    bad = 0;

    for (i = 0; i < NAMES; i++) {
        old = row_cap(store, i);
        bad += old != c->now[i];
        added += old == -1 && c->set[i] != -1;
        deleted += old != -1 && c->set[i] == -1;
        changed += old != -1 && c->set[i] != -1 && old != c->set[i];
    }

    return bad + (wgw_shadow_flip(store, shadow, &counts, &error)
                  != WGW_STORE_OK
                  || counts.added != added || counts.changed != changed
                  || counts.deleted != deleted || shadow->duplicate != 0);
}


/*
 * Changes while a replace goes on, by chance, against what they ought to
 * give: the newer change stays, and the counts are what readers see.
 */

static void
chance(wgw_store_t *store, unsigned round, unsigned *bad)
{
    chance_t       c;
    unsigned       i, n, filling;
    wgw_shadow_t   shadow;

    for (i = 0; i < NAMES; i++) {
        c.now[i] = row_cap(store, i);
        c.set[i] = -1;
        c.loaded[i] = 0;
        c.touched[i] = 0;
    }

    filling = begin(store, &shadow) == WGW_STORE_OK;

    for (i = 0; filling && i < 40; i++) {
        n = (unsigned) rand() % NAMES;

        *bad += rand() % 2 && !c.loaded[n]
                ? chance_load(store, &shadow, &c, n, i + 1)
                : chance_change(store, &c, n);
    }

    *bad += chance_flip(store, &shadow, &c);

    for (i = 0; i < NAMES; i++) {
        if (row_cap(store, i) != c.set[i]) {
            printf("# round %u: name %u is %ld, not %ld\n", round, i,
                   (long) row_cap(store, i), (long) c.set[i]);
            *bad += 1;
        }
    }

    *bad += clear(store, &shadow, 0) != WGW_STORE_OK;
}


static void
test_chance(void)
{
    unsigned      round, bad;
    wgw_store_t  *store;

    store = wgw_store_create(&wgw_rows_class, path("chance"),
                             geteuid(), getegid(), &error)
            == WGW_STORE_OK
            ? wgw_store_open(&wgw_rows_class, path("chance"),
                             WGW_STORE_SYNC_OFF, &error)
            : NULL;

    if (store == NULL) {
        ok(0, "chance: %s", error.text);
        return;
    }

    srand(11);
    bad = 0;

    for (round = 0; round < STEPS / 40; round++) {
        chance(store, round, &bad);
    }

    ok(bad == 0, "%u replaces with changes meanwhile: the newer one stays",
       round);

    wgw_store_close();
}


/* A change before a row and one after it do not hide that it is there twice. */

static void
test_kept_twice(void)
{
    wgw_store_t   *store;
    wgw_shadow_t   shadow;

    store = fresh("twice");

    begin(store, &shadow);
    put(store, "n0000.example", 9);
    load(store, &shadow, 0, 1, 1);
    ok(shadow.duplicate == 0, "a changed name's only row is no duplicate");
    load(store, &shadow, 0, 1, 2);
    ok(shadow.duplicate == 2, "its second one is");

    begin(store, &shadow);
    load(store, &shadow, 1, 1, 1);
    put(store, "n0001.example", 9);
    load(store, &shadow, 1, 1, 2);
    ok(shadow.duplicate == 2, "also with the change between them");

    clear(store, &shadow, 0);
    wgw_store_close();
}


/* Replaces the set for ever, with a number as every cap. */

static void
replacer(volatile uint64_t *replied)
{
    unsigned             n, i;
    uint64_t             round;
    wgw_store_t         *store;
    wgw_shadow_t         shadow;
    wgw_store_row_t      rows[ROWS];
    wgw_store_counts_t   counts;

    store = wgw_store_open(&wgw_rows_class, path("torn"),
                           WGW_STORE_SYNC_META, &error);

    for (round = *replied + 1; store; round++) {

        for (n = 0; n < ROWS; n++) {
            rows[n] = row(n, (int64_t) round, n + 1);
        }

        if (begin(store, &shadow) != WGW_STORE_OK) {
            _exit(1);
        }

        for (i = 0; i < ROWS; i += 50) {
            if (wgw_shadow_load(store, &shadow, rows + i, 50, &error)
                != WGW_STORE_OK)
            {
                _exit(2);
            }
        }

        if (wgw_shadow_flip(store, &shadow, &counts, &error) != WGW_STORE_OK) {
            _exit(3);
        }

        *replied = round;

        if (clear(store, &shadow, 0) != WGW_STORE_OK) {
            _exit(4);
        }
    }

    _exit(5);
}


/* The number that all the names have in one snapshot, or -1. */

static int64_t
whole(wgw_store_t *store)
{
    size_t        n;
    int64_t       number;
    uint64_t      id;
    wgw_text_t    after, packed;
    wgw_record_t  made;

    number = 0;
    after = text("");

    if (wgw_store_begin(store, &id, &error) != WGW_STORE_OK) {
        return -1;
    }

    for (n = 0;
         wgw_store_next(store, WGW_ROWS, after, &after, &packed, &error)
         == WGW_STORE_OK;
         n++)
    {
        if (wgw_record_unpack(&made, (const uint8_t *) packed.data,
                              packed.len)
            != 0
            || (n && number != (int64_t) made.cap_bytes))
        {
            number = -1;
            break;
        }

        number = (int64_t) made.cap_bytes;
    }

    wgw_store_end(store);

    return n == ROWS || (n == 0 && number == 0) ? number : -1;
}


static int64_t
milliseconds(void)
{
    struct timespec  now;

    clock_gettime(CLOCK_MONOTONIC, &now);

    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}


/* On a machine that is busy with other things, longer. */

static uint64_t
look_on(wgw_store_t *store, volatile uint64_t *replied, int *bad)
{
    int64_t   end;
    uint64_t  looks, before;

    looks = 0;
    before = *replied;
    end = milliseconds() + 50 + rand() % 50;

    do {
        looks++;
        *bad += whole(store) == -1;
    } while (milliseconds() < end
             || (milliseconds() < end + 30000
                 && (*replied == before || looks % 16 != 0)));

    return looks;
}


/* A start beside a live replace, whose process is the last one. */

static wgw_store_t *
start_beside(pid_t pid)
{
    int           status;
    wgw_store_t  *store;

    wgw_store_close();
    ok(wgw_store_create(&wgw_rows_class, path("torn"), geteuid(), getegid(),
                        &error)
       == WGW_STORE_OK
       && waitpid(pid, &status, WNOHANG) == 0,
       "a start leaves the replace of a live process alone");

    store = wgw_store_open(&wgw_rows_class, path("torn"), WGW_STORE_SYNC_META,
                           &error);
    nanosleep(&(struct timespec) { 0, 50000000 }, NULL);

    return store;
}


/* A new start after a kill; returns 1 if it leaves something. */

static int
start_after(void)
{
    fresh("torn");
    wgw_store_close();

    if (entries(path("torn"), "wgw") == 0
        && entries(path("torn"), "kept") == 0
        && entries(path("torn"), "names.0")
           + entries(path("torn"), "names.1") == ROWS)
    {
        return 0;
    }

    printf("# a start leaves something\n");
    return 1;
}


static void
test_torn(void)
{
    int                 round, status, bad;
    long                left;
    pid_t               pid;
    int64_t             found;
    uint64_t            looks;
    wgw_store_t        *store;
    volatile uint64_t  *replied;

    store = fresh("torn");
    wgw_store_close();

    replied = mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                   -1, 0);
    bad = 0;
    left = 0;
    looks = 0;

    srand(5);

    for (round = 0; round < ROUNDS; round++) {
        fflush(stdout);
        pid = fork();

        if (pid == 0) {
            replacer(replied);
        }

        store = wgw_store_open(&wgw_rows_class, path("torn"),
                               WGW_STORE_SYNC_META, &error);

        looks += look_on(store, replied, &bad);

        if (round == ROUNDS - 1) {
            store = start_beside(pid);
        }

        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        bad += !WIFSIGNALED(status);

        found = whole(store);

        if (found != (int64_t) *replied && found != (int64_t) *replied + 1) {
            printf("# replied %lu, found %ld\n", *replied, (long) found);
            bad++;
        }

        *replied = (uint64_t) found;

        wgw_store_close();

        /* some rounds as workers that live on, some as a new start */

        if (round % 2) {
            left += entries(path("torn"), "wgw");
            bad += start_after();
        }
    }

    ok(*replied >= ROUNDS && looks > ROUNDS * 10,
       "%lu replaces, %lu looks", *replied, looks);
    ok(left > 0, "some were killed in the middle");
    ok(bad == 0, "each look and each kill finds one whole set");
}


/* There is no room for the second set. */

static void
test_full_replace(void)
{
    int               i, status;
    unsigned          n;
    wgw_store_t      *store;
    wgw_shadow_t      shadow;
    struct rlimit     limit = { 128 * 1024, 128 * 1024 };
    wgw_store_rc_t    rc;
    wgw_store_row_t   rows[ROWS];

    store = fresh("full_replace");
    put(store, "first.example", 1);
    wgw_store_close();

    fflush(stdout);

    if (fork() == 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);

        store = wgw_store_open(&wgw_rows_class, path("full_replace"),
                               WGW_STORE_SYNC_META,
                               &error);
        rc = begin(store, &shadow);

        for (i = 0; rc == WGW_STORE_OK && i < 100; i++) {

            for (n = 0; n < ROWS; n++) {
                rows[n] = row(n, 1, n + 1);
                snprintf((char *) rows[n].key.data, 16, "n%02d%02x%u", i,
                         n % 256, n / 256);
                rows[n].key.len = strlen(rows[n].key.data);
            }

            rc = wgw_shadow_load(store, &shadow, rows, ROWS, &error);
        }

        printf("# %s, after %d loads\n", error.text, i);
        fflush(stdout);

        _exit(rc != WGW_STORE_FULL ? 1
              : cap(store, "first.example") != 1 ? 2
              : clear(store, &shadow, 0) != WGW_STORE_OK ? 3
              : put(store, "first.example", 2).rc != WGW_STORE_OK ? 4
              : 0);
    }

    wait(&status);
    ok(status == 0, "full: the set is refused and dropped (%d)", status);
    ok(entries(path("full_replace"), "wgw") == 0
       && entries(path("full_replace"), "names.1") == 0,
       "nothing is left of it");

    store = fresh("full_replace");
    ok(cap(store, "first.example") == 2, "what was there is there");
    wgw_store_close();
}


int
main(void)
{
    if (mkdtemp(root) == NULL) {
        return 1;
    }

    test_replace();
    test_taken();
    test_kept_twice();
    test_chance();
    test_torn();
    test_full_replace();

    return done_in(root);
}
