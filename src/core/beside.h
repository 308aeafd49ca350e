
/*
 * beside: one call at a time in a thread beside the event loop.
 *
 * The thread is there for the call only.  A worker that has none, which most
 * are all the time, spares what a second thread costs the first: libc and
 * the kernel share nothing, so take no care, as long as there is only one.
 */

#ifndef WGW_BESIDE_H
#define WGW_BESIDE_H


#include <ngx_config.h>
#include <ngx_core.h>

#pragma GCC visibility push(hidden)


/*
 * Calls call(data) in a thread and then, in the event loop, done(data).
 * NGX_BUSY while there is such a call.  NGX_ERROR: nothing is called, for
 * want of memory, a connection or a descriptor, or in a process without
 * workers, where a reload drops what waits.
 */
ngx_int_t wgw_beside_run(void (*call)(void *data), void (*done)(void *data),
    void *data, ngx_log_t *log);

/* For exit: waits for the call; done() is not called any more. */
void wgw_beside_exit(void);


#pragma GCC visibility pop

#endif /* WGW_BESIDE_H */
