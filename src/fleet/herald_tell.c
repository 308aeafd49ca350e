
/*
 * The herald tells the fleet what was changed here.
 */

#include <ngx_config.h>
#include <ngx_core.h>

#include <hiredis/hiredis.h>

#include "fleet/herald_parts.h"


/* the longest item: numbers, a name and its record */
#define TELL_ITEM  (128 + WGW_NAME_MAX + WGW_RECORD_JSON)


static ngx_uint_t tell_some(herald_t *h, ngx_uint_t refill, wgw_out_t *out);
static ngx_uint_t tell_item(herald_t *h, const wgw_follow_item_t *item,
    ngx_uint_t refill, wgw_out_t *out);
static void tell_send(herald_t *h, wgw_out_t *out);
static void tell_told(void *data, const redisReply *reply);
static void tell_versions(herald_t *h, const redisReply *reply);


/* memory of one process, which tells one thing at a time */
static wgw_follow_item_t  tell_found;
static char               tell_items[WGW_GAZETTE_BYTES + TELL_ITEM];


ngx_uint_t
wgw_herald_tell(herald_t *h)
{
    wgw_out_t        out;
    ngx_uint_t       n;
    herald_batch_t  *batch;

    if (wgw_store_id(h->store) == h->seen && h->seen) {
        return 0;
    }

    batch = wgw_herald_look(h);

    if (batch == NULL) {
        return 1;
    }

    wgw_out_init(&out, tell_items, sizeof(tell_items));

    n = tell_some(h, 0, &out);

    if (n == 0) {
        n = tell_some(h, 1, &out);
    }

    wgw_store_end(h->store);

    if (n == 0) {
        h->seen = batch->id;
        wgw_herald_drop(h);
        return 0;
    }

    tell_send(h, &out);

    return 1;
}


/*
 * On from the last that was told, so that names early in the order, which
 * change all the time, do not keep others waiting.
 */

static ngx_uint_t
tell_some(herald_t *h, ngx_uint_t refill, wgw_out_t *out)
{
    ngx_uint_t         n, turned;
    wgw_text_t         after;
    wgw_store_rc_t     rc;
    wgw_store_error_t  error;

    after.data = h->told_name;
    after.len = refill ? 0 : h->told_len;
    turned = (after.len == 0);

    for (n = 0; n < WGW_GAZETTE_ROWS; /* void */ ) {

        rc = wgw_follow_next(h->store, refill, after, &tell_found, &error);

        if (rc == WGW_STORE_NONE && !turned && n == 0) {
            turned = 1;
            after.len = 0;
            continue;
        }

        if (rc != WGW_STORE_OK
            || !tell_item(h, &tell_found, refill, out))
        {
            break;
        }

        n++;

        ngx_memcpy(h->told_name, tell_found.name, tell_found.row.name.len);
        after.len = tell_found.row.name.len;

        if (out->pos - out->start > WGW_GAZETTE_BYTES) {
            break;
        }
    }

    h->told_len = refill ? 0 : after.len;

    return n;
}


/* What is damaged, or was never said to anybody, is not told, but done. */

static ngx_uint_t
tell_item(herald_t *h, const wgw_follow_item_t *item, ngx_uint_t refill,
    wgw_out_t *out)
{
    herald_op_t             *op;
    const wgw_follow_row_t  *row;

    row = &item->row;

    op = wgw_herald_op(h->batch, HERALD_TOLD, row, item->seq);
    if (op == NULL) {
        return 0;
    }

    op->asked = row->gone ? !refill || row->version : row->json.len != 0;
    op->row.version = 0;

    if (op->asked) {
        wgw_gazette_item(out, row, item->seq, refill);
    }

    return 1;
}


static void
tell_send(herald_t *h, wgw_out_t *out)
{
    int         n;
    wgw_text_t  args[WGW_GAZETTE_ARGS];

    n = wgw_gazette_tell(&h->gazette, args,
                         (wgw_text_t) { h->epoch, WGW_FOLLOW_EPOCH },
                         (wgw_text_t) { h->origin, h->origin_len },
                         wgw_out_text(out));

    (void) wgw_herald_send(h, args, n, tell_told);
}


static void
tell_told(void *data, const redisReply *reply)
{
    herald_t *h = data;

    /* without a reply it is not known; an error may have come half way */

    h->doubt = (reply == NULL || reply->type == REDIS_REPLY_ERROR);

    if (wgw_herald_reply(h, reply) != 0 || reply == NULL) {
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY) {
        wgw_herald_elsewhere(h);
        return;
    }

    tell_versions(h, reply);
    wgw_herald_make(h);
}


static void
tell_versions(herald_t *h, const redisReply *reply)
{
    size_t        n;
    uint64_t      version;
    ngx_uint_t    i, told;
    herald_op_t  *ops;

    ops = h->batch->ops.elts;
    told = 0;

    for (i = 0, n = 0; i < h->batch->ops.nelts; i++) {

        if (!ops[i].asked || wgw_gazette_told(reply, n++, &version) != 0) {
            continue;
        }

        ops[i].row.version = version;
        told++;

        if (ops[i].seq && version > h->state.told) {
            h->state.told = version;
            h->batch->save = 1;
        }
    }

    __atomic_fetch_add(&h->stats->told, told, __ATOMIC_RELAXED);
}
