
#include <stdlib.h>
#include <string.h>

#include "fleet/lease_key.h"
#include "fleet/shards.h"
#include "table/clock.h"


#define KEY_ROOM      256               /* at first */
#define KEY_LOOK      200               /* ms */
#define KEY_IDLE      10000
#define KEY_AGAIN     100               /* after a question that failed ... */
#define KEY_VAIN      1000              /* ... or brought nothing */
#define KEY_SECONDS   4                 /* that a grant lasts ... */
#define KEY_LOW       2                 /* ... and when it is asked again */
#define KEY_HOARD     60                /* seconds in hand: too much */

/* of a connection that never was */
#define KEY_NEVER     1


static int key_grow(wgw_leases_t *l);
static uint32_t key_hash(const wgw_leases_t *l, uint32_t record,
    uint64_t clock);
static uint64_t key_part(wgw_leases_t *l, wgw_lease_key_t *key,
    uint64_t used);
static void key_rate(wgw_leases_t *l, wgw_lease_key_t *key, uint64_t used);
static uint64_t key_pool(wgw_leases_t *l, const wgw_lease_key_t *key);
static uint64_t key_least(wgw_leases_t *l, const wgw_lease_key_t *key);
static uint64_t key_wants(wgw_leases_t *l, wgw_lease_key_t *key);
static int key_sure(wgw_leases_t *l, const wgw_lease_key_t *key);
static wgw_question_t *key_question(wgw_leases_t *l, uint32_t record,
    uint64_t clock, uint16_t slot);
static void key_name(wgw_leases_t *l, uint32_t record, uint64_t clock,
    wgw_out_t *out);
static uint64_t key_ttl(wgw_leases_t *l, uint64_t clock);
static void key_send(wgw_leases_t *l, wgw_lease_key_t *key, uint64_t units);
static void key_done(wgw_question_t *q);
static void key_got(wgw_leases_t *l, wgw_lease_key_t *key,
    wgw_question_t *q);
static void key_publish(wgw_leases_t *l, const wgw_lease_key_t *key);
static void key_others(wgw_leases_t *l, wgw_lease_key_t *key,
    uint64_t others);


wgw_lease_key_t *
wgw_lease_key_find(wgw_leases_t *l, uint32_t record, uint64_t clock)
{
    uint32_t          k;
    wgw_lease_key_t  *key;

    if (l->room == 0) {
        return NULL;
    }

    for (k = l->heads[key_hash(l, record, clock)]; k; k = key->link) {
        key = &l->keys[k - 1];

        if (key->record == record && key->clock == clock) {
            return key;
        }
    }

    return NULL;
}


wgw_lease_key_t *
wgw_lease_key_get(wgw_leases_t *l, uint32_t record, uint64_t clock)
{
    uint32_t          k, *head;
    wgw_lease_key_t  *key;

    key = wgw_lease_key_find(l, record, clock);

    if (key) {
        return key;
    }

    if (l->unused == 0 && l->used == l->room && key_grow(l) != 0) {
        return NULL;
    }

    if (l->unused) {
        k = l->unused;
        l->unused = l->keys[k - 1].link;

    } else {
        k = ++l->used;
    }

    key = &l->keys[k - 1];
    memset(key, 0, sizeof(wgw_lease_key_t));

    head = &l->heads[key_hash(l, record, clock)];

    key->record = record;
    key->clock = clock;
    key->link = *head;
    key->looked = l->now;
    key->moved = l->now;
    key->fed = l->now;

    *head = k;
    l->taken++;

    key->slot = wgw_lease_key_slot(l, key);

    return key;
}


static int
key_grow(wgw_leases_t *l)
{
    uint32_t          k, room, *heads, *head;
    wgw_lease_key_t  *keys;

    room = l->room ? 2 * l->room : KEY_ROOM;

    if (room > WGW_LEASES_KEYS) {
        return -1;
    }

    heads = calloc(room, sizeof(uint32_t));
    if (heads == NULL) {
        return -1;
    }

    keys = realloc(l->keys, room * sizeof(wgw_lease_key_t));
    if (keys == NULL) {
        free(heads);
        return -1;
    }

    free(l->heads);

    l->keys = keys;
    l->heads = heads;
    l->room = room;

    for (k = 0; k < l->used; k++) {
        if (keys[k].record) {
            head = &heads[key_hash(l, keys[k].record, keys[k].clock)];
            keys[k].link = *head;
            *head = k + 1;
        }
    }

    return 0;
}


static uint32_t
key_hash(const wgw_leases_t *l, uint32_t record, uint64_t clock)
{
    return ((record * UINT32_C(2654435761)) >> 8 ^ (uint32_t) clock)
           & (l->room - 1);
}


void
wgw_lease_key_drop(wgw_leases_t *l, wgw_lease_key_t *key)
{
    uint32_t  k, *link;

    k = (uint32_t) (key - l->keys) + 1;
    link = &l->heads[key_hash(l, key->record, key->clock)];

    while (*link != k) {
        link = &l->keys[*link - 1].link;
    }

    *link = key->link;

    key->record = 0;
    key->link = l->unused;
    l->unused = k;
    l->taken--;
}


