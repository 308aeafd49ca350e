
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "format/doc.h"
#include "format/name.h"
#include "grid/chain.h"
#include "grid/dns.h"
#include "grid/form.h"
#include "grid/gateway.h"
#include "grid/items.h"
#include "grid/options.h"
#include "grid/provision.h"
#include "grid/self.h"


#define PROVISION_CREW    4             /* one waits for DNS, others go on */
#define PROVISION_SPREAD  60            /* seconds, of all after a start */
#define PROVISION_IDLE    200           /* ms between looks for work */
#define PROVISION_FORGET  3600          /* seconds */
#define PROVISION_REST    5             /* after the chain was away */
#define PROVISION_QUICK   3             /* tries before a conflict is told */


typedef struct {
    const grid_t      *grid;
    grid_state_t       state;
    grid_chain_t      *chain;
    grid_gateway_t    *gateway;
    int64_t            now;
    int64_t            away;            /* until when the chain is not asked */
    int64_t            forget;          /* when that is due */

    /* of the workload that is gone through */

    grid_item_t        item;
    grid_self_t        self;
    grid_workload_t    workload;
    grid_contract_t    contract;
    yajl_val           root;
    grid_wish_t        wish;
    char               host[WGW_NAME_MAX + 1];
    char               data[WGW_NAME_MAX + 32];
    char               message[GRID_ERROR];
    grid_finding_t     finding;
} provision_t;


