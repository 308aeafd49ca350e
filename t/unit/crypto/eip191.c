
/*
 * Signatures: vectors, every refusal by its name, and that each change to
 * the text or the signature makes another signer.
 */

#include "t/unit/tap.h"
#include "crypto/eip191.h"
#include "crypto/eip55.h"
#include "format/hex.h"

#include <stdlib.h>

#define DIN_MESSAGES
#include "t/unit/auth/din.h"


#define LENGTH  "is not 65 bytes: signatures of contract wallets " \
                "(EIP-1271) are not supported"
#define HIGH    "has a high s: only the smaller of the two possible ones " \
                "is accepted"
#define RANGE   "has an r or s out of range"
#define V       "has a v that is not 27, 28, 0 or 1"

#define R  "8bde1395377b616970e90958e921312fb00cc01e7b347f147bd7492e610ec011"
#define S  "53f686a9265853bd94df9475c16c971776036f4ef4d3c8a03f61f2d7de4908d6"


typedef struct {
    const char  *text;
    const char  *refused;
    const char  *what;
} form_t;


static const form_t  forms[] = {
    { "0x" R S "1c", NULL, "65 bytes" },
    { "0x" R S, "is not 65 bytes: the compact form of EIP-2098 is not "
      "supported", "P34: 64 bytes" },
    { "0x" R S "1c00", LENGTH, "P34: 66 bytes" },
    { "0x" R S "1", LENGTH, "P34: odd" },
    { "0x", LENGTH, "P34: 0x alone" },
    { "0x" R S R S, LENGTH, "two signatures" },
    { "", "does not start with 0x", "P34: empty" },
    { "0", "does not start with 0x", "P34: 0" },
    { R S "1c", "does not start with 0x", "P34: no 0x" },
    { "0X" R S "1c", "does not start with 0x", "0X" },
    { "0x" R S "1g", "has a character that is not a hexadecimal digit",
      "P34: no digit" },
    { "0x" R S "\n1", "has a character that is not a hexadecimal digit",
      "a line feed" }
};


/* What is refused by value, after its form. */
static const form_t  values[] = {
    { "0x" R S "1d", V, "P32: v is 29" },
    { "0x" R S "25", V, "P32: v is 37" },
    { "0x" R S "36", V, "P32: v is 54" },
    { "0x" R S "ff", V, "P32: v is 255" },
    { "0x" R S "02", V, "P32: v is 2" },
    { "0x" R S "1a", V, "P32: v is 26" },
    { "0x0000000000000000000000000000000000000000000000000000000000000000" S
      "1c", RANGE, "P33: r is 0" },
    { "0x" R "0000000000000000000000000000000000000000000000000000000000000000"
      "1c", RANGE, "P33: s is 0" },
    { "0x" R "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
      "1c", RANGE, "P33: s is n" },
    { "0x" R "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
      "1c", RANGE, "P33: s is all ones" },
    { "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141" S
      "1c", RANGE, "P33: r is n" },
    { "0x" R "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"
      "1c", HIGH, "s is n - 1" },
    { "0x" R "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1"
      "1c", HIGH, "s is half of n, rounded up" },
    { "0x" R "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0"
      "1c", NULL, "s is half of n, rounded down" },
    { "0x0000000000000000000000000000000000000000000000000000000000000005" S
      "1c", "is of no public key", "r is on no point" }
};


static wgw_eip191_t  *eip191;


static const char *
recover(char text[WGW_EIP55_LEN], const char *signature, wgw_text_t message)
{
    uint8_t      bytes[WGW_EIP191_SIGNATURE], address[WGW_EIP191_ADDRESS],
                 hash[WGW_EIP191_HASH];
    wgw_text_t   from = { signature, strlen(signature) };
    const char  *error;

    error = wgw_eip191_signature(bytes, from);

    if (error == NULL) {
        wgw_eip191_hash(hash, message);
        error = wgw_eip191_recover(eip191, address, bytes, hash);
    }

    if (error == NULL) {
        wgw_eip55_print(text, address);
    }

    return error;
}


