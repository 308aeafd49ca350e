
/*
 * Names in a store: their changes and conditions, and the deletions that are
 * to end connections.
 */

#include <time.h>

#include "t/unit/store/store.h"


typedef struct {
    uint64_t  first;
    uint64_t  now;
} versions_t;


static time_t  ahead;           /* of the true time, seconds */


/* The parts' own clock, instead of libc's. */

time_t
time(time_t *t)
{
    struct timespec  now;

    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += ahead;

    if (t) {
        *t = now.tv_sec;
    }

    return now.tv_sec;
}


static wgw_store_rc_t
next(wgw_store_t *store, wgw_text_t after, wgw_text_t *key)
{
    wgw_text_t  packed;

    return wgw_store_next(store, WGW_ROWS, after, key, &packed, &error);
}


/* Leaves a.example with a cap of 2; returns its versions. */

static versions_t
puts_and_versions(wgw_store_t *store)
{
    write_t   first, second, third;
    uint64_t  id, later;

    wgw_store_begin(store, &id, &error);
    wgw_store_end(store);

    first = put(store, "a.example", 1);
    ok(first.rc == WGW_STORE_OK && !first.row.existed && first.row.change > id,
       "put: new");

    second = put(store, "a.example", 1);
    ok(second.rc == WGW_STORE_OK && second.row.existed
       && second.row.change == first.row.change,
       "put of the same: nothing changes");

    wgw_store_begin(store, &later, &error);
    wgw_store_end(store);
    ok(later == first.row.change, "not even the store's id");

    third = put(store, "a.example", 2);
    ok(third.row.existed && third.row.change > first.row.change,
       "put of another");
    ok(cap(store, "a.example") == 2, "which is then there");

    return (versions_t) { first.row.change, third.row.change };
}


static void
conditions(wgw_store_t *store, versions_t version)
{
    write_t       change;
    wgw_record_t  made;

    made = record(3);
    memset(&change, 0, sizeof(change));

    change.row.name = text("a.example");
    change.row.record = &made;
    change.row.match = 1;
    change.row.if_match[0] = version.first;
    change.row.nmatch = 1;
    write_list(store, &change, 1);
    ok(change.rc == WGW_STORE_MISMATCH, "another version: mismatch");

    change.row.if_match[1] = version.now;
    change.row.nmatch = 2;
    write_list(store, &change, 1);
    ok(change.rc == WGW_STORE_OK, "this version");

    change.row.name = text("b.example");
    change.row.nmatch = 0;
    write_list(store, &change, 1);
    ok(change.rc == WGW_STORE_MISMATCH, "any version, but there is none");

    change.row.match = 0;
    change.row.absent = 1;
    write_list(store, &change, 1);
    ok(change.rc == WGW_STORE_OK, "only if absent");
    write_list(store, &change, 1);
    ok(change.rc == WGW_STORE_MISMATCH, "and not again");
}


/* In one transaction, and one fails by itself. */

static void
two_at_once(wgw_store_t *store)
{
    write_t       list[2];
    wgw_record_t  made;

    made = record(3);
    memset(list, 0, sizeof(list));

    list[0].row.name = text("none.example");
    list[1].row.name = text("c.example");
    list[1].row.record = &made;
    ok(write_list(store, list, 2) == WGW_STORE_OK
       && list[0].rc == WGW_STORE_NONE && list[1].rc == WGW_STORE_OK,
       "one change of two has nothing to delete");
    ok(cap(store, "c.example") == 3, "the other one is made");
}


static void
pages(wgw_store_t *store)
{
    write_t      change;
    uint64_t     id;
    wgw_text_t   key;

    wgw_store_begin(store, &id, &error);
    ok(next(store, text(""), &key) == WGW_STORE_OK, "first");
    is(key.data, key.len, "a.example", "name");
    ok(next(store, text("a.example"), &key) == WGW_STORE_OK,
       "after a name that is there");
    is(key.data, key.len, "b.example", "name");
    ok(next(store, text("bb"), &key) == WGW_STORE_OK, "after one that is not");
    is(key.data, key.len, "c.example", "name");
    ok(next(store, text("c.example"), &key) == WGW_STORE_NONE,
       "after the last");
    wgw_store_end(store);

    memset(&change, 0, sizeof(change));
    change.row.name = text("a.example");
    write_list(store, &change, 1);
    ok(change.rc == WGW_STORE_OK && cap(store, "a.example") == -1, "delete");
}


