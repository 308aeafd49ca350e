
/*
 * key: the text that a key of any length has in a table.
 *
 * A table has keys of up to 255 bytes.  Longer ones, a JWT for example, are
 * there by their SHA-256:
 *
 *     sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
 *
 * and so is a key that begins with "sha256:" itself, so that no two keys have
 * one text.
 */

#ifndef WGW_KEY_H
#define WGW_KEY_H


#include <string.h>

#include "table/table.h"

#pragma GCC visibility push(hidden)


#define WGW_KEY_HASHED      "sha256:"
#define WGW_KEY_HASHED_LEN  (sizeof(WGW_KEY_HASHED) - 1)
#define WGW_KEY_TEXT        (WGW_KEY_HASHED_LEN + 64)


/* 1 when the key is not in a table as it is. */

static inline int
wgw_key_hashed(wgw_text_t key)
{
    return key.len > WGW_TABLE_KEY_MAX
           || (key.len >= WGW_KEY_HASHED_LEN
               && memcmp(key.data, WGW_KEY_HASHED, WGW_KEY_HASHED_LEN) == 0);
}


/* The text of such a key, in `buffer`.  Returns 0, or -1: no memory. */
int wgw_key_hash(wgw_text_t *key, char buffer[WGW_KEY_TEXT]);


#pragma GCC visibility pop

#endif /* WGW_KEY_H */
