
#include <assert.h>
#include <string.h>

#include "auth/tokens.h"


/* kinds of notes; in files, too */
#define WGW_TOKENS_USED     0           /* a message, by address and nonce */
#define WGW_TOKENS_MINTED   1           /* a token, by id; uses as count */
#define WGW_TOKENS_OPEN     2           /* a message without an end */
#define WGW_TOKENS_GIVEN    3           /* uses, by the token's id and serial */
#define WGW_TOKENS_DEAD     4           /* a revoked token, as MINTED */
#define WGW_TOKENS_BARRED   5           /* an address; second as count */

#define WGW_TOKENS_KEY      (1 + WGW_TOKENS_ADDRESS + WGW_TOKENS_NONCE)


/* The payload of a token's note. */
typedef struct {
    uint8_t  id[WGW_TOKENS_ID];
    uint8_t  address[WGW_TOKENS_ADDRESS];
    uint8_t  services_len;
    char     services[WGW_TOKENS_SERVICES];
    int64_t  iat;
} wgw_token_note_t;


_Static_assert(sizeof(wgw_token_note_t) == WGW_NOTE_PAYLOAD, "payload");
_Static_assert(offsetof(wgw_token_note_t, address) == 16, "address");
_Static_assert(offsetof(wgw_token_note_t, services_len) == 36, "services");
_Static_assert(offsetof(wgw_token_note_t, iat) == 96, "iat");
_Static_assert(WGW_TOKENS_BARRED < WGW_NOTE_KINDS, "kinds");
_Static_assert(WGW_TOKENS_DEAD >= WGW_NOTE_MARKED, "revocations are marked");


static wgw_expiring_key_t wgw_tokens_key(wgw_expiring_t *t, uint8_t kind,
    const uint8_t *data, size_t len, wgw_text_t more);
static wgw_expiring_key_t tokens_minted(wgw_expiring_t *t,
    const uint8_t id[WGW_TOKENS_ID]);
static wgw_tokens_rc_t tokens_insert(wgw_expiring_t *t,
    wgw_expiring_key_t key, const wgw_note_t *note, int64_t now);
static inline uint64_t wgw_tokens_mark(const uint8_t *data, size_t len);
static int wgw_tokens_dead(wgw_expiring_t *t,
    const uint8_t id[WGW_TOKENS_ID], int64_t now);
static wgw_tokens_rc_t wgw_tokens_revoke_each(wgw_expiring_t *t,
    const uint8_t address[WGW_TOKENS_ADDRESS], int64_t now);
static int wgw_tokens_of(wgw_expiring_t *t,
    const uint8_t address[WGW_TOKENS_ADDRESS], uint64_t *cursor, int64_t now,
    wgw_token_t *token);
static wgw_tokens_rc_t wgw_tokens_bar(wgw_expiring_t *t,
    wgw_expiring_key_t key, const wgw_note_t *note, int64_t now);
static wgw_tokens_rc_t wgw_tokens_told(wgw_expiring_t *t, wgw_tokens_rc_t rc);
static uint64_t wgw_tokens_next(wgw_expiring_t *t, uint64_t from,
    int64_t now, wgw_token_t *token);


wgw_tokens_rc_t
wgw_tokens_replay(wgw_expiring_t *t,
    const uint8_t address[WGW_TOKENS_ADDRESS], wgw_text_t nonce,
    int64_t until, unsigned open, int64_t now)
{
    wgw_note_t  note;

    if (until <= now || nonce.len > WGW_TOKENS_NONCE) {
        return WGW_TOKENS_REPLAY;
    }

    memset(&note, 0, sizeof(wgw_note_t));

    note.kind = open ? WGW_TOKENS_OPEN : WGW_TOKENS_USED;
    note.until = until;

    return tokens_insert(t, wgw_tokens_key(t, WGW_TOKENS_USED, address,
                                           WGW_TOKENS_ADDRESS, nonce),
                         &note, now);
}


