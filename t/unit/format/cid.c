
/*
 * CIDs and the bases and numbers they are written in.
 */

#include "t/unit/tap.h"
#include "format/cid.h"
#include "format/multibase.h"
#include "format/varint.h"

#include <stdlib.h>


#define RAW     "bafkreicbjm64cz467uke3okmmjqyr4rkkqttjgwaz7oi4dhmxq3orgkx24"
#define DAG_PB  "bafybeicbjm64cz467uke3okmmjqyr4rkkqttjgwaz7oi4dhmxq3orgkx24"
#define V0      "QmSjXkfRtEG4meQCTfetoyLPYpPPcSZT5HsHTTeFtkacAi"


typedef struct {
    const char       *text;
    wgw_multibase_t   status;
    const char       *bytes;
    size_t            len;
} base_case_t;


static const base_case_t  bases[] = {
    { "bme", WGW_MULTIBASE_OK, "a", 1 },
    { "BME", WGW_MULTIBASE_OK, "a", 1 },
    { "Bme", WGW_MULTIBASE_DIGIT, "", 0 },
    { "bME", WGW_MULTIBASE_DIGIT, "", 0 },
    { "bmf", WGW_MULTIBASE_DIGIT, "", 0 },      /* bits left over */
    { "bm", WGW_MULTIBASE_DIGIT, "", 0 },       /* a digit too many */
    { "bmf2", WGW_MULTIBASE_DIGIT, "", 0 },
    { "b", WGW_MULTIBASE_OK, "", 0 },
    { "bme=", WGW_MULTIBASE_DIGIT, "", 0 },
    { "b1", WGW_MULTIBASE_DIGIT, "", 0 },
    { "f616F", WGW_MULTIBASE_DIGIT, "", 0 },
    { "f616f", WGW_MULTIBASE_OK, "ao", 2 },
    { "F616F", WGW_MULTIBASE_OK, "ao", 2 },
    { "F616f", WGW_MULTIBASE_DIGIT, "", 0 },
    { "f6", WGW_MULTIBASE_DIGIT, "", 0 },
    { "mYW8", WGW_MULTIBASE_OK, "ao", 2 },
    { "uYW8", WGW_MULTIBASE_OK, "ao", 2 },
    { "m_-", WGW_MULTIBASE_DIGIT, "", 0 },
    { "m//8", WGW_MULTIBASE_OK, "\xff\xff", 2 },
    { "u__8", WGW_MULTIBASE_OK, "\xff\xff", 2 },
    { "z8R4", WGW_MULTIBASE_OK, "ao", 2 },
    { "z118R4", WGW_MULTIBASE_OK, "\0\0" "ao", 4 },
    { "z0", WGW_MULTIBASE_DIGIT, "", 0 },
    { "zO", WGW_MULTIBASE_DIGIT, "", 0 },
    { "zl", WGW_MULTIBASE_DIGIT, "", 0 },
    { "z", WGW_MULTIBASE_OK, "", 0 },
    { "z111111111", WGW_MULTIBASE_LONG, "", 0 },
    { "zzzzzzzzzzzzzzzzz", WGW_MULTIBASE_LONG, "", 0 },
    { "bmeaaaaaaaaaaaaaaaaa", WGW_MULTIBASE_LONG, "", 0 },
    { "kj8v", WGW_MULTIBASE_OK, "ao", 2 },
    { "KJ8V", WGW_MULTIBASE_OK, "ao", 2 },
    { "Kj8v", WGW_MULTIBASE_DIGIT, "", 0 },
    { "xabc", WGW_MULTIBASE_UNKNOWN, "", 0 },
    { "", WGW_MULTIBASE_UNKNOWN, "", 0 }
};


