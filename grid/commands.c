
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/version.h"
#include "grid/commands.h"
#include "grid/form.h"
#include "grid/member.h"
#include "grid/signers.h"
#include "grid/told.h"
#include "program/memory.h"


typedef int (*command_pt)(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR]);


/* One without a function answers with JSON, or why there is none. */
typedef struct {
    const char    *name;
    grid_group_t   group;
    command_pt     run;
    const char    *json;
    const char    *refusal;
} command_t;


static int command_do(grid_desk_t *desk, const command_t *command,
    const grid_message_t *message, grid_out_t *out, char error[GRID_ERROR]);
static int command_deploy(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR]);
static int command_update(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR]);
static int command_sent(grid_desk_t *desk, const grid_message_t *message,
    int update, char error[GRID_ERROR]);
static int command_take(grid_desk_t *desk, const grid_deployment_t *d,
    int update, char error[GRID_ERROR]);
static int command_contract(grid_desk_t *desk, const grid_deployment_t *d,
    const char *hash, char error[GRID_ERROR]);
static int command_get(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR]);
static int command_changes(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR]);
static int command_list(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR]);
static int command_limit(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR]);
static int command_not_found(uint64_t contract, char error[GRID_ERROR]);


#define COMMAND_REST  3                 /* seconds, after it was away */

#define COMMAND_HOST  "a gateway does not have that: this is no host of "     \
                      "virtual machines"

static const command_t  commands[] = {
    { "zos.deployment.deploy", GRID_GROUP_DEPLOY, command_deploy, NULL, NULL },
    { "zos.deployment.update", GRID_GROUP_DEPLOY, command_update, NULL, NULL },
    { "zos.deployment.delete", GRID_GROUP_DEPLOY, NULL, NULL,
      "a deployment ends with its contract: cancel that on the chain" },

    { "zos.deployment.get", GRID_GROUP_READ, command_get, NULL, NULL },
    { "zos.deployment.list", GRID_GROUP_READ, command_list, NULL, NULL },
    { "zos.deployment.changes", GRID_GROUP_READ, command_changes, NULL, NULL },
    { "wgw.usage.get", GRID_GROUP_USAGE, grid_told_usage, NULL, NULL },
    { "wgw.limit.set", GRID_GROUP_READ, command_limit, NULL, NULL },

    { "zos.system.version", GRID_GROUP_ABOUT, NULL,
      "{\"zos\":\"" WGW_VERSION "\",\"zinit\":\"\"}", NULL },
    { "zos.system.node_features_get", GRID_GROUP_ABOUT, grid_told_features,
      NULL, NULL },
    { "zos.statistics.get", GRID_GROUP_ABOUT, grid_told_statistics, NULL,
      NULL },
    { "zos.network.public_config_get", GRID_GROUP_ABOUT,
      grid_told_public_config, NULL, NULL },
    { "zos.network.interfaces", GRID_GROUP_ABOUT, grid_told_interfaces, NULL,
      NULL },
    { "zos.network.has_ipv6", GRID_GROUP_ABOUT, grid_told_has_ipv6, NULL,
      NULL },
    { "zos.network.list_public_ips", GRID_GROUP_ABOUT, NULL, "[]", NULL },
    { "zos.network.list_wg_ports", GRID_GROUP_ABOUT, NULL, "[]", NULL },
    { "zos.network.list_private_ips", GRID_GROUP_ABOUT, NULL, "[]", NULL },
    { "zos.storage.pools", GRID_GROUP_ABOUT, NULL, "[]", NULL },
    { "zos.gpu.list", GRID_GROUP_ABOUT, NULL, "[]", NULL },
    { "zos.system.dmi", GRID_GROUP_ABOUT, NULL, NULL, COMMAND_HOST },
    { "zos.system.hypervisor", GRID_GROUP_ABOUT, NULL, "\"\"", NULL },
    { "zos.system.diagnostics", GRID_GROUP_ABOUT, NULL, NULL, COMMAND_HOST },
    { "zos.perf.get", GRID_GROUP_ABOUT, NULL, NULL, COMMAND_HOST },
    { "zos.perf.get_all", GRID_GROUP_ABOUT, NULL, "[]", NULL },
    { "zos.location.get", GRID_GROUP_ABOUT, NULL, NULL, COMMAND_HOST },
};


