
/*
 * The counter table: keys, windows, caps, headers, repair.
 */

#include "t/unit/table/table.h"
#include "table/counter.h"


static void
basics(void)
{
    char          key[300];
    size_t        size;
    uint32_t      a, b;
    wgw_table_t   t;
    wgw_usage_t   usage;

    size = make(&t, 1000, WGW_TABLE_KEY_BYTES, WGW_WINDOW_MONTH);
    ok(size == WGW_TABLE_HEADER + 3 * 96 + 1000 * 128,
       "128 bytes for each key");

    ok(wgw_table_end(&t) == WGW_TABLE_FIRST, "an empty table");
    ok(wgw_table_find(&t, text("a")) == WGW_TABLE_UNKNOWN, "nothing found");
    ok(wgw_table_get(&t, text("")) == WGW_TABLE_UNKNOWN, "an empty key");

    a = wgw_table_get(&t, text("a.example"));
    b = wgw_table_get(&t, text("b.example"));
    ok(a >= WGW_TABLE_FIRST && b >= WGW_TABLE_FIRST && a != b, "two keys");
    ok(wgw_table_get(&t, text("a.example")) == a, "the same record again");
    ok(wgw_table_find(&t, text("b.example")) == b, "found");
    ok(wgw_table_find(&t, text("b.exampl")) == WGW_TABLE_UNKNOWN,
       "a shorter key is another one");
    ok(wgw_table_end(&t) == b + 1, "end");

    memset(key, 'k', sizeof(key));
    key[255] = '\0';
    a = wgw_table_get(&t, text(key));
    ok(a >= WGW_TABLE_FIRST && wgw_table_find(&t, text(key)) == a,
       "255 bytes");

    key[255] = 'k';
    key[256] = '\0';
    ok(wgw_table_get(&t, text(key)) == WGW_TABLE_OTHER, "256 bytes: other");
    ok(wgw_table_find(&t, text(key)) == WGW_TABLE_UNKNOWN, "nor found");

    wgw_table_add(&t, b, wgw_table_period(&t, 0), 10, 20, 1);
    wgw_table_add(&t, b, wgw_table_period(&t, 0), 1, 2, 1);
    wgw_table_refused(&t, b);
    wgw_table_cut(&t, b);
    wgw_table_cut(&t, b);
    wgw_table_cap(&t, b, 5000);

    ok(wgw_table_read(&t, b, 0, &usage) == 0, "read");
    is(usage.key.data, usage.key.len, "b.example", "its key");
    ok(usage.sent == 11 && usage.received == 22 && usage.requests == 2
       && usage.refused == 1 && usage.cut == 2 && usage.cap == 5000
       && usage.held == 0, "its figures");

    ok(wgw_table_read(&t, WGW_TABLE_UNKNOWN, 0, &usage) == 0, "unknown");
    is(usage.key.data, usage.key.len, "unknown", "its name");
    ok(wgw_table_read(&t, WGW_TABLE_OTHER, 0, &usage) == 0, "other");
    is(usage.key.data, usage.key.len, "other", "its name");
    ok(wgw_table_read(&t, WGW_TABLE_DENIED, 0, &usage) == 0, "denied");
    is(usage.key.data, usage.key.len, "denied", "its name");
    ok(wgw_table_find(&t, text("other")) == WGW_TABLE_UNKNOWN,
       "names of the fixed records are no keys");

    ok(wgw_table_read(&t, a + 1, 0, &usage) == -1, "an unused record");
    ok(wgw_table_read(&t, 1003, 0, &usage) == -1, "no record");
    ok(wgw_table_read(&t, UINT32_MAX, 0, &usage) == -1, "never a record");

    munmap(t.header, size);
}


/* What killed inserters leave behind is no key. */

