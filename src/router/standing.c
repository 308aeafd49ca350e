
/*
 * standing: see standing.h.  The word: class, reason, good and bad answers in
 * a row (8 bits each) and, above them, the second of the last change.
 */

#include "router/standing.h"

#include <stdlib.h>


typedef struct {
    unsigned     class;
    unsigned     why;
    unsigned     good;
    unsigned     bad;
    uint32_t     since;
} standing_parts_t;


static standing_parts_t standing_parts(uint64_t word);
static uint64_t standing_pack(const standing_parts_t *parts);
static void standing_turn(standing_parts_t *parts, wgw_standing_t class,
    uint32_t now);
static int standing_compare(const void *one, const void *two);


static const char  *standing_words[] = {
    "unknown", "healthy", "warning", "unhealthy"
};

static const char  *standing_reasons[] = {
    "", "lag", "outlier", "connect", "timeout", "status", "busy", "answer",
    "session", "resolve"
};


wgw_standing_t
wgw_standing_class(uint64_t word)
{
    return (wgw_standing_t) (word & 3);
}


wgw_standing_why_t
wgw_standing_why(uint64_t word)
{
    return (wgw_standing_why_t) (word >> 8 & 0xff);
}


uint32_t
wgw_standing_since(uint64_t word)
{
    return (uint32_t) (word >> 32);
}


const char *
wgw_standing_word(wgw_standing_t standing)
{
    return standing_words[standing];
}


const char *
wgw_standing_reason(wgw_standing_why_t why)
{
    return why <= WGW_STANDING_RESOLVE ? standing_reasons[why] : "";
}


void
wgw_standing_good(uint64_t *word, const wgw_standing_conf_t *conf,
    wgw_standing_why_t why, uint32_t now)
{
    uint64_t          was;
    wgw_standing_t    class;
    standing_parts_t  parts;

    class = why == WGW_STANDING_FINE ? WGW_STANDING_HEALTHY
                                     : WGW_STANDING_WARNING;

    was = __atomic_load_n(word, __ATOMIC_ACQUIRE);

    do {
        parts = standing_parts(was);

        parts.bad = 0;
        parts.good += parts.good < 255;

        if (parts.class != WGW_STANDING_UNHEALTHY
            || parts.good >= conf->rise)
        {
            parts.why = why;
            standing_turn(&parts, class, now);
        }

    } while (!__atomic_compare_exchange_n(word, &was, standing_pack(&parts),
                                          0, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));
}


void
wgw_standing_bad(uint64_t *word, const wgw_standing_conf_t *conf,
    wgw_standing_why_t why, uint32_t now)
{
    uint64_t          was;
    standing_parts_t  parts;

    was = __atomic_load_n(word, __ATOMIC_ACQUIRE);

    do {
        parts = standing_parts(was);

        parts.good = 0;
        parts.bad += parts.bad < 255;

        if (parts.class == WGW_STANDING_UNKNOWN || parts.bad >= conf->fall) {
            parts.why = why;
            standing_turn(&parts, WGW_STANDING_UNHEALTHY, now);
        }

    } while (!__atomic_compare_exchange_n(word, &was, standing_pack(&parts),
                                          0, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));
}


void
wgw_standing_served(uint64_t *word)
{
    uint64_t          was;
    standing_parts_t  parts;

    was = __atomic_load_n(word, __ATOMIC_RELAXED);
    parts = standing_parts(was);

    if (parts.bad == 0 || parts.class == WGW_STANDING_UNHEALTHY) {
        return;
    }

    parts.bad = 0;

    (void) __atomic_compare_exchange_n(word, &was, standing_pack(&parts), 0,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}


void
wgw_standing_forget(uint64_t *word, uint32_t now)
{
    uint64_t          was;
    standing_parts_t  parts = { 0, 0, 0, 0, now };

    was = __atomic_load_n(word, __ATOMIC_RELAXED);

    (void) __atomic_compare_exchange_n(word, &was, standing_pack(&parts), 0,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}


void
wgw_standing_judge(const uint64_t *heights, size_t n, uint64_t *sorted,
    uint64_t lag, uint64_t jump, wgw_standing_why_t *why)
{
    size_t    i;
    uint64_t  middle, best, distance;

    if (n == 0) {
        return;
    }

    for (i = 0; i < n; i++) {
        sorted[i] = heights[i];
    }

    qsort(sorted, n, sizeof(uint64_t), standing_compare);

    /* the nearest of them, the lower one where two are: 1 of 2, 1 of 3 */

    middle = sorted[(3 * (n - 1) + 1) / 4];
    best = 0;

    for (i = 0; i < n; i++) {
        distance = heights[i] > middle ? heights[i] - middle
                                       : middle - heights[i];

        why[i] = distance > jump ? WGW_STANDING_OUTLIER : WGW_STANDING_FINE;

        if (why[i] == WGW_STANDING_FINE && heights[i] > best) {
            best = heights[i];
        }
    }

    for (i = 0; i < n; i++) {
        if (why[i] == WGW_STANDING_FINE && best - heights[i] > lag) {
            why[i] = WGW_STANDING_LAG;
        }
    }
}


static standing_parts_t
standing_parts(uint64_t word)
{
    standing_parts_t  parts;

    parts.class = word & 0xff;
    parts.why = word >> 8 & 0xff;
    parts.good = word >> 16 & 0xff;
    parts.bad = word >> 24 & 0xff;
    parts.since = (uint32_t) (word >> 32);

    return parts;
}


static uint64_t
standing_pack(const standing_parts_t *parts)
{
    return (uint64_t) parts->since << 32 | (uint64_t) parts->bad << 24
           | (uint64_t) parts->good << 16 | (uint64_t) parts->why << 8
           | parts->class;
}


static void
standing_turn(standing_parts_t *parts, wgw_standing_t class, uint32_t now)
{
    if (parts->class != class) {
        parts->class = class;
        parts->since = now;
    }
}


static int
standing_compare(const void *one, const void *two)
{
    uint64_t  a = *(const uint64_t *) one, b = *(const uint64_t *) two;

    return a < b ? -1 : a > b;
}
