
/*
 * contents: the chains of a content, found and taken apart once, kept by each
 * worker.
 *
 * An entry is good while the store's id is that at which it was looked at;
 * then, while both of the content's stamps are the same (rows.h).  Tokens
 * that are revoked or put are seen by the next request.  Times are not part
 * of it: each chain says from when to when it holds.
 */

#ifndef WGW_CONTENTS_H
#define WGW_CONTENTS_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "claims/claims_conf.h"
#include "claims/rows.h"

#pragma GCC visibility push(hidden)


#define WGW_CONTENTS  4096              /* kept by a worker */


/* A limit of a token: its record in the table of its window. */
typedef struct {
    wgw_meter_zone_t      *zone;
    uint32_t               record;
    wgw_limit_t            limit;
} wgw_content_limit_t;


typedef struct {
    uint8_t                id[WGW_TOKEN_ID];
    wgw_policy_t           policy;
    uint16_t              *dynamic;     /* statements for each request */
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
} wgw_content_chain_t;


typedef struct {
    ngx_pool_t            *pool;        /* of all this */
    uint64_t               id;          /* of the snapshot */
    wgw_claim_stamps_t     stamps;
    wgw_text_t             multihash;
    wgw_content_chain_t   *chains;
    size_t                 n;
} wgw_content_t;


/*
 * The entry, until the next call.  NGX_OK, or NGX_ERROR, logged, when the
 * store cannot be used.
 */
ngx_int_t wgw_contents_find(wgw_claims_t *claims, wgw_text_t multihash,
    wgw_content_t **content, ngx_log_t *log);


#pragma GCC visibility pop

#endif /* WGW_CONTENTS_H */
