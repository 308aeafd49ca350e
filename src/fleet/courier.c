
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "fleet/courier.h"


#define WGW_COURIER_LENGTH   "1000"         /* entries of the stream */
#define WGW_COURIER_FLYING   64
#define WGW_COURIER_BYTES    (4 * 1024 * 1024)
#define WGW_COURIER_ASK      1000           /* ms between two questions */

enum { WGW_COURIER_NEW = 0, WGW_COURIER_ASKED, WGW_COURIER_SENDS };


static void wgw_courier_begin(wgw_courier_t *c);
static void wgw_courier_from(wgw_courier_t *c);
static void wgw_courier_send(wgw_courier_t *c, uint64_t epoch, uint64_t seq);
static int wgw_courier_next(wgw_courier_t *c, uint64_t epoch, uint64_t seq);
static int wgw_courier_add(wgw_courier_t *c);
static void wgw_courier_added(void *data, const struct redisReply *reply);
static int wgw_courier_ask(wgw_courier_t *c);
static void wgw_courier_answer(void *data, const struct redisReply *reply);
static void wgw_courier_look(void *data, const struct redisReply *reply);
static void wgw_courier_known(void *data, const struct redisReply *reply);
static void wgw_courier_wanted(wgw_courier_t *c);
static int wgw_courier_refused(wgw_courier_t *c,
    const struct redisReply *reply);
static void wgw_courier_ignored(void *data, const struct redisReply *reply);
static int wgw_courier_command(wgw_courier_t *c, uint16_t slot,
    wgw_wire_reply_pt reply, int n, const char *const *args);
static void wgw_courier_place(wgw_courier_place_t *place,
    const struct redisReply *reply);
static int wgw_courier_behind(const wgw_courier_place_t *one,
    uint64_t epoch, uint64_t seq);


void
wgw_courier_init(wgw_courier_t *c, wgw_wire_t *wire, wgw_text_t prefix,
    const char *node, const char *dir)
{
    int         n;
    wgw_text_t  key;

    n = (int) (prefix.len < WGW_COURIER_PREFIX ? prefix.len
                                               : WGW_COURIER_PREFIX);
    c->wire = wire;

    (void) snprintf(c->node, sizeof(c->node), "%s", node);
    (void) snprintf(c->nodes, sizeof(c->nodes), "%.*s:acc", n, prefix.data);
    (void) snprintf(c->stream, sizeof(c->stream), "%.*s:acc:{%s}", n,
                    prefix.data, c->node);
    (void) snprintf(c->ledger, sizeof(c->ledger), "%.*s:ledger:{%s}", n,
                    prefix.data, c->node);

    key.data = c->stream;
    key.len = strlen(c->stream);
    c->slot = wgw_shard_slot(key);

    key.data = c->nodes;
    key.len = strlen(c->nodes);
    c->nodes_slot = wgw_shard_slot(key);

    wgw_journal_seek(&c->reader, dir, 0, 0);
}


int
wgw_courier_step(wgw_courier_t *c, uint64_t epoch, uint64_t seq)
{
    wgw_wire_place_t  place;

    c->wire->place(c->wire, c->slot, &place);

    if (place.serial == 0) {
        c->state = WGW_COURIER_NEW;
        return 0;
    }

    if (place.serial != c->serial) {
        c->serial = place.serial;
        c->state = WGW_COURIER_NEW;
    }

    /* replies of a connection before may still come, as NULL */

    if (c->state == WGW_COURIER_NEW && c->asking == 0 && c->flying == 0) {
        wgw_courier_begin(c);
    }

    if (c->state == WGW_COURIER_ASKED && c->asking == 0) {
        wgw_courier_from(c);
    }

    if (c->state != WGW_COURIER_SENDS || epoch == 0) {
        return 0;
    }

    if (c->asking == 0
        && c->wire->now(c->wire) - c->asked >= WGW_COURIER_ASK
        && wgw_courier_ask(c) != 0)
    {
        c->state = WGW_COURIER_NEW;
        return 0;
    }

    if (c->want.epoch) {
        wgw_courier_wanted(c);
    }

    wgw_courier_send(c, epoch, seq);

    return wgw_courier_behind(&c->ack, epoch, seq);
}


