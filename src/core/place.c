
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                     /* AT_EACCESS */
#endif

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/place.h"


/* f_type of file systems where locks or shared mappings do not hold */
#define WGW_PLACE_NFS   0x6969
#define WGW_PLACE_SMB   0x517b
#define WGW_PLACE_SMB2  0xfe534d42
#define WGW_PLACE_CIFS  0xff534d42
#define WGW_PLACE_FUSE  0x65735546
#define WGW_PLACE_9P    0x01021997

#define WGW_PLACE_GROUPS  256


static int wgw_place_above(const char *path, char above[WGW_PLACE_PATH]);
static int wgw_place_there(const char *path, char there[WGW_PLACE_PATH]);
static int wgw_place_user(const char *path, const struct stat *st, uid_t uid,
    gid_t gid);
static int wgw_place_member(gid_t group, uid_t uid, gid_t gid);
static const char *wgw_place_name(const char *path);


int
wgw_place_shared(const char *path, const char **error)
{
    char           there[WGW_PLACE_PATH];
    struct statfs  fs;

    /* that its directory is not there is for others to say */

    if (wgw_place_there(path, there) != 0 || statfs(there, &fs) == -1) {
        *error = "cannot be looked at";

        return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    }

    switch ((uint32_t) fs.f_type) {

    case WGW_PLACE_NFS:
    case WGW_PLACE_SMB:
    case WGW_PLACE_SMB2:
    case WGW_PLACE_CIFS:
    case WGW_PLACE_FUSE:
    case WGW_PLACE_9P:
        errno = 0;
        *error = "is on a network or user-space file system, which cannot be "
                 "shared between processes";
        return -1;

    default:
        return 0;
    }
}


int
wgw_place_makes(const char *path, const char **error)
{
    char         above[WGW_PLACE_PATH];
    struct stat  st;

    *error = "cannot be made";

    if (wgw_place_above(path, above) != 0 || stat(above, &st) == -1) {
        return -1;
    }

    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }

    return faccessat(AT_FDCWD, above, W_OK|X_OK, AT_EACCESS) == -1 ? -1 : 0;
}


int
wgw_place_directory(const char *path, uid_t uid, gid_t gid,
    const char **error)
{
    struct stat  st;

    if (stat(path, &st) == -1) {
        *error = "cannot be made";

        return errno == ENOENT ? wgw_place_makes(path, error) : -1;
    }

    *error = "cannot be written to";

    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }

    if (geteuid() != 0 || uid == 0) {
        return faccessat(AT_FDCWD, path, W_OK|X_OK, AT_EACCESS) == -1 ? -1
                                                                      : 0;
    }

    if (!wgw_place_user(path, &st, uid, gid)) {
        errno = EACCES;
        *error = "cannot be written to by the workers' user";
        return -1;
    }

    return 0;
}


int
wgw_place_room(const char *path, uint64_t bytes, const char **error)
{
    char            there[WGW_PLACE_PATH];
    uint64_t        blocks;
    struct statvfs  fs;

    *error = "cannot be looked at";

    if (wgw_place_there(path, there) != 0 || statvfs(there, &fs) == -1) {
        return -1;
    }

    /* a part of the disk is kept for root; some systems have no figures */

    blocks = geteuid() == 0 ? fs.f_bfree : fs.f_bavail;

    if (fs.f_frsize == 0 || fs.f_blocks == 0
        || bytes / fs.f_frsize + (bytes % fs.f_frsize != 0) <= blocks)
    {
        return 0;
    }

    errno = ENOSPC;
    *error = "cannot be allocated";

    return -1;
}


dev_t
wgw_place_device(const char *path)
{
    char         there[WGW_PLACE_PATH];
    struct stat  st;

    if (wgw_place_there(path, there) != 0 || stat(there, &st) == -1) {
        return 0;
    }

    return st.st_dev;
}


int
wgw_place_same(const char *one, const char *other)
{
    char         above[WGW_PLACE_PATH], beside[WGW_PLACE_PATH];
    struct stat  st, st2;

    return strcmp(wgw_place_name(one), wgw_place_name(other)) == 0
           && wgw_place_above(one, above) == 0
           && wgw_place_above(other, beside) == 0
           && stat(above, &st) == 0
           && stat(beside, &st2) == 0
           && st.st_ino == st2.st_ino && st.st_dev == st2.st_dev;
}


/* The directory of a path, which may end with slashes. */

static int
wgw_place_above(const char *path, char above[WGW_PLACE_PATH])
{
    size_t  len;

    len = strlen(path);

    if (len == 0 || len >= WGW_PLACE_PATH - 2) {
        errno = ENAMETOOLONG;
        return -1;
    }

    while (len > 1 && path[len - 1] == '/') {
        len--;
    }

    while (len && path[len - 1] != '/') {
        len--;
    }

    if (len == 0) {
        memcpy(above, ".", sizeof("."));
        return 0;
    }

    while (len > 1 && path[len - 1] == '/') {
        len--;
    }

    memcpy(above, path, len);
    above[len] = '\0';

    return 0;
}


/* The path, or its directory if it is not there. */

static int
wgw_place_there(const char *path, char there[WGW_PLACE_PATH])
{
    size_t       len;
    struct stat  st;

    if (stat(path, &st) == -1) {
        return errno == ENOENT ? wgw_place_above(path, there) : -1;
    }

    len = strlen(path);

    if (len >= WGW_PLACE_PATH) {
        errno = ENAMETOOLONG;
        return -1;
    }

    memcpy(there, path, len + 1);

    return 0;
}


/* 1 when a process of that user and group may make files in a directory. */

static int
wgw_place_user(const char *path, const struct stat *st, uid_t uid, gid_t gid)
{
    mode_t  mode;

    if (st->st_uid == uid) {
        mode = st->st_mode >> 6;

    } else if (wgw_place_member(st->st_gid, uid, gid)) {
        mode = st->st_mode >> 3;

    } else {
        mode = st->st_mode;
    }

    /* a list of access may say yes to anybody */

    return (mode & 3) == 3
           || getxattr(path, "system.posix_acl_access", NULL, 0) > 0;
}


/* 1 when workers are in a group: nginx calls initgroups(). */

static int
wgw_place_member(gid_t group, uid_t uid, gid_t gid)
{
    int             i, n;
    gid_t           groups[WGW_PLACE_GROUPS];
    struct passwd  *pw;

    if (group == gid) {
        return 1;
    }

    pw = getpwuid(uid);
    n = WGW_PLACE_GROUPS;

    if (pw == NULL || getgrouplist(pw->pw_name, gid, groups, &n) == -1) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (groups[i] == group) {
            return 1;
        }
    }

    return 0;
}


static const char *
wgw_place_name(const char *path)
{
    const char  *name;

    name = strrchr(path, '/');

    return name ? name + 1 : path;
}
