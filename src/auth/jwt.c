
/*
 * jwt: see jwt.h.
 */

#include "auth/jwt.h"
#include "format/base64url.h"
#include "format/hex.h"
#include "format/json.h"

#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>


#define WGW_JWT_MAC      43         /* of 32 bytes in base64url */
#define WGW_JWT_HEADER   1024


typedef struct {
    wgw_text_t   header;
    wgw_text_t   claims;
    wgw_text_t   mac;
    wgw_text_t   signed_part;       /* header.claims */
} wgw_jwt_parts_t;


typedef struct {
    char         text[WGW_JWT_KID];
    size_t       len;
    unsigned     given:1;
} wgw_jwt_kid_t;


static int wgw_jwt_split(wgw_jwt_parts_t *parts, wgw_text_t token);
static wgw_jwt_status_t wgw_jwt_header(wgw_text_t header, wgw_jwt_kid_t *kid,
    char *buffer);
static const char *wgw_jwt_set_alg(void *data, const wgw_json_value_t *value);
static const char *wgw_jwt_set_typ(void *data, const wgw_json_value_t *value);
static const char *wgw_jwt_set_kid(void *data, const wgw_json_value_t *value);
static const char *wgw_jwt_set_crit(void *data,
    const wgw_json_value_t *value);
static wgw_memo_rc_t wgw_jwt_known(wgw_jwt_t *jwt, const wgw_memo_t *memo,
    const wgw_jwt_key_t *keys, size_t n, const wgw_jwt_kid_t *kid,
    char *buffer);
static wgw_jwt_status_t wgw_jwt_read(wgw_jwt_t *jwt,
    const wgw_jwt_parts_t *parts, char *buffer);
static int wgw_jwt_meant(const wgw_jwt_key_t *key, const wgw_jwt_kid_t *kid);
static wgw_jwt_status_t wgw_jwt_mac(const wgw_jwt_parts_t *parts,
    const wgw_jwt_key_t *keys, size_t n, const wgw_jwt_kid_t *kid,
    uint64_t *number);
static wgw_jwt_status_t wgw_jwt_judge(wgw_jwt_t *jwt, int64_t now,
    unsigned bare);
static wgw_jwt_status_t wgw_jwt_now(const wgw_jwt_t *jwt, int64_t now);


/* {"alg":"HS256","typ":"JWT"}, which nearly all tokens have */

static const wgw_text_t  wgw_jwt_usual = {
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", 36
};


static const wgw_json_member_t  wgw_jwt_header_members[] = {
    { "alg", WGW_JSON_STRING, 1, wgw_jwt_set_alg },
    { "typ", WGW_JSON_STRING, 1, wgw_jwt_set_typ },
    { "kid", WGW_JSON_STRING, 1, wgw_jwt_set_kid },
    { "crit", WGW_JSON_STRINGS, 1, wgw_jwt_set_crit }
};


static const struct {
    const char  *reason;
    const char  *phrase;
} wgw_jwt_texts[] = {
    { "ok", "is valid" },
    { "malformed", "is malformed" },
    { "algorithm", "is not signed with HS256" },
    { "critical", "has a critical header, none of which is known" },
    { "signature", "has a wrong signature" },
    { "claims", "has invalid claims" },
    { "no_exp", "does not say when it expires" },
    { "expired", "has expired" },
    { "not_yet", "is not yet valid" },
    { "bare", "does not say for whom it is" }
};


int
wgw_jwt_id(char id[WGW_JWT_ID])
{
    uint8_t    bytes[16];
    wgw_out_t  out;

    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return -1;
    }

    wgw_out_init(&out, id, WGW_JWT_ID);
    wgw_base64url_encode(&out, bytes, sizeof(bytes));

    return 0;
}


int
wgw_jwt_mint(const wgw_jwt_t *jwt, const wgw_jwt_key_t *key, wgw_out_t *out)
{
    char       *start, json[WGW_BASE64URL_BYTES(WGW_JWT_MAX)];
    uint8_t     mac[WGW_HMAC_SIZE];
    wgw_out_t   part;

    start = out->pos;

    if (key->kid.len == 0) {
        wgw_out_bytes(out, wgw_jwt_usual.data, wgw_jwt_usual.len);

    } else {
        wgw_out_init(&part, json, sizeof(json));
        wgw_out_str(&part, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":");
        wgw_out_json(&part, key->kid);
        wgw_out_str(&part, "}");
        wgw_base64url_encode(out, json, (size_t) (part.pos - part.start));
    }

    wgw_out_init(&part, json, sizeof(json));
    wgw_jwt_claims_write(jwt, &part);

    if (part.overflow) {
        return -1;
    }

    wgw_out_str(out, ".");
    wgw_base64url_encode(out, json, (size_t) (part.pos - part.start));

    wgw_hmac(&key->hmac, mac, start, (size_t) (out->pos - start));

    wgw_out_str(out, ".");
    wgw_base64url_encode(out, mac, sizeof(mac));

    return (out->overflow || out->pos - start > WGW_JWT_MAX) ? -1 : 0;
}


