
/*
 * base64url: RFC 4648, section 5, without padding, as JWTs have it (RFC
 * 7515).  Each text has one meaning and each sequence of bytes one text:
 * bits that are left over must be zero.
 */

#ifndef WGW_BASE64URL_H
#define WGW_BASE64URL_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


/* How long what becomes of n is; of a text, at most. */
#define WGW_BASE64URL_TEXT(n)   (((n) * 4 + 2) / 3)
#define WGW_BASE64URL_BYTES(n)  ((n) * 3 / 4)


void wgw_base64url_encode(wgw_out_t *out, const void *data, size_t len);

/*
 * `bytes` has room for WGW_BASE64URL_BYTES(text.len).  Returns 0 and the
 * length, or -1.
 */
int wgw_base64url_decode(void *bytes, size_t *len, wgw_text_t text);


#pragma GCC visibility pop

#endif /* WGW_BASE64URL_H */
