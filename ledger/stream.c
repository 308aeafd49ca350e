
#include <stdlib.h>
#include <string.h>

#include "crypto/sha256.h"
#include "format/hex.h"
#include "ledger/stream.h"
#include "program/memory.h"


#define STREAM_COUNT   "64"             /* entries in one reply */
#define STREAM_LIST    2                /* s between looks for nodes */
#define STREAM_LOOK    3                /* s between looks for its end */
#define STREAM_STUCK   60
#define STREAM_ACK     160              /* "EPOCH SEQ HASH" */


static void streams_list(streams_t *streams, const ledger_t *ledger);
static void streams_add(streams_t *streams, const redisReply *name);
static int stream_round(streams_t *streams, stream_t *s,
    const ledger_t *ledger, database_t *db);
static int stream_ready(stream_t *s, database_t *db);
static int stream_entries(streams_t *streams, stream_t *s,
    const ledger_t *ledger, database_t *db, const redisReply *reply);
static apply_result_t stream_entry(stream_t *s, database_t *db,
    const redisReply *entry);
static const redisReply *stream_record(const redisReply *entry);
static void stream_began_anew(streams_t *streams, stream_t *s,
    const ledger_t *ledger);
static void stream_ack(streams_t *streams, stream_t *s,
    const ledger_t *ledger, database_t *db);
static void stream_want(streams_t *streams, stream_t *s,
    const ledger_t *ledger, database_t *db);
static void stream_tell(streams_t *streams, stream_t *s,
    const ledger_t *ledger, const char *field, const char *value);
static int stream_later(const char *one, const char *other);


int
streams_round(streams_t *streams, const ledger_t *ledger, database_t *db,
    int *waits)
{
    int        n;
    size_t     i;
    stream_t  *s;

    n = 0;
    *waits = 0;
    streams->redis.failed = 0;

    if (streams->n == 0 || ledger_now() >= streams->listed + STREAM_LIST) {
        streams->listed = ledger_now();
        streams_list(streams, ledger);
    }

    for (i = 0; i < streams->n && !ledger_stop; i++) {
        s = streams->streams[i];

        n += stream_round(streams, s, ledger, db);
        *waits |= s->gap != 0;
    }

    return n;
}


static void
streams_list(streams_t *streams, const ledger_t *ledger)
{
    char        *key;
    size_t       i;
    redisReply  *reply;
    const char  *args[2];

    key = wgw_format("%s:acc", ledger->prefix);
    args[0] = "SMEMBERS";
    args[1] = key;

    reply = redis_command(&streams->redis, streams->where, 2, args);
    free(key);

    if (reply == NULL) {
        return;
    }

    for (i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
        streams_add(streams, reply->element[i]);
    }

    freeReplyObject(reply);
}


static void
streams_add(streams_t *streams, const redisReply *name)
{
    size_t       i;
    stream_t    *s;
    wgw_text_t   node;

    if (name->type != REDIS_REPLY_STRING) {
        return;
    }

    node.data = name->str;
    node.len = (size_t) name->len;

    if (!wgw_journal_node(node)) {
        return;
    }

    for (i = 0; i < streams->n; i++) {
        if (strcmp(streams->streams[i]->node, name->str) == 0) {
            return;
        }
    }

    if (streams->n < STREAM_NODES) {
        s = wgw_alloc(sizeof(stream_t));
        (void) snprintf(s->node, sizeof(s->node), "%s", name->str);
        (void) snprintf(s->last, sizeof(s->last), "0-0");
        streams->streams[streams->n++] = s;
    }
}


