
/*
 * Tokens, the MAC and the encoding they are made of.
 */

#include "t/unit/tap.h"
#include "format/base64url.h"
#include "format/hex.h"
#include "auth/jwt.h"

#include <stdlib.h>

#define DIN_TOKENS
#include "t/unit/auth/din.h"


#define NOW    1767323045
#define USUAL  "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define SUB    "\"sub\":\"" DIN_ADDRESS "\""
#define JTI    "\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA\""
#define TIMES  "\"iat\":1767323045,\"exp\":1767326645"
#define OURS   "{" TIMES "," SUB "," JTI


typedef struct {
    const char        *header;
    const char        *claims;
    wgw_jwt_status_t   status;
    wgw_jwt_status_t   bare;        /* when bare tokens are accepted */
    const char        *what;
} jwt_case_t;


static const jwt_case_t  cases[] = {
    { USUAL, OURS "}", WGW_JWT_OK, WGW_JWT_OK, "ours" },
    { USUAL, OURS ",\"aud\":\"eth\"}", WGW_JWT_OK, WGW_JWT_OK, "aud" },
    { USUAL, OURS ",\"aud\":[\"eth\",\"b\"],\"uses\":3}", WGW_JWT_OK,
      WGW_JWT_OK, "aud and uses" },
    { USUAL, OURS ",\"x\":{\"exp\":1}}", WGW_JWT_OK, WGW_JWT_OK,
      "more members" },
    { USUAL, OURS ",\"aud\":[]}", WGW_JWT_CLAIMS, WGW_JWT_CLAIMS,
      "field 11: for no service, which is not for all" },
    { USUAL, " { " TIMES " , " JTI " , " SUB " } ", WGW_JWT_OK, WGW_JWT_OK,
      "blanks and another order" },
    { "{\"typ\":\"JWT\",\"alg\":\"HS256\"}", OURS "}", WGW_JWT_OK,
      WGW_JWT_OK, "another order of the header" },
    { "{\"alg\":\"HS256\"}", OURS "}", WGW_JWT_OK, WGW_JWT_OK, "no typ" },
    { "{\"alg\":\"HS256\",\"x\":[1]}", OURS "}", WGW_JWT_OK, WGW_JWT_OK,
      "an unknown member of the header" },

    { USUAL, "{\"exp\":1767326645,\"iat\":1767323045}", WGW_JWT_BARE,
      WGW_JWT_OK, "P61: a Caddy provider's" },
    { USUAL, "{\"exp\":1767326645}", WGW_JWT_BARE, WGW_JWT_OK, "exp alone" },
    { USUAL, "{" TIMES "," SUB "}", WGW_JWT_BARE, WGW_JWT_OK, "no jti" },
    { USUAL, "{" TIMES "," JTI "}", WGW_JWT_BARE, WGW_JWT_OK, "no sub" },
    { USUAL, "{\"exp\":1767326645," SUB "," JTI "}", WGW_JWT_BARE,
      WGW_JWT_OK, "no iat" },

    { "{\"alg\":\"none\",\"typ\":\"JWT\"}", OURS "}", WGW_JWT_ALGORITHM,
      WGW_JWT_ALGORITHM, "P57: none" },
    { "{\"alg\":\"None\"}", OURS "}", WGW_JWT_ALGORITHM, WGW_JWT_ALGORITHM,
      "P57: None" },
    { "{\"alg\":\"RS256\"}", OURS "}", WGW_JWT_ALGORITHM, WGW_JWT_ALGORITHM,
      "P57: RS256" },
    { "{\"alg\":\"HS512\"}", OURS "}", WGW_JWT_ALGORITHM, WGW_JWT_ALGORITHM,
      "P60: HS512" },
    { "{\"alg\":\"hs256\"}", OURS "}", WGW_JWT_ALGORITHM, WGW_JWT_ALGORITHM,
      "hs256" },
    { "{\"alg\":[\"HS256\"]}", OURS "}", WGW_JWT_ALGORITHM,
      WGW_JWT_ALGORITHM, "an array" },
    { "{\"alg\":null}", OURS "}", WGW_JWT_ALGORITHM, WGW_JWT_ALGORITHM,
      "null" },
    { "{\"typ\":\"JWT\"}", OURS "}", WGW_JWT_ALGORITHM, WGW_JWT_ALGORITHM,
      "no alg" },
    { "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", OURS "}", WGW_JWT_ALGORITHM,
      WGW_JWT_ALGORITHM, "two alg" },
    { "{\"alg\":\"HS256\",\"typ\":\"JWE\"}", OURS "}", WGW_JWT_MALFORMED,
      WGW_JWT_MALFORMED, "another typ" },
    { "{\"alg\":\"HS256\",\"typ\":1}", OURS "}", WGW_JWT_MALFORMED,
      WGW_JWT_MALFORMED, "a number for typ" },
    { "{\"alg\":\"HS256\",\"crit\":[\"x\"],\"x\":1}", OURS "}",
      WGW_JWT_CRITICAL, WGW_JWT_CRITICAL, "P59: crit" },
    { "{\"alg\":\"HS256\",\"crit\":[]}", OURS "}", WGW_JWT_CRITICAL,
      WGW_JWT_CRITICAL, "an empty crit" },
    { "{\"alg\":\"HS256\",\"kid\":\"new\"}", OURS "}", WGW_JWT_SIGNATURE,
      WGW_JWT_SIGNATURE, "an unknown kid" },
    { "", OURS "}", WGW_JWT_MALFORMED, WGW_JWT_MALFORMED, "no header" },
    { "[]", OURS "}", WGW_JWT_MALFORMED, WGW_JWT_MALFORMED, "an array" },

    { USUAL, "{\"iat\":1767323045," SUB "," JTI "}", WGW_JWT_NO_EXP,
      WGW_JWT_NO_EXP, "P59: no exp" },
    { USUAL, "{}", WGW_JWT_NO_EXP, WGW_JWT_NO_EXP, "no claims" },
    { USUAL, "{\"iat\":1,\"exp\":0," SUB "," JTI "}", WGW_JWT_EXPIRED,
      WGW_JWT_EXPIRED, "P59: exp is 0" },
    { USUAL, "{\"iat\":1,\"exp\":1767323045," SUB "," JTI "}",
      WGW_JWT_EXPIRED, WGW_JWT_EXPIRED, "P58: exp is now" },
    { USUAL, "{\"iat\":1,\"exp\":1767323046," SUB "," JTI "}",
      WGW_JWT_OK, WGW_JWT_OK, "exp is in a second" },
    { USUAL, "{\"exp\":\"1767326645\"," SUB "," JTI "}", WGW_JWT_CLAIMS,
      WGW_JWT_CLAIMS, "P59: exp is a string" },
    { USUAL, "{\"exp\":1e400}", WGW_JWT_CLAIMS, WGW_JWT_CLAIMS,
      "P59: 1e400" },
    { USUAL, "{\"exp\":2e9}", WGW_JWT_BARE, WGW_JWT_OK,
      "field 11.21: an exponent" },
    { USUAL, "{\"exp\":1767326645.5}", WGW_JWT_BARE, WGW_JWT_OK,
      "field 11.21: a fraction" },
    { USUAL, "{\"exp\":-1}", WGW_JWT_CLAIMS, WGW_JWT_CLAIMS, "-1" },
    { USUAL, "{\"exp\":99999999999999999999}", WGW_JWT_CLAIMS,
      WGW_JWT_CLAIMS, "overflow" },
    { USUAL, "{\"iat\":1,\"exp\":01767326645," SUB "," JTI "}",
      WGW_JWT_CLAIMS, WGW_JWT_CLAIMS, "a leading zero, in our layout" },
    { USUAL, "{\"exp\":null}", WGW_JWT_CLAIMS, WGW_JWT_CLAIMS, "null" },
    { USUAL, "{\"exp\":[1767326645]}", WGW_JWT_CLAIMS, WGW_JWT_CLAIMS,
      "an array" },
    { USUAL, "{\"exp\":1767326645,\"exp\":1767326645}", WGW_JWT_CLAIMS,
      WGW_JWT_CLAIMS, "two exp" },
    { USUAL, "{" TIMES "," SUB "," JTI ",\"nbf\":1767323046}",
      WGW_JWT_NOT_YET, WGW_JWT_NOT_YET, "P59: nbf ahead" },
    { USUAL, "{" TIMES "," SUB "," JTI ",\"nbf\":1767323045}", WGW_JWT_OK,
      WGW_JWT_OK, "nbf is now" },
    { USUAL, "{" TIMES ",\"sub\":1," JTI "}", WGW_JWT_CLAIMS,
      WGW_JWT_CLAIMS, "sub is a number" },
    { USUAL, "{" TIMES ",\"sub\":\"me\"," JTI "}", WGW_JWT_CLAIMS,
      WGW_JWT_CLAIMS, "sub is no address" },
    { USUAL, "{" TIMES "," SUB ",\"jti\":[]}", WGW_JWT_CLAIMS,
      WGW_JWT_CLAIMS, "jti is an array" },
    { USUAL, OURS ",\"aud\":[1]}", WGW_JWT_CLAIMS, WGW_JWT_CLAIMS,
      "aud of numbers" },
    { USUAL, OURS ",\"aud\":\"a\",\"aud\":\"b\"}", WGW_JWT_CLAIMS,
      WGW_JWT_CLAIMS, "two aud" },
    { USUAL, "[{\"exp\":1767326645}]", WGW_JWT_CLAIMS, WGW_JWT_CLAIMS,
      "P59: claims are an array" },
    { USUAL, "", WGW_JWT_CLAIMS, WGW_JWT_CLAIMS, "nothing" },
    { USUAL, OURS "}x", WGW_JWT_CLAIMS, WGW_JWT_CLAIMS, "more behind" },
    { USUAL, OURS, WGW_JWT_CLAIMS, WGW_JWT_CLAIMS, "cut" },
    { USUAL, OURS ",\"aud\":\"\xff\"}", WGW_JWT_CLAIMS, WGW_JWT_CLAIMS,
      "no UTF-8" },
    { USUAL, OURS ",\"aud\":\"\xc0\xb5\"}", WGW_JWT_CLAIMS,
      WGW_JWT_CLAIMS, "an overlong form, which yajl takes" },
    { USUAL, OURS ",\"aud\":\"\x7f\"}", WGW_JWT_CLAIMS, WGW_JWT_CLAIMS,
      "a delete, in our layout" },
    { USUAL, "{" TIMES "," SUB ",\"jti\":\"a\\n\"}", WGW_JWT_CLAIMS,
      WGW_JWT_CLAIMS, "a line feed in jti" }
};


