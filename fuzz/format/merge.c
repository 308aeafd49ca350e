
/*
 * A merge patch: what results is an object again, not longer than both, and
 * the same patch on it changes nothing more.  And sizes, which have no other
 * shape than a text.
 */

#include "format/merge.h"
#include "format/size.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static wgw_text_t
merged(wgw_text_t document, wgw_text_t patch, const char **error)
{
    char       *buffer;
    size_t      room;
    wgw_out_t   out;

    room = document.len + patch.len + 1;
    buffer = malloc(room);

    wgw_out_init(&out, buffer, room);
    *error = wgw_merge(document, patch, &out);
    assert(!out.overflow);

    return (wgw_text_t) { buffer, (size_t) (out.pos - out.start) };
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        *copy;
    uint64_t     bytes;
    wgw_text_t   patch, once, twice;
    const char  *error;

    copy = malloc(size + 1);
    memcpy(copy, data, size);
    patch = (wgw_text_t) { copy, size };

    (void) wgw_size_parse(patch, UINT64_MAX, &bytes);

    once = merged(wgw_text("{\"owner\":\"a\",\"cap\":1}"), patch, &error);

    if (error == NULL) {
        twice = merged(once, patch, &error);
        assert(error == NULL || once.len > 200);
        free((void *) twice.data);
    }

    free((void *) once.data);
    free(copy);

    return 0;
}
