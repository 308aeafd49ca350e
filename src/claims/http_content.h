
/*
 * http_content: the content that is asked for, and who pays for it or how it
 * is refused.
 *
 *     http_content.c          what is decided, and when
 *     http_content_asked.c    what is asked for
 *     http_content_refusal.c  what who is refused is told
 *     http_content_vars.c     the variables
 *     http_content_conf.c     the directives
 */

#ifndef WGW_HTTP_CONTENT_H
#define WGW_HTTP_CONTENT_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "claims/http_decision.h"

#pragma GCC visibility push(hidden)


typedef struct {
    ngx_array_t               *api_hosts;   /* NULL: no wgw_claims_api here */
    ngx_flag_t                 enable;
    ngx_http_complex_value_t  *key;         /* NULL: $wgw_cid */
    ngx_http_complex_value_t  *limit;       /* "0" blocks; or NULL */
    wgw_decision_conf_t        decision;
} ngx_http_wgw_content_conf_t;


typedef struct {
    ngx_uint_t                 enabled;
    wgw_decision_budget_t      budget;
    ngx_array_t                lookups;     /* wgw_claims_ask_t * */
} ngx_http_wgw_content_main_conf_t;


typedef struct {
    wgw_decision_t             decision;
    wgw_content_t             *content;     /* held */
    unsigned                   blocked:1;   /* by its operator */
    unsigned                   late:1;      /* no phase was to decide it */
} ngx_http_wgw_content_ctx_t;


extern ngx_module_t  ngx_http_wgw_content_module;

/* In postconfiguration: the phases and the filter. */
ngx_int_t ngx_http_wgw_content_install(ngx_conf_t *cf);

/* What was decided of the request, or NULL. */
ngx_http_wgw_content_ctx_t *ngx_http_wgw_content_ctx(ngx_http_request_t *r);

/*
 * 1 when the path names, as it came, what it does without dots, double
 * slashes and escapes: a backend gets the former, and may see another content.
 */
ngx_uint_t ngx_http_wgw_content_plain(ngx_http_request_t *r);

/*
 * The text that may be a CID, of the path or of the host; empty: there is
 * none.  Where the path has none that is one, the host may.
 */
wgw_text_t ngx_http_wgw_content_text(ngx_http_request_t *r,
    ngx_uint_t of_host);

/* Sends a refusal: what a handler of a phase returns. */
ngx_int_t ngx_http_wgw_content_refuse(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, ngx_http_wgw_content_ctx_t *ctx);

/* Its status, and its fields, for an answer that is not of our making. */
ngx_uint_t ngx_http_wgw_content_status(ngx_http_wgw_content_conf_t *ccf,
    ngx_http_wgw_content_ctx_t *ctx);
ngx_int_t ngx_http_wgw_content_headers(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, ngx_http_wgw_content_ctx_t *ctx);

ngx_int_t ngx_http_wgw_content_add_variables(ngx_conf_t *cf);

/* The content handler of `wgw_claims_api`. */
ngx_int_t ngx_http_wgw_content_api_handler(ngx_http_request_t *r);


#pragma GCC visibility pop

#endif /* WGW_HTTP_CONTENT_H */
