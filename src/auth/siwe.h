
/*
 * siwe: reads the text that a wallet signs to sign in (EIP-4361).
 *
 *     gw.example wants you to sign in with your Ethereum account:
 *     0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
 *
 *     An optional statement.
 *
 *     URI: https://gw.example/auth
 *     Version: 1
 *     Chain ID: 1
 *     Nonce: abcdEFGH12345678
 *     Issued At: 2026-01-02T03:04:05Z
 *     Expiration Time: 2026-01-02T03:05:05Z
 *
 * then, optional and in this order, Not Before, Request ID and Resources (a
 * line each, after "- ").  Without a statement two empty lines follow the
 * address, with an empty one three.  Lines end in LF, the last in nothing.
 *
 * The grammar is taken strictly; where it leaves room: a nonce has at most
 * 128 characters, a chain id 20 digits, there are at most 32 resources and
 * 16384 bytes in all; the domain has a host and no user info; ::1 may stand
 * without brackets, as Go programs write it.  Whether what is said holds is
 * for the caller to decide.
 */

#ifndef WGW_SIWE_H
#define WGW_SIWE_H


#include "crypto/eip55.h"
#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_SIWE_MAX        16384
#define WGW_SIWE_NONCE_MIN  8
#define WGW_SIWE_NONCE_MAX  128
#define WGW_SIWE_RESOURCES  32


/* Views into the message; what is absent has data NULL. */
typedef struct {
    wgw_text_t   scheme;        /* before the domain; mostly absent */
    wgw_text_t   domain;        /* host and port as written */
    uint8_t      address[WGW_EIP55_BYTES];
    wgw_text_t   account;       /* the same as written */
    wgw_text_t   statement;
    wgw_text_t   uri;
    uint64_t     chain;
    wgw_text_t   nonce;
    int64_t      issued;        /* seconds since 1970 */
    int64_t      expires;       /* if has_expires */
    int64_t      not_before;    /* if has_not_before */
    wgw_text_t   request_id;
    wgw_text_t   resources[WGW_SIWE_RESOURCES];
    size_t       nresources;
    unsigned     has_expires:1;
    unsigned     has_not_before:1;
} wgw_siwe_t;


/* "line 6: URI is not an absolute URI"; line 0 is the whole. */
typedef struct {
    unsigned     line;
    const char  *field;         /* "URI"; "" where the phrase says all */
    const char  *phrase;        /* "is not an absolute URI" */
} wgw_siwe_error_t;


/*
 * With `lenient` the address may be all in lower case.  Returns 0, or -1 and
 * the error, which holds nothing of the message.
 */
int wgw_siwe_parse(wgw_siwe_t *siwe, wgw_text_t message, unsigned lenient,
    wgw_siwe_error_t *error);

void wgw_siwe_explain(const wgw_siwe_error_t *error, wgw_out_t *out);


#pragma GCC visibility pop

#endif /* WGW_SIWE_H */
