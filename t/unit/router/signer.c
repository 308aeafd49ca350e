
/*
 * Signing in: keys as files have them (R21), the message and its body (R01,
 * R25), verified by our own provider's parts.
 */

#include "t/unit/tap.h"
#include "auth/signin.h"
#include "format/hex.h"
#include "router/signer.h"


#define KEY      "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f" \
                 "2ff80"
#define ADDRESS  "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
#define ORDER    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd03" \
                 "64141"
#define ISSUED   1767323045                 /* 2026-01-02T03:04:05Z */


typedef struct {
    const char  *file;
    size_t       len;                       /* 0: to its end */
    int          good;
    const char  *what;
} key_t_;


static const key_t_  keys[] = {
    { KEY, 0, 1, "R21: digits" },
    { "0x" KEY "\n", 0, 1, "R21: 0x and a line feed" },
    { " \t0X" KEY " \r\n\n", 0, 1, "R21: blanks around it" },
    { "\xef\xbb\xbf" KEY "\n", 0, 1, "field 11.kinds: a byte order mark" },
    { "\xc2\xa0" "0x" KEY "\xe2\x80\x8b\r\n", 0, 1,
      "field 11.kinds: a no-break space, and one without width" },
    { "AC0974BEC39A17E36BA4A6B4D238FF944BACB478CBED5EFCAE784D7BF4F2FF80", 0,
      1, "R21: capitals" },
    { "", 0, 0, "R21: empty" },
    { "\n", 0, 0, "R21: an empty line" },
    { "0x", 0, 0, "R21: nothing after 0x" },
    { KEY, 62, 0, "R21: 31 bytes" },
    { KEY "00", 0, 0, "R21: 33 bytes" },
    { KEY, 63, 0, "R21: an odd number of digits" },
    { "0000000000000000000000000000000000000000000000000000000000000000", 0,
      0, "R21: zero" },
    { ORDER, 0, 0, "R21: the order" },
    { "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 0,
      0, "R21: above the order" },
    { "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ffg0",
      0, 0, "R21: no digit" },
    { KEY "\0", sizeof(KEY), 0, "R21: a zero byte" },
    { "ac0974bec39a17e36ba4a6b4d238ff94 4bacb478cbed5efcae784d7bf4f2ff80",
      0, 0, "R21: a blank within" },
};


static wgw_eip191_t  *eip191;


static void
test_keys(void)
{
    size_t        i;
    char          text[WGW_EIP55_LEN];
    wgw_text_t    file;
    const char   *error;
    wgw_signer_t  signer;

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        file.data = keys[i].file;
        file.len = keys[i].len ? keys[i].len : strlen(keys[i].file);

        error = wgw_signer_read(&signer, eip191, file);

        if (!keys[i].good) {
            ok(error && strstr(error, "ac09") == NULL, "%s", keys[i].what);
            continue;
        }

        ok(error == NULL, "%s", keys[i].what);
        wgw_eip55_print(text, signer.address);
        is(text, sizeof(text), ADDRESS, "and its address");
    }
}


