
/*
 * Sign-ins: bodies, and the decision over messages signed here.
 */

#include "t/unit/tap.h"
#include "format/hex.h"
#include "auth/signin.h"

#include <stdlib.h>

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "t/unit/auth/din.h"


#define NOW      1767323050         /* 2026-01-02T03:04:10Z */
#define KEY      "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f" \
                 "2ff80"
#define OTHER    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b7" \
                 "8690d"
#define LOWER    "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
#define ISSUED   "2026-01-02T03:04:05Z"
#define UNTIL    "\nExpiration Time: 2026-01-02T03:05:05Z"


typedef struct {
    const char  *domain;
    const char  *uri;
    const char  *chain;
    const char  *issued;
    const char  *rest;
} text_t;


typedef struct {
    text_t       text;
    const char  *reason;
    unsigned     status;
    int64_t      remember;
    const char  *what;
} decide_t;


#define GW     "gw.example", "https://gw.example/auth", "1"


static const decide_t  decisions[] = {
    { { GW, ISSUED, UNTIL }, "ok", 200, 1767323135, "P01: a router's" },
    { { GW, ISSUED, "" }, "ok", 200, 1767326675,
      "P21: no expiration: it lives as long as is allowed" },
    { { GW, "2026-01-02T02:03:00Z", "" }, "expired", 401, 0,
      "P21: no expiration, issued long ago" },
    { { GW, "2026-01-02T05:04:05+02:00",
        "\nExpiration Time: 2026-01-02T05:05:05+02:00" }, "ok", 200,
      1767323135, "P04: offsets" },
    { { GW, "2026-01-02T03:04:05Z",
        "\nExpiration Time: 2026-01-02T03:05:05+02:00" }, "expired", 401, 0,
      "P05: expired with its offset" },
    { { GW, "2026-01-02T03:04:30Z", UNTIL }, "ok", 200, 1767323135,
      "P12: a clock 20 s ahead" },
    { { GW, "2026-01-02T03:04:40Z", UNTIL }, "ok", 200, 1767323135,
      "a clock as far ahead as may be" },
    { { GW, "2026-01-02T03:04:41Z", UNTIL }, "not_yet", 401, 0,
      "a clock 31 s ahead" },
    { { GW, "2026-01-02T04:04:05Z",
        "\nExpiration Time: 2026-01-02T04:05:05Z" }, "not_yet", 401, 0,
      "P20: issued in an hour" },
    { { GW, "2026-01-02T03:02:00Z",
        "\nExpiration Time: 2026-01-02T03:03:40Z" }, "expired", 401, 0,
      "expired as long ago as clocks may differ" },
    { { GW, "2026-01-02T03:02:00Z",
        "\nExpiration Time: 2026-01-02T03:03:41Z" }, "ok", 200, 1767323051,
      "expired a second less ago" },
    { { GW, "2026-01-02T02:53:05Z",
        "\nExpiration Time: 2026-01-02T02:54:10Z" }, "expired", 401, 0,
      "P18: expired ten minutes ago" },
    { { GW, ISSUED, UNTIL "\nNot Before: 2026-01-02T04:04:05Z" }, "not_yet",
      401, 0, "P19: Not Before in an hour" },
    { { GW, ISSUED, UNTIL "\nNot Before: 2026-01-02T03:04:40Z" }, "ok", 200,
      1767323135, "Not Before as far ahead as clocks may differ" },
    { { GW, ISSUED, "\nExpiration Time: 2036-01-02T03:05:05Z" }, "lifetime",
      401, 0, "P22: for ten years" },
    { { GW, ISSUED, "\nExpiration Time: 2026-01-02T04:04:05Z" }, "ok", 200,
      1767326675, "for as long as is allowed" },
    { { GW, ISSUED, "\nExpiration Time: 2026-01-02T04:04:06Z" }, "lifetime",
      401, 0, "for a second more" },

    { { "evil.example", "https://gw.example/auth", "1", ISSUED, UNTIL },
      "domain", 401, 0, "P23: another domain" },
    { { "GW.example.:443", "https://gw.example/auth", "1", ISSUED, UNTIL },
      "ok", 200, 1767323135, "the same domain" },
    { { "evil.example", "https://evil.example/auth", "1", ISSUED, UNTIL },
      "uri", 401, 0, "P24: for another provider" },
    { { "gw.example", "https://gw.example/other", "1", ISSUED, UNTIL },
      "uri", 401, 0, "P24: another path" },
    { { "gw.example", "http://gw.example:8080/auth", "1", ISSUED, UNTIL },
      "ok", 200, 1767323135, "another port, not configured" },
    { { "gw.example", "https://gw.example/auth", "137", ISSUED, UNTIL },
      "chain", 401, 0, "P25: another chain" },
    { { "gw.example", "https://gw.example/auth", "01", ISSUED, UNTIL },
      "ok", 200, 1767323135, "the same chain" },
    { { "gw.example", "/auth", "1", ISSUED, UNTIL }, "message", 400, 0,
      "no URI" },
    { { GW, "yesterday", UNTIL }, "message", 400, 0, "no time" }
};


