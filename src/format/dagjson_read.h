
/*
 * dagjson_read: DAG-JSON, as yajl's tree has it, as DAG-CBOR: for tools and
 * tests, which may allocate.
 */

#ifndef WGW_DAGJSON_READ_H
#define WGW_DAGJSON_READ_H


#include <yajl/yajl_tree.h>

#include "format/cbor.h"

#pragma GCC visibility push(hidden)


/*
 * 0, or -1 for what has no DAG-CBOR: more than 256 members, integers beyond
 * 64 bits, {"/": ...} that is neither bytes nor a CID.
 */
int wgw_dagjson_put(wgw_out_t *out, yajl_val value);


#pragma GCC visibility pop

#endif /* WGW_DAGJSON_READ_H */
