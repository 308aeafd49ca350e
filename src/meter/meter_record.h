
/*
 * meter_record: the record of a key in a zone, found by a worker without a
 * look at the table's index where it was used not long ago.
 */

#ifndef WGW_METER_RECORD_H
#define WGW_METER_RECORD_H


#include "meter/meter_zone.h"

#pragma GCC visibility push(hidden)


typedef struct {
    uint32_t         record;
    ngx_uint_t       stale;     /* its labels were not told in this second */
} wgw_meter_found_t;


/*
 * The record of a key in a life of it, 0: it has none; WGW_TABLE_OTHER where
 * there is no room.
 */
void wgw_meter_find(wgw_meter_zone_t *zone, wgw_text_t key, uint64_t life,
    ngx_log_t *log, wgw_meter_found_t *found);

/* Says that there was none, once a second. */
void wgw_meter_full(wgw_meter_zone_t *zone, ngx_uint_t refused,
    ngx_log_t *log);


#pragma GCC visibility pop

#endif /* WGW_METER_RECORD_H */