typedef struct {
    const char  *body;
    const char  *explanation;       /* NULL: read */
    const char  *what;
} body_t;


static const body_t  bodies[] = {
    { "{\"msg\":\"a\",\"sig\":\"b\"}", NULL, "a router's" },
    { " { \"x\" : [{\"msg\":1}] , \"sig\" : \"b\" ,\n\"msg\":\"a\" } ", NULL,
      "P09: other order, unknown members, blanks" },
    { "{\"\\u006dsg\":\"\\u0061\",\"sig\":\"b\"}", NULL, "P07: escapes" },
    { "", "the body is not complete JSON", "P40: empty" },
    { "x", "the body is not valid JSON near byte 1", "P40: not JSON" },
    { "[]", "the body is not a JSON object", "P40: an array" },
    { "null", "the body is not a JSON object", "P40: null" },
    { "{}", "msg is missing", "P40: nothing in it" },
    { "{\"message\":\"a\",\"signature\":\"b\"}", "msg is missing",
      "P40: other names" },
    { "{\"MSG\":\"a\",\"sig\":\"b\"}", "msg is missing", "another case" },
    { "{\"msg\":\"a\"}", "sig is missing", "P34: no sig" },
    { "{\"msg\":\"a\",\"sig\":null}", "sig must be a string", "P34: null" },
    { "{\"msg\":1,\"sig\":\"b\"}", "msg must be a string", "P40: a number" },
    { "{\"msg\":[],\"sig\":\"b\"}", "msg must be a string", "an array" },
    { "{\"msg\":\"a\",\"msg\":\"a\",\"sig\":\"b\"}", "msg is duplicate",
      "two messages" },
    { "{\"msg\":\"a\",\"sig\":\"b\"}x",
      "the body is not valid JSON near byte 22", "P40: trailing junk" },
    { "\xef\xbb\xbf{\"msg\":\"a\",\"sig\":\"b\"}",
      "the body is not valid JSON near byte 1", "P40: a BOM" },
    { "{\"msg\":\"\\ud800\",\"sig\":\"b\"}",
      "the body has an unpaired surrogate", "half a character" },
    { "{\"msg\":\"\xff\",\"sig\":\"b\"}",
      "the body is not valid JSON near byte 9", "no UTF-8" }
};


static wgw_eip191_t        *eip191;
static secp256k1_context   *signer;
static wgw_origin_t         uris[1], domains[1];
static wgw_signin_rules_t   rules;


static wgw_text_t
view(const char *terminated)
{
    wgw_text_t  text = { terminated, strlen(terminated) };

    return text;
}


static void
sign(char *text, const char *hex, wgw_text_t message)
{
    int                                    v;
    uint8_t                                key[32], hash[32], bytes[65];
    secp256k1_ecdsa_recoverable_signature  signature;

    wgw_hex_decode(key, 32, view(hex));
    wgw_eip191_hash(hash, message);

    secp256k1_ecdsa_sign_recoverable(signer, &signature, hash, key, NULL,
                                     NULL);
    secp256k1_ecdsa_recoverable_signature_serialize_compact(signer, bytes,
                                                            &v, &signature);
    bytes[64] = (uint8_t) (27 + v);

    memcpy(text, "0x", 2);
    wgw_hex_encode(text + 2, bytes, sizeof(bytes));
    text[132] = '\0';
}


static void
write_text(char *message, size_t size, const text_t *t, const char *address)
{
    snprintf(message, size, "%s wants you to sign in with your Ethereum "
             "account:\n%s\n\n\nURI: %s\nVersion: 1\nChain ID: %s\n"
             "Nonce: abcdEFGH12345678\nIssued At: %s%s", t->domain, address,
             t->uri, t->chain, t->issued, t->rest);
}


/* The whole way, as a body, which is on the heap for the sanitizer. */

