
/*
 * What was asked: by one for all, again after a time, and no more at once
 * than there are places.
 */

#include "t/unit/table/expiring.h"
#include "table/asked.h"

#include <sys/wait.h>
#include <unistd.h>


#define PROCESSES  4
#define KEYS       500
#define LEASE      12

#define QUEUE(n)  ((wgw_asked_queue_t) { 0, n })


static wgw_asked_state_t
state(wgw_expiring_t *t, uint64_t number, int64_t now, unsigned *due)
{
    return wgw_asked_look(t, key_of(t, number), now, due);
}


static void
test_one(void)
{
    int64_t             now;
    unsigned            due;
    wgw_expiring_t      t;
    wgw_asked_place_t   place, other;

    make(&t, WGW_EXPIRING_ASKED, 100);
    now = NOW % 1000000;

    ok(state(&t, 1, now, &due) == WGW_ASKED_UNKNOWN && due,
       "egress 6: not known, to be asked for");
    ok(wgw_asked_begin(&t, key_of(&t, 1), QUEUE(64), now, LEASE, &place)
       == WGW_ASKED_OK, "egress 6: it is asked for");
    ok(state(&t, 1, now, &due) == WGW_ASKED_UNKNOWN && !due,
       "egress 7: not twice");
    ok(wgw_asked_begin(&t, key_of(&t, 1), QUEUE(64), now, LEASE, &other)
       == WGW_ASKED_NOT_NOW, "egress 7: nor by who has not looked");
    ok(wgw_asked_places(&t, now) == 1, "one place is taken");

    wgw_asked_answered(&t, key_of(&t, 1), &place, now, 30, 300);

    ok(wgw_asked_places(&t, now) == 0, "and left");
    ok(state(&t, 1, now + 29, &due) == WGW_ASKED_FRESH && !due,
       "egress 8: fresh, not asked for");
    ok(state(&t, 1, now + 30, &due) == WGW_ASKED_STALE && due,
       "egress 9: stale, to be asked for");
    ok(state(&t, 1, now + 329, &due) == WGW_ASKED_STALE && due,
       "egress 10: until its end");
    ok(state(&t, 1, now + 330, &due) == WGW_ASKED_UNKNOWN && due,
       "egress 11: past it, not known");

    ok(wgw_asked_begin(&t, key_of(&t, 1), QUEUE(64), now + 40, LEASE, &place)
       == WGW_ASKED_OK
       && state(&t, 1, now + 40, &due) == WGW_ASKED_STALE && !due,
       "stale while it is on its way");
    ok(state(&t, 1, now + 40 + LEASE, &due) == WGW_ASKED_STALE && due,
       "who asks may be gone: again when the lease ends");

    wgw_asked_answered(&t, key_of(&t, 1), &place, now + 41, 0, 0);
    ok(state(&t, 1, now + 41, &due) == WGW_ASKED_UNKNOWN && due,
       "an answer that is good for no time");
}


static void
test_fails(void)
{
    int                 i;
    int64_t             now, at;
    unsigned            due;
    wgw_expiring_t      t;
    wgw_asked_place_t   place;

    static const int  waits[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };

    make(&t, WGW_EXPIRING_ASKED, 100);
    now = at = 1000;

    (void) wgw_asked_begin(&t, key_of(&t, 1), QUEUE(64), now, LEASE, &place);
    wgw_asked_answered(&t, key_of(&t, 1), &place, now, 10, 100);
    now += 10;

    for (i = 0; i < 9; i++) {

        if (wgw_asked_begin(&t, key_of(&t, 1), QUEUE(64), now, LEASE, &place)
            != WGW_ASKED_OK)
        {
            break;
        }

        wgw_asked_failed(&t, key_of(&t, 1), &place, now);

        if (state(&t, 1, now + waits[i] - 1, &due)
            != (now + waits[i] - 1 < at + 110 ? WGW_ASKED_STALE
                                              : WGW_ASKED_UNKNOWN)
            || due)
        {
            break;
        }

        now += waits[i];
        (void) state(&t, 1, now, &due);

        if (!due) {
            break;
        }
    }

    ok(i == 9, "egress 13: again after 1, 2, 4 ... 60 s; stale to its end");

    (void) wgw_asked_begin(&t, key_of(&t, 1), QUEUE(64), now, LEASE, &place);
    wgw_asked_answered(&t, key_of(&t, 1), &place, now, 10, 100);
    (void) wgw_asked_begin(&t, key_of(&t, 1), QUEUE(64), now + 10, LEASE,
                           &place);
    wgw_asked_failed(&t, key_of(&t, 1), &place, now + 10);
    (void) state(&t, 1, now + 11, &due);
    ok(due, "an answer forgets all that");

    ok(wgw_asked_counted(&t, WGW_ASKED_BEGUN) == 12
       && wgw_asked_counted(&t, WGW_ASKED_FAILED) == 10, "it is counted");
}


