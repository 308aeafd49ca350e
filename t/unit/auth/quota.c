
/*
 * How often one may sign in, and how many keys one may have: field 11.11,
 * and what a source is however its address is written.
 */

#include <arpa/inet.h>

#include "auth/quota.h"

#include "t/unit/table/expiring.h"


#define SECOND  UINT64_C(1000000000)
#define START   (1000 * SECOND)


static int
source(wgw_expiring_t *t, const char *text, uint64_t now)
{
    int64_t  wait;
    uint8_t  bytes[16];

    if (inet_pton(AF_INET, text, bytes) == 1) {
        return wgw_quota_source(t, bytes, 4, 2, now, &wait);
    }

    if (inet_pton(AF_INET6, text, bytes) == 1) {
        return wgw_quota_source(t, bytes, 16, 2, now, &wait);
    }

    return wgw_quota_source(t, NULL, 0, 2, now, &wait);
}


static void
sources(void)
{
    size_t          i, size;
    wgw_expiring_t  t;

    static const char  *others[] = {
        "192.0.2.2", "64:ff9b::192.0.2.3", "2002:c000:204::1", "2001:db8::1",
        "64:ff9b:1::192.0.2.1", "::1", "unix"
    };

    size = make(&t, WGW_EXPIRING_RATES, 1000);

    ok(source(&t, "192.0.2.1", START) && source(&t, "192.0.2.1", START)
       && !source(&t, "192.0.2.1", START), "two a minute");
    ok(!source(&t, "::ffff:192.0.2.1", START),
       "field 11: IPv4 in IPv6, mapped");
    ok(!source(&t, "64:ff9b::192.0.2.1", START), "field 11: of a translator");
    ok(!source(&t, "2002:c000:201:99::7", START), "field 11: by 6to4");
    ok(!source(&t, "::192.0.2.1", START), "field 11: compatible");

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ok(source(&t, others[i], START), "another source: %s", others[i]);
    }

    ok(source(&t, "2001:db8::2", START)
       && !source(&t, "2001:db8::3", START), "a /64 is one source");
    ok(source(&t, "192.0.2.1", START + 30 * SECOND)
       && !source(&t, "192.0.2.1", START + 30 * SECOND), "half a minute on");

    munmap(t.header, size);
}


static void
wallets(void)
{
    int             i, n;
    size_t          size;
    int64_t         wait;
    uint8_t         a[WGW_QUOTA_ADDRESS], b[WGW_QUOTA_ADDRESS];
    uint32_t        place;
    wgw_expiring_t  t;

    memset(a, 0xaa, sizeof(a));
    memset(b, 0xbb, sizeof(b));

    size = make(&t, WGW_EXPIRING_RATES, 1000);

    for (n = 0; wgw_quota_wallet(&t, a, 600, START, &wait); n++) { }

    ok(n == 600 && wait == 1, "field 11.11: 600 of a wallet at once");
    ok(wgw_quota_wallet(&t, b, 600, START, &wait), "another's");
    ok(wgw_quota_wallet(&t, a, 0, START, &wait), "no limit");

    for (n = 0; wgw_quota_take(&t, a, 50, 3600, START, &place, &wait); n++) {
        /* void */
    }

    ok(n == 50, "field 11.11: as many keys as places, %d", n);
    ok(wait > 3500 && wait <= 3660, "and how long to wait, %ld", (long) wait);
    ok(!wgw_quota_take(&t, a, 50, 60, START + 3000 * SECOND, &place, &wait)
       && wait <= 661, "later less");
    ok(wgw_quota_take(&t, b, 50, 3600, START, &place, &wait),
       "field 11.11: another has its own");

    wgw_quota_give(&t, b, place, 3600);

    for (i = 0; wgw_quota_take(&t, b, 50, 60, START, &place, &wait); i++) { }

    ok(i == 50, "what was given back is free");

    for (n = 0; n < 200; n++) {
        if (!wgw_quota_take(&t, a, 50, 3600, START + 3700 * SECOND, &place,
                            &wait))
        {
            break;
        }
    }

    ok(n == 50, "free again when they have ended, %d", n);
    ok(wgw_quota_take(&t, b, 1, INT64_MAX, START + 100 * SECOND, &place,
                      &wait)
       && !wgw_quota_take(&t, b, 1, 60, START + 9000000 * SECOND, &place,
                          &wait),
       "a hundred years are one");

    munmap(t.header, size);
}


int
main(void)
{
    sources();
    wallets();

    return done();
}
