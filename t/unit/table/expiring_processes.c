
/*
 * Expiring tables shared by processes, some of them killed.
 */

#define _GNU_SOURCE

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "t/unit/table/expiring.h"


#define PROCESSES  8
#define KEYS       20000
#define USES       200000
#define BURST      50000
#define KILLS      150


/* What the processes of a test share, beside the table. */
typedef struct {
    uint32_t   started;
    uint32_t   wrong;
    uint64_t   used;
    uint64_t   begun;
    uint64_t   granted;
    uint32_t   won[KEYS];
    pid_t      pids[PROCESSES];
} board_t;


typedef void (*child_pt)(wgw_expiring_t *t, board_t *board);


static uint64_t  random_state;


static uint64_t
random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;

    return random_state % limit;
}


static void
fork_child(wgw_expiring_t *t, board_t *board, int number, child_pt child)
{
    pid_t  pid;

    fflush(stdout);
    pid = fork();
    assert(pid != -1);

    if (pid == 0) {
        random_state += 77 * (uint64_t) getpid();
        child(t, board);
        _exit(0);
    }

    board->pids[number] = pid;
}


static int
run_children(wgw_expiring_t *t, board_t *board, child_pt child)
{
    int  i, status, failed;

    failed = 0;
    board->started = 0;

    for (i = 0; i < PROCESSES; i++) {
        fork_child(t, board, i, child);
    }

    while (wait(&status) != -1) {
        failed += status != 0;
    }

    return failed;
}


static void
kill_children(wgw_expiring_t *t, board_t *board, child_pt child)
{
    int  i, kills;

    for (i = 0; i < PROCESSES; i++) {
        fork_child(t, board, i, child);
    }

    for (kills = 0; kills < KILLS; kills++) {
        usleep((useconds_t) random_below(5000));

        i = (int) random_below(PROCESSES);
        kill(board->pids[i], SIGKILL);
        waitpid(board->pids[i], NULL, 0);
        fork_child(t, board, i, child);
    }

    for (i = 0; i < PROCESSES; i++) {
        kill(board->pids[i], SIGKILL);
        waitpid(board->pids[i], NULL, 0);
    }
}


static void
start_together(board_t *board)
{
    __atomic_add_fetch(&board->started, 1, __ATOMIC_SEQ_CST);

    while (__atomic_load_n(&board->started, __ATOMIC_SEQ_CST) != PROCESSES) {
        sched_yield();
    }
}


static uint32_t
winners(const board_t *board, uint32_t from, uint32_t to)
{
    uint32_t  i, n;

    n = 0;

    for (i = 0; i < KEYS; i++) {
        n += board->won[i] >= from && board->won[i] <= to;
    }

    return n;
}


/* All insert the same keys in the same order. */

static void
once_child(wgw_expiring_t *t, board_t *board)
{
    uint32_t  i;

    start_together(board);

    for (i = 0; i < KEYS; i++) {
        if (insert(t, i, 1, NOW + 100, NOW) == WGW_NOTES_OK) {
            __atomic_add_fetch(&board->won[i], 1, __ATOMIC_SEQ_CST);
        }
    }
}


static void
once(void)
{
    int              failed, round;
    size_t           size;
    uint32_t         i, lost;
    board_t         *board;
    wgw_expiring_t   t;

    for (round = 0; round < 3; round++) {

        size = make(&t, WGW_EXPIRING_NOTES, KEYS);
        board = shared(sizeof(board_t));

        failed = run_children(&t, board, once_child);
        lost = 0;

        for (i = 0; i < KEYS; i++) {
            lost += board->won[i] == 1
                    && wgw_notes_count(&t, key_of(&t, i), NOW) != 1;
        }

        ok(failed == 0 && winners(board, 2, UINT32_MAX) == 0,
           "%d processes insert the same keys: no key has two winners",
           PROCESSES);
        ok(winners(board, 1, 1) > KEYS * 9 / 10 && lost == 0,
           "a winner's note is there");
        printf("# %u keys without a winner\n", winners(board, 0, 0));

        munmap(board, sizeof(board_t));
        munmap(t.header, size);
    }
}


static void
use_child(wgw_expiring_t *t, board_t *board)
{
    uint64_t  n;

    start_together(board);

    for (n = 0; wgw_notes_use(t, key_of(t, 1), NOW) == WGW_NOTES_OK; n++) { }

    __atomic_add_fetch(&board->used, n, __ATOMIC_SEQ_CST);
}


static void
take_child(wgw_expiring_t *t, board_t *board)
{
    uint64_t    n, wait;
    wgw_gcra_t  limit;

    (void) wgw_gcra_init(&limit, 1000, 1000000000, BURST);

    start_together(board);

    for (n = 0;
         wgw_gcra_take(t, key_of(t, 1), &limit, UINT64_C(5000000000), 1, 1,
                       &wait);
         n++)
    {
        (void) wgw_gcra_take(t, key_of(t, 2 + random_below(1000)), &limit,
                             UINT64_C(5000000000), 1, 1, &wait);
    }

    __atomic_add_fetch(&board->granted, n, __ATOMIC_SEQ_CST);
}