static void
test_places(void)
{
    uint64_t            i, n;
    unsigned            due;
    wgw_expiring_t      t;
    wgw_asked_place_t   places[8], place;

    make(&t, WGW_EXPIRING_ASKED, 1000);

    for (i = 0, n = 0; i < 8; i++) {
        n += wgw_asked_begin(&t, key_of(&t, i), QUEUE(8), NOW % 1000, LEASE,
                             &places[i])
             == WGW_ASKED_OK;
    }

    ok(n == 8, "eight places");
    ok(wgw_asked_begin(&t, key_of(&t, 9), QUEUE(8), NOW % 1000, LEASE, &place)
       == WGW_ASKED_FULL, "egress 12: and no more");
    ok(state(&t, 9, NOW % 1000, &due) == WGW_ASKED_UNKNOWN && due,
       "which leaves no trace");

    wgw_asked_failed(&t, key_of(&t, 3), &places[3], NOW % 1000);
    ok(wgw_asked_begin(&t, key_of(&t, 9), QUEUE(8), NOW % 1000, LEASE, &place)
       == WGW_ASKED_OK && place.number == 3, "one that was left");

    ok(wgw_asked_begin(&t, key_of(&t, 10), QUEUE(8), NOW % 1000 + LEASE, LEASE,
                       &place)
       == WGW_ASKED_OK, "one of somebody who is gone");
    wgw_asked_failed(&t, key_of(&t, 0), &places[0], NOW % 1000 + LEASE);
    ok(wgw_asked_places(&t, NOW % 1000 + LEASE) == 1,
       "who comes late leaves only his own");
}


static void
test_services(void)
{
    uint64_t            i, n;
    wgw_expiring_t      t;
    wgw_asked_place_t   place;
    wgw_asked_queue_t   last;

    make(&t, WGW_EXPIRING_ASKED, 1000);

    for (i = 0, n = 0; i < 100; i++) {
        n += wgw_asked_begin(&t, key_of(&t, i), QUEUE(64), 1000, LEASE, &place)
             == WGW_ASKED_OK;
    }

    ok(n == 64, "one service has its places and no more");

    last.first = WGW_ASKED_PLACES * 3 - 2;
    last.n = 3;

    for (i = 100, n = 0; i < 110; i++) {
        n += wgw_asked_begin(&t, key_of(&t, i), last, 1000, LEASE, &place)
             == WGW_ASKED_OK;
    }

    ok(n == 2 && place.number == WGW_ASKED_PLACES - 1,
       "another one's are others, and past the last is the first");
}


/* However many there are: what is on its way is not dropped. */

static void
test_flood(void)
{
    uint64_t            i, n;
    unsigned            due;
    wgw_expiring_t      t;
    wgw_asked_place_t   mine, place;

    make(&t, WGW_EXPIRING_ASKED, 10);

    (void) wgw_asked_begin(&t, key_of(&t, 0), QUEUE(64), 1000, LEASE, &mine);

    for (i = 1, n = 0; i < 10000; i++) {

        if (wgw_asked_begin(&t, key_of(&t, i), QUEUE(64), 1000, LEASE, &place)
            == WGW_ASKED_OK)
        {
            wgw_asked_answered(&t, key_of(&t, i), &place, 1000, 30, 300);
            n++;
        }
    }

    ok(n == 9999, "each of a flood is asked for (%d)", (int) n);
    ok(state(&t, 0, 1000, &due) == WGW_ASKED_UNKNOWN && !due,
       "what is on its way is not dropped for them");
}


static void
test_processes(void)
{
    int                 i, status, failed;
    pid_t               pid;
    uint32_t           *got;
    uint64_t            k, wrong;
    wgw_expiring_t      t;
    wgw_asked_place_t   place;

    make(&t, WGW_EXPIRING_ASKED, 4 * KEYS);
    got = shared(KEYS * sizeof(uint32_t));
    failed = 0;

    for (i = 0; i < PROCESSES; i++) {
        pid = fork();
        assert(pid != -1);

        if (pid == 0) {

            for (k = 0; k < KEYS; k++) {

                if (wgw_asked_begin(&t, key_of(&t, k), QUEUE(240), 1000, LEASE,
                                    &place)
                    == WGW_ASKED_OK)
                {
                    __atomic_fetch_add(&got[k], 1, __ATOMIC_SEQ_CST);
                    wgw_asked_answered(&t, key_of(&t, k), &place, 1000, 30,
                                       300);
                }
            }

            _exit(0);
        }
    }

    for (i = 0; i < PROCESSES; i++) {
        wait(&status);
        failed |= status;
    }

    for (k = 0, wrong = 0; k < KEYS; k++) {
        wrong += got[k] != 1;
    }

    ok(failed == 0 && wrong == 0,
       "egress 7: %d keys by %d processes, once each, %d wrong", KEYS,
       PROCESSES, (int) wrong);
}


int
main(void)
{
    test_one();
    test_fails();
    test_places();
    test_services();
    test_flood();
    test_processes();

    return done();
}
