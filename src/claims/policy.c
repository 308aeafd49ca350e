
/*
 * policy: see policy.h.
 */

#include "claims/policy.h"

#include <string.h>


#define WGW_POLICY_INT_MAX  UINT64_C(9007199254740991)      /* 2^53 - 1 */


/*
 * One walk serves the check, which only counts (statements is NULL), and the
 * building.
 */

typedef struct {
    wgw_policy_statement_t  *statements;
    wgw_step_t              *steps;
    char                    *bytes;
    wgw_policy_size_t        used;
    unsigned                 quotes;
    wgw_step_t               scratch[WGW_SELECTOR_STEPS];
    char                     names[WGW_SELECTOR_MAX];
} wgw_policy_read_t;


typedef struct {
    const wgw_policy_t        *policy;
    const wgw_policy_args_t   *args;
} wgw_policy_run_t;


static const uint8_t *wgw_policy_statement(wgw_policy_read_t *read,
    const uint8_t *p, unsigned depth, uint8_t *uses, const char **reason);
static const uint8_t *wgw_policy_body(wgw_policy_read_t *read,
    wgw_policy_statement_t *statement, const uint8_t *p, unsigned depth,
    const char **reason);
static const uint8_t *wgw_policy_list(wgw_policy_read_t *read,
    const uint8_t *p, unsigned depth, uint8_t *uses, const char **reason);
static const char *wgw_policy_selector(wgw_policy_read_t *read,
    wgw_policy_statement_t *statement, const wgw_cbor_t *item);
static const char *wgw_policy_value(wgw_policy_read_t *read,
    wgw_policy_statement_t *statement);
static int wgw_policy_op(wgw_text_t name);
static uint8_t wgw_policy_uses(const wgw_selector_t *selector);
static wgw_policy_verdict_t wgw_policy_run(const wgw_policy_run_t *run,
    size_t at, const wgw_cbor_t *root);
static wgw_policy_verdict_t wgw_policy_compare(
    const wgw_policy_statement_t *statement, const wgw_cbor_t *value);
static wgw_policy_verdict_t wgw_policy_listed(const wgw_policy_run_t *run,
    size_t at, const wgw_cbor_t *root);
static wgw_policy_verdict_t wgw_policy_each(const wgw_policy_run_t *run,
    size_t at, const wgw_cbor_t *value);
static int wgw_policy_find(const wgw_policy_run_t *run,
    const wgw_selector_t *selector, const wgw_cbor_t *root,
    wgw_cbor_t *value);
static int wgw_policy_quickly(const wgw_policy_args_t *args,
    const wgw_selector_t *selector, wgw_cbor_t *value);
static uint64_t wgw_policy_count(const wgw_policy_statement_t *statement);


static const char  *wgw_policy_ops[] = {
    "==", "!=", "<", "<=", ">", ">=", "like", "and", "or", "not", "all",
    "any"
};


static const char  *wgw_limit_windows[] = {
    "minute", "hour", "day", "month", "total"
};


const char *
wgw_policy_check(const wgw_cbor_t *value, unsigned quotes,
    wgw_policy_size_t *size)
{
    uint8_t             uses;
    uint64_t            i;
    const char         *reason;
    const uint8_t      *p;
    wgw_policy_read_t   read;

    if (value->type != WGW_CBOR_LIST) {
        return "policy:shape";
    }

    read.statements = NULL;
    read.quotes = quotes;
    memset(&read.used, 0, sizeof(read.used));

    reason = NULL;
    p = value->first;

    for (i = 0; i < value->number && reason == NULL; i++) {
        p = wgw_policy_statement(&read, p, 1, &uses, &reason);
    }

    *size = read.used;

    return reason;
}


size_t
wgw_policy_room(const wgw_policy_size_t *size)
{
    return size->statements * sizeof(wgw_policy_statement_t)
           + size->steps * sizeof(wgw_step_t) + size->bytes;
}


