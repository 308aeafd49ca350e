
/*
 * Names that several machines have alike, in a store: notes of what was
 * changed, what others tell, and what of it is taken.
 */

#include "names/follow.h"

#include "t/unit/store/store.h"


#define JSON(cap)                                                             \
    "{\"name\":\"a.example\",\"backends\":[\"http://192.0.2.1\"],"            \
    "\"cap_bytes\":" #cap "}"


static wgw_record_rules_t    rules;
static wgw_record_error_t    refused;
static wgw_follow_state_t    state;
static char                  storage[WGW_RECORD_JSON];
static wgw_follow_item_t     item;


static void
begin(wgw_store_t *store, uint64_t random)
{
    wgw_txn_t  t;

    wgw_txn_begin(&t, store);
    (void) wgw_follow_start(&t, random, &state);
    ok(wgw_txn_end(&t, &error) == WGW_STORE_OK, "it is followed");
}


/* How many names are in the outbox, or in another database. */

static uint64_t
rows(wgw_store_t *store, unsigned db)
{
    uint64_t  id, n;

    wgw_store_begin(store, &id, &error);
    n = wgw_store_rows(store, db);
    wgw_store_end(store);

    return n;
}


static wgw_store_rc_t
outbox(wgw_store_t *store, const char *after)
{
    uint64_t        id;
    wgw_store_rc_t  rc;

    wgw_store_begin(store, &id, &error);
    rc = wgw_follow_next(store, 0, text(after), &item, &error);
    wgw_store_end(store);

    return rc;
}


static wgw_follow_verdict_t
take(wgw_store_t *store, uint64_t version, const char *json)
{
    wgw_txn_t             t;
    wgw_follow_row_t      row;
    wgw_follow_verdict_t  verdict;

    memset(&row, 0, sizeof(row));
    row.name = text("a.example");
    row.version = version;
    row.life = 77;
    row.json = text(json ? json : "");
    row.gone = json == NULL;

    wgw_txn_begin(&t, store);
    verdict = wgw_follow_take(&t, &row, &rules, storage, &refused);
    wgw_txn_end(&t, &error);

    return verdict;
}


static void
told(wgw_store_t *store, const char *name, uint64_t seq, uint64_t version,
    unsigned gone)
{
    wgw_txn_t  t;

    wgw_txn_begin(&t, store);
    (void) wgw_follow_told(&t, text(name), seq, version, gone);
    wgw_txn_end(&t, &error);
}


static void
notes(wgw_store_t *store)
{
    uint64_t  seq;

    (void) put(store, "before.example", 1);
    ok(rows(store, WGW_ROWS_OUTBOX) == 0, "nothing is noted unless asked");

    begin(store, 5);
    ok(state.store == 5 && !state.known, "a state is made");
    begin(store, 6);
    ok(state.store == 5, "and kept");

    (void) put(store, "b.example", 1);
    ok(outbox(store, "") == WGW_STORE_OK
       && wgw_text_equal(item.row.name, text("b.example"))
       && !item.row.gone && item.row.version == 0 && item.row.life,
       "a change is noted, and what it is now");
    seq = item.seq;

    (void) put(store, "b.example", 1);
    ok(outbox(store, "") == WGW_STORE_OK && item.seq == seq,
       "the same again is not");

    (void) put(store, "b.example", 2);
    ok(outbox(store, "") == WGW_STORE_OK && item.seq > seq,
       "another one is");

    told(store, "b.example", seq, 100, 0);
    ok(rows(store, WGW_ROWS_OUTBOX) == 1, "what was told before is left");

    told(store, "b.example", item.seq, 101, 0);
    ok(rows(store, WGW_ROWS_OUTBOX) == 0, "and what was told goes");
    ok(outbox(store, "b.example") == WGW_STORE_NONE, "nothing is behind it");
}


