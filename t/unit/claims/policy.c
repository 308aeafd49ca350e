
/*
 * Patterns, selectors and policies.
 */

#include "t/unit/tap.h"
#include "t/unit/claims/vectors.h"
#include "claims/policy.h"

#include <time.h>


static wgw_cbor_t  args;
static unsigned    wholes;


static double
milliseconds(void)
{
    struct timespec  now;

    clock_gettime(CLOCK_MONOTONIC, &now);

    return 1e3 * (double) now.tv_sec + 1e-6 * (double) now.tv_nsec;
}


/* egress 68: every row of the vectors. */

static void
test_globs(void)
{
    int          got;
    double       start;
    size_t       i;
    uint8_t     *room;
    yajl_val     root, row;
    wgw_glob_t   glob;
    wgw_text_t   pattern;

    root = vectors_read("ucan", "globs");

    for (i = 0; i < YAJL_GET_ARRAY(member(root, "vectors"))->len; i++) {
        row = YAJL_GET_ARRAY(member(root, "vectors"))->values[i];
        pattern = view(string(row, "pattern"));

        start = milliseconds();
        room = malloc(WGW_GLOB_ROOM(pattern.len));
        wgw_glob_read(&glob, room, pattern);
        got = wgw_glob_match(&glob, view(string(row, "text")));
        free(room);

        ok(got == YAJL_IS_TRUE(member(row, "expect"))
           && milliseconds() - start < 1,
           "egress 68: %.40s on %.40s", pattern.data, string(row, "text"));
    }

    yajl_tree_free(root);
}


/* A pattern of 4,096 stars and a text of the largest size. */

static void
test_glob_worst(void)
{
    int          got;
    char        *pattern, *text;
    double       start;
    size_t       i;
    uint8_t     *room;
    wgw_glob_t   glob;

    pattern = malloc(WGW_CBOR_TEXT_MAX);
    text = malloc(WGW_CBOR_TEXT_MAX);
    room = malloc(WGW_GLOB_ROOM(WGW_CBOR_TEXT_MAX));

    for (i = 0; i < WGW_CBOR_TEXT_MAX; i++) {
        pattern[i] = i % 2 ? 'a' : '*';
        text[i] = i % 2 ? 'a' : 'b';
    }

    start = milliseconds();
    wgw_glob_read(&glob, room,
                  (wgw_text_t) { pattern, WGW_CBOR_TEXT_MAX });
    got = wgw_glob_match(&glob, (wgw_text_t) { text, WGW_CBOR_TEXT_MAX });
    ok(got == 1 && milliseconds() - start < 20, "4096 stars that match");

    text[WGW_CBOR_TEXT_MAX - 1] = 'c';
    start = milliseconds();
    got = wgw_glob_match(&glob, (wgw_text_t) { text, WGW_CBOR_TEXT_MAX });
    ok(got == 0 && milliseconds() - start < 20, "4096 stars that do not");

    free(pattern);
    free(text);
    free(room);
}


/* egress 67: every row of the vectors. */

static void
test_selectors(void)
{
    int               found;
    char              buffer[2048], *room;
    size_t            i;
    yajl_val          root, row;
    wgw_text_t        text;
    wgw_cbor_t        value, expected;
    wgw_step_t        steps[WGW_SELECTOR_STEPS];
    const char       *reason, *note, *word;
    wgw_selector_t    selector;

    root = vectors_read("ucan", "selectors");

    for (i = 0; i < YAJL_GET_ARRAY(member(root, "vectors"))->len; i++) {
        row = YAJL_GET_ARRAY(member(root, "vectors"))->values[i];
        note = string(row, "note");
        text = view(string(row, "selector"));
        word = string(row, "expect");
        room = malloc(text.len + 1);

        reason = wgw_selector_read(&selector, steps, text,
                                   note == NULL
                                   || strcmp(note, "extension off") != 0,
                                   room);

        if (word && strncmp(word, "error ", 6) == 0) {
            ok(reason && strncmp(reason, "policy:", 7) == 0
               && strcmp(reason + 7, word + 6) == 0,
               "egress 67: '%s': %s", text.data, word);

        } else if (ok(reason == NULL, "egress 67: '%s' is read", text.data)) {
            found = wgw_selector_find(&value, &args, steps, selector.n);

            if (word && strcmp(word, "unresolved") == 0) {
                ok(!found, "egress 67: '%s' finds nothing", text.data);

            } else {
                expected = document(member(row, "expect"), buffer,
                                    sizeof(buffer));
                ok(found && wgw_cbor_equal(&value, &expected)
                   && wgw_cbor_equal(&expected, &value),
                   "egress 67: '%s' finds it", text.data);
            }
        }

        free(room);
    }

    yajl_tree_free(root);
}


