
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <hiredis/hiredis.h>
#include <sys/file.h>

#include "core/shm.h"
#include "core/steady.h"
#include "fleet/agent.h"
#include "fleet/herald.h"
#include "fleet/herald_parts.h"


#define HERALD_TICK    10               /* ms */
#define HERALD_POLL    100
#define HERALD_AGAIN   1000             /* after a failure */
#define HERALD_FORGET  60000
#define HERALD_AHEAD   ((uint64_t) 365 * 86400 * 1000000)   /* us */

#define HERALD_LOCK    "/herald"


static void herald_start(wgw_fleet_t *fleet, void *data);
static void herald_tick(ngx_event_t *ev);
static void herald_soon(ngx_event_t *ev);
static ngx_uint_t herald_ready(herald_t *h);
static ngx_uint_t herald_locked(herald_t *h);
static void herald_next(herald_t *h);
static void herald_poll(herald_t *h);
static void herald_head(void *data, const redisReply *reply);
static void herald_judge(herald_t *h, const wgw_gazette_head_t *head);
static void herald_meanwhile(herald_t *h);
static void herald_claim(herald_t *h);
static void herald_claimed(void *data, const redisReply *reply);


wgw_herald_stats_t *
wgw_herald_create(ngx_conf_t *cf)
{
    ngx_str_t  name = ngx_string("herald");

    return wgw_shm_memory(cf, &name, sizeof(wgw_herald_stats_t));
}


ngx_int_t
wgw_herald_serve(ngx_cycle_t *cycle, wgw_fleet_t *fleet, const char *path,
    wgw_store_t *(*store)(ngx_log_t *log), const wgw_record_rules_t *rules,
    wgw_herald_stats_t *stats)
{
    herald_t  *h;

    h = ngx_pcalloc(cycle->pool, sizeof(herald_t));
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->fleet = fleet;
    h->path = path;
    h->open = store;
    h->rules = rules;
    h->stats = stats;
    h->lock = NGX_INVALID_FILE;

    return wgw_agent_use(fleet, herald_start, h);
}


static void
herald_start(wgw_fleet_t *fleet, void *data)
{
    herald_t *h = data;

    h->wire = wgw_agent_wire(fleet);

    wgw_gazette_init(&h->gazette, wgw_fleet_text(&fleet->prefix));

    h->timer.handler = herald_tick;
    h->timer.data = h;
    h->timer.log = ngx_cycle->log;
    h->timer.cancelable = 1;

    h->soon.handler = herald_soon;
    h->soon.data = h;
    h->soon.log = ngx_cycle->log;

    ngx_add_timer(&h->timer, 1);
}


static void
herald_tick(ngx_event_t *ev)
{
    wgw_herald_step(ev->data);

    ngx_add_timer(ev, HERALD_TICK);
}


static void
herald_soon(ngx_event_t *ev)
{
    herald_next(ev->data);
}


/* Never from within a call: a reply's function may be called by send(). */

void
wgw_herald_step(herald_t *h)
{
    if (!h->soon.posted) {
        ngx_post_event(&h->soon, &ngx_posted_events);
    }
}


static void
herald_next(herald_t *h)
{
    uint64_t  now;

    now = wgw_steady_ms();

    if (h->busy || now < h->next || !herald_ready(h)) {
        return;
    }

    /* in turns: neither waits for the end of the other */

    if (h->within && !h->doubt && !h->telling) {
        h->telling = 1;

        if (wgw_herald_tell(h)) {
            return;
        }
    }

    h->telling = 0;

    if (h->moved || now >= h->polled + HERALD_POLL) {
        h->moved = 0;
        h->polled = now;
        herald_poll(h);
        return;
    }

    switch (h->phase) {

    case HERALD_COMPARES:
        wgw_herald_compare(h);
        break;

    case HERALD_SCANS:
        wgw_herald_scan(h);
        break;

    default:
        if (now >= h->forgot + HERALD_FORGET) {
            h->forgot = now;
            wgw_herald_forget(h);
        }
    }
}


