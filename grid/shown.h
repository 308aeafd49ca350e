
/*
 * shown: a workload as its user sees it, as it is sent back and as each of its
 * changes is kept.
 */

#ifndef WGW_GRID_SHOWN_H
#define WGW_GRID_SHOWN_H


#include "grid/out.h"
#include "grid/state.h"


/* the columns of it */
#define GRID_SHOWN  "id, spec, at, state, message, data"


/* JSON of a row: the workload's members, and its result. */
void grid_shown_workload(sqlite3_stmt *query, grid_out_t *out);

/* What a workload is now becomes the last of its changes. */
void grid_shown_changed(grid_state_t *state, int64_t id);


#endif /* WGW_GRID_SHOWN_H */
