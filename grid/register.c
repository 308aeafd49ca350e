
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "grid/chain.h"
#include "grid/look.h"
#include "grid/register.h"
#include "grid/substrate.h"


#define REGISTER_PALLET  "TfgridModule"
#define REGISTER_NODE                                                         \
    "{farm_id:u32,resources:{hru:u64,sru:u64,cru:u64,mru:u64},"               \
    "location:{city:[u8],country:[u8],latitude:[u8],longitude:[u8]},"         \
    "interfaces:[{name:[u8],mac:[u8],ips:[[u8]]}],secure_boot:bool,"          \
    "virtualized:bool,serial_number:<None|Some([u8])>}"
#define REGISTER_CONFIG                                                       \
    "{farm_id:u32,node_id:u32,public_config:<None|Some({ip4:{ip:[u8],"        \
    "gw:[u8]},ip6:<None|Some({ip:[u8],gw:[u8]})>,domain:<None|Some([u8])>})>}"

#define REGISTER_CALL    4096           /* bytes of a call */
#define REGISTER_WAIT    180            /* seconds, until it is final */
#define REGISTER_GB      UINT64_C(1000000000)


/* All that a step needs. */
typedef struct {
    grid_t             grid;
    grid_self_t        self;
    grid_chain_t      *facts;
    grid_substrate_t  *chain;
} register_t;


static int register_judge(const grid_options_t *options);
static int register_steps(register_t *r);
static int register_node(register_t *r);
static int register_machine(grid_machine_t *machine);
static int register_config(register_t *r);
static int register_same(const grid_options_t *options,
    const grid_node_t *node);
static int register_ask(const register_t *r);
static int register_send(register_t *r, const char *call,
    const char *arguments, void (*write)(register_t *r, wgw_out_t *out,
                                         const uint8_t index[2]));
static int register_sent(register_t *r, const void *call, size_t len);
static int register_final(register_t *r, uint32_t nonce);
static void register_write_node(register_t *r, wgw_out_t *out,
    const uint8_t index[2]);
static void register_write_config(register_t *r, wgw_out_t *out,
    const uint8_t index[2]);
static void register_text(wgw_out_t *out, const char *text);
static int register_away(const char *why);


int
grid_register(const grid_options_t *options)
{
    int               rc;
    register_t        r;
    grid_identity_t  *identity;

    rc = register_judge(options);
    if (rc != GRID_OK) {
        return rc;
    }

    identity = grid_identity_open(options->mnemonic_file);
    if (identity == NULL) {
        return GRID_FAILED;
    }

    memset(&r, 0, sizeof(r));

    r.grid.options = options;
    r.grid.identity = identity;
    r.grid.selves = grid_selves_make();
    r.grid.stop = -1;
    r.facts = grid_chain_open(options);
    r.chain = r.facts ? grid_substrate_open(options) : NULL;

    rc = r.chain ? register_steps(&r) : GRID_FAILED;

    if (r.chain) {
        grid_substrate_close(r.chain);
    }

    if (r.facts) {
        grid_chain_close(r.facts);
    }

    grid_selves_free(r.grid.selves);
    grid_identity_close(identity);

    return rc;
}


static int
register_judge(const grid_options_t *options)
{
    if (options->chain_file) {
        return grid_fail(GRID_USAGE, "register is for a chain: a private "
                         "grid's nodes are in --chain-file");
    }

    if (options->domain == NULL || options->ip4 == NULL
        || options->gw4 == NULL)
    {
        return grid_fail(GRID_USAGE, "register needs --domain NAME, --ip4 "
                         "ADDRESS/BITS and --gw4 ADDRESS, its gateway");
    }

    if ((options->ip6 == NULL) != (options->gw6 == NULL)) {
        return grid_fail(GRID_USAGE, "--ip6 and --gw6 belong together");
    }

    return GRID_OK;
}


static int
register_steps(register_t *r)
{
    int  rc;

    rc = grid_look_account(&r->grid, &r->self, r->facts);

    if (rc == GRID_AWAY) {
        return register_away(grid_chain_why(r->facts));
    }

    if (rc == GRID_OK && r->self.twin == 0) {
        rc = GRID_FAILED;               /* which was told */
    }

    if (rc == GRID_OK) {
        rc = register_node(r);
    }

    return rc == GRID_OK ? register_config(r) : rc;
}


static int
register_away(const char *why)
{
    return grid_fail(GRID_AWAY, "the chain cannot be asked: %s", why);
}


