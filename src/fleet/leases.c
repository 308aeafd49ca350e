
#include <stdlib.h>

#include "fleet/leases.h"
#include "fleet/shards.h"
#include "table/clock.h"


#define LEASES_AHEAD     8              /* seconds */
#define LEASES_SCAN      65536          /* records at once */
#define LEASES_AWAY      1000           /* ms, before a share is taken */
#define LEASES_STRIDE    4099           /* of slots: comes to all of them */
#define LEASES_CALM      3000           /* ms without a refusal: it is over */


static uint64_t leases_clock(wgw_leases_t *l);
static void leases_turn(wgw_leases_t *l, uint64_t clock);
static void leases_hungry(wgw_leases_t *l);
static void leases_wakes(wgw_leases_t *l, uint32_t word, uint64_t bits);
static void leases_look(wgw_leases_t *l, wgw_lease_key_t *key);
static void leases_look_on(wgw_leases_t *l, wgw_lease_key_t *key);
static void leases_ahead(wgw_leases_t *l, wgw_lease_key_t *key);
static int leases_declares(wgw_leases_t *l);
static void leases_scan(wgw_leases_t *l);
static int leases_scan_one(wgw_leases_t *l, uint32_t record,
    uint64_t clock);
static void leases_said(wgw_leases_t *l);
static void leases_refused(wgw_leases_t *l, uint64_t again);


wgw_leases_t *
wgw_leases_create(const wgw_leases_conf_t *conf)
{
    wgw_leases_t  *l;

    l = calloc(1, sizeof(wgw_leases_t));
    if (l == NULL) {
        return NULL;
    }

    l->conf = *conf;
    l->lease = conf->table->lease;
    l->alive = 1;
    l->refusal = "";
    l->clock = leases_clock(l);

    /* what was leased before this process began is looked at as well */

    l->scan = 0;
    l->waking = 1;

    return l;
}


/* No question may be on its way. */

void
wgw_leases_free(wgw_leases_t *l)
{
    free(l->keys);
    free(l->heads);
    free(l);
}


/* The table's own, which workers move. */

static uint64_t
leases_clock(wgw_leases_t *l)
{
    return wgw_load(&l->conf.table->header->clock);
}


void
wgw_leases_tick(wgw_leases_t *l, uint64_t alive)
{
    unsigned  i;
    uint32_t  k;
    uint64_t  clock;

    l->now = l->conf.wire->now(l->conf.wire);
    l->alive = alive ? alive : 1;

    clock = leases_clock(l);

    if (clock != l->clock) {
        leases_turn(l, clock);
    }

    /* those of all shards, before a key of theirs is asked for */

    (void) wgw_lease_witness(l, l->probe);
    l->probe = (uint16_t) ((l->probe + LEASES_STRIDE) % WGW_SLOTS_ALL);

    for (i = 0; i < l->nwitnesses; i++) {
        wgw_witness_tick(&l->witnesses[i]);
    }

    leases_hungry(l);

    for (k = 0; k < l->used; k++) {
        if (l->keys[k].record) {
            leases_look(l, &l->keys[k]);
        }
    }

    if (l->waking || leases_declares(l)) {
        leases_scan(l);
    }

    leases_said(l);
}


const char *
wgw_leases_refusal(const wgw_leases_t *l)
{
    return l->refusal;
}


/* Keys of the window before end, those asked for ahead go on. */

static void
leases_turn(wgw_leases_t *l, uint64_t clock)
{
    uint32_t          k;
    wgw_lease_key_t  *key;

    l->clock = clock;

    for (k = 0; k < l->used; k++) {
        key = &l->keys[k];

        if (key->record && key->clock == clock) {
            key->spent = 0;
            key->looked = l->now;
            key->moved = l->now;
            key->ahead = 0;
        }
    }
}


