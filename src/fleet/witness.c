
#include <string.h>

#include <hiredis/hiredis.h>

#include "crypto/hash.h"
#include "fleet/witness.h"


static void witness_name(wgw_witness_t *w);
static void witness_connected(wgw_witness_t *w,
    const wgw_wire_place_t *place);
static void witness_beat(wgw_witness_t *w, uint64_t now);
static void witness_greet(wgw_witness_t *w);
static void witness_greeted(void *data, const redisReply *reply);
static void witness_told(void *data, const redisReply *reply);
static void witness_believe(wgw_witness_t *w);
static uint64_t *witness_noted(wgw_witness_t *w);
static void witness_note(wgw_witness_t *w);


/* bits of a pair that say whose it is */
#define WITNESS_HOME  14

/* of pairs, which are no secrets */
static const uint8_t  witness_seed[WGW_HASH_SEED] = { 'p', 'a', 'i', 'r' };


void
wgw_witness_init(wgw_witness_t *w, wgw_wire_t *wire,
    wgw_lease_header_t *header, uint64_t (*random)(void), wgw_text_t prefix,
    uint16_t home)
{
    w->wire = wire;
    w->header = header;
    w->random = random;
    w->prefix = prefix;
    w->home = home;
    w->away = wire->now(wire);

    witness_name(w);
}


/* Once, as its tag is looked for among many. */

static void
witness_name(wgw_witness_t *w)
{
    wgw_out_t  out;

    wgw_out_init(&out, w->name, sizeof(w->name));
    wgw_out_bytes(&out, w->prefix.data, w->prefix.len);
    wgw_out_str(&out, ":sentinel:{");
    wgw_out_uint(&out, wgw_shard_tag(w->home));
    wgw_out_str(&out, "}");

    w->name_len = (size_t) (out.pos - w->name);
}


wgw_text_t
wgw_witness_name(const wgw_witness_t *w)
{
    wgw_text_t  name = { w->name, w->name_len };

    return name;
}


void
wgw_witness_tick(wgw_witness_t *w)
{
    uint64_t          now;
    wgw_wire_place_t  place;

    now = w->wire->now(w->wire);
    w->wire->place(w->wire, w->home, &place);

    if (place.serial != w->serial) {

        if (place.serial == 0) {
            w->serial = 0;
            w->away = now;
            return;
        }

        witness_connected(w, &place);
    }

    /* nobody asks any more: it is not known */

    if (w->refused && now >= w->again + WGW_WITNESS_CALM) {
        w->refused = 0;
    }

    if (w->serial && !w->busy && now >= w->asked + WGW_WITNESS_BEAT) {
        witness_beat(w, now);
    }

    /* a pair is only kept when all was said that there was to say */

    if (w->known && !w->declare && !w->noted && now >= w->until) {
        witness_note(w);
    }
}


static void
witness_connected(wgw_witness_t *w, const wgw_wire_place_t *place)
{
    w->serial = place->serial;
    w->run = place->run;
    w->known = 0;
    w->busy = 0;
    w->asked = 0;
    w->refused = 0;
}


static void
witness_beat(wgw_witness_t *w, uint64_t now)
{
    wgw_text_t  args[2];

    w->asked = now;

    if (!w->known) {
        witness_greet(w);
    }

    args[0] = wgw_text("GET");
    args[1] = wgw_witness_name(w);

    if (w->wire->send(w->wire, w->home, 0, args, 2, witness_told, w) == 0) {
        w->busy = 1;
    }
}


static void
witness_greet(wgw_witness_t *w)
{
    int         i;
    char        text[WGW_WITNESS_TEXT];
    uint64_t    n;
    wgw_text_t  args[4];

    n = 0;

    for (i = 0; i < WGW_WITNESS_TEXT; i++) {

        if (i % 16 == 0) {
            n = w->random();
        }

        text[i] = "0123456789abcdef"[n & 15];
        n >>= 4;
    }

    args[0] = wgw_text("SET");
    args[1] = wgw_witness_name(w);
    args[2].data = text;
    args[2].len = WGW_WITNESS_TEXT;
    args[3] = wgw_text("NX");

    (void) w->wire->send(w->wire, w->home, 0, args, 4, witness_greeted, w);
}


/* Also of GET: without a sentinel nothing is asked that could be refused. */

static void
witness_greeted(void *data, const redisReply *reply)
{
    char  why[WGW_SHARD_WHY];

    if (wgw_shard_refused(reply, why)) {
        wgw_witness_refused(data, why);
    }
}