static void
unpublished(void)
{
    size_t       size;
    uint32_t     record;
    wgw_table_t  t;
    wgw_usage_t  usage;

    size = make(&t, 100, 24, WGW_WINDOW_MONTH);
    record = wgw_table_get(&t, text("half"));
    wgw_table_get(&t, text("whole"));

    memset(t.segments->index, 0, 2 * 100 * sizeof(uint32_t));

    ok(wgw_table_read(&t, record, 0, &usage) == -1, "a key not published");

    t.segments->cold[record].mark = 0;
    ok(wgw_table_read(&t, record, 0, &usage) == -1, "a record without key");

    t.segments->cold[record + 1].granule = 0x20000000;
    ok(wgw_table_read(&t, record + 1, 0, &usage) == -1,
       "a key outside the arena");

    t.segments->cold[record + 1].granule = 100 * 24 / 8;
    ok(wgw_table_read(&t, record + 1, 0, &usage) == -1,
       "a key at the arena's end");

    munmap(t.header, size);
}


/* Each case: traffic on up to three days, then a look. */

typedef struct {
    const char  *what;
    struct {
        int64_t   day;
        uint64_t  sent;
        uint64_t  received;
    } steps[3];
    int64_t      day;
    uint64_t     sent;
    uint64_t     received;
    uint64_t     last_sent;
    uint64_t     last_received;
    int64_t      start;         /* of the window shown, as a day */
} window_case_t;


static const window_case_t  window_cases[] = {
    { "one window", { { 100, 5, 7 }, { 100, 1, 1 } },
      100, 6, 8, 0, 0, 100 },
    { "adjacent windows", { { 100, 5, 7 }, { 101, 1, 2 } },
      101, 1, 2, 5, 7, 101 },
    { "three windows", { { 100, 5, 7 }, { 101, 1, 2 }, { 102, 30, 40 } },
      102, 30, 40, 1, 2, 102 },
    { "a gap", { { 100, 5, 7 }, { 102, 1, 2 } },
      102, 1, 2, 0, 0, 102 },
    { "a gap of odd length", { { 100, 5, 7 }, { 103, 1, 2 } },
      103, 1, 2, 0, 0, 103 },
    { "nothing yet in this window", { { 100, 5, 7 } },
      101, 0, 0, 5, 7, 101 },
    { "nothing yet after two", { { 100, 5, 7 }, { 101, 1, 2 } },
      102, 0, 0, 1, 2, 102 },
    { "nothing in the last one either", { { 100, 5, 7 }, { 101, 1, 2 } },
      103, 0, 0, 0, 0, 103 },
    { "nothing for long", { { 100, 5, 7 } },
      20000, 0, 0, 0, 0, 20000 },
    { "the clock goes back", { { 101, 5, 7 }, { 100, 1, 2 } },
      100, 6, 9, 0, 0, 101 },
    { "the clock goes back and on",
      { { 100, 5, 7 }, { 99, 1, 2 }, { 101, 10, 20 } },
      101, 10, 20, 6, 9, 101 },
    { "only sent", { { 100, 5, 0 }, { 101, 6, 0 } },
      101, 6, 0, 5, 0, 101 },
    { "only received", { { 100, 0, 5 }, { 101, 0, 6 } },
      101, 0, 6, 0, 5, 101 },
    { "one direction each", { { 100, 5, 0 }, { 101, 0, 6 } },
      101, 0, 6, 5, 0, 101 },
    { "from period 0 on", { { 0, 5, 7 }, { 1, 1, 2 } },
      1, 1, 2, 5, 7, 1 },
    { "4095 windows skipped", { { 100, 5, 7 }, { 4195, 1, 2 } },
      4195, 1, 2, 0, 0, 4195 },
    { "4096 windows skipped", { { 100, 5, 7 }, { 4196, 1, 2 } },
      4196, 1, 2, 0, 0, 4196 },
    { "8190 windows skipped", { { 100, 5, 7 }, { 8290, 1, 2 } },
      8290, 1, 2, 0, 0, 8290 },
    { "8192 windows skipped", { { 100, 5, 7 }, { 8292, 1, 2 } },
      8292, 1, 2, 0, 0, 8292 },
    { "8189 windows skipped, nothing yet", { { 100, 5, 7 } },
      8289, 0, 0, 0, 0, 8289 },
    { "windows past 2^52",
      { { 100, (UINT64_C(1) << 52) - 3, 7 }, { 101, 10, 1 }, { 102, 4, 1 } },
      102, 4, 1, 10, 1, 102 },
    { "nearly 2^52 in one window",
      { { 100, 9, 9 }, { 101, (UINT64_C(1) << 52) - 1, 1 } },
      101, (UINT64_C(1) << 52) - 1, 1, 9, 9, 101 }
};


