
/*
 * ClientHellos.  The first two bytes cut the input: what is asked about the
 * part must not contradict what is said of the whole.
 */

#include "format/hello.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static wgw_hello_rc_t
parse(wgw_hello_t *hello, const uint8_t *data, size_t size)
{
    uint8_t         *copy;
    wgw_hello_rc_t   rc;

    copy = malloc(size ? size : 1);

    if (size) {
        memcpy(copy, data, size);
    }

    rc = wgw_hello_parse(hello, copy, size);

    free(copy);

    return rc;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          cut, i;
    wgw_hello_t     whole, part;
    wgw_hello_rc_t  rc, before;

    if (size < 2) {
        return 0;
    }

    cut = (size_t) (data[0] << 8 | data[1]);
    data += 2;
    size -= 2;

    if (cut > size) {
        cut = size;
    }

    rc = parse(&whole, data, size);
    before = parse(&part, data, cut);

    /* more bytes end the asking and change nothing else */

    assert(before == rc || before == WGW_HELLO_AGAIN);
    assert(before != rc || rc == WGW_HELLO_AGAIN
           || (whole.wanted == part.wanted && whole.acme == part.acme
               && whole.len == part.len
               && memcmp(whole.name, part.name, whole.len) == 0));

    /* what is waited for is neither there nor too much */

    if (before == WGW_HELLO_AGAIN) {
        assert(part.wanted > cut && part.wanted <= WGW_HELLO_MAX);
        assert(rc != WGW_HELLO_DONE || part.wanted <= size);
    }

    assert(rc != WGW_HELLO_AGAIN || size < WGW_HELLO_MAX);

    if (rc != WGW_HELLO_DONE) {
        assert(whole.len == 0 && !whole.acme);
        return 0;
    }

    assert(whole.len <= WGW_NAME_MAX);

    for (i = 0; i < whole.len; i++) {
        assert(whole.name[i] > ' ' && whole.name[i] < 0x7f);
        assert(whole.name[i] < 'A' || whole.name[i] > 'Z');
    }

    return 0;
}
