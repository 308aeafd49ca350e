
/*
 * The auth module: wallets sign in, and their requests bring a key.
 *
 * This is its core module, which owns what all workers share: the zones of
 * tokens and of rates, and the counters.  The http module is in
 * src/auth/http_auth.c.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <sys/mman.h>

#include "auth/auth_module.h"
#include "table/gcra.h"


#define NGX_WGW_AUTH_KEYS     65536
#define NGX_WGW_AUTH_REASONS  40
#define NGX_WGW_AUTH_MINUTE   UINT64_C(60000000000)


static void *ngx_wgw_auth_create_conf(ngx_cycle_t *cycle);
static char *ngx_wgw_auth_init_conf(ngx_cycle_t *cycle, void *conf);
static void ngx_wgw_auth_exit_process(ngx_cycle_t *cycle);
static char *ngx_wgw_auth_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_command_t  ngx_wgw_auth_commands[] = {

    { ngx_string("wgw_auth_zone"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_TAKE12,
      ngx_wgw_auth_zone,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_core_module_t  ngx_wgw_auth_module_ctx = {
    ngx_string("wgw_auth"),
    ngx_wgw_auth_create_conf,              /* create configuration */
    ngx_wgw_auth_init_conf                 /* init configuration */
};


ngx_module_t  ngx_wgw_auth_module = {
    NGX_MODULE_V1,
    &ngx_wgw_auth_module_ctx,              /* module context */
    ngx_wgw_auth_commands,                 /* module directives */
    NGX_CORE_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_wgw_auth_exit_process,             /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


const ngx_wgw_auth_reason_t  ngx_wgw_auth_reasons[] = {
    { "signed_in", 0 },
    { "rate", 0 },
    { "body", 0 },
    { "message", 0 },
    { "signature", 0 },
    { "signer", 0 },
    { "expired", 0 },
    { "not_yet", 0 },
    { "lifetime", 0 },
    { "domain", 0 },
    { "uri", 0 },
    { "chain", 0 },
    { "allowlist", 0 },
    { "service", 0 },
    { "replay", 0 },
    { "full", 0 },
    { "other", 0 },
    { "missing", 1 },
    { "repeated", 1 },
    { "malformed", 1 },
    { "algorithm", 1 },
    { "critical", 1 },
    { "signature", 1 },
    { "claims", 1 },
    { "no_exp", 1 },
    { "expired", 1 },
    { "not_yet", 1 },
    { "bare", 1 },
    { "service", 1 },
    { "revoked", 1 },
    { "exhausted", 1 },
    { "allowlist", 1 },
    { "method", 1 },
    { "other", 1 },
    { NULL, 0 }
};


_Static_assert(sizeof(ngx_wgw_auth_reasons) / sizeof(ngx_wgw_auth_reason_t)
               <= NGX_WGW_AUTH_REASONS, "each reason has a counter");


/* shared by the workers, kept over reloads */
static ngx_atomic_t  *ngx_wgw_auth_counters;

static wgw_eip191_t  *ngx_wgw_auth_curve;


static void *
ngx_wgw_auth_create_conf(ngx_cycle_t *cycle)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = ngx_pcalloc(cycle->pool, sizeof(ngx_wgw_auth_conf_t));
    if (acf == NULL) {
        return NULL;
    }

    acf->tokens.class = &wgw_zone_expiring;
    acf->tokens.expiring_conf.kind = WGW_EXPIRING_NOTES;
    acf->tokens.expiring_conf.keys = NGX_WGW_AUTH_KEYS;

    acf->rates.class = &wgw_zone_expiring;
    acf->rates.expiring_conf.kind = WGW_EXPIRING_RATES;
    acf->rates.expiring_conf.keys = NGX_WGW_AUTH_KEYS;

    ngx_str_set(&acf->rates.name, "wgw_auth_rate");

    return acf;
}


