
/*
 * Files of state whose names somebody else may have prepared: field 11.18.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/tap.h"
#include "core/statefile.h"


static char  dir[] = "/tmp/wgw-statefile.XXXXXX";


static const char *
at(const char *name)
{
    static char  paths[4][256];
    static int   i;

    i = (i + 1) % 4;
    (void) snprintf(paths[i], sizeof(paths[i]), "%s/%s", dir, name);

    return paths[i];
}


static void
put(const char *path, const char *text)
{
    int  fd;

    fd = open(path, O_WRONLY|O_CREAT|O_TRUNC, 0600);

    if (fd == -1 || write(fd, text, strlen(text)) != (ssize_t) strlen(text)) {
        abort();
    }

    (void) close(fd);
}


static long
size_of(const char *path)
{
    struct stat  st;

    return lstat(path, &st) == 0 ? (long) st.st_size : -1;
}


/* What is opened, is it a file of its own, with what in it? */

static int
is_new(int fd)
{
    int          good;
    struct stat  st;

    good = fd != -1 && fstat(fd, &st) == 0 && st.st_size == 0
           && st.st_nlink == 1 && S_ISREG(st.st_mode);

    (void) close(fd);

    return good;
}


static void
temporary(void)
{
    int          fd, other;
    struct stat  st;

    put(at("victim"), "precious");

    ok(symlink("victim", at("a.tmp")) == 0
       && is_new(wgw_statefile_tmp(at("a.tmp"), 1))
       && size_of(at("victim")) == 8,
       "field 11.18: a symbolic link is not followed");
    ok(lstat(at("a.tmp"), &st) == 0 && S_ISREG(st.st_mode),
       "field 11.18: it is replaced");

    ok(symlink("nothing", at("b.tmp")) == 0
       && is_new(wgw_statefile_tmp(at("b.tmp"), 0))
       && size_of(at("nothing")) == -1,
       "field 11.18: nor is one to nothing");

    ok(link(at("victim"), at("c.tmp")) == 0
       && is_new(wgw_statefile_tmp(at("c.tmp"), 1))
       && size_of(at("victim")) == 8,
       "field 11.18: another file's second name");

    ok(mkfifo(at("d.tmp"), 0600) == 0
       && is_new(wgw_statefile_tmp(at("d.tmp"), 1)),
       "field 11.18: a pipe");

    put(at("e.tmp"), "left");
    fd = wgw_statefile_tmp(at("e.tmp"), 1);
    ok(fd != -1 && fstat(fd, &st) == 0 && st.st_size == 4,
       "one that was left is kept");

    other = wgw_statefile_tmp(at("e.tmp"), 0);
    ok(is_new(other), "or not");
    (void) close(fd);

    ok(mkdir(at("f.tmp"), 0700) == 0
       && wgw_statefile_tmp(at("f.tmp"), 1) == -1, "a directory");
}


static void
lasting(void)
{
    int  fd;

    ok(is_new(wgw_statefile_open(at("a.lock"))), "a lock is made");

    fd = wgw_statefile_open(at("a.lock"));
    ok(fd != -1, "and opened");
    (void) close(fd);

    ok(symlink("victim", at("b.lock")) == 0
       && wgw_statefile_open(at("b.lock")) == -1 && errno == ELOOP,
       "field 11.18: not through a symbolic link");
    ok(link(at("victim"), at("c.lock")) == 0
       && wgw_statefile_open(at("c.lock")) == -1 && errno == EMLINK,
       "field 11.18: nor as another file's second name");
}


static void
directories(void)
{
    ok(wgw_statefile_unfit(at("table")) == NULL, "a directory of our own");

    (void) chmod(dir, 0777);
    ok(wgw_statefile_unfit(at("table")) != NULL,
       "field 11.18: one that everybody may write to");

    (void) chmod(dir, 01777);
    ok(wgw_statefile_unfit(at("table")) == NULL, "where names are owned");

    put(at("table"), "");

    if (geteuid() == 0 && chown(at("table"), 12345, 12345) == 0) {
        ok(wgw_statefile_unfit(at("table")) != NULL,
           "field 11.18: by another user");
    }

    (void) chmod(dir, 0775);
    ok(wgw_statefile_unfit(at("table")) == NULL, "one of a group");
    (void) chmod(dir, 0700);

    ok(chdir(dir) == 0 && wgw_statefile_unfit("table") == NULL
       && wgw_statefile_unfit("/table") == NULL, "a name alone");
}


int
main(void)
{
    if (mkdtemp(dir) == NULL) {
        return 1;
    }

    temporary();
    lasting();
    directories();

    return done_in(dir);
}
