
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "grid/hours.h"
#include "grid/nru.h"
#include "program/memory.h"


#define NRU_PALLET     "SmartContractModule"
#define NRU_CALL       "add_nru_reports"
#define NRU_ARGUMENTS                                                         \
    "{reports:[{contract_id:u64,timestamp:u64,window:u64,nru:u64}]}"

#define NRU_UNKNOWN    600              /* s, until it is looked for again */
#define NRU_TOGETHER   3                /* tries, after which it goes alone */


typedef struct {
    int64_t               id;
    grid_nru_t            report;
    int64_t               tries;
    grid_report_state_t   state;        /* what becomes of it */
    const char           *why;
} nru_row_t;


static size_t nru_load(grid_state_t *state, nru_row_t *rows, const char *sql,
    int64_t argument);
static size_t nru_alone(nru_row_t *rows, size_t n);
static int nru_judge(grid_batch_t *batch, nru_row_t *rows, size_t n,
    size_t *gone);
static int nru_judge_one(grid_batch_t *batch, nru_row_t *row);
static int nru_void(grid_batch_t *batch, const nru_row_t *rows, size_t n);
static int nru_begin(grid_batch_t *batch, const nru_row_t *rows, size_t n);
static int nru_write(grid_batch_t *batch, const nru_row_t *rows, size_t n,
    wgw_out_t *out);
static int nru_shown(grid_batch_t *batch, nru_row_t *row, const char *block);
static int nru_settle(grid_batch_t *batch, int64_t id, const char *block);
static int nru_again(grid_batch_t *batch, int64_t id, wgw_out_t *call);


/*
 * Of a contract none before an earlier one, whose time is not come; which is
 * an hour ahead at most, or was told by a clock that was wrong.
 */

static const char  nru_waiting[] =
    "select id, contract, time, bytes, tries from reports r where state = 0 "
    "and after not between ?1 + 1 and ?1 + 3600 and not exists (select 1 from "
    "reports e where e.contract = r.contract and e.state = 0 and e.time < "
    "r.time and e.after between ?1 + 1 and ?1 + 3600) order by time, id limit "
    "200";

const grid_batch_kind_t  grid_nru_kind = {
    "nru", nru_settle, nru_again, 0
};


void
grid_nru_call(wgw_out_t *out, const uint8_t index[2],
    const grid_nru_t *reports, size_t n)
{
    size_t  i;

    wgw_out_bytes(out, index, 2);
    grid_scale_put_compact(out, n);

    for (i = 0; i < n; i++) {
        grid_scale_put_uint(out, reports[i].contract, 8);
        grid_scale_put_uint(out, reports[i].time, 8);
        grid_scale_put_uint(out, reports[i].window, 8);
        grid_scale_put_uint(out, reports[i].bytes, 8);
    }
}


int
grid_nru_make(grid_batch_t *batch)
{
    int         rc;
    size_t      n, gone;
    nru_row_t  *rows;

    rows = wgw_alloc(GRID_NRU_BATCH * sizeof(nru_row_t));

    do {
        n = nru_load(batch->state, rows, nru_waiting,
                     (int64_t) time(NULL));
        n = nru_alone(rows, n);

        gone = 0;
        rc = n ? nru_judge(batch, rows, n, &gone) : GRID_NONE;

        if (rc == GRID_OK && gone) {
            rc = nru_void(batch, rows, n);
        }

    } while (rc == GRID_OK && gone);

    if (rc == GRID_OK) {
        rc = nru_begin(batch, rows, n);
    }

    free(rows);

    return rc;
}


