
/*
 * The route module: names to backends, at run time.
 *
 * This is its core module, which owns the store of names that http and stream
 * share; they are in src/route/http_route.c and src/route/stream_route.c.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <sys/mman.h>

#include "route/balancer.h"
#include "route/certs.h"
#include "route/certs_own.h"
#include "route/health.h"
#include "route/hop.h"
#include "route/lookup.h"
#include "core/place.h"
#include "fleet/agent.h"
#include "fleet/herald.h"
#include "format/name.h"
#include "names/names_api.h"
#include "names/rows.h"
#include "route/route.h"
#include "store/make.h"
#include "store/store.h"
#include "route/turn.h"
#include "store/writer.h"
#if (NGX_WGW_STREAM)
#include "route/stream_port.h"
#endif


static void *ngx_wgw_route_create_conf(ngx_cycle_t *cycle);
static char *ngx_wgw_route_init_conf(ngx_cycle_t *cycle, void *conf);
static char *ngx_wgw_route_check_ports(ngx_cycle_t *cycle,
    wgw_names_t *names);
#if (NGX_HAVE_UNIX_DOMAIN)
static void ngx_wgw_route_free_sockets(ngx_cycle_t *cycle);
static ngx_uint_t ngx_wgw_route_stale(ngx_cycle_t *cycle,
    ngx_listening_t *ls);
static u_char *ngx_wgw_route_path(ngx_listening_t *ls);
#endif
static char *ngx_wgw_route_init_store(ngx_cycle_t *cycle,
    wgw_names_t *names);
static ngx_int_t ngx_wgw_route_init_hints(ngx_cycle_t *cycle,
    wgw_names_t *names);
static void ngx_wgw_route_free_hints(void *data);
static char *ngx_wgw_route_init_certs(ngx_cycle_t *cycle,
    wgw_names_t *names);
static char *ngx_wgw_route_init_fleet(ngx_cycle_t *cycle,
    wgw_names_t *names);
static void ngx_wgw_route_followed(void *followed, wgw_out_t *out);
static ngx_int_t ngx_wgw_route_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_wgw_route_init_process(ngx_cycle_t *cycle);
static void ngx_wgw_route_exit_process(ngx_cycle_t *cycle);
static char *ngx_wgw_certs(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_wgw_names(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_wgw_names_option(ngx_conf_t *cf, ngx_str_t *value,
    wgw_names_t *names);
static char *ngx_wgw_names_address(ngx_conf_t *cf, ngx_str_t *value,
    wgw_names_t *names);


static ngx_command_t  ngx_wgw_route_commands[] = {

    { ngx_string("wgw_names"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_1MORE,
      ngx_wgw_names,
      0,
      0,
      NULL },

    { ngx_string("wgw_fleet"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_1MORE,
      wgw_fleet_parse,
      0,
      offsetof(wgw_names_t, fleet),
      NULL },

    { ngx_string("wgw_certs"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_TAKE1,
      ngx_wgw_certs,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_core_module_t  ngx_wgw_route_module_ctx = {
    ngx_string("wgw_route"),
    ngx_wgw_route_create_conf,             /* create configuration */
    ngx_wgw_route_init_conf                /* init configuration */
};


