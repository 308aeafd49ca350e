
/*
 * number: numbers in the rows of a store, little-endian.
 */

#ifndef WGW_NUMBER_H
#define WGW_NUMBER_H


#include <stddef.h>
#include <stdint.h>


/* Returns what follows the `size` bytes, of at most 8. */
static inline uint8_t *
wgw_number_put(uint8_t *p, uint64_t number, size_t size)
{
    size_t  i;

    for (i = 0; i < size; i++) {
        *p++ = (uint8_t) (number >> 8 * i);
    }

    return p;
}


static inline uint64_t
wgw_number_get(const uint8_t *p, size_t size)
{
    size_t    i;
    uint64_t  number;

    number = 0;

    for (i = 0; i < size; i++) {
        number |= (uint64_t) p[i] << 8 * i;
    }

    return number;
}


#endif /* WGW_NUMBER_H */
