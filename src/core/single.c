
#include "core/single.h"


typedef struct wgw_single_s  wgw_single_t;

struct wgw_single_s {
    ngx_path_manager_pt   manager;
    void                 *data;
    wgw_single_t         *next;
};


static wgw_single_t  *singles;


ngx_int_t
wgw_single_put(ngx_cycle_t *cycle, ngx_path_manager_pt manager, void *data)
{
    wgw_single_t  *single;

    if (ngx_process != NGX_PROCESS_SINGLE) {
        return NGX_OK;
    }

    single = ngx_palloc(cycle->pool, sizeof(wgw_single_t));
    if (single == NULL) {
        return NGX_ERROR;
    }

    single->manager = manager;
    single->data = data;
    single->next = singles;
    singles = single;

    return NGX_OK;
}


void
wgw_single_start(void)
{
    wgw_single_t  *single;

    for (single = singles; single; single = single->next) {
        (void) single->manager(single->data);
    }

    singles = NULL;
}
