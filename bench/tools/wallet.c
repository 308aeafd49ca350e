
/*
 * wallet: wallets that sign in to http://gw.test/auth, and what the curve
 * alone takes.
 *
 *     wallet addresses      of the 100 wallets, one a line
 *     wallet bodies N       N sign-ins, one a line, good for a minute
 *     wallet floor N        N times Keccak and recovery; prints JSON
 *     wallet serve PORT     answers each request after one of these
 *     wallet answer PORT    ... at once
 *
 * Signed is what a DIN router signs.  The private keys are 1 to 100, and
 * nonces are random.  The floor is measured by the process's own clock.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "crypto/eip191.h"
#include "crypto/eip55.h"
#include "crypto/keccak.h"

#include "curve.h"
#include "tool.h"


#define WALLET_N        100
#define WALLET_FLOOR    64              /* signatures that the floor repeats */
#define WALLET_LIFE     60              /* seconds */
#define WALLET_MESSAGE  512


typedef struct {
    uint8_t              key[32];
    uint8_t              address[WGW_EIP55_BYTES];
    char                 text[WGW_EIP55_LEN];
} wallet_t;


typedef struct {
    char                 text[WALLET_MESSAGE];
    wgw_text_t           message;
    uint8_t              signature[WGW_EIP191_SIGNATURE];
} signed_t;


/* What a server does of a sign-in, by the same parts: no less is possible. */
typedef struct {
    const wallet_t      *wallets;
    wgw_eip191_t        *eip191;
    signed_t             messages[WALLET_FLOOR];
} wallet_curve_t;


static void wallet_init(wallet_t *wallet, uint8_t number);
static void wallet_sign(const wallet_t *wallet, signed_t *s);
static void wallet_time(char *text, size_t size, time_t seconds);
static void wallet_print(const signed_t *s);
static int wallet_curve(const wallet_t *wallets, wallet_curve_t *curve);
static void wallet_recover(void *data, long n);
static void wallet_nothing(void *data, long n);
static int wallet_floor(wallet_curve_t *curve, long n);


static secp256k1_context  *context;


int
main(int argc, char **argv)
{
    long            i, n;
    wallet_t        wallets[WALLET_N];
    signed_t        s;
    wallet_curve_t  curve;

    context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
    n = argc == 3 ? atol(argv[2]) : 0;

    for (i = 0; i < WALLET_N; i++) {
        wallet_init(&wallets[i], (uint8_t) (i + 1));
    }

    if (argc == 2 && strcmp(argv[1], "addresses") == 0) {
        for (i = 0; i < WALLET_N; i++) {
            printf("%.*s\n", WGW_EIP55_LEN, wallets[i].text);
        }

        return 0;
    }

    if (n > 0 && strcmp(argv[1], "bodies") == 0) {
        for (i = 0; i < n; i++) {
            wallet_sign(&wallets[i % WALLET_N], &s);
            wallet_print(&s);
        }

        return 0;
    }

    if (n > 0 && wallet_curve(wallets, &curve)) {

        if (strcmp(argv[1], "floor") == 0) {
            return wallet_floor(&curve, n);
        }

        if (strcmp(argv[1], "serve") == 0) {
            return curve_serve((int) n, wallet_recover, &curve);
        }

        if (strcmp(argv[1], "answer") == 0) {
            return curve_serve((int) n, wallet_nothing, NULL);
        }
    }

    fprintf(stderr, "usage: wallet addresses | bodies N | floor N | "
            "serve PORT | answer PORT\n");

    return 2;
}


