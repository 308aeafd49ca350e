
/*
 * What is kept of deployments, and what is done about it: each step alone, by
 * a state in a directory of its own.
 */

#include "grid/deployments.h"
#include "grid/items.h"
#include "program/memory.h"
#include "t/unit/vectors.h"


static const grid_schema_t  *const schemas[] = {
    &grid_deployments_schema, NULL
};

static grid_state_t       state;
static grid_deployment_t  d;
static grid_item_t        item;
static char               error[GRID_ERROR];


/* Sends version `version` with these workloads ("a:0 b:1"), at 1000. */

static int
sent(unsigned version, uint64_t contract, const char *workloads)
{
    int          rc;
    char        *p, *save, *list, *name;
    grid_out_t   json = { NULL, 0, 0 };

    grid_out_format(&json, "{\"version\":%u,\"twin_id\":7341,\"contract_id\":"
                    "%llu,\"workloads\":[", version,
                    (unsigned long long) contract);
    list = wgw_copy(workloads);

    for (p = strtok_r(list, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
        name = wgw_copy(p);
        name[strcspn(name, ":")] = '\0';
        grid_out_format(&json, "{\"name\":\"%s\",\"version\":%s,\"type\":"
                        "\"gateway-name-proxy\",\"data\":{\"name\":\"%s\","
                        "\"backends\":[\"http://192.0.2.%d\"]}},", name,
                        strchr(p, ':') + 1, name, 1 + atoi(strchr(p, ':') + 1));
        free(name);
    }

    grid_out_trim(&json, ',');
    grid_out_text(&json, "]}");
    free(list);

    grid_deployment_free(&d);
    rc = grid_deployment_read(&d, view(json.data), error);
    grid_out_free(&json);

    if (rc != GRID_OK) {
        return rc;
    }

    return version ? grid_deployments_update(&state, &d, "hash", 1000, error)
                   : grid_deployments_add(&state, &d, "hash", 1000, error);
}


/* Takes the next one and settles it so; its name, or "". */

static const char *
settled(int64_t now, const char *end, int64_t due, unsigned release)
{
    grid_finding_t  finding = { end, "told", "{}", due, 0, release };

    grid_item_free(&item);

    if (grid_items_next(&state, now, &item) != GRID_OK) {
        return "";
    }

    (void) grid_items_settle(&state, &item, &finding, now);

    return item.name;
}


/* Whether it is among those that are due. */

static int
due(int64_t now, const char *name)
{
    int          found;
    const char  *next;

    for (found = 0, next = settled(now, "ok", now + 50000, 0); next[0];
         next = settled(now, "ok", now + 50000, 0))
    {
        found |= (strcmp(next, name) == 0);
    }

    return found;
}


static const char *
state_of(uint64_t contract)
{
    static grid_out_t  out;

    grid_out_free(&out);

    return grid_deployments_get(&state, 7341, contract, &out) == GRID_OK
           ? out.data : "not found";
}


static void
test_steps(void)
{
    ok(sent(0, 1, "a:0 b:0") == GRID_OK, "a deployment");
    ok(sent(0, 1, "a:0") == GRID_FAILED && strstr(error, "exists"),
       "tf 8: %s", error);

    ok(strstr(state_of(1), "\"state\":\"init\"") != NULL, "it is accepted");
    ok(strcmp(settled(1000, "ok", 5000, 0), "a") == 0, "the first one");
    ok(strcmp(settled(1000, "ok", 5000, 0), "b") == 0, "and the second");
    ok(settled(1000, "ok", 5000, 0)[0] == '\0', "nothing is due");
    ok(strstr(state_of(1), "\"state\":\"ok\"") != NULL
       && strstr(state_of(1), "\"state\":\"init\"") == NULL, "both are ok");

    ok(sent(2, 1, "a:0") == GRID_FAILED && strstr(error, "must be 1"),
       "tf 21: %s", error);
    ok(sent(1, 2, "a:1") == GRID_FAILED && strstr(error, "not found"),
       "tf 21: %s", error);
    ok(sent(1, 1, "a:0 c:0") == GRID_FAILED && strstr(error, "\"c\" is new"),
       "a new one of an old version: %s", error);
    ok(strstr(state_of(1), "\"version\":0,\"twin_id\"") != NULL
       && strstr(state_of(1), "\"name\":\"b\"") != NULL, "nothing changed");

    ok(sent(1, 1, "a:0 c:1") == GRID_OK, "tf 20, 22: one less, one more");
    ok(strstr(state_of(1), "\"name\":\"b\"") == NULL
       && strstr(state_of(1), "\"name\":\"c\"") != NULL, "as it is shown");

    ok(strcmp(settled(1000, "deleted", 0, 1), "b") == 0 && item.gone,
       "what is gone is done");
    ok(strcmp(settled(1000, "ok", 5000, 0), "c") == 0, "and what is new");
    ok(settled(1000, "ok", 5000, 0)[0] == '\0', "and nothing else");
}


/* While one has it nobody else gets it; what was changed meanwhile stays. */

static void
test_turns(void)
{
    grid_item_t     other;
    grid_finding_t  finding = { "ok", "", "{}", 9000, 0, 0 };

    ok(sent(2, 1, "a:2 c:1") == GRID_OK, "tf 23: changed in place");

    grid_item_free(&item);
    ok(grid_items_next(&state, 1000, &item) == GRID_OK && !item.served,
       "which is no longer served as it is");
    ok(grid_items_next(&state, 1000, &other) == GRID_NONE, "by one alone");

    ok(sent(3, 1, "a:3 c:1") == GRID_OK, "changed again meanwhile");
    ok(grid_items_next(&state, 1000, &other) == GRID_NONE, "still by one");
    ok(grid_items_settle(&state, &item, &finding, 1000) == GRID_OK, "settled");
    ok(strstr(state_of(1), "\"state\":\"init\"") != NULL,
       "what was found of before is dropped");

    grid_item_free(&item);
    ok(grid_items_next(&state, 1000, &item) == GRID_OK
       && strstr(item.spec, "192.0.2.4"), "and it is looked at anew");
    ok(grid_items_settle(&state, &item, &finding, 1000) == GRID_OK
       && strstr(state_of(1), "\"state\":\"init\"") == NULL, "then it is ok");
}


static void
test_hosts(void)
{
    grid_item_t  first;

    ok(sent(0, 5, "x:0") == GRID_OK && sent(0, 6, "y:0") == GRID_OK, "two");
    ok(grid_items_next(&state, 1000, &first) == GRID_OK, "the one");
    ok(grid_items_claim(&state, &first, "x.gw.test", 1000) == GRID_OK
       && grid_items_claim(&state, &first, "x.gw.test", 1000) == GRID_OK,
       "has the host, also twice");

    grid_item_free(&item);
    ok(grid_items_next(&state, 1000, &item) == GRID_OK
       && grid_items_claim(&state, &item, "x.gw.test", 1000) == GRID_NONE,
       "tf 7: the other one has not");
    ok(grid_items_prove(&state, &first) == GRID_OK, "its contract is there");

    grid_finding_t  ok_then = { "ok", "", "{}", 5000, 0, 0 };
    grid_finding_t  wrong = { "error", "taken", NULL, 5000, 0, 0 };

    (void) grid_items_settle(&state, &first, &ok_then, 1000);
    (void) grid_items_settle(&state, &item, &wrong, 1000);
    grid_item_free(&first);

    ok(strstr(state_of(6), "taken") != NULL, "which is told");
    ok(!due(4000, "x") && due(5000, "x"), "later it is looked at again");
}


static void
test_wishes(void)
{
    grid_out_t  out = { NULL, 0, 0 };

    ok(sent(0, 9, "m:0") == GRID_OK
       && strcmp(settled(1000, "ok", 90000, 0), "m") == 0, "one more");

    ok(grid_deployments_limit(&state, 7341, 9, "m", 7, 2000) == GRID_OK
       && grid_deployments_limit(&state, 7341, 9, "", 8, 2000) == GRID_OK,
       "tf 60: a limit");
    ok(grid_deployments_limit(&state, 7342, 9, "m", 7, 2000) == GRID_NONE
       && grid_deployments_limit(&state, 7341, 9, "n", 7, 2000) == GRID_NONE,
       "not by another twin, nor of another workload");

    ok(strcmp(settled(2000, "ok", 90000, 0), "m") == 0 && item.cap == 8,
       "it is due, with its limit");

    ok(grid_deployments_hold(&state, 9, "pay", 3000) == GRID_OK
       && strcmp(settled(3000, "paused", 90000, 0), "m") == 0
       && item.hold && strcmp(item.hold, "pay") == 0, "held");
    ok(grid_deployments_hold(&state, 9, "pay", 3000) == GRID_OK
       && settled(3000, "ok", 90000, 0)[0] == '\0', "again: nothing to do");
    ok(grid_deployments_hold(&state, 9, NULL, 3000) == GRID_OK
       && strcmp(settled(3000, "ok", 90000, 0), "m") == 0 && !item.hold,
       "let go of");

    ok(grid_deployments_changes(&state, 7341, 9, &out) == GRID_OK, "changes");
    is(out.data ? "" : "x", 0, "", "of each state");
    ok(strstr(out.data, "init") < strstr(out.data, "\"ok\"")
       && strstr(out.data, "\"ok\"") < strstr(out.data, "paused"),
       "in their order");
    ok(grid_deployments_changes(&state, 7342, 9, &out) == GRID_NONE,
       "tf 24: not of another twin's");
    grid_out_free(&out);
}


static void
test_clock(void)
{
    ok(sent(0, 20, "t:0") == GRID_OK
       && strcmp(settled(1000, "ok", 99000000, 0), "t") == 0,
       "due in three years");
    ok(!due(90000, "t"), "so not now");
    ok(grid_items_rewind(&state, 90000, 3600) == GRID_OK && due(90000, "t"),
       "the clock was put back: now");
    ok(!due(90060, "t"), "once");
    ok(grid_items_wake(&state, 90000, 60) == GRID_OK && due(90060, "t"),
       "a start: within a minute");
}


static void
test_forget(void)
{
    int64_t  later;

    ok(sent(0, 30, "u:0") == GRID_OK
       && strcmp(settled(1000, "error", 5000, 0), "u") == 0,
       "one without a contract");
    ok(grid_items_forget(&state, 1000 + 3000) == GRID_OK
       && strstr(state_of(30), "error") != NULL, "is kept for an hour");
    ok(grid_items_forget(&state, 1000 + 7200) == GRID_OK
       && strcmp(state_of(30), "not found") == 0, "and then forgotten");

    ok(sent(0, 31, "v:0") == GRID_OK, "one with a contract");
    grid_item_free(&item);
    ok(grid_items_next(&state, 1000, &item) == GRID_OK
       && grid_items_prove(&state, &item) == GRID_OK, "which is seen");

    grid_finding_t  gone = { "deleted", "cancelled", NULL, 0, 0, 1 };

    (void) grid_items_settle(&state, &item, &gone, 1000);

    later = 1000 + 80 * 86400;
    ok(grid_items_forget(&state, later) == GRID_OK
       && strstr(state_of(31), "cancelled") != NULL, "is read for long");
    later = 1000 + 100 * 86400;
    ok(grid_items_forget(&state, later) == GRID_OK
       && strcmp(state_of(31), "not found") == 0, "and then forgotten");
    ok(strcmp(state_of(20), "not found") != 0, "what is served never is");
    ok(grid_state_number(&state, -1, "select count(*) from changes where "
                         "contract in (30, 31)", "") == 0, "with its changes");
}


static void
test_room(void)
{
    unsigned  i;

    for (i = 0; i < 2 * GRID_UNPROVEN; i++) {
        if (sent(0, 1000 + i, "w:0") != GRID_OK) {
            break;
        }
    }

    ok(i > 0 && i <= GRID_UNPROVEN && strstr(error, "make these first"),
       "a hundred without a contract: %s", error);
}


int
main(void)
{
    char  dir[] = "/tmp/wgw-items.XXXXXX";

    if (mkdtemp(dir) == NULL
        || grid_state_create(&state, dir, schemas) != GRID_OK)
    {
        return 1;
    }

    test_steps();
    test_turns();
    test_hosts();
    test_wishes();
    test_clock();
    test_forget();
    test_room();

    grid_item_free(&item);
    grid_deployment_free(&d);
    (void) state_of(0);
    grid_state_close(&state);

    return done_in(dir);
}
