
/*
 * judge: whether a workload may be served, by what the chain and DNS say.
 */

#ifndef WGW_GRID_JUDGE_H
#define WGW_GRID_JUDGE_H


#include "grid/job.h"


/* GRID_OK, or the job has ended. */
int grid_judge_contract(grid_job_t *job);

/* The same of its name or domain, which is then the job's `host`. */
int grid_judge_place(grid_job_t *job);


#endif /* WGW_GRID_JUDGE_H */