static int
window_case(wgw_table_t *t, const char *key, const window_case_t *c)
{
    size_t       i;
    uint32_t     record;
    uint64_t     sent, received, period;
    wgw_usage_t  usage;

    record = wgw_table_get(t, text(key));
    sent = 0;
    received = 0;
    period = 0;

    for (i = 0; i < 3; i++) {
        period = wgw_table_period(t, c->steps[i].day * DAY + 5);
        wgw_table_add(t, record, period, c->steps[i].sent,
                      c->steps[i].received, 1);
        sent += c->steps[i].sent;
        received += c->steps[i].received;

        if (i == 2 || c->steps[i + 1].sent + c->steps[i + 1].received == 0) {
            break;
        }
    }

    usage = usage_of(t, key, c->day * DAY);
    period = wgw_table_period(t, c->day * DAY);

    return usage.sent == sent && usage.received == received
           && usage.window.sent == c->sent
           && usage.window.received == c->received
           && usage.last.sent == c->last_sent
           && usage.last.received == c->last_received
           && usage.window.start == c->start * DAY
           && usage.last.start == (c->start - 1) * DAY
           && wgw_table_used(t, record, period, WGW_COUNT_SENT) == c->sent
           && wgw_table_used(t, record, period, WGW_COUNT_RECEIVED)
              == c->received
           && wgw_table_used(t, record, period, WGW_COUNT_BOTH)
              == c->sent + c->received;
}


static void
windows(void)
{
    size_t       i, size;
    wgw_table_t  t;
    wgw_usage_t  usage;

    for (i = 0; i < sizeof(window_cases) / sizeof(window_cases[0]); i++) {
        size = make(&t, 10, 24, WGW_WINDOW_DAY);
        ok(window_case(&t, "key", &window_cases[i]), "window: %s",
           window_cases[i].what);
        munmap(t.header, size);
    }

    size = make(&t, 10, 24, WGW_WINDOW_TOTAL);
    wgw_table_add(&t, wgw_table_get(&t, text("all")), 0,
                  (UINT64_C(1) << 52) + 1, 5, 1);
    wgw_table_add(&t, wgw_table_get(&t, text("all")),
                  wgw_table_period(&t, 300 * DAY), 2, 5, 1);

    usage = usage_of(&t, "all", 400 * DAY);
    ok(usage.window.sent == (UINT64_C(1) << 52) + 3
       && usage.window.received == 10 && usage.last.sent == 0
       && usage.window.start == 0, "window total, past 2^52");
    munmap(t.header, size);
}


/*
 * 20,000 windows one after the other: a record that rested since the first
 * must never show a window's traffic, one that is used in each is exact.
 */

