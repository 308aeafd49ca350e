
/*
 * The stream side of the meter.
 */

#include "meter/meter_vars.h"
#include "meter/pace.h"
#include "meter/stream_datagram.h"
#include "meter/stream_key.h"
#include "meter/stream_rate.h"

#include <ngx_stream.h>


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
static wgw_flow_t *ngx_stream_wgw_meter_create(ngx_stream_session_t *s,
    ngx_stream_wgw_meter_conf_t *mcf, ngx_uint_t n);
static ngx_int_t ngx_stream_wgw_meter_pace(ngx_stream_session_t *s,
    wgw_flow_t *flow);
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
static ngx_int_t ngx_stream_wgw_meter_offload(ngx_conf_t *cf);
static ngx_int_t ngx_stream_wgw_meter_refuse(ngx_stream_session_t *s);
static ngx_uint_t ngx_stream_wgw_meter_log_level(void **srv_conf);
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


static const ngx_stream_wgw_rate_meter_t  ngx_stream_wgw_meter_rates = {
    ngx_stream_wgw_meter_log_level,
    ngx_stream_wgw_meter_refuse
};


static const wgw_flow_class_t  ngx_stream_wgw_meter_tcp = {
    .received = ngx_stream_wgw_meter_received,
    .closable = ngx_stream_wgw_meter_closable
};


static const wgw_flow_class_t  ngx_stream_wgw_meter_udp = {
    .received = ngx_stream_wgw_meter_datagrams,
    .send_chain = ngx_stream_wgw_datagram_send_chain,
    .recv = ngx_stream_wgw_datagram_recv,
    .closable = ngx_stream_wgw_meter_closable
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
    ngx_str_t          key;
    ngx_uint_t         i, n, tcp;
    wgw_flow_t        *flow;
    wgw_meter_conf_t  *meters;

    tcp = (s->connection->type == SOCK_STREAM);
    n = mcf->meters ? mcf->meters->nelts : 0;

    flow = ngx_stream_wgw_meter_create(s, mcf, n);
    if (flow == NULL) {
        return NULL;
    }

    meters = n ? mcf->meters->elts : NULL;

    for (i = 0; i < n; i++) {
        if (ngx_stream_wgw_meter_key(s, meters[i].key_index, meters[i].key,
                                     &key)
            != NGX_OK)
        {
            return NULL;
        }

        wgw_meters_push(&flow->meters, &meters[i], &key);
    }

    wgw_flow_start(flow, 1);

    if (n) {
        (void) wgw_flow_admit(flow, flow->class->received(flow), 0, 0);
    }

    if (tcp && flow->meters.status != WGW_METER_REJECTED
        && ngx_stream_wgw_meter_pace(s, flow) != NGX_OK)
    {
        return NULL;
    }

    return flow;
}


/* A flow with room for `n` meters, which is not started. */

static wgw_flow_t *
ngx_stream_wgw_meter_create(ngx_stream_session_t *s,
    ngx_stream_wgw_meter_conf_t *mcf, ngx_uint_t n)
{
    ngx_uint_t         tcp;
    wgw_flow_t        *flow;
    ngx_connection_t  *c;

    c = s->connection;
    tcp = (c->type == SOCK_STREAM);

    flow = ngx_wgw_meter_create(c->pool, n);
    if (flow == NULL) {
        return NULL;
    }

    ngx_stream_set_ctx(s, flow, ngx_stream_wgw_meter_module);

    wgw_flow_init(flow, tcp ? &ngx_stream_wgw_meter_tcp
                            : &ngx_stream_wgw_meter_udp,
                  s, c, c->pool);

    flow->tail = 1;
    flow->meters.elts = (wgw_meter_t *) &flow[1];
    flow->meters.log_level = mcf->log_level;
    flow->meters.variable = ngx_stream_wgw_meter_evaluate;

    /* what a preread has taken; one that only peeks leaves nothing here */

    if (tcp && c->buffer) {
        flow->read = c->buffer->last - c->buffer->pos;
    }

    return flow;
}


/* Not attached: it may be before TLS, and is closed at once. */

static ngx_int_t
ngx_stream_wgw_meter_refuse(ngx_stream_session_t *s)
{
    wgw_flow_t                   *flow;
    ngx_stream_wgw_meter_conf_t  *mcf;

    mcf = ngx_stream_get_module_srv_conf(s, ngx_stream_wgw_meter_module);

    if (mcf->meters == NULL || mcf->meters->nelts == 0) {
        return NGX_OK;
    }

    flow = ngx_stream_wgw_meter_create(s, mcf, mcf->meters->nelts);
    if (flow == NULL) {
        return NGX_ERROR;
    }

    wgw_meters_reject(&flow->meters, mcf->meters->elts, mcf->meters->nelts);
    flow->requests = 1;

    wgw_flow_start(flow, 0);

    return NGX_OK;
}


static ngx_int_t
ngx_stream_wgw_meter_pace(ngx_stream_session_t *s, wgw_flow_t *flow)
{
    ngx_array_t  *rates;

    rates = ngx_stream_wgw_rates(s->srv_conf);

    if (wgw_rate_number(rates, 1) == 0) {
        return NGX_OK;
    }

    if (ngx_wgw_meter_pace(flow, rates, ngx_stream_wgw_meter_key, s,
                           flow->read)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    wgw_flow_owe(flow);

    return NGX_OK;
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


static ngx_uint_t
ngx_stream_wgw_meter_log_level(void **srv_conf)
{
    ngx_stream_wgw_meter_conf_t  *mcf;

    mcf = srv_conf[ngx_stream_wgw_meter_module.ctx_index];

    return mcf->log_level;
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
ngx_stream_wgw_meter_offload(ngx_conf_t *cf)
{
    ngx_str_t  name;

    ngx_str_set(&name, "wgw_offload");

    return ngx_stream_wgw_meter_proto.defined(cf, &name)
           ? ngx_stream_get_variable_index(cf, &name) : NGX_ERROR;
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

    ngx_stream_wgw_rate_meter(&ngx_stream_wgw_meter_rates);

    cmcf = ngx_stream_conf_get_module_main_conf(cf, ngx_stream_core_module);
    cscfp = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {
        mcf = cscfp[i]->ctx->srv_conf[ngx_stream_wgw_meter_module.ctx_index];

        /* from 1.27.1 on a server may have none, and ends its sessions */

        if (cscfp[i]->handler == NULL) {
            continue;
        }

        if ((mcf->meters && mcf->meters->nelts)
            || wgw_rate_number(ngx_stream_wgw_rates(cscfp[i]->ctx->srv_conf),
                               1))
        {
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
