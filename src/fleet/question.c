
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "fleet/question.h"


#define QUESTION_NUMBER  24


static int question_sent(wgw_question_t *q, int rc);
static int question_hset(const wgw_question_t *q, uint64_t units,
    wgw_wire_reply_pt reply, void *data);
static int question_expire(const wgw_question_t *q, wgw_wire_reply_pt reply,
    void *data);
static int question_short(const wgw_question_t *q, const char *command,
    wgw_text_t key, wgw_wire_reply_pt reply, void *data);
static wgw_text_t question_text(const char *data, size_t len);
static void question_set(void *data, const redisReply *reply);
static void question_all(void *data, const redisReply *reply);
static void question_ttl(void *data, const redisReply *reply);
static void question_sentinel(void *data, const redisReply *reply);
static void question_field(wgw_question_t *q, const redisReply *name,
    const redisReply *value);
static void question_refused(wgw_question_t *q, const redisReply *reply);
static void question_end(wgw_question_t *q);
static void question_declared(void *data, const redisReply *reply);


wgw_question_t *
wgw_question_create(void)
{
    return calloc(1, sizeof(wgw_question_t));
}


void
wgw_question_send(wgw_question_t *q)
{
    wgw_text_t  key;

    key = question_text(q->key, q->key_len);

    /* one more, so that it does not end meanwhile */

    q->waits = 1;

    if (question_sent(q, question_hset(q, q->units, question_set, q)) != 0
        || question_sent(q, question_short(q, "HGETALL", key, question_all, q))
           != 0
        || (q->ttl
            && question_sent(q, question_expire(q, question_ttl, q)) != 0)
        || question_sent(q, question_short(q, "GET",
                                           wgw_witness_name(q->witness),
                                           question_sentinel, q))
           != 0)
    {
        q->failed = 1;
    }

    question_end(q);
}


static int
question_sent(wgw_question_t *q, int rc)
{
    q->waits += rc == 0;

    return rc;
}


static int
question_hset(const wgw_question_t *q, uint64_t units,
    wgw_wire_reply_pt reply, void *data)
{
    char         number[QUESTION_NUMBER];
    wgw_out_t    out;
    wgw_text_t   args[4];
    wgw_wire_t  *wire;

    wire = q->witness->wire;

    wgw_out_init(&out, number, sizeof(number));
    wgw_out_uint(&out, units);

    args[0] = wgw_text("HSET");
    args[1] = question_text(q->key, q->key_len);
    args[2] = question_text(q->field, q->field_len);
    args[3] = wgw_out_text(&out);

    return wire->send(wire, q->slot, WGW_WIRE_ASK, args, 4, reply, data);
}


static int
question_expire(const wgw_question_t *q, wgw_wire_reply_pt reply, void *data)
{
    char         number[QUESTION_NUMBER];
    wgw_out_t    out;
    wgw_text_t   args[3];
    wgw_wire_t  *wire;

    wire = q->witness->wire;

    wgw_out_init(&out, number, sizeof(number));
    wgw_out_uint(&out, q->ttl);

    args[0] = wgw_text("EXPIRE");
    args[1] = question_text(q->key, q->key_len);
    args[2] = wgw_out_text(&out);

    return wire->send(wire, q->slot, WGW_WIRE_ASK, args, 3, reply, data);
}


/* The sentinel is in the shard's own slot. */

static int
question_short(const wgw_question_t *q, const char *command, wgw_text_t key,
    wgw_wire_reply_pt reply, void *data)
{
    uint16_t     slot;
    wgw_text_t   args[2];
    wgw_wire_t  *wire;

    wire = q->witness->wire;
    slot = key.data == q->key ? q->slot : q->witness->home;

    args[0] = question_text(command, strlen(command));
    args[1] = key;

    return wire->send(wire, slot, WGW_WIRE_ASK, args, 2, reply, data);
}


static wgw_text_t
question_text(const char *data, size_t len)
{
    wgw_text_t  text;

    text.data = data;
    text.len = len;

    return text;
}


