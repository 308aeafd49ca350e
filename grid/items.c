
#include <stdlib.h>
#include <string.h>

#include "grid/grid.h"
#include "grid/items.h"
#include "grid/shown.h"
#include "program/memory.h"


#define ITEMS_KEPT   (90 * 86400)     /* seconds, of what ended */
#define ITEMS_WAIT   3600             /* for a contract */
#define ITEMS_TAKEN  600              /* by a thread, at most */

#define ITEMS_ITEM                                                            \
    "select w.id, w.turn, w.twin, w.contract, d.version, w.name, w.spec, "    \
    "d.metadata, d.hash, w.state, w.message, w.host, w.hold, w.cap, w.gone, " \
    "w.served, w.tries, d.proven "                                            \
    "from workloads w join deployments d using (twin, contract) "


static void items_item(sqlite3_stmt *query, grid_item_t *item);
static char *items_copy(sqlite3_stmt *query, int column);


int
grid_items_next(grid_state_t *state, int64_t now, grid_item_t *item)
{
    int            rc;
    sqlite3_stmt  *query;

    memset(item, 0, sizeof(grid_item_t));

    /* most of the time there is nothing, for which no lock is needed */

    state->failed = 0;

    if (!grid_state_number(state, 0, "select 1 from workloads where "
                           "due is not null and due <= ?1 and taken <= ?1 "
                           "limit 1", "i", now))
    {
        return state->failed ? GRID_FAILED : GRID_NONE;
    }

    grid_state_begin(state);

    query = grid_state_query(state, ITEMS_ITEM "where w.due is not null "
                             "and w.due <= ?1 and w.taken <= ?1 "
                             "order by w.due, w.id limit 1", "i", now);
    rc = GRID_NONE;

    if (grid_state_row(state, query)) {
        items_item(query, item);
        rc = GRID_OK;
    }

    grid_state_done(query);

    (void) grid_state_run(state, "update workloads set taken = ? where id = ?",
                          "ii", now + ITEMS_TAKEN, item->id);

    if (grid_state_commit(state) == GRID_OK) {
        return rc;
    }

    grid_item_free(item);

    return GRID_FAILED;
}


static void
items_item(sqlite3_stmt *query, grid_item_t *item)
{
    item->id = sqlite3_column_int64(query, 0);
    item->turn = sqlite3_column_int64(query, 1);
    item->twin = (uint32_t) sqlite3_column_int64(query, 2);
    item->contract = (uint64_t) sqlite3_column_int64(query, 3);
    item->version = (uint32_t) sqlite3_column_int64(query, 4);
    item->name = items_copy(query, 5);
    item->spec = items_copy(query, 6);
    item->metadata = items_copy(query, 7);
    item->hash = items_copy(query, 8);
    item->state = items_copy(query, 9);
    item->message = items_copy(query, 10);
    item->host = items_copy(query, 11);
    item->hold = items_copy(query, 12);
    item->cap = sqlite3_column_int64(query, 13);
    item->gone = sqlite3_column_int(query, 14) != 0;
    item->served = sqlite3_column_int(query, 15) != 0;
    item->tries = (unsigned) sqlite3_column_int(query, 16);
    item->proven = sqlite3_column_int(query, 17) != 0;

    grid_put(item->label, sizeof(item->label), "%u-%llu-%s", item->twin,
             (unsigned long long) item->contract, item->name);
}


void
grid_item_free(grid_item_t *item)
{
    free(item->name);
    free(item->spec);
    free(item->metadata);
    free(item->hash);
    free(item->state);
    free(item->message);
    free(item->host);
    free(item->hold);
    memset(item, 0, sizeof(grid_item_t));
}


int
grid_items_claim(grid_state_t *state, const grid_item_t *item,
    const char *host, int64_t now)
{
    int  mine;

    grid_state_begin(state);

    (void) grid_state_run(state, "update or ignore workloads set host = ? "
                          "where id = ?", "ti", host, item->id);

    mine = grid_state_number(state, 0, "select 1 from workloads where id = ? "
                             "and host = ?", "it", item->id, host) != 0;

    if (!mine) {
        (void) grid_state_run(state, "update workloads set due = min(due, ?) "
                              "where host = ?", "it", now, host);
    }

    if (grid_state_commit(state) != GRID_OK) {
        return GRID_FAILED;
    }

    return mine ? GRID_OK : GRID_NONE;
}