static void
ring(void)
{
    size_t       size;
    int64_t      day;
    uint32_t     busy, idle, wrong;
    uint64_t     period;
    wgw_table_t  t;
    wgw_usage_t  usage;

    size = make(&t, 10, 24, WGW_WINDOW_DAY);
    idle = wgw_table_get(&t, text("idle"));
    busy = wgw_table_get(&t, text("busy"));
    wrong = 0;

    for (day = 1; day < 20000; day++) {
        period = wgw_table_period(&t, day * DAY);

        if (day == 1 || day == 2) {
            wgw_table_add(&t, idle, period, 1000, 1000, 1);
        }

        wgw_table_add(&t, busy, period, (uint64_t) day, 1, 1);

        if (day % 7000 == 0) {
            wgw_table_sweep(&t, period, 0, 4);
            wgw_table_sweep(&t, period, 4, UINT32_MAX);
        }

        usage = usage_of(&t, "busy", day * DAY);
        wrong += usage.window.sent != (uint64_t) day
                 || usage.last.sent != (uint64_t) day - 1;

        usage = usage_of(&t, "idle", day * DAY);
        wrong += day > 3 && (usage.window.sent || usage.last.sent
                             || usage.sent != 2000);
    }

    ok(wrong == 0, "20,000 windows with sweeps: no tag comes back");

    day += 8190;
    (void) wgw_table_repair(&t, 0);
    period = wgw_table_period(&t, day * DAY);
    ok(wgw_table_used(&t, busy, period, WGW_COUNT_BOTH) == 0
       && usage_of(&t, "busy", day * DAY).last.sent == 0,
       "a repair and a leap of the clock");

    munmap(t.header, size);
}


/* A key is found by its text, however much of its hash is the same. */

static void
same_hash(void)
{
    size_t       size;
    uint32_t     record;
    wgw_table_t  t;

    size = make(&t, 10, 24, WGW_WINDOW_MONTH);
    record = wgw_table_get(&t, text("a.example"));
    t.segments->arena[t.segments->cold[record].granule * WGW_GRANULE + 8] ^= 1;

    ok(wgw_table_find(&t, text("a.example")) == WGW_TABLE_UNKNOWN
       && wgw_table_get(&t, text("a.example")) == record + 1,
       "a record of the same hash with another key");

    munmap(t.header, size);
}


static void
full(void)
{
    int          i, placed, found;
    char         key[64];
    size_t       size;
    uint32_t     record;
    wgw_table_t  t;
    wgw_usage_t  usage;

    size = make(&t, 20, 24, WGW_WINDOW_MONTH);

    for (i = 0; i < 50; i++) {
        (void) sprintf(key, "key%d", i);
        record = wgw_table_get(&t, text(key));
        wgw_table_add(&t, record, 0, 3, 0, 1);
    }

    ok(wgw_table_end(&t) == 23, "twenty keys have a record");
    (void) wgw_table_read(&t, WGW_TABLE_OTHER, 0, &usage);
    ok(usage.sent == 90 && usage.requests == 30, "other counts the rest");
    ok(usage_of(&t, "key19", 0).sent == 3, "the last key that fits");
    ok(wgw_table_find(&t, text("key20")) == WGW_TABLE_UNKNOWN,
       "one that does not");

    munmap(t.header, size);

    /* 80 bytes of arena: one key of 60 bytes, then two of up to 8 */

    size = make(&t, 10, 8, WGW_WINDOW_MONTH);
    memset(key, 'x', sizeof(key));
    key[60] = '\0';
    placed = 0;
    found = 0;

    for (i = 0; i < 20; i++) {
        key[0] = (char) ('a' + i);
        placed += wgw_table_get(&t, text(key)) != WGW_TABLE_OTHER;
    }

    ok(placed == 1, "the arena is full for long keys");

    for (i = 0; i < 5; i++) {
        (void) sprintf(key, "short%d", i);
        found += wgw_table_get(&t, text(key)) != WGW_TABLE_OTHER;
    }

    ok(found == 2 && wgw_table_end(&t) == 6, "short keys still fit");

    munmap(t.header, size);
}


/* Tables so small that most keys collide, filled to the last record. */

