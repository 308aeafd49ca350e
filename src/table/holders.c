
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "table/holders.h"


#define WGW_HOLDERS_BLOCKS   4096
#define WGW_HOLDERS_ENTRIES  128        /* of a block */

/* a process: when it started, in ticks since the boot, and its pid */
#define WGW_HOLDERS_PID      24
#define WGW_HOLDERS_START    ((UINT64_C(1) << 40) - 1)

/* in /proc/PID/stat, counted from the state, which is behind the name */
#define WGW_HOLDERS_FIELD    19


/* Untouched pages take no memory. */
struct wgw_holders_shared_s {
    uint64_t       owners[WGW_HOLDERS_BLOCKS];
    uint64_t       used;                /* blocks that ever had an owner */
    wgw_holder_t   entries[WGW_HOLDERS_BLOCKS * WGW_HOLDERS_ENTRIES + 1];
};


static uint64_t wgw_holders_process(pid_t pid);
static int wgw_holders_gone(uint64_t owner);
static void wgw_holders_add(wgw_holders_t *h, uint32_t block);


wgw_holders_t *
wgw_holders_create(void)
{
    wgw_holders_t  *h;

    h = calloc(1, sizeof(wgw_holders_t));

    if (h == NULL) {
        return NULL;
    }

    h->shared = mmap(NULL, sizeof(wgw_holders_shared_t),
                     PROT_READ|PROT_WRITE, MAP_ANONYMOUS|MAP_SHARED, -1, 0);

    if (h->shared == MAP_FAILED) {
        free(h);
        return NULL;
    }

    h->entries = h->shared->entries;

    return h;
}


void
wgw_holders_destroy(wgw_holders_t *h)
{
    (void) munmap(h->shared, sizeof(wgw_holders_shared_t));

    free(h);
}


void
wgw_holders_begin(wgw_holders_t *h)
{
    h->self = wgw_holders_process(getpid());
    h->free = 0;
}


uint32_t
wgw_holders_more(wgw_holders_t *h)
{
    uint32_t  block;

    for (block = 0; h->self && block < WGW_HOLDERS_BLOCKS; block++) {
        if (wgw_load(&h->shared->owners[block]) == 0
            && wgw_swap(&h->shared->owners[block], 0, h->self))
        {
            wgw_raise(&h->shared->used, block + 1);
            wgw_holders_add(h, block);

            return h->free;
        }
    }

    return 0;
}


/* The entries of a block, of which none is used, are free. */

static void
wgw_holders_add(wgw_holders_t *h, uint32_t block)
{
    uint32_t  i, entry;

    for (i = WGW_HOLDERS_ENTRIES; i != 0; i--) {
        entry = block * WGW_HOLDERS_ENTRIES + i;

        h->entries[entry].next = h->free;
        h->free = entry;
    }
}


/*
 * An entry is emptied before its bytes are given back, so that whoever is
 * killed here gives nothing back twice.
 */

uint32_t
wgw_holders_reap(wgw_holders_t *h, wgw_table_t *table)
{
    uint32_t       i, n, block, used;
    uint64_t       owner, alive, held;
    wgw_holder_t  *e;

    n = 0;
    alive = h->self;
    used = (uint32_t) wgw_load(&h->shared->used);

    for (block = 0; h->self && block < used; block++) {
        owner = wgw_load(&h->shared->owners[block]);

        if (owner == 0 || owner == h->self || owner == alive) {
            continue;
        }

        if (!wgw_holders_gone(owner)) {
            alive = owner;
            continue;
        }

        if (!wgw_swap(&h->shared->owners[block], owner, h->self)) {
            continue;
        }

        for (i = 1; i <= WGW_HOLDERS_ENTRIES; i++) {
            e = &h->entries[block * WGW_HOLDERS_ENTRIES + i];
            held = __atomic_exchange_n(&e->held, 0, __ATOMIC_SEQ_CST);

            if (held) {
                wgw_table_release(table, e->record, held);
            }
        }

        wgw_holders_add(h, block);
        n++;
    }

    return n;
}


/* A pid may be another's by now; and a zombie holds nothing. */

static int
wgw_holders_gone(uint64_t owner)
{
    pid_t     pid;
    uint64_t  now;

    pid = (pid_t) (owner & ((1 << WGW_HOLDERS_PID) - 1));

    if (kill(pid, 0) == -1 && errno == ESRCH) {
        return 1;
    }

    now = wgw_holders_process(pid);

    /* without /proc it is not known, and taken for the same */

    return now != owner
           && (now == 0 || (now >> WGW_HOLDERS_PID
                            && owner >> WGW_HOLDERS_PID));
}


/* proc(5); 0 for one that has ended, a start of 0 when that is not known */

static uint64_t
wgw_holders_process(pid_t pid)
{
    int        fd, i;
    char       path[32], text[1024], *p;
    ssize_t    n;
    uint64_t   start;

    (void) snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);

    fd = open(path, O_RDONLY|O_CLOEXEC);

    if (fd == -1) {
        return (uint64_t) pid;
    }

    n = read(fd, text, sizeof(text) - 1);
    (void) close(fd);

    text[n > 0 ? n : 0] = '\0';
    p = strrchr(text, ')');

    if (p == NULL || p[1] != ' ') {
        return (uint64_t) pid;
    }

    p += 2;

    if (*p == 'Z' || *p == 'X') {
        return 0;
    }

    for (i = 0; i < WGW_HOLDERS_FIELD && p; i++) {
        p = strchr(p, ' ');
        p = p ? p + 1 : NULL;
    }

    start = p ? strtoull(p, NULL, 10) & WGW_HOLDERS_START : 0;

    return start << WGW_HOLDERS_PID | (uint64_t) pid;
}
