
/*
 * statefile: files that a master makes, as root perhaps, in a directory where
 * others may be able to write.
 *
 * A name that somebody has prepared is not followed, neither a symbolic link
 * nor a second name of a file of the system's: what is made is new, and what
 * is found is a plain file of this user's with one name only.  Takes no nginx
 * types.
 */

#ifndef WGW_STATEFILE_H
#define WGW_STATEFILE_H


#pragma GCC visibility push(hidden)


/*
 * Opens a temporary file, to read and write: a new one, or, if `keep` is not
 * 0, also one that a process of this user has left, or that another process
 * has locked (flock).  What else has the name loses it.  Returns the
 * descriptor, or -1 and errno.
 */
int wgw_statefile_tmp(const char *path, int keep);

/*
 * Opens a file that stays, such as one for locks, and makes it where it is
 * missing; -1 and errno, which is EMLINK for a second name of another file.
 */
int wgw_statefile_open(const char *path);

/*
 * Why state must not be kept under this name, or NULL: "is in a directory
 * that everybody may write to".  In one where names belong to whoever made
 * them (/tmp) only what is there already counts.
 */
const char *wgw_statefile_unfit(const char *path);


#pragma GCC visibility pop

#endif /* WGW_STATEFILE_H */
