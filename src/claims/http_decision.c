
/*
 * http_decision: see http_decision.h.
 */

#include "claims/http_decision.h"
#include "claims/http_args.h"
#include "table/ration.h"


/* times that all are tried again where only others hold what is left */
#define DECISION_ROUNDS  3
#define DECISION_LOST    60            /* seconds, to try again */


typedef struct {
    wgw_content_chain_t  *chains[WGW_DECISION_CHAINS];
    ngx_uint_t            n;
    ngx_uint_t            holds;        /* of the one with the most limits */
} decision_choice_t;


/* The request, and what was looked up of it. */
typedef struct {
    wgw_content_t        *content;
    wgw_http_args_t       http;
    wgw_policy_args_t     args;
    uint64_t              tested;       /* bits: the tests that were made, */
    uint64_t              holding;      /* and those that hold */
    uint64_t              looked;       /* the facts that were looked up, */
    uint64_t              there;        /* and those that there are */
    wgw_text_t            facts[WGW_CONTENT_TESTS];
} decision_asked_t;


static void decision_watch(wgw_claims_t *claims);
static void decision_candidates(ngx_http_request_t *r, wgw_claims_t *claims,
    const wgw_decision_conf_t *conf, wgw_content_t *content,
    decision_choice_t *choice);
static unsigned decision_holds(wgw_content_chain_t *chain,
    decision_asked_t *asked);
static unsigned decision_tests(uint64_t tests, decision_asked_t *asked);
static unsigned decision_fact(const wgw_content_test_t *test,
    decision_asked_t *asked);
static ngx_int_t decision_choose(ngx_http_request_t *r, wgw_claims_t *claims,
    decision_choice_t *choice, wgw_decision_t *decision);
static unsigned decision_take(wgw_decision_t *decision,
    wgw_content_chain_t *chain, unsigned *waiting);
static unsigned decision_take_one(wgw_decision_t *decision,
    wgw_content_limit_t *limit, unsigned *waiting);
static ngx_int_t decision_chosen(ngx_http_request_t *r,
    wgw_content_chain_t *chain, wgw_decision_t *decision);
static ngx_int_t decision_meters(ngx_http_request_t *r,
    wgw_content_chain_t *chain, ngx_http_wgw_meter_more_t *more);
static unsigned decision_public(ngx_http_request_t *r, wgw_claims_t *claims,
    const wgw_decision_conf_t *conf, wgw_content_t *content,
    wgw_decision_t *decision);
static unsigned decision_quota(wgw_claims_t *claims,
    const wgw_decision_conf_t *conf, wgw_content_t *content, int64_t *end,
    wgw_decision_t *decision);
static uint32_t decision_divided(const wgw_claims_t *claims,
    uint32_t limit);
static unsigned decision_over(ngx_http_request_t *r, wgw_claims_t *claims,
    const wgw_decision_conf_t *conf, wgw_decision_t *decision);
static unsigned decision_budget(ngx_http_request_t *r, wgw_claims_t *claims,
    wgw_decision_budget_t *budget, wgw_decision_t *decision);
static int64_t decision_end(wgw_window_t window);
static ngx_uint_t decision_random(wgw_claims_t *claims, ngx_uint_t n);


