
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/ssl.h>

#include "ledger/redis.h"
#include "program/memory.h"


#define REDIS_PORT      "6379"
#define REDIS_SENTINEL  "26379"
#define REDIS_MOVES     6


static int redis_url(redis_t *redis, const char *url);
static int redis_password(redis_t *redis, const char *path);
static int redis_tls(redis_t *redis);
static redis_link_t *redis_any(redis_t *redis);
static redis_link_t *redis_master(redis_t *redis, const char *address);
static int redis_named(redis_t *redis, const char *sentinel,
    char address[REDIS_ADDRESS]);
static redis_link_t *redis_at(redis_t *redis, const char *address);
static void redis_drop(redis_t *redis, redis_link_t *link);
static const char *redis_moved(const redisReply *reply, int *ask);
static redisReply *redis_away(redis_t *redis, const char *why);


int
redis_init(redis_t *redis, const ledger_t *ledger)
{
    int  rc;

    memset(redis, 0, sizeof(redis_t));
    redis->ledger = ledger;
    redis->login.user = ledger->user;

    rc = redis_url(redis, ledger->redis);

    if (rc == LEDGER_OK && ledger->password_file) {
        rc = redis_password(redis, ledger->password_file);
    }

    return rc == LEDGER_OK && redis->tls ? redis_tls(redis) : rc;
}


static int
redis_url(redis_t *redis, const char *url)
{
    if (strncmp(url, "redis://", 8) == 0) {
        redis->hosts = wgw_copy(url + 8);

    } else if (strncmp(url, "rediss://", 9) == 0) {
        redis->hosts = wgw_copy(url + 9);
        redis->tls = 1;

    } else {
        return ledger_fail(LEDGER_USAGE, "\"%s\" is not redis://HOST:PORT",
                           url);
    }

    if (redis->hosts[0] == '\0' || strpbrk(redis->hosts, "/@ ")) {
        return ledger_fail(LEDGER_USAGE, "\"%s\" is not redis://HOST:PORT: "
                           "user and password are --user and "
                           "--password-file", url);
    }

    return LEDGER_OK;
}


static int
redis_password(redis_t *redis, const char *path)
{
    FILE   *file;
    char    text[1024];
    size_t  n;

    file = fopen(path, "r");

    if (file == NULL) {
        return ledger_fail(LEDGER_USAGE, "\"%s\" cannot be read", path);
    }

    n = fread(text, 1, sizeof(text) - 1, file);
    (void) fclose(file);

    while (n && (text[n - 1] == '\n' || text[n - 1] == '\r')) {
        n--;
    }

    text[n] = '\0';
    redis->login.password = wgw_copy(text);
    OPENSSL_cleanse(text, sizeof(text));

    return n ? LEDGER_OK : ledger_fail(LEDGER_USAGE, "\"%s\" is empty", path);
}


static int
redis_tls(redis_t *redis)
{
    SSL_CTX  *ctx;

    ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL
        || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1
        || (redis->ledger->tls_ca
            ? SSL_CTX_load_verify_locations(ctx, redis->ledger->tls_ca, NULL)
            : SSL_CTX_set_default_verify_paths(ctx)) != 1)
    {
        SSL_CTX_free(ctx);

        return ledger_fail(LEDGER_USAGE, "\"%s\" has no certificates",
                           redis->ledger->tls_ca ? redis->ledger->tls_ca
                                                 : "the system");
    }

    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    redis->login.ssl = ctx;

    return LEDGER_OK;
}


void
redis_free(redis_t *redis)
{
    size_t  i;

    for (i = 0; i < REDIS_LINKS; i++) {
        if (redis->links[i]) {
            redis_link_close(redis->links[i]);
        }
    }

    if (redis->login.password) {
        OPENSSL_cleanse(redis->login.password, strlen(redis->login.password));
        free(redis->login.password);
    }

    free(redis->hosts);
    SSL_CTX_free(redis->login.ssl);

    memset(redis, 0, sizeof(redis_t));
}


redisReply *
redis_command(redis_t *redis, char where[REDIS_ADDRESS], int n,
    const char *const *args)
{
    int            moves, ask;
    redisReply    *reply;
    const char    *to;
    redis_link_t  *link;

    link = where[0] ? redis_at(redis, where) : redis_any(redis);
    ask = 0;

    for (moves = 0; link && moves < REDIS_MOVES; moves++) {
        reply = redis_link_command(link, n, args, ask);

        if (reply == NULL) {
            redis_drop(redis, link);
            break;
        }

        if (reply->type != REDIS_REPLY_ERROR) {
            if (!ask) {
                (void) snprintf(where, REDIS_ADDRESS, "%s",
                                redis_link_address(link));
            }

            redis->told = 0;
            return reply;
        }

        to = redis_moved(reply, &ask);

        if (to == NULL) {
            where[0] = '\0';

            /* what was a master is none any more */

            if (strncmp(reply->str, "READONLY", 8) == 0) {
                redis_drop(redis, link);
            }

            (void) redis_away(redis, reply->str);
            freeReplyObject(reply);

            return NULL;
        }

        link = redis_at(redis, to);
        freeReplyObject(reply);
    }

    where[0] = '\0';

    return redis_away(redis, "no host answers as master");
}


