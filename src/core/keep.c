
#include <ngx_config.h>
#include <ngx_core.h>

#include <sys/mman.h>

#include "core/keep.h"


typedef struct {
    ngx_queue_t      queue;
    ngx_uint_t       users;         /* configurations */
    size_t           size;
    void            *memory;        /* one of these two */
    wgw_board_t     *board;
    size_t           len;
    u_char           name[];
} keep_t;


static keep_t *keep_get(ngx_conf_t *cf, ngx_str_t *name, size_t size,
    ngx_uint_t board);
static keep_t *keep_find(ngx_str_t *name, size_t size, ngx_uint_t board);
static keep_t *keep_make(ngx_conf_t *cf, ngx_str_t *name, size_t size,
    ngx_uint_t board);
static void keep_release(void *data);


static ngx_queue_t  keep_all = { &keep_all, &keep_all };


void *
wgw_keep_memory(ngx_conf_t *cf, ngx_str_t *name, size_t size)
{
    keep_t  *keep;

    keep = keep_get(cf, name, size, 0);

    return keep ? keep->memory : NULL;
}


wgw_board_t *
wgw_keep_board(ngx_conf_t *cf, ngx_str_t *name, size_t max)
{
    keep_t  *keep;

    keep = keep_get(cf, name, max, 1);

    return keep ? keep->board : NULL;
}


static keep_t *
keep_get(ngx_conf_t *cf, ngx_str_t *name, size_t size, ngx_uint_t board)
{
    keep_t              *keep;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->cycle->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    keep = keep_find(name, size, board);

    if (keep == NULL) {
        keep = keep_make(cf, name, size, board);
    }

    if (keep == NULL) {
        return NULL;
    }

    keep->users++;

    cln->handler = keep_release;
    cln->data = keep;

    return keep;
}


static keep_t *
keep_find(ngx_str_t *name, size_t size, ngx_uint_t board)
{
    keep_t       *keep;
    ngx_queue_t  *q;

    for (q = ngx_queue_head(&keep_all);
         q != ngx_queue_sentinel(&keep_all);
         q = ngx_queue_next(q))
    {
        keep = ngx_queue_data(q, keep_t, queue);

        if (keep->size == size && keep->len == name->len
            && (keep->board != NULL) == board
            && ngx_memcmp(keep->name, name->data, name->len) == 0)
        {
            return keep;
        }
    }

    return NULL;
}


static keep_t *
keep_make(ngx_conf_t *cf, ngx_str_t *name, size_t size, ngx_uint_t board)
{
    keep_t  *keep;

    keep = ngx_calloc(sizeof(keep_t) + name->len, cf->log);
    if (keep == NULL) {
        return NULL;
    }

    if (board) {
        keep->board = wgw_board_create(size);

    } else {
        keep->memory = mmap(NULL, size, PROT_READ|PROT_WRITE,
                            MAP_ANONYMOUS|MAP_SHARED, -1, 0);

        if (keep->memory == MAP_FAILED) {
            keep->memory = NULL;
        }
    }

    if (keep->board == NULL && keep->memory == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno, "mmap(%uz) failed",
                      size);
        ngx_free(keep);
        return NULL;
    }

    keep->size = size;
    keep->len = name->len;
    ngx_memcpy(keep->name, name->data, name->len);

    ngx_queue_insert_head(&keep_all, &keep->queue);

    return keep;
}


static void
keep_release(void *data)
{
    keep_t *keep = data;

    if (--keep->users) {
        return;
    }

    ngx_queue_remove(&keep->queue);

    if (keep->board) {
        wgw_board_destroy(keep->board);

    } else {
        (void) munmap(keep->memory, keep->size);
    }

    ngx_free(keep);
}