void
wgw_policy_build(wgw_policy_t *policy, const wgw_cbor_t *value,
    unsigned quotes, const wgw_policy_size_t *size, void *memory)
{
    uint8_t             uses;
    uint64_t            i;
    const char         *reason;
    const uint8_t      *p;
    wgw_policy_read_t   read;

    read.statements = memory;
    read.steps = (wgw_step_t *) (read.statements + size->statements);
    read.bytes = (char *) (read.steps + size->steps);
    read.quotes = quotes;
    memset(&read.used, 0, sizeof(read.used));

    policy->statements = read.statements;
    policy->n = size->statements;

    reason = NULL;
    p = value->first;

    for (i = 0; i < value->number; i++) {
        p = wgw_policy_statement(&read, p, 1, &uses, &reason);
    }
}


static const uint8_t *
wgw_policy_statement(wgw_policy_read_t *read, const uint8_t *p,
    unsigned depth, uint8_t *uses, const char **reason)
{
    int                      op;
    size_t                   at;
    wgw_cbor_t               list, name;
    wgw_policy_statement_t   statement;

    p = wgw_cbor_read(&list, p);

    if (depth > WGW_POLICY_DEPTH) {
        *reason = "policy:too-deep";
        return p;
    }

    if (list.type != WGW_CBOR_LIST || list.number == 0) {
        *reason = "policy:shape";
        return p;
    }

    p = wgw_cbor_read(&name, p);

    if (name.type != WGW_CBOR_TEXT) {
        *reason = "policy:shape";
        return p;
    }

    op = wgw_policy_op(name.bytes);

    if (op < 0) {
        *reason = "policy:operator";
        return p;
    }

    if (list.number
        != (op == WGW_POLICY_AND || op == WGW_POLICY_OR
            || op == WGW_POLICY_NOT ? 2 : 3))
    {
        *reason = "policy:arity";
        return p;
    }

    at = read->used.statements++;

    if (at == WGW_POLICY_STATEMENTS) {
        *reason = "policy:too-many";
        return p;
    }

    memset(&statement, 0, sizeof(statement));
    statement.op = (uint8_t) op;

    p = wgw_policy_body(read, &statement, p, depth, reason);

    statement.end = (uint16_t) read->used.statements;
    *uses = statement.uses;

    if (read->statements) {
        read->statements[at] = statement;
    }

    return p;
}


/* What follows the operator. */

static const uint8_t *
wgw_policy_body(wgw_policy_read_t *read, wgw_policy_statement_t *statement,
    const uint8_t *p, unsigned depth, const char **reason)
{
    uint8_t     inner;
    wgw_cbor_t  item;

    switch (statement->op) {

    case WGW_POLICY_AND:
    case WGW_POLICY_OR:
        return wgw_policy_list(read, p, depth, &statement->uses, reason);

    case WGW_POLICY_NOT:
        return wgw_policy_statement(read, p, depth + 1, &statement->uses,
                                    reason);
    }

    p = wgw_cbor_read(&item, p);
    *reason = wgw_policy_selector(read, statement, &item);

    if (*reason) {
        return p;
    }

    statement->uses = wgw_policy_uses(&statement->selector);

    /* inside a selector begins at an element */

    if (statement->op == WGW_POLICY_ALL || statement->op == WGW_POLICY_ANY) {
        return wgw_policy_statement(read, p, depth + 1, &inner, reason);
    }

    wgw_cbor_read(&statement->value, p);
    *reason = wgw_policy_value(read, statement);

    return wgw_cbor_skip(p);
}


static const uint8_t *
wgw_policy_list(wgw_policy_read_t *read, const uint8_t *p, unsigned depth,
    uint8_t *uses, const char **reason)
{
    uint8_t     inner;
    uint64_t    i;
    wgw_cbor_t  list;

    p = wgw_cbor_read(&list, p);

    if (list.type != WGW_CBOR_LIST) {
        *reason = "policy:shape";
        return p;
    }

    for (i = 0; i < list.number && *reason == NULL; i++) {
        inner = 0;
        p = wgw_policy_statement(read, p, depth + 1, &inner, reason);
        *uses |= inner;
    }

    return p;
}


