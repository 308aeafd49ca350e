
#include <string.h>
#include <time.h>

#include "names/rows.h"
#include "store/number.h"


#define ROWS_KEEP    60                 /* seconds, of a noted deletion */

/* a deletion's key: this, an id, a name */
#define ROWS_CLOSED  "closed"
#define ROWS_WORD    (sizeof(ROWS_CLOSED) - 1)
#define ROWS_HEAD    (ROWS_WORD + 8)
#define ROWS_MAX     (ROWS_HEAD + WGW_NAME_MAX)


static void rows_settle(wgw_text_t *value, wgw_text_t old);
static uint64_t rows_life(void);
static wgw_store_rc_t rows_copied(wgw_txn_t *t);
static wgw_text_t rows_closed_key(const wgw_rows_closed_t *at,
    char key[ROWS_MAX]);
static unsigned rows_is_closed(wgw_text_t key);
static wgw_txn_verdict_t rows_forget(wgw_text_t key, wgw_text_t value,
    void *data);


const wgw_store_class_t  wgw_rows_class = {
    .what = "names",
    .meta = "wgw",
    .format = 1,
    .pair = 1,
    .n = 4,
    .notes = WGW_ROWS_OUTBOX,
    .databases = { { "names", WGW_RECORD_CHANGE, rows_settle },
                   { "fleet", WGW_STORE_PLAIN, NULL },
                   { "outbox", WGW_STORE_PLAIN, NULL },
                   { "refill", WGW_STORE_PLAIN, NULL } },
    .copied = rows_copied
};


wgw_store_rc_t
wgw_rows_write(wgw_txn_t *t, wgw_rows_write_t *write)
{
    wgw_row_t       row;
    uint8_t         packed[WGW_RECORD_PACKED];
    wgw_record_t    record;
    wgw_store_rc_t  rc;

    row.db = WGW_ROWS;
    row.key = write->name;
    row.value = (wgw_text_t) { NULL, 0 };

    if (write->record) {
        record = *write->record;
        record.life = WGW_RECORD_LIFE_NEW;

        row.value.data = (char *) packed;
        row.value.len = wgw_record_pack(&record, packed);
    }

    rc = wgw_row_find(t, &row);

    if (rc == WGW_STORE_FAILED) {
        return rc;
    }

    if ((write->absent && row.existed)
        || (write->match && !row.existed)
        || (row.existed && !wgw_rows_match(write, row.change)))
    {
        rc = WGW_STORE_MISMATCH;

    } else if (write->record) {
        rc = wgw_row_put(t, &row);

    } else {
        rc = wgw_row_delete(t, &row);

        if (rc == WGW_STORE_OK && write->close) {
            wgw_rows_close(t, write->name);
        }
    }

    write->existed = row.existed;
    write->altered = row.altered;
    write->change = row.change;

    return rc;
}


/*
 * What counts by the name of a record begins anew with its life, which another
 * machine has given to a record that it made.
 */

static void
rows_settle(wgw_text_t *value, wgw_text_t old)
{
    uint8_t       *packed;
    uint64_t       life;
    wgw_record_t   before, now;

    packed = (uint8_t *) value->data;

    if (wgw_record_unpack(&now, packed, value->len) != 0
        || now.life != WGW_RECORD_LIFE_NEW)
    {
        return;
    }

    if (old.data
        && wgw_record_unpack(&before, (const uint8_t *) old.data, old.len) == 0
        && wgw_text_equal(before.owner, now.owner))
    {
        life = before.life;

    } else {
        life = rows_life();
    }

    value->len = wgw_record_live(packed, value->len, life);
}


/* Later than any other of this process: there is one writer. */

