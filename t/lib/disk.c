
/*
 * A disk of another kind: preloaded, statfs() says that what is below the
 * directory WGW_FUSE is on FUSE, whose type is in linux/magic.h.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>


int
statfs(const char *path, struct statfs *fs)
{
    int          rc;
    const char  *fuse;

    int  (*real)(const char *path, struct statfs *fs);

    *(void **) &real = dlsym(RTLD_NEXT, "statfs");

    rc = real(path, fs);
    fuse = getenv("WGW_FUSE");

    if (rc == 0 && fuse && strstr(path, fuse)) {
        fs->f_type = 0x65735546;
    }

    return rc;
}