static int
register_node(register_t *r)
{
    int             rc;
    grid_machine_t  m;

    rc = grid_chain_node_of(r->facts, r->self.twin, &r->self.node);

    if (rc == GRID_OK) {
        printf("twin %u is node %u already\n", (unsigned) r->self.twin,
               (unsigned) r->self.node);
        return GRID_OK;
    }

    if (rc != GRID_NONE) {
        return register_away(grid_chain_why(r->facts));
    }

    rc = register_machine(&m);
    if (rc != GRID_OK) {
        return rc;
    }

    printf("to be signed by %s and sent:\n"
           "    " REGISTER_PALLET ".create_node\n"
           "        farm %u, %llu cores, %llu GB of memory, %llu GB of disk\n"
           "        in %s, %s (%s, %s)\n", r->self.address,
           (unsigned) r->grid.options->farm, (unsigned long long) m.cru,
           (unsigned long long) (m.mru / REGISTER_GB),
           (unsigned long long) (m.sru / REGISTER_GB),
           r->grid.options->city, r->grid.options->country,
           r->grid.options->latitude, r->grid.options->longitude);

    rc = register_ask(r);

    if (rc == GRID_OK) {
        rc = register_send(r, "create_node", REGISTER_NODE,
                           register_write_node);
    }

    if (rc != GRID_OK) {
        return rc;
    }

    rc = grid_chain_node_of(r->facts, r->self.twin, &r->self.node);

    if (rc != GRID_OK) {
        return grid_fail(GRID_FAILED, "the chain did not make a node: does "
                         "this runtime allow it, and has the machine 2 GB of "
                         "memory and 100 GB of disk?");
    }

    printf("it is node %u\n", (unsigned) r->self.node);

    return GRID_OK;
}


static int
register_machine(grid_machine_t *machine)
{
    struct statvfs  fs;

    memset(machine, 0, sizeof(grid_machine_t));

    if (statvfs("/", &fs) != 0) {
        return grid_fail(GRID_FAILED, "the size of / cannot be told");
    }

    machine->sru = (uint64_t) fs.f_blocks * fs.f_frsize;
    machine->cru = (uint64_t) sysconf(_SC_NPROCESSORS_ONLN);
    machine->mru = (uint64_t) sysconf(_SC_PHYS_PAGES)
                   * (uint64_t) sysconf(_SC_PAGESIZE);

    return GRID_OK;
}


static int
register_config(register_t *r)
{
    int                    rc;
    grid_node_t            node;
    const grid_options_t  *options = r->grid.options;

    rc = grid_chain_node(r->facts, r->self.node, &node);

    if (rc != GRID_OK) {
        return register_away(grid_chain_why(r->facts));
    }

    if (register_same(options, &node)) {
        printf("domain and addresses are there already\n");
        return GRID_OK;
    }

    printf("to be signed by %s and sent:\n"
           "    " REGISTER_PALLET ".add_node_public_config\n"
           "        farm %u, node %u, domain %s\n"
           "        %s by %s%s%s%s%s\n", r->self.address,
           (unsigned) options->farm, (unsigned) r->self.node, options->domain,
           options->ip4, options->gw4, options->ip6 ? ", " : "",
           options->ip6 ? options->ip6 : "", options->ip6 ? " by " : "",
           options->ip6 ? options->gw6 : "");

    rc = register_ask(r);

    if (rc == GRID_OK) {
        rc = register_send(r, "add_node_public_config", REGISTER_CONFIG,
                           register_write_config);
    }

    if (rc != GRID_OK) {
        return rc;
    }

    rc = grid_chain_node(r->facts, r->self.node, &node);

    if (rc != GRID_OK || !register_same(options, &node)) {
        return grid_fail(GRID_FAILED, "the chain did not take that: an "
                         "address must be public, and --gw4 within --ip4");
    }

    printf("domain and addresses are written\n");

    return GRID_OK;
}


static int
register_same(const grid_options_t *options, const grid_node_t *node)
{
    size_t       i, n;
    wgw_text_t   text;
    wgw_addr_t   addr;
    const char  *ips[] = { options->ip4, options->ip6 };

    n = options->ip6 ? 2 : 1;

    if (node->naddresses != n || strcmp(node->domain, options->domain) != 0) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        text = (wgw_text_t) { ips[i], strcspn(ips[i], "/") };

        if (wgw_addr_parse(&addr, text) != 0
            || !wgw_addr_equal(&addr, &node->addresses[i]))
        {
            return 0;
        }
    }

    return 1;
}


static int
register_ask(const register_t *r)
{
    char  answer[16];

    if (r->grid.options->yes) {
        return GRID_OK;
    }

    printf("send it? (yes) ");
    (void) fflush(stdout);

    if (fgets(answer, sizeof(answer), stdin) == NULL
        || strcmp(answer, "yes\n") != 0)
    {
        return grid_fail(GRID_FAILED, "nothing was sent");
    }

    return GRID_OK;
}


