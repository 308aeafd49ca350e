
/*
 * job: one workload that is gone through, what was found about it so far, and
 * how that ends: as it is, for now, in error, or deleted.
 */

#ifndef WGW_GRID_JOB_H
#define WGW_GRID_JOB_H


#include "format/name.h"
#include "grid/desk.h"
#include "grid/form.h"
#include "grid/items.h"


typedef struct {
    grid_desk_t        desk;
    int64_t            seen;            /* by the steady clock */
    int64_t            forget;          /* when that is due */

    /* of this workload */

    grid_item_t        item;
    grid_workload_t    workload;
    grid_contract_t    contract;
    yajl_val           root;
    grid_wish_t        wish;
    char               host[WGW_NAME_MAX + 1];
    char               data[WGW_NAME_MAX + 32];
    char               message[GRID_ERROR];
    grid_finding_t     finding;
} grid_job_t;


/*
 * Three ends.  What is not known is looked at again soon, and all stays as it
 * is: GRID_AWAY.  In error, or deleted, its name is taken off the gateway,
 * and GRID_FAILED; or GRID_AWAY, when that could not be.
 */
int grid_job_later(grid_job_t *job, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int grid_job_error(grid_job_t *job, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int grid_job_deleted(grid_job_t *job, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An answer of the chain: GRID_OK, GRID_NONE, or the job ends for now. */
int grid_job_ask(grid_job_t *job, int answer);

/* Takes its host off the gateway, if that is there for it. */
int grid_job_remove(grid_job_t *job);

/*
 * Whether a name of the gateway was put there by somebody else.  One that
 * another workload left, in a state that was lost, is nobody's.
 */
int grid_job_theirs(grid_job_t *job, const char *host, int *theirs);


#endif /* WGW_GRID_JOB_H */