static const struct {
    const char  *selector;
    const char  *reason;            /* NULL: read */
    const char  *key;               /* of the last step */
} more[] = {
    { ".a[\"b\\\"c\"]", NULL, "b\"c" },
    { ".a[\"\\u00e9\\n\\/\"]", NULL, "\xc3\xa9\n/" },
    { ".a[\"\\ud83d\\ude00\"]", NULL, "\xf0\x9f\x98\x80" },
    { ".a[\"x\\ty\"][\"z\\tw\"]", NULL, "z\tw" },
    { ".a[\"]\"]", NULL, "]" },
    { ".a['it\"s']", NULL, "it\"s" },
    { ".a[\"\"]", NULL, "" },
    { ".caf\xc3\xa9", NULL, "caf\xc3\xa9" },
    { ".x-y$1", NULL, "x-y$1" },
    { "._", NULL, "_" },
    { ".a[\"\\ud83d\"]", "policy:selector", NULL },
    { ".a[\"\\ude00\"]", "policy:selector", NULL },
    { ".a[\"\\ud83dx\"]", "policy:selector", NULL },
    { ".a[\"\\x41\"]", "policy:selector", NULL },
    { ".a[\"\\", "policy:selector", NULL },
    { ".a[\"\\u00", "policy:selector", NULL },
    { ".a[\"\\\"", "policy:selector", NULL },
    { ".a[\"a\nb\"]", "policy:selector", NULL },
    { ".a[", "policy:selector", NULL },
    { ".a[1", "policy:selector", NULL },
    { ".a[1:", "policy:selector", NULL },
    { ".a[01]", "policy:selector", NULL },
    { ".a[-0]", "policy:selector", NULL },
    { ".a[-]", "policy:selector", NULL },
    { ".a[:1:2]", "policy:selector", NULL },
    { ".a[ 1]", "policy:selector", NULL },
    { ".a[-9007199254740992]", "policy:selector-range", NULL },
    { ".-a", "policy:selector", NULL },
    { ".$a", "policy:selector", NULL },
    { ".a\xc2\xa0", "policy:selector", NULL },
    { ".\xe2\x80\x8b", "policy:selector", NULL },
    { ".a.?", "policy:selector", NULL }
};


static void
test_selectors_more(void)
{
    char              text[200], room[200];
    size_t            i;
    const char       *reason;
    wgw_step_t        steps[WGW_SELECTOR_STEPS];
    wgw_selector_t    selector;

    for (i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        reason = wgw_selector_read(&selector, steps, view(more[i].selector),
                                   1, room);

        if (more[i].reason) {
            ok(reason && strcmp(reason, more[i].reason) == 0, "'%s': %s",
               more[i].selector, more[i].reason);

        } else if (ok(reason == NULL, "'%s' is read", more[i].selector)) {
            is(steps[selector.n - 1].name.data,
               steps[selector.n - 1].name.len, more[i].key, "its name");
        }
    }

    for (i = 0; i <= WGW_SELECTOR_STEPS; i++) {
        memcpy(text + 2 * i, ".a", 2);
    }

    ok(wgw_selector_read(&selector, steps,
                         (wgw_text_t) { text, 2 * WGW_SELECTOR_STEPS }, 0,
                         room) == NULL, "32 steps");
    reason = wgw_selector_read(&selector, steps,
                               (wgw_text_t) { text,
                                              2 * WGW_SELECTOR_STEPS + 2 },
                               0, room);
    ok(reason && strcmp(reason, "policy:selector-long") == 0, "33 steps");
}