static void
witness_told(void *data, const redisReply *reply)
{
    wgw_witness_t *w = data;

    uint64_t  now;

    w->busy = 0;

    if (reply == NULL) {
        return;
    }

    now = w->wire->now(w->wire);

    if (w->known) {
        (void) wgw_witness_see(w, reply);
        return;
    }

    if (reply->type != REDIS_REPLY_STRING || reply->len != WGW_WITNESS_TEXT) {
        witness_greeted(w, reply);
        return;
    }

    wgw_witness_taken(w);

    memcpy(w->text, reply->str, WGW_WITNESS_TEXT);
    w->known = 1;
    w->answered = now;
    w->header->lag = now - w->asked;

    witness_believe(w);
}


/* What is new is believed in three seconds, and not before. */

static void
witness_believe(wgw_witness_t *w)
{
    char       both[WGW_WITNESS_TEXT + sizeof(uint64_t)];
    uint64_t   pair, *noted;

    memcpy(both, w->text, WGW_WITNESS_TEXT);
    memcpy(both + WGW_WITNESS_TEXT, &w->run, sizeof(uint64_t));

    pair = wgw_hash(witness_seed, both, sizeof(both)) >> WITNESS_HOME
           | (uint64_t) w->home << (64 - WITNESS_HOME);

    if (pair == w->pair) {
        return;
    }

    w->pair = pair;
    noted = witness_noted(w);
    w->noted = noted && *noted == pair;

    if (w->noted) {
        return;
    }

    /* one that comes back has been another's copy meanwhile */

    if (noted) {
        *noted = 0;
    }

    w->until = w->answered + WGW_WITNESS_LEARN;
    w->declare = 1;
    w->header->losses++;
}


/* That of the same shard, the last one only; or NULL. */

static uint64_t *
witness_noted(wgw_witness_t *w)
{
    int        i;
    uint64_t  *run;

    for (i = 0; i < WGW_LEASE_RUNS; i++) {
        run = &w->header->runs[i];

        if (*run && *run >> (64 - WITNESS_HOME) == w->home) {
            return run;
        }
    }

    return NULL;
}


static void
witness_note(wgw_witness_t *w)
{
    uint64_t  *noted;

    w->noted = 1;
    noted = witness_noted(w);

    if (noted == NULL) {
        memmove(&w->header->runs[1], &w->header->runs[0],
                (WGW_LEASE_RUNS - 1) * sizeof(uint64_t));
        noted = &w->header->runs[0];
    }

    *noted = w->pair;
}


int
wgw_witness_see(wgw_witness_t *w, const redisReply *sentinel)
{
    uint64_t  now;

    /* an error says nothing of it: "LOADING", "CLUSTERDOWN" */

    if (sentinel == NULL || !w->known
        || (sentinel->type != REDIS_REPLY_STRING
            && sentinel->type != REDIS_REPLY_NIL))
    {
        return -1;
    }

    now = w->wire->now(w->wire);

    if (sentinel->type == REDIS_REPLY_STRING
        && sentinel->len == WGW_WITNESS_TEXT
        && memcmp(sentinel->str, w->text, WGW_WITNESS_TEXT) == 0)
    {
        w->answered = now;
        w->header->lag = w->busy ? now - w->asked : w->header->lag;
        return 0;
    }

    w->known = 0;
    w->asked = 0;

    return -1;
}


/* The pair of a sentinel that is deleted never comes back. */

void
wgw_witness_missing(wgw_witness_t *w)
{
    wgw_text_t  args[2];

    args[0] = wgw_text("DEL");
    args[1] = wgw_witness_name(w);

    (void) w->wire->send(w->wire, w->home, 0, args, 2, NULL, NULL);

    w->known = 0;
    w->asked = 0;
    w->declare = 1;
    w->until = w->wire->now(w->wire) + WGW_WITNESS_LEARN;
}


void
wgw_witness_refused(wgw_witness_t *w, const char *why)
{
    w->again = w->wire->now(w->wire);
    w->refused = w->refused ? w->refused : w->again;

    memcpy(w->error, why, strlen(why) + 1);
}


/*
 * What is not declared others would grant again: so nobody does before there
 * is room.  A right that one node lacks, or one key that is somebody else's,
 * does not stop them all.
 */

void
wgw_witness_undeclared(wgw_witness_t *w, const char *why)
{
    wgw_witness_refused(w, why);

    if (w->known && strncmp(w->error, "NOPERM", 6) != 0
        && strncmp(w->error, "WRONGTYPE", 9) != 0)
    {
        wgw_witness_missing(w);
        w->asked = w->again;
    }
}


void
wgw_witness_taken(wgw_witness_t *w)
{
    w->refused = 0;
}


int
wgw_witness_refuses(const wgw_witness_t *w, uint64_t now)
{
    return w->serial && w->refused && now >= w->refused + WGW_WITNESS_AWAY;
}


int
wgw_witness_sure(const wgw_witness_t *w, uint64_t now)
{
    return w->serial && w->known && !w->declare && now >= w->until;
}
