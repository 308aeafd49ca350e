
/*
 * Tokens: replays (P26, P28, P47), uses, revocations, lists.
 */

#include "auth/tokens.h"

#include "t/unit/table/expiring.h"


static wgw_token_t
token_of(uint32_t number, uint8_t address, int64_t iat, int64_t exp,
    uint32_t uses)
{
    wgw_token_t  token;

    memset(&token, 0, sizeof(token));
    memcpy(token.id, &number, sizeof(number));
    memset(token.address, address, sizeof(token.address));

    token.iat = iat;
    token.exp = exp;
    token.uses = uses;
    token.services_len = (uint32_t) sprintf(token.services, "eth,s%u",
                                            number);

    return token;
}


static int
check(wgw_expiring_t *t, const wgw_token_t *token, int64_t now)
{
    return wgw_tokens_check(t, token->id, token->address, token->iat,
                            token->exp, now);
}


static void
replays(void)
{
    int             i;
    char            nonce[20];
    size_t          size;
    uint8_t         a[WGW_TOKENS_ADDRESS], b[WGW_TOKENS_ADDRESS];
    wgw_text_t      text;
    wgw_expiring_t  t;

    memset(a, 0xaa, sizeof(a));
    memset(b, 0xbb, sizeof(b));

    size = make(&t, WGW_EXPIRING_NOTES, 100);
    text = wgw_text("abcdEFGH12345678");

    ok(wgw_tokens_replay(&t, a, text, NOW + 300, 0, NOW) == WGW_TOKENS_OK
       && wgw_tokens_replay(&t, a, text, NOW + 300, 0, NOW)
          == WGW_TOKENS_REPLAY, "P26: a message twice");
    ok(wgw_tokens_replay(&t, b, text, NOW + 300, 0, NOW) == WGW_TOKENS_OK,
       "P28: the same nonce of another address");
    ok(wgw_tokens_replay(&t, a, wgw_text("abcdEFGH1234567"), NOW + 300, 0, NOW)
       == WGW_TOKENS_OK, "another nonce");
    ok(wgw_tokens_replay(&t, a, text, NOW + 300, 0, NOW + 300)
       == WGW_TOKENS_REPLAY, "its end has come");
    ok(wgw_tokens_replay(&t, b, wgw_text("late"), NOW, 0, NOW)
       == WGW_TOKENS_REPLAY, "a message that has ended");

    text.data = nonce;

    for (i = 0; i < 400; i++) {
        text.len = (size_t) sprintf(nonce, "nonce%d", i);

        if (wgw_tokens_replay(&t, a, text, NOW + 300, 0, NOW)
            == WGW_TOKENS_FULL)
        {
            break;
        }
    }

    ok(i >= 97 && i < 400, "P47: full after %d", i);
    ok(wgw_tokens_replay(&t, b, wgw_text("abcdEFGH12345678"), NOW + 300, 0, NOW)
       == WGW_TOKENS_REPLAY, "what was known still is");
    ok(wgw_tokens_replay(&t, a, text, NOW + 999, 0, NOW + 300)
       == WGW_TOKENS_OK, "there is room when they have ended");

    munmap(t.header, size);
}


/* From one machine's table to another's, and a text that comes twice. */

