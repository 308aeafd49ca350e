
#include "format/size.h"
#include "meter/meter_conf.h"


/* life= is not said: none, or that of $wgw_life, once the key is known */
#define NGX_WGW_METER_LIFE  ((ngx_uint_t) -1)


typedef char *(*ngx_wgw_meter_value_pt)(ngx_conf_t *cf, ngx_str_t *value,
    wgw_meter_conf_t *meter, const ngx_wgw_meter_proto_t *proto);


static void ngx_wgw_meter_kind(wgw_meter_zone_t *zone, ngx_str_t *name);
static char *ngx_wgw_meter_key(ngx_conf_t *cf, ngx_str_t *value,
    wgw_meter_conf_t *meter, const ngx_wgw_meter_proto_t *proto);
static char *ngx_wgw_meter_defaults(ngx_conf_t *cf, ngx_str_t *key,
    wgw_meter_conf_t *meter, const ngx_wgw_meter_proto_t *proto);
static void ngx_wgw_meter_mixed(ngx_conf_t *cf, wgw_meter_conf_t *meter);
static wgw_meter_conf_t *ngx_wgw_meter_add(ngx_conf_t *cf,
    ngx_array_t *meters, ngx_str_t *name);
static ngx_uint_t ngx_wgw_meter_names(ngx_str_t *key);
static char *ngx_wgw_meter_late(ngx_conf_t *cf, wgw_meter_conf_t *meter,
    ngx_str_t *key);
static char *ngx_wgw_meter_param(ngx_conf_t *cf, ngx_str_t *value,
    wgw_meter_conf_t *meter, const ngx_wgw_meter_proto_t *proto);
static ngx_uint_t ngx_wgw_meter_flag(ngx_str_t *value,
    wgw_meter_conf_t *meter, const ngx_wgw_meter_proto_t *proto);
static char *ngx_wgw_meter_cap(ngx_conf_t *cf, ngx_str_t *value,
    wgw_meter_conf_t *meter, const ngx_wgw_meter_proto_t *proto);
static char *ngx_wgw_meter_life(ngx_conf_t *cf, ngx_str_t *value,
    wgw_meter_conf_t *meter, const ngx_wgw_meter_proto_t *proto);
static char *ngx_wgw_meter_label(ngx_conf_t *cf, ngx_str_t *value,
    wgw_meter_conf_t *meter, const ngx_wgw_meter_proto_t *proto);
static char *ngx_wgw_meter_label_add(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *variable, wgw_meter_conf_t *meter,
    const ngx_wgw_meter_proto_t *proto);
static char *ngx_wgw_meter_invalid(ngx_conf_t *cf, const char *name,
    ngx_str_t *value);


/* Parameters with a value of any kind. */
static const struct {
    const char              *name;
    ngx_wgw_meter_value_pt   parse;
} ngx_wgw_meter_values[] = {
    { "cap=", ngx_wgw_meter_cap },
    { "life=", ngx_wgw_meter_life },
    { "label=", ngx_wgw_meter_label },
    { NULL, NULL }
};


ngx_conf_enum_t  ngx_wgw_meter_log_levels[] = {
    { ngx_string("info"), NGX_LOG_INFO },
    { ngx_string("notice"), NGX_LOG_NOTICE },
    { ngx_string("warn"), NGX_LOG_WARN },
    { ngx_string("error"), NGX_LOG_ERR },
    { ngx_null_string, 0 }
};


wgw_meter_zone_t *
ngx_wgw_meter_zone_get(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_wgw_meter_conf_t  *mcf;

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                                ngx_wgw_meter_module);

    return (wgw_meter_zone_t *) wgw_zone_get(cf, &mcf->zones, name,
                                             &wgw_zone_billable,
                                             sizeof(wgw_meter_zone_t));
}


