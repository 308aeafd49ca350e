
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "grid/deployments.h"
#include "grid/hours.h"
#include "grid/service.h"
#include "program/memory.h"


#define SERVICE_PALLET     "SmartContractModule"
#define SERVICE_ITEM       "ServiceContracts"
#define SERVICE_CALL       "service_contract_bill"
#define SERVICE_ARGUMENTS                                                     \
    "{service_contract_id:u64,variable_amount:u64,metadata:[u8]}"

#define SERVICE_EARLY      300          /* s before an hour is full */
#define SERVICE_UNIT       UINT64_C(1000000000000)
#define SERVICE_MOST       UINT64_C(1000000000000)      /* mUSD that are due */

#define SERVICE_UNPAID                                                        \
    "paused: the last bill of service contract %lld was not paid; put TFT "   \
    "into the account of twin %lld, it goes on with the next bill within an " \
    "hour"


/* One that is to be billed, with what follows from its reports. */
typedef struct {
    int64_t   id;
    int64_t   twin;
    uint64_t  variable;                 /* mUSD an hour at most */
    int64_t   last;                     /* bill */
    uint64_t  due;
    uint64_t  carry;
    uint64_t  bytes;
    uint64_t  amount;
} service_row_t;


static int service_read(grid_batch_t *batch, uint64_t id);
static int service_store(grid_batch_t *batch, uint64_t id,
    const grid_value_t *value);
static int service_next(grid_state_t *state, int64_t now,
    service_row_t *row);
static int service_begin(grid_batch_t *batch, service_row_t *row,
    int64_t now);
static void service_text(char text[GRID_SERVICE_TEXT + 1],
    const service_row_t *row, int64_t now);
static int service_write(grid_batch_t *batch, uint64_t contract,
    uint64_t amount, const char *text, wgw_out_t *call);
static int service_settle(grid_batch_t *batch, int64_t id,
    const char *block);
static int service_shown(grid_batch_t *batch, uint64_t contract,
    const char *block, int64_t *last);
static int service_again(grid_batch_t *batch, int64_t id, wgw_out_t *call);


static const char  *const service_steps[] = {
    "create table services (id integer primary key, service integer not null, "
        "twin integer not null, variable integer not null, last integer not "
        "null, active integer not null, due integer not null default 0, "
        "carry integer not null default 0, unpaid integer not null default 0, "
        "tried integer not null default 0)",

    "create table services_bills (id integer primary key, service integer not "
        "null, twin integer not null, amount integer not null, text text not "
        "null, made integer not null, last integer not null, state integer "
        "not null, why text, batch integer not null)",
    "create index services_bills_batch on services_bills (batch)",
    NULL
};

const grid_schema_t  grid_service_schema = { "service", service_steps };

const grid_batch_kind_t  grid_service_kind = {
    "service", service_settle, service_again, 0
};


void
grid_service_call(wgw_out_t *out, const uint8_t index[2], uint64_t contract,
    uint64_t amount, wgw_text_t text)
{
    wgw_out_bytes(out, index, 2);
    grid_scale_put_uint(out, contract, 8);
    grid_scale_put_uint(out, amount, 8);
    grid_scale_put_text(out, text.data, text.len);
}


uint64_t
grid_service_cost(uint64_t bytes, uint64_t price, uint64_t *carry)
{
    unsigned __int128  cost;

    cost = (unsigned __int128) bytes * price + *carry;
    *carry = (uint64_t) (cost % SERVICE_UNIT);
    cost /= SERVICE_UNIT;

    return cost > SERVICE_MOST ? SERVICE_MOST : (uint64_t) cost;
}


/* ---- which there are */

int
grid_service_look(grid_batch_t *batch)
{
    int        rc;
    size_t     i, n;
    uint64_t  *ids;

    rc = grid_substrate_numbers(batch->chain, SERVICE_PALLET, SERVICE_ITEM,
                                &ids, &n);

    if (rc != GRID_OK) {
        return rc;
    }

    /* what is gone is not there any more */

    rc = grid_state_run(batch->state, "update services set active = -1 where "
                        "active = 1", "");

    for (i = 0; i < n && rc == GRID_OK; i++) {
        rc = service_read(batch, ids[i]);
    }

    /* of those that were not come to nothing is known */

    (void) grid_state_run(batch->state, "update services set active = ? where "
                          "active = -1", "i", (int64_t) (rc != GRID_OK));

    free(ids);

    return rc;
}


/* Whose a contract is does not change. */

static int
service_read(grid_batch_t *batch, uint64_t id)
{
    int           rc;
    int64_t       service;
    grid_value_t  value;

    service = grid_state_number(batch->state, -1, "select service from "
                                "services where id = ?", "i", (int64_t) id);

    if (service >= 0 && service != (int64_t) batch->self.twin) {
        return GRID_OK;
    }

    rc = grid_substrate_get_number(batch->chain, SERVICE_PALLET, SERVICE_ITEM,
                                   id, 8, NULL, &value);

    return rc == GRID_OK ? service_store(batch, id, &value)
           : rc == GRID_NONE ? GRID_OK : rc;
}