static void
exact(void)
{
    int              failed;
    size_t           size;
    board_t         *board;
    wgw_expiring_t   t;

    size = make(&t, WGW_EXPIRING_NOTES, 10);
    board = shared(sizeof(board_t));

    (void) insert(&t, 1, USES, NOW + 100, NOW);
    failed = run_children(&t, board, use_child);

    ok(failed == 0 && board->used == USES, "%d uses, and not one more", USES);

    munmap(t.header, size);

    /* a clock that stands still: all of the burst goes, and one */

    size = make(&t, WGW_EXPIRING_RATES, 10000);
    failed = run_children(&t, board, take_child);

    ok(failed == 0 && board->granted >= BURST + 1
       && board->granted <= BURST + PROCESSES,
       "a burst of %d goes, and one more (%lu)", BURST,
       (unsigned long) board->granted);

    munmap(board, sizeof(board_t));
    munmap(t.header, size);
}


/* Killed at any instruction: what is on the board did happen. */

static void
killed_child(wgw_expiring_t *t, board_t *board)
{
    int64_t   now;
    uint32_t  key;

    for ( ;; ) {

        /* others come and go: slots are taken again all the time */

        now = NOW + (int64_t) (__atomic_add_fetch(&board->begun, 1,
                                                  __ATOMIC_SEQ_CST) >> 13);

        (void) insert(t, KEYS + 1 + random_below(UINT64_C(1) << 40), 1,
                      now + 1, now);

        key = (uint32_t) random_below(KEYS);

        if (insert(t, key, 1, NOW + 100000, now) == WGW_NOTES_OK) {
            __atomic_add_fetch(&board->won[key], 1, __ATOMIC_SEQ_CST);
        }

        if (wgw_notes_use(t, key_of(t, KEYS), now) == WGW_NOTES_OK) {
            __atomic_add_fetch(&board->used, 1, __ATOMIC_SEQ_CST);
        }
    }
}


static void
killed(void)
{
    size_t           size;
    int64_t          left;
    uint32_t         i, j, lost, claimed, free;
    uint64_t         uses, when;
    board_t         *board;
    wgw_expiring_t   t;

    size = make(&t, WGW_EXPIRING_NOTES, KEYS);
    board = shared(sizeof(board_t));
    uses = UINT32_MAX;

    (void) insert(&t, KEYS, (uint32_t) uses, NOW + 100000, NOW);
    kill_children(&t, board, killed_child);

    lost = 0;
    claimed = 0;
    free = 0;

    for (i = 0; i < KEYS; i++) {
        lost += board->won[i]
                && wgw_notes_count(&t, key_of(&t, i), NOW) != 1;
    }

    for (i = 0; i < t.n; i++) {
        for (j = 0; j < WGW_SLOTS; j++) {
            when = t.buckets[i].when[j];
            claimed += (when & WGW_SLOT_STATE) == WGW_SLOT_CLAIM;
            free += wgw_slot_stale(when, 2 * NOW);
        }
    }

    ok(winners(board, 2, UINT32_MAX) == 0 && lost == 0,
       "%d processes killed: no key won twice, none that was won is lost",
       KILLS + PROCESSES);
    ok(claimed == free, "%u claims are left, all of them end", claimed);

    left = wgw_notes_count(&t, key_of(&t, KEYS), NOW);

    ok((int64_t) uses - left >= (int64_t) board->used
       && (int64_t) uses - left <= (int64_t) board->begun,
       "uses are counted once");

    printf("# %u won, %lu used\n", winners(board, 1, 1),
           (unsigned long) board->used);

    munmap(board, sizeof(board_t));
    munmap(t.header, size);
}


/* One key at its limit, at one instant; the others come and go. */

static void
rate_child(wgw_expiring_t *t, board_t *board)
{
    uint64_t    wait;
    wgw_gcra_t  limit;

    (void) wgw_gcra_init(&limit, 1000, 1000000000, BURST);

    for ( ;; ) {
        if (wgw_gcra_take(t, key_of(t, 1), &limit, UINT64_C(5000000000), 1, 1,
                          &wait))
        {
            __atomic_add_fetch(&board->granted, 1, __ATOMIC_SEQ_CST);
        }

        (void) wgw_gcra_take(t, key_of(t, 2 + random_below(1000000)), &limit,
                             UINT64_C(5000000000), 1, 1, &wait);
    }
}


static void
killed_rates(void)
{
    size_t           size;
    board_t         *board;
    wgw_expiring_t   t;

    size = make(&t, WGW_EXPIRING_RATES, 1000);
    board = shared(sizeof(board_t));

    kill_children(&t, board, rate_child);

    ok(board->granted <= BURST + PROCESSES && board->granted > BURST / 2,
       "processes killed among new keys: %lu granted of a burst of %d",
       (unsigned long) board->granted, BURST);

    munmap(board, sizeof(board_t));
    munmap(t.header, size);
}


int
main(void)
{
    random_state = (uint64_t) time(NULL) * 2654435761u + (uint64_t) getpid();
    printf("# random seed %lu\n", (unsigned long) random_state);

    once();
    exact();
    killed();
    killed_rates();

    return done();
}
