
/*
 * tokens: what tokens cost when they come, and their signatures alone.
 *
 *     tokens verify FILE N    N times all that is done to the tokens of a
 *                             container before they are stored
 *     tokens floor FILE N     N times their signatures, by OpenSSL
 *
 * Prints JSON: microseconds, by the process's own clock, a time.  All
 * issuers must have Ed25519 keys, in a did:key.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "claims/claim.h"
#include "format/container.h"

#include "tool.h"


#define TOKENS_N     16
#define TOKENS_FILE  65536


static void tokens_all(wgw_text_t file, wgw_claim_t *claims, size_t *n);
static void tokens_floor(const wgw_claim_t *claims, size_t n);
static void tokens_stop(const char *what);


int
main(int argc, char **argv)
{
    long          i, times;
    FILE         *file;
    size_t        n;
    double        from;
    wgw_text_t    text;
    wgw_claim_t   claims[TOKENS_N];

    static char   buffer[TOKENS_FILE];

    times = argc == 4 ? atol(argv[3]) : 0;

    if (times < 1 || (file = fopen(argv[2], "r")) == NULL) {
        fprintf(stderr, "usage: tokens verify|floor FILE N\n");
        return 2;
    }

    text.data = buffer;
    text.len = fread(buffer, 1, sizeof(buffer), file);
    fclose(file);

    tokens_all(text, claims, &n);

    from = tool_seconds();

    for (i = 0; i < times; i++) {
        if (strcmp(argv[1], "verify") == 0) {
            tokens_all(text, claims, &n);

        } else {
            tokens_floor(claims, n);
        }
    }

    printf("{\"cpu_us\":%.3f}\n", (tool_seconds() - from) * 1e6 / times);

    return 0;
}


static void
tokens_all(wgw_text_t file, wgw_claim_t *claims, size_t *n)
{
    size_t            i, which;
    wgw_text_t        token;
    wgw_container_t   container;

    static uint8_t    room[TOKENS_FILE];

    if (wgw_container_read(&container, file, room, sizeof(room)) != NULL
        || container.n > TOKENS_N)
    {
        tokens_stop("container");
    }

    for (i = 0; wgw_container_next(&container, &token); i++) {
        if (wgw_claim_read(&claims[i], token, 1) != NULL
            || wgw_token_time(&claims[i].token, time(NULL), 60) != NULL
            || wgw_token_verify(&claims[i].token, NULL, 0, &which) != NULL
            || wgw_claim_name(&claims[i]) != 0)
        {
            tokens_stop("token");
        }
    }

    *n = i;
}


static void
tokens_floor(const wgw_claim_t *claims, size_t n)
{
    size_t              i;
    EVP_PKEY           *key;
    EVP_MD_CTX         *ctx;
    const wgw_token_t  *token;

    for (i = 0; i < n; i++) {
        token = &claims[i].token;
        key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
                                          token->key.bytes, 32);
        ctx = EVP_MD_CTX_new();

        if (key == NULL || ctx == NULL
            || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) != 1
            || EVP_DigestVerify(ctx, (const uint8_t *) token->signature.data,
                                token->signature.len,
                                (const uint8_t *) token->signed_part.data,
                                token->signed_part.len) != 1)
        {
            tokens_stop("signature");
        }

        EVP_MD_CTX_free(ctx);
        EVP_PKEY_free(key);
    }
}


static void
tokens_stop(const char *what)
{
    fprintf(stderr, "tokens: the %s is no good\n", what);
    exit(1);
}