static void
passing(void)
{
    size_t          size, other;
    uint32_t        n;
    wgw_token_t     token, mine;
    wgw_expiring_t  a, b;

    size = make(&a, WGW_EXPIRING_NOTES, 100);
    other = make(&b, WGW_EXPIRING_NOTES, 100);
    token = token_of(1, 0xaa, NOW, NOW + 60, 5);
    mine = token_of(1, 0xaa, NOW, NOW + 60, 0);

    wgw_tokens_mint(&a, &token, NOW);
    ok(wgw_tokens_part(&b, token.id, NOW) == 0
       && wgw_tokens_receive(&b, token.id, 7, 3, NOW) == WGW_TOKENS_UNKNOWN,
       "a key that a machine was not brought");

    wgw_tokens_mint(&b, &mine, NOW);
    ok(wgw_tokens_use(&b, token.id, NOW) == WGW_TOKENS_EXHAUSTED
       && wgw_tokens_part(&b, token.id, NOW) == 0, "it has none");

    n = wgw_tokens_part(&a, token.id, NOW);
    ok(n == 3, "half of five, rounded up");
    ok(wgw_tokens_receive(&b, token.id, 7, n, NOW) == WGW_TOKENS_OK
       && wgw_tokens_receive(&b, token.id, 7, n, NOW) == WGW_TOKENS_REPLAY,
       "they are received once");

    for (n = 0; wgw_tokens_use(&a, token.id, NOW) == WGW_TOKENS_OK; n++) { }
    for ( ; wgw_tokens_use(&b, token.id, NOW) == WGW_TOKENS_OK; n++) { }

    ok(n == 5, "all of them, and no more");
    ok(wgw_tokens_receive(&b, token.id, 8, 1, NOW) == WGW_TOKENS_OK
       && wgw_tokens_part(&b, token.id, NOW) == 1
       && wgw_tokens_part(&b, token.id, NOW) == 0, "one is passed on whole");

    wgw_tokens_receive(&b, token.id, 9, 4, NOW);
    wgw_tokens_revoke(&b, token.id, NOW + 60, NOW);
    ok(wgw_tokens_part(&b, token.id, NOW) == 0
       && wgw_tokens_receive(&b, token.id, 10, 4, NOW) == WGW_TOKENS_UNKNOWN,
       "nothing of a key that was revoked");

    token = token_of(2, 0xaa, NOW, NOW + 60, WGW_TOKENS_UNLIMITED);
    wgw_tokens_mint(&a, &token, NOW);
    ok(wgw_tokens_part(&a, token.id, NOW) == 0, "nor of one without a number");

    munmap(a.header, size);
    munmap(b.header, other);
}


static void
uses(void)
{
    int              i;
    size_t           size;
    wgw_token_t      token;
    wgw_expiring_t   t;

    size = make(&t, WGW_EXPIRING_NOTES, 100);

    token = token_of(1, 1, NOW, NOW + 60, 3);
    ok(wgw_tokens_use(&t, token.id, NOW) == WGW_TOKENS_UNKNOWN,
       "a token nobody knows");
    ok(wgw_tokens_mint(&t, &token, NOW) == WGW_TOKENS_OK
       && wgw_tokens_mint(&t, &token, NOW) == WGW_TOKENS_REPLAY, "minted");

    for (i = 0; wgw_tokens_use(&t, token.id, NOW) == WGW_TOKENS_OK; i++) { }

    ok(i == 3 && wgw_tokens_use(&t, token.id, NOW) == WGW_TOKENS_EXHAUSTED,
       "three uses");
    ok(wgw_tokens_use(&t, token.id, NOW + 60) == WGW_TOKENS_UNKNOWN,
       "it has expired");

    token = token_of(2, 1, NOW, NOW + 60, WGW_TOKENS_UNLIMITED);
    (void) wgw_tokens_mint(&t, &token, NOW);

    for (i = 0; i < 1000; i++) {
        if (wgw_tokens_use(&t, token.id, NOW) != WGW_TOKENS_OK) {
            break;
        }
    }

    ok(i == 1000, "one without a limit");

    munmap(t.header, size);
}


/* Keys of a longer life, from before a reload or a step of the clock. */

static void
revoked_to_its_end(wgw_expiring_t *t)
{
    wgw_token_t  d, e;

    d = token_of(5, 5, NOW + 40, NOW + 900, WGW_TOKENS_UNLIMITED);
    e = token_of(6, 6, NOW + 40, NOW + 900, WGW_TOKENS_UNLIMITED);
    (void) wgw_tokens_mint(t, &d, NOW + 20);
    (void) wgw_tokens_mint(t, &e, NOW + 20);

    ok(wgw_tokens_revoke(t, d.id, NOW + 60, NOW + 20) == WGW_TOKENS_OK
       && check(t, &d, NOW + 899) == WGW_TOKENS_REVOKED,
       "a key is revoked to its own end");
    ok(wgw_tokens_revoke_address(t, e.address, NOW + 60, NOW + 20)
       == WGW_TOKENS_OK && check(t, &e, NOW + 20) == WGW_TOKENS_REVOKED
       && check(t, &e, NOW + 899) == WGW_TOKENS_REVOKED,
       "and so are all of an address");
}