void
wgw_tokens_allow(wgw_expiring_t *t, int64_t skew, int64_t life)
{
    /* a span of 0 was never set */

    wgw_notes_set_span(t, WGW_TOKENS_USED, skew + 1);
    wgw_notes_set_span(t, WGW_TOKENS_OPEN, skew + life + 1);
}


int64_t
wgw_tokens_skew(wgw_expiring_t *t)
{
    int64_t  span;

    span = wgw_notes_span(t, WGW_TOKENS_USED);

    return span ? span - 1 : 0;
}


int64_t
wgw_tokens_life(wgw_expiring_t *t)
{
    int64_t  span;

    span = wgw_notes_span(t, WGW_TOKENS_OPEN);

    return span ? span - 1 - wgw_tokens_skew(t) : 0;
}


int
wgw_tokens_used(wgw_expiring_t *t, const uint8_t address[WGW_TOKENS_ADDRESS],
    wgw_text_t nonce, int64_t now)
{
    return nonce.len > WGW_TOKENS_NONCE
           || wgw_notes_until(t, wgw_tokens_key(t, WGW_TOKENS_USED, address,
                                                WGW_TOKENS_ADDRESS, nonce),
                              now)
              != -1;
}


wgw_tokens_rc_t
wgw_tokens_mint(wgw_expiring_t *t, const wgw_token_t *token, int64_t now)
{
    wgw_note_t        note;
    wgw_token_note_t  payload;

    assert(token->exp >= 0);

    memset(&note, 0, sizeof(wgw_note_t));
    memset(&payload, 0, sizeof(wgw_token_note_t));

    memcpy(payload.id, token->id, WGW_TOKENS_ID);
    memcpy(payload.address, token->address, WGW_TOKENS_ADDRESS);
    payload.iat = token->iat;

    payload.services_len = (uint8_t) (token->services_len
                                      < WGW_TOKENS_SERVICES
                                      ? token->services_len
                                      : WGW_TOKENS_SERVICES);
    memcpy(payload.services, token->services, payload.services_len);

    note.kind = WGW_TOKENS_MINTED;
    note.count = token->uses;
    note.until = token->exp;
    memcpy(note.payload, &payload, WGW_NOTE_PAYLOAD);

    return tokens_insert(t, tokens_minted(t, token->id), &note, now);
}


static wgw_tokens_rc_t
tokens_insert(wgw_expiring_t *t, wgw_expiring_key_t key,
    const wgw_note_t *note, int64_t now)
{
    switch (wgw_notes_insert(t, key, note, now, 1)) {

    case WGW_NOTES_OK:
        return wgw_tokens_told(t, WGW_TOKENS_OK);

    case WGW_NOTES_FULL:
        return WGW_TOKENS_FULL;

    default: /* WGW_NOTES_EXISTS */
        return WGW_TOKENS_REPLAY;
    }
}


/*
 * What ended before anything that was forgotten has itself expired by a clock
 * that was seen, and its revocation may be forgotten, too.
 */

wgw_tokens_rc_t
wgw_tokens_check(wgw_expiring_t *t, const uint8_t id[WGW_TOKENS_ID],
    const uint8_t address[WGW_TOKENS_ADDRESS], int64_t iat, int64_t exp,
    int64_t now)
{
    wgw_expiring_key_t  key;

    if (exp <= wgw_notes_forgotten(t)) {
        return WGW_TOKENS_REVOKED;
    }

    if (wgw_notes_latest(t, WGW_TOKENS_DEAD) > now
        && wgw_notes_marked(t, wgw_tokens_mark(id, WGW_TOKENS_ID))
        && wgw_tokens_dead(t, id, now))
    {
        return WGW_TOKENS_REVOKED;
    }

    if (wgw_notes_latest(t, WGW_TOKENS_BARRED) > now
        && wgw_notes_marked(t, wgw_tokens_mark(address, WGW_TOKENS_ADDRESS)))
    {
        key = wgw_tokens_key(t, WGW_TOKENS_BARRED, address,
                             WGW_TOKENS_ADDRESS, wgw_text(""));

        if (wgw_notes_count(t, key, now) >= iat) {
            return WGW_TOKENS_REVOKED;
        }
    }

    return wgw_tokens_told(t, WGW_TOKENS_OK);
}


