
/*
 * Expiring tables: headers, notes, claims, repair.  Rates are in gcra.c.
 */

#define _GNU_SOURCE

#include <sys/wait.h>
#include <unistd.h>

#include "table/table.h"

#include "t/unit/table/expiring.h"


static void
basics(void)
{
    size_t          size;
    wgw_note_t      note;
    wgw_expiring_t  t;

    size = make(&t, WGW_EXPIRING_NOTES, 65536);
    printf("# %zu bytes a note\n", size / 65536);
    ok(size < 65536 * 220, "memory of 65536 notes");

    ok(wgw_notes_count(&t, key_of(&t, 1), NOW) == -1, "no note");
    ok(wgw_notes_use(&t, key_of(&t, 1), NOW) == WGW_NOTES_NONE, "nor a use");
    ok(wgw_notes_latest(&t, 1) == 0, "none ever");

    ok(insert(&t, 1, 2, NOW + 10, NOW) == WGW_NOTES_OK, "inserted");
    ok(insert(&t, 1, 2, NOW + 10, NOW) == WGW_NOTES_EXISTS, "once");
    ok(insert(&t, 2, 7, NOW + 20, NOW) == WGW_NOTES_OK, "another");
    ok(wgw_notes_latest(&t, 1) == NOW + 20 && wgw_notes_latest(&t, 2) == 0,
       "the latest end, by kind");

    ok(wgw_notes_count(&t, key_of(&t, 1), NOW) == 2
       && wgw_notes_count(&t, key_of(&t, 2), NOW + 19) == 7, "counts");
    ok(wgw_notes_count(&t, key_of(&t, 1), NOW + 10) == -1, "it has ended");

    ok(wgw_notes_use(&t, key_of(&t, 1), NOW) == WGW_NOTES_OK
       && wgw_notes_use(&t, key_of(&t, 1), NOW) == WGW_NOTES_OK
       && wgw_notes_use(&t, key_of(&t, 1), NOW) == WGW_NOTES_SPENT,
       "two uses, and no third");

    ok(wgw_notes_raise(&t, key_of(&t, 2), 5, NOW + 15, NOW) == WGW_NOTES_OK
       && wgw_notes_count(&t, key_of(&t, 2), NOW + 19) == 7,
       "raised to less: as it was");
    ok(wgw_notes_raise(&t, key_of(&t, 2), 9, NOW + 30, NOW) == WGW_NOTES_OK
       && wgw_notes_count(&t, key_of(&t, 2), NOW + 29) == 9
       && wgw_notes_latest(&t, 1) == NOW + 30, "raised to more");
    ok(wgw_notes_raise(&t, key_of(&t, 3), 1, NOW + 9, NOW) == WGW_NOTES_NONE,
       "not there to be raised");

    ok(wgw_notes_live(&t, 1, NOW) == 2 && wgw_notes_live(&t, 1, NOW + 10) == 1
       && wgw_notes_live(&t, 2, NOW) == 0, "live ones, by kind");

    ok(wgw_notes_next(&t, 1, 0, NOW + 10, &note) != WGW_NOTES_END
       && note.payload[0] == 2 && note.count == 9 && note.until == NOW + 30
       && note.payload[WGW_NOTE_PAYLOAD / 8 - 1] == ~UINT64_C(2),
       "a walk finds it whole");

    ok(wgw_notes_remove(&t, key_of(&t, 2), NOW) == WGW_NOTES_OK
       && wgw_notes_count(&t, key_of(&t, 2), NOW) == -1
       && wgw_notes_remove(&t, key_of(&t, 2), NOW) == WGW_NOTES_NONE,
       "removed");

    munmap(t.header, size);
}


/* As many as the configuration says, and not one of them is dropped. */

