
/*
 * DIDs as text, and the varsig headers.  Their vectors are in crypto/pubkey.
 */

#include "t/unit/tap.h"
#include "format/did.h"


#define ALICE  "did:key:z6MkhahyjrT5Tgj2E3333g59rddHSNCW5hQtduV2Z3woHdMi"


static const struct {
    const char  *did;
    int          good;
} dids[] = {
    { ALICE, 1 },
    { "did:web:w3s.link", 1 },
    { "did:web:w3s.link#owner", 1 },
    { "did:web:w3s.link%3A8443:a:b", 1 },
    { "did:x1:a", 1 },
    { "alice", 0 },
    { "did:", 0 },
    { "did::a", 0 },
    { "did:web", 0 },
    { "did:web:", 0 },
    { "did:web:#a", 0 },
    { "did:Web:a", 0 },
    { "Did:web:a", 0 },
    { "did:web:a b", 0 },
    { "did:web:a\n", 0 },
    { "did:web:\xc3\xa9", 0 },
    { "", 0 }
};


static void
test_varsig(void)
{
    char          header[16];
    size_t        i, n;
    unsigned      wrong;
    wgw_varsig_t  a;
    wgw_text_t    view;

    static const struct {
        const char  *bytes;
        size_t       len;
        const char  *what;
    } refused[] = {
        { "\x34\x02\xed\x01\xed\x01\x13\x71", 8, "version 2" },
        { "\x34\x01\xed\x01\xed\x01\x13\x5f", 8, "raw" },
        { "\x34\x01\xed\x01\xed\x01\x13\xa9\x02", 9, "DAG-JSON" },
        { "\x34\x01\xed\x01\xed\x01\x12\x71", 8, "Ed25519, SHA-256" },
        { "\x34\x01\xed\x81\x00\xed\x01\x13\x71", 9, "not shortest" },
        { "\x34\xed\x01\x71", 4, "version 0" },
        { "\x34\x01\xed\x01\xed\x01\x13\x71\x00", 9, "a byte more" },
        { "\x34\x01\xec\x01\x81\x24\x20\x71", 8, "ES384" },
        { "", 0, "empty" }
    };

    for (a = WGW_VARSIG_ED25519; a <= WGW_VARSIG_P256; a++) {
        view.data = (const char *) wgw_varsig_header(a);
        view.len = WGW_VARSIG_HEADER;
        ok(wgw_varsig_read(view) == a, "header %d", (int) a);

        /* with any bit changed it is none, or another's */

        wrong = 0;

        for (i = 0; i < 8 * WGW_VARSIG_HEADER; i++) {
            memcpy(header, view.data, WGW_VARSIG_HEADER);
            header[i / 8] = (char) (header[i / 8] ^ 1 << i % 8);
            wrong += wgw_varsig_read((wgw_text_t) { header, 8 }) == a;
        }

        ok(wrong == 0, "header %d with a bit changed", (int) a);
    }

    for (n = 0; n < sizeof(refused) / sizeof(refused[0]); n++) {
        view.data = refused[n].bytes;
        view.len = refused[n].len;
        ok(wgw_varsig_read(view) == WGW_VARSIG_NONE, "egress 79: %s",
           refused[n].what);
    }
}


int
main(void)
{
    char            text[80];
    size_t          i;
    wgw_out_t       out;
    wgw_text_t      view;
    wgw_did_key_t   key;

    for (i = 0; i < sizeof(dids) / sizeof(dids[0]); i++) {
        view.data = dids[i].did;
        view.len = strlen(dids[i].did);
        ok((wgw_did_check(view) == NULL) == dids[i].good, "egress 84: %s",
           dids[i].did);
    }

    view = wgw_did_bare(wgw_text("did:web:a?b#c"));
    is(view.data, view.len, "did:web:a", "without query and fragment");

    ok(wgw_did_key(&key, wgw_text(ALICE "#" ALICE)) == NULL, "a key");
    wgw_out_init(&out, text, sizeof(text));
    wgw_did_write(&out, &key);
    is(text, (size_t) (out.pos - text), ALICE, "there and back");

    test_varsig();

    return done();
}
