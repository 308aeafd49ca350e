
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <sodium.h>

#include "crypto/ed25519.h"
#include "format/multibase.h"
#include "grid/identity.h"
#include "grid/phrase.h"
#include "grid/sr25519.h"


#define IDENTITY_FILE    1024           /* bytes of the file at most */
#define IDENTITY_PREFIX  42             /* of SS58 */


/* In memory of sodium_malloc(): locked, in no core, wiped when freed. */
struct grid_identity_s {
    uint8_t         seed[GRID_KEY];
    uint8_t         ed25519[GRID_KEY];
    grid_sr25519_t  sr25519;
};


static ssize_t identity_load(const char *file, char *data);
static int identity_ed25519(grid_identity_t *identity);
static void address_check(uint8_t check[64], const uint8_t key[GRID_KEY]);


grid_identity_t *
grid_identity_open(const char *file)
{
    char             *data;
    ssize_t           n;
    const char       *error;
    grid_identity_t  *identity;

    if (sodium_init() < 0) {
        (void) grid_fail(GRID_FAILED, "libsodium does not start");
        return NULL;
    }

    data = sodium_malloc(IDENTITY_FILE);

    if (data == NULL) {
        (void) grid_fail(GRID_FAILED, "no locked memory for the secret");
        return NULL;
    }

    identity = NULL;
    n = identity_load(file, data);

    if (n >= 0) {
        identity = grid_identity_make((wgw_text_t) { data, (size_t) n },
                                      &error);

        if (identity == NULL) {
            (void) grid_fail(GRID_FAILED, "the mnemonic of %s %s", file,
                             error);
        }
    }

    sodium_free(data);

    return identity;
}


static ssize_t
identity_load(const char *file, char *data)
{
    int          fd;
    ssize_t      n;
    struct stat  st;

    fd = open(file, O_RDONLY|O_CLOEXEC|O_NOCTTY|O_NONBLOCK);

    if (fd < 0 || fstat(fd, &st) != 0) {
        n = -1;
        (void) grid_fail(GRID_FAILED, "%s: %s", file, strerror(errno));

    } else if (!S_ISREG(st.st_mode)) {
        n = -1;
        (void) grid_fail(GRID_FAILED, "%s is no file", file);

    } else if (st.st_mode & 077) {
        n = -1;
        (void) grid_fail(GRID_FAILED, "%s may be read by others: chmod 600 "
                         "%s", file, file);

    } else if (st.st_size >= IDENTITY_FILE) {
        n = -1;
        (void) grid_fail(GRID_FAILED, "%s is too long to be a mnemonic",
                         file);

    } else {
        n = read(fd, data, IDENTITY_FILE);

        if (n < 0) {
            (void) grid_fail(GRID_FAILED, "%s: %s", file, strerror(errno));
        }
    }

    if (fd >= 0) {
        (void) close(fd);
    }

    return n;
}


grid_identity_t *
grid_identity_make(wgw_text_t words, const char **error)
{
    grid_identity_t  *identity;

    if (sodium_init() < 0) {
        *error = "cannot be used: libsodium does not start";
        return NULL;
    }

    identity = sodium_malloc(sizeof(grid_identity_t));

    if (identity == NULL) {
        *error = "cannot be used: no locked memory";
        return NULL;
    }

    *error = grid_phrase_read(identity->seed, words);

    if (*error == NULL && identity_ed25519(identity) != 0) {
        *error = "cannot be used: OpenSSL has no Ed25519";
    }

    if (*error) {
        sodium_free(identity);
        return NULL;
    }

    grid_sr25519_init(&identity->sr25519, identity->seed);

    return identity;
}


static int
identity_ed25519(grid_identity_t *identity)
{
    int        rc;
    size_t     len;
    EVP_PKEY  *pair;

    pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
                                        identity->seed, GRID_KEY);
    len = GRID_KEY;
    rc = pair && EVP_PKEY_get_raw_public_key(pair, identity->ed25519, &len)
                 == 1 ? 0 : -1;

    EVP_PKEY_free(pair);

    return rc;
}


void
grid_identity_close(grid_identity_t *identity)
{
    sodium_free(identity);
}


const uint8_t *
grid_identity_key(const grid_identity_t *identity, grid_kind_t kind)
{
    return kind == GRID_SR25519 ? identity->sr25519.key : identity->ed25519;
}


void
grid_identity_sign(const grid_identity_t *identity, grid_kind_t kind,
    uint8_t signature[GRID_SIGNATURE], const void *data, size_t len)
{
    size_t       n;
    EVP_PKEY    *pair;
    EVP_MD_CTX  *ctx;

    if (kind == GRID_SR25519) {
        grid_sr25519_sign(&identity->sr25519, signature, data, len);
        return;
    }

    n = GRID_SIGNATURE;
    ctx = EVP_MD_CTX_new();
    pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
                                        identity->seed, GRID_KEY);

    if (ctx == NULL || pair == NULL
        || EVP_DigestSignInit(ctx, NULL, NULL, NULL, pair) != 1
        || EVP_DigestSign(ctx, signature, &n, data, len) != 1)
    {
        /* one that nobody takes, rather than what was there before */
        memset(signature, 0, GRID_SIGNATURE);
    }

    EVP_PKEY_free(pair);
    EVP_MD_CTX_free(ctx);
}


int
grid_verify(grid_kind_t kind, const uint8_t key[GRID_KEY],
    const uint8_t signature[GRID_SIGNATURE], const void *data, size_t len)
{
    if (kind == GRID_SR25519) {
        return grid_sr25519_verify(key, signature, data, len);
    }

    return wgw_ed25519_key(key)
           && wgw_ed25519_verify(key, signature, data, len);
}


void
grid_address(char address[GRID_ADDRESS], const uint8_t key[GRID_KEY])
{
    uint8_t    bytes[1 + GRID_KEY + 2], check[64];
    wgw_out_t  out;

    bytes[0] = IDENTITY_PREFIX;
    memcpy(bytes + 1, key, GRID_KEY);

    address_check(check, key);
    memcpy(bytes + 1 + GRID_KEY, check, 2);

    wgw_out_init(&out, address, GRID_ADDRESS - 1);
    wgw_base58_encode(&out, bytes, sizeof(bytes));
    *out.pos = '\0';
}


int
grid_address_read(uint8_t key[GRID_KEY], wgw_text_t address)
{
    size_t   len;
    uint8_t  bytes[1 + GRID_KEY + 2], check[64];

    if (address.len >= GRID_ADDRESS
        || wgw_base58_decode(bytes, sizeof(bytes), &len, address)
           != WGW_MULTIBASE_OK
        || len != sizeof(bytes) || bytes[0] != IDENTITY_PREFIX)
    {
        return -1;
    }

    address_check(check, bytes + 1);

    if (memcmp(check, bytes + 1 + GRID_KEY, 2) != 0) {
        return -1;
    }

    memcpy(key, bytes + 1, GRID_KEY);

    return 0;
}


static void
address_check(uint8_t check[64], const uint8_t key[GRID_KEY])
{
    uint8_t  text[7 + 1 + GRID_KEY];

    memcpy(text, "SS58PRE", 7);
    text[7] = IDENTITY_PREFIX;
    memcpy(text + 8, key, GRID_KEY);

    (void) crypto_generichash(check, 64, text, sizeof(text), NULL, 0);
}


const char *
grid_kind_name(grid_kind_t kind)
{
    return kind == GRID_SR25519 ? "sr25519" : "ed25519";
}