static void
fill(uint32_t keys)
{
    size_t          size;
    uint64_t        i, refused, first, lost, seen, slot;
    wgw_note_t      note;
    wgw_expiring_t  t;

    size = make(&t, WGW_EXPIRING_NOTES, keys);
    refused = 0;
    first = 0;
    lost = 0;

    for (i = 1; i <= keys; i++) {
        refused += insert(&t, i, 1, NOW + 100, NOW) != WGW_NOTES_OK;
    }

    ok(refused <= keys / 2000, "%u keys: as good as all find room", keys);

    for ( /* void */ ; i <= 2 * (uint64_t) keys + 50; i++) {
        if (insert(&t, i, 1, NOW + 100, NOW) != WGW_NOTES_OK && first == 0) {
            first = i;
        }
    }

    printf("# first refused: %lu, %lu live of %u slots\n",
           (unsigned long) first,
           (unsigned long) wgw_notes_live(&t, 1, NOW), t.n * WGW_SLOTS);

    ok(first != 0, "in the end one is refused");

    for (i = 1; i <= keys; i++) {
        lost += wgw_notes_count(&t, key_of(&t, i), NOW) != 1
                || insert(&t, i, 1, NOW + 100, NOW) == WGW_NOTES_OK;
    }

    ok(lost <= keys / 2000, "and none that was there is lost");

    seen = 0;

    for (slot = 0; /* void */ ; seen++) {
        slot = wgw_notes_next(&t, 1, slot, NOW, &note);

        if (slot == WGW_NOTES_END) {
            break;
        }
    }

    ok(seen == wgw_notes_live(&t, 1, NOW), "a walk meets all of them");

    refused = 0;

    for (i = 1; i <= keys; i++) {
        refused += insert(&t, i + 99 * (uint64_t) keys, 1, NOW + 300,
                          NOW + 100) != WGW_NOTES_OK;
    }

    ok(refused <= keys / 2000, "when they have ended, others find room");

    insert_kind = 5;
    refused = 0;

    for (i = 1; i <= t.n / 4; i++) {
        refused += insert(&t, i + 999 * (uint64_t) keys, 1, NOW + 300,
                          NOW + 100) != WGW_NOTES_OK;
    }

    ok(refused == 0, "field 11.12: there is room left for revocations");
    insert_kind = 1;

    munmap(t.header, size);
}


/* What is known of a key does not depend on the clock going forward. */

static void
clocks(void)
{
    size_t          size;
    uint64_t        i, wrong;
    wgw_expiring_t  t;

    size = make(&t, WGW_EXPIRING_NOTES, 100);

    ok(insert(&t, 1, 1, NOW + 10, NOW) == WGW_NOTES_OK, "a note");
    ok(insert(&t, 1, 1, NOW + 10, NOW + 50) == WGW_NOTES_EXISTS,
       "it has ended, and is still known");
    ok(insert(&t, 1, 1, NOW + 10, NOW - 50) == WGW_NOTES_EXISTS,
       "so it is when the clock steps back");
    ok(wgw_notes_forgotten(&t) == 0, "nothing was forgotten");

    /* a clock of a far year, by mistake: all slots are taken again */

    insert_kind = 5;

    for (i = 0; i < 1000; i++) {
        (void) insert(&t, 1000 + i, 1, 3 * NOW, 2 * NOW + (int64_t) i);
    }

    insert_kind = 1;

    ok(wgw_notes_forgotten(&t) == NOW + 10, "now it was");
    ok(insert(&t, 1, 1, NOW + 10, NOW) != WGW_NOTES_OK,
       "the clock is set right: refused");

    for (i = 0; i < 1000; i++) {
        (void) insert(&t, 1000 + i, 1, 5 * NOW, 4 * NOW + (int64_t) i);
    }

    wrong = insert(&t, 1, 1, NOW + 10, 4 * NOW) == WGW_NOTES_OK;
    munmap(t.header, size);

    ok(wrong == 0, "refused for ever");

    size = make(&t, WGW_EXPIRING_NOTES, 100);

    (void) insert(&t, 1, 1, NOW + 10, NOW);
    (void) insert(&t, 2, 1, 3 * NOW, 2 * NOW);

    ok(insert(&t, 3, 1, NOW + 11, NOW) == WGW_NOTES_OK,
       "a far year alone keeps nobody out");

    munmap(t.header, size);
}


/* Keys that share tag, check or bucket are different keys. */