static void *provision_thread(void *data);
static int provision_open(provision_t *p, const grid_t *grid);
static void provision_close(provision_t *p);
static int provision_step(provision_t *p);
static void provision_item(provision_t *p);
static int provision_contract(provision_t *p);
static int provision_contract_fits(provision_t *p);
static int provision_place(provision_t *p);
static int provision_name(provision_t *p);
static int provision_name_contract(provision_t *p, uint64_t id);
static int provision_fqdn(provision_t *p);
static int provision_dns(provision_t *p);
static int provision_claim(provision_t *p);
static int provision_free(provision_t *p);
static int provision_put(provision_t *p);
static int provision_remove(provision_t *p);
static int provision_theirs(provision_t *p, const char *host, int *theirs);
static int provision_is_label(const char *label);
static int provision_ask(provision_t *p, int rc);
static int provision_later(provision_t *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static int provision_error(provision_t *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static int provision_deleted(provision_t *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static int provision_end(provision_t *p, const char *state,
    const char *format, va_list args);
static int64_t provision_again(provision_t *p, int64_t first,
    int64_t last);


void
grid_provision_run(const grid_t *grid)
{
    size_t        i;
    pthread_t     threads[PROVISION_CREW];
    grid_state_t  state;

    /* what was taken by a crew that is no more */

    if (grid_state_open(&state, grid->options->state, 0) != GRID_OK) {
        return;
    }

    (void) grid_items_wake(&state, time(NULL), PROVISION_SPREAD);
    grid_state_close(&state);

    for (i = 0; i < PROVISION_CREW; i++) {
        if (pthread_create(&threads[i], NULL, provision_thread, (void *) grid)
            != 0)
        {
            grid_log(GRID_ERR, "no thread to provision");
            break;
        }
    }

    while (i) {
        (void) pthread_join(threads[--i], NULL);
    }
}


static void *
provision_thread(void *data)
{
    provision_t   *p;
    const grid_t  *grid = data;

    p = grid_alloc(sizeof(provision_t));

    if (provision_open(p, grid) == GRID_OK) {
        while (!grid_rest(grid, provision_step(p) ? 0 : PROVISION_IDLE)) {
            /* the next one */
        }
    }

    provision_close(p);
    free(p);

    return NULL;
}


static int
provision_open(provision_t *p, const grid_t *grid)
{
    p->grid = grid;

    if (grid_state_open(&p->state, grid->options->state, 0) != GRID_OK) {
        return GRID_FAILED;
    }

    p->chain = grid_chain_open(grid->options);
    p->gateway = p->chain ? grid_gateway_open(grid->options) : NULL;

    return p->gateway ? GRID_OK : GRID_FAILED;
}


static void
provision_close(provision_t *p)
{
    if (p->gateway) {
        grid_gateway_close(p->gateway);
    }

    if (p->chain) {
        grid_chain_close(p->chain);
    }

    grid_state_close(&p->state);
}


/* 1 when there was work. */

static int
provision_step(provision_t *p)
{
    int  rc;

    p->now = time(NULL);

    if (p->now >= p->forget) {
        (void) grid_items_forget(&p->state, p->now);
        p->forget = p->now + PROVISION_FORGET;
    }

    rc = grid_items_next(&p->state, p->now, &p->item);

    if (rc == GRID_OK) {
        provision_item(p);
        grid_item_free(&p->item);
    }

    return rc == GRID_OK;
}


static void
provision_item(provision_t *p)
{
    grid_self_get(p->grid, &p->self);

    p->message[0] = '\0';
    p->root = NULL;
    memset(&p->wish, 0, sizeof(p->wish));
    memset(&p->finding, 0, sizeof(p->finding));
    p->finding.message = p->message;

    if (p->item.gone || strcmp(p->item.state, "deleted") == 0) {
        (void) provision_deleted(p, "%s", p->item.message);

    } else if (grid_workload_read(&p->workload, &p->root,
                                  (wgw_text_t) { p->item.spec,
                                                 strlen(p->item.spec) },
                                  p->message) != GRID_OK
               || grid_wish_read(&p->wish, p->workload.metadata,
                                 p->item.metadata, p->message) != GRID_OK)
    {
        (void) provision_error(p, "%s", p->message);

    } else if (provision_contract(p) == GRID_OK
               && provision_place(p) == GRID_OK
               && provision_claim(p) == GRID_OK)
    {
        (void) provision_put(p);
    }

    /* what cannot be written down now is done again */

    (void) grid_items_settle(&p->state, &p->item, &p->finding, p->now);

    grid_wish_free(&p->wish);
    yajl_tree_free(p->root);
}


static int
provision_contract(provision_t *p)
{
    int                 rc;
    unsigned long long  id = p->item.contract;

    if (p->now < p->away) {
        return provision_later(p, "the chain could not be asked: it is tried "
                               "again");
    }

    rc = provision_ask(p, grid_chain_contract(p->chain, p->item.contract,
                                              &p->contract));

    if (rc == GRID_AWAY) {
        return rc;
    }

    if (rc == GRID_NONE) {
        return p->item.served
               ? provision_deleted(p, "contract %llu is not on the chain any "
                                   "more: deleted by the system", id)
               : provision_error(p, "contract %llu is not on the chain: make "
                                 "a node contract for node %u first", id,
                                 p->self.node);
    }

    if (p->contract.state == GRID_CONTRACT_DELETED) {
        return provision_deleted(p, "contract %llu was cancelled: deleted by "
                                 "the system", id);
    }

    return provision_contract_fits(p);
}


static int
provision_contract_fits(provision_t *p)
{
    unsigned long long      id = p->item.contract;
    const grid_contract_t  *c = &p->contract;

    if (c->type != GRID_CONTRACT_NODE) {
        return provision_error(p, "contract %llu is no node contract: make "
                               "one for node %u", id, p->self.node);
    }

    if (p->self.node == 0) {
        return provision_later(p, "this gateway is no node of the grid yet: "
                               "it is looked at again");
    }

    if (c->node != p->self.node) {
        return provision_error(p, "contract %llu is for node %u, and this is "
                               "node %u: make one for this node", id, c->node,
                               p->self.node);
    }

    if (c->twin != p->item.twin) {
        return provision_error(p, "contract %llu is of another twin: deploy "
                               "with one of your own", id);
    }

    if (!p->item.served && strcasecmp(c->hash, p->item.hash) != 0) {
        return provision_error(p, "contract %llu has the hash %.40s, and the "
                               "deployment %s: put this one into the contract "
                               "(update_node_contract)", id,
                               c->hash[0] ? c->hash : "of nothing",
                               p->item.hash);
    }

    return grid_items_prove(&p->state, &p->item) == GRID_OK
           ? GRID_OK : provision_later(p, "it could not be written down");
}


static int
provision_place(provision_t *p)
{
    if (p->self.naddresses == 0) {
        return provision_error(p, "this gateway has no public config on the "
                               "chain: its farmer must give it one");
    }

    return p->workload.fqdn ? provision_fqdn(p) : provision_name(p);
}


static int
provision_name(provision_t *p)
{
    int          rc;
    char         full[WGW_NAME_MAX];
    size_t       len;
    uint64_t     id;
    wgw_text_t   name, domain;
    const char  *phrase;

    domain.data = p->self.domain;
    domain.len = strlen(p->self.domain);

    if (domain.len == 0) {
        return provision_error(p, "this gateway has no domain, so serves no "
                               "names: deploy a " GRID_TYPE_FQDN);
    }

    name.data = p->workload.target;
    name.len = strlen(name.data);

    len = wgw_name_parse(full, name, domain, &phrase);

    if (len == 0) {
        return provision_error(p, "name \"%.70s\" %s", name.data, phrase);
    }

    grid_put(p->host, sizeof(p->host), "%.*s", (int) len, full);
    grid_put(p->data, sizeof(p->data), "{\"fqdn\":\"%s\"}", p->host);

    rc = provision_ask(p, grid_chain_name(p->chain, name.data, &id));

    if (rc == GRID_NONE) {
        return p->item.served
               ? provision_deleted(p, "name \"%s\" is not reserved any more: "
                                   "deleted by the system", name.data)
               : provision_error(p, "name \"%s\" is not reserved: make a name "
                                 "contract for it (create_name_contract; "
                                 "names are in lower case)", name.data);
    }

    return rc == GRID_OK ? provision_name_contract(p, id) : rc;
}


static int
provision_name_contract(provision_t *p, uint64_t id)
{
    int              rc;
    grid_contract_t  c;

    rc = provision_ask(p, grid_chain_contract(p->chain, id, &c));

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
               ? provision_deleted(p, "name \"%s\" belongs to another twin "
                                   "now: deleted by the system",
                                   p->workload.target)
               : provision_error(p, "name \"%s\" is reserved by another twin, "
                                 "%u: choose another one", p->workload.target,
                                 c.twin);
    }

    return p->item.served
           ? provision_deleted(p, "name \"%s\": its contract %llu ended: "
                               "deleted by the system", p->workload.target,
                               (unsigned long long) id)
           : provision_error(p, "name \"%s\": its contract %llu ended: make a "
                             "new one", p->workload.target,
                             (unsigned long long) id);
}


static int
provision_fqdn(provision_t *p)
{
    char         name[WGW_NAME_MAX];
    size_t       len, domain;
    wgw_text_t   text;
    const char  *phrase, *tail;

    text.data = p->workload.target;
    text.len = strlen(text.data);

    len = wgw_name_parse(name, text, wgw_text(""), &phrase);

    if (len == 0) {
        return provision_error(p, "fqdn \"%.80s\" %s", text.data, phrase);
    }

    grid_put(p->host, sizeof(p->host), "%.*s", (int) len, name);
    grid_put(p->data, sizeof(p->data), "{}");

    /* by labels: notgw.test is not below gw.test */

    domain = strlen(p->self.domain);
    tail = p->host + (len > domain ? len - domain : 0);

    if (domain && strcasecmp(tail, p->self.domain) == 0
        && (tail == p->host || tail[-1] == '.'))
    {
        return provision_error(p, "fqdn \"%s\" is below this gateway's domain "
                               "%s: deploy a " GRID_TYPE_NAME " for it",
                               p->host, p->self.domain);
    }

    return p->item.served ? GRID_OK : provision_dns(p);
}


static int
provision_dns(provision_t *p)
{
    int          rc;
    char         ours[WGW_ADDR_TEXT + 1];
    size_t       i, n;
    wgw_out_t    out;
    wgw_addr_t   found[GRID_DNS_MAX];

    rc = grid_dns_look(p->grid->options, p->host, found, &n);

    if (rc == GRID_AWAY) {
        return provision_later(p, "DNS could not be asked for %s: it is tried "
                               "again", p->host);
    }

    for (i = 0; rc == GRID_OK && i < n; i++) {
        if (grid_self_has(&p->self, &found[i])) {
            return GRID_OK;
        }
    }

    wgw_out_init(&out, ours, WGW_ADDR_TEXT);
    wgw_addr_text(&p->self.addresses[0], &out);
    *out.pos = '\0';

    return provision_error(p, "%s %s: make the DNS record  %s. %s %s  (it is "
                           "looked at again)", p->host,
                           rc == GRID_OK ? "leads to another place"
                                         : "has no address in DNS", p->host,
                           p->self.addresses[0].family == 4 ? "A" : "AAAA",
                           ours);
}


/* The host is this workload's, here and on the gateway. */

static int
provision_claim(provision_t *p)
{
    int  rc, theirs;

    if (p->item.host && strcmp(p->item.host, p->host) == 0 && p->item.served) {
        return GRID_OK;
    }

    if (p->item.host && strcmp(p->item.host, p->host) != 0) {
        if (provision_remove(p) != GRID_OK) {
            return GRID_AWAY;
        }

        p->finding.release = 0;
    }

    rc = grid_items_claim(&p->state, &p->item, p->host, p->now);

    if (rc == GRID_NONE) {
        return provision_free(p);
    }

    if (rc != GRID_OK) {
        return provision_later(p, "it could not be written down");
    }

    free(p->item.host);
    p->item.host = grid_copy(p->host);

    if (provision_theirs(p, p->host, &theirs) != GRID_OK) {
        return GRID_AWAY;
    }

    if (theirs) {
        p->finding.release = 1;
        return provision_error(p, "%s is served here already, for the "
                               "gateway's owner: choose another name",
                               p->host);
    }

    return GRID_OK;
}


/* Who has it may have ended, and is looked at first. */

static int
provision_free(provision_t *p)
{
    if (p->item.tries < PROVISION_QUICK) {
        (void) provision_later(p, "%s is deployed already: whether that goes "
                               "on is looked at", p->host);
        p->finding.due = p->now + 1;
        return GRID_AWAY;
    }

    return provision_error(p, "%s is deployed already on this gateway: choose "
                           "another name, or end the other deployment first",
                           p->host);
}


static int
provision_put(provision_t *p)
{
    int           rc;
    long          status;
    char          path[GRID_GATEWAY_PATH], owner[16], wrong[GRID_ERROR];
    grid_out_t    record = { NULL, 0, 0 };
    grid_place_t  place;

    grid_put(owner, sizeof(owner), "%u", p->item.twin);

    place.host = p->host;
    place.owner = owner;
    place.workload = p->item.label;
    place.capped = (p->item.cap >= 0);
    place.gb_month = place.capped ? (uint64_t) p->item.cap : 0;
    place.paused = p->item.hold || p->contract.state == GRID_CONTRACT_GRACE;

    if (grid_form_record(&p->workload, &p->wish, &p->self, &place, &record,
                         wrong) != GRID_OK)
    {
        grid_out_free(&record);
        return provision_error(p, "%s", wrong);
    }

    grid_put(path, sizeof(path), "/v1/names/");
    grid_gateway_escape(path, p->host);

    rc = grid_gateway_call(p->gateway, "PUT", path, record.data, &status,
                           NULL);
    grid_out_free(&record);

    if (rc != GRID_OK || status >= 500 || status == 429) {
        return provision_later(p, "the gateway does not take it now (%s): it "
                               "is tried again",
                               grid_gateway_why(p->gateway));
    }

    if (status >= 300) {
        return provision_error(p, "the gateway refuses it: %s",
                               grid_gateway_why(p->gateway));
    }

    grid_put(p->message, sizeof(p->message), "%s", p->item.hold ? p->item.hold
             : place.paused ? "the contract is in its grace period: put TFT "
                              "into its account" : "");

    p->finding.state = place.paused ? "paused" : "ok";
    p->finding.data = p->data;
    p->finding.tries = 0;
    p->finding.due = p->now + p->grid->options->recheck;

    return GRID_OK;
}


/* Takes its host off the gateway, if that is there for it. */

static int
provision_remove(provision_t *p)
{
    int   theirs;
    long  status;
    char  path[GRID_GATEWAY_PATH];

    if (p->item.host == NULL) {
        return GRID_OK;
    }

    if (provision_theirs(p, p->item.host, &theirs) != GRID_OK) {
        return GRID_AWAY;
    }

    if (!theirs) {
        grid_put(path, sizeof(path), "/v1/names/");
        grid_gateway_escape(path, p->item.host);

        if (grid_gateway_call(p->gateway, "DELETE", path, NULL, &status, NULL)
            != GRID_OK || (status >= 300 && status != 404))
        {
            return provision_later(p, "the gateway could not take its name "
                                   "away (%s): it is tried again",
                                   grid_gateway_why(p->gateway));
        }
    }

    p->finding.release = 1;

    return GRID_OK;
}


/*
 * Whether a name of the gateway was put there by somebody else.  One that
 * another workload left, in a state that was lost, is nobody's.
 */

static int
provision_theirs(provision_t *p, const char *host, int *theirs)
{
    int       rc;
    long      status;
    char      path[GRID_GATEWAY_PATH];
    yajl_val  reply;

    grid_put(path, sizeof(path), "/v1/names/");
    grid_gateway_escape(path, host);

    rc = grid_gateway_call(p->gateway, "GET", path, NULL, &status, &reply);

    if (rc != GRID_OK || (status != 200 && status != 404)) {
        yajl_tree_free(reply);
        return provision_later(p, "the gateway does not say what it serves "
                               "(%s): it is tried again",
                               grid_gateway_why(p->gateway));
    }

    *theirs = status == 200
              && !provision_is_label(wgw_doc_text(reply, "workload"));

    yajl_tree_free(reply);

    return GRID_OK;
}


/* "7341-1234-mysite" */

static int
provision_is_label(const char *label)
{
    size_t  twin, contract;

    twin = strspn(label, "0123456789");
    contract = twin && label[twin] == '-'
               ? strspn(label + twin + 1, "0123456789") : 0;

    return contract && label[twin + 1 + contract] == '-';
}


/* A question to the chain, whose answer is GRID_OK, GRID_NONE or none. */

static int
provision_ask(provision_t *p, int rc)
{
    if (rc == GRID_OK || rc == GRID_NONE) {
        return rc;
    }

    p->away = time(NULL) + PROVISION_REST;

    return provision_later(p, "the chain could not be asked (%s): it is tried "
                           "again", grid_chain_why(p->chain));
}


/* Nothing is known: all stays as it is. */

static int
provision_later(provision_t *p, const char *format, ...)
{
    va_list  args;

    if (strcmp(p->item.state, "init") == 0) {
        va_start(args, format);
        (void) vsnprintf(p->message, sizeof(p->message), format, args);
        va_end(args);

    } else {
        grid_put(p->message, sizeof(p->message), "%s", p->item.message);
    }

    p->finding.state = p->item.state;
    p->finding.data = NULL;
    p->finding.due = provision_again(p, 2, 120);

    return GRID_AWAY;
}


static int
provision_error(provision_t *p, const char *format, ...)
{
    int      rc;
    va_list  args;

    if (!p->finding.release && provision_remove(p) != GRID_OK) {
        return GRID_AWAY;
    }

    va_start(args, format);
    rc = provision_end(p, "error", format, args);
    va_end(args);

    p->finding.due = provision_again(p, 5, p->grid->options->recheck);

    return rc;
}


static int
provision_deleted(provision_t *p, const char *format, ...)
{
    int      rc;
    va_list  args;

    if (provision_remove(p) != GRID_OK) {
        return GRID_AWAY;
    }

    va_start(args, format);
    rc = provision_end(p, "deleted", format, args);
    va_end(args);

    return rc;
}


static int
provision_end(provision_t *p, const char *state, const char *format,
    va_list args)
{
    char  text[GRID_ERROR];

    (void) vsnprintf(text, sizeof(text), format, args);
    memcpy(p->message, text, sizeof(text));

    p->finding.state = state;
    p->finding.data = NULL;

    return GRID_FAILED;
}


/* Twice as late each time. */

static int64_t
provision_again(provision_t *p, int64_t first, int64_t last)
{
    unsigned  tries;
    int64_t   wait;

    tries = p->item.tries < 20 ? p->item.tries : 20;
    wait = first << tries;

    p->finding.tries = tries + 1;

    return p->now + (wait < last ? wait : last);
}
