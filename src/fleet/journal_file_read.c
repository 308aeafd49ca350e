
/*
 * Reading while another process writes.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fleet/journal_file.h"


static int wgw_journal_first(wgw_journal_reader_t *reader);
static int wgw_journal_onward(wgw_journal_reader_t *reader,
    wgw_journal_segment_t *next);
static int wgw_journal_enter(wgw_journal_reader_t *reader,
    const wgw_journal_segment_t *segment);
static int wgw_journal_frame_next(wgw_journal_reader_t *reader,
    wgw_journal_record_t *record, const char **error);
static int wgw_journal_behind(uint64_t epoch, uint64_t seq,
    uint64_t other_epoch, uint64_t other_seq);


void
wgw_journal_seek(wgw_journal_reader_t *reader, const char *dir,
    uint64_t epoch, uint64_t seq)
{
    if (dir != reader->dir) {
        (void) snprintf(reader->dir, sizeof(reader->dir), "%s", dir);
    }

    reader->fd = -1;
    reader->want_epoch = epoch;
    reader->want_seq = seq;
}


int
wgw_journal_get_record(wgw_journal_reader_t *reader,
    wgw_journal_record_t *record, const char **error)
{
    int  rc;

    if (reader->fd == -1 && wgw_journal_first(reader) != 0) {
        return 0;
    }

    for ( ;; ) {
        rc = wgw_journal_frame_next(reader, record, error);

        if (rc <= 0) {
            return rc;
        }

        /* what a file begins with says nothing new to who read the others */

        if (wgw_journal_behind(record->epoch, record->seq,
                               reader->want_epoch, reader->want_seq))
        {
            break;
        }
    }

    if (record->kind != WGW_JOURNAL_STATE) {
        reader->want_epoch = record->epoch;
        reader->want_seq = record->seq;
    }

    return 1;
}


/* What is left of a file is read once more when there is another one. */

static int
wgw_journal_frame_next(wgw_journal_reader_t *reader,
    wgw_journal_record_t *record, const char **error)
{
    int                    rc, ended;
    wgw_journal_segment_t  next;

    for (ended = 0; /* void */ ; ended = !ended) {
        rc = wgw_journal_segment_frame(reader->fd, reader->offset,
                                       reader->buffer, record);

        if (rc > 0) {
            reader->offset += (uint64_t) rc;
            reader->bytes = reader->buffer + WGW_JOURNAL_FRAME;
            reader->len = (size_t) rc - WGW_JOURNAL_FRAME;
            memcpy(reader->hash, reader->buffer + 4, WGW_JOURNAL_HASH);

            return 1;
        }

        if (!ended && wgw_journal_onward(reader, &next) != 0) {
            return 0;
        }

        if (!ended) {
            continue;
        }

        *error = rc < 0
                 && wgw_journal_segment_more(reader->fd, reader->offset)
                 ? "is damaged" : NULL;

        if (wgw_journal_enter(reader, &next) != 0) {
            return 0;
        }

        if (*error) {
            return -1;
        }
    }
}


/* The file that has what is wanted, or the oldest that is left. */

static int
wgw_journal_first(wgw_journal_reader_t *reader)
{
    int                     rc;
    size_t                  i;
    wgw_journal_segments_t  list;

    if (wgw_journal_segments(reader->dir, &list) != 0) {
        return -1;
    }

    for (i = list.n; i > 1; i--) {
        if (!wgw_journal_behind(list.elts[i - 1].epoch, list.elts[i - 1].seq,
                                reader->want_epoch, reader->want_seq + 1))
        {
            break;
        }
    }

    rc = list.n ? wgw_journal_enter(reader, &list.elts[i ? i - 1 : 0]) : -1;

    wgw_journal_segments_free(&list);

    return rc;
}


/* The one after this. */

static int
wgw_journal_onward(wgw_journal_reader_t *reader, wgw_journal_segment_t *next)
{
    int                     rc;
    size_t                  i;
    wgw_journal_segments_t  list;

    if (wgw_journal_segments(reader->dir, &list) != 0) {
        return -1;
    }

    rc = -1;

    for (i = 0; i < list.n && rc != 0; i++) {
        if (wgw_journal_behind(list.elts[i].epoch, list.elts[i].seq,
                               reader->epoch, reader->seq))
        {
            *next = list.elts[i];
            rc = 0;
        }
    }

    wgw_journal_segments_free(&list);

    return rc;
}


static int
wgw_journal_enter(wgw_journal_reader_t *reader,
    const wgw_journal_segment_t *segment)
{
    int  fd;

    fd = wgw_journal_segment_open(reader->dir, segment, O_RDONLY);

    if (fd == -1) {
        return -1;
    }

    wgw_journal_leave(reader);

    reader->fd = fd;
    reader->epoch = segment->epoch;
    reader->seq = segment->seq;
    reader->offset = WGW_JOURNAL_MAGIC;

    return 0;
}


/* 1 when one is behind another. */

static int
wgw_journal_behind(uint64_t epoch, uint64_t seq, uint64_t other_epoch,
    uint64_t other_seq)
{
    return epoch > other_epoch || (epoch == other_epoch && seq > other_seq);
}


void
wgw_journal_leave(wgw_journal_reader_t *reader)
{
    if (reader->fd != -1) {
        (void) close(reader->fd);
        reader->fd = -1;
    }
}
