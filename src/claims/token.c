
/*
 * token: see token.h.
 */

#include "claims/token.h"
#include "crypto/p256.h"
#include "crypto/pubkey.h"
#include "crypto/sha256.h"

#include <string.h>


#define WGW_TOKEN_INT_MAX  UINT64_C(9007199254740991)       /* 2^53 - 1 */


typedef struct {
    const char    *name;
    const char  *(*read)(wgw_token_t *token, const wgw_cbor_t *value);
    unsigned       optional;
} wgw_token_field_t;


static const char *wgw_token_envelope(wgw_token_t *token,
    wgw_cbor_t *payload);
static const char *wgw_token_signed(wgw_token_t *token, const uint8_t *p,
    wgw_cbor_t *payload);
static const char *wgw_token_tag(wgw_text_t tag);
static const char *wgw_token_payload(wgw_token_t *token,
    const wgw_cbor_t *payload);
static const char *wgw_token_iss(wgw_token_t *token, const wgw_cbor_t *value);
static const char *wgw_token_aud(wgw_token_t *token, const wgw_cbor_t *value);
static const char *wgw_token_sub(wgw_token_t *token, const wgw_cbor_t *value);
static const char *wgw_token_did(wgw_text_t *did, const wgw_cbor_t *value);
static const char *wgw_token_cmd(wgw_token_t *token, const wgw_cbor_t *value);
static const char *wgw_token_pol(wgw_token_t *token, const wgw_cbor_t *value);
static const char *wgw_token_nonce(wgw_token_t *token,
    const wgw_cbor_t *value);
static const char *wgw_token_exp(wgw_token_t *token, const wgw_cbor_t *value);
static const char *wgw_token_nbf(wgw_token_t *token, const wgw_cbor_t *value);
static const char *wgw_token_meta(wgw_token_t *token,
    const wgw_cbor_t *value);
static int wgw_token_seconds(int64_t *seconds, const wgw_cbor_t *value);
static int wgw_token_digest(uint8_t cid[WGW_TOKEN_CID], const void *data,
    size_t len);


static const wgw_token_field_t  wgw_token_fields[] = {
    { "iss", wgw_token_iss, 0 },
    { "aud", wgw_token_aud, 0 },
    { "sub", wgw_token_sub, 0 },
    { "cmd", wgw_token_cmd, 0 },
    { "pol", wgw_token_pol, 0 },
    { "nonce", wgw_token_nonce, 0 },
    { "exp", wgw_token_exp, 0 },
    { "nbf", wgw_token_nbf, 1 },
    { "meta", wgw_token_meta, 1 }
};

#define WGW_TOKEN_FIELDS                                                      \
    (sizeof(wgw_token_fields) / sizeof(wgw_token_fields[0]))


const char *
wgw_token_read(wgw_token_t *token, const void *data, size_t len,
    unsigned quotes)
{
    wgw_cbor_t   payload;
    const char  *reason;

    memset(token, 0, sizeof(wgw_token_t));

    token->bytes.data = data;
    token->bytes.len = len;
    token->quotes = quotes != 0;

    if (len > WGW_TOKEN_MAX) {
        return "token:too-long";
    }

    reason = wgw_cbor_check(data, len);

    if (reason) {
        return reason;
    }

    reason = wgw_token_envelope(token, &payload);

    return reason ? reason : wgw_token_payload(token, &payload);
}


static const char *
wgw_token_envelope(wgw_token_t *token, wgw_cbor_t *payload)
{
    wgw_cbor_t      item;
    const uint8_t  *p, *start;

    p = wgw_cbor_read(&item, (const uint8_t *) token->bytes.data);

    if (item.type != WGW_CBOR_LIST || item.number != 2) {
        return "envelope:shape";
    }

    p = wgw_cbor_read(&item, p);

    if (item.type != WGW_CBOR_BYTES) {
        return "envelope:sig-type";
    }

    token->signature = item.bytes;

    start = p;
    p = wgw_cbor_read(&item, p);

    if (item.type != WGW_CBOR_MAP) {
        return "envelope:shape";
    }

    token->signed_part.data = (const char *) start;
    token->signed_part.len = (size_t) ((const uint8_t *) token->bytes.data
                                       + token->bytes.len - start);

    return item.number == 2 ? wgw_token_signed(token, p, payload)
                            : "envelope:keys";
}


/* "h" is shorter than any tag, so it is the first */

