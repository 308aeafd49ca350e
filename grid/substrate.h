
/*
 * substrate: the state and the calls of a chain, by RPC and by what the chain
 * says of itself: nothing is configured but where it is.
 *
 * The metadata are read once, and anew when the runtime's version is another
 * one, which is asked at most once a minute.
 *
 * An extrinsic is
 *
 *     compact length, 84, 00 account, 00 ed25519 | 01 sr25519, signature,
 *     what the signed extensions add (00: immortal, nonce, tip), the call
 *
 * signed over call, extensions and what they add besides (versions, genesis),
 * or over the BLAKE2b-256 of it when that is more than 256 bytes.  Immortal,
 * so that the same bytes can be sent until they are in a block, however long
 * that takes; its nonce lets it be in one only.  What is unknown of address,
 * signature or extensions is refused: nothing is signed blindly.
 */

#ifndef WGW_GRID_SUBSTRATE_H
#define WGW_GRID_SUBSTRATE_H


#include "grid/identity.h"
#include "grid/rpc.h"
#include "grid/value.h"


#define GRID_BLOCK      68              /* 0x and a block's hash, terminated */
#define GRID_EXTRINSIC  65536           /* bytes at most */


typedef struct grid_substrate_s  grid_substrate_t;


typedef struct {
    uint32_t  spec;
    uint32_t  transaction;
} grid_runtime_t;


grid_substrate_t *grid_substrate_open(const grid_options_t *options);
void grid_substrate_close(grid_substrate_t *chain);

/* After another answer than GRID_OK and GRID_NONE. */
const char *grid_substrate_why(const grid_substrate_t *chain);

/* Runtime and metadata are there: GRID_OK, or GRID_AWAY. */
int grid_substrate_look(grid_substrate_t *chain);
const grid_meta_t *grid_substrate_meta(const grid_substrate_t *chain);
void grid_substrate_runtime(const grid_substrate_t *chain,
    grid_runtime_t *runtime);

/* The hash of the newest block that stays. */
int grid_substrate_final(grid_substrate_t *chain, char block[GRID_BLOCK]);

/*
 * What is stored at an item, of a map under `key` (SCALE), of this block or,
 * with NULL, of the best one.  GRID_OK and the value, valid until the next
 * question; GRID_NONE; GRID_AWAY; GRID_FAILED when this chain has no such
 * item.
 */
int grid_substrate_get(grid_substrate_t *chain, const char *pallet,
    const char *item, const void *key, size_t len, const char *block,
    grid_value_t *value);

/* The same of a map whose key is a number of `size` bytes, 8 at most. */
int grid_substrate_get_number(grid_substrate_t *chain, const char *pallet,
    const char *item, uint64_t number, size_t size, const char *block,
    grid_value_t *value);

/*
 * The keys of a map whose parts are u64, behind their hash; the caller's
 * (free).  GRID_OK, GRID_AWAY, or GRID_FAILED as above.
 */
int grid_substrate_numbers(grid_substrate_t *chain, const char *pallet,
    const char *item, uint64_t **numbers, size_t *n);

/* The time of the best block, in seconds. */
int grid_substrate_now(grid_substrate_t *chain, int64_t *now);

/* How often an account has signed what is in the chain. */
int grid_substrate_nonce(grid_substrate_t *chain,
    const uint8_t key[GRID_KEY], const char *block, uint32_t *nonce);

/*
 * The index of a call whose arguments are these, as text (meta.h).
 * GRID_FAILED when there is none, or they are others.
 */
int grid_substrate_call(grid_substrate_t *chain, const char *pallet,
    const char *call, const char *arguments, uint8_t index[2]);

/* Signs a call: the extrinsic, in `out`.  GRID_FAILED, and why. */
int grid_substrate_sign(grid_substrate_t *chain,
    const grid_identity_t *identity, grid_kind_t kind, uint32_t nonce,
    const void *call, size_t len, wgw_out_t *out);

/* GRID_OK, it was taken or is known; GRID_FAILED, it was refused. */
int grid_substrate_send(grid_substrate_t *chain, const void *data,
    size_t len);


#endif /* WGW_GRID_SUBSTRATE_H */
