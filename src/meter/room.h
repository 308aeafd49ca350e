
/*
 * room: how full a zone is, and who is told.
 *
 * A zone has room for so many keys and so many bytes of their texts; it is
 * full when either is used up.  So is the room for their labels, which ends no
 * key.  From WGW_ROOM_ALARM percent on the log says
 * so at every WGW_ROOM_STEP more, in one worker.  One whose file was shortened
 * has no room any more, and is full.
 */

#ifndef WGW_ROOM_H
#define WGW_ROOM_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "table/zone.h"

#pragma GCC visibility push(hidden)


#define WGW_ROOM_ALARM  80      /* percent */
#define WGW_ROOM_STEP   5


typedef struct {
    uint64_t    keys;           /* taken: with those of killed inserts */
    uint64_t    keys_max;
    uint64_t    bytes;          /* that the keys' texts take, in eights */
    uint64_t    bytes_max;
    uint64_t    labels;         /* bytes of their blocks */
    uint64_t    labels_max;     /* 0: there are none */
} wgw_room_t;


void wgw_room(wgw_zone_t *zone, wgw_room_t *room);

/* Logs, if it is so; `*told` is what was said last, 0 at first. */
void wgw_room_look(wgw_zone_t *zone, ngx_uint_t *told, ngx_log_t *log);


#pragma GCC visibility pop

#endif /* WGW_ROOM_H */