static void
collisions(void)
{
    size_t              i, j, size, wrong;
    wgw_note_t          note;
    wgw_expiring_t      t;
    wgw_expiring_key_t  keys[6];

    size = make(&t, WGW_EXPIRING_NOTES, 1);
    ok(t.n == 2, "a table of two buckets");

    for (i = 0; i < 6; i++) {
        keys[i].hash[0] = i % 3 ? i % 3 << 61 : 5;
        keys[i].hash[1] = i / 3;
    }

    wrong = 0;

    for (i = 0; i < 6; i++) {
        memset(&note, 0, sizeof(note));
        note.kind = 2;
        note.count = 100 + (uint32_t) i;
        note.until = NOW + 1;

        wrong += wgw_notes_insert(&t, keys[i], &note, NOW, 1)
                 != WGW_NOTES_OK;

        for (j = 0; j < 6; j++) {
            wrong += wgw_notes_count(&t, keys[j], NOW)
                     != (j <= i ? 100 + (int64_t) j : -1);
        }
    }

    ok(wrong == 0, "each has its own count");

    for (i = 0; i < 6; i += 2) {
        wrong += wgw_notes_use(&t, keys[i], NOW) != WGW_NOTES_OK;
    }

    for (i = 0; i < 6; i++) {
        wrong += wgw_notes_count(&t, keys[i], NOW)
                 != 100 + (int64_t) i - (i % 2 == 0);
    }

    ok(wrong == 0, "and uses");

    /* one that is not exclusive may be there twice; all are looked at */

    note.count = 7;
    ok(wgw_notes_insert(&t, keys[0], &note, NOW, 0) == WGW_NOTES_OK
       && wgw_notes_count(&t, keys[0], NOW) == 99, "twice, the highest");
    ok(wgw_notes_remove(&t, keys[0], NOW) == WGW_NOTES_OK
       && wgw_notes_count(&t, keys[0], NOW) == -1, "both are removed");

    munmap(t.header, size);
}


static uint64_t
claim_of(pid_t pid)
{
    return (uint64_t) NOW << 24 | (uint64_t) pid << 2 | WGW_SLOT_CLAIM;
}


/* A killed inserter's slot comes back, a stopped one's does not. */

static void
claims(void)
{
    pid_t           pid;
    size_t          size, i;
    uint64_t        gone, here;
    wgw_expiring_t  t;

    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        _exit(0);
    }

    waitpid(pid, NULL, 0);

    gone = claim_of(pid);
    here = claim_of(getppid());

    ok(!wgw_slot_stale(gone, NOW + 1), "a lease has not ended yet");
    ok(wgw_slot_stale(gone, NOW + 2), "it has, and its process is gone");
    ok(wgw_slot_stale(gone, NOW - 2), "so it has when the clock was set");
    ok(!wgw_slot_stale(here, NOW + 9), "a process that lives keeps its claim");
    ok(wgw_slot_stale(claim_of(getpid()), NOW + 9),
       "one of our number was another");
    ok(!wgw_slot_stale((uint64_t) NOW << 8 | WGW_SLOT_LIVE, NOW + 9)
       && !wgw_slot_stale(0, NOW), "no claim at all");

    size = make(&t, WGW_EXPIRING_NOTES, 1);

    for (i = 0; i < 16; i++) {
        t.buckets[i / 8].when[i % 8] = i ? here : gone;
    }

    insert_kind = 5;

    ok(insert(&t, 1, 1, NOW + 9, NOW + 1) == WGW_NOTES_FULL,
       "all is claimed");
    ok(insert(&t, 1, 1, NOW + 9, NOW + 2) == WGW_NOTES_OK, "one came back");
    ok(insert(&t, 2, 1, NOW + 9, NOW + 2) == WGW_NOTES_FULL, "only one");

    ok(wgw_expiring_repair(&t, 0) == 0
       && insert(&t, 2, 1, NOW + 9, NOW + 2) == WGW_NOTES_OK
       && insert(&t, 1, 1, NOW + 9, NOW + 2) == WGW_NOTES_EXISTS,
       "a repair ends all claims and keeps the note");

    insert_kind = 1;

    munmap(t.header, size);
}


