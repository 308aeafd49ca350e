
/*
 * content: a content by the text of its CID, and its chains, taken apart so
 * that little is left to do for each request.
 */

#ifndef WGW_CONTENT_H
#define WGW_CONTENT_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "claims/arg.h"
#include "claims/claims_conf.h"
#include "claims/rows.h"
#include "format/cid.h"

#pragma GCC visibility push(hidden)


#define WGW_CONTENT_TESTS  64           /* of one; others are judged */


/* A limit of a token: its record in the table of its window. */
typedef struct {
    wgw_meter_zone_t      *zone;
    uint32_t               record;
    wgw_limit_t            limit;
} wgw_content_limit_t;


/*
 * A statement as nearly all are: an argument is that text.  Those that are
 * the same are one, in whatever chains.
 */
typedef struct {
    wgw_claim_arg_t        arg;
    wgw_text_t             name;
    wgw_text_t             text;
    ngx_uint_t             fact;        /* of the argument: the same number */
} wgw_content_test_t;


typedef struct {
    uint8_t                id[WGW_TOKEN_ID];
    wgw_policy_t           policy;
    uint64_t               tests;       /* bits: those of the content's */
    uint16_t              *dynamic;     /* statements in another form */
    size_t                 ndynamic;
    wgw_content_limit_t   *limits;
    size_t                 nlimits;
} wgw_content_token_t;


typedef struct {
    ngx_str_t              payer;
    ngx_str_t              ids;         /* in hexadecimal, by commas */
    int64_t                from;        /* seconds, with the skew */
    int64_t                until;
    wgw_content_token_t   *tokens[WGW_CHAIN_MAX];
    size_t                 n;

    /* of all its tokens */
    uint64_t               tests;
    size_t                 ndynamic;
    size_t                 nlimits;
    size_t                 nbytes;      /* of these, those on bytes */
} wgw_content_chain_t;


typedef struct {
    ngx_pool_t            *pool;        /* of all this */
    ngx_uint_t             refs;        /* its place is one */
    uint64_t               id;          /* of the snapshot; 0: none */
    wgw_claim_stamps_t     stamps;
    wgw_text_t             text;
    wgw_cid_t              cid;
    wgw_content_chain_t   *chains;
    size_t                 n;
    wgw_content_test_t    *tests;
    size_t                 ntests;

    /* its keys in tables, for whom they were made last; NULL: for nobody */
    const void            *quota_of;
    wgw_expiring_key_t     quota;
    const void            *asked_of;
    wgw_expiring_key_t     asked;
} wgw_content_t;


/* One without chains, held once; NULL: no memory. */
wgw_content_t *wgw_content_create(wgw_text_t text, const wgw_cid_t *cid);

/* It stays until it was released as often as it was held. */
void wgw_content_hold(wgw_content_t *content);
void wgw_content_release(wgw_content_t *content);

/*
 * Fills in its chains, once, in a look at the store: NGX_OK, or NGX_ERROR,
 * logged but for memory.
 */
ngx_int_t wgw_content_fill(wgw_claims_t *claims, wgw_store_t *store,
    wgw_content_t *content, ngx_log_t *log);


#pragma GCC visibility pop

#endif /* WGW_CONTENT_H */