ngx_int_t
wgw_decide(ngx_http_request_t *r, wgw_claims_t *claims,
    const wgw_decision_conf_t *conf, wgw_content_t *content,
    wgw_decision_t *decision)
{
    ngx_int_t           rc;
    wgw_asked_state_t   known;
    decision_choice_t   choice;

    if (claims->watched != ngx_time()) {
        decision_watch(claims);
    }

    known = conf->lookup ? wgw_claims_lookup(claims, conf->lookup, content)
                         : WGW_ASKED_FRESH;
    choice.n = 0;

    if (content->n) {
        decision_candidates(r, claims, conf, content, &choice);
    }

    if (choice.n) {
        rc = decision_choose(r, claims, &choice, decision);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    if (decision_public(r, claims, conf, content, decision)) {
        decision->class = known == WGW_ASKED_UNKNOWN
                          ? WGW_DECISION_UNKNOWN_FIRST : WGW_DECISION_PUBLIC;
        ngx_str_set(&decision->payer, "public");

    } else if (known == WGW_ASKED_STALE && choice.n
               && decision_over(r, claims, conf, decision))
    {
        decision->class = WGW_DECISION_STALE_OVER;
        ngx_str_set(&decision->payer, "public");

    } else if (conf->dry_run) {
        decision->class = WGW_DECISION_DRY_RUN;

    } else {
        decision->class = WGW_DECISION_DENIED;
    }

    return NGX_OK;
}


/*
 * Once a second: what was used up, of a table whose file was shortened, is not
 * known, so that nothing is left.
 */

static void
decision_watch(wgw_claims_t *claims)
{
    ngx_uint_t  i;

    claims->watched = ngx_time();

    for (i = 0; i < WGW_LIMIT_WINDOWS; i++) {
        wgw_zone_watch(&claims->limits[i]->zone, ngx_cycle->log);
    }

    wgw_zone_watch(claims->quotas, ngx_cycle->log);
}


/* Those in time whose policies hold. */

static void
decision_candidates(ngx_http_request_t *r, wgw_claims_t *claims,
    const wgw_decision_conf_t *conf, wgw_content_t *content,
    decision_choice_t *choice)
{
    size_t                i;
    int64_t               now;
    decision_asked_t      asked;
    wgw_content_chain_t  *chain;

    asked.content = content;
    asked.tested = 0;
    asked.holding = 0;
    asked.looked = 0;
    asked.there = 0;

    asked.http.request = r;
    asked.http.content = content->cid.multihash;
    asked.http.url = conf->url;
    asked.http.origin_host = claims->origin_host;

    wgw_http_args(&asked.args, &asked.http);

    now = ngx_time();
    choice->holds = 0;

    for (i = 0; i < content->n && choice->n < WGW_DECISION_CHAINS; i++) {
        chain = &content->chains[i];

        if (now < chain->from || now > chain->until
            || !decision_holds(chain, &asked))
        {
            continue;
        }

        choice->holds = ngx_max(choice->holds, chain->nlimits);
        choice->chains[choice->n++] = chain;
    }
}


static unsigned
decision_holds(wgw_content_chain_t *chain, decision_asked_t *asked)
{
    size_t                i, k;
    wgw_content_token_t  *token;

    if (!decision_tests(chain->tests, asked)) {
        return 0;
    }

    for (i = 0; chain->ndynamic && i < chain->n; i++) {
        token = chain->tokens[i];

        for (k = 0; k < token->ndynamic; k++) {

            if (wgw_policy_judge(&token->policy, token->dynamic[k],
                                 &asked->args)
                != WGW_POLICY_TRUE)
            {
                return 0;
            }
        }
    }

    return 1;
}


/* What several chains ask for is looked up, and compared, once. */

static unsigned
decision_tests(uint64_t tests, decision_asked_t *asked)
{
    uint64_t             bit, left;
    wgw_content_test_t  *test;

    if (tests & asked->tested & ~asked->holding) {
        return 0;
    }

    for (left = tests & ~asked->tested; left; left &= left - 1) {
        bit = left & -left;
        test = &asked->content->tests[__builtin_ctzll(left)];

        asked->tested |= bit;

        if (!decision_fact(test, asked)
            || !wgw_text_equal(asked->facts[test->fact], test->text))
        {
            return 0;
        }

        asked->holding |= bit;
    }

    return 1;
}


/* 1 when it is there. */

static unsigned
decision_fact(const wgw_content_test_t *test, decision_asked_t *asked)
{
    uint64_t  bit;

    bit = UINT64_C(1) << test->fact;

    if (!(asked->looked & bit)) {
        asked->looked |= bit;

        if (wgw_http_args_text(&asked->http, test->arg, &test->name,
                               &asked->facts[test->fact]))
        {
            asked->there |= bit;
        }
    }

    return (asked->there & bit) != 0;
}


/*
 * The first that can be taken, in random order, is any of those that are not
 * exhausted, each as likely as another.  NGX_DECLINED: all are.
 */

static ngx_int_t
decision_choose(ngx_http_request_t *r, wgw_claims_t *claims,
    decision_choice_t *choice, wgw_decision_t *decision)
{
    unsigned              waiting;
    ngx_uint_t            i, n, round;
    wgw_content_chain_t  *chain;

    if (choice->holds) {
        decision->holds = ngx_palloc(r->pool,
                              choice->holds * sizeof(wgw_decision_hold_t));
        if (decision->holds == NULL) {
            return NGX_ERROR;
        }
    }

    for (round = 0; round < DECISION_ROUNDS; round++) {
        waiting = 0;

        for (n = choice->n; n; n--) {
            i = n == 1 ? 0 : decision_random(claims, n);
            chain = choice->chains[i];

            if (decision_take(decision, chain, &waiting)) {
                return decision_chosen(r, chain, decision);
            }

            choice->chains[i] = choice->chains[n - 1];
            choice->chains[n - 1] = chain;
        }

        if (!waiting) {
            break;
        }
    }

    return NGX_DECLINED;
}


/* One of each limit on requests, or none. */

static unsigned
decision_take(wgw_decision_t *decision, wgw_content_chain_t *chain,
    unsigned *waiting)
{
    size_t                i, k;
    wgw_content_token_t  *token;

    for (i = 0; chain->nlimits && i < chain->n; i++) {
        token = chain->tokens[i];

        for (k = 0; k < token->nlimits; k++) {

            if (!decision_take_one(decision, &token->limits[k], waiting)) {
                wgw_decision_release(decision);
                return 0;
            }
        }
    }

    return 1;
}


static unsigned
decision_take_one(wgw_decision_t *decision, wgw_content_limit_t *limit,
    unsigned *waiting)
{
    int                   waits;
    uint64_t              period;
    wgw_table_t          *table;
    wgw_decision_hold_t  *hold;

    if (limit->limit.count == 0 || *limit->zone->zone.lost) {
        return 0;
    }

    table = &limit->zone->zone.table;
    period = wgw_meter_period(limit->zone);

    if (limit->limit.bytes) {
        return wgw_table_spare(table, limit->record, period, WGW_COUNT_SENT,
                               limit->limit.count) != 0;
    }

    waits = 0;

    if (table->lease) {
        wgw_table_cap(table, limit->record, limit->limit.count);
    }

    if (wgw_table_hold(table, limit->record, period, WGW_COUNT_SENT,
                       limit->limit.count, 1, &waits)
        == 0)
    {
        *waiting |= waits;
        return 0;
    }

    hold = &decision->holds[decision->nholds++];
    hold->zone = limit->zone;
    hold->record = limit->record;

    return 1;
}


void
wgw_decision_commit(wgw_decision_t *decision)
{
    ngx_uint_t            i;
    wgw_decision_hold_t  *hold;

    for (i = 0; i < decision->nholds; i++) {
        hold = &decision->holds[i];

        wgw_table_add(&hold->zone->zone.table, hold->record,
                      wgw_meter_period(hold->zone), 1, 0, 1);
    }

    wgw_decision_release(decision);
}


void
wgw_decision_release(wgw_decision_t *decision)
{
    ngx_uint_t            i;
    wgw_decision_hold_t  *hold;

    for (i = 0; i < decision->nholds; i++) {
        hold = &decision->holds[i];

        wgw_table_release(&hold->zone->zone.table, hold->record, 1);
    }

    decision->nholds = 0;
}


static ngx_int_t
decision_chosen(ngx_http_request_t *r, wgw_content_chain_t *chain,
    wgw_decision_t *decision)
{
    decision->class = WGW_DECISION_CLAIM;
    decision->payer = chain->payer;
    decision->claim = chain->ids;

    if (decision_meters(r, chain, &decision->more) != NGX_OK) {
        wgw_decision_release(decision);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
decision_meters(ngx_http_request_t *r, wgw_content_chain_t *chain,
    ngx_http_wgw_meter_more_t *more)
{
    size_t                i, k, n;
    ngx_str_t            *key;
    wgw_meter_conf_t     *meter;
    wgw_content_limit_t  *limit;

    n = chain->nbytes;

    if (n == 0) {
        return NGX_OK;
    }

    more->meters = ngx_pcalloc(r->pool, n * sizeof(wgw_meter_conf_t));
    more->keys = ngx_pcalloc(r->pool, n * sizeof(ngx_str_t));

    if (more->meters == NULL || more->keys == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < chain->n; i++) {

        for (k = 0; k < chain->tokens[i]->nlimits; k++) {
            limit = &chain->tokens[i]->limits[k];

            if (!limit->limit.bytes) {
                continue;
            }

            meter = &more->meters[more->n];
            meter->zone = limit->zone;
            meter->key_index = NGX_ERROR;
            meter->cap_index = NGX_ERROR;
            meter->cap = limit->limit.count;
            meter->count = WGW_COUNT_SENT;

            key = &more->keys[more->n++];
            key->len = WGW_CLAIMS_RECORD;
            key->data = ngx_pnalloc(r->pool, WGW_CLAIMS_RECORD);

            if (key->data == NULL) {
                return NGX_ERROR;
            }

            wgw_claims_record((char *) key->data, chain->tokens[i]->id, 1);
        }
    }

    return NGX_OK;
}


/* 1 when the public may have it once more. */

static unsigned
decision_public(ngx_http_request_t *r, wgw_claims_t *claims,
    const wgw_decision_conf_t *conf, wgw_content_t *content,
    wgw_decision_t *decision)
{
    int64_t  end;

    if (conf->required) {
        return 0;
    }

    if ((!conf->unlimited || conf->budget) && *claims->quotas->lost) {
        decision->wait = DECISION_LOST;
        return 0;
    }

    end = 0;

    if (!conf->unlimited
        && !decision_quota(claims, conf, content, &end, decision))
    {
        return 0;
    }

    if (conf->budget == NULL
        || decision_budget(r, claims, conf->budget, decision))
    {
        return 1;
    }

    if (!conf->unlimited) {
        wgw_ration_give(&claims->quotas->expiring, content->quota, end);
    }

    return 0;
}


static unsigned
decision_quota(wgw_claims_t *claims, const wgw_decision_conf_t *conf,
    wgw_content_t *content, int64_t *end, wgw_decision_t *decision)
{
    uint8_t     bytes[1 + WGW_CID_MULTIHASH];
    uint32_t    taken;
    wgw_text_t  multihash;

    /* a content asked for under two windows has a quota in each */

    if (content->quota_of != conf) {
        multihash = content->cid.multihash;
        bytes[0] = conf->window.kind;
        ngx_memcpy(bytes + 1, multihash.data, multihash.len);

        content->quota = wgw_expiring_key(&claims->quotas->expiring, bytes,
                                          1 + multihash.len);
        content->quota_of = conf;
    }

    *end = decision_end(conf->window);
    decision->wait = ngx_max(1, *end - ngx_time());

    return wgw_ration_take(&claims->quotas->expiring, content->quota,
                           decision_divided(claims, conf->quota), *end,
                           ngx_time(), &taken);
}


/* This machine's part of what a fleet gives away: one of it at least. */

static uint32_t
decision_divided(const wgw_claims_t *claims, uint32_t limit)
{
    uint64_t  nodes;

    nodes = claims->nodes ? wgw_load(claims->nodes) : 0;

    if (nodes <= 1 || limit == 0 || limit == WGW_RATION_MAX) {
        return limit;
    }

    return limit / nodes ? (uint32_t) (limit / nodes) : 1;
}


/* What is served beyond all limits counts to the budget. */

static unsigned
decision_over(ngx_http_request_t *r, wgw_claims_t *claims,
    const wgw_decision_conf_t *conf, wgw_decision_t *decision)
{
    if (conf->required || decision->budget) {
        return 0;
    }

    return conf->budget == NULL
           || decision_budget(r, claims, conf->budget, decision);
}


/* Each number is got by one request: what it is told at is said once. */

static unsigned
decision_budget(ngx_http_request_t *r, wgw_claims_t *claims,
    wgw_decision_budget_t *budget, wgw_decision_t *decision)
{
    int64_t              end;
    uint32_t             taken, limit, alarm;
    ngx_uint_t           level;
    wgw_expiring_t      *table;

    static const char    name[] = "\xff" "budget";

    table = &claims->quotas->expiring;
    end = decision_end(budget->window);
    limit = decision_divided(claims, budget->limit);
    alarm = (uint32_t) ((uint64_t) budget->alarm * limit / budget->limit);

    if (!wgw_ration_take(table,
                         wgw_expiring_key(table, name, sizeof(name)),
                         budget->hard ? limit : WGW_RATION_MAX, end,
                         ngx_time(), &taken))
    {
        decision->wait = ngx_max(1, end - ngx_time());
        decision->budget = 1;
        return 0;
    }

    if (taken == alarm || taken == limit) {
        level = taken == limit ? NGX_LOG_ERR : NGX_LOG_WARN;

        ngx_log_error(level, r->connection->log, 0,
                      "wgw_content_budget: %uD of %uD requests that nobody "
                      "pays for", taken, limit);
    }

    return 1;
}


/* As long as a window goes on, the next one begins at the same time. */

static int64_t
decision_end(wgw_window_t window)
{
    int64_t         now;

    static struct {
        int64_t     from;
        int64_t     end;
    } known[WGW_WINDOW_TOTAL + 1];

    now = ngx_time();

    if (now < known[window.kind].from || now >= known[window.kind].end) {
        known[window.kind].from = now;
        known[window.kind].end = wgw_window_start(window,
                                            wgw_window_period(window, now)
                                            + 1);
    }

    return known[window.kind].end;
}


/* xorshift64*: the high half of a product is as even as the word. */

static ngx_uint_t
decision_random(wgw_claims_t *claims, ngx_uint_t n)
{
    static uint64_t  state;

    while (state == 0) {
        state = claims->seed ? claims->seed
                             : (uint64_t) ngx_random() << 32
                               ^ (uint64_t) ngx_random() << 16
                               ^ (uint64_t) ngx_pid;
    }

    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;

    return (ngx_uint_t)
           ((unsigned __int128) (state * UINT64_C(0x2545f4914f6cdd1d)) * n
            >> 64);
}
