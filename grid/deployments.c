
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grid/deployments.h"
#include "grid/grid.h"
#include "grid/shown.h"


/* of a workload that is shown: `gone` ones are not */
#define DEPLOYMENTS_SHOWN                                                     \
    "select " GRID_SHOWN " from workloads "                                   \
    "where twin = ? and contract = ? and gone = 0 order by place, id"


static int deployments_refuse(grid_state_t *state, char error[GRID_ERROR],
    const char *format, ...) __attribute__((format(printf, 3, 4)));
static int deployments_end(grid_state_t *state, char error[GRID_ERROR]);
static int deployments_room(grid_state_t *state, uint32_t twin,
    char error[GRID_ERROR]);
static void deployments_insert(grid_state_t *state,
    const grid_deployment_t *d, size_t n, int64_t now);
static int deployments_merge(grid_state_t *state, const grid_deployment_t *d,
    int64_t now, char error[GRID_ERROR]);
static int deployments_change(grid_state_t *state, const grid_deployment_t *d,
    size_t n, int64_t id, int64_t now, char error[GRID_ERROR]);
static void deployments_remove(grid_state_t *state, int64_t id, int64_t now);
static void deployments_json(grid_state_t *state, sqlite3_stmt *head,
    grid_out_t *out);
static char *deployments_spec(const grid_workload_t *w);


static const char  *const deployments_steps[] = {
    "create table deployments (twin integer not null, "
    "contract integer not null, version integer not null, "
    "metadata text not null, description text not null, "
    "requirement text not null, hash text not null, made integer not null, "
    "proven integer not null default 0, primary key (twin, contract))",

    "create table workloads (id integer primary key autoincrement, "
    "twin integer not null, contract integer not null, name text not null, "
    "place integer not null, version integer not null, spec text not null, "
    "state text not null, message text not null default '', data text, "
    "at integer not null, host text, hold text, "
    "cap integer not null default -1, gone integer not null default 0, "
    "served integer not null default 0, tries integer not null default 0, "
    "turn integer not null default 0, due integer, "
    "taken integer not null default 0)",

    "create unique index workloads_name on workloads (twin, contract, name) "
    "where gone = 0",

    "create unique index workloads_host on workloads (host) "
    "where host is not null",

    "create index workloads_due on workloads (due) where due is not null",

    "create table changes (id integer primary key autoincrement, "
    "twin integer not null, contract integer not null, "
    "workload text not null)",

    "create index changes_contract on changes (twin, contract)",

    NULL
};

const grid_schema_t  grid_deployments_schema = {
    "deployments", deployments_steps
};


int
grid_deployments_add(grid_state_t *state, const grid_deployment_t *d,
    const char *hash, int64_t now, char error[GRID_ERROR])
{
    size_t      i;
    grid_out_t  requirement = { NULL, 0, 0 };

    grid_state_begin(state);

    if (grid_state_number(state, 0, "select 1 from deployments where twin = ? "
                          "and contract = ?", "ii", (int64_t) d->twin,
                          (int64_t) d->contract))
    {
        return deployments_refuse(state, error, "a deployment of contract %llu "
                                  "exists: send zos.deployment.update, or "
                                  "cancel the contract and make another one",
                                  (unsigned long long) d->contract);
    }

    if (deployments_room(state, d->twin, error) != GRID_OK) {
        return GRID_FAILED;
    }

    grid_requirement_json(d, &requirement);

    (void) grid_state_run(state, "insert into deployments (twin, contract, "
                          "version, metadata, description, requirement, hash, "
                          "made) values (?, ?, ?, ?, ?, ?, ?, ?)", "iiitttti",
                          (int64_t) d->twin, (int64_t) d->contract,
                          (int64_t) d->version, d->metadata, d->description,
                          requirement.data, hash, now);

    grid_out_free(&requirement);

    for (i = 0; i < d->nworkloads; i++) {
        deployments_insert(state, d, i, now);
    }

    return deployments_end(state, error);
}


/* A deployment costs its sender nothing until its contract is looked at. */

