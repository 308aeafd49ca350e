
/*
 * The counter table shared by processes, some of them killed.
 */

#define _GNU_SOURCE

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "t/unit/table/table.h"


#define PROCESSES     8
#define HOLD_CAP      UINT64_C(2000000)
#define MODEL_KEYS    5000
#define MODEL_ROUNDS  4


/* Each on its own line, so that children do not slow each other down. */
typedef struct {
    uint64_t  started;
    uint64_t  finished;
    uint64_t  granted;
    uint64_t  wrong;
    uint64_t  pid;
    uint64_t  pad[3];
} child_t;


typedef void (*child_pt)(wgw_table_t *t, child_t *children, int number);


static uint64_t  random_state;
static char      model_keys[MODEL_KEYS][41];


static uint64_t
random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;

    return random_state % limit;
}


/* All bytes that a table knows of, `published` counts its keys. */

static uint64_t
sum(wgw_table_t *t, uint32_t *published)
{
    uint32_t     record;
    uint64_t     bytes;
    wgw_usage_t  usage;

    bytes = 0;
    *published = 0;

    for (record = 0; record < wgw_table_end(t); record++) {
        if (wgw_table_read(t, record, 0, &usage) == 0) {
            bytes += usage.sent;
            *published += record >= WGW_TABLE_FIRST;
        }
    }

    return bytes;
}


static void
fork_children(wgw_table_t *t, child_t *children, int number, child_pt child)
{
    pid_t  pid;

    fflush(stdout);
    pid = fork();
    assert(pid != -1);

    if (pid == 0) {
        random_state += 77 * (uint64_t) getpid();
        child(t, children, number);
        _exit(0);
    }

    children[number].pid = (uint64_t) pid;
}


static int
run_children(wgw_table_t *t, child_t *children, child_pt child)
{
    int  i, status, failed;

    failed = 0;

    for (i = 0; i < PROCESSES; i++) {
        fork_children(t, children, i, child);
    }

    while (wait(&status) != -1) {
        failed += status != 0;
    }

    return failed;
}


/*
 * The ledger, children[0].granted, rises after a hold and falls before its
 * release: it is never above what the table has granted.
 */

static void
hold_child(wgw_table_t *t, child_t *children, int number)
{
    int        waiting;
    uint32_t   record, twins[WGW_TABLE_SEGMENTS];
    uint64_t   got, used, period, *ledger;

    ledger = &children[0].granted;
    record = wgw_table_get(t, text("capped"));

    if (number % 2 && wgw_table_twins(t, record, twins)) {
        record = twins[0];
    }

    for ( ;; ) {
        period = wgw_table_period(t, 50 * DAY);
        got = wgw_table_hold(t, record, period, WGW_COUNT_BOTH, HOLD_CAP,
                             1 + random_below(2000), &waiting);

        if (got == 0) {
            if (!waiting) {
                return;
            }

            sched_yield();
            continue;
        }

        if (__atomic_add_fetch(ledger, got, __ATOMIC_SEQ_CST) > HOLD_CAP) {
            children[number].wrong++;
        }

        used = random_below(got + 1);
        wgw_table_add(t, record, period, used / 2, used - used / 2, 1);
        __atomic_sub_fetch(ledger, got - used, __ATOMIC_SEQ_CST);
        wgw_table_release(t, record, got);

        if (wgw_table_used(t, record, period, WGW_COUNT_BOTH) > HOLD_CAP) {
            children[number].wrong++;
        }
    }
}


static void
concurrent_holds(int segments)
{
    int                i, failed;
    void              *memory;
    size_t             size;
    uint64_t           wrong;
    child_t           *children;
    wgw_table_t        t;
    wgw_usage_t        usage;
    wgw_table_conf_t   conf = { 10, 24, { WGW_WINDOW_DAY, 1 }, 0 };

    size = make(&t, 10, 24, WGW_WINDOW_DAY);

    if (segments == 2) {
        memory = shared(wgw_table_size(&conf));
        wgw_table_format_segment(memory, &conf, t.header, 1);
        wgw_table_join(&t, memory);

        /* full for a moment: the key gets a record in both */

        t.header->records = 13;
        (void) wgw_table_get(&t, text("capped"));
        t.header->records = 3;
        t.count = 1;
        (void) wgw_table_get(&t, text("capped"));
        t.count = 2;
    }

    children = shared(PROCESSES * sizeof(child_t));

    failed = run_children(&t, children, hold_child);
    wrong = 0;

    for (i = 0; i < PROCESSES; i++) {
        wrong += children[i].wrong;
    }

    usage = usage_of(&t, "capped", 50 * DAY);

    ok(failed == 0 && wrong == 0, "no hold of %d processes passes the cap "
       "of a key with %d records", PROCESSES, segments);
    ok(usage.window.sent + usage.window.received == HOLD_CAP,
       "the cap is reached to the byte");
    ok(usage.held == 0, "nothing is held any more");

    munmap(children, PROCESSES * sizeof(child_t));
    munmap(t.header, size);
}


