
/*
 * wgw-ledger: what the meters of a fleet have counted, in PostgreSQL, each
 * record once; see docs/ledger.md.
 */

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/version.h"
#include "ledger/dump.h"
#include "ledger/follow.h"
#include "ledger/report.h"


typedef struct {
    const char  *name;
    const char  *help;
    int          database;              /* it needs one */
    size_t       args;                  /* at most */
    int        (*run)(ledger_t *ledger, database_t *db, char **args,
                      size_t n);
} command_t;


static int ledger_run(ledger_t *ledger, const command_t *command,
    char **args, size_t n);
static int ledger_options(ledger_t *ledger, int argc, char **argv);
static int ledger_option(ledger_t *ledger, int option, const char *value);
static int ledger_seconds(const char *value, int64_t *seconds);
static int ledger_help(void);
static void ledger_signal(int number);
static int command_follow(ledger_t *ledger, database_t *db, char **args,
    size_t n);
static int command_migrate(ledger_t *ledger, database_t *db, char **args,
    size_t n);
static int command_report(ledger_t *ledger, database_t *db, char **args,
    size_t n);
static int command_price(ledger_t *ledger, database_t *db, char **args,
    size_t n);
static int command_check(ledger_t *ledger, database_t *db, char **args,
    size_t n);
static int command_seen(ledger_t *ledger, database_t *db, char **args,
    size_t n);
static int command_prune(ledger_t *ledger, database_t *db, char **args,
    size_t n);
static int command_dump(ledger_t *ledger, database_t *db, char **args,
    size_t n);


static const command_t  commands[] = {
    { "follow", "applies records: of streams (--redis) or of folders "
      "(--from-journal)", 1, 0, command_follow },
    { "migrate", "makes the schema, or brings it up to this version", 1, 0,
      command_migrate },
    { "report", "what each owes: --month YYYY-MM or --day YYYY-MM-DD", 1, 0,
      command_report },
    { "price", "KIND KEY PER_GB [PER_MILLION [CURRENCY [SINCE]]]: KEY \"\" "
      "is all of the kind", 1, 6, command_price },
    { "check", "what is to be looked at; exit code 4 if there is something",
      1, 0, command_check },
    { "seen", "what check says has been looked at", 1, 0, command_seen },
    { "prune", "[RECORDS [HOURS]]: forgets records and hours that are older "
      "(60 days, 400 days)", 1, 2, command_prune },
    { "dump", "DIR: a journal as lines of JSON", 0, 1, command_dump },
};


static const struct option  options[] = {
    { "database", required_argument, NULL, 'd' },
    { "redis", required_argument, NULL, 'r' },
    { "master", required_argument, NULL, 'S' },
    { "prefix", required_argument, NULL, 'p' },
    { "user", required_argument, NULL, 'u' },
    { "password-file", required_argument, NULL, 'w' },
    { "tls-ca", required_argument, NULL, 'c' },
    { "from-journal", required_argument, NULL, 'j' },
    { "once", no_argument, NULL, 'o' },
    { "gap-wait", required_argument, NULL, 'g' },
    { "metrics", required_argument, NULL, 'm' },
    { "month", required_argument, NULL, 'M' },
    { "day", required_argument, NULL, 'D' },
    { "kind", required_argument, NULL, 'k' },
    { "key", required_argument, NULL, 'K' },
    { "by", required_argument, NULL, 'b' },
    { "json", no_argument, NULL, 'J' },
    { "late", required_argument, NULL, 'l' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'V' },
    { NULL, 0, NULL, 0 }
};


int
main(int argc, char **argv)
{
    int                rc;
    size_t             i, n;
    ledger_t           ledger;
    const char        *name;
    struct sigaction   sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = ledger_signal;
    (void) sigaction(SIGTERM, &sa, NULL);
    (void) sigaction(SIGINT, &sa, NULL);
    (void) signal(SIGPIPE, SIG_IGN);

    memset(&ledger, 0, sizeof(ledger));
    ledger.database = "";
    ledger.prefix = "wgw";
    ledger.gap = 30;
    ledger.late = 900;

    rc = ledger_options(&ledger, argc, argv);

    if (rc != LEDGER_OK) {
        return rc > 0 ? rc : LEDGER_OK;
    }

    name = optind < argc ? argv[optind] : "follow";
    n = optind < argc ? (size_t) (argc - optind - 1) : 0;

    for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return ledger_run(&ledger, &commands[i], argv + optind + 1, n);
        }
    }

    return ledger_fail(LEDGER_USAGE, "no command \"%s\"; see --help", name);
}


static int
ledger_run(ledger_t *ledger, const command_t *command, char **args, size_t n)
{
    int         rc;
    database_t  db;

    if (n > command->args) {
        return ledger_fail(LEDGER_USAGE, "too many arguments for %s",
                           command->name);
    }

    memset(&db, 0, sizeof(db));

    if (command->database) {
        rc = database_open(&db, ledger->database,
                           command->run == command_follow && !ledger->once);

        if (rc == LEDGER_OK) {
            rc = database_migrate(&db);
        }

        if (rc != LEDGER_OK) {
            database_close(&db);
            return ledger_stop ? LEDGER_OK : rc;
        }
    }

    rc = command->run(ledger, &db, args, n);

    database_close(&db);

    return rc;
}


static int
ledger_options(ledger_t *ledger, int argc, char **argv)
{
    int  rc, option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        rc = ledger_option(ledger, option, optarg);

        if (rc != LEDGER_OK) {
            return rc;
        }
    }

    return LEDGER_OK;
}


