
/*
 * fleet_conf: the directive `wgw_fleet`, in main:
 *
 *     wgw_fleet redis://HOST[:PORT][,HOST[:PORT]...][/DB] [node=NAME]
 *               [nodes=N] [prefix=wgw] [master=NAME] [user=NAME]
 *               [password_file=FILE] [tls] [tls_ca=FILE] [tls_name=NAME]
 *               [tls_certificate=FILE tls_key=FILE] [tls_verify=off]
 *
 * `rediss://` is `tls`.  The hosts are those of one Redis or Valkey, of which
 * the one is taken that is a master; or some of a cluster; or, with master=,
 * Sentinels that know of a master of that name.
 *
 * Each .so that takes part has the directive, and an agent of its own, for
 * its own zones: they share no symbols.  nginx gives a directive to the first
 * module that has it, which therefore hands it on to the next.
 */

#ifndef WGW_FLEET_CONF_H
#define WGW_FLEET_CONF_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_FLEET_NAME    63
#define WGW_FLEET_PREFIX  32
#define WGW_FLEET_SECRET  512
#define WGW_FLEET_HOSTS   32
#define WGW_FLEET_NODES   1024
#define WGW_FLEET_PORT    6379
#define WGW_FLEET_SENTINEL_PORT  26379


typedef struct {
    ngx_str_t            host;      /* with a zero */
    in_port_t            port;
} wgw_fleet_host_t;


typedef struct wgw_fleet_s  wgw_fleet_t;

/* Called once in the agent's process; see agent.h. */
typedef void (*wgw_fleet_start_pt)(wgw_fleet_t *fleet, void *data);


typedef struct {
    wgw_fleet_start_pt   start;
    void                *data;
} wgw_fleet_user_t;


struct wgw_fleet_s {
    ngx_array_t          hosts;     /* of wgw_fleet_host_t */
    ngx_array_t          users;     /* of wgw_fleet_user_t */
    ngx_str_t            node;
    ngx_str_t            prefix;
    ngx_str_t            master;    /* hosts are Sentinels; or empty */
    ngx_str_t            user;
    ngx_str_t            password;  /* empty: none */
    ngx_uint_t           db;
    ngx_uint_t           nodes;     /* the most there will be */

    ngx_uint_t           tls;
    ngx_uint_t           unverified;
    ngx_str_t            ca;
    ngx_str_t            name;      /* of the certificate; empty: the host's */
    ngx_str_t            certificate;
    ngx_str_t            key;
#if (NGX_SSL)
    ngx_ssl_t           *ssl;
#endif

    ngx_path_t           path;      /* for nginx's helper process */
    void                *agent;     /* in that process */
    void                *lender;    /* the same */
    uint64_t            *alive;     /* of wgw_fleet_count(), or NULL */
};


/* For parts that do not know nginx; the bytes stay where they are. */

static inline wgw_text_t
wgw_fleet_text(const ngx_str_t *string)
{
    wgw_text_t  text = { (const char *) string->data, string->len };

    return text;
}


/*
 * `cmd->offset` is where the module's configuration has its wgw_fleet_t *,
 * NULL before.
 */
char *wgw_fleet_parse(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Where the agent is to say how many nodes live, for workers: the most there
 * will be, before it knows; the second word is then 0.
 */
void wgw_fleet_count(void *fleet, uint64_t alive[2]);


#pragma GCC visibility pop

#endif /* WGW_FLEET_CONF_H */
