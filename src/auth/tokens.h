
/*
 * tokens: what a sign-in leaves behind, in a table of notes that all workers
 * share: messages that were used, tokens that were minted, how often they may
 * be used, and what was revoked.
 *
 * Every change is seen by all workers at once.  In a file it outlives reload,
 * binary upgrade and kill -9; of a power loss, the last seconds before it may
 * be missing.  Seconds are since the epoch.
 *
 * A token has an entry of its own, which lists it and counts its uses, until
 * it expires.  The request path does not need that: a token is good unless
 * there is a revocation of it, or of its address at its second or later.
 * While none is in force, wgw_tokens_check() is three loads; then two more,
 * of a filter, for nearly all tokens that are good.
 */

#ifndef WGW_TOKENS_H
#define WGW_TOKENS_H


#include "table/notes.h"
#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_TOKENS_ADDRESS    20        /* bytes */
#define WGW_TOKENS_ID         16
#define WGW_TOKENS_NONCE      128       /* at most */
#define WGW_TOKENS_SERVICES   59

#define WGW_TOKENS_UNLIMITED  UINT32_MAX

#define WGW_TOKENS_END        WGW_NOTES_END


/* LOST may be the answer instead of any other: to be refused with 503. */

typedef enum {
    WGW_TOKENS_OK = 0,
    WGW_TOKENS_FULL,            /* no room: to be refused with 503 */
    WGW_TOKENS_REPLAY,          /* used, or it ended too long ago to tell */
    WGW_TOKENS_EXHAUSTED,
    WGW_TOKENS_UNKNOWN,
    WGW_TOKENS_REVOKED,
    WGW_TOKENS_LOST             /* the table is gone, nothing can be told */
} wgw_tokens_rc_t;


typedef struct {
    uint8_t     id[WGW_TOKENS_ID];
    uint8_t     address[WGW_TOKENS_ADDRESS];
    int64_t     iat;
    int64_t     exp;
    uint32_t    uses;           /* left, or WGW_TOKENS_UNLIMITED */
    uint32_t    services_len;
    char        services[WGW_TOKENS_SERVICES + 1];
} wgw_token_t;


/*
 * A message of that address and nonce, whose signature is good, is used: OK
 * once, else REPLAY, or FULL.  Of two at the same instant both may be REPLAY.
 * It is remembered until `until`, the message's own end with what is allowed
 * for clocks; that must not depend on the time of the call (see notes.h).  An
 * `open` one says nothing of its end.
 */
wgw_tokens_rc_t wgw_tokens_replay(wgw_expiring_t *table,
    const uint8_t address[WGW_TOKENS_ADDRESS], wgw_text_t nonce,
    int64_t until, unsigned open, int64_t now);

/*
 * How wrong clocks may be, and how long an open message is good: what all who
 * use the table have to allow for.  Where more is allowed than before, what
 * was used before is kept for longer, or refused.
 */
void wgw_tokens_allow(wgw_expiring_t *table, int64_t skew, int64_t life);
int64_t wgw_tokens_skew(wgw_expiring_t *table);
int64_t wgw_tokens_life(wgw_expiring_t *table);

/* 1 when it has been: what needs no room may be refused first. */
int wgw_tokens_used(wgw_expiring_t *table,
    const uint8_t address[WGW_TOKENS_ADDRESS], wgw_text_t nonce, int64_t now);

/*
 * A token was minted: OK or FULL, or REPLAY if there is one of that id.
 * Services are for lists only; what is longer than there is room is cut.
 */
wgw_tokens_rc_t wgw_tokens_mint(wgw_expiring_t *table,
    const wgw_token_t *token, int64_t now);

/*
 * The `iat` of a token that is minted now: this second or, where the address
 * was revoked in it, the next one, as the token would be revoked as well.
 */
int64_t wgw_tokens_since(wgw_expiring_t *table,
    const uint8_t address[WGW_TOKENS_ADDRESS], int64_t now);

/*
 * Whether a token whose signature and expiry were checked is still good: OK
 * or REVOKED.
 */
wgw_tokens_rc_t wgw_tokens_check(wgw_expiring_t *table,
    const uint8_t id[WGW_TOKENS_ID],
    const uint8_t address[WGW_TOKENS_ADDRESS], int64_t iat, int64_t exp,
    int64_t now);

/* Takes one of its uses: OK, EXHAUSTED or UNKNOWN.  Exact. */
wgw_tokens_rc_t wgw_tokens_use(wgw_expiring_t *table,
    const uint8_t id[WGW_TOKENS_ID], int64_t now);

/*
 * Takes half of them, rounded up: how many, for somebody else, who receives
 * them once, by their serial: OK, REPLAY, UNKNOWN, or FULL, and they are lost.
 */
uint32_t wgw_tokens_part(wgw_expiring_t *table,
    const uint8_t id[WGW_TOKENS_ID], int64_t now);
wgw_tokens_rc_t wgw_tokens_receive(wgw_expiring_t *table,
    const uint8_t id[WGW_TOKENS_ID], uint64_t serial, uint32_t n,
    int64_t now);

/*
 * A token that is in the list becomes its own revocation, which needs no
 * room; another one is revoked until `until`: OK or FULL.
 */
wgw_tokens_rc_t wgw_tokens_revoke(wgw_expiring_t *table,
    const uint8_t id[WGW_TOKENS_ID], int64_t until, int64_t now);

/*
 * Revokes all tokens of an address that were minted in this second or
 * before, and those in the list, until `until` or the expiry of the last of
 * these, where that is later: OK.  Where there is no room for that, those in
 * the list are revoked one by one; FULL when there is none.
 */
wgw_tokens_rc_t wgw_tokens_revoke_address(wgw_expiring_t *table,
    const uint8_t address[WGW_TOKENS_ADDRESS], int64_t until, int64_t now);

/*
 * Up to `n` good tokens, from `*cursor` on, which is 0 at first, then opaque,
 * then WGW_TOKENS_END.  Returns how many.
 */
uint32_t wgw_tokens_list(wgw_expiring_t *table, wgw_token_t *tokens,
    uint32_t n, uint64_t *cursor, int64_t now);

/* How many good tokens there are. */
uint64_t wgw_tokens_live(wgw_expiring_t *table, int64_t now);


#pragma GCC visibility pop

#endif /* WGW_TOKENS_H */
