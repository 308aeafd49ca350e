
/*
 * The herald reads what others have said: what is new, or all of it.
 */

#include <ngx_config.h>
#include <ngx_core.h>

#include <hiredis/hiredis.h>

#include "fleet/herald_parts.h"


#define READ_SAVE     1000              /* entries */
#define READ_COMPARE  500               /* names at once */

#define READ_HAVE     (48 + WGW_NAME_MAX)


static void read_news(void *data, const redisReply *reply);
static void read_rows(herald_t *h, const redisReply *reply, size_t n);
static uint64_t *read_position(herald_t *h);
static ngx_uint_t read_entries(herald_t *h, const redisReply *reply,
    size_t n);
static void read_double(herald_t *h, wgw_text_t origin);
static ngx_uint_t read_own(herald_t *h, const wgw_gazette_entry_t *entry);
static void read_take(herald_t *h, const wgw_follow_row_t *row);
static void read_op(herald_t *h, herald_kind_t kind,
    const wgw_follow_row_t *row);
static ngx_uint_t read_have(herald_t *h, wgw_out_t *out);
static void read_compared(void *data, const redisReply *reply);
static void read_verdict(herald_t *h, wgw_follow_row_t *row,
    wgw_gazette_verdict_t verdict);
static void read_scanned(void *data, const redisReply *reply);
static void read_bad(herald_t *h);


static char  read_items[READ_COMPARE * READ_HAVE];


void
wgw_herald_news(herald_t *h)
{
    int         n;
    wgw_text_t  args[WGW_GAZETTE_ARGS];

    n = wgw_gazette_news(&h->gazette, args, *read_position(h));

    (void) wgw_herald_send(h, args, n, read_news);
}


static void
read_news(void *data, const redisReply *reply)
{
    herald_t *h = data;

    size_t               entries, rows;
    wgw_gazette_head_t   head;

    if (wgw_herald_reply(h, reply) != 0) {
        return;
    }

    if (wgw_gazette_head_of(reply, &head) != 0
        || wgw_gazette_entries(reply, &entries, &rows) != 0
        || head.epoch.len == 0
        || ngx_memcmp(head.epoch.data, h->epoch, WGW_FOLLOW_EPOCH) != 0)
    {
        wgw_herald_elsewhere(h);
        return;
    }

    if (!wgw_herald_sound(h, &head)) {
        return;
    }

    h->version = head.version;

    if (entries == 0) {
        wgw_herald_compare_all(h, 0);
        return;
    }

    if (wgw_herald_look(h) == NULL) {
        return;
    }

    if (!read_entries(h, reply, entries)) {
        wgw_store_end(h->store);
        return;
    }

    read_rows(h, reply, rows);

    wgw_store_end(h->store);

    h->moved = 1;
    h->unsaved += entries;

    if (h->phase == HERALD_FOLLOWS) {
        h->batch->save = h->batch->ops.nelts || h->unsaved >= READ_SAVE;
    }

    wgw_herald_make(h);
}


static void
read_rows(herald_t *h, const redisReply *reply, size_t n)
{
    size_t            i;
    wgw_follow_row_t  row;

    for (i = 0; i < n; i++) {
        if (wgw_gazette_row(reply, i, &row) == 0) {
            read_take(h, &row);

        } else {
            read_bad(h);
        }
    }
}


/* What is read during a comparison is known when that has ended. */

static uint64_t *
read_position(herald_t *h)
{
    return h->phase == HERALD_FOLLOWS ? &h->state.position : &h->live;
}


/*
 * 0: the chain is another one, and all will be compared.  What was told from
 * here has to be in it.
 */

static ngx_uint_t
read_entries(herald_t *h, const redisReply *reply, size_t n)
{
    size_t               i;
    uint64_t             position;
    ngx_uint_t           told, cut;
    wgw_gazette_entry_t  entry;

    position = *read_position(h);
    told = h->state.told <= position
           || (h->phase != HERALD_FOLLOWS && h->state.told == h->told);
    cut = 0;

    for (i = 0; i < n; i++) {

        if (wgw_gazette_entry(reply, i, &entry) != 0) {
            break;
        }

        if (entry.before != position || entry.version <= position
            || entry.version > h->version)
        {
            cut = i == 0 && entry.before > position;
            break;
        }

        position = entry.version;
        told |= position == h->state.told;

        if (!told && position > h->state.told) {
            break;
        }

        read_double(h, entry.origin);

        if (h->doubt && !read_own(h, &entry)) {
            break;
        }
    }

    if (i == n) {
        *read_position(h) = position;
        return 1;
    }

    wgw_herald_drop(h);
    wgw_herald_compare_all(h, !cut);

    return 0;
}


/* Said of one that tells at the same time: older entries are not read. */

static void
read_double(herald_t *h, wgw_text_t origin)
{
    size_t  len;

    len = h->fleet->node.len + 1;

    if (h->doubled || origin.len != h->origin_len
        || ngx_memcmp(origin.data, h->origin, len) != 0
        || ngx_memcmp(origin.data, h->origin, origin.len) == 0)
    {
        return;
    }

    h->doubled = 1;

    ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                  "wgw fleet: another machine is node \"%V\" as well",
                  &h->fleet->node);
}


/* What was told, perhaps by a process before this one, has arrived. */

static ngx_uint_t
read_own(herald_t *h, const wgw_gazette_entry_t *entry)
{
    wgw_follow_row_t  row;

    if (!wgw_text_equal(entry->origin,
                        (wgw_text_t) { h->origin, h->origin_len }))
    {
        return 1;
    }

    ngx_memzero(&row, sizeof(wgw_follow_row_t));
    row.name = entry->name;

    return wgw_herald_op(h->batch, HERALD_HEARD, &row, entry->seq) != NULL;
}