uint64_t
wgw_lease_own(const wgw_lease_t *lease, uint32_t record, uint64_t clock)
{
    uint64_t                   tag, gone, granted;
    const wgw_lease_record_t  *r;

    r = &lease->records[record];
    tag = wgw_clock_tag(clock);

    gone = wgw_lease_number(wgw_load(&r->gone[clock & 1]), tag);
    granted = wgw_lease_number(wgw_load(&r->granted[clock & 1]), tag);

    return granted > gone ? granted - gone : 0;
}


int
wgw_lease_key_measure(wgw_leases_t *l, wgw_lease_key_t *key)
{
    uint64_t      cap, used, limit;
    wgw_table_t  *t;

    t = l->conf.table;

    cap = wgw_load(&wgw_table_cold(t, key->record)->cap);
    cap = cap < WGW_LEASE_UNITS ? cap : WGW_LEASE_UNITS;

    if (key->record >= wgw_load(&l->lease->header->capacity)) {
        return -1;
    }

    used = wgw_table_used(t, key->record, 0, l->conf.count);

    key->lowered |= cap < key->cap;
    key->cap = cap;
    key->own = wgw_lease_own(l->lease, key->record, key->clock);
    key->part = key_part(l, key, used);

    if (!key->measured) {
        key->measured = 1;
        key->known = key->own;
        key->spent = used;
        key->serial = key->own ? KEY_NEVER : 0;
    }

    /* a soft cap was passed, or Redis was away and all were let through */

    if (used > key->part && used - key->part > key->known) {
        key->known = used - key->part;
    }

    limit = key->part + key->own;
    limit = limit < cap ? limit : cap;

    key->left = limit > used ? limit - used : 0;
    key->hand = key->own < key->left ? key->own : key->left;

    key_rate(l, key, used);

    return cap == 0 && key->hand == 0 ? -1 : 0;
}


/*
 * Where there is no part in this window what was used before this node knew
 * of it is others' business: the fields of its last life say so.
 */

static uint64_t
key_part(wgw_leases_t *l, wgw_lease_key_t *key, uint64_t used)
{
    uint64_t             tag;
    wgw_lease_record_t  *r;

    r = &l->lease->records[key->record];
    tag = wgw_clock_tag(key->clock);

    if (key->clock >> WGW_RING_BITS <= wgw_load(&l->lease->header->partless)
        && wgw_load(&r->base) >> 52 != tag)
    {
        __atomic_store_n(&r->base, wgw_lease_word(used, tag),
                         __ATOMIC_SEQ_CST);
    }

    return wgw_lease_part(l->lease, key->record, key->clock, key->cap);
}


static void
key_rate(wgw_leases_t *l, wgw_lease_key_t *key, uint64_t used)
{
    uint64_t  ms, rate;

    if (used > key->spent || key->hungry) {
        key->moved = l->now;
    }

    ms = l->now - key->looked;

    if (ms < KEY_LOOK) {
        return;
    }

    rate = used > key->spent ? (used - key->spent) * 1000 / ms : 0;

    key->rate = rate > key->rate ? (key->rate + rate + 1) / 2
                                 : (key->rate * 3 + rate) / 4;
    key->spent = used;
    key->looked = l->now;
}


/* What nobody has, as far as this node knows. */

static uint64_t
key_pool(wgw_leases_t *l, const wgw_lease_key_t *key)
{
    uint64_t  taken;

    taken = wgw_lease_parts(l->lease, key->cap) + key->others + key->known;

    return taken < key->cap ? key->cap - taken : 0;
}


int
wgw_lease_key_low(wgw_leases_t *l, wgw_lease_key_t *key)
{
    if (l->now < key->next || key->cap == 0 || !key_sure(l, key)) {
        return 0;
    }

    if (key->left < KEY_LOW * key->rate) {
        return 1;
    }

    if (!key->hungry) {
        return 0;
    }

    /* it was before the last grant */

    if (key->left > key->hunger && key->left > key_least(l, key)) {
        key->hungry = 0;
        return 0;
    }

    return 1;
}


static int
key_sure(wgw_leases_t *l, const wgw_lease_key_t *key)
{
    wgw_witness_t     *w;
    wgw_wire_place_t   place;

    w = wgw_lease_witness(l, key->slot);

    if (w == NULL || !wgw_witness_sure(w, l->now)) {
        return 0;
    }

    l->conf.wire->place(l->conf.wire, key->slot, &place);

    return place.serial == w->serial
           && (place.since == 0
               || l->now >= place.since + WGW_LEASES_LEARN);
}


int
wgw_lease_key_idle(wgw_leases_t *l, wgw_lease_key_t *key)
{
    if (l->now >= key->moved + KEY_IDLE) {
        return 1;
    }

    if (key->hand == 0 || l->now < key->fed + KEY_IDLE
        || key->hand <= KEY_HOARD * key->rate + key_least(l, key))
    {
        return 0;
    }

    /* some of it stays */

    key->hand -= 2 * KEY_SECONDS * key->rate;

    return key->hand != 0;
}


