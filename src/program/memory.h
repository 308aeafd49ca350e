
/*
 * memory: memory that is there, for the programs beside nginx.
 *
 * Where none is left the program ends, with "wgw: no memory" (its own name)
 * and the code 1: whoever runs a daemon starts it anew, and no caller has
 * anything to look at.  It may be a thread that ends it, so nothing is done
 * at the exit.
 */

#ifndef WGW_MEMORY_H
#define WGW_MEMORY_H


#include <stddef.h>

#pragma GCC visibility push(hidden)


/* All zero; to be freed, as what the others give. */
void *wgw_alloc(size_t size);
void *wgw_grow(void *memory, size_t size);

/* Terminated texts. */
char *wgw_copy(const char *text);
char *wgw_copy_bytes(const char *text, size_t len);
char *wgw_format(const char *format, ...)
    __attribute__((format(printf, 1, 2)));


#pragma GCC visibility pop

#endif /* WGW_MEMORY_H */
