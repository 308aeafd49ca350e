
/*
 * Who has which slots of a cluster, and what becomes of commands that came to
 * another.
 */

#include <ngx_config.h>
#include <ngx_core.h>

#include <hiredis/hiredis.h>

#include "core/steady.h"
#include "fleet/agent_parts.h"


#define AGENT_TRIES     4               /* times a command is sent on */


static void agent_homes(agent_t *agent);
static void agent_map(void *data, const redisReply *reply);
static ngx_uint_t agent_end(agent_t *agent, const wgw_shard_range_t *range);
static ngx_uint_t agent_follow(agent_t *agent, wgw_link_pending_t *pending,
    ngx_uint_t to, ngx_uint_t ask);


/* Slots have another owner from now on. */

void
wgw_agent_give(agent_t *agent, uint16_t first, uint16_t last, ngx_uint_t to)
{
    uint64_t    now;
    ngx_uint_t  slot, changed;

    now = wgw_steady_ms();
    changed = 0;

    for (slot = first; slot <= last; slot++) {

        if (agent->owner[slot] != to) {
            agent->owner[slot] = (uint8_t) to;
            agent->since[slot] = now;
            changed = 1;
        }
    }

    if (changed) {
        agent_homes(agent);
    }
}


static void
agent_homes(agent_t *agent)
{
    ngx_uint_t  slot;

    for (slot = WGW_SLOTS_ALL; slot-- > 0; /* void */ ) {
        if (agent->owner[slot] != AGENT_NOBODY) {
            agent->home[agent->owner[slot]] = (uint16_t) slot;
        }
    }
}


void
wgw_agent_ask_map(agent_t *agent)
{
    wgw_link_t  *link;
    wgw_text_t   args[2];

    link = &agent->ends[AGENT_CONTROL].link;

    if (agent->asking || link->serial == 0) {
        return;
    }

    args[0] = wgw_text("CLUSTER");
    args[1] = wgw_text("SLOTS");

    agent->mapped = ngx_current_msec;

    if (wgw_link_send(link, 0, args, 2, agent_map, agent) == NGX_OK) {
        agent->asking = 1;
        agent->stale = 0;
    }
}


/* Slots that nobody has keep who had them: their commands fail. */

static void
agent_map(void *data, const redisReply *reply)
{
    agent_t *agent = data;

    size_t              i;
    ngx_uint_t          n;
    agent_end_t        *end;
    wgw_shard_range_t   range;

    agent->asking = 0;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        agent->stale = 1;
        return;
    }

    for (n = 0; n < AGENT_LINKS; n++) {
        agent->ends[n].named = 0;
    }

    for (i = 0; wgw_shard_range(reply, i, &range) == 0; i++) {
        n = agent_end(agent, &range);

        if (n != AGENT_NOBODY) {
            agent->ends[n].named = 1;
        }

        wgw_agent_give(agent, range.first, range.last, n);
    }

    if (i == 0) {
        return;
    }

    for (n = AGENT_CONTROL + 1; n < AGENT_LINKS; n++) {
        end = &agent->ends[n];

        if (end->used && !end->named) {
            end->used = 0;
            wgw_link_close(&end->link, "has no slots any more");
            wgw_link_free(&end->link);
        }
    }
}


/* The number of that server's link, AGENT_NOBODY when there are too many. */

static ngx_uint_t
agent_end(agent_t *agent, const wgw_shard_range_t *range)
{
    ngx_uint_t    i, unused;
    wgw_text_t    host;
    agent_end_t  *end;

    host = range->host;

    if (host.len == 0) {
        end = &agent->ends[AGENT_CONTROL];
        host.data = (char *) end->link.host.host.data;
        host.len = end->link.host.host.len;
    }

    unused = AGENT_NOBODY;

    for (i = AGENT_CONTROL + 1; i < AGENT_LINKS; i++) {
        end = &agent->ends[i];

        if (!end->used) {
            unused = unused == AGENT_NOBODY ? i : unused;

        } else if (end->link.host.port == range->port
                   && end->link.host.host.len == host.len
                   && ngx_memcmp(end->link.host.host.data, host.data,
                                 host.len)
                      == 0)
        {
            return i;
        }
    }

    if (unused == AGENT_NOBODY) {
        return AGENT_NOBODY;
    }

    end = &agent->ends[unused];

    if (wgw_agent_init_end(agent, end) != NGX_OK
        || wgw_link_host(&end->link, host.data, host.len, range->port)
           != NGX_OK)
    {
        wgw_link_free(&end->link);
        return AGENT_NOBODY;
    }

    end->used = 1;
    end->next = ngx_current_msec;

    return unused;
}


/* Of commands that are followed, the last error only is the reply. */

ngx_uint_t
wgw_agent_error(wgw_link_t *link, wgw_link_pending_t *pending,
    const redisReply *reply)
{
    int                 kind;
    agent_t            *agent;
    ngx_uint_t          to;
    wgw_text_t          text;
    wgw_shard_range_t   range;

    agent = link->data;

    text.data = reply->str;
    text.len = reply->len;

    if (!agent->cluster) {

        if (ngx_strncmp(reply->str, "READONLY", 8) == 0) {
            wgw_link_close(link, "has become a replica");
        }

        return 0;
    }

    kind = wgw_shard_moved(text, &range);

    if (kind == 0) {
        agent->stale = 1;
        return 0;
    }

    to = agent_end(agent, &range);

    if (kind == 'M') {
        agent->stale = 1;
        wgw_agent_give(agent, range.first, range.last, to);

        if (pending->flags != WGW_WIRE_FOLLOW) {
            return 0;
        }
    }

    return pending->text && to != AGENT_NOBODY
           && agent_follow(agent, pending, to, kind == 'A');
}


static ngx_uint_t
agent_follow(agent_t *agent, wgw_link_pending_t *pending, ngx_uint_t to,
    ngx_uint_t ask)
{
    wgw_link_t         *link;
    wgw_text_t          asking = { "ASKING", 6 };

    link = &agent->ends[to].link;

    if (link->serial == 0 || pending->tries == AGENT_TRIES
        || (ask && wgw_link_send(link, 0, &asking, 1, NULL, NULL)
                   != NGX_OK))
    {
        return 0;
    }

    return wgw_link_again(link, pending) == NGX_OK;
}
