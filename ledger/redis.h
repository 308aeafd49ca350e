
/*
 * redis: commands to a Redis or Valkey, with hiredis as codec only, so that
 * TLS works with every hiredis.
 *
 * The hosts are tried one after another until one is a master; with a name of
 * a master they are Sentinels, and the one that they name is asked.  Of a
 * cluster each command goes where MOVED and ASK send it; who answered for a key
 * last is asked first the next time.
 */

#ifndef WGW_LEDGER_REDIS_H
#define WGW_LEDGER_REDIS_H


#include "ledger/redis_link.h"


#define REDIS_LINKS    64


typedef struct {
    const ledger_t  *ledger;
    char            *hosts;             /* "a:6379,b:6379" */
    int              tls;
    redis_login_t    login;
    redis_link_t    *links[REDIS_LINKS];
    int              told;              /* that it is away */
    int              failed;            /* a command did, in this round */
} redis_t;


/* LEDGER_OK, or LEDGER_USAGE: the URL or a file is not right. */
int redis_init(redis_t *redis, const ledger_t *ledger);
void redis_free(redis_t *redis);

/*
 * `where` is who answered for the key last, empty at first.  The reply is
 * the caller's; NULL: nobody answered, or with an error, which was told.
 */
redisReply *redis_command(redis_t *redis, char where[REDIS_ADDRESS], int n,
    const char *const *args);


#endif /* WGW_LEDGER_REDIS_H */
