
#include "grid/shown.h"


void
grid_shown_workload(sqlite3_stmt *query, grid_out_t *out)
{
    const char  *data;

    grid_out_text(out, grid_state_text(query, 1));
    grid_out_trim(out, '}');

    grid_out_format(out, ",\"result\":{\"created\":%lld,\"state\":\"%s\","
                    "\"message\":", (long long) sqlite3_column_int64(query, 2),
                    grid_state_text(query, 3));
    grid_out_json(out, grid_state_text(query, 4));

    data = grid_state_text(query, 5);

    grid_out_text(out, ",\"data\":");
    grid_out_text(out, data[0] ? data : "null");
    grid_out_text(out, "}}");
}


void
grid_shown_changed(grid_state_t *state, int64_t id)
{
    grid_out_t     out = { NULL, 0, 0 };
    sqlite3_stmt  *query;

    query = grid_state_query(state, "select " GRID_SHOWN " from workloads "
                             "where id = ?", "i", id);

    if (grid_state_row(state, query)) {
        grid_shown_workload(query, &out);
    }

    grid_state_done(query);

    (void) grid_state_run(state, "insert into changes (twin, contract, "
                          "workload) select twin, contract, ? from workloads "
                          "where id = ?", "ti", out.data ? out.data : "{}", id);

    grid_out_free(&out);
}
