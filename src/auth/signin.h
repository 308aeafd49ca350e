
/*
 * signin: decides whether what a wallet sent is good for a session.
 *
 * The body is a JSON object with the members `msg`, a message (siwe.h), and
 * `sig`, its signature (eip191.h), as DIN routers send it; others are passed
 * over.  Checked are, in this order, the message's form, its times, domain,
 * URI and chain, then the signature, which must be by the message's address:
 * what is cheap first.
 *
 * Whether the address may sign in, whether the nonce was used before and how
 * often one may try are for the caller.  It must keep a nonce, for each
 * address, until `remember`: from then on the message is refused by its time.
 */

#ifndef WGW_SIGNIN_H
#define WGW_SIGNIN_H


#include "crypto/eip191.h"
#include "auth/origin.h"
#include "auth/siwe.h"
#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_SIGNIN_BODY     16384       /* bytes of a body */
#define WGW_SIGNIN_MESSAGE  160         /* bytes of an explanation */


/* Times are seconds.  Texts and arrays are the configuration's. */
typedef struct {
    const wgw_origin_t  *uris;          /* one must match */
    size_t               nuris;         /* 0: not checked */
    const wgw_origin_t  *domains;       /* likewise */
    size_t               ndomains;      /* 0: it must be that of the URI */
    const uint64_t      *chains;
    size_t               nchains;       /* 0: any */
    int64_t              skew;          /* how wrong clocks may be */
    int64_t              life;          /* a message's longest; positive */
    int64_t              most_skew;     /* of all who share the memory of */
    int64_t              most_life;     /* messages, where it is more */
    unsigned             require_exp:1; /* else it lives for `life` */
    unsigned             cap_exp:1;     /* refuse a longer one */
    unsigned             any_domain:1;  /* not checked */
    unsigned             lenient:1;     /* addresses in lower case */
} wgw_signin_rules_t;


/* The body's texts, views into the buffer. */
typedef struct {
    wgw_text_t           message;
    wgw_text_t           signature;
} wgw_signin_request_t;


typedef struct {
    unsigned             status;        /* for HTTP: 200, 400 or 401 */
    const char          *reason;        /* for metrics: "expired" */
    char                 explanation[WGW_SIGNIN_MESSAGE];   /* for people */

    uint8_t              address[WGW_EIP191_ADDRESS];
    wgw_text_t           account;       /* the same as text: see below */
    wgw_text_t           nonce;
    wgw_text_t           uri;
    int64_t              remember;
    int64_t              issued;
    unsigned             open:1;        /* it says nothing of its end */
} wgw_signin_t;


/*
 * Reads the body; `buffer` has room for body.len bytes.  Returns 0, or -1,
 * and then status, reason and explanation are set.
 */
int wgw_signin_read(wgw_signin_request_t *request, wgw_text_t body,
    char *buffer, wgw_signin_t *signin);

/*
 * Decides.  Returns 0, and address, account, nonce, uri and remember are set,
 * or -1 as above.  The account is as the message has it: with the capitals
 * of EIP-55 unless the rules are lenient.  An explanation holds nothing of
 * what was sent but numbers.
 *
 * The reasons: ok, body, message, expired, not_yet, lifetime, domain, uri,
 * chain, signature, signer.
 */
int wgw_signin_decide(wgw_signin_t *signin,
    const wgw_signin_request_t *request, const wgw_signin_rules_t *rules,
    const wgw_eip191_t *eip191, int64_t now);


#pragma GCC visibility pop

#endif /* WGW_SIGNIN_H */
