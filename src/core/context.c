
#include "core/context.h"


void *
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

    ngx_memzero(&context[1], zeroed - sizeof(wgw_context_t));

    wgw_context_cleanup(pool, &context->cleanup, handler, context);

    return context;
}


/* The pool has still to read its cleanup's next. */

void
wgw_context_free(wgw_context_t **spare, wgw_context_t *context)
{
    context->next = *spare;
    *spare = context;
}
