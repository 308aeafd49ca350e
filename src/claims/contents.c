
/*
 * contents: see contents.h.
 */

#include "claims/contents.h"

#include "crypto/hash.h"
#include "format/hex.h"


#define CONTENTS_WAYS  4
#define CONTENTS_SETS  (WGW_CONTENTS / CONTENTS_WAYS)

/* of an entry without chains */
#define CONTENTS_POOL  640


typedef struct {
    uint32_t          tag[CONTENTS_WAYS];
    wgw_content_t    *content[CONTENTS_WAYS];
} contents_set_t;


static void contents_forget(void);
static wgw_content_t **contents_slot(wgw_text_t text);
static wgw_content_t **contents_enter(wgw_text_t text, const wgw_cid_t *cid);
static contents_set_t *contents_set(wgw_text_t text, uint32_t *tag);
static void contents_look(wgw_claims_t *claims, wgw_content_t **slot,
    ngx_log_t *log);
static ngx_int_t contents_refresh(wgw_claims_t *claims, wgw_store_t *store,
    wgw_content_t **slot, ngx_log_t *log);
static wgw_content_t *contents_make(wgw_text_t text, const wgw_cid_t *cid);
static ngx_int_t contents_fill(wgw_claims_t *claims, wgw_store_t *store,
    wgw_content_t *content, ngx_log_t *log);
static ngx_int_t contents_chain(wgw_claims_t *claims, wgw_content_t *content,
    const wgw_chain_t *found, wgw_content_token_t **made,
    wgw_content_chain_t *chain);
static void contents_add(wgw_content_chain_t *chain,
    wgw_content_token_t *token);
static ngx_int_t contents_ids(wgw_content_t *content,
    wgw_content_chain_t *chain);
static wgw_content_token_t *contents_token(wgw_claims_t *claims,
    wgw_content_t *content, const wgw_claim_t *claim);
static ngx_int_t contents_statements(wgw_content_t *content,
    wgw_content_token_t *token);
static ngx_int_t contents_test(wgw_content_t *content,
    const wgw_policy_statement_t *statement);
static ngx_int_t contents_limits(wgw_claims_t *claims,
    wgw_content_t *content, wgw_content_token_t *token);
static unsigned contents_static(const wgw_content_t *content,
    const wgw_policy_t *policy);
static int contents_arg(void *data, wgw_text_t group, const wgw_text_t *name,
    wgw_cbor_t *value);
static const wgw_cbor_t *contents_no_more(void *data);


static contents_set_t     contents[CONTENTS_SETS];
static uint64_t           contents_seed[WGW_HASH_SEED / 8];

/* where they were looked up */
static wgw_store_t       *contents_store;

/* what is in them points to this one's zones */
static volatile ngx_cycle_t  *contents_cycle;

/* what was collected, while it is taken apart */
static wgw_claim_t        contents_claims[WGW_CHAIN_TOKENS];
static wgw_chain_link_t   contents_links[WGW_CHAIN_TOKENS];
static wgw_chain_t        contents_chains[WGW_CHAIN_FOUND];


ngx_int_t
wgw_contents_find(wgw_claims_t *claims, wgw_text_t text,
    wgw_content_t **content, ngx_log_t *log)
{
    wgw_cid_t        cid;
    wgw_content_t  **slot, *found;

    if (contents_cycle != ngx_cycle) {
        contents_forget();
    }

    if (text.len == 0 || text.len > WGW_CID_TEXT_MAX) {
        return NGX_DECLINED;
    }

    slot = contents_slot(text);

    if (slot == NULL) {

        if (wgw_cid_read(&cid, text) != 0) {
            return NGX_DECLINED;
        }

        slot = contents_enter(text, &cid);
        if (slot == NULL) {
            return NGX_ERROR;
        }
    }

    found = *slot;

    if (found->id && found->id == wgw_store_id(contents_store)) {
        *content = found;
        return NGX_OK;
    }

    contents_look(claims, slot, log);
    *content = *slot;

    return NGX_OK;
}


void
wgw_contents_hold(wgw_content_t *content)
{
    content->refs++;
}


void
wgw_contents_release(wgw_content_t *content)
{
    if (--content->refs == 0) {
        content->pool->log = ngx_cycle->log;
        ngx_destroy_pool(content->pool);
    }
}


/* At first, and after a reload without processes of its own. */

