
/*
 * A store that is not of names: how another feature keeps rows of its own,
 * in several databases, without a pair.
 */

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/unit/tap.h"
#include "store/make.h"
#include "store/row.h"
#include "store/store.h"


#define TOKENS  1
#define LINKS   2


static char               root[] = "/tmp/wgw-own.XXXXXX";
static unsigned           copied;
static wgw_store_error_t  error;


static wgw_store_rc_t
note_copied(wgw_txn_t *t)
{
    copied++;

    return wgw_txn_put(t, WGW_STORE_META, wgw_text("copied"), wgw_text("1"));
}


/* a token has a letter before its change id, a link is plain */

static const wgw_store_class_t  class = {
    .what = "tokens",
    .meta = "tokens",
    .format = 3,
    .n = 2,
    .databases = { { "token", 1, NULL }, { "link", WGW_STORE_PLAIN, NULL } },
    .copied = note_copied
};

static const wgw_store_class_t  other = {
    .what = "others",
    .meta = "others",
    .format = 1,
    .pair = 1,
    .n = 1,
    .databases = { { "row", 0, NULL } }
};


static const char *
path(const char *name)
{
    static char  text[256];

    snprintf(text, sizeof(text), "%s/%s", root, name);

    return text;
}


static wgw_text_t
text(const char *s)
{
    return (wgw_text_t) { s, strlen(s) };
}


static wgw_store_t *
fresh(const char *name)
{
    wgw_store_t  *store;

    if (wgw_store_create(&class, path(name), geteuid(), getegid(), &error)
        != WGW_STORE_OK)
    {
        ok(0, "create %s: %s", name, error.text);
        exit(1);
    }

    store = wgw_store_open(&class, path(name), WGW_STORE_SYNC_META, &error);

    if (store == NULL) {
        ok(0, "open %s: %s", name, error.text);
        exit(1);
    }

    return store;
}


/* A token and its link in one transaction; the token's change id. */

static uint64_t
put(wgw_store_t *store, const char *name, char letter)
{
    char       value[9] = { letter };
    wgw_row_t  row;
    wgw_txn_t  t;

    row.db = TOKENS;
    row.key = text(name);
    row.value = (wgw_text_t) { value, sizeof(value) };

    wgw_txn_begin(&t, store);
    wgw_row_find(&t, &row);
    wgw_row_put(&t, &row);
    wgw_txn_put(&t, LINKS, text(name), text("link"));

    return wgw_txn_end(&t, &error) == WGW_STORE_OK ? row.change : 0;
}


/* The letter of a token and its change id, or '-'. */

static char
get(wgw_store_t *store, const char *name, uint64_t *change)
{
    int         i;
    char        letter;
    uint64_t    id;
    wgw_text_t  value;

    letter = '-';
    *change = 0;

    wgw_store_begin(store, &id, &error);

    if (wgw_store_get(store, TOKENS, text(name), &value, &error)
        == WGW_STORE_OK)
    {
        letter = value.data[0];

        for (i = 8; i > 0; i--) {
            *change = *change << 8 | (uint8_t) value.data[i];
        }
    }

    wgw_store_end(store);

    return letter;
}


static void
test_rows(void)
{
    uint64_t      first, again, then, id;
    wgw_text_t    key, value;
    wgw_store_t  *store;

    store = fresh("rows");

    first = put(store, "one", 'a');
    ok(first > 0 && get(store, "one", &id) == 'a' && id == first,
       "a row carries the id of its change");
    ok(wgw_store_id(store) == first, "which is the store's");

    again = put(store, "one", 'a');
    ok(again == first && get(store, "one", &id) == 'a' && id == first,
       "the same again keeps it");

    then = put(store, "one", 'b');
    ok(then > first && get(store, "one", &id) == 'b' && id == then,
       "another gets another");

    wgw_store_begin(store, &id, &error);
    ok(wgw_store_get(store, LINKS, text("one"), &value, &error)
       == WGW_STORE_OK,
       "the other database has its row");
    is(value.data, value.len, "link", "as it was put");
    ok(wgw_store_get(store, LINKS, text("two"), &value, &error)
       == WGW_STORE_NONE,
       "and no other");
    ok(wgw_store_next(store, LINKS, text(""), &key, &value, &error)
       == WGW_STORE_OK
       && wgw_store_next(store, LINKS, key, &key, &value, &error)
          == WGW_STORE_NONE,
       "each is listed by itself");
    wgw_store_end(store);

    wgw_store_close();
}


static wgw_txn_verdict_t
odd(wgw_text_t key, wgw_text_t value, void *data)
{
    unsigned  *seen = data;

    (void) value;

    if (key.data[0] == 'e') {
        return WGW_TXN_STOP;
    }

    return (*seen)++ % 2 ? WGW_TXN_DELETE : WGW_TXN_KEEP;
}


