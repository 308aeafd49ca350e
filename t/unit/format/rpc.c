
/*
 * Method lists of JSON-RPC.
 */

#define _GNU_SOURCE         /* memmem() */

#include "t/unit/tap.h"
#include "format/rpc.h"

#include <stdlib.h>


#define OK(id)  "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" \
                "-32600,\"message\":\"refused with its batch\"}}"
#define NO(id, method)                                                        \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":-32601,"          \
    "\"message\":\"the method " method " is not allowed\"}}"
#define BAD(id, why)                                                          \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":-32600,"          \
    "\"message\":\"" why "\"}}"
#define JUNK                                                                  \
    "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,"            \
    "\"message\":\"the body is not valid JSON\"}}"

#define A64  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#define METHOD   "the method is not a string of printable ASCII"
#define ID       "the id is not a string, a number or null"
#define TWICE    "a member is duplicate"
#define NO_CALL  "the call is not an object"


typedef struct {
    const char         *body;
    wgw_rpc_verdict_t   verdict;
    const char         *reply;
    const char         *what;
} rpc_case_t;


/* Allowed are eth_*, net_version and a single "x"; denied eth_sign*. */
static const rpc_case_t  cases[] = {
    { "{\"method\":\"eth_call\",\"id\":1}", WGW_RPC_ALLOWED, "", "a prefix" },
    { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"net_version\","
      "\"params\":[{\"method\":\"debug_x\"},\"debug_x\"]}", WGW_RPC_ALLOWED,
      "", "methods inside parameters" },
    { "[{\"method\":\"eth_call\"},{\"method\":\"x\"}]", WGW_RPC_ALLOWED, "",
      "a batch" },
    { "{\"method\":\"\\u0065th_call\"}", WGW_RPC_ALLOWED, "", "an escape" },
    { "{\"m\\u0065thod\":\"eth_call\"}", WGW_RPC_ALLOWED, "",
      "an escape in the member's name" },
    { "{\"method\":\"eth_\"}", WGW_RPC_ALLOWED, "", "the prefix itself" },

    { "{\"method\":\"debug_x\",\"id\":7}", WGW_RPC_REFUSED,
      NO("7", "debug_x"), "not on the list" },
    { "{\"method\":\"\\u0064ebug_x\"}", WGW_RPC_REFUSED,
      NO("null", "debug_x"), "not on the list, with an escape" },
    { "{\"id\":\"a\\\"\\u00e9\",\"method\":\"debug_x\"}", WGW_RPC_REFUSED,
      NO("\"a\\\"\xc3\xa9\"", "debug_x"), "an id with a quote" },
    { "{\"method\":\"debug_x\",\"id\":-1.50e+9}", WGW_RPC_REFUSED,
      NO("-1.50e+9", "debug_x"), "an id as it came" },
    { "{\"method\":\"debug_x\",\"id\":null}", WGW_RPC_REFUSED,
      NO("null", "debug_x"), "a null id" },
    { "{\"method\":\"debug_x\",\"id\":\"" A64 A64 "\"}", WGW_RPC_REFUSED,
      NO("\"" A64 A64 "\"", "debug_x"), "an id of 128 bytes" },
    { "{\"method\":\"debug_x\",\"id\":\"" A64 A64 "a\"}", WGW_RPC_REFUSED,
      NO("null", "debug_x"), "an id of 129 bytes" },
    { "{\"method\":\"" A64 "b\"}", WGW_RPC_REFUSED, NO("null", A64),
      "a long method" },
    { "{\"method\":\"a\\\"b\\\\\"}", WGW_RPC_REFUSED,
      NO("null", "a\\\"b\\\\"), "a method with a quote" },
    { "{\"method\":\"eth_sign\"}", WGW_RPC_REFUSED, NO("null", "eth_sign"),
      "denied" },
    { "{\"method\":\"eth_signTypedData\"}", WGW_RPC_REFUSED,
      NO("null", "eth_signTypedData"), "denied by its prefix" },
    { "{\"method\":\"eth_Sign\"}", WGW_RPC_REFUSED, NO("null", "eth_Sign"),
      "denied in another case" },
    { "{\"method\":\"ETH_call\"}", WGW_RPC_REFUSED, NO("null", "ETH_call"),
      "allowed in another case" },
    { "{\"method\":\"xx\"}", WGW_RPC_REFUSED, NO("null", "xx"),
      "longer than what is allowed" },
    { "{\"method\":\"net_versio\"}", WGW_RPC_REFUSED,
      NO("null", "net_versio"), "shorter" },
    { "{\"method\":\"\"}", WGW_RPC_REFUSED, NO("null", ""), "empty" },
    { "[{\"method\":\"x\",\"id\":1},{\"method\":\"y\",\"id\":2},"
      "{\"method\":\"x\"}]", WGW_RPC_REFUSED,
      "[" OK("1") "," NO("2", "y") "]",
      "one of a batch" },

    { "[{\"method\":\"debug_x\",\"id\":1},{\"method\":\"debug_y\"}]",
      WGW_RPC_REFUSED, "[" NO("1", "debug_x") "]",
      "field 11.kinds: no id is no null: a notification is not answered" },
    { "[{\"method\":\"debug_y\"},{\"method\":\"debug_x\",\"id\":null}]",
      WGW_RPC_REFUSED, "[" NO("null", "debug_x") "]",
      "field 11.kinds: null is an id" },
    { "[{\"method\":\"debug_x\"},{\"method\":\"debug_y\"}]",
      WGW_RPC_REFUSED,
      "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32601,"
      "\"message\":\"a call of the batch may not pass\"}}",
      "field 11.kinds: notifications alone: one answer" },
    { "{\"id\":1}", WGW_RPC_INVALID, BAD("1", "the call has no method"),
      "no method" },
    { "{}", WGW_RPC_INVALID, BAD("null", "the call has no method"),
      "nothing" },
    { "{\"method\":1}", WGW_RPC_INVALID, BAD("null", METHOD), "a number" },
    { "{\"method\":null}", WGW_RPC_INVALID, BAD("null", METHOD), "null" },
    { "{\"method\":true}", WGW_RPC_INVALID, BAD("null", METHOD), "true" },
    { "{\"method\":[\"x\"]}", WGW_RPC_INVALID, BAD("null", METHOD),
      "an array" },
    { "{\"method\":{\"method\":\"x\"}}", WGW_RPC_INVALID,
      BAD("null", METHOD), "an object" },
    { "{\"method\":\"x\\u0000\"}", WGW_RPC_INVALID, BAD("null", METHOD),
      "a zero byte" },
    { "{\"method\":\" x\"}", WGW_RPC_INVALID, BAD("null", METHOD),
      "a blank" },
    { "{\"method\":\"\xc3\xa9\"}", WGW_RPC_INVALID, BAD("null", METHOD),
      "another script" },
    { "{\"method\":\"x\",\"method\":\"debug_x\",\"id\":1}", WGW_RPC_INVALID,
      BAD("1", TWICE), "two methods" },
    { "{\"method\":\"x\",\"m\\u0065thod\":\"x\"}", WGW_RPC_INVALID,
      BAD("null", TWICE), "two methods, one escaped" },
    { "{\"method\":\"x\",\"Method\":\"debug_x\"}", WGW_RPC_INVALID,
      BAD("null", "a member is \\\"method\\\" but for its case"),
      "a method that Go takes for one" },
    { "{\"method\":\"x\",\"method\\u0000\":\"debug_x\"}", WGW_RPC_INVALID,
      BAD("null", "a member has a name that is not printable ASCII"),
      "a method that C takes for one" },
    { "{\"method\":\"x\",\"params\":[],\"params\":{}}", WGW_RPC_INVALID,
      BAD("null", TWICE), "two parameters" },
    { "{\"id\":1,\"method\":\"x\",\"id\":2}", WGW_RPC_INVALID,
      BAD("2", TWICE), "two ids" },
    { "{\"id\":{},\"method\":\"x\"}", WGW_RPC_INVALID, BAD("null", ID),
      "an object as id" },
    { "{\"id\":false,\"method\":\"x\"}", WGW_RPC_INVALID, BAD("null", ID),
      "false as id" },
    { "[]", WGW_RPC_INVALID, BAD("null", "the batch is empty"),
      "an empty batch" },
    { "[1]", WGW_RPC_INVALID, "[" BAD("null", NO_CALL) "]", "a number" },
    { "[[{\"method\":\"debug_x\"}],null,{\"method\":\"x\",\"id\":3}]",
      WGW_RPC_INVALID, "[" BAD("null", NO_CALL) "," BAD("null", NO_CALL) ","
      OK("3") "]", "an array and null in a batch" },
    { "[{\"method\":\"x\"},{\"method\":\"x\"},{\"method\":\"x\"},"
      "{\"method\":\"x\"}]", WGW_RPC_INVALID,
      BAD("null", "the batch has too many calls"), "a batch of 4" },
    { "\"eth_call\"", WGW_RPC_INVALID,
      BAD("null", "the body is not an object or an array"), "a string" },
    { "null", WGW_RPC_INVALID,
      BAD("null", "the body is not an object or an array"), "null" },

    { "", WGW_RPC_UNPARSABLE, JUNK, "nothing" },
    { "{\"method\":\"x\"", WGW_RPC_UNPARSABLE, JUNK, "cut" },
    { "{\"method\":\"x\"}{\"method\":\"debug_x\"}", WGW_RPC_UNPARSABLE,
      JUNK, "two calls in a row" },
    { "{\"method\":\"x\"}\n{\"method\":\"debug_x\"}", WGW_RPC_UNPARSABLE,
      JUNK, "two lines" },
    { "[{\"method\":\"debug_x\"},]", WGW_RPC_UNPARSABLE, JUNK, "a comma" },
    { "{'method':'x'}", WGW_RPC_UNPARSABLE, JUNK, "other quotes" },
    { "/**/{\"method\":\"x\"}", WGW_RPC_UNPARSABLE, JUNK, "a comment" },
    { "\xef\xbb\xbf{\"method\":\"x\"}", WGW_RPC_UNPARSABLE, JUNK, "a BOM" },
    { "{\"method\":\"x\",\"id\":\"\xff\"}", WGW_RPC_UNPARSABLE, JUNK,
      "no UTF-8" }
};


