
#include <string.h>

#include "format/name.h"
#include "grid/dns.h"
#include "grid/look.h"


/* A twin that may be ours, of one kind of key. */
typedef struct {
    grid_kind_t  kind;
    uint32_t     twin;                  /* 0 for none */
    char         address[GRID_ADDRESS];
} look_twin_t;


static int look_twins(const grid_t *grid, grid_chain_t *chain,
    look_twin_t twins[2], size_t *n);
static int look_stranger(const grid_t *grid, uint32_t owner,
    const look_twin_t *twins, size_t n);
static void look_take(const grid_t *grid, grid_self_t *self,
    const look_twin_t *twin);
static int look_node(const grid_t *grid, grid_self_t *self,
    grid_chain_t *chain);
static void look_options(const grid_t *grid, grid_self_t *self);
static void look_names(const grid_t *grid, const grid_self_t *self);
static void look_name(const grid_t *grid, const grid_self_t *self,
    const char *topic, const char *name, const char *record);
static void look_gateway(const grid_t *grid, grid_gateway_t *gateway);


int
grid_look(const grid_t *grid, grid_state_t *state, grid_chain_t *chain,
    grid_gateway_t *gateway)
{
    int          rc;
    grid_self_t  self;

    grid_self_get(grid, &self);

    rc = grid_look_account(grid, &self, chain);

    if (rc == GRID_OK) {
        rc = look_node(grid, &self, chain);
    }

    if (rc == GRID_OK) {
        rc = grid_chain_balance(chain, grid_identity_key(grid->identity,
                                                         self.kind),
                                &self.balance);
        rc = rc == GRID_NONE ? GRID_OK : rc;
    }

    if (rc == GRID_AWAY) {
        grid_self_missing(grid, "chain", "is this machine on the Internet, "
                          "or --chain URL wrong? it is asked again each "
                          "minute", "the chain cannot be asked: %s",
                          grid_chain_why(chain));

    } else if (rc == GRID_OK) {
        grid_self_missing(grid, "chain", "", NULL);
    }

    if (rc == GRID_FAILED) {
        return GRID_FAILED;
    }

    look_options(grid, &self);
    grid_self_put(grid, &self);

    look_names(grid, &self);
    look_gateway(grid, gateway);

    grid_self_keep(grid, state);

    return GRID_OK;
}


int
grid_look_account(const grid_t *grid, grid_self_t *self, grid_chain_t *chain)
{
    int          rc;
    size_t       i, n;
    uint32_t     owner;
    look_twin_t  twins[2];

    /* an address can be shown without a chain */

    if (self->address[0] == '\0') {
        self->kind = grid->options->key
                     && strcmp(grid->options->key, "ed25519") == 0
                     ? GRID_ED25519 : GRID_SR25519;
        grid_address(self->address,
                     grid_identity_key(grid->identity, self->kind));
    }

    memset(twins, 0, sizeof(twins));

    rc = look_twins(grid, chain, twins, &n);
    if (rc != GRID_OK) {
        return rc;
    }

    owner = 0;
    rc = grid_chain_farm_twin(chain, grid->options->farm, &owner);

    if (rc == GRID_NONE && grid->options->chain_file == NULL) {
        return grid_fail(GRID_FAILED, "there is no farm %u on this network "
                         "(--network %s)", (unsigned) grid->options->farm,
                         grid->options->network);
    }

    if (rc == GRID_AWAY) {
        return rc;
    }

    for (i = 0; i < n; i++) {
        if (owner ? twins[i].twin == owner : twins[i].twin != 0) {
            look_take(grid, self, &twins[i]);
            return GRID_OK;
        }
    }

    if (owner) {
        return look_stranger(grid, owner, twins, n);
    }

    look_take(grid, self, &twins[0]);

    return GRID_OK;
}


/* Of the kind that was said, or of both. */

static int
look_twins(const grid_t *grid, grid_chain_t *chain, look_twin_t twins[2],
    size_t *n)
{
    int             i, rc;
    look_twin_t    *t;
    const uint8_t  *key;

    static const grid_kind_t  kinds[] = { GRID_SR25519, GRID_ED25519 };

    *n = 0;

    for (i = 0; i < 2; i++) {

        if (grid->options->key
            && strcmp(grid->options->key, grid_kind_name(kinds[i])) != 0)
        {
            continue;
        }

        t = &twins[(*n)++];
        key = grid_identity_key(grid->identity, kinds[i]);

        t->kind = kinds[i];
        t->twin = 0;
        grid_address(t->address, key);

        rc = grid_chain_twin_of(chain, key, &t->twin);

        if (rc == GRID_AWAY) {
            return rc;
        }
    }

    return GRID_OK;
}


static int
look_stranger(const grid_t *grid, uint32_t owner, const look_twin_t *twins,
    size_t n)
{
    char    list[256];
    size_t  i, len;

    len = 0;
    list[0] = '\0';

    for (i = 0; i < n; i++) {
        grid_put(list + len, sizeof(list) - len, "%s%s (%s%s)",
                 i ? " or " : "", twins[i].address,
                 grid_kind_name(twins[i].kind),
                 twins[i].twin ? "" : ", without a twin");
        len += strlen(list + len);
    }

    return grid_fail(GRID_FAILED, "farm %u belongs to twin %u, which is not "
                     "of this mnemonic: its account is %s",
                     (unsigned) grid->options->farm, (unsigned) owner, list);
}


static void
look_take(const grid_t *grid, grid_self_t *self, const look_twin_t *twin)
{
    self->kind = twin->kind;
    self->twin = twin->twin;
    memcpy(self->address, twin->address, sizeof(self->address));

    if (twin->twin) {
        grid_self_missing(grid, "twin", "", NULL);

    } else {
        grid_self_missing(grid, "twin", "make one for this account with the "
                          "dashboard, https://dashboard.grid.tf",
                          "account %s has no twin", twin->address);
    }
}


