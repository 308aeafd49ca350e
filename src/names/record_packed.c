
/*
 * record: see record.h.  This file is the packed form.
 */

#include "names/record.h"

#include <assert.h>
#include <string.h>


#define WGW_RECORD_FORMAT   1
#define WGW_RECORD_LIVES    2           /* the format with a life */
#define WGW_RECORD_PLACED   3           /* with gateways, too */
#define WGW_RECORD_HEAD     24          /* bytes before the backends */
#define WGW_RECORD_ADDR     20          /* bytes of an address */
#define WGW_RECORD_FLAGS    (WGW_RECORD_PASSTHROUGH|WGW_RECORD_HTTPS          \
                             |WGW_RECORD_VERIFY|WGW_RECORD_PAUSED             \
                             |WGW_RECORD_PROXY)


_Static_assert(WGW_RECORD_HEAD
               + (WGW_RECORD_BACKENDS + WGW_RECORD_ADDRESSES)
                 * WGW_RECORD_ADDR
               + 5 * 2 + WGW_NAME_MAX + WGW_RECORD_CA + 2 * WGW_RECORD_TEXT
               + WGW_RECORD_PLACES
               + 8
               <= WGW_RECORD_PACKED,
               "the packed form fits");


static uint8_t *wgw_record_put(uint8_t *p, uint64_t number, size_t size);
static uint8_t *wgw_record_put_addr(uint8_t *p, const wgw_addr_t *addr);
static uint8_t *wgw_record_put_text(uint8_t *p, wgw_text_t text);
static inline uint64_t wgw_record_get(const uint8_t *p, size_t size);
static int wgw_record_get_head(wgw_record_t *record, const uint8_t *packed,
    size_t len);
static inline int wgw_record_get_addr(wgw_addr_t *addr, const uint8_t *p);
static inline int wgw_record_get_text(wgw_text_t *text, const uint8_t **p,
    const uint8_t *end, size_t max);
static int wgw_record_get_more(wgw_record_t *record, const uint8_t *p,
    const uint8_t *end, unsigned format);
static unsigned wgw_record_possible(const wgw_record_t *record);


size_t
wgw_record_pack(const wgw_record_t *record, uint8_t *packed)
{
    size_t    i, len;
    uint8_t  *p, flags;

    assert(wgw_record_possible(record));

    flags = (record->passthrough ? WGW_RECORD_PASSTHROUGH : 0)
            | (record->https ? WGW_RECORD_HTTPS : 0)
            | (record->verify ? WGW_RECORD_VERIFY : 0)
            | (record->paused ? WGW_RECORD_PAUSED : 0)
            | (record->proxy ? WGW_RECORD_PROXY : 0);

    packed[0] = record->gateways.len ? WGW_RECORD_PLACED
                : record->life ? WGW_RECORD_LIVES : WGW_RECORD_FORMAT;
    packed[1] = flags;
    packed[2] = record->nbackends;
    packed[3] = record->naddresses;

    p = wgw_record_put(packed + WGW_RECORD_CHANGE, record->change, 8);
    p = wgw_record_put(p, record->cap_bytes, 8);

    for (i = 0; i < record->nbackends; i++) {
        p = wgw_record_put_addr(p, &record->backends[i]);
    }

    for (i = 0; i < record->naddresses; i++) {
        p = wgw_record_put_addr(p, &record->addresses[i]);
    }

    p = wgw_record_put_text(p, record->tls_name);
    p = wgw_record_put_text(p, record->tls_ca);
    p = wgw_record_put_text(p, record->owner);
    p = wgw_record_put_text(p, record->workload);

    if (record->gateways.len) {
        p = wgw_record_put_text(p, record->gateways);
    }

    if (packed[0] != WGW_RECORD_FORMAT) {
        p = wgw_record_put(p, record->life, 8);
    }

    len = (size_t) (p - packed);

    assert(len <= WGW_RECORD_PACKED);

    wgw_record_put(packed + 4, len, 4);

    return len;
}


size_t
wgw_record_live(uint8_t *packed, size_t len, uint64_t life)
{
    if (len < WGW_RECORD_HEAD + 8
        || (packed[0] != WGW_RECORD_LIVES && packed[0] != WGW_RECORD_PLACED))
    {
        return len;
    }

    if (life || packed[0] == WGW_RECORD_PLACED) {
        (void) wgw_record_put(packed + len - 8, life, 8);
        return len;
    }

    len -= 8;

    packed[0] = WGW_RECORD_FORMAT;
    (void) wgw_record_put(packed + 4, len, 4);

    return len;
}


static uint8_t *
wgw_record_put(uint8_t *p, uint64_t number, size_t size)
{
    size_t  i;

    for (i = 0; i < size; i++) {
        *p++ = (uint8_t) (number >> 8 * i);
    }

    return p;
}


static uint8_t *
wgw_record_put_addr(uint8_t *p, const wgw_addr_t *addr)
{
    p[0] = addr->family;
    p[1] = 0;
    p[2] = (uint8_t) (addr->port >> 8);
    p[3] = (uint8_t) addr->port;

    memcpy(p + 4, addr->addr, 16);

    return p + WGW_RECORD_ADDR;
}


static uint8_t *
wgw_record_put_text(uint8_t *p, wgw_text_t text)
{
    p = wgw_record_put(p, text.len, 2);

    if (text.len) {
        memcpy(p, text.data, text.len);
    }

    return p + text.len;
}