/* Compact forms that are broken as such. */
static const char  *broken[] = {
    "", ".", "..", "...", "a.b.c", "garbage",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9..",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3NjczMjY2NDUsImlhdCI6"
    "MTc2NzMyMzA0NX0.79H9dJhR9isrQ1N91hj2kuF_KLwF1G0dNcZBTYdHlZI=",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3NjczMjY2NDUsImlhdCI6"
    "MTc2NzMyMzA0NX0.79H9dJhR9isrQ1N91hj2kuF_KLwF1G0dNcZBTYdHlZI.x",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3NjczMjY2NDUsImlhdCI6"
    "MTc2NzMyMzA0NX0.79H9dJhR9isrQ1N91hj2kuF_KLwF1G0dNcZBTYdHlZJ",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3NjczMjY2NDUsImlhdCI6"
    "MTc2NzMyMzA0NX0.79H9dJhR9isrQ1N91hj2kuF/KLwF1G0dNcZBTYdHlZI",
    "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3NjczMjY2NDUsI"
    "mlhdCI6MTc2NzMyMzA0NX0.79H9dJhR9isrQ1N91hj2kuF_KLwF1G0dNcZBTYdHlZI"
};


static wgw_jwt_key_t  key;


static void
set_key(wgw_jwt_key_t *k, const char *secret, const char *kid)
{
    wgw_hmac_init(&k->hmac, secret, strlen(secret));
    k->kid.data = kid;
    k->kid.len = strlen(kid);
    k->number = wgw_memo_key();
}