static const wgw_text_t  allow[] = {
    { "eth_*", 5 }, { "net_version", 11 }, { "x", 1 }
};

static const wgw_text_t  deny[] = { { "eth_sign*", 9 } };

static wgw_rpc_rules_t  rules = { allow, 3, deny, 1, 3, NULL, NULL };


static wgw_rpc_verdict_t
check(const char *body, size_t len, wgw_out_t *reply)
{
    char               *copy;
    wgw_text_t          text;
    wgw_rpc_verdict_t   verdict;

    /* on the heap, where the sanitizer sees a byte too many */

    copy = malloc(len);
    memcpy(copy, body, len);
    text.data = copy;
    text.len = len;

    verdict = wgw_rpc_check(text, &rules, reply);

    free(copy);

    return verdict;
}


static void
test_case(const rpc_case_t *t)
{
    char                buffer[WGW_RPC_REPLY(3)];
    wgw_out_t           reply;
    wgw_rpc_verdict_t   verdict;

    wgw_out_init(&reply, buffer, sizeof(buffer));
    verdict = check(t->body, strlen(t->body), &reply);

    ok(verdict == t->verdict, "%s: %s", t->what, wgw_rpc_reason(verdict));
    is(reply.start, (size_t) (reply.pos - reply.start), t->reply, t->what);
}


