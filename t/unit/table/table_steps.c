
/*
 * An addition that may be killed at any instruction: a process is led through
 * it one by one, and whenever the shared memory has changed, a copy of it is
 * what a kill here would leave.  In each the key has all or nothing, and
 * others go on counting.
 */

#define _GNU_SOURCE

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/unit/tap.h"
#include "table/labels.h"
#include "table/mend.h"


#define NOW     INT64_C(1795263004)
#define SENT    1000
#define CAP     100000
#define STEPS   2000000


static size_t   size;
static uint8_t  seed[WGW_HASH_SEED] = { 3, 1, 4, 1, 5 };


static void
count(wgw_table_t *t, const char *key, uint64_t sent)
{
    int         waiting;
    uint32_t    record;
    uint64_t    got, period;
    wgw_text_t  text;

    text.data = key;
    text.len = strlen(key);

    period = wgw_table_period(t, NOW);
    record = wgw_table_get(t, text);
    got = wgw_table_hold(t, record, period, WGW_COUNT_BOTH, CAP, sent,
                         &waiting);
    wgw_table_add(t, record, period, sent, 0, 1);
    wgw_table_release(t, record, got);
}


/* What the key has sent; 0 when it is not there. */

static uint64_t
sent(wgw_table_t *t, const char *key, uint64_t *held)
{
    uint32_t     record;
    wgw_text_t   text;
    wgw_usage_t  usage;

    text.data = key;
    text.len = strlen(key);
    *held = 0;

    record = wgw_table_find(t, text);

    if (record == WGW_TABLE_UNKNOWN
        || wgw_table_read(t, record, NOW, &usage) != 0)
    {
        return 0;
    }

    *held = usage.held;

    return usage.sent;
}


/* 1 when this is a table that a process may be killed in. */

static int
good(void *memory, uint64_t before)
{
    uint64_t     held, was;
    wgw_table_t  t;

    wgw_table_open(&t, memory);

    was = sent(&t, "new.example", &held);

    if ((was != before && was != before + SENT) || held > SENT
        || sent(&t, "old.example", &held) != SENT)
    {
        return 0;
    }

    /* another process adds to both */

    count(&t, "new.example", SENT);
    count(&t, "old.example", SENT);

    if (sent(&t, "new.example", &held) != was + SENT
        || sent(&t, "old.example", &held) != 2 * SENT)
    {
        return 0;
    }

    /* and alone, a start gives back what is held */

    return wgw_table_repair(&t, 0) <= 1
           && sent(&t, "new.example", &held) == was + SENT && held == 0;
}


/* The key gets another label, over a block that was another's. */

static void
relabel(wgw_table_t *t, const char *value)
{
    char         bytes[WGW_LABELS_TEXT];
    wgw_text_t   packed;
    wgw_label_t  label;

    label.name = wgw_text("label");
    label.value.data = value;
    label.value.len = strlen(value);

    packed.data = bytes;
    packed.len = wgw_labels_add(bytes, 0, &label);

    (void) wgw_labels_set(t->segments, WGW_TABLE_FIRST, packed);
}


static int
labelled(wgw_table_t *t, const char *value)
{
    wgw_labels_t  labels;

    wgw_labels_get(t->segments, WGW_TABLE_FIRST, &labels);

    return labels.n == 1 && labels.elts[0].value.len == strlen(value)
           && memcmp(labels.elts[0].value.data, value, strlen(value)) == 0;
}


/* Either label, and another process can go on. */

static int
good_label(void *memory, uint64_t before)
{
    int          i, same;
    wgw_table_t  t;

    (void) before;
    wgw_table_open(&t, memory);

    if (!labelled(&t, "old") && !labelled(&t, "new")) {
        return 0;
    }

    same = 1;

    for (i = 0; i < 8; i++) {
        relabel(&t, i % 2 ? "one" : "another");
        same &= labelled(&t, i % 2 ? "one" : "another");
    }

    return same && t.header->units <= 4;
}


static void
step_label(wgw_table_t *t)
{
    relabel(t, "new");
}


static void
step_count(wgw_table_t *t)
{
    count(t, "new.example", SENT);
}


/* Leads a child through one step; `before` is what the key had. */

static void
test_steps(const char *what, void *shared, uint64_t before,
    void (*step)(wgw_table_t *t), int (*sound)(void *memory, uint64_t before))
{
    int           status, bad, states;
    long          steps;
    char         *last, *copy;
    pid_t         pid;
    wgw_table_t   t;

    wgw_table_open(&t, shared);

    last = malloc(size);
    copy = malloc(size);
    memcpy(last, shared, size);

    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1) {
            _exit(2);
        }

        raise(SIGSTOP);
        step(&t);
        _exit(0);
    }

    bad = 0;
    states = 0;

    for (steps = 0; steps < STEPS; steps++) {
        waitpid(pid, &status, 0);

        if (!WIFSTOPPED(status)) {
            break;
        }

        if (memcmp(last, shared, size) != 0) {
            memcpy(last, shared, size);
            memcpy(copy, shared, size);

            states++;
            bad += !sound(copy, before);
        }

        ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
    }

    if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
        ok(1, "%s: # skip no ptrace here", what);

    } else {
        ok(WIFEXITED(status) && WEXITSTATUS(status) == 0 && states >= 4,
           "%s: %ld instructions, %d states", what, steps, states);
        ok(bad == 0, "%s: in each the key has all or nothing", what);
    }

    free(last);
    free(copy);
}


int
main(void)
{
    void              *shared;
    uint64_t           held;
    wgw_table_t        t;
    wgw_table_conf_t   conf;

    memset(&conf, 0, sizeof(conf));

    conf.keys = 20;
    conf.key_bytes = WGW_TABLE_KEY_BYTES;
    conf.window.kind = WGW_WINDOW_DAY;
    conf.label_bytes = WGW_LABEL_UNIT;

    size = wgw_table_size(&conf);
    shared = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                  -1, 0);

    wgw_table_format(shared, &conf, seed);
    wgw_table_open(&t, shared);

    count(&t, "old.example", SENT);

    test_steps("a new key", shared, 0, step_count, good);
    test_steps("a key that is there", shared, SENT, step_count, good);

    ok(sent(&t, "new.example", &held) == 2 * SENT && held == 0,
       "both are counted");

    relabel(&t, "first");
    relabel(&t, "old");
    test_steps("a label", shared, 0, step_label, good_label);
    ok(labelled(&t, "new"), "which is set");

    munmap(shared, size);

    return done();
}
