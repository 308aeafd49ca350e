
/*
 * elsewhere: what a provider of several machines has to do with the others:
 * a message is good once for all of them, and a revocation is theirs as well.
 *
 * Who carries it is no business of this part: the module says how.  A text
 * that goes to others is
 *
 *     token ID UNTIL               32 hexadecimal digits; seconds
 *     address ADDRESS SECOND UNTIL     40 of them; all minted by then
 */

#ifndef WGW_ELSEWHERE_H
#define WGW_ELSEWHERE_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "auth/tokens.h"

#pragma GCC visibility push(hidden)


#define WGW_ELSEWHERE_TEXT  128

/* of a message's name: "address:nonce" */
#define WGW_ELSEWHERE_NAME  (2 * WGW_TOKENS_ADDRESS + 1 + WGW_TOKENS_NONCE)


typedef void (*wgw_elsewhere_done_pt)(void *data, ngx_int_t rc);


typedef struct wgw_passing_s  wgw_passing_t;


typedef struct {
    void           *desk;
    wgw_passing_t  *passing;
    ngx_uint_t      open;       /* where nobody answers, it is good here */

    /* see fleet/desk.h */
    void         *(*take)(void *desk, ngx_str_t *name, uint64_t seconds,
                          wgw_elsewhere_done_pt done, void *data);
    void          (*forget)(void *wait);
    ngx_int_t     (*say)(void *desk, ngx_str_t *text);
    ngx_int_t     (*pass)(void *desk, ngx_str_t *text);
    ngx_uint_t    (*behind)(void *desk);
    ngx_uint_t    (*silent)(void *desk);
    int64_t       (*lost)(void *desk);
} wgw_elsewhere_t;


/* The name of a message, in `buffer` of WGW_ELSEWHERE_NAME bytes. */
ngx_str_t wgw_elsewhere_name(u_char *buffer,
    const uint8_t address[WGW_TOKENS_ADDRESS], wgw_text_t nonce);

/* A revocation, for the others; NGX_ERROR: they cannot be told now. */
ngx_int_t wgw_elsewhere_token(wgw_elsewhere_t *elsewhere,
    const uint8_t id[WGW_TOKENS_ID], int64_t until);
ngx_int_t wgw_elsewhere_address(wgw_elsewhere_t *elsewhere,
    const uint8_t address[WGW_TOKENS_ADDRESS], int64_t second,
    int64_t until);

/* Does what such a text says; NGX_DECLINED: it says nothing. */
ngx_int_t wgw_elsewhere_heard(wgw_expiring_t *table, wgw_text_t text,
    int64_t now);

/* Takes "WORDHEX", of so many bytes, from a text. */
ngx_int_t wgw_elsewhere_bytes(wgw_text_t *text, const char *word,
    uint8_t *bytes, size_t len);


#pragma GCC visibility pop

#endif /* WGW_ELSEWHERE_H */