/* The store is open and ours, its state is known, and Redis is there. */

static ngx_uint_t
herald_ready(herald_t *h)
{
    wgw_wire_place_t  place;

    if (h->store == NULL) {
        h->store = h->open(ngx_cycle->log);
    }

    if (h->store == NULL) {
        h->next = wgw_steady_ms() + HERALD_AGAIN;
        return 0;
    }

    if (!herald_locked(h)) {
        h->next = ngx_max(h->next, wgw_steady_ms() + HERALD_POLL);
        return 0;
    }

    if (!h->started) {
        wgw_herald_begin(h);
        return 0;
    }

    h->wire->place(h->wire, h->gazette.slot, &place);

    __atomic_store_n(&h->stats->connected, place.serial != 0,
                     __ATOMIC_RELAXED);

    if (place.serial != h->serial) {
        h->serial = place.serial;
        h->moved = 1;

        /* a comparison of another server, perhaps: it begins anew */

        h->phase = HERALD_FOLLOWS;
        h->again |= h->state.again;
    }

    return place.serial != 0;
}


static ngx_uint_t
herald_locked(herald_t *h)
{
    u_char  name[NGX_MAX_PATH];

    if (h->lock != NGX_INVALID_FILE) {
        return 1;
    }

    ngx_snprintf(name, NGX_MAX_PATH, "%s" HERALD_LOCK "%Z", h->path);

    h->lock = open((char *) name, O_RDWR|O_CREAT|O_CLOEXEC|O_NOFOLLOW, 0640);

    if (h->lock == NGX_INVALID_FILE) {
        wgw_herald_failed(h, "open() \"herald\" failed",
                          (wgw_text_t) { strerror(errno),
                                         strlen(strerror(errno)) });
        return 0;
    }

    if (flock(h->lock, LOCK_EX|LOCK_NB) == 0) {
        return 1;
    }

    (void) close(h->lock);
    h->lock = NGX_INVALID_FILE;

    return 0;
}


static void
herald_poll(herald_t *h)
{
    int         n;
    wgw_text_t  args[WGW_GAZETTE_ARGS];

    n = wgw_gazette_head(&h->gazette, args);

    (void) wgw_herald_send(h, args, n, herald_head);
}


static void
herald_head(void *data, const redisReply *reply)
{
    herald_t *h = data;

    wgw_gazette_head_t  head;

    if (wgw_herald_reply(h, reply) != 0) {
        return;
    }

    if (wgw_gazette_head_of(reply, &head) != 0) {
        wgw_herald_failed(h, "Redis", wgw_text("has damaged names"));
        return;
    }

    if (head.epoch.len == 0) {
        herald_claim(h);
        return;
    }

    if (wgw_herald_sound(h, &head)) {
        herald_judge(h, &head);
    }
}


ngx_uint_t
wgw_herald_sound(herald_t *h, const wgw_gazette_head_t *head)
{
    h->limit = (uint64_t) ngx_time() * 1000000 + HERALD_AHEAD;

    if (head->version <= h->limit) {
        return 1;
    }

    wgw_herald_failed(h, "Redis", wgw_text("names have a version of the "
                                           "future"));
    return 0;
}


static void
herald_judge(herald_t *h, const wgw_gazette_head_t *head)
{
    wgw_follow_state_t  *state;

    state = &h->state;

    h->version = head->version;

    if (h->phase != HERALD_FOLLOWS
        && ngx_memcmp(h->epoch, head->epoch.data, WGW_FOLLOW_EPOCH) == 0)
    {
        herald_meanwhile(h);
        return;
    }

    ngx_memcpy(h->epoch, head->epoch.data, WGW_FOLLOW_EPOCH);
    h->within = 1;

    if (!state->known
        || ngx_memcmp(state->epoch, h->epoch, WGW_FOLLOW_EPOCH) != 0
        || head->version < state->position || head->version < state->told)
    {
        wgw_herald_compare_all(h, 1);
        return;
    }

    if (h->again) {
        wgw_herald_compare_all(h, 0);
        return;
    }

    if (head->version > state->position) {
        wgw_herald_news(h);
        return;
    }

    h->doubt = 0;

    __atomic_store_n(&h->stats->caught, wgw_steady_ms(), __ATOMIC_RELAXED);

    if (h->failing && wgw_store_id(h->store) == h->seen) {
        h->failing = 0;
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "wgw fleet: names are followed again");
    }
}