static const char *
wgw_policy_selector(wgw_policy_read_t *read,
    wgw_policy_statement_t *statement, const wgw_cbor_t *item)
{
    char        *room;
    size_t       escaped;
    wgw_step_t  *steps;
    const char  *reason;

    if (item->type != WGW_CBOR_TEXT) {
        return "policy:selector-type";
    }

    room = read->names;
    steps = read->scratch;

    if (read->statements) {
        room = read->bytes + read->used.bytes;
    }

    /* the number of steps is known only when they were read */

    reason = wgw_selector_read(&statement->selector, steps, item->bytes,
                               read->quotes, room);

    if (reason) {
        return reason;
    }

    if (read->statements) {
        statement->selector.steps = read->steps + read->used.steps;
        memcpy(statement->selector.steps, steps,
               statement->selector.n * sizeof(wgw_step_t));
    }

    escaped = item->bytes.len
              && memchr(item->bytes.data, '\\', item->bytes.len) != NULL;

    read->used.steps += statement->selector.n;
    read->used.bytes += escaped ? item->bytes.len : 0;

    return NULL;
}


static const char *
wgw_policy_value(wgw_policy_read_t *read, wgw_policy_statement_t *statement)
{
    const wgw_cbor_t  *value;

    value = &statement->value;

    if (statement->op == WGW_POLICY_EQ || statement->op == WGW_POLICY_NE) {
        return NULL;
    }

    if (statement->op == WGW_POLICY_LIKE) {

        if (value->type != WGW_CBOR_TEXT) {
            return "policy:pattern";
        }

        if (read->statements) {
            wgw_glob_read(&statement->glob,
                          (uint8_t *) read->bytes + read->used.bytes,
                          value->bytes);
        }

        read->used.bytes += WGW_GLOB_ROOM(value->bytes.len);

        return NULL;
    }

    if (value->type == WGW_CBOR_FLOAT) {
        return NULL;
    }

    if (value->type != WGW_CBOR_UINT && value->type != WGW_CBOR_NINT) {
        return "policy:number";
    }

    /* -1 - number is as far from 0 as the other side */

    if (value->number
        > WGW_POLICY_INT_MAX - (value->type == WGW_CBOR_NINT))
    {
        return "policy:number-range";
    }

    return NULL;
}


static int
wgw_policy_op(wgw_text_t name)
{
    int  i;

    for (i = 0; i <= WGW_POLICY_ANY; i++) {

        if (name.len == strlen(wgw_policy_ops[i])
            && memcmp(name.data, wgw_policy_ops[i], name.len) == 0)
        {
            return i;
        }
    }

    return -1;
}


static uint8_t
wgw_policy_uses(const wgw_selector_t *selector)
{
    if (selector->n == 0 || selector->steps[0].type != WGW_STEP_FIELD) {
        return WGW_POLICY_CONTENT|WGW_POLICY_USAGE|WGW_POLICY_REQUEST;
    }

    if (wgw_text_equal(selector->steps[0].name, wgw_text("content"))) {
        return WGW_POLICY_CONTENT;
    }

    if (wgw_text_equal(selector->steps[0].name, wgw_text("usage"))) {
        return WGW_POLICY_USAGE;
    }

    return WGW_POLICY_REQUEST;
}


int
wgw_policy_holds(const wgw_policy_t *policy, const wgw_policy_args_t *args)
{
    size_t  at;

    for (at = 0; at < policy->n; at = policy->statements[at].end) {

        if (wgw_policy_judge(policy, at, args) != WGW_POLICY_TRUE) {
            return 0;
        }
    }

    return 1;
}


wgw_policy_verdict_t
wgw_policy_judge(const wgw_policy_t *policy, size_t at,
    const wgw_policy_args_t *args)
{
    wgw_policy_run_t  run;

    run.policy = policy;
    run.args = args;

    return wgw_policy_run(&run, at, NULL);
}


/* Without a root the selectors begin at the arguments. */

static wgw_policy_verdict_t
wgw_policy_run(const wgw_policy_run_t *run, size_t at,
    const wgw_cbor_t *root)
{
    wgw_cbor_t                      value;
    wgw_policy_verdict_t            verdict;
    const wgw_policy_statement_t   *statement;

    statement = &run->policy->statements[at];

    switch (statement->op) {

    case WGW_POLICY_AND:
    case WGW_POLICY_OR:
        return wgw_policy_listed(run, at, root);

    case WGW_POLICY_NOT:
        verdict = wgw_policy_run(run, at + 1, root);

        if (verdict == WGW_POLICY_NO_DATA) {
            return verdict;
        }

        return verdict == WGW_POLICY_TRUE ? WGW_POLICY_FALSE
                                          : WGW_POLICY_TRUE;
    }

    if (!wgw_policy_find(run, &statement->selector, root, &value)) {
        return WGW_POLICY_NO_DATA;
    }

    if (statement->op == WGW_POLICY_ALL || statement->op == WGW_POLICY_ANY) {
        return wgw_policy_each(run, at, &value);
    }

    return wgw_policy_compare(statement, &value);
}