static void
repair(void)
{
    size_t          size;
    uint64_t        i, slot, wrong;
    wgw_note_t      note;
    wgw_expiring_t  t;

    size = make(&t, WGW_EXPIRING_NOTES, 1000);

    for (i = 0; i < 1000; i++) {
        (void) insert(&t, i, 3, NOW + 100 + (int64_t) i, NOW);
        (void) wgw_notes_use(&t, key_of(&t, i), NOW);
    }

    memset(t.header->latest, 0, sizeof(t.header->latest));

    ok(wgw_expiring_repair(&t, 1) == 0, "nothing to drop");
    ok(wgw_notes_latest(&t, 1) == NOW + 1099, "the latest end is known again");

    wrong = 0;

    for (i = 0; i < 1000; i++) {
        wrong += wgw_notes_count(&t, key_of(&t, i), NOW) != 2;
    }

    ok(wrong == 0, "all are there");

    slot = wgw_notes_next(&t, 1, 0, NOW, &note) - 1;
    t.notes[slot].payload[3] ^= 1;
    i = note.payload[0];

    slot = wgw_notes_next(&t, 1, slot + 1, NOW, &note) - 1;
    memset(&t.notes[slot], 0, sizeof(wgw_note_slot_t));

    slot = wgw_notes_next(&t, 1, slot + 1, NOW, &note) - 1;
    t.buckets[slot / 8].tag[slot % 8]++;

    ok(wgw_expiring_repair(&t, 1) == 3, "three are not whole");
    ok(wgw_notes_live(&t, 1, NOW) == 997
       && wgw_notes_count(&t, key_of(&t, i), NOW) == -1, "they are dropped");

    munmap(t.header, size);
}


static void
refused_header(wgw_expiring_header_t *header, size_t size, const char *phrase)
{
    const char           *error;
    wgw_expiring_conf_t   conf;

    error = "nothing";

    ok(wgw_expiring_check(header, size, &conf, &error) == -1, "refused");
    is(error, strlen(error), phrase, phrase);
}


static void
headers(void)
{
    size_t                  size;
    uint8_t                *memory;
    const char             *error;
    wgw_table_conf_t        meter;
    wgw_expiring_t          t;
    wgw_expiring_conf_t     conf;
    wgw_expiring_header_t   copy;

    size = make(&t, WGW_EXPIRING_NOTES, 777);

    ok(wgw_expiring_check(t.header, size, &conf, &error) == 0
       && conf.kind == WGW_EXPIRING_NOTES && conf.keys == 777, "a header");

    refused_header(t.header, size - 1, "is truncated");
    refused_header(t.header, size + 1, "is too long");

    copy = *t.header;
    copy.made.seed[3] ^= 1;
    refused_header(&copy, size, "has a damaged header");

    copy = *t.header;
    copy.made.kind = WGW_EXPIRING_RATES;
    refused_header(&copy, size, "has a damaged header");

    copy = *t.header;
    copy.made.version = 2;
    refused_header(&copy, size, "has format version 2, newer than 1");

    copy = *t.header;
    copy.made.byte_order = 0x04030201;
    refused_header(&copy, size, "was made by a machine of another byte order");

    memset(&copy, 0, sizeof(copy));
    refused_header(&copy, size, "is not a wgw table");

    ok(wgw_table_check(t.header, size, &meter, &error) == -1, "no meter's");
    is(error, strlen(error), "is that of a wgw_auth_zone", "it says whose");

    munmap(t.header, size);

    memset(&meter, 0, sizeof(meter));
    meter.keys = 10;
    meter.key_bytes = 24;
    meter.window.reset_day = 1;

    size = wgw_table_size(&meter);
    memory = shared(size);
    wgw_table_format(memory, &meter, seed);

    memcpy(&copy, memory, sizeof(copy));
    refused_header(&copy, size, "is that of a wgw_meter_zone");

    munmap(memory, size);
}


int
main(void)
{
    basics();
    fill(65536);
    fill(1000);
    fill(1);
    clocks();
    collisions();
    claims();
    repair();
    headers();

    return done();
}
