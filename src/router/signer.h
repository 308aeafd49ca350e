
/*
 * signer: signs in at a DIN provider with a key of one's own.
 *
 * The message is the one that the Go routers send, byte for byte, since
 * providers parse it strictly (EIP-4361, without a statement, so that two
 * empty lines follow the address; LF only, none at the end):
 *
 *     provider.example wants you to sign in with your Ethereum account:
 *     0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
 *
 *
 *     URI: https://provider.example:8443/auth
 *     Version: 1
 *     Chain ID: 1
 *     Nonce: abcdEFGH12345678
 *     Issued At: 2026-01-02T03:04:05Z
 *     Expiration Time: 2026-01-02T03:05:05Z
 *
 * It goes out as {"msg":"...","sig":"0x..."}, with the escapes of Go's
 * encoder: line feeds as \n, and &, < and > as \u0026, \u003c and \u003e.
 */

#ifndef WGW_SIGNER_H
#define WGW_SIGNER_H


#include "crypto/eip191.h"
#include "crypto/eip55.h"
#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_SIGNER_FILE   256       /* bytes of a key's file, at most */
#define WGW_SIGNER_NONCE  16
#define WGW_SIGNER_LIFE   60        /* seconds of a message */


typedef struct {
    uint8_t      secret[WGW_EIP191_SECRET];
    uint8_t      address[WGW_EIP191_ADDRESS];
} wgw_signer_t;


/* What a message is about; texts of printable ASCII. */
typedef struct {
    wgw_text_t   domain;            /* a host, without port and brackets */
    wgw_text_t   uri;               /* exactly as it is configured */
    char         nonce[WGW_SIGNER_NONCE];
    int64_t      issued;            /* seconds since 1970 */
} wgw_signer_message_t;


/*
 * Reads a key: 64 hexadecimal digits, of either case, with or without 0x,
 * and blanks and line ends around them.  Returns NULL, or a phrase to be put
 * after "the key", which says nothing of what was read.
 */
const char *wgw_signer_read(wgw_signer_t *signer, const wgw_eip191_t *eip191,
    wgw_text_t file);

/* Writes zeros over the secret. */
void wgw_signer_wipe(wgw_signer_t *signer);

/* A fresh one, of letters and digits.  Returns 0, or -1: no randomness. */
int wgw_signer_nonce(char nonce[WGW_SIGNER_NONCE]);

void wgw_signer_text(const wgw_signer_t *signer,
    const wgw_signer_message_t *message, wgw_out_t *out);

/*
 * The whole body: signs the message.  Returns 0, or -1 when the message is
 * longer than providers take (4096 bytes).
 */
int wgw_signer_body(const wgw_signer_t *signer, const wgw_eip191_t *eip191,
    const wgw_signer_message_t *message, wgw_out_t *out);


#pragma GCC visibility pop

#endif /* WGW_SIGNER_H */