/* On the heap, where the sanitizer sees a byte too many. */

static wgw_jwt_status_t
check(wgw_jwt_t *jwt, wgw_text_t token, const wgw_jwt_key_t *keys, size_t n,
    int64_t now, unsigned bare)
{
    char              *copy, *buffer;
    wgw_text_t         text;
    wgw_jwt_status_t   status;

    copy = malloc(token.len);
    buffer = malloc(WGW_JWT_BUFFER(token.len));
    memcpy(copy, token.data, token.len);

    text.data = copy;
    text.len = token.len;

    status = wgw_jwt_check(jwt, text, keys, n, now, bare, buffer);

    free(buffer);
    free(copy);

    return status;
}


static wgw_text_t
make(wgw_out_t *out, const wgw_jwt_key_t *k, const char *header,
    const char *claims)
{
    uint8_t     mac[WGW_HMAC_SIZE];
    wgw_text_t  token;

    wgw_base64url_encode(out, header, strlen(header));
    wgw_out_str(out, ".");
    wgw_base64url_encode(out, claims, strlen(claims));
    wgw_hmac(&k->hmac, mac, out->start, (size_t) (out->pos - out->start));
    wgw_out_str(out, ".");
    wgw_base64url_encode(out, mac, sizeof(mac));

    token.data = out->start;
    token.len = (size_t) (out->pos - out->start);

    return token;
}


