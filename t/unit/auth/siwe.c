
/*
 * Messages of EIP-4361.
 */

#include "t/unit/tap.h"
#include "auth/siwe.h"

#include <stdlib.h>

#define DIN_MESSAGES
#include "t/unit/auth/din.h"


#define SENTENCE  " wants you to sign in with your Ethereum account:\n"
#define HEAD      "gw.example" SENTENCE
#define ADDRESS   DIN_ADDRESS "\n"
#define LOWER     "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266\n"
#define UPPER     "0xF39FD6E51AAD88F6F4CE6AB8827279CFFFB92266\n"
#define URI       "URI: https://gw.example/auth\n"
#define VERSION   "Version: 1\n"
#define CHAIN     "Chain ID: 1\n"
#define NONCE     "Nonce: abcdEFGH12345678\n"
#define ISSUED    "Issued At: 2026-01-02T03:04:05Z"
#define EXPIRES   "\nExpiration Time: 2026-01-02T03:05:05Z"
#define BEFORE    "\nNot Before: 2026-01-02T03:04:00Z"
#define BODY      URI VERSION CHAIN NONCE ISSUED
#define TOP       HEAD ADDRESS "\n\n"
#define R8        "\n- a:\n- a:\n- a:\n- a:\n- a:\n- a:\n- a:\n- a:"

#define STATEMENT  "line 4: the statement has a character that may not " \
                   "stand in one"
#define AFTER      "line 5: must be empty, after the statement (two empty " \
                   "lines follow the address when there is none)"
#define FIRST      "line 1: does not end in \" wants you to sign in with " \
                   "your Ethereum account:\""
#define TIME       " is not a date-time such as 2026-01-02T03:04:05Z"
#define NONCES     "line 8: Nonce is not 8 to 128 letters and digits"
#define CHAINS     "line 7: Chain ID is not a number of at most 64 bits"
#define END        "must not be there: the message ends without a line feed"
#define NOT_HOST   "line 1: the domain is not a host with an optional port"
#define NOT_URI    "line 5: URI is not an absolute URI"


typedef struct {
    const char  *message;
    const char  *refused;
    const char  *what;
} siwe_case_t;


