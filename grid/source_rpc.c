
/*
 * The chain itself: facts from its storage, see chain.h.
 */

#include <stdlib.h>
#include <string.h>

#include "grid/source.h"
#include "grid/substrate.h"
#include "program/memory.h"


#define RPC_CONTRACTS  "SmartContractModule"
#define RPC_GRID       "TfgridModule"


typedef struct {
    grid_substrate_t  *chain;
    char              *why;
    size_t             size;
} rpc_t;


static int rpc_get(rpc_t *r, const char *pallet, const char *item,
    const void *key, size_t len, grid_value_t *value);
static int rpc_get_number(rpc_t *r, const char *pallet, const char *item,
    uint64_t number, size_t size, grid_value_t *value);
static int rpc_away(rpc_t *r, int rc);
static int rpc_number(rpc_t *r, const char *pallet, const char *item,
    const void *key, size_t len, uint64_t *number);
static int rpc_strange(rpc_t *r, const char *item);
static int rpc_contract_read(const grid_value_t *value, grid_contract_t *c);
static int rpc_contract_type(const grid_value_t *value, grid_contract_t *c);
static int rpc_public_config(const grid_value_t *value, grid_node_t *node);
static void rpc_address(const grid_value_t *value, grid_node_t *node,
    int *bad);
static void rpc_copy(char *to, size_t size, wgw_text_t text);


static void *
rpc_open(const grid_options_t *options, char *why, size_t size)
{
    rpc_t             *r;
    grid_substrate_t  *chain;

    chain = grid_substrate_open(options);

    if (chain == NULL) {
        return NULL;
    }

    r = wgw_alloc(sizeof(rpc_t));

    r->chain = chain;
    r->why = why;
    r->size = size;

    return r;
}


static void
rpc_close(void *data)
{
    rpc_t  *r = data;

    grid_substrate_close(r->chain);
    free(r);
}


static int
rpc_get(rpc_t *r, const char *pallet, const char *item, const void *key,
    size_t len, grid_value_t *value)
{
    return rpc_away(r, grid_substrate_get(r->chain, pallet, item, key, len,
                                          NULL, value));
}


static int
rpc_get_number(rpc_t *r, const char *pallet, const char *item,
    uint64_t number, size_t size, grid_value_t *value)
{
    return rpc_away(r, grid_substrate_get_number(r->chain, pallet, item,
                                                 number, size, NULL, value));
}


/* A chain that is not understood is as one that cannot be asked. */

static int
rpc_away(rpc_t *r, int rc)
{
    if (rc == GRID_OK || rc == GRID_NONE) {
        return rc;
    }

    grid_put(r->why, r->size, "%s", grid_substrate_why(r->chain));

    return GRID_AWAY;
}


/* A number that is stored as itself; 0 is as good as none. */

static int
rpc_number(rpc_t *r, const char *pallet, const char *item, const void *key,
    size_t len, uint64_t *number)
{
    int           rc, bad;
    grid_value_t  value;

    rc = rpc_get(r, pallet, item, key, len, &value);

    if (rc != GRID_OK) {
        return rc;
    }

    bad = 0;
    *number = grid_value_uint(&value, &bad);

    if (bad) {
        return rpc_strange(r, item);
    }

    return *number ? GRID_OK : GRID_NONE;
}


static int
rpc_strange(rpc_t *r, const char *item)
{
    grid_put(r->why, r->size, "the chain's %s is not as it is expected: this "
             "wgw-grid may be too old", item);

    return GRID_AWAY;
}


static int
rpc_twin_key(void *data, uint32_t twin, uint8_t key[GRID_KEY])
{
    int           rc, bad;
    rpc_t        *r = data;
    wgw_text_t    account;
    grid_value_t  value;

    rc = rpc_get_number(r, RPC_GRID, "Twins", twin, 4, &value);

    if (rc != GRID_OK) {
        return rc;
    }

    bad = 0;
    account = grid_value_text(&value, "account_id", &bad);

    if (bad || account.len != GRID_KEY
        || grid_value_number(&value, "id", &bad) != twin)
    {
        return rpc_strange(r, "Twins");
    }

    memcpy(key, account.data, GRID_KEY);

    return GRID_OK;
}


