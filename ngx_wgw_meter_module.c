
/*
 * wgw meter: bytes by key, live, and caps that hold.
 *
 * Three modules.  The core one owns the zones, so that http and stream count
 * in the same; it opens them in init_conf, when all of the configuration is
 * known, and has a timer in each worker.  The http and the stream one decide
 * what is metered under which key, and leave the rest to flow.h and meter.h.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#if (NGX_WGW_STREAM)
#include <ngx_stream.h>
#endif

#include "src/flow.h"
#include "src/usage.h"


#define NGX_WGW_METER_SWEEP    1000     /* ms */
#define NGX_WGW_METER_RECORDS  1024     /* looked at in one sweep */

#define NGX_WGW_METER_SENT      0
#define NGX_WGW_METER_RECEIVED  1
#define NGX_WGW_METER_LEFT      2
#define NGX_WGW_METER_STATUS    3
#define NGX_WGW_METER_CUT       4

#define NGX_HTTP_WGW_USAGE_JSON        1
#define NGX_HTTP_WGW_USAGE_PROMETHEUS  2


typedef struct {
    ngx_array_t                 zones;  /* of wgw_meter_zone_t * */
} ngx_wgw_meter_conf_t;


/* What parsing a directive needs of http or stream. */
typedef struct {
    ngx_int_t                 (*index)(ngx_conf_t *cf, ngx_str_t *name);
    void                     *(*compile)(ngx_conf_t *cf, ngx_str_t *value);
} ngx_wgw_meter_proto_t;


typedef struct {
    ngx_uint_t                  enabled;
} ngx_http_wgw_meter_main_conf_t;


typedef struct {
    ngx_array_t                *meters; /* of wgw_meter_conf_t; empty: off */
    ngx_uint_t                  log_level;
    ngx_uint_t                  status;
    ngx_uint_t                  usage;
} ngx_http_wgw_meter_conf_t;


static void *ngx_wgw_meter_create_conf(ngx_cycle_t *cycle);
static char *ngx_wgw_meter_init_conf(ngx_cycle_t *cycle, void *conf);
static ngx_int_t ngx_wgw_meter_init_process(ngx_cycle_t *cycle);
static void ngx_wgw_meter_exit_process(ngx_cycle_t *cycle);
static void ngx_wgw_meter_sweep(ngx_event_t *ev);
static char *ngx_wgw_meter_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_wgw_meter_zone_param(ngx_conf_t *cf, ngx_str_t *value,
    wgw_meter_zone_t *zone);
static wgw_meter_zone_t *ngx_wgw_meter_zone_get(ngx_conf_t *cf,
    ngx_str_t *name);
static char *ngx_wgw_meter_parse(ngx_conf_t *cf, ngx_array_t **meters,
    const ngx_wgw_meter_proto_t *proto);
static char *ngx_wgw_meter_param(ngx_conf_t *cf, ngx_str_t *value,
    wgw_meter_conf_t *meter, const ngx_wgw_meter_proto_t *proto);
static ngx_int_t ngx_wgw_meter_is_variable(ngx_str_t *value, ngx_str_t *name);
static ngx_int_t ngx_wgw_meter_variable(wgw_flow_t *flow, ngx_pool_t *pool,
    ngx_variable_value_t *v, uintptr_t what);
static void ngx_wgw_meter_cleanup(void *data);

static ngx_int_t ngx_http_wgw_meter_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_meter_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_meter_log_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_meter_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_meter_status(ngx_http_request_t *r);
static wgw_flow_t *ngx_http_wgw_meter_find(ngx_http_request_t *r);
static wgw_flow_t *ngx_http_wgw_meter_start(ngx_http_request_t *r,
    ngx_uint_t n);