int
grid_items_prove(grid_state_t *state, const grid_item_t *item)
{
    grid_state_begin(state);

    (void) grid_state_run(state, "update deployments set proven = 1 where "
                          "twin = ? and contract = ? and proven = 0", "ii",
                          (int64_t) item->twin, (int64_t) item->contract);

    return grid_state_commit(state);
}


int
grid_items_settle(grid_state_t *state, const grid_item_t *item,
    const grid_finding_t *finding, int64_t now)
{
    grid_state_begin(state);

    if (finding->release) {
        (void) grid_state_run(state, "update workloads set host = null "
                              "where id = ?", "i", item->id);
    }

    (void) grid_state_run(state, "update workloads set taken = 0 where id = ?",
                          "i", item->id);

    (void) grid_state_run(state, "update workloads set at = case when "
                          "state = ?1 then at else ?2 end, "
                          "data = case when state = ?1 then coalesce(?4, data) "
                          "else ?4 end, served = case when ?1 in ('ok', "
                          "'paused') then 1 when ?1 = 'init' then served "
                          "else 0 end, state = ?1, message = ?3, "
                          "due = nullif(?5, 0), tries = ?6 "
                          "where id = ?7 and turn = ?8", "tittiiii",
                          finding->state, now, finding->message,
                          finding->data, finding->due,
                          (int64_t) finding->tries, item->id, item->turn);

    if (grid_state_changed(state) && strcmp(finding->state, item->state) != 0)
    {
        grid_shown_changed(state, item->id);
    }

    return grid_state_commit(state);
}


int
grid_items_wake(grid_state_t *state, int64_t now, int64_t seconds)
{
    grid_state_begin(state);

    (void) grid_state_run(state, "update workloads set taken = 0 where "
                          "taken != 0", "");
    (void) grid_state_run(state, "update workloads set due = ? where due is "
                          "not null and due > ? and state in ('init', "
                          "'error')", "ii", now, now);
    (void) grid_state_run(state, "update workloads set due = ? + id % ? where "
                          "due is not null and due > ?", "iii", now, seconds,
                          now + seconds);

    return grid_state_commit(state);
}


int
grid_items_rewind(grid_state_t *state, int64_t now, int64_t seconds)
{
    grid_state_begin(state);

    (void) grid_state_run(state, "update workloads set due = ? where due > ?",
                          "ii", now, now + seconds);
    (void) grid_state_run(state, "update workloads set taken = ? where "
                          "taken > ?", "ii", now + ITEMS_TAKEN,
                          now + ITEMS_TAKEN);

    return grid_state_commit(state);
}


int
grid_items_forget(grid_state_t *state, int64_t now)
{
    static const char  *const old =
        "create temp table if not exists old (twin integer, contract integer)";
    static const char  *const some =
        "insert into old select twin, contract from deployments d where "
        "not exists (select 1 from workloads w where w.twin = d.twin and "
        "w.contract = d.contract and (host is not null or (state != 'deleted' "
        "and (state != 'error' or proven = 1 or made > ?)) or at > ?))";

    grid_state_begin(state);

    (void) grid_state_run(state, old, "");
    (void) grid_state_run(state, "delete from old", "");
    (void) grid_state_run(state, some, "ii", now - ITEMS_WAIT,
                          now - ITEMS_WAIT);

    /* what had a contract is read for much longer */

    (void) grid_state_run(state, "delete from old where exists (select 1 from "
                          "workloads w join deployments d using (twin, "
                          "contract) where w.twin = old.twin and w.contract = "
                          "old.contract and d.proven = 1 and w.at > ?)", "i",
                          now - ITEMS_KEPT);

    (void) grid_state_run(state, "delete from changes where (twin, contract) "
                          "in old", "");
    (void) grid_state_run(state, "delete from workloads where (twin, contract) "
                          "in old", "");
    (void) grid_state_run(state, "delete from deployments where (twin, "
                          "contract) in old", "");

    return grid_state_commit(state);
}


static char *
items_copy(sqlite3_stmt *query, int column)
{
    return sqlite3_column_type(query, column) == SQLITE_NULL
           ? NULL : wgw_copy(grid_state_text(query, column));
}
