
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "grid/dns.h"
#include "grid/judge.h"
#include "grid/options.h"


static int judge_trusted(grid_job_t *p);
static int judge_contract_fits(grid_job_t *p);
static int judge_name(grid_job_t *p);
static int judge_name_contract(grid_job_t *p, uint64_t id);
static int judge_fqdn(grid_job_t *p);
static int judge_dns(grid_job_t *p);


int
grid_judge_contract(grid_job_t *p)
{
    int                 rc;
    unsigned long long  id = p->item.contract;

    if (p->desk.now < p->desk.away) {
        return grid_job_later(p, "the chain could not be asked: it is tried "
                               "again");
    }

    rc = grid_job_ask(p, grid_chain_contract(p->desk.chain, p->item.contract,
                                              &p->contract));

    if (rc == GRID_AWAY) {
        return rc;
    }

    if (rc == GRID_NONE) {
        if (p->item.proven && !judge_trusted(p)) {
            return GRID_AWAY;
        }

        return p->item.proven
               ? grid_job_deleted(p, "contract %llu is not on the chain any "
                                   "more: deleted by the system", id)
               : grid_job_error(p, "contract %llu is not on the chain: make "
                                 "a node contract for node %u first", id,
                                 p->desk.self.node);
    }

    if (p->contract.state == GRID_CONTRACT_DELETED) {
        return grid_job_deleted(p, "contract %llu was cancelled: deleted by "
                                 "the system", id);
    }

    return judge_contract_fits(p);
}


/*
 * Of a node that has not caught up with its chain nothing is there, neither
 * this twin, who was when it deployed.
 */

static int
judge_trusted(grid_job_t *p)
{
    int      rc;
    uint8_t  key[GRID_KEY];

    rc = grid_job_ask(p, grid_chain_twin_key(p->desk.chain, p->item.twin, key));

    if (rc == GRID_NONE) {
        (void) grid_job_later(p, "the chain does not know twin %u: it is "
                               "asked again", p->item.twin);
    }

    return rc == GRID_OK;
}


static int
judge_contract_fits(grid_job_t *p)
{
    unsigned long long      id = p->item.contract;
    const grid_contract_t  *c = &p->contract;

    if (c->type != GRID_CONTRACT_NODE) {
        return grid_job_error(p, "contract %llu is no node contract: make "
                               "one for node %u", id, p->desk.self.node);
    }

    if (p->desk.self.node == 0) {
        return grid_job_later(p, "this gateway is no node of the grid yet: "
                               "it is looked at again");
    }

    if (c->node != p->desk.self.node) {
        return grid_job_error(p, "contract %llu is for node %u, and this is "
                               "node %u: make one for this node", id, c->node,
                               p->desk.self.node);
    }

    if (c->twin != p->item.twin) {
        return grid_job_error(p, "contract %llu is of another twin: deploy "
                               "with one of your own", id);
    }

    if (!p->item.served && strcasecmp(c->hash, p->item.hash) != 0) {
        return grid_job_error(p, "contract %llu has the hash %.40s, and the "
                               "deployment %s: put this one into the contract "
                               "(update_node_contract)", id,
                               c->hash[0] ? c->hash : "of nothing",
                               p->item.hash);
    }

    return grid_items_prove(&p->desk.state, &p->item) == GRID_OK
           ? GRID_OK : grid_job_later(p, "it could not be written down");
}


int
grid_judge_place(grid_job_t *p)
{
    if (p->desk.self.naddresses == 0) {
        return grid_job_error(p, "this gateway has no public config on the "
                               "chain: its farmer must give it one");
    }

    return p->workload.fqdn ? judge_fqdn(p) : judge_name(p);
}


