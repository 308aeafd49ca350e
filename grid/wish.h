
/*
 * wish: what a user may want beyond what zos knows, in the metadata of a
 * workload, or of its deployment for all that have none of their own: it is
 * signed, and every client carries it.
 *
 *     {"wgw":{"gb_month":100,"ip":"203.0.113.11",
 *             "backends":["https://[2001:db8::10]:8443"],
 *             "tls_name":"shop.internal","tls_verify":true,
 *             "proxy_protocol":false}}
 *
 * gb_month        GB (10^9 bytes, both ways) a month; then nothing more
 * ip              the gateway's address, or some of them, that it answers on
 * backends        in place of the data's, http or https
 * tls_verify      of https backends' certificates, which is the default ...
 * tls_name        ... for this name, the one asked for otherwise
 * proxy_protocol  with tls_passthrough
 *
 * Metadata without "wgw" is free text.  With it, what is not understood is
 * refused: a cap that was misspelled would cost its user money.
 */

#ifndef WGW_GRID_WISH_H
#define WGW_GRID_WISH_H


#include "format/addr.h"
#include "grid/deployment.h"


#define GRID_GB        1000000000ULL
#define GRID_GB_MAX    9007199          /* of a cap: 2^53 bytes */
#define GRID_WISH_IPS  16


typedef struct {
    yajl_val      root;                 /* the texts are its */
    unsigned      said;                 /* there is one */
    uint64_t      gb_month;             /* 0: no cap */
    wgw_addr_t    ips[GRID_WISH_IPS];
    size_t        nips;
    const char   *backends[GRID_BACKENDS];
    size_t        nbackends;
    const char   *tls_name;
    unsigned      tls_verify;
    unsigned      proxy_protocol;
} grid_wish_t;


/* GRID_OK, or GRID_FAILED and the error.  To be freed in either case. */
int grid_wish_read(grid_wish_t *wish, const char *workload,
    const char *deployment, char error[GRID_ERROR]);
void grid_wish_free(grid_wish_t *wish);


#endif /* WGW_GRID_WISH_H */
