
/*
 * auth_module: the nginx modules that make up the auth module, for each
 * other.  The http one has the directives (their levels: http_auth_merge.c);
 * its handlers are in http_signin.c (the endpoint), http_auth_check.c (what a
 * request needs), http_auth_live.c (how long), http_auth_rpc.c (which methods
 * it may call) and http_auth_api.c (management).
 */

#ifndef WGW_AUTH_MODULE_H
#define WGW_AUTH_MODULE_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "auth/allowlist.h"
#include "core/board.h"
#include "core/context.h"
#include "core/line.h"
#include "core/sweep.h"
#include "crypto/eip191.h"
#include "auth/jwt.h"
#include "auth/origin.h"
#include "auth/tokens.h"
#include "table/zone.h"
#include "auth/auth_state.h"

#pragma GCC visibility push(hidden)


#define NGX_HTTP_WGW_AUTH_SERVICES  WGW_JWT_AUD     /* of one token */
#define NGX_HTTP_WGW_AUTH_SERVICE   64              /* bytes of a name */
#define NGX_HTTP_WGW_AUTH_BUFFER    640             /* of most tokens */


/* A file of addresses, read again when it changes. */
typedef struct {
    ngx_str_t                 name;
    wgw_allowlist_t           list;
    uint64_t                  digest;       /* of the list */
    wgw_board_t              *board;        /* of all workers, the last good */
    time_t                    checked;
    time_t                    mtime;
    struct timespec           ctime;
    off_t                     size;
    ngx_file_uniq_t           uniq;
    ngx_uint_t                bad;          /* that one, or there is none */
} ngx_http_wgw_auth_file_t;


/* One `wgw_auth_allow`. */
typedef struct {
    ngx_http_wgw_auth_file_t *file;         /* NULL: ... */
    ngx_uint_t                any;
    uint8_t                   address[WGW_EIP55_BYTES];
    ngx_str_t                *services;     /* any where there are none */
    ngx_uint_t                nservices;
} ngx_http_wgw_auth_rule_t;


typedef struct {
    ngx_array_t              *rules;        /* of ngx_http_wgw_auth_rule_t */
    ngx_array_t              *keys;         /* of wgw_jwt_key_t */
    ngx_array_t              *uris;         /* of wgw_origin_t; empty: any */
    ngx_array_t              *names;        /* instead of uris: wgw_origin_t */
    ngx_array_t              *domains;      /* the same */
    ngx_array_t              *chains;       /* of uint64_t; empty: any */
    ngx_array_t              *cors;         /* of ngx_str_t */

    time_t                    skew;
    time_t                    ttl;
    time_t                    max_age;
    ngx_int_t                 uses;         /* 0: any number */
    ngx_int_t                 rate;         /* a minute; 0: any */
    ngx_int_t                 wallet_rate;
    ngx_int_t                 wallet_keys;  /* 0: any */
    ngx_flag_t                lenient;
    ngx_flag_t                expiration;
    ngx_flag_t                bare;
    ngx_flag_t                recheck;
    ngx_flag_t                pass;
    ngx_open_file_t          *log;

    ngx_flag_t                enable;       /* wgw_auth */
    wgw_line_t                line;         /* of that, or the endpoint */
    ngx_str_t                 service;      /* empty: any valid key */
    ngx_array_t              *signin;       /* of ngx_str_t: services */
    ngx_array_t              *api_hosts;

    ngx_array_t              *allow;        /* of wgw_text_t: methods */
    ngx_array_t              *deny;
    size_t                    body;
} ngx_http_wgw_auth_conf_t;