static char *
ngx_wgw_auth_init_conf(ngx_cycle_t *cycle, void *conf)
{
    ngx_wgw_auth_conf_t *acf = conf;

    size_t  size;

    if (!acf->used) {
        return NGX_CONF_OK;
    }

    if (acf->tokens.name.len == 0) {
        ngx_str_set(&acf->tokens.name, "wgw_auth_zone");
    }

    if (wgw_zone_open(cycle, &acf->tokens) != NGX_OK
        || wgw_zone_open(cycle, &acf->rates) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_wgw_auth_counters) {
        return NGX_CONF_OK;
    }

    size = NGX_WGW_AUTH_REASONS * sizeof(ngx_atomic_t);

    ngx_wgw_auth_counters = mmap(NULL, size, PROT_READ|PROT_WRITE,
                                 MAP_ANON|MAP_SHARED, -1, 0);

    if (ngx_wgw_auth_counters == MAP_FAILED) {
        ngx_wgw_auth_counters = NULL;

        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "mmap(%uz) failed", size);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static void
ngx_wgw_auth_exit_process(ngx_cycle_t *cycle)
{
    if (ngx_wgw_auth_curve) {
        wgw_eip191_destroy(ngx_wgw_auth_curve);
        ngx_wgw_auth_curve = NULL;
    }
}


static char *
ngx_wgw_auth_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_wgw_auth_conf_t *acf = conf;

    ngx_int_t    n;
    ngx_str_t   *value;
    ngx_uint_t   i, keys;

    if (acf->tokens.name.len) {
        return "is duplicate";
    }

    ngx_str_set(&acf->tokens.name, "wgw_auth_zone");
    acf->tokens.line = wgw_line(cf);

    value = cf->args->elts;
    keys = 0;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "file=", 5) == 0
            && value[i].len > 5
            && acf->tokens.file.len == 0)
        {
            acf->tokens.file.data = value[i].data + 5;
            acf->tokens.file.len = value[i].len - 5;

            if (ngx_conf_full_name(cf->cycle, &acf->tokens.file, 0)
                != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (ngx_strncmp(value[i].data, "keys=", 5) == 0 && keys == 0) {
            n = ngx_atoi(value[i].data + 5, value[i].len - 5);

            if (n < 1 || n > WGW_EXPIRING_KEYS_MAX) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "invalid number of keys \"%V\"",
                                   &value[i]);
                return NGX_CONF_ERROR;
            }

            keys = n;
            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                           &value[i]);
        return NGX_CONF_ERROR;
    }

    if (keys == 0) {
        return "needs \"keys=\"";
    }

    acf->tokens.expiring_conf.keys = keys;

    return NGX_CONF_OK;
}


wgw_expiring_t *
ngx_wgw_auth_tokens(void)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    return &acf->tokens.expiring;
}


time_t
ngx_wgw_auth_ttl(void)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    return acf->ttl;
}


time_t
ngx_wgw_auth_skew(void)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    return acf->skew;
}


time_t
ngx_wgw_auth_max_age(void)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    return acf->max_age;
}


ngx_uint_t
ngx_wgw_auth_admit(struct sockaddr *sockaddr, ngx_int_t rate, time_t *wait)
{
    size_t                len;
    u_char               *address, name[8 + 8];
    uint64_t              ns, spec;
    wgw_gcra_t            limit;
    struct timespec       now;
    wgw_expiring_key_t    key;
    ngx_wgw_auth_conf_t  *acf;

    /* a whole minute's at once: routers open all their sessions at start */

    if (rate == 0
        || wgw_gcra_init(&limit, rate, NGX_WGW_AUTH_MINUTE, rate - 1) != 0)
    {
        return 1;
    }

    switch (sockaddr->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        address = (u_char *) &((struct sockaddr_in6 *) sockaddr)->sin6_addr;
        len = 8;

        if (IN6_IS_ADDR_V4MAPPED((struct in6_addr *) address)) {
            address += 12;
            len = 4;
        }

        break;
#endif

    case AF_INET:
        address = (u_char *) &((struct sockaddr_in *) sockaddr)->sin_addr;
        len = 4;
        break;

    default:
        address = (u_char *) "";
        len = 0;
    }

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    /* endpoints of other rates do not count what is done at this one */

    spec = (uint64_t) rate;
    ngx_memcpy(name, &spec, 8);
    ngx_memcpy(name + 8, address, len);

    key = wgw_expiring_key(&acf->rates.expiring, name, 8 + len);

    clock_gettime(CLOCK_MONOTONIC, &now);

    if (wgw_gcra_take(&acf->rates.expiring, key, &limit,
                      (uint64_t) now.tv_sec * 1000000000 + now.tv_nsec, 1, 1,
                      &ns))
    {
        return 1;
    }

    *wait = ns / 1000000000 + 1;

    return 0;
}


wgw_eip191_t *
ngx_wgw_auth_eip191(void)
{
    if (ngx_wgw_auth_curve == NULL) {
        ngx_wgw_auth_curve = wgw_eip191_create();
    }

    return ngx_wgw_auth_curve;
}


void
ngx_wgw_auth_count(const char *word, ngx_uint_t request)
{
    ngx_uint_t                    i;
    const ngx_wgw_auth_reason_t  *reason;

    reason = ngx_wgw_auth_reasons;

    for (i = 0; reason[i + 1].word; i++) {
        if (reason[i].request == request
            && (ngx_strcmp(reason[i].word, word) == 0
                || ngx_strcmp(reason[i].word, "other") == 0))
        {
            break;
        }
    }

    (void) ngx_atomic_fetch_add(&ngx_wgw_auth_counters[i], 1);
}


ngx_atomic_uint_t
ngx_wgw_auth_counted(ngx_uint_t i)
{
    return ngx_wgw_auth_counters[i];
}


int64_t
ngx_wgw_auth_now(void)
{
    return ngx_time();
}
