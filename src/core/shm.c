
#include <ngx_config.h>
#include <ngx_core.h>

#include <sys/mman.h>

#include "core/shm.h"


typedef struct {
    ngx_queue_t      queue;
    ngx_uint_t       users;         /* configurations */
    size_t           size;
    void            *memory;        /* one of these two */
    wgw_board_t     *board;
    size_t           len;
    u_char           name[];
} shm_t;


static shm_t *shm_get(ngx_conf_t *cf, ngx_str_t *name, size_t size,
    ngx_uint_t board);
static shm_t *shm_find(ngx_str_t *name, size_t size, ngx_uint_t board);
static shm_t *shm_make(ngx_conf_t *cf, ngx_str_t *name, size_t size,
    ngx_uint_t board);
static void shm_release(void *data);


static ngx_queue_t  shm_all = { &shm_all, &shm_all };


void *
wgw_shm_memory(ngx_conf_t *cf, ngx_str_t *name, size_t size)
{
    shm_t  *shm;

    shm = shm_get(cf, name, size, 0);

    return shm ? shm->memory : NULL;
}


wgw_board_t *
wgw_shm_board(ngx_conf_t *cf, ngx_str_t *name, size_t max)
{
    shm_t  *shm;

    shm = shm_get(cf, name, max, 1);

    return shm ? shm->board : NULL;
}


static shm_t *
shm_get(ngx_conf_t *cf, ngx_str_t *name, size_t size, ngx_uint_t board)
{
    shm_t               *shm;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->cycle->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    shm = shm_find(name, size, board);

    if (shm == NULL) {
        shm = shm_make(cf, name, size, board);
    }

    if (shm == NULL) {
        return NULL;
    }

    shm->users++;

    cln->handler = shm_release;
    cln->data = shm;

    return shm;
}


static shm_t *
shm_find(ngx_str_t *name, size_t size, ngx_uint_t board)
{
    shm_t        *shm;
    ngx_queue_t  *q;

    for (q = ngx_queue_head(&shm_all);
         q != ngx_queue_sentinel(&shm_all);
         q = ngx_queue_next(q))
    {
        shm = ngx_queue_data(q, shm_t, queue);

        if (shm->size == size && shm->len == name->len
            && (shm->board != NULL) == board
            && ngx_memcmp(shm->name, name->data, name->len) == 0)
        {
            return shm;
        }
    }

    return NULL;
}


static shm_t *
shm_make(ngx_conf_t *cf, ngx_str_t *name, size_t size, ngx_uint_t board)
{
    shm_t  *shm;

    shm = ngx_calloc(sizeof(shm_t) + name->len, cf->log);
    if (shm == NULL) {
        return NULL;
    }

    if (board) {
        shm->board = wgw_board_create(size);

    } else {
        shm->memory = mmap(NULL, size, PROT_READ|PROT_WRITE,
                           MAP_ANONYMOUS|MAP_SHARED, -1, 0);

        if (shm->memory == MAP_FAILED) {
            shm->memory = NULL;
        }
    }

    if (shm->board == NULL && shm->memory == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno, "mmap(%uz) failed",
                      size);
        ngx_free(shm);
        return NULL;
    }

    shm->size = size;
    shm->len = name->len;
    ngx_memcpy(shm->name, name->data, name->len);

    ngx_queue_insert_head(&shm_all, &shm->queue);

    return shm;
}


static void
shm_release(void *data)
{
    shm_t *shm = data;

    if (--shm->users) {
        return;
    }

    ngx_queue_remove(&shm->queue);

    if (shm->board) {
        wgw_board_destroy(shm->board);

    } else {
        (void) munmap(shm->memory, shm->size);
    }

    ngx_free(shm);
}