/* Who asks; one for a request and its subrequests and redirects. */
typedef struct {
    wgw_context_t             context;
    ngx_http_wgw_auth_conf_t *conf;         /* it was checked for */
    ngx_uint_t                status;       /* 0: good; 400, 401, 403, 500 */
    const char               *reason;       /* a word */
    const char               *phrase;       /* after "the api key" */

    ngx_str_t                 token;        /* in the request's header */
    char                     *buffer;       /* its texts; wiped at the end */
    size_t                    size;

    ngx_str_t                 address;      /* as text */
    ngx_str_t                 service;
    ngx_str_t                 id;           /* as text */
    uint8_t                   token_id[WGW_TOKENS_ID];
    int64_t                   expires;

    ngx_http_wgw_auth_conf_t *cors;         /* of the last that has some */

    wgw_swept_t               swept;        /* while it goes on, ... */
    ngx_http_request_t       *request;      /* ... to end this, ... */
    int64_t                   iat;          /* ... when the key does */
    uint8_t                   wallet[WGW_EIP55_BYTES];

    wgw_text_t                body;         /* for its methods */

    unsigned                  preflight:1;  /* is answered */
    unsigned                  counted:1;    /* it has a number of uses */
    unsigned                  used:1;       /* of these, one */
    unsigned                  spent:1;      /* there was none left, ... */
    unsigned                  later:1;      /* ... but may be in a second */
    unsigned                  read:1;       /* the body, for its methods */
    unsigned                  long_body:1;  /* it was, too long for that */

    char                      own[NGX_HTTP_WGW_AUTH_BUFFER];  /* not zeroed */
} ngx_http_wgw_auth_ctx_t;


extern ngx_module_t  ngx_http_wgw_auth_module;


/* The request's, or NULL; and a new one, or NULL without memory. */
ngx_http_wgw_auth_ctx_t *ngx_http_wgw_auth_find_ctx(ngx_http_request_t *r);
ngx_http_wgw_auth_ctx_t *ngx_http_wgw_auth_create_ctx(ngx_http_request_t *r);

/* It goes on for as long as its key is good: see http_auth_live.c. */
void ngx_http_wgw_auth_watch(ngx_http_request_t *r,
    ngx_http_wgw_auth_ctx_t *ctx);

/* Works out who asks, once for each location that has `wgw_auth`. */
ngx_http_wgw_auth_ctx_t *ngx_http_wgw_auth_check(ngx_http_request_t *r);

/* 1 when the administrator has a page for that status. */
ngx_uint_t ngx_http_wgw_auth_paged(ngx_http_request_t *r,
    ngx_uint_t status);

/* 1 when an address may use a service; without one: any. */
ngx_uint_t ngx_http_wgw_auth_allowed(ngx_http_wgw_auth_conf_t *conf,
    const uint8_t address[WGW_EIP55_BYTES], ngx_str_t *service,
    ngx_log_t *log);

/*
 * Reads a file of addresses if it changed, at most once a second.  Returns
 * NGX_ERROR, logged, when it could not; then the list is as it was, or as it
 * was read by any worker since.
 */
ngx_int_t ngx_http_wgw_auth_load(ngx_http_wgw_auth_file_t *file,
    ngx_uint_t level, ngx_log_t *log);

/* 1 when a rule is about the address. */
ngx_uint_t ngx_http_wgw_auth_matches(ngx_http_wgw_auth_rule_t *rule,
    const uint8_t address[WGW_EIP55_BYTES], ngx_log_t *log);

/* Cross-origin requests: preflights, and a filter of responses' headers. */
ngx_int_t ngx_http_wgw_auth_cors_handler(ngx_http_request_t *r);
void ngx_http_wgw_auth_cors_init(void);

/* Levels. */
void *ngx_http_wgw_auth_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_wgw_auth_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);

/* Of directives with a time: what it may be. */
extern ngx_conf_post_t  ngx_http_wgw_auth_ttl_post;
extern ngx_conf_post_t  ngx_http_wgw_auth_age_post;
extern ngx_conf_post_t  ngx_http_wgw_auth_skew_post;

/* Directives.  The first one says whether a name is one of a service. */
char *ngx_http_wgw_auth_service(ngx_conf_t *cf, ngx_str_t *name);
char *ngx_http_wgw_auth_allow(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_wgw_auth_secret(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_wgw_auth_origins(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_wgw_auth_chain(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_wgw_auth_rate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_wgw_auth_wallet_keys(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_wgw_auth_origins_allowed(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
char *ngx_http_wgw_auth_methods(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

ngx_int_t ngx_http_wgw_auth_access_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_wgw_auth_rpc_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_wgw_auth_signin_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_wgw_auth_api_handler(ngx_http_request_t *r);


#pragma GCC visibility pop

#endif /* WGW_AUTH_MODULE_H */
