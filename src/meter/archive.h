
/*
 * archive: a closed window of a table, as a file of its own.
 *
 *     DIR/names-20261001T000000Z.ndjson
 *
 *     {"zone":"names","key":"shop.gw1.example","owner":"alice",
 *      "start":"2026-10-01T00:00:00Z","end":"2026-11-01T00:00:00Z",
 *      "sent":1,"received":1}
 *
 * One line for each key that moved bytes in the window, in one line; what
 * belongs to no key has the empty one and a member "class".  A window without
 * traffic is an empty file.  A life of a key that has ended has a line, and a
 * member "life", of its own.  What follows the key are the labels it had when
 * the file was written.
 *
 * Keys that a start drops, see growth.h, have files of their own, named for
 * the time of that, with all they ever counted:
 *
 *     DIR/names-purged-20261101T081500Z.ndjson
 *
 *     {"zone":"names","key":"shop.gw1.example","sent":1,"received":1,
 *      "requests":1,"refused":0,"cut":0}
 *
 * A file is written as DIR/names.tmp, synced and renamed, under an flock of
 * DIR/names.lock: there is one writer, however many try, and a file that is
 * there is whole.  May be called in a thread; takes no nginx types.
 */

#ifndef WGW_ARCHIVE_H
#define WGW_ARCHIVE_H


#include <sys/types.h>

#include "table/table.h"

#pragma GCC visibility push(hidden)


#define WGW_ARCHIVE_DIR   3500          /* bytes of the directory's name */
#define WGW_ARCHIVE_ZONE  64

/* what wgw_archive_write() returns, besides 0 */
#define WGW_ARCHIVE_THERE   1           /* was written before */
#define WGW_ARCHIVE_BUSY    2           /* is being written by another */
#define WGW_ARCHIVE_ERROR  (-1)         /* errno says why */


typedef struct {
    wgw_table_t    *table;
    wgw_window_t    window;
    uint64_t        period;             /* the window to write */
    char            zone[WGW_ARCHIVE_ZONE + 1];
    char            dir[WGW_ARCHIVE_DIR + 1];
    uid_t           uid;                /* whose the files are to be, ... */
    gid_t           gid;                /* ... when root writes them */
    int             stop;               /* set by others: give up */
    int             wait;               /* for another one that writes */
    uint64_t        purge;              /* see growth.h, ... */
    int64_t         now;                /* ... as of this time */
} wgw_archive_t;


/*
 * Writes the file unless it is there.  The table must know the window: it is
 * the one before that of the table's clock, or the clock's own, when no
 * process moves the clock meanwhile.
 */
int wgw_archive_write(wgw_archive_t *archive);

/* Puts the file of a window aside that has not ended: adds ".undone". */
int wgw_archive_undo(wgw_archive_t *archive);

/*
 * Alone: writes the keys that archive->purge drops at `now`; waits for one
 * that writes a window.  Returns 0 or WGW_ARCHIVE_ERROR.
 */
int wgw_archive_purged(wgw_archive_t *archive, int64_t now);


#pragma GCC visibility pop

#endif /* WGW_ARCHIVE_H */
