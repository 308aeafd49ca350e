
/*
 * Single tokens: form and signature.
 */

#include "t/unit/tap.h"
#include "t/unit/claims/vectors.h"
#include "claims/token.h"
#include "crypto/p256.h"
#include "format/cid.h"


#define SITE  "did:web:asia.web3.storage"
#define AUD   "did:web:w3s.link"


/* Reads and verifies with the keys of `did_map`, or of none. */

static const char *
judge(const void *data, size_t len, unsigned quotes, yajl_val did_map)
{
    char            iss[256];
    size_t          n, which;
    const char     *reason, *mapped;
    wgw_token_t     token;
    wgw_did_key_t   key;

    reason = wgw_token_read(&token, data, len, quotes);

    if (reason) {
        return reason;
    }

    n = 0;
    snprintf(iss, sizeof(iss), "%.*s", (int) token.iss.len, token.iss.data);
    mapped = did_map ? string(did_map, iss) : NULL;

    if (mapped && wgw_did_key(&key, view(mapped)) == NULL) {
        n = 1;
    }

    return wgw_token_verify(&token, &key, n, &which);
}


/* Every row of the vectors: egress 69 to 87, and some others. */

static void
test_vectors(void)
{
    size_t       i;
    bytes_t      bytes;
    yajl_val     root, row;
    const char  *id, *reason, *expected;

    root = vectors_read("ucan", "tokens");

    for (i = 0; i < YAJL_GET_ARRAY(member(root, "vectors"))->len; i++) {
        row = YAJL_GET_ARRAY(member(root, "vectors"))->values[i];
        id = string(row, "id");
        bytes = base64(string(row, "b64"));

        reason = judge(bytes.data, bytes.len,
                       strcmp(id, "tok-seed-quotes-strict") != 0,
                       member(row, "did_map"));
        expected = string(row, "reason");

        if (!ok(expected ? reason && strcmp(reason, expected) == 0
                         : reason == NULL,
                "egress %s: %s: %s", string(row, "case"), id,
                string(row, "expect")))
        {
            printf("# got %s, expected %s\n", reason ? reason : "accept",
                   expected ? expected : "accept");
        }

        free(bytes.data);
    }

    yajl_tree_free(root);
}


static bytes_t
vector(const char *wanted)
{
    size_t    i;
    bytes_t   bytes;
    yajl_val  root, row;

    root = vectors_read("ucan", "tokens");
    row = NULL;

    for (i = 0; i < YAJL_GET_ARRAY(member(root, "vectors"))->len; i++) {
        row = YAJL_GET_ARRAY(member(root, "vectors"))->values[i];

        if (strcmp(string(row, "id"), wanted) == 0) {
            break;
        }
    }

    bytes = base64(string(row, "b64"));
    yajl_tree_free(root);

    return bytes;
}


/* egress 73, 74: every beginning of a token, and every bit of it. */

static void
test_changed(const char *id)
{
    size_t    i, taken;
    bytes_t   token;
    uint8_t  *copy;

    token = vector(id);
    taken = 0;

    ok(judge(token.data, token.len, 0, NULL) == NULL, "%s is good", id);

    for (i = 0; i < token.len; i++) {
        copy = malloc(i ? i : 1);
        memcpy(copy, token.data, i);
        taken += judge(copy, i, 0, NULL) == NULL;
        free(copy);
    }

    ok(taken == 0, "egress 73: no beginning of %s is taken, of %zu", id,
       token.len);

    for (i = 0; i < 8 * token.len; i++) {
        token.data[i / 8] ^= (uint8_t) (1 << i % 8);
        taken += judge(token.data, token.len, 0, NULL) == NULL;
        token.data[i / 8] ^= (uint8_t) (1 << i % 8);
    }

    ok(taken == 0, "egress 74: %s with no bit changed, of %zu", id,
       8 * token.len);

    free(token.data);
}


/* egress 89: what the npm package makes. */

