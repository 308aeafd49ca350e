
#include "core/chain.h"

#if (NGX_THREADS)
#include <ngx_thread_pool.h>
#endif


#if (NGX_THREADS)
static ngx_int_t wgw_chain_thread_handler(ngx_thread_task_t *task,
    ngx_file_t *file);
#endif


off_t
wgw_chain_size(ngx_chain_t *in, off_t enough)
{
    off_t         size;
    ngx_chain_t  *cl;

    size = 0;

    for (cl = in; cl && size <= enough; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    return size;
}


void
wgw_chain_shorten(wgw_chain_t *chain, ngx_chain_t *in, off_t size)
{
    off_t         n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    for (cl = in; /* void */ ; cl = cl->next) {
        n = ngx_buf_size(cl->buf);

        if (n >= size) {
            break;
        }

        size -= n;
    }

    b = cl->buf;

    chain->link = cl;
    chain->next = cl->next;
    chain->last = b->last;
    chain->file_last = b->file_last;
    chain->flush = b->flush;
    chain->last_buf = b->last_buf;

    cl->next = NULL;

    if (ngx_buf_in_memory(b)) {
        b->last = b->pos + size;
    }

    if (b->in_file) {
        b->file_last = b->file_pos + size;
    }

    b->flush = 1;
    b->last_buf = 0;
}


ngx_chain_t *
wgw_chain_restore(wgw_chain_t *chain)
{
    ngx_buf_t  *b;

    if (chain->link == NULL) {
        return NULL;
    }

    b = chain->link->buf;

    b->last = chain->last;
    b->file_last = chain->file_last;
    b->flush = chain->flush;
    b->last_buf = chain->last_buf;

    chain->link->next = chain->next;

    return ngx_buf_size(b) ? chain->link : chain->next;
}


ngx_uint_t
wgw_chain_ends(ngx_chain_t *in)
{
    if (in == NULL) {
        return 1;
    }

    while (in->next) {
        in = in->next;
    }

    return in->buf->last_buf || in->buf->flush;
}


ngx_uint_t
wgw_chain_again(ngx_connection_t *c)
{
#if (NGX_THREADS)

    if (c->sendfile_task
        && (c->sendfile_task->event.active
            || c->sendfile_task->event.complete))
    {
        return 1;
    }

#endif

#if (NGX_SSL)

    if (c->ssl) {
        return !c->ssl->buffer;
    }

#endif

    return 0;
}


/*
 * To be told, nginx's own call needs a file that is sent by a thread.  With a
 * result waiting it looks at nothing else of it, and the limit has been met
 * then, so that nothing is sent.
 */

off_t
wgw_chain_collect(ngx_connection_t *c, ngx_uint_t exiting)
{
#if (NGX_THREADS)

    off_t               sent;
    ngx_buf_t           b;
    ngx_file_t          file;
    ngx_chain_t         out;
    ngx_thread_task_t  *task;

    task = c->sendfile_task;

    if (task == NULL) {
        return 0;
    }

    if (exiting && task->event.active) {
        task->event.active = 0;
        task->event.complete = 1;
    }

    if (!task->event.complete) {
        return 0;
    }

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name.data = (u_char *) "";
    file.thread_handler = wgw_chain_thread_handler;

    ngx_memzero(&b, sizeof(ngx_buf_t));

    b.file = &file;
    b.file_last = NGX_MAX_OFF_T_VALUE;
    b.in_file = 1;

    out.buf = &b;
    out.next = NULL;

    c->write->ready = 1;
    c->write->complete = 0;

    sent = c->sent;

    (void) ngx_send_chain(c, &out, 1);

    return c->sent - sent;

#else

    return 0;

#endif
}


#if (NGX_THREADS)

static ngx_int_t
wgw_chain_thread_handler(ngx_thread_task_t *task, ngx_file_t *file)
{
    return NGX_ERROR;
}

#endif
