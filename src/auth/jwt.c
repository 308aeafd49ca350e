
/*
 * jwt: see jwt.h.
 */

#include "format/base64url.h"
#include "format/hex.h"
#include "format/json.h"
#include "auth/jwt.h"

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


/* Claims being read by the JSON parser: its strings are copied. */
typedef struct {
    wgw_jwt_t   *jwt;
    char        *pos;
} wgw_jwt_reader_t;


/* What is left of claims being read without it. */
typedef struct {
    const char  *pos;
    const char  *end;
} wgw_jwt_scan_t;


static void wgw_jwt_claims(const wgw_jwt_t *jwt, wgw_out_t *out);
static int wgw_jwt_split(wgw_jwt_parts_t *parts, wgw_text_t token);
static wgw_jwt_status_t wgw_jwt_header(wgw_text_t header, wgw_jwt_kid_t *kid,
    char *buffer);
static const char *wgw_jwt_set_alg(void *data, const wgw_json_value_t *value);
static const char *wgw_jwt_set_typ(void *data, const wgw_json_value_t *value);
static const char *wgw_jwt_set_kid(void *data, const wgw_json_value_t *value);
static const char *wgw_jwt_set_crit(void *data,
    const wgw_json_value_t *value);
static wgw_jwt_status_t wgw_jwt_mac(const wgw_jwt_parts_t *parts,
    const wgw_jwt_key_t *keys, size_t n, const wgw_jwt_kid_t *kid);
static int wgw_jwt_fast(wgw_jwt_t *jwt, wgw_text_t claims);
static int wgw_jwt_fast_aud(wgw_jwt_t *jwt, wgw_jwt_scan_t *scan);
static int wgw_jwt_literal(wgw_jwt_scan_t *scan, wgw_text_t literal);
static int wgw_jwt_number(wgw_jwt_scan_t *scan, uint64_t *number);
static int wgw_jwt_string(wgw_jwt_scan_t *scan, wgw_text_t *string);
static inline int wgw_jwt_plain(const char *eight);
static wgw_jwt_status_t wgw_jwt_slow(wgw_jwt_t *jwt, wgw_text_t claims,
    char *buffer);
static const char *wgw_jwt_copy(wgw_jwt_reader_t *reader, wgw_text_t text,
    wgw_text_t *copy);
static const char *wgw_jwt_set_exp(void *data, const wgw_json_value_t *value);
static const char *wgw_jwt_set_iat(void *data, const wgw_json_value_t *value);
static const char *wgw_jwt_set_nbf(void *data, const wgw_json_value_t *value);
static const char *wgw_jwt_set_sub(void *data, const wgw_json_value_t *value);
static const char *wgw_jwt_set_jti(void *data, const wgw_json_value_t *value);
static const char *wgw_jwt_set_aud(void *data, const wgw_json_value_t *value);
static const char *wgw_jwt_set_uses(void *data,
    const wgw_json_value_t *value);
static wgw_jwt_status_t wgw_jwt_judge(wgw_jwt_t *jwt, int64_t now,
    unsigned bare);


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


