
/*
 * The agent's side of the desk.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <hiredis/hiredis.h>

#include "core/steady.h"
#include "fleet/agent.h"
#include "fleet/desk.h"
#include "fleet/shards.h"


#define DESK_TICK     10                /* ms */
#define DESK_READ     200
#define DESK_KEY      (WGW_DESK_TEXT + 64)
#define DESK_ID       64
#define DESK_ENTRIES  "500"             /* at once */

/* what Redis refuses: of each stream, as one may be somebody else's key */
#define DESK_TAKES    1
#define DESK_KNOWS    2
#define DESK_SAYS     4
#define DESK_READS    16


/* One of the streams, as far as it was read. */
typedef struct {
    const char          *name;
    const char          *length;        /* about */
    void                *agent;
    uint64_t            *caught;
    uint64_t             read;          /* ms: when it was */
    unsigned             reading:1;
    unsigned             known:1;       /* all of it */
    size_t               id_len;
    char                 id[DESK_ID];   /* of the last that was read */
} desk_stream_t;


typedef struct {
    wgw_fleet_t         *fleet;
    wgw_desk_t          *desk;
    wgw_desk_heard_pt    heard;
    void                *data;
    wgw_wire_t          *wire;
    wgw_witness_t        witness;
    ngx_uint_t           refused;       /* DESK_*, as the log says */
    ngx_event_t          timer;
    desk_stream_t        streams[WGW_DESK_STREAMS];
} desk_agent_t;


/* A sheet that Redis was asked about. */
typedef struct {
    desk_agent_t        *agent;
    wgw_desk_sheet_t    *sheet;
    uint64_t             word;
} desk_asked_t;


static void desk_start(wgw_fleet_t *fleet, void *data);
static void desk_tick(ngx_event_t *ev);
static void desk_sheets(desk_agent_t *agent);
static void desk_ask(desk_agent_t *agent, wgw_desk_sheet_t *sheet,
    uint64_t word);
static int desk_send_take(desk_agent_t *agent, desk_asked_t *asked);
static int desk_send_say(desk_agent_t *agent, desk_asked_t *asked);
static void desk_taken(void *data, const redisReply *reply);
static void desk_said(void *data, const redisReply *reply);
static void desk_answered(desk_agent_t *agent, ngx_uint_t what,
    const redisReply *reply);
static void desk_refused(desk_agent_t *agent, ngx_uint_t what,
    const char *why);
static void desk_right(desk_agent_t *agent, ngx_uint_t what);
static wgw_text_t desk_key(desk_agent_t *agent, char *buffer,
    const char *name, wgw_text_t more);
static void desk_restart(desk_agent_t *agent);
static void desk_read(desk_agent_t *agent, desk_stream_t *stream);
static void desk_heard(void *data, const redisReply *reply);
static void desk_entry(desk_stream_t *stream, const redisReply *entry);


static const desk_stream_t  desk_streams[WGW_DESK_STREAMS] = {
    { .name = "said", .length = "100000" },
    { .name = "passed", .length = "10000" }
};


ngx_int_t
wgw_desk_serve(ngx_cycle_t *cycle, wgw_fleet_t *fleet, wgw_desk_t *desk,
    wgw_desk_heard_pt heard, void *data)
{
    desk_agent_t  *agent;

    agent = ngx_pcalloc(cycle->pool, sizeof(desk_agent_t));
    if (agent == NULL) {
        return NGX_ERROR;
    }

    agent->fleet = fleet;
    agent->desk = desk;
    agent->heard = heard;
    agent->data = data;

    return wgw_agent_use(fleet, desk_start, agent);
}


static void
desk_start(wgw_fleet_t *fleet, void *data)
{
    desk_agent_t *agent = data;

    char        buffer[DESK_KEY];
    ngx_uint_t  i;
    wgw_text_t  said;

    agent->wire = wgw_agent_wire(fleet);
    said = desk_key(agent, buffer, "said", wgw_text(""));

    wgw_witness_init(&agent->witness, agent->wire, &agent->desk->seen,
                     wgw_agent_random, wgw_fleet_text(&fleet->prefix),
                     wgw_shard_slot(said));

    for (i = 0; i < WGW_DESK_STREAMS; i++) {
        agent->streams[i] = desk_streams[i];
        agent->streams[i].agent = agent;
        agent->streams[i].caught = &agent->desk->caught[i];
    }

    desk_restart(agent);

    agent->timer.handler = desk_tick;
    agent->timer.data = agent;
    agent->timer.log = ngx_cycle->log;
    agent->timer.cancelable = 1;

    ngx_add_timer(&agent->timer, 1);
}


/* All is read again. */

static void
desk_restart(desk_agent_t *agent)
{
    ngx_uint_t  i;

    for (i = 0; i < WGW_DESK_STREAMS; i++) {
        agent->streams[i].id[0] = '0';
        agent->streams[i].id_len = 1;
        agent->streams[i].known = 0;
    }
}


