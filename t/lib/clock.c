
/*
 * A clock that a test moves: preloaded, gettimeofday() is later by as many
 * seconds as the first 8 bytes of the file WGW_CLOCK say.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>


static const volatile int64_t  *offset;


__attribute__((constructor))
static void
clock_init(void)
{
    int          fd;
    void        *p;
    const char  *path;

    path = getenv("WGW_CLOCK");
    fd = path ? open(path, O_RDONLY|O_CLOEXEC) : -1;

    if (fd == -1) {
        return;
    }

    p = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);

    if (p != MAP_FAILED) {
        offset = p;
    }

    (void) close(fd);
}


int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    struct timespec  ts;

    (void) tz;

    if (clock_gettime(CLOCK_REALTIME, &ts) == -1) {
        return -1;
    }

    tv->tv_sec = ts.tv_sec + (offset ? (time_t) *offset : 0);
    tv->tv_usec = ts.tv_nsec / 1000;

    return 0;
}
