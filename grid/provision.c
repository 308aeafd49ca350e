
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "grid/judge.h"
#include "grid/options.h"
#include "grid/provision.h"
#include "program/memory.h"


#define PROVISION_LOST    "nothing could be provisioned"

#define PROVISION_CREW    4             /* one waits for DNS, others go on */
#define PROVISION_SPREAD  60            /* seconds, of all after a start */
#define PROVISION_IDLE    200           /* ms between looks for work */
#define PROVISION_FAULT   5000          /* ms, after one of the state */
#define PROVISION_LEAP    5             /* seconds, of a clock put back */
#define PROVISION_FORGET  3600          /* seconds */
#define PROVISION_QUICK   2             /* tries before a conflict is told */


static void *provision_thread(void *data);
static unsigned provision_step(grid_job_t *p);
static int64_t provision_uptime(void);
static void provision_item(grid_job_t *p);
static int provision_claim(grid_job_t *p);
static int provision_free(grid_job_t *p);
static int provision_put(grid_job_t *p);


void
grid_provision_run(const grid_t *grid)
{
    size_t        i;
    pthread_t     threads[PROVISION_CREW];
    grid_state_t  state;

    /* what was taken by a crew that is no more */

    if (grid_state_open(&state, grid->options->state, 0) != GRID_OK) {
        grid_desk_fault(PROVISION_LOST);
    }

    (void) grid_items_wake(&state, time(NULL), PROVISION_SPREAD);
    grid_state_close(&state);

    for (i = 0; i < PROVISION_CREW; i++) {
        if (pthread_create(&threads[i], NULL, provision_thread, (void *) grid)
            != 0)
        {
            grid_desk_fault(PROVISION_LOST);
        }
    }

    while (i) {
        (void) pthread_join(threads[--i], NULL);
    }
}


static void *
provision_thread(void *data)
{
    grid_job_t   *p;
    const grid_t  *grid = data;

    p = wgw_alloc(sizeof(grid_job_t));

    grid_desk_open(&p->desk, grid, PROVISION_LOST);

    while (!grid_rest(grid, provision_step(p))) {
        /* the next one */
    }

    grid_desk_close(&p->desk);
    free(p);

    return NULL;
}


/* How long to rest after it, ms. */

static unsigned
provision_step(grid_job_t *p)
{
    int      rc;
    int64_t  now, since;

    now = time(NULL);
    since = provision_uptime() - p->seen;

    /* by the steady clock, since this one may be put right */

    if (p->desk.now && now < p->desk.now + since - PROVISION_LEAP) {
        (void) grid_items_rewind(&p->desk.state, now,
                                 p->desk.grid->options->recheck);
    }

    p->desk.now = now;
    p->seen += since;

    if (p->seen >= p->forget) {
        (void) grid_items_forget(&p->desk.state, p->desk.now);
        p->forget = p->seen + PROVISION_FORGET;
    }

    rc = grid_items_next(&p->desk.state, p->desk.now, &p->item);

    if (rc != GRID_OK) {
        return rc == GRID_NONE ? PROVISION_IDLE : PROVISION_FAULT;
    }

    provision_item(p);
    grid_item_free(&p->item);

    return 0;
}


static int64_t
provision_uptime(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_BOOTTIME, &ts);

    return ts.tv_sec;
}


static void
provision_item(grid_job_t *p)
{
    grid_self_get(p->desk.grid, &p->desk.self);

    p->message[0] = '\0';
    p->root = NULL;
    memset(&p->wish, 0, sizeof(p->wish));
    memset(&p->finding, 0, sizeof(p->finding));
    p->finding.message = p->message;

    if (p->item.gone || strcmp(p->item.state, "deleted") == 0) {
        (void) grid_job_deleted(p, "%s", p->item.message);

    } else if (grid_workload_read(&p->workload, &p->root,
                                  (wgw_text_t) { p->item.spec,
                                                 strlen(p->item.spec) },
                                  p->message) != GRID_OK
               || grid_wish_read(&p->wish, p->workload.metadata,
                                 p->item.metadata, p->message) != GRID_OK)
    {
        (void) grid_job_error(p, "%s", p->message);

    } else if (grid_judge_contract(p) == GRID_OK
               && grid_judge_place(p) == GRID_OK
               && provision_claim(p) == GRID_OK)
    {
        (void) provision_put(p);
    }

    /* what cannot be written down now is done again */

    (void) grid_items_settle(&p->desk.state, &p->item, &p->finding,
                             p->desk.now);

    grid_wish_free(&p->wish);
    yajl_tree_free(p->root);
}


