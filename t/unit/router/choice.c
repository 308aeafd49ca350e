
/*
 * Standings, heights, and who is chosen (R19).
 */

#include <stdlib.h>

#include "t/unit/tap.h"
#include "router/choice.h"


typedef struct {
    uint64_t     heights[6];
    size_t       n;
    const char  *expected;          /* a letter for each: . l o */
} judge_t;


static const judge_t  judges[] = {
    { { 100 }, 1, "." },
    { { 100, 100 }, 2, ".." },
    { { 100, 106 }, 2, "l." },
    { { 100, 105 }, 2, ".." },
    { { 100, 200 }, 2, "o." },
    { { 100, 101, 99 }, 3, "..." },
    { { 100, 101, 5000 }, 3, "..o" },
    { { 100, 101, 89 }, 3, "..o" },
    { { 100, 101, 92 }, 3, "..l" },
    { { 100, 109, 101, 104 }, 4, "l.l." },
    { { 1000, 1000, 999, 1, 0xffffffffffffffff }, 5, "...oo" },
    { { 0, 0, 0 }, 3, "..." },
};


static void
test_judge(void)
{
    char                got[8];
    size_t              i, k;
    uint64_t            sorted[6];
    wgw_standing_why_t  why[6];

    for (i = 0; i < sizeof(judges) / sizeof(judges[0]); i++) {
        wgw_standing_judge(judges[i].heights, judges[i].n, sorted, 5, 10,
                           why);

        for (k = 0; k < judges[i].n; k++) {
            got[k] = why[k] == WGW_STANDING_FINE ? '.'
                     : why[k] == WGW_STANDING_LAG ? 'l' : 'o';
        }

        is(got, k, judges[i].expected, "heights");
    }
}


static void
test_standing(void)
{
    uint64_t             word;
    wgw_standing_conf_t  conf = { 2, 3 };

    word = 0;
    ok(wgw_standing_class(word) == WGW_STANDING_UNKNOWN, "unknown");

    wgw_standing_bad(&word, &conf, WGW_STANDING_CONNECT, 10);
    ok(wgw_standing_class(word) == WGW_STANDING_UNHEALTHY
       && wgw_standing_why(word) == WGW_STANDING_CONNECT
       && wgw_standing_since(word) == 10, "the first answer decides");

    wgw_standing_good(&word, &conf, WGW_STANDING_FINE, 11);
    ok(wgw_standing_class(word) == WGW_STANDING_UNHEALTHY, "rise: one");

    wgw_standing_good(&word, &conf, WGW_STANDING_FINE, 12);
    ok(wgw_standing_class(word) == WGW_STANDING_HEALTHY
       && wgw_standing_since(word) == 12, "rise: two");

    wgw_standing_good(&word, &conf, WGW_STANDING_LAG, 13);
    ok(wgw_standing_class(word) == WGW_STANDING_WARNING
       && strcmp(wgw_standing_reason(wgw_standing_why(word)), "lag") == 0,
       "a warning at once");

    wgw_standing_good(&word, &conf, WGW_STANDING_FINE, 14);
    ok(wgw_standing_class(word) == WGW_STANDING_HEALTHY, "and its end");

    wgw_standing_bad(&word, &conf, WGW_STANDING_STATUS, 15);
    wgw_standing_bad(&word, &conf, WGW_STANDING_STATUS, 16);
    ok(wgw_standing_class(word) == WGW_STANDING_HEALTHY, "fall: two");

    wgw_standing_served(&word);
    wgw_standing_bad(&word, &conf, WGW_STANDING_STATUS, 17);
    wgw_standing_bad(&word, &conf, WGW_STANDING_STATUS, 18);
    ok(wgw_standing_class(word) == WGW_STANDING_HEALTHY, "not in a row");

    wgw_standing_bad(&word, &conf, WGW_STANDING_STATUS, 19);
    ok(wgw_standing_class(word) == WGW_STANDING_UNHEALTHY, "fall: three");

    wgw_standing_served(&word);
    ok(wgw_standing_class(word) == WGW_STANDING_UNHEALTHY,
       "requests make nobody healthy");

    wgw_standing_forget(&word, 30);
    ok(wgw_standing_class(word) == WGW_STANDING_UNKNOWN, "forgotten");
}


static void
test_classes(void)
{
    wgw_choice_t  c[4] = {
        { 1, 1, 1, WGW_STANDING_HEALTHY, 0 },
        { 2, 1, 0, WGW_STANDING_UNKNOWN, 0 },
        { 3, 1, 0, WGW_STANDING_WARNING, 0 },
        { 4, 1, 0, WGW_STANDING_UNHEALTHY, 0 },
    };

    ok(wgw_choice(c, 4, 0, NULL) == 0, "healthy before all priorities");
    c[0].out = 1;
    ok(wgw_choice(c, 4, 0, NULL) == 1, "then the unknown");
    c[1].out = 1;
    ok(wgw_choice(c, 4, 0, NULL) == 2, "then one with a warning");
    c[2].out = 1;
    ok(wgw_choice(c, 4, 0, NULL) == 3, "at last the unhealthy");
    c[3].out = 1;
    ok(wgw_choice(c, 4, 0, NULL) == 4, "and then none");

    c[0].out = c[1].out = 0;
    c[1].standing = WGW_STANDING_HEALTHY;
    ok(wgw_choice(c, 4, ~0u, NULL) == 1, "the lower priority");
}


static void
test_spread(void)
{
    size_t        i, got;
    uint64_t      session;
    unsigned      n[3] = { 0, 0, 0 }, moved, m[3] = { 0, 0, 0 };
    wgw_choice_t  c[3] = {
        { 11, 1, 0, WGW_STANDING_HEALTHY, 0 },
        { 22, 3, 0, WGW_STANDING_HEALTHY, 0 },
        { 33, 1, 0, WGW_STANDING_HEALTHY, 0 },
    };

    for (i = 0; i < 10000; i++) {
        n[wgw_choice(c, 3, (uint32_t) (i * 429497), NULL)]++;
    }

    ok(abs((int) n[0] - 2000) < 50 && abs((int) n[1] - 6000) < 50
       && abs((int) n[2] - 2000) < 50, "by weight: %u %u %u", n[0], n[1],
       n[2]);

    moved = 0;

    for (session = 0; session < 10000; session++) {
        c[1].out = 0;
        got = wgw_choice(c, 3, 0, &session);
        m[got]++;

        if (got != wgw_choice(c, 3, 12345, &session)) {
            moved++;
        }

        c[1].out = 1;

        if (got != 1 && got != wgw_choice(c, 3, 0, &session)) {
            moved++;
        }
    }

    ok(moved == 0, "R19: the same id, the same provider");
    ok(abs((int) m[0] - 2000) < 200 && abs((int) m[1] - 6000) < 200
       && abs((int) m[2] - 2000) < 200, "R19: ids by weight: %u %u %u",
       m[0], m[1], m[2]);
}


int
main(void)
{
    test_judge();
    test_standing();
    test_classes();
    test_spread();

    return done();
}
