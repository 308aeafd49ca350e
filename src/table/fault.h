
/*
 * fault: pages of a mapped file that are not there any more.
 *
 * Who shortens a file that others have mapped, or a disk that fails, makes
 * the next touch of a page beyond its end a SIGBUS.  Here that gets memory in
 * the place of the page, empty and this process's own, and a note that what
 * was there is lost; other processes see to theirs.  Nothing else of the
 * signal is changed: one for any other address ends the process as ever.
 */

#ifndef WGW_FAULT_H
#define WGW_FAULT_H


#include <stddef.h>

#pragma GCC visibility push(hidden)


typedef struct wgw_fault_s  wgw_fault_t;

/* Whole pages; the memory of this struct stays until they are removed. */
struct wgw_fault_s {
    wgw_fault_t   *next;
    char          *start;
    size_t         size;
    volatile int  *lost;        /* set to 1 */
};


/* From now on, also in processes that are forked. */
void wgw_fault_add(wgw_fault_t *fault);

void wgw_fault_remove(wgw_fault_t *fault);


#pragma GCC visibility pop

#endif /* WGW_FAULT_H */
