
/*
 * CIDs and DIDs, as text and as bytes.  What is a CID is the same content
 * when it is written anew.
 */

#include "format/cid.h"
#include "format/did.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
again(const wgw_cid_t *cid)
{
    char        text[WGW_CID_TEXT];
    wgw_cid_t   copy;
    wgw_out_t   out;
    wgw_text_t  view;

    wgw_out_init(&out, text, sizeof(text));
    wgw_cid_write(&out, cid);
    assert(!out.overflow);

    view.data = text;
    view.len = (size_t) (out.pos - text);

    assert(wgw_cid_read(&copy, view) == 0);
    assert(copy.version == 1 && copy.codec == cid->codec);
    assert(wgw_text_equal(copy.multihash, cid->multihash));
}


static void
key(wgw_text_t text)
{
    char            buffer[80];
    wgw_out_t       out;
    wgw_text_t      view;
    wgw_did_key_t   one, other;

    (void) wgw_did_check(text);
    (void) wgw_cid_of_path(text);
    (void) wgw_cid_of_host(text);

    if (wgw_did_key(&one, text) != NULL) {
        return;
    }

    wgw_out_init(&out, buffer, sizeof(buffer));
    wgw_did_write(&out, &one);
    assert(!out.overflow);

    view.data = buffer;
    view.len = (size_t) (out.pos - buffer);

    assert(wgw_did_key(&other, view) == NULL);
    assert(one.algorithm == other.algorithm && one.len == other.len);
    assert(memcmp(one.bytes, other.bytes, one.len) == 0);

    /* one text for each key */

    assert(wgw_text_equal(view, wgw_did_bare(text)));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        *copy;
    wgw_cid_t    cid;
    wgw_text_t   text;

    copy = malloc(size ? size : 1);
    memcpy(copy, data, size);

    text.data = copy;
    text.len = size;

    if (wgw_cid_read(&cid, text) == 0) {
        again(&cid);
    }

    if (wgw_cid_read_bytes(&cid, copy, size) == 0) {
        again(&cid);
    }

    (void) wgw_varsig_read(text);
    key(text);

    free(copy);

    return 0;
}