static void
test_case(const jwt_case_t *t)
{
    char               buffer[WGW_JWT_MAX];
    wgw_jwt_t          jwt;
    wgw_out_t          out;
    wgw_text_t         token;
    wgw_jwt_status_t   status;

    wgw_out_init(&out, buffer, sizeof(buffer));
    token = make(&out, &key, t->header, t->claims);

    status = check(&jwt, token, &key, 1, NOW, 0);
    ok(status == t->status, "%s: %s", t->what, wgw_jwt_phrase(status));

    status = check(&jwt, token, &key, 1, NOW, 1);
    ok(status == t->bare, "%s, bare ones accepted: %s", t->what,
       wgw_jwt_reason(status));
}


/* Any byte at any place of a string: as the JSON parser has it. */

static void
test_bytes(void)
{
    int                same;
    char               buffer[WGW_JWT_MAX], claims[] = " " OURS "}";
    char              *at;
    size_t             i, byte;
    wgw_jwt_t          jwt;
    wgw_out_t          out;
    wgw_jwt_status_t   ours, parsers;

    at = strstr(claims, "AAAA");
    same = 1;

    for (i = 0; i < WGW_JWT_ID; i++) {
        for (byte = 1; byte < 256; byte++) {
            at[i] = (char) byte;

            wgw_out_init(&out, buffer, sizeof(buffer));
            ours = check(&jwt, make(&out, &key, USUAL, claims + 1), &key, 1,
                         NOW, 0);

            wgw_out_init(&out, buffer, sizeof(buffer));
            parsers = check(&jwt, make(&out, &key, USUAL, claims), &key, 1,
                            NOW, 0);

            same &= ours == parsers
                    && (byte == '\\' || byte == '"'
                        || (ours == WGW_JWT_OK) == (byte >= 0x20
                                                    && byte < 0x7f));
        }

        at[i] = 'A';
    }

    ok(same, "every byte in a string");
}


