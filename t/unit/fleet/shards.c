
/*
 * Slots of Redis Cluster, its map, and where errors send to.
 */

#include <hiredis/hiredis.h>

#include "fleet/shards.h"

#include "t/unit/tap.h"


static wgw_text_t
text(const char *s)
{
    wgw_text_t  t;

    t.data = s;
    t.len = strlen(s);

    return t;
}


/* Those of the cluster specification, and of CLUSTER KEYSLOT. */

static void
slots(void)
{
    ok(wgw_shard_slot(text("123456789")) == 0x31c3, "CRC-16 of 123456789");
    ok(wgw_shard_slot(text("")) == 0, "no key");
    ok(wgw_shard_slot(text("foo")) == 12182, "foo");
    ok(wgw_shard_slot(text("{user1000}.following"))
       == wgw_shard_slot(text("user1000")), "what is in braces");
    ok(wgw_shard_slot(text("foo{}{bar}")) != wgw_shard_slot(text("bar")),
       "nothing is in the first");
    ok(wgw_shard_slot(text("foo{{bar}}zap"))
       == wgw_shard_slot(text("{bar")), "the first ends with the first");
    ok(wgw_shard_slot(text("foo{bar")) != wgw_shard_slot(text("bar")),
       "never closed");
}


static void
tags(void)
{
    char      tag[16];
    unsigned  slot, wrong;

    wrong = 0;

    for (slot = 0; slot < WGW_SLOTS_ALL; slot += 911) {
        snprintf(tag, sizeof(tag), "%u", wgw_shard_tag((uint16_t) slot));
        wrong += wgw_shard_slot(text(tag)) != slot;
    }

    ok(wrong == 0, "each slot has a tag");
}


static void
moved(void)
{
    wgw_shard_range_t  to;

    ok(wgw_shard_moved(text("MOVED 3999 127.0.0.1:6381"), &to) == 'M'
       && to.first == 3999 && to.last == 3999 && to.port == 6381
       && to.host.len == 9, "MOVED");
    ok(wgw_shard_moved(text("ASK 0 2001:db8::1:6381"), &to) == 'A'
       && to.port == 6381 && to.host.len == 11, "ASK, an IPv6 address");
    ok(wgw_shard_moved(text("MOVED 3999 :6381"), &to) == 'M'
       && to.host.len == 0, "the same host");
    ok(wgw_shard_moved(text("MOVED 16384 127.0.0.1:6381"), &to) == 0,
       "no slot");
    ok(wgw_shard_moved(text("MOVED 1"), &to) == 0, "nowhere");
    ok(wgw_shard_moved(text("MOVED 1 127.0.0.1:0"), &to) == 0, "no port");
    ok(wgw_shard_moved(text("CLUSTERDOWN Hash slot not served"), &to) == 0,
       "another error");
    ok(wgw_shard_moved(text("MOVED "), &to) == 0, "nothing");
}


static void
info(void)
{
    const char  *answer = "# Server\r\nredis_version:7.0.15\r\n"
                          "run_id:abc\r\nrole:master\r\nx_role:slave\r\nlast:1";

    is(wgw_shard_info(text(answer), "run_id").data,
       wgw_shard_info(text(answer), "run_id").len, "abc", "a field");
    is(wgw_shard_info(text(answer), "role").data,
       wgw_shard_info(text(answer), "role").len, "master", "by its whole name");
    is(wgw_shard_info(text(answer), "last").data,
       wgw_shard_info(text(answer), "last").len, "1", "without an end");
    ok(wgw_shard_info(text(answer), "none").len == 0, "none");
}


/* Of replies that are not what they should be. */

static void
map(void)
{
    void               *reply;
    const char         *bytes;
    redisReader        *reader;
    wgw_shard_range_t   range;

    bytes = "*3\r\n"
            "*3\r\n:0\r\n:100\r\n*2\r\n$9\r\n127.0.0.1\r\n:7000\r\n"
            "*3\r\n:101\r\n:16384\r\n*2\r\n$9\r\n127.0.0.1\r\n:7001\r\n"
            "*2\r\n:1\r\n:2\r\n";

    reader = redisReaderCreate();
    redisReaderFeed(reader, bytes, strlen(bytes));
    reply = NULL;

    ok(redisReaderGetReply(reader, &reply) == REDIS_OK && reply, "a reply");
    ok(wgw_shard_range(reply, 0, &range) == 0 && range.first == 0
       && range.last == 100 && range.port == 7000, "a range");
    ok(wgw_shard_range(reply, 1, &range) == -1, "no slot");
    ok(wgw_shard_range(reply, 2, &range) == -1, "no master");
    ok(wgw_shard_range(reply, 3, &range) == -1, "no more");

    freeReplyObject(reply);
    redisReaderFree(reader);
}


int
main(void)
{
    slots();
    tags();
    moved();
    info();
    map();

    return done();
}
