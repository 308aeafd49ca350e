
/*
 * label: what `label=` of a meter tells of a key, kept with its record.
 *
 * Variables are read when a worker meets the key for the first time in a
 * second, so that a change is seen within one.
 */

#ifndef WGW_LABEL_H
#define WGW_LABEL_H


#include "meter/meter_zone.h"
#include "table/labels.h"

#pragma GCC visibility push(hidden)


typedef struct {
    ngx_str_t        name;
    ngx_int_t        index;     /* of a variable */
} wgw_meter_label_t;


typedef ngx_variable_value_t *(*wgw_meter_variable_pt)(void *data,
    ngx_uint_t index);


/* NULL, or why a label cannot have this name. */
const char *wgw_label_name(ngx_str_t *name);

/* Tells a record its labels, of wgw_meter_label_t. */
void wgw_label(wgw_meter_zone_t *zone, uint32_t record, ngx_array_t *labels,
    wgw_meter_variable_pt variable, void *data, ngx_log_t *log);


#pragma GCC visibility pop

#endif /* WGW_LABEL_H */