ngx_module_t  ngx_wgw_route_module = {
    NGX_MODULE_V1,
    &ngx_wgw_route_module_ctx,             /* module context */
    ngx_wgw_route_commands,                /* module directives */
    NGX_CORE_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_wgw_route_init_module,             /* init module */
    ngx_wgw_route_init_process,            /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_wgw_route_exit_process,            /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* shared by the workers, kept over reloads */
static wgw_health_t  *ngx_wgw_route_health;


static void *
ngx_wgw_route_create_conf(ngx_cycle_t *cycle)
{
    wgw_names_t  *names;

    names = ngx_pcalloc(cycle->pool, sizeof(wgw_names_t));
    if (names == NULL) {
        return NULL;
    }

    if (ngx_array_init(&names->offload, cycle->pool, 2, sizeof(void *))
        != NGX_OK)
    {
        return NULL;
    }

    names->rules.domain.data = names->domain;

    return names;
}


/*
 * All is checked and made here rather than in init_module, where a failure
 * would end a running master.  The whole configuration has been read.
 */

static char *
ngx_wgw_route_init_conf(ngx_cycle_t *cycle, void *conf)
{
    wgw_names_t *names = conf;

    if (ngx_wgw_route_init_certs(cycle, names) != NGX_CONF_OK
        || ngx_wgw_route_init_fleet(cycle, names) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (names->path.len == 0) {

        if (names->user) {
            return wgw_line_error(cycle->log, &names->used, 0,
                                  "no \"wgw_names\" directive in "
                                  "configuration for \"%s\"", names->user);
        }

        return NGX_CONF_OK;
    }

    if (ngx_wgw_route_check_ports(cycle, names) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

#if (NGX_HAVE_UNIX_DOMAIN)
    if (!ngx_test_config && ngx_process != NGX_PROCESS_SIGNALLER) {
        ngx_wgw_route_free_sockets(cycle);
    }
#endif

    return ngx_wgw_route_init_store(cycle, names);
}


static char *
ngx_wgw_route_check_ports(ngx_cycle_t *cycle, wgw_names_t *names)
{
#if (NGX_WGW_STREAM)

    char              *error;
    ngx_uint_t         i;
    wgw_offload_t    **offload;
    ngx_event_conf_t  *ecf;

    /* bytes that are peeked at stay: level-triggered events would spin */

    ecf = ngx_event_get_conf(cycle->conf_ctx, ngx_event_core_module);

    if (names->peeks.number
        && ngx_strcmp(ecf->name, "epoll") != 0
        && ngx_strcmp(ecf->name, "kqueue") != 0)
    {
        return wgw_line_error(cycle->log, &names->peeks, 0,
                              "\"wgw_route\" in stream needs the event method "
                              "\"epoll\" or \"kqueue\", not \"%s\"",
                              ecf->name);
    }

    offload = names->offload.elts;

    for (i = 0; i < names->offload.nelts; i++) {
        error = wgw_port_check(cycle, offload[i]);

        if (error) {
            return wgw_line_error(cycle->log, &offload[i]->line, 0,
                                  "\"offload=%V\" %s",
                                  &offload[i]->addr.name, error);
        }
    }

#endif

    return NGX_CONF_OK;
}


#if (NGX_HAVE_UNIX_DOMAIN)

/*
 * A killed master leaves its unix sockets behind, and nginx does not start
 * while they are there.  None has been opened for this cycle yet.
 */

static void
ngx_wgw_route_free_sockets(ngx_cycle_t *cycle)
{
    u_char           *path;
    ngx_uint_t        i;
    ngx_listening_t  *ls;

    ls = cycle->listening.elts;

    for (i = 0; i < cycle->listening.nelts; i++) {

        if (ls[i].sockaddr->sa_family != AF_UNIX
            || !ngx_wgw_route_stale(cycle, &ls[i]))
        {
            continue;
        }

        path = ngx_wgw_route_path(&ls[i]);

        if (ngx_delete_file(path) == NGX_FILE_ERROR) {
            ngx_log_error(NGX_LOG_ERR, cycle->log, ngx_errno,
                          ngx_delete_file_n " \"%s\" failed", path);
            continue;
        }

        ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                      "removed \"%s\", where nobody listened", path);
    }
}


/* A socket that is there, not ours already, and refuses. */

static ngx_uint_t
ngx_wgw_route_stale(ngx_cycle_t *cycle, ngx_listening_t *ls)
{
    int               rc;
    ngx_err_t         err;
    ngx_uint_t        i;
    ngx_socket_t      s;
    ngx_listening_t  *old;
    ngx_file_info_t   fi;

    old = cycle->old_cycle->listening.elts;

    for (i = 0; i < cycle->old_cycle->listening.nelts; i++) {
        if (old[i].sockaddr
            && ngx_cmp_sockaddr(old[i].sockaddr, old[i].socklen,
                                ls->sockaddr, ls->socklen, 1)
               == NGX_OK)
        {
            return 0;
        }
    }

    /* whatever is no socket refuses as well, and is somebody's file */

    if (ngx_link_info(ngx_wgw_route_path(ls), &fi) == NGX_FILE_ERROR
        || !S_ISSOCK(fi.st_mode))
    {
        return 0;
    }

    s = ngx_socket(AF_UNIX, ls->type, 0);
    if (s == (ngx_socket_t) -1) {
        return 0;
    }

    /* it never waits: a full queue is somebody's, too */

    rc = ngx_nonblocking(s) == -1 ? 0
                                  : connect(s, ls->sockaddr, ls->socklen);
    err = ngx_socket_errno;

    ngx_close_socket(s);

    return rc == -1 && err == NGX_ECONNREFUSED;
}


static u_char *
ngx_wgw_route_path(ngx_listening_t *ls)
{
    struct sockaddr_un  *saun;

    saun = (struct sockaddr_un *) ls->sockaddr;

    return (u_char *) saun->sun_path;
}

#endif


static char *
ngx_wgw_route_init_store(ngx_cycle_t *cycle, wgw_names_t *names)
{
    char               *path;
    wgw_store_rc_t      rc;
    ngx_core_conf_t    *ccf;
    wgw_store_error_t   error;

    path = (char *) names->path.data;

    if (ngx_test_config || ngx_process == NGX_PROCESS_SIGNALLER) {
        rc = wgw_store_check(&wgw_rows_class, path, &error);

    } else {
        ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                               ngx_core_module);

        rc = wgw_store_create(&wgw_rows_class, path, ccf->user, ccf->group,
                              &error);
    }

    if (rc != WGW_STORE_OK) {
        return wgw_line_error(cycle->log, &names->line, 0,
                              "names \"%V\": %s", &names->path, error.text);
    }

    if (!ngx_test_config
        && ngx_process != NGX_PROCESS_SIGNALLER
        && ngx_wgw_route_init_hints(cycle, names) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_wgw_route_health == NULL) {
        ngx_wgw_route_health = mmap(NULL, sizeof(wgw_health_t),
                                    PROT_READ|PROT_WRITE,
                                    MAP_ANON|MAP_SHARED, -1, 0);

        if (ngx_wgw_route_health == MAP_FAILED) {
            ngx_wgw_route_health = NULL;

            ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                          "mmap(%uz) failed", sizeof(wgw_health_t));
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/*
 * New ones for each configuration, gone with it.  Names are found without, too.
 */

static ngx_int_t
ngx_wgw_route_init_hints(ngx_cycle_t *cycle, wgw_names_t *names)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cycle->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    names->hints = wgw_hints_create();

    if (names->hints == NULL) {
        ngx_log_error(NGX_LOG_WARN, cycle->log, ngx_errno,
                      "no memory for hints where names are: each is searched "
                      "in the store");
        return NGX_OK;
    }

    cln->handler = ngx_wgw_route_free_hints;
    cln->data = names->hints;

    return NGX_OK;
}


static void
ngx_wgw_route_free_hints(void *data)
{
    wgw_hints_destroy(data);
}


/* A certificate for those that have none is made here. */

static char *
ngx_wgw_route_init_certs(ngx_cycle_t *cycle, wgw_names_t *names)
{
    int               rc;
    const char       *error;
    ngx_core_conf_t  *ccf;

    if (names->certs.len == 0) {

        if (names->certs_api.number) {
            return wgw_line_error(cycle->log, &names->certs_api, 0,
                                  "no \"wgw_certs\" directive in "
                                  "configuration for \"wgw_certs_api\"");
        }

        if (names->certs_variable.len) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                          "no \"wgw_certs\" directive in configuration for "
                          "\"$%V\"", &names->certs_variable);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (ngx_test_config || ngx_process == NGX_PROCESS_SIGNALLER) {
        rc = wgw_place_directory((char *) names->certs.data, geteuid(),
                                 getegid(), &error);
    } else {
        rc = wgw_certs_own((char *) names->certs.data, names->rules.domain,
                           geteuid() == 0 ? ccf->group : (gid_t) -1, &error);
    }

    if (rc != 0) {
        return wgw_line_error(cycle->log, &names->certs_line, errno,
                              "certificates \"%V\" %s", &names->certs,
                              error);
    }

    return NGX_CONF_OK;
}


/* What this gateway is called, and whose names it has. */

static char *
ngx_wgw_route_init_fleet(ngx_cycle_t *cycle, wgw_names_t *names)
{
    wgw_fleet_t  *fleet;

    fleet = names->fleet;

    names->rules.node = fleet ? wgw_fleet_text(&fleet->node)
                              : wgw_fleet_text(&cycle->hostname);

    if (names->followed == NULL) {
        return NGX_CONF_OK;
    }

    if (fleet == NULL) {
        return wgw_line_error(cycle->log, &names->line, 0,
                              "\"wgw_names\" has \"follow\", and there is no "
                              "\"wgw_fleet\"");
    }

    names->rules.shared = 1;
    names->numbers = ngx_wgw_route_followed;

    return wgw_herald_serve(cycle, fleet, (char *) names->path.data,
                            wgw_lookup_store, &names->rules, names->followed)
           == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static void
ngx_wgw_route_followed(void *followed, wgw_out_t *out)
{
    wgw_herald_numbers(followed, wgw_lookup_store(ngx_cycle->log), out);
}


static ngx_int_t
ngx_wgw_route_init_module(ngx_cycle_t *cycle)
{
    wgw_names_t     *names;
#if (NGX_WGW_STREAM)
    ngx_uint_t       i;
    wgw_offload_t  **offload;
#endif

    names = (wgw_names_t *) ngx_get_conf(cycle->conf_ctx,
                                         ngx_wgw_route_module);

#if (NGX_WGW_STREAM)

    offload = names->offload.elts;

    for (i = 0; i < names->offload.nelts; i++) {
        wgw_port_find(cycle, offload[i]);
    }

#endif

    if (wgw_hop_init(cycle->log) != NGX_OK
        || wgw_routes_init(names->rules.node, cycle->log) != NGX_OK
        || wgw_agent_init_module(cycle, names->fleet) != NGX_OK)
    {
        return NGX_ERROR;
    }

    wgw_lookup_init(names);
    wgw_turn_init(ngx_wgw_route_health);
    wgw_balancer_init(ngx_http_wgw_route_lookup);
    wgw_names_api_init(wgw_lookup_store, &names->rules, wgw_turn_failures);

    return NGX_OK;
}


static ngx_int_t
ngx_wgw_route_init_process(ngx_cycle_t *cycle)
{
    wgw_names_t  *names;

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    names = wgw_lookup_names();

    if (names->path.len) {
        (void) wgw_lookup_store(cycle->log);
    }

    /* the directory is of who keeps it, and is not ours to give away */

    if (names->certs.len && !wgw_certs_reach((char *) names->certs.data)) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                      "certificates \"%V\" are not readable for the workers' "
                      "user: no handshake will have one", &names->certs);
    }

    return wgw_agent_init_process(cycle, names->fleet);
}


static void
ngx_wgw_route_exit_process(ngx_cycle_t *cycle)
{
    wgw_writer_exit();
    wgw_routes_clear();
    wgw_store_close();
}


static char *
ngx_wgw_certs(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    wgw_names_t *names = conf;

    ngx_str_t  *value;

    if (names->certs.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    names->certs = value[1];
    names->certs_line = wgw_line(cf);

    if (names->certs.len == 0
        || ngx_conf_full_name(cf->cycle, &names->certs, 0) != NGX_OK
        || names->certs.len > WGW_CERTS_DIR - 1)
    {
        return "has an invalid path";
    }

    return NGX_CONF_OK;
}


static char *
ngx_wgw_names(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    wgw_names_t *names = conf;

    char        *rv;
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (names->path.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    names->path = value[1];
    names->line = wgw_line(cf);

    if (names->path.len == 0
        || ngx_conf_full_name(cf->cycle, &names->path, 0) != NGX_OK)
    {
        return "has an invalid path";
    }

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_wgw_names_option(cf, &value[i], names);

        if (rv != NGX_CONF_OK) {
            if (rv != NGX_CONF_ERROR) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" %s",
                                   &value[i], rv);
            }

            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_wgw_names_option(ngx_conf_t *cf, ngx_str_t *value,
    wgw_names_t *names)
{
    ngx_str_t    sync;
    const char  *error;
    wgw_text_t   text;

    if (ngx_strncmp(value->data, "domain=", 7) == 0) {
        text.data = (char *) value->data + 7;
        text.len = value->len - 7;

        names->rules.domain.len = wgw_name_parse(names->domain, text,
                                               wgw_text(""), &error);

        if (names->rules.domain.len && names->domain[0] == '*') {
            return "must not be a wildcard";
        }

        return names->rules.domain.len ? NGX_CONF_OK : (char *) error;
    }

    if (ngx_strncmp(value->data, "address=", 8) == 0) {
        return ngx_wgw_names_address(cf, value, names);
    }

    if (ngx_strcmp(value->data, "allow_loopback") == 0) {
        names->rules.allow_loopback = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value->data, "follow") == 0) {
        if (names->followed == NULL) {
            names->followed = wgw_herald_create(cf);
        }

        return names->followed ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (ngx_strncmp(value->data, "sync=", 5) != 0) {
        return "is not a parameter of \"wgw_names\"";
    }

    sync.data = value->data + 5;

    if (ngx_strcmp(sync.data, "on") == 0) {
        names->sync = WGW_STORE_SYNC_ON;

    } else if (ngx_strcmp(sync.data, "meta") == 0) {
        names->sync = WGW_STORE_SYNC_META;

    } else if (ngx_strcmp(sync.data, "off") == 0) {
        names->sync = WGW_STORE_SYNC_OFF;

    } else {
        return "must be \"on\", \"meta\" or \"off\"";
    }

    return NGX_CONF_OK;
}


static char *
ngx_wgw_names_address(ngx_conf_t *cf, ngx_str_t *value,
    wgw_names_t *names)
{
    size_t       n;
    wgw_addr_t   addr, *own;
    wgw_text_t   text;

    text.data = (char *) value->data + 8;
    text.len = value->len - 8;

    if (wgw_addr_parse(&addr, text) != 0) {
        return "is not an IP address";
    }

    n = names->rules.nown;

    own = ngx_palloc(cf->pool, (n + 1) * sizeof(wgw_addr_t));
    if (own == NULL) {
        return NGX_CONF_ERROR;
    }

    if (n) {
        ngx_memcpy(own, names->rules.own, n * sizeof(wgw_addr_t));
    }

    own[n] = addr;

    names->rules.own = own;
    names->rules.nown = n + 1;

    return NGX_CONF_OK;
}