static void
test_vector(const din_token_t *t)
{
    wgw_jwt_t          jwt;
    wgw_text_t         token = { t->token, strlen(t->token) };
    wgw_jwt_key_t      k;
    wgw_jwt_status_t   status;

    set_key(&k, t->secret, "");

    status = check(&jwt, token, &k, 1, t->now, 1);
    ok((status == WGW_JWT_OK) == t->accept, "%s: %s", t->name,
       wgw_jwt_reason(status));
}


static void
test_mint(size_t naud, unsigned uses)
{
    char               buffer[WGW_JWT_MAX], id[WGW_JWT_ID], *room;
    size_t             i;
    wgw_jwt_t          jwt, again;
    wgw_out_t          out;
    wgw_text_t         token;
    wgw_jwt_status_t   status;

    memset(&jwt, 0, sizeof(jwt));

    ok(wgw_jwt_id(id) == 0, "an id");

    jwt.iat = NOW;
    jwt.exp = NOW + 3600;
    jwt.sub = wgw_text(DIN_ADDRESS);
    jwt.jti.data = id;
    jwt.jti.len = sizeof(id);
    jwt.naud = naud;
    jwt.has_uses = uses != 0;
    jwt.uses = uses;

    for (i = 0; i < naud; i++) {
        jwt.aud[i] = i ? wgw_text("po\"lygon") : wgw_text("eth");
    }

    wgw_out_init(&out, buffer, sizeof(buffer));

    ok(wgw_jwt_mint(&jwt, &key, &out) == 0, "minted");

    token.data = out.start;
    token.len = (size_t) (out.pos - out.start);
    room = malloc(WGW_JWT_BUFFER(token.len));

    status = wgw_jwt_check(&again, token, &key, 1, NOW, 0, room);

    ok(status == WGW_JWT_OK && again.iat == jwt.iat && again.exp == jwt.exp
       && wgw_text_equal(again.sub, jwt.sub)
       && wgw_text_equal(again.jti, jwt.jti) && again.naud == naud
       && again.has_uses == jwt.has_uses
       && (!jwt.has_uses || again.uses == uses)
       && again.address[0] == 0xf3 && again.address[19] == 0x66,
       "read again, %zu services, %u uses", naud, uses);

    for (i = 0; i < naud && i < again.naud; i++) {
        ok(wgw_text_equal(again.aud[i], jwt.aud[i]), "service %zu", i);
    }

    ok(wgw_jwt_serves(&again, wgw_text("eth")) == (naud > 0)
       && wgw_jwt_serves(&again, wgw_text("po\"lygon")) == (naud > 1)
       && !wgw_jwt_serves(&again, wgw_text("et")), "what it serves");

    wgw_out_init(&out, buffer, 100);
    ok(wgw_jwt_mint(&jwt, &key, &out) == -1, "no room");

    free(room);
}


/* P56: no character of a token can be another one. */

static void
test_changed(void)
{
    char        buffer[WGW_JWT_MAX];
    size_t      i, accepted;
    wgw_jwt_t   jwt;
    wgw_out_t   out;
    wgw_text_t  token;

    wgw_out_init(&out, buffer, sizeof(buffer));
    token = make(&out, &key, USUAL, OURS "}");
    accepted = 0;

    for (i = 0; i < token.len; i++) {
        buffer[i] ^= 1;
        accepted += check(&jwt, token, &key, 1, NOW, 1) == WGW_JWT_OK;
        buffer[i] ^= 1 ^ 0x20;
        accepted += check(&jwt, token, &key, 1, NOW, 1) == WGW_JWT_OK;
        buffer[i] ^= 0x20;
    }

    for (i = 0; i < token.len; i++) {
        accepted += check(&jwt, (wgw_text_t) { buffer, i }, &key, 1, NOW, 1)
                    == WGW_JWT_OK;
    }

    ok(accepted == 0, "P56: changed and cut tokens");
    ok(check(&jwt, token, &key, 1, NOW, 0) == WGW_JWT_OK, "unchanged");
}


/* Of each length, into room that is no larger, and with a wrong byte. */