/* By the key of a token, or by one of its own, as it was once kept. */

static int
wgw_tokens_dead(wgw_expiring_t *t, const uint8_t id[WGW_TOKENS_ID],
    int64_t now)
{
    return wgw_notes_has(t, tokens_minted(t, id), WGW_TOKENS_DEAD, now)
           || wgw_notes_has(t, wgw_tokens_key(t, WGW_TOKENS_DEAD, id,
                                              WGW_TOKENS_ID, wgw_text("")),
                            WGW_TOKENS_DEAD, now);
}


int64_t
wgw_tokens_since(wgw_expiring_t *t, const uint8_t address[WGW_TOKENS_ADDRESS],
    int64_t now)
{
    int64_t             barred;
    wgw_expiring_key_t  key;

    key = wgw_tokens_key(t, WGW_TOKENS_BARRED, address, WGW_TOKENS_ADDRESS,
                         wgw_text(""));

    barred = wgw_notes_count(t, key, now);

    return barred < now ? now : barred + 1;
}


wgw_tokens_rc_t
wgw_tokens_use(wgw_expiring_t *t, const uint8_t id[WGW_TOKENS_ID],
    int64_t now)
{
    wgw_expiring_key_t  key;

    key = tokens_minted(t, id);

    if (!wgw_notes_has(t, key, WGW_TOKENS_MINTED, now)) {
        return wgw_tokens_told(t, WGW_TOKENS_UNKNOWN);
    }

    if (wgw_notes_count(t, key, now) == WGW_TOKENS_UNLIMITED) {
        return wgw_tokens_told(t, WGW_TOKENS_OK);
    }

    switch (wgw_notes_use(t, key, now)) {

    case WGW_NOTES_OK:
        return wgw_tokens_told(t, WGW_TOKENS_OK);

    case WGW_NOTES_SPENT:
        return WGW_TOKENS_EXHAUSTED;

    default: /* WGW_NOTES_NONE */
        return wgw_tokens_told(t, WGW_TOKENS_UNKNOWN);
    }
}


uint32_t
wgw_tokens_part(wgw_expiring_t *t, const uint8_t id[WGW_TOKENS_ID],
    int64_t now)
{
    uint32_t            n;
    wgw_expiring_key_t  key;

    key = tokens_minted(t, id);

    if (!wgw_notes_has(t, key, WGW_TOKENS_MINTED, now)
        || wgw_notes_count(t, key, now) == WGW_TOKENS_UNLIMITED
        || wgw_notes_halve(t, key, &n, now) != WGW_NOTES_OK)
    {
        return 0;
    }

    return n;
}


/* A token's end is its own: that of what remembers the serial may be it. */

wgw_tokens_rc_t
wgw_tokens_receive(wgw_expiring_t *t, const uint8_t id[WGW_TOKENS_ID],
    uint64_t serial, uint32_t n, int64_t now)
{
    wgw_note_t          note;
    wgw_text_t          more;
    wgw_tokens_rc_t     rc;
    wgw_expiring_key_t  key;

    key = tokens_minted(t, id);

    if (!wgw_notes_has(t, key, WGW_TOKENS_MINTED, now)) {
        return WGW_TOKENS_UNKNOWN;
    }

    memset(&note, 0, sizeof(wgw_note_t));

    note.kind = WGW_TOKENS_GIVEN;
    note.until = wgw_notes_until(t, key, now);

    more.data = (const char *) &serial;
    more.len = sizeof(serial);

    rc = tokens_insert(t, wgw_tokens_key(t, WGW_TOKENS_GIVEN, id,
                                         WGW_TOKENS_ID, more),
                       &note, now);

    if (rc != WGW_TOKENS_OK) {
        return rc;
    }

    return wgw_notes_add(t, key, n, now) == WGW_NOTES_OK ? WGW_TOKENS_OK
                                                         : WGW_TOKENS_UNKNOWN;
}