static void
make_keys(void)
{
    size_t  i, j, len;

    for (i = 0; i < MODEL_KEYS; i++) {
        len = (size_t) sprintf(model_keys[i], "%zu.", i);
        len += random_below(33);

        for (j = strlen(model_keys[i]); j < len; j++) {
            model_keys[i][j] = (char) ('a' + random_below(26));
        }

        model_keys[i][len] = '\0';
    }
}


static uint64_t
model_amount(int number, size_t key)
{
    return 1 + (key * 7919 + (size_t) number * 104729) % 1000;
}


static void
start_together(child_t *children)
{
    __atomic_add_fetch(&children[0].started, 1, __ATOMIC_SEQ_CST);

    while (__atomic_load_n(&children[0].started, __ATOMIC_SEQ_CST)
           != PROCESSES)
    {
        sched_yield();
    }
}


/* The first round goes through the keys in one order: all insert at once. */

static void
model_child(wgw_table_t *t, child_t *children, int number)
{
    int       round;
    size_t    i, key, offset;
    uint64_t  amount;

    start_together(children);

    for (round = 0; round < MODEL_ROUNDS; round++) {
        offset = round ? random_below(MODEL_KEYS) : 0;

        for (i = 0; i < MODEL_KEYS; i++) {
            key = (i * (round ? 7 : 1) + offset) % MODEL_KEYS;
            amount = model_amount(number, key);

            wgw_table_add(t, wgw_table_get(t, text(model_keys[key])),
                          wgw_table_period(t, (90 + round) * DAY), amount,
                          2 * amount, 1);
        }
    }
}


static size_t
model_differences(wgw_table_t *t)
{
    int          i;
    size_t       key, wrong;
    uint64_t     amount;
    wgw_usage_t  usage;

    wrong = 0;

    for (key = 0; key < MODEL_KEYS; key++) {
        amount = 0;

        for (i = 0; i < PROCESSES; i++) {
            amount += MODEL_ROUNDS * model_amount(i, key);
        }

        usage = usage_of(t, model_keys[key], 0);

        wrong += usage.sent != amount || usage.received != 2 * amount
                 || usage.requests != PROCESSES * MODEL_ROUNDS
                 || !wgw_text_equal(usage.key, text(model_keys[key]));
    }

    return wrong;
}


static void
concurrent_inserts(void)
{
    int           failed;
    size_t        i, size, wrong;
    uint32_t      published;
    uint64_t      bytes;
    child_t      *children;
    wgw_table_t   t;

    size = make(&t, MODEL_KEYS + 500, 40, WGW_WINDOW_DAY);
    children = shared(PROCESSES * sizeof(child_t));

    failed = run_children(&t, children, model_child);
    wrong = model_differences(&t);
    bytes = sum(&t, &published);

    ok(failed == 0 && wrong == 0,
       "%d processes insert and add: each key as in the model", PROCESSES);
    ok(published == MODEL_KEYS, "%u keys, each once", published);

    printf("# %u records leaked\n",
           wgw_table_end(&t) - WGW_TABLE_FIRST - MODEL_KEYS);

    for (i = 0; i < 2 * (MODEL_KEYS + 500); i++) {
        if (random_below(3) == 0) {
            t.segments->index[i] = (uint32_t) random_below(UINT32_MAX);
        }
    }

    t.header->records = random_below(MODEL_KEYS);
    t.header->granules = random_below(MODEL_KEYS);

    ok(wgw_table_repair(&t, 1) == 0, "rebuilt over a random index");
    ok(model_differences(&t) == 0, "each key as before");
    ok(sum(&t, &published) == bytes && published == MODEL_KEYS,
       "and as many of them");

    for (i = 0; i < 100; i++) {
        char  key[32];

        (void) sprintf(key, "new%zu", i);
        wgw_table_add(&t, wgw_table_get(&t, text(key)), 0, 1, 1, 1);
    }

    ok(model_differences(&t) == 0 && sum(&t, &published) == bytes + 100
       && published == MODEL_KEYS + 100, "new keys overwrite no old one");

    munmap(children, PROCESSES * sizeof(child_t));
    munmap(t.header, size);
}


/* No two processes may be given one record, or one place in the arena. */

