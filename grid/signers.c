
#include <string.h>

#include "format/hex.h"
#include "grid/grid.h"
#include "grid/signers.h"


#define SIGNERS_WALLET  "polka-wallet"


static int signers_one(grid_chain_t *chain, const grid_deployment_t *d,
    uint32_t twin, wgw_text_t message, char error[GRID_ERROR]);


int
grid_signers_check(grid_chain_t *chain, const grid_deployment_t *d,
    const char *hash, char error[GRID_ERROR])
{
    int         rc, own;
    char        wallet[GRID_HASH + 20];
    size_t      i;
    uint8_t     digest[GRID_HASH / 2];
    uint64_t    weight;
    wgw_text_t  message = { (const char *) digest, sizeof(digest) };

    (void) wgw_hex_decode(digest, sizeof(digest),
                          (wgw_text_t) { hash, GRID_HASH });

    if (strcmp(d->style, SIGNERS_WALLET) == 0) {
        grid_put(wallet, sizeof(wallet), "<Bytes>%s</Bytes>", hash);
        message.data = wallet;
        message.len = strlen(wallet);

    } else if (d->style[0]) {
        grid_put(error, GRID_ERROR, "signature_style \"%.40s\" is not known: "
                 "leave it out, or say \"" SIGNERS_WALLET "\"", d->style);
        return GRID_FAILED;
    }

    own = 0;
    weight = 0;

    for (i = 0; i < d->nrequests; i++) {
        own |= (d->requests[i].twin == d->twin);
    }

    if (!own) {
        grid_put(error, GRID_ERROR, "twin %u must be among the "
                 "signature_requirement's requests, since the deployment is "
                 "its own", d->twin);
        return GRID_FAILED;
    }

    for (i = 0; i < d->nrequests; i++) {
        rc = signers_one(chain, d, d->requests[i].twin, message, error);

        if (rc != GRID_OK) {
            return rc;
        }

        if (__builtin_add_overflow(weight, d->requests[i].weight, &weight)) {
            weight = UINT64_MAX;
        }
    }

    if (weight < d->weight) {
        grid_put(error, GRID_ERROR, "the signatures have a weight of %llu, and "
                 "%llu is required", (unsigned long long) weight,
                 (unsigned long long) d->weight);
        return GRID_FAILED;
    }

    return GRID_OK;
}


static int
signers_one(grid_chain_t *chain, const grid_deployment_t *d, uint32_t twin,
    wgw_text_t message, char error[GRID_ERROR])
{
    int           rc;
    size_t        i;
    uint8_t       key[GRID_KEY], signature[GRID_SIGNATURE];
    wgw_text_t    digits;
    grid_kind_t   kind;

    for (i = 0; i < d->nsignatures; i++) {
        if (d->signatures[i].twin == twin) {
            break;
        }
    }

    if (i == d->nsignatures) {
        grid_put(error, GRID_ERROR, "twin %u has not signed the deployment",
                 twin);
        return GRID_FAILED;
    }

    digits.data = d->signatures[i].digits;
    digits.len = strlen(digits.data);
    kind = strcmp(d->signatures[i].type, "sr25519") ? GRID_ED25519
                                                    : GRID_SR25519;

    if (digits.len != 2 * GRID_SIGNATURE
        || wgw_hex_decode(signature, GRID_SIGNATURE, digits) != 0)
    {
        grid_put(error, GRID_ERROR, "the signature of twin %u is not 128 "
                 "hexadecimal digits", twin);
        return GRID_FAILED;
    }

    rc = grid_chain_twin_key(chain, twin, key);

    if (rc == GRID_AWAY) {
        grid_put(error, GRID_ERROR, "the chain could not be asked for the key "
                 "of twin %u (%s): try again", twin, grid_chain_why(chain));
        return GRID_AWAY;
    }

    if (rc != GRID_OK) {
        grid_put(error, GRID_ERROR, "twin %u is not on the chain: its account "
                 "must make one first", twin);
        return GRID_FAILED;
    }

    if (!grid_verify(kind, key, signature, message.data, message.len)) {
        grid_put(error, GRID_ERROR, "the signature of twin %u, %s, is not of "
                 "this deployment by the key of its account", twin,
                 grid_kind_name(kind));
        return GRID_FAILED;
    }

    return GRID_OK;
}