static void
wgw_courier_begin(wgw_courier_t *c)
{
    const char  *look[] = { "XREVRANGE", c->stream, "+", "-", "COUNT", "1" };

    memset(&c->last, 0, sizeof(wgw_courier_place_t));

    if (wgw_courier_command(c, c->slot, wgw_courier_look, 6, look) != 0) {
        return;
    }

    c->asking++;

    if (wgw_courier_ask(c) == 0) {
        c->state = WGW_COURIER_ASKED;
    }
}


/* And says that there is such a node: a Redis may lose all that it has. */

static int
wgw_courier_ask(wgw_courier_t *c)
{
    const char  *known[] = { "SADD", c->nodes, c->node };
    const char  *args[] = { "HMGET", c->ledger, "ack", "want" };

    c->asked = c->wire->now(c->wire);

    if (wgw_courier_command(c, c->nodes_slot, wgw_courier_known, 3, known)
        != 0)
    {
        return -1;
    }

    c->asking++;

    if (wgw_courier_command(c, c->slot, wgw_courier_answer, 4, args) != 0) {
        return -1;
    }

    c->asking++;

    return 0;
}


/* Behind the later of what the stream has and what the ledger has. */

static void
wgw_courier_from(wgw_courier_t *c)
{
    wgw_courier_place_t  *from;

    from = &c->last;

    if (wgw_courier_behind(&c->ack, from->epoch, from->seq)) {
        from = &c->ack;
    }

    wgw_journal_leave(&c->reader);
    wgw_journal_seek(&c->reader, c->reader.dir, from->epoch, from->seq);

    c->held = 0;
    c->sent = *from;
    c->state = WGW_COURIER_SENDS;
}


static void
wgw_courier_wanted(wgw_courier_t *c)
{
    const char  *args[] = { "HDEL", c->ledger, "want" };

    wgw_journal_leave(&c->reader);
    wgw_journal_seek(&c->reader, c->reader.dir, c->want.epoch,
                     c->want.seq ? c->want.seq - 1 : 0);

    c->held = 0;
    memset(&c->want, 0, sizeof(wgw_courier_place_t));

    (void) wgw_courier_command(c, c->slot, wgw_courier_ignored, 3, args);
}


static void
wgw_courier_send(wgw_courier_t *c, uint64_t epoch, uint64_t seq)
{
    while (c->flying < WGW_COURIER_FLYING && c->bytes < WGW_COURIER_BYTES
           && wgw_courier_next(c, epoch, seq) == 0)
    {
        if (wgw_courier_add(c) != 0) {
            c->state = WGW_COURIER_NEW;
            return;
        }

        c->held = 0;
    }
}


/* The next one, if it is on the disk; else it is held. */

static int
wgw_courier_next(wgw_courier_t *c, uint64_t epoch, uint64_t seq)
{
    int                   rc;
    const char           *error;
    wgw_courier_place_t   place;

    while (!c->held) {
        rc = wgw_journal_get_record(&c->reader, &c->record, &error);

        if (rc == 0) {
            return -1;
        }

        c->held = rc == 1;
    }

    place.epoch = c->record.epoch;
    place.seq = c->record.seq;

    return wgw_courier_behind(&place, epoch, seq) ? -1 : 0;
}


static int
wgw_courier_add(wgw_courier_t *c)
{
    int         n;
    wgw_text_t  args[8];

    static const char  *const words[] = {
        "XADD", NULL, "MAXLEN", "~", WGW_COURIER_LENGTH, "*", "d"
    };

    for (n = 0; n < 7; n++) {
        args[n].data = n == 1 ? c->stream : words[n];
        args[n].len = strlen(args[n].data);
    }

    args[n].data = (const char *) c->reader.bytes;
    args[n].len = c->reader.len;

    if (c->wire->send(c->wire, c->slot, WGW_WIRE_FOLLOW, args, 8,
                      wgw_courier_added, c)
        != 0)
    {
        return -1;
    }

    c->flying++;
    c->bytes += c->reader.len;

    return 0;
}


