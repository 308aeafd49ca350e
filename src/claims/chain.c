
/*
 * chain: see chain.h.
 */

#include "claims/chain.h"

#include <string.h>


/* How telling a reason is: the later ones come closer to a chain. */
typedef enum {
    WGW_CHAIN_NO_PATH = 0,
    WGW_CHAIN_SELF,
    WGW_CHAIN_ONE,
    WGW_CHAIN_LONG,
    WGW_CHAIN_POWERLINE,
    WGW_CHAIN_SUBJECT,
    WGW_CHAIN_COMMAND,
    WGW_CHAIN_BARRED
} wgw_chain_rank_t;


/* What a way is so far no chain for; the worst there is of its tokens. */
typedef struct {
    const wgw_chain_rules_t  *rules;
    const wgw_chain_link_t   *links;
    size_t                    n;
    uint8_t                   useful[WGW_CHAIN_TOKENS];

    wgw_chain_t              *chains;
    size_t                    max;
    size_t                    found;
    size_t                    enough;   /* for this first token */
    unsigned                  steps;

    wgw_chain_t               path;
    wgw_chain_rank_t          rank;
    const char               *reason;
} wgw_chain_search_t;


static void wgw_chain_useful(wgw_chain_search_t *search);
static void wgw_chain_begin(wgw_chain_search_t *search, size_t first);
static void wgw_chain_go_on(wgw_chain_search_t *search,
    wgw_chain_rank_t rank, const char *reason);
static wgw_chain_rank_t wgw_chain_judge(const wgw_chain_search_t *search,
    const wgw_token_t *token, const char **reason);
static void wgw_chain_end(wgw_chain_search_t *search, wgw_chain_rank_t rank,
    const char *reason);
static void wgw_chain_note(wgw_chain_search_t *search, wgw_chain_rank_t rank,
    const char *reason);
static int wgw_chain_trusted(const wgw_chain_rules_t *rules, wgw_text_t did);
static int wgw_chain_visited(const wgw_chain_search_t *search,
    wgw_text_t issuer);


size_t
wgw_chain_search(const wgw_chain_rules_t *rules,
    const wgw_chain_link_t *links, size_t n, wgw_chain_t *chains, size_t max,
    const char **reason)
{
    size_t              i;
    wgw_chain_search_t  search;

    search.rules = rules;
    search.links = links;
    search.n = n > WGW_CHAIN_TOKENS ? WGW_CHAIN_TOKENS : n;
    search.chains = chains;
    search.max = max;
    search.found = 0;
    search.rank = WGW_CHAIN_NO_PATH;
    search.reason = "chain:no-path";

    wgw_chain_useful(&search);

    for (i = 0; i < search.n && search.found < max; i++) {
        wgw_chain_begin(&search, i);
    }

    *reason = search.found ? NULL : search.reason;

    return search.found;
}


/*
 * Marks the tokens from which the gateway can be reached at all, so that the
 * way there is not looked for among the others.
 */

static void
wgw_chain_useful(wgw_chain_search_t *search)
{
    size_t              i, n, head;
    uint16_t            queue[WGW_CHAIN_TOKENS];
    wgw_text_t          audience;
    const wgw_token_t  *token;

    memset(search->useful, 0, sizeof(search->useful));

    audience = search->rules->gateway;
    n = 0;
    head = 0;

    for ( ;; ) {

        for (i = 0; i < search->n; i++) {
            token = search->links[i].token;

            if (search->useful[i] || !wgw_text_equal(token->aud, audience)) {
                continue;
            }

            if (wgw_text_equal(token->iss, token->aud)) {
                wgw_chain_note(search, WGW_CHAIN_SELF,
                               "chain:self-delegation");
                continue;
            }

            search->useful[i] = 1;
            queue[n++] = (uint16_t) i;
        }

        if (head == n) {
            return;
        }

        audience = search->links[queue[head++]].token->iss;
    }
}


