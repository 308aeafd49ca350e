
/*
 * Answers of providers: what is taken from them fits on a request.
 */

#include "router/grant.h"

#include <assert.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                 buffer[WGW_GRANT_BYTES];
    size_t               i, k;
    wgw_text_t           body = { (const char *) data, size };
    wgw_grant_t          grant;
    wgw_grant_header_t  *header;

    if (wgw_grant_read(&grant, body, buffer) != NULL) {
        return 0;
    }

    assert(grant.nheaders > 0 && grant.nheaders <= WGW_GRANT_HEADERS);

    for (i = 0; i < grant.nheaders; i++) {
        header = &grant.headers[i];

        assert(wgw_grant_field(header->name));
        assert(header->name.data >= buffer
               && header->value.data + header->value.len
                  <= buffer + sizeof(buffer));

        for (k = 0; k < header->value.len; k++) {
            assert((unsigned char) header->value.data[k] >= 0x20
                   && header->value.data[k] != 0x7f);
        }
    }

    return 0;
}
