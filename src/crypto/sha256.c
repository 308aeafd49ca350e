
#include <openssl/evp.h>

#include "crypto/sha256.h"


int
wgw_sha256(const void *data, size_t len, uint8_t digest[WGW_SHA256])
{
    EVP_MD         *md, *other;
    unsigned        size;

    static EVP_MD  *found;

    md = __atomic_load_n(&found, __ATOMIC_ACQUIRE);

    if (md == NULL) {
        md = EVP_MD_fetch(NULL, "SHA256", NULL);

        if (md == NULL) {
            return -1;
        }

        other = NULL;

        if (!__atomic_compare_exchange_n(&found, &other, md, 0,
                                         __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        {
            EVP_MD_free(md);
            md = other;
        }
    }

    return EVP_Digest(data, len, digest, &size, md, NULL) == 1 ? 0 : -1;
}
