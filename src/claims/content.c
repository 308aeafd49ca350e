
/*
 * content: see content.h.
 */

#include "claims/content.h"
#include "format/hex.h"


/* of one without chains */
#define CONTENT_POOL  640


static ngx_int_t content_chain(wgw_claims_t *claims, wgw_content_t *content,
    const wgw_chain_t *found, wgw_content_token_t **made,
    wgw_content_chain_t *chain);
static void content_add(wgw_content_chain_t *chain,
    wgw_content_token_t *token);
static ngx_int_t content_ids(wgw_content_t *content,
    wgw_content_chain_t *chain);
static wgw_content_token_t *content_token(wgw_claims_t *claims,
    wgw_content_t *content, const wgw_claim_t *claim);
static ngx_int_t content_statements(wgw_content_t *content,
    wgw_content_token_t *token);
static ngx_int_t content_test(wgw_content_t *content,
    const wgw_policy_statement_t *statement);
static wgw_claim_arg_t content_compares(
    const wgw_policy_statement_t *statement, wgw_text_t *name);
static ngx_int_t content_limits(wgw_claims_t *claims,
    wgw_content_t *content, wgw_content_token_t *token);
static unsigned content_static(const wgw_content_t *content,
    const wgw_policy_t *policy);
static int content_arg(void *data, wgw_text_t group, const wgw_text_t *name,
    wgw_cbor_t *value);
static const wgw_cbor_t *content_no_more(void *data);


/* what was collected, while it is taken apart */
static wgw_claim_t        content_claims[WGW_CHAIN_TOKENS];
static wgw_chain_link_t   content_links[WGW_CHAIN_TOKENS];
static wgw_chain_t        content_chains[WGW_CHAIN_FOUND];