static int
rpc_twin_of(void *data, const uint8_t key[GRID_KEY], uint32_t *twin)
{
    int       rc;
    uint64_t  number;

    number = 0;
    rc = rpc_number(data, RPC_GRID, "TwinIdByAccountID", key, GRID_KEY,
                    &number);
    *twin = (uint32_t) number;

    return rc;
}


static int
rpc_contract(void *data, uint64_t id, grid_contract_t *contract)
{
    int           rc;
    rpc_t        *r = data;
    grid_value_t  value;

    rc = rpc_get_number(r, RPC_CONTRACTS, "Contracts", id, 8, &value);

    if (rc == GRID_OK
        && (rpc_contract_read(&value, contract) != 0 || contract->id != id))
    {
        return rpc_strange(r, "Contracts");
    }

    return rc;
}


static int
rpc_contract_read(const grid_value_t *value, grid_contract_t *c)
{
    int           bad;
    size_t        i;
    wgw_text_t    name;
    grid_value_t  state;

    static const struct {
        const char             *name;
        grid_contract_state_t   state;
    } states[] = {
        { "Created", GRID_CONTRACT_CREATED },
        { "Deleted", GRID_CONTRACT_DELETED },
        { "GracePeriod", GRID_CONTRACT_GRACE }
    };

    memset(c, 0, sizeof(grid_contract_t));
    bad = 0;

    c->id = grid_value_number(value, "contract_id", &bad);
    c->twin = (uint32_t) grid_value_number(value, "twin_id", &bad);

    if (bad || !grid_value_field(value, "state", &state)) {
        return -1;
    }

    name = grid_value_variant(&state, NULL);

    for (i = 0; i < grid_count(states); i++) {
        if (wgw_text_equal(name, (wgw_text_t) { states[i].name,
                                                strlen(states[i].name) }))
        {
            c->state = states[i].state;
            return rpc_contract_type(value, c);
        }
    }

    return -1;
}


static int
rpc_contract_type(const grid_value_t *value, grid_contract_t *c)
{
    int           bad;
    wgw_text_t    name;
    grid_value_t  type, inside;

    if (!grid_value_field(value, "contract_type", &type)) {
        return -1;
    }

    bad = 0;
    name = grid_value_variant(&type, &inside);

    if (wgw_text_equal(name, wgw_text("NodeContract"))) {
        c->type = GRID_CONTRACT_NODE;
        c->node = (uint32_t) grid_value_number(&inside, "node_id", &bad);
        rpc_copy(c->hash, sizeof(c->hash),
                 grid_value_text(&inside, "deployment_hash", &bad));

    } else if (wgw_text_equal(name, wgw_text("NameContract"))) {
        c->type = GRID_CONTRACT_NAME;
        rpc_copy(c->name, sizeof(c->name),
                 grid_value_text(&inside, "name", &bad));

    } else if (wgw_text_equal(name, wgw_text("RentContract"))) {
        c->type = GRID_CONTRACT_RENT;
        c->node = (uint32_t) grid_value_number(&inside, "node_id", &bad);

    } else {
        return -1;
    }

    return bad ? -1 : 0;
}


static void
rpc_copy(char *to, size_t size, wgw_text_t text)
{
    grid_put(to, size, "%.*s", (int) text.len, text.data);
}


static int
rpc_name(void *data, const char *name, uint64_t *id)
{
    char       key[GRID_NAME + 4];
    size_t     len;
    wgw_out_t  out;

    len = strlen(name);
    *id = 0;

    if (len > GRID_NAME) {
        return GRID_NONE;
    }

    wgw_out_init(&out, key, sizeof(key));
    grid_scale_put_text(&out, name, len);

    return rpc_number(data, RPC_CONTRACTS, "ContractIDByNameRegistration",
                      key, (size_t) (out.pos - out.start), id);
}