char *
ngx_wgw_meter_parse(ngx_conf_t *cf, ngx_array_t **meters,
    const ngx_wgw_meter_proto_t *proto)
{
    char              *rc;
    ngx_str_t         *value;
    ngx_uint_t         i;
    wgw_meter_conf_t  *meter;

    value = cf->args->elts;

    if (*meters == NGX_CONF_UNSET_PTR) {
        *meters = ngx_array_create(cf->pool, 2, sizeof(wgw_meter_conf_t));
        if (*meters == NULL) {
            return NGX_CONF_ERROR;
        }

        if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
            return NGX_CONF_OK;
        }

    } else if ((*meters)->nelts == 0) {
        return "is \"off\" at this level already";
    }

    if (cf->args->nelts == 2) {
        return "must have a zone and a key";
    }

    if ((*meters)->nelts == WGW_METERS_MAX) {
        return "is given too often at this level";
    }

    meter = ngx_wgw_meter_add(cf, *meters, &value[1]);
    if (meter == NULL) {
        return NGX_CONF_ERROR;
    }

    rc = ngx_wgw_meter_key(cf, &value[2], meter, proto);

    for (i = 3; rc == NGX_CONF_OK && i < cf->args->nelts; i++) {
        rc = ngx_wgw_meter_param(cf, &value[i], meter, proto);
    }

    return rc == NGX_CONF_OK
           ? ngx_wgw_meter_defaults(cf, &value[2], meter, proto) : rc;
}


static char *
ngx_wgw_meter_key(ngx_conf_t *cf, ngx_str_t *value, wgw_meter_conf_t *meter,
    const ngx_wgw_meter_proto_t *proto)
{
    ngx_str_t  name;

    if (ngx_wgw_meter_is_variable(value, &name) != NGX_OK) {
        meter->key = proto->compile(cf, value);

        return meter->key ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (name.len == sizeof("wgw_name") - 1
        && ngx_strncmp(name.data, "wgw_name", name.len) == 0)
    {
        meter->zone->named = 1;
    }

    ngx_wgw_meter_kind(meter->zone, &name);

    meter->host = name.len == sizeof("host") - 1
                  && ngx_strncmp(name.data, "host", name.len) == 0;

    meter->key_index = proto->index(cf, &name);

    return meter->key_index == NGX_ERROR ? NGX_CONF_ERROR : NGX_CONF_OK;
}


/* What the keys of a zone are, for a bill; "key" where they differ. */

static void
ngx_wgw_meter_kind(wgw_meter_zone_t *zone, ngx_str_t *name)
{
    ngx_uint_t   i;
    const char  *kind;

    static const struct {
        ngx_str_t    variable;
        const char  *kind;
    } kinds[] = {
        { ngx_string("wgw_name"), "name" },
        { ngx_string("wgw_payer"), "payer" },
        { ngx_string("wgw_auth_address"), "wallet" },
        { ngx_string("wgw_auth_token_id"), "token" },
        { ngx_string("wgw_claim"), "token" }
    };

    kind = "key";

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (name->len == kinds[i].variable.len
            && ngx_strncmp(name->data, kinds[i].variable.data, name->len) == 0)
        {
            kind = kinds[i].kind;
        }
    }

    zone->kind = zone->kind && ngx_strcmp(zone->kind, kind) != 0 ? "key"
                                                                 : kind;
}


/* What is not said.  Names bring their lives, and whose they are. */

