
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "grid/batch.h"
#include "program/memory.h"


#define BATCH_AGAIN  12                 /* s, until the same is sent again */


typedef enum {
    BATCH_PENDING = 0,
    BATCH_FINAL,
    BATCH_LOST
} batch_state_t;


/* The one that is under way. */
typedef struct {
    int64_t   id;
    int64_t   made;
    uint32_t  nonce;
    uint32_t  spec;
    uint32_t  transaction;
    char      kind[16];
    uint8_t   bytes[GRID_EXTRINSIC];
    size_t    len;
} batch_row_t;


static int batch_load(grid_state_t *state, batch_row_t *row);
static int batch_follow(grid_batch_t *batch, const grid_batch_kind_t *kind,
    batch_row_t *row);
static int batch_old(const grid_batch_kind_t *kind, const batch_row_t *row);
static int batch_send(grid_batch_t *batch, const batch_row_t *row);
static int batch_anew(grid_batch_t *batch, const grid_batch_kind_t *kind,
    batch_row_t *row);
static int batch_sign(grid_batch_t *batch, uint32_t nonce, const void *call,
    size_t len, batch_row_t *row);
static int batch_nonce(grid_batch_t *batch, const char *block,
    uint32_t *nonce);


static const char  *const batch_steps[] = {
    "create table batches (id integer primary key, kind text not null, "
        "nonce integer not null, spec integer not null, "
        "transaction_version integer not null, bytes blob not null, "
        "made integer not null, sends integer not null default 0, "
        "state integer not null default 0, ended integer, block text)",
    "create index batches_state on batches (state)",
    "create index batches_kind on batches (kind, id)",
    NULL
};

const grid_schema_t  grid_batch_schema = { "batch", batch_steps };


int
grid_batch_pursue(grid_batch_t *batch, const grid_batch_kind_t *const *kinds)
{
    int           rc;
    batch_row_t  *row;

    row = wgw_alloc(sizeof(batch_row_t));
    rc = GRID_OK;

    batch->state->failed = 0;

    if (batch_load(batch->state, row)) {
        for ( /* void */ ; *kinds; kinds++) {
            if (strcmp((*kinds)->name, row->kind) == 0) {
                rc = batch_follow(batch, *kinds, row);
                break;
            }
        }
    }

    free(row);

    /* what cannot be read is not what is not there */

    return batch->state->failed ? GRID_FAILED : rc;
}


static int
batch_load(grid_state_t *state, batch_row_t *row)
{
    int            found;
    sqlite3_stmt  *query;

    query = grid_state_query(state, "select id, kind, nonce, spec, "
                             "transaction_version, bytes, made from batches "
                             "where state = 0", "");
    found = grid_state_row(state, query);

    if (found) {
        row->id = sqlite3_column_int64(query, 0);
        grid_put(row->kind, sizeof(row->kind), "%s",
                 grid_state_text(query, 1));
        row->nonce = (uint32_t) sqlite3_column_int64(query, 2);
        row->spec = (uint32_t) sqlite3_column_int64(query, 3);
        row->transaction = (uint32_t) sqlite3_column_int64(query, 4);
        row->len = (size_t) sqlite3_column_bytes(query, 5);

        if (row->len <= sizeof(row->bytes)) {
            memcpy(row->bytes, sqlite3_column_blob(query, 5), row->len);
        }

        row->made = sqlite3_column_int64(query, 6);
    }

    grid_state_done(query);

    return found;
}


static int
batch_follow(grid_batch_t *batch, const grid_batch_kind_t *kind,
    batch_row_t *row)
{
    int             rc;
    char            block[GRID_BLOCK];
    uint32_t        nonce;
    grid_runtime_t  runtime;

    nonce = 0;
    rc = grid_substrate_final(batch->chain, block);

    if (rc == GRID_OK) {
        rc = batch_nonce(batch, block, &nonce);
    }

    if (rc != GRID_OK) {
        return GRID_AWAY;
    }

    if (nonce > row->nonce) {
        rc = kind->settle(batch, row->id, block);
        return rc == GRID_OK ? GRID_OK : GRID_AWAY;
    }

    rc = batch_nonce(batch, NULL, &nonce);

    if (rc != GRID_OK || nonce > row->nonce) {
        return rc == GRID_OK ? GRID_NONE : GRID_AWAY;   /* it is in a block */
    }

    grid_substrate_runtime(batch->chain, &runtime);

    if (runtime.spec != row->spec || runtime.transaction != row->transaction
        || batch_old(kind, row))
    {
        rc = batch_anew(batch, kind, row);

        if (rc == GRID_FAILED && kind->life) {
            return grid_batch_settle(batch, row->id, 0, block);
        }

        if (rc != GRID_OK) {
            return rc;
        }

        batch->sent = 0;
    }

    return batch_send(batch, row);
}


