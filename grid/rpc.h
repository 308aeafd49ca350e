
/*
 * rpc: JSON-RPC over HTTP to one of several nodes of a chain.
 *
 * The node that answered last is asked first; one that does not answer, or
 * refuses, or says what is no such result, is passed over for the next one.  A
 * handle is of one thread.
 */

#ifndef WGW_GRID_RPC_H
#define WGW_GRID_RPC_H


#include <yajl/yajl_tree.h>

#include "grid/options.h"


#define GRID_RPC_REPLY  ((size_t) 32 << 20)     /* bytes */


typedef struct grid_rpc_s  grid_rpc_t;


/* `urls` is --chain, or those of --network. */
grid_rpc_t *grid_rpc_open(const grid_options_t *options);
void grid_rpc_close(grid_rpc_t *rpc);

/*
 * `params` is a JSON array.  GRID_OK and the result, the caller's, of which
 * `*result` is in `*reply` (yajl_tree_free(*reply)); GRID_FAILED, the node
 * refused (grid_rpc_code, grid_rpc_why), and no other one did better;
 * GRID_AWAY, none answered.  The result is an object or an array.
 */
int grid_rpc_call(grid_rpc_t *rpc, const char *method, const char *params,
    yajl_val *reply, yajl_val *result);

/* The same of a result that is text, and is copied; NONE for null. */
int grid_rpc_text(grid_rpc_t *rpc, const char *method, const char *params,
    char **text);

/* ... which is 0x and hexadecimal digits: bytes. */
int grid_rpc_bytes(grid_rpc_t *rpc, const char *method, const char *params,
    uint8_t **data, size_t *len);

/* What it said means nothing: another one is asked from now on. */
void grid_rpc_distrust(grid_rpc_t *rpc);

int64_t grid_rpc_code(const grid_rpc_t *rpc);
const char *grid_rpc_why(const grid_rpc_t *rpc);


#endif /* WGW_GRID_RPC_H */
