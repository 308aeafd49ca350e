
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "names/follow.h"
#include "store/number.h"


#define FOLLOW_FORMAT   1
#define FOLLOW_STATE    (2 + 3 * 8 + WGW_FOLLOW_EPOCH)
#define FOLLOW_KNOWN    1               /* flags of the state */
#define FOLLOW_AGAIN    2

#define FOLLOW_VERSION  9               /* bytes of a row in "fleet" */
#define FOLLOW_FEW      256             /* rows that are looked at at once */


typedef struct {
    uint64_t            now;
    char               *name;
    size_t             *len;
    unsigned            n;
} follow_forget_t;


static uint64_t follow_version(wgw_text_t value, unsigned *gone);
static wgw_store_rc_t follow_set(wgw_txn_t *t, wgw_text_t name,
    uint64_t version, unsigned gone);
static wgw_follow_verdict_t follow_put(wgw_txn_t *t,
    const wgw_follow_row_t *row, const wgw_record_rules_t *rules,
    char *storage, wgw_record_error_t *error);
static wgw_store_rc_t follow_delete(wgw_txn_t *t, wgw_text_t name);
static wgw_txn_verdict_t follow_forget(wgw_text_t key, wgw_text_t value,
    void *data);
static void follow_record(wgw_follow_item_t *item, wgw_text_t packed);
static unsigned follow_later(wgw_text_t a, wgw_text_t b);


wgw_store_rc_t
wgw_follow_start(wgw_txn_t *t, uint64_t random, wgw_follow_state_t *state)
{
    uint8_t         *p;
    wgw_text_t       value;
    wgw_store_rc_t   rc;

    memset(state, 0, sizeof(wgw_follow_state_t));

    wgw_txn_note(t, 1);

    rc = wgw_txn_get(t, WGW_STORE_META, wgw_text(WGW_ROWS_STATE), &value);

    if (rc == WGW_STORE_NONE
        || (rc == WGW_STORE_OK
            && (value.len != FOLLOW_STATE || value.data[0] != FOLLOW_FORMAT)))
    {
        state->store = random;
        return wgw_follow_save(t, state);
    }

    if (rc != WGW_STORE_OK) {
        return rc;
    }

    p = (uint8_t *) value.data;

    state->known = (p[1] & FOLLOW_KNOWN) != 0;
    state->again = (p[1] & FOLLOW_AGAIN) != 0;
    state->store = wgw_number_get(p + 2, 8);
    state->position = wgw_number_get(p + 10, 8);
    state->told = wgw_number_get(p + 18, 8);
    memcpy(state->epoch, p + 26, WGW_FOLLOW_EPOCH);

    return WGW_STORE_OK;
}


wgw_store_rc_t
wgw_follow_save(wgw_txn_t *t, const wgw_follow_state_t *state)
{
    uint8_t     bytes[FOLLOW_STATE], *p;
    wgw_text_t  value;

    bytes[0] = FOLLOW_FORMAT;
    bytes[1] = (state->known ? FOLLOW_KNOWN : 0)
               | (state->again ? FOLLOW_AGAIN : 0);

    p = wgw_number_put(bytes + 2, state->store, 8);
    p = wgw_number_put(p, state->position, 8);
    p = wgw_number_put(p, state->told, 8);
    memcpy(p, state->epoch, WGW_FOLLOW_EPOCH);

    value.data = (char *) bytes;
    value.len = FOLLOW_STATE;

    return wgw_txn_put(t, WGW_STORE_META, wgw_text(WGW_ROWS_STATE), value);
}


/* 0: none. */

static uint64_t
follow_version(wgw_text_t value, unsigned *gone)
{
    const uint8_t  *p;

    *gone = 0;

    if (value.len != FOLLOW_VERSION) {
        return 0;
    }

    p = (const uint8_t *) value.data;
    *gone = p[8] != 0;

    return wgw_number_get(p, 8);
}


static wgw_store_rc_t
follow_set(wgw_txn_t *t, wgw_text_t name, uint64_t version, unsigned gone)
{
    uint8_t     bytes[FOLLOW_VERSION];
    wgw_text_t  value;

    *wgw_number_put(bytes, version, 8) = (uint8_t) gone;

    value.data = (char *) bytes;
    value.len = FOLLOW_VERSION;

    return wgw_txn_put(t, WGW_ROWS_FLEET, name, value);
}