static void
test_message(const wgw_signer_t *signer)
{
    char                   buffer[4096];
    wgw_out_t              out;
    wgw_signer_message_t   message = {
        wgw_text("provider.example"),
        wgw_text("https://provider.example:8443/auth"),
        { 'a', 'b', 'c', 'd', 'E', 'F', 'G', 'H', '1', '2', '3', '4', '5',
          '6', '7', '8' },
        ISSUED
    };

    wgw_out_init(&out, buffer, sizeof(buffer));
    wgw_signer_text(signer, &message, &out);

    is(buffer, (size_t) (out.pos - buffer),
       "provider.example wants you to sign in with your Ethereum account:\n"
       ADDRESS "\n\n\n"
       "URI: https://provider.example:8443/auth\nVersion: 1\nChain ID: 1\n"
       "Nonce: abcdEFGH12345678\nIssued At: 2026-01-02T03:04:05Z\n"
       "Expiration Time: 2026-01-02T03:05:05Z", "R01: the message");

    wgw_out_init(&out, buffer, sizeof(buffer));

    ok(wgw_signer_body(signer, eip191, &message, &out) == 0, "R01: signed");
    is(buffer, (size_t) (out.pos - buffer),
       "{\"msg\":\"provider.example wants you to sign in with your Ethereum "
       "account:\\n" ADDRESS "\\n\\n\\n"
       "URI: https://provider.example:8443/auth\\nVersion: 1\\nChain ID: 1\\n"
       "Nonce: abcdEFGH12345678\\nIssued At: 2026-01-02T03:04:05Z\\n"
       "Expiration Time: 2026-01-02T03:05:05Z\",\"sig\":\"0xb87c2de4fb9171e8"
       "6262130a94252f646d269c1a7a3545176011ce5169bc53ab6b2818c74865c39800c4"
       "218f9ea16da73b7dc8ff36608ccdc4b14bb0ca2bfedc1c\"}",
       "R01: the body, as the vector has it");

    message.uri = wgw_text("http://[::1]:8545/v1/auth?a=1&b=<2>");
    message.domain = wgw_text("::1");

    wgw_out_init(&out, buffer, sizeof(buffer));
    wgw_signer_body(signer, eip191, &message, &out);
    *out.pos = '\0';

    ok(strstr(buffer, "auth?a=1\\u0026b=\\u003c2\\u003e\\nV") != NULL,
       "R25: escaped as Go does");
    ok(strstr(buffer, "\"::1 wants") != NULL, "R25: without brackets");

    wgw_out_init(&out, buffer, 100);
    ok(wgw_signer_body(signer, eip191, &message, &out) == -1,
       "too long for the buffer");
}


/* Our own provider takes it. */

static void
test_provider(const wgw_signer_t *signer)
{
    char                   body[4096], buffer[4096];
    uint64_t               chain = 1;
    wgw_out_t              out;
    wgw_text_t             text;
    wgw_origin_t           uri;
    wgw_signin_t           signin;
    wgw_signin_rules_t     rules;
    wgw_signin_request_t   request;
    wgw_signer_message_t   message = {
        wgw_text("::1"), wgw_text("http://[::1]:8545/auth?x=1&y=2"), "",
        ISSUED
    };

    wgw_origin_parse(&uri, wgw_text("[::1]/auth"));

    memset(&rules, 0, sizeof(rules));
    rules.uris = &uri;
    rules.nuris = 1;
    rules.chains = &chain;
    rules.nchains = 1;
    rules.skew = 30;
    rules.life = 3600;
    rules.require_exp = 1;

    ok(wgw_signer_nonce(message.nonce) == 0, "a nonce");

    wgw_out_init(&out, body, sizeof(body));
    wgw_signer_body(signer, eip191, &message, &out);

    text.data = body;
    text.len = (size_t) (out.pos - body);

    ok(wgw_signin_read(&request, text, buffer, &signin) == 0
       && wgw_signin_decide(&signin, &request, &rules, eip191, ISSUED) == 0,
       "R25: our provider takes it");
    ok(memcmp(signin.address, signer->address, 20) == 0, "by its address");
}


int
main(void)
{
    int            i, same;
    char           one[WGW_SIGNER_NONCE], two[WGW_SIGNER_NONCE];
    wgw_signer_t   signer;

    eip191 = wgw_eip191_create();

    test_keys();

    wgw_signer_read(&signer, eip191, wgw_text(KEY));

    test_message(&signer);
    test_provider(&signer);

    for (i = 0, same = 0; i < 100; i++) {
        wgw_signer_nonce(one);
        wgw_signer_nonce(two);
        same += memcmp(one, two, sizeof(one)) == 0;
    }

    ok(same == 0, "R02: fresh nonces");

    wgw_signer_wipe(&signer);
    memset(one, 0, sizeof(one));
    ok(memcmp(signer.secret, one, sizeof(one)) == 0, "wiped");

    wgw_eip191_destroy(eip191);

    return done();
}
