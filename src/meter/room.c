
#include "meter/room.h"
#include "table/labels.h"


static ngx_uint_t wgw_room_percent(uint64_t taken, uint64_t max);


void
wgw_room(wgw_zone_t *zone, wgw_room_t *room)
{
    uint32_t  n;
    uint64_t  max;

    room->keys = wgw_table_taken(&zone->table);
    room->keys_max = zone->conf.keys;
    room->bytes = wgw_table_arena(&zone->table, &room->bytes_max);

    room->labels = 0;
    room->labels_max = 0;

    for (n = 0; n < zone->table.count; n++) {
        room->labels += wgw_labels_taken(&zone->table.segments[n], &max);
        room->labels_max += max;
    }

    /* a file that was shortened reads as if there were none */

    if (*zone->lost) {
        room->keys = room->keys_max;
        room->bytes = room->bytes_max;
        room->labels = room->labels_max;
    }
}


void
wgw_room_look(wgw_zone_t *zone, ngx_uint_t *told, ngx_log_t *log)
{
    ngx_uint_t  used;
    wgw_room_t  room;

    wgw_room(zone, &room);

    used = ngx_max(wgw_room_percent(room.keys, room.keys_max),
                   wgw_room_percent(room.bytes, room.bytes_max));

    if (room.labels_max) {
        used = ngx_max(used, wgw_room_percent(room.labels, room.labels_max));
    }

    used -= used % WGW_ROOM_STEP;

    if (used < WGW_ROOM_ALARM) {
        *told = 0;
        return;
    }

    if (used <= *told) {
        return;
    }

    *told = used;

    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "wgw_meter_zone \"%V\" is %ui%% full: %uL of %uL keys, "
                  "%uL of %uL bytes for them, %uL of %uL for labels",
                  &zone->name, used, room.keys, room.keys_max, room.bytes,
                  room.bytes_max, room.labels, room.labels_max);
}


static ngx_uint_t
wgw_room_percent(uint64_t taken, uint64_t max)
{
    return taken < max ? taken * 100 / max : 100;
}
