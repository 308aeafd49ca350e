
#include "chain.h"


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
