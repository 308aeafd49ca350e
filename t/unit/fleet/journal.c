
/*
 * Records of the journal: what is written is read again, and what is not right
 * is refused.
 *
 * sources: fleet/journal
 */

#include "fleet/journal.h"
#include "t/unit/tap.h"


static uint8_t             buffer[WGW_JOURNAL_MAX];
static wgw_journal_rows_t  rows;


static wgw_reading_t
reading(const char *zone, const char *key, uint64_t sent)
{
    wgw_reading_t  r;

    memset(&r, 0, sizeof(r));

    r.zone.data = zone;
    r.zone.len = strlen(zone);
    r.kind = wgw_text("name");
    r.key.data = key;
    r.key.len = strlen(key);
    r.sums.sent = sent;
    r.sums.received = 7;
    r.sums.requests = 1;

    return r;
}


static wgw_journal_record_t
record(void)
{
    wgw_journal_record_t  r;

    memset(&r, 0, sizeof(r));

    r.epoch = 1732700000000;
    r.seq = 17;
    r.from = 1732700000;
    r.to = 1732700010;
    r.node = wgw_text("node-1.example");
    memset(r.prev, 0xab, sizeof(r.prev));

    return r;
}


static void
test_again(void)
{
    size_t                 len;
    const char            *error;
    wgw_reading_t          one, r;
    wgw_journal_record_t   head, got;

    wgw_journal_rows(&rows);

    one = reading("names", "shop.gw1.example", (UINT64_C(1) << 53) + 1);
    one.labels = wgw_text("\5owner\5alice");
    one.life = 3;
    one.window = 658;
    one.window_sent = 5;
    ok(wgw_journal_row(&rows, &one) == 0, "a row");

    one = reading("names", "a\xff\0b", 9);
    one.key.len = 4;
    one.based = 1;
    one.base.sent = 9;
    ok(wgw_journal_row(&rows, &one) == 0, "a key of any bytes, with a base");

    one = reading("payers", "", 0);
    one.class = WGW_READING_DENIED;
    ok(wgw_journal_row(&rows, &one) == 0, "a class");

    head = record();
    head.note = wgw_text("a note");
    len = wgw_journal_write(buffer, &head, &rows);

    ok(wgw_journal_read(buffer, len, &got, &error) == 0, "read");
    ok(got.epoch == head.epoch && got.seq == 17 && got.from == head.from
       && got.to == head.to && got.rows == 3
       && memcmp(got.prev, head.prev, 32) == 0, "the head");
    is(got.node.data, got.node.len, "node-1.example", "the node");
    is(got.note.data, got.note.len, "a note", "the note");

    ok(wgw_journal_next(&got, &r) == 1, "the first row");
    is(r.zone.data, r.zone.len, "names", "its zone");
    is(r.kind.data, r.kind.len, "name", "what its keys are");
    is(r.key.data, r.key.len, "shop.gw1.example", "its key");
    is(r.labels.data, r.labels.len, "\5owner\5alice", "its labels");
    ok(r.sums.sent == (UINT64_C(1) << 53) + 1, "egress 144: 2^53 + 1 bytes");
    ok(r.life == 3 && r.window == 658 && r.window_sent == 5 && !r.based,
       "life and window");

    ok(wgw_journal_next(&got, &r) == 1 && r.key.len == 4 && r.based
       && r.base.sent == 9 && r.zone.len == 5, "the second");
    ok(wgw_journal_next(&got, &r) == 1 && r.class == WGW_READING_DENIED
       && r.zone.len == 6 && r.key.len == 0, "the third");
    ok(wgw_journal_next(&got, &r) == 0, "and no more");
}


static void
test_full(void)
{
    int                   n;
    char                  key[WGW_JOURNAL_KEY + 1];
    size_t                len;
    const char           *error;
    wgw_reading_t         one;
    wgw_journal_record_t  head, got;

    memset(key, 'k', sizeof(key));
    key[WGW_JOURNAL_KEY] = '\0';

    wgw_journal_rows(&rows);

    one = reading("names", key, UINT64_MAX >> 1);

    for (n = 0; wgw_journal_row(&rows, &one) == 0; n++) { /* void */ }

    ok(n > 500 && n <= WGW_JOURNAL_ROWS, "%d rows of the longest keys", n);

    head = record();
    len = wgw_journal_write(buffer, &head, &rows);

    ok(len < WGW_JOURNAL_MAX
       && wgw_journal_read(buffer, len, &got, &error) == 0
       && got.rows == (uint32_t) n, "fit");

    wgw_journal_rows(&rows);
    one = reading("n", "k", 1);

    for (n = 0; wgw_journal_row(&rows, &one) == 0; n++) { /* void */ }

    ok(n == WGW_JOURNAL_ROWS, "no more rows than that");
}


/* Every cut, and every bit, of a record: never more than what is there. */

static void
test_bad(void)
{
    char                  *copy;
    size_t                 i, len, bad;
    const char            *error;
    wgw_reading_t          one;
    wgw_journal_record_t   head, got;

    wgw_journal_rows(&rows);
    one = reading("names", "shop", 100);
    one.labels = wgw_text("\1a\1b");
    (void) wgw_journal_row(&rows, &one);

    head = record();
    len = wgw_journal_write(buffer, &head, &rows);
    bad = 0;

    for (i = 0; i < len; i++) {
        copy = malloc(i ? i : 1);
        memcpy(copy, buffer, i);
        bad += wgw_journal_read((uint8_t *) copy, i, &got, &error) != 0;
        free(copy);
    }

    ok(bad == len, "no record that is cut short is one");

    for (i = 0; i < len * 8; i++) {
        buffer[i / 8] ^= (uint8_t) (1 << i % 8);

        if (wgw_journal_read(buffer, len, &got, &error) == 0) {
            while (wgw_journal_next(&got, &one)) { /* void */ }
        }

        buffer[i / 8] ^= (uint8_t) (1 << i % 8);
    }

    ok(wgw_journal_read(buffer, len, &got, &error) == 0, "any bit turned");
    buffer[len] = 0;
    ok(wgw_journal_read(buffer, len + 1, &got, &error) != 0, "more behind it");
    ok(strcmp(error, "has more behind its last row") == 0, "%s", error);
}


static void
test_nodes(void)
{
    ok(wgw_journal_node(wgw_text("gw-1.example_a")), "a node's name");
    ok(!wgw_journal_node(wgw_text("")), "an empty one");
    ok(!wgw_journal_node(wgw_text("a b")), "a blank");
    ok(!wgw_journal_node(wgw_text("a/b")), "a slash");
}


int
main(void)
{
    test_again();
    test_full();
    test_bad();
    test_nodes();

    return done();
}