static int
deployments_room(grid_state_t *state, uint32_t twin, char error[GRID_ERROR])
{
    if (grid_state_number(state, 0, "select count(*) from deployments where "
                          "twin = ? and proven = 0", "i", (int64_t) twin)
        >= GRID_UNPROVEN)
    {
        return deployments_refuse(state, error, "%d deployments of twin %u "
                                  "have no contract on the chain yet: make "
                                  "these first", GRID_UNPROVEN, twin);
    }

    if (grid_state_number(state, 0, "select count(*) from deployments where "
                          "proven = 0", "") >= GRID_UNPROVEN_ALL)
    {
        return deployments_refuse(state, error, "too many deployments wait "
                                  "for their contract: try again later");
    }

    return GRID_OK;
}


static void
deployments_insert(grid_state_t *state, const grid_deployment_t *d, size_t n,
    int64_t now)
{
    char                   *spec;
    const grid_workload_t  *w;

    w = &d->workloads[n];
    spec = deployments_spec(w);

    (void) grid_state_run(state, "insert into workloads (twin, contract, name, "
                          "place, version, spec, state, at, due) "
                          "values (?, ?, ?, ?, ?, ?, 'init', ?, ?)",
                          "iitiitii", (int64_t) d->twin, (int64_t) d->contract,
                          w->name, (int64_t) n, (int64_t) w->version, spec,
                          now, now);

    free(spec);

    grid_shown_changed(state, sqlite3_last_insert_rowid(state->db));
}


int
grid_deployments_update(grid_state_t *state, const grid_deployment_t *d,
    const char *hash, int64_t now, char error[GRID_ERROR])
{
    int64_t     version;
    grid_out_t  requirement = { NULL, 0, 0 };

    grid_state_begin(state);

    version = grid_state_number(state, -1, "select version from deployments "
                                "where twin = ? and contract = ?", "ii",
                                (int64_t) d->twin, (int64_t) d->contract);

    if (version < 0) {
        return deployments_refuse(state, error, "deployment not found: there "
                                  "is none of contract %llu, send "
                                  "zos.deployment.deploy",
                                  (unsigned long long) d->contract);
    }

    if ((int64_t) d->version != version + 1) {
        return deployments_refuse(state, error, "version is %u, and must be "
                                  "%lld, one more than what is deployed",
                                  d->version, (long long) version + 1);
    }

    if (deployments_merge(state, d, now, error) != GRID_OK) {
        return GRID_FAILED;
    }

    grid_requirement_json(d, &requirement);

    (void) grid_state_run(state, "update deployments set version = ?, "
                          "metadata = ?, description = ?, requirement = ?, "
                          "hash = ? where twin = ? and contract = ?",
                          "ittttii", (int64_t) d->version, d->metadata,
                          d->description, requirement.data, hash,
                          (int64_t) d->twin, (int64_t) d->contract);

    grid_out_free(&requirement);

    return deployments_end(state, error);
}


/* What is there and what is sent, by their names. */

static int
deployments_merge(grid_state_t *state, const grid_deployment_t *d,
    int64_t now, char error[GRID_ERROR])
{
    size_t         i, n;
    int64_t        id, ids[GRID_WORKLOADS];
    sqlite3_stmt  *query;

    query = grid_state_query(state, DEPLOYMENTS_SHOWN, "ii",
                             (int64_t) d->twin, (int64_t) d->contract);

    for (n = 0; n < GRID_WORKLOADS && grid_state_row(state, query); n++) {
        ids[n] = sqlite3_column_int64(query, 0);
    }

    grid_state_done(query);

    for (i = 0; i < d->nworkloads; i++) {
        id = grid_state_number(state, 0, "select id from workloads where "
                               "twin = ? and contract = ? and name = ? and "
                               "gone = 0", "iit", (int64_t) d->twin,
                               (int64_t) d->contract, d->workloads[i].name);

        if (id) {
            for (size_t k = 0; k < n; k++) {
                ids[k] = ids[k] == id ? 0 : ids[k];
            }

            if (deployments_change(state, d, i, id, now, error) != GRID_OK) {
                return GRID_FAILED;
            }

            continue;
        }

        if (d->workloads[i].version != d->version) {
            return deployments_refuse(state, error, "workload \"%s\" is new: "
                                      "its version must be %u, its "
                                      "deployment's", d->workloads[i].name,
                                      d->version);
        }

        deployments_insert(state, d, i, now);
    }

    for (i = 0; i < n; i++) {
        if (ids[i]) {
            deployments_remove(state, ids[i], now);
        }
    }

    return GRID_OK;
}