static const wgw_json_member_t  wgw_jwt_claim_members[] = {
    { "exp", WGW_JSON_SECONDS, 1, wgw_jwt_set_exp },
    { "iat", WGW_JSON_SECONDS, 1, wgw_jwt_set_iat },
    { "nbf", WGW_JSON_SECONDS, 1, wgw_jwt_set_nbf },
    { "sub", WGW_JSON_STRING, 1, wgw_jwt_set_sub },
    { "jti", WGW_JSON_STRING, 1, wgw_jwt_set_jti },
    { "aud", WGW_JSON_STRINGS, 1, wgw_jwt_set_aud },
    { "uses", WGW_JSON_NUMBER, 1, wgw_jwt_set_uses }
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
    wgw_jwt_claims(jwt, &part);

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


/* In the order that wgw_jwt_fast() reads. */

static void
wgw_jwt_claims(const wgw_jwt_t *jwt, wgw_out_t *out)
{
    size_t  i;

    wgw_out_str(out, "{\"iat\":");
    wgw_out_uint(out, jwt->iat);
    wgw_out_str(out, ",\"exp\":");
    wgw_out_uint(out, jwt->exp);
    wgw_out_str(out, ",\"sub\":");
    wgw_out_json(out, jwt->sub);
    wgw_out_str(out, ",\"jti\":");
    wgw_out_json(out, jwt->jti);

    if (jwt->naud) {
        wgw_out_str(out, ",\"aud\":");
        wgw_out_str(out, jwt->naud > 1 ? "[" : "");

        for (i = 0; i < jwt->naud; i++) {
            wgw_out_str(out, i ? "," : "");
            wgw_out_json(out, jwt->aud[i]);
        }

        wgw_out_str(out, jwt->naud > 1 ? "]" : "");
    }

    if (jwt->has_uses) {
        wgw_out_str(out, ",\"uses\":");
        wgw_out_uint(out, jwt->uses);
    }

    wgw_out_str(out, "}");
}


wgw_jwt_status_t
wgw_jwt_check(wgw_jwt_t *jwt, wgw_text_t token, const wgw_jwt_key_t *keys,
    size_t n, int64_t now, unsigned bare, char *buffer)
{
    size_t             len;
    wgw_text_t         claims;
    wgw_jwt_kid_t      kid;
    wgw_jwt_parts_t    parts;
    wgw_jwt_status_t   status;

    if (wgw_jwt_split(&parts, token) != 0) {
        return WGW_JWT_MALFORMED;
    }

    kid.given = 0;

    if (!wgw_text_equal(parts.header, wgw_jwt_usual)) {
        status = wgw_jwt_header(parts.header, &kid, buffer);

        if (status != WGW_JWT_OK) {
            return status;
        }
    }

    status = wgw_jwt_mac(&parts, keys, n, &kid);

    if (status != WGW_JWT_OK) {
        return status;
    }

    if (wgw_base64url_decode(buffer, &len, parts.claims) != 0) {
        return WGW_JWT_MALFORMED;
    }

    claims.data = buffer;
    claims.len = len;

    if (!wgw_jwt_fast(jwt, claims)) {
        status = wgw_jwt_slow(jwt, claims, buffer + len);

        if (status != WGW_JWT_OK) {
            return status;
        }
    }

    return wgw_jwt_judge(jwt, now, bare);
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


static wgw_jwt_status_t
wgw_jwt_mac(const wgw_jwt_parts_t *parts, const wgw_jwt_key_t *keys, size_t n,
    const wgw_jwt_kid_t *kid)
{
    size_t      i, len;
    uint8_t     mac[WGW_HMAC_SIZE], given[WGW_BASE64URL_BYTES(WGW_JWT_MAC)];
    wgw_text_t  name = { kid->text, kid->given ? kid->len : 0 };

    _Static_assert(sizeof(given) == WGW_HMAC_SIZE, "a whole MAC");

    /* another length is another algorithm's, or none's: never ours */

    if (parts->mac.len != WGW_JWT_MAC) {
        return WGW_JWT_SIGNATURE;
    }

    if (wgw_base64url_decode(given, &len, parts->mac) != 0) {
        return WGW_JWT_MALFORMED;
    }

    for (i = 0; i < n; i++) {

        if (kid->given && !wgw_text_equal(keys[i].kid, name)) {
            continue;
        }

        wgw_hmac(&keys[i].hmac, mac, parts->signed_part.data,
                 parts->signed_part.len);

        if (wgw_hmac_equal(mac, given)) {
            return WGW_JWT_OK;
        }
    }

    return WGW_JWT_SIGNATURE;
}


/* 1 when these were claims in our own layout, all of them. */

static int
wgw_jwt_fast(wgw_jwt_t *jwt, wgw_text_t claims)
{
    wgw_jwt_scan_t  scan;

    jwt->nbf = 0;
    jwt->naud = 0;
    jwt->has_iat = 1;
    jwt->has_uses = 0;

    scan.pos = claims.data;
    scan.end = claims.data + claims.len;

    if (!wgw_jwt_literal(&scan, wgw_text("{\"iat\":"))
        || !wgw_jwt_number(&scan, &jwt->iat)
        || !wgw_jwt_literal(&scan, wgw_text(",\"exp\":"))
        || !wgw_jwt_number(&scan, &jwt->exp)
        || !wgw_jwt_literal(&scan, wgw_text(",\"sub\":\""))
        || !wgw_jwt_string(&scan, &jwt->sub)
        || !wgw_jwt_literal(&scan, wgw_text(",\"jti\":\""))
        || !wgw_jwt_string(&scan, &jwt->jti))
    {
        return 0;
    }

    if (wgw_jwt_literal(&scan, wgw_text(",\"aud\":"))
        && !wgw_jwt_fast_aud(jwt, &scan))
    {
        return 0;
    }

    if (wgw_jwt_literal(&scan, wgw_text(",\"uses\":"))) {
        jwt->has_uses = 1;

        if (!wgw_jwt_number(&scan, &jwt->uses)) {
            return 0;
        }
    }

    return wgw_jwt_literal(&scan, wgw_text("}")) && scan.pos == scan.end;
}


static int
wgw_jwt_fast_aud(wgw_jwt_t *jwt, wgw_jwt_scan_t *scan)
{
    if (wgw_jwt_literal(scan, wgw_text("\""))) {
        jwt->naud = 1;
        return wgw_jwt_string(scan, &jwt->aud[0]);
    }

    if (!wgw_jwt_literal(scan, wgw_text("["))) {
        return 0;
    }

    do {
        if (jwt->naud == WGW_JWT_AUD
            || !wgw_jwt_literal(scan, wgw_text("\""))
            || !wgw_jwt_string(scan, &jwt->aud[jwt->naud++]))
        {
            return 0;
        }

    } while (wgw_jwt_literal(scan, wgw_text(",")));

    return wgw_jwt_literal(scan, wgw_text("]"));
}


static int
wgw_jwt_literal(wgw_jwt_scan_t *scan, wgw_text_t literal)
{
    if ((size_t) (scan->end - scan->pos) < literal.len
        || memcmp(scan->pos, literal.data, literal.len) != 0)
    {
        return 0;
    }

    scan->pos += literal.len;

    return 1;
}


/* As JSON has it: no leading zero.  16 digits are more than 2^53. */

static int
wgw_jwt_number(wgw_jwt_scan_t *scan, uint64_t *number)
{
    size_t       len;
    uint64_t     n;
    const char  *p;

    n = 0;

    for (p = scan->pos; p < scan->end && *p >= '0' && *p <= '9'; p++) {

        if (p - scan->pos == 16) {
            return 0;
        }

        n = n * 10 + (uint64_t) (*p - '0');
    }

    len = (size_t) (p - scan->pos);

    if (len == 0 || (len > 1 && *scan->pos == '0')
        || n > WGW_JSON_NUMBER_MAX)
    {
        return 0;
    }

    scan->pos = p;
    *number = n;

    return 1;
}


/* Behind the first quote: printable ASCII, no escape; and the second one. */

static int
wgw_jwt_string(wgw_jwt_scan_t *scan, wgw_text_t *string)
{
    const char  *p;

    string->data = scan->pos;

    p = scan->pos;

    while (scan->end - p >= 8 && wgw_jwt_plain(p)) {
        p += 8;
    }

    for ( /* void */ ; p < scan->end; p++) {

        if (*p == '"') {
            string->len = (size_t) (p - scan->pos);
            scan->pos = p + 1;
            return 1;
        }

        if (*p == '\\' || (uint8_t) *p < 0x20 || (uint8_t) *p >= 0x7f) {
            return 0;
        }
    }

    return 0;
}


/*
 * 1 when eight bytes are all printable ASCII, no quote, no backslash.  A byte
 * below what is subtracted from it borrows, which sets its high bit; others
 * get theirs only from a borrow below them.
 */

static inline int
wgw_jwt_plain(const char *eight)
{
    uint64_t  w, bad;

    const uint64_t  ones = UINT64_C(0x0101010101010101);

    memcpy(&w, eight, sizeof(w));

    bad = w | (w - ones * 0x20) | ((w ^ ones * 0x7f) - ones)
          | ((w ^ ones * '"') - ones) | ((w ^ ones * '\\') - ones);

    return (bad & ones * 0x80) == 0;
}


/* The strings of the claims fit where they are copied: none grows. */

static wgw_jwt_status_t
wgw_jwt_slow(wgw_jwt_t *jwt, wgw_text_t claims, char *buffer)
{
    int                rc;
    uint32_t           seen;
    wgw_json_error_t   error;
    wgw_jwt_reader_t   reader;

    memset(jwt, 0, sizeof(wgw_jwt_t));

    reader.jwt = jwt;
    reader.pos = buffer;

    rc = wgw_json_read_open(claims, wgw_jwt_claim_members,
                            sizeof(wgw_jwt_claim_members)
                            / sizeof(wgw_jwt_claim_members[0]),
                            &reader, &seen, &error);

    if (rc != 0) {
        return WGW_JWT_CLAIMS;
    }

    /* an empty array is for nobody: only who has no aud is for all */

    if ((seen & 1u << 5) && jwt->naud == 0) {
        return WGW_JWT_CLAIMS;
    }

    return (seen & 1) ? WGW_JWT_OK : WGW_JWT_NO_EXP;
}


/* The texts go to logs and headers; yajl lets some bad UTF-8 through. */

static const char *
wgw_jwt_copy(wgw_jwt_reader_t *reader, wgw_text_t text, wgw_text_t *copy)
{
    if (!wgw_text_printable(text)) {
        return "is not printable text";
    }

    copy->data = reader->pos;
    copy->len = text.len;

    memcpy(reader->pos, text.data, text.len);
    reader->pos += text.len;

    return NULL;
}


static const char *
wgw_jwt_set_exp(void *data, const wgw_json_value_t *value)
{
    wgw_jwt_reader_t  *reader = data;

    reader->jwt->exp = value->number;

    return NULL;
}


static const char *
wgw_jwt_set_iat(void *data, const wgw_json_value_t *value)
{
    wgw_jwt_reader_t  *reader = data;

    reader->jwt->iat = value->number;
    reader->jwt->has_iat = 1;

    return NULL;
}


static const char *
wgw_jwt_set_nbf(void *data, const wgw_json_value_t *value)
{
    wgw_jwt_reader_t  *reader = data;

    reader->jwt->nbf = value->number + value->truth;

    return NULL;
}


static const char *
wgw_jwt_set_sub(void *data, const wgw_json_value_t *value)
{
    wgw_jwt_reader_t  *reader = data;

    return wgw_jwt_copy(reader, value->text, &reader->jwt->sub);
}


static const char *
wgw_jwt_set_jti(void *data, const wgw_json_value_t *value)
{
    wgw_jwt_reader_t  *reader = data;

    return wgw_jwt_copy(reader, value->text, &reader->jwt->jti);
}


static const char *
wgw_jwt_set_aud(void *data, const wgw_json_value_t *value)
{
    wgw_jwt_t         *jwt;
    wgw_jwt_reader_t  *reader = data;

    jwt = reader->jwt;

    if (jwt->naud == WGW_JWT_AUD) {
        return "are more than 32";
    }

    return wgw_jwt_copy(reader, value->text, &jwt->aud[jwt->naud++]);
}


static const char *
wgw_jwt_set_uses(void *data, const wgw_json_value_t *value)
{
    wgw_jwt_reader_t  *reader = data;

    reader->jwt->uses = value->number;
    reader->jwt->has_uses = 1;

    return NULL;
}


static wgw_jwt_status_t
wgw_jwt_judge(wgw_jwt_t *jwt, int64_t now, unsigned bare)
{
    uint64_t    clock;
    wgw_text_t  digits;

    clock = now > 0 ? (uint64_t) now : 0;

    if (clock >= jwt->exp) {
        return WGW_JWT_EXPIRED;
    }

    if (clock < jwt->nbf) {
        return WGW_JWT_NOT_YET;
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
