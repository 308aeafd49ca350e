
/*
 * What is remembered of tokens, and what is not.
 */

#include "t/unit/tap.h"
#include "auth/jwt.h"

#include <stdio.h>
#include <string.h>


#define NOW    1767323045
#define MANY   20000


static const char  usual[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";


static wgw_text_t
token(unsigned n)
{
    static char  text[64];

    snprintf(text, sizeof(text), "%s.%u", usual, n);

    return (wgw_text_t) { text, strlen(text) };
}


static wgw_jwt_t  claims;


static int
has(unsigned n, uint64_t key)
{
    char        buffer[WGW_MEMO_TEXT];
    wgw_jwt_t   jwt;
    wgw_memo_t  memo;

    memo = wgw_memo(token(n));

    return wgw_memo_get(&memo, key, &jwt, buffer) != WGW_MEMO_NONE;
}


static void
put(unsigned n, uint64_t key)
{
    wgw_memo_t  memo;

    memo = wgw_memo(token(n));
    wgw_memo_put(&memo, key, &claims);
}


static void
test_memo(void)
{
    unsigned  n, found, wrong;
    uint64_t  one, two;

    one = wgw_memo_key();
    two = wgw_memo_key();

    ok(one != 0 && two != 0 && one != two, "each key has a number of its own");

    put(1, one);
    ok(has(1, one), "a token is remembered");
    ok(!has(2, one), "another one is not");
    ok(!has(1, two), "nor with another key");

    put(1, 0);
    ok(!has(1, 0), "a key without a number has no memory");

    found = 0;
    wrong = 0;

    for (n = 100; n < 100 + MANY; n++) {
        put(n, one);
        found += has(n, one);
    }

    ok(found == MANY, "what came last is there");

    found = 0;

    for (n = 100; n < 100 + MANY; n++) {
        found += has(n, one);
        wrong += has(n + MANY, one) || has(n, two);
    }

    ok(found > MANY * 9 / 10 && wrong == 0,
       "%u of %u are, %u that never came", found, MANY, wrong);

    wgw_memo_clear();
    ok(!has(1, one) && !has(100 + MANY - 1, one), "all is forgotten");
}


static wgw_memo_rc_t
again(const wgw_jwt_t *jwt, wgw_jwt_t *found, char *buffer)
{
    uint64_t    key;
    wgw_memo_t  memo;

    key = wgw_memo_key();
    memo = wgw_memo(token(5));

    wgw_memo_put(&memo, key, jwt);

    return wgw_memo_get(&memo, key, found, buffer);
}


static void
test_claims(void)
{
    char       buffer[WGW_MEMO_TEXT], text[WGW_MEMO_TEXT];
    wgw_jwt_t  jwt, found;

    memset(&jwt, 0, sizeof(jwt));
    memset(text, 'a', sizeof(text));

    jwt.iat = NOW;
    jwt.exp = NOW + 10;
    jwt.uses = 7;
    jwt.has_iat = 1;
    jwt.has_exp = 1;
    jwt.has_uses = 1;
    jwt.sub = wgw_text("0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
    jwt.jti = wgw_text("AAAAAAAAAAAAAAAAAAAAAA");
    jwt.address[19] = 0xc8;
    jwt.aud[0] = wgw_text("eth");
    jwt.naud = 1;

    ok(again(&jwt, &found, buffer) == WGW_MEMO_READ
       && found.iat == NOW && found.exp == NOW + 10 && found.nbf == 0
       && found.has_uses && found.uses == 7 && found.naud == 1
       && wgw_text_equal(found.sub, jwt.sub)
       && wgw_text_equal(found.jti, jwt.jti)
       && wgw_text_equal(found.aud[0], jwt.aud[0])
       && memcmp(found.address, jwt.address, WGW_EIP55_BYTES) == 0,
       "claims are as they were");

    jwt.naud = 0;
    jwt.has_uses = 0;
    ok(again(&jwt, &found, buffer) == WGW_MEMO_READ
       && found.naud == 0 && !found.has_uses,
       "without aud and uses, too");

    jwt.naud = 2;
    ok(again(&jwt, &found, buffer) == WGW_MEMO_SIGNED, "two aud are not kept");

    jwt.naud = 1;
    jwt.aud[0].data = text;
    jwt.aud[0].len = WGW_MEMO_TEXT - jwt.sub.len - jwt.jti.len;
    ok(again(&jwt, &found, buffer) == WGW_MEMO_READ
       && wgw_text_equal(found.aud[0], jwt.aud[0]), "the longest aud");

    jwt.aud[0].len++;
    ok(again(&jwt, &found, buffer) == WGW_MEMO_SIGNED, "and one more byte");

    jwt.naud = 0;
    jwt.nbf = NOW;
    ok(again(&jwt, &found, buffer) == WGW_MEMO_SIGNED, "nbf is not kept");

    jwt.nbf = 0;
    jwt.sub.data = NULL;
    jwt.sub.len = 0;
    ok(again(&jwt, &found, buffer) == WGW_MEMO_SIGNED, "nor who has no sub");
}


/* A token of a key, and the same place with another secret. */

static void
test_checks(void)
{
    char             room[512], buffer[WGW_JWT_BUFFER(512)];
    wgw_jwt_t        jwt, found;
    wgw_out_t        out;
    wgw_text_t       made;
    wgw_jwt_key_t    key;

    memset(&key, 0, sizeof(key));
    memset(&jwt, 0, sizeof(jwt));

    wgw_hmac_init(&key.hmac, "a secret", 8);
    key.number = wgw_memo_key();

    jwt.iat = NOW;
    jwt.exp = NOW + 10;
    jwt.sub = wgw_text("0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
    jwt.jti = wgw_text("AAAAAAAAAAAAAAAAAAAAAA");

    wgw_out_init(&out, room, sizeof(room));
    ok(wgw_jwt_mint(&jwt, &key, &out) == 0, "a token");

    made.data = room;
    made.len = (size_t) (out.pos - out.start);

    ok(wgw_jwt_check(&found, made, &key, 1, NOW, 0, buffer) == WGW_JWT_OK
       && wgw_jwt_check(&found, made, &key, 1, NOW, 0, buffer) == WGW_JWT_OK
       && found.exp == jwt.exp && wgw_text_equal(found.sub, jwt.sub),
       "is good, and again");
    ok(wgw_jwt_check(&found, made, &key, 1, NOW + 10, 0, buffer)
       == WGW_JWT_EXPIRED,
       "has expired all the same");

    wgw_hmac_init(&key.hmac, "another secret", 14);
    ok(wgw_jwt_check(&found, made, &key, 1, NOW, 0, buffer) == WGW_JWT_OK,
       "a number is a secret's: who changes that has to draw another");

    key.number = wgw_memo_key();
    ok(wgw_jwt_check(&found, made, &key, 1, NOW, 0, buffer)
       == WGW_JWT_SIGNATURE,
       "and then it is none of the key's");

    key.number = 0;
    ok(wgw_jwt_check(&found, made, &key, 1, NOW, 0, buffer)
       == WGW_JWT_SIGNATURE,
       "as without one");
}


int
main(void)
{
    test_memo();
    test_claims();
    test_checks();

    wgw_memo_clear();

    return done();
}