static void
test_depth(void)
{
    char       body[256], buffer[WGW_RPC_REPLY(1)];
    size_t     n;
    wgw_out_t  reply;

    for (n = WGW_RPC_DEPTH - 1; n <= WGW_RPC_DEPTH; n++) {
        memset(body, '[', sizeof(body));
        memcpy(body, "{\"method\":\"x\",\"params\":", 23);
        memset(body + 23 + n, ']', n);
        body[23 + 2 * n] = '}';

        wgw_out_init(&reply, buffer, sizeof(buffer));

        ok(check(body, 24 + 2 * n, &reply)
           == (n < WGW_RPC_DEPTH ? WGW_RPC_ALLOWED : WGW_RPC_INVALID),
           "%zu arrays in a call", n);
    }

    is(reply.start, (size_t) (reply.pos - reply.start),
       BAD("null", "the body is nested too deep"), "nested too deep");
}


static void
test_room(void)
{
    char        buffer[WGW_RPC_REPLY(1)], *body;
    size_t      i, len;
    wgw_out_t   reply, out;

    /* 40 errors of at least 80 bytes are more than there is room for */

    rules.batch = 40;
    body = malloc(4096);
    wgw_out_init(&out, body, 4096);

    for (i = 0; i < 40; i++) {
        wgw_out_str(&out, i ? "," : "[");
        wgw_out_str(&out, "{\"method\":\"y\",\"id\":1}");
    }

    wgw_out_str(&out, "]");
    len = (size_t) (out.pos - out.start);

    wgw_out_init(&reply, buffer, sizeof(buffer));
    ok(check(body, len, &reply) == WGW_RPC_REFUSED && !reply.overflow,
       "more errors than there is room for");
    is(reply.start, (size_t) (reply.pos - reply.start),
       "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32601,"
       "\"message\":\"a call of the batch may not pass\"}}", "one error");

    rules.batch = 3;
    free(body);
}


