
/*
 * identity: an address that is read is the only one of its key; a phrase is
 * one or is not.
 */

#include <assert.h>
#include <string.h>

#include "grid/identity.h"
#include "grid/phrase.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        address[GRID_ADDRESS];
    uint8_t     key[GRID_KEY];
    wgw_text_t  text = { (const char *) data, size };

    if (grid_address_read(key, text) == 0) {
        grid_address(address, key);
        assert(strlen(address) == size && memcmp(address, data, size) == 0);
    }

    (void) grid_phrase_read(key, text);

    return 0;
}
