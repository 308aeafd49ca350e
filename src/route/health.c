
#include "route/health.h"


/* a word: tag 16 bits, failures 16, time of the last one or of a try 32 */

#define HEALTH_TAG(word)    ((word) >> 48)
#define HEALTH_FAILS(word)  ((uint32_t) ((word) >> 32) & 0xffff)
#define HEALTH_TIME(word)   ((uint32_t) (word))


static uint64_t *health_word(wgw_health_t *health, uint64_t backend);
static uint64_t health_make(uint64_t backend, uint32_t fails, uint32_t now);


int
wgw_health_try(wgw_health_t *health, const wgw_health_conf_t *conf,
    uint64_t backend, uint32_t now)
{
    uint64_t   word, *place;

    place = health_word(health, backend);
    word = __atomic_load_n(place, __ATOMIC_RELAXED);

    if (HEALTH_TAG(word) != HEALTH_TAG(backend)
        || conf->max_fails == 0
        || HEALTH_FAILS(word) < conf->max_fails)
    {
        return 1;
    }

    /* a clock that was set back counts as the end of the pause */

    if ((uint32_t) (now - HEALTH_TIME(word)) <= conf->fail_timeout) {
        return 0;
    }

    return __atomic_compare_exchange_n(place, &word,
                                       health_make(backend,
                                                   HEALTH_FAILS(word), now),
                                       0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}


void
wgw_health_failed(wgw_health_t *health, uint64_t backend, uint32_t now)
{
    uint32_t   fails;
    uint64_t   word, *place;

    place = health_word(health, backend);
    word = __atomic_load_n(place, __ATOMIC_RELAXED);

    do {
        fails = HEALTH_TAG(word) == HEALTH_TAG(backend)
                ? HEALTH_FAILS(word) : 0;

        fails += fails < 0xffff;

    } while (!__atomic_compare_exchange_n(place, &word,
                                          health_make(backend, fails, now), 0,
                                          __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
}


uint32_t
wgw_health_look(wgw_health_t *health, uint64_t backend, uint32_t *time)
{
    uint64_t  word;

    word = __atomic_load_n(health_word(health, backend), __ATOMIC_RELAXED);

    if (HEALTH_TAG(word) != HEALTH_TAG(backend)) {
        return 0;
    }

    *time = HEALTH_TIME(word);

    return HEALTH_FAILS(word);
}


void
wgw_health_worked(wgw_health_t *health, uint64_t backend)
{
    uint64_t   word, *place;

    place = health_word(health, backend);
    word = __atomic_load_n(place, __ATOMIC_RELAXED);

    if (HEALTH_TAG(word) == HEALTH_TAG(backend) && HEALTH_FAILS(word)) {
        (void) __atomic_compare_exchange_n(place, &word, 0, 0,
                                           __ATOMIC_RELAXED,
                                           __ATOMIC_RELAXED);
    }
}


static uint64_t *
health_word(wgw_health_t *health, uint64_t backend)
{
    return &health->words[backend % WGW_HEALTH_WORDS];
}


static uint64_t
health_make(uint64_t backend, uint32_t fails, uint32_t now)
{
    return HEALTH_TAG(backend) << 48 | (uint64_t) fails << 32 | now;
}
