
/*
 * human: figures as people read them; what is said is there, never more.
 */

#include "cli/human.h"

#include "t/unit/tap.h"


static void
says(const char *got, const char *expected)
{
    char  name[64];

    /* a name that is a number is warned of */

    snprintf(name, sizeof(name), "says %s", expected);
    is(got, strlen(got), expected, name);
}


int
main(void)
{
    char  text[CLI_HUMAN];

    says(cli_human_bytes(text, 0), "0 B");
    says(cli_human_bytes(text, 999), "999 B");
    says(cli_human_bytes(text, 1000), "1.00 kB");
    says(cli_human_bytes(text, 1999), "1.99 kB");
    says(cli_human_bytes(text, 12345), "12.3 kB");
    says(cli_human_bytes(text, 999999), "999 kB");
    says(cli_human_bytes(text, 1500000000), "1.50 GB");
    says(cli_human_bytes(text, 250000000000), "250 GB");
    says(cli_human_bytes(text, UINT64_MAX), "18.4 EB");

    says(cli_human_rate(text, -1), "0 B/s");
    says(cli_human_rate(text, 1234567.8), "1.23 MB/s");

    says(cli_human_count(text, 0), "0");
    says(cli_human_count(text, 999), "999");
    says(cli_human_count(text, 1000), "1,000");
    says(cli_human_count(text, 1234567), "1,234,567");
    says(cli_human_count(text, UINT64_MAX), "18,446,744,073,709,551,615");

    says(cli_human_percent(text, 5, 0), "-");
    says(cli_human_percent(text, 0, 10), "0%");
    says(cli_human_percent(text, 1, 1000), "<1%");
    says(cli_human_percent(text, 37, 100), "37%");
    says(cli_human_percent(text, 9999, 10000), "99%");
    says(cli_human_percent(text, 10, 10), "100%");
    says(cli_human_percent(text, 15, 10), "150%");

    says(cli_human_time(text, 0), "1970-01-01 00:00:00Z");

    says(cli_human_span(text, -5), "0s");
    says(cli_human_span(text, 59), "59s");
    says(cli_human_span(text, 200), "3m 20s");
    says(cli_human_span(text, 15000), "4h 10m");
    says(cli_human_span(text, 2516400), "29d 3h");

    return done();
}
