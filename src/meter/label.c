
#include "meter/key.h"
#include "meter/label.h"


/* one line of the log says that they have no room, in so many seconds */
#define WGW_LABEL_SAID  60


static size_t wgw_label_add(char text[WGW_LABELS_TEXT], size_t len,
    wgw_meter_label_t *conf, ngx_variable_value_t *v);


/* members of usage and of archives that are something else */
static const char  *wgw_label_taken[] = {
    "zone", "key", "life", "start", "end", "sent", "received", "requests",
    "refused", "cut", "held", "cap", "window", "last", NULL
};


const char *
wgw_label_name(ngx_str_t *name)
{
    size_t        i;
    u_char        ch;
    const char  **taken;

    if (name->len == 0 || name->len > WGW_LABEL_NAME) {
        return "must have 1 to 32 characters";
    }

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if (!((ch >= 'a' && ch <= 'z') || ch == '_'
              || (ch >= '0' && ch <= '9' && i)))
        {
            return "must be of a-z, 0-9 and _, and not begin with a digit";
        }
    }

    /* as in __name__, which would be the metric's own */

    if (name->len > 1 && name->data[0] == '_' && name->data[1] == '_') {
        return "must not begin with \"__\"";
    }

    for (taken = wgw_label_taken; *taken; taken++) {
        if (ngx_strlen(*taken) == name->len
            && ngx_strncmp(*taken, name->data, name->len) == 0)
        {
            return "is a member of usage already";
        }
    }

    return NULL;
}


void
wgw_label(wgw_meter_zone_t *zone, uint32_t record, ngx_array_t *labels,
    wgw_meter_variable_pt variable, void *data, ngx_log_t *log)
{
    char                  bytes[WGW_LABELS_TEXT];
    wgw_text_t            text;
    ngx_uint_t            i;
    wgw_meter_label_t    *conf;
    const wgw_segment_t  *s;

    if (record < WGW_TABLE_FIRST) {
        return;
    }

    conf = labels->elts;
    text.data = bytes;
    text.len = 0;

    for (i = 0; i < labels->nelts; i++) {
        text.len = wgw_label_add(bytes, text.len, &conf[i],
                                 variable(data, conf[i].index));
    }

    s = wgw_table_segment(&zone->zone.table, record);

    if (wgw_labels_set(s, record - s->first, text) == 0
        || ngx_time() < zone->unlabelled + WGW_LABEL_SAID)
    {
        return;
    }

    zone->unlabelled = ngx_time();

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "wgw_meter_zone \"%V\" has no room for the labels of a key, "
                  "%s", &zone->zone.name,
                  s->labels ? "it keeps those it has"
                            : "a start makes some when nobody uses the file");
}


/* A value that is too long is there by its hash, as a key. */

static size_t
wgw_label_add(char text[WGW_LABELS_TEXT], size_t len, wgw_meter_label_t *conf,
    ngx_variable_value_t *v)
{
    char         buffer[WGW_KEY_TEXT];
    wgw_label_t  label;

    if (v == NULL || v->not_found || v->len == 0) {
        return len;
    }

    label.name.data = (char *) conf->name.data;
    label.name.len = conf->name.len;
    label.value.data = (char *) v->data;
    label.value.len = v->len;

    if (wgw_key_hashed(label.value)
        && wgw_key_hash(&label.value, buffer) != 0)
    {
        return len;
    }

    return wgw_labels_add(text, len, &label);
}
