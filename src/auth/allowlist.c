
#include <stdlib.h>
#include <string.h>

#include "auth/allowlist.h"


static wgw_text_t allowlist_line(wgw_text_t *rest);
static int allowlist_compare(const void *one, const void *two);


const char *
wgw_allowlist_address(uint8_t address[WGW_EIP55_BYTES], wgw_text_t text)
{
    char    lower[WGW_EIP55_LEN];
    size_t  i;

    if (text.len == WGW_EIP55_LEN) {
        memcpy(lower, text.data, WGW_EIP55_LEN);

        for (i = 2; i < WGW_EIP55_LEN; i++) {
            if (lower[i] >= 'a' && lower[i] <= 'z') {
                break;
            }

            if (lower[i] >= 'A' && lower[i] <= 'Z') {
                lower[i] |= 0x20;
            }
        }

        /* no small letter: then the capitals are no checksum */

        if (i == WGW_EIP55_LEN) {
            text.data = lower;
        }
    }

    return wgw_eip55_parse(address, text, 1);
}


const char *
wgw_allowlist_parse(wgw_allowlist_t *list, wgw_text_t text, unsigned *line)
{
    size_t       i, lines;
    const char  *error;
    wgw_text_t   entry;

    list->addresses = NULL;
    list->n = 0;
    *line = 0;

    if (text.len > WGW_ALLOWLIST_FILE) {
        return "is longer than 16 MB";
    }

    lines = 1;

    for (i = 0; i < text.len; i++) {
        lines += text.data[i] == '\n';
    }

    list->addresses = malloc(lines * WGW_EIP55_BYTES);
    if (list->addresses == NULL) {
        return "does not fit into memory";
    }

    while (text.len) {
        (*line)++;
        entry = allowlist_line(&text);

        if (entry.len == 0) {
            continue;
        }

        error = wgw_allowlist_address(list->addresses[list->n], entry);

        if (error) {
            free(list->addresses);
            list->addresses = NULL;
            list->n = 0;

            return error;
        }

        list->n++;
    }

    *line = 0;

    qsort(list->addresses, list->n, WGW_EIP55_BYTES, allowlist_compare);

    return NULL;
}


/* The next line without comment and blanks. */

static wgw_text_t
allowlist_line(wgw_text_t *rest)
{
    size_t      len;
    wgw_text_t  line;
    const char  *end;

    end = memchr(rest->data, '\n', rest->len);
    len = end ? (size_t) (end - rest->data) : rest->len;

    line.data = rest->data;
    line.len = len;

    rest->data += len + (end != NULL);
    rest->len -= len + (end != NULL);

    end = memchr(line.data, '#', line.len);

    if (end) {
        line.len = (size_t) (end - line.data);
    }

    while ((len = wgw_text_unseen(line, 0)) != 0) {
        line.data += len;
        line.len -= len;
    }

    while ((len = wgw_text_unseen(line, 1)) != 0) {
        line.len -= len;
    }

    return line;
}


int
wgw_allowlist_has(const wgw_allowlist_t *list,
    const uint8_t address[WGW_EIP55_BYTES])
{
    return list->n
           && bsearch(address, list->addresses, list->n, WGW_EIP55_BYTES,
                      allowlist_compare) != NULL;
}


static int
allowlist_compare(const void *one, const void *two)
{
    return memcmp(one, two, WGW_EIP55_BYTES);
}
