
/*
 * answer: what a node answers to JSON-RPC, as far as a router looks at it:
 * how high its chain is, and whether an error says that another node may
 * know better.
 */

#ifndef WGW_ANSWER_H
#define WGW_ANSWER_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_ANSWER_DEPTH  128


/*
 * The answer to eth_blockNumber and its kin: `result` is "0x15f4b1a" or a
 * number.  Returns 0, or -1 for anything else, an error included.
 */
int wgw_answer_height(uint64_t *height, wgw_text_t body);

/*
 * 1 when the body, or one answer of a batch, is an error with one of these
 * codes; 0, too, for what is no JSON-RPC.
 */
int wgw_answer_error(wgw_text_t body, const int64_t *codes, size_t n);

/*
 * Takes the chunks of a body apart (RFC 9112, 7.1), in place: returns 1 and
 * the length of what they hold when the last one is there; 0 when there is
 * more to come, and then nothing was moved; -1 when these are no chunks.
 */
int wgw_answer_chunks(char *data, size_t len, size_t *size);


#pragma GCC visibility pop

#endif /* WGW_ANSWER_H */
