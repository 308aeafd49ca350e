
/*
 * place: where a file of ours is, or is to be: what `nginx -t` can say about
 * it, and a start before it does harm.  Takes no nginx types.
 *
 * All return 0, or -1; then errno is 0 or says why, and `*error` is a phrase:
 * "cannot be made", "is on a network or user-space file system, ...".
 */

#ifndef WGW_PLACE_H
#define WGW_PLACE_H


#include <stdint.h>
#include <sys/types.h>

#pragma GCC visibility push(hidden)


#define WGW_PLACE_PATH  4096


/*
 * The file system of a path, or of what is there of it, can be mapped and
 * locked by several processes: it is none of a network or of user space.
 */
int wgw_place_shared(const char *path, const char **error);

/* A file or directory of that name, which is not there, could be made. */
int wgw_place_makes(const char *path, const char **error);

/*
 * A directory in which that user could make files; or, if it is not there,
 * one that could be made.
 */
int wgw_place_directory(const char *path, uid_t uid, gid_t gid,
    const char **error);

/* The disk has room for so many bytes more. */
int wgw_place_room(const char *path, uint64_t bytes, const char **error);

/* The device it is on, or is to be on; 0 when that is not known. */
dev_t wgw_place_device(const char *path);

/* 1 when two paths of files that are not there are one, spelt differently. */
int wgw_place_same(const char *one, const char *other);


#pragma GCC visibility pop

#endif /* WGW_PLACE_H */
