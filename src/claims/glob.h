
/*
 * glob: the patterns of a policy's "like" (UCAN delegation 1.0).
 *
 * `*` is any run of characters, none and line feeds included; `\*` is a star;
 * everything else, also `?`, `[` and a backslash before another character, is
 * itself.  The whole text must match.
 *
 * A pattern is taken apart once, into the pieces between its stars; a match
 * looks for each where the last one ended and never goes back.
 */

#ifndef WGW_GLOB_H
#define WGW_GLOB_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


/* The room that a pattern of n bytes needs. */
#define WGW_GLOB_ROOM(n)  (3 * (n) + 2)


/* Pieces, each its length in two bytes and its bytes. */
typedef struct {
    const uint8_t  *pieces;
    size_t          n;              /* one more than there are stars */
} wgw_glob_t;


/* The pattern is at most 65535 bytes long. */
void wgw_glob_read(wgw_glob_t *glob, uint8_t *room, wgw_text_t pattern);

/* 1 when the text matches. */
int wgw_glob_match(const wgw_glob_t *glob, wgw_text_t text);


#pragma GCC visibility pop

#endif /* WGW_GLOB_H */