static void
leases_hungry(wgw_leases_t *l)
{
    uint32_t   i, n;
    uint64_t   bits, *word;

    n = (wgw_table_end(l->conf.table) + 63) / 64;

    for (i = 0; i < n; i++) {
        word = &l->lease->hungry[i];

        if (wgw_load(word) == 0) {
            continue;
        }

        bits = __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST);

        leases_wakes(l, i, bits);
    }
}


static void
leases_wakes(wgw_leases_t *l, uint32_t word, uint64_t bits)
{
    int               i;
    uint32_t          record;
    wgw_lease_key_t  *key;

    for (i = 0; i < 64; i++) {

        if (!(bits >> i & 1)) {
            continue;
        }

        record = word * 64 + (uint32_t) i;

        if (record < WGW_TABLE_FIRST) {
            continue;
        }

        key = wgw_lease_key_get(l, record, l->clock);

        if (key) {
            key->hungry = 1;

        } else {

            /* there are too many: it comes again */

            wgw_lease_want(l->lease, record);
        }
    }
}


static void
leases_look(wgw_leases_t *l, wgw_lease_key_t *key)
{
    if (key->busy) {
        return;
    }

    if (key->clock == l->clock) {
        leases_look_on(l, key);
        return;
    }

    if (!key->ahead || key->clock >> WGW_RING_BITS <= l->clock >> WGW_RING_BITS)
    {
        wgw_lease_key_drop(l, key);
        return;
    }

    if (key->known == 0 && l->now >= key->next) {
        wgw_lease_key_ask(l, key);
    }
}


static void
leases_look_on(wgw_leases_t *l, wgw_lease_key_t *key)
{
    uint32_t        index;
    wgw_witness_t  *w;

    if (wgw_lease_key_measure(l, key) != 0) {
        wgw_lease_key_drop(l, key);
        return;
    }

    w = wgw_lease_witness(l, key->slot);

    if (w == NULL || w->serial == 0) {

        if (w && l->now >= w->away + LEASES_AWAY) {
            wgw_lease_key_share(l, key);
        }

        return;
    }

    if (wgw_witness_refuses(w, l->now)) {
        wgw_lease_key_share(l, key);
    }

    /* keys may move in memory */

    index = (uint32_t) (key - l->keys);
    leases_ahead(l, key);
    key = &l->keys[index];

    if (key->lowered) {
        key->lowered = 0;
        wgw_lease_key_return(l, key, key->hand);
        return;
    }

    if (key->serial != 0 && key->known
        && key->serial != wgw_lease_serial(l, key))
    {
        /* a new connection: a new field */

        if (!w->refused || l->now >= key->next) {
            wgw_lease_key_ask(l, key);
        }

        return;
    }

    if (wgw_lease_key_low(l, key)) {
        wgw_lease_key_ask(l, key);
        return;
    }

    if (wgw_lease_key_idle(l, key)) {

        if (key->hand) {
            wgw_lease_key_return(l, key, key->hand);

        } else if (!w->refused) {
            wgw_lease_key_drop(l, key);

        } else if (l->now >= key->next) {

            /* whether it is still refused is known by asking */

            wgw_lease_key_ask(l, key);
        }
    }
}


/* The same key, in the window that comes next. */

static void
leases_ahead(wgw_leases_t *l, wgw_lease_key_t *key)
{
    int64_t           start;
    uint64_t          period, next, cap, rate;
    wgw_window_t      window;
    wgw_lease_key_t  *ahead;

    window = wgw_clock_window(l->conf.table);

    if (key->own == 0 || key->rate == 0 || window.kind == WGW_WINDOW_TOTAL) {
        return;
    }

    period = (l->clock >> WGW_RING_BITS) + 1;
    start = wgw_window_start(window, period);

    if (l->conf.wall() < start - LEASES_AHEAD || l->conf.wall() >= start) {
        return;
    }

    next = wgw_clock_at(l->clock, period);
    cap = key->cap;
    rate = key->rate;

    if (wgw_lease_key_find(l, key->record, next)) {
        return;
    }

    ahead = wgw_lease_key_get(l, key->record, next);

    if (ahead) {
        ahead->ahead = 1;
        ahead->cap = cap;
        ahead->rate = rate;
    }
}