static const char *
wgw_token_signed(wgw_token_t *token, const uint8_t *p, wgw_cbor_t *payload)
{
    wgw_cbor_t   header, tag;
    const char  *reason;

    p = wgw_cbor_read(&tag, p);

    if (!wgw_text_equal(tag.bytes, wgw_text("h"))) {
        return "envelope:keys";
    }

    p = wgw_cbor_read(&header, p);

    if (header.type != WGW_CBOR_BYTES) {
        return "varsig:type";
    }

    p = wgw_cbor_read(&tag, p);
    reason = wgw_token_tag(tag.bytes);

    if (reason) {
        return reason;
    }

    token->algorithm = wgw_varsig_read(header.bytes);

    if (token->algorithm == WGW_VARSIG_NONE) {
        return "varsig:unsupported";
    }

    if (token->signature.len != WGW_VARSIG_SIGNATURE) {
        return "signature:length";
    }

    wgw_cbor_read(payload, p);

    return payload->type == WGW_CBOR_MAP ? NULL : "payload:shape";
}


static const char *
wgw_token_tag(wgw_text_t tag)
{
    static const char  invocation[] = "ucan/inv@";

    if (wgw_text_equal(tag, wgw_text("ucan/dlg@1.0.0"))
        || wgw_text_equal(tag, wgw_text("ucan/dlg@1.0.0-rc.1")))
    {
        return NULL;
    }

    if (tag.len >= sizeof(invocation) - 1
        && memcmp(tag.data, invocation, sizeof(invocation) - 1) == 0)
    {
        return "envelope:not-a-delegation";
    }

    return "envelope:tag";
}


static const char *
wgw_token_payload(wgw_token_t *token, const wgw_cbor_t *payload)
{
    size_t          i;
    uint64_t        found, wanted;
    wgw_cbor_t      value;
    const char     *reason;

    found = 0;
    wanted = payload->number;

    for (i = 0; i < WGW_TOKEN_FIELDS; i++) {

        if (!wgw_cbor_find(&value, payload,
                           (wgw_text_t) { wgw_token_fields[i].name,
                                          strlen(wgw_token_fields[i].name) },
                           NULL))
        {
            if (wgw_token_fields[i].optional) {
                continue;
            }

            return "payload:missing";
        }

        found++;
        reason = wgw_token_fields[i].read(token, &value);

        if (reason) {
            return reason;
        }
    }

    return found == wanted ? NULL : "payload:unknown-field";
}


static const char *
wgw_token_iss(wgw_token_t *token, const wgw_cbor_t *value)
{
    const char  *reason;

    reason = wgw_token_did(&token->iss, value);

    if (reason || !wgw_did_is_key(token->iss)) {
        return reason;
    }

    reason = wgw_did_key(&token->key, token->iss);

    if (reason) {
        return reason;
    }

    return token->key.algorithm == token->algorithm ? NULL
                                                    : "varsig:key-type";
}


static const char *
wgw_token_aud(wgw_token_t *token, const wgw_cbor_t *value)
{
    return wgw_token_did(&token->aud, value);
}


static const char *
wgw_token_sub(wgw_token_t *token, const wgw_cbor_t *value)
{
    return value->type == WGW_CBOR_NULL ? NULL
                                        : wgw_token_did(&token->sub, value);
}


static const char *
wgw_token_did(wgw_text_t *did, const wgw_cbor_t *value)
{
    if (value->type != WGW_CBOR_TEXT) {
        return "did:type";
    }

    *did = wgw_did_bare(value->bytes);

    return wgw_did_check(value->bytes);
}


static const char *
wgw_token_cmd(wgw_token_t *token, const wgw_cbor_t *value)
{
    size_t      i;
    wgw_text_t  cmd;

    cmd = value->bytes;

    if (value->type != WGW_CBOR_TEXT || cmd.len == 0 || cmd.data[0] != '/') {
        return "payload:cmd";
    }

    token->cmd = cmd;

    if (cmd.len == 1) {
        return NULL;
    }

    /* no empty segment */

    for (i = 0; i < cmd.len; i++) {

        if (cmd.data[i] == '/'
            && (i + 1 == cmd.len || cmd.data[i + 1] == '/'))
        {
            return "payload:cmd";
        }

        if (cmd.data[i] >= 'A' && cmd.data[i] <= 'Z') {
            return "payload:cmd-case";
        }
    }

    return NULL;
}


static const char *
wgw_token_pol(wgw_token_t *token, const wgw_cbor_t *value)
{
    token->pol = *value;

    return wgw_policy_check(value, token->quotes, &token->size);
}