/*
 * One that is there.  Of the new version it is changed in place, its type and
 * name excepted, which zos does not do; otherwise it must be as it was.
 */

static int
deployments_change(grid_state_t *state, const grid_deployment_t *d, size_t n,
    int64_t id, int64_t now, char error[GRID_ERROR])
{
    int                     same;
    char                   *spec;
    grid_workload_t         old;
    sqlite3_stmt           *query;
    yajl_val                root;
    const char             *text;
    const grid_workload_t  *w;

    w = &d->workloads[n];
    spec = deployments_spec(w);
    root = NULL;

    query = grid_state_query(state, "select spec from workloads where id = ?",
                             "i", id);
    text = grid_state_row(state, query) ? grid_state_text(query, 0) : "";

    same = strcmp(text, spec) == 0;

    if (!same && (grid_workload_read(&old, &root,
                                     (wgw_text_t) { text, strlen(text) },
                                     error) != GRID_OK
                  || strcmp(old.type, w->type) != 0
                  || strcmp(old.target, w->target) != 0))
    {
        same = -1;
    }

    yajl_tree_free(root);
    grid_state_done(query);

    if (same == 1 || (same == 0 && w->version == d->version)) {
        (void) grid_state_run(state, "update workloads set place = ?, due = "
                              "case state when 'error' then ? else due end "
                              "where id = ?", "iii", (int64_t) n, now, id);

        if (same == 0) {
            (void) grid_state_run(state, "update workloads set version = ?, "
                                  "spec = ?, state = 'init', message = '', "
                                  "data = null, at = ?, cap = -1, served = 0, "
                                  "tries = 0, turn = turn + 1, due = ? "
                                  "where id = ?", "itiii",
                                  (int64_t) w->version, spec, now, now, id);
            grid_shown_changed(state, id);
        }

        free(spec);
        return GRID_OK;
    }

    free(spec);

    return same < 0 ? deployments_refuse(state, error, "workload \"%s\" has "
                                         "another type or name than what is "
                                         "deployed: give the new one another "
                                         "workload name", w->name)
                    : deployments_refuse(state, error, "workload \"%s\" was "
                                         "changed: its version must be %u, its "
                                         "deployment's", w->name, d->version);
}


static void
deployments_remove(grid_state_t *state, int64_t id, int64_t now)
{
    (void) grid_state_run(state, "update workloads set state = 'deleted', "
                          "message = 'deleted by an update', data = null, "
                          "at = ?, gone = 1, tries = 0, turn = turn + 1, "
                          "due = ? where id = ?", "iii", now, now, id);
    grid_shown_changed(state, id);
}


static int
deployments_refuse(grid_state_t *state, char error[GRID_ERROR],
    const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    (void) vsnprintf(error, GRID_ERROR, format, args);
    va_end(args);

    grid_state_rollback(state);

    return GRID_FAILED;
}


static int
deployments_end(grid_state_t *state, char error[GRID_ERROR])
{
    if (grid_state_commit(state) == GRID_OK) {
        return GRID_OK;
    }

    grid_put(error, GRID_ERROR, "the gateway could not write it down, and "
             "nothing was changed: try again later");

    return GRID_FAILED;
}


int
grid_deployments_get(grid_state_t *state, uint32_t twin, uint64_t contract,
    grid_out_t *out)
{
    int            rc;
    sqlite3_stmt  *head;

    head = grid_state_query(state, "select twin, contract, version, metadata, "
                            "description, requirement from deployments where "
                            "twin = ? and contract = ?", "ii", (int64_t) twin,
                            (int64_t) contract);
    rc = GRID_NONE;

    if (grid_state_row(state, head)) {
        deployments_json(state, head, out);
        rc = GRID_OK;
    }

    grid_state_done(head);

    return rc;
}


