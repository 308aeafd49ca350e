
#include "auth/memo.h"
#include "crypto/hash.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>


#define MEMO_WAYS  4
#define MEMO_SETS  (WGW_MEMO_TOKENS / MEMO_WAYS)
#define MEMO_LINE  64


/* a line of the processor's cache; 0, 0: free */
typedef struct {
    wgw_memo_t   ways[MEMO_WAYS];
} memo_set_t;


/* three lines: what the token in the way of that number says */
typedef struct {
    uint64_t     iat;
    uint64_t     exp;
    uint64_t     uses;
    uint8_t      address[WGW_EIP55_BYTES];
    uint8_t      sub;                   /* lengths of texts, one after */
    uint8_t      jti;                   /* another */
    uint8_t      aud;
    uint8_t      read:1;                /* 0: nothing of this */
    uint8_t      has_aud:1;
    uint8_t      has_uses:1;
    char         text[WGW_MEMO_TEXT];
} memo_claims_t;


_Static_assert(sizeof(memo_set_t) == MEMO_LINE
               && sizeof(memo_claims_t) == 3 * MEMO_LINE,
               "lines of the processor's cache");


static int memo_start(void);
static void *memo_alloc(size_t size);
static size_t memo_set(const wgw_memo_t *memo, uint64_t key,
    wgw_memo_t *entry);
static int memo_fits(const wgw_jwt_t *jwt);
static void memo_keep(memo_claims_t *claims, const wgw_jwt_t *jwt);
static void memo_give(const memo_claims_t *claims, wgw_jwt_t *jwt,
    char *buffer);


static memo_set_t     *memo_sets;
static memo_claims_t  *memo_claims;
static uint8_t         memo_seed[WGW_HASH_SEED];
static unsigned        memo_started;
static unsigned        memo_victim;
static uint64_t        memo_keys;


uint64_t
wgw_memo_key(void)
{
    return ++memo_keys;
}


wgw_memo_t
wgw_memo(wgw_text_t token)
{
    wgw_memo_t  memo;

    memo.hash[0] = 0;
    memo.hash[1] = 0;

    if (memo_started || memo_start()) {
        wgw_hash_128(memo_seed, token.data, token.len, memo.hash);
    }

    return memo;
}


/* Once, in the worker: what it was forked from draws none. */

static int
memo_start(void)
{
    if (RAND_bytes(memo_seed, sizeof(memo_seed)) != 1) {
        return 0;
    }

    memo_sets = memo_alloc(MEMO_SETS * sizeof(memo_set_t));
    memo_claims = memo_alloc(WGW_MEMO_TOKENS * sizeof(memo_claims_t));

    if (memo_sets == NULL || memo_claims == NULL) {
        wgw_memo_clear();
        return 0;
    }

    memset(memo_sets, 0, MEMO_SETS * sizeof(memo_set_t));

    memo_started = 1;

    return 1;
}


static void *
memo_alloc(size_t size)
{
    void  *memory;

    return posix_memalign(&memory, MEMO_LINE, size) == 0 ? memory : NULL;
}


wgw_memo_rc_t
wgw_memo_get(const wgw_memo_t *memo, uint64_t key, wgw_jwt_t *jwt,
    char *buffer)
{
    size_t                n;
    unsigned              i;
    wgw_memo_t            entry;
    const wgw_memo_t     *ways;
    const memo_claims_t  *claims;

    n = memo_set(memo, key, &entry);

    if (n == MEMO_SETS) {
        return WGW_MEMO_NONE;
    }

    ways = memo_sets[n].ways;

    for (i = 0; i < MEMO_WAYS; i++) {

        if (((ways[i].hash[0] ^ entry.hash[0])
             | (ways[i].hash[1] ^ entry.hash[1])) == 0)
        {
            claims = &memo_claims[n * MEMO_WAYS + i];

            if (!claims->read) {
                return WGW_MEMO_SIGNED;
            }

            memo_give(claims, jwt, buffer);

            return WGW_MEMO_READ;
        }
    }

    return WGW_MEMO_NONE;
}