static void
test_base64url_lengths(void)
{
    char        text[64];
    size_t      n, i, len;
    uint8_t     bytes[40], *back;
    unsigned    wrong, taken;
    wgw_out_t   out;
    wgw_text_t  coded = { text, 0 };

    wrong = 0;
    taken = 0;

    for (n = 0; n <= sizeof(bytes); n++) {
        for (i = 0; i < n; i++) {
            bytes[i] = (uint8_t) (n * 37 + i * 101);
        }

        wgw_out_init(&out, text, sizeof(text));
        wgw_base64url_encode(&out, bytes, n);
        coded.len = (size_t) (out.pos - out.start);

        back = malloc(n ? n : 1);
        wrong += wgw_base64url_decode(back, &len, coded) != 0 || len != n
                 || memcmp(back, bytes, n) != 0;

        for (i = 0; i < coded.len; i++) {
            char  was = text[i];

            text[i] = "=+/ \x80\xff."[i % 7];
            taken += wgw_base64url_decode(back, &len, coded) == 0;
            text[i] = was;
        }

        free(back);
    }

    ok(wrong == 0 && taken == 0,
       "base64url of each length: %u wrong, %u taken that is none", wrong,
       taken);
}


static void
test_keys(void)
{
    char            buffer[WGW_JWT_MAX];
    wgw_jwt_t       jwt;
    wgw_out_t       out;
    wgw_text_t      token;
    wgw_jwt_key_t   keys[3];

    set_key(&keys[0], "new", "n");
    set_key(&keys[1], "old", "o");
    set_key(&keys[2], "", "");

    wgw_out_init(&out, buffer, sizeof(buffer));
    token = make(&out, &keys[1], USUAL, OURS "}");

    ok(check(&jwt, token, keys, 2, NOW, 0) == WGW_JWT_OK,
       "P64: of the old secret");
    ok(check(&jwt, token, keys, 1, NOW, 0) == WGW_JWT_SIGNATURE,
       "P64: when it is gone");
    ok(check(&jwt, token, keys + 2, 1, NOW, 0) == WGW_JWT_SIGNATURE,
       "P57: an empty secret");
    ok(check(&jwt, token, keys, 0, NOW, 0) == WGW_JWT_SIGNATURE,
       "no secret at all");

    wgw_out_init(&out, buffer, sizeof(buffer));
    token = make(&out, &keys[1], "{\"alg\":\"HS256\",\"kid\":\"o\"}",
                 OURS "}");
    ok(check(&jwt, token, keys, 2, NOW, 0) == WGW_JWT_OK, "a kid");

    wgw_out_init(&out, buffer, sizeof(buffer));
    token = make(&out, &keys[1], "{\"alg\":\"HS256\",\"kid\":\"n\"}",
                 OURS "}");
    ok(check(&jwt, token, keys, 2, NOW, 0) == WGW_JWT_SIGNATURE,
       "the kid of another secret");

    memset(&jwt, 0, sizeof(jwt));
    jwt.exp = NOW + 1;
    jwt.sub = wgw_text(DIN_ADDRESS);
    jwt.jti = wgw_text("x");

    wgw_out_init(&out, buffer, sizeof(buffer));
    ok(wgw_jwt_mint(&jwt, &keys[1], &out) == 0, "minted with a kid");
    token.len = (size_t) (out.pos - out.start);
    ok(check(&jwt, token, keys, 2, NOW, 0) == WGW_JWT_OK, "and read");
}


/* RFC 4231, 4.2, 4.3 and 4.7 */