static ngx_int_t ngx_http_wgw_meter_admit(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_meter_keys(ngx_http_request_t *r,
    ngx_http_wgw_meter_conf_t *mcf, wgw_flow_t *flow);
static ngx_variable_value_t *ngx_http_wgw_meter_evaluate(void *data,
    ngx_uint_t index);
static off_t ngx_http_wgw_meter_input(ngx_http_request_t *r,
    ngx_uint_t early);
static off_t ngx_http_wgw_meter_expected(ngx_http_request_t *r);
static off_t ngx_http_wgw_meter_received(wgw_flow_t *flow);
static off_t ngx_http_wgw_meter_length(wgw_flow_t *flow);
static size_t ngx_http_wgw_meter_head(wgw_flow_t *flow);
static void ngx_http_wgw_meter_refuse(wgw_flow_t *flow);
static void ngx_http_wgw_meter_cut(wgw_flow_t *flow);
static ngx_uint_t ngx_http_wgw_meter_closable(wgw_flow_t *flow);
static ngx_uint_t ngx_http_wgw_meter_is_closable(wgw_flow_t *flow);

static ngx_int_t ngx_http_wgw_usage_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_http_wgw_usage_query(ngx_http_request_t *r,
    wgw_usage_query_t *query, char **error);
static ngx_int_t ngx_http_wgw_usage_key(ngx_http_request_t *r,
    ngx_str_t *key);
static ngx_int_t ngx_http_wgw_usage_error(ngx_http_request_t *r,
    ngx_uint_t status, char *error);
static ngx_int_t ngx_http_wgw_usage_send(ngx_http_request_t *r,
    ngx_uint_t status, const char *type, off_t length, ngx_chain_t *out);
static ngx_int_t ngx_http_wgw_usage_header(ngx_http_request_t *r,
    const char *name, const char *value);

static ngx_int_t ngx_http_wgw_meter_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_wgw_meter_add_variables(ngx_conf_t *cf);
static void *ngx_http_wgw_meter_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_wgw_meter_create_conf(ngx_conf_t *cf);
static char *ngx_http_wgw_meter_merge_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_wgw_meter(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_wgw_meter_index(ngx_conf_t *cf, ngx_str_t *name);
static void *ngx_http_wgw_meter_compile(ngx_conf_t *cf, ngx_str_t *value);
static char *ngx_http_wgw_usage(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_wgw_meter_init(ngx_conf_t *cf);


static ngx_conf_enum_t  ngx_wgw_meter_log_levels[] = {
    { ngx_string("info"), NGX_LOG_INFO },
    { ngx_string("notice"), NGX_LOG_NOTICE },
    { ngx_string("warn"), NGX_LOG_WARN },
    { ngx_string("error"), NGX_LOG_ERR },
    { ngx_null_string, 0 }
};


static ngx_conf_num_bounds_t  ngx_wgw_meter_status_bounds = {
    ngx_conf_check_num_bounds, 400, 599
};


static ngx_command_t  ngx_wgw_meter_commands[] = {

    { ngx_string("wgw_meter_zone"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_1MORE,
      ngx_wgw_meter_zone,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_core_module_t  ngx_wgw_meter_module_ctx = {
    ngx_string("wgw_meter"),
    ngx_wgw_meter_create_conf,             /* create configuration */
    ngx_wgw_meter_init_conf                /* init configuration */
};


ngx_module_t  ngx_wgw_meter_module = {
    NGX_MODULE_V1,
    &ngx_wgw_meter_module_ctx,             /* module context */
    ngx_wgw_meter_commands,                /* module directives */
    NGX_CORE_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_command_t  ngx_http_wgw_meter_commands[] = {

    { ngx_string("wgw_meter"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_wgw_meter,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_meter_status"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_meter_conf_t, status),
      &ngx_wgw_meter_status_bounds },

    { ngx_string("wgw_meter_log_level"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_meter_conf_t, log_level),
      &ngx_wgw_meter_log_levels },

    { ngx_string("wgw_usage"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_wgw_usage,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_wgw_meter_module_ctx = {
    ngx_http_wgw_meter_add_variables,      /* preconfiguration */
    ngx_http_wgw_meter_init,               /* postconfiguration */

    ngx_http_wgw_meter_create_main_conf,   /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_wgw_meter_create_conf,        /* create location configuration */
    ngx_http_wgw_meter_merge_conf          /* merge location configuration */
};


ngx_module_t  ngx_http_wgw_meter_module = {
    NGX_MODULE_V1,
    &ngx_http_wgw_meter_module_ctx,        /* module context */
    ngx_http_wgw_meter_commands,           /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_wgw_meter_init_process,            /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_wgw_meter_exit_process,            /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* HTTP/1: the response header is in send_chain(), the body in recv() */

static const wgw_flow_class_t  ngx_http_wgw_meter_v1 = {
    ngx_http_wgw_meter_received,
    ngx_http_wgw_meter_head,
    ngx_http_wgw_meter_refuse,
    ngx_http_wgw_meter_cut,
    ngx_http_wgw_meter_closable
};


/* HTTP/2 streams have a connection of their own, which is not wrapped. */

static const wgw_flow_class_t  ngx_http_wgw_meter_v2 = {
    ngx_http_wgw_meter_length,
    NULL,
    NULL,
    NULL,
    ngx_http_wgw_meter_is_closable
};


static const ngx_wgw_meter_proto_t  ngx_http_wgw_meter_proto = {
    ngx_http_wgw_meter_index,
    ngx_http_wgw_meter_compile
};


static const struct {
    ngx_str_t    name;
    uintptr_t    what;
} ngx_wgw_meter_vars[] = {
    { ngx_string("wgw_sent"), NGX_WGW_METER_SENT },
    { ngx_string("wgw_received"), NGX_WGW_METER_RECEIVED },
    { ngx_string("wgw_left"), NGX_WGW_METER_LEFT },
    { ngx_string("wgw_meter_status"), NGX_WGW_METER_STATUS },
    { ngx_string("wgw_cut"), NGX_WGW_METER_CUT },
    { ngx_null_string, 0 }
};


static const ngx_str_t  ngx_wgw_meter_statuses[] = {
    ngx_null_string,
    ngx_string("PASSED"),
    ngx_string("REJECTED"),
    ngx_string("REJECTED_DRY_RUN")
};


static ngx_event_t       ngx_wgw_meter_event;

/* debug logs read the descriptor of an event's connection */
static ngx_connection_t  ngx_wgw_meter_dummy;

static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


static void *
ngx_wgw_meter_create_conf(ngx_cycle_t *cycle)
{
    ngx_wgw_meter_conf_t  *mcf;

    mcf = ngx_pcalloc(cycle->pool, sizeof(ngx_wgw_meter_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&mcf->zones, cycle->pool, 4,
                       sizeof(wgw_meter_zone_t *))
        != NGX_OK)
    {
        return NULL;
    }

    return mcf;
}


/* Zones may be named before they are defined: checked here, then opened. */

static char *
ngx_wgw_meter_init_conf(ngx_cycle_t *cycle, void *conf)
{
    ngx_wgw_meter_conf_t  *mcf = conf;

    ngx_uint_t          i;
    wgw_meter_zone_t  **zones;

    zones = mcf->zones.elts;

    for (i = 0; i < mcf->zones.nelts; i++) {
        if (!zones[i]->defined) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                          "unknown wgw_meter_zone \"%V\" in %s:%ui",
                          &zones[i]->zone.name, zones[i]->conf_file,
                          zones[i]->line);
            return NGX_CONF_ERROR;
        }
    }

    for (i = 0; i < mcf->zones.nelts; i++) {
        if (wgw_zone_open(cycle, &zones[i]->zone) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* Called for the http module: timers do not yet work for a core one. */

static ngx_int_t
ngx_wgw_meter_init_process(ngx_cycle_t *cycle)
{
    ngx_event_t           *ev;
    ngx_wgw_meter_conf_t  *mcf;

    wgw_flow_setup();

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                                ngx_wgw_meter_module);

    if (mcf->zones.nelts == 0
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    ngx_wgw_meter_dummy.fd = (ngx_socket_t) -1;

    ev = &ngx_wgw_meter_event;

    ev->handler = ngx_wgw_meter_sweep;
    ev->data = &ngx_wgw_meter_dummy;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_WGW_METER_SWEEP);

    return NGX_OK;
}


/* A worker that is told to terminate does not finalize its requests. */

static void
ngx_wgw_meter_exit_process(ngx_cycle_t *cycle)
{
    wgw_flow_leave();
}


static void
ngx_wgw_meter_sweep(ngx_event_t *ev)
{
    uint32_t                end;
    ngx_uint_t              i;
    wgw_meter_zone_t      **zones;
    ngx_wgw_meter_conf_t   *mcf;

    wgw_flow_sweep();

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                                ngx_wgw_meter_module);
    zones = mcf->zones.elts;

    for (i = 0; ngx_worker == 0 && i < mcf->zones.nelts; i++) {
        end = wgw_table_end(&zones[i]->zone.table);

        if (zones[i]->swept >= end) {
            zones[i]->swept = 0;
        }

        wgw_table_sweep(&zones[i]->zone.table, wgw_meter_period(zones[i]),
                        zones[i]->swept, NGX_WGW_METER_RECORDS);

        zones[i]->swept += NGX_WGW_METER_RECORDS;
    }

    ngx_add_timer(ev, NGX_WGW_METER_SWEEP);
}


static char *
ngx_wgw_meter_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char               *rc;
    ngx_str_t          *value;
    ngx_uint_t          i;
    wgw_table_conf_t   *table;
    wgw_meter_zone_t   *zone;

    value = cf->args->elts;

    if (value[1].len == 0 || value[1].len > WGW_USAGE_ZONE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone name \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    zone = ngx_wgw_meter_zone_get(cf, &value[1]);
    if (zone == NULL) {
        return NGX_CONF_ERROR;
    }

    if (zone->defined) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" is duplicate", &value[1]);
        return NGX_CONF_ERROR;
    }

    zone->defined = 1;
    table = &zone->zone.conf;

    table->key_bytes = WGW_TABLE_KEY_BYTES;
    table->window.kind = WGW_WINDOW_MONTH;

    for (i = 2; i < cf->args->nelts; i++) {
        rc = ngx_wgw_meter_zone_param(cf, &value[i], zone);
        if (rc != NGX_CONF_OK) {
            return rc;
        }
    }

    if (table->keys == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" must have \"keys\" parameter",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    if (table->window.reset_day == 0) {
        table->window.reset_day = 1;

    } else if (table->window.kind != WGW_WINDOW_MONTH) {
        return "has \"reset_day\" without \"window=month\"";
    }

    return NGX_CONF_OK;
}


static char *
ngx_wgw_meter_zone_param(ngx_conf_t *cf, ngx_str_t *value,
    wgw_meter_zone_t *zone)
{
    int                 kind;
    ngx_int_t           n;
    wgw_table_conf_t   *table;

    table = &zone->zone.conf;

    if (ngx_strncmp(value->data, "file=", 5) == 0 && value->len > 5) {
        zone->zone.file.data = value->data + 5;
        zone->zone.file.len = value->len - 5;

        if (ngx_conf_full_name(cf->cycle, &zone->zone.file, 0) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "keys=", 5) == 0) {
        n = ngx_atoi(value->data + 5, value->len - 5);

        if (n >= 1 && n <= WGW_TABLE_KEYS_MAX) {
            table->keys = n;
            return NGX_CONF_OK;
        }
    }

    if (ngx_strncmp(value->data, "window=", 7) == 0) {
        kind = wgw_window_kind((char *) value->data + 7, value->len - 7);

        if (kind >= 0) {
            table->window.kind = kind;
            return NGX_CONF_OK;
        }
    }

    if (ngx_strncmp(value->data, "reset_day=", 10) == 0) {
        n = ngx_atoi(value->data + 10, value->len - 10);

        if (n >= 1 && n <= 31) {
            table->window.reset_day = n;
            return NGX_CONF_OK;
        }
    }

    if (ngx_strncmp(value->data, "key_bytes=", 10) == 0) {
        n = ngx_atoi(value->data + 10, value->len - 10);

        if (n >= 8 && n <= 256) {
            table->key_bytes = n;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                       value);

    return NGX_CONF_ERROR;
}


/* The zone of that name, which may be defined further down. */

static wgw_meter_zone_t *
ngx_wgw_meter_zone_get(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_uint_t              i;
    wgw_meter_zone_t       *zone, **zones;
    ngx_wgw_meter_conf_t   *mcf;

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                                ngx_wgw_meter_module);
    zones = mcf->zones.elts;

    for (i = 0; i < mcf->zones.nelts; i++) {
        zone = zones[i];

        if (zone->zone.name.len == name->len
            && ngx_strncmp(zone->zone.name.data, name->data, name->len) == 0)
        {
            return zone;
        }
    }

    zone = ngx_pcalloc(cf->pool, sizeof(wgw_meter_zone_t));
    if (zone == NULL) {
        return NULL;
    }

    zone->zone.name = *name;
    zone->conf_file = cf->conf_file->file.name.data;
    zone->line = cf->conf_file->line;

    zones = ngx_array_push(&mcf->zones);
    if (zones == NULL) {
        return NULL;
    }

    *zones = zone;

    return zone;
}


static char *
ngx_wgw_meter_parse(ngx_conf_t *cf, ngx_array_t **meters,
    const ngx_wgw_meter_proto_t *proto)
{
    char              *rc;
    ngx_str_t         *value, name;
    ngx_uint_t         i;
    wgw_meter_conf_t  *meter;
    wgw_meter_zone_t  *zone;

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

    zone = ngx_wgw_meter_zone_get(cf, &value[1]);
    if (zone == NULL) {
        return NGX_CONF_ERROR;
    }

    meter = (*meters)->elts;

    for (i = 0; i < (*meters)->nelts; i++) {
        if (meter[i].zone == zone) {
            return "is duplicate";
        }
    }

    meter = ngx_array_push(*meters);
    if (meter == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(meter, sizeof(wgw_meter_conf_t));

    meter->zone = zone;
    meter->key_index = NGX_ERROR;
    meter->cap_index = NGX_ERROR;
    meter->count = WGW_COUNT_BOTH;

    if (ngx_wgw_meter_is_variable(&value[2], &name) == NGX_OK) {
        meter->key_index = proto->index(cf, &name);

        if (meter->key_index == NGX_ERROR) {
            return NGX_CONF_ERROR;
        }

    } else {
        meter->key = proto->compile(cf, &value[2]);

        if (meter->key == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    for (i = 3; i < cf->args->nelts; i++) {
        rc = ngx_wgw_meter_param(cf, &value[i], meter, proto);
        if (rc != NGX_CONF_OK) {
            return rc;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_wgw_meter_param(ngx_conf_t *cf, ngx_str_t *value, wgw_meter_conf_t *meter,
    const ngx_wgw_meter_proto_t *proto)
{
    ngx_str_t   cap, name;
    wgw_text_t  text;

    if (ngx_strncmp(value->data, "cap=", 4) == 0) {
        cap.data = value->data + 4;
        cap.len = value->len - 4;

        if (ngx_wgw_meter_is_variable(&cap, &name) == NGX_OK) {
            meter->cap_index = proto->index(cf, &name);

            return meter->cap_index == NGX_ERROR ? NGX_CONF_ERROR
                                                 : NGX_CONF_OK;
        }

        text.data = (char *) cap.data;
        text.len = cap.len;

        if (wgw_meter_bytes(text, &meter->cap) == 0) {
            return NGX_CONF_OK;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid cap \"%V\", must be a size or a variable",
                           &cap);
        return NGX_CONF_ERROR;
    }

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

    } else if (ngx_strcmp(value->data, "dry_run") == 0) {
        meter->dry_run = 1;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                           value);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* "$name" or "${name}" and nothing else; $1 is none that has an index */

static ngx_int_t
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


static ngx_int_t
ngx_wgw_meter_variable(wgw_flow_t *flow, ngx_pool_t *pool,
    ngx_variable_value_t *v, uintptr_t what)
{
    int64_t  n;

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    if (flow == NULL || flow->meters.status == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    switch (what) {

    case NGX_WGW_METER_STATUS:
        v->data = ngx_wgw_meter_statuses[flow->meters.status].data;
        v->len = ngx_wgw_meter_statuses[flow->meters.status].len;
        return NGX_OK;

    case NGX_WGW_METER_SENT:
        n = flow->connection->sent;
        break;

    case NGX_WGW_METER_RECEIVED:
        n = flow->class->received(flow);
        break;

    case NGX_WGW_METER_CUT:
        n = flow->cut;
        break;

    default: /* NGX_WGW_METER_LEFT */
        n = (flow->meters.status == WGW_METER_REJECTED)
            ? 0 : wgw_meters_left(&flow->meters);
        break;
    }

    if (n == -1) {
        v->data = (u_char *) "";
        v->len = 0;
        return NGX_OK;
    }

    v->data = ngx_pnalloc(pool, NGX_INT64_LEN);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    v->len = ngx_sprintf(v->data, "%L", n) - v->data;

    return NGX_OK;
}


static void
ngx_wgw_meter_cleanup(void *data)
{
    wgw_flow_done(data);
}


/*
 * A body may be discarded before the request is known to be metered, by
 * `return` in the rewrite phase: it has to be seen from the start.
 */

static ngx_int_t
ngx_http_wgw_meter_body_handler(ngx_http_request_t *r)
{
    if (r == r->main
        && (r->headers_in.content_length_n > 0 || r->headers_in.chunked)
        && ngx_http_wgw_meter_find(r) == NULL
        && ngx_http_wgw_meter_start(r, 0) == NULL)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_wgw_meter_handler(ngx_http_request_t *r)
{
    switch (ngx_http_wgw_meter_admit(r)) {

    case NGX_DECLINED:
        return ngx_http_wgw_meter_status(r);

    case NGX_ERROR:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    default: /* NGX_OK */
        return NGX_DECLINED;
    }
}


/*
 * Here come requests that never reached the phases: `return`, errors in the
 * request line or header.  What is refused now ends with the connection,
 * because nginx drops what a content handler would have said.
 */

static ngx_int_t
ngx_http_wgw_meter_header_filter(ngx_http_request_t *r)
{
    switch (ngx_http_wgw_meter_admit(r)) {

    case NGX_DECLINED:
        r->keepalive = 0;

        return ngx_http_filter_finalize_request(r, &ngx_http_wgw_meter_module,
                                               ngx_http_wgw_meter_status(r));

    case NGX_ERROR:
        return NGX_ERROR;

    default: /* NGX_OK */
        return ngx_http_next_header_filter(r);
    }
}


/* And here those that nothing was sent for. */

static ngx_int_t
ngx_http_wgw_meter_log_handler(ngx_http_request_t *r)
{
    wgw_flow_t  *flow;

    if (ngx_http_wgw_meter_admit(r) != NGX_ERROR) {
        flow = ngx_http_wgw_meter_find(r);

        if (flow) {
            wgw_flow_flush(flow);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_wgw_meter_status(ngx_http_request_t *r)
{
    ngx_http_wgw_meter_conf_t  *mcf;

    mcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_meter_module);

    return mcf->status;
}


/* An internal redirect clears the contexts, the pool stays. */

static wgw_flow_t *
ngx_http_wgw_meter_find(ngx_http_request_t *r)
{
    wgw_flow_t          *flow;
    ngx_pool_cleanup_t  *cln;

    r = r->main;

    flow = ngx_http_get_module_ctx(r, ngx_http_wgw_meter_module);

    if (flow || !(r->internal || r->filter_finalize)) {
        return flow;
    }

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_wgw_meter_cleanup) {
            ngx_http_set_ctx(r, cln->data, ngx_http_wgw_meter_module);
            return cln->data;
        }
    }

    return NULL;
}


/* A flow with room for `n` meters, which is on the connection, for HTTP/1. */

static wgw_flow_t *
ngx_http_wgw_meter_start(ngx_http_request_t *r, ngx_uint_t n)
{
    size_t               size;
    wgw_flow_t          *flow;
    ngx_pool_cleanup_t  *cln;

    size = sizeof(wgw_flow_t) + n * sizeof(wgw_meter_t);

    cln = ngx_pool_cleanup_add(r->pool, size);
    if (cln == NULL) {
        return NULL;
    }

    flow = cln->data;
    ngx_memzero(flow, size);

    cln->handler = ngx_wgw_meter_cleanup;
    ngx_http_set_ctx(r, flow, ngx_http_wgw_meter_module);

#if (NGX_HTTP_V2)

    if (r->stream) {
        wgw_flow_init(flow, &ngx_http_wgw_meter_v2, r, r->connection,
                      r->pool);
        wgw_flow_start(flow, 0);

        return flow;
    }

#endif

    wgw_flow_init(flow, &ngx_http_wgw_meter_v1, r, r->connection, r->pool);

    /* the phases set it: who has none failed before them */

    flow->tail = (r->write_event_handler == NULL);
    flow->read = ngx_http_wgw_meter_input(r, flow->tail);

    wgw_flow_start(flow, 1);

    return flow;
}


/* NGX_OK, NGX_DECLINED when a cap refuses the request, or NGX_ERROR. */

static ngx_int_t
ngx_http_wgw_meter_admit(ngx_http_request_t *r)
{
    off_t                       length;
    size_t                      head;
    ngx_uint_t                  n;
    wgw_flow_t                 *flow;
    ngx_http_wgw_meter_conf_t  *mcf;

    mcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_meter_module);

    if (mcf->meters == NULL || mcf->meters->nelts == 0 || r != r->main) {
        return NGX_OK;
    }

    n = mcf->meters->nelts;
    flow = ngx_http_wgw_meter_find(r);

    if (flow && flow->meters.status) {
        return NGX_OK;
    }

    if (flow) {
        flow->meters.elts = ngx_pcalloc(r->pool, n * sizeof(wgw_meter_t));

    } else {
        flow = ngx_http_wgw_meter_start(r, n);

        if (flow) {
            flow->meters.elts = (wgw_meter_t *) &flow[1];
        }
    }

    if (flow == NULL || flow->meters.elts == NULL) {
        return NGX_ERROR;
    }

    flow->meters.log_level = mcf->log_level;
    flow->meters.variable = ngx_http_wgw_meter_evaluate;

    if (ngx_http_wgw_meter_keys(r, mcf, flow) != NGX_OK) {
        return NGX_ERROR;
    }

    length = flow->class->received(flow);
    head = 0;

    if (flow->attached) {
        length += flow->tail ? 0 : ngx_http_wgw_meter_expected(r);
        head = (r->http_version < NGX_HTTP_VERSION_10) ? 0 : WGW_FLOW_HEAD;
    }

    wgw_flow_admit(flow, length, head);

    return flow->meters.status == WGW_METER_REJECTED ? NGX_DECLINED : NGX_OK;
}


static ngx_int_t
ngx_http_wgw_meter_keys(ngx_http_request_t *r,
    ngx_http_wgw_meter_conf_t *mcf, wgw_flow_t *flow)
{
    ngx_str_t              key;
    ngx_uint_t             i;
    wgw_meter_conf_t      *meters;
    ngx_variable_value_t  *v;

    meters = mcf->meters->elts;

    for (i = 0; i < mcf->meters->nelts; i++) {
        ngx_str_null(&key);

        if (flow->tail) {
            /* unknown: it failed before it had a name to be trusted */

        } else if (meters[i].key_index != NGX_ERROR) {
            v = ngx_http_get_flushed_variable(r, meters[i].key_index);

            if (v && !v->not_found) {
                key.data = v->data;
                key.len = v->len;
            }

        } else if (ngx_http_complex_value(r, meters[i].key, &key) != NGX_OK) {
            return NGX_ERROR;
        }

        wgw_meters_push(&flow->meters, &meters[i], &key);
    }

    return NGX_OK;
}


static ngx_variable_value_t *
ngx_http_wgw_meter_evaluate(void *data, ngx_uint_t index)
{
    return ngx_http_get_flushed_variable(data, index);
}


/*
 * What came before recv() was wrapped.  A request that failed has parsed a
 * part of its lines; the line it failed at begins where the parser was, and
 * nothing can follow it.
 */

static off_t
ngx_http_wgw_meter_input(ngx_http_request_t *r, ngx_uint_t early)
{
    u_char     *start;
    ngx_buf_t  *b;

    b = r->header_in;
    start = b->pos;

    if (early && r->state) {
        start = r->request_length ? r->header_name_start : r->request_start;
    }

    return r->request_length + (b->last - start);
}


/*
 * What will be counted without another recv(): the body in the buffer.
 * Where its end is not known, some of that may be of the next request.
 */

static off_t
ngx_http_wgw_meter_expected(ngx_http_request_t *r)
{
    off_t  rest;

    rest = r->header_in->last - r->header_in->pos;

    if (r->headers_in.chunked || r->headers_in.upgrade) {
        return rest;
    }

    return ngx_min(rest, ngx_max(r->headers_in.content_length_n, 0));
}


/*
 * The unread rest of r->header_in belongs to the next request, unless the
 * connection was upgraded.
 */

static off_t
ngx_http_wgw_meter_received(wgw_flow_t *flow)
{
    ngx_http_request_t  *r;

    r = flow->data;

    if (!flow->tail && r->upstream && r->upstream->upgrade) {
        flow->tail = 1;
    }

    if (flow->tail) {
        return flow->read;
    }

    return flow->read - (r->header_in->last - r->header_in->pos);
}


static off_t
ngx_http_wgw_meter_length(wgw_flow_t *flow)
{
    ngx_http_request_t  *r;

    r = flow->data;

    return r->request_length;
}


static size_t
ngx_http_wgw_meter_head(wgw_flow_t *flow)
{
    ngx_http_request_t  *r;

    r = flow->data;

    return r->header_sent ? r->header_size : 0;
}


/*
 * The header has been made but does not fit under the cap: this short one
 * goes instead.  The filters have been passed, so it cannot have a body.
 */

static void
ngx_http_wgw_meter_refuse(wgw_flow_t *flow)
{
    u_char                      text[256];
    ngx_buf_t                   b;
    ngx_chain_t                 out;
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_wgw_meter_conf_t  *mcf;

    r = flow->data;
    c = flow->connection;

    mcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_meter_module);

    r->headers_out.status = mcf->status;
    r->err_status = 0;
    r->keepalive = 0;

    ngx_memzero(&b, sizeof(ngx_buf_t));

    b.pos = text;
    b.last = ngx_snprintf(text, sizeof(text),
                          "HTTP/1.1 %ui " CRLF
                          "Date: %V" CRLF
                          "Content-Length: 0" CRLF
                          "Connection: close" CRLF CRLF,
                          mcf->status, &ngx_cached_http_time);
    b.temporary = 1;
    b.last_buf = 1;
    b.flush = 1;

    out.buf = &b;
    out.next = NULL;

    (void) flow->send_chain(c, &out, 0);

    c->error = 1;

    wgw_flow_flush(flow);
}


/*
 * At once, because a cache fill behind may go on for long.  Only a reset can
 * tell that a body is cut which ends with the connection.
 */

static void
ngx_http_wgw_meter_cut(wgw_flow_t *flow)
{
    struct linger        linger;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = flow->data;
    c = flow->connection;

    if (r->header_sent
        && r->headers_out.content_length_n == -1
        && r->headers_out.status != NGX_HTTP_SWITCHING_PROTOCOLS
        && !r->chunked
#if (NGX_SSL)
        && c->ssl == NULL
#endif
       )
    {
        linger.l_onoff = 1;
        linger.l_linger = 0;

        if (setsockopt(c->fd, SOL_SOCKET, SO_LINGER,
                       (const void *) &linger, sizeof(struct linger))
            == -1)
        {
            ngx_log_error(NGX_LOG_ALERT, c->log, ngx_socket_errno,
                          "setsockopt(SO_LINGER) failed");
        }

        return;
    }

    (void) ngx_shutdown_socket(c->fd, NGX_WRITE_SHUTDOWN);
}


/* c->close ends a request, and with it a cache fill; not so a tunnel's */

static ngx_uint_t
ngx_http_wgw_meter_closable(wgw_flow_t *flow)
{
    return flow->tail;
}


static ngx_uint_t
ngx_http_wgw_meter_is_closable(wgw_flow_t *flow)
{
    return 1;
}


static ngx_int_t
ngx_http_wgw_usage_handler(ngx_http_request_t *r)
{
    char                       *error;
    off_t                       length;
    ngx_int_t                   rc;
    ngx_uint_t                  status;
    ngx_chain_t                *out;
    const char                 *type;
    wgw_usage_query_t           query;
    ngx_http_wgw_meter_conf_t  *mcf;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        if (ngx_http_wgw_usage_header(r, "Allow", "GET, HEAD") != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_wgw_usage_error(r, NGX_HTTP_NOT_ALLOWED,
                                        "method is not allowed");
    }

    status = ngx_http_wgw_usage_query(r, &query, &error);
    if (status != NGX_HTTP_OK) {
        return ngx_http_wgw_usage_error(r, status, error);
    }

    mcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_meter_module);

    wgw_flow_flush_all();

    if (mcf->usage == NGX_HTTP_WGW_USAGE_JSON) {
        type = "application/json";
        length = wgw_usage_json(r->pool, &query, &out);

    } else {
        type = "text/plain; version=0.0.4; charset=utf-8";
        query.limit = WGW_USAGE_LIMIT_MAX;
        length = wgw_usage_prometheus(r->pool, &query, &out);
    }

    if (length == NGX_DECLINED) {
        return ngx_http_wgw_usage_error(r, NGX_HTTP_NOT_FOUND,
                                        query.key.len ? "unknown key"
                                                      : "unknown zone");
    }

    if (length == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_wgw_usage_send(r, NGX_HTTP_OK, type, length, out);
}


/* Returns the status of the answer, and the error when it is not 200. */

static ngx_uint_t
ngx_http_wgw_usage_query(ngx_http_request_t *r, wgw_usage_query_t *query,
    char **error)
{
    uint64_t               n;
    ngx_str_t              value;
    wgw_text_t             text;
    ngx_wgw_meter_conf_t  *mcf;

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                                ngx_wgw_meter_module);

    ngx_memzero(query, sizeof(wgw_usage_query_t));

    query->zones = mcf->zones.elts;
    query->nzones = mcf->zones.nelts;
    query->limit = WGW_USAGE_LIMIT;

    if (ngx_http_wgw_usage_key(r, &query->key) != NGX_OK) {
        *error = "not found";
        return NGX_HTTP_NOT_FOUND;
    }

    if (ngx_http_arg(r, (u_char *) "zone", 4, &value) == NGX_OK) {
        query->zone = value;
    }

    if (ngx_http_arg(r, (u_char *) "after", 5, &value) == NGX_OK) {
        text.data = (char *) value.data;
        text.len = value.len;

        if (wgw_text_uint(text, WGW_METER_CAP_MAX, &query->after) != 0) {
            *error = "invalid after";
            return NGX_HTTP_BAD_REQUEST;
        }
    }

    if (ngx_http_arg(r, (u_char *) "limit", 5, &value) == NGX_OK) {
        text.data = (char *) value.data;
        text.len = value.len;

        if (wgw_text_uint(text, WGW_USAGE_LIMIT_MAX, &n) != 0 || n == 0) {
            *error = "invalid limit";
            return NGX_HTTP_BAD_REQUEST;
        }

        query->limit = n;
    }

    return NGX_HTTP_OK;
}


/* The path below the location: /v1/usage/KEY */

static ngx_int_t
ngx_http_wgw_usage_key(ngx_http_request_t *r, ngx_str_t *key)
{
    ngx_str_t                 *name;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    name = &clcf->name;

    if (r->uri.len < name->len
        || ngx_strncmp(r->uri.data, name->data, name->len) != 0)
    {
        return NGX_OK;
    }

    key->data = r->uri.data + name->len;
    key->len = r->uri.len - name->len;

    if (key->len == 0 || (name->len && name->data[name->len - 1] == '/')) {
        return NGX_OK;
    }

    if (*key->data != '/') {
        return NGX_DECLINED;
    }

    key->data++;
    key->len--;

    return NGX_OK;
}


static ngx_int_t
ngx_http_wgw_usage_error(ngx_http_request_t *r, ngx_uint_t status,
    char *error)
{
    ngx_buf_t    *b;
    ngx_chain_t  *out;

    b = ngx_create_temp_buf(r->pool, 128);
    out = ngx_alloc_chain_link(r->pool);

    if (b == NULL || out == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->last = ngx_snprintf(b->pos, 128, "{\"error\":\"%s\"}\n", error);
    b->last_buf = 1;
    b->last_in_chain = 1;

    out->buf = b;
    out->next = NULL;

    return ngx_http_wgw_usage_send(r, status, "application/json",
                                   b->last - b->pos, out);
}


static ngx_int_t
ngx_http_wgw_usage_send(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, off_t length, ngx_chain_t *out)
{
    ngx_int_t  rc;

    r->headers_out.status = status;
    r->headers_out.content_length_n = length;

    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    if (ngx_http_wgw_usage_header(r, "Cache-Control", "no-store") != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, out);
}


static ngx_int_t
ngx_http_wgw_usage_header(ngx_http_request_t *r, const char *name,
    const char *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.data = (u_char *) value;
    h->value.len = ngx_strlen(value);

    return NGX_OK;
}


static ngx_int_t
ngx_http_wgw_meter_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    return ngx_wgw_meter_variable(ngx_http_wgw_meter_find(r), r->pool, v,
                                  data);
}


static ngx_int_t
ngx_http_wgw_meter_add_variables(ngx_conf_t *cf)
{
    ngx_str_t             name;
    ngx_uint_t            i;
    ngx_http_variable_t  *var;

    for (i = 0; ngx_wgw_meter_vars[i].name.len; i++) {
        name = ngx_wgw_meter_vars[i].name;

        var = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = ngx_http_wgw_meter_variable;
        var->data = ngx_wgw_meter_vars[i].what;
    }

    return NGX_OK;
}


static void *
ngx_http_wgw_meter_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_wgw_meter_main_conf_t));
}


static void *
ngx_http_wgw_meter_create_conf(ngx_conf_t *cf)
{
    ngx_http_wgw_meter_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_wgw_meter_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     mcf->usage = 0;
     */

    mcf->meters = NGX_CONF_UNSET_PTR;
    mcf->log_level = NGX_CONF_UNSET_UINT;
    mcf->status = NGX_CONF_UNSET_UINT;

    return mcf;
}


static char *
ngx_http_wgw_meter_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_wgw_meter_conf_t *prev = parent;
    ngx_http_wgw_meter_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->meters, prev->meters, NULL);
    ngx_conf_merge_uint_value(conf->log_level, prev->log_level, NGX_LOG_ERR);
    ngx_conf_merge_uint_value(conf->status, prev->status,
                              NGX_HTTP_TOO_MANY_REQUESTS);

    return NGX_CONF_OK;
}


static char *
ngx_http_wgw_meter(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_meter_conf_t *mcf = conf;

    ngx_http_wgw_meter_main_conf_t  *mmcf;

    mmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_wgw_meter_module);
    mmcf->enabled = 1;

    return ngx_wgw_meter_parse(cf, &mcf->meters, &ngx_http_wgw_meter_proto);
}


static ngx_int_t
ngx_http_wgw_meter_index(ngx_conf_t *cf, ngx_str_t *name)
{
    return ngx_http_get_variable_index(cf, name);
}


static void *
ngx_http_wgw_meter_compile(ngx_conf_t *cf, ngx_str_t *value)
{
    ngx_http_complex_value_t          *cv;
    ngx_http_compile_complex_value_t   ccv;

    cv = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (cv == NULL) {
        return NULL;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = value;
    ccv.complex_value = cv;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? cv : NULL;
}


static char *
ngx_http_wgw_usage(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_meter_conf_t *mcf = conf;

    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;

    if (mcf->usage) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "json") == 0) {
        mcf->usage = NGX_HTTP_WGW_USAGE_JSON;

    } else if (ngx_strcmp(value[1].data, "prometheus") == 0) {
        mcf->usage = NGX_HTTP_WGW_USAGE_PROMETHEUS;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\", "
                           "it must be \"json\" or \"prometheus\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_wgw_usage_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_wgw_meter_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt             *h;
    ngx_http_core_main_conf_t       *cmcf;
    ngx_http_wgw_meter_main_conf_t  *mmcf;

    mmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_wgw_meter_module);

    if (!mmcf->enabled) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_POST_READ_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_wgw_meter_body_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_wgw_meter_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_wgw_meter_log_handler;

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_wgw_meter_header_filter;

    return NGX_OK;
}


#if (NGX_WGW_STREAM)


typedef struct {
    ngx_array_t                   *meters;
    ngx_uint_t                     log_level;
    ngx_stream_content_handler_pt  handler;   /* the one we stand before */
} ngx_stream_wgw_meter_conf_t;


typedef struct {
    ngx_int_t                      offload;   /* index, or NGX_ERROR */
} ngx_stream_wgw_meter_main_conf_t;


static void ngx_stream_wgw_meter_handler(ngx_stream_session_t *s);
static wgw_flow_t *ngx_stream_wgw_meter_start(ngx_stream_session_t *s,
    ngx_stream_wgw_meter_conf_t *mcf);
static ngx_uint_t ngx_stream_wgw_meter_leaves(ngx_stream_session_t *s);
static ngx_variable_value_t *ngx_stream_wgw_meter_evaluate(void *data,
    ngx_uint_t index);
static off_t ngx_stream_wgw_meter_received(wgw_flow_t *flow);
static off_t ngx_stream_wgw_meter_datagrams(wgw_flow_t *flow);
static ngx_uint_t ngx_stream_wgw_meter_closable(wgw_flow_t *flow);

static ngx_int_t ngx_stream_wgw_meter_variable(ngx_stream_session_t *s,
    ngx_stream_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_stream_wgw_meter_add_variables(ngx_conf_t *cf);
static void *ngx_stream_wgw_meter_create_main_conf(ngx_conf_t *cf);
static void *ngx_stream_wgw_meter_create_conf(ngx_conf_t *cf);
static char *ngx_stream_wgw_meter_merge_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_stream_wgw_meter(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_stream_wgw_meter_index(ngx_conf_t *cf, ngx_str_t *name);
static void *ngx_stream_wgw_meter_compile(ngx_conf_t *cf, ngx_str_t *value);
static ngx_int_t ngx_stream_wgw_meter_offload(ngx_conf_t *cf);
static ngx_int_t ngx_stream_wgw_meter_init(ngx_conf_t *cf);


static ngx_command_t  ngx_stream_wgw_meter_commands[] = {

    { ngx_string("wgw_meter"),
      NGX_STREAM_MAIN_CONF|NGX_STREAM_SRV_CONF|NGX_CONF_1MORE,
      ngx_stream_wgw_meter,
      NGX_STREAM_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_meter_log_level"),
      NGX_STREAM_MAIN_CONF|NGX_STREAM_SRV_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_STREAM_SRV_CONF_OFFSET,
      offsetof(ngx_stream_wgw_meter_conf_t, log_level),
      &ngx_wgw_meter_log_levels },

      ngx_null_command
};


static ngx_stream_module_t  ngx_stream_wgw_meter_module_ctx = {
    ngx_stream_wgw_meter_add_variables,    /* preconfiguration */
    ngx_stream_wgw_meter_init,             /* postconfiguration */

    ngx_stream_wgw_meter_create_main_conf, /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_stream_wgw_meter_create_conf,      /* create server configuration */
    ngx_stream_wgw_meter_merge_conf        /* merge server configuration */
};


ngx_module_t  ngx_stream_wgw_meter_module = {
    NGX_MODULE_V1,
    &ngx_stream_wgw_meter_module_ctx,      /* module context */
    ngx_stream_wgw_meter_commands,         /* module directives */
    NGX_STREAM_MODULE,                     /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static const wgw_flow_class_t  ngx_stream_wgw_meter_tcp = {
    ngx_stream_wgw_meter_received,
    NULL,
    NULL,
    NULL,
    ngx_stream_wgw_meter_closable
};


/* A datagram cannot be shortened: not wrapped, caps are soft. */

static const wgw_flow_class_t  ngx_stream_wgw_meter_udp = {
    ngx_stream_wgw_meter_datagrams,
    NULL,
    NULL,
    NULL,
    ngx_stream_wgw_meter_closable
};


static const ngx_wgw_meter_proto_t  ngx_stream_wgw_meter_proto = {
    ngx_stream_wgw_meter_index,
    ngx_stream_wgw_meter_compile
};


/*
 * In place of the server's content handler: later than TLS, which sets the
 * calls of the connection anew, and than the preread phase, which knows the
 * name for the key.
 */

static void
ngx_stream_wgw_meter_handler(ngx_stream_session_t *s)
{
    wgw_flow_t                   *flow;
    ngx_connection_t             *c;
    ngx_stream_wgw_meter_conf_t  *mcf;

    mcf = ngx_stream_get_module_srv_conf(s, ngx_stream_wgw_meter_module);

    if (ngx_stream_wgw_meter_leaves(s)) {
        mcf->handler(s);
        return;
    }

    c = s->connection;

    flow = ngx_stream_wgw_meter_start(s, mcf);
    if (flow == NULL) {
        ngx_stream_finalize_session(s, NGX_STREAM_INTERNAL_SERVER_ERROR);
        return;
    }

    if (flow->meters.status == WGW_METER_REJECTED) {
        ngx_stream_finalize_session(s, NGX_STREAM_SERVICE_UNAVAILABLE);
        return;
    }

    mcf->handler(s);

    /* if the flow is still there, the session has not ended: handed over? */

    if (wgw_flow_find(c) == flow && c->data != s) {
        wgw_flow_done(flow);
    }
}


static wgw_flow_t *
ngx_stream_wgw_meter_start(ngx_stream_session_t *s,
    ngx_stream_wgw_meter_conf_t *mcf)
{
    size_t                  size;
    ngx_str_t               key;
    ngx_uint_t              i, tcp;
    wgw_flow_t             *flow;
    ngx_connection_t       *c;
    wgw_meter_conf_t       *meters;
    ngx_pool_cleanup_t     *cln;
    ngx_variable_value_t   *v;

    c = s->connection;
    tcp = (c->type == SOCK_STREAM);

    size = sizeof(wgw_flow_t) + mcf->meters->nelts * sizeof(wgw_meter_t);

    cln = ngx_pool_cleanup_add(c->pool, size);
    if (cln == NULL) {
        return NULL;
    }

    flow = cln->data;
    ngx_memzero(flow, size);

    wgw_flow_init(flow, tcp ? &ngx_stream_wgw_meter_tcp
                            : &ngx_stream_wgw_meter_udp,
                  s, c, c->pool);

    flow->tail = 1;
    flow->meters.elts = (wgw_meter_t *) &flow[1];
    flow->meters.log_level = mcf->log_level;
    flow->meters.variable = ngx_stream_wgw_meter_evaluate;

    meters = mcf->meters->elts;

    for (i = 0; i < mcf->meters->nelts; i++) {
        ngx_str_null(&key);

        if (meters[i].key_index != NGX_ERROR) {
            v = ngx_stream_get_flushed_variable(s, meters[i].key_index);

            if (v && !v->not_found) {
                key.data = v->data;
                key.len = v->len;
            }

        } else if (ngx_stream_complex_value(s, meters[i].key, &key)
                   != NGX_OK)
        {
            return NULL;
        }

        wgw_meters_push(&flow->meters, &meters[i], &key);
    }

    /* what a preread has taken; one that only peeks leaves nothing here */

    if (tcp && c->buffer) {
        flow->read = c->buffer->last - c->buffer->pos;
    }

    ngx_stream_set_ctx(s, flow, ngx_stream_wgw_meter_module);
    cln->handler = ngx_wgw_meter_cleanup;

    wgw_flow_start(flow, tcp);
    wgw_flow_admit(flow, flow->read, 0);

    return flow;
}


/*
 * 1 when the session is about to be handed over to an http listener: then it
 * is an http request's, and the route module says so in a variable.
 */

static ngx_uint_t
ngx_stream_wgw_meter_leaves(ngx_stream_session_t *s)
{
    ngx_variable_value_t              *v;
    ngx_stream_wgw_meter_main_conf_t  *mmcf;

    mmcf = ngx_stream_get_module_main_conf(s, ngx_stream_wgw_meter_module);

    if (mmcf->offload == NGX_ERROR) {
        return 0;
    }

    v = ngx_stream_get_flushed_variable(s, mmcf->offload);

    return v && !v->not_found && v->len == 1 && v->data[0] == '1';
}


static ngx_variable_value_t *
ngx_stream_wgw_meter_evaluate(void *data, ngx_uint_t index)
{
    return ngx_stream_get_flushed_variable(data, index);
}


static off_t
ngx_stream_wgw_meter_received(wgw_flow_t *flow)
{
    return flow->read;
}


static off_t
ngx_stream_wgw_meter_datagrams(wgw_flow_t *flow)
{
    ngx_stream_session_t  *s;

    s = flow->data;

    return s->received;
}


static ngx_uint_t
ngx_stream_wgw_meter_closable(wgw_flow_t *flow)
{
    return 1;
}


static ngx_int_t
ngx_stream_wgw_meter_variable(ngx_stream_session_t *s,
    ngx_stream_variable_value_t *v, uintptr_t data)
{
    return ngx_wgw_meter_variable(
               ngx_stream_get_module_ctx(s, ngx_stream_wgw_meter_module),
               s->connection->pool, v, data);
}


static ngx_int_t
ngx_stream_wgw_meter_add_variables(ngx_conf_t *cf)
{
    ngx_str_t               name;
    ngx_uint_t              i;
    ngx_stream_variable_t  *var;

    for (i = 0; ngx_wgw_meter_vars[i].name.len; i++) {
        name = ngx_wgw_meter_vars[i].name;

        var = ngx_stream_add_variable(cf, &name, NGX_STREAM_VAR_NOCACHEABLE);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = ngx_stream_wgw_meter_variable;
        var->data = ngx_wgw_meter_vars[i].what;
    }

    return NGX_OK;
}


static void *
ngx_stream_wgw_meter_create_main_conf(ngx_conf_t *cf)
{
    ngx_stream_wgw_meter_main_conf_t  *mmcf;

    mmcf = ngx_pcalloc(cf->pool, sizeof(ngx_stream_wgw_meter_main_conf_t));
    if (mmcf == NULL) {
        return NULL;
    }

    mmcf->offload = NGX_ERROR;

    return mmcf;
}


static void *
ngx_stream_wgw_meter_create_conf(ngx_conf_t *cf)
{
    ngx_stream_wgw_meter_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_stream_wgw_meter_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     mcf->handler = NULL;
     */

    mcf->meters = NGX_CONF_UNSET_PTR;
    mcf->log_level = NGX_CONF_UNSET_UINT;

    return mcf;
}


static char *
ngx_stream_wgw_meter_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_stream_wgw_meter_conf_t *prev = parent;
    ngx_stream_wgw_meter_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->meters, prev->meters, NULL);
    ngx_conf_merge_uint_value(conf->log_level, prev->log_level, NGX_LOG_ERR);

    return NGX_CONF_OK;
}


static char *
ngx_stream_wgw_meter(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_wgw_meter_conf_t *mcf = conf;

    return ngx_wgw_meter_parse(cf, &mcf->meters, &ngx_stream_wgw_meter_proto);
}


static ngx_int_t
ngx_stream_wgw_meter_index(ngx_conf_t *cf, ngx_str_t *name)
{
    return ngx_stream_get_variable_index(cf, name);
}


static void *
ngx_stream_wgw_meter_compile(ngx_conf_t *cf, ngx_str_t *value)
{
    ngx_stream_complex_value_t          *cv;
    ngx_stream_compile_complex_value_t   ccv;

    cv = ngx_palloc(cf->pool, sizeof(ngx_stream_complex_value_t));
    if (cv == NULL) {
        return NULL;
    }

    ngx_memzero(&ccv, sizeof(ngx_stream_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = value;
    ccv.complex_value = cv;

    return ngx_stream_compile_complex_value(&ccv) == NGX_OK ? cv : NULL;
}


/* An index for a variable that nobody defines would be a failure. */

static ngx_int_t
ngx_stream_wgw_meter_offload(ngx_conf_t *cf)
{
    ngx_str_t                     name;
    ngx_uint_t                    i;
    ngx_hash_key_t               *key;
    ngx_stream_core_main_conf_t  *cmcf;

    ngx_str_set(&name, "wgw_offload");

    cmcf = ngx_stream_conf_get_module_main_conf(cf, ngx_stream_core_module);
    key = cmcf->variables_keys->keys.elts;

    for (i = 0; i < cmcf->variables_keys->keys.nelts; i++) {
        if (key[i].key.len == name.len
            && ngx_strncmp(key[i].key.data, name.data, name.len) == 0)
        {
            return ngx_stream_get_variable_index(cf, &name);
        }
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_stream_wgw_meter_init(ngx_conf_t *cf)
{
    ngx_uint_t                          i, used;
    ngx_stream_core_srv_conf_t        **cscfp;
    ngx_stream_core_main_conf_t        *cmcf;
    ngx_stream_wgw_meter_conf_t        *mcf;
    ngx_stream_wgw_meter_main_conf_t   *mmcf;

    used = 0;

    cmcf = ngx_stream_conf_get_module_main_conf(cf, ngx_stream_core_module);
    cscfp = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {
        mcf = cscfp[i]->ctx->srv_conf[ngx_stream_wgw_meter_module.ctx_index];

        if (mcf->meters && mcf->meters->nelts) {
            mcf->handler = cscfp[i]->handler;
            cscfp[i]->handler = ngx_stream_wgw_meter_handler;

            used = 1;
        }
    }

    if (used) {
        mmcf = ngx_stream_conf_get_module_main_conf(cf,
                                                 ngx_stream_wgw_meter_module);
        mmcf->offload = ngx_stream_wgw_meter_offload(cf);
    }

    return NGX_OK;
}


#endif
