
#include <string.h>

#include <hiredis/hiredis.h>

#include "fleet/members.h"
#include "fleet/shards.h"


#define MEMBERS_KEY  64


static void members_say(wgw_members_t *m, wgw_text_t key);
static void members_told(void *data, const redisReply *reply);
static wgw_member_t *members_get(wgw_members_t *m, const char *name,
    size_t len);
static void members_see(wgw_members_t *m, const redisReply *name,
    const redisReply *value, uint64_t now);
static void members_count(wgw_members_t *m, uint64_t now);
static void members_forget(wgw_members_t *m, wgw_member_t *member);
static wgw_text_t members_key(wgw_members_t *m, char *buffer);


void
wgw_members_init(wgw_members_t *m, wgw_wire_t *wire, wgw_text_t prefix,
    wgw_text_t node, uint64_t value, uint64_t alive)
{
    m->wire = wire;
    m->prefix = prefix;
    m->node = node;
    m->value = value >> 16;
    m->alive = alive ? alive : 1;
}


void
wgw_members_tick(wgw_members_t *m)
{
    char        buffer[MEMBERS_KEY];
    uint64_t    now;
    wgw_text_t  args[2];

    now = m->wire->now(m->wire);

    if (m->busy || now < m->asked + WGW_MEMBERS_BEAT) {
        return;
    }

    m->asked = now;

    args[0] = wgw_text("HGETALL");
    args[1] = members_key(m, buffer);

    if (m->wire->send(m->wire, wgw_shard_slot(args[1]), WGW_WIRE_FOLLOW, args,
                      2, members_told, m)
        == 0)
    {
        m->busy = 1;
        members_say(m, args[1]);
    }
}


static wgw_text_t
members_key(wgw_members_t *m, char *buffer)
{
    wgw_out_t  out;

    wgw_out_init(&out, buffer, MEMBERS_KEY);
    wgw_out_bytes(&out, m->prefix.data, m->prefix.len);
    wgw_out_str(&out, ":nodes");

    return wgw_out_text(&out);
}


static void
members_say(wgw_members_t *m, wgw_text_t key)
{
    char        number[24];
    wgw_out_t   out;
    wgw_text_t  args[4];

    wgw_out_init(&out, number, sizeof(number));
    wgw_out_uint(&out, ++m->value);

    args[0] = wgw_text("HSET");
    args[1] = key;
    args[2] = m->node;
    args[3] = wgw_out_text(&out);

    (void) m->wire->send(m->wire, wgw_shard_slot(key), WGW_WIRE_FOLLOW, args,
                         4, NULL, NULL);
}


static void
members_told(void *data, const redisReply *reply)
{
    wgw_members_t *m = data;

    size_t    i;
    unsigned  k;
    uint64_t  now;

    m->busy = 0;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        return;
    }

    now = m->wire->now(m->wire);

    if (m->heard == 0 || now > m->heard + 2 * WGW_MEMBERS_BEAT) {
        m->since = now;
    }

    m->heard = now;

    for (k = 0; k < m->n; k++) {
        m->members[k].seen = 0;
    }

    for (i = 0; i + 1 < reply->elements; i += 2) {
        members_see(m, reply->element[i], reply->element[i + 1], now);
    }

    for (k = 0; k < m->n; /* void */ ) {

        if (!m->members[k].seen
            && now > m->members[k].changed + WGW_MEMBERS_LATE)
        {
            m->members[k] = m->members[--m->n];
            continue;
        }

        if (now > m->members[k].changed + WGW_MEMBERS_GONE) {
            members_forget(m, &m->members[k]);
        }

        k++;
    }

    /* what it does not take of us, being full, it takes of nobody */

    if (now > m->spoken + 2 * WGW_MEMBERS_BEAT) {
        m->since = now;
    }

    /* all who live have spoken since */

    m->told |= now >= m->since + WGW_MEMBERS_BEAT;

    members_count(m, now);
}


/* One that is new has value 0: it changes at once. */

static wgw_member_t *
members_get(wgw_members_t *m, const char *name, size_t len)
{
    unsigned       k;
    wgw_member_t  *member;

    for (k = 0; k < m->n; k++) {
        if (m->members[k].len == len
            && memcmp(m->members[k].name, name, len) == 0)
        {
            return &m->members[k];
        }
    }

    if (k == WGW_MEMBERS_MAX) {
        return NULL;
    }

    member = &m->members[m->n++];
    memset(member, 0, sizeof(wgw_member_t));

    memcpy(member->name, name, len);
    member->len = len;

    return member;
}


static void
members_see(wgw_members_t *m, const redisReply *name,
    const redisReply *value, uint64_t now)
{
    int            own;
    uint64_t       number, before;
    wgw_text_t     text;
    wgw_member_t  *member;

    if (name->type != REDIS_REPLY_STRING || value->type != REDIS_REPLY_STRING
        || name->len > WGW_MEMBERS_NAME)
    {
        return;
    }

    text.data = value->str;
    text.len = value->len;

    if (wgw_text_uint(text, UINT64_MAX, &number) != 0) {
        return;
    }

    member = members_get(m, name->str, name->len);

    if (member == NULL) {
        return;
    }

    member->seen = 1;

    if (member->value == number) {
        return;
    }

    before = member->value;
    member->value = number;
    member->changed = now;

    own = member->len == m->node.len
          && memcmp(member->name, m->node.data, member->len) == 0;

    m->spoken = own ? now : m->spoken;

    /* it is read before we say ours: what we did not say another did */

    if (before && own && number != m->value - 1) {
        m->doubles++;
    }
}


static void
members_count(wgw_members_t *m, uint64_t now)
{
    unsigned  k;
    uint64_t  alive;

    alive = 0;

    for (k = 0; k < m->n; k++) {
        alive += now <= m->members[k].changed + WGW_MEMBERS_LATE;
    }

    if (alive < m->alive && now <= m->since + WGW_MEMBERS_LATE) {
        return;
    }

    m->alive = alive ? alive : 1;
}


static void
members_forget(wgw_members_t *m, wgw_member_t *member)
{
    char        buffer[MEMBERS_KEY];
    wgw_text_t  args[3];

    args[0] = wgw_text("HDEL");
    args[1] = members_key(m, buffer);
    args[2].data = member->name;
    args[2].len = member->len;

    (void) m->wire->send(m->wire, wgw_shard_slot(args[1]), WGW_WIRE_FOLLOW,
                         args, 3, NULL, NULL);
}
