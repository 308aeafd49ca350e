
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grid/grid.h"


#define GRID_LINE  2048


static void grid_vlog(grid_level_t level, const char *format, va_list args);


void
grid_log(grid_level_t level, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    grid_vlog(level, format, args);
    va_end(args);
}


int
grid_fail(int code, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    grid_vlog(GRID_ERR, format, args);
    va_end(args);

    return code;
}


/*
 * One write a line, so that lines of two threads do not mix; what came from
 * others has no control characters that a terminal would obey.
 */

static void
grid_vlog(grid_level_t level, const char *format, va_list args)
{
    int    n;
    char   line[GRID_LINE], *p;

    n = getenv("JOURNAL_STREAM")
        ? snprintf(line, sizeof(line), "<%d>", (int) level)
        : snprintf(line, sizeof(line), "wgw-grid: ");

    (void) vsnprintf(line + n, sizeof(line) - (size_t) n - 1, format, args);

    for (p = line; *p; p++) {
        if ((unsigned char) *p < ' ' || *p == 0x7f) {
            *p = '?';
        }
    }

    *p++ = '\n';

    while (write(STDERR_FILENO, line, (size_t) (p - line)) < 0
           && errno == EINTR)
    {
        /* again */
    }
}


int
grid_rest(const grid_t *grid, unsigned milliseconds)
{
    struct pollfd  end = { grid->stop, POLLIN, 0 };

    return poll(&end, 1, (int) milliseconds) > 0;
}


int
grid_ends(const grid_t *grid)
{
    return grid_rest(grid, 0);
}


void
grid_put(char *to, size_t size, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    (void) vsnprintf(to, size, format, args);
    va_end(args);
}
