
/*
 * A private grid: facts from a file, see chain.h.
 */

#include <stdlib.h>
#include <string.h>

#include "format/doc.h"
#include "grid/file.h"
#include "grid/source.h"
#include "program/memory.h"


typedef struct {
    const char  *path;
    char        *why;
    size_t       size;
} file_t;


static yajl_val file_read(file_t *f, const char *table, yajl_val *doc);
static int file_contract_read(yajl_val object, grid_contract_t *c);
static int file_among(const char *word, const char *const *words, int n);


static const char  *const file_types[] = { "node", "name", "rent" };
static const char  *const file_states[] = {
    "Created", "Deleted", "GracePeriod"
};


static void *
file_open(const grid_options_t *options, char *why, size_t size)
{
    file_t  *f;

    f = wgw_alloc(sizeof(file_t));

    f->path = options->chain_file;
    f->why = why;
    f->size = size;

    return f;
}


static void
file_close(void *data)
{
    free(data);
}


/* An object of the file, if it has that one; `*doc` is NULL when away. */

static yajl_val
file_read(file_t *f, const char *table, yajl_val *doc)
{
    yajl_val     value;
    const char  *error;

    *doc = grid_file_json(f->path, &error);

    if (*doc == NULL) {
        grid_put(f->why, f->size, "%s: %s", f->path, error);
        return NULL;
    }

    value = wgw_doc_get(*doc, table);

    return YAJL_IS_OBJECT(value) ? value : NULL;
}


static yajl_val
file_find(file_t *f, const char *table, uint64_t id, yajl_val *doc)
{
    char      key[24];
    yajl_val  value;

    value = file_read(f, table, doc);
    grid_put(key, sizeof(key), "%llu", (unsigned long long) id);

    return wgw_doc_get(value, key);
}


static int
file_twin_key(void *data, uint32_t twin, uint8_t key[GRID_KEY])
{
    int         rc;
    file_t     *f = data;
    yajl_val    doc, value;
    wgw_text_t  text;

    value = file_find(f, "twins", twin, &doc);

    if (doc == NULL) {
        return GRID_AWAY;
    }

    rc = GRID_NONE;

    if (YAJL_IS_STRING(value)) {
        text.data = grid_file_text(value);
        text.len = strlen(text.data);
        rc = GRID_OK;

        if (grid_address_read(key, text) != 0) {
            grid_put(f->why, f->size, "%s: twin %u has no address", f->path,
                     (unsigned) twin);
            rc = GRID_AWAY;
        }
    }

    yajl_tree_free(doc);

    return rc;
}


static int
file_twin_of(void *data, const uint8_t key[GRID_KEY], uint32_t *twin)
{
    int        rc;
    char       address[GRID_ADDRESS];
    size_t     i;
    file_t    *f = data;
    yajl_val   doc, twins;

    twins = file_read(f, "twins", &doc);

    if (doc == NULL) {
        return GRID_AWAY;
    }

    rc = GRID_NONE;
    grid_address(address, key);

    for (i = 0; twins && i < twins->u.object.len; i++) {
        if (strcmp(grid_file_text(twins->u.object.values[i]), address) == 0)
        {
            *twin = (uint32_t) strtoul(twins->u.object.keys[i], NULL, 10);
            rc = GRID_OK;
        }
    }

    yajl_tree_free(doc);

    return rc;
}


static int
file_contract(void *data, uint64_t id, grid_contract_t *contract)
{
    int        rc;
    file_t    *f = data;
    yajl_val   doc, value;

    value = file_find(f, "contracts", id, &doc);

    if (doc == NULL) {
        return GRID_AWAY;
    }

    rc = YAJL_IS_OBJECT(value) ? file_contract_read(value, contract)
                               : GRID_NONE;

    if (rc == GRID_AWAY) {
        grid_put(f->why, f->size, "%s: contract %llu is not understood",
                 f->path, (unsigned long long) id);
    }

    contract->id = id;
    yajl_tree_free(doc);

    return rc;
}