static void
test_message(const din_message_t *t)
{
    char        *data, hex[2 + 2 * WGW_EIP191_HASH], text[WGW_EIP55_LEN];
    uint8_t      hash[WGW_EIP191_HASH];
    wgw_text_t   message;
    const char  *error;

    /* on the heap, where the sanitizer sees a byte too many */

    message.len = t->repeat ? t->repeat : strlen(t->message);
    data = malloc(message.len);
    message.data = data;

    if (t->repeat) {
        memset(data, t->message[0], t->repeat);

    } else if (message.len) {
        memcpy(data, t->message, message.len);
    }

    wgw_eip191_hash(hash, message);
    memcpy(hex, "0x", 2);
    wgw_hex_encode(hex + 2, hash, sizeof(hash));
    is(hex, sizeof(hex), t->hash, t->name);

    error = recover(text, t->signature, message);

    if (ok(error == NULL, "%s: a signature", t->name)) {
        is(text, sizeof(text), DIN_ADDRESS, t->name);
    }

    free(data);
}


static void
test_signature(const din_signature_t *t)
{
    int          accepted;
    char         text[WGW_EIP55_LEN];
    wgw_text_t   message = { din_signed, sizeof(din_signed) - 1 };
    const char  *error;

    error = recover(text, t->signature, message);

    accepted = error == NULL
               && memcmp(text, DIN_ADDRESS, sizeof(text)) == 0;

    ok(accepted == t->accept, "%s: %s", t->name,
       error ? error : "is of some key");

    if (error == NULL && t->recovers) {
        is(text, sizeof(text), t->recovers, t->name);
    }
}


static void
test_form(const form_t *t)
{
    char        *copy;
    uint8_t      bytes[WGW_EIP191_SIGNATURE];
    wgw_text_t   text;
    const char  *error;

    text.len = strlen(t->text);
    copy = malloc(text.len);
    memcpy(copy, t->text, text.len);
    text.data = copy;

    error = wgw_eip191_signature(bytes, text);

    if (t->refused && error) {
        is(error, strlen(error), t->refused, t->what);

    } else {
        ok(error == t->refused, "%s", t->what);
    }

    free(copy);
}


static void
test_value(const form_t *t)
{
    char         text[WGW_EIP55_LEN];
    const char  *error;

    error = recover(text, t->text, wgw_text("abc"));

    if (t->refused && error) {
        is(error, strlen(error), t->refused, t->what);

    } else {
        ok(error == t->refused, "%s", t->what);
    }
}


/* Not one bit of the message, r, s or v can be changed. */

static void
test_bits(void)
{
    char         copy[sizeof(din_signed) - 1];
    size_t       i, same;
    uint8_t      bytes[WGW_EIP191_SIGNATURE], hash[WGW_EIP191_HASH],
                 address[WGW_EIP191_ADDRESS], signer[WGW_EIP191_ADDRESS];
    wgw_text_t   message = { copy, sizeof(copy) };
    wgw_text_t   form = wgw_text("0x" R S "1c");
    const char  *error;

    memcpy(copy, din_signed, sizeof(copy));
    wgw_eip55_parse(signer, wgw_text(DIN_ADDRESS), 0);
    wgw_eip191_signature(bytes, form);

    same = 0;

    for (i = 0; i < 8 * sizeof(copy); i += 7) {
        copy[i / 8] = (char) (copy[i / 8] ^ 1 << i % 8);

        wgw_eip191_hash(hash, message);
        error = wgw_eip191_recover(eip191, address, bytes, hash);
        same += error == NULL && memcmp(address, signer, 20) == 0;

        copy[i / 8] = (char) (copy[i / 8] ^ 1 << i % 8);
    }

    ok(same == 0, "P16: bits of the message");

    wgw_eip191_hash(hash, message);
    error = wgw_eip191_recover(eip191, address, bytes, hash);
    ok(error == NULL && memcmp(address, signer, 20) == 0, "unchanged");

    for (i = 0; i < 8 * sizeof(bytes); i++) {
        bytes[i / 8] = (uint8_t) (bytes[i / 8] ^ 1 << i % 8);

        error = wgw_eip191_recover(eip191, address, bytes, hash);
        same += error == NULL && memcmp(address, signer, 20) == 0;

        bytes[i / 8] = (uint8_t) (bytes[i / 8] ^ 1 << i % 8);
    }

    ok(same == 0, "P17: bits of the signature");
}


int
main(void)
{
    size_t  i;

    eip191 = wgw_eip191_create();

    if (!ok(eip191 != NULL, "a context")) {
        return done();
    }

    for (i = 0; i < sizeof(din_messages) / sizeof(din_messages[0]); i++) {
        test_message(&din_messages[i]);
    }

    for (i = 0; i < sizeof(din_signatures) / sizeof(din_signatures[0]); i++) {
        test_signature(&din_signatures[i]);
    }

    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        test_form(&forms[i]);
    }

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        test_value(&values[i]);
    }

    test_bits();

    wgw_eip191_destroy(eip191);

    return done();
}
