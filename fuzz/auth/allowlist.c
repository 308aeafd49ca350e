
/*
 * Lists of addresses, and the addresses in them.
 */

#include "auth/allowlist.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* Printed, an address is one again; in order, none is there twice. */

static void
list(const wgw_allowlist_t *list)
{
    char        text[WGW_EIP55_LEN];
    size_t      i;
    uint8_t     address[WGW_EIP55_BYTES];
    wgw_text_t  view;

    for (i = 0; i < list->n; i++) {
        assert(wgw_allowlist_has(list, list->addresses[i]));
        assert(i == 0
               || memcmp(list->addresses[i - 1], list->addresses[i],
                         WGW_EIP55_BYTES) <= 0);

        wgw_eip55_print(text, list->addresses[i]);

        view.data = text;
        view.len = WGW_EIP55_LEN;

        assert(wgw_allowlist_address(address, view) == NULL);
        assert(memcmp(address, list->addresses[i], WGW_EIP55_BYTES) == 0);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char             *copy;
    size_t            i;
    uint8_t           address[WGW_EIP55_BYTES];
    unsigned          line, lines;
    const char       *error;
    wgw_text_t        text;
    wgw_allowlist_t   one;

    copy = malloc(size);

    if (size) {
        memcpy(copy, data, size);
    }

    text.data = copy;
    text.len = size;

    lines = 1;

    for (i = 0; i < size; i++) {
        lines += copy[i] == '\n';
    }

    error = wgw_allowlist_parse(&one, text, &line);

    if (error) {
        assert(one.n == 0 && *error && line >= 1 && line <= lines);

    } else {
        assert(one.n <= lines);
        list(&one);
        free(one.addresses);
    }

    if (wgw_allowlist_address(address, text) == NULL) {
        assert(size == WGW_EIP55_LEN);
        assert(wgw_allowlist_parse(&one, text, &line) == NULL);
        assert(one.n == 1 && wgw_allowlist_has(&one, address));
        free(one.addresses);
    }

    free(copy);

    return 0;
}
