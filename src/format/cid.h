
/*
 * cid: content identifiers (https://github.com/multiformats/cid).
 *
 *   v0   Qm..., 46 digits of base58btc: a sha2-256 multihash, codec dag-pb
 *   v1   a multibase text of 01, codec, multihash
 *
 * A multihash is the code of a hash function, the digest's length and the
 * digest.  It is what names a content: its CIDs differ in version, base and
 * codec, and all of them share one limit.
 */

#ifndef WGW_CID_H
#define WGW_CID_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_CID_DIGEST     64       /* bytes of a digest, at most */
#define WGW_CID_MULTIHASH  82       /* two varints and a digest */
#define WGW_CID_BYTES      92       /* version, codec, multihash */
#define WGW_CID_TEXT       (1 + (WGW_CID_BYTES * 8 + 4) / 5)

/* bytes of a text that can be a CID at all, in whatever base */
#define WGW_CID_TEXT_MAX   (1 + WGW_CID_BYTES * 2)


/* The multihash is a view into `bytes`: see wgw_cid_copy(). */
typedef struct {
    unsigned    version;            /* 0 or 1 */
    uint64_t    codec;
    uint8_t     bytes[WGW_CID_BYTES];
    size_t      len;
    wgw_text_t  multihash;
} wgw_cid_t;


void wgw_cid_copy(wgw_cid_t *to, const wgw_cid_t *from);

/* Each returns 0, or -1 for anything but one whole CID. */
int wgw_cid_read(wgw_cid_t *cid, wgw_text_t text);
int wgw_cid_read_bytes(wgw_cid_t *cid, const void *data, size_t len);
int wgw_multihash_check(const void *data, size_t len);

/* As v1 in base32, whatever it came as. */
void wgw_cid_write(wgw_out_t *out, const wgw_cid_t *cid);

/*
 * The text that may be a CID: of a path /ipfs/CID or /ipfs/CID/..., of a
 * host CID.ipfs.HOST; empty if there is none.
 */
wgw_text_t wgw_cid_of_path(wgw_text_t path);
wgw_text_t wgw_cid_of_host(wgw_text_t host);


#pragma GCC visibility pop

#endif /* WGW_CID_H */