static int
file_contract_read(yajl_val object, grid_contract_t *c)
{
    int  type, state;

    memset(c, 0, sizeof(grid_contract_t));

    type = file_among(wgw_doc_text(object, "type"), file_types, 3);
    state = file_among(wgw_doc_text(object, "state"), file_states, 3);

    if (type < 0 || state < 0) {
        return GRID_AWAY;
    }

    c->type = (grid_contract_type_t) type;
    c->state = (grid_contract_state_t) state;
    c->id = wgw_doc_number(object, "contract_id");
    c->twin = (uint32_t) wgw_doc_number(object, "twin_id");
    c->node = (uint32_t) wgw_doc_number(object, "node_id");

    grid_put(c->hash, sizeof(c->hash), "%s",
             wgw_doc_text(object, "deployment_hash"));
    grid_put(c->name, sizeof(c->name), "%s", wgw_doc_text(object, "name"));

    return GRID_OK;
}


static int
file_among(const char *word, const char *const *words, int n)
{
    int  i;

    for (i = 0; i < n; i++) {
        if (strcmp(words[i], word) == 0) {
            return i;
        }
    }

    return -1;
}


/* A contract that was deleted holds no name. */

static int
file_name(void *data, const char *name, uint64_t *id)
{
    int               rc;
    size_t            i;
    file_t           *f = data;
    yajl_val          doc, all;
    grid_contract_t   c;

    all = file_read(f, "contracts", &doc);

    if (doc == NULL) {
        return GRID_AWAY;
    }

    rc = GRID_NONE;

    for (i = 0; all && i < all->u.object.len; i++) {

        if (YAJL_IS_OBJECT(all->u.object.values[i])
            && file_contract_read(all->u.object.values[i], &c) == GRID_OK
            && c.type == GRID_CONTRACT_NAME
            && c.state != GRID_CONTRACT_DELETED
            && strcmp(c.name, name) == 0)
        {
            *id = strtoull(all->u.object.keys[i], NULL, 10);
            rc = GRID_OK;
        }
    }

    yajl_tree_free(doc);

    return rc;
}


static int
file_farm_twin(void *data, uint32_t farm, uint32_t *twin)
{
    file_t    *f = data;
    yajl_val   doc, value;

    value = file_find(f, "farms", farm, &doc);

    if (doc == NULL) {
        return GRID_AWAY;
    }

    *twin = (uint32_t) wgw_doc_number(value, "twin_id");
    yajl_tree_free(doc);

    return *twin ? GRID_OK : GRID_NONE;
}


static int
file_node_of(void *data, uint32_t twin, uint32_t *node)
{
    int        rc;
    size_t     i;
    file_t    *f = data;
    yajl_val   doc, all;

    all = file_read(f, "nodes", &doc);

    if (doc == NULL) {
        return GRID_AWAY;
    }

    rc = GRID_NONE;

    for (i = 0; all && i < all->u.object.len; i++) {
        if (wgw_doc_number(all->u.object.values[i], "twin_id") == twin) {
            *node = (uint32_t) strtoul(all->u.object.keys[i], NULL, 10);
            rc = GRID_OK;
        }
    }

    yajl_tree_free(doc);

    return rc;
}


static int
file_node(void *data, uint32_t id, grid_node_t *node)
{
    int          rc;
    size_t       i;
    file_t      *f = data;
    yajl_val     doc, value;
    wgw_text_t   text;

    memset(node, 0, sizeof(grid_node_t));

    value = file_find(f, "nodes", id, &doc);

    if (doc == NULL) {
        return GRID_AWAY;
    }

    node->id = id;
    node->farm = (uint32_t) wgw_doc_number(value, "farm_id");
    node->twin = (uint32_t) wgw_doc_number(value, "twin_id");
    grid_put(node->domain, sizeof(node->domain), "%s",
             wgw_doc_text(value, "domain"));

    for (i = 0; i < wgw_doc_count(value, "addresses"); i++) {
        if (node->naddresses == GRID_ADDRESSES) {
            break;
        }

        text.data = grid_file_text(wgw_doc_at(value, "addresses", i));
        text.len = strlen(text.data);
        node->naddresses += wgw_addr_parse(&node->addresses[node->naddresses],
                                           text) == 0;
    }

    rc = value ? GRID_OK : GRID_NONE;
    yajl_tree_free(doc);

    return rc;
}


/* Of a private grid nobody is paid. */

static int
file_balance(void *data, const uint8_t key[GRID_KEY], uint64_t *free)
{
    (void) data;
    (void) key;

    *free = 0;

    return GRID_NONE;
}


const grid_source_t  grid_source_file = {
    file_open,
    file_close,
    file_twin_key,
    file_twin_of,
    file_contract,
    file_name,
    file_farm_twin,
    file_node_of,
    file_node,
    file_balance
};
