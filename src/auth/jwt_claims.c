
#include "auth/jwt_claims.h"
#include "format/json.h"

#include <string.h>


/* Claims being read by the JSON parser: its strings are copied. */
typedef struct {
    wgw_jwt_t   *jwt;
    char        *pos;
} claims_reader_t;


/* What is left of claims being read without it. */
typedef struct {
    const char  *pos;
    const char  *end;
} claims_scan_t;


static int claims_fast(wgw_jwt_t *jwt, wgw_text_t claims);
static int claims_fast_aud(wgw_jwt_t *jwt, claims_scan_t *scan);
static int claims_literal(claims_scan_t *scan, wgw_text_t literal);
static int claims_number(claims_scan_t *scan, uint64_t *number);
static int claims_string(claims_scan_t *scan, wgw_text_t *string);
static inline int claims_plain(const char *eight);
static int claims_slow(wgw_jwt_t *jwt, wgw_text_t claims, char *buffer);
static const char *claims_copy(claims_reader_t *reader, wgw_text_t text,
    wgw_text_t *copy);
static const char *claims_set_exp(void *data, const wgw_json_value_t *value);
static const char *claims_set_iat(void *data, const wgw_json_value_t *value);
static const char *claims_set_nbf(void *data, const wgw_json_value_t *value);
static const char *claims_set_sub(void *data, const wgw_json_value_t *value);
static const char *claims_set_jti(void *data, const wgw_json_value_t *value);
static const char *claims_set_aud(void *data, const wgw_json_value_t *value);
static const char *claims_set_uses(void *data, const wgw_json_value_t *value);


static const wgw_json_member_t  claims_members[] = {
    { "exp", WGW_JSON_SECONDS, 1, claims_set_exp },
    { "iat", WGW_JSON_SECONDS, 1, claims_set_iat },
    { "nbf", WGW_JSON_SECONDS, 1, claims_set_nbf },
    { "sub", WGW_JSON_STRING, 1, claims_set_sub },
    { "jti", WGW_JSON_STRING, 1, claims_set_jti },
    { "aud", WGW_JSON_STRINGS, 1, claims_set_aud },
    { "uses", WGW_JSON_NUMBER, 1, claims_set_uses }
};


/* In the order that claims_fast() reads. */

void
wgw_jwt_claims_write(const wgw_jwt_t *jwt, wgw_out_t *out)
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


int
wgw_jwt_claims_read(wgw_jwt_t *jwt, wgw_text_t claims, char *buffer)
{
    return claims_fast(jwt, claims) ? 0
                                     : claims_slow(jwt, claims, buffer);
}


/* 1 when these were claims in our own layout, all of them. */

static int
claims_fast(wgw_jwt_t *jwt, wgw_text_t claims)
{
    claims_scan_t  scan;

    jwt->nbf = 0;
    jwt->naud = 0;
    jwt->has_iat = 1;
    jwt->has_exp = 1;
    jwt->has_uses = 0;

    scan.pos = claims.data;
    scan.end = claims.data + claims.len;

    if (!claims_literal(&scan, wgw_text("{\"iat\":"))
        || !claims_number(&scan, &jwt->iat)
        || !claims_literal(&scan, wgw_text(",\"exp\":"))
        || !claims_number(&scan, &jwt->exp)
        || !claims_literal(&scan, wgw_text(",\"sub\":\""))
        || !claims_string(&scan, &jwt->sub)
        || !claims_literal(&scan, wgw_text(",\"jti\":\""))
        || !claims_string(&scan, &jwt->jti))
    {
        return 0;
    }

    if (claims_literal(&scan, wgw_text(",\"aud\":"))
        && !claims_fast_aud(jwt, &scan))
    {
        return 0;
    }

    if (claims_literal(&scan, wgw_text(",\"uses\":"))) {
        jwt->has_uses = 1;

        if (!claims_number(&scan, &jwt->uses)) {
            return 0;
        }
    }

    return claims_literal(&scan, wgw_text("}")) && scan.pos == scan.end;
}