wgw_jwt_status_t
wgw_jwt_check(wgw_jwt_t *jwt, wgw_text_t token, const wgw_jwt_key_t *keys,
    size_t n, int64_t now, unsigned bare, char *buffer)
{
    uint64_t           number;
    wgw_memo_t         memo;
    wgw_jwt_kid_t      kid;
    wgw_memo_rc_t      known;
    wgw_jwt_parts_t    parts;
    wgw_jwt_status_t   status;

    if (wgw_jwt_split(&parts, token) != 0) {
        return WGW_JWT_MALFORMED;
    }

    number = 0;
    kid.given = 0;

    if (!wgw_text_equal(parts.header, wgw_jwt_usual)) {
        status = wgw_jwt_header(parts.header, &kid, buffer);

        if (status != WGW_JWT_OK) {
            return status;
        }
    }

    memo = wgw_memo(token);
    known = wgw_jwt_known(jwt, &memo, keys, n, &kid, buffer);

    if (known == WGW_MEMO_READ) {
        return wgw_jwt_now(jwt, now);
    }

    if (known == WGW_MEMO_NONE) {
        status = wgw_jwt_mac(&parts, keys, n, &kid, &number);

        if (status != WGW_JWT_OK) {
            return status;
        }
    }

    status = wgw_jwt_read(jwt, &parts, buffer);

    if (status == WGW_JWT_OK) {
        status = wgw_jwt_judge(jwt, now, bare);
    }

    if (status == WGW_JWT_OK && known == WGW_MEMO_NONE) {
        wgw_memo_put(&memo, number, jwt);
    }

    return status;
}


int
wgw_jwt_serves(const wgw_jwt_t *jwt, wgw_text_t service)
{
    size_t  i;

    for (i = 0; i < jwt->naud; i++) {

        if (wgw_text_equal(jwt->aud[i], service)) {
            return 1;
        }
    }

    return 0;
}


const char *
wgw_jwt_reason(wgw_jwt_status_t status)
{
    return wgw_jwt_texts[status].reason;
}


const char *
wgw_jwt_phrase(wgw_jwt_status_t status)
{
    return wgw_jwt_texts[status].phrase;
}


/* header.claims.mac; a fourth part would be found in the mac */

static int
wgw_jwt_split(wgw_jwt_parts_t *parts, wgw_text_t token)
{
    const char  *dot, *second;

    if (token.len == 0 || token.len > WGW_JWT_MAX) {
        return -1;
    }

    dot = memchr(token.data, '.', token.len);

    if (dot == NULL) {
        return -1;
    }

    parts->header.data = token.data;
    parts->header.len = (size_t) (dot - token.data);

    parts->claims.data = dot + 1;
    parts->claims.len = token.len - parts->header.len - 1;

    second = parts->claims.len ? memchr(dot + 1, '.', parts->claims.len)
                               : NULL;

    if (second == NULL) {
        return -1;
    }

    parts->claims.len = (size_t) (second - dot - 1);

    parts->signed_part.data = token.data;
    parts->signed_part.len = (size_t) (second - token.data);

    parts->mac.data = second + 1;
    parts->mac.len = token.len - parts->signed_part.len - 1;

    return 0;
}


static wgw_jwt_status_t
wgw_jwt_header(wgw_text_t header, wgw_jwt_kid_t *kid, char *buffer)
{
    int                rc;
    size_t             len;
    uint32_t           seen;
    wgw_text_t         json;
    wgw_json_error_t   error;

    if (header.len > WGW_JWT_HEADER
        || wgw_base64url_decode(buffer, &len, header) != 0)
    {
        return WGW_JWT_MALFORMED;
    }

    json.data = buffer;
    json.len = len;

    rc = wgw_json_read_open(json, wgw_jwt_header_members,
                            sizeof(wgw_jwt_header_members)
                            / sizeof(wgw_jwt_header_members[0]),
                            kid, &seen, &error);

    if (rc != 0) {
        return strcmp(error.field, "alg") == 0 ? WGW_JWT_ALGORITHM
                                               : WGW_JWT_MALFORMED;
    }

    if (seen & 8) {
        return WGW_JWT_CRITICAL;
    }

    return (seen & 1) ? WGW_JWT_OK : WGW_JWT_ALGORITHM;
}


static const char *
wgw_jwt_set_alg(void *data, const wgw_json_value_t *value)
{
    (void) data;

    return wgw_text_equal(value->text, wgw_text("HS256")) ? NULL
                                                          : "is not HS256";
}


static const char *
wgw_jwt_set_typ(void *data, const wgw_json_value_t *value)
{
    wgw_text_t  type;

    (void) data;

    /* a media type, which has no case, and may leave out "application/" */

    type = value->text;

    if (type.len > 12 && strncasecmp(type.data, "application/", 12) == 0) {
        type.data += 12;
        type.len -= 12;
    }

    return type.len == 3 && strncasecmp(type.data, "JWT", 3) == 0
           ? NULL : "is not JWT";
}


