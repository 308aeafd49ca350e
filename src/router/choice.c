
/*
 * choice: see choice.h.
 */

#include "router/choice.h"


static unsigned choice_rank(const wgw_choice_t *choice);
static size_t choice_by_chance(const wgw_choice_t *choices, size_t n,
    unsigned best, uint32_t chance);
static size_t choice_by_hash(const wgw_choice_t *choices, size_t n,
    unsigned best, uint64_t session);


uint64_t
wgw_choice_hash(const void *data, size_t len)
{
    static const uint8_t  seed[WGW_HASH_SEED];

    return wgw_hash(seed, data, len);
}


size_t
wgw_choice(const wgw_choice_t *choices, size_t n, uint32_t chance,
    const uint64_t *session)
{
    size_t    i;
    unsigned  best, rank;

    best = ~0u;

    for (i = 0; i < n; i++) {
        rank = choice_rank(&choices[i]);

        if (!choices[i].out && rank < best) {
            best = rank;
        }
    }

    if (best == ~0u) {
        return n;
    }

    return session ? choice_by_hash(choices, n, best, *session)
                   : choice_by_chance(choices, n, best, chance);
}


static unsigned
choice_rank(const wgw_choice_t *choice)
{
    static const unsigned  order[] = {
        [WGW_STANDING_HEALTHY] = 0,
        [WGW_STANDING_UNKNOWN] = 1,
        [WGW_STANDING_WARNING] = 2,
        [WGW_STANDING_UNHEALTHY] = 3
    };

    return order[choice->standing] * (WGW_CHOICE_PRIORITY + 1)
           + choice->priority;
}


static size_t
choice_by_chance(const wgw_choice_t *choices, size_t n, unsigned best,
    uint32_t chance)
{
    size_t    i;
    uint64_t  total, at;

    total = 0;

    for (i = 0; i < n; i++) {
        if (!choices[i].out && choice_rank(&choices[i]) == best) {
            total += choices[i].weight;
        }
    }

    at = (uint64_t) chance * total >> 32;

    for (i = 0; i < n; i++) {

        if (choices[i].out || choice_rank(&choices[i]) != best) {
            continue;
        }

        if (at < choices[i].weight) {
            break;
        }

        at -= choices[i].weight;
    }

    return i;
}


/* As many hashes as it has weight: then the highest is as likely its. */

static size_t
choice_by_hash(const wgw_choice_t *choices, size_t n, unsigned best,
    uint64_t session)
{
    size_t    i, chosen;
    uint64_t  hash, highest, words[3];
    unsigned  k;

    chosen = n;
    highest = 0;

    for (i = 0; i < n; i++) {

        if (choices[i].out || choice_rank(&choices[i]) != best) {
            continue;
        }

        for (k = 0; k < choices[i].weight; k++) {
            words[0] = session;
            words[1] = choices[i].hash;
            words[2] = k;

            hash = wgw_choice_hash(words, sizeof(words));

            if (chosen == n || hash > highest) {
                highest = hash;
                chosen = i;
            }
        }
    }

    return chosen;
}
