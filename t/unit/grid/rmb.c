
/*
 * Envelopes of RMB: the requests and replies of the vectors, to the byte; and
 * what is no request.
 */

#include "grid/grid.h"
#include "grid/rmb.h"
#include "program/memory.h"
#include "t/unit/vectors.h"


static grid_message_t  m;


static int
read_text(const char *text)
{
    grid_rmb_free(&m);

    return grid_rmb_read(&m, view(text));
}


/* What a reply's `dat` is, decoded: as that of a request. */

static void
decoded(char *json, size_t size, const char *dat)
{
    char            *request;
    grid_message_t   reply;

    request = wgw_format("{\"ref\":\"r\",\"src\":\"1\",\"cmd\":\"c\","
                         "\"ret\":\"r\",\"exp\":1,\"dat\":\"%s\"}", dat);

    ok(grid_rmb_read(&reply, view(request)) == GRID_OK, "its payload");
    snprintf(json, size, "%s", reply.payload);

    grid_rmb_free(&reply);
    free(request);
}


/* The same reply, from the request and what the reply says. */

static void
test_vector(yajl_val row, size_t n)
{
    char         json[8192];
    yajl_val     reply, err;
    uint64_t     now;
    grid_out_t   out = { NULL, 0, 0 };
    const char  *text;

    text = wgw_doc_text(row, "reply");
    reply = yajl_tree_parse(text, json, sizeof(json));
    err = member(reply, "err");
    now = (uint64_t) YAJL_GET_INTEGER(member(reply, "now"));

    ok(read_text(wgw_doc_text(row, "request")) == GRID_OK,
       "tf 31: request %zu, %s", n, wgw_doc_text(row, "cmd"));
    ok(strcmp(m.cmd, wgw_doc_text(row, "cmd")) == 0
       && strcmp(m.src, wgw_doc_text(row, "src")) == 0
       && strcmp(m.ret, "msgbus.system.reply") == 0 && m.exp == 20
       && !grid_rmb_expired(&m, now) && m.fault == NULL, "its members");

    decoded(json, sizeof(json), wgw_doc_text(reply, "dat"));
    grid_rmb_reply(&out, &m, now, json, YAJL_IS_OBJECT(err)
                                        ? wgw_doc_text(err, "message") : NULL);

    is(out.data, out.len, text, "tf 31: the reply, to the byte");

    grid_out_free(&out);
    yajl_tree_free(reply);
}


static void
test_vectors(void)
{
    size_t    i;
    yajl_val  root, list, row;

    root = vectors_read("tf", "rmb");
    list = member(root, "exchanges");

    for (i = 0; i < YAJL_GET_ARRAY(list)->len; i++) {
        row = YAJL_GET_ARRAY(list)->values[i];

        /* we escape what is not ASCII, see test_ascii() */

        if (strstr(wgw_doc_text(row, "reply"), "\xef\xbf\xbd") == NULL) {
            test_vector(row, i);
        }
    }

    yajl_tree_free(root);
}


/* tf 30: what nobody could be answered about. */

static void
test_junk(void)
{
    size_t  i;

    static const char  *const junk[] = {
        "", "{}", "[]", "null", "7", "\"text\"", "{\"ver\":1", "\xff\xfe",
        "{\"ref\":7,\"src\":\"1\",\"cmd\":\"c\",\"ret\":\"r\",\"exp\":1}",

        /* an overlong 'Z', which a reply would not give back */
        "{\"ref\":\"\301\232\",\"src\":\"1\",\"cmd\":\"c\",\"ret\":\"r\","
        "\"exp\":1}",
        "{\"ref\":\"a\",\"src\":\"1:\301\232\",\"cmd\":\"c\",\"ret\":\"r\","
        "\"exp\":1}",

        "{\"ref\":\"a\",\"src\":1,\"cmd\":\"c\",\"ret\":\"r\",\"exp\":1}",
        "{\"ref\":\"a\",\"src\":\"x\",\"cmd\":\"c\",\"ret\":\"r\",\"exp\":1}",
        "{\"ref\":\"a\",\"src\":\"0\",\"cmd\":\"c\",\"ret\":\"r\",\"exp\":1}",
        "{\"ref\":\"a\",\"src\":\":s\",\"cmd\":\"c\",\"ret\":\"r\",\"exp\":1}",
        "{\"ref\":\"a\",\"src\":\"-1\",\"cmd\":\"c\",\"ret\":\"r\",\"exp\":1}",
        "{\"ref\":\"a\",\"src\":\"4294967296\",\"cmd\":\"c\",\"ret\":\"r\","
        "\"exp\":1}",
        "{\"ref\":\"a\",\"src\":\"1\",\"cmd\":\"c\",\"ret\":\"r\","
        "\"exp\":\"1\"}",
        "{\"ref\":\"a\",\"src\":\"1\",\"cmd\":\"c\",\"ret\":\"\",\"exp\":1}",
        "{\"ref\":\"a\",\"src\":\"1\",\"ret\":\"r\",\"exp\":1}",
        "{\"ref\":\"a\",\"src\":\"1\",\"cmd\":\"c\",\"exp\":1}",
        "{\"src\":\"1\",\"cmd\":\"c\",\"ret\":\"r\",\"exp\":1}",
        "{\"ref\":\"a\",\"src\":\"1\",\"cmd\":\"c\",\"ret\":\"r\",\"exp\":1,"
        "\"dat\":7}",
    };

    for (i = 0; i < grid_count(junk); i++) {
        ok(read_text(junk[i]) == GRID_FAILED, "tf 30: %s", i < 7 ? junk[i]
           : junk[i][0] == '\xff' ? "binary" : junk[i]);
    }

    char  long_ref[400];

    snprintf(long_ref, sizeof(long_ref), "{\"ref\":\"%0200d\",\"src\":\"1\","
             "\"cmd\":\"c\",\"ret\":\"r\",\"exp\":1}", 7);
    ok(read_text(long_ref) == GRID_FAILED, "tf 30: a ref of 200 bytes");
}


