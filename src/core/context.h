
/*
 * context: what a module keeps of a request or session, and not in its pool,
 * of which it would take most of a block, or one more.  Those of requests that
 * ended are used again.
 */

#ifndef WGW_CONTEXT_H
#define WGW_CONTEXT_H


#include <ngx_config.h>
#include <ngx_core.h>

#pragma GCC visibility push(hidden)


typedef struct wgw_context_s  wgw_context_t;

/* the first member of each */
struct wgw_context_s {
    ngx_pool_cleanup_t   cleanup;
    wgw_context_t       *next;          /* a free one */
};


/* As ngx_pool_cleanup_add(), for one that stands in what it is of. */

static inline void
wgw_context_cleanup(ngx_pool_t *pool, ngx_pool_cleanup_t *cln,
    ngx_pool_cleanup_pt handler, void *data)
{
    cln->handler = handler;
    cln->data = data;
    cln->next = pool->cleanup;

    pool->cleanup = cln;
}


/* By some stores: a compiler takes `rep stos` for what is not a few. */

static inline void
wgw_context_zero(u_char *p, size_t size)
{
    for ( /* void */ ; size > 128; size -= 128, p += 128) {
        ngx_memzero(p, 128);
    }

    ngx_memzero(p, size);
}


/*
 * Lives as long as the pool, whose end calls the handler with it.  Zeroed is
 * what is behind the first member and before the offset `zeroed`.
 */

static inline void *
wgw_context_create(wgw_context_t **spare, size_t size, size_t zeroed,
    ngx_pool_t *pool, ngx_pool_cleanup_pt handler)
{
    wgw_context_t  *context;

    context = *spare;

    if (context) {
        *spare = context->next;

    } else {
        context = ngx_alloc(size, pool->log);
        if (context == NULL) {
            return NULL;
        }
    }

    wgw_context_zero((u_char *) &context[1], zeroed - sizeof(wgw_context_t));

    wgw_context_cleanup(pool, &context->cleanup, handler, context);

    return context;
}


/* The handler's last: the pool has still to read its cleanup's next. */

static inline void
wgw_context_free(wgw_context_t **spare, wgw_context_t *context)
{
    context->next = *spare;
    *spare = context;
}


#pragma GCC visibility pop

#endif /* WGW_CONTEXT_H */