/* Most of what is told from here comes back: it is known. */

static void
read_take(herald_t *h, const wgw_follow_row_t *row)
{
    if (!wgw_follow_known(h->store, row)) {
        read_op(h, HERALD_TAKE, row);
    }
}


void
wgw_herald_compare(herald_t *h)
{
    int         n;
    wgw_out_t   out;
    wgw_text_t  args[WGW_GAZETTE_ARGS];

    if (wgw_herald_look(h) == NULL) {
        return;
    }

    wgw_out_init(&out, read_items, sizeof(read_items));

    n = read_have(h, &out);

    wgw_store_end(h->store);

    if (n == 0) {
        wgw_herald_drop(h);

        h->phase = HERALD_SCANS;
        h->cursor[0] = '0';
        h->cursor_len = 1;

        wgw_herald_step(h);
        return;
    }

    n = wgw_gazette_compare(&h->gazette, args,
                            (wgw_text_t) { h->epoch, WGW_FOLLOW_EPOCH },
                            wgw_out_text(&out));

    (void) wgw_herald_send(h, args, n, read_compared);
}


/* The next names, as operations of no kind yet. */

static ngx_uint_t
read_have(herald_t *h, wgw_out_t *out)
{
    ngx_uint_t         n;
    wgw_text_t         after;
    wgw_follow_row_t   row;
    wgw_store_error_t  error;

    after.data = h->name;
    after.len = h->len;

    for (n = 0; n < READ_COMPARE; n++) {

        if (wgw_follow_each(h->store, after, &row, &error) != WGW_STORE_OK
            || wgw_herald_op(h->batch, HERALD_REFILL, &row, 0) == NULL)
        {
            break;
        }

        wgw_gazette_have(out, &row);

        after = row.name;
    }

    return n;
}


static void
read_compared(void *data, const redisReply *reply)
{
    herald_t *h = data;

    size_t                  i, n;
    herald_op_t            *ops;
    herald_batch_t         *asked;
    wgw_follow_row_t        row;
    wgw_gazette_verdict_t   verdict;

    if (wgw_herald_reply(h, reply) != 0) {
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
        wgw_herald_elsewhere(h);
        return;
    }

    asked = h->batch;
    h->batch = NULL;

    if (wgw_herald_batch(h) == NULL) {
        ngx_destroy_pool(asked->pool);
        return;
    }

    ops = asked->ops.elts;
    n = ngx_min(asked->ops.nelts, reply->elements);

    for (i = 0; i < n; i++) {
        row = ops[i].row;

        if (wgw_gazette_compared(reply, i, &row, &verdict) == 0) {
            read_verdict(h, &row, verdict);

        } else {
            read_bad(h);
        }
    }

    /* it answers fewer where rows are long */

    h->len = ops[n - 1].row.name.len;
    ngx_memcpy(h->name, ops[n - 1].row.name.data, h->len);

    ngx_destroy_pool(asked->pool);

    wgw_herald_make(h);
}


static void
read_verdict(herald_t *h, wgw_follow_row_t *row,
    wgw_gazette_verdict_t verdict)
{
    herald_kind_t  kind;

    switch (verdict) {

    case WGW_GAZETTE_SAME:
        return;

    case WGW_GAZETTE_LATER:
        kind = HERALD_TAKE;
        break;

    case WGW_GAZETTE_ABSENT:
        kind = h->fills || row->version == 0 ? HERALD_REFILL : HERALD_DROP;
        break;

    default:
        kind = HERALD_REFILL;
    }

    read_op(h, kind, row);
}


static void
read_op(herald_t *h, herald_kind_t kind, const wgw_follow_row_t *row)
{
    if (row->version > h->limit
        || wgw_herald_op(h->batch, kind, row, 0) == NULL)
    {
        read_bad(h);
    }
}


void
wgw_herald_scan(herald_t *h)
{
    int         n;
    wgw_text_t  args[WGW_GAZETTE_ARGS];

    n = wgw_gazette_scan(&h->gazette, args,
                         (wgw_text_t) { h->cursor, h->cursor_len });

    (void) wgw_herald_send(h, args, n, read_scanned);
}


static void
read_scanned(void *data, const redisReply *reply)
{
    herald_t *h = data;

    int                rc;
    size_t             i, n;
    wgw_text_t         cursor;
    wgw_follow_row_t   row;

    if (wgw_herald_reply(h, reply) != 0) {
        return;
    }

    if (wgw_gazette_scanned(reply, &cursor, &n) != 0) {
        wgw_herald_elsewhere(h);
        return;
    }

    if (wgw_herald_look(h) == NULL) {
        return;
    }

    for (i = 0; i < n; i++) {
        rc = wgw_gazette_found(reply, i, &row);

        if (rc == 0) {
            read_take(h, &row);

        } else if (rc < 0) {
            read_bad(h);
        }
    }

    wgw_store_end(h->store);

    h->cursor_len = cursor.len;
    ngx_memcpy(h->cursor, cursor.data, cursor.len);

    if (wgw_text_equal(cursor, wgw_text("0"))) {
        h->state.known = 1;
        h->state.again = h->refused;
        h->state.position = h->live;
        h->state.told = h->state.told == h->told ? 0 : h->state.told;
        ngx_memcpy(h->state.epoch, h->epoch, WGW_FOLLOW_EPOCH);

        h->batch->save = 1;
        h->batch->last = 1;
    }

    wgw_herald_make(h);
}


/* What nobody here has written; it is passed over, and comes again. */

static void
read_bad(herald_t *h)
{
    h->refused = 1;
    h->state.again = 1;

    __atomic_fetch_add(&h->stats->refused, 1, __ATOMIC_RELAXED);

    if (!h->failing) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "wgw fleet: Redis has a damaged record of a name");
    }
}