static redisReply *
redis_away(redis_t *redis, const char *why)
{
    redis->failed = 1;

    if (!redis->told) {
        ledger_log("redis \"%s\": %s", redis->hosts, why);
        redis->told = 1;
    }

    return NULL;
}


/* The first of the hosts that is a master. */

static redis_link_t *
redis_any(redis_t *redis)
{
    char          *hosts, *host, *next, *colon;
    char           address[REDIS_ADDRESS];
    const char    *port;
    redis_link_t  *link;

    link = NULL;
    hosts = wgw_copy(redis->hosts);
    port = redis->ledger->master ? REDIS_SENTINEL : REDIS_PORT;

    for (host = strtok_r(hosts, ",", &next);
         host && link == NULL;
         host = strtok_r(NULL, ",", &next))
    {
        colon = strrchr(host, ':');

        if (colon == NULL || (host[0] == '[' && colon < strchr(host, ']'))) {
            (void) snprintf(address, sizeof(address), "%s:%s", host, port);

        } else {
            (void) snprintf(address, sizeof(address), "%s", host);
        }

        if (redis->ledger->master == NULL
            || redis_named(redis, address, address) == 0)
        {
            link = redis_master(redis, address);
        }
    }

    free(hosts);

    return link;
}


static redis_link_t *
redis_master(redis_t *redis, const char *address)
{
    redis_link_t  *link;

    link = redis_at(redis, address);

    if (link && !redis_link_master(link)) {
        redis_drop(redis, link);
        link = NULL;
    }

    return link;
}


/* 0 and the address that a Sentinel names; it has no password of ours. */

static int
redis_named(redis_t *redis, const char *sentinel, char address[REDIS_ADDRESS])
{
    int             n;
    redisReply     *reply;
    const char     *args[3];
    redis_link_t   *link;
    redis_login_t   login = { NULL, NULL, redis->login.ssl };

    link = redis_link_open(&login, sentinel);

    if (link == NULL) {
        return -1;
    }

    args[0] = "SENTINEL";
    args[1] = "GET-MASTER-ADDR-BY-NAME";
    args[2] = redis->ledger->master;

    reply = redis_link_command(link, 3, args, 0);
    n = -1;

    if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2
        && reply->element[0]->type == REDIS_REPLY_STRING
        && reply->element[1]->type == REDIS_REPLY_STRING)
    {
        n = snprintf(address, REDIS_ADDRESS, "%s:%s", reply->element[0]->str,
                     reply->element[1]->str);
    }

    freeReplyObject(reply);
    redis_link_close(link);

    return n > 0 && n < REDIS_ADDRESS ? 0 : -1;
}


static redis_link_t *
redis_at(redis_t *redis, const char *address)
{
    size_t  i, unused;

    unused = REDIS_LINKS;

    for (i = 0; i < REDIS_LINKS; i++) {
        if (redis->links[i] == NULL) {
            unused = unused == REDIS_LINKS ? i : unused;

        } else if (strcmp(redis_link_address(redis->links[i]), address) == 0) {
            return redis->links[i];
        }
    }

    if (unused == REDIS_LINKS) {
        unused = 0;
        redis_drop(redis, redis->links[0]);
    }

    redis->links[unused] = redis_link_open(&redis->login, address);

    return redis->links[unused];
}


static void
redis_drop(redis_t *redis, redis_link_t *link)
{
    size_t  i;

    for (i = 0; i < REDIS_LINKS; i++) {
        if (redis->links[i] == link) {
            redis->links[i] = NULL;
            redis_link_close(link);
            return;
        }
    }
}


/* "MOVED 3999 127.0.0.1:6381" */

static const char *
redis_moved(const redisReply *reply, int *ask)
{
    const char  *address;

    *ask = strncmp(reply->str, "ASK ", 4) == 0;

    if (!*ask && strncmp(reply->str, "MOVED ", 6) != 0) {
        return NULL;
    }

    address = strrchr(reply->str, ' ') + 1;

    return strlen(address) < REDIS_ADDRESS && strchr(address, ':')
           && address[0] != ':' ? address : NULL;
}
