
#include <string.h>

#include "auth/quota.h"
#include "format/addr.h"
#include "table/gcra.h"


#define QUOTA_MINUTE   UINT64_C(60000000000)
#define QUOTA_YEAR     31000000                     /* seconds */

/* whose a key of the table is */
#define QUOTA_SOURCE   1
#define QUOTA_WALLET   2
#define QUOTA_PLACE    3


static wgw_expiring_key_t quota_key(wgw_expiring_t *rates, uint8_t whose,
    uint64_t number, const uint8_t *address, size_t len);
static int quota_admit(wgw_expiring_t *rates, wgw_expiring_key_t key,
    uint64_t rate, uint64_t now, int64_t *wait);
static uint64_t quota_lease(wgw_gcra_t *limit, int64_t seconds);


int
wgw_quota_source(wgw_expiring_t *rates, const uint8_t *address, size_t len,
    uint64_t rate, uint64_t now, int64_t *wait)
{
    uint8_t  v4[4];

    if (len == 16) {
        len = 8;

        if (wgw_addr_embedded(v4, address)) {
            address = v4;
            len = sizeof(v4);
        }
    }

    /* endpoints of other rates do not count what is done at this one */

    return quota_admit(rates,
                       quota_key(rates, QUOTA_SOURCE, rate, address, len),
                       rate, now, wait);
}


int
wgw_quota_wallet(wgw_expiring_t *rates,
    const uint8_t address[WGW_QUOTA_ADDRESS], uint64_t rate, uint64_t now,
    int64_t *wait)
{
    return quota_admit(rates, quota_key(rates, QUOTA_WALLET, rate, address,
                                        WGW_QUOTA_ADDRESS),
                       rate, now, wait);
}


/* A whole minute's at once: routers open all their sessions at start. */

static int
quota_admit(wgw_expiring_t *rates, wgw_expiring_key_t key, uint64_t rate,
    uint64_t now, int64_t *wait)
{
    uint64_t    ns;
    wgw_gcra_t  limit;

    if (rate == 0
        || wgw_gcra_init(&limit, rate, QUOTA_MINUTE, rate - 1) != 0
        || wgw_gcra_take(rates, key, &limit, now, 1, 1, &ns))
    {
        return 1;
    }

    *wait = (int64_t) (ns / 1000000000) + 1;

    return 0;
}


/*
 * Each place is a rate of its own: once in that time.  It is looked for from
 * anywhere on, so that one is found soon while not nearly all are taken.
 */

int
wgw_quota_take(wgw_expiring_t *rates,
    const uint8_t address[WGW_QUOTA_ADDRESS], uint32_t keys, int64_t seconds,
    uint64_t now, uint32_t *place, int64_t *wait)
{
    uint32_t            i;
    uint64_t            ns, least, minutes;
    wgw_gcra_t          limit;
    wgw_expiring_key_t  key;

    minutes = quota_lease(&limit, seconds);
    least = UINT64_MAX;

    *place = (uint32_t) (now / 1000 % keys);

    for (i = 0; i < keys; i++) {
        *place = *place + 1 < keys ? *place + 1 : 0;

        key = quota_key(rates, QUOTA_PLACE, *place, address,
                        WGW_QUOTA_ADDRESS);

        if (wgw_gcra_take(rates, key, &limit, now, minutes, minutes, &ns)) {
            return 1;
        }

        least = ns < least ? ns : least;
    }

    *wait = (int64_t) (least / 1000000000) + 1;

    return 0;
}


void
wgw_quota_give(wgw_expiring_t *rates,
    const uint8_t address[WGW_QUOTA_ADDRESS], uint32_t place,
    int64_t seconds)
{
    uint64_t    minutes;
    wgw_gcra_t  limit;

    minutes = quota_lease(&limit, seconds);

    wgw_gcra_give(rates, quota_key(rates, QUOTA_PLACE, place, address,
                                   WGW_QUOTA_ADDRESS),
                  &limit, minutes);
}


/* One unit a minute, as long as it takes, with nothing taken before. */

static uint64_t
quota_lease(wgw_gcra_t *limit, int64_t seconds)
{
    uint64_t  minutes;

    seconds = seconds < QUOTA_YEAR ? seconds : QUOTA_YEAR;
    minutes = seconds > 60 ? ((uint64_t) seconds + 59) / 60 : 1;

    (void) wgw_gcra_init(limit, 1, QUOTA_MINUTE, minutes - 1);

    return minutes;
}


static wgw_expiring_key_t
quota_key(wgw_expiring_t *rates, uint8_t whose, uint64_t number,
    const uint8_t *address, size_t len)
{
    uint8_t  name[1 + sizeof(number) + WGW_QUOTA_ADDRESS];

    name[0] = whose;
    memcpy(name + 1, &number, sizeof(number));

    if (len) {
        memcpy(name + 1 + sizeof(number), address, len);
    }

    return wgw_expiring_key(rates, name, 1 + sizeof(number) + len);
}