static void
test_transactions(void)
{
    uint64_t        id;
    unsigned        seen;
    wgw_row_t       row;
    wgw_txn_t       t;
    wgw_text_t      value;
    wgw_store_t    *store;
    wgw_store_rc_t  rc;

    store = fresh("transactions");

    put(store, "a", 'a');
    put(store, "b", 'b');
    put(store, "c", 'c');
    put(store, "d", 'd');
    put(store, "e", 'e');

    seen = 0;
    wgw_txn_begin(&t, store);
    wgw_txn_each(&t, TOKENS, text("b"), odd, &seen);
    ok(wgw_txn_end(&t, &error) == WGW_STORE_OK && seen == 3,
       "rows are visited from one on until it is enough");
    ok(get(store, "a", &id) == 'a' && get(store, "b", &id) == 'b'
       && get(store, "c", &id) == '-' && get(store, "d", &id) == 'd'
       && get(store, "e", &id) == 'e',
       "and deleted where it was asked for");

    wgw_txn_begin(&t, store);
    wgw_txn_put(&t, LINKS, text("z"), text("1"));
    ok(wgw_txn_get(&t, LINKS, text("z"), &value) == WGW_STORE_OK,
       "a transaction sees what it did");
    ok(wgw_txn_delete(&t, LINKS, text("a")) == WGW_STORE_OK
       && wgw_txn_delete(&t, LINKS, text("a")) == WGW_STORE_NONE,
       "a row is deleted once");
    wgw_txn_fail(&t, 5);
    rc = wgw_txn_put(&t, LINKS, text("y"), text("1"));
    ok(rc == WGW_STORE_FAILED && wgw_txn_end(&t, &error) == WGW_STORE_FAILED,
       "a failed one does nothing more: %s", error.text);

    wgw_store_begin(store, &id, &error);
    ok(wgw_store_get(store, LINKS, text("z"), &value, &error)
       == WGW_STORE_NONE
       && wgw_store_get(store, LINKS, text("a"), &value, &error)
          == WGW_STORE_OK,
       "and did nothing");
    wgw_store_end(store);

    row.db = TOKENS;
    row.key = text("short");
    row.value = text("12345678");
    wgw_txn_begin(&t, store);
    wgw_row_find(&t, &row);
    wgw_row_put(&t, &row);
    ok(wgw_txn_end(&t, &error) == WGW_STORE_FAILED,
       "a row without room for its id is refused");

    wgw_store_close();
}


static void
test_kinds(void)
{
    wgw_store_class_t  newer = class;

    fresh("kinds");
    ok(wgw_store_open(&other, path("kinds"), WGW_STORE_SYNC_META, &error)
       == NULL,
       "a store that is open as another kind: %s", error.text);
    wgw_store_close();

    ok(wgw_store_check(&other, path("kinds"), &error) == WGW_STORE_FAILED,
       "a store of another kind fails the check: %s", error.text);
    ok(wgw_store_create(&other, path("kinds"), geteuid(), getegid(), &error)
       == WGW_STORE_FAILED,
       "and the start: %s", error.text);
    ok(wgw_store_open(&other, path("kinds"), WGW_STORE_SYNC_META, &error)
       == NULL,
       "and a worker: %s", error.text);

    newer.format = 4;
    ok(wgw_store_check(&newer, path("kinds"), &error) == WGW_STORE_FAILED
       && strcmp(error.text, "has format 3, this is for format 4") == 0,
       "another format: %s", error.text);

    ok(wgw_store_check(&class, path("kinds"), &error) == WGW_STORE_OK,
       "and is as it was");
}


static void
test_copied(void)
{
    int           i;
    char          from[256];
    MDB_env      *env;
    uint64_t      before, id;
    wgw_text_t    value;
    wgw_store_t  *store;

    store = fresh("long");

    for (i = 0; i < 20; i++) {
        before = put(store, "one", (char) ('a' + i));
    }

    wgw_store_close();
    ok(copied == 0, "a new store is no copy");

    strcpy(from, path("long"));
    ok(mkdir(path("short"), 0750) == 0, "a directory");
    mdb_env_create(&env);
    mdb_env_open(env, from, MDB_RDONLY, 0640);
    ok(mdb_env_copy2(env, path("short"), MDB_CP_COMPACT) == 0, "compacted");
    mdb_env_close(env);

    store = fresh("short");
    ok(copied == 1, "a copy is");
    ok(get(store, "one", &id) == 't' && id < before
       && id <= wgw_store_id(store),
       "its rows have no id that is to come");

    wgw_store_begin(store, &id, &error);
    ok(wgw_store_get(store, WGW_STORE_META, text("copied"), &value, &error)
       == WGW_STORE_OK,
       "what the feature did about it is there");
    wgw_store_end(store);
    wgw_store_close();

    fresh("short");
    ok(copied == 1, "at the next start it is one no more");
    wgw_store_close();
}


int
main(void)
{
    if (mkdtemp(root) == NULL) {
        return 1;
    }

    test_rows();
    test_transactions();
    test_kinds();
    test_copied();

    return done_in(root);
}