wgw_tokens_rc_t
wgw_tokens_revoke(wgw_expiring_t *t, const uint8_t id[WGW_TOKENS_ID],
    int64_t until, int64_t now)
{
    wgw_note_t          note;
    wgw_expiring_key_t  key;

    memset(&note, 0, sizeof(wgw_note_t));

    note.kind = WGW_TOKENS_DEAD;
    note.until = until;
    note.payload[0] = wgw_tokens_mark(id, WGW_TOKENS_ID);

    key = tokens_minted(t, id);

    if (wgw_notes_turn(t, key, WGW_TOKENS_MINTED, &note, now)
        == WGW_NOTES_OK)
    {
        return wgw_tokens_told(t, WGW_TOKENS_OK);
    }

    return wgw_tokens_bar(t, key, &note, now);
}


wgw_tokens_rc_t
wgw_tokens_revoke_address(wgw_expiring_t *t,
    const uint8_t address[WGW_TOKENS_ADDRESS], int64_t until, int64_t now)
{
    int64_t             iat;
    uint64_t            cursor;
    wgw_note_t          note;
    wgw_token_t         token;
    wgw_tokens_rc_t     rc;
    wgw_expiring_key_t  key;

    iat = now;
    cursor = 0;

    /* they may be from before a reload, or before the clock was set back */

    while (wgw_tokens_of(t, address, &cursor, now, &token)) {
        iat = token.iat > iat ? token.iat : iat;
        until = token.exp > until ? token.exp : until;
    }

    memset(&note, 0, sizeof(wgw_note_t));

    note.kind = WGW_TOKENS_BARRED;
    note.count = (uint32_t) (iat < UINT32_MAX ? iat : UINT32_MAX);
    note.until = until;
    note.payload[0] = wgw_tokens_mark(address, WGW_TOKENS_ADDRESS);

    key = wgw_tokens_key(t, WGW_TOKENS_BARRED, address, WGW_TOKENS_ADDRESS,
                         wgw_text(""));

    rc = wgw_tokens_bar(t, key, &note, now);

    return rc == WGW_TOKENS_FULL ? wgw_tokens_revoke_each(t, address, now)
                                 : rc;
}


static wgw_tokens_rc_t
wgw_tokens_revoke_each(wgw_expiring_t *t,
    const uint8_t address[WGW_TOKENS_ADDRESS], int64_t now)
{
    uint64_t         cursor;
    wgw_token_t      token;
    wgw_tokens_rc_t  rc;

    rc = WGW_TOKENS_FULL;
    cursor = 0;

    while (wgw_tokens_of(t, address, &cursor, now, &token)) {
        rc = wgw_tokens_revoke(t, token.id, token.exp, now);

        if (rc != WGW_TOKENS_OK) {
            break;
        }
    }

    return rc;
}


/* The next good token of an address. */

static int
wgw_tokens_of(wgw_expiring_t *t, const uint8_t address[WGW_TOKENS_ADDRESS],
    uint64_t *cursor, int64_t now, wgw_token_t *token)
{
    do {
        *cursor = wgw_tokens_next(t, *cursor, now, token);

        if (*cursor == WGW_TOKENS_END) {
            return 0;
        }

    } while (memcmp(token->address, address, WGW_TOKENS_ADDRESS) != 0);

    return 1;
}


uint32_t
wgw_tokens_list(wgw_expiring_t *t, wgw_token_t *tokens, uint32_t n,
    uint64_t *cursor, int64_t now)
{
    uint32_t  i;

    for (i = 0; i < n && *cursor != WGW_TOKENS_END; i++) {
        *cursor = wgw_tokens_next(t, *cursor, now, &tokens[i]);

        if (*cursor == WGW_TOKENS_END) {
            break;
        }
    }

    return i;
}


