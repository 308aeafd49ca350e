
/*
 * What is said of a key to Redis, and what comes of it.
 */

#include <stdlib.h>

#include "fleet/lease_key.h"
#include "fleet/shards.h"
#include "table/clock.h"


#define KEY_AGAIN     100               /* after a question that failed ... */
#define KEY_VAIN      1000              /* ... or was in vain */


static void key_send(wgw_leases_t *l, wgw_lease_key_t *key, uint64_t units);
static wgw_question_t *key_question(wgw_leases_t *l, uint32_t record,
    uint64_t clock, uint16_t slot);
static void key_name(wgw_leases_t *l, uint32_t record, uint64_t clock,
    wgw_out_t *out);
static uint64_t key_ttl(wgw_leases_t *l, uint64_t clock);
static void key_done(wgw_question_t *q);
static void key_got(wgw_leases_t *l, wgw_lease_key_t *key,
    wgw_question_t *q);
static void key_publish(wgw_leases_t *l, const wgw_lease_key_t *key);
static void key_others(wgw_leases_t *l, wgw_lease_key_t *key,
    uint64_t others);


void
wgw_lease_key_ask(wgw_leases_t *l, wgw_lease_key_t *key)
{
    key_send(l, key, wgw_lease_key_sure(l, key) ? wgw_lease_key_wants(l, key)
                                                : 0);
}


static void
key_send(wgw_leases_t *l, wgw_lease_key_t *key, uint64_t units)
{
    wgw_question_t  *q;

    q = key_question(l, key->record, key->clock, key->slot);

    if (q == NULL) {
        key->next = l->now + KEY_AGAIN;
        return;
    }

    q->done = key_done;
    q->data = l;
    q->index = (uint64_t) (key - l->keys);
    q->units = key->known + units;
    q->asked = units;
    q->sure = (unsigned) wgw_lease_key_sure(l, key);

    key->busy = 1;

    wgw_question_send(q);
}


/* NULL: nobody has the slot, or there is no memory. */

static wgw_question_t *
key_question(wgw_leases_t *l, uint32_t record, uint64_t clock, uint16_t slot)
{
    wgw_out_t        out;
    wgw_witness_t   *w;
    wgw_question_t  *q;

    w = wgw_lease_witness(l, slot);

    if (w == NULL || w->serial == 0) {
        return NULL;
    }

    q = wgw_question_create();
    if (q == NULL) {
        return NULL;
    }

    wgw_out_init(&out, q->key, sizeof(q->key));
    key_name(l, record, clock, &out);
    q->key_len = (size_t) (out.pos - q->key);

    wgw_out_init(&out, q->field, sizeof(q->field));
    wgw_out_bytes(&out, l->conf.node.data, l->conf.node.len);
    wgw_out_str(&out, ".");
    wgw_out_uint(&out, l->lease->header->incarnation);
    wgw_out_str(&out, ".");
    q->own_len = (size_t) (out.pos - q->field);
    wgw_out_uint(&out, w->serial);
    q->field_len = (size_t) (out.pos - q->field);

    q->witness = w;
    q->slot = slot;
    q->serial = w->serial;
    q->ttl = key_ttl(l, clock);

    return q;
}


/* Two keys never have one name, whatever is in them: digits end it. */

static void
key_name(wgw_leases_t *l, uint32_t record, uint64_t clock, wgw_out_t *out)
{
    int            ended;
    wgw_text_t     text;
    wgw_window_t   window;

    window = wgw_clock_window(l->conf.table);

    (void) wgw_table_key(l->conf.table, record, &text);

    wgw_out_bytes(out, l->conf.prefix.data, l->conf.prefix.len);
    wgw_out_str(out, ":lease:");
    wgw_out_uint(out, l->conf.zone.len);
    wgw_out_str(out, ":");
    wgw_out_bytes(out, l->conf.zone.data, l->conf.zone.len);
    wgw_out_str(out, ":{");
    wgw_out_bytes(out, text.data, text.len);
    wgw_out_str(out, "}:");
    wgw_out_uint(out, (uint64_t) wgw_window_start(window,
                                                  clock >> WGW_RING_BITS));
    wgw_out_str(out, ":");
    wgw_out_uint(out, wgw_life_of(l->conf.table, record, &ended));
}


