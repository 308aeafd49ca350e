
/*
 * Rations: how many of a window, by one process and by several at once.
 */

#include "t/unit/table/expiring.h"
#include "table/ration.h"

#include <sys/wait.h>
#include <unistd.h>


#define PROCESSES  4
#define KEYS       2000
#define LIMIT      25
#define END        (NOW + 60)


static wgw_expiring_key_t
number_key(wgw_expiring_t *t, uint64_t number)
{
    return wgw_expiring_key(t, &number, sizeof(number));
}


static void
test_one(void)
{
    int                  i;
    uint32_t             taken;
    wgw_expiring_t       t;
    wgw_expiring_key_t   key;

    make(&t, WGW_EXPIRING_RATIONS, 100);
    key = number_key(&t, 1);

    for (i = 1; i <= 100; i++) {

        if (!wgw_ration_take(&t, key, 100, END, NOW, &taken)
            || taken != (uint32_t) i)
        {
            break;
        }
    }

    ok(i == 101, "egress 1: a hundred of a hundred");
    ok(!wgw_ration_take(&t, key, 100, END, NOW, &taken) && taken == 100,
       "egress 2: and no more");
    ok(wgw_ration_take(&t, number_key(&t, 2), 100, END, NOW, &taken),
       "egress 5: another key");
    ok(wgw_ration_take(&t, key, 100, END + 60, END, &taken) && taken == 1,
       "egress 3: the next window");
    ok(wgw_ration_take(&t, key, 100, END, END - 2, &taken) && taken == 2,
       "a clock that is behind stays in it");
    ok(wgw_ration_taken(&t, key, END) == 2, "how many that were");
    wgw_ration_give(&t, key, END + 60);
    ok(wgw_ration_taken(&t, key, END) == 1, "one given back");
    wgw_ration_give(&t, key, END);
    ok(wgw_ration_taken(&t, key, END) == 1, "not of another window");
    ok(wgw_ration_taken(&t, key, END + 60) == 0, "the window has ended");
    ok(!wgw_ration_take(&t, number_key(&t, 3), 0, END, NOW, &taken),
       "none of none");
}


/* Clocks that leap: a minute's quota is a minute's. */

static void
test_clock(void)
{
    int                  n;
    int64_t              now, hour;
    uint32_t             taken;
    wgw_expiring_t       t;
    wgw_expiring_key_t   key;

    make(&t, WGW_EXPIRING_RATIONS, 100);
    key = number_key(&t, 1);
    hour = 3600;

    for (n = 0; wgw_ration_take(&t, key, 5, END + hour, NOW + hour, &taken);
         n++)
    {
        /* void */
    }

    ok(n == 5, "egress 22: a leap forward: the windows roll");
    ok(!wgw_ration_take(&t, key, 5, END, NOW, &taken),
       "egress 21: an hour back: no budget of its own");

    /* until its end, at the latest, with a request each second */

    for (now = NOW; now < END + 60; now++) {

        if (wgw_ration_take(&t, key, 5, now < END ? END : END + 60, now,
                            &taken))
        {
            break;
        }
    }

    ok(now - NOW <= 60, "egress 21: locked out for %d s, a window at most",
       (int) (now - NOW));

    for (n = 1; wgw_ration_take(&t, key, 5, END + 60, now, &taken); n++) {
        /* void */
    }

    ok(n == 5, "egress 21: then it is the next window's");

    ok(wgw_ration_take(&t, number_key(&t, 2), 5, END, NOW, &taken),
       "another key");
    ok(!wgw_ration_take(&t, key, 5, END + 60, END + 59, &taken)
       && wgw_ration_take(&t, key, 5, END + 120, END + 60, &taken)
       && taken == 1, "egress 22: and the one after");
}


/* A flood of keys that are used once. */

static void
test_flood(void)
{
    uint32_t             taken;
    uint64_t             i;
    wgw_expiring_t       t;
    wgw_expiring_key_t   key;

    make(&t, WGW_EXPIRING_RATIONS, 64);
    key = number_key(&t, 1);

    while (wgw_ration_take(&t, key, 10, END, NOW, &taken)) {
        /* void */
    }

    for (i = 100; i < 200000; i++) {
        (void) wgw_ration_take(&t, number_key(&t, i), 10, END, NOW, &taken);
    }

    ok(!wgw_ration_take(&t, key, 10, END, NOW, &taken),
       "an exhausted key outlasts 200,000 others");
}


/* All processes want all keys at once: what they get is the limit. */

static void
test_processes(void)
{
    int                  i, status, failed;
    uint32_t             taken;
    uint64_t             k, n, *got, wrong;
    wgw_expiring_t       t;

    make(&t, WGW_EXPIRING_RATIONS, 8 * KEYS);
    got = shared(KEYS * sizeof(uint64_t));
    failed = 0;

    for (i = 0; i < PROCESSES; i++) {

        if (fork() == 0) {

            for (n = 0; n < LIMIT; n++) {

                for (k = 0; k < KEYS; k++) {

                    if (wgw_ration_take(&t, number_key(&t, k), LIMIT, END,
                                       NOW, &taken))
                    {
                        __atomic_fetch_add(&got[k], 1, __ATOMIC_SEQ_CST);
                    }
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
        wrong += got[k] != LIMIT;
    }

    ok(failed == 0 && wrong == 0, "%d keys by %d processes, %d each, %d wrong",
       KEYS, PROCESSES, LIMIT, (int) wrong);
}


int
main(void)
{
    test_one();
    test_clock();
    test_flood();
    test_processes();

    return done();
}