static void
revocations(void)
{
    size_t           size;
    wgw_token_t      a, b, c, later;
    wgw_expiring_t   t;

    size = make(&t, WGW_EXPIRING_NOTES, 100);

    a = token_of(1, 1, NOW, NOW + 60, WGW_TOKENS_UNLIMITED);
    b = token_of(2, 1, NOW + 1, NOW + 60, 5);
    c = token_of(3, 2, NOW, NOW + 60, 5);
    later = token_of(4, 1, NOW + 11, NOW + 60, 5);

    (void) wgw_tokens_mint(&t, &a, NOW);
    (void) wgw_tokens_mint(&t, &b, NOW);
    (void) wgw_tokens_mint(&t, &c, NOW);

    ok(check(&t, &a, NOW) == WGW_TOKENS_OK && wgw_tokens_live(&t, NOW) == 3,
       "three tokens");

    ok(wgw_tokens_revoke(&t, a.id, NOW + 60, NOW) == WGW_TOKENS_OK
       && wgw_tokens_revoke(&t, a.id, NOW + 60, NOW) == WGW_TOKENS_OK,
       "one is revoked, and again");
    ok(check(&t, &a, NOW) == WGW_TOKENS_REVOKED
       && check(&t, &b, NOW) == WGW_TOKENS_OK
       && check(&t, &c, NOW) == WGW_TOKENS_OK, "it is, and no other");
    ok(wgw_tokens_use(&t, a.id, NOW) == WGW_TOKENS_UNKNOWN
       && wgw_tokens_live(&t, NOW) == 2, "nor listed");
    ok(check(&t, &a, NOW + 59) == WGW_TOKENS_REVOKED, "to its last second");

    ok(wgw_tokens_revoke_address(&t, b.address, NOW + 60, NOW + 10)
       == WGW_TOKENS_OK, "an address is");
    ok(check(&t, &b, NOW + 10) == WGW_TOKENS_REVOKED
       && check(&t, &c, NOW + 10) == WGW_TOKENS_OK, "with its tokens");
    ok(check(&t, &later, NOW + 11) == WGW_TOKENS_OK,
       "but not those it gets later");
    ok(wgw_tokens_live(&t, NOW + 11) == 1, "one is left");

    ok(wgw_tokens_revoke_address(&t, b.address, NOW + 90, NOW + 20)
       == WGW_TOKENS_OK && check(&t, &later, NOW + 59) == WGW_TOKENS_REVOKED,
       "until it is revoked again");

    revoked_to_its_end(&t);

    memset(t.header->filter, 0, sizeof(t.header->filter));

    ok(wgw_expiring_repair(&t, 1) == 0
       && check(&t, &a, NOW + 20) == WGW_TOKENS_REVOKED
       && check(&t, &b, NOW + 20) == WGW_TOKENS_REVOKED
       && check(&t, &c, NOW + 20) == WGW_TOKENS_OK, "a repair keeps them");

    /* a far year by mistake; what was revoked then is forgotten */

    memset(t.buckets, 0, t.n * sizeof(wgw_bucket_t));
    t.header->forgotten = NOW + 70;

    ok(check(&t, &a, NOW) == WGW_TOKENS_REVOKED
       && check(&t, &later, NOW) == WGW_TOKENS_REVOKED,
       "a clock that steps back brings none back");

    munmap(t.header, size);
}


/* The filter answers for most, the table for the rest. */