static size_t
nru_load(grid_state_t *state, nru_row_t *rows, const char *sql,
    int64_t argument)
{
    size_t         n;
    sqlite3_stmt  *query;

    query = grid_state_query(state, sql, "i", argument);

    for (n = 0; n < GRID_NRU_BATCH && grid_state_row(state, query); n++) {
        memset(&rows[n], 0, sizeof(nru_row_t));

        rows[n].id = sqlite3_column_int64(query, 0);
        rows[n].report.contract = (uint64_t) sqlite3_column_int64(query, 1);
        rows[n].report.time = (uint64_t) sqlite3_column_int64(query, 2);
        rows[n].report.window = GRID_HOUR;
        rows[n].report.bytes = (uint64_t) sqlite3_column_int64(query, 3);
        rows[n].tries = sqlite3_column_int64(query, 4);
    }

    grid_state_done(query);

    return n;
}


/* What failed with others goes alone, so that one spoils no batch for ever. */

static size_t
nru_alone(nru_row_t *rows, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (rows[i].tries >= NRU_TOGETHER) {
            return i ? i : 1;
        }
    }

    return n;
}


/* How many cannot be billed, now or ever, and why. */

static int
nru_judge(grid_batch_t *batch, nru_row_t *rows, size_t n, size_t *gone)
{
    int     rc;
    size_t  i, k;

    for (i = 0; i < n; i++) {

        for (k = 0; k < i; k++) {
            if (rows[k].report.contract == rows[i].report.contract) {
                break;
            }
        }

        if (k < i) {
            rows[i].state = rows[k].state;
            rows[i].why = rows[k].why;

        } else {
            rc = nru_judge_one(batch, &rows[i]);

            if (rc != GRID_OK) {
                return rc;
            }
        }

        *gone += rows[i].state != GRID_REPORT_SENT;
    }

    return GRID_OK;
}


static int
nru_judge_one(grid_batch_t *batch, nru_row_t *row)
{
    int              rc;
    grid_contract_t  contract;

    row->state = GRID_REPORT_SENT;

    rc = grid_chain_contract(batch->facts, row->report.contract, &contract);

    if (rc == GRID_AWAY) {
        return rc;
    }

    /* a node of the chain that is behind does not know a new one yet */

    if (rc == GRID_NONE
        && (uint64_t) time(NULL) < row->report.time + GRID_HOUR)
    {
        row->state = GRID_REPORT_WAITING;
        return GRID_OK;
    }

    if (rc == GRID_NONE) {
        row->why = "the contract is gone";

    } else if (contract.type != GRID_CONTRACT_NODE) {
        row->why = "it is no contract with a node";

    } else if (contract.node != batch->self.node) {
        row->why = "the contract is of another node";
    }

    if (row->why) {
        row->state = GRID_REPORT_VOID;
    }

    return GRID_OK;
}


/*
 * They are written off, or put off, in a step of their own; the others are
 * taken anew.
 */

static int
nru_void(grid_batch_t *batch, const nru_row_t *rows, size_t n)
{
    size_t  i;

    grid_state_begin(batch->state);

    for (i = 0; i < n; i++) {
        if (rows[i].state == GRID_REPORT_VOID) {
            (void) grid_state_run(batch->state, "update reports set state = "
                                  "?, why = ? where id = ?", "iti",
                                  (int64_t) GRID_REPORT_VOID, rows[i].why,
                                  rows[i].id);

        } else if (rows[i].state == GRID_REPORT_WAITING) {
            (void) grid_state_run(batch->state, "update reports set after = ? "
                                  "where id = ?", "ii",
                                  (int64_t) time(NULL) + NRU_UNKNOWN,
                                  rows[i].id);
        }
    }

    return grid_state_commit(batch->state);
}


static int
nru_begin(grid_batch_t *batch, const nru_row_t *rows, size_t n)
{
    int        rc;
    size_t     i;
    int64_t    id;
    uint8_t   *call;
    wgw_out_t  out;

    id = 0;
    call = wgw_alloc(GRID_CALL);
    wgw_out_init(&out, call, GRID_CALL);

    rc = nru_write(batch, rows, n, &out);

    if (rc == GRID_OK) {
        rc = grid_batch_begin(batch, &grid_nru_kind, call,
                              (size_t) (out.pos - out.start), &id);
    }

    free(call);

    if (rc != GRID_OK) {
        return rc;
    }

    for (i = 0; i < n; i++) {
        (void) grid_state_run(batch->state, "update reports set state = ?, "
                              "batch = ? where id = ?", "iii",
                              (int64_t) GRID_REPORT_SENT, id, rows[i].id);
    }

    return grid_state_commit(batch->state);
}


