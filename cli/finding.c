
#include <stdarg.h>

#include "cli/finding.h"
#include "cli/write.h"


#define FINDING_TEXT  512


void
cli_check_found(cli_check_t *check, cli_finding_t finding, const char *what,
    const char *cure, const char *format, ...)
{
    char                text[FINDING_TEXT];
    va_list             args;
    static const char  *words[] = { "fine", "doubtful", "wrong" };

    va_start(args, format);
    (void) vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    if (check->cli->json) {
        fputs(check->n ? ",{" : "{", stdout);
        cli_write_member(stdout, 1, "what", what);
        cli_write_member(stdout, 0, "finding", words[finding]);
        cli_write_member(stdout, 0, "text", text);
        cli_write_member(stdout, 0, "cure", cure);
        fputc('}', stdout);

    } else {
        printf("%-9s %-13s ", words[finding], what);
        cli_write_visible(stdout, text);
        fputc('\n', stdout);

        if (cure[0]) {
            printf("%24s%s\n", "-> ", cure);
        }
    }

    check->n++;
    check->doubts += finding == CLI_DOUBT;
    check->wrongs += finding == CLI_WRONG;
}