/* A comparison may last, and what is new is read while it does. */

static void
herald_meanwhile(herald_t *h)
{
    if (h->version < h->live) {
        wgw_herald_compare_all(h, 1);

    } else if (h->version > h->live) {
        wgw_herald_news(h);

    } else {
        wgw_herald_step(h);
    }
}


void
wgw_herald_compare_all(herald_t *h, ngx_uint_t fills)
{
    wgw_herald_stats_t  *stats;

    stats = h->stats;

    if (fills && h->state.known) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "wgw fleet: Redis has lost names, and is told again "
                      "what this machine has");

        __atomic_fetch_add(&stats->losses, 1, __ATOMIC_RELAXED);

    } else {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "wgw fleet: all names are compared with the fleet's");
    }

    __atomic_fetch_add(&stats->snapshots, 1, __ATOMIC_RELAXED);

    h->phase = HERALD_COMPARES;
    h->fills |= (fills != 0);
    h->len = 0;
    h->again = 0;
    h->refused = 0;
    h->doubt = 0;
    h->live = h->version;
    h->told = h->state.told;

    wgw_herald_step(h);
}


static void
herald_claim(herald_t *h)
{
    int         n;
    char        epoch[WGW_FOLLOW_EPOCH + 1];
    wgw_text_t  args[WGW_GAZETTE_ARGS];

    ngx_sprintf((u_char *) epoch, "%016xL%Z", wgw_agent_random());

    n = wgw_gazette_claim(&h->gazette, args,
                          (wgw_text_t) { epoch, WGW_FOLLOW_EPOCH },
                          ngx_max(h->state.position, h->state.told));

    (void) wgw_herald_send(h, args, n, herald_claimed);
}


static void
herald_claimed(void *data, const redisReply *reply)
{
    herald_t *h = data;

    if (wgw_herald_reply(h, reply) == 0) {
        h->moved = 1;
        wgw_herald_step(h);
    }
}


void
wgw_herald_elsewhere(herald_t *h)
{
    wgw_herald_drop(h);

    h->within = 0;
    h->moved = 1;
    h->phase = HERALD_FOLLOWS;
    h->next = wgw_steady_ms() + HERALD_POLL;
}


int
wgw_herald_send(herald_t *h, const wgw_text_t *args, int n,
    wgw_wire_reply_pt reply)
{
    h->busy = 1;

    if (h->wire->send(h->wire, h->gazette.slot, WGW_WIRE_FOLLOW, args, n,
                      reply, h)
        == 0)
    {
        return 0;
    }

    h->busy = 0;
    h->next = wgw_steady_ms() + HERALD_POLL;

    wgw_herald_drop(h);

    return -1;
}


int
wgw_herald_reply(herald_t *h, const redisReply *reply)
{
    h->busy = 0;

    if (reply && reply->type != REDIS_REPLY_ERROR) {
        return 0;
    }

    wgw_herald_drop(h);

    h->moved = 1;

    if (reply) {
        wgw_herald_failed(h, "Redis",
                          (wgw_text_t) { reply->str, reply->len });
    }

    return -1;
}


void
wgw_herald_failed(herald_t *h, const char *what, wgw_text_t why)
{
    h->next = wgw_steady_ms() + HERALD_AGAIN;

    if (h->failing) {
        return;
    }

    h->failing = 1;

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "wgw fleet: names are not followed, trying again: %s: %*s",
                  what, ngx_min(why.len, 200), why.data);
}
