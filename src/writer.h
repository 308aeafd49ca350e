
/*
 * writer: changes of the store, made beside the event loop.
 *
 * A worker has one thread for it (the thread pool "wgw"); what is posted
 * while the thread is busy goes into the next transaction together.  If a
 * transaction fails as a whole, each of its changes is tried again alone, so
 * that one that does not fit spoils no other.  Without threads changes are
 * made at once, in the call.
 */

#ifndef WGW_WRITER_H
#define WGW_WRITER_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "store.h"

#pragma GCC visibility push(hidden)


typedef struct wgw_change_s  wgw_change_t;

/*
 * Owned by the caller, who keeps it and all it points to until the handler
 * is called, in the event loop, after the commit.  A worker that exits
 * gracefully waits for it.
 */
struct wgw_change_s {
    wgw_store_write_t    write;
    wgw_store_error_t    error;         /* set where write.rc is not OK */

    void               (*handler)(wgw_change_t *change);
    void                *data;

    wgw_change_t        *next;
};


/* In the parse of the configuration: declares the thread pool. */
char *wgw_writer_init(ngx_conf_t *cf);

void wgw_writer_post(wgw_store_t *store, wgw_change_t *change);


#pragma GCC visibility pop

#endif /* WGW_WRITER_H */
