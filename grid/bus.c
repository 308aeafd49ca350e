
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hiredis/hiredis.h>

#include "format/text.h"
#include "grid/bus.h"
#include "grid/commands.h"
#include "grid/options.h"
#include "program/memory.h"


#define BUS_LISTS    32                 /* commands of a group, at most */
#define BUS_WAIT     "1"                /* seconds, for a request */
#define BUS_ANSWER   5                  /* seconds, for Redis */
#define BUS_AGAIN    200                /* ms, then twice as many ... */
#define BUS_SELDOM   5000               /* ... until these */


typedef struct {
    const grid_t   *grid;
    grid_group_t    group;
    grid_desk_t     desk;
    redisContext   *redis;
    unsigned        wait;               /* ms until the next attempt */
    unsigned        told;               /* that Redis is away */
    size_t          first;              /* of the lists, in turn */

    char           *ret;                /* a reply that is to be given back */
    grid_out_t      reply;
    int64_t         until;
} bus_t;


/* Where Redis is. */
typedef struct {
    char       *text;                   /* of what follows */
    char       *path;                   /* a socket's, or ... */
    char       *host;
    int         port;
    char       *user;
    char       *password;
    char       *database;
} bus_place_t;


static void bus_run(const grid_t *grid, grid_group_t group);
static void bus_turn(bus_t *bus);
static int bus_connect(bus_t *bus);
static int bus_place(bus_place_t *place, const char *url);
static int bus_host(bus_place_t *place, char *host);
static int bus_greet(bus_t *bus, const bus_place_t *place);
static void bus_lose(bus_t *bus, const char *why);
static redisReply *bus_ask(bus_t *bus, int n, const char **words,
    const size_t *lengths);
static redisReply *bus_answer(bus_t *bus);
static redisReply *bus_pop(bus_t *bus);
static void bus_serve(bus_t *bus, const char *element, size_t len);
static void bus_give(bus_t *bus);


void
grid_bus_deploy(const grid_t *grid)
{
    bus_run(grid, GRID_GROUP_DEPLOY);
}


void
grid_bus_read(const grid_t *grid)
{
    bus_run(grid, GRID_GROUP_READ);
}


void
grid_bus_usage(const grid_t *grid)
{
    bus_run(grid, GRID_GROUP_USAGE);
}


void
grid_bus_about(const grid_t *grid)
{
    bus_run(grid, GRID_GROUP_ABOUT);
}


static void
bus_run(const grid_t *grid, grid_group_t group)
{
    bus_t  *bus;

    bus = wgw_alloc(sizeof(bus_t));
    bus->grid = grid;
    bus->group = group;

    grid_desk_open(&bus->desk, grid, "nobody could be answered");

    while (!grid_rest(grid, bus->redis ? 0 : bus->wait)) {
        bus_turn(bus);
    }

    if (bus->redis) {
        redisFree(bus->redis);
    }

    grid_desk_close(&bus->desk);
    grid_out_free(&bus->reply);
    free(bus->ret);
    free(bus);
}


static void
bus_turn(bus_t *bus)
{
    redisReply  *request;

    if (bus->redis == NULL && bus_connect(bus) != GRID_OK) {
        return;
    }

    /* one of before the connection was lost */

    bus_give(bus);

    if (bus->redis == NULL) {
        return;
    }

    request = bus_pop(bus);

    if (request && request->type == REDIS_REPLY_ARRAY
        && request->elements == 2
        && request->element[1]->type == REDIS_REPLY_STRING)
    {
        bus_serve(bus, request->element[1]->str,
                  (size_t) request->element[1]->len);
        bus_give(bus);

    } else if (request && request->type == REDIS_REPLY_ERROR) {
        bus_lose(bus, request->str);
    }

    if (request) {
        freeReplyObject(request);
    }
}