uint16_t
wgw_lease_key_slot(wgw_leases_t *l, uint32_t record, uint64_t clock)
{
    char       name[WGW_QUESTION_KEY];
    wgw_out_t  out;

    wgw_out_init(&out, name, sizeof(name));
    key_name(l, record, clock, &out);

    return wgw_shard_slot(wgw_out_text(&out));
}


/* To the window's end and as long again, a week at most; 0: for ever. */

static uint64_t
key_ttl(wgw_leases_t *l, uint64_t clock)
{
    int64_t       now, start, end, more;
    uint64_t      period;
    wgw_window_t  window;

    window = wgw_clock_window(l->conf.table);

    if (window.kind == WGW_WINDOW_TOTAL) {
        return 0;
    }

    period = clock >> WGW_RING_BITS;
    start = wgw_window_start(window, period);
    end = wgw_window_start(window, period + 1);
    now = l->conf.wall();

    more = end - start < 604800 ? end - start : 604800;
    more = more > 3600 ? more : 3600;

    return (uint64_t) (end > now ? end - now + more : more);
}


static void
key_done(wgw_question_t *q)
{
    wgw_leases_t     *l;
    wgw_lease_key_t  *key;

    l = q->data;
    key = &l->keys[q->index];
    key->busy = 0;

    l->now = l->conf.wire->now(l->conf.wire);

    if (q->failed || q->strange) {
        l->lease->header->failed++;

        /* it may have been carried out: all is said again */

        key->serial = WGW_LEASE_NEVER;
        key->next = l->now + (q->error[0] ? KEY_VAIN : KEY_AGAIN);

        if (q->error[0]) {
            if (q->sure || key->known == 0) {
                wgw_witness_refused(q->witness, q->error);

            } else {
                wgw_witness_undeclared(q->witness, q->error);
            }
        }

        return;
    }

    wgw_witness_taken(q->witness);
    l->taken_at = l->now;

    if (q->missing
        || (q->sure && q->created && q->older == 0 && key->declared != 0))
    {
        key->serial = WGW_LEASE_NEVER;
        key->next = l->now + KEY_AGAIN;

        wgw_witness_missing(q->witness);
        return;
    }

    key->serial = q->serial;

    key_got(l, key, q);
}


static void
key_got(wgw_leases_t *l, wgw_lease_key_t *key, wgw_question_t *q)
{
    uint64_t             got;
    wgw_lease_header_t  *header;

    header = l->lease->header;
    key_others(l, key, q->others);

    got = wgw_lease_key_pool(l, key);
    got = got < q->asked ? got : q->asked;
    got = wgw_lease_key_sure(l, key) ? got : 0;

    wgw_question_correct(q, key->known + got);

    key->known += got;
    key->declared = key->known;

    if (q->asked == 0) {
        return;
    }

    if (got == 0) {
        key->next = l->now + KEY_VAIN;
        header->dry++;
        return;
    }

    key->fed = l->now;
    key_publish(l, key);

    header->grants++;
    header->granted += got;
}


/* Only words of this window and the next may be written. */

static void
key_publish(wgw_leases_t *l, const wgw_lease_key_t *key)
{
    uint64_t             tag, gone, next;
    wgw_lease_record_t  *r;

    next = wgw_clock_at(l->clock, (l->clock >> WGW_RING_BITS) + 1);

    if (key->clock != l->clock && key->clock != next) {
        return;
    }

    r = &l->lease->records[key->record];
    tag = wgw_clock_tag(key->clock);
    gone = wgw_lease_number(wgw_load(&r->gone[key->clock & 1]), tag);

    __atomic_store_n(&r->granted[key->clock & 1],
                     wgw_lease_word(gone + key->known, tag),
                     __ATOMIC_SEQ_CST);
}


