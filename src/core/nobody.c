
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <fcntl.h>
#include <sys/socket.h>

#include "core/nobody.h"


typedef struct {
    ngx_http_connection_t      hc;          /* the first: c->data of nginx */
    void                      *owner;
} nobody_t;


static ngx_int_t nobody_set(ngx_connection_t *c, ngx_http_conf_ctx_t *server,
    void *owner);
static ngx_int_t nobody_log(ngx_connection_t *c);
static u_char *nobody_log_handler(ngx_log_t *log, u_char *buf, size_t len);


/* by its address these are known; nobody listens there */
static ngx_listening_t   nobody_listening;

static struct sockaddr   nobody_sockaddr = { AF_UNIX, "" };

static ngx_str_t         nobody_name = ngx_string("errand");


ngx_connection_t *
wgw_nobody_connect(ngx_http_conf_ctx_t *server, void *owner, ngx_log_t *log,
    ngx_socket_t *other)
{
    int                s[2];
    ngx_connection_t  *c;

    if (socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0, s)
        == -1)
    {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_socket_errno,
                      "socketpair() failed");
        return NULL;
    }

    c = ngx_get_connection(s[0], log);

    if (c == NULL) {
        (void) ngx_close_socket(s[0]);
        (void) ngx_close_socket(s[1]);
        return NULL;
    }

    c->pool = ngx_create_pool(1024, log);

    if (c->pool == NULL
        || nobody_log(c) != NGX_OK
        || nobody_set(c, server, owner) != NGX_OK)
    {
        if (c->pool) {
            c->log = log;
            ngx_destroy_pool(c->pool);
        }

        ngx_close_connection(c);
        (void) ngx_close_socket(s[1]);
        return NULL;
    }

    *other = s[1];

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_active, 1);
#endif

    return c;
}


static ngx_int_t
nobody_log(ngx_connection_t *c)
{
    ngx_log_t           *log;
    ngx_http_log_ctx_t  *ctx;

    log = ngx_palloc(c->pool, sizeof(ngx_log_t));
    ctx = ngx_pcalloc(c->pool, sizeof(ngx_http_log_ctx_t));

    if (log == NULL || ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->connection = c;

    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);

    *log = *c->log;
    log->connection = c->number;
    log->handler = nobody_log_handler;
    log->data = ctx;
    log->action = NULL;

    c->log = log;
    c->pool->log = log;
    c->read->log = log;
    c->write->log = log;

    c->log_error = NGX_ERROR_INFO;

    return NGX_OK;
}


static u_char *
nobody_log_handler(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char              *p;
    ngx_http_request_t  *r;
    ngx_http_log_ctx_t  *ctx;

    ctx = log->data;
    r = ctx->request;

    if (r == NULL) {
        return buf;
    }

    p = ngx_snprintf(buf, len, " on an errand to \"%V\"", &r->uri);

    if (r->upstream && r->upstream->peer.name) {
        p = ngx_snprintf(p, len - (p - buf), ", upstream: \"%V\"",
                         r->upstream->peer.name);
    }

    return p;
}


static ngx_int_t
nobody_set(ngx_connection_t *c, ngx_http_conf_ctx_t *server, void *owner)
{
    nobody_t  *nobody;

    nobody = ngx_pcalloc(c->pool, sizeof(nobody_t));
    c->buffer = ngx_create_temp_buf(c->pool, 8);

    if (nobody == NULL || c->buffer == NULL) {
        return NGX_ERROR;
    }

    c->start_time = ngx_current_msec;

    c->recv = ngx_recv;
    c->send = ngx_send;
    c->recv_chain = ngx_recv_chain;
    c->send_chain = ngx_send_chain;

    c->sockaddr = &nobody_sockaddr;
    c->socklen = sizeof(struct sockaddr);
    c->local_sockaddr = &nobody_sockaddr;
    c->local_socklen = sizeof(struct sockaddr);
    c->addr_text = nobody_name;
    c->listening = &nobody_listening;
    c->write->ready = 1;

    /* a worker's shutdown timeout calls that of each connection */

    c->read->handler = ngx_http_empty_handler;
    c->write->handler = ngx_http_empty_handler;

    /* a socket pair has neither */

    c->tcp_nodelay = NGX_TCP_NODELAY_DISABLED;
    c->tcp_nopush = NGX_TCP_NOPUSH_DISABLED;

    nobody->hc.conf_ctx = server;
    nobody->owner = owner;

    c->data = &nobody->hc;

    return NGX_OK;
}


void *
wgw_nobody_owner(ngx_http_request_t *r)
{
    if (r->connection->listening != &nobody_listening) {
        return NULL;
    }

    return ((nobody_t *) r->http_connection)->owner;
}


void
wgw_nobody_hang_up(ngx_socket_t *other)
{
    if (*other != (ngx_socket_t) -1) {
        (void) ngx_close_socket(*other);
        *other = (ngx_socket_t) -1;
    }
}
