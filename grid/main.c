
/*
 * wgw-grid: the gateway on the ThreeFold grid, see docs/grid.md.
 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "core/version.h"
#include "grid/batch.h"
#include "grid/bills.h"
#include "grid/hours.h"
#include "grid/bus.h"
#include "grid/deployments.h"
#include "grid/ledger.h"
#include "grid/look.h"
#include "grid/register.h"
#include "grid/service.h"
#include "grid/status.h"
#include "grid/provision.h"


#define MAIN_LOOK  60                   /* seconds */
#define MAIN_NEWS  2
#define MAIN_SHOW  10                   /* on the page, where it changed */


/* A thread of the daemon, which returns when grid_ends(). */
typedef struct {
    const char  *name;
    void       (*run)(const grid_t *grid);
} main_crew_t;


static int main_daemon(const grid_options_t *options);
static int main_start(grid_t *grid, grid_state_t *state);
static int main_serve(grid_t *grid, grid_state_t *state, grid_chain_t *chain,
    grid_gateway_t *gateway);
static void main_rounds(grid_t *grid, grid_state_t *state,
    grid_chain_t *chain, grid_gateway_t *gateway);
static void *main_thread(void *data);
static void main_told(const grid_t *grid);
static void main_no_core(void);


static const grid_schema_t  *const main_schemas[] = {
    &grid_self_schema,
    &grid_service_schema,
    &grid_hours_schema,
    &grid_batch_schema,
    &grid_deployments_schema,
    NULL
};

static const main_crew_t  main_crew[] = {
    { "bills", grid_bills_run },
    { "provision", grid_provision_run },
    { "deploy", grid_bus_deploy },
    { "read", grid_bus_read },
    { "usage", grid_bus_usage },
    { "about", grid_bus_about },
    { NULL, NULL }
};


/* What a thread is started with. */
typedef struct {
    const grid_t       *grid;
    const main_crew_t  *member;
} main_thread_t;


int
main(int argc, char **argv)
{
    int             rc;
    grid_options_t  options;

    main_no_core();
    (void) signal(SIGPIPE, SIG_IGN);

    rc = grid_options_read(&options, argc, argv);

    if (rc != GRID_OK) {
        return rc;
    }

    if (options.version) {
        puts("wgw-grid " WGW_VERSION);
        return GRID_OK;
    }

    if (options.help) {
        grid_options_help(stdout);
        return GRID_OK;
    }

    curl_global_init(CURL_GLOBAL_DEFAULT);

    rc = strcmp(options.command, "status") == 0 ? grid_status(&options)
         : strcmp(options.command, "bills") == 0 ? grid_ledger_list(&options)
         : strcmp(options.command, "register") == 0 ? grid_register(&options)
         : main_daemon(&options);

    curl_global_cleanup();

    return rc;
}


/* The secret is in no core, and no other process of this user reads it. */

static void
main_no_core(void)
{
    const struct rlimit  none = { 0, 0 };

    (void) setrlimit(RLIMIT_CORE, &none);
    (void) prctl(PR_SET_DUMPABLE, 0);
}


static int
main_daemon(const grid_options_t *options)
{
    int               rc;
    grid_t            grid = { options, NULL, NULL, -1 };
    grid_state_t      state;
    grid_identity_t  *identity;

    identity = grid_identity_open(options->mnemonic_file);

    if (identity == NULL) {
        return GRID_FAILED;
    }

    grid.identity = identity;
    grid.selves = grid_selves_make();

    rc = grid_state_create(&state, options->state, main_schemas);

    if (rc == GRID_OK) {
        rc = main_start(&grid, &state);
        grid_state_close(&state);
    }

    grid_selves_free(grid.selves);
    grid_identity_close(identity);

    return rc;
}


static int
main_start(grid_t *grid, grid_state_t *state)
{
    int              rc;
    sigset_t         signals;
    grid_chain_t    *chain;
    grid_gateway_t  *gateway;

    /* of all threads: they are told by the descriptor */

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    (void) pthread_sigmask(SIG_BLOCK, &signals, NULL);

    grid->stop = signalfd(-1, &signals, SFD_NONBLOCK|SFD_CLOEXEC);

    if (grid->stop < 0) {
        return grid_fail(GRID_FAILED, "signalfd: %s", strerror(errno));
    }

    rc = GRID_FAILED;
    chain = grid_chain_open(grid->options);
    gateway = chain ? grid_gateway_open(grid->options) : NULL;

    if (gateway) {
        rc = main_serve(grid, state, chain, gateway);
        grid_gateway_close(gateway);
    }

    if (chain) {
        grid_chain_close(chain);
    }

    (void) close(grid->stop);

    return rc;
}


static int
main_serve(grid_t *grid, grid_state_t *state, grid_chain_t *chain,
    grid_gateway_t *gateway)
{
    int            rc;
    size_t         i;
    pthread_t      threads[grid_count(main_crew)];
    main_thread_t  starts[grid_count(main_crew)];

    grid_self_load(grid, state);

    rc = grid_look(grid, state, chain, gateway);

    if (rc != GRID_OK) {
        return rc;
    }

    main_told(grid);

    for (i = 0; main_crew[i].run; i++) {
        starts[i].grid = grid;
        starts[i].member = &main_crew[i];

        if (pthread_create(&threads[i], NULL, main_thread, &starts[i]) != 0) {
            grid_log(GRID_ERR, "no thread for %s", main_crew[i].name);
            _exit(GRID_FAILED);
        }
    }

    main_rounds(grid, state, chain, gateway);

    while (i) {
        (void) pthread_join(threads[--i], NULL);
    }

    grid_log(GRID_NOTE, "ended");

    return GRID_OK;
}


/* A contradiction, once it serves, is told and ends nothing. */

static void
main_rounds(grid_t *grid, grid_state_t *state, grid_chain_t *chain,
    grid_gateway_t *gateway)
{
    int       dirty;
    int64_t   version, shown;
    unsigned  n;

    dirty = 1;
    shown = 0;

    for (n = 0; n == 0 || !grid_rest(grid, MAIN_NEWS * 1000); n++) {

        if (n && n % (MAIN_LOOK / MAIN_NEWS) == 0) {
            (void) grid_look(grid, state, chain, gateway);
            dirty = 1;

        } else if (grid_self_news(grid)) {
            grid_self_keep(grid, state);
            dirty = 1;
        }

        if (n % (MAIN_SHOW / MAIN_NEWS)) {
            continue;
        }

        /* it changes by what the other threads commit */

        version = grid_state_number(state, 0, "pragma data_version", "");

        if (dirty || version != shown) {
            dirty = grid_status_show(state, gateway) != GRID_OK;
            shown = version;
        }
    }
}


static void *
main_thread(void *data)
{
    main_thread_t  *start = data;

    (void) prctl(PR_SET_NAME, start->member->name);

    start->member->run(start->grid);

    return NULL;
}


static void
main_told(const grid_t *grid)
{
    char         text[GRID_SELF_LIST];
    grid_self_t  self;

    grid_self_get(grid, &self);
    grid_self_list(&self, ", ", text);

    grid_log(GRID_NOTE, "wgw-grid " WGW_VERSION ": account %s (%s), twin %u, "
             "farm %u, node %u, domain %s, addresses %s", self.address,
             grid_kind_name(self.kind), (unsigned) self.twin,
             (unsigned) self.farm, (unsigned) self.node,
             self.domain[0] ? self.domain : "-", text[0] ? text : "-");
}
