
/*
 * label_text: labels of a record as users see them: members of an object of
 * JSON, or labels of a metric.  Takes no nginx types.
 */

#ifndef WGW_LABEL_TEXT_H
#define WGW_LABEL_TEXT_H


#include "table/labels.h"
#include "table/table.h"

#pragma GCC visibility push(hidden)


/* Those of a record, or, as another process may have told it, of a twin. */
void wgw_label_read(wgw_table_t *table, uint32_t record,
    wgw_labels_t *labels);

/* `,"owner":"alice"` for each; nothing without any. */
void wgw_label_json(wgw_out_t *out, const wgw_labels_t *labels);

/* `,owner="alice"` */
void wgw_label_metric(wgw_out_t *out, const wgw_labels_t *labels);

/* The value of one, or an empty text. */
wgw_text_t wgw_label_value(const wgw_labels_t *labels, wgw_text_t name);

/* Takes one away. */
void wgw_label_hide(wgw_labels_t *labels, wgw_text_t name);


#pragma GCC visibility pop

#endif /* WGW_LABEL_TEXT_H */
