
/*
 * The directives wgw_content, wgw_content_budget and wgw_claims_api.
 */

#include "claims/expiry.h"
#include "claims/http_content.h"
#include "core/endpoint.h"
#include "table/ration.h"


#define CONTENT_PUBLIC  100             /* requests a minute */


static void *ngx_http_wgw_content_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_wgw_content_create_conf(ngx_conf_t *cf);
static char *ngx_http_wgw_content_merge_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_wgw_content(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_wgw_content_needs(ngx_conf_t *cf,
    ngx_http_wgw_content_conf_t *ccf);
static char *ngx_http_wgw_content_param(ngx_conf_t *cf, ngx_str_t *value,
    ngx_uint_t first, ngx_http_wgw_content_conf_t *ccf);
static char *ngx_http_wgw_content_public(ngx_str_t *value,
    wgw_decision_conf_t *conf);
static char *ngx_http_wgw_content_rate(u_char *p, size_t len, uint32_t *n,
    wgw_window_t *window);
static char *ngx_http_wgw_content_budget(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_uint_t ngx_http_wgw_content_percent(ngx_str_t *value,
    ngx_int_t *percent);
static char *ngx_http_wgw_content_compile(ngx_conf_t *cf, ngx_str_t *value,
    size_t prefix, ngx_http_complex_value_t **cv);
static char *ngx_http_wgw_content_api(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_wgw_content_init(ngx_conf_t *cf);


static ngx_command_t  ngx_http_wgw_content_commands[] = {

    { ngx_string("wgw_content"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_ANY,
      ngx_http_wgw_content,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_content_budget"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE123,
      ngx_http_wgw_content_budget,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_claims_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_wgw_content_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_wgw_content_module_ctx = {
    ngx_http_wgw_content_add_variables,    /* preconfiguration */
    ngx_http_wgw_content_init,             /* postconfiguration */

    ngx_http_wgw_content_create_main_conf, /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_wgw_content_create_conf,      /* create location configuration */
    ngx_http_wgw_content_merge_conf        /* merge location configuration */
};


ngx_module_t  ngx_http_wgw_content_module = {
    NGX_MODULE_V1,
    &ngx_http_wgw_content_module_ctx,      /* module context */
    ngx_http_wgw_content_commands,         /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    wgw_expiry_load,                       /* init module */
    wgw_expiry_init,                       /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_wgw_content_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_wgw_content_main_conf_t  *main;

    main = ngx_pcalloc(cf->pool, sizeof(ngx_http_wgw_content_main_conf_t));

    if (main == NULL
        || ngx_array_init(&main->lookups, cf->pool, 4,
                          sizeof(wgw_claims_ask_t *))
           != NGX_OK)
    {
        return NULL;
    }

    return main;
}


static void *
ngx_http_wgw_content_create_conf(ngx_conf_t *cf)
{
    ngx_http_wgw_content_conf_t  *ccf;

    ccf = ngx_pcalloc(cf->pool, sizeof(ngx_http_wgw_content_conf_t));
    if (ccf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     ccf->api_hosts = NULL;
     *     ccf->key = NULL;
     *     ccf->limit = NULL;
     */

    ccf->enable = NGX_CONF_UNSET;

    return ccf;
}


static char *
ngx_http_wgw_content_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_wgw_content_conf_t *prev = parent;
    ngx_http_wgw_content_conf_t *conf = child;

    ngx_http_wgw_content_main_conf_t  *main;

    if (conf->enable == NGX_CONF_UNSET) {
        conf->enable = prev->enable;
        conf->key = prev->key;
        conf->limit = prev->limit;
        conf->decision = prev->decision;
    }

    main = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_wgw_content_module);

    if (main->budget.limit) {
        conf->decision.budget = &main->budget;
    }

    if (conf->enable == 1 && conf->decision.lookup) {
        conf->decision.lookup = wgw_claims_lookup_merge(cf, &main->lookups,
                                                 conf->decision.lookup);
        if (conf->decision.lookup == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    return wgw_endpoint_merge(cf, prev->api_hosts, &conf->api_hosts,
                              ngx_http_wgw_content_api_handler);
}


static char *
ngx_http_wgw_content(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_content_conf_t *ccf = conf;

    char                *rc;
    ngx_str_t           *value;
    ngx_uint_t           i;
    wgw_claims_ask_t   *lookup;

    if (ccf->enable != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        ccf->enable = 0;
        return NGX_CONF_OK;
    }

    lookup = wgw_claims_lookup_create(cf);
    if (lookup == NULL) {
        return NGX_CONF_ERROR;
    }

    ccf->enable = 1;
    ccf->decision.quota = CONTENT_PUBLIC;
    ccf->decision.window.kind = WGW_WINDOW_MINUTE;
    ccf->decision.window.reset_day = 1;
    ccf->decision.lookup = lookup;

    for (i = 1; i < cf->args->nelts; i++) {
        rc = ngx_http_wgw_content_param(cf, &value[i], i == 1, ccf);

        if (rc == NGX_CONF_ERROR) {
            return rc;
        }

        if (rc != NGX_CONF_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" %s", &value[i],
                               rc);
            return NGX_CONF_ERROR;
        }
    }

    if (lookup->location.len == 0) {

        if (wgw_claims_lookup_is_set(lookup)) {
            return "has \"fresh\", \"stale\" or \"queue\" without "
                   "\"lookup\"";
        }

        ccf->decision.lookup = NULL;
    }

    return ngx_http_wgw_content_needs(cf, ccf);
}


/* What else there has to be, for it. */

static char *
ngx_http_wgw_content_needs(ngx_conf_t *cf, ngx_http_wgw_content_conf_t *ccf)
{
    wgw_claims_t                      *claims;
    ngx_http_wgw_content_main_conf_t  *main;

    claims = wgw_claims_conf(cf->cycle);
    if (claims == NULL) {
        return NGX_CONF_ERROR;
    }

    claims->needed = 1;

    if (!ccf->decision.unlimited && !ccf->decision.required) {
        claims->counted = 1;
    }

    if (ccf->decision.lookup) {
        claims->counted = 1;
        claims->looked_up = 1;
    }

    main = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_wgw_content_module);
    main->enabled = 1;

    /* limits on bytes need flows */

    ngx_http_wgw_meter_enable(cf);

    return NGX_CONF_OK;
}


static char *
ngx_http_wgw_content_param(ngx_conf_t *cf, ngx_str_t *value,
    ngx_uint_t first, ngx_http_wgw_content_conf_t *ccf)
{
    if (ngx_strncmp(value->data, "public=", 7) == 0) {
        return ngx_http_wgw_content_public(value, &ccf->decision);
    }

    if (ngx_strncmp(value->data, "url=", 4) == 0) {
        return ngx_http_wgw_content_compile(cf, value, 4,
                                            &ccf->decision.url);
    }

    if (ngx_strncmp(value->data, "limit=", 6) == 0) {
        return ngx_http_wgw_content_compile(cf, value, 6, &ccf->limit);
    }

    if (wgw_claims_lookup_takes(value)) {
        return wgw_claims_lookup_param(value, ccf->decision.lookup);
    }

    if (ngx_strcmp(value->data, "required") == 0) {
        ccf->decision.required = 1;

    } else if (ngx_strcmp(value->data, "dry_run") == 0) {
        ccf->decision.dry_run = 1;

    } else if (first) {
        return ngx_http_wgw_content_compile(cf, value, 0, &ccf->key);

    } else {
        return "is not a parameter of \"wgw_content\"";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_wgw_content_public(ngx_str_t *value, wgw_decision_conf_t *conf)
{
    if (value->len == 10 && ngx_strncmp(value->data + 7, "off", 3) == 0) {
        conf->unlimited = 1;
        return NGX_CONF_OK;
    }

    return ngx_http_wgw_content_rate(value->data + 7, value->len - 7,
                                     &conf->quota, &conf->window);
}


/* Nr/m, Nr/h or Nr/d: so many in a window of the calendar */

static char *
ngx_http_wgw_content_rate(u_char *p, size_t len, uint32_t *number,
    wgw_window_t *window)
{
    ngx_int_t  n;

    if (len < 4 || p[len - 3] != 'r' || p[len - 2] != '/') {
        return "is no rate as \"100r/m\", \"100r/h\" or \"100r/d\"";
    }

    switch (p[len - 1]) {
    case 'm':
        window->kind = WGW_WINDOW_MINUTE;
        break;
    case 'h':
        window->kind = WGW_WINDOW_HOUR;
        break;
    case 'd':
        window->kind = WGW_WINDOW_DAY;
        break;
    default:
        return "is no rate as \"100r/m\", \"100r/h\" or \"100r/d\"";
    }

    n = ngx_atoi(p, len - 3);

    if (n == NGX_ERROR || n > (ngx_int_t) WGW_RATION_MAX) {
        return "is out of range";
    }

    window->reset_day = 1;
    *number = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_wgw_content_budget(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_content_main_conf_t *main = conf;

    char                   *rc;
    ngx_int_t               percent;
    ngx_str_t              *value;
    ngx_uint_t              i;
    wgw_claims_t           *claims;
    wgw_decision_budget_t  *budget;

    budget = &main->budget;

    if (budget->limit) {
        return "is duplicate";
    }

    value = cf->args->elts;
    rc = ngx_http_wgw_content_rate(value[1].data, value[1].len,
                                   &budget->limit, &budget->window);

    if (rc != NGX_CONF_OK || budget->limit == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" %s", &value[1],
                           rc ? rc : "is no budget");
        return NGX_CONF_ERROR;
    }

    percent = 80;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "hard") == 0) {
            budget->hard = 1;

        } else if (!ngx_http_wgw_content_percent(&value[i], &percent)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    budget->alarm = (uint32_t) (((uint64_t) budget->limit * percent + 99)
                                / 100);

    claims = wgw_claims_conf(cf->cycle);
    if (claims == NULL) {
        return NGX_CONF_ERROR;
    }

    claims->counted = 1;

    return NGX_CONF_OK;
}


/* alarm=N% */

static ngx_uint_t
ngx_http_wgw_content_percent(ngx_str_t *value, ngx_int_t *percent)
{
    if (value->len < 8 || ngx_strncmp(value->data, "alarm=", 6) != 0
        || value->data[value->len - 1] != '%')
    {
        return 0;
    }

    *percent = ngx_atoi(value->data + 6, value->len - 7);

    return *percent > 0 && *percent <= 100;
}


static char *
ngx_http_wgw_content_compile(ngx_conf_t *cf, ngx_str_t *value,
    size_t prefix, ngx_http_complex_value_t **cv)
{
    ngx_str_t                         text;
    ngx_http_compile_complex_value_t  ccv;

    if (*cv) {
        return "is duplicate";
    }

    *cv = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (*cv == NULL) {
        return NGX_CONF_ERROR;
    }

    text.data = value->data + prefix;
    text.len = value->len - prefix;

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &text;
    ccv.complex_value = *cv;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}


static char *
ngx_http_wgw_content_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_content_conf_t *ccf = conf;

    wgw_claims_t              *claims;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* an id is what follows the location's prefix */

    if (clcf->named
#if (NGX_PCRE)
        || clcf->regex
#endif
        )
    {
        return "cannot be in location given by regular expression, "
               "or inside named location";
    }

    claims = wgw_claims_conf(cf->cycle);
    if (claims == NULL) {
        return NGX_CONF_ERROR;
    }

    claims->needed = 1;

    return wgw_endpoint(cf, &ccf->api_hosts,
                        ngx_http_wgw_content_api_handler);
}


static ngx_int_t
ngx_http_wgw_content_init(ngx_conf_t *cf)
{
    ngx_http_wgw_content_main_conf_t  *main;

    main = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_wgw_content_module);

    if (!main->enabled) {
        return NGX_OK;
    }

    if (ngx_http_wgw_content_install(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return wgw_claims_lookup_init(cf, &main->lookups);
}