/* The differences between the parsers there are, and more. */
static const siwe_case_t  cases[] = {
    { TOP BODY, NULL, "the shortest" },
    { TOP BODY EXPIRES, NULL, "P01: a router's" },
    { TOP BODY EXPIRES BEFORE "\nRequest ID: r-1\nResources:\n- a:b", NULL,
      "all fields" },
    { HEAD ADDRESS "\nSign in\n\n" BODY, NULL, "P03: a statement" },
    { HEAD ADDRESS "\n\n\n" BODY, NULL, "an empty statement" },
    { HEAD ADDRESS "\n \n\n" BODY, NULL, "a blank statement" },
    { HEAD ADDRESS "\nURI: evil\n\n" BODY, NULL,
      "a statement that looks like a field" },
    { HEAD ADDRESS "\n-._~:/?#[]@!$&'()*+,;=\n\n" BODY, NULL,
      "a statement of marks" },

    { HEAD ADDRESS "\n" BODY, AFTER, "P35: one empty line" },
    { HEAD ADDRESS BODY, "line 3: must be empty", "no empty line" },
    { "Message: x\n" TOP BODY, FIRST, "P35: a Message line" },
    { HEAD ADDRESS "\nMessage: x\n" BODY, AFTER,
      "P35: a Message line below" },
    { HEAD ADDRESS "\n\n\n\n" BODY, "line 6: URI is missing here",
      "four empty lines" },
    { HEAD ADDRESS "\nSign in\n" BODY, AFTER,
      "a statement and no empty line" },
    { HEAD ADDRESS "\nSign in\nhere\n\n" BODY, AFTER,
      "P36: a line feed in the statement" },
    { HEAD ADDRESS "\na\"b\n\n" BODY, STATEMENT, "a quote" },
    { HEAD ADDRESS "\na%b\n\n" BODY, STATEMENT, "a percent sign" },
    { HEAD ADDRESS "\na<b>\n\n" BODY, STATEMENT, "brackets" },
    { HEAD ADDRESS "\ncaf\xc3\xa9\n\n" BODY, STATEMENT, "another script" },
    { HEAD ADDRESS "\na\tb\n\n" BODY, STATEMENT, "a tab" },
    { HEAD ADDRESS "\na\x7f\n\n" BODY, STATEMENT, "a delete" },
    { HEAD ADDRESS "\na\rb\n\n" BODY,
      "line 4: has a carriage return: lines end in LF",
      "a carriage return" },
    { "gw.example wants you to sign in with your Ethereum account:\r\n",
      "line 1: has a carriage return: lines end in LF", "P35: CRLF" },
    { TOP BODY "\n", "line 10: " END, "P35: a line feed at the end" },
    { TOP BODY EXPIRES "\n", "line 11: " END, "P35: and after more fields" },
    { TOP BODY " ", "line 9: Issued At" TIME, "a blank at the end" },
    { "\n" TOP BODY, FIRST, "P35: a line feed before" },
    { " " TOP BODY, NOT_HOST, "a blank before" },
    { "", FIRST, "P40: empty" },
    { "gw.example", FIRST, "a domain alone" },
    { "gw.example wants you to sign in with your Ethereum account:",
      "line 2: is missing", "one line" },
    { HEAD, "line 2: the address is not 0x and 40 hexadecimal digits",
      "an empty second line" },
    { HEAD DIN_ADDRESS, "line 3: is missing", "two lines" },
    { HEAD ADDRESS "\n", "line 5: is missing", "four lines" },
    { TOP, "line 5: URI is missing here", "no fields" },
    { TOP URI VERSION CHAIN NONCE, "line 9: Issued At is missing here",
      "no Issued At" },
    { TOP URI VERSION CHAIN "Nonce: abcdEFGH12345678",
      "line 9: is missing", "ends early" },

    { "https://" TOP BODY, NULL, "a scheme" },
    { "a+b-c.1://" TOP BODY, NULL, "an odd scheme" },
    { "1a://" TOP BODY, "line 1: the scheme is not valid", "no scheme" },
    { "://" TOP BODY, "line 1: the scheme is not valid", "an empty scheme" },
    { "https://https://" TOP BODY, NOT_HOST, "two schemes" },
    { "gw.example:8443" SENTENCE ADDRESS "\n\n" BODY, NULL, "a port" },
    { "gw.example:" SENTENCE ADDRESS "\n\n" BODY,
      "line 1: the domain has a port that is not 1 to 65535",
      "an empty port" },
    { "gw.example:65536" SENTENCE ADDRESS "\n\n" BODY,
      "line 1: the domain has a port that is not 1 to 65535",
      "a port too large" },
    { "good.example@evil.example" SENTENCE ADDRESS "\n\n" BODY,
      "line 1: the domain has user information", "user information" },
    { "127.0.0.1" SENTENCE ADDRESS "\n\n" BODY, NULL, "IPv4" },
    { "[::1]" SENTENCE ADDRESS "\n\n" BODY, NULL, "IPv6" },
    { "[::1]:80" SENTENCE ADDRESS "\n\n" BODY, NULL, "IPv6 and a port" },
    { "::1" SENTENCE ADDRESS "\n\n" BODY, NULL, "IPv6 without brackets" },
    { "[::1" SENTENCE ADDRESS "\n\n" BODY, NOT_HOST, "one bracket" },
    { "GW_1.Example." SENTENCE ADDRESS "\n\n" BODY, NULL, "odd letters" },
    { "gw%2e" SENTENCE ADDRESS "\n\n" BODY, NULL, "an escape" },
    { "gw/x" SENTENCE ADDRESS "\n\n" BODY, NOT_HOST, "a slash" },
    { "g w" SENTENCE ADDRESS "\n\n" BODY, NOT_HOST, "P37: a blank" },
    { "caf\xc3\xa9" SENTENCE ADDRESS "\n\n" BODY, NOT_HOST,
      "a domain in another script" },
    { SENTENCE ADDRESS "\n\n" BODY, "line 1: the domain is empty",
      "no domain" },
    { ":80" SENTENCE ADDRESS "\n\n" BODY, "line 1: the domain has no host",
      "no host" },
    { "gw.example Wants you to sign in with your Ethereum account:\n"
      ADDRESS "\n\n" BODY, FIRST, "another sentence" },

    { HEAD LOWER "\n\n" BODY,
      "line 2: the address has a wrong EIP-55 checksum",
      "P39: an address in lower case" },
    { HEAD UPPER "\n\n" BODY,
      "line 2: the address has a wrong EIP-55 checksum",
      "an address in upper case" },
    { HEAD DIN_ADDRESS " \n\n\n" BODY,
      "line 2: the address is not 0x and 40 hexadecimal digits",
      "a blank after the address" },

    { TOP "URI: urn:a:b\n" VERSION CHAIN NONCE ISSUED, NULL, "a URN" },
    { TOP "URI: HTTPS://a/?b#\n" VERSION CHAIN NONCE ISSUED, NULL,
      "a URI with everything" },
    { TOP "URI: /auth\n" VERSION CHAIN NONCE ISSUED, NOT_URI,
      "a relative URI" },
    { TOP "URI: \n" VERSION CHAIN NONCE ISSUED, NOT_URI, "an empty URI" },
    { TOP "URI: https://a/ b\n" VERSION CHAIN NONCE ISSUED, NOT_URI,
      "a blank in the URI" },
    { TOP "URI: https://a/%g\n" VERSION CHAIN NONCE ISSUED, NOT_URI,
      "a broken escape" },
    { TOP "URI:  https://a/\n" VERSION CHAIN NONCE ISSUED, NOT_URI,
      "two blanks after the colon" },
    { TOP "URI:\thttps://a/\n" VERSION CHAIN NONCE ISSUED,
      "line 5: URI is missing here", "a tab after the colon" },
    { TOP "uri: https://a/\n" VERSION CHAIN NONCE ISSUED,
      "line 5: URI is missing here", "a label in lower case" },
    { TOP URI "Version: 2\n" CHAIN NONCE ISSUED, "line 6: Version is not 1",
      "P37: version 2" },
    { TOP URI "Version: 01\n" CHAIN NONCE ISSUED,
      "line 6: Version is not 1", "version 01" },
    { TOP VERSION URI CHAIN NONCE ISSUED, "line 5: URI is missing here",
      "P36: another order" },
    { TOP URI VERSION "Chain ID: 0\n" NONCE ISSUED, NULL, "chain 0" },
    { TOP URI VERSION "Chain ID: 01\n" NONCE ISSUED, NULL, "chain 01" },
    { TOP URI VERSION "Chain ID: 18446744073709551615\n" NONCE ISSUED, NULL,
      "chain 2^64 - 1" },
    { TOP URI VERSION "Chain ID: 18446744073709551616\n" NONCE ISSUED,
      CHAINS, "chain 2^64" },
    { TOP URI VERSION "Chain ID: 000000000000000000001\n" NONCE ISSUED,
      CHAINS, "chain of 21 digits" },
    { TOP URI VERSION "Chain ID: -1\n" NONCE ISSUED, CHAINS, "chain -1" },
    { TOP URI VERSION "Chain ID: 0x1\n" NONCE ISSUED, CHAINS, "chain 0x1" },
    { TOP URI VERSION "Chain ID: \n" NONCE ISSUED, CHAINS, "no chain" },
    { TOP URI VERSION CHAIN "Nonce: abcdEF1\n" ISSUED, NONCES,
      "P37: a nonce of 7" },
    { TOP URI VERSION CHAIN "Nonce: abcdEF12\n" ISSUED, NULL,
      "a nonce of 8" },
    { TOP URI VERSION CHAIN "Nonce: abcd-EFGH\n" ISSUED, NONCES,
      "P37: a nonce with a dash" },
    { TOP URI VERSION CHAIN "Nonce: abcd EFGH\n" ISSUED, NONCES,
      "a nonce with a blank" },
    { TOP URI VERSION CHAIN "Nonce: abcdEFG\xc3\xa9\n" ISSUED, NONCES,
      "a nonce in another script" },

    { TOP URI VERSION CHAIN NONCE "Issued At: 2026-02-31T03:04:05Z",
      "line 9: Issued At" TIME, "P37: 31 Feb" },
    { TOP URI VERSION CHAIN NONCE "Issued At: 2026-01-02T03:04:05",
      "line 9: Issued At" TIME, "P37: no zone" },
    { TOP URI VERSION CHAIN NONCE "Issued At: 2026-01-02T03:04:05.678Z",
      NULL, "P02: milliseconds" },
    { TOP URI VERSION CHAIN NONCE "Issued At: 2026-01-02T05:04:05+02:00",
      NULL, "P04: an offset" },
    { TOP BODY "\nExpiration Time: ", "line 10: Expiration Time" TIME,
      "an empty expiration" },
    { TOP BODY EXPIRES EXPIRES, "line 11: is not a field that may stand "
      "here", "P36: two expirations" },
    { TOP BODY BEFORE, NULL, "Not Before alone" },
    { TOP BODY BEFORE EXPIRES, "line 11: is not a field that may stand "
      "here", "Not Before before" },
    { TOP BODY "\nNot Before: x", "line 10: Not Before" TIME,
      "no time at all" },
    { TOP BODY "\nMessage: x", "line 10: is not a field that may stand "
      "here", "P36: an unknown field" },
    { TOP BODY "\nRequest ID: ", NULL, "an empty request id" },
    { TOP BODY "\nRequest ID: a%20:@b", NULL, "a request id" },
    { TOP BODY "\nRequest ID: a/b",
      "line 10: Request ID has a character that may not stand in one",
      "a slash in the request id" },
    { TOP BODY "\nRequest ID: a\nRequest ID: b",
      "line 11: is not a field that may stand here", "two request ids" },
    { TOP BODY "\nResources:", NULL, "no resources" },
    { TOP BODY "\nResources:\n- din://1@0xab?rps=2\n- ipfs://x/", NULL,
      "two resources" },
    { TOP BODY "\nResources: ", "line 10: is not a field that may stand "
      "here", "a blank after Resources" },
    { TOP BODY "\nResources:\n- /a", "line 11: the resource is not an "
      "absolute URI", "a relative resource" },
    { TOP BODY "\nResources:\n-a:b", "line 11: the resource does not start "
      "with \"- \"", "no blank before a resource" },
    { TOP BODY "\nResources:\n- a:b\n", "line 12: the resource does not "
      "start with \"- \"", "a line feed after the resources" },
    { TOP BODY "\nResources:" R8 R8 R8 R8, NULL, "32 resources" },
    { TOP BODY "\nResources:" R8 R8 R8 R8 "\n- a:",
      "line 43: the resource is one more than 32", "33 resources" }
};


