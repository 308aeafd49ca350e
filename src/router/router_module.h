
/*
 * router_module: what the parts of the DIN router that are nginx's side of it
 * share: its configuration, and the module that this is found by.
 *
 * A request goes through the phases up to the module's handler in PRECONTENT,
 * which chooses a provider, waits for a session with it, and sets its
 * headers; what follows is nginx's proxy.  When the provider cannot be
 * reached, or its answer is one that another may do better, the attempt is
 * given up and the phases run anew from that handler on.  From the top down:
 *
 *     http_router              directives, variables, start
 *     http_router_handler      the handler of PRECONTENT
 *     http_router_peer         the connection that an attempt goes out on
 *     http_router_verdict      what an answer means
 *     http_router_check        asks providers how they are
 *     http_router_handshake    makes sessions
 *     http_router_wait         for a session, or for an answer
 *     http_router_candidates   whom a request may go to
 *     http_router_calls        what it calls
 *     http_router_fields       the headers that a provider gets
 *     http_router_attempt      a request on its way
 *     http_router_errand       a request of our own to a provider
 *
 * and http_router_api, http_router_metrics: what is known of providers.
 */

#ifndef WGW_ROUTER_MODULE_H
#define WGW_ROUTER_MODULE_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/errand.h"
#include "router/providers.h"

#pragma GCC visibility push(hidden)


typedef struct {
    ngx_array_t              providers;     /* of wgw_providers_t * */
    ngx_array_t              hosts;         /* of wgw_host_t * */
    ngx_array_t              upstreams;     /* theirs, in the same order */
    ngx_array_t              locations;     /* of router_loc_conf_t * */
    wgw_errand_place_t       place;
} ngx_http_wgw_router_main_conf_t;


typedef struct {
    ngx_str_t                name;          /* empty: no wgw_router */
    wgw_providers_t         *providers;
    void                   **loc_conf;      /* of its location */
    ngx_array_t             *api_hosts;     /* NULL: no wgw_router_api */
    u_char                  *file;
    ngx_uint_t               line;
} ngx_http_wgw_router_loc_conf_t;


extern ngx_module_t  ngx_http_wgw_router_module;


#pragma GCC visibility pop

#endif /* WGW_ROUTER_MODULE_H */