static int
decide(wgw_signin_t *signin, const char *message, const char *signature,
    const wgw_signin_rules_t *r)
{
    int                    rc;
    char                  *body, *buffer;
    wgw_out_t              out;
    wgw_text_t             text;
    wgw_signin_request_t   request;

    body = malloc(WGW_SIGNIN_BODY);
    wgw_out_init(&out, body, WGW_SIGNIN_BODY);
    wgw_out_str(&out, "{\"msg\":");
    wgw_out_json(&out, view(message));
    wgw_out_str(&out, ",\"sig\":");
    wgw_out_json(&out, view(signature));
    wgw_out_str(&out, "}");

    text.data = body;
    text.len = (size_t) (out.pos - out.start);
    buffer = malloc(text.len);

    rc = wgw_signin_read(&request, text, buffer, signin);

    if (rc == 0) {
        rc = wgw_signin_decide(signin, &request, r, eip191, NOW);
    }

    if (rc == 0) {
        is(signin->nonce.data, signin->nonce.len, "abcdEFGH12345678",
           "the nonce");
        ok(signin->account.len == WGW_EIP55_LEN
           && strncasecmp(signin->account.data, DIN_ADDRESS, WGW_EIP55_LEN)
              == 0, "the address as text");
    }

    free(buffer);
    free(body);

    return rc;
}


static void
is_decided(const wgw_signin_t *signin, const char *reason, unsigned status,
    const char *what)
{
    is(signin->reason, strlen(signin->reason), reason, what);

    ok(signin->status == status, "%s: %u %s", what, signin->status,
       signin->explanation);
}


static void
test_decision(const decide_t *t)
{
    int            rc;
    char           message[WGW_SIWE_MAX], signature[133];
    wgw_signin_t   signin;

    write_text(message, sizeof(message), &t->text, DIN_ADDRESS);
    sign(signature, KEY, view(message));

    rc = decide(&signin, message, signature, &rules);

    is_decided(&signin, t->reason, t->status, t->what);

    if (rc == 0) {
        ok(signin.remember == t->remember, "%s: until %lld", t->what,
           (long long) signin.remember);
        ok(signin.address[0] == 0xf3 && signin.address[19] == 0x66,
           "the address");
    }
}


static void
test_signer(void)
{
    char           message[WGW_SIWE_MAX], signature[133];
    text_t         text = { GW, ISSUED, UNTIL };
    wgw_signin_t   signin;

    write_text(message, sizeof(message), &text, DIN_ADDRESS);

    sign(signature, OTHER, view(message));
    decide(&signin, message, signature, &rules);
    is_decided(&signin, "signer", 401, "P15: another key");

    sign(signature, KEY, view("another message"));
    decide(&signin, message, signature, &rules);
    is_decided(&signin, "signer", 401, "P17: of another message");

    sign(signature, KEY, view(message));
    signature[131] = signature[131] == 'b' ? 'c' : 'b';
    decide(&signin, message, signature, &rules);
    is_decided(&signin, "signer", 401, "P17: the other v");

    signature[130] = 'f';
    decide(&signin, message, signature, &rules);
    is_decided(&signin, "signature", 401, "P32: a v of 0xfb or 0xfc");

    memset(signature + 66, 'f', 64);
    memcpy(signature + 130, "1b", 2);
    decide(&signin, message, signature, &rules);
    is_decided(&signin, "signature", 401, "P33: s out of range");

    decide(&signin, message, "0x", &rules);
    is_decided(&signin, "signature", 400, "P34: 0x");
    decide(&signin, message, "", &rules);
    is_decided(&signin, "signature", 400, "P34: nothing");

    /* P16 */

    sign(signature, KEY, view(message));
    strstr(message, "abcdEFGH")[0] = 'z';
    decide(&signin, message, signature, &rules);
    is_decided(&signin, "signer", 401, "P16: another nonce");
}


static void
test_rules(void)
{
    char                 message[WGW_SIWE_MAX], signature[133];
    text_t               text = { GW, ISSUED, "" };
    wgw_signin_t         signin;
    wgw_signin_rules_t   r;

    r = rules;
    r.require_exp = 1;

    write_text(message, sizeof(message), &text, DIN_ADDRESS);
    sign(signature, KEY, view(message));
    decide(&signin, message, signature, &r);
    is_decided(&signin, "lifetime", 401, "P21: an expiration is required");

    text.rest = "\nExpiration Time: 2036-01-02T03:05:05Z";
    r.cap_exp = 0;

    write_text(message, sizeof(message), &text, DIN_ADDRESS);
    sign(signature, KEY, view(message));
    decide(&signin, message, signature, &r);
    is_decided(&signin, "ok", 200, "P22: ten years, which may be");

    text.rest = UNTIL;

    write_text(message, sizeof(message), &text, LOWER);
    sign(signature, KEY, view(message));
    decide(&signin, message, signature, &rules);
    is_decided(&signin, "message", 400, "P39: lower case, strict");

    r.lenient = 1;
    decide(&signin, message, signature, &r);
    is_decided(&signin, "ok", 200, "P39: lower case, lenient");
}


