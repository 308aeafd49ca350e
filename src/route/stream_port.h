
/*
 * stream_port: one TLS port for names whose TLS ends here and names whose TLS
 * passes through.
 *
 * The ClientHello is looked at without being read (MSG_PEEK), so that the
 * whole connection can still be given to an http listener of this process:
 * no second connection, no PROXY protocol, the client's address kept.
 */

#ifndef WGW_STREAM_PORT_H
#define WGW_STREAM_PORT_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_stream.h>

#include "core/line.h"
#include "format/hello.h"

#pragma GCC visibility push(hidden)


/* A connection whose hello is awaited; zeroed, but for the hello, before the
   first call. */
typedef struct {
    wgw_hello_rc_t       rc;            /* DONE, FOREIGN or BAD at the end */
    ngx_event_t         *timer;         /* of the whole wait, if it waited */
    int                  wanted;        /* bytes to wait for, 0: any */
    wgw_hello_t          hello;         /* DONE: its server name, or none */
} wgw_peek_t;


/* The http listener that connections are given to. */
typedef struct {
    ngx_addr_t           addr;
    wgw_line_t           line;
    ngx_listening_t     *listening;     /* see wgw_port_find() */
} wgw_offload_t;


/*
 * For a preread handler, which returns what this does: NGX_DECLINED when
 * peek->rc is final (the phases go on), NGX_DONE while waiting (the phases
 * are entered again when bytes come), NGX_STREAM_OK when the client went
 * away or took longer than `timeout`, NGX_ERROR.
 */
ngx_int_t wgw_port_peek(ngx_stream_session_t *s, wgw_peek_t *peek,
    ngx_msec_t timeout);

/*
 * While the configuration is checked: the address must be one that an http
 * server with ssl listens on, by itself.  NULL, or what is wrong, in the
 * manner of a directive's error.
 */
char *wgw_port_check(ngx_cycle_t *cycle, wgw_offload_t *offload);

/*
 * Before workers start: finds the listener.  A worker that is about to end
 * has no list of them any more, but connections to hand over.
 */
void wgw_port_find(ngx_cycle_t *cycle, wgw_offload_t *offload);

/*
 * Gives the connection to that listener, for good: the session ends here,
 * without a log entry.  For a content handler; peeked bytes must be unread.
 */
void wgw_port_hand_over(ngx_stream_session_t *s, wgw_offload_t *offload);


#pragma GCC visibility pop

#endif /* WGW_STREAM_PORT_H */
