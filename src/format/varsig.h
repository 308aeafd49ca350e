
/*
 * varsig: what a UCAN's signature is made with
 * (https://github.com/ChainAgnostic/varsig, version 1).
 *
 *   34 01 ed01 ed01 13 71     Ed25519
 *   34 01 ec01 e701 12 71     ES256K: secp256k1, SHA-256
 *   34 01 ec01 8024 12 71     ES256: P-256, SHA-256
 *
 * The last number is what the payload is written in: 71 is DAG-CBOR, and
 * with any other the signed bytes would be others.  All three signatures are
 * two numbers of 32 bytes.
 */

#ifndef WGW_VARSIG_H
#define WGW_VARSIG_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_VARSIG_SIGNATURE  64
#define WGW_VARSIG_HEADER     8     /* bytes of any of the three */


typedef enum {
    WGW_VARSIG_NONE = 0,
    WGW_VARSIG_ED25519,
    WGW_VARSIG_SECP256K1,
    WGW_VARSIG_P256
} wgw_varsig_t;


/* WGW_VARSIG_NONE for anything but the three. */
wgw_varsig_t wgw_varsig_read(wgw_text_t header);

/* WGW_VARSIG_HEADER bytes; NULL for WGW_VARSIG_NONE. */
const uint8_t *wgw_varsig_header(wgw_varsig_t algorithm);


#pragma GCC visibility pop

#endif /* WGW_VARSIG_H */
