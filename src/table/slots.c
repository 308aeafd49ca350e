
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "table/slots.h"


#define WGW_CLAIM_PID      22           /* bits, above the state */
#define WGW_CLAIM_SECONDS  24           /* where they begin */

/* looks at a slot that another process is about to publish */
#define WGW_SLOT_TRIES     4096


static int wgw_slot_alone(const wgw_bucket_t *b, uint64_t tag, int slot);


_Static_assert(sizeof(wgw_expiring_made_t) == 64, "made");
_Static_assert(offsetof(wgw_expiring_made_t, version) == 12, "version");
_Static_assert(offsetof(wgw_expiring_made_t, kind) == 16, "kind");
_Static_assert(offsetof(wgw_expiring_made_t, keys) == 20, "keys");
_Static_assert(offsetof(wgw_expiring_made_t, seed) == 24, "seed");
_Static_assert(offsetof(wgw_expiring_made_t, size) == 40, "size");
_Static_assert(offsetof(wgw_expiring_made_t, checksum) == 56, "checksum");

_Static_assert(sizeof(wgw_expiring_header_t) == WGW_EXPIRING_HEADER, "header");
_Static_assert(offsetof(wgw_expiring_header_t, forgotten) == 64, "forgotten");
_Static_assert(offsetof(wgw_expiring_header_t, latest) == 72, "latest");
_Static_assert(offsetof(wgw_expiring_header_t, boot) == 128, "boot");
_Static_assert(offsetof(wgw_expiring_header_t, span) == 144, "span");
_Static_assert(offsetof(wgw_expiring_header_t, filter) == 256, "filter");
_Static_assert(offsetof(wgw_expiring_header_t, moved) == 2304, "moved");

_Static_assert(sizeof(wgw_bucket_t) == 128, "bucket");
_Static_assert(offsetof(wgw_bucket_t, when) == 64, "when");

_Static_assert(sizeof(wgw_note_slot_t) == 128, "note");
_Static_assert(offsetof(wgw_note_slot_t, count) == 8, "count");
_Static_assert(offsetof(wgw_note_slot_t, sum) == 16, "sum");
_Static_assert(offsetof(wgw_note_slot_t, payload) == 24, "payload");


const uint8_t  wgw_slot_sums[WGW_HASH_SEED] = {
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
};


uint64_t
wgw_slot_claim(uint64_t *when, uint64_t seen, int64_t seconds)
{
    uint64_t  claim;

    claim = (uint64_t) seconds << WGW_CLAIM_SECONDS
            | ((uint64_t) getpid() & ((UINT64_C(1) << WGW_CLAIM_PID) - 1))
              << 2
            | WGW_SLOT_CLAIM;

    return wgw_swap(when, seen, claim) ? claim : 0;
}


/* A claim of this very process is that of an earlier one of its number. */

int
wgw_slot_stale(uint64_t seen, int64_t seconds)
{
    pid_t    pid;
    int64_t  age;

    if ((seen & WGW_SLOT_STATE) != WGW_SLOT_CLAIM) {
        return 0;
    }

    age = seconds - (int64_t) (seen >> WGW_CLAIM_SECONDS);

    if (age > -WGW_EXPIRING_LEASE && age < WGW_EXPIRING_LEASE) {
        return 0;
    }

    pid = (pid_t) (seen >> 2 & ((UINT64_C(1) << WGW_CLAIM_PID) - 1));

    return pid == getpid() || (kill(pid, 0) == -1 && errno == ESRCH);
}


uint64_t
wgw_slot_sum(uint64_t tag, uint64_t when, const wgw_note_slot_t *note)
{
    uint64_t  words[3 + WGW_NOTE_PAYLOAD / 8];

    words[0] = tag;
    words[1] = note->check;
    words[2] = when & 0xff;

    memcpy(&words[3], note->payload, WGW_NOTE_PAYLOAD);

    return wgw_hash(wgw_slot_sums, words, sizeof(words));
}


int
wgw_slot_find(const wgw_bucket_t *b, uint64_t tag, uint64_t *seen)
{
    int  i;

    for (i = 0; i < WGW_SLOTS; i++) {

        if (wgw_load(&b->tag[i]) != tag) {
            continue;
        }

        *seen = wgw_load(&b->when[i]);

        /* the tag may have gone before the word was read */

        if ((*seen & WGW_SLOT_STATE) == WGW_SLOT_LIVE
            && wgw_load(&b->tag[i]) == tag)
        {
            return i;
        }
    }

    return -1;
}


int
wgw_slot_enter(wgw_bucket_t *b, int slot, uint64_t seen, uint64_t tag,
    uint64_t word, int64_t seconds)
{
    uint64_t  claim;

    claim = wgw_slot_claim(&b->when[slot], seen, seconds);

    if (claim == 0) {
        return 0;
    }

    __atomic_store_n(&b->tag[slot], tag, __ATOMIC_SEQ_CST);

    if (!wgw_slot_alone(b, tag, slot)) {
        (void) wgw_swap(&b->when[slot], claim, 0);
        return 0;
    }

    return wgw_swap(&b->when[slot], claim, word);
}


/*
 * Each of two writes its tag before it looks: one of them sees the other.
 * The lower slot waits for what becomes of the higher, which may have looked
 * before; a process that was killed is not waited for long.
 */

static int
wgw_slot_alone(const wgw_bucket_t *b, uint64_t tag, int slot)
{
    int       i, tries;
    uint64_t  word;

    for (i = 0; i < WGW_SLOTS; i++) {

        for (tries = 0; i != slot && tries < WGW_SLOT_TRIES; tries++) {

            if (wgw_load(&b->tag[i]) != tag) {
                break;
            }

            word = wgw_load(&b->when[i]);

            if ((word & WGW_SLOT_STATE) == WGW_SLOT_LIVE) {

                if (wgw_load(&b->tag[i]) == tag) {
                    return 0;
                }

                continue;
            }

            if ((word & WGW_SLOT_STATE) != WGW_SLOT_CLAIM) {
                break;
            }

            if (i < slot) {
                return 0;
            }
        }
    }

    return 1;
}
