
/*
 * notes: what must not be forgotten before its time, in an expiring table:
 * that a message was used, how often a token may still be, that one is
 * revoked.
 *
 * A note is live until the second `until`.  It is never dropped before: a
 * new one that finds no room is refused.  Of many processes that insert one
 * key exclusively at most one succeeds; two at the same instant may both be
 * refused.
 *
 * Clocks may step back.  What has expired stays in its slot until that is
 * needed, and still refuses its key; the table remembers the latest `until`
 * of what it had to forget, and takes nothing exclusively that ends before.
 * For that `until` must depend on the key alone, as a message's own end does,
 * and not on the time of the insert: it is such a time and the kind's span.
 *
 * Kinds from WGW_NOTE_MARKED on find room where others do not any more: these
 * leave one of eight slots to them.
 */

#ifndef WGW_NOTES_H
#define WGW_NOTES_H


#include "table/expiring.h"

#pragma GCC visibility push(hidden)



#define WGW_NOTES_OK      0
#define WGW_NOTES_EXISTS  1         /* or cannot be told any more */
#define WGW_NOTES_FULL    2
#define WGW_NOTES_NONE    3
#define WGW_NOTES_SPENT   4         /* the count is 0 */

#define WGW_NOTES_END     UINT64_MAX


typedef struct {
    uint32_t    kind;                /* below WGW_NOTE_KINDS */
    uint32_t    count;
    int64_t     until;               /* seconds since the epoch */
    uint64_t    payload[WGW_NOTE_PAYLOAD / 8];
} wgw_note_t;


/*
 * Adds a note; all of its payload must be set.  OK, FULL or, when it is
 * exclusive, EXISTS.  One that is not is added beside notes of its key.
 */
int wgw_notes_insert(wgw_expiring_t *table, wgw_expiring_key_t key,
    const wgw_note_t *note, int64_t now, int exclusive);

/* 1 when the key has a live note of that kind. */
int wgw_notes_has(wgw_expiring_t *table, wgw_expiring_key_t key,
    uint32_t kind, int64_t now);

/*
 * The key's live notes of a kind become this note, in their places and up to
 * their own ends: OK or NONE.  It needs no room.
 */
int wgw_notes_turn(wgw_expiring_t *table, wgw_expiring_key_t key,
    uint32_t kind, const wgw_note_t *note, int64_t now);

/*
 * The highest count of the key's live notes, or -1 when it has none.
 */
int64_t wgw_notes_count(wgw_expiring_t *table, wgw_expiring_key_t key,
    int64_t now);

/* When the last of the key's live notes ends, or -1 when it has none. */
int64_t wgw_notes_until(wgw_expiring_t *table, wgw_expiring_key_t key,
    int64_t now);

/* Takes one from the count, exactly: OK, SPENT or NONE. */
int wgw_notes_use(wgw_expiring_t *table, wgw_expiring_key_t key, int64_t now);

/* The same of half of it, rounded up: `*n`. */
int wgw_notes_halve(wgw_expiring_t *table, wgw_expiring_key_t key,
    uint32_t *n, int64_t now);

/* Adds to the count: OK, NONE, or SPENT: it would be too much. */
int wgw_notes_add(wgw_expiring_t *table, wgw_expiring_key_t key, uint32_t n,
    int64_t now);

/*
 * Moves count and end of a live note up to these: OK or NONE.  It may be
 * NONE, too, when the note ends meanwhile.
 */
int wgw_notes_raise(wgw_expiring_t *table, wgw_expiring_key_t key,
    uint32_t count, int64_t until, int64_t now);

/* Ends the key's notes: OK or NONE. */
int wgw_notes_remove(wgw_expiring_t *table, wgw_expiring_key_t key,
    int64_t now);

/*
 * The first live note of a kind in slot `from` or after it.  Returns the slot
 * after it, or WGW_NOTES_END when there is none.  Notes do not move: a walk
 * from slot 0 meets each that is there all the time once.
 */
uint64_t wgw_notes_next(wgw_expiring_t *table, uint32_t kind, uint64_t from,
    int64_t now, wgw_note_t *note);

/*
 * 0 when no note of a kind from WGW_NOTE_MARKED on has this as the first word
 * of its payload: one load, of a filter of 16384 bits, instead of a look into
 * the table.  1 when there may be one.  Ended notes are cleared from it when
 * the table is repaired.
 */
int wgw_notes_marked(wgw_expiring_t *table, uint64_t word);

/* How many live notes of a kind there are; reads 64 bytes for each 8 slots. */
uint64_t wgw_notes_live(wgw_expiring_t *table, uint32_t kind, int64_t now);

/* No note of this kind has ever ended later; 0 if there was none. */
int64_t wgw_notes_latest(wgw_expiring_t *table, uint32_t kind);

/* Notes that ended up to then may have been forgotten. */
int64_t wgw_notes_forgotten(wgw_expiring_t *table);

/*
 * How long notes of a kind are kept after the time that depends on the key;
 * 0 if that was never set.  Where it grows, all notes that there are, and
 * were, end that much later.  By one process at a time.
 */
int64_t wgw_notes_span(wgw_expiring_t *table, uint32_t kind);
void wgw_notes_set_span(wgw_expiring_t *table, uint32_t kind, int64_t span);

/*
 * Takes over all of a table of the same seed, for good: that one lets nothing
 * be changed any more (FULL, NONE).  What this one has of the same keys goes.
 * Returns how many found no room; until they would have ended, this table
 * takes nothing exclusively that ends before.
 */
uint32_t wgw_notes_carry(wgw_expiring_t *table, wgw_expiring_t *from,
    int64_t now);


/* 1 when another table has taken over this one. */
int wgw_notes_moved(wgw_expiring_t *table);


#pragma GCC visibility pop

#endif /* WGW_NOTES_H */