/* -1: it was all there is to do. */

static int
ledger_option(ledger_t *ledger, int option, const char *value)
{
    switch (option) {

    case 'd': ledger->database = value; break;
    case 'r': ledger->redis = value; break;
    case 'S': ledger->master = value; break;
    case 'p': ledger->prefix = value; break;
    case 'u': ledger->user = value; break;
    case 'w': ledger->password_file = value; break;
    case 'c': ledger->tls_ca = value; break;
    case 'm': ledger->metrics = value; break;
    case 'M': ledger->month = value; break;
    case 'D': ledger->day = value; break;
    case 'k': ledger->kind = value; break;
    case 'K': ledger->key = value; break;
    case 'b': ledger->by = value; break;
    case 'o': ledger->once = 1; break;
    case 'J': ledger->json = 1; break;

    case 'g':
        return ledger_seconds(value, &ledger->gap);

    case 'l':
        return ledger_seconds(value, &ledger->late);

    case 'j':
        if (ledger->ndirs == LEDGER_DIRS) {
            return ledger_fail(LEDGER_USAGE, "too many --from-journal");
        }

        ledger->dirs[ledger->ndirs++] = value;
        break;

    case 'V':
        (void) puts("wgw-ledger " WGW_VERSION);
        return -1;

    case 'h':
        return ledger_help();

    default:
        return LEDGER_USAGE;
    }

    return LEDGER_OK;
}


static int
ledger_seconds(const char *value, int64_t *seconds)
{
    char       *end;
    long long   n;

    n = strtoll(value, &end, 10);

    if (end == value || *end || n < 0 || n > 100000000) {
        return ledger_fail(LEDGER_USAGE, "\"%s\" is no number of seconds",
                           value);
    }

    *seconds = n;

    return LEDGER_OK;
}


static int
ledger_help(void)
{
    size_t  i;

    (void) puts("usage: wgw-ledger [OPTION ...] [COMMAND [ARGUMENT ...]]\n");

    for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        (void) printf("  %-9s %s\n", commands[i].name, commands[i].help);
    }

    (void) puts("\noptions:\n"
        "  --database INFO      of libpq: \"postgresql:///wgw\", or PG* in "
        "the environment\n"
        "  --redis URL          redis://HOST:PORT[,HOST:PORT...], or "
        "rediss:// for TLS\n"
        "  --master NAME        the hosts are Sentinels, who know it\n"
        "  --prefix NAME        of its keys (wgw)\n"
        "  --user NAME, --password-file FILE, --tls-ca FILE\n"
        "  --from-journal DIR   without Redis; several\n"
        "  --once               ends when there is no more\n"
        "  --gap-wait SECONDS   for what is missing (30)\n"
        "  --metrics FILE       for Prometheus's textfile collector\n"
        "  --month, --day, --kind, --key, --by LABEL, --json: of report\n"
        "  --late SECONDS       of check: a node that was not heard of "
        "(900)\n"
        "  --help, --version");

    return -1;
}


static void
ledger_signal(int number)
{
    (void) number;
    ledger_stop = 1;
}


static int
command_follow(ledger_t *ledger, database_t *db, char **args, size_t n)
{
    (void) args;
    (void) n;

    if ((ledger->redis == NULL) == (ledger->ndirs == 0)) {
        return ledger_fail(LEDGER_USAGE, "either --redis or --from-journal "
                           "is needed");
    }

    return follow(ledger, db);
}


static int
command_migrate(ledger_t *ledger, database_t *db, char **args, size_t n)
{
    (void) ledger;
    (void) db;
    (void) args;
    (void) n;

    /* which is done before any command */

    return LEDGER_OK;
}


static int
command_report(ledger_t *ledger, database_t *db, char **args, size_t n)
{
    (void) args;
    (void) n;

    return report_print(db, ledger);
}


static int
command_price(ledger_t *ledger, database_t *db, char **args, size_t n)
{
    size_t       i;
    const char  *values[] = { NULL, "", NULL, "0", "", "2000-01-01" };

    (void) ledger;

    if (n < 3) {
        return ledger_fail(LEDGER_USAGE, "price needs KIND KEY PER_GB");
    }

    for (i = 0; i < n; i++) {
        values[i] = args[i];
    }

    return database_run(db, "INSERT INTO wgw.price (kind, key, per_gb, "
        "per_million, currency, since) VALUES ($1, $2, $3, $4, $5, $6) "
        "ON CONFLICT (kind, key, since) DO UPDATE SET "
        "per_gb = excluded.per_gb, per_million = excluded.per_million, "
        "currency = excluded.currency", values, 6);
}


static int
command_check(ledger_t *ledger, database_t *db, char **args, size_t n)
{
    (void) args;
    (void) n;

    return report_check(db, ledger);
}


static int
command_seen(ledger_t *ledger, database_t *db, char **args, size_t n)
{
    (void) ledger;
    (void) args;
    (void) n;

    return report_seen(db);
}


static int
command_prune(ledger_t *ledger, database_t *db, char **args, size_t n)
{
    const char  *values[2];

    (void) ledger;

    values[0] = n > 0 ? args[0] : "60 days";
    values[1] = n > 1 ? args[1] : "400 days";

    return database_run(db, "SELECT wgw.prune($1, $2)", values, 2);
}


static int
command_dump(ledger_t *ledger, database_t *db, char **args, size_t n)
{
    (void) ledger;
    (void) db;

    return n ? dump_print(args[0])
             : ledger_fail(LEDGER_USAGE, "dump needs DIR");
}