static void
test_iso(void)
{
    char           text[WGW_CID_TEXT];
    size_t         i;
    bytes_t        bytes;
    uint8_t        cid[WGW_TOKEN_CID];
    yajl_val       root, chains, row, maps;
    wgw_cid_t      read;
    wgw_out_t      out;
    const char    *reason;
    wgw_token_t    token;

    root = vectors_read("ucan", "iso-made");
    chains = vectors_read("ucan", "chains");
    maps = member(YAJL_GET_ARRAY(member(chains, "vectors"))->values[0],
                  "did_map");

    for (i = 0; i < YAJL_GET_ARRAY(member(root, "vectors"))->len; i++) {
        row = YAJL_GET_ARRAY(member(root, "vectors"))->values[i];
        bytes = base64(string(row, "b64"));

        reason = judge(bytes.data, bytes.len, 0, maps);
        ok(reason == NULL, "egress 89: %s is taken: %s", string(row, "id"),
           reason ? reason : "yes");

        wgw_token_read(&token, bytes.data, bytes.len, 0);
        wgw_token_cid(&token, cid);
        wgw_cid_read_bytes(&read, cid, sizeof(cid));
        wgw_out_init(&out, text, sizeof(text));
        wgw_cid_write(&out, &read);
        is(text, (size_t) (out.pos - text), string(row, "cid_base32"),
           "egress 89: its CID");

        ok(wgw_cid_read(&read, view(string(row, "cid"))) == 0
           && memcmp(read.bytes, cid, sizeof(cid)) == 0,
           "egress 89: its CID in base58btc");

        free(bytes.data);
    }

    yajl_tree_free(root);
    yajl_tree_free(chains);
}


/* A payload of these fields, each NULL, or absent when "". */
typedef struct {
    const char   *what;
    const char   *aud;
    const char   *cmd;
    const char   *exp;              /* JSON, as what follows */
    const char   *iss;
    const char   *nbf;
    const char   *pol;
    const char   *sub;
    const char   *meta;
    const char   *nonce;
    const char   *reason;
} made_t;


#define USUAL_HEAD  "\"" AUD "\"", "\"/assert/location\""
#define ISS         "\"" SITE "\""
#define NONCE       "{\"/\":{\"bytes\":\"AAAA\"}}"


static const made_t  made[] = {
    { "usual", USUAL_HEAD, "null", ISS, "", "[]", ISS, "", NONCE,
      "signature:bad" },
    { "a powerline", USUAL_HEAD, "null", ISS, "", "[]", "null", "", NONCE,
      "signature:bad" },
    { "egress 80: meta null", USUAL_HEAD, "null", ISS, "", "[]", ISS, "null",
      NONCE, "payload:meta-type" },
    { "egress 80: meta a list", USUAL_HEAD, "null", ISS, "", "[]", ISS, "[]",
      NONCE, "payload:meta-type" },
    { "egress 80: no aud", "", "\"/a\"", "null", ISS, "", "[]", ISS, "",
      NONCE, "payload:missing" },
    { "egress 80: no cmd", ISS, "", "null", ISS, "", "[]", ISS, "", NONCE,
      "payload:missing" },
    { "egress 80: no pol", USUAL_HEAD, "null", ISS, "", "", ISS, "", NONCE,
      "payload:missing" },
    { "egress 81: nbf null", USUAL_HEAD, "null", ISS, "null", "[]", ISS, "",
      NONCE, "payload:nbf-type" },
    { "egress 81: nbf a float", USUAL_HEAD, "null", ISS, "1.0", "[]", ISS,
      "", NONCE, "payload:nbf-type" },
    { "egress 82: exp before 1970", USUAL_HEAD, "-1", ISS, "", "[]", ISS, "",
      NONCE, "signature:bad" },
    { "egress 81: exp -2^53", USUAL_HEAD, "-9007199254740992", ISS, "", "[]",
      ISS, "", NONCE, "payload:exp-range" },
    { "exp -2^53 + 1", USUAL_HEAD, "-9007199254740991", ISS, "", "[]", ISS,
      "", NONCE, "signature:bad" },
    { "egress 83: an empty segment", ISS, "\"/a//b\"", "null", ISS, "", "[]",
      ISS, "", NONCE, "payload:cmd" },
    { "the top command", ISS, "\"/\"", "null", ISS, "", "[]", ISS, "", NONCE,
      "signature:bad" },
    { "egress 84: aud a list", "[]", "\"/\"", "null", ISS, "", "[]", ISS, "",
      NONCE, "did:type" },
    { "egress 84: sub no DID", ISS, "\"/\"", "null", ISS, "", "[]", "\"x\"",
      "", NONCE, "did:syntax" },
    { "egress 84: iss null", ISS, "\"/\"", "null", "null", "", "[]", ISS, "",
      NONCE, "did:type" },
    { "egress 69: pol a map", USUAL_HEAD, "null", ISS, "", "{}", ISS, "",
      NONCE, "policy:shape" },
    { "nonce empty", USUAL_HEAD, "null", ISS, "", "[]", ISS, "",
      "{\"/\":{\"bytes\":\"\"}}", "signature:bad" },
    { "egress 78: another kind of key", USUAL_HEAD, "null",
      "\"did:key:zQ3shSV3LY5CZ46j7evdrfCPWEdiXk5cpHaZkpPTNyBf1X8fN\"", "",
      "[]", ISS, "", NONCE, "varsig:key-type" },

    /* as the fixtures of the specification and of go-ucan are */

    { "egress 90: another command, ended", ISS, "\"/account\"", "1753353393",
      ISS, "", "[]", ISS, "", NONCE, "signature:bad" },
    { "egress 90: narrowed three times", ISS,
      "\"/expanded/nominal/attenuated\"", "null", ISS, "", "[]", ISS, "", NONCE,
      "signature:bad" },
    { "egress 90: to begin in 2070", ISS, "\"/expanded\"", "null", ISS,
      "3155760000", "[]", ISS, "", NONCE, "signature:bad" },
    { "egress 90: a policy about mail", ISS, "\"/msg/send\"", "null", ISS, "",
      "[[\"==\",\".from\",\"alice@example.com\"],"
      "[\"any\",\".to\",[\"like\",\".\",\"*@example.com\"]]]",
      ISS, "{\"foo\":\"bar\",\"n\":[1,{\"a\":true}]}", NONCE,
      "signature:bad" },
    { "egress 90: a DID with a path and a port",
      "\"did:web:example.com%3A8443:user:alice\"", "\"/a\"", "null", ISS, "",
      "[]", ISS, "", NONCE, "signature:bad" }
};