wgw_content_t *
wgw_content_create(wgw_text_t text, const wgw_cid_t *cid)
{
    u_char         *copy;
    ngx_pool_t     *pool;
    wgw_content_t  *content;

    pool = ngx_create_pool(CONTENT_POOL, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    content = ngx_pcalloc(pool, sizeof(wgw_content_t));
    copy = ngx_pnalloc(pool, text.len);

    if (content == NULL || copy == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    ngx_memcpy(copy, text.data, text.len);

    content->pool = pool;
    content->refs = 1;
    content->text.data = (char *) copy;
    content->text.len = text.len;

    wgw_cid_copy(&content->cid, cid);

    return content;
}


void
wgw_content_hold(wgw_content_t *content)
{
    content->refs++;
}


void
wgw_content_release(wgw_content_t *content)
{
    if (--content->refs == 0) {
        content->pool->log = ngx_cycle->log;
        ngx_destroy_pool(content->pool);
    }
}


ngx_int_t
wgw_content_fill(wgw_claims_t *claims, wgw_store_t *store,
    wgw_content_t *content, ngx_log_t *log)
{
    size_t                 i, n, found;
    ngx_int_t              rc;
    const char            *reason;
    wgw_store_error_t      error;
    wgw_content_token_t   *made[WGW_CHAIN_TOKENS];

    if (wgw_claim_rows_collect(store, &claims->rules, content->cid.multihash,
                               claims->quotes, content_claims, &n, &error)
        != WGW_STORE_OK)
    {
        ngx_log_error(NGX_LOG_ERR, log, 0, "claims: %s", error.text);
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        content_links[i].token = &content_claims[i].token;
        content_links[i].barred =
                            wgw_claims_key_holds(claims,
                                                 content_claims[i].token.iss,
                                                 &content_claims[i].key)
                            ? NULL : "signature:bad";
        made[i] = NULL;
    }

    found = wgw_chain_search(&claims->rules, content_links, n,
                             content_chains, WGW_CHAIN_FOUND, &reason);

    content->chains = ngx_palloc(content->pool,
                                 found * sizeof(wgw_content_chain_t) + 1);
    if (content->chains == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < found; i++) {
        rc = content_chain(claims, content, &content_chains[i], made,
                            &content->chains[content->n]);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        content->n += rc == NGX_OK;
    }

    return NGX_OK;
}


/* NGX_DECLINED: its policies are about another content. */

static ngx_int_t
content_chain(wgw_claims_t *claims, wgw_content_t *content,
    const wgw_chain_t *found, wgw_content_token_t **made,
    wgw_content_chain_t *chain)
{
    size_t              i, k;
    const wgw_claim_t  *claim;

    ngx_memzero(chain, sizeof(wgw_content_chain_t));

    chain->from = INT64_MIN;
    chain->until = INT64_MAX;

    for (i = 0; i < found->n; i++) {
        k = found->links[i];
        claim = &content_claims[k];

        if (made[k] == NULL) {
            made[k] = content_token(claims, content, claim);

            if (made[k] == NULL) {
                return NGX_ERROR;
            }
        }

        if (!content_static(content, &made[k]->policy)) {
            return NGX_DECLINED;
        }

        if (claim->token.has_nbf) {

            if (claim->token.has_exp && claim->token.nbf > claim->token.exp) {
                return NGX_DECLINED;
            }

            chain->from = ngx_max(chain->from,
                                  claim->token.nbf - claims->skew);
        }

        if (claim->token.has_exp) {
            chain->until = ngx_min(chain->until,
                                   claim->token.exp + claims->skew);
        }

        content_add(chain, made[k]);
    }

    claim = &content_claims[found->links[0]];

    chain->payer.len = claim->token.aud.len;
    chain->payer.data = ngx_pnalloc(content->pool, chain->payer.len);

    if (chain->payer.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(chain->payer.data, claim->token.aud.data, chain->payer.len);

    return content_ids(content, chain);
}


static void
content_add(wgw_content_chain_t *chain, wgw_content_token_t *token)
{
    size_t  i;

    chain->tokens[chain->n++] = token;

    chain->tests |= token->tests;
    chain->ndynamic += token->ndynamic;
    chain->nlimits += token->nlimits;

    for (i = 0; i < token->nlimits; i++) {
        chain->nbytes += token->limits[i].limit.bytes;
    }
}


static ngx_int_t
content_ids(wgw_content_t *content, wgw_content_chain_t *chain)
{
    size_t   i;
    u_char  *p;

    p = ngx_pnalloc(content->pool, chain->n * (2 * WGW_TOKEN_ID + 1));
    if (p == NULL) {
        return NGX_ERROR;
    }

    chain->ids.data = p;

    for (i = 0; i < chain->n; i++) {

        if (i) {
            *p++ = ',';
        }

        wgw_hex_encode((char *) p, chain->tokens[i]->id, WGW_TOKEN_ID);
        p += 2 * WGW_TOKEN_ID;
    }

    chain->ids.len = p - chain->ids.data;

    return NGX_OK;
}


/* The policy is made of views: of a copy of the token. */

static wgw_content_token_t *
content_token(wgw_claims_t *claims, wgw_content_t *content,
    const wgw_claim_t *claim)
{
    u_char               *copy;
    void                 *memory;
    wgw_token_t           token;
    wgw_content_token_t  *made;

    made = ngx_pcalloc(content->pool, sizeof(wgw_content_token_t));
    copy = ngx_pnalloc(content->pool, claim->token.bytes.len);
    memory = ngx_palloc(content->pool,
                        wgw_policy_room(&claim->token.size) + 1);

    if (made == NULL || copy == NULL || memory == NULL) {
        return NULL;
    }

    ngx_memcpy(copy, claim->token.bytes.data, claim->token.bytes.len);
    ngx_memcpy(made->id, claim->id, WGW_TOKEN_ID);

    if (wgw_token_read(&token, copy, claim->token.bytes.len,
                       claim->token.quotes)
        != NULL)
    {
        return NULL;
    }

    wgw_policy_build(&made->policy, &token.pol, token.quotes, &token.size,
                     memory);

    return content_statements(content, made) == NGX_OK
           && content_limits(claims, content, made) == NGX_OK ? made : NULL;
}


static ngx_int_t
content_statements(wgw_content_t *content, wgw_content_token_t *token)
{
    size_t                          at, n;
    ngx_int_t                       test;
    wgw_limit_t                     limit;
    const wgw_policy_statement_t   *statement;

    n = token->policy.n;

    token->dynamic = ngx_palloc(content->pool, n * sizeof(uint16_t) + 1);
    if (token->dynamic == NULL) {
        return NGX_ERROR;
    }

    for (at = 0; at < n; at = statement->end) {
        statement = &token->policy.statements[at];

        if (statement->uses == WGW_POLICY_CONTENT
            || wgw_policy_limit(statement, &limit))
        {
            continue;
        }

        test = content_test(content, statement);

        if (test == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (test == NGX_DECLINED) {
            token->dynamic[token->ndynamic++] = (uint16_t) at;

        } else {
            token->tests |= UINT64_C(1) << test;
        }
    }

    return NGX_OK;
}


/* ["==", ".headers.origin", "text"]: NGX_DECLINED for another form. */

static ngx_int_t
content_test(wgw_content_t *content, const wgw_policy_statement_t *statement)
{
    size_t               i;
    wgw_text_t           name;
    wgw_claim_arg_t      arg;
    wgw_content_test_t  *test;

    arg = content_compares(statement, &name);

    if (arg == WGW_CLAIM_ARG_NONE || arg == WGW_CLAIM_ARG_GROUP) {
        return NGX_DECLINED;
    }

    if (content->ntests == WGW_CONTENT_TESTS) {
        return NGX_DECLINED;
    }

    if (content->tests == NULL) {
        content->tests = ngx_palloc(content->pool, WGW_CONTENT_TESTS
                                                   * sizeof(*test));
        if (content->tests == NULL) {
            return NGX_ERROR;
        }
    }

    test = &content->tests[content->ntests];
    test->fact = content->ntests;

    for (i = 0; i < content->ntests; i++) {

        if (content->tests[i].arg != arg
            || !wgw_text_equal(content->tests[i].name, name))
        {
            continue;
        }

        if (wgw_text_equal(content->tests[i].text, statement->value.bytes)) {
            return i;
        }

        test->fact = content->tests[i].fact;
    }

    test->arg = arg;
    test->name = name;
    test->text = statement->value.bytes;

    return content->ntests++;
}


/* What is compared with a text; NONE where anything else is said. */

static wgw_claim_arg_t
content_compares(const wgw_policy_statement_t *statement, wgw_text_t *name)
{
    size_t             i, n;
    const wgw_step_t  *steps;

    steps = statement->selector.steps;
    n = statement->selector.n;

    if (statement->op != WGW_POLICY_EQ
        || statement->value.type != WGW_CBOR_TEXT || n == 0 || n > 2)
    {
        return WGW_CLAIM_ARG_NONE;
    }

    for (i = 0; i < n; i++) {

        if (steps[i].type != WGW_STEP_FIELD || steps[i].optional) {
            return WGW_CLAIM_ARG_NONE;
        }
    }

    *name = n == 2 ? steps[1].name : wgw_text("");

    return wgw_claim_arg(steps[0].name, n == 2);
}


/*
 * Limits have had their records since they were posted.  One that has none,
 * as after the zone's file was removed, gets it, or nothing is left of it.
 */

static ngx_int_t
content_limits(wgw_claims_t *claims, wgw_content_t *content,
    wgw_content_token_t *token)
{
    char                  key[WGW_CLAIMS_RECORD];
    size_t                i;
    wgw_text_t            text;
    wgw_claim_limits_t    limits;
    wgw_content_limit_t  *made;

    wgw_claim_limits(&limits, &token->policy);

    token->nlimits = limits.n;
    token->limits = ngx_pcalloc(content->pool,
                                limits.n * sizeof(wgw_content_limit_t) + 1);
    if (token->limits == NULL) {
        return NGX_ERROR;
    }

    text.data = key;
    text.len = sizeof(key);

    for (i = 0; i < limits.n; i++) {
        made = &token->limits[i];
        made->limit = limits.limits[i];
        made->zone = claims->limits[made->limit.window];

        if (made->zone) {
            wgw_claims_record(key, token->id, made->limit.bytes);
            made->record = wgw_table_get(&made->zone->zone.table, text);
        }

        if (made->zone == NULL || made->record < WGW_TABLE_FIRST) {
            made->limit.count = 0;
        }
    }

    return NGX_OK;
}


/* What is only about the content is judged once. */

static unsigned
content_static(const wgw_content_t *content, const wgw_policy_t *policy)
{
    size_t              at;
    wgw_policy_args_t   args;

    args.find = content_arg;
    args.whole = content_no_more;
    args.data = (void *) (uintptr_t) content;

    for (at = 0; at < policy->n; at = policy->statements[at].end) {

        if (policy->statements[at].uses == WGW_POLICY_CONTENT
            && wgw_policy_judge(policy, at, &args) != WGW_POLICY_TRUE)
        {
            return 0;
        }
    }

    return 1;
}


static int
content_arg(void *data, wgw_text_t group, const wgw_text_t *name,
    wgw_cbor_t *value)
{
    wgw_content_t  *content = data;

    if (name) {
        return 0;
    }

    ngx_memzero(value, sizeof(wgw_cbor_t));

    value->type = WGW_CBOR_BYTES;
    value->bytes = content->cid.multihash;

    return 1;
}


/* Asked only for .content? with more behind it. */

static const wgw_cbor_t *
content_no_more(void *data)
{
    return NULL;
}
