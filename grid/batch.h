
/*
 * batch: extrinsics that are sent until they are final.
 *
 * There is one at a time.  It is signed, and written to the state with its
 * bytes and nonce, before it is sent; from then on the same bytes are sent,
 * until the account's nonce in the chain's finalized state has passed its own.
 * Then either that state shows what it was for, and it is done; or the nonce
 * was taken by another of the account's extrinsics, or the call failed, and
 * what it was for waits again, for another one with the next nonce.  Of two
 * extrinsics with one nonce only one can be in the chain, and what was passed
 * over never can, so nothing is billed twice.  With a runtime of a new version,
 * under which the bytes are no longer valid, or when its kind says that it is
 * too old, it is signed anew with the same nonce.
 *
 * What such an extrinsic is for, and whether it is done, its kind knows.
 */

#ifndef WGW_GRID_BATCH_H
#define WGW_GRID_BATCH_H


#include "grid/chain.h"
#include "grid/self.h"
#include "grid/substrate.h"


#define GRID_CALL  32768                /* bytes of a call at most */


typedef struct {
    const grid_t      *grid;
    grid_state_t      *state;
    grid_substrate_t  *chain;
    grid_chain_t      *facts;           /* of the same chain */
    grid_self_t        self;            /* as it is in this round */
    int64_t            sent;            /* when one was sent last */
} grid_batch_t;


/* What becomes of an extrinsic whose nonce has passed. */
typedef struct {
    const char  *name;                  /* "nru", "service" */

    /*
     * Called with the finalized block; finds out what the state shows, then
     * settles it in a step that ends with grid_batch_end().
     */
    int        (*settle)(grid_batch_t *batch, int64_t id, const char *block);

    /* Its call again, of the same things, for another signature. */
    int        (*call)(grid_batch_t *batch, int64_t id, wgw_out_t *call);

    /*
     * s that it is good for; 0: ever.  What has such a life is dropped when
     * the chain cannot take it any more; all else waits.
     */
    int64_t      life;
} grid_batch_kind_t;


extern const grid_schema_t  grid_batch_schema;


/*
 * Sends the one that is under way, and settles it.  GRID_OK, there is none
 * (any more); GRID_NONE, it goes on; GRID_AWAY, the chain cannot be asked;
 * GRID_FAILED, it is refused, and grid_substrate_why() says why.
 */
int grid_batch_pursue(grid_batch_t *batch,
    const grid_batch_kind_t *const *kinds);

/*
 * Signs a call with the next nonce, begins a step and writes it down in it; the
 * caller adds what it is for, and commits.  `*id` is its number.
 */
int grid_batch_begin(grid_batch_t *batch, const grid_batch_kind_t *kind,
    const void *call, size_t len, int64_t *id);

/* It is done, `final` in this block, or 0: to be made anew. */
void grid_batch_end(grid_batch_t *batch, int64_t id, int final,
    const char *block);

/* The same in a step of its own, when nothing else is to be settled. */
int grid_batch_settle(grid_batch_t *batch, int64_t id, int final,
    const char *block);


#endif /* WGW_GRID_BATCH_H */
