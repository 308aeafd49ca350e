
/*
 * name: what a gateway routes by, a host name or a wildcard `*.domain`.
 *
 * The canonical form is the full name in lower case without a final dot, at
 * most 253 bytes; labels are 1 to 63 of a-z 0-9 - _ (what the ThreeFold chain
 * lets a user reserve, which includes a leading or final hyphen).  Names in
 * another script come as A-labels.  Text that is an IPv4 literal is no name,
 * nor is anything with a first label `_acme-challenge`: the gateway needs
 * that one itself to prove its domain.
 */

#ifndef WGW_NAME_H
#define WGW_NAME_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_NAME_MAX  253


/*
 * Brings `text` to the canonical form, in `name` (not terminated).  A name
 * of a single label is completed with `domain`, which is canonical or empty;
 * with an empty domain it is refused.
 *
 * Returns the length, or 0 and in `*error` a phrase such as "has an empty
 * label", to be put after the name of the field.
 */
size_t wgw_name_parse(char name[WGW_NAME_MAX], wgw_text_t text,
    wgw_text_t domain, const char **error);

/*
 * For a name from a client (Host, SNI): lower-cases and strips one final
 * dot, without judging the rest.  Returns the length, or 0 if it is empty or
 * too long to be a name.
 */
size_t wgw_name_fold(char name[WGW_NAME_MAX], wgw_text_t text);

/*
 * The next, wider wildcard that could cover the name: a.b.c -> *.b.c -> *.c.
 * `name` is replaced in place.  Returns the new length, 0 when none is left.
 */
size_t wgw_name_widen(char name[WGW_NAME_MAX], size_t len);


#pragma GCC visibility pop

#endif /* WGW_NAME_H */