int
wgw_record_unpack(wgw_record_t *record, const uint8_t *packed, size_t len)
{
    size_t          i;
    const uint8_t  *p, *end;

    if (wgw_record_get_head(record, packed, len) != 0) {
        return -1;
    }

    p = packed + WGW_RECORD_HEAD;
    end = packed + len;

    for (i = 0; i < record->nbackends; i++, p += WGW_RECORD_ADDR) {
        if (wgw_record_get_addr(&record->backends[i], p) != 0) {
            return -1;
        }
    }

    for (i = 0; i < record->naddresses; i++, p += WGW_RECORD_ADDR) {
        if (wgw_record_get_addr(&record->addresses[i], p) != 0) {
            return -1;
        }
    }

    if (wgw_record_get_text(&record->tls_name, &p, end, WGW_NAME_MAX) != 0
        || wgw_record_get_text(&record->tls_ca, &p, end, WGW_RECORD_CA) != 0
        || wgw_record_get_text(&record->owner, &p, end, WGW_RECORD_TEXT) != 0
        || wgw_record_get_text(&record->workload, &p, end, WGW_RECORD_TEXT)
           != 0)
    {
        return -1;
    }

    if (packed[0] == WGW_RECORD_FORMAT) {
        record->life = 0;
        record->gateways = (wgw_text_t) { NULL, 0 };

        if (p != end) {
            return -1;
        }

    } else if (wgw_record_get_more(record, p, end, packed[0]) != 0) {
        return -1;
    }

    return wgw_record_possible(record) ? 0 : -1;
}


static int
wgw_record_get_more(wgw_record_t *record, const uint8_t *p,
    const uint8_t *end, unsigned format)
{
    wgw_text_t  rest, gateway;

    rest = (wgw_text_t) { NULL, 0 };

    if (format == WGW_RECORD_PLACED
        && (wgw_record_get_text(&rest, &p, end, WGW_RECORD_PLACES) != 0
            || rest.len == 0))
    {
        return -1;
    }

    record->gateways = rest;

    while (wgw_record_gateway(&rest, &gateway)) {
        if (!wgw_text_plain(gateway)) {
            return -1;
        }
    }

    if (rest.len || end - p != 8) {
        return -1;
    }

    record->life = wgw_record_get(p, 8);

    return format == WGW_RECORD_PLACED || record->life ? 0 : -1;
}


/* What has its place at the beginning, and whether it can be true. */

static int
wgw_record_get_head(wgw_record_t *record, const uint8_t *packed, size_t len)
{
    uint8_t  flags;

    if (len < WGW_RECORD_HEAD
        || packed[0] < WGW_RECORD_FORMAT || packed[0] > WGW_RECORD_PLACED
        || (packed[1] & ~WGW_RECORD_FLAGS) != 0
        || packed[2] > WGW_RECORD_BACKENDS
        || packed[3] > WGW_RECORD_ADDRESSES
        || wgw_record_get(packed + 4, 4) != len
        || len < WGW_RECORD_HEAD
                 + (size_t) (packed[2] + packed[3]) * WGW_RECORD_ADDR)
    {
        return -1;
    }

    record->name.data = NULL;
    record->name.len = 0;

    flags = packed[1];

    record->passthrough = (flags & WGW_RECORD_PASSTHROUGH) != 0;
    record->https = (flags & WGW_RECORD_HTTPS) != 0;
    record->verify = (flags & WGW_RECORD_VERIFY) != 0;
    record->paused = (flags & WGW_RECORD_PAUSED) != 0;
    record->proxy = (flags & WGW_RECORD_PROXY) != 0;
    record->elsewhere = 0;
    record->nbackends = packed[2];
    record->naddresses = packed[3];
    record->change = wgw_record_get(packed + WGW_RECORD_CHANGE, 8);
    record->cap_bytes = wgw_record_get(packed + 16, 8);

    return 0;
}


static inline uint64_t
wgw_record_get(const uint8_t *p, size_t size)
{
    uint64_t  number;

    number = 0;
    memcpy(&number, p, size);

#if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
    number = __builtin_bswap64(number);
#endif

    return number;
}


static inline int
wgw_record_get_addr(wgw_addr_t *addr, const uint8_t *p)
{
    static const uint8_t  zero[12];

    if ((p[0] != 4 && p[0] != 6) || p[1] != 0) {
        return -1;
    }

    if (p[0] == 4 && memcmp(p + 8, zero, sizeof(zero)) != 0) {
        return -1;
    }

    addr->family = p[0];
    addr->port = (uint16_t) (p[2] << 8 | p[3]);
    memcpy(addr->addr, p + 4, 16);

    return 0;
}


static inline int
wgw_record_get_text(wgw_text_t *text, const uint8_t **p, const uint8_t *end,
    size_t max)
{
    size_t  len;

    if (end - *p < 2) {
        return -1;
    }

    len = (size_t) wgw_record_get(*p, 2);
    *p += 2;

    if (len > max || len > (size_t) (end - *p)) {
        return -1;
    }

    text->data = (const char *) *p;
    text->len = len;
    *p += len;

    return 0;
}


/* What holds for every record that was parsed, whatever the rules were. */

static unsigned
wgw_record_possible(const wgw_record_t *record)
{
    size_t  i;

    if (record->nbackends == 0 || record->cap_bytes > WGW_RECORD_CAP) {
        return 0;
    }

    if (record->https && record->passthrough) {
        return 0;
    }

    if (record->proxy && !record->passthrough) {
        return 0;
    }

    if (!record->https && (!record->verify || record->tls_name.len
                           || record->tls_ca.len))
    {
        return 0;
    }

    for (i = 0; i < record->nbackends; i++) {
        if (record->backends[i].port == 0) {
            return 0;
        }
    }

    for (i = 0; i < record->naddresses; i++) {
        if (record->addresses[i].port != 0) {
            return 0;
        }
    }

    return wgw_text_printable(record->tls_name)
           && wgw_text_printable(record->owner)
           && wgw_text_printable(record->workload);
}
