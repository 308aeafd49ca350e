
/*
 * word: the atomic operations on words that processes share.
 *
 * One order of all operations, as the proofs need it; on x86-64 these loads
 * cost no more than plain ones.
 */

#ifndef WGW_WORD_H
#define WGW_WORD_H


#include <stdint.h>

#pragma GCC visibility push(hidden)


static inline uint64_t
wgw_load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}


static inline int
wgw_swap(uint64_t *word, uint64_t from, uint64_t to)
{
    return __atomic_compare_exchange_n(word, &from, to, 0, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}


static inline void
wgw_add(uint64_t *word, uint64_t n)
{
    if (n) {
        (void) __atomic_fetch_add(word, n, __ATOMIC_SEQ_CST);
    }
}


/* A word that only grows. */

static inline void
wgw_raise(uint64_t *word, uint64_t to)
{
    uint64_t  from;

    do {
        from = wgw_load(word);

    } while (from < to && !wgw_swap(word, from, to));
}


/* `n` of what there are `limit` of; 0 and the first, or -1. */

static inline int
wgw_take(uint64_t *taken, uint64_t n, uint64_t limit, uint64_t *first)
{
    do {
        *first = wgw_load(taken);

        if (*first > limit || n > limit - *first) {
            return -1;
        }

    } while (!wgw_swap(taken, *first, *first + n));

    return 0;
}


/* Nobody knows of what was taken; it leaks if more was taken since. */

static inline void
wgw_untake(uint64_t *taken, uint64_t n, uint64_t first)
{
    (void) wgw_swap(taken, first + n, first);
}


#pragma GCC visibility pop

#endif /* WGW_WORD_H */
