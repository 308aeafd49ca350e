
/*
 * rate: limits of requests and of bytes per key, for http and stream.
 *
 * A limit is a zone, a key and a rate; what has the same of all three shares
 * it, wherever it is configured.  Its state is one entry in the zone's table
 * of rates, which all workers share and reloads keep; see gcra.h.  Times are
 * of CLOCK_MONOTONIC.  Requests over a limit are refused here, bytes are
 * paced by pace.h.
 */

#ifndef WGW_RATE_H
#define WGW_RATE_H


#include "meter/meter_conf.h"
#include "table/gcra.h"

#pragma GCC visibility push(hidden)


#define WGW_RATES_MAX       8

/* bytes taken at once, but for a response header */
#define WGW_RATE_PIECE_MIN  1460
#define WGW_RATE_PIECE_MAX  262144

/* the verdict; 0 when no limit was looked at */
#define WGW_RATE_PASSED     1
#define WGW_RATE_REJECTED   2
#define WGW_RATE_DRY_RUN    3       /* would have been rejected */


/* One line `wgw_rate` of the configuration. */
typedef struct {
    wgw_zone_t        *zone;
    ngx_int_t          key_index;   /* a variable, or NGX_ERROR: ... */
    void              *key;         /* ... a complex value */
    wgw_gcra_t         limit;
    uint64_t           salt[2];     /* tells its rate from others' */
    ngx_uint_t         prefix;      /* bits of an IPv6 address, 0: all */
    size_t             piece;       /* bytes to take at once */
    unsigned           bytes:1;     /* of these, not of requests */
    unsigned           count:2;     /* WGW_COUNT_*, of bytes */
    unsigned           address:1;   /* the key is the client's address */
    unsigned           binary:1;    /* in binary */
    unsigned           dry_run:1;
} wgw_rate_conf_t;


typedef ngx_int_t (*wgw_rate_key_pt)(void *data, ngx_int_t index,
    void *value, ngx_str_t *key);


/* One request or connection to be decided about. */
typedef struct {
    wgw_rate_key_pt    key;         /* ngx_http_wgw_meter_key() */
    void              *data;
    ngx_log_t         *log;
    ngx_uint_t         log_level;
    const char        *what;        /* "requests" */
    ngx_uint_t         status;      /* the verdict */
    time_t             wait;        /* seconds until it is worth a try */
} wgw_rate_call_t;


/* The directives `wgw_rate_zone` and `wgw_rate`. */
char *wgw_rate_zone_parse(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *wgw_rate_parse(ngx_conf_t *cf, ngx_array_t **rates,
    const ngx_wgw_meter_proto_t *proto);

/* How many are of bytes, or, with 0, of requests; `rates` may be NULL. */
ngx_uint_t wgw_rate_number(ngx_array_t *rates, ngx_uint_t bytes);

/*
 * Decides by all of these limits of requests: what one refuses is taken from
 * none.  Sets status and wait, and logs a refusal.  Returns NGX_OK,
 * NGX_DECLINED when it is to be refused, or NGX_ERROR.
 */
ngx_int_t wgw_rate_admit(wgw_rate_call_t *call, wgw_rate_conf_t *rates,
    ngx_uint_t n);

/* The entry of a key in the table of its limit. */
wgw_expiring_key_t wgw_rate_entry(wgw_rate_conf_t *rate, ngx_str_t *key);

/* The clock of all limits, in nanoseconds. */
uint64_t wgw_rate_now(void);

/* `$wgw_rate_status` */
ngx_int_t wgw_rate_variable(ngx_uint_t status, ngx_variable_value_t *v);


#pragma GCC visibility pop

#endif /* WGW_RATE_H */
