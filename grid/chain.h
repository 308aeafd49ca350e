
/*
 * chain: what is asked of the chain, or of a file in its place.
 *
 * Each question is answered with
 *
 *     GRID_OK       the answer
 *     GRID_NONE     the chain says that there is no such thing
 *     GRID_AWAY     it could not be asked: nothing follows from that, and
 *                   grid_chain_why() says what the matter is
 *
 * Answers are of the best block, as clients see it when they deploy.  A
 * handle is of one thread; a question takes up to GRID_CHAIN_SECONDS for each
 * node that does not answer.
 *
 * The file of a private grid, read again at each question:
 *
 *     {"twins":{"7341":"5F..."},
 *      "contracts":{"1234":{"contract_id":1234,"type":"node",
 *          "state":"Created","twin_id":7341,"node_id":11,
 *          "deployment_hash":"<32 hex digits>","name":""}},
 *      "farms":{"5":{"twin_id":11}}, "nodes":{"11":{"twin_id":11,
 *          "farm_id":5,"domain":"gw.example","addresses":["..."]}}}
 *
 * Farms and nodes may be left out.  A name's contract is the one of type
 * "name" with this name; states are those of the chain, Created, Deleted,
 * GracePeriod.
 */

#ifndef WGW_GRID_CHAIN_H
#define WGW_GRID_CHAIN_H


#include "grid/facts.h"
#include "grid/options.h"


#define GRID_CHAIN_SECONDS  10

typedef struct grid_chain_s  grid_chain_t;


grid_chain_t *grid_chain_open(const grid_options_t *options);
void grid_chain_close(grid_chain_t *chain);

/* Only after GRID_AWAY; valid until the next question. */
const char *grid_chain_why(const grid_chain_t *chain);

/* The public key of a twin's account, and the twin of one. */
int grid_chain_twin_key(grid_chain_t *chain, uint32_t twin,
    uint8_t key[GRID_KEY]);
int grid_chain_twin_of(grid_chain_t *chain, const uint8_t key[GRID_KEY],
    uint32_t *twin);

/* One that was deleted may be there in that state, or be GRID_NONE. */
int grid_chain_contract(grid_chain_t *chain, uint64_t id,
    grid_contract_t *contract);

/* The contract by which a name is held. */
int grid_chain_name(grid_chain_t *chain, const char *name, uint64_t *id);

int grid_chain_farm_twin(grid_chain_t *chain, uint32_t farm,
    uint32_t *twin);
int grid_chain_node_of(grid_chain_t *chain, uint32_t twin, uint32_t *node);
int grid_chain_node(grid_chain_t *chain, uint32_t id, grid_node_t *node);

/* What an account has that is free, in units of 10^-7 TFT. */
int grid_chain_balance(grid_chain_t *chain, const uint8_t key[GRID_KEY],
    uint64_t *free);


#endif /* WGW_GRID_CHAIN_H */