wgw_follow_verdict_t
wgw_follow_take(wgw_txn_t *t, const wgw_follow_row_t *row,
    const wgw_record_rules_t *rules, char *storage,
    wgw_record_error_t *error)
{
    unsigned              gone, there;
    uint64_t              version;
    wgw_text_t            value;
    wgw_follow_verdict_t  verdict;

    if (wgw_txn_get(t, WGW_ROWS_OUTBOX, row->name, &value) == WGW_STORE_OK) {
        return WGW_FOLLOW_MINE;
    }

    version = wgw_txn_get(t, WGW_ROWS_FLEET, row->name, &value)
              == WGW_STORE_OK ? follow_version(value, &gone) : 0;

    there = wgw_txn_get(t, WGW_ROWS, row->name, &value) == WGW_STORE_OK;

    if (row->version < version
        || (row->version == version && there == !row->gone))
    {
        return WGW_FOLLOW_SAME;
    }

    verdict = row->gone ? WGW_FOLLOW_TAKEN
                        : follow_put(t, row, rules, storage, error);

    if (verdict == WGW_FOLLOW_REFUSED) {
        return verdict;
    }

    if (row->gone && follow_delete(t, row->name) == WGW_STORE_OK
        && row->close)
    {
        wgw_rows_close(t, row->name);
    }

    (void) wgw_txn_delete(t, WGW_ROWS_REFILL, row->name);
    (void) follow_set(t, row->name, row->version, row->gone);

    return verdict;
}


static wgw_follow_verdict_t
follow_put(wgw_txn_t *t, const wgw_follow_row_t *row,
    const wgw_record_rules_t *rules, char *storage,
    wgw_record_error_t *error)
{
    uint8_t       packed[WGW_RECORD_PACKED];
    unsigned      noting;
    wgw_row_t     put;
    wgw_record_t  record;

    if (wgw_record_parse(&record, row->json, row->name, rules, storage, NULL,
                         error)
        != 0)
    {
        return WGW_FOLLOW_REFUSED;
    }

    record.life = row->life;

    put.db = WGW_ROWS;
    put.key = row->name;
    put.value.data = (char *) packed;
    put.value.len = wgw_record_pack(&record, packed);

    noting = wgw_txn_noting(t, 0);

    (void) wgw_row_find(t, &put);
    (void) wgw_row_put(t, &put);
    (void) wgw_txn_noting(t, noting);

    return WGW_FOLLOW_TAKEN;
}


static wgw_store_rc_t
follow_delete(wgw_txn_t *t, wgw_text_t name)
{
    unsigned        noting;
    wgw_row_t       row;
    wgw_store_rc_t  rc;

    row.db = WGW_ROWS;
    row.key = name;
    row.value = (wgw_text_t) { NULL, 0 };

    noting = wgw_txn_noting(t, 0);

    (void) wgw_row_find(t, &row);

    rc = wgw_row_delete(t, &row);

    (void) wgw_txn_noting(t, noting);

    return rc;
}


wgw_store_rc_t
wgw_follow_told(wgw_txn_t *t, wgw_text_t name, uint64_t seq,
    uint64_t version, unsigned gone)
{
    if (version) {
        (void) follow_set(t, name, version, gone);
    }

    if (seq) {
        return wgw_follow_heard(t, name, seq);
    }

    return wgw_txn_delete(t, WGW_ROWS_REFILL, name);
}


wgw_store_rc_t
wgw_follow_heard(wgw_txn_t *t, wgw_text_t name, uint64_t seq)
{
    wgw_text_t      value;
    wgw_store_rc_t  rc;

    rc = wgw_txn_get(t, WGW_ROWS_OUTBOX, name, &value);

    if (rc == WGW_STORE_OK && value.len == 8
        && wgw_number_get((const uint8_t *) value.data, 8) == seq)
    {
        (void) wgw_txn_delete(t, WGW_ROWS_REFILL, name);
        rc = wgw_txn_delete(t, WGW_ROWS_OUTBOX, name);
    }

    return rc;
}


wgw_store_rc_t
wgw_follow_refill(wgw_txn_t *t, wgw_text_t name)
{
    return wgw_txn_put(t, WGW_ROWS_REFILL, name, wgw_text(""));
}


/* Unless it was changed here meanwhile, or the fleet is to be told of it. */

wgw_store_rc_t
wgw_follow_drop(wgw_txn_t *t, wgw_text_t name)
{
    wgw_text_t  value;

    if (wgw_txn_get(t, WGW_ROWS_OUTBOX, name, &value) == WGW_STORE_OK
        || wgw_txn_get(t, WGW_ROWS_REFILL, name, &value) == WGW_STORE_OK)
    {
        return WGW_STORE_MISMATCH;
    }

    (void) wgw_txn_delete(t, WGW_ROWS_FLEET, name);

    return follow_delete(t, name);
}


wgw_store_rc_t
wgw_follow_forget(wgw_txn_t *t, uint64_t now, char name[WGW_NAME_MAX],
    size_t *len)
{
    char             copy[WGW_NAME_MAX];
    wgw_text_t       from;
    follow_forget_t  forget = { now, name, len, 0 };

    memcpy(copy, name, *len);

    from.data = copy;
    from.len = *len;
    *len = 0;

    return wgw_txn_each(t, WGW_ROWS_FLEET, from, follow_forget, &forget);
}


