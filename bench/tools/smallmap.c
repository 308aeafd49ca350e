
/*
 * smallmap: preloaded where instructions are counted.  Valgrind's processes
 * have less address space than the 64 GB that a store reserves.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <lmdb.h>
#include <stddef.h>


#define SMALLMAP_MAX  ((size_t) 1 << 30)


int
mdb_env_set_mapsize(MDB_env *env, size_t size)
{
    union {
        void   *symbol;
        int   (*function)(MDB_env *env, size_t size);
    } next;

    next.symbol = dlsym(RTLD_NEXT, "mdb_env_set_mapsize");

    return next.function(env, size < SMALLMAP_MAX ? size : SMALLMAP_MAX);
}
