
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <sodium.h>

#include "crypto/sha256.h"
#include "format/hex.h"
#include "grid/phrase.h"
#include "grid/words.h"


#define PHRASE_WORDS    24
#define PHRASE_ENTROPY  32
#define PHRASE_ROUNDS   2048


static const char *phrase_words(uint8_t bits[PHRASE_ENTROPY + 1],
    wgw_text_t phrase, size_t *n);
static int phrase_next(wgw_text_t *rest, char word[GRID_WORD], int *known);
static int phrase_blank(char c);
static int phrase_compare(const void *a, const void *b);


const char *
grid_phrase_read(uint8_t secret[GRID_PHRASE], wgw_text_t phrase)
{
    size_t       n, entropy, check;
    uint8_t      bits[PHRASE_ENTROPY + 1], digest[WGW_SHA256], out[64];
    const char  *error;

    while (phrase.len && phrase_blank(phrase.data[phrase.len - 1])) {
        phrase.len--;
    }

    if (phrase.len >= 2 && memcmp(phrase.data, "0x", 2) == 0) {
        phrase.data += 2;
        phrase.len -= 2;

        return phrase.len == 2 * GRID_PHRASE
               && wgw_hex_decode(secret, GRID_PHRASE, phrase) == 0
               ? NULL : "is no seed: 0x and 64 hexadecimal digits";
    }

    error = phrase_words(bits, phrase, &n);

    if (error == NULL) {
        entropy = n * 4 / 3;
        check = n / 3;                  /* bits */

        if (wgw_sha256(bits, entropy, digest) != 0
            || (digest[0] ^ bits[entropy]) >> (8 - check))
        {
            error = "has a checksum that does not fit: a word is wrong, or "
                    "in another place";

        } else if (PKCS5_PBKDF2_HMAC((const char *) bits, (int) entropy,
                                     (const uint8_t *) "mnemonic", 8,
                                     PHRASE_ROUNDS, EVP_sha512(),
                                     sizeof(out), out) != 1)
        {
            error = "cannot be used: OpenSSL has no PBKDF2 with SHA-512";

        } else {
            memcpy(secret, out, GRID_PHRASE);
        }
    }

    sodium_memzero(bits, sizeof(bits));
    sodium_memzero(digest, sizeof(digest));
    sodium_memzero(out, sizeof(out));

    return error;
}


/* 11 bits a word, the highest first: the entropy, then its checksum. */

static const char *
phrase_words(uint8_t bits[PHRASE_ENTROPY + 1], wgw_text_t phrase, size_t *n)
{
    int       known, i;
    char      word[GRID_WORD];
    size_t    at, unknown;
    unsigned  index;

    const char  (*found)[GRID_WORD];

    memset(bits, 0, PHRASE_ENTROPY + 1);
    unknown = 0;

    for (*n = 0; phrase_next(&phrase, word, &known); (*n)++) {

        found = known ? bsearch(word, grid_words, GRID_WORDS, GRID_WORD,
                                phrase_compare)
                      : NULL;

        if (found == NULL || *n >= PHRASE_WORDS) {
            unknown += found == NULL;
            continue;
        }

        index = (unsigned) (found - grid_words);

        for (i = 0; i < 11; i++) {
            at = *n * 11 + (size_t) i;
            bits[at / 8] |= (uint8_t) ((index >> (10 - i) & 1)
                                       << (7 - at % 8));
        }
    }

    sodium_memzero(word, sizeof(word));

    if (*n < 12 || *n > PHRASE_WORDS || *n % 3) {
        return *n == 0 ? "is empty: 12 to 24 words, or 0x and 64 digits"
                       : "has another number of words than 12, 15, 18, 21 "
                         "or 24";
    }

    return unknown ? "has a word that is not in BIP-39's English list (in "
                     "lower case)" : NULL;
}


static int
phrase_next(wgw_text_t *rest, char word[GRID_WORD], int *known)
{
    size_t  len;

    while (rest->len && phrase_blank(rest->data[0])) {
        rest->data++;
        rest->len--;
    }

    for (len = 0; len < rest->len; len++) {
        if (phrase_blank(rest->data[len])) {
            break;
        }
    }

    *known = len < GRID_WORD && memchr(rest->data, '\0', len) == NULL;

    if (*known) {
        memcpy(word, rest->data, len);
        word[len] = '\0';
    }

    rest->data += len;
    rest->len -= len;

    return len != 0;
}


static int
phrase_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}


static int
phrase_compare(const void *a, const void *b)
{
    return strcmp(a, b);
}
