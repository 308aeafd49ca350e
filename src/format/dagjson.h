
/*
 * dagjson: DAG-CBOR values shown as DAG-JSON
 * (https://ipld.io/specs/codecs/dag-json/spec/): bytes as {"/":{"bytes":
 * base64}}, links as {"/":"b..."}.
 */

#ifndef WGW_DAGJSON_H
#define WGW_DAGJSON_H


#include "format/cbor.h"

#pragma GCC visibility push(hidden)


/* What a value of n bytes may need, at most. */
#define WGW_DAGJSON_ROOM(n)  (26 * (n) + 32)


/* The value at `p`, which is within a checked document. */
void wgw_dagjson_write(wgw_out_t *out, const uint8_t *p);


#pragma GCC visibility pop

#endif /* WGW_DAGJSON_H */
