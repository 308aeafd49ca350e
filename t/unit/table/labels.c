
/*
 * Labels of records: set, changed, in processes that are killed, after a loss
 * of power, in tables that are rewritten or of before.
 */

#define _GNU_SOURCE

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "table/growth.h"
#include "table/labels.h"

#include "t/unit/table/table.h"


#define CHILDREN  6
#define RECORDS   8
#define KILLS     60


static wgw_table_conf_t  conf = { 20, 24, { WGW_WINDOW_DAY, 1 }, 256 };


static void *
make_table(wgw_table_t *t, const wgw_table_conf_t *made)
{
    void  *memory;

    memory = shared(wgw_table_size(made));
    wgw_table_format(memory, made, seed);
    wgw_table_open(t, memory);

    return memory;
}


/* One label, `name` with `value`; a NULL is none. */

static int
set(wgw_table_t *t, uint32_t record, const char *name, const char *value)
{
    char         buffer[WGW_LABELS_TEXT];
    wgw_text_t   packed = { buffer, 0 };
    wgw_label_t  label;

    if (value) {
        label.name = text(name);
        label.value = text(value);
        packed.len = wgw_labels_add(buffer, 0, &label);
    }

    return wgw_labels_set(t->segments, record, packed);
}


static int
has(wgw_table_t *t, uint32_t record, const char *name, const char *value)
{
    wgw_labels_t  labels;

    wgw_labels_get(t->segments, record, &labels);

    if (value == NULL) {
        return labels.n == 0;
    }

    return labels.n == 1 && wgw_text_equal(labels.elts[0].name, text(name))
           && wgw_text_equal(labels.elts[0].value, text(value));
}


static uint64_t
taken(wgw_table_t *t)
{
    uint64_t  max;

    return wgw_labels_taken(t->segments, &max);
}


static void
changes(wgw_table_t *t, uint32_t record)
{
    int   i, same;
    char  value[300];

    ok(has(t, record, "", NULL), "none at first");
    ok(set(t, record, "owner", "alice") == 0
       && has(t, record, "owner", "alice"), "one");
    ok(taken(t) == 64, "in a block of 64 bytes");
    ok(set(t, record, "owner", "alice") == 0 && taken(t) == 64,
       "the same again: nothing is written");
    ok(set(t, record, "owner", "bob") == 0 && has(t, record, "owner", "bob")
       && taken(t) == 128, "another value");
    ok(set(t, record, "owner", "carol") == 0 && taken(t) == 128
       && has(t, record, "owner", "carol"), "the block of before is used");

    same = 1;

    for (i = 0; i < 5000; i++) {
        (void) sprintf(value, "%*d", 1 + i % 250, i);
        same &= set(t, record, "n", value) == 0
                && has(t, record, "n", value);
    }

    ok(same && taken(t) <= 64 + 64 + 2 * 128 + 2 * 256 + 2 * 512,
       "changed 5000 times, in the same blocks");
    ok(set(t, record, "", NULL) == 0 && has(t, record, "", NULL),
       "and none again");
}


/* As many as there may be, and as long: packed, and how long that is. */

static size_t
longest(wgw_table_t *t, uint32_t record, char packed[WGW_LABELS_TEXT])
{
    int           i;
    char          value[300];
    size_t        len;
    wgw_text_t    whole;
    wgw_label_t   label;
    wgw_labels_t  labels;

    len = 0;
    memset(value, 'v', sizeof(value));
    label.value.data = value;
    label.value.len = WGW_LABEL_VALUE;
    label.name.data = value;
    label.name.len = WGW_LABEL_NAME;

    for (i = 0; i < WGW_LABELS; i++) {
        len = wgw_labels_add(packed, len, &label);
    }

    ok(len == WGW_LABELS_TEXT, "the longest");
    ok(wgw_labels_add(packed, len, &label) == len, "and no more");
    label.value.len++;
    ok(wgw_labels_add(packed, 0, &label) == 0, "a value that is too long");

    whole.data = packed;
    whole.len = len;
    ok(wgw_labels_set(t->segments, record, whole) == 0, "are set");
    wgw_labels_get(t->segments, record, &labels);
    ok(labels.n == WGW_LABELS && labels.elts[3].value.len == WGW_LABEL_VALUE
       && memcmp(labels.text, packed, len) == 0, "and read");

    return len;
}


/* All room there is; a larger block that is not used is cut. */

