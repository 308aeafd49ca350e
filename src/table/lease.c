
#include <string.h>

#include "core/steady.h"
#include "table/clock.h"
#include "table/lease.h"


#define LEASE_MAGIC   "wgwlease"
#define LEASE_HUNGRY  (WGW_LEASE_RECORDS / 8)   /* bytes */


_Static_assert(sizeof(wgw_lease_header_t) <= WGW_LEASE_HEADER,
               "the header has room");
_Static_assert(sizeof(wgw_lease_record_t) == 48, "48 bytes a record");


static uint64_t lease_part(uint64_t cap, uint64_t nodes);
static int lease_fresh(const wgw_lease_t *lease);
static uint64_t lease_pool(const wgw_lease_t *lease,
    const wgw_lease_record_t *r, uint64_t clock, uint64_t cap);


int
wgw_lease_mode(const char *value)
{
    if (strcmp(value, "fleet") == 0 || strcmp(value, "fleet=share") == 0) {
        return WGW_LEASE_SHARE;
    }

    if (strcmp(value, "fleet=open") == 0) {
        return WGW_LEASE_OPEN;
    }

    return strcmp(value, "fleet=closed") == 0 ? WGW_LEASE_CLOSED : 0;
}


void
wgw_lease_format(void *memory, uint64_t records,
    const uint8_t identity[WGW_LEASE_IDENTITY], uint64_t incarnation,
    uint64_t partless)
{
    wgw_lease_header_t  *header;

    header = memory;

    header->version = WGW_LEASE_VERSION;
    header->record = sizeof(wgw_lease_record_t);
    memcpy(header->identity, identity, WGW_LEASE_IDENTITY);
    header->incarnation = incarnation;
    header->partless = partless;
    header->capacity = records;
    memcpy(header->magic, LEASE_MAGIC, sizeof(header->magic));
}


int
wgw_lease_check(const void *memory, size_t size,
    const uint8_t identity[WGW_LEASE_IDENTITY])
{
    const wgw_lease_header_t  *header;

    header = memory;

    return size >= WGW_LEASE_HEADER
           && memcmp(header->magic, LEASE_MAGIC, sizeof(header->magic)) == 0
           && header->version == WGW_LEASE_VERSION
           && header->record == sizeof(wgw_lease_record_t)
           && header->capacity <= WGW_LEASE_RECORDS
           && wgw_lease_size(header->capacity) <= size
           && memcmp(header->identity, identity, WGW_LEASE_IDENTITY) == 0
           ? 0 : -1;
}


void
wgw_lease_open(wgw_lease_t *lease, void *memory)
{
    char  *p;

    p = memory;

    lease->header = memory;
    lease->hungry = (uint64_t *) (p + WGW_LEASE_HEADER);
    lease->records = (wgw_lease_record_t *) (p + WGW_LEASE_HEADER
                                             + LEASE_HUNGRY);
    lease->now = wgw_steady_ms;
}


uint64_t
wgw_lease_limit(const wgw_lease_t *lease, uint32_t record, uint64_t clock,
    uint64_t cap, int soon)
{
    uint64_t                   limit;
    const wgw_lease_record_t  *r;

    if (record >= wgw_load(&lease->header->capacity)) {
        return 0;
    }

    if (lease->header->mode == WGW_LEASE_OPEN && !lease_fresh(lease)) {
        return cap;
    }

    r = &lease->records[record];

    limit = wgw_lease_own(r, clock);
    limit += wgw_lease_part(lease, record, clock, cap);

    if (soon && lease_fresh(lease)) {
        limit += lease_pool(lease, r, clock, cap);
    }

    return limit < cap ? limit : cap;
}


/* Gone is read first: what was granted after it only adds. */

uint64_t
wgw_lease_own(const wgw_lease_record_t *r, uint64_t clock)
{
    uint64_t  tag, gone, granted;

    tag = wgw_clock_tag(clock);

    gone = wgw_lease_number(wgw_load(&r->gone[clock & 1]), tag);
    granted = wgw_lease_number(wgw_load(&r->granted[clock & 1]), tag);

    return granted > gone ? granted - gone : 0;
}


/* A table that counts for ever has one window, 0, and never a part. */

uint64_t
wgw_lease_part(const wgw_lease_t *lease, uint32_t record, uint64_t clock,
    uint64_t cap)
{
    uint64_t  partless;

    partless = wgw_load(&lease->header->partless);

    if (clock >> WGW_RING_BITS <= partless) {
        return wgw_lease_number(wgw_load(&lease->records[record].base),
                                wgw_clock_tag(clock));
    }

    return lease_part(cap, wgw_load(&lease->header->nodes));
}


/* Of a small cap one, as long as that leaves most of it. */

static uint64_t
lease_part(uint64_t cap, uint64_t nodes)
{
    if (nodes == 0) {
        return 0;
    }

    if (cap < WGW_LEASE_PARTS * nodes) {
        return cap >= 4 * nodes;
    }

    return cap / (WGW_LEASE_PARTS * nodes);
}


uint64_t
wgw_lease_parts(const wgw_lease_t *lease, uint64_t cap)
{
    uint64_t  nodes;

    nodes = wgw_load(&lease->header->nodes);

    return nodes ? lease_part(cap, nodes) * nodes : cap / WGW_LEASE_PARTS;
}


/* What nobody had when this node last asked. */

static uint64_t
lease_pool(const wgw_lease_t *lease, const wgw_lease_record_t *r,
    uint64_t clock, uint64_t cap)
{
    uint64_t  taken;

    taken = wgw_lease_number(wgw_load(&r->others), wgw_clock_tag(clock))
            & WGW_LEASE_UNITS;
    taken += wgw_lease_own(r, clock) + wgw_lease_parts(lease, cap);

    return taken < cap ? cap - taken : 0;
}


int
wgw_lease_soon(const wgw_lease_t *lease, uint32_t record, uint64_t clock,
    uint64_t cap)
{
    return record < wgw_load(&lease->header->capacity)
           && lease_fresh(lease)
           && lease_pool(lease, &lease->records[record], clock, cap) != 0;
}


/*
 * A question of a second or more is one that nobody answers; and who refuses
 * each for a second is asked in vain as well.
 */

static int
lease_fresh(const wgw_lease_t *lease)
{
    return lease->now() < wgw_load(&lease->header->answered) + WGW_LEASE_FRESH
           && !wgw_load(&lease->header->refused);
}


void
wgw_lease_want(const wgw_lease_t *lease, uint32_t record)
{
    uint64_t  bit, *word;

    if (record >= wgw_load(&lease->header->capacity)) {
        return;
    }

    word = &lease->hungry[record / 64];
    bit = UINT64_C(1) << record % 64;

    if (!(wgw_load(word) & bit)) {
        (void) __atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
    }
}