static int
look_node(const grid_t *grid, grid_self_t *self, grid_chain_t *chain)
{
    int          rc;
    uint32_t     id;
    grid_node_t  node;

    id = grid->options->node;

    if (id == 0 && self->twin) {
        rc = grid_chain_node_of(chain, self->twin, &id);

        if (rc == GRID_AWAY) {
            return rc;
        }
    }

    self->node = id;

    if (id == 0) {
        return GRID_OK;
    }

    rc = grid_chain_node(chain, id, &node);

    if (rc == GRID_OK) {
        self->naddresses = node.naddresses;
        memcpy(self->addresses, node.addresses, sizeof(self->addresses));
        memcpy(self->domain, node.domain, sizeof(self->domain));

        if (grid->options->chain_file == NULL
            && node.farm != grid->options->farm)
        {
            return grid_fail(GRID_FAILED, "node %u is of farm %u, not of "
                             "farm %u", (unsigned) id, (unsigned) node.farm,
                             (unsigned) grid->options->farm);
        }
    }

    return rc == GRID_AWAY ? rc : GRID_OK;
}


static void
look_options(const grid_t *grid, grid_self_t *self)
{
    size_t                 i, len;
    wgw_text_t             text;
    const char            *error;
    const grid_options_t  *options = grid->options;

    if (options->domain) {
        text.data = options->domain;
        text.len = strlen(text.data);
        len = wgw_name_parse(self->domain, text, wgw_text(""), &error);
        self->domain[len] = '\0';
    }

    for (i = 0; i < options->address.n; i++) {
        text.data = options->address.items[i];
        text.len = strlen(text.data);
        (void) wgw_addr_parse(&self->addresses[i], text);
        self->naddresses = i + 1;
    }

    if (options->node) {
        self->node = options->node;
    }

    if (self->node) {
        grid_self_missing(grid, "node", "", NULL);
    } else {
        grid_self_missing(grid, "node", "wgw-grid register --farm ID "
                          "--mnemonic-file FILE --domain NAME --ip4 "
                          "ADDRESS/BITS --gw4 ADDRESS",
                          "the gateway is no node of farm %u, so nobody can "
                          "deploy to it", (unsigned) self->farm);
    }

    if (self->naddresses) {
        grid_self_missing(grid, "addresses", "", NULL);
    } else {
        grid_self_missing(grid, "addresses", "wgw-grid register writes them, "
                          "or say --address IP", "no address of the gateway "
                          "is known");
    }

    if (self->domain[0]) {
        grid_self_missing(grid, "domain", "", NULL);
    } else {
        grid_self_missing(grid, "domain", "wgw-grid register writes one, or "
                          "say --domain NAME", "the gateway has no domain: "
                          "whole domains can be deployed, and no names");
    }
}


static void
look_names(const grid_t *grid, const grid_self_t *self)
{
    char  name[GRID_DOMAIN + 16];

    if (self->domain[0] == '\0' || self->naddresses == 0) {
        return;
    }

    look_name(grid, self, "dns", self->domain, self->domain);

    grid_put(name, sizeof(name), "wgw-grid.%s", self->domain);
    look_name(grid, self, "dns-names", name, "*");
}


static void
look_name(const grid_t *grid, const grid_self_t *self, const char *topic,
    const char *name, const char *record)
{
    int         rc;
    char        cure[512], ours[GRID_SELF_RECORD];
    size_t      i, n;
    wgw_addr_t  found[GRID_DNS_MAX];

    rc = grid_dns_look(grid->options, name, found, &n);

    for (i = 0; i < n; i++) {
        if (grid_self_has(self, &found[i])) {
            grid_self_missing(grid, topic, "", NULL);
            return;
        }
    }

    grid_self_record(self, ours);

    grid_put(cure, sizeof(cure), "the DNS record  %s%s%s. %s", record,
             record[0] == '*' ? "." : "",
             record[0] == '*' ? self->domain : "", ours);

    grid_self_missing(grid, topic, cure, "%s %s", name,
                      rc == GRID_AWAY ? "could not be looked up"
                      : rc == GRID_NONE ? "has no address in DNS"
                                        : "does not lead to this gateway");
}


static void
look_gateway(const grid_t *grid, grid_gateway_t *gateway)
{
    long  status;
    char  path[GRID_GATEWAY_PATH], cure[512];

    /* an hour that no archive has is 404; without an archive it is 400 */

    grid_put(path, sizeof(path), "/v1/usage?window=2000-01-01T00&zone=");
    grid_gateway_escape(path, grid->options->zone);

    if (grid_gateway_call(gateway, "GET", path, NULL, &status, NULL)
        != GRID_OK)
    {
        grid_self_missing(grid, "gateway", "does it run (systemctl status "
                          "wgw)? may this user open its socket?", "%s",
                          grid_gateway_why(gateway));
        return;
    }

    grid_self_missing(grid, "gateway", "", NULL);

    if (status == 200 || status == 404) {
        grid_self_missing(grid, "hours", "", NULL);
        return;
    }

    grid_put(cure, sizeof(cure), "in the gateway's http block:  "
             "wgw_meter_zone %s file=PATH keys=N window=hour archive=DIR;  "
             "and where names are metered:  wgw_meter %s $wgw_name;",
             grid->options->zone, grid->options->zone);
    grid_self_missing(grid, "hours", cure, "the gateway has no meter zone "
                      "\"%s\" (%s): nothing can be billed",
                      grid->options->zone, grid_gateway_why(gateway));
}