static void
collisions(void)
{
    char         key[32];
    size_t       size;
    uint32_t     keys, i, record, wrong;
    wgw_table_t  t;

    wrong = 0;

    for (keys = 1; keys <= 200; keys++) {
        size = make(&t, keys, 24, WGW_WINDOW_MONTH);

        for (i = 0; i < keys; i++) {
            (void) sprintf(key, "%u/%u", keys, i);
            record = wgw_table_get(&t, text(key));
            wrong += record != WGW_TABLE_FIRST + i;
        }

        for (i = 0; i < keys; i++) {
            (void) sprintf(key, "%u/%u", keys, i);
            wrong += wgw_table_find(&t, text(key)) != WGW_TABLE_FIRST + i;
        }

        wrong += wgw_table_get(&t, text("more")) != WGW_TABLE_OTHER;
        munmap(t.header, size);
    }

    ok(wrong == 0, "tables of 1 to 200 keys, each full");

    size = make(&t, 2000, 24, WGW_WINDOW_MONTH);

    for (i = 0; i < 4000; i++) {
        t.segments->index[i] = i << 24 | 0xffffff;
    }

    ok(wgw_table_get(&t, text("key")) == WGW_TABLE_OTHER,
       "an index of nonsense: other");
    ok(wgw_table_find(&t, text("key")) == WGW_TABLE_UNKNOWN, "nor found");

    munmap(t.header, size);
}


typedef struct {
    const char  *error;
    size_t       offset;
    const char  *bytes;
    size_t       len;
    int          size;          /* the file differs by this much */
} check_case_t;


static const check_case_t  check_cases[] = {
    { "is not a wgw table", 0, "\x7f""ELF", 4, 0 },
    { "is not a wgw table", 0, "\0\0\0\0\0\0\0", 8, 0 },
    { "was made by a machine of another byte order", 8, "\1\2\3\4", 4, 0 },
    { "has format version 7, newer than 3", 12, "\7", 1, 0 },
    { "has a damaged header", 12, "\0", 1, 0 },
    { "is a wgw table of another kind", 16, "\2", 1, 0 },
    { "has a damaged header", 20, "\1", 1, 0 },
    { "has a damaged header", 40, "\xee", 1, 0 },
    { "has a damaged header", 56, "\xee", 1, 0 },
    { "is truncated", 0, "", 0, -1 },
    { "is truncated", 0, "", 0, -1000 },
    { "has a damaged header", 30, "\1", 1, 0 },
    { "has a damaged header", 208, "\x11", 1, 0 }
};


static void
headers(void)
{
    char                 *copy, *header;
    size_t                i, size;
    uint32_t              accepted;
    const char           *error;
    wgw_table_t           t;
    wgw_table_conf_t      conf;
    const check_case_t   *c;

    size = make(&t, 1000, 32, WGW_WINDOW_HOUR);
    header = (char *) t.header;
    copy = malloc(WGW_TABLE_HEADER + 1);
    assert(copy);

    /* a header is looked at where it happens to be in memory */

    copy++;
    memcpy(copy, header, WGW_TABLE_HEADER);

    ok(wgw_table_check(copy, size, &conf, &error) == 0
       && conf.keys == 1000 && conf.key_bytes == 32
       && conf.window.kind == WGW_WINDOW_HOUR && conf.window.reset_day == 1,
       "a header tells how the table was made");

    for (i = 0; i < sizeof(check_cases) / sizeof(check_cases[0]); i++) {
        c = &check_cases[i];
        memcpy(copy, header, WGW_TABLE_HEADER);
        memcpy(copy + c->offset, c->bytes, c->len);

        ok(wgw_table_check(copy, size + (size_t) c->size, &conf, &error)
           == -1, "refused: %s", c->error);
        is(error, strlen(error), c->error, "the reason");
    }

    accepted = 0;

    for (i = 0; i < 512; i++) {
        memcpy(copy, header, WGW_TABLE_HEADER);
        copy[i / 8] = (char) (copy[i / 8] ^ 1 << i % 8);
        accepted += wgw_table_check(copy, size, &conf, &error) == 0;
    }

    ok(accepted == 0, "one bit wrong anywhere is seen");

    wgw_table_add(&t, wgw_table_get(&t, text("a")),
                  wgw_table_period(&t, 5), 1, 1, 1);
    ok(wgw_table_check(t.header, size, &conf, &error) == 0,
       "counting does not touch what is checked");

    free(copy - 1);
    munmap(header, size);
}


/* What counter.h does in place, of the same kinds. */