static wgw_policy_verdict_t
wgw_policy_compare(const wgw_policy_statement_t *statement,
    const wgw_cbor_t *value)
{
    int  order;

    switch (statement->op) {

    case WGW_POLICY_EQ:
        return wgw_cbor_equal(value, &statement->value) ? WGW_POLICY_TRUE
                                                        : WGW_POLICY_FALSE;

    case WGW_POLICY_NE:
        return wgw_cbor_equal(value, &statement->value) ? WGW_POLICY_FALSE
                                                        : WGW_POLICY_TRUE;

    case WGW_POLICY_LIKE:
        return value->type == WGW_CBOR_TEXT
               && wgw_glob_match(&statement->glob, value->bytes)
               ? WGW_POLICY_TRUE : WGW_POLICY_FALSE;
    }

    order = wgw_cbor_compare(value, &statement->value);

    if (order == 2) {
        return WGW_POLICY_FALSE;
    }

    switch (statement->op) {
    case WGW_POLICY_LT:
        return order < 0 ? WGW_POLICY_TRUE : WGW_POLICY_FALSE;
    case WGW_POLICY_LE:
        return order <= 0 ? WGW_POLICY_TRUE : WGW_POLICY_FALSE;
    case WGW_POLICY_GT:
        return order > 0 ? WGW_POLICY_TRUE : WGW_POLICY_FALSE;
    default:
        return order >= 0 ? WGW_POLICY_TRUE : WGW_POLICY_FALSE;
    }
}


/* "and" ends with a false one, "or" with a true one. */

static wgw_policy_verdict_t
wgw_policy_listed(const wgw_policy_run_t *run, size_t at,
    const wgw_cbor_t *root)
{
    size_t                          i;
    unsigned                        unknown;
    wgw_policy_verdict_t            verdict, final;
    const wgw_policy_statement_t   *statements;

    statements = run->policy->statements;
    final = statements[at].op == WGW_POLICY_AND ? WGW_POLICY_FALSE
                                                : WGW_POLICY_TRUE;
    unknown = 0;

    for (i = at + 1; i < statements[at].end; i = statements[i].end) {
        verdict = wgw_policy_run(run, i, root);

        if (verdict == final) {
            return final;
        }

        unknown |= verdict == WGW_POLICY_NO_DATA;
    }

    if (unknown) {
        return WGW_POLICY_NO_DATA;
    }

    /* an empty "or" is true as well */

    return final == WGW_POLICY_FALSE || statements[at].end == at + 1
           ? WGW_POLICY_TRUE : WGW_POLICY_FALSE;
}


static wgw_policy_verdict_t
wgw_policy_each(const wgw_policy_run_t *run, size_t at,
    const wgw_cbor_t *value)
{
    uint64_t               i;
    unsigned               keyed, unknown;
    wgw_cbor_t             element;
    const uint8_t         *p;
    wgw_policy_verdict_t   verdict, final;

    if (value->type != WGW_CBOR_LIST && value->type != WGW_CBOR_MAP) {
        return WGW_POLICY_FALSE;
    }

    keyed = value->keyed || value->type == WGW_CBOR_MAP;
    final = run->policy->statements[at].op == WGW_POLICY_ALL
            ? WGW_POLICY_FALSE : WGW_POLICY_TRUE;
    unknown = 0;
    p = value->first;

    for (i = 0; i < value->number; i++) {
        p = keyed ? wgw_cbor_skip(p) : p;
        wgw_cbor_read(&element, p);
        p = wgw_cbor_skip(p);

        verdict = wgw_policy_run(run, at + 1, &element);

        if (verdict == final) {
            return final;
        }

        unknown |= verdict == WGW_POLICY_NO_DATA;
    }

    if (unknown) {
        return WGW_POLICY_NO_DATA;
    }

    return final == WGW_POLICY_FALSE ? WGW_POLICY_TRUE : WGW_POLICY_FALSE;
}