static int
parse(wgw_siwe_t *siwe, const char *data, size_t len, unsigned lenient,
    char *why, size_t size)
{
    int                rc;
    char              *copy;
    wgw_out_t          out;
    wgw_text_t         message;
    wgw_siwe_error_t   error;

    /* on the heap, where the sanitizer sees a byte too many */

    copy = malloc(len);
    memcpy(copy, data, len);
    message.data = copy;
    message.len = len;

    rc = wgw_siwe_parse(siwe, message, lenient, &error);

    why[0] = '\0';

    if (rc != 0) {
        wgw_out_init(&out, why, size - 1);
        wgw_siwe_explain(&error, &out);
        *out.pos = '\0';
    }

    free(copy);

    return rc;
}


static void
test_case(const siwe_case_t *t)
{
    int         rc;
    char        why[256];
    wgw_siwe_t  siwe;

    rc = parse(&siwe, t->message, strlen(t->message), 0, why, sizeof(why));

    if (t->refused) {
        is(why, strlen(why), t->refused, t->what);

    } else {
        ok(rc == 0, "%s %s", t->what, why);
    }
}


static void
test_fields(void)
{
    wgw_siwe_t         siwe;
    wgw_text_t         message;
    wgw_siwe_error_t   error;

    message = wgw_text("https://gw.example:8443" SENTENCE ADDRESS "\nHello\n"
                       "\n" URI VERSION "Chain ID: 137\n" NONCE ISSUED
                       EXPIRES BEFORE "\nRequest ID: r\nResources:\n- a:b\n"
                       "- c:d");

    ok(wgw_siwe_parse(&siwe, message, 0, &error) == 0, "all fields");

    is(siwe.scheme.data, siwe.scheme.len, "https", "scheme");
    is(siwe.domain.data, siwe.domain.len, "gw.example:8443", "domain");
    is(siwe.statement.data, siwe.statement.len, "Hello", "statement");
    is(siwe.uri.data, siwe.uri.len, "https://gw.example/auth", "URI");
    ok(siwe.chain == 137, "chain");
    is(siwe.nonce.data, siwe.nonce.len, "abcdEFGH12345678", "nonce");
    is(siwe.account.data, siwe.account.len, DIN_ADDRESS, "account");
    ok(siwe.issued == 1767323045, "issued");
    ok(siwe.has_expires && siwe.expires == 1767323105, "expires");
    ok(siwe.has_not_before && siwe.not_before == 1767323040, "not before");
    is(siwe.request_id.data, siwe.request_id.len, "r", "request id");
    ok(siwe.nresources == 2, "two resources");
    is(siwe.resources[0].data, siwe.resources[0].len, "a:b", "the first");
    is(siwe.resources[1].data, siwe.resources[1].len, "c:d", "the second");
    ok(siwe.address[0] == 0xf3 && siwe.address[19] == 0x66, "address");

    message = wgw_text(TOP BODY);

    ok(wgw_siwe_parse(&siwe, message, 0, &error) == 0, "the shortest");
    ok(siwe.scheme.data == NULL && siwe.statement.data == NULL
       && siwe.request_id.data == NULL && siwe.nresources == 0
       && !siwe.has_expires && !siwe.has_not_before, "nothing else there");

    message = wgw_text(HEAD ADDRESS "\n\n\n" BODY);

    ok(wgw_siwe_parse(&siwe, message, 0, &error) == 0
       && siwe.statement.data && siwe.statement.len == 0,
       "an empty statement is one");
}