static void
many(void)
{
    size_t           size;
    uint32_t         i, wrong, marked;
    uint64_t         word;
    wgw_token_t      token;
    wgw_expiring_t   t;

    size = make(&t, WGW_EXPIRING_NOTES, 5000);
    wrong = 0;
    marked = 0;

    for (i = 0; i < 2000; i += 2) {
        token = token_of(i * 7919, 3, NOW, NOW + 60, 1);
        wrong += wgw_tokens_revoke(&t, token.id, NOW + 60, NOW);
        memcpy(token.address, &i, sizeof(i));
        wrong += wgw_tokens_revoke_address(&t, token.address, NOW + 60, NOW);
    }

    for (i = 0; i < 2000; i++) {
        token = token_of(i * 7919, 1, NOW, NOW + 60, 1);
        wrong += check(&t, &token, NOW)
                 != (i % 2 ? WGW_TOKENS_OK : WGW_TOKENS_REVOKED);

        token = token_of(100000000 + i, 3, NOW, NOW + 60, 1);
        memcpy(token.address, &i, sizeof(i));
        wrong += check(&t, &token, NOW)
                 != (i % 2 ? WGW_TOKENS_OK : WGW_TOKENS_REVOKED);

        word = UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
        marked += (uint32_t) wgw_notes_marked(&t, word);
    }

    ok(wrong == 0, "a thousand revocations of each kind, exactly");
    ok(marked > 0 && marked < 400, "%u of 2000 others pass the filter",
       marked);

    munmap(t.header, size);
}


static void
lists(void)
{
    size_t           size;
    uint32_t         i, n, pages, wrong, seen[1000];
    uint64_t         cursor;
    wgw_token_t      token, page[64];
    wgw_expiring_t   t;

    size = make(&t, WGW_EXPIRING_NOTES, 1000);

    for (i = 0; i < 1000; i++) {
        token = token_of(i, (uint8_t) (i % 10), NOW + i, NOW + 5000, 1 + i);
        (void) wgw_tokens_mint(&t, &token, NOW);
    }

    (void) wgw_tokens_revoke_address(&t, token.address, NOW + 5000, NOW + 500);

    memset(seen, 0, sizeof(seen));
    cursor = 0;
    wrong = 0;

    for (pages = 0; cursor != WGW_TOKENS_END; pages++) {
        n = wgw_tokens_list(&t, page, 64, &cursor, NOW + 500);

        for (i = 0; i < n; i++) {
            token = token_of(page[i].uses - 1,
                             (uint8_t) ((page[i].uses - 1) % 10),
                             NOW + page[i].uses - 1, NOW + 5000,
                             page[i].uses);

            wrong += memcmp(&token, &page[i], sizeof(token)) != 0;
            seen[page[i].uses - 1]++;
        }
    }

    for (i = 0; i < 1000; i++) {
        wrong += seen[i] != (i % 10 == 9 ? 0 : 1);
    }

    ok(wrong == 0 && pages >= 15, "%u pages: each token once and whole",
       pages);
    ok(wgw_tokens_live(&t, NOW + 500) == 900, "as many as there are");

    token = token_of(5000, 1, NOW, NOW + 5, 1);
    token.services_len = sizeof(token.services) + 5;
    ok(wgw_tokens_mint(&t, &token, NOW) == WGW_TOKENS_OK,
       "more services than there is room for");

    munmap(t.header, size);
}


/* Field 11.12: revoking needs no room, or finds some. */

static void
fill(wgw_expiring_t *t)
{
    uint32_t     i, full;
    wgw_token_t  token;

    for (i = 0, full = 0; full < 200; i++) {
        token = token_of(1000 + i, 9, NOW, NOW + 60, 1);
        full += wgw_tokens_mint(t, &token, NOW) == WGW_TOKENS_FULL;
    }
}


