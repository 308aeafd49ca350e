
/*
 * What the tests of expiring tables share: one in memory of its own, that
 * forked processes share, and short ways to use it.
 */

#ifndef WGW_TEST_EXPIRING_H
#define WGW_TEST_EXPIRING_H


#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "table/gcra.h"
#include "table/notes.h"
#include "table/slots.h"

#include "t/unit/tap.h"


#define NOW  INT64_C(1800000000)


static const uint8_t  seed[WGW_HASH_SEED] = { 3, 1, 4, 1, 5, 9, 2, 6, 5, 3 };


static void *
shared(size_t size)
{
    void  *p;

    p = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1,
             0);
    assert(p != MAP_FAILED);

    return p;
}


static size_t
make(wgw_expiring_t *t, uint32_t kind, uint32_t keys)
{
    void                 *memory;
    size_t                size;
    wgw_expiring_conf_t   conf;

    conf.kind = kind;
    conf.keys = keys;

    size = wgw_expiring_size(&conf);
    memory = shared(size);

    wgw_expiring_format(memory, &conf, seed);
    wgw_expiring_open(t, memory);

    return size;
}


static wgw_expiring_key_t
key_of(wgw_expiring_t *t, uint64_t number)
{
    return wgw_expiring_key(t, &number, sizeof(number));
}


/*
 * A note of a kind with so many uses and its number as payload.  Kind 5 takes
 * all the room there is, kind 1 leaves some.
 */

static uint32_t  insert_kind = 1;


__attribute__((unused))
static int
insert(wgw_expiring_t *t, uint64_t number, uint32_t uses, int64_t until,
    int64_t now)
{
    wgw_note_t  note;

    memset(&note, 0, sizeof(note));

    note.kind = insert_kind;
    note.count = uses;
    note.until = until;
    note.payload[0] = number;
    note.payload[WGW_NOTE_PAYLOAD / 8 - 1] = ~number;

    return wgw_notes_insert(t, key_of(t, number), &note, now, 1);
}


#endif /* WGW_TEST_EXPIRING_H */
