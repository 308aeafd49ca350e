
/*
 * bus: the connections to Redis, over which rmb-peer hands requests on and
 * takes replies; one for each group of commands, with a thread of its own.
 *
 * A Redis that is away is connected to again, a bit later each time; meanwhile
 * all goes on as it is.  A request is out of Redis when it is had: of a kill
 * right then its sender hears nothing, and asks again.  A reply that could not
 * be given back is given back once Redis is there again, while it is waited
 * for.
 *
 *     redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]    unix:/PATH
 */

#ifndef WGW_GRID_BUS_H
#define WGW_GRID_BUS_H


#include "grid/grid.h"


/* Each returns when the daemon is to end. */
void grid_bus_deploy(const grid_t *grid);
void grid_bus_read(const grid_t *grid);
void grid_bus_usage(const grid_t *grid);
void grid_bus_about(const grid_t *grid);


#endif /* WGW_GRID_BUS_H */
