
/*
 * Signatures: the first byte says how many of the next are the signature's
 * text; the rest is the message.
 */

#include "crypto/eip191.h"
#include "crypto/eip55.h"
#include "format/hex.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static wgw_eip191_t  *eip191;


/* Letters in another case are the same signature. */

static void
again(const uint8_t signature[WGW_EIP191_SIGNATURE])
{
    char         text[2 + 2 * WGW_EIP191_SIGNATURE];
    uint8_t      copy[WGW_EIP191_SIGNATURE];
    wgw_text_t   from = { text, sizeof(text) };
    const char  *error;

    memcpy(text, "0x", 2);
    wgw_hex_encode(text + 2, signature, WGW_EIP191_SIGNATURE);

    error = wgw_eip191_signature(copy, from);
    assert(error == NULL);
    assert(memcmp(copy, signature, sizeof(copy)) == 0);
}


static void
recover(const uint8_t signature[WGW_EIP191_SIGNATURE], wgw_text_t message)
{
    char         text[WGW_EIP55_LEN];
    uint8_t      hash[WGW_EIP191_HASH], address[WGW_EIP191_ADDRESS],
                 copy[WGW_EIP191_ADDRESS];
    wgw_text_t   from = { text, sizeof(text) };
    const char  *error;

    wgw_eip191_hash(hash, message);

    if (wgw_eip191_recover(eip191, address, signature, hash) != NULL) {
        return;
    }

    assert((signature[32] & 0x80) == 0);

    wgw_eip55_print(text, address);
    error = wgw_eip55_parse(copy, from, 0);
    assert(error == NULL && memcmp(copy, address, sizeof(copy)) == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t       cut;
    uint8_t      signature[WGW_EIP191_SIGNATURE];
    wgw_text_t   text, message;

    if (size == 0) {
        return 0;
    }

    if (eip191 == NULL) {
        eip191 = wgw_eip191_create();
        assert(eip191 != NULL);
    }

    cut = data[0] < size ? data[0] : size - 1;

    text.data = (const char *) data + 1;
    text.len = cut;
    message.data = (const char *) data + 1 + cut;
    message.len = size - 1 - cut;

    if (wgw_eip191_signature(signature, text) == NULL) {
        again(signature);
        recover(signature, message);
    }

    (void) wgw_eip55_parse(signature, text, size & 1);

    return 0;
}