/* The arguments as the gateway gives them: by one name or by two. */

static int
find(void *data, wgw_text_t group, const wgw_text_t *name, wgw_cbor_t *value)
{
    wgw_cbor_t  map;

    (void) data;

    if (!wgw_cbor_find(&map, &args, group, NULL)) {
        return 0;
    }

    if (name == NULL) {
        *value = map;
        return 1;
    }

    return wgw_cbor_find(value, &map, *name, NULL);
}


static const wgw_cbor_t *
whole(void *data)
{
    (void) data;
    wholes++;

    return &args;
}


static const wgw_policy_args_t  slowly = { NULL, whole, NULL };
static const wgw_policy_args_t  quickly = { find, whole, NULL };


/* egress 66: every row of the vectors. */

static void
test_policies(void)
{
    int                 expect;
    char                buffer[2048];
    void               *memory;
    size_t              i;
    yajl_val            root, row;
    wgw_cbor_t          value;
    const char         *reason;
    wgw_policy_t        policy;
    wgw_policy_size_t   size;

    root = vectors_read("ucan", "policy");

    for (i = 0; i < YAJL_GET_ARRAY(member(root, "vectors"))->len; i++) {
        row = YAJL_GET_ARRAY(member(root, "vectors"))->values[i];
        value = document(member(row, "policy"), buffer, sizeof(buffer));
        expect = YAJL_IS_TRUE(member(row, "expect"));

        reason = wgw_policy_check(&value, 0, &size);

        if (!ok(reason == NULL, "%s is read", string(row, "what"))) {
            continue;
        }

        memory = malloc(wgw_policy_room(&size) + 1);
        wgw_policy_build(&policy, &value, 0, &size, memory);

        ok(wgw_policy_holds(&policy, &slowly) == expect,
           "egress 66: %s", string(row, "what"));
        ok(wgw_policy_holds(&policy, &quickly) == expect,
           "egress 66: %s, without all arguments", string(row, "what"));

        free(memory);
    }

    yajl_tree_free(root);
}


