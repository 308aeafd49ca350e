
/*
 * server: a Redis of the test's own, of the few commands that leases need.
 */

#ifndef WGW_TEST_SERVER_H
#define WGW_TEST_SERVER_H


#include <assert.h>

#include <hiredis/hiredis.h>

#include "fleet/wire.h"

#include "t/unit/tap.h"


#define KEYS      16
#define FIELDS    128


typedef struct command_s  command_t;

struct command_s {
    command_t           *next;
    int                  n;
    wgw_text_t           args[WGW_WIRE_ARGS];
    char                 text[2048];
    wgw_wire_reply_pt    reply;
    void                *data;
    uint64_t             sent;
    uint64_t             at;        /* it is carried out ... */
    uint64_t             back;      /* ... and answered */
    redisReply          *answer;
};


typedef struct {
    char                 name[512];
    size_t               len;
    int                  nfields;
    struct {
        char             name[128];
        size_t           len;
        char             value[24];
    } fields[FIELDS];
} hash_t;


typedef struct {
    uint64_t             run;
    int                  frozen;
    int                  gone;
    char                 sentinel[64];
    size_t               sentinel_len;
    int                  nhashes;
    hash_t               hashes[KEYS];
} server_t;


static server_t  server;
static uint64_t  commands;


static redisReply *
answer(int type, const char *text, size_t len)
{
    redisReply  *r;

    r = calloc(1, sizeof(redisReply));
    assert(r);

    r->type = type;
    r->str = calloc(1, len + 1);
    assert(r->str);
    memcpy(r->str, text, len);
    r->len = len;

    return r;
}


static void
forget(redisReply *r)
{
    size_t  i;

    if (r == NULL) {
        return;
    }

    for (i = 0; i < r->elements; i++) {
        forget(r->element[i]);
    }

    free(r->element);
    free(r->str);
    free(r);
}


static hash_t *
hash(wgw_text_t name, int make)
{
    int  i;

    for (i = 0; i < server.nhashes; i++) {
        if (server.hashes[i].len == name.len
            && memcmp(server.hashes[i].name, name.data, name.len) == 0)
        {
            return &server.hashes[i];
        }
    }

    if (!make) {
        return NULL;
    }

    assert(server.nhashes < KEYS);

    memset(&server.hashes[i], 0, sizeof(hash_t));
    memcpy(server.hashes[i].name, name.data, name.len);
    server.hashes[i].len = name.len;
    server.nhashes++;

    return &server.hashes[i];
}


static redisReply *
number(long long n)
{
    redisReply  *r;

    r = answer(REDIS_REPLY_INTEGER, "", 0);
    r->integer = n;

    return r;
}


static int
field(hash_t *h, wgw_text_t name)
{
    int  i;

    for (i = 0; i < h->nfields; i++) {
        if (h->fields[i].len == name.len
            && memcmp(h->fields[i].name, name.data, name.len) == 0)
        {
            break;
        }
    }

    return i;
}


static redisReply *
hset(command_t *c)
{
    int      i, made;
    hash_t  *h;

    h = hash(c->args[1], 1);
    i = field(h, c->args[2]);
    made = i == h->nfields;

    assert(i < FIELDS);

    h->nfields += made;
    h->fields[i].len = c->args[2].len;
    memcpy(h->fields[i].name, c->args[2].data, c->args[2].len);
    memset(h->fields[i].value, 0, sizeof(h->fields[i].value));
    memcpy(h->fields[i].value, c->args[3].data, c->args[3].len);

    return number(made);
}


static redisReply *
hdel(command_t *c)
{
    int      i, k, n;
    hash_t  *h;

    h = hash(c->args[1], 0);
    n = 0;

    for (k = 2; h && k < c->n; k++) {
        i = field(h, c->args[k]);

        if (i < h->nfields) {
            h->fields[i] = h->fields[--h->nfields];
            n++;
        }
    }

    return number(n);
}


static redisReply *
hgetall(command_t *c)
{
    int          i;
    hash_t      *h;
    redisReply  *r;

    h = hash(c->args[1], 0);
    r = answer(REDIS_REPLY_ARRAY, "", 0);

    if (h == NULL || h->nfields == 0) {
        return r;
    }

    r->elements = 2 * (size_t) h->nfields;
    r->element = calloc(r->elements, sizeof(redisReply *));
    assert(r->element);

    for (i = 0; i < h->nfields; i++) {
        r->element[2 * i] = answer(REDIS_REPLY_STRING, h->fields[i].name,
                                   h->fields[i].len);
        r->element[2 * i + 1] = answer(REDIS_REPLY_STRING,
                                       h->fields[i].value,
                                       strlen(h->fields[i].value));
    }

    return r;
}


static redisReply *
carry_out(command_t *c)
{
    const char  *what;

    what = c->args[0].data;
    commands++;

    if (memcmp(what, "HSET", 4) == 0) {
        return hset(c);
    }

    if (memcmp(what, "HDEL", 4) == 0) {
        return hdel(c);
    }

    if (memcmp(what, "HGETALL", 7) == 0) {
        return hgetall(c);
    }

    if (memcmp(what, "EXPIRE", 6) == 0) {
        return number(1);
    }

    if (memcmp(what, "DEL", 3) == 0) {
        server.sentinel_len = 0;
        return number(1);
    }

    if (memcmp(what, "SET", 3) == 0) {

        if (server.sentinel_len) {
            return answer(REDIS_REPLY_NIL, "", 0);
        }

        server.sentinel_len = c->args[2].len;
        memcpy(server.sentinel, c->args[2].data, c->args[2].len);

        return answer(REDIS_REPLY_STATUS, "OK", 2);
    }

    assert(memcmp(what, "GET", 3) == 0);

    return server.sentinel_len
           ? answer(REDIS_REPLY_STRING, server.sentinel, server.sentinel_len)
           : answer(REDIS_REPLY_NIL, "", 0);
}


#endif /* WGW_TEST_SERVER_H */
