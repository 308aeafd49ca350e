
/*
 * form: whether a workload can be served at all, whoever sent it, and the
 * record of the gateway (docs/api.md) that it becomes.
 *
 * As zos judges, but for what could only do harm: ports of 0 or over 65535,
 * loopback also behind tls_passthrough, addresses where nobody is, a network
 * of the user's own on the node (there is none), labels that DNS refuses, and
 * `_acme-challenge`.  User, path, query and fragment of a backend are dropped,
 * as they mean nothing there either.  Each error names the member, shows the
 * value and says what would do.
 */

#ifndef WGW_GRID_FORM_H
#define WGW_GRID_FORM_H


#include "grid/deployment.h"
#include "grid/self.h"
#include "grid/wish.h"


/* The whole of it, as it was sent; GRID_OK, or GRID_FAILED and the error. */
int grid_form_judge(const grid_deployment_t *deployment,
    const grid_self_t *self, char error[GRID_ERROR]);

/* What a record says beside its workload. */
typedef struct {
    const char   *host;                 /* its full name */
    const char   *owner;                /* the twin */
    const char   *workload;             /* twin-contract-name */
    uint64_t      gb_month;             /* instead of the wish's */
    unsigned      capped;               /* ... if this is said */
    unsigned      paused;
} grid_place_t;

/* The record, judged as the gateway judges it. */
int grid_form_record(const grid_workload_t *workload,
    const grid_wish_t *wish, const grid_self_t *self,
    const grid_place_t *place, grid_out_t *record, char error[GRID_ERROR]);


#endif /* WGW_GRID_FORM_H */
