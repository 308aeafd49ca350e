
/*
 * gateway: requests to the gateway's administration (docs/api.md), over a
 * unix socket or a URL below which is /v1.  A handle is of one thread.
 */

#ifndef WGW_GRID_GATEWAY_H
#define WGW_GRID_GATEWAY_H


#include <yajl/yajl_tree.h>

#include "grid/grid.h"


#define GRID_GATEWAY_REPLY  ((size_t) 64 << 20)     /* bytes */
#define GRID_GATEWAY_PATH   2048


typedef struct grid_gateway_s  grid_gateway_t;


grid_gateway_t *grid_gateway_open(const grid_options_t *options);
void grid_gateway_close(grid_gateway_t *gateway);

/*
 * A request, whose path begins with /v1; `body`, JSON, may be NULL.  GRID_OK
 * with whatever status, or GRID_AWAY.  `*reply`, unless NULL, is the JSON of
 * the reply, or NULL, and the caller's (yajl_tree_free).
 */
int grid_gateway_call(grid_gateway_t *gateway, const char *method,
    const char *path, const char *body, long *status, yajl_val *reply);

/* What the last reply refused, or why there was none; one line. */
const char *grid_gateway_why(const grid_gateway_t *gateway);

/* Appends a part of a path, or a value of a query, with its escapes. */
void grid_gateway_escape(char path[GRID_GATEWAY_PATH], const char *text);

/* The path of a name. */
void grid_gateway_name(char path[GRID_GATEWAY_PATH], const char *name);


#endif /* WGW_GRID_GATEWAY_H */
