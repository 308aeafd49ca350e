
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#include "core/board.h"
#include "crypto/hash.h"


/* rounds that others win */
#define WGW_BOARD_TRIES  16


typedef struct {
    uint64_t       digest;
    uint64_t       len;
} wgw_board_place_t;


struct wgw_board_s {
    uint64_t             max;
    uint64_t             puts;              /* 0: nothing is up */
    wgw_board_place_t    places[2];         /* up: the one of puts & 1 */
    uint8_t              bytes[];
};


static size_t wgw_board_size(size_t max);
static uint8_t *wgw_board_bytes(wgw_board_t *board, uint64_t puts);
static uint64_t wgw_board_up(const wgw_board_t *board, uint64_t puts);


wgw_board_t *
wgw_board_create(size_t max)
{
    wgw_board_t  *board;

    /* only what is written takes memory */

    board = mmap(NULL, wgw_board_size(max), PROT_READ|PROT_WRITE,
                 MAP_ANONYMOUS|MAP_SHARED|MAP_NORESERVE, -1, 0);

    if (board == MAP_FAILED) {
        return NULL;
    }

    board->max = max;

    return board;
}


void
wgw_board_destroy(wgw_board_t *board)
{
    if (board) {
        (void) munmap(board, wgw_board_size(board->max));
    }
}


uint64_t
wgw_board_digest(const void *data, size_t len)
{
    uint64_t  digest;

    static const uint8_t  seed[WGW_HASH_SEED];

    digest = wgw_hash(seed, data, len);

    return digest ? digest : 1;
}


/*
 * Others may write to the same place at the same time: whoever got it up
 * looks whether it is whole, and who did not tries the next place.
 */

void
wgw_board_put(wgw_board_t *board, const void *data, size_t len,
    uint64_t digest)
{
    unsigned            i;
    uint64_t            puts;
    wgw_board_place_t  *place;

    if (len > board->max) {
        return;
    }

    for (i = 0; i < WGW_BOARD_TRIES; i++) {
        puts = __atomic_load_n(&board->puts, __ATOMIC_ACQUIRE);

        if (wgw_board_up(board, puts) == digest
            && wgw_board_digest(wgw_board_bytes(board, puts), len) == digest)
        {
            return;
        }

        place = &board->places[(puts + 1) & 1];
        place->len = len;
        place->digest = digest;

        if (len) {
            memcpy(wgw_board_bytes(board, puts + 1), data, len);
        }

        (void) __atomic_compare_exchange_n(&board->puts, &puts, puts + 1, 0,
                                           __ATOMIC_ACQ_REL,
                                           __ATOMIC_ACQUIRE);
    }
}


int
wgw_board_other(wgw_board_t *board, uint64_t digest, void **data,
    size_t *len, uint64_t *other)
{
    unsigned   i;
    uint64_t   puts;

    for (i = 0; i < WGW_BOARD_TRIES; i++) {
        puts = __atomic_load_n(&board->puts, __ATOMIC_ACQUIRE);

        *other = wgw_board_up(board, puts);

        if (*other == 0 || *other == digest) {
            return 0;
        }

        *len = board->places[puts & 1].len;

        if (*len > board->max) {
            continue;
        }

        *data = malloc(*len + 1);

        if (*data == NULL) {
            return 0;
        }

        memcpy(*data, wgw_board_bytes(board, puts), *len);

        if (wgw_board_digest(*data, *len) == *other) {
            return 1;
        }

        free(*data);
    }

    return 0;
}


static size_t
wgw_board_size(size_t max)
{
    return sizeof(wgw_board_t) + 2 * max;
}


static uint8_t *
wgw_board_bytes(wgw_board_t *board, uint64_t puts)
{
    return board->bytes + (puts & 1) * board->max;
}


static uint64_t
wgw_board_up(const wgw_board_t *board, uint64_t puts)
{
    return puts ? board->places[puts & 1].digest : 0;
}
