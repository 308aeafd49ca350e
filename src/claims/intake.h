
/*
 * intake: tokens that came in one piece, taken apart, verified and stored,
 * all of that in the thread beside (store/writer.h), without a request.
 *
 * A submission is stored whole or not at all.  Of what was looked up for a
 * content the tokens that are bad are left out, or one who publishes could
 * deny another's; so are those about other contents, and those that no chain
 * can lead to: issued by nobody who is a subject, or the audience of a token
 * that came with them or is stored.  Who has no commitment fills no store.
 */

#ifndef WGW_INTAKE_H
#define WGW_INTAKE_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "claims/claim.h"
#include "claims/claims_conf.h"
#include "store/writer.h"

#pragma GCC visibility push(hidden)


#define WGW_INTAKE_BYTES   262144       /* of a submission, and inflated */
#define WGW_INTAKE_TOKENS  256


typedef enum {
    WGW_INTAKE_OK = 0,
    WGW_INTAKE_BAD,                     /* the token `bad`, for `reason` */
    WGW_INTAKE_FORM,                    /* what they came in, for `reason` */
    WGW_INTAKE_LARGE,
    WGW_INTAKE_ZONE,                    /* there is no record for a limit */
    WGW_INTAKE_STORE,                   /* see change.rc and change.error */
    WGW_INTAKE_MEMORY
} wgw_intake_rc_t;


typedef struct wgw_intake_s  wgw_intake_t;

struct wgw_intake_s {
    void               (*done)(wgw_intake_t *intake);
    void                *data;          /* both are the caller's */

    /* for done(): */

    wgw_intake_rc_t      rc;
    const char          *reason;
    size_t               bad;
    wgw_claim_t         *claims;        /* those that are good */
    size_t               n;
    size_t               added;
    size_t               left_out;
    wgw_change_t         change;

    /* private: */

    ngx_pool_t          *pool;
    wgw_claims_t        *conf;
    wgw_text_t           body;
    wgw_text_t           about;         /* empty: a submission */
    time_t               now;
    wgw_job_t            job;
    size_t               verified;
    size_t               kept;
    unsigned             read:1;
    unsigned             sifted:1;
    uint8_t              rooted[WGW_INTAKE_TOKENS];
};


/*
 * Of a copy of these bytes: one token or a container of them.  `about` is the
 * multihash that was looked up, empty for a submission.  NULL: no memory.
 */
wgw_intake_t *wgw_intake_create(wgw_claims_t *conf, wgw_store_t *store,
    wgw_text_t body, wgw_text_t about);

/* Calls done(), in the event loop, at once where there is no thread. */
void wgw_intake_run(wgw_intake_t *intake);

/* Not before done(). */
void wgw_intake_destroy(wgw_intake_t *intake);


#pragma GCC visibility pop

#endif /* WGW_INTAKE_H */