static uint64_t
key_least(wgw_leases_t *l, const wgw_lease_key_t *key)
{
    uint64_t  nodes, least;

    nodes = wgw_load(&l->lease->header->nodes);
    least = key->cap / (WGW_LEASE_PARTS * (nodes ? nodes : l->alive));

    return least ? least : 1;
}


void
wgw_lease_key_ask(wgw_leases_t *l, wgw_lease_key_t *key)
{
    key_send(l, key, key_sure(l, key) ? key_wants(l, key) : 0);
}


/* Hunger doubles as long as it is not stilled. */

static uint64_t
key_wants(wgw_leases_t *l, wgw_lease_key_t *key)
{
    uint64_t  want, most, least;

    if (!key->ahead && !key->hungry && key->left >= KEY_LOW * key->rate) {
        return 0;
    }

    least = key_least(l, key);

    if (key->hungry && l->now < key->fed + 1000) {
        key->hunger *= 2;

    } else {
        key->hunger /= 2;
    }

    key->hunger = key->hunger > least ? key->hunger : least;

    want = KEY_SECONDS * key->rate;
    want = want > key->hunger ? want : key->hunger;

    most = key_pool(l, key) / (2 * l->alive);
    most = most ? most : 1;

    key->hunger = key->hunger < most ? key->hunger : most;
    key->hungry = 0;

    return want < most ? want : most;
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
    q->sure = (unsigned) key_sure(l, key);

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

    window.kind = l->conf.table->header->made.window;
    window.reset_day = l->conf.table->header->made.reset_day;

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
wgw_lease_key_slot(wgw_leases_t *l, const wgw_lease_key_t *key)
{
    char        name[WGW_QUESTION_KEY];
    wgw_out_t   out;
    wgw_text_t  text;

    wgw_out_init(&out, name, sizeof(name));
    key_name(l, key->record, key->clock, &out);

    text.data = name;
    text.len = (size_t) (out.pos - name);

    return wgw_shard_slot(text);
}


/* To the window's end and as long again, a week at most; 0: for ever. */

static uint64_t
key_ttl(wgw_leases_t *l, uint64_t clock)
{
    int64_t       now, start, end, more;
    uint64_t      period;
    wgw_window_t  window;

    window.kind = l->conf.table->header->made.window;
    window.reset_day = l->conf.table->header->made.reset_day;

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

        /* it may have been carried out: all is said again */

        key->serial = KEY_NEVER;
        key->next = l->now + KEY_AGAIN;
        return;
    }

    if (q->missing
        || (q->sure && q->created && q->older == 0 && key->declared != 0))
    {
        key->serial = KEY_NEVER;
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

    got = key_pool(l, key);
    got = got < q->asked ? got : q->asked;
    got = key_sure(l, key) ? got : 0;

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
    uint64_t             tag, word, nodes, share;
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

    key->others = word & WGW_LEASE_UNITS;
    key->hungry = 0;

    share = key_pool(l, key) / (2 * nodes);

    __atomic_store_n(&r->others, tag << 52 | WGW_LEASE_SHARED | key->others,
                     __ATOMIC_SEQ_CST);

    key->known += share;
    key->serial = KEY_NEVER;

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
    wgw_lease_key_t  *key, look;

    key = wgw_lease_key_find(l, record, clock);

    if (key && key->busy) {
        return 0;
    }

    memset(&look, 0, sizeof(wgw_lease_key_t));
    look.record = record;
    look.clock = clock;

    slot = key ? key->slot : wgw_lease_key_slot(l, &look);
    q = key_question(l, record, clock, slot);

    if (q == NULL) {
        return 0;
    }

    q->units = key ? key->known : wgw_lease_own(l->lease, record, clock);

    rc = wgw_question_declare(q);

    if (rc == 0 && key) {
        key->serial = q->serial;
        key->declared = key->known;
    }

    free(q);

    return rc;
}


wgw_witness_t *
wgw_lease_witness(wgw_leases_t *l, uint16_t slot)
{
    unsigned           i;
    wgw_witness_t     *w;
    wgw_wire_place_t   place;

    l->conf.wire->place(l->conf.wire, slot, &place);

    for (i = 0; i < l->nwitnesses; i++) {
        if (l->witnesses[i].home == place.home) {
            return &l->witnesses[i];
        }
    }

    if (l->nwitnesses == WGW_LEASE_SHARDS) {
        return NULL;
    }

    w = &l->witnesses[l->nwitnesses++];
    wgw_witness_init(w, l->conf.wire, l->lease->header, l->conf.random,
                     l->conf.prefix, place.home);

    return w;
}


uint64_t
wgw_lease_serial(wgw_leases_t *l, const wgw_lease_key_t *key)
{
    wgw_wire_place_t  place;

    l->conf.wire->place(l->conf.wire, key->slot, &place);

    return place.serial;
}