/* What may not have arrived is sent anew, from what the stream has on. */

static void
wgw_courier_added(void *data, const struct redisReply *reply)
{
    wgw_courier_t  *c = data;

    c->flying--;

    if (c->flying == 0) {
        c->bytes = 0;
    }

    if (wgw_courier_refused(c, reply)) {
        return;
    }

    c->entries++;
    c->refusal[0] = '\0';
}


static void
wgw_courier_known(void *data, const struct redisReply *reply)
{
    wgw_courier_t  *c = data;

    c->asking--;

    (void) wgw_courier_refused(c, reply);
}


static void
wgw_courier_look(void *data, const struct redisReply *reply)
{
    const char                *error;
    wgw_courier_t             *c = data;
    wgw_journal_record_t       record;
    const struct redisReply   *entry, *fields;

    c->asking--;

    if (wgw_courier_refused(c, reply)) {
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
        return;
    }

    entry = reply->element[0];

    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2) {
        return;
    }

    fields = entry->element[1];

    if (fields->type == REDIS_REPLY_ARRAY && fields->elements == 2
        && fields->element[1]->type == REDIS_REPLY_STRING
        && wgw_journal_read((const uint8_t *) fields->element[1]->str,
                            (size_t) fields->element[1]->len, &record,
                            &error)
           == 0)
    {
        c->last.epoch = record.epoch;
        c->last.seq = record.seq;
    }
}


static void
wgw_courier_answer(void *data, const struct redisReply *reply)
{
    wgw_courier_t  *c = data;

    c->asking--;

    if (wgw_courier_refused(c, reply)) {
        return;
    }

    memset(&c->ack, 0, sizeof(wgw_courier_place_t));
    memset(&c->want, 0, sizeof(wgw_courier_place_t));

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        wgw_courier_place(&c->ack, reply->element[0]);
        wgw_courier_place(&c->want, reply->element[1]);
    }
}


/* 1: it is begun anew, as when the connection was lost. */

static int
wgw_courier_refused(wgw_courier_t *c, const struct redisReply *reply)
{
    if (reply && reply->type != REDIS_REPLY_ERROR) {
        return 0;
    }

    c->state = WGW_COURIER_NEW;

    if (reply) {
        wgw_shard_why(reply, c->refusal);
    }

    return 1;
}


static void
wgw_courier_ignored(void *data, const struct redisReply *reply)
{
    (void) data;
    (void) reply;
}


static int
wgw_courier_command(wgw_courier_t *c, uint16_t slot, wgw_wire_reply_pt reply,
    int n, const char *const *args)
{
    int         i;
    wgw_text_t  texts[WGW_WIRE_ARGS];

    for (i = 0; i < n; i++) {
        texts[i].data = args[i];
        texts[i].len = strlen(args[i]);
    }

    return c->wire->send(c->wire, slot, WGW_WIRE_FOLLOW, texts, n, reply, c);
}


/* "EPOCH SEQ" and whatever follows */

static void
wgw_courier_place(wgw_courier_place_t *place, const struct redisReply *reply)
{
    char                *end;
    unsigned long long   epoch, seq;

    if (reply->type != REDIS_REPLY_STRING) {
        return;
    }

    epoch = strtoull(reply->str, &end, 10);

    if (*end != ' ') {
        return;
    }

    seq = strtoull(end + 1, &end, 10);

    if (*end == '\0' || *end == ' ') {
        place->epoch = epoch;
        place->seq = seq;
    }
}


/* 1 when a record is behind another. */

static int
wgw_courier_behind(const wgw_courier_place_t *one, uint64_t epoch,
    uint64_t seq)
{
    return one->epoch > epoch || (one->epoch == epoch && one->seq > seq);
}
