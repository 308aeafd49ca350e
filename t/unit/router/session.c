
/*
 * Sessions: one handshake at a time, ends, uses over processes, back-off
 * (R03, R09 to R15).
 */

#include <stdlib.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include "t/unit/tap.h"
#include "router/session.h"


#define LEASE  10000


static wgw_session_t
fresh(void)
{
    wgw_session_t  s;

    memset(&s, 0, sizeof(s));

    s.shared = mmap(NULL, sizeof(wgw_session_shared_t), PROT_READ|PROT_WRITE,
                    MAP_SHARED|MAP_ANONYMOUS, -1, 0);
    s.board = wgw_board_create(sizeof(wgw_session_body_t));

    return s;
}


static void
drop(wgw_session_t *s)
{
    wgw_session_close(s);
    wgw_board_destroy(s->board);
    munmap(s->shared, sizeof(wgw_session_shared_t));
}


static const char *
grant(wgw_session_t *s, const char *key, uint64_t exp, uint64_t uses,
    uint64_t life, uint64_t now)
{
    wgw_grant_t  g;

    memset(&g, 0, sizeof(g));
    g.headers[0].name = wgw_text("x-api-key");
    g.headers[0].value = (wgw_text_t) { key, strlen(key) };
    g.headers[1].name = wgw_text("x-more");
    g.headers[1].value = wgw_text("");
    g.nheaders = 2;
    g.exp = exp;
    g.uses = uses;

    return wgw_session_granted(s, &g, life, now, 0);
}


static void
test_life(void)
{
    unsigned        due;
    wgw_text_t      name, value;
    wgw_session_t   s = fresh(), other = s;

    ok(wgw_session_use(&s, 1000, &due) == WGW_SESSION_NONE && due, "none");
    ok(wgw_session_claim(&s, 1000, LEASE), "R03: one claims");
    ok(!wgw_session_claim(&other, 1000, LEASE), "R03: no other does");
    ok(wgw_session_use(&other, 1000, &due) == WGW_SESSION_WAIT, "R03: waits");
    ok(grant(&s, "key one", 1, 0, 100000, 2000) == NULL, "granted");
    ok(wgw_session_use(&other, 2000, &due) == WGW_SESSION_GOOD && !due,
       "the other has it");

    wgw_session_header(other.body, 0, &name, &value);
    is(name.data, name.len, "x-api-key", "its name");
    is(value.data, value.len, "key one", "its value");
    wgw_session_header(other.body, 1, &name, &value);
    is(name.data, name.len, "x-more", "the next name");
    ok(value.len == 0, "the next value");

    ok(wgw_session_use(&other, 2000 + 79999, &due) == WGW_SESSION_GOOD
       && !due, "R09: not yet due");
    ok(wgw_session_use(&other, 2000 + 80000, &due) == WGW_SESSION_GOOD
       && due, "R09: due, and still good");
    ok(wgw_session_claim(&other, 2000 + 80000, LEASE), "R09: renewed");
    ok(wgw_session_use(&s, 2000 + 80001, &due) == WGW_SESSION_GOOD,
       "R09: the old one until then");
    ok(grant(&other, "key two", 1, 0, 100000, 90000) == NULL, "granted");
    ok(wgw_session_use(&s, 90000, &due) == WGW_SESSION_GOOD && !due,
       "the new one");
    wgw_session_header(s.body, 0, &name, &value);
    is(value.data, value.len, "key two", "its value");
    ok(wgw_session_use(&s, 190000, &due) == WGW_SESSION_NONE,
       "R26: ended by the time since it came");

    wgw_session_close(&other);
    drop(&s);
}


static void
test_ends(void)
{
    unsigned        due;
    uint64_t        now;
    wgw_session_t   s = fresh();

    wgw_session_claim(&s, 1000, LEASE);
    ok(grant(&s, "k", 5, 0, 0, 1000) != NULL, "R10: exp in the past");
    ok(!wgw_session_claim(&s, 1500, LEASE), "R10: and then not at once");

    now = 10000;
    wgw_session_claim(&s, now, LEASE);
    ok(grant(&s, "k", 0, 0, 0, now) == NULL, "R11: neither exp nor uses");
    ok(wgw_session_use(&s, now + WGW_SESSION_LIFE - 1, &due)
       == WGW_SESSION_GOOD, "R11: good for the default");
    ok(wgw_session_use(&s, now + WGW_SESSION_LIFE, &due) == WGW_SESSION_NONE,
       "R11: and no longer");

    drop(&s);
}