static int
rpc_farm_twin(void *data, uint32_t farm, uint32_t *twin)
{
    int           rc, bad;
    rpc_t        *r = data;
    grid_value_t  value;

    rc = rpc_get_number(r, RPC_GRID, "Farms", farm, 4, &value);

    if (rc == GRID_OK) {
        bad = 0;
        *twin = (uint32_t) grid_value_number(&value, "twin_id", &bad);

        if (bad) {
            return rpc_strange(r, "Farms");
        }
    }

    return rc;
}


static int
rpc_node_of(void *data, uint32_t twin, uint32_t *node)
{
    int        rc;
    uint64_t   number;
    uint8_t    key[4];
    wgw_out_t  out;

    wgw_out_init(&out, key, sizeof(key));
    grid_scale_put_uint(&out, twin, 4);

    number = 0;
    rc = rpc_number(data, RPC_GRID, "NodeIdByTwinID", key, sizeof(key),
                    &number);
    *node = (uint32_t) number;

    return rc;
}


static int
rpc_node(void *data, uint32_t id, grid_node_t *node)
{
    int           rc, bad;
    rpc_t        *r = data;
    wgw_text_t    name;
    grid_value_t  value, config, inside;

    memset(node, 0, sizeof(grid_node_t));

    rc = rpc_get_number(r, RPC_GRID, "Nodes", id, 4, &value);

    if (rc != GRID_OK) {
        return rc;
    }

    bad = 0;
    node->id = id;
    node->farm = (uint32_t) grid_value_number(&value, "farm_id", &bad);
    node->twin = (uint32_t) grid_value_number(&value, "twin_id", &bad);

    if (bad || !grid_value_field(&value, "public_config", &config)) {
        return rpc_strange(r, "Nodes");
    }

    name = grid_value_variant(&config, &inside);

    if (wgw_text_equal(name, wgw_text("Some"))
        && rpc_public_config(&inside, node) != 0)
    {
        return rpc_strange(r, "public configuration");
    }

    return GRID_OK;
}


/* Of addresses the chain has "203.0.113.10/24". */

static int
rpc_public_config(const grid_value_t *value, grid_node_t *node)
{
    int           bad;
    wgw_text_t    name;
    grid_value_t  field, inside;

    if (!grid_value_field(value, "ip4", &field)) {
        return -1;
    }

    bad = 0;
    rpc_address(&field, node, &bad);

    if (grid_value_field(value, "ip6", &field)) {
        name = grid_value_variant(&field, &inside);

        if (wgw_text_equal(name, wgw_text("Some"))) {
            rpc_address(&inside, node, &bad);
        }
    }

    if (grid_value_field(value, "domain", &field)) {
        name = grid_value_variant(&field, &inside);

        if (wgw_text_equal(name, wgw_text("Some"))) {
            rpc_copy(node->domain, sizeof(node->domain),
                     grid_value_bytes(&inside, &bad));
        }
    }

    return bad ? -1 : 0;
}


static void
rpc_address(const grid_value_t *value, grid_node_t *node, int *bad)
{
    size_t      len;
    wgw_text_t  ip;

    ip = grid_value_text(value, "ip", bad);

    for (len = 0; len < ip.len && ip.data[len] != '/'; len++) { /* void */ }

    ip.len = len;

    if (wgw_addr_parse(&node->addresses[node->naddresses], ip) == 0) {
        node->naddresses++;
    }
}


static int
rpc_balance(void *data, const uint8_t key[GRID_KEY], uint64_t *free)
{
    int           rc, bad;
    rpc_t        *r = data;
    grid_value_t  value, account;

    *free = 0;
    rc = rpc_get(r, "System", "Account", key, GRID_KEY, &value);

    if (rc == GRID_OK) {
        bad = !grid_value_field(&value, "data", &account);
        *free = grid_value_number(&account, "free", &bad);

        if (bad) {
            return rpc_strange(r, "Account");
        }
    }

    return rc;
}


const grid_source_t  grid_source_rpc = {
    rpc_open,
    rpc_close,
    rpc_twin_key,
    rpc_twin_of,
    rpc_contract,
    rpc_name,
    rpc_farm_twin,
    rpc_node_of,
    rpc_node,
    rpc_balance
};