static int
service_store(grid_batch_t *batch, uint64_t id, const grid_value_t *value)
{
    int           bad, active;
    int64_t       service, twin, variable, last;
    wgw_text_t    state;
    grid_value_t  field;

    bad = 0;
    service = (int64_t) grid_value_number(value, "service_twin_id", &bad);
    twin = (int64_t) grid_value_number(value, "consumer_twin_id", &bad);
    variable = (int64_t) grid_value_number(value, "variable_fee", &bad);
    last = (int64_t) grid_value_number(value, "last_bill", &bad);

    if (bad || !grid_value_field(value, "state", &field)) {
        return GRID_FAILED;
    }

    state = grid_value_variant(&field, NULL);
    active = service == (int64_t) batch->self.twin
             && wgw_text_equal(state, wgw_text("ApprovedByBoth"));

    return grid_state_run(batch->state, "insert into services (id, service, "
                          "twin, variable, last, active) values (?1, ?2, ?3, "
                          "?4, ?5, ?6) on conflict (id) do update set "
                          "variable = ?4, last = ?5, active = ?6", "iiiiii",
                          (int64_t) id, service, twin, variable, last,
                          (int64_t) active);
}


/* ---- a bill */

int
grid_service_make(grid_batch_t *batch, int64_t now)
{
    service_row_t  row;

    if (!service_next(batch->state, now, &row)) {
        return GRID_NONE;
    }

    return service_begin(batch, &row, now);
}


/* The one that waits longest; who could not pay is asked again hourly. */

static int
service_next(grid_state_t *state, int64_t now, service_row_t *row)
{
    int            found;
    sqlite3_stmt  *query;

    memset(row, 0, sizeof(service_row_t));

    query = grid_state_query(state, "select id, twin, variable, last, due, "
                             "carry from services where active = 1 and "
                             "max(last, tried) <= ? order by max(last, tried) "
                             "limit 1", "i",
                             now - GRID_HOUR + SERVICE_EARLY);
    found = grid_state_row(state, query);

    if (found) {
        row->id = sqlite3_column_int64(query, 0);
        row->twin = sqlite3_column_int64(query, 1);
        row->variable = (uint64_t) sqlite3_column_int64(query, 2);
        row->last = sqlite3_column_int64(query, 3);
        row->due = (uint64_t) sqlite3_column_int64(query, 4);
        row->carry = (uint64_t) sqlite3_column_int64(query, 5);
    }

    grid_state_done(query);

    if (found) {
        row->bytes = (uint64_t) grid_state_number(state, 0, "select "
            "sum(bytes) from reports where state = 4 and batch is null and "
            "twin = ?", "i", row->twin);
    }

    return found;
}


/*
 * The reports become money that is due, of which the bill takes as much as the
 * chain allows, in the step that writes the bill down.
 */

static int
service_begin(grid_batch_t *batch, service_row_t *row, int64_t now)
{
    int         rc;
    char        text[GRID_SERVICE_TEXT + 1];
    uint8_t     bytes[128];
    int64_t     id, window;
    uint64_t    most;
    wgw_out_t   call;

    row->due += grid_service_cost(row->bytes, batch->grid->options->price,
                                  &row->carry);

    /* rounded down; the block that it comes to is a later one */

    window = now - row->last < GRID_HOUR ? now - row->last : GRID_HOUR;
    most = (uint64_t) ((unsigned __int128) row->variable * (uint64_t) window
                       / GRID_HOUR);
    row->amount = row->due < most ? row->due : most;

    id = 0;
    service_text(text, row, now);
    wgw_out_init(&call, bytes, sizeof(bytes));

    rc = service_write(batch, (uint64_t) row->id, row->amount, text, &call);

    if (rc == GRID_OK) {
        rc = grid_batch_begin(batch, &grid_service_kind, bytes,
                              (size_t) (call.pos - call.start), &id);
    }

    if (rc != GRID_OK) {
        return rc;
    }

    (void) grid_state_run(batch->state, "insert into services_bills (service, "
                          "twin, amount, text, made, last, state, batch) "
                          "values (?, ?, ?, ?, ?, ?, 1, ?)", "iiitiii",
                          row->id, row->twin, (int64_t) row->amount, text,
                          now, row->last, id);
    (void) grid_state_run(batch->state, "update reports set batch = ? where "
                          "state = 4 and batch is null and twin = ?", "ii",
                          id, row->twin);
    (void) grid_state_run(batch->state, "update services set due = ?, carry = "
                          "?, tried = ? where id = ?", "iiii",
                          (int64_t) (row->due - row->amount),
                          (int64_t) row->carry, now, row->id);

    return grid_state_commit(batch->state);
}


/* "2026-11-27T13:00Z 1234567 bytes" */

static void
service_text(char text[GRID_SERVICE_TEXT + 1], const service_row_t *row,
    int64_t now)
{
    char       when[24];
    time_t     seconds;
    struct tm  tm;

    seconds = (time_t) now;
    (void) gmtime_r(&seconds, &tm);
    (void) strftime(when, sizeof(when), "%Y-%m-%dT%H:%MZ", &tm);

    grid_put(text, GRID_SERVICE_TEXT + 1, "%s %llu bytes", when,
             (unsigned long long) row->bytes);
}


