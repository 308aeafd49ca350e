
/*
 * growth: a table's file with more segments, and one segment made of them.
 *
 *     segment 0   as table.h says; its header says how many there are
 *     segment 1   from the next multiple of WGW_TABLE_ALIGN on, the same but
 *                 for its number; the records of the classes stay unused
 *     ...
 *
 * A segment is added in this order: room on the disk, all of the segment, a
 * sync, the number of segments in the first header, a sync.  A process that
 * is killed before the number is written leaves bytes behind the last segment
 * that mean nothing, and that the next addition takes.  So do readers of
 * before this format's growth: they find the file too long.
 *
 * Other processes may use the table meanwhile; of those that add, one does
 * at a time, by a lock of the file's open description (F_OFD_SETLK), which
 * has nothing to do with the flock of zone.h.
 *
 * Takes no nginx types.
 */

#ifndef WGW_GROWTH_H
#define WGW_GROWTH_H


#include "table/table.h"

#pragma GCC visibility push(hidden)


/*
 * Checks all headers of a file of `size` bytes.  Returns 0, where the
 * segments are, and the configuration: the keys of all, the rest as for the
 * first; or -1 and a phrase, see wgw_table_check().
 */
int wgw_growth_look(int fd, uint64_t size, wgw_table_parts_t *parts,
    wgw_table_conf_t *conf, const char **error);

/*
 * Adds a segment for what is missing to conf->keys, unless nothing is.
 * Returns 0, or -1 and a phrase; errno is 0 or says why.  The file is then
 * as before.
 */
int wgw_growth_append(int fd, const wgw_table_conf_t *conf,
    const char **error);

/*
 * 1 when all that the record's key counted is more than `purge` windows
 * before that of `now`; 0 means never.
 */
int wgw_growth_idle(wgw_table_t *table, uint32_t record, uint64_t purge,
    int64_t now);

/* Alone: keys that `purge` drops. */
uint32_t wgw_growth_purged(wgw_table_t *table, uint64_t purge, int64_t now);

/*
 * Alone: whether the keys that stay fit conf->keys; then conf->key_bytes is
 * made as much as they need.  Returns 0, or -1.
 */
int wgw_growth_fit(wgw_table_t *table, uint64_t purge, int64_t now,
    wgw_table_conf_t *conf);

/*
 * Alone: makes a table of one segment in zeroed memory of the size for
 * `conf`, with all of `from` but what `purge` drops and what is held.
 */
void wgw_growth_rewrite(void *memory, const wgw_table_conf_t *conf,
    wgw_table_t *from, uint64_t purge, int64_t now);


#pragma GCC visibility pop

#endif /* WGW_GROWTH_H */
