
/*
 * Sets of tokens with a question.
 */

#include "t/unit/tap.h"
#include "t/unit/claims/vectors.h"
#include "claims/chain.h"
#include "format/cid.h"

#include <time.h>


#define MAX  64


typedef struct {
    bytes_t            bytes[MAX];
    wgw_token_t        tokens[MAX];
    wgw_chain_link_t   links[MAX];
    size_t             n;
} set_t;


static const wgw_cbor_t *
whole(void *data)
{
    return data;
}


/* Reads the tokens of a row: NULL, or why one of them is refused. */

static const char *
read_set(set_t *set, yajl_val row)
{
    char            iss[256];
    size_t          i, n, which;
    yajl_val        tokens;
    const char     *reason, *mapped;
    wgw_did_key_t   key;

    tokens = member(row, "tokens");
    set->n = YAJL_GET_ARRAY(tokens)->len;
    reason = NULL;

    for (i = 0; i < set->n; i++) {
        set->bytes[i] = base64(string(YAJL_GET_ARRAY(tokens)->values[i],
                                      "b64"));
        set->links[i].token = &set->tokens[i];
        set->links[i].barred = NULL;

        if (reason) {
            continue;
        }

        reason = wgw_token_read(&set->tokens[i], set->bytes[i].data,
                                set->bytes[i].len, 1);

        if (reason) {
            continue;
        }

        n = 0;
        snprintf(iss, sizeof(iss), "%.*s", (int) set->tokens[i].iss.len,
                 set->tokens[i].iss.data);
        mapped = string(member(row, "did_map"), iss);

        if (mapped && wgw_did_key(&key, view(mapped)) == NULL) {
            n = 1;
        }

        reason = wgw_token_verify(&set->tokens[i], &key, n, &which);
    }

    return reason;
}


static void
free_set(set_t *set)
{
    size_t  i;

    for (i = 0; i < set->n; i++) {
        free(set->bytes[i].data);
    }
}