static void
contents_forget(void)
{
    ngx_uint_t  i, k;

    for (i = 0; i < CONTENTS_SETS; i++) {

        for (k = 0; k < CONTENTS_WAYS; k++) {

            if (contents[i].content[k]) {
                wgw_contents_release(contents[i].content[k]);
                contents[i].content[k] = NULL;
            }
        }
    }

    for (i = 0; i < WGW_HASH_SEED; i++) {
        ((uint8_t *) contents_seed)[i] = (uint8_t) (ngx_random() >> 8);
    }

    contents_cycle = ngx_cycle;
}


/* The place of an entry, or NULL; the one asked for last is in front. */

static wgw_content_t **
contents_slot(wgw_text_t text)
{
    uint32_t         tag;
    ngx_uint_t       i;
    wgw_content_t   *found;
    contents_set_t  *set;

    set = contents_set(text, &tag);

    for (i = 0; i < CONTENTS_WAYS; i++) {
        found = set->content[i];

        if (set->tag[i] != tag || found == NULL
            || !wgw_text_equal(found->text, text))
        {
            continue;
        }

        if (i) {
            set->content[i] = set->content[i - 1];
            set->tag[i] = set->tag[i - 1];
            set->content[i - 1] = found;
            set->tag[i - 1] = tag;
            i--;
        }

        return &set->content[i];
    }

    return NULL;
}


/* A new one, in place of the last of its set; NULL: no memory. */

static wgw_content_t **
contents_enter(wgw_text_t text, const wgw_cid_t *cid)
{
    uint32_t         tag;
    wgw_content_t   *made;
    contents_set_t  *set;

    made = contents_make(text, cid);
    if (made == NULL) {
        return NULL;
    }

    set = contents_set(text, &tag);

    if (set->content[CONTENTS_WAYS - 1]) {
        wgw_contents_release(set->content[CONTENTS_WAYS - 1]);
    }

    set->content[CONTENTS_WAYS - 1] = made;
    set->tag[CONTENTS_WAYS - 1] = tag;

    return &set->content[CONTENTS_WAYS - 1];
}


/*
 * A CID ends with a digest.  Who makes some that meet slows himself down: a
 * word of a product is as good as a hash.
 */

static contents_set_t *
contents_set(wgw_text_t text, uint32_t *tag)
{
    uint64_t  first, last, word;

    if (text.len < 2 * sizeof(uint64_t)) {
        word = wgw_hash((uint8_t *) contents_seed, text.data, text.len);

    } else {
        ngx_memcpy(&first, text.data + text.len - 16, sizeof(uint64_t));
        ngx_memcpy(&last, text.data + text.len - 8, sizeof(uint64_t));

        word = ((first ^ contents_seed[0]) * (contents_seed[1] | 1))
               ^ ((last ^ contents_seed[1]) * (contents_seed[0] | 1));
    }

    *tag = (uint32_t) (word >> 32);

    return &contents[(word >> 20) % CONTENTS_SETS];
}


/* At the store: an entry whose stamps are the same stays as it is. */

static void
contents_look(wgw_claims_t *claims, wgw_content_t **slot, ngx_log_t *log)
{
    uint64_t            id;
    ngx_int_t           rc;
    wgw_store_t        *store;
    wgw_store_error_t   error;

    rc = NGX_ERROR;
    id = 0;

    store = wgw_claims_store(claims, log);

    if (store && wgw_store_begin(store, &id, &error) != WGW_STORE_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0, "claims: %s", error.text);
        store = NULL;
    }

    if (store) {
        rc = contents_refresh(claims, store, slot, log);
        wgw_store_end(store);
    }

    if (rc == NGX_OK) {
        contents_store = store;
        (*slot)->id = id;

    } else {
        (*slot)->id = 0;
        (*slot)->n = 0;
    }
}


static ngx_int_t
contents_refresh(wgw_claims_t *claims, wgw_store_t *store,
    wgw_content_t **slot, ngx_log_t *log)
{
    wgw_content_t       *content;
    wgw_store_error_t    error;
    wgw_claim_stamps_t   stamps;

    content = *slot;

    if (wgw_claim_rows_stamps(store, content->cid.multihash, &stamps, &error)
        != WGW_STORE_OK)
    {
        ngx_log_error(NGX_LOG_ERR, log, 0, "claims: %s", error.text);
        return NGX_ERROR;
    }

    if (content->id
        && ngx_memcmp(&content->stamps, &stamps, sizeof(stamps)) == 0)
    {
        return NGX_OK;
    }

    /* chains are filled in once: they may be held */

    if (content->chains) {
        content = contents_make(content->text, &content->cid);
        if (content == NULL) {
            return NGX_ERROR;
        }

        wgw_contents_release(*slot);
        *slot = content;
    }

    content->stamps = stamps;

    return contents_fill(claims, store, content, log);
}