static void
question_set(void *data, const redisReply *reply)
{
    wgw_question_t *q = data;

    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER) {
        question_refused(q, reply);

    } else {
        q->created = reply->integer != 0;
    }

    question_end(q);
}


static void
question_all(void *data, const redisReply *reply)
{
    wgw_question_t *q = data;

    size_t  i;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements % 2 != 0)
    {
        question_refused(q, reply);
        question_end(q);
        return;
    }

    q->missing = 1;

    for (i = 0; i < reply->elements; i += 2) {
        question_field(q, reply->element[i], reply->element[i + 1]);
    }

    question_end(q);
}


/* What is no number was not written by a node: nothing can be relied on. */

static void
question_field(wgw_question_t *q, const redisReply *name,
    const redisReply *value)
{
    uint64_t  units;

    if (name->type != REDIS_REPLY_STRING || value->type != REDIS_REPLY_STRING
        || wgw_text_uint(question_text(value->str, value->len),
                         WGW_LEASE_UNITS, &units)
           != 0)
    {
        q->failed = 1;
        return;
    }

    if (name->len == q->field_len
        && memcmp(name->str, q->field, name->len) == 0)
    {
        q->missing = units != q->units;
        return;
    }

    if (name->len > q->own_len && memcmp(name->str, q->field, q->own_len) == 0)
    {
        if (q->older < WGW_QUESTION_OLDER && name->len < WGW_QUESTION_FIELD) {
            memcpy(q->old[q->older], name->str, name->len);
            q->old_len[q->older] = name->len;
        }

        q->older++;
        return;
    }

    q->others += units;
    q->others = q->others < WGW_LEASE_UNITS ? q->others : WGW_LEASE_UNITS;
}


static void
question_ttl(void *data, const redisReply *reply)
{
    wgw_question_t *q = data;

    if (reply == NULL) {
        q->failed = 1;
    }

    question_end(q);
}


static void
question_sentinel(void *data, const redisReply *reply)
{
    wgw_question_t *q = data;

    if (reply == NULL) {
        q->failed = 1;

    } else {
        q->strange = wgw_witness_see(q->witness, reply) != 0;
    }

    question_end(q);
}


/* The first error is the reason. */

static void
question_refused(wgw_question_t *q, const redisReply *reply)
{
    q->failed = 1;

    if (q->error[0] == '\0') {
        (void) wgw_shard_refused(reply, q->error);
    }
}


/* The replies that are still to come have the question, so it stays. */

static void
question_end(wgw_question_t *q)
{
    if (--q->waits != 0) {
        return;
    }

    q->done(q);
    free(q);
}


void
wgw_question_correct(wgw_question_t *q, uint64_t units)
{
    unsigned     i, n;
    wgw_text_t   args[2 + WGW_QUESTION_OLDER];
    wgw_wire_t  *wire;

    wire = q->witness->wire;

    if (units != q->units) {
        (void) question_hset(q, units, NULL, NULL);
    }

    n = q->older < WGW_QUESTION_OLDER ? q->older : WGW_QUESTION_OLDER;

    if (n == 0) {
        return;
    }

    args[0] = wgw_text("HDEL");
    args[1] = question_text(q->key, q->key_len);

    for (i = 0; i < n; i++) {
        args[2 + i] = question_text(q->old[i], q->old_len[i]);
    }

    (void) wire->send(wire, q->slot, WGW_WIRE_ASK, args, (int) (2 + n),
                      NULL, NULL);
}


int
wgw_question_declare(const wgw_question_t *q)
{
    return question_hset(q, q->units, question_declared, q->witness) != 0
           || (q->ttl && question_expire(q, NULL, NULL) != 0)
           ? -1 : 0;
}


static void
question_declared(void *data, const redisReply *reply)
{
    char  why[WGW_SHARD_WHY];

    if (wgw_shard_refused(reply, why)) {
        wgw_witness_undeclared(data, why);
    }
}