static void
test_changes(void)
{
    wgw_store_t  *store;

    store = fresh("changes");

    conditions(store, puts_and_versions(store));
    two_at_once(store);
    pages(store);

    wgw_store_close();
}


static void
delete(wgw_store_t *store, const char *name, unsigned close)
{
    write_t  write;

    memset(&write, 0, sizeof(write));

    write.row.name = text(name);
    write.row.close = close & 1;

    write_list(store, &write, 1);
}


/* The deletions noted behind `at`, which is moved: "a b c". */

static const char *
closed(wgw_store_t *store, wgw_rows_closed_t *at)
{
    uint64_t     id, before;
    wgw_out_t    out;

    static char  names[256];

    wgw_out_init(&out, names, sizeof(names) - 1);
    wgw_store_begin(store, &id, &error);

    before = at->id;

    while (wgw_rows_closed(store, at, &error) == WGW_STORE_OK) {
        if (at->id < before || at->id > id) {
            ok(0, "transactions are in order");
        }

        before = at->id;

        wgw_out_str(&out, out.pos > out.start ? " " : "");
        wgw_out_bytes(&out, at->name, at->len);
    }

    wgw_store_end(store);
    *out.pos = '\0';

    return names;
}


/* They are kept for a minute; then a reader goes on after them. */

static void
closed_later(wgw_store_t *store, wgw_rows_closed_t *first)
{
    wgw_rows_closed_t  third;

    ahead = 59;
    put(store, "e.example", 1);
    delete(store, "e.example", 1);
    memset(&third, 0, sizeof(third));
    ok(strcmp(closed(store, &third),
              "c.example b.example d.example e.example") == 0,
       "they are kept for a minute");

    ahead = 100;
    put(store, "f.example", 1);
    delete(store, "f.example", 1);
    memset(&third, 0, sizeof(third));
    ok(strcmp(closed(store, &third), "e.example f.example") == 0,
       "and no longer");
    ok(strcmp(closed(store, first), "e.example f.example") == 0,
       "a reader whose place was forgotten goes on after it");

    ahead = 0;
    put(store, "g.example", 1);
    delete(store, "g.example", 1);
    memset(&third, 0, sizeof(third));
    ok(strcmp(closed(store, &third), "g.example") == 0,
       "a clock that was set back");
}


static void
test_closed(void)
{
    wgw_store_t         *store;
    write_t              write, list[2];
    wgw_rows_closed_t    first, second;

    store = fresh("closed");

    memset(&first, 0, sizeof(first));
    ok(strcmp(closed(store, &first), "") == 0 && first.id == 0,
       "no deletion is noted");

    put(store, "a.example", 1);
    put(store, "b.example", 1);
    put(store, "c.example", 1);
    write = put(store, "d.example", 1);

    delete(store, "a.example", 0);
    delete(store, "none.example", 1);
    ok(strcmp(closed(store, &first), "") == 0,
       "none without close, none of what is not there");

    second = first;
    delete(store, "c.example", 1);
    ok(strcmp(closed(store, &first), "c.example") == 0, "one with close");
    ok(first.id > write.row.change, "later than the records");
    ok(strcmp(closed(store, &first), "") == 0, "which is seen once");

    memset(list, 0, sizeof(list));
    list[0].row.name = text("d.example");
    list[0].row.close = 1;
    list[1].row.name = text("b.example");
    list[1].row.close = 1;
    write_list(store, list, 2);

    ok(strcmp(closed(store, &first), "b.example d.example") == 0,
       "two in a transaction");
    ok(strcmp(closed(store, &second), "c.example b.example d.example") == 0,
       "by another reader, all");

    closed_later(store, &first);

    put(store, "h.example", 5);
    ok(cap(store, "h.example") == 5, "names are found among all that");

    wgw_store_close();
}


int
main(void)
{
    if (mkdtemp(root) == NULL) {
        return 1;
    }

    test_changes();
    test_closed();

    return done_in(root);
}