const char *
grid_command_name(grid_group_t group, size_t n)
{
    size_t  i;

    for (i = 0; i < grid_count(commands); i++) {
        if (commands[i].group == group && n-- == 0) {
            return commands[i].name;
        }
    }

    return NULL;
}


int
grid_command_run(grid_desk_t *desk, grid_group_t group,
    const grid_message_t *message, grid_out_t *out, char error[GRID_ERROR])
{
    size_t            i;
    const command_t  *command;

    for (i = 0; i < grid_count(commands); i++) {
        command = &commands[i];

        if (command->group != group
            || strcmp(command->name, message->cmd) != 0)
        {
            continue;
        }

        desk->now = time(NULL);
        grid_self_get(desk->grid, &desk->self);

        if (message->fault) {
            grid_put(error, GRID_ERROR, "%s", message->fault);
            return GRID_FAILED;
        }

        if (command->run) {
            return command_do(desk, command, message, out, error);
        }

        grid_out_text(out, command->json ? command->json : "");
        grid_put(error, GRID_ERROR, "%s",
                 command->refusal ? command->refusal : "");

        return command->json ? GRID_OK : GRID_FAILED;
    }

    grid_put(error, GRID_ERROR, "%s is no command of this gateway",
             message->cmd);

    return GRID_FAILED;
}


/* What the state could not tell is not what is not there. */

static int
command_do(grid_desk_t *desk, const command_t *command,
    const grid_message_t *message, grid_out_t *out, char error[GRID_ERROR])
{
    int  rc;

    desk->state.failed = 0;

    rc = command->run(desk, message, out, error);

    if (desk->state.failed) {
        grid_put(error, GRID_ERROR, "the gateway cannot read what it keeps: "
                 "try again later");
        return GRID_FAILED;
    }

    return rc;
}


static int
command_deploy(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR])
{
    grid_out_text(out, "null");

    return command_sent(desk, message, 0, error);
}


static int
command_update(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR])
{
    grid_out_text(out, "null");

    return command_sent(desk, message, 1, error);
}


static int
command_sent(grid_desk_t *desk, const grid_message_t *message, int update,
    char error[GRID_ERROR])
{
    int                 rc;
    grid_deployment_t  *d;

    d = wgw_alloc(sizeof(grid_deployment_t));

    rc = grid_deployment_read(d, (wgw_text_t) { message->payload,
                                                message->len }, error);

    if (rc == GRID_OK && d->twin != message->twin) {
        grid_put(error, GRID_ERROR, "twin_id is %u, and the sender is twin "
                 "%u: a deployment is sent by its own twin", d->twin,
                 message->twin);
        rc = GRID_FAILED;
    }

    if (rc == GRID_OK) {
        rc = grid_form_judge(d, &desk->self, error);
    }

    if (rc == GRID_OK && desk->now < desk->away) {
        grid_put(error, GRID_ERROR, "the chain could not be asked: try again");
        rc = GRID_FAILED;
    }

    if (rc == GRID_OK) {
        rc = command_take(desk, d, update, error);
    }

    /* who else deploys meanwhile is told at once */

    if (rc == GRID_AWAY) {
        desk->away = time(NULL) + COMMAND_REST;
    }

    grid_deployment_free(d);
    free(d);

    return rc;
}


/* A deploy's contract is looked at later, as zos does. */

static int
command_take(grid_desk_t *desk, const grid_deployment_t *d, int update,
    char error[GRID_ERROR])
{
    int   rc;
    char  hash[GRID_HASH + 1];

    if (grid_deployment_hash(d, hash) != GRID_OK) {
        grid_put(error, GRID_ERROR, "the challenge cannot be hashed here");
        return GRID_FAILED;
    }

    if (!update && d->version != 0) {
        grid_put(error, GRID_ERROR, "version is %u, and that of a new "
                 "deployment must be 0", d->version);
        return GRID_FAILED;
    }

    rc = grid_signers_check(desk->chain, d, hash, error);

    if (rc != GRID_OK) {
        return rc;
    }

    if (!update) {
        return grid_deployments_add(&desk->state, d, hash, desk->now, error);
    }

    rc = command_contract(desk, d, hash, error);

    return rc == GRID_OK ? grid_deployments_update(&desk->state, d, hash,
                                                   desk->now, error) : rc;
}


