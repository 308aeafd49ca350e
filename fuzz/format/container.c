
/*
 * Containers: within their room, whatever they say; what is listed can be
 * read, and shown as JSON, within the room that it is said to need.
 */

#include "claims/claim_json.h"
#include "format/container.h"
#include "format/dagjson.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


#define ROOM  4096


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char              *copy, *json;
    uint8_t           *room;
    uint64_t           n;
    wgw_out_t          out;
    wgw_claim_t        claim;
    wgw_text_t         text, token;
    wgw_container_t    container;

    copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    room = malloc(ROOM);

    text.data = copy;
    text.len = size;

    if (wgw_container_read(&container, text, room, ROOM) == NULL) {

        for (n = container.n; n; n--) {
            assert(wgw_container_next(&container, &token));

            if (wgw_claim_read(&claim, token, 1) == NULL) {
                json = malloc(WGW_DAGJSON_ROOM(token.len) + 2048);
                wgw_out_init(&out, json,
                             WGW_DAGJSON_ROOM(token.len) + 2048);
                wgw_claim_name(&claim);
                wgw_claim_json(&out, &claim);
                assert(!out.overflow);
                free(json);
            }
        }

        assert(!wgw_container_next(&container, &token));
    }

    if (wgw_cbor_check(copy, size) == NULL) {
        json = malloc(WGW_DAGJSON_ROOM(size));
        wgw_out_init(&out, json, WGW_DAGJSON_ROOM(size));
        wgw_dagjson_write(&out, (uint8_t *) copy);
        assert(!out.overflow);
        free(json);
    }

    free(room);
    free(copy);

    return 0;
}
