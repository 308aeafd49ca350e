
/*
 * phrase: from words to the mini secret, see identity.h.
 *
 * Words are in lower case, with blanks or line ends between them.  A phrase
 * is refused with what is wrong, but never with a word of it.
 */

#ifndef WGW_GRID_PHRASE_H
#define WGW_GRID_PHRASE_H


#include "format/text.h"


#define GRID_PHRASE  32                 /* bytes of the mini secret */


/* NULL, or what is wrong: "has 11 words: ...". */
const char *grid_phrase_read(uint8_t secret[GRID_PHRASE], wgw_text_t phrase);


#endif /* WGW_GRID_PHRASE_H */