static int
nru_write(grid_batch_t *batch, const nru_row_t *rows, size_t n,
    wgw_out_t *out)
{
    int          rc;
    size_t       i;
    uint8_t      index[2];
    grid_nru_t  *reports;

    rc = grid_substrate_call(batch->chain, NRU_PALLET, NRU_CALL,
                             NRU_ARGUMENTS, index);

    if (rc != GRID_OK) {
        return rc;
    }

    reports = wgw_alloc(n * sizeof(grid_nru_t));

    for (i = 0; i < n; i++) {
        reports[i] = rows[i].report;
    }

    grid_nru_call(out, index, reports, n);
    free(reports);

    return GRID_OK;
}


static int
nru_again(grid_batch_t *batch, int64_t id, wgw_out_t *call)
{
    int         rc;
    size_t      n;
    nru_row_t  *rows;

    rows = wgw_alloc(GRID_NRU_BATCH * sizeof(nru_row_t));
    n = nru_load(batch->state, rows, "select id, contract, time, bytes, tries "
                 "from reports where batch = ? order by time, id", id);
    rc = nru_write(batch, rows, n, call);
    free(rows);

    return rc;
}


/* What the final state shows, of all of them, before the step. */

static int
nru_settle(grid_batch_t *batch, int64_t id, const char *block)
{
    int         rc;
    size_t      i, n, done;
    nru_row_t  *rows;

    rc = GRID_OK;
    done = 0;
    rows = wgw_alloc(GRID_NRU_BATCH * sizeof(nru_row_t));

    n = nru_load(batch->state, rows, "select id, contract, time, bytes, tries "
                 "from reports where batch = ? and state = 1 order by time, "
                 "id", id);

    for (i = 0; i < n && rc == GRID_OK; i++) {
        rc = nru_shown(batch, &rows[i], block);
        done += rows[i].state == GRID_REPORT_FINAL;
    }

    if (rc == GRID_OK) {
        grid_state_begin(batch->state);

        for (i = 0; i < n; i++) {
            (void) grid_state_run(batch->state, "update reports set state = "
                                  "?1, why = ?2, after = case when ?1 = 0 and "
                                  "tries > 0 then ?4 + min(3600, 30 << "
                                  "min(tries, 10)) else 0 end, tries = tries "
                                  "+ (?1 = 0) where id = ?3", "itii",
                                  (int64_t) rows[i].state, rows[i].why,
                                  rows[i].id, (int64_t) time(NULL));
        }

        grid_batch_end(batch, id, done != 0, block);
        rc = grid_state_commit(batch->state);
    }

    free(rows);

    return rc;
}


static int
nru_shown(grid_batch_t *batch, nru_row_t *row, const char *block)
{
    int           rc, bad;
    uint64_t      updated;
    grid_value_t  value;

    rc = grid_substrate_get_number(batch->chain, NRU_PALLET,
                                   "ContractBillingInformationByID",
                                   row->report.contract, 8, block, &value);

    if (rc == GRID_NONE) {
        row->state = GRID_REPORT_VOID;
        row->why = "the contract is gone";
        return GRID_OK;
    }

    if (rc != GRID_OK) {
        return rc;
    }

    bad = 0;
    updated = grid_value_number(&value, "last_updated", &bad);

    row->state = !bad && updated >= row->report.time ? GRID_REPORT_FINAL
                                                     : GRID_REPORT_WAITING;

    return bad ? GRID_FAILED : GRID_OK;
}