static int
register_send(register_t *r, const char *call, const char *arguments,
    void (*write)(register_t *r, wgw_out_t *out, const uint8_t index[2]))
{
    int        rc;
    uint8_t    index[2], bytes[REGISTER_CALL];
    wgw_out_t  out;

    rc = grid_substrate_call(r->chain, REGISTER_PALLET, call, arguments,
                             index);

    if (rc == GRID_OK) {
        wgw_out_init(&out, bytes, sizeof(bytes));
        write(r, &out, index);
        rc = out.overflow ? GRID_FAILED
             : register_sent(r, bytes, (size_t) (out.pos - out.start));
    }

    return rc == GRID_OK ? rc
           : grid_fail(rc, "%s", grid_substrate_why(r->chain));
}


static int
register_sent(register_t *r, const void *call, size_t len)
{
    int             rc;
    uint8_t         bytes[REGISTER_CALL];
    uint32_t        nonce;
    wgw_out_t       out;
    const uint8_t  *key;

    key = grid_identity_key(r->grid.identity, r->self.kind);
    wgw_out_init(&out, bytes, sizeof(bytes));

    rc = grid_substrate_nonce(r->chain, key, NULL, &nonce);

    if (rc == GRID_OK) {
        rc = grid_substrate_sign(r->chain, r->grid.identity, r->self.kind,
                                 nonce, call, len, &out);
    }

    if (rc == GRID_OK) {
        rc = grid_substrate_send(r->chain, bytes,
                                 (size_t) (out.pos - out.start));
    }

    return rc == GRID_OK ? register_final(r, nonce) : rc;
}


static int
register_final(register_t *r, uint32_t nonce)
{
    int             rc, left;
    char            block[GRID_BLOCK];
    uint32_t        now;
    const uint8_t  *key;

    key = grid_identity_key(r->grid.identity, r->self.kind);
    printf("sent; waiting until it is final\n");
    (void) fflush(stdout);

    now = 0;

    for (left = REGISTER_WAIT; left; left--) {
        rc = grid_substrate_final(r->chain, block);

        if (rc == GRID_OK) {
            rc = grid_substrate_nonce(r->chain, key, block, &now);
        }

        if (rc == GRID_OK && now > nonce) {
            return GRID_OK;
        }

        (void) sleep(1);
    }

    return grid_fail(GRID_AWAY, "it is not final after %d seconds: give the "
                     "command again later", REGISTER_WAIT);
}


static void
register_write_node(register_t *r, wgw_out_t *out, const uint8_t index[2])
{
    grid_machine_t  m;

    if (register_machine(&m) == GRID_OK) {
        grid_register_node(out, index, r->grid.options, &m);
    }
}


static void
register_write_config(register_t *r, wgw_out_t *out, const uint8_t index[2])
{
    grid_register_config(out, index, r->grid.options, r->self.node);
}


void
grid_register_node(wgw_out_t *out, const uint8_t index[2],
    const grid_options_t *options, const grid_machine_t *machine)
{
    wgw_out_bytes(out, index, 2);
    grid_scale_put_uint(out, options->farm, 4);
    grid_scale_put_uint(out, machine->hru, 8);
    grid_scale_put_uint(out, machine->sru, 8);
    grid_scale_put_uint(out, machine->cru, 8);
    grid_scale_put_uint(out, machine->mru, 8);
    register_text(out, options->city);
    register_text(out, options->country);
    register_text(out, options->latitude);
    register_text(out, options->longitude);
    grid_scale_put_compact(out, 0);     /* no interfaces are told, */
    grid_scale_put_uint(out, 0, 1);     /* nor a secure boot, */
    grid_scale_put_uint(out, 0, 1);     /* nor that it is virtual, */
    grid_scale_put_uint(out, 0, 1);     /* nor a serial number */
}


void
grid_register_config(wgw_out_t *out, const uint8_t index[2],
    const grid_options_t *options, uint32_t node)
{
    wgw_out_bytes(out, index, 2);
    grid_scale_put_uint(out, options->farm, 4);
    grid_scale_put_uint(out, node, 4);
    grid_scale_put_uint(out, 1, 1);
    register_text(out, options->ip4);
    register_text(out, options->gw4);
    grid_scale_put_uint(out, options->ip6 != NULL, 1);

    if (options->ip6) {
        register_text(out, options->ip6);
        register_text(out, options->gw6);
    }

    grid_scale_put_uint(out, 1, 1);
    register_text(out, options->domain);
}


static void
register_text(wgw_out_t *out, const char *text)
{
    grid_scale_put_text(out, text, strlen(text));
}
