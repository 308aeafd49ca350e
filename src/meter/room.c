
#include "meter/room.h"


static ngx_uint_t wgw_room_percent(uint64_t taken, uint64_t max);


void
wgw_room(wgw_zone_t *zone, wgw_room_t *room)
{
    room->keys = wgw_table_taken(&zone->table);
    room->keys_max = zone->conf.keys;
    room->bytes = wgw_table_arena(&zone->table, &room->bytes_max);
}


void
wgw_room_look(wgw_zone_t *zone, ngx_uint_t *told, ngx_log_t *log)
{
    ngx_uint_t  used;
    wgw_room_t  room;

    wgw_room(zone, &room);

    used = ngx_max(wgw_room_percent(room.keys, room.keys_max),
                   wgw_room_percent(room.bytes, room.bytes_max));

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
                  "%uL of %uL bytes for them", &zone->name, used,
                  room.keys, room.keys_max, room.bytes, room.bytes_max);
}


static ngx_uint_t
wgw_room_percent(uint64_t taken, uint64_t max)
{
    return taken < max ? taken * 100 / max : 100;
}