static wgw_txn_verdict_t
follow_forget(wgw_text_t key, wgw_text_t value, void *data)
{
    follow_forget_t *forget = data;

    unsigned  gone;
    uint64_t  version;

    if (forget->n++ == FOLLOW_FEW && key.len <= WGW_NAME_MAX) {
        memcpy(forget->name, key.data, key.len);
        *forget->len = key.len;
        return WGW_TXN_STOP;
    }

    version = follow_version(value, &gone);

    return gone && version + WGW_FOLLOW_REMEMBERED < forget->now
           ? WGW_TXN_DELETE : WGW_TXN_KEEP;
}


wgw_store_rc_t
wgw_follow_next(wgw_store_t *store, unsigned refill, wgw_text_t after,
    wgw_follow_item_t *item, wgw_store_error_t *error)
{
    unsigned           gone;
    wgw_text_t         key, value;
    wgw_store_rc_t     rc;
    wgw_follow_row_t  *row;

    rc = wgw_store_next(store, refill ? WGW_ROWS_REFILL : WGW_ROWS_OUTBOX,
                        after, &key, &value, error);

    if (rc != WGW_STORE_OK) {
        return rc;
    }

    if (key.len > WGW_NAME_MAX) {
        (void) wgw_env_fail(error, "a name in the outbox is damaged");
        return WGW_STORE_FAILED;
    }

    row = &item->row;
    memset(row, 0, sizeof(wgw_follow_row_t));

    memcpy(item->name, key.data, key.len);

    row->name.data = item->name;
    row->name.len = key.len;

    item->seq = !refill && value.len == 8
                ? wgw_number_get((const uint8_t *) value.data, 8) : 0;

    if (wgw_store_get(store, WGW_ROWS_FLEET, row->name, &value, error)
        == WGW_STORE_OK)
    {
        row->version = follow_version(value, &gone);
    }

    rc = wgw_store_get(store, WGW_ROWS, row->name, &value, error);

    if (rc == WGW_STORE_OK) {
        follow_record(item, value);
        return rc;
    }

    row->gone = 1;
    row->close = item->seq && wgw_rows_closes(store, item->seq, row->name);

    return rc == WGW_STORE_NONE ? WGW_STORE_OK : rc;
}


/* What is damaged is of no use to others, and stays without JSON. */

static void
follow_record(wgw_follow_item_t *item, wgw_text_t packed)
{
    wgw_out_t     out;
    wgw_record_t  record;

    if (wgw_record_unpack(&record, (const uint8_t *) packed.data, packed.len)
        != 0)
    {
        return;
    }

    record.name = item->row.name;

    wgw_out_init(&out, item->json, sizeof(item->json));
    wgw_record_json(&record, &out);

    item->row.life = record.life;
    item->row.json = wgw_out_text(&out);
}


unsigned
wgw_follow_known(wgw_store_t *store, const wgw_follow_row_t *row)
{
    unsigned           gone;
    uint64_t           version;
    wgw_text_t         value;
    wgw_store_rc_t     rc;
    wgw_store_error_t  error;

    version = wgw_store_get(store, WGW_ROWS_FLEET, row->name, &value, &error)
              == WGW_STORE_OK ? follow_version(value, &gone) : 0;

    if (version != row->version) {
        return version > row->version;
    }

    rc = wgw_store_get(store, WGW_ROWS, row->name, &value, &error);

    return rc == (row->gone ? WGW_STORE_NONE : WGW_STORE_OK);
}


wgw_store_rc_t
wgw_follow_each(wgw_store_t *store, wgw_text_t after, wgw_follow_row_t *row,
    wgw_store_error_t *error)
{
    unsigned        gone;
    wgw_text_t      name, other, value, version;
    wgw_store_rc_t  rc, found;

    for ( ;; ) {
        rc = wgw_store_next(store, WGW_ROWS, after, &name, &value, error);
        found = wgw_store_next(store, WGW_ROWS_FLEET, after, &other, &version,
                               error);

        if (rc != WGW_STORE_OK && rc != WGW_STORE_NONE) {
            return rc;
        }

        if (found != WGW_STORE_OK && (found != WGW_STORE_NONE
                                      || rc == WGW_STORE_NONE))
        {
            return found;
        }

        memset(row, 0, sizeof(wgw_follow_row_t));

        if (rc == WGW_STORE_NONE
            || (found == WGW_STORE_OK && !follow_later(other, name)))
        {
            row->name = other;
            row->version = follow_version(version, &gone);
            row->gone = rc == WGW_STORE_NONE || !wgw_text_equal(name, other);

        } else {
            row->name = name;
        }

        if (wgw_store_get(store, WGW_ROWS_OUTBOX, row->name, &value, error)
            == WGW_STORE_NONE)
        {
            return WGW_STORE_OK;
        }

        after = row->name;
    }
}


/* In the order of the store. */

static unsigned
follow_later(wgw_text_t a, wgw_text_t b)
{
    int     rc;
    size_t  len;

    len = a.len < b.len ? a.len : b.len;
    rc = memcmp(a.data, b.data, len);

    return rc > 0 || (rc == 0 && a.len > b.len);
}