static void
wallet_init(wallet_t *wallet, uint8_t number)
{
    size_t            len;
    uint8_t           point[65], digest[WGW_KECCAK_SIZE];
    secp256k1_pubkey  key;

    memset(wallet->key, 0, sizeof(wallet->key));
    wallet->key[sizeof(wallet->key) - 1] = number;

    if (!secp256k1_ec_pubkey_create(context, &key, wallet->key)) {
        exit(1);
    }

    len = sizeof(point);
    secp256k1_ec_pubkey_serialize(context, point, &len, &key,
                                  SECP256K1_EC_UNCOMPRESSED);

    wgw_keccak(digest, point + 1, sizeof(point) - 1);
    memcpy(wallet->address, digest + WGW_KECCAK_SIZE - WGW_EIP55_BYTES,
           WGW_EIP55_BYTES);

    wgw_eip55_print(wallet->text, wallet->address);
}


static void
wallet_sign(const wallet_t *wallet, signed_t *s)
{
    int                                    v;
    char                                   issued[32], expires[32];
    uint8_t                                hash[WGW_EIP191_HASH];
    uint64_t                               nonce;
    secp256k1_ecdsa_recoverable_signature  signature;

    if (RAND_bytes((uint8_t *) &nonce, sizeof(nonce)) != 1) {
        exit(1);
    }

    wallet_time(issued, sizeof(issued), time(NULL));
    wallet_time(expires, sizeof(expires), time(NULL) + WALLET_LIFE);

    s->message.data = s->text;
    s->message.len = (size_t) snprintf(s->text, sizeof(s->text),
        "gw.test wants you to sign in with your Ethereum account:\n%.*s\n\n\n"
        "URI: http://gw.test/auth\nVersion: 1\nChain ID: 1\n"
        "Nonce: %016llx\nIssued At: %s\nExpiration Time: %s",
        WGW_EIP55_LEN, wallet->text, (unsigned long long) nonce, issued,
        expires);

    wgw_eip191_hash(hash, s->message);

    if (!secp256k1_ecdsa_sign_recoverable(context, &signature, hash,
                                          wallet->key, NULL, NULL))
    {
        exit(1);
    }

    secp256k1_ecdsa_recoverable_signature_serialize_compact(context,
                                            s->signature, &v, &signature);

    s->signature[64] = (uint8_t) (27 + v);
}


static void
wallet_time(char *text, size_t size, time_t seconds)
{
    struct tm  tm;

    gmtime_r(&seconds, &tm);
    strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}


static void
wallet_print(const signed_t *s)
{
    size_t  i;

    printf("{\"msg\":\"");

    for (i = 0; i < s->message.len; i++) {
        if (s->text[i] == '\n') {
            printf("\\n");

        } else {
            putchar(s->text[i]);
        }
    }

    printf("\",\"sig\":\"0x");

    for (i = 0; i < sizeof(s->signature); i++) {
        printf("%02x", s->signature[i]);
    }

    printf("\"}\n");
}


static int
wallet_curve(const wallet_t *wallets, wallet_curve_t *curve)
{
    long  i;

    curve->wallets = wallets;
    curve->eip191 = wgw_eip191_create();

    for (i = 0; i < WALLET_FLOOR; i++) {
        wallet_sign(&wallets[i], &curve->messages[i]);
    }

    return curve->eip191 != NULL;
}


static void
wallet_recover(void *data, long n)
{
    uint8_t          hash[WGW_EIP191_HASH], address[WGW_EIP191_ADDRESS];
    wallet_curve_t  *curve = data;

    n %= WALLET_FLOOR;
    wgw_eip191_hash(hash, curve->messages[n].message);

    if (wgw_eip191_recover(curve->eip191, address,
                           curve->messages[n].signature, hash)
        || memcmp(address, curve->wallets[n].address, sizeof(address)) != 0)
    {
        fprintf(stderr, "a signature is not by its wallet\n");
        exit(1);
    }
}


static void
wallet_nothing(void *data, long n)
{
    (void) data;
    (void) n;
}


static int
wallet_floor(wallet_curve_t *curve, long n)
{
    long    i;
    double  from;

    from = tool_seconds();

    for (i = 0; i < n; i++) {
        wallet_recover(curve, i);
    }

    printf("{\"cpu_us\":%.3f}\n", (tool_seconds() - from) * 1e6 / n);

    return 0;
}
