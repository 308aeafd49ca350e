
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format/doc.h"
#include "grid/job.h"
#include "grid/options.h"


#define JOB_REST  5                     /* seconds, after the chain was away */


static int job_is_label(const char *label);
static int job_end(grid_job_t *p, const char *state, const char *format,
    va_list args);
static int64_t job_again(grid_job_t *p, int64_t first, int64_t last);


int
grid_job_remove(grid_job_t *p)
{
    int   theirs;
    long  status;
    char  path[GRID_GATEWAY_PATH];

    if (p->item.host == NULL) {
        return GRID_OK;
    }

    theirs = 0;

    if (grid_job_theirs(p, p->item.host, &theirs) != GRID_OK) {
        return GRID_AWAY;
    }

    if (!theirs) {
        grid_gateway_name(path, p->item.host);

        if (grid_gateway_call(p->desk.gateway, "DELETE", path, NULL, &status,
                              NULL) != GRID_OK
            || (status >= 300 && status != 404))
        {
            return grid_job_later(p, "the gateway could not take its name "
                                   "away (%s): it is tried again",
                                   grid_gateway_why(p->desk.gateway));
        }
    }

    p->finding.release = 1;

    return GRID_OK;
}


int
grid_job_theirs(grid_job_t *p, const char *host, int *theirs)
{
    int       rc;
    long      status;
    char      path[GRID_GATEWAY_PATH];
    yajl_val  reply;

    grid_gateway_name(path, host);

    rc = grid_gateway_call(p->desk.gateway, "GET", path, NULL, &status, &reply);

    if (rc != GRID_OK || (status != 200 && status != 404)) {
        yajl_tree_free(reply);
        return grid_job_later(p, "the gateway does not say what it serves "
                               "(%s): it is tried again",
                               grid_gateway_why(p->desk.gateway));
    }

    *theirs = status == 200
              && !job_is_label(wgw_doc_text(reply, "workload"));

    yajl_tree_free(reply);

    return GRID_OK;
}


/* "7341-1234-mysite" */

static int
job_is_label(const char *label)
{
    size_t  twin, contract;

    twin = strspn(label, "0123456789");
    contract = twin && label[twin] == '-'
               ? strspn(label + twin + 1, "0123456789") : 0;

    return contract && label[twin + 1 + contract] == '-';
}


int
grid_job_ask(grid_job_t *p, int rc)
{
    if (rc == GRID_OK || rc == GRID_NONE) {
        return rc;
    }

    p->desk.away = time(NULL) + JOB_REST;

    return grid_job_later(p, "the chain could not be asked (%s): it is tried "
                           "again", grid_chain_why(p->desk.chain));
}


int
grid_job_later(grid_job_t *p, const char *format, ...)
{
    va_list  args;

    if (strcmp(p->item.state, "init") == 0) {
        va_start(args, format);
        (void) vsnprintf(p->message, sizeof(p->message), format, args);
        va_end(args);

    } else {
        grid_put(p->message, sizeof(p->message), "%s", p->item.message);
    }

    p->finding.state = p->item.state;
    p->finding.data = NULL;
    p->finding.due = job_again(p, 2, 120);

    return GRID_AWAY;
}


int
grid_job_error(grid_job_t *p, const char *format, ...)
{
    int      rc;
    va_list  args;

    if (!p->finding.release && grid_job_remove(p) != GRID_OK) {
        return GRID_AWAY;
    }

    va_start(args, format);
    rc = job_end(p, "error", format, args);
    va_end(args);

    p->finding.due = job_again(p, 5, p->desk.grid->options->recheck);

    return rc;
}


int
grid_job_deleted(grid_job_t *p, const char *format, ...)
{
    int      rc;
    va_list  args;

    if (grid_job_remove(p) != GRID_OK) {
        return GRID_AWAY;
    }

    va_start(args, format);
    rc = job_end(p, "deleted", format, args);
    va_end(args);

    return rc;
}


static int
job_end(grid_job_t *p, const char *state, const char *format,
    va_list args)
{
    char  text[GRID_ERROR];

    (void) vsnprintf(text, sizeof(text), format, args);
    memcpy(p->message, text, sizeof(text));

    p->finding.state = state;
    p->finding.data = NULL;

    return GRID_FAILED;
}


/* Twice as late each time. */

static int64_t
job_again(grid_job_t *p, int64_t first, int64_t last)
{
    unsigned  tries;
    int64_t   wait;

    tries = p->item.tries < 20 ? p->item.tries : 20;
    wait = first << tries;

    p->finding.tries = tries + 1;

    return p->desk.now + (wait < last ? wait : last);
}
