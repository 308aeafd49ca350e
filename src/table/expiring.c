
/*
 * The memory of an expiring table: header, geometry, repair.
 */

#include <stdio.h>
#include <string.h>

#include "table/expiring.h"


#define WGW_MAGIC          "wgwslots"
#define WGW_TABLE_MAGIC    "wgwtable"
#define WGW_BYTE_ORDER     0x01020304


static uint32_t wgw_expiring_buckets(const wgw_expiring_conf_t *conf);
static uint64_t wgw_expiring_checksum(const wgw_expiring_made_t *made);
static const char *wgw_expiring_foreign(const wgw_expiring_made_t *made);
static void wgw_expiring_mark(wgw_expiring_t *t, uint32_t bucket,
    uint32_t slot);
static int wgw_expiring_whole(wgw_expiring_t *t, uint32_t bucket,
    uint32_t slot);


size_t
wgw_expiring_size(const wgw_expiring_conf_t *conf)
{
    size_t  bucket;

    bucket = sizeof(wgw_bucket_t);

    if (conf->kind == WGW_EXPIRING_NOTES) {
        bucket += WGW_SLOTS * sizeof(wgw_note_slot_t);
    }

    return WGW_EXPIRING_HEADER + wgw_expiring_buckets(conf) * bucket;
}


void
wgw_expiring_format(void *memory, const wgw_expiring_conf_t *conf,
    const uint8_t seed[WGW_HASH_SEED])
{
    wgw_expiring_made_t  *made;

    made = &((wgw_expiring_header_t *) memory)->made;

    memcpy(made->magic, WGW_MAGIC, sizeof(made->magic));

    made->byte_order = WGW_BYTE_ORDER;
    made->version = WGW_EXPIRING_VERSION;
    made->kind = conf->kind;
    made->keys = conf->keys;
    made->size = wgw_expiring_size(conf);

    memcpy(made->seed, seed, WGW_HASH_SEED);

    made->checksum = wgw_expiring_checksum(made);
}


int
wgw_expiring_check(const void *header, size_t size, wgw_expiring_conf_t *conf,
    const char **error)
{
    wgw_expiring_made_t  made;

    memcpy(&made, header, sizeof(made));

    *error = wgw_expiring_foreign(&made);

    if (*error) {
        return -1;
    }

    conf->kind = made.kind;
    conf->keys = made.keys;

    if (made.checksum != wgw_expiring_checksum(&made)
        || made.keys == 0 || made.keys > WGW_EXPIRING_KEYS_MAX
        || made.kind < WGW_EXPIRING_RATES
        || made.kind > WGW_EXPIRING_ASKED
        || made.size != wgw_expiring_size(conf))
    {
        *error = "has a damaged header";
        return -1;
    }

    if (size != made.size) {
        *error = size < made.size ? "is truncated" : "is too long";
        return -1;
    }

    return 0;
}


void
wgw_expiring_open(wgw_expiring_t *t, void *memory)
{
    wgw_expiring_conf_t  conf;

    static const volatile int  whole;

    t->header = memory;
    t->lost = &whole;

    conf.kind = t->header->made.kind;
    conf.keys = t->header->made.keys;

    t->n = wgw_expiring_buckets(&conf);
    t->buckets = (wgw_bucket_t *) ((char *) memory + WGW_EXPIRING_HEADER);
    t->notes = NULL;

    if (conf.kind == WGW_EXPIRING_NOTES) {
        t->notes = (wgw_note_slot_t *) &t->buckets[t->n];
    }
}


const uint8_t *
wgw_expiring_seed(wgw_expiring_t *t)
{
    return t->header->made.seed;
}


uint8_t *
wgw_expiring_boot(wgw_expiring_t *t)
{
    return t->header->boot;
}


uint32_t
wgw_expiring_repair(wgw_expiring_t *t, int rebuild)
{
    uint32_t   i, j, dropped;
    uint64_t  *when;

    dropped = 0;

    memset(t->header->filter, 0, sizeof(t->header->filter));
    t->header->moved = 0;

    for (i = 0; i < t->n; i++) {
        for (j = 0; j < WGW_SLOTS; j++) {
            when = &t->buckets[i].when[j];

            /* written only where it differs: pages that rest stay clean */

            if (*when == 0) {
                continue;
            }

            if ((*when & WGW_SLOT_STATE) != WGW_SLOT_LIVE) {
                *when = 0;

            } else if (rebuild && !wgw_expiring_whole(t, i, j)) {
                *when = 0;
                dropped++;

            } else {
                wgw_expiring_mark(t, i, j);
            }
        }
    }

    return dropped;
}


wgw_expiring_key_t
wgw_expiring_key(wgw_expiring_t *t, const void *data, size_t len)
{
    wgw_expiring_key_t  key;

    wgw_hash_128(t->header->made.seed, data, len, key.hash);

    return key;
}


static uint32_t
wgw_expiring_buckets(const wgw_expiring_conf_t *conf)
{
    uint64_t  slots;

    slots = conf->keys;
    slots = conf->kind == WGW_EXPIRING_NOTES ? slots * 3 / 2 : slots * 2;

    return (uint32_t) (slots / WGW_SLOTS + 2);
}


static uint64_t
wgw_expiring_checksum(const wgw_expiring_made_t *made)
{
    return wgw_hash(wgw_slot_sums, made,
                    offsetof(wgw_expiring_made_t, checksum));
}


/* Why the rest of a header must not be looked at, or NULL. */

static const char *
wgw_expiring_foreign(const wgw_expiring_made_t *made)
{
    static char  newer[64];

    if (memcmp(made->magic, WGW_TABLE_MAGIC, sizeof(made->magic)) == 0) {
        return "is that of a wgw_meter_zone";
    }

    if (memcmp(made->magic, WGW_MAGIC, sizeof(made->magic)) != 0) {
        return "is not a wgw table";
    }

    if (made->byte_order != WGW_BYTE_ORDER) {
        return "was made by a machine of another byte order";
    }

    if (made->version > WGW_EXPIRING_VERSION) {
        (void) snprintf(newer, sizeof(newer),
                        "has format version %u, newer than %d",
                        (unsigned) made->version, WGW_EXPIRING_VERSION);
        return newer;
    }

    if (made->version == 0) {
        return "has a damaged header";
    }

    return NULL;
}


static void
wgw_expiring_mark(wgw_expiring_t *t, uint32_t bucket, uint32_t slot)
{
    uint64_t  kind;

    kind = t->buckets[bucket].when[slot] >> 2 & 0x3f;

    if (t->notes && kind >= WGW_NOTE_MARKED) {
        wgw_slot_mark(t, t->notes[(size_t) bucket * WGW_SLOTS + slot]
                         .payload[0]);
    }
}


/* A rate tells no page from another: one in doubt is kept. */

static int
wgw_expiring_whole(wgw_expiring_t *t, uint32_t bucket, uint32_t slot)
{
    uint64_t          when, kind;
    wgw_bucket_t     *b;
    wgw_note_slot_t  *note;

    if (t->notes == NULL) {
        return 1;
    }

    b = &t->buckets[bucket];
    when = b->when[slot];
    kind = when >> 2 & 0x3f;
    note = &t->notes[(size_t) bucket * WGW_SLOTS + slot];

    if (kind >= WGW_NOTE_KINDS
        || note->count >> 32 != (note->check & UINT32_MAX)
        || note->sum != wgw_slot_sum(b->tag[slot], when, note))
    {
        return 0;
    }

    /* the header's page may be the older one */

    wgw_raise(&t->header->latest[kind], when >> 8);

    return 1;
}
