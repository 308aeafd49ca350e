
/*
 * human: figures as people read them.
 *
 * Bytes have decimal units, as bills have: 999 B, 1.50 kB, 23.4 MB, 1.00 TB.
 */

#ifndef WGW_CLI_HUMAN_H
#define WGW_CLI_HUMAN_H


#include <stdint.h>


#define CLI_HUMAN  40                   /* bytes of any of these */


/* They return `text`. */
char *cli_human_bytes(char text[CLI_HUMAN], uint64_t bytes);
char *cli_human_rate(char text[CLI_HUMAN], double bytes_per_second);
char *cli_human_count(char text[CLI_HUMAN], uint64_t number);  /* 1,234 */

/* "-" without a whole, "<1%", "37%"; never rounded up to 100%. */
char *cli_human_percent(char text[CLI_HUMAN], uint64_t part, uint64_t whole);

/* "2026-11-27 10:04:30Z" */
char *cli_human_time(char text[CLI_HUMAN], int64_t seconds);

/* "12s", "3m 20s", "4h 10m", "29d 3h" */
char *cli_human_span(char text[CLI_HUMAN], int64_t seconds);


#endif /* WGW_CLI_HUMAN_H */