void
wgw_memo_put(const wgw_memo_t *memo, uint64_t key, const wgw_jwt_t *jwt)
{
    size_t          n;
    unsigned        i, way;
    wgw_memo_t      entry, *ways;
    memo_claims_t  *claims;

    n = memo_set(memo, key, &entry);

    if (n == MEMO_SETS) {
        return;
    }

    ways = memo_sets[n].ways;
    way = memo_victim++ % MEMO_WAYS;

    for (i = 0; i < MEMO_WAYS; i++) {
        if ((ways[i].hash[0] | ways[i].hash[1]) == 0) {
            way = i;
        }
    }

    ways[way] = entry;
    claims = &memo_claims[n * MEMO_WAYS + way];

    claims->read = memo_fits(jwt);

    if (claims->read) {
        memo_keep(claims, jwt);
    }
}


/* What is kept for both, and the number of its set, or MEMO_SETS. */

static size_t
memo_set(const wgw_memo_t *memo, uint64_t key, wgw_memo_t *entry)
{
    if (key == 0 || (memo->hash[0] | memo->hash[1]) == 0) {
        return MEMO_SETS;
    }

    entry->hash[0] = memo->hash[0] + key;
    entry->hash[1] = memo->hash[1] | 1;

    return entry->hash[0] & (MEMO_SETS - 1);
}


static int
memo_fits(const wgw_jwt_t *jwt)
{
    return jwt->has_iat && jwt->has_exp && jwt->nbf == 0
           && jwt->sub.data && jwt->jti.data && jwt->naud <= 1
           && jwt->sub.len < WGW_MEMO_TEXT && jwt->jti.len < WGW_MEMO_TEXT
           && jwt->sub.len + jwt->jti.len
              + (jwt->naud ? jwt->aud[0].len : 0) <= WGW_MEMO_TEXT;
}


static void
memo_keep(memo_claims_t *claims, const wgw_jwt_t *jwt)
{
    wgw_out_t  out;

    claims->iat = jwt->iat;
    claims->exp = jwt->exp;
    claims->uses = jwt->uses;
    claims->sub = (uint8_t) jwt->sub.len;
    claims->jti = (uint8_t) jwt->jti.len;
    claims->aud = jwt->naud ? (uint8_t) jwt->aud[0].len : 0;
    claims->has_aud = (jwt->naud == 1);
    claims->has_uses = jwt->has_uses;

    memcpy(claims->address, jwt->address, WGW_EIP55_BYTES);

    wgw_out_init(&out, claims->text, WGW_MEMO_TEXT);
    wgw_out_bytes(&out, jwt->sub.data, jwt->sub.len);
    wgw_out_bytes(&out, jwt->jti.data, jwt->jti.len);

    if (claims->has_aud) {
        wgw_out_bytes(&out, jwt->aud[0].data, jwt->aud[0].len);
    }
}


static void
memo_give(const memo_claims_t *claims, wgw_jwt_t *jwt, char *buffer)
{
    jwt->iat = claims->iat;
    jwt->exp = claims->exp;
    jwt->nbf = 0;
    jwt->uses = claims->uses;
    jwt->has_iat = 1;
    jwt->has_exp = 1;
    jwt->has_uses = claims->has_uses;
    jwt->naud = claims->has_aud;

    memcpy(jwt->address, claims->address, WGW_EIP55_BYTES);
    memcpy(buffer, claims->text,
           (size_t) claims->sub + claims->jti + claims->aud);

    jwt->sub.data = buffer;
    jwt->sub.len = claims->sub;
    jwt->jti.data = buffer + claims->sub;
    jwt->jti.len = claims->jti;
    jwt->aud[0].data = jwt->jti.data + claims->jti;
    jwt->aud[0].len = claims->aud;
}


void
wgw_memo_clear(void)
{
    if (memo_started) {
        OPENSSL_cleanse(memo_sets, MEMO_SETS * sizeof(memo_set_t));
        OPENSSL_cleanse(memo_seed, sizeof(memo_seed));
    }

    free(memo_sets);
    free(memo_claims);

    memo_sets = NULL;
    memo_claims = NULL;
    memo_started = 0;
}
