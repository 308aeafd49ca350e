
#include <string.h>

#include "crypto/keccak.h"
#include "grid/merlin.h"


#define MERLIN_RATE  166

/* flags of an operation */
#define MERLIN_I     0x01
#define MERLIN_A     0x02
#define MERLIN_C     0x04
#define MERLIN_M     0x10


static void merlin_begin(grid_merlin_t *merlin, uint8_t flags);
static void merlin_label(grid_merlin_t *merlin, const char *label,
    size_t len);
static void merlin_absorb(grid_merlin_t *merlin, const void *data,
    size_t len);
static void merlin_run(grid_merlin_t *merlin);
static void merlin_xor(grid_merlin_t *merlin, size_t at, uint8_t byte);


void
grid_merlin_init(grid_merlin_t *merlin, const char *label)
{
    size_t  i;

    static const uint8_t  head[] = {
        1, MERLIN_RATE + 2, 1, 0, 1, 12 * 8,
        'S', 'T', 'R', 'O', 'B', 'E', 'v', '1', '.', '0', '.', '2'
    };

    memset(merlin, 0, sizeof(grid_merlin_t));

    for (i = 0; i < sizeof(head); i++) {
        merlin_xor(merlin, i, head[i]);
    }

    wgw_keccak_permute(merlin->lanes);

    merlin_begin(merlin, MERLIN_M|MERLIN_A);
    merlin_absorb(merlin, "Merlin v1.0", 11);

    grid_merlin_append(merlin, "dom-sep", label, strlen(label));
}


void
grid_merlin_append(grid_merlin_t *merlin, const char *label,
    const void *message, size_t len)
{
    merlin_label(merlin, label, len);

    merlin_begin(merlin, MERLIN_A);
    merlin_absorb(merlin, message, len);
}


void
grid_merlin_challenge(grid_merlin_t *merlin, const char *label,
    uint8_t *bytes, size_t len)
{
    size_t  i;

    merlin_label(merlin, label, len);

    merlin_begin(merlin, MERLIN_I|MERLIN_A|MERLIN_C);

    for (i = 0; i < len; i++) {
        bytes[i] = (uint8_t) (merlin->lanes[merlin->at / 8]
                              >> 8 * (merlin->at % 8));
        merlin_xor(merlin, merlin->at, bytes[i]);

        if (++merlin->at == MERLIN_RATE) {
            merlin_run(merlin);
        }
    }
}


static void
merlin_label(grid_merlin_t *merlin, const char *label, size_t len)
{
    const uint8_t  size[4] = {
        (uint8_t) len, (uint8_t) (len >> 8), (uint8_t) (len >> 16),
        (uint8_t) (len >> 24)
    };

    merlin_begin(merlin, MERLIN_M|MERLIN_A);
    merlin_absorb(merlin, label, strlen(label));
    merlin_absorb(merlin, size, sizeof(size));
}


static void
merlin_begin(grid_merlin_t *merlin, uint8_t flags)
{
    const uint8_t  head[2] = { merlin->begin, flags };

    merlin->begin = merlin->at + 1;
    merlin_absorb(merlin, head, sizeof(head));

    if ((flags & MERLIN_C) && merlin->at) {
        merlin_run(merlin);
    }
}


static void
merlin_absorb(grid_merlin_t *merlin, const void *data, size_t len)
{
    const uint8_t  *p, *end;

    end = (const uint8_t *) data + len;

    for (p = data; p < end; p++) {
        merlin_xor(merlin, merlin->at, *p);

        if (++merlin->at == MERLIN_RATE) {
            merlin_run(merlin);
        }
    }
}


static void
merlin_run(grid_merlin_t *merlin)
{
    merlin_xor(merlin, merlin->at, merlin->begin);
    merlin_xor(merlin, merlin->at + 1, 0x04);
    merlin_xor(merlin, MERLIN_RATE + 1, 0x80);

    wgw_keccak_permute(merlin->lanes);

    merlin->at = 0;
    merlin->begin = 0;
}


static void
merlin_xor(grid_merlin_t *merlin, size_t at, uint8_t byte)
{
    merlin->lanes[at / 8] ^= (uint64_t) byte << 8 * (at % 8);
}