static const struct {
    const char  *json;
    const char  *reason;            /* or "true", "false" */
} judged[] = {
    { "{}", "policy:shape" },
    { "\"x\"", "policy:shape" },
    { "[\"==\",\".a\",1]", "policy:shape" },
    { "[[]]", "policy:shape" },
    { "[[1,\".a\",1]]", "policy:shape" },
    { "[[\"===\",\".a\",1]]", "policy:operator" },
    { "[[\"==\",\".a\"]]", "policy:arity" },
    { "[[\"==\",\".a\",1,2]]", "policy:arity" },
    { "[[\"not\",[\"==\",\".a\",1],1]]", "policy:arity" },
    { "[[\"and\",[\"==\",\".a\",1]]]", "policy:shape" },
    { "[[\"and\",1]]", "policy:shape" },
    { "[[\"not\",[[\"==\",\".a\",1]]]]", "policy:shape" },
    { "[[\"any\",\".a\",[[\"==\",\".a\",1]]]]", "policy:shape" },
    { "[[\"<\",\".a\",\"1\"]]", "policy:number" },
    { "[[\"<\",\".a\",null]]", "policy:number" },
    { "[[\"<\",\".a\",9007199254740991]]", "false" },
    { "[[\"<\",\".a\",9007199254740992]]", "policy:number-range" },
    { "[[\"<\",\".a\",-9007199254740991]]", "false" },
    { "[[\"<\",\".a\",-9007199254740992]]", "policy:number-range" },
    { "[[\"like\",\".a\",1]]", "policy:pattern" },
    { "[[\"==\",1,1]]", "policy:selector-type" },
    { "[[\"==\",\"..a\",1]]", "policy:selector" },
    { "[[\"or\",[[\"==\",\".age\",35],[\"==\",\"a\",1]]]]",
      "policy:selector-start" },
    { "[[\"not\",[\"not\",[\"==\",\".zz\",1]]]]", "false" },
    { "[[\"or\",[[\"not\",[\"==\",\".zz\",1]],[\"==\",\".age\",35]]]]",
      "true" },
    { "[[\"or\",[[\"==\",\".age\",1],[\"not\",[\"==\",\".zz\",1]]]]]",
      "false" },
    { "[[\"not\",[\"and\",[[\"==\",\".zz\",1],[\"==\",\".age\",1]]]]]",
      "true" },
    { "[[\"not\",[\"and\",[[\"==\",\".zz\",1],[\"==\",\".age\",35]]]]]",
      "false" },
    { "[[\"any\",\".list\",[\"==\",\".b\",3]]]", "true" },
    { "[[\"not\",[\"all\",\".list\",[\"==\",\".b\",3]]]]", "false" },
    { "[[\"not\",[\"any\",\".zz\",[\"==\",\".\",3]]]]", "false" },
    { "[[\"any\",\".map[]\",[\"==\",\".\",2]]]", "true" },
    { "[[\"all\",\".list[2:]\",[\"==\",\".b\",3]]]", "true" },
    { "[[\"==\",\".map[][1]\",2]]", "true" },
    { "[[\"==\",\".map[][-1:]\",[2]]]", "true" },
    { "[[\"like\",\".s\",\"a\\\\**\"]]", "true" },
    { "[[\"==\",\".[\\\"na\\\\u006de\\\"]\",\"Katie\"]]", "true" },
    { "[[\"==\",\".map['x']\",1]]", "true" },

    /* what is missing in a group is null if it may be; not the group itself */
    { "[[\"!=\",\".zz.a?\",1]]", "false" },
    { "[[\"==\",\".zz.a?\",null]]", "false" },
    { "[[\"==\",\".zz.a?.b?\",null]]", "false" },
    { "[[\"==\",\".map.zz?\",null]]", "true" },
    { "[[\"!=\",\".map.zz?\",1]]", "true" },
    { "[[\"==\",\".name.a?\",null]]", "true" }
};


static void
test_policies_more(void)
{
    char                buffer[2048], error[64];
    void               *memory;
    size_t              i;
    yajl_val            json;
    wgw_cbor_t          value;
    const char         *reason;
    wgw_policy_t        policy;
    wgw_policy_size_t   size;

    for (i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
        json = yajl_tree_parse(judged[i].json, error, sizeof(error));
        value = document(json, buffer, sizeof(buffer));
        yajl_tree_free(json);

        reason = wgw_policy_check(&value, 1, &size);

        if (reason == NULL) {
            memory = malloc(wgw_policy_room(&size) + 1);
            wgw_policy_build(&policy, &value, 1, &size, memory);
            reason = wgw_policy_holds(&policy, &quickly) ? "true" : "false";

            ok(wgw_policy_holds(&policy, &slowly)
               == (strcmp(reason, "true") == 0), "either way");
            free(memory);
        }

        is(reason, strlen(reason), judged[i].reason, judged[i].json);
    }
}


/*
 * egress 71: arguments, policies of which each holds, and such of which none
 * does, as in the fixture of the specification.
 */

typedef struct {
    const char  *args;
    const char  *holds;
    const char  *fails;
} suite_t;


#define DRINKS  "{\"cup\":{\"size\":3,\"tags\":[\"hot\",\"black\"]},"      \
                "\"paid\":2.5,\"to\":[{\"mail\":\"ann@a.example\"},"         \
                "{\"mail\":\"ben@b.example\"},{\"phone\":[7,8]}]}"