/* What can be answered, but has no payload. */

static void
test_payloads(void)
{
    char    *text;
    size_t   i, n;

    static const struct {
        const char  *dat;
        const char  *bytes;             /* NULL: a fault */
    } some[] = {
        { "", "" }, { "bnVsbA==", "null" }, { "YQ==", "a" }, { "YWI=", "ab" },
        { "YWJj", "abc" }, { "!!!", NULL }, { "YQ", NULL }, { "YQ=", NULL },
        { "YR==", NULL }, { "Y===", NULL }, { "====", NULL },
        { "YWJj\n", NULL }, { "YWJj====", NULL }, { "-_-_", NULL }
    };

    for (i = 0; i < grid_count(some); i++) {
        text = wgw_format("{\"ref\":\"a\",\"src\":\"1:s\",\"cmd\":\"c\","
                          "\"ret\":\"r\",\"exp\":1,\"later\":{\"a\":[]},"
                          "\"tag\":null,\"shm\":null,\"dat\":\"%.4s%s\"}",
                          some[i].dat, strlen(some[i].dat) > 4
                          ? (some[i].dat[4] == '\n' ? "\\n"
                                                    : some[i].dat + 4) : "");

        ok(read_text(text) == GRID_OK
           && (some[i].bytes ? m.fault == NULL
                               && strcmp(m.payload, some[i].bytes) == 0
                             : m.fault != NULL && m.len == 0),
           "tf 29: dat %zu: %s", i, m.fault ? m.fault : "read");

        free(text);
    }

    /* tf 36 */

    n = GRID_RMB_PAYLOAD * 4 / 3 + 100;
    text = calloc(1, n + 200);
    i = (size_t) sprintf(text, "{\"ref\":\"a\",\"src\":\"1\",\"cmd\":\"c\","
                         "\"ret\":\"r\",\"exp\":1,\"dat\":\"");
    memset(text + i, 'A', n);
    strcpy(text + i + n, "\"}");

    ok(read_text(text) == GRID_OK && m.fault && strstr(m.fault, "too large")
       && m.len == 0, "tf 36: a payload that is too large");
    free(text);
}


/* tf 33: by the clock of the sender, if that is not ahead. */

static void
test_expiry(void)
{
    size_t  i;
    char   *text;

    static const struct {
        const char  *now;
        int          expired;           /* at 1000 */
    } some[] = {
        { "1000", 0 }, { "985", 0 }, { "974", 1 }, { "900", 1 }, { "0", 0 },
        { "5000", 0 }, { "null", 0 }
    };

    for (i = 0; i < grid_count(some); i++) {
        text = wgw_format("{\"ref\":\"a\",\"src\":\"1\",\"cmd\":\"c\","
                          "\"ret\":\"r\",\"exp\":20,\"now\":%s}",
                          some[i].now);

        ok(read_text(text) == GRID_OK
           && grid_rmb_expired(&m, 1000) == some[i].expired,
           "tf 33: now %s", some[i].now);
        free(text);
    }
}


/* tf 31: the schema of the request; JSON's where there is none. */

static void
test_schema(void)
{
    size_t      i;
    char       *text;
    grid_out_t  out;

    static const struct {
        const char  *said;
        const char  *given;
    } some[] = {
        { ",\"shm\":\"text/plain\"", "\"shm\":\"text/plain\"" },
        { ",\"shm\":null", "\"shm\":\"application/json\"" },
        { ",\"shm\":\"\"", "\"shm\":\"application/json\"" },
        { "", "\"shm\":\"application/json\"" }
    };

    for (i = 0; i < grid_count(some); i++) {
        text = wgw_format("{\"ref\":\"a\",\"src\":\"1\",\"cmd\":\"c\","
                          "\"ret\":\"r\",\"exp\":20%s}", some[i].said);
        memset(&out, 0, sizeof(out));

        ok(read_text(text) == GRID_OK, "a schema %zu", i);
        grid_rmb_reply(&out, &m, 7, "null", NULL);
        ok(strstr(out.data, some[i].given) != NULL, "tf 31: is given back");

        grid_out_free(&out);
        free(text);
    }
}


/* A client decodes base64 as ASCII. */

static void
test_ascii(void)
{
    grid_out_t  out = { NULL, 0, 0 };

    grid_out_json(&out, "\xc5\xbc \xf0\x9f\x9a\x80 \xff \"\\\n");
    is(out.data, out.len, "\"\\u017c \\ud83d\\ude80 \\ufffd \\\"\\\\\\u000a\"",
       "JSON of ASCII");
    grid_out_free(&out);
}


int
main(void)
{
    test_vectors();
    test_junk();
    test_payloads();
    test_expiry();
    test_schema();
    test_ascii();

    grid_rmb_free(&m);

    return done();
}
