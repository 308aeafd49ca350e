
/*
 * shm: memory by name, shared by all processes and kept over reloads, for
 * what is worth keeping but not a file.
 *
 * The master makes it while it reads the configuration, and a later
 * configuration that asks for the same name gets the same memory.  What no
 * configuration asks for any more goes with the last one that did; workers
 * that still run keep theirs.
 */

#ifndef WGW_SHM_H
#define WGW_SHM_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "core/board.h"

#pragma GCC visibility push(hidden)


/*
 * Zeroed at first.  NULL, logged.  The size is part of the name, and so is
 * the difference between memory and boards.
 */
void *wgw_shm_memory(ngx_conf_t *cf, ngx_str_t *name, size_t size);

wgw_board_t *wgw_shm_board(ngx_conf_t *cf, ngx_str_t *name, size_t max);


#pragma GCC visibility pop

#endif /* WGW_SHM_H */