/* The longest that one call can be answered with fits. */

static void
test_longest(void)
{
    char       body[2048], buffer[WGW_RPC_REPLY(1)];
    size_t     i;
    wgw_out_t  reply, out;

    wgw_out_init(&out, body, sizeof(body));
    wgw_out_str(&out, "{\"id\":\"");

    for (i = 0; i < WGW_RPC_ID; i++) {
        wgw_out_str(&out, "\\u0001");
    }

    wgw_out_str(&out, "\",\"method\":\"");

    for (i = 0; i < WGW_RPC_METHOD; i++) {
        wgw_out_str(&out, "\\\"");
    }

    wgw_out_str(&out, "\"}");

    wgw_out_init(&reply, buffer, sizeof(buffer));
    ok(check(body, (size_t) (out.pos - out.start), &reply) == WGW_RPC_REFUSED,
       "the longest answer");
    ok(reply.pos - reply.start > 900 && memcmp(reply.pos - 2, "}}", 2) == 0
       && memmem(reply.start, (size_t) (reply.pos - reply.start),
                 "the method", 10), "is whole");
}


static void
test_lists(void)
{
    wgw_rpc_rules_t    r;
    const wgw_text_t   all = wgw_text("*");

    memset(&r, 0, sizeof(r));
    ok(wgw_rpc_method(wgw_text("x"), &r), "no lists");

    r.deny = deny;
    r.ndeny = 1;
    ok(wgw_rpc_method(wgw_text("x"), &r), "not denied");
    ok(!wgw_rpc_method(wgw_text("eth_sign"), &r), "denied");

    r.allow = &all;
    r.nallow = 1;
    ok(wgw_rpc_method(wgw_text("x"), &r), "all are allowed");
    ok(!wgw_rpc_method(wgw_text("eth_sign"), &r), "and yet denied");

    r.deny = &all;
    ok(!wgw_rpc_method(wgw_text("x"), &r), "all are denied");
}


/* What is called, with a blank behind each. */

static void
called(void *data, wgw_text_t method)
{
    wgw_out_bytes(data, method.data, method.len);
    wgw_out_str(data, " ");
}


static void
test_called(void)
{
    char        list[256], buffer[WGW_RPC_REPLY(3)];
    size_t      i;
    wgw_out_t   reply, out;

    static const char  *bodies[][2] = {
        { "{\"method\":\"\\u0065th_call\",\"params\":[{\"method\":\"x\"}]}",
          "eth_call " },
        { "[{\"method\":\"eth_call\"},{\"method\":\"debug_x\"},"
          "{\"method\":\"x\"}]", "eth_call debug_x x " },
        { "[{\"method\":\"x\"},{\"id\":1},{\"method\":\"x\"}]", "x x " },
        { "{\"method\":\"" A64 "b\"}", A64 " " },
        { "{\"method\":7}", "" },
        { "{", "" },
    };

    rules.called = called;
    rules.data = &out;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        wgw_out_init(&out, list, sizeof(list));
        wgw_out_init(&reply, buffer, sizeof(buffer));

        (void) check(bodies[i][0], strlen(bodies[i][0]), &reply);

        is(list, (size_t) (out.pos - out.start), bodies[i][1],
           bodies[i][0]);
    }

    rules.called = NULL;
}


int
main(void)
{
    size_t  i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_case(&cases[i]);
    }

    test_depth();
    test_room();
    test_longest();
    test_lists();
    test_called();

    return done();
}
