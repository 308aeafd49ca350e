
/*
 * told: what a gateway tells of itself, and of what it counted.
 *
 * wgw.usage.get, {"contract_id":1234} or {} or {"after":N,"limit":N}, tells a
 * twin of its workloads, and the farm's twin of all:
 *
 *     {"workloads":[{"twin_id":7341,"contract_id":1234,"name":"mysite",
 *         "fqdn":"mysite.gw.example","zones":[{"zone":"names","sent":601224,
 *             "received":184,"requests":2,"refused":0,"cut":0,"held":0,
 *             "cap":100000000000,"window":{"start":"2026-11-01T00:00:00Z",
 *             "sent":601224,"received":184},"last":{...}}]}],"next":null}
 *
 * The figures are those of /v1/usage (docs/meter.md), bytes.
 */

#ifndef WGW_GRID_TOLD_H
#define WGW_GRID_TOLD_H


#include "grid/desk.h"


#define GRID_TOLD_PAYLOAD  4096         /* bytes, of all but deployments */


/* An object, the caller's; or NULL and the error. */
yajl_val grid_told_payload(const grid_message_t *message,
    char error[GRID_ERROR]);

/* Of {"contract_id":N}. */
int grid_told_contract(const grid_message_t *message, uint64_t *contract,
    char error[GRID_ERROR]);

int grid_told_usage(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR]);
int grid_told_features(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR]);
int grid_told_statistics(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR]);
int grid_told_public_config(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR]);
int grid_told_interfaces(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR]);
int grid_told_has_ipv6(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR]);


#endif /* WGW_GRID_TOLD_H */
