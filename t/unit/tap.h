
/*
 * tap: the few lines of the Test Anything Protocol that the unit tests use.
 * A test is a program: it calls ok() and is(), then `return done();`.
 */

#ifndef WGW_TAP_H
#define WGW_TAP_H


#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static int  tap_tests, tap_failed;


__attribute__((format(printf, 2, 3)))
static int
ok(int passed, const char *format, ...)
{
    va_list  args;

    printf("%sok %d - ", passed ? "" : "not ", ++tap_tests);

    va_start(args, format);
    vprintf(format, args);
    va_end(args);

    putchar('\n');

    tap_failed += !passed;

    return passed;
}


/* Both texts must be equal; on a difference both are shown. */
__attribute__((unused))
static int
is(const char *got, size_t len, const char *expected, const char *what)
{
    int  same;

    same = len == strlen(expected) && memcmp(got, expected, len) == 0;

    if (!ok(same, "%s", what)) {
        printf("# got:      \"%.*s\"\n# expected: \"%s\"\n", (int) len, got,
               expected);
    }

    return same;
}


static int
done(void)
{
    printf("1..%d\n", tap_tests);

    return tap_failed != 0;
}


/* For a test with a directory of its own, which is removed. */

static inline int
done_in(const char *directory)
{
    int   rc;
    char  command[300];

    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    rc = system(command);
    ok(rc == 0, "cleaned");

    return done();
}


#endif /* WGW_TAP_H */
