
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

    ok(wgw_tokens_replay(&t, a, text, NOW + 300, NOW) == WGW_TOKENS_OK
       && wgw_tokens_replay(&t, a, text, NOW + 300, NOW)
          == WGW_TOKENS_REPLAY, "P26: a message twice");
    ok(wgw_tokens_replay(&t, b, text, NOW + 300, NOW) == WGW_TOKENS_OK,
       "P28: the same nonce of another address");
    ok(wgw_tokens_replay(&t, a, wgw_text("abcdEFGH1234567"), NOW + 300, NOW)
       == WGW_TOKENS_OK, "another nonce");
    ok(wgw_tokens_replay(&t, a, text, NOW + 300, NOW + 300)
       == WGW_TOKENS_REPLAY, "its end has come");
    ok(wgw_tokens_replay(&t, b, wgw_text("late"), NOW, NOW)
       == WGW_TOKENS_REPLAY, "a message that has ended");

    text.data = nonce;

    for (i = 0; i < 400; i++) {
        text.len = (size_t) sprintf(nonce, "nonce%d", i);

        if (wgw_tokens_replay(&t, a, text, NOW + 300, NOW)
            == WGW_TOKENS_FULL)
        {
            break;
        }
    }

    ok(i >= 97 && i < 400, "P47: full after %d", i);
    ok(wgw_tokens_replay(&t, b, wgw_text("abcdEFGH12345678"), NOW + 300, NOW)
       == WGW_TOKENS_REPLAY, "what was known still is");
    ok(wgw_tokens_replay(&t, a, text, NOW + 999, NOW + 300)
       == WGW_TOKENS_OK, "there is room when they have ended");

    munmap(t.header, size);
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


static void
revocations(void)
{
    size_t           size;
    wgw_token_t      a, b, c, d, e, later;
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

    /* keys of a longer life, from before a reload or a step of the clock */

    d = token_of(5, 5, NOW + 40, NOW + 900, WGW_TOKENS_UNLIMITED);
    e = token_of(6, 6, NOW + 40, NOW + 900, WGW_TOKENS_UNLIMITED);
    (void) wgw_tokens_mint(&t, &d, NOW + 20);
    (void) wgw_tokens_mint(&t, &e, NOW + 20);

    ok(wgw_tokens_revoke(&t, d.id, NOW + 60, NOW + 20) == WGW_TOKENS_OK
       && check(&t, &d, NOW + 899) == WGW_TOKENS_REVOKED,
       "a key is revoked to its own end");
    ok(wgw_tokens_revoke_address(&t, e.address, NOW + 60, NOW + 20)
       == WGW_TOKENS_OK && check(&t, &e, NOW + 20) == WGW_TOKENS_REVOKED
       && check(&t, &e, NOW + 899) == WGW_TOKENS_REVOKED,
       "and so are all of an address");

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
    (void) wgw_tokens_revoke(&t, token.id, NOW + 1, NOW);
    ok(wgw_tokens_mint(&t, &token, NOW) == WGW_TOKENS_OK,
       "more services than there is room for");

    munmap(t.header, size);
}


int
main(void)
{
    replays();
    uses();
    revocations();
    many();
    lists();

    return done();
}