static const char *
wgw_token_nonce(wgw_token_t *token, const wgw_cbor_t *value)
{
    token->nonce = value->bytes;

    return value->type == WGW_CBOR_BYTES ? NULL : "payload:nonce-type";
}


static const char *
wgw_token_exp(wgw_token_t *token, const wgw_cbor_t *value)
{
    if (value->type == WGW_CBOR_NULL) {
        return NULL;
    }

    if (value->type != WGW_CBOR_UINT && value->type != WGW_CBOR_NINT) {
        return "payload:exp-type";
    }

    token->has_exp = 1;

    return wgw_token_seconds(&token->exp, value) == 0 ? NULL
                                                      : "payload:exp-range";
}


static const char *
wgw_token_nbf(wgw_token_t *token, const wgw_cbor_t *value)
{
    if (value->type != WGW_CBOR_UINT && value->type != WGW_CBOR_NINT) {
        return "payload:nbf-type";
    }

    token->has_nbf = 1;

    return wgw_token_seconds(&token->nbf, value) == 0 ? NULL
                                                      : "payload:nbf-range";
}


static const char *
wgw_token_meta(wgw_token_t *token, const wgw_cbor_t *value)
{
    token->meta = *value;

    return value->type == WGW_CBOR_MAP ? NULL : "payload:meta-type";
}


static int
wgw_token_seconds(int64_t *seconds, const wgw_cbor_t *value)
{
    unsigned  negative;

    negative = value->type == WGW_CBOR_NINT;

    if (value->number > WGW_TOKEN_INT_MAX - negative) {
        return -1;
    }

    *seconds = negative ? -1 - (int64_t) value->number
                        : (int64_t) value->number;

    return 0;
}


const char *
wgw_token_verify(const wgw_token_t *token, const wgw_did_key_t *keys,
    size_t n, size_t *which)
{
    size_t       i;
    unsigned     fitting;
    const char  *reason;

    if (wgw_did_is_key(token->iss)) {
        keys = &token->key;
        n = 1;
        reason = wgw_pubkey_check(keys);

        if (reason) {
            return reason;
        }
    }

    if (n == 0) {
        return "did:unresolved";
    }

    fitting = 0;

    for (i = 0; i < n; i++) {

        if (keys[i].algorithm != token->algorithm) {
            continue;
        }

        fitting = 1;

        if (wgw_pubkey_verify(&keys[i],
                              (const uint8_t *) token->signature.data,
                              token->signed_part.data,
                              token->signed_part.len))
        {
            *which = i;
            return NULL;
        }
    }

    return fitting ? "signature:bad" : "varsig:key-type";
}


const char *
wgw_token_time(const wgw_token_t *token, int64_t now, int64_t skew)
{
    if (token->has_nbf
        && (token->nbf > now + skew
            || (token->has_exp && token->nbf > token->exp)))
    {
        return "time:not-yet";
    }

    return token->has_exp && token->exp < now - skew ? "time:expired" : NULL;
}


int
wgw_token_id(const wgw_token_t *token, uint8_t id[WGW_TOKEN_ID])
{
    return wgw_sha256(token->signed_part.data, token->signed_part.len, id);
}


int
wgw_token_cid(const wgw_token_t *token, uint8_t cid[WGW_TOKEN_CID])
{
    return wgw_token_digest(cid, token->bytes.data, token->bytes.len);
}


int
wgw_token_twin(const wgw_token_t *token, uint8_t cid[WGW_TOKEN_CID])
{
    size_t   at;
    uint8_t  twin[WGW_TOKEN_MAX];

    if (token->algorithm != WGW_VARSIG_P256
        || token->signature.len != WGW_P256_SIGNATURE)
    {
        return -1;
    }

    memcpy(twin, token->bytes.data, token->bytes.len);

    at = (size_t) (token->signature.data - token->bytes.data);
    wgw_p256_twin(twin + at, (const uint8_t *) token->signature.data);

    return wgw_token_digest(cid, twin, token->bytes.len);
}


static int
wgw_token_digest(uint8_t cid[WGW_TOKEN_CID], const void *data, size_t len)
{
    static const uint8_t  prefix[] = { 0x01, 0x71, 0x12, 0x20 };

    memcpy(cid, prefix, sizeof(prefix));

    return wgw_sha256(data, len, cid + sizeof(prefix));
}


int
wgw_token_covers(wgw_text_t wide, wgw_text_t narrow)
{
    if (wide.len == 1) {
        return 1;
    }

    return narrow.len >= wide.len
           && memcmp(narrow.data, wide.data, wide.len) == 0
           && (narrow.len == wide.len || narrow.data[wide.len] == '/');
}
