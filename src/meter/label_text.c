
#include "meter/label_text.h"


void
wgw_label_read(wgw_table_t *t, uint32_t record, wgw_labels_t *labels)
{
    uint32_t              i, n, twins[WGW_TABLE_SEGMENTS];
    const wgw_segment_t  *s;

    labels->n = 0;

    if (record < WGW_TABLE_FIRST) {
        return;
    }

    s = wgw_table_segment(t, record);

    if (s) {
        wgw_labels_get(s, record - s->first, labels);
    }

    n = labels->n ? 0 : wgw_table_twins(t, record, twins);

    for (i = 0; i < n && labels->n == 0; i++) {
        s = wgw_table_segment(t, twins[i]);
        wgw_labels_get(s, twins[i] - s->first, labels);
    }
}


void
wgw_label_json(wgw_out_t *out, const wgw_labels_t *labels)
{
    uint32_t  i;

    for (i = 0; i < labels->n; i++) {
        wgw_out_str(out, ",");
        wgw_out_json(out, labels->elts[i].name);
        wgw_out_str(out, ":");
        wgw_out_json_key(out, labels->elts[i].value);
    }
}


void
wgw_label_metric(wgw_out_t *out, const wgw_labels_t *labels)
{
    uint32_t  i;

    for (i = 0; i < labels->n; i++) {
        wgw_out_str(out, ",");
        wgw_out_bytes(out, labels->elts[i].name.data,
                      labels->elts[i].name.len);
        wgw_out_str(out, "=");
        wgw_out_label_key(out, labels->elts[i].value);
    }
}


wgw_text_t
wgw_label_value(const wgw_labels_t *labels, wgw_text_t name)
{
    uint32_t  i;

    for (i = 0; i < labels->n; i++) {
        if (wgw_text_equal(labels->elts[i].name, name)) {
            return labels->elts[i].value;
        }
    }

    return wgw_text("");
}


void
wgw_label_hide(wgw_labels_t *labels, wgw_text_t name)
{
    uint32_t  i, n;

    n = 0;

    for (i = 0; i < labels->n; i++) {
        if (!wgw_text_equal(labels->elts[i].name, name)) {
            labels->elts[n++] = labels->elts[i];
        }
    }

    labels->n = n;
}