static const suite_t  suites[] = {
    { DRINKS,
      "[[[\"==\",\".cup.size\",3],[\"==\",\".cup.size\",3.0],"
      "[\"==\",\".cup\",{\"tags\":[\"hot\",\"black\"],\"size\":3}]],"
      "[[\"!=\",\".cup.size\",\"3\"],[\"!=\",\".cup.size\",null],"
      "[\"!=\",\".cup.size\",{}],[\"!=\",\".cup.size\",false]],"
      "[[\"<\",\".paid\",3],[\"<=\",\".paid\",2.5],[\">\",\".paid\",2],"
      "[\">=\",\".paid\",2.5],[\"not\",[\">\",\".paid\",2.5]]]]",
      "[[[\"==\",\".cup.size\",\"3\"]],[[\"==\",\".cup\",{\"size\":3}]],"
      "[[\"<\",\".cup\",9]],[[\">\",\".cup.tags\",0]],"
      "[[\"==\",\".paid\",2.5],[\"==\",\".paid\",2]]]" },
    { DRINKS,
      "[[],[[\"and\",[]]],[[\"or\",[]]],"
      "[[\"or\",[[\"==\",\".paid\",1],[\"==\",\".paid\",2.5]]]],"
      "[[\"and\",[[\">\",\".paid\",1],[\"not\",[\"==\",\".paid\",1]]]]]]",
      "[[[\"not\",[\"and\",[]]]],[[\"not\",[\"or\",[]]]],"
      "[[\"and\",[[\"==\",\".paid\",2.5],[\"==\",\".paid\",1]]]],"
      "[[\"or\",[[\"==\",\".paid\",1],[\"==\",\".none\",1]]]]]" },
    { DRINKS,
      "[[[\"any\",\".to\",[\"like\",\".mail\",\"*@b.example\"]]],"
      "[[\"any\",\".to\",[\"any\",\".phone\",[\"==\",\".\",8]]]],"
      "[[\"all\",\".cup.tags\",[\"like\",\".\",\"*\"]]],"
      "[[\"any\",\".cup\",[\"==\",\".\",3]]],"
      "[[\"==\",\".to[0].mail\",\"ann@a.example\"],"
      "[\"==\",\".to[-1].phone[0]\",7],"
      "[\"==\",\".cup.tags[1:]\",[\"black\"]]]]",
      "[[[\"all\",\".to\",[\"like\",\".mail\",\"*\"]]],"
      "[[\"any\",\".to\",[\"==\",\".mail\",\"*@b.example\"]]],"
      "[[\"all\",\".paid\",[\"==\",\".\",2.5]]],"
      "[[\"==\",\".to[9].mail\",\"ann@a.example\"]],"
      "[[\"like\",\".cup.tags\",\"*\"]]]" },
    { "{\"a\":\"Ann*, Ben, Cat.\",\"b\":\"Ann*, Ben, Dan, Cat.\","
      "\"c\":\"Ann, Ben, Cat.\"}",
      "[[[\"like\",\".a\",\"Ann\\\\*, Ben*, Cat.\"],"
      "[\"like\",\".b\",\"Ann\\\\*, Ben*, Cat.\"]]]",
      "[[[\"like\",\".c\",\"Ann\\\\*, Ben*, Cat.\"]],"
      "[[\"like\",\".a\",\"Ann\\\\*\"]]]" }
};


static void
judge_suite(const suite_t *suite, const char *json, int expect)
{
    char                buffer[2048], error[64];
    void               *memory;
    size_t              i;
    yajl_val            root, policies;
    wgw_cbor_t          value;
    const char         *reason;
    wgw_policy_t        policy;
    wgw_policy_size_t   size;

    static char         room[2048];

    root = yajl_tree_parse(suite->args, error, sizeof(error));
    args = document(root, room, sizeof(room));
    yajl_tree_free(root);

    policies = yajl_tree_parse(json, error, sizeof(error));

    for (i = 0; i < YAJL_GET_ARRAY(policies)->len; i++) {
        value = document(YAJL_GET_ARRAY(policies)->values[i], buffer,
                         sizeof(buffer));
        reason = wgw_policy_check(&value, 0, &size);

        if (!ok(reason == NULL, "egress 71: read")) {
            continue;
        }

        memory = malloc(wgw_policy_room(&size) + 1);
        wgw_policy_build(&policy, &value, 0, &size, memory);
        ok(wgw_policy_holds(&policy, &slowly) == expect
           && wgw_policy_holds(&policy, &quickly) == expect,
           "egress 71: policy %zu of suite %zu %s", i,
           (size_t) (suite - suites), expect ? "holds" : "does not");
        free(memory);
    }

    yajl_tree_free(policies);
}


