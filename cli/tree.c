
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/file.h"
#include "cli/tree.h"
#include "program/memory.h"


#define TREE_OPEN  16                   /* directories at once */


static int tree_remove(const char *path, const struct stat *st, int type,
    struct FTW *ftw);
static int tree_sync(const char *path, const struct stat *st, int type,
    struct FTW *ftw);


char *
cli_tree_bare(const char *path)
{
    size_t  len;

    len = strlen(path);

    while (len > 1 && path[len - 1] == '/') {
        len--;
    }

    return wgw_copy_bytes(path, len);
}


int
cli_tree_remove(const char *path)
{
    return nftw(path, tree_remove, TREE_OPEN, FTW_DEPTH|FTW_PHYS);
}


static int
tree_remove(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
    (void) st;
    (void) type;
    (void) ftw;

    return remove(path);
}


int
cli_tree_sync(const char *path)
{
    return nftw(path, tree_sync, TREE_OPEN, FTW_DEPTH|FTW_PHYS);
}


static int
tree_sync(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
    (void) type;
    (void) ftw;

    return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) ? cli_file_sync(path)
                                                        : 0;
}
