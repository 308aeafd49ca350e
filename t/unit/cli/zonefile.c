
/*
 * zonefile: copies of a table that another process writes to all the time,
 * over turns of its window and a growth, are whole: no record has lost its
 * key, nothing is less than it was before or more than it was after, and no
 * window has used more than its key ever did.
 */

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/file.h"
#include "cli/zonefile.h"
#include "table/growth.h"
#include "table/notes.h"

#include "t/unit/table/table.h"


#define KEYS    2000
#define COPIES  40
#define MINUTE  60


static char  dir[] = "/tmp/wgw-zonefile.XXXXXX";
static char  path[64], copy[64];


static int
file(const void *memory, size_t size)
{
    int  fd;

    (void) unlink(path);
    fd = open(path, O_RDWR|O_CREAT|O_EXCL, 0600);
    assert(fd >= 0);
    assert(cli_file_put(fd, memory, size) == 0);

    return fd;
}


static int
fresh(void)
{
    int  fd;

    (void) unlink(copy);
    fd = open(copy, O_RDWR|O_CREAT|O_EXCL, 0600);
    assert(fd >= 0);

    return fd;
}


/* All segments of a file, mapped. */

static void
view(int fd, int flags, wgw_table_t *t)
{
    void               *memory;
    uint32_t            i;
    struct stat         st;
    const char         *error;
    wgw_table_conf_t    conf;
    wgw_table_parts_t   parts;

    assert(fstat(fd, &st) == 0);
    assert(wgw_growth_look(fd, (uint64_t) st.st_size, &parts, &conf, &error)
           == 0);

    for (i = 0; i < parts.count; i++) {
        memory = mmap(NULL, parts.parts[i].size, PROT_READ|PROT_WRITE, flags,
                      fd, (off_t) parts.parts[i].offset);
        assert(memory != MAP_FAILED);

        if (i == 0) {
            wgw_table_open(t, memory);
        } else {
            wgw_table_join(t, memory);
        }
    }
}


/* Until it is killed: keys that come, bytes, and a minute now and then. */

static void
writes(int fd)
{
    char         key[32];
    int64_t      now;
    uint64_t     period;
    unsigned     n, i;
    uint32_t     record;
    wgw_table_t  t;

    view(fd, MAP_SHARED, &t);
    now = time(NULL);

    for (n = 1; ; n++) {
        now += n % 64 == 0 ? MINUTE : 0;
        period = wgw_table_period(&t, now);

        for (i = 0; i < 200; i++) {
            snprintf(key, sizeof(key), "key-%u.example",
                     (n * 7 + i) % (n < KEYS ? n : KEYS));
            record = wgw_table_get(&t, (wgw_text_t) { key, strlen(key) });
            wgw_table_add(&t, record, period, 1000003, 17, 1);
        }
    }
}


/* What was counted, once it is more than it was. */

static uint64_t
counted(int fd, uint64_t before)
{
    int               i;
    const char       *error;
    cli_zone_facts_t  facts;

    for (i = 0; i < 20000; i++) {
        assert(cli_zone_look(fd, 0, &facts, &error) == 0);

        if (facts.requests > before) {
            break;
        }

        usleep(1000);
    }

    return facts.requests;
}


/* Records of a copy whose window has more than all of it. */

static unsigned
impossible(int fd)
{
    uint32_t     i;
    unsigned     n;
    wgw_table_t  t;
    wgw_usage_t  usage;

    view(fd, MAP_PRIVATE, &t);
    n = wgw_table_repair(&t, 1);

    for (i = 0; i < wgw_table_end(&t); i++) {
        if (wgw_table_read(&t, i, time(NULL), &usage) == 0) {
            n += usage.window.sent > usage.sent
                 || usage.window.received > usage.received
                 || usage.last.sent > usage.sent
                 || usage.last.received > usage.received;
        }
    }

    return n;
}


/* When nobody writes, a copy is the same. */

static void
rests_same(int fd)
{
    int                to;
    const char        *error;
    cli_zone_facts_t   before, facts;

    to = fresh();

    ok(cli_zone_copy(fd, to, &error) == 0
       && cli_zone_look(fd, 0, &before, &error) == 0
       && cli_zone_look(to, 1, &facts, &error) == 0
       && facts.sent == before.sent && facts.requests == before.requests
       && facts.received == before.received,
       "at rest a copy has all");
    ok(impossible(to) == 0, "and is whole");

    close(to);
}


/* More keys, while another one writes. */

