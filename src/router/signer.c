
/*
 * signer: see signer.h.
 */

#include "router/signer.h"
#include "format/hex.h"

#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>


#define SIGNER_MESSAGE  4096
#define SIGNER_LETTERS  62


static wgw_text_t signer_trim(wgw_text_t text);
static size_t signer_blank(wgw_text_t text, int at_end);
static void signer_time(wgw_out_t *out, int64_t seconds);
static void signer_digits(wgw_out_t *out, int number, int digits);
static void signer_escape(wgw_out_t *out, wgw_text_t text);


const char *
wgw_signer_read(wgw_signer_t *signer, const wgw_eip191_t *eip191,
    wgw_text_t file)
{
    wgw_text_t  digits;

    digits = signer_trim(file);

    if (digits.len >= 2 && digits.data[0] == '0'
        && (digits.data[1] == 'x' || digits.data[1] == 'X'))
    {
        digits.data += 2;
        digits.len -= 2;
    }

    if (digits.len != 2 * WGW_EIP191_SECRET) {
        return "is not 32 bytes: 64 hexadecimal digits";
    }

    if (wgw_hex_decode(signer->secret, WGW_EIP191_SECRET, digits) != 0) {
        wgw_signer_wipe(signer);
        return "has a character that is not a hexadecimal digit";
    }

    if (wgw_eip191_account(eip191, signer->address, signer->secret) != 0) {
        wgw_signer_wipe(signer);
        return "is out of range: no key of secp256k1";
    }

    return NULL;
}


void
wgw_signer_wipe(wgw_signer_t *signer)
{
    OPENSSL_cleanse(signer->secret, WGW_EIP191_SECRET);
}


/* Without blanks, those that no editor shows as well. */

static wgw_text_t
signer_trim(wgw_text_t text)
{
    size_t  n;

    while ((n = signer_blank(text, 1)) != 0) {
        text.len -= n;
    }

    while ((n = signer_blank(text, 0)) != 0) {
        text.data += n;
        text.len -= n;
    }

    return text;
}


static size_t
signer_blank(wgw_text_t text, int at_end)
{
    if (text.len && text.data[at_end ? text.len - 1 : 0] == '\n') {
        return 1;
    }

    return wgw_text_unseen(text, at_end);
}


/* Bytes that would make some letters likelier are passed over. */

int
wgw_signer_nonce(char nonce[WGW_SIGNER_NONCE])
{
    size_t   i, n;
    uint8_t  bytes[2 * WGW_SIGNER_NONCE];

    static const char  letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789";

    n = 0;

    while (n < WGW_SIGNER_NONCE) {

        if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
            return -1;
        }

        for (i = 0; i < sizeof(bytes) && n < WGW_SIGNER_NONCE; i++) {
            if (bytes[i] < 256 - 256 % SIGNER_LETTERS) {
                nonce[n++] = letters[bytes[i] % SIGNER_LETTERS];
            }
        }
    }

    return 0;
}


void
wgw_signer_text(const wgw_signer_t *signer,
    const wgw_signer_message_t *message, wgw_out_t *out)
{
    char  address[WGW_EIP55_LEN];

    wgw_eip55_print(address, signer->address);

    wgw_out_bytes(out, message->domain.data, message->domain.len);
    wgw_out_str(out, " wants you to sign in with your Ethereum account:\n");
    wgw_out_bytes(out, address, WGW_EIP55_LEN);
    wgw_out_str(out, "\n\n\nURI: ");
    wgw_out_bytes(out, message->uri.data, message->uri.len);
    wgw_out_str(out, "\nVersion: 1\nChain ID: 1\nNonce: ");
    wgw_out_bytes(out, message->nonce, WGW_SIGNER_NONCE);
    wgw_out_str(out, "\nIssued At: ");
    signer_time(out, message->issued);
    wgw_out_str(out, "\nExpiration Time: ");
    signer_time(out, message->issued + WGW_SIGNER_LIFE);
}


int
wgw_signer_body(const wgw_signer_t *signer, const wgw_eip191_t *eip191,
    const wgw_signer_message_t *message, wgw_out_t *out)
{
    char        buffer[SIGNER_MESSAGE];
    char        digits[2 * WGW_EIP191_SIGNATURE];
    uint8_t     hash[WGW_EIP191_HASH], signature[WGW_EIP191_SIGNATURE];
    wgw_out_t   text;
    wgw_text_t  msg;

    wgw_out_init(&text, buffer, sizeof(buffer));
    wgw_signer_text(signer, message, &text);

    if (text.overflow) {
        return -1;
    }

    msg.data = buffer;
    msg.len = (size_t) (text.pos - text.start);

    wgw_eip191_hash(hash, msg);

    if (wgw_eip191_sign(eip191, signature, signer->secret, hash) != 0) {
        return -1;
    }

    wgw_hex_encode(digits, signature, WGW_EIP191_SIGNATURE);

    wgw_out_str(out, "{\"msg\":\"");
    signer_escape(out, msg);
    wgw_out_str(out, "\",\"sig\":\"0x");
    wgw_out_bytes(out, digits, sizeof(digits));
    wgw_out_str(out, "\"}");

    return out->overflow ? -1 : 0;
}


/* 2026-01-02T03:04:05Z */

static void
signer_time(wgw_out_t *out, int64_t seconds)
{
    time_t     t;
    struct tm  tm;

    t = (time_t) seconds;
    gmtime_r(&t, &tm);

    signer_digits(out, tm.tm_year + 1900, 4);
    wgw_out_str(out, "-");
    signer_digits(out, tm.tm_mon + 1, 2);
    wgw_out_str(out, "-");
    signer_digits(out, tm.tm_mday, 2);
    wgw_out_str(out, "T");
    signer_digits(out, tm.tm_hour, 2);
    wgw_out_str(out, ":");
    signer_digits(out, tm.tm_min, 2);
    wgw_out_str(out, ":");
    signer_digits(out, tm.tm_sec, 2);
    wgw_out_str(out, "Z");
}


static void
signer_digits(wgw_out_t *out, int number, int digits)
{
    int   i;
    char  text[4];

    for (i = digits - 1; i >= 0; i--) {
        text[i] = (char) ('0' + number % 10);
        number /= 10;
    }

    wgw_out_bytes(out, text, (size_t) digits);
}


static void
signer_escape(wgw_out_t *out, wgw_text_t text)
{
    size_t  i;

    for (i = 0; i < text.len; i++) {

        switch (text.data[i]) {

        case '\n':
            wgw_out_str(out, "\\n");
            break;

        case '"':
            wgw_out_str(out, "\\\"");
            break;

        case '\\':
            wgw_out_str(out, "\\\\");
            break;

        case '&':
            wgw_out_str(out, "\\u0026");
            break;

        case '<':
            wgw_out_str(out, "\\u003c");
            break;

        case '>':
            wgw_out_str(out, "\\u003e");
            break;

        default:
            wgw_out_bytes(out, &text.data[i], 1);
        }
    }
}
