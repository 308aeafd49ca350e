
/*
 * journal_segment: one file of a journal, for those who write and who read;
 * see journal_file.h for what is in it and when.
 */

#ifndef WGW_JOURNAL_SEGMENT_H
#define WGW_JOURNAL_SEGMENT_H


#include "fleet/journal.h"

#pragma GCC visibility push(hidden)


#define WGW_JOURNAL_DIR      3500
#define WGW_JOURNAL_FRAME    36         /* bytes before a record */
#define WGW_JOURNAL_MAGIC    8          /* bytes */
#define WGW_JOURNAL_PATH     (WGW_JOURNAL_DIR + 64)


typedef struct {
    uint64_t                 epoch;
    uint64_t                 seq;
} wgw_journal_segment_t;


typedef struct {
    wgw_journal_segment_t   *elts;
    size_t                   n;
} wgw_journal_segments_t;


extern const char  wgw_journal_magic[WGW_JOURNAL_MAGIC];


/* Those of a directory, the oldest first: 0, or -1 and errno. */
int wgw_journal_segments(const char *dir, wgw_journal_segments_t *list);
void wgw_journal_segments_free(wgw_journal_segments_t *list);

void wgw_journal_segment_path(char path[WGW_JOURNAL_PATH], const char *dir,
    uint64_t epoch, uint64_t seq);

/* Plain files only; -1 and errno. */
int wgw_journal_segment_open(const char *dir,
    const wgw_journal_segment_t *segment, int flags);

/* 0 when it begins as it should. */
int wgw_journal_segment_magic(int fd);

/*
 * Reads the frame at `offset` to a buffer of WGW_JOURNAL_FRAME +
 * WGW_JOURNAL_MAX bytes.  Returns its length; 0 at the file's end; -1 when it
 * is not whole, or not right.
 */
int wgw_journal_segment_frame(int fd, uint64_t offset, uint8_t *buffer,
    wgw_journal_record_t *record);

/* 1 when there is a whole frame behind one that is not right. */
int wgw_journal_segment_more(int fd, uint64_t offset);

/* All bytes, at that place: 0, or -1 and errno. */
int wgw_journal_segment_write(int fd, uint64_t offset, const void *bytes,
    size_t len);

/* The names in a directory are on the disk: 0, or -1 and errno. */
int wgw_journal_segment_sync(const char *dir);


#pragma GCC visibility pop

#endif /* WGW_JOURNAL_SEGMENT_H */