static void
room(void)
{
    int              wrong, i;
    size_t           size;
    uint64_t         live;
    wgw_token_t      a, b, strange;
    wgw_expiring_t   t;

    size = make(&t, WGW_EXPIRING_NOTES, 100);

    a = token_of(1, 1, NOW, NOW + 60, WGW_TOKENS_UNLIMITED);
    b = token_of(2, 2, NOW, NOW + 60, 5);
    (void) wgw_tokens_mint(&t, &a, NOW);
    (void) wgw_tokens_mint(&t, &b, NOW);

    fill(&t);
    live = wgw_tokens_live(&t, NOW);

    ok(wgw_tokens_revoke(&t, a.id, NOW + 60, NOW) == WGW_TOKENS_OK
       && check(&t, &a, NOW) == WGW_TOKENS_REVOKED
       && check(&t, &b, NOW) == WGW_TOKENS_OK
       && wgw_tokens_live(&t, NOW) == live - 1,
       "field 11.12: a key is revoked in a full table");

    strange = token_of(3, 3, NOW, NOW + 60, 1);
    ok(wgw_tokens_revoke(&t, strange.id, NOW + 60, NOW) == WGW_TOKENS_OK
       && check(&t, &strange, NOW) == WGW_TOKENS_REVOKED,
       "field 11.12: and one that is not in the list");
    ok(wgw_tokens_revoke_address(&t, b.address, NOW + 60, NOW)
       == WGW_TOKENS_OK && check(&t, &b, NOW) == WGW_TOKENS_REVOKED,
       "field 11.12: and an address");

    /* what is left is used up by revocations of others */

    for (i = 0; i < 1000; i++) {
        strange = token_of(100000 + (uint32_t) i, 3, NOW, NOW + 60, 1);
        (void) wgw_tokens_revoke(&t, strange.id, NOW + 60, NOW);
    }

    strange = token_of(1000, 9, NOW, NOW + 60, 1);
    ok(wgw_tokens_revoke_address(&t, strange.address, NOW + 60, NOW)
       == WGW_TOKENS_OK && wgw_tokens_live(&t, NOW) == 0,
       "field 11.12: then the keys of an address, one by one");

    wrong = 0;

    for (i = 1000; i < 1090; i++) {
        strange = token_of((uint32_t) i, 9, NOW, NOW + 60, 1);
        wrong += check(&t, &strange, NOW) != WGW_TOKENS_REVOKED;
    }

    ok(wrong == 0, "field 11.12: all of them");
    ok(wgw_expiring_repair(&t, 1) == 0
       && check(&t, &a, NOW + 59) == WGW_TOKENS_REVOKED
       && check(&t, &strange, NOW + 59) == WGW_TOKENS_REVOKED,
       "field 11.12: a repair keeps them");

    munmap(t.header, size);
}


/* Field 11.16: who was revoked and signs in at once gets a good key. */

static void
again(void)
{
    size_t           size;
    wgw_token_t      a, b;
    wgw_expiring_t   t;

    size = make(&t, WGW_EXPIRING_NOTES, 100);

    a = token_of(1, 1, NOW, NOW + 60, 1);
    ok(wgw_tokens_since(&t, a.address, NOW) == NOW, "never revoked");

    (void) wgw_tokens_mint(&t, &a, NOW);
    (void) wgw_tokens_revoke_address(&t, a.address, NOW + 60, NOW);

    b = token_of(2, 1, wgw_tokens_since(&t, a.address, NOW), NOW + 60, 1);
    (void) wgw_tokens_mint(&t, &b, NOW);

    ok(check(&t, &a, NOW) == WGW_TOKENS_REVOKED
       && check(&t, &b, NOW) == WGW_TOKENS_OK,
       "field 11.16: in the second in which it was revoked");
    ok(wgw_tokens_since(&t, a.address, NOW + 1) == NOW + 1,
       "the next second is as good");

    (void) wgw_tokens_revoke_address(&t, a.address, NOW + 60, NOW);
    ok(check(&t, &b, NOW) == WGW_TOKENS_REVOKED, "and revoked again");

    munmap(t.header, size);
}


/* Field 11.15: settings that change. */

static wgw_tokens_rc_t
used(wgw_expiring_t *t, const char *nonce, int64_t end, unsigned open,
    int64_t now)
{
    uint8_t  a[WGW_TOKENS_ADDRESS];

    memset(a, 0xaa, sizeof(a));

    return wgw_tokens_replay(t, a, (wgw_text_t) { nonce, strlen(nonce) },
                             end + wgw_tokens_skew(t)
                             + (open ? wgw_tokens_life(t) : 0), open, now);
}


