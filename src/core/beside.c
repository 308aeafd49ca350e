
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_channel.h>

#include <pthread.h>
#include <signal.h>

#include "core/beside.h"


static ngx_int_t beside_open(ngx_log_t *log);
static void *beside_thread(void *data);
static void beside_handler(ngx_event_t *ev);


static pthread_t     beside_id;
static ngx_uint_t    beside_busy;

/* a byte for each call that has ended */
static ngx_socket_t  beside_fd[2] = { -1, -1 };

static void        (*beside_call)(void *data);
static void        (*beside_done)(void *data);
static void         *beside_data;


ngx_int_t
wgw_beside_run(void (*call)(void *data), void (*done)(void *data), void *data,
    ngx_log_t *log)
{
    int       err;
    sigset_t  all, old;

    if (beside_busy) {
        return NGX_BUSY;
    }

    if (ngx_process == NGX_PROCESS_SINGLE
        || (beside_fd[0] == -1 && beside_open(log) != NGX_OK))
    {
        return NGX_ERROR;
    }

    beside_call = call;
    beside_done = done;
    beside_data = data;

    /* signals are for the event loop */

    sigfillset(&all);
    (void) pthread_sigmask(SIG_BLOCK, &all, &old);

    err = pthread_create(&beside_id, NULL, beside_thread, NULL);

    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);

    if (err) {
        ngx_log_error(NGX_LOG_ERR, log, err, "pthread_create() failed");
        return NGX_ERROR;
    }

    beside_busy = 1;

    return NGX_OK;
}


/* As nginx's channel between processes: it stays open until the exit. */

static ngx_int_t
beside_open(ngx_log_t *log)
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, beside_fd) == -1) {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno, "socketpair() failed");
        return NGX_ERROR;
    }

    if (ngx_nonblocking(beside_fd[0]) != -1
        && ngx_add_channel_event((ngx_cycle_t *) ngx_cycle, beside_fd[0],
                                 NGX_READ_EVENT, beside_handler)
           == NGX_OK)
    {
        return NGX_OK;
    }

    ngx_close_channel(beside_fd, log);
    beside_fd[0] = -1;

    return NGX_ERROR;
}


static void *
beside_thread(void *data)
{
    beside_call(beside_data);

    /* there is room: nothing else is written before this is read */

    (void) send(beside_fd[1], "", 1, MSG_NOSIGNAL);

    return NULL;
}


static void
beside_handler(ngx_event_t *ev)
{
    u_char  byte;

    if (recv(beside_fd[0], &byte, 1, 0) != 1 || !beside_busy) {
        return;
    }

    (void) pthread_join(beside_id, NULL);
    beside_busy = 0;

    beside_done(beside_data);
}


void
wgw_beside_exit(void)
{
    if (beside_busy) {
        (void) pthread_join(beside_id, NULL);
        beside_busy = 0;
    }
}