/* 1 while some shard waits for all that was leased. */

static int
leases_declares(wgw_leases_t *l)
{
    unsigned  i, n;

    n = 0;

    for (i = 0; i < l->nwitnesses; i++) {
        n += l->witnesses[i].serial && l->witnesses[i].known
             && l->witnesses[i].declare;
    }

    if (n && !l->declaring) {
        l->declaring = 1;
        l->scan = 0;
    }

    return n != 0;
}


/*
 * From the first record on.  A connection that is lost meanwhile begins it
 * anew, as the commands may not have been carried out, and so does other data
 * that was lost.
 */

static void
leases_scan(wgw_leases_t *l)
{
    unsigned  i;
    uint32_t  end, to;
    uint64_t  serials, next;

    serials = 0;

    for (i = 0; i < l->nwitnesses; i++) {
        serials += l->witnesses[i].serial + l->witnesses[i].pair;
    }

    if (l->declaring && serials != l->serials) {
        l->serials = serials;
        l->scan = 0;
    }

    end = wgw_table_end(l->conf.table);
    to = end - l->scan > LEASES_SCAN ? l->scan + LEASES_SCAN : end;
    next = wgw_clock_at(l->clock, (l->clock >> WGW_RING_BITS) + 1);

    for ( /* void */ ; l->scan < to; l->scan++) {

        if (l->scan >= WGW_TABLE_FIRST
            && (leases_scan_one(l, l->scan, l->clock) != 0
                || leases_scan_one(l, l->scan, next) != 0))
        {
            return;
        }
    }

    if (l->scan < end) {
        return;
    }

    l->scan = 0;
    l->waking = 0;

    if (!l->declaring) {
        return;
    }

    l->declaring = 0;

    for (i = 0; i < l->nwitnesses; i++) {
        if (l->witnesses[i].serial && l->witnesses[i].known) {
            l->witnesses[i].declare = 0;
        }
    }
}


/* 0, or -1: it cannot be said yet. */

static int
leases_scan_one(wgw_leases_t *l, uint32_t record, uint64_t clock)
{
    wgw_lease_key_t  *key;

    if (record >= wgw_load(&l->lease->header->capacity)
        || wgw_lease_own(&l->lease->records[record], clock) == 0)
    {
        return 0;
    }

    if (l->declaring && wgw_lease_key_declare(l, record, clock) != 0) {
        return -1;
    }

    /* what is not spent is given back by and by */

    if (l->waking && clock == l->clock) {
        key = wgw_lease_key_get(l, record, clock);

        if (key) {
            (void) wgw_lease_key_measure(l, key);
        }
    }

    return 0;
}


/* For workers, which wait for nothing when nobody answers, and for metrics. */

static void
leases_said(wgw_leases_t *l)
{
    unsigned             i, connected, refuse;
    uint64_t             answered, again;
    wgw_lease_header_t  *header;
    const wgw_witness_t *w;

    header = l->lease->header;
    answered = 0;
    connected = 0;
    refuse = 0;
    again = 0;

    for (i = 0; i < l->nwitnesses; i++) {
        w = &l->witnesses[i];
        connected += w->serial && w->known;
        refuse += w->known && wgw_witness_refuses(w, l->now);
        answered = w->answered > answered ? w->answered : answered;

        if (w->again > again) {
            again = w->again;
            l->refusal = w->error;
        }
    }

    __atomic_store_n(&header->answered, answered, __ATOMIC_SEQ_CST);
    __atomic_store_n(&header->refused, connected && refuse == connected,
                     __ATOMIC_SEQ_CST);

    header->connected = connected;
    header->alive = l->alive;
    header->leased = l->taken;

    leases_refused(l, again);
}


/* Of many shards, or keys, some may be taken and others not, in turn. */

static void
leases_refused(wgw_leases_t *l, uint64_t again)
{
    if (again == 0 || l->taken_at >= again + LEASES_CALM) {
        l->refusal = "";
    }
}