static void
test_hmac(void)
{
    char        hex[64], data[131];
    uint8_t     mac[WGW_HMAC_SIZE];
    wgw_hmac_t  hmac;

    memset(data, 0x0b, 20);
    wgw_hmac_init(&hmac, data, 20);
    wgw_hmac(&hmac, mac, "Hi There", 8);
    wgw_hex_encode(hex, mac, sizeof(mac));
    is(hex, 64, "b0344c61d8db38535ca8afceaf0bf12b"
       "881dc200c9833da726e9376c2e32cff7", "RFC 4231, case 1");

    wgw_hmac_init(&hmac, "Jefe", 4);
    wgw_hmac(&hmac, mac, "what do ya want for nothing?", 28);
    wgw_hex_encode(hex, mac, sizeof(mac));
    is(hex, 64, "5bdcc146bf60754e6a042426089575c7"
       "5a003f089d2739839dec58b964ec3843", "RFC 4231, case 2");

    memset(data, 0xaa, sizeof(data));
    wgw_hmac_init(&hmac, data, sizeof(data));
    wgw_hmac(&hmac, mac, "Test Using Larger Than Block-Size Key - Hash Key "
             "First", 54);
    wgw_hex_encode(hex, mac, sizeof(mac));
    is(hex, 64, "60e431591ee0b67f0d8a26aacbf5b77f"
       "8e0bc6213728c5140546040f0ee37f54", "RFC 4231, case 6");

    wgw_hmac_wipe(&hmac);
    memset(data, 0, sizeof(data));
    ok(memcmp(&hmac, data, sizeof(hmac)) == 0, "wiped");
}


static void
test_base64url(void)
{
    int         rc, same;
    char        text[64];
    size_t      i, len;
    uint8_t     bytes[64], again[64];
    wgw_out_t   out;
    wgw_text_t  view;

    static const char  *refused[] = {
        "A", "AAAAA", "AB", "AAB", "A=", "AA==", "AA\n", "A+AA", "A/AA",
        "AA A", "AAA\xff", "A.AA"
    };

    same = 1;

    for (i = 0; i < 48; i++) {
        bytes[i] = (uint8_t) (i * 151 + 7);

        wgw_out_init(&out, text, WGW_BASE64URL_TEXT(i));
        wgw_base64url_encode(&out, bytes, i);

        view.data = out.start;
        view.len = (size_t) (out.pos - out.start);
        rc = wgw_base64url_decode(again, &len, view);

        same &= rc == 0 && len == i && memcmp(again, bytes, i) == 0
                && !out.overflow && view.len == WGW_BASE64URL_TEXT(i)
                && len == WGW_BASE64URL_BYTES(view.len);

        if (i) {
            wgw_out_init(&out, text, WGW_BASE64URL_TEXT(i) - 1);
            wgw_base64url_encode(&out, bytes, i);
            same &= out.overflow && out.pos == text;
        }
    }

    ok(same, "0 to 47 bytes there and back, and no room for the last digit");

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        view.data = refused[i];
        view.len = strlen(refused[i]);
        ok(wgw_base64url_decode(again, &len, view) == -1, "base64url %zu",
           i);
    }
}


int
main(void)
{
    char        many[WGW_JWT_MAX + 1];
    size_t      i;
    wgw_jwt_t   jwt;
    wgw_text_t  text;

    set_key(&key, "sharedsecret", "");

    test_base64url();
    test_base64url_lengths();
    test_hmac();

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_case(&cases[i]);
    }

    test_bytes();

    for (i = 0; i < sizeof(din_tokens) / sizeof(din_tokens[0]); i++) {
        test_vector(&din_tokens[i]);
    }

    for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        text.data = broken[i];
        text.len = strlen(broken[i]);
        ok(check(&jwt, text, &key, 1, NOW, 1) != WGW_JWT_OK,
           "P53, P54: broken %zu", i);
    }

    memset(many, 'a', sizeof(many));
    many[10] = '.';
    many[20] = '.';
    text.data = many;
    text.len = sizeof(many);
    ok(check(&jwt, text, &key, 1, NOW, 1) == WGW_JWT_MALFORMED,
       "P53: 4097 bytes");

    for (i = 0; i < 3; i++) {
        test_mint(i, (unsigned) i);
    }

    test_changed();
    test_keys();

    return done();
}