static void
deployments_json(grid_state_t *state, sqlite3_stmt *head, grid_out_t *out)
{
    sqlite3_stmt  *query;

    grid_out_format(out, "{\"version\":%lld,\"twin_id\":%lld,"
                    "\"contract_id\":%lld,\"metadata\":",
                    (long long) sqlite3_column_int64(head, 2),
                    (long long) sqlite3_column_int64(head, 0),
                    (long long) sqlite3_column_int64(head, 1));
    grid_out_json(out, grid_state_text(head, 3));
    grid_out_text(out, ",\"description\":");
    grid_out_json(out, grid_state_text(head, 4));
    grid_out_text(out, ",\"expiration\":0,\"signature_requirement\":");
    grid_out_text(out, grid_state_text(head, 5));
    grid_out_text(out, ",\"workloads\":[");

    query = grid_state_query(state, DEPLOYMENTS_SHOWN, "ii",
                             sqlite3_column_int64(head, 0),
                             sqlite3_column_int64(head, 1));

    while (grid_state_row(state, query)) {
        grid_shown_workload(query, out);
        grid_out_text(out, ",");
    }

    grid_state_done(query);

    grid_out_trim(out, ',');
    grid_out_text(out, "]}");
}


int
grid_deployments_changes(grid_state_t *state, uint32_t twin,
    uint64_t contract, grid_out_t *out)
{
    sqlite3_stmt  *query;

    if (!grid_state_number(state, 0, "select 1 from deployments where "
                           "twin = ? and contract = ?", "ii", (int64_t) twin,
                           (int64_t) contract))
    {
        return GRID_NONE;
    }

    grid_out_text(out, "[");

    query = grid_state_query(state, "select workload from changes where "
                             "twin = ? and contract = ? order by id", "ii",
                             (int64_t) twin, (int64_t) contract);

    while (grid_state_row(state, query)) {
        grid_out_text(out, grid_state_text(query, 0));
        grid_out_text(out, ",");
    }

    grid_state_done(query);

    grid_out_trim(out, ',');
    grid_out_text(out, "]");

    return GRID_OK;
}


void
grid_deployments_list(grid_state_t *state, uint32_t twin, grid_out_t *out)
{
    sqlite3_stmt  *head;

    grid_out_text(out, "[");

    head = grid_state_query(state, "select twin, contract, version, metadata, "
                            "description, requirement from deployments d "
                            "where twin = ? and exists (select 1 from "
                            "workloads w where w.twin = d.twin and "
                            "w.contract = d.contract and gone = 0 and state "
                            "not in ('deleted', 'error')) order by contract",
                            "i", (int64_t) twin);

    while (grid_state_row(state, head)) {
        deployments_json(state, head, out);
        grid_out_text(out, ",");
    }

    grid_state_done(head);

    grid_out_trim(out, ',');
    grid_out_text(out, "]");
}


int
grid_deployments_limit(grid_state_t *state, uint32_t twin, uint64_t contract,
    const char *name, uint64_t gb, int64_t now)
{
    int  changed;

    grid_state_begin(state);

    (void) grid_state_run(state, "update workloads set cap = ?, tries = 0, "
                          "turn = turn + 1, due = ? where twin = ? and "
                          "contract = ? and gone = 0 and state != 'deleted' "
                          "and (? = '' or name = ?)", "iiiitt", (int64_t) gb,
                          now, (int64_t) twin, (int64_t) contract, name, name);

    changed = grid_state_changed(state);

    if (grid_state_commit(state) != GRID_OK) {
        return GRID_FAILED;
    }

    return changed ? GRID_OK : GRID_NONE;
}


int
grid_deployments_hold(grid_state_t *state, uint64_t contract,
    const char *reason, int64_t now)
{
    grid_state_begin(state);

    (void) grid_state_run(state, "update workloads set hold = ?, tries = 0, "
                          "turn = turn + 1, due = ? where contract = ? and "
                          "gone = 0 and state != 'deleted' and hold is not ?",
                          "tiit", reason, now, (int64_t) contract, reason);

    return grid_state_commit(state);
}


static char *
deployments_spec(const grid_workload_t *w)
{
    grid_out_t  out = { NULL, 0, 0 };

    grid_out_text(&out, "{");
    grid_workload_json(w, &out);
    grid_out_text(&out, "}");

    return out.data;
}
