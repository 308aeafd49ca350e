
/*
 * link: one connection to one Redis server, on nginx's own events, with TLS
 * by nginx's own ngx_ssl; hiredis only makes commands and reads replies.
 *
 * It says hello first: AUTH, INFO, SELECT.  From `ready` on commands go out in
 * the order they are sent, those of one turn of the event loop together.  A
 * command that waits for its reply for longer than WGW_LINK_REPLY ms ends the
 * connection, as does what is no reply: then `lost` is called, once, after
 * the functions of all that waited were called with NULL.
 */

#ifndef WGW_LINK_H
#define WGW_LINK_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include "fleet/fleet_conf.h"
#include "fleet/wire.h"

#pragma GCC visibility push(hidden)


#define WGW_LINK_CONNECT  1000          /* ms */
#define WGW_LINK_REPLY    1000
#define WGW_LINK_PENDING  65536         /* commands without a reply */
#define WGW_LINK_OUT      (16 * 1024 * 1024)    /* bytes not sent */
#define WGW_LINK_IN       (64 * 1024 * 1024)    /* of one reply */


typedef struct wgw_link_s  wgw_link_t;

/* Of the last hello. */
typedef struct {
    uint64_t             run;       /* hash of the run id */
    unsigned             cluster:1;
    unsigned             sentinel:1;
    unsigned             replica:1;
    unsigned             loading:1;
    unsigned             evicts:1;  /* maxmemory-policy is not noeviction */
} wgw_link_hello_t;


typedef struct {
    wgw_wire_reply_pt    reply;
    void                *data;
    char                *text;      /* of the command, if it is kept */
    size_t               len;
    uint64_t             sent;      /* ms */
    unsigned             flags:8;
    unsigned             tries:8;
} wgw_link_pending_t;


struct wgw_link_s {
    wgw_fleet_t         *fleet;
    void                *data;      /* the owner's */
    void               (*ready)(wgw_link_t *link);
    void               (*lost)(wgw_link_t *link, const char *why);

    /* sees an error before its function does; 1: it was dealt with */
    ngx_uint_t         (*error)(wgw_link_t *link, wgw_link_pending_t *pending,
                                const struct redisReply *reply);

    wgw_fleet_host_t     host;      /* of memory of its own */
    wgw_link_hello_t     hello;
    uint64_t             serial;    /* of the connection, 0: not ready */
    ngx_uint_t           keep;      /* the text of commands */
    ngx_uint_t           anonymous; /* a failing AUTH is no matter */

    /* private: */

    ngx_peer_connection_t  peer;
    ngx_connection_t    *connection;        /* NULL: none */
    struct redisReader  *reader;
    ngx_event_t          timer;
    ngx_event_t          flush;
    ngx_sockaddr_t       sockaddr;
    size_t               fed;       /* bytes since the last reply */
    u_char              *out;
    size_t               out_size;
    size_t               out_pos;
    size_t               out_last;
    wgw_link_pending_t  *pending;   /* a ring */
    ngx_uint_t           head;
    ngx_uint_t           waiting;
    ngx_msec_t           since;     /* the connection was asked for */
    ngx_uint_t           turn;      /* of the host's addresses */
    unsigned             connected:1;
};


/* Of zeroed memory; NGX_ERROR: no memory. */
ngx_int_t wgw_link_init(wgw_link_t *link, wgw_fleet_t *fleet, void *data);

/* Gives back what it has; it may be closed before. */
void wgw_link_free(wgw_link_t *link);

/* Another host from the next connection on. */
ngx_int_t wgw_link_host(wgw_link_t *link, const char *host, size_t len,
    in_port_t port);

/*
 * Connects: `ready` or `lost` follows, `lost` perhaps at once.  In a process
 * that waits for nobody else, as a host's name is looked up.
 */
void wgw_link_open(wgw_link_t *link);

/* Ends the connection; `lost` is called, unless there was none. */
void wgw_link_close(wgw_link_t *link, const char *why);

/* NGX_OK, or NGX_ERROR: it is not sent, and nothing will be called. */
ngx_int_t wgw_link_send(wgw_link_t *link, unsigned flags,
    const wgw_text_t *args, ngx_uint_t n, wgw_wire_reply_pt reply,
    void *data);

/* The same for a command of another link that kept its text. */
ngx_int_t wgw_link_again(wgw_link_t *link, const wgw_link_pending_t *pending);


/* Of the part itself: once it is connected, with TLS, and after that. */
void wgw_link_tls(wgw_link_t *link);
void wgw_link_established(wgw_link_t *link);
void wgw_link_hello(wgw_link_t *link);


#pragma GCC visibility pop

#endif /* WGW_LINK_H */