/* A CID and what it is as v1 in base32; NULL: none. */
static const struct {
    const char  *text;
    const char  *v1;
    const char  *what;
} cids[] = {
    { RAW, RAW, "raw, base32" },
    { DAG_PB, DAG_PB, "dag-pb, base32" },
    { V0, DAG_PB, "v0" },
    { "k2jvtsc5wjcmz7n6rg3x3f9n", NULL, "base36 of something else" },
    { "z" V0, NULL, "v0 with a base's letter" },
    { "bafkreicbjm64cz467uke3okmmjqyr4rkkqttjgwaz7oi4dhmxq3orgkx2", NULL,
      "one digit missing" },
    { RAW "a", NULL, "one digit more" },
    { "bafkreicbjm64cz467uke3okmmjqyr4rkkqttjgwaz7oi4dhmxq3orgkx25", NULL,
      "bits left over" },
    { "Qm", NULL, "short v0" },
    { "QmSjXkfRtEG4meQCTfetoyLPYpPPcSZT5HsHTTeFtkacA", NULL,
      "v0 of 45 digits" },
    { "f01551220", NULL, "no digest" },
    { "f0155122000", NULL, "a digest of one byte" },
    { "f01550000", "bafkqaaa", "identity, empty" },
    { "f0155000161", "bafkqaalb", "identity, one byte" },
    { "f015500016162", NULL, "a byte after the digest" },
    { "f01d5800000", NULL, "a codec that is not shortest" },
    { "f02551220", NULL, "version 2" },
    { "f", NULL, "nothing" },
    { "", NULL, "no text" },
    { "hello", NULL, "no CID" }
};


static void
test_bases(void)
{
    char              text[32];
    size_t            i, len;
    uint8_t           room[8];
    wgw_out_t         out;
    wgw_text_t        view;
    wgw_multibase_t   status;

    for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        view.data = bases[i].text;
        view.len = strlen(bases[i].text);
        status = wgw_multibase_decode(room, sizeof(room), &len, view);

        ok(status == bases[i].status
           && (status != WGW_MULTIBASE_OK
               || (len == bases[i].len
                   && memcmp(room, bases[i].bytes, len) == 0)),
           "multibase %s", bases[i].text);
    }

    wgw_out_init(&out, text, sizeof(text));
    wgw_base58_encode(&out, "\0\0" "ao", 4);
    is(text, (size_t) (out.pos - text), "118R4", "base58 with zeros");

    wgw_out_init(&out, text, sizeof(text));
    wgw_base32_encode(&out, "ao", 2);
    is(text, (size_t) (out.pos - text), "mfxq", "base32");

    wgw_out_init(&out, text, 3);
    wgw_base58_encode(&out, "aoeuidhtns", 10);
    ok(out.overflow, "base58 that does not fit");
}


static void
test_cids(void)
{
    int         rc;
    char        text[WGW_CID_TEXT];
    size_t      i;
    wgw_cid_t   cid;
    wgw_out_t   out;
    wgw_text_t  view;

    for (i = 0; i < sizeof(cids) / sizeof(cids[0]); i++) {
        view.data = cids[i].text;
        view.len = strlen(cids[i].text);
        rc = wgw_cid_read(&cid, view);

        if (cids[i].v1 == NULL) {
            ok(rc == -1, "no CID: %s", cids[i].what);
            continue;
        }

        wgw_out_init(&out, text, sizeof(text));

        if (ok(rc == 0, "a CID: %s", cids[i].text)) {
            wgw_cid_write(&out, &cid);
        }

        is(text, (size_t) (out.pos - text), cids[i].v1, "as v1 in base32");
    }
}


/* egress 4: one content has one multihash, whatever CID it is asked by. */

static void
test_same(void)
{
    int          rc;
    char         text[128];
    size_t       i;
    wgw_cid_t    one, other;
    wgw_out_t    out;
    wgw_text_t   view;
    const char  *p;

    static const char *const  same[] = {
        DAG_PB, V0,
        "k2cwuea9zmyoi4flxdsgnigtkm9u0vdttvdlno9d1otxym3ww6g2iwnr",
        "BAFKREICBJM64CZ467UKE3OKMMJQYR4RKKQTTJGWAZ7OI4DHMXQ3ORGKX24",
        "f01551220414b3dc1679efd144db94c626188f22a5427349ac0cfdc8e0cecbc36e8"
        "9957d7",
        "uAVUSIEFLPcFnnv0UTblMYmGI8ipUJzSawM_cjgzsvDbomVfX",
        "mAVUSIEFLPcFnnv0UTblMYmGI8ipUJzSawM/cjgzsvDbomVfX"
    };

    wgw_cid_read(&one, wgw_text(RAW));

    for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        p = same[i];
        view.data = p;
        view.len = strlen(p);
        rc = wgw_cid_read(&other, view);

        ok(rc == 0 && wgw_text_equal(one.multihash, other.multihash),
           "egress 4: the same multihash: %s", p);
    }

    wgw_out_init(&out, text, sizeof(text));
    wgw_out_bytes(&out, "z", 1);
    wgw_base58_encode(&out, one.bytes, one.len);
    view.data = text;
    view.len = (size_t) (out.pos - text);

    ok(wgw_cid_read(&other, view) == 0
       && wgw_text_equal(one.multihash, other.multihash),
       "egress 4: the same in base58btc");
}