static int
bus_connect(bus_t *bus)
{
    int              rc;
    bus_place_t      place;
    struct timeval   limit = { BUS_ANSWER, 0 };

    if (bus_place(&place, bus->grid->options->redis) != GRID_OK) {
        bus_lose(bus, "--redis is no redis://HOST:PORT and no unix:/PATH");
        free(place.text);
        return GRID_FAILED;
    }

    bus->redis = place.path
                 ? redisConnectUnixWithTimeout(place.path, limit)
                 : redisConnectWithTimeout(place.host, place.port, limit);

    if (bus->redis == NULL || bus->redis->err) {
        bus_lose(bus, bus->redis ? bus->redis->errstr : "no memory");
        rc = GRID_FAILED;

    } else {
        (void) redisSetTimeout(bus->redis, limit);
        (void) redisEnableKeepAlive(bus->redis);
        rc = bus_greet(bus, &place);
    }

    free(place.text);

    if (rc == GRID_OK) {
        bus->wait = 0;

        if (bus->told && bus->group == GRID_GROUP_DEPLOY) {
            grid_self_missing(bus->grid, "redis", "", NULL);
        }

        bus->told = 0;
    }

    return rc;
}


static int
bus_place(bus_place_t *place, const char *url)
{
    char  *p, *at;

    memset(place, 0, sizeof(bus_place_t));
    place->text = wgw_copy(url);
    place->port = 6379;
    p = place->text;

    if (strncmp(p, "unix:/", 6) == 0) {
        place->path = p + 5;
        return GRID_OK;
    }

    if (strncmp(p, "redis://", 8) != 0) {
        return GRID_FAILED;
    }

    p += 8;
    at = strrchr(p, '@');

    if (at) {
        *at = '\0';
        place->user = p;
        place->password = strchr(p, ':');

        if (place->password == NULL) {
            return GRID_FAILED;
        }

        *place->password++ = '\0';
        p = at + 1;
    }

    return bus_host(place, p);
}


static int
bus_host(bus_place_t *place, char *host)
{
    char      *p;
    uint64_t   port;

    p = host + strcspn(host, "/");

    if (*p) {
        *p = '\0';
        place->database = p + 1;
    }

    if (*host == '[') {
        host++;
        p = strchr(host, ']');

        if (p == NULL) {
            return GRID_FAILED;
        }

        *p++ = '\0';

    } else {
        p = host + strcspn(host, ":");
    }

    if (*p == ':') {
        *p++ = '\0';

        if (wgw_text_uint((wgw_text_t) { p, strlen(p) }, 65535, &port) != 0) {
            return GRID_FAILED;
        }

        place->port = (int) port;

    } else if (*p) {
        return GRID_FAILED;
    }

    place->host = *host ? host : "localhost";

    return place->port > 0 ? GRID_OK : GRID_FAILED;
}


static int
bus_greet(bus_t *bus, const bus_place_t *place)
{
    size_t       i, n;
    redisReply  *reply;
    const char  *words[2][3] = { { "AUTH", NULL, NULL },
                                 { "SELECT", NULL, NULL } };

    for (i = 0; i < 2; i++) {
        n = 1;

        if (i == 0 && place->password) {
            if (place->user[0]) {
                words[0][n++] = place->user;
            }

            words[0][n++] = place->password;

        } else if (i == 1 && place->database && place->database[0]) {
            words[1][n++] = place->database;
        }

        if (n == 1) {
            continue;
        }

        reply = bus_ask(bus, (int) n, words[i], NULL);

        if (reply == NULL) {
            return GRID_FAILED;
        }

        if (reply->type == REDIS_REPLY_ERROR) {
            bus_lose(bus, reply->str);
        }

        freeReplyObject(reply);

        if (bus->redis == NULL) {
            return GRID_FAILED;
        }
    }

    return GRID_OK;
}


/* Told once, until it is there again. */

static void
bus_lose(bus_t *bus, const char *why)
{
    if (!bus->told && bus->group == GRID_GROUP_DEPLOY) {
        grid_self_missing(bus->grid, "redis", "does Redis run (systemctl "
                          "status redis-server), and rmb-peer with it? see "
                          "--redis", "Redis is away (%s): nobody can deploy",
                          why);
    }

    bus->told = 1;

    if (bus->redis) {
        redisFree(bus->redis);
        bus->redis = NULL;
    }

    bus->wait = bus->wait == 0 ? BUS_AGAIN
                : bus->wait < BUS_SELDOM / 2 ? bus->wait * 2 : BUS_SELDOM;
}