static uint64_t
rows_life(void)
{
    uint64_t         now;
    struct timespec  ts;

    static uint64_t  last;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    now = (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
    last = now > last ? now : last + 1;

    return last;
}


int
wgw_rows_match(const wgw_rows_write_t *write, uint64_t change)
{
    size_t  i;

    if (!write->match || write->nmatch == 0) {
        return 1;
    }

    for (i = 0; i < write->nmatch; i++) {
        if (write->if_match[i] == change) {
            return 1;
        }
    }

    return 0;
}


/*
 * The oldest ones are forgotten.  A clock that was set back makes old ones of
 * all.
 */

void
wgw_rows_close(wgw_txn_t *t, wgw_text_t name)
{
    char               key[ROWS_MAX];
    time_t             now;
    uint8_t            bytes[8];
    wgw_text_t         value;
    wgw_rows_closed_t  at;

    now = time(NULL);

    (void) wgw_txn_each(t, WGW_STORE_META, wgw_text(ROWS_CLOSED), rows_forget,
                        &now);

    at.id = wgw_txn_id(t);
    at.len = name.len;
    memcpy(at.name, name.data, name.len);

    wgw_number_put(bytes, (uint64_t) now, sizeof(bytes));

    value.data = (char *) bytes;
    value.len = sizeof(bytes);

    (void) wgw_txn_put(t, WGW_STORE_META, rows_closed_key(&at, key), value);
}


/* Those older than ROWS_KEEP at `data`, or, without it, all. */

static wgw_txn_verdict_t
rows_forget(wgw_text_t key, wgw_text_t value, void *data)
{
    time_t   *now = data;

    uint64_t  age;

    if (!rows_is_closed(key)) {
        return WGW_TXN_STOP;
    }

    if (now == NULL || value.len != 8) {
        return WGW_TXN_DELETE;
    }

    age = (uint64_t) *now - wgw_number_get((const uint8_t *) value.data, 8);

    return age > ROWS_KEEP ? WGW_TXN_DELETE : WGW_TXN_STOP;
}


/*
 * Nobody is left whom deletions that were noted before could concern.  Notes
 * for the fleet have ids that are taken anew.
 */

static wgw_store_rc_t
rows_copied(wgw_txn_t *t)
{
    (void) wgw_txn_each(t, WGW_STORE_META, wgw_text(ROWS_CLOSED), rows_forget,
                        NULL);

    return wgw_txn_delete(t, WGW_STORE_META, wgw_text(WGW_ROWS_STATE));
}


unsigned
wgw_rows_closes(wgw_store_t *store, uint64_t id, wgw_text_t name)
{
    char               key[ROWS_MAX];
    wgw_text_t         value;
    wgw_rows_closed_t  at;
    wgw_store_error_t  error;

    at.id = id;
    at.len = name.len;
    memcpy(at.name, name.data, name.len);

    return wgw_store_get(store, WGW_STORE_META, rows_closed_key(&at, key),
                         &value, &error)
           == WGW_STORE_OK;
}


wgw_store_rc_t
wgw_rows_closed(wgw_store_t *store, wgw_rows_closed_t *at,
    wgw_store_error_t *error)
{
    int             i;
    char            bytes[ROWS_MAX];
    wgw_text_t      key, value;
    wgw_store_rc_t  rc;

    rc = wgw_store_next(store, WGW_STORE_META, rows_closed_key(at, bytes),
                        &key, &value, error);

    if (rc != WGW_STORE_OK) {
        return rc;
    }

    if (!rows_is_closed(key)) {
        return WGW_STORE_NONE;
    }

    at->id = 0;

    for (i = 0; i < 8; i++) {
        at->id = at->id << 8 | (uint8_t) key.data[ROWS_WORD + i];
    }

    at->len = key.len - ROWS_HEAD;
    memcpy(at->name, key.data + ROWS_HEAD, at->len);

    return WGW_STORE_OK;
}


static wgw_text_t
rows_closed_key(const wgw_rows_closed_t *at, char key[ROWS_MAX])
{
    int  i;

    memcpy(key, ROWS_CLOSED, ROWS_WORD);

    for (i = 0; i < 8; i++) {
        key[ROWS_WORD + i] = (char) (at->id >> 8 * (7 - i));
    }

    memcpy(key + ROWS_HEAD, at->name, at->len);

    return (wgw_text_t) { key, ROWS_HEAD + at->len };
}


static unsigned
rows_is_closed(wgw_text_t key)
{
    return key.len > ROWS_HEAD
           && key.len <= ROWS_MAX
           && memcmp(key.data, ROWS_CLOSED, ROWS_WORD) == 0;
}
