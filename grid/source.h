
/*
 * source: the two places where the chain's facts come from, and the questions
 * that each answers: chain.h documents them.
 */

#ifndef WGW_GRID_SOURCE_H
#define WGW_GRID_SOURCE_H


#include "grid/facts.h"
#include "grid/options.h"


typedef struct {
    void  *(*open)(const grid_options_t *options, char *why, size_t size);
    void   (*close)(void *data);

    int    (*twin_key)(void *data, uint32_t twin, uint8_t key[GRID_KEY]);
    int    (*twin_of)(void *data, const uint8_t key[GRID_KEY],
                      uint32_t *twin);
    int    (*contract)(void *data, uint64_t id, grid_contract_t *contract);
    int    (*name)(void *data, const char *name, uint64_t *id);
    int    (*farm_twin)(void *data, uint32_t farm, uint32_t *twin);
    int    (*node_of)(void *data, uint32_t twin, uint32_t *node);
    int    (*node)(void *data, uint32_t id, grid_node_t *node);
    int    (*balance)(void *data, const uint8_t key[GRID_KEY],
                      uint64_t *free);
} grid_source_t;


/* `why` is the handle's, written before GRID_AWAY is returned. */
extern const grid_source_t  grid_source_file;
extern const grid_source_t  grid_source_rpc;


#endif /* WGW_GRID_SOURCE_H */
