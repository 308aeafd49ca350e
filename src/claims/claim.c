
/*
 * claim: see claim.h.
 */

#include "claims/claim.h"
#include "format/cid.h"
#include "store/number.h"

#include <stdlib.h>
#include <string.h>


static const char *wgw_claim_look(wgw_claim_t *claim);
static unsigned wgw_claim_is_content(const wgw_policy_statement_t *statement);


const char *
wgw_claim_read(wgw_claim_t *claim, wgw_text_t token, unsigned quotes)
{
    const char  *reason;

    memset(claim, 0, sizeof(wgw_claim_t));

    reason = wgw_token_read(&claim->token, token.data, token.len, quotes);

    return reason ? reason : wgw_claim_look(claim);
}


/* At the statements on top, for content and usage. */

static const char *
wgw_claim_look(wgw_claim_t *claim)
{
    void                           *memory;
    size_t                          at;
    const char                     *reason;
    wgw_limit_t                     limit;
    wgw_policy_t                    policy;
    const wgw_policy_statement_t   *statement;

    memory = malloc(wgw_policy_room(&claim->token.size) + 1);

    if (memory == NULL) {
        return "token:no-memory";
    }

    wgw_policy_build(&policy, &claim->token.pol, claim->token.quotes,
                     &claim->token.size, memory);
    reason = NULL;

    for (at = 0; at < policy.n; at = policy.statements[at].end) {
        statement = &policy.statements[at];

        if (claim->content.len == 0 && wgw_claim_is_content(statement)) {
            claim->content = statement->value.bytes;
        }

        if ((statement->uses & WGW_POLICY_USAGE)
            && !wgw_policy_limit(statement, &limit))
        {
            reason = "policy:usage";
            break;
        }
    }

    free(memory);

    return reason;
}


static unsigned
wgw_claim_is_content(const wgw_policy_statement_t *statement)
{
    return statement->op == WGW_POLICY_EQ
           && statement->uses == WGW_POLICY_CONTENT
           && statement->selector.n == 1
           && statement->value.type == WGW_CBOR_BYTES
           && wgw_multihash_check(statement->value.bytes.data,
                                  statement->value.bytes.len)
              == 0;
}


int
wgw_claim_name(wgw_claim_t *claim)
{
    if (wgw_token_id(&claim->token, claim->id) != 0
        || wgw_token_cid(&claim->token, claim->cid) != 0)
    {
        return -1;
    }

    claim->has_twin = wgw_token_twin(&claim->token, claim->twin) == 0;

    return 0;
}


size_t
wgw_claim_pack(const wgw_claim_t *claim, uint8_t *row)
{
    uint8_t  *p;

    p = wgw_number_put(row, claim->came, 8);
    *p++ = (uint8_t) claim->key.algorithm;

    memset(p, 0, sizeof(claim->key.bytes));

    if (claim->key.algorithm != WGW_VARSIG_NONE) {
        memcpy(p, claim->key.bytes, claim->key.len);
    }

    p += sizeof(claim->key.bytes);
    memcpy(p, claim->token.bytes.data, claim->token.bytes.len);

    return (size_t) (p - row) + claim->token.bytes.len;
}


int
wgw_claim_unpack(wgw_claim_t *claim, wgw_text_t row, unsigned quotes)
{
    wgw_text_t      token;
    const uint8_t  *p;

    if (row.len < WGW_CLAIM_HEAD) {
        return -1;
    }

    p = (const uint8_t *) row.data;
    token.data = row.data + WGW_CLAIM_HEAD;
    token.len = row.len - WGW_CLAIM_HEAD;

    if (wgw_claim_read(claim, token, quotes) != NULL
        || p[8] > WGW_VARSIG_P256)
    {
        return -1;
    }

    claim->came = wgw_number_get(p, 8);
    claim->key.algorithm = (wgw_varsig_t) p[8];
    claim->key.len = p[8] == WGW_VARSIG_ED25519 ? 32 : 33;
    memcpy(claim->key.bytes, p + 9, sizeof(claim->key.bytes));

    return 0;
}


void
wgw_claim_limits(wgw_claim_limits_t *limits, const wgw_policy_t *policy)
{
    size_t        at, i;
    wgw_limit_t   limit;

    limits->n = 0;

    for (at = 0; at < policy->n; at = policy->statements[at].end) {

        if (!wgw_policy_limit(&policy->statements[at], &limit)) {
            continue;
        }

        for (i = 0; i < limits->n; i++) {

            if (limits->limits[i].window == limit.window
                && limits->limits[i].bytes == limit.bytes)
            {
                break;
            }
        }

        if (i == limits->n) {
            limits->limits[limits->n++] = limit;

        } else if (limit.count < limits->limits[i].count) {
            limits->limits[i].count = limit.count;
        }
    }
}
