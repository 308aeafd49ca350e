
/*
 * claim_json: see claim_json.h.
 */

#include "claims/claim_json.h"
#include "format/cid.h"
#include "format/dagjson.h"
#include "format/hex.h"
#include "format/multibase.h"

#include <string.h>


static void wgw_claim_json_value(wgw_out_t *out, const char *name,
    const wgw_token_t *token, const char *field);
static void wgw_claim_json_seconds(wgw_out_t *out, int64_t seconds);


void
wgw_claim_json(wgw_out_t *out, const wgw_claim_t *claim)
{
    const wgw_token_t  *token;

    token = &claim->token;

    wgw_out_str(out, "{\"id\":");
    wgw_claim_json_id(out, claim->id);
    wgw_out_str(out, ",\"cid\":");
    wgw_claim_json_cid(out, claim->cid);
    wgw_out_str(out, ",\"iss\":");
    wgw_out_json(out, token->iss);
    wgw_out_str(out, ",\"aud\":");
    wgw_out_json(out, token->aud);
    wgw_out_str(out, ",\"sub\":");

    if (token->sub.data) {
        wgw_out_json(out, token->sub);

    } else {
        wgw_out_str(out, "null");
    }

    wgw_out_str(out, ",\"cmd\":");
    wgw_out_json(out, token->cmd);
    wgw_out_str(out, ",\"exp\":");

    if (token->has_exp) {
        wgw_claim_json_seconds(out, token->exp);

    } else {
        wgw_out_str(out, "null");
    }

    if (token->has_nbf) {
        wgw_out_str(out, ",\"nbf\":");
        wgw_claim_json_seconds(out, token->nbf);
    }

    if (claim->content.len) {
        wgw_out_str(out, ",\"content\":\"z");
        wgw_base58_encode(out, claim->content.data, claim->content.len);
        wgw_out_str(out, "\"");
    }

    wgw_claim_json_value(out, ",\"pol\":", token, "pol");

    if (token->meta.type == WGW_CBOR_MAP) {
        wgw_claim_json_value(out, ",\"meta\":", token, "meta");
    }

    if (claim->came) {
        wgw_out_str(out, ",\"came\":");
        wgw_out_uint(out, claim->came);
    }

    wgw_out_str(out, "}");
}


void
wgw_claim_json_id(wgw_out_t *out, const uint8_t id[WGW_TOKEN_ID])
{
    char  digits[2 * WGW_TOKEN_ID];

    wgw_hex_encode(digits, id, WGW_TOKEN_ID);

    wgw_out_str(out, "\"");
    wgw_out_bytes(out, digits, sizeof(digits));
    wgw_out_str(out, "\"");
}


void
wgw_claim_json_cid(wgw_out_t *out, const uint8_t cid[WGW_TOKEN_CID])
{
    wgw_out_str(out, "\"b");
    wgw_base32_encode(out, cid, WGW_TOKEN_CID);
    wgw_out_str(out, "\"");
}


size_t
wgw_claim_name_read(uint8_t name[WGW_TOKEN_CID], wgw_text_t text)
{
    wgw_cid_t  cid;

    if (text.len == 2 * WGW_TOKEN_ID
        && wgw_hex_decode(name, WGW_TOKEN_ID, text) == 0)
    {
        return WGW_TOKEN_ID;
    }

    if (wgw_cid_read(&cid, text) != 0 || cid.len != WGW_TOKEN_CID) {
        return 0;
    }

    memcpy(name, cid.bytes, WGW_TOKEN_CID);

    return WGW_TOKEN_CID;
}


/* A field of the payload, which is the signed map's second value. */

static void
wgw_claim_json_value(wgw_out_t *out, const char *name,
    const wgw_token_t *token, const char *field)
{
    wgw_cbor_t      item, payload;
    const uint8_t  *p, *at;

    p = wgw_cbor_read(&item, (const uint8_t *) token->signed_part.data);
    p = wgw_cbor_read(&item, p);
    p = wgw_cbor_read(&item, p);
    p = wgw_cbor_read(&item, p);
    wgw_cbor_read(&payload, p);

    if (wgw_cbor_find(&item, &payload,
                      (wgw_text_t) { field, strlen(field) }, &at))
    {
        wgw_out_str(out, name);
        wgw_dagjson_write(out, at);
    }
}


static void
wgw_claim_json_seconds(wgw_out_t *out, int64_t seconds)
{
    if (seconds < 0) {
        wgw_out_str(out, "-");
        seconds = -seconds;
    }

    wgw_out_uint(out, (uint64_t) seconds);
}
