
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/human.h"
#include "cli/progress.h"


static int progress_due(cli_progress_t *p);
static void progress_show(cli_progress_t *p, const char *done,
    const char *rate, uint64_t part, uint64_t whole);


void
cli_progress_begin(cli_progress_t *p, const cli_t *cli, const char *what)
{
    memset(p, 0, sizeof(cli_progress_t));

    p->what = what;
    p->on = !cli->quiet && !cli->json && isatty(STDERR_FILENO);
    p->begun = cli_progress_clock();
}


double
cli_progress_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


void
cli_progress_bytes(cli_progress_t *p, uint64_t done, uint64_t total)
{
    char  text[CLI_HUMAN], rate[CLI_HUMAN];

    if (progress_due(p)) {
        progress_show(p, cli_human_bytes(text, done),
                      cli_human_rate(rate, (double) done
                                           / (p->last - p->begun + 1e-3)),
                      done, total);
    }
}


void
cli_progress_count(cli_progress_t *p, uint64_t done, uint64_t total)
{
    char  text[CLI_HUMAN];

    if (progress_due(p)) {
        progress_show(p, cli_human_count(text, done), "", done, total);
    }
}


static int
progress_due(cli_progress_t *p)
{
    double  now;

    if (!p->on) {
        return 0;
    }

    now = cli_progress_clock();

    if (now - p->last < 0.1) {
        return 0;
    }

    p->last = now;

    return 1;
}


static void
progress_show(cli_progress_t *p, const char *done, const char *rate,
    uint64_t part, uint64_t whole)
{
    char  percent[CLI_HUMAN], span[CLI_HUMAN];

    if (whole && part >= whole) {
        fprintf(stderr, "\r%s: %s, waiting for the end, %s\033[K", p->what,
                done, cli_human_span(span, (int64_t) (p->last - p->begun)));

    } else {
        fprintf(stderr, "\r%s: %s %s%s\033[K", p->what, done, rate,
                whole ? cli_human_percent(percent, part, whole) : "");
    }

    p->shown = 1;
}


void
cli_progress_end(cli_progress_t *p)
{
    if (p->shown) {
        fputs("\r\033[K", stderr);
        p->shown = 0;
    }
}
