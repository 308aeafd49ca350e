
/*
 * etag: the change id of a record as an ETag, and the lists of them that
 * If-Match has (RFC 9110, 13.1.1): "1f", W/"1f", "20".
 *
 * Ids are written in one way, in lower case and without leading zeros, so
 * that two tags are one only when they are the same bytes.
 */

#ifndef WGW_ETAG_H
#define WGW_ETAG_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


/*
 * The ids of a list, at most `max`; how many.  Weak tags and such as are not
 * of our making match nothing and are left out; 0 for what is no list.
 */
size_t wgw_etag_list(wgw_text_t text, uint64_t *ids, size_t max);


#pragma GCC visibility pop

#endif /* WGW_ETAG_H */