static void
test_suites(void)
{
    size_t      i;
    wgw_cbor_t  kept;

    kept = args;

    for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        judge_suite(&suites[i], suites[i].holds, 1);
        judge_suite(&suites[i], suites[i].fails, 0);
    }

    args = kept;
}


/* A thousand statements inside each other would be as deep a stack. */

static void
test_bounds(void)
{
    char                buffer[8192];
    size_t              i, depth;
    wgw_out_t           out;
    wgw_cbor_t          value;
    const char         *reason;
    wgw_policy_size_t   size;

    for (depth = WGW_POLICY_DEPTH; depth <= WGW_POLICY_DEPTH + 1; depth++) {
        wgw_out_init(&out, buffer, sizeof(buffer));
        wgw_cbor_put_list(&out, 1);

        for (i = 1; i < depth; i++) {
            wgw_cbor_put_list(&out, 2);
            wgw_cbor_put_text(&out, wgw_text("not"));
        }

        wgw_cbor_put_list(&out, 3);
        wgw_cbor_put_text(&out, wgw_text("=="));
        wgw_cbor_put_text(&out, wgw_text(".a"));
        wgw_cbor_put_int(&out, 1);
        wgw_cbor_read(&value, (uint8_t *) buffer);

        reason = wgw_policy_check(&value, 0, &size);
        ok(depth == WGW_POLICY_DEPTH
           ? reason == NULL
           : reason && strcmp(reason, "policy:too-deep") == 0,
           "egress 70: %zu deep", depth);
    }

    wgw_out_init(&out, buffer, sizeof(buffer));
    wgw_cbor_put_list(&out, WGW_POLICY_STATEMENTS + 1);

    for (i = 0; i <= WGW_POLICY_STATEMENTS; i++) {
        wgw_cbor_put_list(&out, 2);
        wgw_cbor_put_text(&out, wgw_text("or"));
        wgw_cbor_put_list(&out, 0);
    }

    wgw_cbor_read(&value, (uint8_t *) buffer);
    reason = wgw_policy_check(&value, 0, &size);
    ok(reason && strcmp(reason, "policy:too-many") == 0,
       "egress 70: 257 statements");

    value.number--;
    ok(wgw_policy_check(&value, 0, &size) == NULL, "256 statements");
}


static const struct {
    const char          *json;
    int                  limit;
    wgw_limit_window_t   window;
    unsigned             bytes;
    uint64_t             count;
} limits[] = {
    { "[[\"<\",\".usage.requests.minute\",100]]", 1, WGW_LIMIT_MINUTE, 0,
      100 },
    { "[[\"<=\",\".usage.requests.hour\",100]]", 1, WGW_LIMIT_HOUR, 0, 101 },
    { "[[\"<\",\".usage.bytes.month\",1099511627776]]", 1, WGW_LIMIT_MONTH,
      1, 1099511627776 },
    { "[[\"<\",\".usage.requests[\\\"total\\\"]\",0]]", 1, WGW_LIMIT_TOTAL,
      0, 0 },
    { "[[\"<\",\".usage.requests.day\",-5]]", 1, WGW_LIMIT_DAY, 0, 0 },
    { "[[\"<\",\".usage.requests.day\",2.5]]", 1, WGW_LIMIT_DAY, 0, 3 },
    { "[[\"<=\",\".usage.requests.day\",2.5]]", 1, WGW_LIMIT_DAY, 0, 3 },
    { "[[\"<\",\".usage.requests.day\",3.0]]", 1, WGW_LIMIT_DAY, 0, 3 },
    { "[[\"<=\",\".usage.requests.day\",-0.5]]", 1, WGW_LIMIT_DAY, 0, 0 },
    { "[[\"<\",\".usage.requests.day\",1e300]]", 1, WGW_LIMIT_DAY, 0,
      9007199254740991 },
    { "[[\"<\",\".usage.requests.week\",1]]", 0, 0, 0, 0 },
    { "[[\"<\",\".usage.requests.minute?\",1]]", 0, 0, 0, 0 },
    { "[[\"<\",\".usage?.requests.minute\",1]]", 0, 0, 0, 0 },
    { "[[\">\",\".usage.requests.minute\",1]]", 0, 0, 0, 0 },
    { "[[\"==\",\".usage.requests.minute\",1]]", 0, 0, 0, 0 },
    { "[[\"<\",\".usage.requests\",1]]", 0, 0, 0, 0 },
    { "[[\"<\",\".usage.requests.minute.x\",1]]", 0, 0, 0, 0 },
    { "[[\"<\",\".usage.answers.minute\",1]]", 0, 0, 0, 0 },
    { "[[\"<\",\".uses.requests.minute\",1]]", 0, 0, 0, 0 },
    { "[[\"<\",\".usage.requests[0]\",1]]", 0, 0, 0, 0 }
};