uint64_t
wgw_tokens_live(wgw_expiring_t *t, int64_t now)
{
    uint64_t     n, cursor;
    wgw_token_t  token;

    if (wgw_notes_latest(t, WGW_TOKENS_BARRED) <= now) {
        return wgw_notes_live(t, WGW_TOKENS_MINTED, now);
    }

    n = 0;

    for (cursor = 0; /* void */ ; n++) {
        cursor = wgw_tokens_next(t, cursor, now, &token);

        if (cursor == WGW_TOKENS_END) {
            return n;
        }
    }
}


/* Under which all that is known of a token is. */

static wgw_expiring_key_t
tokens_minted(wgw_expiring_t *t, const uint8_t id[WGW_TOKENS_ID])
{
    return wgw_tokens_key(t, WGW_TOKENS_MINTED, id, WGW_TOKENS_ID,
                          wgw_text(""));
}


static wgw_expiring_key_t
wgw_tokens_key(wgw_expiring_t *t, uint8_t kind, const uint8_t *data,
    size_t len, wgw_text_t more)
{
    uint8_t  bytes[WGW_TOKENS_KEY];

    assert(1 + len + more.len <= WGW_TOKENS_KEY);

    bytes[0] = kind;
    memcpy(bytes + 1, data, len);

    if (more.len) {
        memcpy(bytes + 1 + len, more.data, more.len);
    }

    return wgw_expiring_key(t, bytes, 1 + len + more.len);
}


/* Of the eight bytes at either end. */

static inline uint64_t
wgw_tokens_mark(const uint8_t *data, size_t len)
{
    uint64_t  first, last;

    memcpy(&first, data, sizeof(first));
    memcpy(&last, data + len - sizeof(last), sizeof(last));

    return first ^ (last << 7 | last >> 57) ^ len;
}


/* Two processes may add a revocation each: either is looked at. */

static wgw_tokens_rc_t
wgw_tokens_bar(wgw_expiring_t *t, wgw_expiring_key_t key,
    const wgw_note_t *note, int64_t now)
{
    if (wgw_notes_raise(t, key, note->count, note->until, now)
        == WGW_NOTES_OK)
    {
        return wgw_tokens_told(t, WGW_TOKENS_OK);
    }

    return wgw_tokens_told(t, wgw_notes_insert(t, key, note, now, 0)
                              == WGW_NOTES_OK
                              ? WGW_TOKENS_OK : WGW_TOKENS_FULL);
}


/* What a table says of which pages are gone is nothing. */

static wgw_tokens_rc_t
wgw_tokens_told(wgw_expiring_t *t, wgw_tokens_rc_t rc)
{
    return *t->lost ? WGW_TOKENS_LOST : rc;
}


/* The first good token from a slot on. */

static uint64_t
wgw_tokens_next(wgw_expiring_t *t, uint64_t from, int64_t now,
    wgw_token_t *token)
{
    wgw_note_t        note;
    wgw_token_note_t  payload;

    do {
        from = wgw_notes_next(t, WGW_TOKENS_MINTED, from, now, &note);

        if (from == WGW_NOTES_END) {
            return WGW_TOKENS_END;
        }

        memcpy(&payload, note.payload, WGW_NOTE_PAYLOAD);

        memset(token, 0, sizeof(wgw_token_t));
        memcpy(token->id, payload.id, WGW_TOKENS_ID);
        memcpy(token->address, payload.address, WGW_TOKENS_ADDRESS);

        token->iat = payload.iat;
        token->exp = note.until;
        token->uses = note.count;

        /* a damaged file must not make us read on */

        token->services_len = payload.services_len < WGW_TOKENS_SERVICES
                              ? payload.services_len : WGW_TOKENS_SERVICES;
        memcpy(token->services, payload.services, token->services_len);

    } while (wgw_tokens_check(t, token->id, token->address, token->iat,
                              token->exp, now)
             != WGW_TOKENS_OK);

    return from;
}
