
/*
 * Addresses.
 */

#include "t/unit/tap.h"
#include "crypto/eip55.h"

#include <stdlib.h>

#define DIN_ADDRESSES
#include "t/unit/auth/din.h"


#define FORM      "is not 0x and 40 hexadecimal digits"
#define CHECKSUM  "has a wrong EIP-55 checksum"


typedef struct {
    const char  *text;
    const char  *strict;        /* NULL: accepted */
    const char  *lenient;
    const char  *what;
} eip55_case_t;


static const eip55_case_t  cases[] = {
    { DIN_ADDRESS, NULL, NULL, "right capitals" },
    { "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", CHECKSUM, NULL,
      "P39: all lower case" },
    { "0xF39FD6E51AAD88F6F4CE6AB8827279CFFFB92266", CHECKSUM, CHECKSUM,
      "all upper case" },
    { "0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266", CHECKSUM, CHECKSUM,
      "P38: a capital too many" },
    { "0xf39Fd6e51aad88F6F4ce6aB8827279cfffb92266", CHECKSUM, CHECKSUM,
      "a capital too few" },
    { "0xe39Fd6e51aad88F6F4ce6aB8827279cffFb92266", CHECKSUM, CHECKSUM,
      "another digit" },
    { "0Xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", FORM, FORM, "0X" },
    { "f39Fd6e51aad88F6F4ce6aB8827279cffFb92266", FORM, FORM, "no 0x" },
    { "xxf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", FORM, FORM, "xx" },
    { "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb9226", FORM, FORM, "39 digits" },
    { "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb922660", FORM, FORM,
      "41 digits" },
    { "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb9226z", FORM, FORM, "a z" },
    { "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb9226 ", FORM, FORM,
      "a blank behind" },
    { " 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb9226", FORM, FORM,
      "a blank before" },
    { "", FORM, FORM, "nothing" }
};


static void
test_case(const eip55_case_t *t, unsigned lenient)
{
    char        *copy;
    uint8_t      address[WGW_EIP55_BYTES];
    wgw_text_t   text;
    const char  *error, *expected;

    text.len = strlen(t->text);
    copy = malloc(text.len);
    memcpy(copy, t->text, text.len);
    text.data = copy;

    expected = lenient ? t->lenient : t->strict;
    error = wgw_eip55_parse(address, text, lenient);

    if (expected && error) {
        is(error, strlen(error), expected, t->what);

    } else {
        ok(error == expected, "%s%s", t->what, lenient ? ", lenient" : "");
    }

    free(copy);
}


static void
test_vector(const char *expected)
{
    char        text[WGW_EIP55_LEN], lower[WGW_EIP55_LEN];
    size_t      i;
    uint8_t     address[WGW_EIP55_BYTES], again[WGW_EIP55_BYTES];
    wgw_text_t  from = { expected, strlen(expected) };

    ok(wgw_eip55_parse(address, from, 0) == NULL, "%s strict", expected);

    wgw_eip55_print(text, address);
    is(text, sizeof(text), expected, "printed");

    wgw_eip55_lower(lower, address);

    for (i = 0; i < sizeof(text); i++) {
        text[i] = (char) (text[i] | 0x20);
    }

    ok(memcmp(text, lower, sizeof(text)) == 0, "lower case");

    from.data = lower;
    ok(wgw_eip55_parse(again, from, 1) == NULL
       && memcmp(again, address, sizeof(again)) == 0,
       "lower case, lenient: the same bytes");
}


int
main(void)
{
    size_t  i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_case(&cases[i], 0);
        test_case(&cases[i], 1);
    }

    for (i = 0; i < sizeof(din_addresses) / sizeof(din_addresses[0]); i++) {
        test_vector(din_addresses[i]);
    }

    return done();
}
