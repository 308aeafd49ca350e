
/*
 * Lists of addresses as people write them.
 */

#include <stdlib.h>

#include "t/unit/tap.h"
#include "auth/allowlist.h"


#define ONE    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
#define TWO    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
#define LOWER  "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
#define UPPER  "0x70997970C51812DC3A010C7D01B50E0D17DC79C8"


typedef struct {
    const char  *text;
    int          n;             /* -1: refused */
    unsigned     line;
} case_t;


static const case_t  cases[] = {
    { "", 0, 0 },
    { "\n\n  \n\t\n", 0, 0 },
    { "# nobody\n", 0, 0 },
    { ONE, 1, 0 },
    { ONE "\n", 1, 0 },
    { ONE "\r\n" TWO "\r\n", 2, 0 },
    { "  " ONE "  # the gateway\n#" TWO "\n" LOWER, 2, 0 },
    { UPPER "\n" LOWER "\n", 2, 0 },
    { ONE "\n" "0x70997970C51812dc3A010C7d01b50e0d17dc79c8\n", -1, 2 },
    { ONE " " TWO "\n", -1, 1 },
    { "\n\n" "70997970C51812dc3A010C7d01b50e0d17dc79C8\n", -1, 3 },
    { "0x7099\n", -1, 1 },

    /* field 11: what no editor shows */

    { "\xef\xbb\xbf" ONE "\r\n\xef\xbb\xbf", 1, 0 },
    { "\xc2\xa0" ONE "\xe2\x80\x8b\xc2\xa0\r\n" TWO "\xe2\x81\xa0", 2, 0 },
    { ONE "\xc2\n", -1, 1 },
    { "0x\xe2\x80\x8b" "70997970C51812dc3A010C7d01b50e0d17dc79C8\n", -1, 1 },

    { ONE ",\n", -1, 1 },
    { "any\n", -1, 1 },
};


static void
test_cases(const uint8_t one[WGW_EIP55_BYTES])
{
    size_t            i;
    unsigned          line;
    wgw_text_t        text;
    const char       *error;
    wgw_allowlist_t   list;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = (wgw_text_t) { cases[i].text, strlen(cases[i].text) };
        error = wgw_allowlist_parse(&list, text, &line);

        if (cases[i].n == -1) {
            ok(error && line == cases[i].line && list.n == 0,
               "case %zu: line %u %s", i, line, error ? error : "");

        } else {
            ok(error == NULL && list.n == (size_t) cases[i].n,
               "case %zu: %zu addresses", i, list.n);
        }

        ok(wgw_allowlist_has(&list, one)
           == (cases[i].n > 0 && strstr(cases[i].text, ONE) != NULL),
           "case %zu: the first", i);

        free(list.addresses);
    }
}


/* In no order. */

static void
test_many(const uint8_t other[WGW_EIP55_BYTES])
{
    char             *text;
    size_t            i, n;
    uint8_t           address[WGW_EIP55_BYTES];
    unsigned          line;
    const char       *error;
    wgw_allowlist_t   list;

    n = 5000;
    text = malloc(n * 43 + 1);

    for (i = 0; i < n; i++) {
        sprintf(text + i * 43, "0x%040zx\n", (i * 7919) % n);
    }

    error = wgw_allowlist_parse(&list, (wgw_text_t) { text, n * 43 }, &line);
    ok(error == NULL && list.n == n, "many");

    memset(address, 0, sizeof(address));

    for (i = 0; i <= n; i++) {
        address[18] = (uint8_t) (i >> 8);
        address[19] = (uint8_t) i;

        if (wgw_allowlist_has(&list, address) != (i < n)) {
            break;
        }
    }

    ok(i == n + 1, "all are found, and no other");
    ok(wgw_allowlist_has(&list, other) == 0, "nor this one");

    free(list.addresses);
    free(text);
}


int
main(void)
{
    uint8_t  one[WGW_EIP55_BYTES];

    wgw_allowlist_address(one, wgw_text(ONE));

    test_cases(one);
    test_many(one);

    return done();
}