static void
test_storm(void)
{
    int             n;
    uint64_t        now;
    unsigned        due;
    wgw_session_t   s = fresh();

    /* R10: an exp that is 4 seconds away, and somebody who always asks */

    for (now = 1000, n = 0; now < 61000; now += 10) {
        if (wgw_session_use(&s, now, &due) != WGW_SESSION_GOOD || due) {
            if (wgw_session_claim(&s, now, LEASE)) {
                n++;
                (void) grant(&s, "k", 1, 0, 4000, now);
                wgw_session_proven(&s, s.shared->id);
            }
        }
    }

    ok(n > 6 && n <= 12, "R10: %d handshakes in a minute", n);
    drop(&s);

    /* R15: each session is refused */

    s = fresh();

    for (now = 1000, n = 0; now < 301000; now += 10) {
        if (wgw_session_use(&s, now, &due) == WGW_SESSION_GOOD) {
            wgw_session_refused(&s, s.body->id, now, 0);

        } else if (wgw_session_claim(&s, now, LEASE)) {
            n++;
            (void) grant(&s, "k", 1, 0, 3600000, now);
        }
    }

    ok(n > 6 && n <= 12, "R15: %d handshakes in five minutes", n);
    drop(&s);

    /* R07: each handshake fails */

    s = fresh();

    for (now = 1000, n = 0; now < 301000; now += 10) {
        if (wgw_session_claim(&s, now, LEASE)) {
            n++;
            wgw_session_failed(&s, now, 0);
        }
    }

    ok(n > 6 && n <= 12, "R07: %d handshakes in five minutes", n);
    drop(&s);

    /* R14: one that worked was taken back */

    s = fresh();
    wgw_session_claim(&s, 1000, LEASE);
    (void) grant(&s, "k", 1, 0, 3600000, 1000);
    wgw_session_use(&s, 1000, &due);
    wgw_session_proven(&s, s.body->id);
    wgw_session_refused(&s, s.body->id, 2000, 0);
    ok(wgw_session_use(&s, 2000, &due) == WGW_SESSION_NONE, "R14: revoked");
    ok(wgw_session_claim(&s, 2000, LEASE), "R14: a new one at once");
    drop(&s);
}


static void
test_uses(void)
{
    int             i, status, got, handshakes;
    unsigned        due;
    uint64_t       *total;
    wgw_session_t   s = fresh();

    wgw_session_claim(&s, 1000, LEASE);
    (void) grant(&s, "k", 0, 3, 0, 1000);

    for (i = 0; i < 3; i++) {
        ok(wgw_session_use(&s, 1000, &due) == WGW_SESSION_GOOD
           && due == (i == 2), "R12: use %d", i + 1);
    }

    ok(wgw_session_use(&s, 1000, &due) == WGW_SESSION_NONE,
       "R12: there is no fourth");

    wgw_session_proven(&s, 1);

    for (handshakes = 0, i = 0; i < 300; i++) {
        if (wgw_session_use(&s, 1001, &due) != WGW_SESSION_GOOD || due) {
            handshakes += wgw_session_claim(&s, 1001, LEASE);
            (void) grant(&s, "k", 0, 3, 0, 1001);
            wgw_session_use(&s, 1001, &due);
            wgw_session_proven(&s, s.body->id);
        }
    }

    ok(handshakes >= 100, "R12: served sessions are renewed as they end");
    drop(&s);

    /* exact over processes */

    s = fresh();
    total = mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                 -1, 0);

    wgw_session_claim(&s, 1000, LEASE);
    (void) grant(&s, "k", 0, 20000, 0, 1000);

    for (i = 0; i < 4; i++) {
        if (fork() == 0) {
            got = 0;

            while (wgw_session_use(&s, 1000, &due) == WGW_SESSION_GOOD) {
                got++;
            }

            __atomic_fetch_add(total, (uint64_t) got, __ATOMIC_SEQ_CST);
            wgw_session_close(&s);
            _exit(0);
        }
    }

    while (wait(&status) > 0) {
        /* void */
    }

    ok(*total == 20000, "R12: 20000 uses over four processes: %d",
       (int) *total);

    munmap(total, 4096);
    drop(&s);
}


static void
test_killed(void)
{
    int             status;
    pid_t           pid;
    unsigned        due;
    wgw_session_t   s = fresh();

    pid = fork();

    if (pid == 0) {
        _exit(!wgw_session_claim(&s, 1000, LEASE));
    }

    waitpid(pid, &status, 0);

    ok(status == 0, "a child claims, and is gone");
    ok(wgw_session_use(&s, 1001, &due) == WGW_SESSION_NONE,
       "R23: nobody waits for the dead");
    ok(wgw_session_claim(&s, 1001, LEASE), "R23: another claims at once");
    ok(!wgw_session_claim(&s, 1002, LEASE), "once");
    ok(wgw_session_claim(&s, 1001 + LEASE, LEASE),
       "a claim ends by its time");

    drop(&s);
}


int
main(void)
{
    test_life();
    test_ends();
    test_storm();
    test_uses();
    test_killed();

    return done();
}
