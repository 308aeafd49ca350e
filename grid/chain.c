
#include <stdlib.h>

#include "grid/chain.h"
#include "grid/source.h"
#include "program/memory.h"


struct grid_chain_s {
    const grid_source_t  *source;
    void                 *data;
    char                  why[512];
};


grid_chain_t *
grid_chain_open(const grid_options_t *options)
{
    grid_chain_t  *chain;

    chain = wgw_alloc(sizeof(grid_chain_t));

    chain->source = options->chain_file ? &grid_source_file
                                        : &grid_source_rpc;
    chain->data = chain->source->open(options, chain->why,
                                      sizeof(chain->why));

    if (chain->data == NULL) {
        free(chain);
        return NULL;
    }

    return chain;
}


void
grid_chain_close(grid_chain_t *chain)
{
    chain->source->close(chain->data);
    free(chain);
}


const char *
grid_chain_why(const grid_chain_t *chain)
{
    return chain->why;
}


int
grid_chain_twin_key(grid_chain_t *chain, uint32_t twin,
    uint8_t key[GRID_KEY])
{
    return chain->source->twin_key(chain->data, twin, key);
}


int
grid_chain_twin_of(grid_chain_t *chain, const uint8_t key[GRID_KEY],
    uint32_t *twin)
{
    return chain->source->twin_of(chain->data, key, twin);
}


int
grid_chain_contract(grid_chain_t *chain, uint64_t id,
    grid_contract_t *contract)
{
    return chain->source->contract(chain->data, id, contract);
}


int
grid_chain_name(grid_chain_t *chain, const char *name, uint64_t *id)
{
    return chain->source->name(chain->data, name, id);
}


int
grid_chain_farm_twin(grid_chain_t *chain, uint32_t farm, uint32_t *twin)
{
    return chain->source->farm_twin(chain->data, farm, twin);
}


int
grid_chain_node_of(grid_chain_t *chain, uint32_t twin, uint32_t *node)
{
    return chain->source->node_of(chain->data, twin, node);
}


int
grid_chain_node(grid_chain_t *chain, uint32_t id, grid_node_t *node)
{
    return chain->source->node(chain->data, id, node);
}


int
grid_chain_balance(grid_chain_t *chain, const uint8_t key[GRID_KEY],
    uint64_t *free)
{
    return chain->source->balance(chain->data, key, free);
}
