
/*
 * providers: what `wgw_providers NAME { ... }` says of the providers of one
 * service, and what all workers know of each.
 */

#ifndef WGW_PROVIDERS_H
#define WGW_PROVIDERS_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/errand.h"
#include "router/choice.h"
#include "router/resolve.h"
#include "router/session.h"
#include "router/signer.h"
#include "router/standing.h"
#include "route/idle.h"

#pragma GCC visibility push(hidden)


#define WGW_PROVIDERS_MAX       64      /* of one service: bits */
#define WGW_PROVIDERS_SESSIONS  64      /* with one provider */
#define WGW_PROVIDERS_COUNTED   32      /* methods that metrics tell apart */
#define WGW_PROVIDERS_BUCKETS   12      /* of the histogram, the last: above */


/* In memory that all workers share, kept over reloads; zeroed at first. */
typedef struct {
    uint64_t                standing;       /* standing.h */
    uint64_t                busy;           /* 429: leave it until then, ms */
    uint64_t                height;         /* of its chain */
    uint64_t                checked;        /* when that was, ms */
    uint64_t                checks_good;
    uint64_t                checks_failed;  /* or could not be made */
    uint64_t                attempts;
    uint64_t                failed;         /* connect, time-out, broken */
    uint64_t                statuses[6];    /* 1xx to 5xx; 0: none */
    uint64_t                retried;        /* answers that were given up */
    uint64_t                latency[WGW_PROVIDERS_BUCKETS];
    uint64_t                latency_sum;    /* ms */
} wgw_provider_shared_t;


typedef struct {
    uint64_t                leader;         /* {until : 40, process : 24} */
    uint64_t                requests;
    uint64_t                retries;
    uint64_t                exhausted;      /* nobody could be asked */
    uint64_t                timedout;
} wgw_providers_shared_t;


typedef struct wgw_providers_s  wgw_providers_t;
typedef struct wgw_provider_s   wgw_provider_t;


/* One that is called: the service itself, and where one signs in. */
typedef struct {
    ngx_str_t               url;            /* with a path */
    ngx_str_t               domain;         /* its host, without brackets */
    wgw_host_t             *host;
    unsigned                ssl:1;
    ngx_ssl_session_t      *tls;            /* in this worker */
} wgw_provider_end_t;


struct wgw_provider_s {
    wgw_providers_t        *providers;
    ngx_str_t               name;
    wgw_provider_end_t      service;
    wgw_provider_end_t      auth;           /* without url: no sign-in */
    ngx_uint_t              priority;
    ngx_uint_t              weight;
    ngx_array_t            *methods;        /* of wgw_text_t; NULL: all */
    ngx_array_t             headers;        /* of wgw_errand_header_t */
    wgw_session_t          *sessions;
    ngx_uint_t              nsessions;
    uint64_t                hash;
    ngx_uint_t              index;          /* among all */
    wgw_provider_shared_t  *shared;
    unsigned                checking:1;     /* in this worker */
};


/* A method that metrics tell apart. */
typedef struct {
    wgw_text_t              method;
    uint64_t               *calls;          /* shared */
} wgw_counted_t;


struct wgw_providers_s {
    ngx_str_t               name;
    wgw_signer_t            signer;
    ngx_str_t               domain;         /* to sign for; empty: theirs */
    ngx_array_t             all;            /* of wgw_provider_t * */
    X509_STORE             *trust;

    ngx_str_t               method;         /* of checks; empty: off */
    ngx_msec_t              interval;
    ngx_msec_t              timeout;
    wgw_standing_conf_t     rise_fall;
    ngx_uint_t              lag;
    ngx_uint_t              jump;

    ngx_uint_t              attempts;
    ngx_msec_t              limit;          /* over all attempts */
    ngx_msec_t              each;           /* until one answers */
    ngx_array_t            *codes;          /* of int64_t; NULL: none */

    ngx_resolver_t         *resolver;
    wgw_idle_cache_t        idle;
    wgw_providers_shared_t *shared;
    ngx_event_t             timer;          /* of checks */
    uint64_t                routed;         /* a bit: it has methods */
    wgw_counted_t          *counted;        /* and one for all others */
    ngx_uint_t              ncounted;
    unsigned                has_signer:1;
};


/* The one of that name, or NULL. */
wgw_providers_t *wgw_providers_find(ngx_array_t *list, ngx_str_t *name);

/* Of these, the provider of that name, or NULL. */
wgw_provider_t *wgw_providers_named(wgw_providers_t *providers,
    ngx_str_t *name);

/*
 * In the configuration, when all is known of them: the memory of the service,
 * its providers and their sessions.
 */
char *wgw_providers_share(ngx_conf_t *cf, wgw_providers_t *providers);


#pragma GCC visibility pop

#endif /* WGW_PROVIDERS_H */
