
/*
 * facts: what the chain says of a contract and of a node.
 */

#ifndef WGW_GRID_FACTS_H
#define WGW_GRID_FACTS_H


#include "format/addr.h"
#include "grid/identity.h"


#define GRID_NAME           64          /* what the chain allows */
#define GRID_HASH           32
#define GRID_DOMAIN         253         /* WGW_NAME_MAX */
#define GRID_ADDRESSES      16


typedef enum {
    GRID_CONTRACT_NODE = 0,             /* as the chain numbers them */
    GRID_CONTRACT_NAME,
    GRID_CONTRACT_RENT
} grid_contract_type_t;

typedef enum {
    GRID_CONTRACT_CREATED = 0,
    GRID_CONTRACT_DELETED,
    GRID_CONTRACT_GRACE
} grid_contract_state_t;


typedef struct {
    uint64_t               id;
    uint32_t               twin;
    uint32_t               node;                    /* 0 for a name */
    grid_contract_type_t   type;
    grid_contract_state_t  state;
    char                   hash[GRID_HASH + 1];     /* of the deployment */
    char                   name[GRID_NAME + 1];
} grid_contract_t;


typedef struct {
    uint32_t               id;
    uint32_t               farm;
    uint32_t               twin;
    char                   domain[GRID_DOMAIN + 1]; /* "" for none */
    wgw_addr_t             addresses[GRID_ADDRESSES];
    size_t                 naddresses;              /* none: not configured */
} grid_node_t;


#endif /* WGW_GRID_FACTS_H */