static void
settings(void)
{
    int              wrong, i;
    char             nonce[20];
    size_t           size;
    wgw_token_t      a;
    wgw_expiring_t   t;

    size = make(&t, WGW_EXPIRING_NOTES, 100);

    ok(wgw_tokens_skew(&t) == 0 && wgw_tokens_life(&t) == 0, "nothing yet");
    wgw_tokens_allow(&t, 30, 3600);
    ok(wgw_tokens_skew(&t) == 30 && wgw_tokens_life(&t) == 3600, "allowed");

    (void) used(&t, "forgotten", NOW + 10, 0, NOW);
    (void) used(&t, "open", NOW - 3600, 1, NOW);

    (void) used(&t, "there", NOW + 100, 0, NOW + 50);

    /* both have ended by NOW + 40, and others have taken their places */

    for (i = 0; i < (int) t.n * 8; i++) {
        if (t.buckets[i / 8].when[i % 8] >> 8 <= NOW + 40) {
            t.buckets[i / 8].when[i % 8] = 0;
        }
    }

    t.header->forgotten = NOW + 40;

    wgw_tokens_allow(&t, 600, 7200);

    ok(used(&t, "forgotten", NOW + 10, 0, NOW + 60) == WGW_TOKENS_REPLAY,
       "field 11.15: more skew: what was forgotten is refused");
    ok(used(&t, "open", NOW - 3600, 1, NOW + 60) == WGW_TOKENS_REPLAY,
       "field 11.15: more age: the same");
    ok(used(&t, "there", NOW + 100, 0, NOW + 60) == WGW_TOKENS_REPLAY
       && used(&t, "there", NOW + 100, 0, NOW + 650) == WGW_TOKENS_REPLAY,
       "field 11.15: what is there stays for longer");

    a = token_of(7, 7, NOW + 60, NOW + 120, 1);
    ok(check(&t, &a, NOW + 60) == WGW_TOKENS_OK,
       "field 11.15: keys are as good as before");

    /* places that have ended by now, and a message of this very minute */

    wrong = 0;

    for (i = 0; i < 40; i++) {
        (void) sprintf(nonce, "fresh%d", i);
        wrong += used(&t, nonce, NOW + 760, 0, NOW + 750) != WGW_TOKENS_OK;
    }

    ok(wrong == 0, "field 11.15: new messages are as welcome");

    wgw_tokens_allow(&t, 30, 3600);
    ok(wgw_tokens_skew(&t) == 30, "less again");

    munmap(t.header, size);
}


/* What finds no room is not good again. */

static void
carried_into_few(wgw_expiring_t *small, wgw_expiring_t *to)
{
    int          i, wrong;
    wgw_token_t  a;

    for (i = 0; i < 60; i++) {
        a = token_of(100 + (uint32_t) i, 5, NOW, NOW + 60, 1);
        (void) wgw_tokens_mint(to, &a, NOW);
        (void) wgw_tokens_revoke(to, a.id, NOW + 60, NOW);
    }

    ok(wgw_notes_carry(small, to, NOW) > 0, "not all fit");

    for (i = 0, wrong = 0; i < 60; i++) {
        a = token_of(100 + (uint32_t) i, 5, NOW, NOW + 60, 1);
        wrong += check(small, &a, NOW) != WGW_TOKENS_REVOKED;
    }

    ok(wrong == 0, "field 11.15: what does not is not good again");
}


/* Field 11.15: another table, of another size. */

