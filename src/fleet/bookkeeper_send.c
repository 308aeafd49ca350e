
/*
 * What is written down, to the fleet's Redis: in the agent's process, which
 * is that of the thread that writes.
 */

#include "fleet/bookkeeper.h"
#include "fleet/agent.h"
#include "fleet/courier.h"


#define WGW_BOOKKEEPER_SEND  200        /* ms */


typedef struct {
    wgw_bookkeeper_t        *keeper;
    ngx_event_t              timer;
    ngx_uint_t               refused;       /* and the log says so */
    wgw_courier_t            courier;
} wgw_bookkeeper_sender_t;


static void wgw_bookkeeper_send_start(wgw_fleet_t *fleet, void *data);
static void wgw_bookkeeper_send_step(ngx_event_t *ev);
static void wgw_bookkeeper_send_tell(wgw_bookkeeper_sender_t *sender);


ngx_int_t
wgw_bookkeeper_send(wgw_bookkeeper_t *keeper, wgw_fleet_t *fleet)
{
    return fleet && keeper->books->n
           ? wgw_agent_use(fleet, wgw_bookkeeper_send_start, keeper) : NGX_OK;
}


static void
wgw_bookkeeper_send_start(wgw_fleet_t *fleet, void *data)
{
    wgw_text_t                prefix;
    wgw_bookkeeper_t         *keeper = data;
    wgw_bookkeeper_sender_t  *sender;

    static ngx_connection_t   dummy;

    sender = ngx_calloc(sizeof(wgw_bookkeeper_sender_t), ngx_cycle->log);
    if (sender == NULL) {
        return;
    }

    prefix.data = (const char *) fleet->prefix.data;
    prefix.len = fleet->prefix.len;

    wgw_courier_init(&sender->courier, wgw_agent_wire(fleet), prefix,
                     keeper->books->journal.node, keeper->books->journal.dir);

    dummy.fd = (ngx_socket_t) -1;

    sender->keeper = keeper;
    sender->timer.handler = wgw_bookkeeper_send_step;
    sender->timer.data = &dummy;
    sender->timer.log = ngx_cycle->log;
    sender->timer.cancelable = 1;

    /* ngx_event_t's data is what a debug log looks into: the sender is found
       by the timer's own place */

    ngx_add_timer(&sender->timer, WGW_BOOKKEEPER_SEND);
}


static void
wgw_bookkeeper_send_step(ngx_event_t *ev)
{
    uint64_t                  epoch, seq;
    wgw_bookkeeper_t         *keeper;
    wgw_bookkeeper_sender_t  *sender;

    sender = (wgw_bookkeeper_sender_t *)
                 ((u_char *) ev - offsetof(wgw_bookkeeper_sender_t, timer));
    keeper = sender->keeper;

    /* another process may write still, which sends as well */

    if (keeper->keeping) {
        epoch = __atomic_load_n(&keeper->state->epoch, __ATOMIC_SEQ_CST);
        seq = __atomic_load_n(&keeper->state->seq, __ATOMIC_SEQ_CST);

        if (wgw_courier_step(&sender->courier, epoch, seq)) {
            __atomic_store_n(&keeper->renew, sender->courier.ack.epoch,
                             __ATOMIC_SEQ_CST);
        }

        keeper->state->sent = sender->courier.entries;

        wgw_bookkeeper_send_tell(sender);
    }

    ngx_add_timer(ev, WGW_BOOKKEEPER_SEND);
}


/* A Redis that is full, or refuses a command, answers: nobody else says it. */

static void
wgw_bookkeeper_send_tell(wgw_bookkeeper_sender_t *sender)
{
    const char  *why;

    why = sender->courier.refusal;

    if (sender->refused == (why[0] != '\0')) {
        return;
    }

    sender->refused = why[0] != '\0';

    if (sender->refused) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "wgw journal \"%V\" does not reach the ledger, trying "
                      "again: Redis: %s", &sender->keeper->dir, why);

    } else {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "wgw journal \"%V\" reaches the ledger again",
                      &sender->keeper->dir);
    }
}