static void
grows(int fd)
{
    const char        *error;
    wgw_table_conf_t   conf;

    memset(&conf, 0, sizeof(conf));

    conf.keys = KEYS * 2;
    conf.key_bytes = 24;
    conf.window.kind = WGW_WINDOW_MINUTE;
    conf.window.reset_day = 1;

    ok(wgw_growth_append(fd, &conf, &error) == 0, "it grows");
}


static void
test_counters(void)
{
    int                fd, to, i, bad, between, rests;
    pid_t              pid;
    size_t             size;
    uint64_t           last, now;
    unsigned           wrong;
    const char        *error;
    wgw_table_t        t;
    cli_zone_facts_t   before, facts, after;

    size = make(&t, KEYS, 24, WGW_WINDOW_MINUTE);
    fd = file(t.header, size);

    pid = fork();
    assert(pid >= 0);

    if (pid == 0) {
        writes(fd);
    }

    bad = 0;
    between = 0;
    wrong = 0;
    rests = 0;
    last = 0;

    for (i = 0; i < COPIES; i++) {
        to = fresh();

        now = counted(fd, last);
        rests += now == last;
        last = now;

        if (cli_zone_look(fd, 0, &before, &error) != 0
            || cli_zone_copy(fd, to, &error) != 0
            || cli_zone_look(to, 1, &facts, &error) != 0
            || cli_zone_look(fd, 0, &after, &error) != 0)
        {
            printf("# %s\n", error);
            bad++;
        }

        between += facts.sent >= before.sent && facts.sent <= after.sent
                   && facts.requests >= before.requests
                   && facts.requests <= after.requests
                   && facts.keys >= before.keys;
        wrong += (unsigned) facts.lost + impossible(to);
        close(to);

        if (i == COPIES / 2) {
            grows(fd);
        }
    }

    ok(bad == 0, "%d copies", COPIES);
    ok(between == COPIES, "each is between before and after");
    ok(wrong == 0, "and each record of them is whole");
    ok(rests == 0, "while another one wrote");

    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);

    rests_same(fd);
    close(fd);
}


static void
test_notes(void)
{
    int                  fd, to;
    void                *memory;
    size_t               size;
    unsigned             i;
    const char          *error;
    wgw_note_t           note;
    wgw_expiring_t       notes;
    cli_zone_facts_t     facts;
    wgw_expiring_conf_t  conf = { WGW_EXPIRING_NOTES, 100 };

    size = wgw_expiring_size(&conf);
    memory = shared(size);
    wgw_expiring_format(memory, &conf, seed);
    wgw_expiring_open(&notes, memory);

    memset(&note, 0, sizeof(note));
    note.kind = 1;
    note.until = time(NULL) + 1000;

    for (i = 0; i < 50; i++) {
        note.payload[0] = i;
        assert(wgw_notes_insert(&notes, wgw_expiring_key(&notes, &i,
                                                         sizeof(i)),
                                &note, time(NULL), 0)
               == WGW_NOTES_OK);
    }

    fd = file(memory, size);
    to = fresh();

    ok(cli_zone_kind(fd) == CLI_ZONE_NOTES, "a table of notes");
    ok(cli_zone_copy(fd, to, &error) == 0, "is copied");
    ok(cli_zone_look(to, 1, &facts, &error) == 0 && facts.keys == 50
       && facts.lost == 0, "with all of its notes");

    close(to);
    close(fd);
}


static void
test_others(void)
{
    int                fd, to;
    size_t             size;
    const char        *error;
    wgw_table_t        t;
    cli_zone_facts_t   facts;

    size = make(&t, 100, 24, WGW_WINDOW_MONTH);
    to = fresh();

    fd = file(t.header, size - 4096);
    ok(cli_zone_copy(fd, to, &error) != 0
       && strcmp(error, "is truncated") == 0, "one that was cut");
    close(fd);

    fd = file("text", 4);
    ok(cli_zone_kind(fd) == CLI_ZONE_NONE, "another file");
    ok(cli_zone_look(fd, 1, &facts, &error) != 0, "is not looked at");
    close(fd);
    close(to);

    ok(!cli_zone_used(path) && !cli_zone_used("/none"), "nobody uses it");
}


int
main(void)
{
    assert(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/zone", dir);
    snprintf(copy, sizeof(copy), "%s/copy", dir);

    test_counters();
    test_notes();
    test_others();

    unlink(path);
    unlink(copy);
    rmdir(dir);

    return done();
}