/* The number of zeros and of bytes survives each base of any size. */

static void
test_round(void)
{
    char        text[256];
    size_t      n, i, len;
    uint8_t     bytes[64], back[64];
    unsigned    good;
    wgw_out_t   out;
    wgw_text_t  view;

    good = 1;

    for (n = 0; n <= sizeof(bytes); n++) {

        for (i = 0; i < n; i++) {
            bytes[i] = (uint8_t) (i < n / 3 ? 0 : 37 * i + n);
        }

        wgw_out_init(&out, text, sizeof(text));
        wgw_out_bytes(&out, "z", 1);
        wgw_base58_encode(&out, bytes, n);
        view.data = text;
        view.len = (size_t) (out.pos - text);
        good &= wgw_multibase_decode(back, n, &len, view) == WGW_MULTIBASE_OK
                && len == n && memcmp(back, bytes, n) == 0;

        wgw_out_init(&out, text, sizeof(text));
        wgw_out_bytes(&out, "b", 1);
        wgw_base32_encode(&out, bytes, n);
        view.data = text;
        view.len = (size_t) (out.pos - text);
        good &= wgw_multibase_decode(back, n, &len, view) == WGW_MULTIBASE_OK
                && len == n && memcmp(back, bytes, n) == 0;
    }

    ok(good, "base58 and base32 there and back");
}


static void
test_varints(void)
{
    uint64_t  n;

    ok(wgw_varint((const uint8_t *) "\x00", 1, &n) == 1 && n == 0, "varint 0");
    ok(wgw_varint((const uint8_t *) "\xed\x01", 2, &n) == 2 && n == 0xed,
       "varint 0xed");
    ok(wgw_varint((const uint8_t *) "\xed\x00", 2, &n) == -1,
       "varint not shortest");
    ok(wgw_varint((const uint8_t *) "\xed", 1, &n) == 0, "varint cut");
    ok(wgw_varint((const uint8_t *) "", 0, &n) == 0, "varint of nothing");
    ok(wgw_varint((const uint8_t *) "\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9,
                  &n) == 9
       && n == INT64_MAX, "varint of nine bytes");
    ok(wgw_varint((const uint8_t *) "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                  10, &n) == 0, "varint of ten bytes");
}


static void
test_places(void)
{
    wgw_text_t  cid;

    cid = wgw_cid_of_path(wgw_text("/ipfs/" RAW "/a/b.html"));
    is(cid.data, cid.len, RAW, "of a path with more");
    cid = wgw_cid_of_path(wgw_text("/ipfs/" RAW));
    is(cid.data, cid.len, RAW, "of a path");
    cid = wgw_cid_of_path(wgw_text("/ipfs//x"));
    ok(cid.len == 0, "of an empty segment");
    cid = wgw_cid_of_path(wgw_text("/ipns/" RAW));
    ok(cid.len == 0, "of another path");
    cid = wgw_cid_of_path(wgw_text("/ip"));
    ok(cid.len == 0, "of a short path");
    cid = wgw_cid_of_host(wgw_text(RAW ".ipfs.w3s.link"));
    is(cid.data, cid.len, RAW, "of a host");
    cid = wgw_cid_of_host(wgw_text(RAW ".ipfs."));
    ok(cid.len == 0, "of a host without more");
    cid = wgw_cid_of_host(wgw_text("w3s.link"));
    ok(cid.len == 0, "of another host");
    cid = wgw_cid_of_host((wgw_text_t) { NULL, 0 });
    ok(cid.len == 0, "of no host");
}


int
main(void)
{
    test_bases();
    test_cids();
    test_same();
    test_round();
    test_varints();
    test_places();

    return done();
}