static int
service_write(grid_batch_t *batch, uint64_t contract, uint64_t amount,
    const char *text, wgw_out_t *call)
{
    int      rc;
    uint8_t  index[2];

    rc = grid_substrate_call(batch->chain, SERVICE_PALLET, SERVICE_CALL,
                             SERVICE_ARGUMENTS, index);

    if (rc == GRID_OK) {
        grid_service_call(call, index, contract, amount,
                          (wgw_text_t) { text, strlen(text) });
    }

    return rc;
}


static int
service_again(grid_batch_t *batch, int64_t id, wgw_out_t *call)
{
    char           text[GRID_SERVICE_TEXT + 1];
    uint64_t       contract, amount;
    sqlite3_stmt  *query;

    contract = 0;
    amount = 0;
    text[0] = '\0';

    query = grid_state_query(batch->state, "select service, amount, text from "
                             "services_bills where batch = ?", "i", id);

    if (grid_state_row(batch->state, query)) {
        contract = (uint64_t) sqlite3_column_int64(query, 0);
        amount = (uint64_t) sqlite3_column_int64(query, 1);
        grid_put(text, sizeof(text), "%s", grid_state_text(query, 2));
    }

    grid_state_done(query);

    return service_write(batch, contract, amount, text, call);
}


/* ---- what became of it */

static int
service_settle(grid_batch_t *batch, int64_t id, const char *block)
{
    int      rc, paid;
    int64_t  contract, before, last;

    contract = grid_state_number(batch->state, 0, "select service from "
                                 "services_bills where batch = ?", "i", id);
    before = grid_state_number(batch->state, 0, "select last from "
                               "services_bills where batch = ?", "i", id);

    rc = service_shown(batch, (uint64_t) contract, block, &last);

    if (rc != GRID_OK) {
        return rc;
    }

    paid = last > before;

    grid_state_begin(batch->state);

    (void) grid_state_run(batch->state, "update services_bills set state = ?, "
                          "why = ? where batch = ?", "iti",
                          (int64_t) (paid ? GRID_REPORT_FINAL
                                          : GRID_REPORT_VOID),
                          paid ? NULL : "the chain refused it: the consumer "
                          "has not enough, or has cancelled", id);
    (void) grid_state_run(batch->state, "update services set unpaid = ?1 = 0, "
                          "last = max(last, ?2), due = due + case ?1 when 1 "
                          "then 0 else (select amount from services_bills "
                          "where batch = ?3) end where id = ?4", "iiii",
                          (int64_t) paid, last, id, contract);
    grid_batch_end(batch, id, paid, block);

    return grid_state_commit(batch->state);
}


/* When it was billed last; 0 when it is gone. */

static int
service_shown(grid_batch_t *batch, uint64_t contract, const char *block,
    int64_t *last)
{
    int           rc, bad;
    grid_value_t  value;

    *last = 0;

    rc = grid_substrate_get_number(batch->chain, SERVICE_PALLET, SERVICE_ITEM,
                                   contract, 8, block, &value);

    if (rc == GRID_OK) {
        bad = 0;
        *last = (int64_t) grid_value_number(&value, "last_bill", &bad);
        rc = bad ? GRID_FAILED : GRID_OK;
    }

    return rc == GRID_NONE ? GRID_OK : rc;
}


int
grid_service_hold(grid_state_t *state, int64_t now)
{
    int            rc;
    char           why[256];
    size_t         i, n;
    struct {
        int64_t    contract;
        int64_t    twin;
        int64_t    service;             /* that is unpaid, or 0 */
    } *rows;
    sqlite3_stmt  *query;

    n = 0;
    rows = NULL;

    /*
     * Who has one that is unpaid is held, whatever becomes of others; of those
     * only what is not as it should be: most rounds change nothing.
     */

    query = grid_state_query(state, "select w.contract, w.twin, (select "
                             "min(id) from services where twin = w.twin and "
                             "active = 1 and unpaid = 1) as unpaid from "
                             "workloads w where w.gone = 0 and w.state != "
                             "'deleted' and w.twin in (select twin from "
                             "services) and (w.hold is null) = (unpaid is not "
                             "null) group by w.contract", "");

    while (grid_state_row(state, query)) {
        rows = wgw_grow(rows, (n + 1) * sizeof(*rows));
        rows[n].contract = sqlite3_column_int64(query, 0);
        rows[n].twin = sqlite3_column_int64(query, 1);
        rows[n++].service = sqlite3_column_int64(query, 2);
    }

    grid_state_done(query);
    rc = GRID_OK;

    for (i = 0; i < n && rc == GRID_OK; i++) {
        grid_put(why, sizeof(why), SERVICE_UNPAID,
                 (long long) rows[i].service, (long long) rows[i].twin);
        rc = grid_deployments_hold(state, (uint64_t) rows[i].contract,
                                   rows[i].service ? why : NULL, now);
    }

    free(rows);

    return rc;
}
