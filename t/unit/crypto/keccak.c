
/*
 * Keccak-256: vectors, and every way of cutting the input into pieces.
 */

#include "t/unit/tap.h"
#include "format/hex.h"
#include "crypto/keccak.h"

#include <stdlib.h>

#define DIN_DIGESTS
#include "t/unit/auth/din.h"


static char *
input(const din_digest_t *t, size_t *len)
{
    char  *data;

    /* on the heap, where the sanitizer sees a byte too many */

    *len = t->repeat ? t->repeat : strlen(t->input);
    data = malloc(*len);

    if (t->repeat) {
        memset(data, t->input[0], t->repeat);

    } else if (*len) {
        memcpy(data, t->input, *len);
    }

    return data;
}


static void
test_vector(const din_digest_t *t)
{
    char     *data, hex[2 * WGW_KECCAK_SIZE];
    size_t    len;
    uint8_t   digest[WGW_KECCAK_SIZE];

    data = input(t, &len);

    wgw_keccak(digest, data, len);
    wgw_hex_encode(hex, digest, sizeof(digest));

    is(hex, sizeof(hex), t->digest, len > 8 ? "long input" : t->input);

    free(data);
}


/* Pieces of every size, at every alignment, give the same digest. */

static void
test_pieces(void)
{
    int           same;
    uint8_t       data[300], whole[WGW_KECCAK_SIZE], digest[WGW_KECCAK_SIZE];
    size_t        i, n, left, piece;
    wgw_keccak_t  keccak;

    for (i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t) (i * 7 + i / 256);
    }

    wgw_keccak(whole, data, sizeof(data));
    same = 1;

    for (piece = 1; piece < sizeof(data); piece++) {
        wgw_keccak_init(&keccak);

        for (left = sizeof(data); left; left -= n) {
            n = left < piece ? left : piece;
            wgw_keccak_update(&keccak, data + sizeof(data) - left, n);
            wgw_keccak_update(&keccak, NULL, 0);
        }

        wgw_keccak_final(&keccak, digest);
        same &= memcmp(whole, digest, sizeof(whole)) == 0;
    }

    ok(same, "299 sizes of pieces");

    data[299] ^= 1;
    wgw_keccak(digest, data, sizeof(data));
    ok(memcmp(whole, digest, sizeof(whole)) != 0, "the last bit counts");
}


static void
test_hex(void)
{
    char     digits[4];
    uint8_t  bytes[2];

    ok(wgw_hex_decode(bytes, 2, wgw_text("aF09")) == 0
       && bytes[0] == 0xaf && bytes[1] == 0x09, "both cases");

    wgw_hex_encode(digits, bytes, 2);
    is(digits, 4, "af09", "lower case");

    ok(wgw_hex_decode(bytes, 2, wgw_text("af0")) == -1, "odd");
    ok(wgw_hex_decode(bytes, 2, wgw_text("af091")) == -1, "longer");
    ok(wgw_hex_decode(bytes, 2, wgw_text("af0g")) == -1, "no digit");
    ok(wgw_hex_decode(bytes, 2, wgw_text("a:09")) == -1, "after 9");
    ok(wgw_hex_decode(bytes, 2, wgw_text("@f09")) == -1, "before A");
    ok(wgw_hex_decode(bytes, 2, wgw_text("af`9")) == -1, "before a");
    ok(wgw_hex_decode(bytes, 2, wgw_text("+1-2")) == -1, "signs");
    ok(wgw_hex_decode(bytes, 0, wgw_text("")) == 0, "nothing");
}


int
main(void)
{
    size_t  i;

    for (i = 0; i < sizeof(din_digests) / sizeof(din_digests[0]); i++) {
        test_vector(&din_digests[i]);
    }

    test_pieces();
    test_hex();

    return done();
}