static int
wgw_policy_find(const wgw_policy_run_t *run, const wgw_selector_t *selector,
    const wgw_cbor_t *root, wgw_cbor_t *value)
{
    int  found;

    if (root == NULL) {
        found = wgw_policy_quickly(run->args, selector, value);

        if (found >= 0) {
            return found;
        }

        root = run->args->whole(run->args->data);

        if (root == NULL) {
            return 0;
        }
    }

    return wgw_selector_find(value, root, selector->steps, selector->n);
}


/* Without building all of the arguments: 1, 0, or -1 when that is needed. */

static int
wgw_policy_quickly(const wgw_policy_args_t *args,
    const wgw_selector_t *selector, wgw_cbor_t *value)
{
    int                found;
    size_t             n;
    wgw_cbor_t         from;
    const wgw_step_t  *steps;

    steps = selector->steps;

    if (args->find == NULL || selector->n == 0
        || steps[0].type != WGW_STEP_FIELD || steps[0].optional)
    {
        return -1;
    }

    n = selector->n > 1 && steps[1].type == WGW_STEP_FIELD ? 2 : 1;

    found = args->find(args->data, steps[0].name,
                       n == 2 ? &steps[1].name : NULL, value);

    if (found < 0) {
        return -1;
    }

    if (found == 0) {

        if (!steps[n - 1].optional) {
            return 0;
        }

        /* nothing of a group that is not there, either */

        if (n == 2) {
            found = args->find(args->data, steps[0].name, NULL, value);

            if (found <= 0) {
                return found;
            }
        }

        memset(value, 0, sizeof(wgw_cbor_t));
        value->type = WGW_CBOR_NULL;
    }

    if (n == selector->n) {
        return 1;
    }

    from = *value;

    return wgw_selector_find(value, &from, steps + n, selector->n - n);
}


int
wgw_policy_limit(const wgw_policy_statement_t *statement, wgw_limit_t *limit)
{
    int                i;
    const wgw_step_t  *steps;

    steps = statement->selector.steps;

    if ((statement->op != WGW_POLICY_LT && statement->op != WGW_POLICY_LE)
        || statement->selector.n != 3)
    {
        return 0;
    }

    for (i = 0; i < 3; i++) {

        if (steps[i].type != WGW_STEP_FIELD || steps[i].optional) {
            return 0;
        }
    }

    limit->bytes = wgw_text_equal(steps[1].name, wgw_text("bytes"));

    if (!wgw_text_equal(steps[0].name, wgw_text("usage"))
        || (!limit->bytes
            && !wgw_text_equal(steps[1].name, wgw_text("requests"))))
    {
        return 0;
    }

    for (i = 0; i < WGW_LIMIT_WINDOWS; i++) {

        if (steps[2].name.len == strlen(wgw_limit_windows[i])
            && memcmp(steps[2].name.data, wgw_limit_windows[i],
                      steps[2].name.len)
               == 0)
        {
            limit->window = (wgw_limit_window_t) i;
            limit->count = wgw_policy_count(statement);
            return 1;
        }
    }

    return 0;
}


const char *
wgw_limit_window_name(wgw_limit_window_t window)
{
    return wgw_limit_windows[window];
}


/* How many whole numbers from 0 on are below, or not above, the value. */

static uint64_t
wgw_policy_count(const wgw_policy_statement_t *statement)
{
    double             real;
    uint64_t           whole;
    unsigned           equal;
    const wgw_cbor_t  *value;

    value = &statement->value;
    equal = statement->op == WGW_POLICY_LE;

    if (value->type == WGW_CBOR_NINT) {
        return 0;
    }

    if (value->type == WGW_CBOR_UINT) {
        return value->number + equal;
    }

    memcpy(&real, &value->number, sizeof(real));

    if (real < 0) {
        return 0;
    }

    if (real >= (double) WGW_POLICY_INT_MAX) {
        return WGW_POLICY_INT_MAX;
    }

    whole = (uint64_t) real;

    return whole + (equal || (double) whole < real);
}