static void
full(wgw_table_t *t, uint32_t record, wgw_text_t whole)
{
    int           same;
    uint32_t      i;
    uint64_t      max;
    wgw_labels_t  labels;

    (void) wgw_labels_taken(t->segments, &max);
    ok(max == 20 * 256 + WGW_LABEL_MOST, "room for the average");

    for (i = record + 1; wgw_labels_set(t->segments, i, whole) == 0; i++) {
        /* void */
    }

    ok(i > record + 1 && wgw_labels_size(t->segments, i) == 0,
       "when there is no room they are not set");
    ok(has(t, i, "", NULL)
       && (wgw_labels_get(t->segments, record, &labels), labels.n)
          == WGW_LABELS, "and others keep theirs");
    ok(set(t, record, "", NULL) == 0, "a large one goes");

    same = 1;

    for (i = 10; i < 20; i++) {
        same &= set(t, i, "a", "b") == 0 && has(t, i, "a", "b");
    }

    ok(same, "and is cut for small ones");
}


static void
basics(void)
{
    char         packed[WGW_LABELS_TEXT];
    uint32_t     record;
    wgw_text_t   whole;
    wgw_table_t  t;

    (void) make_table(&t, &conf);
    record = wgw_table_get(&t, text("key"));
    whole.data = packed;

    changes(&t, record);
    whole.len = longest(&t, record, packed);
    full(&t, record, whole);
}


/* A table that was made without, or by a version of before. */

static void
before(void)
{
    wgw_table_t        t;
    const char        *error;
    wgw_table_conf_t   plain, made;

    plain = conf;
    plain.label_bytes = 0;

    (void) make_table(&t, &plain);

    ok(t.header->made.version == 2 && t.segments->labels == NULL,
       "without: the format of before");
    ok(set(&t, wgw_table_get(&t, text("key")), "a", "b") == -1
       && set(&t, 3, "", NULL) == 0 && has(&t, 3, "", NULL)
       && taken(&t) == 0, "has no room for any");
    ok(wgw_table_check(t.header, wgw_table_size(&plain), &made, &error) == 0
       && made.label_bytes == 0, "and opens");

    (void) make_table(&t, &conf);
    ok(t.header->made.version == 3
       && wgw_table_check(t.header, wgw_table_size(&conf), &made, &error) == 0
       && made.label_bytes == 256, "with: a newer one");
    ok(wgw_table_check(t.header, wgw_table_size(&plain), &made, &error) == -1,
       "which is larger");
}


static void
rewritten(void)
{
    char               key[32], value[32];
    int                i, same;
    void              *memory;
    uint32_t           record;
    wgw_table_t        t, old, one;
    wgw_table_conf_t   to;

    (void) make_table(&t, &conf);

    for (i = 0; i < 10; i++) {
        (void) sprintf(key, "key%d", i);
        (void) sprintf(value, "value%d", i);
        record = wgw_table_live(&t, text(key), (uint64_t) i);
        wgw_table_add(&t, record, 0, 1, 0, 1);
        (void) set(&t, record, "l", value);
    }

    to = conf;
    to.keys = 10;
    to.label_bytes = 0;
    ok(wgw_growth_fit(&t, 0, 5, &to) == 0 && to.label_bytes == 64,
       "a table that is rewritten has room for the labels there are");

    memory = shared(wgw_table_size(&to));
    wgw_growth_rewrite(memory, &to, &t, 0, 5);
    wgw_table_open(&one, memory);
    same = 1;

    for (i = 0; i < 10; i++) {
        (void) sprintf(key, "key%d", i);
        (void) sprintf(value, "value%d", i);
        same &= has(&one, wgw_table_live(&one, text(key), (uint64_t) i), "l",
                    value);
    }

    ok(same, "and each has its own");

    to = conf;
    to.label_bytes = 0;
    (void) make_table(&old, &to);
    record = wgw_table_get(&old, text("old"));
    wgw_table_add(&old, record, 0, 7, 0, 1);

    to = conf;
    ok(wgw_growth_fit(&old, 0, 5, &to) == 0 && to.label_bytes == 256,
       "one of before");
    memory = shared(wgw_table_size(&to));
    wgw_growth_rewrite(memory, &to, &old, 0, 5);
    wgw_table_open(&one, memory);
    record = wgw_table_find(&one, text("old"));
    ok(usage_of(&one, "old", 5).sent == 7 && set(&one, record, "a", "b") == 0
       && has(&one, record, "a", "b"), "gets room for labels");
}


