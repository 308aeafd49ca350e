
/*
 * etag: see etag.h.
 */

#include "names/etag.h"

#include <string.h>


static uint64_t etag_id(const char *p, size_t len);
static unsigned etag_between(char c);


size_t
wgw_etag_list(wgw_text_t text, uint64_t *ids, size_t max)
{
    size_t       n;
    uint64_t     id;
    unsigned     weak;
    const char  *p, *end, *last;

    p = text.data;
    last = p + text.len;
    n = 0;

    for ( ;; ) {

        while (p < last && etag_between(*p)) {
            p++;
        }

        if (p == last) {
            return n;
        }

        weak = (last - p > 2 && p[0] == 'W' && p[1] == '/');
        p += 2 * weak;

        end = (*p == '"') ? memchr(p + 1, '"', (size_t) (last - p - 1))
                          : NULL;

        if (end == NULL || n == max) {
            return 0;
        }

        id = weak ? 0 : etag_id(p + 1, (size_t) (end - p - 1));

        if (id) {
            ids[n++] = id;
        }

        p = end + 1;

        if (p < last && !etag_between(*p)) {
            return 0;
        }
    }
}


/* 0 for what was never one */

static uint64_t
etag_id(const char *p, size_t len)
{
    size_t       i;
    uint64_t     id;
    const char  *digit;

    static const char  digits[] = "0123456789abcdef";

    if (len == 0 || len > 16 || p[0] == '0') {
        return 0;
    }

    id = 0;

    for (i = 0; i < len; i++) {
        digit = memchr(digits, p[i], 16);

        if (digit == NULL) {
            return 0;
        }

        id = id * 16 + (uint64_t) (digit - digits);
    }

    return id;
}


static unsigned
etag_between(char c)
{
    return c == ' ' || c == '\t' || c == ',';
}