static wgw_content_t *
contents_make(wgw_text_t text, const wgw_cid_t *cid)
{
    u_char         *copy;
    ngx_pool_t     *pool;
    wgw_content_t  *content;

    pool = ngx_create_pool(CONTENTS_POOL, ngx_cycle->log);
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


static ngx_int_t
contents_fill(wgw_claims_t *claims, wgw_store_t *store,
    wgw_content_t *content, ngx_log_t *log)
{
    size_t                 i, n, found;
    ngx_int_t              rc;
    const char            *reason;
    wgw_store_error_t      error;
    wgw_content_token_t   *made[WGW_CHAIN_TOKENS];

    if (wgw_claim_rows_collect(store, &claims->rules, content->cid.multihash,
                               claims->quotes, contents_claims, &n, &error)
        != WGW_STORE_OK)
    {
        ngx_log_error(NGX_LOG_ERR, log, 0, "claims: %s", error.text);
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        contents_links[i].token = &contents_claims[i].token;
        contents_links[i].barred =
                            wgw_claims_key_holds(claims,
                                                 contents_claims[i].token.iss,
                                                 &contents_claims[i].key)
                            ? NULL : "signature:bad";
        made[i] = NULL;
    }

    found = wgw_chain_search(&claims->rules, contents_links, n,
                             contents_chains, WGW_CHAIN_FOUND, &reason);

    content->chains = ngx_palloc(content->pool,
                                 found * sizeof(wgw_content_chain_t) + 1);
    if (content->chains == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < found; i++) {
        rc = contents_chain(claims, content, &contents_chains[i], made,
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
contents_chain(wgw_claims_t *claims, wgw_content_t *content,
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
        claim = &contents_claims[k];

        if (made[k] == NULL) {
            made[k] = contents_token(claims, content, claim);

            if (made[k] == NULL) {
                return NGX_ERROR;
            }
        }

        if (!contents_static(content, &made[k]->policy)) {
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

        contents_add(chain, made[k]);
    }

    claim = &contents_claims[found->links[0]];

    chain->payer.len = claim->token.aud.len;
    chain->payer.data = ngx_pnalloc(content->pool, chain->payer.len);

    if (chain->payer.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(chain->payer.data, claim->token.aud.data, chain->payer.len);

    return contents_ids(content, chain);
}


static void
contents_add(wgw_content_chain_t *chain, wgw_content_token_t *token)
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
contents_ids(wgw_content_t *content, wgw_content_chain_t *chain)
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
contents_token(wgw_claims_t *claims, wgw_content_t *content,
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

    return contents_statements(content, made) == NGX_OK
           && contents_limits(claims, content, made) == NGX_OK ? made : NULL;
}


static ngx_int_t
contents_statements(wgw_content_t *content, wgw_content_token_t *token)
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

        test = contents_test(content, statement);

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
contents_test(wgw_content_t *content, const wgw_policy_statement_t *statement)
{
    size_t               i, n;
    wgw_text_t           name;
    wgw_claim_arg_t      arg;
    const wgw_step_t    *steps;
    wgw_content_test_t  *test;

    steps = statement->selector.steps;
    n = statement->selector.n;

    if (statement->op != WGW_POLICY_EQ
        || statement->value.type != WGW_CBOR_TEXT || n == 0 || n > 2)
    {
        return NGX_DECLINED;
    }

    for (i = 0; i < n; i++) {

        if (steps[i].type != WGW_STEP_FIELD || steps[i].optional) {
            return NGX_DECLINED;
        }
    }

    arg = wgw_claim_arg(steps[0].name, n == 2);
    name = n == 2 ? steps[1].name : wgw_text("");

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


/*
 * Limits have had their records since they were posted.  One that has none,
 * as after the zone's file was removed, gets it, or nothing is left of it.
 */

static ngx_int_t
contents_limits(wgw_claims_t *claims, wgw_content_t *content,
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
contents_static(const wgw_content_t *content, const wgw_policy_t *policy)
{
    size_t              at;
    wgw_policy_args_t   args;

    args.find = contents_arg;
    args.whole = contents_no_more;
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
contents_arg(void *data, wgw_text_t group, const wgw_text_t *name,
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
contents_no_more(void *data)
{
    return NULL;
}