static void
usual(void)
{
    int                waiting;
    size_t             size;
    uint32_t           r;
    uint64_t           p;
    wgw_table_t        t, more;
    wgw_record_hot_t  *hot;

    size = make(&t, 10, 24, WGW_WINDOW_DAY);
    r = wgw_table_get(&t, text("key"));
    p = wgw_table_period(&t, 10 * DAY);
    hot = wgw_table_hot(&t, r);

    ok(!wgw_counter_add(&t, hot, 1, 1, 1)
       && usage_of(&t, "key", 10 * DAY).sent == 0
       && !wgw_counter_hold(&t, hot, 3, 100, 1) && hot->held == 0,
       "not where the window is new");

    wgw_table_add(&t, r, p, 10, 0, 1);
    ok(wgw_counter_add(&t, hot, 10, 20, 1)
       && usage_of(&t, "key", 10 * DAY).window.sent == 20
       && usage_of(&t, "key", 10 * DAY).window.received == 20,
       "an addition");

    ok(wgw_counter_hold(&t, hot, 3, 100, 59)
       && !wgw_counter_hold(&t, hot, 3, 100, 2) && hot->held == 59
       && wgw_counter_hold(&t, hot, 3, 100, 1) && hot->held == 60,
       "all that is wanted, to the byte, or nothing");
    ok(wgw_table_hold(&t, r, p, 3, 100, 1, &waiting) == 0 && waiting == 1,
       "as the others see it");
    wgw_counter_release(hot, 60);

    ok(wgw_counter_hold(&t, hot, WGW_COUNT_RECEIVED, 100, 80)
       && hot->held == 80, "the direction that the cap counts");
    wgw_counter_release(hot, 80);

    ok(!wgw_counter_hold(&t, hot, 3, 0, 1)
       && !wgw_counter_hold(&t, hot, 3, 39, 1)
       && !wgw_counter_hold(&t, hot, 3, 100, 0)
       && !wgw_counter_hold(&t, hot, 3, UINT64_MAX, UINT64_MAX)
       && hot->held == 0, "nothing of a cap of nothing, nor without a wish");

    more = t;
    more.count = 2;
    ok(!wgw_counter_hold(&more, hot, 3, 100, 1) && hot->held == 0,
       "not in a table that grew");

    (void) wgw_table_period(&t, 11 * DAY);
    ok(!wgw_counter_add(&t, hot, 1, 0, 0)
       && !wgw_counter_hold(&t, hot, 3, 100, 1) && hot->held == 0,
       "nor in the next window, before it is touched");

    munmap(t.header, size);
}


static void
holding(void)
{
    int          waiting;
    size_t       size;
    uint32_t     r;
    uint64_t     p;
    wgw_table_t  t;

    size = make(&t, 10, 24, WGW_WINDOW_DAY);
    r = wgw_table_get(&t, text("key"));
    p = wgw_table_period(&t, 10 * DAY);

    ok(wgw_table_hold(&t, r, p, 3, 100, 60, &waiting) == 60, "60 of 100");
    ok(wgw_table_hold(&t, r, p, 3, 100, 60, &waiting) == 40, "then 40");
    ok(wgw_table_hold(&t, r, p, 3, 100, 60, &waiting) == 0 && waiting == 1,
       "then nothing yet");

    wgw_table_add(&t, r, p, 30, 0, 1);
    wgw_table_release(&t, r, 60);
    ok(wgw_table_hold(&t, r, p, 3, 100, 60, &waiting) == 30,
       "what was not sent comes back");

    wgw_table_add(&t, r, p, 20, 50, 1);
    wgw_table_release(&t, r, 70);
    ok(wgw_table_hold(&t, r, p, 3, 100, 1, &waiting) == 0 && waiting == 0,
       "used up");
    ok(wgw_table_hold(&t, r, p, 3, 101, 9, &waiting) == 1, "a higher cap");
    wgw_table_release(&t, r, 1);
    ok(wgw_table_hold(&t, r, p, 3, 50, 9, &waiting) == 0 && waiting == 0,
       "a lower cap");
    ok(wgw_table_hold(&t, r, p, WGW_COUNT_SENT, 100, 99, &waiting) == 50,
       "the cap counts what was sent");
    wgw_table_release(&t, r, 50);
    ok(wgw_table_hold(&t, r, p, WGW_COUNT_RECEIVED, 100, 99, &waiting) == 50,
       "or received");
    wgw_table_release(&t, r, 50);

    ok(wgw_table_hold(&t, r, p, 3, UINT64_MAX, UINT64_MAX, &waiting) > 0
       && usage_of(&t, "key", 0).held < UINT64_MAX / 4096,
       "a boundless cap and wish");
    ok(wgw_table_hold(&t, r, p, 3, 0, 1, &waiting) == 0 && !waiting,
       "a cap of nothing");
    ok(wgw_table_hold(&t, r, p, 3, 1000, 0, &waiting) == 0 && !waiting,
       "nothing wanted");

    ok(wgw_table_repair(&t, 0) == 0 && usage_of(&t, "key", 0).held == 0,
       "a repair releases");

    p = wgw_table_period(&t, 11 * DAY);
    ok(wgw_table_hold(&t, r, p, 3, 100, 200, &waiting) == 100,
       "a new window is whole");

    munmap(t.header, size);
}


