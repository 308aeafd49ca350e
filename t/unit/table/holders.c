
/*
 * Who holds what: entries, and what is given back for a process that is gone.
 */

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/unit/tap.h"
#include "table/holders.h"


static uint64_t
held(wgw_table_t *t, uint32_t record)
{
    wgw_usage_t  usage;

    (void) wgw_table_read(t, record, 1000, &usage);

    return usage.held;
}


/* Holds so much in a process that then waits to be killed. */

static pid_t
holder(wgw_holders_t *h, wgw_table_t *t, uint32_t record, uint64_t bytes,
    unsigned n)
{
    int            fd[2], waiting;
    char           ready;
    pid_t          pid;
    wgw_holder_t  *entry;

    (void) pipe(fd);
    pid = fork();

    if (pid == 0) {
        wgw_holders_begin(h);

        while (n--) {
            (void) wgw_table_hold(t, record, 0, WGW_COUNT_SENT, 1000000,
                                  bytes, &waiting);
            entry = wgw_holders_take(h, record);
            wgw_holders_note(entry, bytes);
        }

        (void) write(fd[1], "", 1);

        for ( ;; ) {
            pause();
        }
    }

    (void) read(fd[0], &ready, 1);
    (void) close(fd[0]);
    (void) close(fd[1]);

    return pid;
}


int
main(void)
{
    int                waiting;
    pid_t              pid[2];
    void              *memory;
    size_t             size;
    uint32_t           record, i;
    uint64_t           got;
    wgw_text_t         key;
    wgw_table_t        t;
    wgw_holder_t      *entry;
    wgw_holders_t     *h;
    wgw_table_conf_t   conf;
    static const uint8_t  seed[WGW_HASH_SEED];

    memset(&conf, 0, sizeof(conf));
    conf.keys = 10;
    conf.key_bytes = 24;
    conf.window.kind = WGW_WINDOW_TOTAL;
    conf.window.reset_day = 1;

    size = wgw_table_size(&conf);
    memory = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_ANONYMOUS|MAP_SHARED,
                  -1, 0);
    wgw_table_format(memory, &conf, seed);
    wgw_table_open(&t, memory);

    key.data = "key";
    key.len = 3;
    record = wgw_table_get(&t, key);

    h = wgw_holders_create();
    ok(h != NULL && wgw_holders_take(h, record) == NULL,
       "who has not begun notes nothing");

    wgw_holders_begin(h);

    got = wgw_table_hold(&t, record, 0, WGW_COUNT_SENT, 1000000, 5000,
                         &waiting);
    entry = wgw_holders_take(h, record);
    wgw_holders_note(entry, got);

    ok(entry != NULL && held(&t, record) == 5000, "held and noted");

    pid[0] = holder(h, &t, record, 100, 300);
    pid[1] = holder(h, &t, record, 7, 1);

    ok(held(&t, record) == 5000 + 30000 + 7, "others hold as well");
    ok(wgw_holders_reap(h, &t) == 0 && held(&t, record) == 35007,
       "nobody is gone");

    (void) kill(pid[0], SIGKILL);

    for (i = 0; i < 1000 && wgw_holders_reap(h, &t) != 3; i++) {
        (void) usleep(1000);
    }

    ok(i < 1000 && held(&t, record) == 5007,
       "of one that is gone, though not waited for, all blocks are taken");

    (void) waitpid(pid[0], NULL, 0);
    ok(wgw_holders_reap(h, &t) == 0 && held(&t, record) == 5007, "once");

    (void) kill(pid[1], SIGKILL);
    (void) waitpid(pid[1], NULL, 0);
    ok(wgw_holders_reap(h, &t) == 1 && held(&t, record) == 5000,
       "one that is waited for");

    wgw_holders_note(entry, 0);
    wgw_holders_free(h, entry);
    ok(wgw_holders_take(h, record) == entry, "an entry is used again");

    for (i = 0; wgw_holders_take(h, record) != NULL; i++) { /* void */ }

    ok(i > 500000, "and many there are, but not without end");

    wgw_holders_destroy(h);

    return done();
}