/* The host is this workload's, here and on the gateway. */

static int
provision_claim(grid_job_t *p)
{
    int  rc, theirs;

    if (p->item.host && strcmp(p->item.host, p->host) == 0 && p->item.served) {
        return GRID_OK;
    }

    if (p->item.host && strcmp(p->item.host, p->host) != 0) {
        if (grid_job_remove(p) != GRID_OK) {
            return GRID_AWAY;
        }

        p->finding.release = 0;
    }

    rc = grid_items_claim(&p->desk.state, &p->item, p->host, p->desk.now);

    if (rc == GRID_NONE) {
        return provision_free(p);
    }

    if (rc != GRID_OK) {
        return grid_job_later(p, "it could not be written down");
    }

    free(p->item.host);
    p->item.host = wgw_copy(p->host);

    if (grid_job_theirs(p, p->host, &theirs) != GRID_OK) {
        return GRID_AWAY;
    }

    if (theirs) {
        p->finding.release = 1;
        return grid_job_error(p, "%s is served here already, for the "
                               "gateway's owner: choose another name",
                               p->host);
    }

    return GRID_OK;
}


/* Who has it may have ended, and is looked at first. */

static int
provision_free(grid_job_t *p)
{
    if (p->item.tries < PROVISION_QUICK) {
        (void) grid_job_later(p, "%s is deployed already: whether that goes "
                               "on is looked at", p->host);
        p->finding.due = p->desk.now + 1;
        return GRID_AWAY;
    }

    return grid_job_error(p, "%s is deployed already on this gateway: choose "
                           "another name, or end the other deployment first",
                           p->host);
}


static int
provision_put(grid_job_t *p)
{
    int           rc;
    long          status;
    char          path[GRID_GATEWAY_PATH], owner[16], wrong[GRID_ERROR];
    grid_out_t    record = { NULL, 0, 0 };
    grid_place_t  place;

    grid_put(owner, sizeof(owner), "%u", p->item.twin);

    place.host = p->host;
    place.owner = owner;
    place.workload = p->item.label;
    place.capped = (p->item.cap >= 0);
    place.gb_month = place.capped ? (uint64_t) p->item.cap : 0;
    place.paused = p->item.hold || p->contract.state == GRID_CONTRACT_GRACE;

    if (grid_form_record(&p->workload, &p->wish, &p->desk.self, &place, &record,
                         wrong) != GRID_OK)
    {
        grid_out_free(&record);
        return grid_job_error(p, "%s", wrong);
    }

    grid_gateway_name(path, p->host);

    rc = grid_gateway_call(p->desk.gateway, "PUT", path, record.data, &status,
                           NULL);
    grid_out_free(&record);

    if (rc != GRID_OK || status >= 500 || status == 429) {
        return grid_job_later(p, "the gateway does not take it now (%s): it "
                               "is tried again",
                               grid_gateway_why(p->desk.gateway));
    }

    if (status >= 300) {
        return grid_job_error(p, "the gateway refuses it: %s",
                               grid_gateway_why(p->desk.gateway));
    }

    grid_put(p->message, sizeof(p->message), "%s", p->item.hold ? p->item.hold
             : place.paused ? "the contract is in its grace period: put TFT "
                              "into its account" : "");

    p->finding.state = place.paused ? "paused" : "ok";
    p->finding.data = p->data;
    p->finding.tries = 0;
    p->finding.due = p->desk.now + p->desk.grid->options->recheck;

    return GRID_OK;
}
