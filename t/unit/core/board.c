
/*
 * What is put up for a process and its children: whole or not at all, also
 * while many put it up, and some of them are killed.
 */

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "t/unit/tap.h"
#include "core/board.h"


#define MAX      40000
#define WRITERS  4


static void
fill(uint8_t *bytes, size_t len, unsigned seed)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        bytes[i] = (uint8_t) (seed + i * 7);
    }
}


static size_t
length(unsigned seed)
{
    return seed * 977 % MAX;
}


/* Puts up one thing after the other, for ever. */

static void
writer(wgw_board_t *board, unsigned seed)
{
    size_t    len;
    uint8_t   bytes[MAX];

    for ( /* void */ ; ; seed += WRITERS) {
        len = length(seed);
        fill(bytes, len, seed);
        wgw_board_put(board, bytes, len, wgw_board_digest(bytes, len));
    }
}


/* Whole: all of it follows from its first byte. */

static int
whole(const uint8_t *bytes, size_t len)
{
    uint8_t  same[MAX];

    if (len == 0 || len > MAX) {
        return len == 0;
    }

    fill(same, len, bytes[0]);

    return memcmp(bytes, same, len) == 0;
}


/* What one process puts up, another one sees. */

static void
test_put(wgw_board_t *board)
{
    void      *data;
    size_t     len;
    uint8_t    bytes[MAX + 1];
    uint64_t   digest, other;

    ok(!wgw_board_other(board, 0, &data, &len, &other), "nothing is up");

    fill(bytes, sizeof(bytes), 3);
    digest = wgw_board_digest(bytes, 100);
    wgw_board_put(board, bytes, 100, digest);

    ok(!wgw_board_other(board, digest, &data, &len, &other),
       "what is up is known");
    ok(wgw_board_other(board, digest + 1, &data, &len, &other)
       && len == 100 && other == digest && memcmp(data, bytes, 100) == 0,
       "or is not");
    free(data);

    wgw_board_put(board, bytes, MAX + 1,
                  wgw_board_digest(bytes, MAX + 1));
    ok(!wgw_board_other(board, digest, &data, &len, &other),
       "what is too long changes nothing");

    wgw_board_put(board, "", 0, wgw_board_digest("", 0));
    ok(wgw_board_other(board, digest, &data, &len, &other) && len == 0,
       "nothing is something");
    free(data);
}


static void
test_writers(wgw_board_t *board)
{
    int        i, status;
    void      *data;
    pid_t      pids[WRITERS];
    size_t     len, seen, wrong;
    time_t     end;
    uint64_t   digest;

    for (i = 0; i < WRITERS; i++) {
        pids[i] = fork();

        if (pids[i] == 0) {
            writer(board, (unsigned) i);
        }
    }

    digest = 0;
    seen = wrong = 0;
    end = time(NULL) + 20;

    while (seen < 100 && time(NULL) < end) {

        if (wgw_board_other(board, digest, &data, &len, &digest)) {
            seen++;
            wrong += !whole(data, len);
            free(data);
        }
    }

    for (i = 0; i < WRITERS; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], &status, 0);
    }

    ok(seen == 100 && wrong == 0, "%zu of many writers, all whole", seen);
}


static void
test_killed(wgw_board_t *board)
{
    void      *data;
    size_t     len;
    uint8_t    bytes[MAX];
    uint64_t   digest, other;

    fill(bytes, MAX, 9);
    digest = wgw_board_digest(bytes, MAX);
    wgw_board_put(board, bytes, MAX, digest);
    ok(wgw_board_other(board, 0, &data, &len, &other) && other == digest
       && len == MAX && memcmp(data, bytes, MAX) == 0,
       "and one more when they were killed");
    free(data);
}


int
main(void)
{
    wgw_board_t  *board;

    board = wgw_board_create(MAX);

    if (board == NULL) {
        return 1;
    }

    test_put(board);
    test_writers(board);
    test_killed(board);

    wgw_board_destroy(board);
    wgw_board_destroy(NULL);

    return done();
}