static int
batch_old(const grid_batch_kind_t *kind, const batch_row_t *row)
{
    int64_t  age;

    age = (int64_t) time(NULL) - row->made;

    return kind->life && (age > kind->life || age < 0);
}


static int
batch_send(grid_batch_t *batch, const batch_row_t *row)
{
    int      rc;
    int64_t  now;

    now = (int64_t) time(NULL);

    if (now - batch->sent < BATCH_AGAIN && now >= batch->sent) {
        return GRID_NONE;
    }

    (void) grid_state_run(batch->state, "update batches set sends = sends + 1 "
                          "where id = ?", "i", row->id);

    rc = grid_substrate_send(batch->chain, row->bytes, row->len);

    if (rc == GRID_OK) {
        batch->sent = now;
    }

    return rc == GRID_OK ? GRID_NONE : rc;
}


/* With the same nonce: one of both at most will be in the chain. */

static int
batch_anew(grid_batch_t *batch, const grid_batch_kind_t *kind,
    batch_row_t *row)
{
    int        rc;
    uint8_t   *call;
    wgw_out_t  out;

    call = wgw_alloc(GRID_CALL);
    wgw_out_init(&out, call, GRID_CALL);

    rc = kind->call(batch, row->id, &out);

    if (rc == GRID_OK) {
        rc = batch_sign(batch, row->nonce, call,
                        (size_t) (out.pos - out.start), row);
    }

    free(call);

    if (rc != GRID_OK) {
        return rc;
    }

    grid_state_begin(batch->state);
    (void) grid_state_run(batch->state, "update batches set bytes = ?, spec = "
                          "?, transaction_version = ?, made = ? where id = "
                          "?", "biiii", row->bytes, row->len,
                          (int64_t) row->spec, (int64_t) row->transaction,
                          (int64_t) time(NULL), row->id);

    return grid_state_commit(batch->state);
}


static int
batch_sign(grid_batch_t *batch, uint32_t nonce, const void *call, size_t len,
    batch_row_t *row)
{
    int             rc;
    wgw_out_t       out;
    grid_runtime_t  runtime;

    wgw_out_init(&out, row->bytes, sizeof(row->bytes));

    rc = grid_substrate_sign(batch->chain, batch->grid->identity,
                             batch->self.kind, nonce, call, len, &out);

    grid_substrate_runtime(batch->chain, &runtime);

    row->nonce = nonce;
    row->spec = runtime.spec;
    row->transaction = runtime.transaction;
    row->len = (size_t) (out.pos - out.start);

    return rc;
}


int
grid_batch_begin(grid_batch_t *batch, const grid_batch_kind_t *kind,
    const void *call, size_t len, int64_t *id)
{
    int           rc;
    uint32_t      nonce;
    batch_row_t  *row;

    nonce = 0;
    rc = batch_nonce(batch, NULL, &nonce);

    if (rc != GRID_OK) {
        return rc;
    }

    row = wgw_alloc(sizeof(batch_row_t));
    rc = batch_sign(batch, nonce, call, len, row);

    if (rc == GRID_OK) {
        grid_state_begin(batch->state);
        rc = grid_state_run(batch->state, "insert into batches (kind, nonce, "
                            "spec, transaction_version, bytes, made) values "
                            "(?, ?, ?, ?, ?, ?)", "tiiibi", kind->name,
                            (int64_t) row->nonce, (int64_t) row->spec,
                            (int64_t) row->transaction, row->bytes, row->len,
                            (int64_t) time(NULL));
        *id = sqlite3_last_insert_rowid(batch->state->db);
        batch->sent = 0;

        if (rc != GRID_OK) {
            grid_state_rollback(batch->state);
        }
    }

    free(row);

    return rc;
}


/* The account's in that block, or in the best one. */

static int
batch_nonce(grid_batch_t *batch, const char *block, uint32_t *nonce)
{
    return grid_substrate_nonce(batch->chain,
                                grid_identity_key(batch->grid->identity,
                                                  batch->self.kind),
                                block, nonce);
}


void
grid_batch_end(grid_batch_t *batch, int64_t id, int final, const char *block)
{
    (void) grid_state_run(batch->state, "update batches set state = ?, ended "
                          "= ?, block = ? where id = ?", "iiti",
                          (int64_t) (final ? BATCH_FINAL : BATCH_LOST),
                          (int64_t) time(NULL), block, id);
}


int
grid_batch_settle(grid_batch_t *batch, int64_t id, int final,
    const char *block)
{
    grid_state_begin(batch->state);
    grid_batch_end(batch, id, final, block);

    return grid_state_commit(batch->state);
}