static void
distinct_child(wgw_table_t *t, child_t *children, int number)
{
    char         key[32];
    uint32_t     i, records[MODEL_KEYS];
    wgw_usage_t  usage;

    start_together(children);

    for (i = 0; i < MODEL_KEYS; i++) {
        (void) sprintf(key, "%d.%u", number, i);
        records[i] = wgw_table_get(t, text(key));
        wgw_table_add(t, records[i], 0, i, 0, 1);
    }

    for (i = 0; i < MODEL_KEYS; i++) {
        (void) sprintf(key, "%d.%u", number, i);

        children[number].wrong +=
            wgw_table_read(t, records[i], 0, &usage) != 0
            || !wgw_text_equal(usage.key, text(key))
            || usage.sent != i || usage.requests != 1;
    }
}


static void
distinct_inserts(void)
{
    int           i, failed;
    size_t        size;
    uint64_t      wrong;
    child_t      *children;
    wgw_table_t   t;

    size = make(&t, PROCESSES * MODEL_KEYS, 24, WGW_WINDOW_TOTAL);
    children = shared(PROCESSES * sizeof(child_t));

    failed = run_children(&t, children, distinct_child);
    wrong = 0;

    for (i = 0; i < PROCESSES; i++) {
        wrong += children[i].wrong;
    }

    ok(failed == 0 && wrong == 0, "keys of its own for each process");
    ok(wgw_table_end(&t) == WGW_TABLE_FIRST + PROCESSES * MODEL_KEYS,
       "the table is full to the last record");

    munmap(children, PROCESSES * sizeof(child_t));
    munmap(t.header, size);
}


/* Runs until it is killed; `started` leads `finished` by one addition. */

static void
killed_child(wgw_table_t *t, child_t *children, int number)
{
    int        waiting;
    char       key[32];
    child_t   *self;
    uint32_t   record;
    uint64_t   amount, got, period, n;

    self = &children[number];

    for (n = 0; /* void */ ; n++) {
        amount = 1 + random_below(1000);
        period = wgw_table_period(t, (int64_t) (n / 100) * DAY);

        (void) sprintf(key, "k%d", (int) random_below(20000));

        __atomic_add_fetch(&self->started, amount, __ATOMIC_SEQ_CST);

        record = wgw_table_get(t, text(key));
        got = wgw_table_hold(t, record, period, WGW_COUNT_BOTH, 1 << 20, 10,
                             &waiting);
        wgw_table_add(t, record, period, amount, 1, 1);
        wgw_table_release(t, record, got);

        __atomic_add_fetch(&self->finished, amount, __ATOMIC_SEQ_CST);
    }
}


static void
kill_child(child_t *children, int number)
{
    pid_t  pid;

    pid = (pid_t) children[number].pid;

    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}


static void
killed_processes(void)
{
    int           i;
    size_t        size;
    uint32_t      published, after, kills;
    uint64_t      started, finished, total;
    child_t      *children;
    wgw_table_t   t;

    /* fewer records than keys: the table is full towards the end */

    size = make(&t, 15000, 24, WGW_WINDOW_DAY);
    children = shared(PROCESSES * sizeof(child_t));

    for (i = 0; i < PROCESSES; i++) {
        fork_children(&t, children, i, killed_child);
    }

    for (kills = 0; kills < 200; kills++) {
        usleep((useconds_t) random_below(8000));
        i = (int) random_below(PROCESSES);
        kill_child(children, i);
        fork_children(&t, children, i, killed_child);
    }

    started = 0;
    finished = 0;

    for (i = 0; i < PROCESSES; i++) {
        kill_child(children, i);
        started += children[i].started;
        finished += children[i].finished;
    }

    total = sum(&t, &published);

    ok(finished <= total && total <= started,
       "%u processes killed: what they finished is there, no more than they "
       "started", kills + PROCESSES);
    printf("# finished %lu, total %lu, started %lu, %u keys\n",
           (unsigned long) finished, (unsigned long) total,
           (unsigned long) started, published);

    ok(wgw_table_repair(&t, 0) == 0 && sum(&t, &after) == total
       && after == published, "a repair keeps all");
    ok(wgw_table_repair(&t, 1) == 0 && sum(&t, &after) == total,
       "so does a rebuild");
    ok(after >= published, "no key is lost");

    munmap(children, PROCESSES * sizeof(child_t));
    munmap(t.header, size);
}


int
main(void)
{
    random_state = (uint64_t) time(NULL) * 2654435761u + (uint64_t) getpid();
    printf("# random seed %lu\n", (unsigned long) random_state);

    make_keys();

    concurrent_holds(1);
    concurrent_holds(2);
    concurrent_inserts();
    distinct_inserts();
    killed_processes();

    return done();
}