static const char *
wgw_jwt_set_kid(void *data, const wgw_json_value_t *value)
{
    wgw_jwt_kid_t  *kid = data;

    if (value->text.len > WGW_JWT_KID) {
        return "is longer than 64 bytes";
    }

    memcpy(kid->text, value->text.data, value->text.len);
    kid->len = value->text.len;
    kid->given = 1;

    return NULL;
}


/* that it is there is enough */

static const char *
wgw_jwt_set_crit(void *data, const wgw_json_value_t *value)
{
    (void) data;
    (void) value;

    return NULL;
}


/* What is remembered of it, by the keys that may have signed it. */

static wgw_memo_rc_t
wgw_jwt_known(wgw_jwt_t *jwt, const wgw_memo_t *memo,
    const wgw_jwt_key_t *keys, size_t n, const wgw_jwt_kid_t *kid,
    char *buffer)
{
    size_t         i;
    wgw_memo_rc_t  rc;

    for (i = 0; i < n; i++) {

        if (!wgw_jwt_meant(&keys[i], kid)) {
            continue;
        }

        rc = wgw_memo_get(memo, keys[i].number, jwt, buffer);

        if (rc != WGW_MEMO_NONE) {
            return rc;
        }
    }

    return WGW_MEMO_NONE;
}


static int
wgw_jwt_meant(const wgw_jwt_key_t *key, const wgw_jwt_kid_t *kid)
{
    wgw_text_t  name = { kid->text, kid->given ? kid->len : 0 };

    return !kid->given || wgw_text_equal(key->kid, name);
}


static wgw_jwt_status_t
wgw_jwt_mac(const wgw_jwt_parts_t *parts, const wgw_jwt_key_t *keys, size_t n,
    const wgw_jwt_kid_t *kid, uint64_t *number)
{
    size_t   i, len;
    uint8_t  mac[WGW_HMAC_SIZE], given[WGW_BASE64URL_BYTES(WGW_JWT_MAC)];

    _Static_assert(sizeof(given) == WGW_HMAC_SIZE, "a whole MAC");

    /* another length is another algorithm's, or none's: never ours */

    if (parts->mac.len != WGW_JWT_MAC) {
        return WGW_JWT_SIGNATURE;
    }

    if (wgw_base64url_decode(given, &len, parts->mac) != 0) {
        return WGW_JWT_MALFORMED;
    }

    for (i = 0; i < n; i++) {

        if (!wgw_jwt_meant(&keys[i], kid)) {
            continue;
        }

        wgw_hmac(&keys[i].hmac, mac, parts->signed_part.data,
                 parts->signed_part.len);

        if (wgw_hmac_equal(mac, given)) {
            *number = keys[i].number;
            return WGW_JWT_OK;
        }
    }

    return WGW_JWT_SIGNATURE;
}


static wgw_jwt_status_t
wgw_jwt_read(wgw_jwt_t *jwt, const wgw_jwt_parts_t *parts, char *buffer)
{
    size_t      len;
    wgw_text_t  claims;

    if (wgw_base64url_decode(buffer, &len, parts->claims) != 0) {
        return WGW_JWT_MALFORMED;
    }

    claims.data = buffer;
    claims.len = len;

    if (wgw_jwt_claims_read(jwt, claims, buffer + len) != 0) {
        return WGW_JWT_CLAIMS;
    }

    return jwt->has_exp ? WGW_JWT_OK : WGW_JWT_NO_EXP;
}


static wgw_jwt_status_t
wgw_jwt_now(const wgw_jwt_t *jwt, int64_t now)
{
    uint64_t  clock;

    clock = now > 0 ? (uint64_t) now : 0;

    if (clock >= jwt->exp) {
        return WGW_JWT_EXPIRED;
    }

    return clock < jwt->nbf ? WGW_JWT_NOT_YET : WGW_JWT_OK;
}


static wgw_jwt_status_t
wgw_jwt_judge(wgw_jwt_t *jwt, int64_t now, unsigned bare)
{
    wgw_text_t        digits;
    wgw_jwt_status_t  status;

    status = wgw_jwt_now(jwt, now);

    if (status != WGW_JWT_OK) {
        return status;
    }

    if (jwt->sub.data) {

        /* its capitals are as we wrote them: the MAC says so */

        if (jwt->sub.len != WGW_EIP55_LEN
            || memcmp(jwt->sub.data, "0x", 2) != 0)
        {
            return WGW_JWT_CLAIMS;
        }

        digits.data = jwt->sub.data + 2;
        digits.len = jwt->sub.len - 2;

        if (wgw_hex_decode(jwt->address, WGW_EIP55_BYTES, digits) != 0) {
            return WGW_JWT_CLAIMS;
        }
    }

    if (!bare && (jwt->sub.data == NULL || jwt->jti.data == NULL
                  || !jwt->has_iat))
    {
        return WGW_JWT_BARE;
    }

    return WGW_JWT_OK;
}
