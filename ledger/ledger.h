
/*
 * ledger: what all of `wgw-ledger` shares: what was said on the command line,
 * the exit codes, and how a failure is told; see docs/ledger.md.
 *
 * A failure is one line on stderr, "wgw-ledger: ...".  Functions that can fail
 * return LEDGER_OK or another code, and have told why.
 */

#ifndef WGW_LEDGER_H
#define WGW_LEDGER_H


#include <stddef.h>
#include <stdint.h>
#include <stdio.h>


#define LEDGER_OK       0
#define LEDGER_FAILED   1   /* it did not work */
#define LEDGER_USAGE    2   /* the command line is wrong */
#define LEDGER_AWAY     3   /* the database or Redis does not answer */
#define LEDGER_ALARM    4   /* it worked, and something is to be looked at */

#define LEDGER_DIRS     64


typedef struct {
    const char  *database;          /* as libpq has it */
    const char  *redis;             /* NULL: none */
    const char  *master;            /* hosts are Sentinels, or NULL */
    const char  *prefix;
    const char  *user;
    const char  *password_file;
    const char  *tls_ca;
    const char  *metrics;           /* a file, or NULL */
    const char  *dirs[LEDGER_DIRS];
    size_t       ndirs;

    int          once;
    int64_t      gap;               /* s to wait for what is missing */

    const char  *month;             /* of a report */
    const char  *day;
    const char  *kind;
    const char  *key;
    const char  *by;                /* a label */
    int          json;
    int64_t      late;              /* s after which a node is */
} ledger_t;


/* Set by SIGTERM and SIGINT. */
extern volatile int  ledger_stop;


/* Tells a failure, and returns its code. */
int ledger_fail(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A line of the log. */
void ledger_log(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Seconds, of a clock that nobody sets. */
int64_t ledger_now(void);

/* Waits so long, or until it is told to stop. */
void ledger_nap(int ms);


#endif /* WGW_LEDGER_H */