static int
judge_name(grid_job_t *p)
{
    int          rc;
    char         full[WGW_NAME_MAX];
    size_t       len;
    uint64_t     id;
    wgw_text_t   name, domain;
    const char  *phrase;

    domain.data = p->desk.self.domain;
    domain.len = strlen(p->desk.self.domain);

    if (domain.len == 0) {
        return grid_job_error(p, "this gateway has no domain, so serves no "
                               "names: deploy a " GRID_TYPE_FQDN);
    }

    name.data = p->workload.target;
    name.len = strlen(name.data);

    len = wgw_name_parse(full, name, domain, &phrase);

    if (len == 0) {
        return grid_job_error(p, "name \"%.70s\" %s", name.data, phrase);
    }

    grid_put(p->host, sizeof(p->host), "%.*s", (int) len, full);
    grid_put(p->data, sizeof(p->data), "{\"fqdn\":\"%s\"}", p->host);

    rc = grid_job_ask(p, grid_chain_name(p->desk.chain, name.data, &id));

    if (rc == GRID_NONE) {
        return p->item.served
               ? grid_job_deleted(p, "name \"%s\" is not reserved any more: "
                                   "deleted by the system", name.data)
               : grid_job_error(p, "name \"%s\" is not reserved: make a name "
                                 "contract for it (create_name_contract; "
                                 "names are in lower case)", name.data);
    }

    return rc == GRID_OK ? judge_name_contract(p, id) : rc;
}


static int
judge_name_contract(grid_job_t *p, uint64_t id)
{
    int              rc;
    grid_contract_t  c;

    rc = grid_job_ask(p, grid_chain_contract(p->desk.chain, id, &c));

    if (rc == GRID_AWAY) {
        return rc;
    }

    if (rc == GRID_OK && c.type == GRID_CONTRACT_NAME
        && c.state != GRID_CONTRACT_DELETED && c.twin == p->item.twin)
    {
        return GRID_OK;
    }

    if (rc == GRID_OK && c.twin != p->item.twin) {
        return p->item.served
               ? grid_job_deleted(p, "name \"%s\" belongs to another twin "
                                   "now: deleted by the system",
                                   p->workload.target)
               : grid_job_error(p, "name \"%s\" is reserved by another twin, "
                                 "%u: choose another one", p->workload.target,
                                 c.twin);
    }

    return p->item.served
           ? grid_job_deleted(p, "name \"%s\": its contract %llu ended: "
                               "deleted by the system", p->workload.target,
                               (unsigned long long) id)
           : grid_job_error(p, "name \"%s\": its contract %llu ended: make a "
                             "new one", p->workload.target,
                             (unsigned long long) id);
}


static int
judge_fqdn(grid_job_t *p)
{
    char         name[WGW_NAME_MAX];
    size_t       len, domain;
    wgw_text_t   text;
    const char  *phrase, *tail;

    text.data = p->workload.target;
    text.len = strlen(text.data);

    len = wgw_name_parse(name, text, wgw_text(""), &phrase);

    if (len == 0) {
        return grid_job_error(p, "fqdn \"%.80s\" %s", text.data, phrase);
    }

    grid_put(p->host, sizeof(p->host), "%.*s", (int) len, name);
    grid_put(p->data, sizeof(p->data), "{}");

    /* by labels: notgw.test is not below gw.test */

    domain = strlen(p->desk.self.domain);
    tail = p->host + (len > domain ? len - domain : 0);

    if (domain && strcasecmp(tail, p->desk.self.domain) == 0
        && (tail == p->host || tail[-1] == '.'))
    {
        return grid_job_error(p, "fqdn \"%s\" is below this gateway's domain "
                               "%s: deploy a " GRID_TYPE_NAME " for it",
                               p->host, p->desk.self.domain);
    }

    return p->item.served ? GRID_OK : judge_dns(p);
}


static int
judge_dns(grid_job_t *p)
{
    int          rc;
    char         record[GRID_SELF_RECORD];
    size_t       i, n;
    wgw_addr_t   found[GRID_DNS_MAX];

    rc = grid_dns_look(p->desk.grid->options, p->host, found, &n);

    if (rc == GRID_AWAY) {
        return grid_job_later(p, "DNS could not be asked for %s: it is tried "
                               "again", p->host);
    }

    for (i = 0; rc == GRID_OK && i < n; i++) {
        if (grid_self_has(&p->desk.self, &found[i])) {
            return GRID_OK;
        }
    }

    grid_self_record(&p->desk.self, record);

    return grid_job_error(p, "%s %s: make the DNS record  %s. %s  (it is "
                           "looked at again)", p->host,
                           rc == GRID_OK ? "leads to another place"
                                         : "has no address in DNS", p->host,
                           record);
}