static void
test_origins(void)
{
    char                 message[WGW_SIWE_MAX], signature[133];
    text_t               text = { GW, ISSUED, UNTIL };
    wgw_signin_t         signin;
    wgw_signin_rules_t   r;

    r = rules;
    r.require_exp = 1;
    r.cap_exp = 0;
    r.lenient = 1;

    text.domain = "router.example";
    text.uri = "https://gw.example/auth?a=1&b=2";

    write_text(message, sizeof(message), &text, DIN_ADDRESS);
    sign(signature, KEY, view(message));
    decide(&signin, message, signature, &r);
    is_decided(&signin, "domain", 401, "another domain than the URI's");

    wgw_origin_domain_parse(&domains[0], wgw_text("router.example"));
    r.domains = domains;
    r.ndomains = 1;
    decide(&signin, message, signature, &r);
    is_decided(&signin, "ok", 200, "P08: which is configured");

    wgw_origin_domain_parse(&domains[0], wgw_text("gw.example"));
    decide(&signin, message, signature, &r);
    is_decided(&signin, "domain", 401, "which is not configured");

    r.any_domain = 1;
    decide(&signin, message, signature, &r);
    is_decided(&signin, "ok", 200, "any domain");

    text.uri = "urn:x";
    text.chain = "137";

    write_text(message, sizeof(message), &text, DIN_ADDRESS);
    sign(signature, KEY, view(message));
    decide(&signin, message, signature, &r);
    is_decided(&signin, "uri", 401, "another URI");

    r.nuris = 0;
    decide(&signin, message, signature, &r);
    is_decided(&signin, "chain", 401, "any URI, another chain");

    r.nchains = 0;
    decide(&signin, message, signature, &r);
    is_decided(&signin, "ok", 200, "any URI and chain");
}


static void
test_body(const body_t *t)
{
    int                    rc;
    char                  *copy, *buffer;
    wgw_text_t             body;
    wgw_signin_t           signin;
    wgw_signin_request_t   request;

    body.len = strlen(t->body);
    copy = malloc(body.len);
    buffer = malloc(body.len);
    memcpy(copy, t->body, body.len);
    body.data = copy;

    rc = wgw_signin_read(&request, body, buffer, &signin);

    if (t->explanation && rc != 0) {
        is(signin.explanation, strlen(signin.explanation), t->explanation,
           t->what);
        is_decided(&signin, "body", 400, t->what);

    } else {
        ok(rc == 0 && t->explanation == NULL
           && wgw_text_equal(request.message, wgw_text("a"))
           && wgw_text_equal(request.signature, wgw_text("b")), "%s",
           t->what);
    }

    free(buffer);
    free(copy);
}


static void
test_large(void)
{
    char                   body[WGW_SIGNIN_BODY + 1],
                           buffer[WGW_SIGNIN_BODY];
    wgw_text_t             text = { body, sizeof(body) };
    wgw_signin_t           signin;
    wgw_signin_request_t   request;

    memset(body, '[', sizeof(body));

    ok(wgw_signin_read(&request, text, buffer, &signin) == -1,
       "P41: 16385 bytes");
    is_decided(&signin, "body", 400, "P41");

    memcpy(body, "{\"x\":", 5);
    text.len--;
    ok(wgw_signin_read(&request, text, buffer, &signin) == -1,
       "P41: nested arrays");
    is(signin.explanation, strlen(signin.explanation),
       "the body is nested too deep", "P41");

    memset(body, ' ', sizeof(body));
    memcpy(body, "{\"msg\":\"a\",\"sig\":\"b\"}", 21);
    ok(wgw_signin_read(&request, text, buffer, &signin) == 0,
       "16384 bytes");
}


int
main(void)
{
    size_t  i;

    static const uint64_t  chains[] = { 5, 1 };

    eip191 = wgw_eip191_create();
    signer = secp256k1_context_create(SECP256K1_CONTEXT_NONE);

    wgw_origin_parse(&uris[0], wgw_text("gw.example/auth"));

    rules.uris = uris;
    rules.nuris = 1;
    rules.chains = chains;
    rules.nchains = 2;
    rules.skew = 30;
    rules.life = 3600;
    rules.cap_exp = 1;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        test_body(&bodies[i]);
    }

    test_large();

    for (i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++) {
        test_decision(&decisions[i]);
    }

    test_signer();
    test_rules();
    test_origins();

    secp256k1_context_destroy(signer);
    wgw_eip191_destroy(eip191);

    return done();
}
