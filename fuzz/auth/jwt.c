
/*
 * Tokens.  The input is once a token itself; once it is the claims of one
 * that is signed here, and then it must make no difference whether the JSON
 * parser reads them, to which a blank leads, or not.
 */

#include "format/base64url.h"
#include "auth/jwt.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


#define NOW  1767323045


static wgw_jwt_key_t  key;


/* Returns the room that the texts are in. */

static char *
check(wgw_jwt_t *jwt, wgw_text_t token, wgw_jwt_status_t *status)
{
    char              *buffer, *other;
    wgw_jwt_t          first;
    wgw_jwt_status_t   before;

    if (key.number == 0) {
        key.number = wgw_memo_key();
    }

    /* the second time it may be remembered, which changes nothing */

    other = malloc(WGW_JWT_BUFFER(token.len));
    before = wgw_jwt_check(&first, token, &key, 1, NOW, 1, other);

    buffer = malloc(WGW_JWT_BUFFER(token.len));
    *status = wgw_jwt_check(jwt, token, &key, 1, NOW, 1, buffer);

    assert(*status == before);
    assert(before != WGW_JWT_OK
           || (first.exp == jwt->exp && first.naud == jwt->naud
               && first.has_uses == jwt->has_uses
               && (first.sub.data == NULL
                   || (wgw_text_equal(first.sub, jwt->sub)
                       && memcmp(first.address, jwt->address,
                                 WGW_EIP55_BYTES) == 0))
               && (first.jti.data == NULL
                   || wgw_text_equal(first.jti, jwt->jti))
               && (first.naud == 0
                   || wgw_text_equal(first.aud[0], jwt->aud[0]))));

    free(other);

    return buffer;
}


static wgw_text_t
sign(char *buffer, size_t size, const char *blank, const uint8_t *claims,
    size_t len)
{
    char       *json;
    size_t      n;
    uint8_t     mac[WGW_HMAC_SIZE];
    wgw_out_t   out;
    wgw_text_t  token;

    n = strlen(blank);
    json = malloc(n + len);
    memcpy(json, blank, n);

    if (len) {
        memcpy(json + n, claims, len);
    }

    wgw_out_init(&out, buffer, size);
    wgw_out_str(&out, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.");
    wgw_base64url_encode(&out, json, n + len);
    wgw_hmac(&key.hmac, mac, out.start, (size_t) (out.pos - out.start));
    wgw_out_str(&out, ".");
    wgw_base64url_encode(&out, mac, sizeof(mac));
    assert(!out.overflow);

    free(json);

    token.data = out.start;
    token.len = (size_t) (out.pos - out.start);

    return token;
}


static void
same(const wgw_jwt_t *a, const wgw_jwt_t *b)
{
    size_t  i;

    assert(a->iat == b->iat && a->has_iat == b->has_iat);
    assert(a->exp == b->exp && a->nbf == b->nbf);
    assert(a->has_uses == b->has_uses);
    assert(!a->has_uses || a->uses == b->uses);
    assert((a->sub.data == NULL) == (b->sub.data == NULL));
    assert((a->jti.data == NULL) == (b->jti.data == NULL));
    assert(a->sub.data == NULL || wgw_text_equal(a->sub, b->sub));
    assert(a->sub.data == NULL
           || memcmp(a->address, b->address, sizeof(a->address)) == 0);
    assert(a->jti.data == NULL || wgw_text_equal(a->jti, b->jti));
    assert(a->naud == b->naud);

    for (i = 0; i < a->naud; i++) {
        assert(wgw_text_equal(a->aud[i], b->aud[i]));
        assert(wgw_jwt_serves(b, a->aud[i]));
    }
}


/* What was accepted can be minted, and is then read by the short way. */

static void
again(const wgw_jwt_t *jwt)
{
    char              *room, buffer[2 * WGW_JWT_MAX];
    wgw_jwt_t          copy;
    wgw_out_t          out;
    wgw_text_t         token;
    wgw_jwt_status_t   status;

    if (jwt->sub.data == NULL || jwt->jti.data == NULL || jwt->nbf) {
        return;
    }

    wgw_out_init(&out, buffer, sizeof(buffer));

    if (wgw_jwt_mint(jwt, &key, &out) != 0) {
        return;
    }

    token.data = out.start;
    token.len = (size_t) (out.pos - out.start);
    room = check(&copy, token, &status);

    assert(status == WGW_JWT_OK);

    copy.has_iat = jwt->has_iat;
    same(jwt, &copy);

    free(room);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char              *short_room, *long_room, *copy;
    char               one[2 * WGW_JWT_MAX], other[2 * WGW_JWT_MAX];
    wgw_jwt_t          by_short, by_long;
    wgw_text_t         token;
    wgw_jwt_status_t   short_status, long_status;

    wgw_hmac_init(&key.hmac, "secret", 6);

    copy = malloc(size);

    if (size) {
        memcpy(copy, data, size);
    }

    token.data = copy;
    token.len = size;
    free(check(&by_short, token, &short_status));
    free(copy);

    /* so long that the blank does not make one of them too long */

    if (size > WGW_BASE64URL_BYTES(WGW_JWT_MAX) - 100) {
        return 0;
    }

    token = sign(one, sizeof(one), "", data, size);
    short_room = check(&by_short, token, &short_status);

    token = sign(other, sizeof(other), " ", data, size);
    long_room = check(&by_long, token, &long_status);

    assert(short_status == long_status);

    if (short_status == WGW_JWT_OK) {
        same(&by_short, &by_long);
        again(&by_short);
    }

    free(long_room);
    free(short_room);

    return 0;
}
