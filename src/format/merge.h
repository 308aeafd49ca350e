
/*
 * merge: a JSON merge patch (RFC 7396) of a flat object: what the patch does
 * not name stays, null takes a member out, anything else replaces it.
 *
 * Values are copied as they are written, and names are compared so: the
 * result is to be read by a parser that refuses what is no JSON, what is
 * repeated and what it does not know.  For the latter, a null for what the
 * document does not have stays in the result.
 */

#ifndef WGW_MERGE_H
#define WGW_MERGE_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_MERGE_MEMBERS  64           /* of each, at most */


/*
 * Writes the object that results, at most the length of both.  Returns NULL,
 * or what is wrong with the patch: "must be a JSON object".
 */
const char *wgw_merge(wgw_text_t document, wgw_text_t patch, wgw_out_t *out);


#pragma GCC visibility pop

#endif /* WGW_MERGE_H */