static int
claims_fast_aud(wgw_jwt_t *jwt, claims_scan_t *scan)
{
    if (claims_literal(scan, wgw_text("\""))) {
        jwt->naud = 1;
        return claims_string(scan, &jwt->aud[0]);
    }

    if (!claims_literal(scan, wgw_text("["))) {
        return 0;
    }

    do {
        if (jwt->naud == WGW_JWT_AUD
            || !claims_literal(scan, wgw_text("\""))
            || !claims_string(scan, &jwt->aud[jwt->naud++]))
        {
            return 0;
        }

    } while (claims_literal(scan, wgw_text(",")));

    return claims_literal(scan, wgw_text("]"));
}


static int
claims_literal(claims_scan_t *scan, wgw_text_t literal)
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
claims_number(claims_scan_t *scan, uint64_t *number)
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
claims_string(claims_scan_t *scan, wgw_text_t *string)
{
    const char  *p;

    string->data = scan->pos;

    p = scan->pos;

    while (scan->end - p >= 8 && claims_plain(p)) {
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
claims_plain(const char *eight)
{
    uint64_t  w, bad;

    const uint64_t  ones = UINT64_C(0x0101010101010101);

    memcpy(&w, eight, sizeof(w));

    bad = w | (w - ones * 0x20) | ((w ^ ones * 0x7f) - ones)
          | ((w ^ ones * '"') - ones) | ((w ^ ones * '\\') - ones);

    return (bad & ones * 0x80) == 0;
}


/* The strings of the claims fit where they are copied: none grows. */

static int
claims_slow(wgw_jwt_t *jwt, wgw_text_t claims, char *buffer)
{
    int               rc;
    uint32_t          seen;
    wgw_json_error_t  error;
    claims_reader_t   reader;

    memset(jwt, 0, sizeof(wgw_jwt_t));

    reader.jwt = jwt;
    reader.pos = buffer;

    rc = wgw_json_read_open(claims, claims_members,
                            sizeof(claims_members)
                            / sizeof(claims_members[0]),
                            &reader, &seen, &error);

    if (rc != 0) {
        return -1;
    }

    jwt->has_exp = seen & 1;

    /* an empty array is for nobody: only who has no aud is for all */

    return (seen & 1u << 5) && jwt->naud == 0 ? -1 : 0;
}


/* The texts go to logs and headers; yajl lets some bad UTF-8 through. */

static const char *
claims_copy(claims_reader_t *reader, wgw_text_t text, wgw_text_t *copy)
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
claims_set_exp(void *data, const wgw_json_value_t *value)
{
    claims_reader_t  *reader = data;

    reader->jwt->exp = value->number;

    return NULL;
}


static const char *
claims_set_iat(void *data, const wgw_json_value_t *value)
{
    claims_reader_t  *reader = data;

    reader->jwt->iat = value->number;
    reader->jwt->has_iat = 1;

    return NULL;
}


static const char *
claims_set_nbf(void *data, const wgw_json_value_t *value)
{
    claims_reader_t  *reader = data;

    reader->jwt->nbf = value->number + value->truth;

    return NULL;
}


static const char *
claims_set_sub(void *data, const wgw_json_value_t *value)
{
    claims_reader_t  *reader = data;

    return claims_copy(reader, value->text, &reader->jwt->sub);
}


static const char *
claims_set_jti(void *data, const wgw_json_value_t *value)
{
    claims_reader_t  *reader = data;

    return claims_copy(reader, value->text, &reader->jwt->jti);
}


static const char *
claims_set_aud(void *data, const wgw_json_value_t *value)
{
    wgw_jwt_t        *jwt;
    claims_reader_t  *reader = data;

    jwt = reader->jwt;

    if (jwt->naud == WGW_JWT_AUD) {
        return "are more than 32";
    }

    return claims_copy(reader, value->text, &jwt->aud[jwt->naud++]);
}


static const char *
claims_set_uses(void *data, const wgw_json_value_t *value)
{
    claims_reader_t  *reader = data;

    reader->jwt->uses = value->number;
    reader->jwt->has_uses = 1;

    return NULL;
}