static void
wgw_chain_begin(wgw_chain_search_t *search, size_t first)
{
    const char         *reason;
    wgw_chain_rank_t    rank;
    const wgw_token_t  *token;

    token = search->links[first].token;

    if (!search->useful[first]
        || !wgw_chain_trusted(search->rules, token->iss))
    {
        return;
    }

    rank = WGW_CHAIN_NO_PATH;
    reason = NULL;

    if (token->sub.data == NULL) {
        rank = WGW_CHAIN_POWERLINE;
        reason = "chain:powerline-root";

    } else if (!wgw_text_equal(token->sub, token->iss)) {
        rank = WGW_CHAIN_SUBJECT;
        reason = "chain:subject";

    } else if (search->links[first].barred) {
        rank = WGW_CHAIN_BARRED;
        reason = search->links[first].barred;
    }

    search->path.links[0] = (uint16_t) first;
    search->path.n = 1;
    search->steps = WGW_CHAIN_STEPS;
    search->enough = search->found + WGW_CHAIN_ROOT;

    wgw_chain_go_on(search, rank, reason);
}


/* With a reason the way goes on only to see whether it would be a chain. */

static void
wgw_chain_go_on(wgw_chain_search_t *search, wgw_chain_rank_t rank,
    const char *reason)
{
    size_t              i;
    const char         *why;
    wgw_chain_rank_t    next;
    const wgw_token_t  *last, *token;

    last = search->links[search->path.links[search->path.n - 1]].token;

    if (wgw_text_equal(last->aud, search->rules->gateway)) {
        wgw_chain_end(search, rank, reason);
        return;
    }

    for (i = 0; i < search->n; i++) {
        token = search->links[i].token;

        if (!search->useful[i] || !wgw_text_equal(token->iss, last->aud)
            || wgw_chain_visited(search, token->aud))
        {
            continue;
        }

        if (search->path.n == WGW_CHAIN_MAX) {
            wgw_chain_note(search, WGW_CHAIN_LONG, "chain:too-long");
            return;
        }

        if (search->steps == 0 || search->found == search->max
            || search->found == search->enough)
        {
            return;
        }

        search->steps--;

        why = search->links[i].barred;
        next = why ? WGW_CHAIN_BARRED : wgw_chain_judge(search, token, &why);

        if (next == WGW_CHAIN_NO_PATH || (reason && rank <= next)) {
            next = rank;
            why = reason;
        }

        search->path.links[search->path.n++] = (uint16_t) i;
        wgw_chain_go_on(search, next, why);
        search->path.n--;
    }
}


/* A token against the way to it. */

static wgw_chain_rank_t
wgw_chain_judge(const wgw_chain_search_t *search, const wgw_token_t *token,
    const char **reason)
{
    const wgw_token_t  *first, *last;

    first = search->links[search->path.links[0]].token;
    last = search->links[search->path.links[search->path.n - 1]].token;

    if (token->sub.data && !wgw_text_equal(token->sub, first->sub)) {
        *reason = "chain:subject";
        return WGW_CHAIN_SUBJECT;
    }

    if (!wgw_token_covers(last->cmd, token->cmd)) {
        *reason = "chain:command";
        return WGW_CHAIN_COMMAND;
    }

    return WGW_CHAIN_NO_PATH;
}


static void
wgw_chain_end(wgw_chain_search_t *search, wgw_chain_rank_t rank,
    const char *reason)
{
    const wgw_token_t  *last;

    last = search->links[search->path.links[search->path.n - 1]].token;

    if (reason == NULL
        && !wgw_token_covers(last->cmd, search->rules->command))
    {
        rank = WGW_CHAIN_COMMAND;
        reason = "chain:command";
    }

    if (reason == NULL && search->path.n == 1) {
        rank = WGW_CHAIN_ONE;
        reason = "chain:no-payer";
    }

    if (reason) {
        wgw_chain_note(search, rank, reason);
        return;
    }

    search->chains[search->found++] = search->path;
}


static void
wgw_chain_note(wgw_chain_search_t *search, wgw_chain_rank_t rank,
    const char *reason)
{
    if (rank > search->rank) {
        search->rank = rank;
        search->reason = reason;
    }
}


static int
wgw_chain_trusted(const wgw_chain_rules_t *rules, wgw_text_t did)
{
    size_t  i;

    for (i = 0; i < rules->nsubjects; i++) {

        if (wgw_text_equal(rules->subjects[i], did)) {
            return 1;
        }
    }

    return 0;
}


/* Who has issued a token of the way need not be come to again. */

static int
wgw_chain_visited(const wgw_chain_search_t *search, wgw_text_t issuer)
{
    size_t  i;

    for (i = 0; i < search->path.n; i++) {

        if (wgw_text_equal(search->links[search->path.links[i]].token->iss,
                           issuer))
        {
            return 1;
        }
    }

    return 0;
}
