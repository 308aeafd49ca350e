
/*
 * commands: what a twin may ask of this gateway, over RMB.
 *
 *     zos.deployment.deploy, .update, .get, .list, .changes, .delete
 *     zos.statistics.get
 *     zos.network.public_config_get, .interfaces, .has_ipv6,
 *         .list_public_ips, .list_wg_ports, .list_private_ips
 *     zos.system.version, .node_features_get, and what only a host has
 *     wgw.usage.get, wgw.limit.set
 *
 * They are in groups, each of which has a thread: what waits for the chain, or
 * for the gateway, keeps nobody from reading, and a flood of one keeps nobody
 * from the others.
 */

#ifndef WGW_GRID_COMMANDS_H
#define WGW_GRID_COMMANDS_H


#include "grid/desk.h"


typedef enum {
    GRID_GROUP_DEPLOY = 0,
    GRID_GROUP_READ,
    GRID_GROUP_USAGE,
    GRID_GROUP_ABOUT
} grid_group_t;


/* The nth command of a group, or NULL. */
const char *grid_command_name(grid_group_t group, size_t n);

/*
 * Does what the message asks, if its command is one of the group.  GRID_OK
 * and JSON, of ASCII; or the error.
 */
int grid_command_run(grid_desk_t *desk, grid_group_t group,
    const grid_message_t *message, grid_out_t *out, char error[GRID_ERROR]);


#endif /* WGW_GRID_COMMANDS_H */
