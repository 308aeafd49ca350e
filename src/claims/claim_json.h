
/*
 * claim_json: a claim as the API shows it.
 *
 *     {"id":hex,"cid":"b...","iss":DID,"aud":DID,"sub":DID|null,"cmd":"/...",
 *      "exp":seconds|null,"nbf":seconds,"content":"z...","pol":[...],
 *      "meta":{...},"came":seconds}
 *
 * nbf and meta as in the token; content, its multihash, where it is about
 * one; came, where it is known.
 */

#ifndef WGW_CLAIM_JSON_H
#define WGW_CLAIM_JSON_H


#include "claims/claim.h"

#pragma GCC visibility push(hidden)


/* The claim has its names. */
void wgw_claim_json(wgw_out_t *out, const wgw_claim_t *claim);

/* An id in quotes; a CID of a token in quotes. */
void wgw_claim_json_id(wgw_out_t *out, const uint8_t id[WGW_TOKEN_ID]);
void wgw_claim_json_cid(wgw_out_t *out, const uint8_t cid[WGW_TOKEN_CID]);

/* An id or a CID of a token, as text: its length, 0 if it is neither. */
size_t wgw_claim_name_read(uint8_t name[WGW_TOKEN_CID], wgw_text_t text);


#pragma GCC visibility pop

#endif /* WGW_CLAIM_JSON_H */