static size_t
make(const made_t *row, char *buffer, size_t size)
{
    size_t       i, n;
    char         error[64];
    uint8_t      signature[64];
    yajl_val     json;
    wgw_out_t    out;

    const char *const  fields[] = {
        "aud", row->aud, "cmd", row->cmd, "exp", row->exp, "iss", row->iss,
        "nbf", row->nbf, "pol", row->pol, "sub", row->sub, "meta", row->meta,
        "nonce", row->nonce
    };

    memset(signature, 1, sizeof(signature));
    wgw_out_init(&out, buffer, size);
    wgw_cbor_put_list(&out, 2);
    wgw_cbor_put_bytes(&out, signature, sizeof(signature));
    wgw_cbor_put_map(&out, 2);
    wgw_cbor_put_text(&out, wgw_text("h"));
    wgw_cbor_put_bytes(&out, wgw_varsig_header(WGW_VARSIG_ED25519),
                       WGW_VARSIG_HEADER);
    wgw_cbor_put_text(&out, wgw_text("ucan/dlg@1.0.0"));

    for (n = 0, i = 1; i < 18; i += 2) {
        n += fields[i][0] != '\0';
    }

    wgw_cbor_put_map(&out, n);

    for (i = 0; i < 18; i += 2) {

        if (fields[i + 1][0]) {
            wgw_cbor_put_text(&out, view(fields[i]));
            json = yajl_tree_parse(fields[i + 1], error, sizeof(error));

            /* yajl's tree has no null on top */

            if (json) {
                wgw_dagjson_put(&out, json);

            } else {
                wgw_cbor_put_null(&out);
            }

            yajl_tree_free(json);
        }
    }

    return (size_t) (out.pos - buffer);
}


static void
test_made(void)
{
    char         buffer[1024];
    size_t       i, n;
    yajl_val     chains, maps;
    const char  *reason;

    chains = vectors_read("ucan", "chains");
    maps = member(YAJL_GET_ARRAY(member(chains, "vectors"))->values[0],
                  "did_map");

    for (i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        n = make(&made[i], buffer, sizeof(buffer));
        reason = judge(buffer, n, 0, maps);
        reason = reason ? reason : "accept";
        is(reason, strlen(reason), made[i].reason, made[i].what);
    }

    yajl_tree_free(chains);
}


/* egress 75-78, 86, 87: forms that a valid signature would not save. */

