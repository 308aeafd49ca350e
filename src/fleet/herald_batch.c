
/*
 * What the herald has made of the store, in transactions of the thread beside.
 */

#include <ngx_config.h>
#include <ngx_core.h>

#include "fleet/agent.h"
#include "fleet/herald_parts.h"


#define HERALD_POOL   65536
#define HERALD_NAMED  10                /* refusals that a batch logs */


static ngx_uint_t herald_copy(ngx_pool_t *pool, wgw_text_t *text);
static wgw_store_rc_t herald_batch_make(wgw_txn_t *t, wgw_change_t *change);
static void herald_op_make(wgw_txn_t *t, herald_batch_t *batch,
    herald_op_t *op);
static void herald_refused(herald_batch_t *batch, herald_op_t *op,
    wgw_record_error_t *error);
static void herald_batch_done(wgw_change_t *change);
static void herald_restart(herald_t *h, const wgw_store_error_t *error);
static void herald_store_failed(herald_t *h, const wgw_store_error_t *error);
static wgw_store_rc_t herald_begin_make(wgw_txn_t *t, wgw_change_t *change);
static void herald_begin_done(wgw_change_t *change);
static wgw_store_rc_t herald_forget_make(wgw_txn_t *t, wgw_change_t *change);
static void herald_forget_done(wgw_change_t *change);
static void herald_post(herald_t *h, wgw_change_t *change,
    wgw_store_rc_t (*make)(wgw_txn_t *t, wgw_change_t *change),
    void (*done)(wgw_change_t *change));


herald_batch_t *
wgw_herald_batch(herald_t *h)
{
    ngx_pool_t      *pool;
    herald_batch_t  *batch;

    pool = ngx_create_pool(HERALD_POOL, ngx_cycle->log);
    batch = pool ? ngx_pcalloc(pool, sizeof(herald_batch_t)) : NULL;

    if (batch == NULL
        || ngx_array_init(&batch->ops, pool, WGW_GAZETTE_ROWS,
                          sizeof(herald_op_t))
           != NGX_OK)
    {
        if (pool) {
            ngx_destroy_pool(pool);
        }

        wgw_herald_failed(h, "the store", wgw_text("there is no memory"));
        return NULL;
    }

    batch->pool = pool;
    h->batch = batch;

    return batch;
}


herald_batch_t *
wgw_herald_look(herald_t *h)
{
    wgw_store_error_t  error;

    if (wgw_herald_batch(h) == NULL) {
        return NULL;
    }

    if (wgw_store_begin(h->store, &h->batch->id, &error) != WGW_STORE_OK) {
        wgw_herald_drop(h);
        herald_store_failed(h, &error);
    }

    return h->batch;
}


herald_op_t *
wgw_herald_op(herald_batch_t *batch, herald_kind_t kind,
    const wgw_follow_row_t *row, uint64_t seq)
{
    herald_op_t  *op;

    op = ngx_array_push(&batch->ops);
    if (op == NULL) {
        return NULL;
    }

    ngx_memzero(op, sizeof(herald_op_t));

    op->kind = kind;
    op->row = *row;
    op->seq = seq;

    if (kind != HERALD_TAKE) {
        op->row.json.len = 0;
    }

    if (!herald_copy(batch->pool, &op->row.name)
        || !herald_copy(batch->pool, &op->row.json))
    {
        batch->ops.nelts--;
        return NULL;
    }

    return op;
}


static ngx_uint_t
herald_copy(ngx_pool_t *pool, wgw_text_t *text)
{
    char  *copy;

    if (text->len == 0) {
        text->data = "";
        return 1;
    }

    copy = ngx_pnalloc(pool, text->len);
    if (copy == NULL) {
        return 0;
    }

    ngx_memcpy(copy, text->data, text->len);
    text->data = copy;

    return 1;
}


void
wgw_herald_drop(herald_t *h)
{
    if (h->batch) {
        ngx_destroy_pool(h->batch->pool);
        h->batch = NULL;
    }
}


void
wgw_herald_make(herald_t *h)
{
    if (h->batch->ops.nelts == 0 && !h->batch->save) {
        wgw_herald_drop(h);
        wgw_herald_step(h);
        return;
    }

    h->batch->state = h->state;

    herald_post(h, &h->batch->change, herald_batch_make, herald_batch_done);
}


/* In the thread. */

static wgw_store_rc_t
herald_batch_make(wgw_txn_t *t, wgw_change_t *change)
{
    ngx_uint_t       i;
    herald_op_t     *ops;
    herald_batch_t  *batch;

    batch = (herald_batch_t *) change;
    batch->taken = 0;
    batch->refused = 0;

    ops = batch->ops.elts;

    for (i = 0; i < batch->ops.nelts; i++) {
        herald_op_make(t, batch, &ops[i]);
    }

    if (batch->refused) {
        batch->state.again = 1;
        batch->save = 1;
    }

    return batch->save ? wgw_follow_save(t, &batch->state) : WGW_STORE_OK;
}


