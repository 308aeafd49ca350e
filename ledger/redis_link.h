
/*
 * redis_link: one connection to one server.  It waits, for a few seconds at
 * most.
 */

#ifndef WGW_LEDGER_REDIS_LINK_H
#define WGW_LEDGER_REDIS_LINK_H


#include <hiredis/hiredis.h>

#include "ledger/ledger.h"


#define REDIS_ADDRESS  300
#define REDIS_ARGS     16


typedef struct redis_link_s  redis_link_t;


/* Who we are to a server. */
typedef struct {
    const char  *user;                  /* or NULL */
    char        *password;              /* NULL: none */
    void        *ssl;                   /* an SSL_CTX, or NULL */
} redis_login_t;


/* HOST:PORT; NULL: it does not answer. */
redis_link_t *redis_link_open(const redis_login_t *login,
    const char *address);
void redis_link_close(redis_link_t *link);

const char *redis_link_address(const redis_link_t *link);

/* 1 when it is no replica. */
int redis_link_master(redis_link_t *link);

/* NULL: the connection is of no use any more. */
redisReply *redis_link_command(redis_link_t *link, int n,
    const char *const *args, int ask);


#endif /* WGW_LEDGER_REDIS_LINK_H */
