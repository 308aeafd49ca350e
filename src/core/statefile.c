
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/statefile.h"


#define STATEFILE_MODE   0640

/* how often a name may change hands while it is opened */
#define STATEFILE_TRIES  16


static int statefile_ours(int fd);
static int statefile_error(int fd, int err);


int
wgw_statefile_tmp(const char *path, int keep)
{
    int  fd, tries;

    for (tries = 0; tries < STATEFILE_TRIES; tries++) {
        fd = open(path, O_RDWR|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC,
                  STATEFILE_MODE);

        if (fd != -1 || errno != EEXIST) {
            return fd;
        }

        if (keep) {
            fd = open(path, O_RDWR|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC);

            if (fd != -1) {
                if (statefile_ours(fd) || flock(fd, LOCK_EX|LOCK_NB) == -1) {
                    return fd;
                }

                (void) close(fd);

            } else if (errno == ENOENT) {
                continue;
            }
        }

        /* this takes away a name, whatever it leads to */

        if (unlink(path) == -1 && errno != ENOENT) {
            return -1;
        }
    }

    errno = EEXIST;

    return -1;
}


int
wgw_statefile_open(const char *path)
{
    int          fd;
    struct stat  st;

    fd = open(path, O_RDWR|O_CREAT|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC,
              STATEFILE_MODE);

    if (fd == -1) {
        return -1;
    }

    if (fstat(fd, &st) == -1) {
        return statefile_error(fd, errno);
    }

    if (!S_ISREG(st.st_mode)) {
        return statefile_error(fd, EINVAL);
    }

    return st.st_nlink > 1 ? statefile_error(fd, EMLINK) : fd;
}


const char *
wgw_statefile_unfit(const char *path)
{
    char         name[PATH_MAX];
    char        *slash;
    struct stat  st;

    if (strlen(path) >= sizeof(name)) {
        return NULL;
    }

    (void) strcpy(name, path);

    slash = strrchr(name, '/');

    if (slash) {
        slash[slash == name] = '\0';

    } else {
        (void) strcpy(name, ".");
    }

    /* one that is missing is told when the file is opened */

    if (stat(name, &st) == -1 || (st.st_mode & S_IWOTH) == 0) {
        return NULL;
    }

    if ((st.st_mode & S_ISVTX) == 0) {
        return "is in a directory that everybody may write to";
    }

    if (lstat(path, &st) == -1 || st.st_uid == 0 || st.st_uid == geteuid()) {
        return NULL;
    }

    return "is another user's, in a directory that everybody may write to";
}


static int
statefile_ours(int fd)
{
    struct stat  st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink <= 1
           && st.st_uid == geteuid();
}


static int
statefile_error(int fd, int err)
{
    (void) close(fd);
    errno = err;

    return -1;
}