static int
stream_round(streams_t *streams, stream_t *s, const ledger_t *ledger,
    database_t *db)
{
    int          n;
    char        *key;
    redisReply  *reply;
    const char  *args[6];

    if (!stream_ready(s, db)) {
        return 0;
    }

    key = wgw_format("%s:acc:{%s}", ledger->prefix, s->node);

    args[0] = "XREAD";
    args[1] = "COUNT";
    args[2] = STREAM_COUNT;
    args[3] = "STREAMS";
    args[4] = key;
    args[5] = s->last;

    reply = redis_command(&streams->redis, s->where, 6, args);
    free(key);

    if (reply == NULL) {
        return 0;
    }

    n = 0;

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1
        && reply->element[0]->type == REDIS_REPLY_ARRAY
        && reply->element[0]->elements == 2)
    {
        n = stream_entries(streams, s, ledger, db,
                           reply->element[0]->element[1]);

    } else {
        stream_began_anew(streams, s, ledger);
    }

    freeReplyObject(reply);

    return n;
}


/* 1 when its entries are this ledger's business, and from where on is known. */

static int
stream_ready(stream_t *s, database_t *db)
{
    if (ledger_now() < s->stuck) {
        return 0;
    }

    if (s->locked != db->serial) {
        if (!source_lock(db, s->node)) {
            return 0;
        }

        s->locked = db->serial;
        (void) snprintf(s->last, sizeof(s->last), "0-0");
    }

    /* what is missing has not come */

    if (s->gap && ledger_now() >= s->gap) {
        ledger_log("node %s: what is missing has not come", s->node);
        s->gap = 0;
        s->anyway = 1;
        (void) snprintf(s->last, sizeof(s->last), "0-0");
    }

    return 1;
}


static int
stream_entries(streams_t *streams, stream_t *s, const ledger_t *ledger,
    database_t *db, const redisReply *list)
{
    int                done, gap;
    size_t             i;
    const redisReply  *entry;

    done = 0;
    gap = 0;

    for (i = 0; list->type == REDIS_REPLY_ARRAY && i < list->elements; i++) {
        entry = list->element[i];

        if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2
            || entry->element[0]->type != REDIS_REPLY_STRING)
        {
            continue;
        }

        switch (stream_entry(s, db, entry)) {

        case APPLY_GAP:
            if (ledger_stop) {
                return 0;
            }

            gap = 1;
            break;

        case APPLY_BAD:
            s->stuck = ledger_now() + STREAM_STUCK;
            (void) apply_note(db, s->node, "bad", "entry %s of its stream "
                              "is not taken", entry->element[0]->str);
            return 0;

        case APPLY_DONE:
            done = 1;
            s->gap = 0;
            s->anyway = 0;
            gap = 0;
            break;

        default: /* APPLY_KNOWN */
            break;
        }

        (void) snprintf(s->last, sizeof(s->last), "%s",
                        entry->element[0]->str);
    }

    if (gap && s->gap == 0) {
        s->gap = ledger_now() + ledger->gap;
        stream_want(streams, s, ledger, db);
    }

    if (done) {
        stream_ack(streams, s, ledger, db);
    }

    return (int) list->elements;
}


static apply_result_t
stream_entry(stream_t *s, database_t *db, const redisReply *entry)
{
    uint8_t                hash[WGW_JOURNAL_HASH];
    const char            *error;
    const redisReply      *bytes;
    wgw_journal_record_t   record;

    bytes = stream_record(entry);

    if (bytes == NULL
        || wgw_journal_read((const uint8_t *) bytes->str, (size_t) bytes->len,
                            &record, &error)
           != 0
        || record.node.len != strlen(s->node)
        || memcmp(record.node.data, s->node, record.node.len) != 0
        || wgw_sha256(bytes->str, (size_t) bytes->len, hash) != 0)
    {
        ledger_log("node %s: entry %s of its stream is no record of it",
                   s->node, entry->element[0]->str);
        (void) apply_note(db, s->node, "damage", "entry %s of its stream is "
                          "no record of it", entry->element[0]->str);

        return APPLY_KNOWN;
    }

    return apply_record(db, &record, hash, s->anyway, &s->follows);
}


static const redisReply *
stream_record(const redisReply *entry)
{
    size_t             i;
    const redisReply  *fields;

    fields = entry->element[1];

    for (i = 0; fields->type == REDIS_REPLY_ARRAY && i + 1 < fields->elements;
         i += 2)
    {
        if (fields->element[i]->type == REDIS_REPLY_STRING
            && strcmp(fields->element[i]->str, "d") == 0
            && fields->element[i + 1]->type == REDIS_REPLY_STRING)
        {
            return fields->element[i + 1];
        }
    }

    return NULL;
}


