
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/write.h"


#define CLI_MESSAGE  1024


static void cli_tell(const cli_t *cli, const char *subject, const char *field,
    const char *error, uint64_t line, long status);


int
cli_fail(const cli_t *cli, int code, const char *format, ...)
{
    char     message[CLI_MESSAGE];
    va_list  args;

    va_start(args, format);
    (void) vsnprintf(message, sizeof(message), format, args);
    va_end(args);

    cli_tell(cli, "", "", message, 0, 0);

    return code;
}


int
cli_fail_file(const cli_t *cli, const char *path)
{
    return cli_fail(cli, errno == ENOENT ? CLI_NONE : CLI_FAILED, "%s: %s",
                    path, strerror(errno));
}


int
cli_fail_field(const cli_t *cli, int code, const char *subject,
    const char *field, const char *error, uint64_t line, long status)
{
    cli_tell(cli, subject, field, error, line, status);

    return code;
}


static void
cli_tell(const cli_t *cli, const char *subject, const char *field,
    const char *error, uint64_t line, long status)
{
    if (cli->silent) {
        return;
    }

    (void) fflush(stdout);

    if (cli->json) {
        cli_write_error(stderr, subject, field, error, line, status);
        return;
    }

    fputs("wgw: ", stderr);

    if (subject[0]) {
        cli_write_visible(stderr, subject);
        fputs(": ", stderr);
    }

    if (line) {
        fprintf(stderr, "line %llu: ", (unsigned long long) line);
    }

    if (field[0]) {
        cli_write_visible(stderr, field);
        fputc(' ', stderr);
    }

    cli_write_visible(stderr, error);
    fputc('\n', stderr);
}


void
cli_note(const cli_t *cli, const char *format, ...)
{
    char     message[CLI_MESSAGE];
    va_list  args;

    if (cli->json || cli->quiet || cli->silent) {
        return;
    }

    va_start(args, format);
    (void) vsnprintf(message, sizeof(message), format, args);
    va_end(args);

    cli_write_visible(stderr, message);
    fputc('\n', stderr);
}


int
cli_flush(const cli_t *cli)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return cli_fail(cli, CLI_FAILED, "stdout: %s", strerror(errno));
    }

    return CLI_OK;
}