static void
carried(void)
{
    int              i;
    size_t           sizes[3];
    wgw_token_t      a, b, c, d;
    wgw_expiring_t   from, to, small;

    sizes[0] = make(&from, WGW_EXPIRING_NOTES, 100);
    sizes[1] = make(&to, WGW_EXPIRING_NOTES, 300);
    sizes[2] = make(&small, WGW_EXPIRING_NOTES, 8);

    ok(memcmp(wgw_expiring_seed(&from), wgw_expiring_seed(&to),
              WGW_HASH_SEED) == 0, "of one seed");

    a = token_of(1, 1, NOW, NOW + 60, 5);
    b = token_of(2, 2, NOW, NOW + 60, WGW_TOKENS_UNLIMITED);
    c = token_of(3, 3, NOW, NOW + 60, 1);
    d = token_of(4, 4, NOW, NOW + 60, 1);

    wgw_tokens_allow(&from, 30, 3600);
    (void) wgw_tokens_mint(&from, &a, NOW);
    (void) wgw_tokens_mint(&from, &b, NOW);
    (void) wgw_tokens_mint(&from, &c, NOW);
    (void) wgw_tokens_use(&from, a.id, NOW);
    (void) wgw_tokens_revoke(&from, b.id, NOW + 60, NOW);
    (void) wgw_tokens_revoke_address(&from, c.address, NOW + 60, NOW);
    (void) used(&from, "message", NOW + 20, 0, NOW);

    /* what the other knew of one of these is older */

    (void) wgw_tokens_mint(&to, &b, NOW);

    ok(wgw_notes_carry(&to, &from, NOW) == 0, "field 11.15: carried");
    ok(check(&to, &a, NOW) == WGW_TOKENS_OK
       && check(&to, &b, NOW) == WGW_TOKENS_REVOKED
       && check(&to, &c, NOW) == WGW_TOKENS_REVOKED
       && check(&to, &d, NOW) == WGW_TOKENS_OK,
       "field 11.15: revocations");
    ok(used(&to, "message", NOW + 20, 0, NOW) == WGW_TOKENS_REPLAY
       && wgw_tokens_skew(&to) == 30, "field 11.15: messages");

    for (i = 0; wgw_tokens_use(&to, a.id, NOW) == WGW_TOKENS_OK; i++) { }

    ok(i == 4, "field 11.15: uses that are left, %d", i);

    ok(wgw_tokens_mint(&from, &d, NOW) == WGW_TOKENS_FULL
       && wgw_tokens_use(&from, a.id, NOW) != WGW_TOKENS_OK
       && wgw_tokens_revoke(&from, a.id, NOW + 60, NOW) == WGW_TOKENS_FULL
       && used(&from, "late", NOW + 20, 0, NOW) == WGW_TOKENS_FULL,
       "field 11.15: the old one takes nothing more");

    carried_into_few(&small, &to);

    munmap(from.header, sizes[0]);
    munmap(to.header, sizes[1]);
    munmap(small.header, sizes[2]);
}


/* What a table says of which pages are gone is nothing. */

static void
lost(void)
{
    int             is_lost;
    size_t          size;
    wgw_token_t     token;
    wgw_expiring_t  t;

    size = make(&t, WGW_EXPIRING_NOTES, 100);
    token = token_of(1, 0xaa, NOW, NOW + 600, 3);

    ok(wgw_tokens_mint(&t, &token, NOW) == WGW_TOKENS_OK
       && check(&t, &token, NOW) == WGW_TOKENS_OK, "a token");

    is_lost = 1;
    t.lost = &is_lost;

    ok(check(&t, &token, NOW) == WGW_TOKENS_LOST,
       "field 11.7: whether it was revoked cannot be told");
    ok(wgw_tokens_use(&t, token.id, NOW) == WGW_TOKENS_LOST,
       "field 11.7: nor how often it was used");
    ok(wgw_tokens_replay(&t, token.address, wgw_text("abcdEFGH"), NOW + 300,
                         0, NOW)
       == WGW_TOKENS_LOST, "field 11.7: nor that a message is new");
    ok(wgw_tokens_revoke(&t, token.id, NOW + 600, NOW) == WGW_TOKENS_LOST
       && wgw_tokens_revoke_address(&t, token.address, NOW + 600, NOW)
          == WGW_TOKENS_LOST, "field 11.7: nothing is revoked");

    token = token_of(2, 0xaa, NOW, NOW + 600, 3);

    ok(wgw_tokens_mint(&t, &token, NOW) == WGW_TOKENS_LOST,
       "field 11.7: none is made");

    munmap(t.header, size);
}


int
main(void)
{
    replays();
    uses();
    passing();
    revocations();
    room();
    again();
    lost();
    settings();
    carried();
    many();
    lists();

    return done();
}
