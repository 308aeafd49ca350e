
/*
 * zonefile: the file of a zone (src/table/), copied while a gateway uses it,
 * and looked at.
 *
 * A copy is of no single moment: every total in it is one that was true while
 * it was made.  It is whole, since it is read in the order that is the reverse
 * of how it is written (layout.h): the index before the records that it names,
 * a record's bases before its totals, the clock and the number of segments at
 * last; and a line of the cache until it is the same twice.  What names the
 * boot is cleared, so that the start which finds the copy makes its index
 * anew, as after a loss of power.
 *
 * Errors are phrases, to be put behind the file's name.
 */

#ifndef WGW_CLI_ZONEFILE_H
#define WGW_CLI_ZONEFILE_H


#include <stdint.h>


typedef enum {
    CLI_ZONE_NONE = 0,                  /* another file */
    CLI_ZONE_COUNTERS,
    CLI_ZONE_NOTES
} cli_zone_kind_t;


/* All records, those of the classes too; of notes the live ones. */
typedef struct {
    uint64_t  keys;
    uint64_t  sent;
    uint64_t  received;
    uint64_t  requests;
    uint64_t  lost;                     /* records that were not whole */
} cli_zone_facts_t;


/* By its first bytes. */
cli_zone_kind_t cli_zone_kind(int fd);

/* Into an empty file.  0, or -1 and why not. */
int cli_zone_copy(int from, int to, const char **error);

/*
 * What is in a file.  With `mend` it is looked at as a start would find it,
 * after its repair, which happens in memory only; else as it is, by reading
 * alone, also while it is used: only of counters.
 */
int cli_zone_look(int fd, int mend, cli_zone_facts_t *facts,
    const char **error);

/* 1 when a gateway has the file open. */
int cli_zone_used(const char *path);


#endif /* WGW_CLI_ZONEFILE_H */