/* After a power loss pages are of different times. */

static void
torn(void)
{
    size_t       size;
    uint32_t     a, b, c;
    uint64_t     p;
    wgw_table_t  t;
    wgw_usage_t  usage;

    size = make(&t, 100, 24, WGW_WINDOW_DAY);
    a = wgw_table_get(&t, text("a"));
    b = wgw_table_get(&t, text("b"));
    c = wgw_table_get(&t, text("c"));

    p = wgw_table_period(&t, 10 * DAY);
    wgw_table_add(&t, a, p, 100, 10, 1);
    wgw_table_add(&t, b, p, 200, 20, 1);
    wgw_table_add(&t, c, p, 400, 40, 1);

    p = wgw_table_period(&t, 11 * DAY);
    wgw_table_add(&t, a, p, 1, 1, 1);
    wgw_table_add(&t, c, p, 4, 4, 1);
    wgw_table_refused(&t, c);

    /* b is named "a" as well, c has lost its name */

    t.segments->cold[b].granule = t.segments->cold[a].granule;
    t.segments->cold[b].mark = t.segments->cold[a].mark;
    t.segments->cold[c].mark ^= 0x4000;

    ok(wgw_table_repair(&t, 1) == 1, "one record has lost its key");

    usage = usage_of(&t, "a", 11 * DAY);
    ok(usage.sent == 301 && usage.received == 31 && usage.requests == 3
       && usage.window.sent == 1 && usage.last.sent == 300
       && usage.window.received == 1 && usage.last.received == 30,
       "two records of one key become one, windows too");

    (void) wgw_table_read(&t, WGW_TABLE_OTHER, 11 * DAY, &usage);
    ok(usage.sent == 404 && usage.received == 44 && usage.refused == 1
       && usage.window.sent == 4 && usage.last.sent == 400,
       "other has what lost its key");

    ok(wgw_table_find(&t, text("c")) == WGW_TABLE_UNKNOWN
       && wgw_table_get(&t, text("c")) == b, "records below are free again");

    (void) wgw_table_read(&t, b, 11 * DAY, &usage);
    ok(usage.sent == 0 && usage.requests == 0 && usage.refused == 0,
       "and blank");

    /* the header's page is older than the records */

    t.header->clock = 0;
    (void) wgw_table_repair(&t, 1);
    wgw_table_add(&t, a, wgw_table_period(&t, 12 * DAY), 5, 5, 1);
    usage = usage_of(&t, "a", 12 * DAY);
    ok(usage.sent == 306 && usage.window.sent == 5 && usage.last.sent == 0,
       "windows that the header does not know of are forgotten");

    munmap(t.header, size);
}


int
main(void)
{
    basics();
    unpublished();
    windows();
    ring();
    same_hash();
    full();
    collisions();
    headers();
    usual();
    holding();
    torn();

    return done();
}