/* Pages of different times: a block of before, half of one, none. */

static void
power(void)
{
    uint32_t      r[4];
    wgw_table_t   t;
    const char   *names[] = { "k0", "k1", "k2", "k3" };

    (void) make_table(&t, &conf);

    for (int i = 0; i < 4; i++) {
        r[i] = wgw_table_get(&t, text(names[i]));
        wgw_table_add(&t, r[i], 0, 1, 0, 1);
        (void) set(&t, r[i], "l", names[i]);
    }

    t.segments->blocks[(t.segments->labels[r[1]] - 1) * 64 + 20] ^= 1;
    t.segments->labels[r[2]] = t.segments->labels[r[0]];
    t.segments->labels[r[3]] = 12345;
    t.header->units = 1;
    t.header->unused[0] = t.segments->labels[r[0]];

    (void) wgw_table_repair(&t, 1);

    ok(has(&t, r[0], "l", "k0"), "after a loss of power: one that is whole");
    ok(has(&t, r[1], "", NULL), "one that is not");
    ok(has(&t, r[2], "", NULL), "one of another record");
    ok(has(&t, r[3], "", NULL), "one that is nowhere");
    ok(set(&t, r[1], "l", "new") == 0 && has(&t, r[1], "l", "new")
       && has(&t, r[0], "l", "k0"), "new ones go where no other is");

    /* a record that lost its key must not leave its labels to the next */

    __atomic_store_n(&wgw_table_cold(&t, r[0])->mark, 0, __ATOMIC_SEQ_CST);
    (void) wgw_table_repair(&t, 1);
    ok(has(&t, r[0], "", NULL), "without a key no labels");
}


/* Values tell whose they are: "R-..." of record R. */

static void
child(wgw_table_t *t, unsigned n)
{
    char          value[256];
    uint32_t      record;
    wgw_labels_t  labels;

    for ( ;; ) {
        n = n * 1103515245 + 12345;
        record = WGW_TABLE_FIRST + (n >> 16) % RECORDS;

        (void) sprintf(value, "%u-%0*u", record, 1 + (int) ((n >> 8) % 200),
                       n);
        (void) set(t, record, "r", value);

        record = WGW_TABLE_FIRST + (n >> 20) % RECORDS;
        wgw_labels_get(t->segments, record, &labels);

        if (labels.n && (labels.n != 1
                         || (uint32_t) atoi(labels.elts[0].value.data)
                            != record))
        {
            _exit(1);
        }
    }
}


static void
killed(void)
{
    int              i, status, wrong;
    pid_t            pids[CHILDREN];
    unsigned         n;
    uint32_t         record;
    wgw_table_t      t;
    wgw_labels_t     labels;
    struct timespec  nap = { 0, 5000000 };

    (void) make_table(&t, &conf);

    for (i = 0; i < RECORDS; i++) {
        char  key[16];

        (void) sprintf(key, "key%d", i);
        (void) wgw_table_get(&t, text(key));
    }

    n = 1;
    wrong = 0;
    fflush(stdout);

    for (i = 0; i < CHILDREN + KILLS; i++) {

        if (i >= CHILDREN) {
            (void) nanosleep(&nap, NULL);
            (void) kill(pids[i % CHILDREN], SIGKILL);
            (void) waitpid(pids[i % CHILDREN], &status, 0);
            wrong += WIFEXITED(status);
        }

        pids[i % CHILDREN] = fork();

        if (pids[i % CHILDREN] == 0) {
            child(&t, n);
        }

        n += 7919;
    }

    for (i = 0; i < CHILDREN; i++) {
        (void) kill(pids[i], SIGKILL);
        (void) waitpid(pids[i], &status, 0);
        wrong += WIFEXITED(status);
    }

    ok(wrong == 0, "nobody read another's labels, or half of some");

    for (record = WGW_TABLE_FIRST; record < WGW_TABLE_FIRST + RECORDS;
         record++)
    {
        wgw_labels_get(t.segments, record, &labels);
        wrong += labels.n != 1
                 || (uint32_t) atoi(labels.elts[0].value.data) != record;
    }

    ok(wrong == 0, "each record has its own after 60 kills");
    ok(set(&t, WGW_TABLE_FIRST, "r", "new") == 0
       && has(&t, WGW_TABLE_FIRST, "r", "new"), "and takes new ones");
}


int
main(void)
{
    basics();
    before();
    rewritten();
    power();
    killed();

    return done();
}