static void
herald_op_make(wgw_txn_t *t, herald_batch_t *batch, herald_op_t *op)
{
    herald_t              *h;
    wgw_record_error_t     error;
    wgw_follow_verdict_t   verdict;

    h = batch->change.data;

    switch (op->kind) {

    case HERALD_TOLD:
        (void) wgw_follow_told(t, op->row.name, op->seq, op->row.version,
                               op->row.gone);
        return;

    case HERALD_HEARD:
        (void) wgw_follow_heard(t, op->row.name, op->seq);
        return;

    case HERALD_REFILL:
        (void) wgw_follow_refill(t, op->row.name);
        return;

    case HERALD_DROP:
        (void) wgw_follow_drop(t, op->row.name);
        return;

    default:
        verdict = wgw_follow_take(t, &op->row, h->rules, batch->storage,
                                  &error);

        if (verdict == WGW_FOLLOW_REFUSED) {
            herald_refused(batch, op, &error);
        }

        batch->taken += (verdict == WGW_FOLLOW_TAKEN);
    }
}


static void
herald_refused(herald_batch_t *batch, herald_op_t *op,
    wgw_record_error_t *error)
{
    if (batch->refused++ >= HERALD_NAMED) {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "wgw fleet: the record of \"%*s\" is refused, and what is "
                  "here stays: %s %s", op->row.name.len, op->row.name.data,
                  error->field[0] ? error->field : "it", error->message);
}


static void
herald_batch_done(wgw_change_t *change)
{
    herald_t            *h;
    herald_batch_t      *batch;
    wgw_herald_stats_t  *stats;

    h = change->data;
    batch = h->batch;
    stats = h->stats;

    h->busy = 0;

    if (change->rc != WGW_STORE_OK) {
        herald_restart(h, &change->error);

    } else {
        h->state.again = batch->state.again;
        h->refused |= batch->refused != 0;
        h->unsaved = batch->save ? 0 : h->unsaved;

        if (batch->last) {
            h->phase = HERALD_FOLLOWS;
            h->fills = 0;
            h->moved = 1;
        }

        __atomic_fetch_add(&stats->taken, batch->taken, __ATOMIC_RELAXED);
        __atomic_fetch_add(&stats->refused, batch->refused, __ATOMIC_RELAXED);
    }

    wgw_herald_drop(h);
    wgw_herald_step(h);
}


/* What was read is read again: from what the store has of it. */

static void
herald_restart(herald_t *h, const wgw_store_error_t *error)
{
    herald_store_failed(h, error);

    h->started = 0;
    h->phase = HERALD_FOLLOWS;
}


static void
herald_store_failed(herald_t *h, const wgw_store_error_t *error)
{
    wgw_herald_failed(h, "the store",
                      (wgw_text_t) { error->text, ngx_strlen(error->text) });
}


typedef struct {
    wgw_change_t         change;
    wgw_follow_state_t   state;
    uint64_t             number;
} herald_begin_t;


/* What the store knows of the fleet; from here on its changes are noted. */

void
wgw_herald_begin(herald_t *h)
{
    static herald_begin_t  begin;

    begin.number = wgw_agent_random();

    herald_post(h, &begin.change, herald_begin_make, herald_begin_done);
}


static wgw_store_rc_t
herald_begin_make(wgw_txn_t *t, wgw_change_t *change)
{
    herald_begin_t  *begin;

    begin = (herald_begin_t *) change;

    return wgw_follow_start(t, begin->number, &begin->state);
}


static void
herald_begin_done(wgw_change_t *change)
{
    herald_t        *h;
    herald_begin_t  *begin;

    begin = (herald_begin_t *) change;
    h = change->data;

    h->busy = 0;

    if (change->rc != WGW_STORE_OK) {
        herald_restart(h, &change->error);
        return;
    }

    h->state = begin->state;
    h->again = h->state.again;
    h->started = 1;
    h->doubt = 1;
    h->within = 0;
    h->moved = 1;
    h->unsaved = 0;
    h->seen = 0;

    h->origin_len = ngx_snprintf((u_char *) h->origin, HERALD_ORIGIN,
                                 "%V/%016xL", &h->fleet->node,
                                 h->state.store)
                    - (u_char *) h->origin;

    wgw_herald_step(h);
}


void
wgw_herald_forget(herald_t *h)
{
    static wgw_change_t  change;

    herald_post(h, &change, herald_forget_make, herald_forget_done);
}


static wgw_store_rc_t
herald_forget_make(wgw_txn_t *t, wgw_change_t *change)
{
    herald_t *h = change->data;

    return wgw_follow_forget(t, h->version, h->forget_name, &h->forget_len);
}


static void
herald_forget_done(wgw_change_t *change)
{
    herald_t *h = change->data;

    h->busy = 0;

    wgw_herald_step(h);
}


/* Of zeroed memory, that stays; `done` takes `busy` back. */

static void
herald_post(herald_t *h, wgw_change_t *change,
    wgw_store_rc_t (*make)(wgw_txn_t *t, wgw_change_t *change),
    void (*done)(wgw_change_t *change))
{
    change->store = h->store;
    change->make = make;
    change->handler = done;
    change->data = h;

    h->busy = 1;

    wgw_writer_post(change);
}