/* NULL: the connection is lost, which was told. */

static redisReply *
bus_ask(bus_t *bus, int n, const char **words, const size_t *lengths)
{
    if (redisAppendCommandArgv(bus->redis, n, words, lengths) != REDIS_OK) {
        bus_lose(bus, bus->redis->errstr);
        return NULL;
    }

    return bus_answer(bus);
}


/* Bounded, which redisGetReply() is not: whatever is in a list comes whole. */

static redisReply *
bus_answer(bus_t *bus)
{
    int    done;
    void  *reply;

    for (done = 0; !done; /* void */ ) {
        if (redisBufferWrite(bus->redis, &done) != REDIS_OK) {
            bus_lose(bus, bus->redis->errstr);
            return NULL;
        }
    }

    for (reply = NULL; reply == NULL; /* void */ ) {

        if (redisBufferRead(bus->redis) != REDIS_OK
            || redisGetReplyFromReader(bus->redis, &reply) != REDIS_OK)
        {
            bus_lose(bus, bus->redis->errstr);
            return NULL;
        }

        if (reply == NULL
            && bus->redis->reader->len > GRID_RMB_ELEMENT + 4096)
        {
            bus_lose(bus, "an element of a list is larger than 16 MB, and "
                     "was dropped");
            return NULL;
        }
    }

    return reply;
}


/* The first list that has something, another one being the first each time. */

static redisReply *
bus_pop(bus_t *bus)
{
    char         lists[BUS_LISTS][80];
    size_t       i, n;
    const char  *words[BUS_LISTS + 2];

    for (n = 0; n < BUS_LISTS && grid_command_name(bus->group, n); n++) {
        grid_put(lists[n], sizeof(lists[n]), "msgbus.%s",
                 grid_command_name(bus->group, n));
    }

    words[0] = "BRPOP";

    for (i = 0; i < n; i++) {
        words[i + 1] = lists[(bus->first + i) % n];
    }

    words[n + 1] = BUS_WAIT;
    bus->first++;

    return bus_ask(bus, (int) n + 2, words, NULL);
}


static void
bus_serve(bus_t *bus, const char *element, size_t len)
{
    char             error[GRID_ERROR];
    time_t           now;
    grid_out_t       json = { NULL, 0, 0 };
    grid_message_t   message;

    now = time(NULL);
    error[0] = '\0';

    if (grid_rmb_read(&message, (wgw_text_t) { element, len }) == GRID_OK
        && !grid_rmb_expired(&message, (uint64_t) now))
    {
        if (grid_command_run(&bus->desk, bus->group, &message, &json, error)
            == GRID_OK)
        {
            grid_rmb_reply(&bus->reply, &message, (uint64_t) time(NULL),
                           json.data ? json.data : "null", NULL);
        } else {
            grid_rmb_reply(&bus->reply, &message, (uint64_t) time(NULL), NULL,
                           error);
        }

        bus->ret = wgw_copy(message.ret);
        bus->until = now + (int64_t) (message.exp < 3600 ? message.exp : 3600);
    }

    grid_out_free(&json);
    grid_rmb_free(&message);
}


static void
bus_give(bus_t *bus)
{
    size_t       lengths[3];
    redisReply  *reply;
    const char  *words[3];

    if (bus->ret == NULL) {
        return;
    }

    words[0] = "LPUSH";
    words[1] = bus->ret;
    words[2] = bus->reply.data;

    lengths[0] = 5;
    lengths[1] = strlen(bus->ret);
    lengths[2] = bus->reply.len;

    reply = bus_ask(bus, 3, words, lengths);

    if (reply) {
        if (reply->type == REDIS_REPLY_ERROR) {
            grid_log(GRID_WARN, "Redis takes no reply: %s", reply->str);
        }

        freeReplyObject(reply);

    } else if (time(NULL) < bus->until) {
        return;
    }

    grid_out_free(&bus->reply);
    free(bus->ret);
    bus->ret = NULL;
}