/* A stream that was deleted, or a Redis that lost it, may have smaller ids. */

static void
stream_began_anew(streams_t *streams, stream_t *s, const ledger_t *ledger)
{
    char        *key;
    redisReply  *reply;
    const char  *args[6];

    if (ledger_now() < s->looked + STREAM_LOOK) {
        return;
    }

    s->looked = ledger_now();

    key = wgw_format("%s:acc:{%s}", ledger->prefix, s->node);

    args[0] = "XREVRANGE";
    args[1] = key;
    args[2] = "+";
    args[3] = "-";
    args[4] = "COUNT";
    args[5] = "1";

    reply = redis_command(&streams->redis, s->where, 6, args);
    free(key);

    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ARRAY
        && (reply->elements == 0
            || (reply->element[0]->type == REDIS_REPLY_ARRAY
                && reply->element[0]->elements == 2
                && reply->element[0]->element[0]->type == REDIS_REPLY_STRING
                && stream_later(s->last,
                                reply->element[0]->element[0]->str))))
    {
        (void) snprintf(s->last, sizeof(s->last), "0-0");
    }

    freeReplyObject(reply);
}


/* 1 when an id, "MS-N", is later than another. */

static int
stream_later(const char *one, const char *other)
{
    char                *end;
    unsigned long long   a, b;

    a = strtoull(one, &end, 10);
    b = strtoull(other, NULL, 10);

    if (a != b) {
        return a > b;
    }

    a = *end == '-' ? strtoull(end + 1, NULL, 10) : 0;
    other = strchr(other, '-');
    b = other ? strtoull(other + 1, NULL, 10) : 0;

    return a > b;
}


static void
stream_ack(streams_t *streams, stream_t *s, const ledger_t *ledger,
    database_t *db)
{
    char               text[STREAM_ACK], hex[2 * WGW_JOURNAL_HASH + 1];
    apply_position_t   position;

    if (apply_position(db, s->node, &position) != LEDGER_OK) {
        return;
    }

    wgw_hex_encode(hex, position.hash, WGW_JOURNAL_HASH);
    hex[2 * WGW_JOURNAL_HASH] = '\0';

    (void) snprintf(text, sizeof(text), "%llu %llu %s",
                    (unsigned long long) position.epoch,
                    (unsigned long long) position.seq, hex);

    stream_tell(streams, s, ledger, "ack", text);
}


static void
stream_want(streams_t *streams, stream_t *s, const ledger_t *ledger,
    database_t *db)
{
    char               text[STREAM_ACK];
    apply_position_t   position;

    if (apply_position(db, s->node, &position) != LEDGER_OK) {
        return;
    }

    ledger_log("node %s: records behind %llu of epoch %llu are missing",
               s->node, (unsigned long long) position.seq,
               (unsigned long long) position.epoch);

    (void) snprintf(text, sizeof(text), "%llu %llu",
                    (unsigned long long) position.epoch,
                    (unsigned long long) position.seq + 1);

    stream_tell(streams, s, ledger, "want", text);
}


static void
stream_tell(streams_t *streams, stream_t *s, const ledger_t *ledger,
    const char *field, const char *value)
{
    char        *key;
    redisReply  *reply;
    const char  *args[4];

    key = wgw_format("%s:ledger:{%s}", ledger->prefix, s->node);

    args[0] = "HSET";
    args[1] = key;
    args[2] = field;
    args[3] = value;

    reply = redis_command(&streams->redis, s->where, 4, args);
    free(key);

    if (reply) {
        freeReplyObject(reply);
    }
}


void
streams_free(streams_t *streams)
{
    size_t  i;

    for (i = 0; i < streams->n; i++) {
        free(streams->streams[i]);
    }

    streams->n = 0;
    redis_free(&streams->redis);
}
