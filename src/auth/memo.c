
#include "auth/memo.h"
#include "crypto/hash.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>


#define MEMO_WAYS  4
#define MEMO_SETS  (WGW_MEMO_TOKENS / MEMO_WAYS)
#define MEMO_LINE  64


/* a line of the processor's cache; the newest first; 0, 0: free */
typedef struct {
    wgw_memo_t   ways[MEMO_WAYS];
} memo_set_t;


_Static_assert(sizeof(memo_set_t) == MEMO_LINE, "a set is a cache line");


static int memo_start(void);
static memo_set_t *memo_set(const wgw_memo_t *memo, uint64_t key,
    wgw_memo_t *entry);


static memo_set_t  *memo_sets;          /* NULL: not yet, or no memory */
static uint8_t      memo_seed[WGW_HASH_SEED];
static unsigned     memo_started;
static uint64_t     memo_keys;


uint64_t
wgw_memo_key(void)
{
    return ++memo_keys;
}


wgw_memo_t
wgw_memo(wgw_text_t token)
{
    wgw_memo_t  memo;

    memo.hash[0] = 0;
    memo.hash[1] = 0;

    if (memo_started || memo_start()) {
        wgw_hash_128(memo_seed, token.data, token.len, memo.hash);
    }

    return memo;
}


/* Once, in the worker: what it was forked from draws none. */

static int
memo_start(void)
{
    if (RAND_bytes(memo_seed, sizeof(memo_seed)) != 1) {
        return 0;
    }

    memo_sets = aligned_alloc(MEMO_LINE, MEMO_SETS * sizeof(memo_set_t));
    if (memo_sets == NULL) {
        return 0;
    }

    memset(memo_sets, 0, MEMO_SETS * sizeof(memo_set_t));

    memo_started = 1;

    return 1;
}


int
wgw_memo_has(const wgw_memo_t *memo, uint64_t key)
{
    unsigned     i;
    wgw_memo_t   entry;
    memo_set_t  *set;

    set = memo_set(memo, key, &entry);

    for (i = 0; set && i < MEMO_WAYS; i++) {

        if (((set->ways[i].hash[0] ^ entry.hash[0])
             | (set->ways[i].hash[1] ^ entry.hash[1])) == 0)
        {
            return 1;
        }
    }

    return 0;
}


void
wgw_memo_put(const wgw_memo_t *memo, uint64_t key)
{
    wgw_memo_t   entry;
    memo_set_t  *set;

    set = memo_set(memo, key, &entry);

    if (set == NULL) {
        return;
    }

    memmove(&set->ways[1], &set->ways[0],
            (MEMO_WAYS - 1) * sizeof(wgw_memo_t));

    set->ways[0] = entry;
}


/* What is kept for both, or NULL. */

static memo_set_t *
memo_set(const wgw_memo_t *memo, uint64_t key, wgw_memo_t *entry)
{
    if (key == 0 || (memo->hash[0] | memo->hash[1]) == 0) {
        return NULL;
    }

    entry->hash[0] = memo->hash[0] + key;
    entry->hash[1] = memo->hash[1] | 1;

    return &memo_sets[entry->hash[0] & (MEMO_SETS - 1)];
}


void
wgw_memo_clear(void)
{
    if (memo_sets) {
        OPENSSL_cleanse(memo_sets, MEMO_SETS * sizeof(memo_set_t));
        free(memo_sets);
        memo_sets = NULL;
    }

    OPENSSL_cleanse(memo_seed, sizeof(memo_seed));
    memo_started = 0;
}