static void
taken(wgw_store_t *store)
{
    uint64_t  id;

    ok(take(store, 200, JSON(3)) == WGW_FOLLOW_TAKEN
       && cap(store, "a.example") == 3, "what others tell is taken");
    ok(rows(store, WGW_ROWS_OUTBOX) == 0, "and not told again");

    wgw_store_begin(store, &id, &error);
    wgw_store_end(store);

    ok(take(store, 200, JSON(4)) == WGW_FOLLOW_SAME
       && take(store, 199, JSON(4)) == WGW_FOLLOW_SAME
       && take(store, 150, NULL) == WGW_FOLLOW_SAME
       && cap(store, "a.example") == 3
       && wgw_store_id(store) == id, "what is no later changes nothing");

    ok(take(store, 201, "{\"backends\":[]}") == WGW_FOLLOW_REFUSED
       && strcmp(refused.field, "backends") == 0
       && cap(store, "a.example") == 3, "what is bad is refused");
    ok(take(store, 201, JSON(4) "x") == WGW_FOLLOW_REFUSED, "behind it, too");
    ok(take(store, 201, "{\"name\":\"b.example\",\"backends\":"
                        "[\"http://192.0.2.1\"]}")
       == WGW_FOLLOW_REFUSED, "or of another name");
    ok(take(store, 201, JSON(4)) == WGW_FOLLOW_TAKEN, "it may come later");

    ok(take(store, 202, NULL) == WGW_FOLLOW_TAKEN
       && cap(store, "a.example") == -1, "what is gone goes");
    ok(take(store, 201, JSON(5)) == WGW_FOLLOW_SAME
       && cap(store, "a.example") == -1, "and does not come back");
    ok(take(store, 203, JSON(5)) == WGW_FOLLOW_TAKEN, "but for a later one");

    (void) put(store, "a.example", 6);
    ok(take(store, 300, JSON(7)) == WGW_FOLLOW_MINE
       && cap(store, "a.example") == 6, "what is changed here stays");

    (void) outbox(store, "");
    told(store, "a.example", item.seq, 301, 0);
    ok(take(store, 300, JSON(7)) == WGW_FOLLOW_SAME, "since it is later");
}


/* Addresses are of any gateway; backends are what they are for all. */

static void
ruled(wgw_store_t *store)
{
    static const char  json[] =
        "{\"name\":\"a.example\",\"backends\":[\"http://127.0.0.1\"]}";
    static const char  placed[] =
        "{\"name\":\"a.example\",\"backends\":[\"http://192.0.2.1\"],"
        "\"addresses\":[\"203.0.113.10\"],\"gateways\":[\"gw1\"]}";

    ok(take(store, 400, json) == WGW_FOLLOW_REFUSED, "loopback is refused");

    rules.allow_loopback = 1;
    ok(take(store, 400, json) == WGW_FOLLOW_TAKEN, "where it is not allowed");
    rules.allow_loopback = 0;

    ok(take(store, 401, placed) == WGW_FOLLOW_REFUSED, "another's address");
    rules.shared = 1;
    ok(take(store, 401, placed) == WGW_FOLLOW_TAKEN, "is known in a fleet");
}


static unsigned
each(wgw_store_t *store, const char *names)
{
    uint64_t          id;
    unsigned          n;
    wgw_text_t        after;
    wgw_follow_row_t  row;

    after = text("");
    n = 0;

    wgw_store_begin(store, &id, &error);

    while (wgw_follow_each(store, after, &row, &error) == WGW_STORE_OK) {
        after = row.name;
        n += (row.gone ? 1000 : 1);

        if (memcmp(row.name.data, names, row.name.len) != 0) {
            n += 100000;
        }

        names += row.name.len + 1;
    }

    wgw_store_end(store);

    return n;
}


