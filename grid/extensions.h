
/*
 * extensions: what a chain's signed extensions add to an extrinsic, and to
 * what is signed, for one that is immortal and has no tip.
 *
 * Each is known by its name, and by its two types as text, meta.h.  One that
 * is not known and adds something is refused: nothing is signed blindly.
 */

#ifndef WGW_GRID_EXTENSIONS_H
#define WGW_GRID_EXTENSIONS_H


#include "grid/meta.h"


#define GRID_GENESIS  32


typedef struct {
    uint32_t        spec;               /* versions of the runtime */
    uint32_t        transaction;
    const uint8_t  *genesis;            /* its hash */
    uint32_t        nonce;
} grid_signing_t;


/* 0, or -1 and the name of the one that is not known. */
int grid_extensions_write(const grid_meta_t *meta,
    const grid_signing_t *with, wgw_out_t *extra, wgw_out_t *additional,
    wgw_text_t *unknown);

/* 1 when a type as text begins so. */
int grid_extensions_is(const grid_meta_t *meta, uint32_t type,
    const char *text);


#endif /* WGW_GRID_EXTENSIONS_H */