static void
test_forms(void)
{
    char         *big;
    size_t        n;
    bytes_t       token;
    const char   *reason;

    token = vector("tok-ok");

    /* what is signed stays; a third element is added */

    big = malloc(WGW_TOKEN_MAX + 1);
    memcpy(big, token.data, token.len);
    big[0] = (char) 0x83;
    big[token.len] = 0;
    reason = judge(big, token.len + 1, 0, NULL);
    is(reason, strlen(reason), "envelope:shape", "egress 77: three elements");

    big[0] = (char) 0xa1;
    reason = judge(big, token.len, 0, NULL);
    ok(reason != NULL, "egress 77: a map: %s", reason);

    memcpy(big, token.data, token.len);
    big[token.len] = 0;
    reason = judge(big, token.len + 1, 0, NULL);
    is(reason, strlen(reason), "cbor:trailing", "egress 72: a byte more");

    reason = judge(big, WGW_TOKEN_MAX + 1, 0, NULL);
    is(reason, strlen(reason), "token:too-long", "egress 87: 16385 bytes");

    memset(big, 0x81, 2001);
    reason = judge(big, 2001, 0, NULL);
    is(reason, strlen(reason), "cbor:too-deep", "egress 87: 2000 deep");

    for (n = 0; n < 64; n++) {
        memcpy(big, token.data, token.len);
        big[3 + n]++;
        reason = judge(big, token.len, 0, NULL);

        if (reason == NULL || strcmp(reason, "signature:bad") != 0) {
            break;
        }
    }

    ok(n == 64, "egress 78: any byte of the signature counts");

    free(big);
    free(token.data);
}


/* egress 42: the two names of a P-256 token. */

static void
test_names(void)
{
    size_t        at;
    bytes_t       bytes;
    uint8_t       cid[WGW_TOKEN_CID], twin[WGW_TOKEN_CID];
    uint8_t       id[WGW_TOKEN_ID], other[WGW_TOKEN_ID];
    wgw_token_t   token, flipped;

    bytes = vector("tok-ok-p256");
    wgw_token_read(&token, bytes.data, bytes.len, 0);
    wgw_token_id(&token, id);
    ok(wgw_token_twin(&token, twin) == 0, "egress 42: it has a twin");

    at = (size_t) (token.signature.data - token.bytes.data);
    uint8_t  signature[64];
    memcpy(signature, bytes.data + at, 64);
    wgw_p256_twin(bytes.data + at, signature);

    ok(judge(bytes.data, bytes.len, 0, NULL) == NULL,
       "egress 42: which is as good");
    wgw_token_read(&flipped, bytes.data, bytes.len, 0);
    wgw_token_cid(&flipped, cid);
    wgw_token_id(&flipped, other);
    ok(memcmp(cid, twin, sizeof(cid)) == 0, "egress 42: and has that CID");
    ok(memcmp(id, other, sizeof(id)) == 0, "egress 42: and the same id");
    free(bytes.data);

    bytes = vector("tok-ok");
    wgw_token_read(&token, bytes.data, bytes.len, 0);
    ok(wgw_token_twin(&token, twin) == -1, "Ed25519 tokens have none");
    free(bytes.data);
}


static void
test_time(void)
{
    wgw_token_t  token;

    memset(&token, 0, sizeof(token));
    ok(wgw_token_time(&token, 0, 0) == NULL, "without an end");

    token.has_exp = 1;
    token.exp = 1000;
    ok(wgw_token_time(&token, 1000, 0) == NULL, "egress 35: exp is now");
    ok(wgw_token_time(&token, 1001, 0) != NULL, "egress 34: exp is past");
    ok(wgw_token_time(&token, 1060, 60) == NULL, "egress 35: 60 s of skew");
    ok(wgw_token_time(&token, 1061, 60) != NULL, "egress 34: 61 s of skew");

    token.has_nbf = 1;
    token.nbf = 500;
    ok(wgw_token_time(&token, 500, 0) == NULL, "egress 35: nbf is now");
    ok(wgw_token_time(&token, 499, 0) != NULL, "egress 36: nbf is to come");
    ok(wgw_token_time(&token, 440, 60) == NULL, "nbf within the skew");
    token.nbf = 1001;
    ok(wgw_token_time(&token, 1000, 60) != NULL, "egress 36: nbf after exp");
}


static void
test_commands(void)
{
    size_t  i;

    static const struct {
        const char  *wide;
        const char  *narrow;
        int          covers;
    } rows[] = {
        { "/", "/a", 1 },
        { "/", "/", 1 },
        { "/a", "/a", 1 },
        { "/a", "/a/b", 1 },
        { "/a", "/ab", 0 },
        { "/a/b", "/a", 0 },
        { "/a", "/", 0 },
        { "/a", "/b", 0 }
    };

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ok(wgw_token_covers(view(rows[i].wide), view(rows[i].narrow))
           == rows[i].covers,
           "egress 33: %s and %s", rows[i].wide, rows[i].narrow);
    }
}


int
main(void)
{
    test_vectors();
    test_changed("tok-ok");
    test_changed("tok-ok-k1");
    test_changed("tok-ok-p256");
    test_iso();
    test_made();
    test_forms();
    test_names();
    test_time();
    test_commands();

    return done();
}