static int
revoked(yajl_val row, const wgw_token_t *token)
{
    size_t      i;
    uint8_t     cid[WGW_TOKEN_CID];
    yajl_val    list;
    wgw_cid_t   read;

    list = member(row, "revoked");
    wgw_token_cid(token, cid);

    for (i = 0; list && i < YAJL_GET_ARRAY(list)->len; i++) {

        if (wgw_cid_read(&read,
                         view(YAJL_GET_STRING(
                                  YAJL_GET_ARRAY(list)->values[i]))) == 0
            && read.len == sizeof(cid)
            && memcmp(read.bytes, cid, sizeof(cid)) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
holds(const wgw_token_t *token, wgw_cbor_t *args)
{
    int                 good;
    void               *memory;
    wgw_policy_t        policy;
    wgw_policy_args_t   access;

    access.find = NULL;
    access.whole = whole;
    access.data = args;

    memory = malloc(wgw_policy_room(&token->size) + 1);
    wgw_policy_build(&policy, &token->pol, 1, &token->size, memory);
    good = wgw_policy_holds(&policy, &access);
    free(memory);

    return good;
}


/* 1 when the chain is that of the row's path, or the row has none. */

static int
same_path(yajl_val row, const set_t *set, const wgw_chain_t *chain)
{
    size_t      i;
    uint8_t     cid[WGW_TOKEN_CID];
    yajl_val    path;
    wgw_cid_t   read;

    path = member(row, "path");

    if (path == NULL) {
        return 1;
    }

    if (YAJL_GET_ARRAY(path)->len != chain->n) {
        return 0;
    }

    for (i = 0; i < chain->n; i++) {
        wgw_token_cid(&set->tokens[chain->links[i]], cid);

        if (wgw_cid_read(&read, view(YAJL_GET_STRING(
                                    YAJL_GET_ARRAY(path)->values[i]))) != 0
            || memcmp(read.bytes, cid, sizeof(cid)) != 0)
        {
            return 0;
        }
    }

    return 1;
}


/* The row's verdict: NULL, or the reason; `at` is the chain that is good. */

static const char *
judge(yajl_val row, set_t *set, wgw_cbor_t *args, wgw_chain_t *at)
{
    size_t              i, k, n;
    int64_t             now, skew;
    wgw_text_t          subject;
    const char         *reason;
    wgw_chain_t         chains[MAX];
    wgw_chain_rules_t   rules;

    reason = read_set(set, row);

    if (reason) {
        return reason;
    }

    now = YAJL_GET_INTEGER(member(row, "now"));
    skew = member(row, "skew") ? YAJL_GET_INTEGER(member(row, "skew")) : 0;

    for (i = 0; i < set->n; i++) {
        set->links[i].barred = revoked(row, &set->tokens[i])
                               ? "revoked:revoked"
                               : wgw_token_time(&set->tokens[i], now, skew);
    }

    subject = view(string(row, "subject"));
    rules.gateway = view(string(row, "audience"));
    rules.subjects = &subject;
    rules.nsubjects = 1;
    rules.command = view(string(row, "command"));

    n = wgw_chain_search(&rules, set->links, set->n, chains, MAX, &reason);

    for (i = 0; i < n; i++) {

        for (k = 0; k < chains[i].n; k++) {

            if (!holds(&set->tokens[chains[i].links[k]], args)) {
                break;
            }
        }

        if (k == chains[i].n) {
            *at = chains[i];
            return NULL;
        }

        reason = "policy:not-satisfied";
    }

    return reason;
}


/* Every row of the vectors: egress 23 to 65. */

static void
test_vectors(void)
{
    char          buffer[4096];
    size_t        i;
    set_t         set;
    yajl_val      root, row;
    wgw_cbor_t    args;
    const char   *reason, *expected;
    wgw_chain_t   chain;

    root = vectors_read("ucan", "chains");

    for (i = 0; i < YAJL_GET_ARRAY(member(root, "vectors"))->len; i++) {
        row = YAJL_GET_ARRAY(member(root, "vectors"))->values[i];
        args = document(member(row, "args"), buffer, sizeof(buffer));
        reason = judge(row, &set, &args, &chain);
        expected = string(row, "reason");

        if (!ok(expected ? reason && strcmp(reason, expected) == 0
                         : reason == NULL && same_path(row, &set, &chain),
                "egress %s: %s: %s", string(row, "case"),
                string(row, "id"), expected ? expected : "accept"))
        {
            printf("# got %s\n", reason ? reason : "accept");
        }

        free_set(&set);
    }

    yajl_tree_free(root);
}


/* Tokens without bytes: the search looks at nothing else. */

static void
link_of(wgw_chain_link_t *link, wgw_token_t *token, const char *iss,
    const char *aud, const char *sub, const char *cmd)
{
    memset(token, 0, sizeof(wgw_token_t));
    token->iss = view(iss);
    token->aud = view(aud);
    token->cmd = view(cmd);

    if (sub) {
        token->sub = view(sub);
    }

    link->token = token;
    link->barred = NULL;
}


#define ROOT  "did:web:root"
#define GATE  "did:web:gate"
#define CMD   "/assert/location"


static const wgw_text_t  subjects[] = {
    { ROOT, sizeof(ROOT) - 1 },
    { "did:web:other", sizeof("did:web:other") - 1 }
};

static const wgw_chain_rules_t  rules = {
    { GATE, sizeof(GATE) - 1 }, subjects, 2, { CMD, sizeof(CMD) - 1 }
};


static const struct {
    const char  *what;
    const char  *tokens[6][4];      /* iss, aud, sub, cmd */
    size_t       found;
    const char  *reason;
} rows[] = {
    { "egress 28: another gateway",
      { { ROOT, "did:web:a", ROOT, CMD }, { "did:web:a", "did:web:x", ROOT,
                                            CMD } },
      0, "chain:no-path" },
    { "egress 29: a stranger's root",
      { { "did:web:m", "did:web:a", "did:web:m", CMD },
        { "did:web:a", GATE, "did:web:m", CMD } },
      0, "chain:no-path" },
    { "egress 30: the subject's own, in another's name",
      { { ROOT, "did:web:a", "did:web:a", CMD },
        { "did:web:a", GATE, "did:web:a", CMD } },
      0, "chain:subject" },
    { "egress 31: a powerline in the middle",
      { { ROOT, "did:web:a", ROOT, CMD }, { "did:web:a", "did:web:b", NULL,
                                            CMD },
        { "did:web:b", GATE, ROOT, CMD } },
      1, NULL },
    { "egress 31: a powerline at last",
      { { ROOT, "did:web:a", ROOT, CMD }, { "did:web:a", GATE, NULL, CMD } },
      1, NULL },
    { "egress 33: a child that asks for more",
      { { ROOT, "did:web:a", ROOT, CMD }, { "did:web:a", GATE, ROOT,
                                            "/assert" } },
      0, "chain:command" },
    { "egress 33: narrowed too far",
      { { ROOT, "did:web:a", ROOT, CMD },
        { "did:web:a", GATE, ROOT, CMD "/x" } },
      0, "chain:command" },
    { "egress 37: a circle",
      { { "did:web:a", "did:web:b", ROOT, CMD },
        { "did:web:b", "did:web:a", ROOT, CMD },
        { "did:web:b", GATE, ROOT, CMD } },
      0, "chain:no-path" },
    { "egress 38: a circle beside a way",
      { { "did:web:a", "did:web:b", ROOT, CMD },
        { "did:web:b", "did:web:a", ROOT, CMD },
        { ROOT, "did:web:a", ROOT, CMD }, { "did:web:b", GATE, ROOT, CMD } },
      1, NULL },
    { "two subjects, two chains",
      { { ROOT, "did:web:a", ROOT, CMD }, { "did:web:other", "did:web:a",
                                            "did:web:other", CMD },
        { "did:web:a", GATE, NULL, CMD } },
      2, NULL },
    { "one token has no payer",
      { { ROOT, GATE, ROOT, CMD } }, 0, "chain:no-payer" },
    { "the gateway in the middle",
      { { ROOT, GATE, ROOT, CMD }, { GATE, GATE, ROOT, CMD } },
      0, "chain:no-payer" }
};


static void
test_rows(void)
{
    size_t             i, n, found;
    const char        *reason;
    wgw_chain_t        chains[MAX];
    wgw_token_t        tokens[6];
    wgw_chain_link_t   links[6];

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {

        for (n = 0; n < 6 && rows[i].tokens[n][0]; n++) {
            link_of(&links[n], &tokens[n], rows[i].tokens[n][0],
                    rows[i].tokens[n][1], rows[i].tokens[n][2],
                    rows[i].tokens[n][3]);
        }

        found = wgw_chain_search(&rules, links, n, chains, MAX, &reason);

        if (!ok(found == rows[i].found
                && (reason == rows[i].reason
                    || (reason && rows[i].reason
                        && strcmp(reason, rows[i].reason) == 0)),
                "%s", rows[i].what))
        {
            printf("# found %zu, %s\n", found, reason ? reason : "accept");
        }
    }
}


/* egress 37: everybody to everybody, and still somebody else is served. */

static void
test_mesh(void)
{
    char               names[16][16];
    size_t             i, k, n, found, mine;
    const char        *reason;
    wgw_chain_t        chains[WGW_CHAIN_FOUND];
    struct timespec    start, end;

    static wgw_token_t        tokens[WGW_CHAIN_TOKENS];
    static wgw_chain_link_t   links[WGW_CHAIN_TOKENS];

    for (i = 0; i < 15; i++) {
        snprintf(names[i], sizeof(names[i]), "did:web:m%zu", i);
    }

    n = 0;
    link_of(&links[n], &tokens[n], ROOT, names[0], ROOT, CMD);
    n++;

    for (i = 0; i < 15; i++) {

        for (k = 0; k < 15; k++) {

            if (i != k) {
                link_of(&links[n], &tokens[n], names[i], names[k], ROOT, CMD);
                n++;
            }
        }
    }

    link_of(&links[n], &tokens[n], names[14], GATE, ROOT, CMD);
    n++;
    link_of(&links[n], &tokens[n], ROOT, "did:web:alice", ROOT, CMD);
    n++;
    link_of(&links[n], &tokens[n], "did:web:alice", GATE, ROOT, CMD);
    n++;

    clock_gettime(CLOCK_MONOTONIC, &start);
    found = wgw_chain_search(&rules, links, n, chains, WGW_CHAIN_FOUND,
                             &reason);
    clock_gettime(CLOCK_MONOTONIC, &end);

    for (i = 0, mine = 0; i < found; i++) {
        mine += chains[i].n == 2 && chains[i].links[1] == n - 1;
    }

    ok(mine == 1 && found <= WGW_CHAIN_ROOT + 1,
       "egress 37: a mesh takes nobody else's chain, %zu found", found);
    ok((end.tv_sec - start.tv_sec) * 1000
       + (end.tv_nsec - start.tv_nsec) / 1000000 < 100,
       "egress 37: in bounded time");
}


static void
test_length(void)
{
    char               names[9][16];
    size_t             i, n;
    const char        *reason;
    wgw_chain_t        chains[2];
    wgw_token_t        tokens[9];
    wgw_chain_link_t   links[9];

    for (i = 0; i < 9; i++) {
        snprintf(names[i], sizeof(names[i]), "did:web:h%zu", i);
    }

    for (n = 8; n <= 9; n++) {

        for (i = 0; i < n; i++) {
            link_of(&links[i], &tokens[i], i ? names[i - 1] : ROOT,
                    i == n - 1 ? GATE : names[i], ROOT, CMD);
        }

        i = wgw_chain_search(&rules, links, n, chains, 2, &reason);
        ok(n == 8 ? i == 1 && chains[0].n == 8
                  : i == 0 && strcmp(reason, "chain:too-long") == 0,
           "egress 40: %zu tokens", n);
    }
}


int
main(void)
{
    test_vectors();
    test_rows();
    test_mesh();
    test_length();

    return done();
}
