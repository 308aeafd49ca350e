
/*
 * http_claims_api: the endpoint of `wgw_claims_api`.
 *
 *     POST    tokens: one as it is, or a container (container.h)
 *             200 {"tokens":[{"id":..,"cid":..}],"added":n}
 *             400 {"error":"signature:bad","field":"tokens[1]"}
 *     GET     ?content=CID | ?audience=DID | ?payer=DID, after=ID, limit=N
 *             200 {"tokens":[...],"next":ID|null}, for a content also
 *             "chains":[{"payer":DID,"tokens":[ID, ...]}] or, if there are
 *             none, "reason"
 *     GET     /ID        200, or 404: an id or a CID
 *     DELETE  /ID        204: revoked, even if it is not there
 *
 * A submission is stored whole or not at all.  Signatures are checked in the
 * thread of the store, a token at a time.
 */

#ifndef WGW_HTTP_CLAIMS_API_H
#define WGW_HTTP_CLAIMS_API_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)


/* `hosts` as wgw_request_trusted() takes them. */
ngx_int_t wgw_claims_api_handler(ngx_http_request_t *r, ngx_array_t *hosts);


#pragma GCC visibility pop

#endif /* WGW_HTTP_CLAIMS_API_H */
