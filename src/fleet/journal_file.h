
/*
 * journal_file: the files of a node's journal; see journal.h for a record.
 *
 *     DIR/EPOCH-SEQ.journal     20 digits each: of the first record in it
 *
 *     magic     8 bytes, "wgwjrnl" and 1
 *     frames    4 bytes of length (little-endian), 32 of the record's hash,
 *               the record
 *
 * A file begins with all readings so far (WGW_JOURNAL_STATE), and appears
 * whole, by a rename; then records are appended.  So the newest file alone
 * says what has been read, and older ones may be deleted: only where in time
 * it belonged goes with them.
 *
 * What is not whole at the end of the newest file was being written when its
 * writer was killed, and is dropped.  When what is whole does not follow from
 * what is before it, or there is none, a new epoch begins.
 *
 * One process writes, any number read meanwhile.  Takes no nginx types; not
 * for the event loop, since it waits for the disk.
 */

#ifndef WGW_JOURNAL_FILE_H
#define WGW_JOURNAL_FILE_H


#include "fleet/journal_segment.h"

#pragma GCC visibility push(hidden)


/* Called with each record of the newest file; see wgw_journal_open(). */
typedef int (*wgw_journal_each_pt)(void *data, wgw_journal_record_t *record);

/* Writes all readings by wgw_journal_state(); 0, or -1. */
typedef struct wgw_journal_s  wgw_journal_t;
typedef int (*wgw_journal_state_pt)(void *data, wgw_journal_t *journal);


struct wgw_journal_s {
    char                 dir[WGW_JOURNAL_DIR + 1];
    char                 node[WGW_JOURNAL_NODE + 1];

    uint64_t             segment;       /* bytes, after which a new file
                                           begins */
    uint64_t             max;           /* of all files */
    int64_t              keep;          /* seconds that a file is kept */

    int                  fd;            /* of the newest file, or -1 */
    int                  old;           /* while the next one is written */
    uint64_t             size;          /* of it, and what is on the disk */
    uint64_t             synced;
    uint64_t             state;         /* bytes of its first part */
    int64_t              born;          /* when it began */
    uint64_t             first;         /* the number in its name */

    uint64_t             epoch;         /* of the last record ... */
    uint64_t             seq;           /* ... 0: none in this epoch */
    int64_t              to;
    uint8_t              hash[WGW_JOURNAL_HASH];

    uint64_t             synced_seq;    /* the last one on the disk */
    uint8_t              synced_hash[WGW_JOURNAL_HASH];

    const char          *torn;          /* what was dropped, or NULL */
    uint8_t              buffer[WGW_JOURNAL_FRAME + WGW_JOURNAL_MAX];
};


typedef struct {
    char                 dir[WGW_JOURNAL_DIR + 1];
    int                  fd;            /* -1: no file is open */
    uint64_t             epoch;         /* of the file's name */
    uint64_t             seq;
    uint64_t             offset;
    uint64_t             want_epoch;    /* what is asked for is behind this */
    uint64_t             want_seq;
    uint8_t              hash[WGW_JOURNAL_HASH];    /* of the last given */
    uint8_t             *bytes;
    size_t               len;
    uint8_t              buffer[WGW_JOURNAL_FRAME + WGW_JOURNAL_MAX];
} wgw_journal_reader_t;


/*
 * Opens the newest file of a journal to go on with it; the members up to
 * `keep` are set, `each` sees the readings, then the records, and may be NULL.
 * Returns 0; 1 when there is none, or none that can be gone on with, and a
 * phrase why ("is damaged"), then wgw_journal_begin() must follow; -1 when it
 * cannot be told, and a phrase or errno.
 */
int wgw_journal_open(wgw_journal_t *journal, wgw_journal_each_pt each,
    void *data, const char **error);

/* A new epoch: the next record is its first; `now` in milliseconds. */
int wgw_journal_begin(wgw_journal_t *journal, uint64_t now,
    wgw_journal_state_pt state, void *data);

/* 1 when it is time for another file, see wgw_journal_turn(). */
int wgw_journal_due(const wgw_journal_t *journal, int64_t now);

/* 1 when nobody else finds the file that is written: it was deleted. */
int wgw_journal_gone(const wgw_journal_t *journal);

/* Begins another file, after a sync.  0, or -1: the old one goes on. */
int wgw_journal_turn(wgw_journal_t *journal, int64_t now,
    wgw_journal_state_pt state, void *data);

/* Only by a wgw_journal_state_pt: these are among the readings. */
int wgw_journal_state(wgw_journal_t *journal, const wgw_journal_rows_t *rows);

/*
 * Appends a record; `kind`, `from`, `to` and `note` of it are set.  0, or -1
 * and errno: nothing was appended.
 */
int wgw_journal_append(wgw_journal_t *journal, wgw_journal_record_t *record,
    const wgw_journal_rows_t *rows);

/*
 * All that was appended is on the disk: 0; or -1, and all that was appended
 * since the last time is gone.
 */
int wgw_journal_sync(wgw_journal_t *journal);

/* Deletes files that are too old or too many; returns their bytes left. */
uint64_t wgw_journal_trim(wgw_journal_t *journal, int64_t now);

void wgw_journal_close(wgw_journal_t *journal);


/*
 * Gives what is behind a record: its epoch and number, 0 and 0 for all.  The
 * folder may be reader->dir, of before.
 */
void wgw_journal_seek(wgw_journal_reader_t *reader, const char *dir,
    uint64_t epoch, uint64_t seq);

/*
 * The next record, or readings that a file begins with where what they are
 * made of is there no more.  Returns 1; 0 when there is none yet; -1 and a
 * phrase for a file that is damaged, the rest of which is passed over.
 */
int wgw_journal_get_record(wgw_journal_reader_t *reader,
    wgw_journal_record_t *record, const char **error);

void wgw_journal_leave(wgw_journal_reader_t *reader);


#pragma GCC visibility pop

#endif /* WGW_JOURNAL_FILE_H */