static void
lists(wgw_store_t *store)
{
    wgw_txn_t  t;
    size_t     len;
    char       name[WGW_NAME_MAX];

    told(store, "aa.example", 0, 500, 1);
    told(store, "zz.example", 0, 501, 1);
    (void) put(store, "c.example", 1);

    ok(each(store, "a.example aa.example b.example before.example zz.example")
       == 2003, "records and what is gone, but for what is to be told");

    wgw_txn_begin(&t, store);
    (void) wgw_follow_refill(&t, text("b.example"));
    (void) wgw_follow_refill(&t, text("aa.example"));
    (void) wgw_follow_drop(&t, text("before.example"));
    (void) wgw_follow_drop(&t, text("b.example"));
    (void) wgw_follow_drop(&t, text("c.example"));
    wgw_txn_end(&t, &error);

    ok(cap(store, "before.example") == -1, "dropped");
    ok(cap(store, "b.example") == 2, "not what the fleet is to be told");
    ok(cap(store, "c.example") == 1, "nor what was changed here");
    ok(rows(store, WGW_ROWS_REFILL) == 2, "two are to be told if needed");

    told(store, "b.example", 0, 0, 0);
    ok(rows(store, WGW_ROWS_REFILL) == 1, "one is not, as there is a later");

    len = 0;

    wgw_txn_begin(&t, store);
    (void) wgw_follow_forget(&t, 500 + WGW_FOLLOW_REMEMBERED + 1, name, &len);
    wgw_txn_end(&t, &error);

    ok(len == 0 && each(store, "a.example b.example zz.example") == 1002,
       "what is gone for too long is forgotten");
}


/* A replace of the whole set notes what is another, is new, or gone. */

static void
replaced(void)
{
    unsigned            i, more;
    wgw_store_t        *store;
    wgw_shadow_t        shadow;
    wgw_store_row_t     set[3];
    wgw_store_counts_t  counts;

    store = fresh("replaced");

    for (i = 0; i < 3; i++) {
        set[i] = row(i, 1, i + 1);
    }

    wgw_row_write(store, WGW_ROWS, set, 3, &counts, &error);
    begin(store, 9);
    ok(rows(store, WGW_ROWS_OUTBOX) == 0, "what was there before is not");

    set[0] = row(1, 1, 1);                      /* the same */
    set[1] = row(2, 2, 2);                      /* another */
    set[2] = row(3, 1, 3);                      /* new; 0 is gone */

    wgw_shadow_start(store, &shadow, &error);

    do {
        wgw_shadow_clear(store, &shadow, 1, &more, &error);
    } while (more);

    wgw_shadow_load(store, &shadow, set, 3, &error);
    ok(rows(store, WGW_ROWS_OUTBOX) == 0, "nor what is not served yet");

    wgw_shadow_flip(store, &shadow, &counts, &error);

    ok(rows(store, WGW_ROWS_OUTBOX) == 3, "three of four are noted");
    ok(outbox(store, "") == WGW_STORE_OK
       && wgw_text_equal(item.row.name, text("n0000.example"))
       && item.row.gone, "one is gone");
    ok(outbox(store, "n0000.example") == WGW_STORE_OK
       && wgw_text_equal(item.row.name, text("n0002.example"))
       && !item.row.gone, "one is another");
    ok(outbox(store, "n0002.example") == WGW_STORE_OK
       && wgw_text_equal(item.row.name, text("n0003.example")),
       "and one is new");
}


/* One that an earlier version made, without these databases. */

static void
earlier(void)
{
    wgw_store_t        *store;
    wgw_store_class_t   class;

    class = wgw_rows_class;
    class.n = 1;
    class.notes = 0;

    ok(wgw_store_create(&class, path("earlier"), geteuid(), getegid(), &error)
       == WGW_STORE_OK, "a store of before");
    ok(wgw_store_check(&wgw_rows_class, path("earlier"), &error)
       == WGW_STORE_OK, "is good");

    store = fresh("earlier");
    begin(store, 1);
    (void) put(store, "a.example", 1);
    ok(rows(store, WGW_ROWS_OUTBOX) == 1, "and can be followed");
}


int
main(void)
{
    wgw_store_t  *store;

    if (mkdtemp(root) == NULL) {
        return 1;
    }

    rules.domain = text("");
    store = fresh("follow");

    notes(store);
    taken(store);
    ruled(store);
    lists(store);
    replaced();
    earlier();

    wgw_store_close();

    return done_in(root);
}
