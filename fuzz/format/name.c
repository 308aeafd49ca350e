
/*
 * Names.  The first byte cuts the input into a name and a domain.
 */

#include "format/name.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static size_t
labels(const char *name, size_t len)
{
    size_t  i, n;

    n = 1;

    for (i = 0; i < len; i++) {
        n += name[i] == '.';
    }

    return n;
}


/* Each step is a wildcard with fewer labels behind it, so it ends. */

static void
widen(char *name, size_t len)
{
    size_t  next, before;

    for ( ;; ) {
        before = labels(name, len) - (len > 1 && name[0] == '*'
                                      && name[1] == '.');
        next = wgw_name_widen(name, len);

        if (next == 0) {
            return;
        }

        assert(next > 2 && next <= WGW_NAME_MAX);
        assert(next <= len);
        assert(name[0] == '*' && name[1] == '.');
        assert(labels(name, next) - 1 < before);

        len = next;
    }
}


/* A canonical name is its own canonical form, with and without a dot. */

static void
again(const char *name, size_t len, wgw_text_t domain)
{
    char         copy[WGW_NAME_MAX], dotted[WGW_NAME_MAX + 1];
    size_t       n;
    wgw_text_t   text = { name, len };
    const char  *error;

    n = wgw_name_parse(copy, text, domain, &error);
    assert(n == len && memcmp(copy, name, len) == 0);

    n = wgw_name_fold(copy, text);
    assert(n == len && memcmp(copy, name, len) == 0);

    memcpy(dotted, name, len);
    dotted[len] = '.';
    text.data = dotted;
    text.len = len + 1;

    n = wgw_name_parse(copy, text, domain, &error);
    assert(n == len && memcmp(copy, name, len) == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        *name, *canonical;
    size_t       len, cut;
    wgw_text_t   text, domain;
    const char  *error;

    if (size == 0) {
        return 0;
    }

    cut = data[0] < size ? data[0] : size - 1;

    text.data = (const char *) data + 1;
    text.len = cut;
    domain.data = (const char *) data + 1 + cut;
    domain.len = size - 1 - cut;

    name = malloc(WGW_NAME_MAX);
    canonical = malloc(WGW_NAME_MAX);

    /* the configuration's domain is canonical */

    len = wgw_name_parse(canonical, domain, wgw_text(""), &error);
    domain.data = canonical;
    domain.len = (len && canonical[0] != '*') ? len : 0;

    error = NULL;
    len = wgw_name_parse(name, text, domain, &error);

    assert((len == 0) == (error != NULL));
    assert(len <= WGW_NAME_MAX);

    if (len) {
        again(name, len, domain);
        widen(name, len);
    }

    len = wgw_name_fold(name, text);

    assert(len <= WGW_NAME_MAX && len <= text.len);

    if (len) {
        widen(name, len);
    }

    free(canonical);
    free(name);

    return 0;
}
