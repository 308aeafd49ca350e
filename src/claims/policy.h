
/*
 * policy: the conditions of a UCAN delegation 1.0, taken apart once and then
 * judged against the arguments of a request.
 *
 *   ["==", selector, value]    also !=: the same value
 *   ["<", selector, number]    also <=, >, >=: numbers; else false
 *   ["like", selector, pattern]
 *   ["and", [statements]]      also "or"; true when the list is empty
 *   ["not", statement]
 *   ["all", selector, statement]    also "any": of a list's elements or a
 *                              map's values; inside selectors begin there
 *
 * A selector that finds nothing makes a statement neither true nor false, and
 * "not" leaves it so: what is unknown never opens a gate.  "and" is false
 * where one is false, "or" true where one is true; "any" of nothing is false.
 * In the end all statements must be true.
 *
 * A limit is an ordinary comparison with usage that the gateway counts:
 * ["<", ".usage.requests.minute", 100].
 */

#ifndef WGW_POLICY_H
#define WGW_POLICY_H


#include "claims/glob.h"
#include "claims/selector.h"

#pragma GCC visibility push(hidden)


#define WGW_POLICY_STATEMENTS  256  /* those inside others among them */
#define WGW_POLICY_DEPTH       16


typedef enum {
    WGW_POLICY_FALSE = 0,
    WGW_POLICY_TRUE,
    WGW_POLICY_NO_DATA
} wgw_policy_verdict_t;


typedef enum {
    WGW_POLICY_EQ = 0,
    WGW_POLICY_NE,
    WGW_POLICY_LT,
    WGW_POLICY_LE,
    WGW_POLICY_GT,
    WGW_POLICY_GE,
    WGW_POLICY_LIKE,
    WGW_POLICY_AND,
    WGW_POLICY_OR,
    WGW_POLICY_NOT,
    WGW_POLICY_ALL,
    WGW_POLICY_ANY
} wgw_policy_op_t;


/* Which arguments a statement looks at. */
#define WGW_POLICY_CONTENT  1
#define WGW_POLICY_USAGE    2
#define WGW_POLICY_REQUEST  4       /* anything else */


/* Statements inside follow the one they are in; `end` is the next beside. */
typedef struct {
    uint8_t          op;            /* wgw_policy_op_t */
    uint8_t          uses;          /* WGW_POLICY_CONTENT and so on */
    uint16_t         end;
    wgw_selector_t   selector;
    wgw_cbor_t       value;
    wgw_glob_t       glob;
} wgw_policy_statement_t;


typedef struct {
    wgw_policy_statement_t  *statements;
    size_t                   n;
} wgw_policy_t;


/* What a policy needs when it is taken apart. */
typedef struct {
    size_t      statements;
    size_t      steps;
    size_t      bytes;
} wgw_policy_size_t;


typedef enum {
    WGW_LIMIT_MINUTE = 0,
    WGW_LIMIT_HOUR,
    WGW_LIMIT_DAY,
    WGW_LIMIT_MONTH,
    WGW_LIMIT_TOTAL
} wgw_limit_window_t;

#define WGW_LIMIT_WINDOWS  5


typedef struct {
    wgw_limit_window_t   window;
    unsigned             bytes;     /* else requests */
    uint64_t             count;     /* how many there may be */
} wgw_limit_t;


/*
 * The arguments.  `find` looks for .group or, with a name, for .group.name:
 * 1 and the value, 0 when nothing is there, -1 when only `whole` knows.
 * `whole` gives all of them as one map, or NULL without memory.
 */
typedef struct {
    int               (*find)(void *data, wgw_text_t group,
                              const wgw_text_t *name, wgw_cbor_t *value);
    const wgw_cbor_t *(*whole)(void *data);
    void               *data;
} wgw_policy_args_t;


/*
 * Judges the form of a policy, a value within a checked document: NULL and
 * the size, or why it is refused: "policy:shape" and others.  With `quotes`
 * selectors may have single ones.
 */
const char *wgw_policy_check(const wgw_cbor_t *value, unsigned quotes,
    wgw_policy_size_t *size);

/* Bytes of memory, aligned as for a pointer, that it takes. */
size_t wgw_policy_room(const wgw_policy_size_t *size);

/*
 * Takes a checked policy apart.  What it is made of stays where it is, in
 * `memory` and in the document.
 */
void wgw_policy_build(wgw_policy_t *policy, const wgw_cbor_t *value,
    unsigned quotes, const wgw_policy_size_t *size, void *memory);

/* 1 when all statements are true. */
int wgw_policy_holds(const wgw_policy_t *policy,
    const wgw_policy_args_t *args);

/* One of those on top; the next one is at its `end`. */
wgw_policy_verdict_t wgw_policy_judge(const wgw_policy_t *policy, size_t at,
    const wgw_policy_args_t *args);

/* 1 when the statement on top is a limit that can be counted. */
int wgw_policy_limit(const wgw_policy_statement_t *statement,
    wgw_limit_t *limit);

/* "minute" and so on. */
const char *wgw_limit_window_name(wgw_limit_window_t window);


#pragma GCC visibility pop

#endif /* WGW_POLICY_H */
