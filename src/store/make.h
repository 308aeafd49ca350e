
/*
 * make: a store before a worker opens it: made by the master, looked at by
 * `nginx -t`.
 *
 * LMDB asks that a process opens an environment once and that nothing else
 * touches lock.mdb while it does: what is opened here is closed again before
 * the fork, and left alone where store.h has it open.
 */

#ifndef WGW_MAKE_H
#define WGW_MAKE_H


#include <sys/types.h>

#include "store/class.h"

#pragma GCC visibility push(hidden)


/*
 * What a master does before it forks: makes the directory (0750) and the
 * files (0640) where they are missing, checks the format, gives the rows of
 * a compacted copy new ids, drops what a killed replace left, closes
 * everything and gives all to uid and gid when it is root.  Refused: network
 * file systems, links in the place of files, what is another store.
 */
wgw_store_rc_t wgw_store_create(const wgw_store_class_t *class,
    const char *path, uid_t uid, gid_t gid, wgw_store_error_t *error);

/*
 * What `nginx -t` does: looks at the format without the lock file, and at
 * whether there is a place for the store.  One that does not exist yet is all
 * right.
 */
wgw_store_rc_t wgw_store_check(const wgw_store_class_t *class,
    const char *path, wgw_store_error_t *error);


#pragma GCC visibility pop

#endif /* WGW_MAKE_H */
