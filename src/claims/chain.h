
/*
 * chain: from a set of delegations those that lead, one after the other,
 * from a subject to the gateway.
 *
 * The first is issued by its subject, who must be one of the trusted; the
 * audience of each issues the next; the last one's audience is the gateway.
 * All name that subject, or any (a powerline, never the first).  The command
 * of each covers that of the next, and the last one's what is asked for.  At
 * least two tokens, since the audience of the first pays and the gateway is
 * no payer; at most WGW_CHAIN_MAX.
 *
 * Tokens come in any order, with others among them.  Those that look for a
 * way get so many steps each, whatever else there is: who has a commitment
 * can lengthen the search for his own chains alone.
 */

#ifndef WGW_CHAIN_H
#define WGW_CHAIN_H


#include "claims/token.h"

#pragma GCC visibility push(hidden)


#define WGW_CHAIN_MAX     8         /* tokens of a chain */
#define WGW_CHAIN_TOKENS  256       /* of a set */
#define WGW_CHAIN_FOUND   64        /* chains of a set */
#define WGW_CHAIN_ROOT    16        /* of these with one first token */
#define WGW_CHAIN_STEPS   512       /* tokens looked at for one first token */


typedef struct {
    wgw_text_t          gateway;
    const wgw_text_t   *subjects;
    size_t              nsubjects;
    wgw_text_t          command;
} wgw_chain_rules_t;


/*
 * `barred` says why a token may not be used ("revoked:revoked"), or is NULL.
 */
typedef struct {
    const wgw_token_t  *token;
    const char         *barred;
} wgw_chain_link_t;


typedef struct {
    uint16_t            links[WGW_CHAIN_MAX];   /* the first one first */
    size_t              n;
} wgw_chain_t;


/*
 * Finds at most `max` chains among at most WGW_CHAIN_TOKENS links.  Returns
 * how many; if none, why the one that came furthest is none:
 * "chain:no-path" at least.
 */
size_t wgw_chain_search(const wgw_chain_rules_t *rules,
    const wgw_chain_link_t *links, size_t n, wgw_chain_t *chains, size_t max,
    const char **reason);


#pragma GCC visibility pop

#endif /* WGW_CHAIN_H */
