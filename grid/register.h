
/*
 * register: the command that makes the gateway a node of its farm, and writes
 * its domain and addresses to the chain: `TfgridModule.create_node` and
 * `add_node_public_config`.
 *
 * What is sent is printed, and asked for, before it is signed.  What is there
 * already is left as it is, so that the command can be given again after
 * whatever happened.  Declared are this machine's cores and memory, and the
 * size of the file system of /, as what they are.
 */

#ifndef WGW_GRID_REGISTER_H
#define WGW_GRID_REGISTER_H


#include "format/text.h"
#include "grid/options.h"


/* What a machine has: bytes, and cores. */
typedef struct {
    uint64_t  hru;
    uint64_t  sru;
    uint64_t  cru;
    uint64_t  mru;
} grid_machine_t;


int grid_register(const grid_options_t *options);

/* The calls' bytes. */
void grid_register_node(wgw_out_t *out, const uint8_t index[2],
    const grid_options_t *options, const grid_machine_t *machine);
void grid_register_config(wgw_out_t *out, const uint8_t index[2],
    const grid_options_t *options, uint32_t node);


#endif /* WGW_GRID_REGISTER_H */