static void
desk_tick(ngx_event_t *ev)
{
    ngx_uint_t     i;
    desk_agent_t  *agent;

    agent = ev->data;

    wgw_witness_tick(&agent->witness);

    /* names that were taken may be free again, and were not */

    if (agent->witness.declare) {
        agent->witness.declare = 0;

        __atomic_store_n(&agent->desk->lost, (int64_t) ngx_time(),
                         __ATOMIC_SEQ_CST);

        desk_restart(agent);
    }

    if (agent->witness.known) {
        desk_right(agent, DESK_KNOWS);
        desk_sheets(agent);

        for (i = 0; i < WGW_DESK_STREAMS; i++) {
            desk_read(agent, &agent->streams[i]);
        }

    } else if (agent->witness.refused) {
        desk_refused(agent, DESK_KNOWS, agent->witness.error);
    }

    ngx_add_timer(&agent->timer, DESK_TICK);
}


static void
desk_sheets(desk_agent_t *agent)
{
    uint64_t           word;
    ngx_uint_t         i;
    wgw_desk_sheet_t  *sheet;

    for (i = 0; i < WGW_DESK_SHEETS; i++) {
        sheet = &agent->desk->sheets[i];
        word = wgw_load(&sheet->word);

        if ((word & WGW_DESK_STATE) == WGW_DESK_POSTED
            && wgw_swap(&sheet->word, word, word + 1))
        {
            desk_ask(agent, sheet, word + 1);

        } else if ((word & WGW_DESK_STATE) == WGW_DESK_ASKED
                   && sheet->kind != WGW_DESK_TAKE
                   && wgw_steady_ms() > wgw_load(&sheet->stamp)
                                         + WGW_DESK_STALE)
        {
            /* by an agent that is gone: said twice does no harm */

            (void) wgw_swap(&sheet->word, word, word - 1);
            __atomic_store_n(&sheet->stamp, wgw_steady_ms(), __ATOMIC_SEQ_CST);
        }
    }
}


static void
desk_ask(desk_agent_t *agent, wgw_desk_sheet_t *sheet, uint64_t word)
{
    int            rc;
    desk_asked_t  *asked;

    asked = ngx_alloc(sizeof(desk_asked_t), ngx_cycle->log);

    if (asked) {
        asked->agent = agent;
        asked->sheet = sheet;
        asked->word = word;

        rc = sheet->kind == WGW_DESK_TAKE ? desk_send_take(agent, asked)
                                          : desk_send_say(agent, asked);
        if (rc == 0) {
            return;
        }

        ngx_free(asked);
    }

    (void) wgw_swap(&sheet->word, word, word - 1);
}


static int
desk_send_take(desk_agent_t *agent, desk_asked_t *asked)
{
    char         buffer[DESK_KEY], number[24];
    wgw_out_t    out;
    wgw_text_t   args[6], name;

    name.data = asked->sheet->text;
    name.len = ngx_min(asked->sheet->len, WGW_DESK_TEXT);

    wgw_out_init(&out, number, sizeof(number));
    wgw_out_uint(&out, asked->sheet->seconds ? asked->sheet->seconds : 1);

    args[0] = wgw_text("SET");
    args[1] = desk_key(agent, buffer, "taken:", name);
    args[2] = wgw_fleet_text(&agent->fleet->node);
    args[3] = wgw_text("EX");
    args[4] = wgw_out_text(&out);
    args[5] = wgw_text("NX");

    return agent->wire->send(agent->wire, wgw_shard_slot(args[1]),
                             WGW_WIRE_FOLLOW, args, 6, desk_taken, asked);
}


static void
desk_taken(void *data, const redisReply *reply)
{
    desk_asked_t *asked = data;

    uint32_t  answer;

    answer = 3;

    desk_answered(asked->agent, DESK_TAKES, reply);

    if (reply && reply->type == REDIS_REPLY_STATUS) {
        answer = 1;

    } else if (reply && reply->type == REDIS_REPLY_NIL) {
        answer = 2;
    }

    /* a sheet that is another's by now has another number */

    if (wgw_load(&asked->sheet->word) == asked->word) {
        asked->sheet->answer = answer;
        (void) wgw_swap(&asked->sheet->word, asked->word, asked->word + 1);
    }

    ngx_free(asked);
}


static int
desk_send_say(desk_agent_t *agent, desk_asked_t *asked)
{
    char            buffer[DESK_KEY];
    wgw_text_t      args[8];
    desk_stream_t  *stream;

    stream = &agent->streams[asked->sheet->kind != WGW_DESK_SAY];

    args[0] = wgw_text("XADD");
    args[1] = desk_key(agent, buffer, stream->name, wgw_text(""));
    args[2] = wgw_text("MAXLEN");
    args[3] = wgw_text("~");
    args[4].data = stream->length;
    args[4].len = strlen(stream->length);
    args[5] = wgw_text("*");
    args[6] = wgw_text("text");

    args[7].data = asked->sheet->text;
    args[7].len = ngx_min(asked->sheet->len, WGW_DESK_TEXT);

    return agent->wire->send(agent->wire, wgw_shard_slot(args[1]),
                             WGW_WIRE_FOLLOW, args, 8, desk_said, asked);
}


