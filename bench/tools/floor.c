
/*
 * floor: what a counter costs that does only what must be done: a key's hash,
 * and one line of memory that is added to, of as many as there are keys.
 *
 *     floor [options]
 *
 *     -n N     lines, of 64 bytes (1000000)
 *     -r N     additions, each to another line at random (300000)
 *     -f FILE  the lines are a file's, mapped and shared, which is made
 *     -R       which is said to be read at random, so that no folio is large
 *     -s       which is on the disk before: each page's first write is a fault
 *     -H       in memory, of large pages where the kernel has them
 *
 * Prints one line of JSON: ns of processor an addition, and faults.
 */

#define _GNU_SOURCE

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "crypto/hash.h"

#include "tool.h"


#define FLOOR_LINE  64
#define FLOOR_PAGE  2097152


typedef struct {
    uint64_t     lines;
    uint64_t     additions;
    const char  *file;
    int          random;
    int          synced;
    int          huge;
} floor_conf_t;


static int floor_options(floor_conf_t *conf, int argc, char **argv);
static uint64_t *floor_map(const floor_conf_t *conf, int *fd);
static void floor_add(uint64_t *lines, uint64_t n, uint64_t number);
static long floor_faults(void);


int
main(int argc, char **argv)
{
    int            fd;
    long           faults;
    double         begin;
    uint64_t       i, random, *lines;
    floor_conf_t   conf;

    if (floor_options(&conf, argc, argv) != 0) {
        fprintf(stderr, "floor: see the head of floor.c\n");
        return 2;
    }

    lines = floor_map(&conf, &fd);
    if (lines == NULL) {
        perror("floor");
        return 1;
    }

    for (i = 0; i < conf.lines; i++) {
        lines[i * (FLOOR_LINE / sizeof(uint64_t))] = 1;
    }

    if (conf.synced && fd != -1) {
        (void) fsync(fd);
    }

    random = TOOL_RANDOM;
    faults = floor_faults();
    begin = tool_seconds();

    for (i = 0; i < conf.additions; i++) {
        floor_add(lines, conf.lines, tool_random(&random) % conf.lines);
    }

    printf("{\"ns\": %.1f, \"faults\": %.4f}\n",
           (tool_seconds() - begin) * 1e9 / conf.additions,
           (double) (floor_faults() - faults) / conf.additions);

    if (conf.file) {
        (void) unlink(conf.file);
    }

    return 0;
}


static int
floor_options(floor_conf_t *conf, int argc, char **argv)
{
    int  option;

    memset(conf, 0, sizeof(floor_conf_t));
    conf->lines = 1000000;
    conf->additions = 300000;

    while ((option = getopt(argc, argv, "n:r:f:RsH")) != -1) {
        switch (option) {

        case 'n':
            conf->lines = strtoull(optarg, NULL, 10);
            break;

        case 'r':
            conf->additions = strtoull(optarg, NULL, 10);
            break;

        case 'f':
            conf->file = optarg;
            break;

        case 'R':
            conf->random = 1;
            break;

        case 's':
            conf->synced = 1;
            break;

        case 'H':
            conf->huge = 1;
            break;

        default:
            return -1;
        }
    }

    return conf->lines && conf->additions ? 0 : -1;
}


static uint64_t *
floor_map(const floor_conf_t *conf, int *fd)
{
    int     flags;
    void   *memory;
    size_t  size;

    size = conf->lines * FLOOR_LINE;
    flags = MAP_SHARED|MAP_ANONYMOUS;
    *fd = -1;

    if (conf->file) {
        *fd = open(conf->file, O_RDWR|O_CREAT|O_TRUNC|O_CLOEXEC, 0600);

        if (*fd == -1 || posix_fallocate(*fd, 0, (off_t) size) != 0) {
            return NULL;
        }

        flags = MAP_SHARED;
    }

    /* large pages need a place that begins with one */

    memory = mmap(NULL, size + FLOOR_PAGE, PROT_NONE,
                  MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }

    memory = (void *) (((uintptr_t) memory + FLOOR_PAGE - 1)
                       & ~(uintptr_t) (FLOOR_PAGE - 1));

    memory = mmap(memory, size, PROT_READ|PROT_WRITE, flags|MAP_FIXED, *fd,
                  0);
    if (memory == MAP_FAILED) {
        return NULL;
    }

    if (conf->random) {
        (void) madvise(memory, size, MADV_RANDOM);
    }

    if (conf->huge) {
        (void) madvise(memory, size, MADV_HUGEPAGE);
    }

    return memory;
}


static void
floor_add(uint64_t *lines, uint64_t n, uint64_t number)
{
    char                  key[TOOL_KEY];
    uint64_t             *line;

    static const uint8_t  seed[WGW_HASH_SEED];

    tool_key(key, number);

    line = lines + ((wgw_hash(seed, key, TOOL_KEY) >> 32) * n >> 32)
                   * (FLOOR_LINE / sizeof(uint64_t));

    (void) __atomic_fetch_add(&line[0], 200, __ATOMIC_SEQ_CST);
    (void) __atomic_fetch_add(&line[1], 80, __ATOMIC_SEQ_CST);
    (void) __atomic_fetch_add(&line[2], 1, __ATOMIC_SEQ_CST);
}


static long
floor_faults(void)
{
    struct rusage  usage;

    (void) getrusage(RUSAGE_SELF, &usage);

    return usage.ru_minflt + usage.ru_majflt;
}
