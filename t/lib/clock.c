
/*
 * A clock that a test moves: preloaded, gettimeofday() is later by as many
 * seconds as the first 8 bytes of the file WGW_CLOCK say, and the steady
 * CLOCK_BOOTTIME by those the next 8 bytes say.  With WGW_CLOCK_TIME in the
 * environment time() goes by the first, too: programs that are not nginx.
 */

#define _GNU_SOURCE

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>


static const volatile int64_t  *offset;
static int                      times;


__attribute__((constructor))
static void
clock_init(void)
{
    int          fd;
    void        *p;
    const char  *path;

    path = getenv("WGW_CLOCK");
    times = getenv("WGW_CLOCK_TIME") != NULL;
    fd = path ? open(path, O_RDONLY|O_CLOEXEC) : -1;

    if (fd == -1) {
        return;
    }

    p = mmap(NULL, 2 * sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);

    if (p != MAP_FAILED) {
        offset = p;
    }

    (void) close(fd);
}


int
clock_gettime(clockid_t id, struct timespec *ts)
{
    if (syscall(SYS_clock_gettime, id, ts) == -1) {
        return -1;
    }

    if (id == CLOCK_BOOTTIME && offset) {
        ts->tv_sec += (time_t) offset[1];
    }

    return 0;
}


int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    struct timespec  ts;

    (void) tz;

    if (clock_gettime(CLOCK_REALTIME, &ts) == -1) {
        return -1;
    }

    tv->tv_sec = ts.tv_sec + (offset ? (time_t) offset[0] : 0);
    tv->tv_usec = ts.tv_nsec / 1000;

    return 0;
}


time_t
time(time_t *t)
{
    struct timespec  ts;

    (void) syscall(SYS_clock_gettime, CLOCK_REALTIME, &ts);

    if (times && offset) {
        ts.tv_sec += (time_t) offset[0];
    }

    if (t) {
        *t = ts.tv_sec;
    }

    return ts.tv_sec;
}