static void
test_limits(void)
{
    int                 got;
    char                buffer[256], error[64];
    void               *memory;
    size_t              i;
    yajl_val            json;
    wgw_cbor_t          value;
    wgw_limit_t         limit;
    wgw_policy_t        policy;
    wgw_policy_size_t   size;

    for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        json = yajl_tree_parse(limits[i].json, error, sizeof(error));
        value = document(json, buffer, sizeof(buffer));
        yajl_tree_free(json);

        wgw_policy_check(&value, 0, &size);
        memory = malloc(wgw_policy_room(&size) + 1);
        wgw_policy_build(&policy, &value, 0, &size, memory);
        got = wgw_policy_limit(&policy.statements[0], &limit);

        ok(got == limits[i].limit
           && (!got || (limit.window == limits[i].window
                        && limit.bytes == limits[i].bytes
                        && limit.count == limits[i].count)),
           "%s", limits[i].json);

        free(memory);
    }
}


static void
test_uses(void)
{
    char                buffer[512], error[64];
    char                memory[8192];
    yajl_val            json;
    wgw_cbor_t          value;
    wgw_policy_t        policy;
    wgw_policy_size_t   size;

    static const char  all[] =
        "[[\"==\",\".content\",1],[\"<\",\".usage.requests.minute\",1],"
        "[\"==\",\".headers.origin\",1],"
        "[\"or\",[[\"==\",\".content\",1],[\"==\",\".url\",1]]],"
        "[\"any\",\".headers\",[\"==\",\".usage\",1]],[\"==\",\".\",1]]";

    json = yajl_tree_parse(all, error, sizeof(error));
    value = document(json, buffer, sizeof(buffer));
    yajl_tree_free(json);

    wgw_policy_check(&value, 0, &size);
    wgw_policy_build(&policy, &value, 0, &size, memory);

    ok(policy.statements[0].uses == WGW_POLICY_CONTENT, "content");
    ok(policy.statements[1].uses == WGW_POLICY_USAGE, "usage");
    ok(policy.statements[2].uses == WGW_POLICY_REQUEST, "request");
    ok(policy.statements[3].uses == (WGW_POLICY_CONTENT|WGW_POLICY_REQUEST)
       && policy.statements[3].end == 6, "content and request");
    ok(policy.statements[6].uses == WGW_POLICY_REQUEST, "inside: an element");
    ok(policy.statements[8].uses == 7, "all");
}


int
main(void)
{
    char      buffer[1024];
    yajl_val  root;

    root = vectors_read("ucan", "policy");
    args = document(member(root, "args"), buffer, sizeof(buffer));
    yajl_tree_free(root);

    test_globs();
    test_glob_worst();
    test_selectors();
    test_selectors_more();
    test_policies();
    test_policies_more();
    test_suites();
    test_bounds();
    test_limits();
    test_uses();

    ok(wholes > 0, "all arguments were asked for");

    return done();
}
