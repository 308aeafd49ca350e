
/*
 * Answers of nodes: as JSON, and in chunks.
 */

#include "router/answer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                   rc;
    char                 *copy;
    size_t                len;
    uint64_t              height;
    wgw_text_t            body = { (const char *) data, size };
    static const int64_t  codes[] = { -32601, -32000 };

    if (wgw_answer_height(&height, body) == 0) {
        assert(!wgw_answer_error(body, codes, 2));
    }

    (void) wgw_answer_error(body, codes, 2);

    copy = malloc(size + 1);
    memcpy(copy, data, size);

    rc = wgw_answer_chunks(copy, size, &len);

    if (rc == 1) {
        assert(len <= size);

    } else {
        assert(memcmp(copy, data, size) == 0);
    }

    free(copy);

    return 0;
}