static void
key_others(wgw_leases_t *l, wgw_lease_key_t *key, uint64_t others)
{
    uint64_t             tag, shared;
    wgw_lease_record_t  *r;

    key->others = others;

    if (key->clock != l->clock) {
        return;
    }

    r = &l->lease->records[key->record];
    tag = wgw_clock_tag(key->clock);
    shared = wgw_lease_number(wgw_load(&r->others), tag) & WGW_LEASE_SHARED;

    __atomic_store_n(&r->others, tag << 52 | shared | others,
                     __ATOMIC_SEQ_CST);
}


void
wgw_lease_key_return(wgw_leases_t *l, wgw_lease_key_t *key, uint64_t units)
{
    int                  waiting;
    uint64_t             got, tag, gone;
    wgw_table_t         *t;
    wgw_lease_record_t  *r;

    t = l->conf.table;
    r = &l->lease->records[key->record];

    /* by what it has, and not by a cap that was lowered */

    got = wgw_table_hold(t, key->record, 0, l->conf.count, WGW_LEASE_UNITS,
                         units, &waiting);
    got = got < key->own ? got : key->own;

    if (got == 0) {
        key->moved = l->now;
        return;
    }

    tag = wgw_clock_tag(key->clock);
    gone = wgw_lease_number(wgw_load(&r->gone[key->clock & 1]), tag);

    __atomic_store_n(&r->gone[key->clock & 1],
                     wgw_lease_word(gone + got, tag), __ATOMIC_SEQ_CST);

    wgw_table_release(t, key->record, got);

    key->known = key->known > got ? key->known - got : 0;
    key->own -= got;
    l->lease->header->returned += got;

    key_send(l, key, 0);
}


void
wgw_lease_key_share(wgw_leases_t *l, wgw_lease_key_t *key)
{
    uint64_t             tag, word, nodes, others, share;
    wgw_lease_record_t  *r;

    r = &l->lease->records[key->record];
    tag = wgw_clock_tag(key->clock);
    word = wgw_lease_number(wgw_load(&r->others), tag);
    nodes = wgw_load(&l->lease->header->nodes);
    nodes = nodes > l->alive ? nodes : l->alive;

    if (l->lease->header->mode != WGW_LEASE_SHARE || !key->hungry
        || word & WGW_LEASE_SHARED)
    {
        return;
    }

    /* they may have asked since, each for as much as this one has */

    others = word & WGW_LEASE_UNITS;
    key->others = (nodes - 1) * key->known;
    key->others = key->others > others ? key->others : others;
    key->hungry = 0;

    share = wgw_lease_key_pool(l, key) / (2 * nodes);
    key->others = others;

    __atomic_store_n(&r->others, tag << 52 | WGW_LEASE_SHARED | key->others,
                     __ATOMIC_SEQ_CST);

    key->known += share;
    key->serial = WGW_LEASE_NEVER;

    key_publish(l, key);

    l->lease->header->shares++;
}


/* One that is asked for at the moment is declared by that question. */

int
wgw_lease_key_declare(wgw_leases_t *l, uint32_t record, uint64_t clock)
{
    int               rc;
    uint16_t          slot;
    wgw_question_t   *q;
    wgw_lease_key_t  *key;

    key = wgw_lease_key_find(l, record, clock);

    if (key && key->busy) {
        return 0;
    }

    slot = key ? key->slot : wgw_lease_key_slot(l, record, clock);
    q = key_question(l, record, clock, slot);

    if (q == NULL) {
        return 0;
    }

    q->units = key ? key->known
                   : wgw_lease_own(&l->lease->records[record], clock);

    rc = wgw_question_declare(q);

    if (rc == 0 && key) {
        key->serial = q->serial;
        key->declared = key->known;
    }

    free(q);

    return rc;
}
