
/*
 * rpc: whether a JSON-RPC request may pass, by the methods it calls.
 *
 * The body is parsed, never searched: "\u0065th_call" is eth_call, and a
 * method named in a string is none.  What two readers could take for two
 * requests is refused: a member twice, and one that is "method" but for the
 * case of its letters, which Go's decoder takes for it; names with anything
 * but printable ASCII.  One call that may not pass refuses its whole batch.
 *
 * JSON-RPC 2.0, https://www.jsonrpc.org/specification.  The member `jsonrpc`
 * is left to the server behind.
 */

#ifndef WGW_RPC_H
#define WGW_RPC_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_RPC_DEPTH   64      /* of nested arrays and objects */
#define WGW_RPC_ID      128     /* bytes of an id that is sent back */
#define WGW_RPC_METHOD  64      /* of a method that is told of, too */


/* What wgw_rpc_check() may write for a batch of n calls. */
#define WGW_RPC_REPLY(n)  (1536 * ((n) + 1))


typedef enum {
    WGW_RPC_ALLOWED = 0,
    WGW_RPC_REFUSED,            /* -32601: a method is not allowed */
    WGW_RPC_INVALID,            /* -32600: not a request */
    WGW_RPC_UNPARSABLE          /* -32700: not JSON */
} wgw_rpc_verdict_t;


/*
 * Methods by name; with a final "*" all that start so.  What is denied is
 * refused, in any case of its letters; where there is an allow list, so is
 * what is not exactly on it.
 */
typedef struct {
    const wgw_text_t  *allow;
    size_t             nallow;      /* 0: all that are not denied */
    const wgw_text_t  *deny;
    size_t             ndeny;
    size_t             batch;       /* calls at most in one body; from 1 */

    /* unless NULL, what each call calls; the body may still prove bad */
    void             (*called)(void *data, wgw_text_t method);
    void              *data;
} wgw_rpc_rules_t;


/*
 * Decides over a whole body.  What is not allowed is answered in `reply`
 * with an error, in a batch with one for each call that has an id (others are
 * notifications, and wait for no answer), if there is any: 200 is the status
 * to send it with.  An id is sent back as it came if it is a string, number or
 * null of at most WGW_RPC_ID bytes, else as null.  A reply too long for the
 * room is replaced by a single error; there must be room for that,
 * WGW_RPC_REPLY(1).
 */
wgw_rpc_verdict_t wgw_rpc_check(wgw_text_t body, const wgw_rpc_rules_t *rules,
    wgw_out_t *reply);

/* What a body that was not read whole is answered with, to be sent with 413. */
void wgw_rpc_too_long(wgw_out_t *reply);

/* 1 when the method may be called. */
int wgw_rpc_method(wgw_text_t method, const wgw_rpc_rules_t *rules);

/* A word for metrics: "allowed", "refused", "invalid", "unparsable". */
const char *wgw_rpc_reason(wgw_rpc_verdict_t verdict);


#pragma GCC visibility pop

#endif /* WGW_RPC_H */