/*
 * What runs must not be changed to what its contract does not say; that is
 * seen before anything is touched.
 */

static int
command_contract(grid_desk_t *desk, const grid_deployment_t *d,
    const char *hash, char error[GRID_ERROR])
{
    int                 rc;
    grid_contract_t     c;
    unsigned long long  id = d->contract;

    rc = grid_chain_contract(desk->chain, d->contract, &c);

    if (rc == GRID_AWAY) {
        grid_put(error, GRID_ERROR, "the chain could not be asked for contract "
                 "%llu (%s): try again", id, grid_chain_why(desk->chain));
        return GRID_AWAY;
    }

    if (rc != GRID_OK || c.twin != d->twin) {
        return command_not_found(d->contract, error);
    }

    if (c.state == GRID_CONTRACT_DELETED) {
        grid_put(error, GRID_ERROR, "contract %llu was cancelled: make "
                 "another one and deploy", id);
        return GRID_FAILED;
    }

    if (strcasecmp(c.hash, hash) != 0) {
        grid_put(error, GRID_ERROR, "contract %llu has the hash %.40s, and "
                 "this deployment %s: update the contract first "
                 "(update_node_contract), then send this again", id, c.hash,
                 hash);
        return GRID_FAILED;
    }

    return GRID_OK;
}


static int
command_not_found(uint64_t contract, char error[GRID_ERROR])
{
    grid_put(error, GRID_ERROR, "deployment not found: twin has none of "
             "contract %llu here", (unsigned long long) contract);

    return GRID_FAILED;
}


static int
command_get(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR])
{
    uint64_t  contract;

    if (grid_told_contract(message, &contract, error) != GRID_OK) {
        return GRID_FAILED;
    }

    return grid_deployments_get(&desk->state, message->twin, contract, out)
           == GRID_OK ? GRID_OK : command_not_found(contract, error);
}


static int
command_changes(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR])
{
    uint64_t  contract;

    if (grid_told_contract(message, &contract, error) != GRID_OK) {
        return GRID_FAILED;
    }

    return grid_deployments_changes(&desk->state, message->twin, contract,
                                    out)
           == GRID_OK ? GRID_OK : command_not_found(contract, error);
}


static int
command_list(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR])
{
    (void) error;

    grid_deployments_list(&desk->state, message->twin, out);

    return GRID_OK;
}


/* {"contract_id":1234,"name":"mysite","gb_month":100}; all without `name` */

static int
command_limit(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR])
{
    int            rc;
    uint64_t       contract, gb;
    yajl_val       root;
    const char    *name;
    grid_reader_t  reader = { "", error };

    if (grid_told_contract(message, &contract, error) != GRID_OK) {
        return GRID_FAILED;
    }

    root = grid_told_payload(message, error);
    gb = 0;
    name = "";

    if (grid_member(root, "gb_month") == NULL) {
        rc = grid_reader_refuse(&reader, "gb_month is missing: how many GB a "
                                "month, 0 for no limit");

    } else if (grid_member_number(&reader, root, "gb_month", GRID_GB_MAX, &gb)
               != GRID_OK
               || grid_member_text(&reader, root, "name", &name) != GRID_OK)
    {
        rc = GRID_FAILED;

    } else {
        rc = grid_deployments_limit(&desk->state, message->twin, contract,
                                    name, gb, desk->now);

        if (rc == GRID_NONE) {
            rc = command_not_found(contract, error);

        } else if (rc == GRID_FAILED) {
            grid_put(error, GRID_ERROR, "the gateway could not write it down: "
                     "try again later");
        }
    }

    yajl_tree_free(root);
    grid_out_text(out, "null");

    return rc;
}