static char *
ngx_wgw_meter_defaults(ngx_conf_t *cf, ngx_str_t *key,
    wgw_meter_conf_t *meter, const ngx_wgw_meter_proto_t *proto)
{
    ngx_int_t   index;
    ngx_uint_t  i, named;

    static ngx_str_t  life = ngx_string("wgw_life");

    static struct {
        ngx_str_t  name;
        ngx_str_t  variable;
    } labels[] = {
        { ngx_string("owner"), ngx_string("wgw_owner") },
        { ngx_string("workload"), ngx_string("wgw_workload") }
    };

    if (ngx_wgw_meter_late(cf, meter, key) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_wgw_meter_mixed(cf, meter);

    if (meter->full == 0) {
        meter->full = meter->cap || meter->cap_index != NGX_ERROR
                      ? WGW_METER_FULL_REFUSE : WGW_METER_FULL_OTHER;
    }

    named = ngx_wgw_meter_names(key);

    if (meter->life == NGX_WGW_METER_LIFE) {
        index = named && proto->defined(cf, &life) ? proto->index(cf, &life)
                                                   : NGX_ERROR;
        meter->life = index == NGX_ERROR ? 0 : index + 1;
    }

    if (meter->labels != NGX_CONF_UNSET_PTR) {
        return NGX_CONF_OK;
    }

    meter->labels = NULL;

    for (i = 0; named && i < sizeof(labels) / sizeof(labels[0]); i++) {
        if (proto->defined(cf, &labels[i].variable)
            && ngx_wgw_meter_label_add(cf, &labels[i].name,
                                       &labels[i].variable, meter, proto)
               != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* Notes where lines of a zone have caps that are not alike. */

static void
ngx_wgw_meter_mixed(ngx_conf_t *cf, wgw_meter_conf_t *meter)
{
    wgw_meter_conf_t  *first;

    if (meter->cap == 0 && meter->cap_index == NGX_ERROR) {
        return;
    }

    if (meter->zone->capped == NULL) {

        /* the array of lines may move */

        first = ngx_palloc(cf->pool, sizeof(wgw_meter_conf_t));

        if (first) {
            *first = *meter;
            meter->zone->capped = first;
        }

        return;
    }

    first = (wgw_meter_conf_t *) meter->zone->capped;

    if (meter->zone->zone.alone.number == 0
        && (first->count != meter->count || first->cap != meter->cap
            || (first->cap_index == NGX_ERROR)
               != (meter->cap_index == NGX_ERROR)))
    {
        meter->zone->zone.alone = wgw_line(cf);
    }
}


/* A meter of that zone with the defaults; NULL, logged, when it cannot be. */

static wgw_meter_conf_t *
ngx_wgw_meter_add(ngx_conf_t *cf, ngx_array_t *meters, ngx_str_t *name)
{
    ngx_uint_t         i;
    wgw_meter_conf_t  *meter;
    wgw_meter_zone_t  *zone;

    zone = ngx_wgw_meter_zone_get(cf, name);
    if (zone == NULL) {
        return NULL;
    }

    meter = meters->elts;

    for (i = 0; i < meters->nelts; i++) {
        if (meter[i].zone == zone) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"wgw_meter\" directive is duplicate");
            return NULL;
        }
    }

    meter = ngx_array_push(meters);
    if (meter == NULL) {
        return NULL;
    }

    ngx_memzero(meter, sizeof(wgw_meter_conf_t));

    meter->zone = zone;
    meter->key_index = NGX_ERROR;
    meter->cap_index = NGX_ERROR;
    meter->life = NGX_WGW_METER_LIFE;
    meter->labels = NGX_CONF_UNSET_PTR;
    meter->count = WGW_COUNT_BOTH;

    return meter;
}


static char *
ngx_wgw_meter_param(ngx_conf_t *cf, ngx_str_t *value, wgw_meter_conf_t *meter,
    const ngx_wgw_meter_proto_t *proto)
{
    size_t      len;
    ngx_str_t   rest;
    ngx_uint_t  i;

    for (i = 0; ngx_wgw_meter_values[i].name; i++) {
        len = ngx_strlen(ngx_wgw_meter_values[i].name);

        if (ngx_strncmp(value->data, ngx_wgw_meter_values[i].name, len)
            == 0)
        {
            rest.data = value->data + len;
            rest.len = value->len - len;

            return ngx_wgw_meter_values[i].parse(cf, &rest, meter, proto);
        }
    }

    return ngx_wgw_meter_flag(value, meter, proto)
           ? NGX_CONF_OK : ngx_wgw_meter_invalid(cf, "", value);
}


static ngx_uint_t
ngx_wgw_meter_flag(ngx_str_t *value, wgw_meter_conf_t *meter,
    const ngx_wgw_meter_proto_t *proto)
{
    if (ngx_strcmp(value->data, "count=both") == 0) {
        meter->count = WGW_COUNT_BOTH;

    } else if (ngx_strcmp(value->data, "count=sent") == 0) {
        meter->count = WGW_COUNT_SENT;

    } else if (ngx_strcmp(value->data, "count=received") == 0) {
        meter->count = WGW_COUNT_RECEIVED;

    } else if (ngx_strcmp(value->data, "mode=hard") == 0) {
        meter->soft = 0;

    } else if (ngx_strcmp(value->data, "mode=soft") == 0) {
        meter->soft = 1;

    } else if (ngx_strcmp(value->data, "full=refuse") == 0) {
        meter->full = WGW_METER_FULL_REFUSE;

    } else if (ngx_strcmp(value->data, "full=other") == 0) {
        meter->full = WGW_METER_FULL_OTHER;

    } else if (ngx_strcmp(value->data, "dry_run") == 0) {
        meter->dry_run = 1;

    } else if (proto->precheck
               && ngx_strcmp(value->data, "precheck") == 0)
    {
        meter->precheck = 1;

    } else {
        return 0;
    }

    return 1;
}


static char *
ngx_wgw_meter_cap(ngx_conf_t *cf, ngx_str_t *value, wgw_meter_conf_t *meter,
    const ngx_wgw_meter_proto_t *proto)
{
    ngx_str_t   name;
    wgw_text_t  text;

    if (ngx_wgw_meter_is_variable(value, &name) == NGX_OK) {
        meter->cap_index = proto->index(cf, &name);

        return meter->cap_index == NGX_ERROR ? NGX_CONF_ERROR : NGX_CONF_OK;
    }

    text.data = (char *) value->data;
    text.len = value->len;

    if (wgw_size_parse(text, WGW_METER_CAP_MAX, &meter->cap) == 0) {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid cap \"%V\", must be a size or a variable; "
                       "a size is a number, and nothing or one of "
                       WGW_SIZE_UNITS, value);
    return NGX_CONF_ERROR;
}


static char *
ngx_wgw_meter_life(ngx_conf_t *cf, ngx_str_t *value, wgw_meter_conf_t *meter,
    const ngx_wgw_meter_proto_t *proto)
{
    ngx_int_t  index;
    ngx_str_t  name;

    if (ngx_strcmp(value->data, "off") == 0) {
        meter->life = 0;
        return NGX_CONF_OK;
    }

    if (ngx_wgw_meter_is_variable(value, &name) != NGX_OK) {
        return ngx_wgw_meter_invalid(cf, "life=", value);
    }

    index = proto->index(cf, &name);

    if (index == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    meter->life = index + 1;

    return NGX_CONF_OK;
}


/* "NAME:$VARIABLE" */

static char *
ngx_wgw_meter_label(ngx_conf_t *cf, ngx_str_t *value, wgw_meter_conf_t *meter,
    const ngx_wgw_meter_proto_t *proto)
{
    u_char      *p;
    ngx_str_t    name, rest, variable;
    const char  *error;

    if (ngx_strcmp(value->data, "off") == 0) {

        if (meter->labels != NGX_CONF_UNSET_PTR) {
            return ngx_wgw_meter_invalid(cf, "label=", value);
        }

        meter->labels = NULL;
        return NGX_CONF_OK;
    }

    p = ngx_strlchr(value->data, value->data + value->len, ':');

    if (p == NULL || meter->labels == NULL) {
        return ngx_wgw_meter_invalid(cf, "label=", value);
    }

    name.data = value->data;
    name.len = p - value->data;

    rest.data = p + 1;
    rest.len = value->len - name.len - 1;

    if (ngx_wgw_meter_is_variable(&rest, &variable) != NGX_OK) {
        return ngx_wgw_meter_invalid(cf, "label=", value);
    }

    error = wgw_label_name(&name);

    if (error) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "the name of label \"%V\" %s",
                           &name, error);
        return NGX_CONF_ERROR;
    }

    return ngx_wgw_meter_label_add(cf, &name, &variable, meter, proto);
}


static char *
ngx_wgw_meter_label_add(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *variable,
    wgw_meter_conf_t *meter, const ngx_wgw_meter_proto_t *proto)
{
    ngx_int_t           index;
    ngx_uint_t          i;
    wgw_meter_label_t  *label;

    if (meter->labels == NULL || meter->labels == NGX_CONF_UNSET_PTR) {
        meter->labels = ngx_array_create(cf->pool, 2,
                                         sizeof(wgw_meter_label_t));
        if (meter->labels == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    label = meter->labels->elts;

    for (i = 0; i < meter->labels->nelts; i++) {
        if (label[i].name.len == name->len
            && ngx_strncmp(label[i].name.data, name->data, name->len) == 0)
        {
            return "has two labels of one name";
        }
    }

    if (meter->labels->nelts == WGW_LABELS) {
        return "has more than 4 labels";
    }

    index = proto->index(cf, variable);

    label = ngx_array_push(meter->labels);

    if (label == NULL || index == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    label->name = *name;
    label->index = index;

    meter->zone->labels = 1;

    return NGX_CONF_OK;
}


static char *
ngx_wgw_meter_invalid(ngx_conf_t *cf, const char *name, ngx_str_t *value)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%s%V\"",
                       name, value);
    return NGX_CONF_ERROR;
}


/* 1 when the variable $wgw_name is in a key. */

static ngx_uint_t
ngx_wgw_meter_names(ngx_str_t *key)
{
    u_char     *p, *end, ch;
    ngx_str_t   name;

    ngx_str_set(&name, "wgw_name");

    end = key->data + key->len;

    for (p = key->data; p < end; p++) {

        if (*p != '$') {
            continue;
        }

        p += (p + 1 < end && p[1] == '{');

        if ((size_t) (end - p) <= name.len
            || ngx_strncmp(p + 1, name.data, name.len) != 0)
        {
            continue;
        }

        ch = (u_char) (p + 1 + name.len < end ? p[1 + name.len] : ' ');

        if (!((ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z')
              || (ch >= '0' && ch <= '9') || ch == '_'))
        {
            return 1;
        }
    }

    return 0;
}


/* Whom a router asks is known once it has an answer. */

static char *
ngx_wgw_meter_late(ngx_conf_t *cf, wgw_meter_conf_t *meter, ngx_str_t *key)
{
    if (ngx_strnstr(key->data, "$wgw_provider", key->len) == NULL
        && ngx_strnstr(key->data, "${wgw_provider", key->len) == NULL)
    {
        return NGX_CONF_OK;
    }

    meter->late = 1;

    if (meter->cap == 0 && meter->cap_index == NGX_ERROR && !meter->precheck
        && meter->full != WGW_METER_FULL_REFUSE)
    {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "the key \"%V\" is known too late for a cap or a "
                       "refusal", key);

    return NGX_CONF_ERROR;
}


/* $1 is none that has an index */

ngx_int_t
ngx_wgw_meter_is_variable(ngx_str_t *value, ngx_str_t *name)
{
    u_char   ch;
    size_t   i;

    if (value->len < 2 || value->data[0] != '$') {
        return NGX_DECLINED;
    }

    name->data = value->data + 1;
    name->len = value->len - 1;

    if (name->data[0] == '{' && name->data[name->len - 1] == '}') {
        name->data++;
        name->len -= 2;
    }

    if (name->len == 0 || (name->data[0] >= '0' && name->data[0] <= '9')) {
        return NGX_DECLINED;
    }

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if (!((ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z')
              || (ch >= '0' && ch <= '9') || ch == '_'))
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


ngx_uint_t
ngx_wgw_meter_has(ngx_array_t *keys, ngx_str_t *name)
{
    ngx_uint_t       i;
    ngx_hash_key_t  *key;

    key = keys->elts;

    for (i = 0; i < keys->nelts; i++) {
        if (key[i].key.len == name->len
            && ngx_strncmp(key[i].key.data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