/* Sizes and bytes that the table cannot say. */

static void
test_limits(void)
{
    char         why[256], message[WGW_SIWE_MAX + 2];
    int          len, accepted;
    size_t       i;
    wgw_siwe_t   siwe;

    static const char  all[] = TOP BODY EXPIRES;

    memset(why, 'a', 129);

    len = snprintf(message, sizeof(message), "%sNonce: %.128s\n%s",
                   TOP URI VERSION CHAIN, why, ISSUED);
    ok(parse(&siwe, message, (size_t) len, 0, why, sizeof(why)) == 0,
       "a nonce of 128");

    memset(why, 'a', 129);

    len = snprintf(message, sizeof(message), "%sNonce: %.129s\n%s",
                   TOP URI VERSION CHAIN, why, ISSUED);
    parse(&siwe, message, (size_t) len, 0, why, sizeof(why));
    is(why, strlen(why), NONCES, "a nonce of 129");

    memset(message, 'a', sizeof(message));
    len = snprintf(message, sizeof(message), "%s", TOP BODY
                   "\nRequest ID: ");
    message[len] = 'a';

    ok(parse(&siwe, message, WGW_SIWE_MAX, 0, why, sizeof(why)) == 0,
       "field 11.21: 16384 bytes");
    parse(&siwe, message, WGW_SIWE_MAX + 1, 0, why, sizeof(why));
    is(why, strlen(why), "longer than 16384 bytes", "16385 bytes");

    /* each byte in turn as a control character; LF is structure */

    accepted = 0;

    for (i = 0; i < sizeof(all) - 1; i++) {
        memcpy(message, all, sizeof(all));
        message[i] = '\0';
        accepted += parse(&siwe, message, sizeof(all) - 1, 0, why,
                          sizeof(why)) == 0;
        message[i] = '\r';
        accepted += parse(&siwe, message, sizeof(all) - 1, 0, why,
                          sizeof(why)) == 0;
        accepted += all[i] != '\n'
                    && (message[i] = '\n')
                    && parse(&siwe, message, sizeof(all) - 1, 0, why,
                             sizeof(why)) == 0;
    }

    ok(accepted == 0, "P36: NUL, CR and LF anywhere");

    ok(parse(&siwe, HEAD LOWER "\n\n" BODY, sizeof(HEAD LOWER "\n\n" BODY)
             - 1, 1, why, sizeof(why)) == 0, "P39: lower case, lenient");
    ok(parse(&siwe, HEAD UPPER "\n\n" BODY, sizeof(HEAD UPPER "\n\n" BODY)
             - 1, 1, why, sizeof(why)) == -1, "upper case, lenient");
}


int
main(void)
{
    char        why[256];
    size_t      i;
    wgw_siwe_t  siwe;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_case(&cases[i]);
    }

    for (i = 0; i < sizeof(din_messages) / sizeof(din_messages[0]); i++) {

        if (strstr(din_messages[i].message, "wants you")) {
            ok(parse(&siwe, din_messages[i].message,
                     strlen(din_messages[i].message), 0, why, sizeof(why))
               == 0, "vector %s %s", din_messages[i].name, why);
        }
    }

    test_fields();
    test_limits();

    return done();
}