static void
desk_said(void *data, const redisReply *reply)
{
    desk_asked_t *asked = data;

    uint64_t  to;

    desk_answered(asked->agent,
                  DESK_SAYS << (asked->sheet->kind != WGW_DESK_SAY), reply);

    to = reply && reply->type == REDIS_REPLY_STRING
         ? asked->word & ~(uint64_t) WGW_DESK_STATE
         : asked->word - WGW_DESK_ASKED + WGW_DESK_POSTED;

    (void) wgw_swap(&asked->sheet->word, asked->word, to);

    ngx_free(asked);
}


/* A Redis that is full, or refuses a command, answers: nobody else says it. */

static void
desk_answered(desk_agent_t *agent, ngx_uint_t what, const redisReply *reply)
{
    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        desk_refused(agent, what, reply->str);

    } else {
        desk_right(agent, what);
    }
}


static void
desk_refused(desk_agent_t *agent, ngx_uint_t what, const char *why)
{
    if (agent->refused == 0) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "wgw fleet: sign-ins are not shared, trying again: "
                      "Redis: %*s", ngx_min(ngx_strlen(why), 200), why);
    }

    agent->refused |= what;
}


static void
desk_right(desk_agent_t *agent, ngx_uint_t what)
{
    if (agent->refused == 0) {
        return;
    }

    agent->refused &= ~what;

    if (agent->refused == 0) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "wgw fleet: sign-ins are shared again");
    }
}


static wgw_text_t
desk_key(desk_agent_t *agent, char *buffer, const char *name,
    wgw_text_t more)
{
    wgw_out_t  out;

    wgw_out_init(&out, buffer, DESK_KEY);
    wgw_out_bytes(&out, agent->fleet->prefix.data, agent->fleet->prefix.len);
    wgw_out_str(&out, ":");
    wgw_out_str(&out, name);
    wgw_out_bytes(&out, more.data, more.len);

    return wgw_out_text(&out);
}


static void
desk_read(desk_agent_t *agent, desk_stream_t *stream)
{
    char         buffer[DESK_KEY];
    uint64_t     now;
    wgw_text_t   args[6];

    now = wgw_steady_ms();

    if (stream->reading || now < stream->read + DESK_READ) {
        return;
    }

    args[0] = wgw_text("XREAD");
    args[1] = wgw_text("COUNT");
    args[2] = wgw_text(DESK_ENTRIES);
    args[3] = wgw_text("STREAMS");
    args[4] = desk_key(agent, buffer, stream->name, wgw_text(""));
    args[5].data = stream->id;
    args[5].len = stream->id_len;

    if (agent->wire->send(agent->wire, wgw_shard_slot(args[4]),
                          WGW_WIRE_FOLLOW, args, 6, desk_heard, stream)
        == 0)
    {
        stream->read = now;
        stream->reading = 1;
    }
}


/* [[stream, [[id, [field, text]], ...]]], or nil: there is no more. */

static void
desk_heard(void *data, const redisReply *reply)
{
    desk_stream_t *stream = data;

    size_t             i;
    desk_agent_t      *agent;
    const redisReply  *entries;

    agent = stream->agent;
    stream->reading = 0;

    desk_answered(agent, DESK_READS << (stream - agent->streams), reply);

    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
        return;
    }

    if (reply->type == REDIS_REPLY_NIL
        || (reply->type == REDIS_REPLY_ARRAY && reply->elements == 0))
    {
        stream->known = 1;
        __atomic_store_n(stream->caught, wgw_steady_ms(), __ATOMIC_SEQ_CST);
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->element[0]->type != REDIS_REPLY_ARRAY
        || reply->element[0]->elements != 2
        || reply->element[0]->element[1]->type != REDIS_REPLY_ARRAY)
    {
        return;
    }

    entries = reply->element[0]->element[1];

    for (i = 0; i < entries->elements; i++) {
        desk_entry(stream, entries->element[i]);
    }

    stream->read = 0;
}


static void
desk_entry(desk_stream_t *stream, const redisReply *entry)
{
    wgw_text_t         text;
    desk_agent_t      *agent;
    const redisReply  *id, *fields;

    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2) {
        return;
    }

    id = entry->element[0];
    fields = entry->element[1];

    if (id->type != REDIS_REPLY_STRING || id->len >= DESK_ID) {
        return;
    }

    ngx_memcpy(stream->id, id->str, id->len);
    stream->id_len = id->len;

    if (fields->type != REDIS_REPLY_ARRAY || fields->elements < 2
        || fields->element[1]->type != REDIS_REPLY_STRING)
    {
        return;
    }

    text.data = fields->element[1]->str;
    text.len = fields->element[1]->len;

    agent = stream->agent;
    agent->heard(agent->data, text, !stream->known);
}
