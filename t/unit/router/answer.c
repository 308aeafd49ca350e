
/*
 * Answers of nodes: heights, codes of errors, chunks.
 */

#include "t/unit/tap.h"
#include "router/answer.h"


typedef struct {
    const char  *body;
    int64_t      height;            /* -1: none */
} height_t;

typedef struct {
    const char  *body;
    int          listed;
} error_t_;

typedef struct {
    const char  *bytes;
    int          rc;
    const char  *whole;
} chunks_t;


static const height_t  heights[] = {
    { "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x15f4b1a\"}", 23022362 },
    { "{\"result\":\"0x0\"}", 0 },
    { "{\"result\":\"0XfF\"}", 255 },
    { "{\"result\":23022362}", 23022362 },
    { "{\"result\":\"0x7fffffffffffffff\"}", INT64_MAX },
    { "{\"result\":\"0x\"}", -1 },
    { "{\"result\":\"12\"}", -1 },
    { "{\"result\":\"0x1g\"}", -1 },
    { "{\"result\":\"0x10000000000000000\"}", -1 },
    { "{\"result\":-5}", -1 },
    { "{\"result\":1.5}", -1 },
    { "{\"result\":null}", -1 },
    { "{\"result\":true}", -1 },
    { "{\"result\":{\"result\":\"0x1\"}}", -1 },
    { "{\"result\":[\"0x1\"]}", -1 },
    { "{\"a\":{\"result\":\"0x1\"}}", -1 },
    { "{\"result\":\"0x1\",\"error\":null}", 1 },
    { "{\"result\":\"0x1\",\"error\":{\"code\":1}}", -1 },
    { "{\"error\":{\"code\":-32601,\"message\":\"no\"}}", -1 },
    { "{\"error\":\"rate\"}", -1 },
    { "{}", -1 },
    { "", -1 },
    { "<html>", -1 },
    { "{\"result\":\"0x1\"", -1 },
};

static const error_t_  errors[] = {
    { "{\"error\":{\"code\":-32601,\"message\":\"no\"}}", 1 },
    { "{\"error\":{\"message\":\"no\",\"code\":-32000}}", 1 },
    { "{\"error\":{\"data\":{\"code\":1},\"code\":-32601}}", 1 },
    { "{\"error\":{\"code\":-32602}}", 0 },
    { "{\"error\":{\"code\":32601}}", 0 },
    { "{\"error\":{\"data\":{\"code\":-32601}}}", 0 },
    { "{\"result\":{\"code\":-32601}}", 0 },
    { "{\"result\":{\"error\":{\"code\":-32601}}}", 0 },
    { "{\"code\":-32601}", 0 },
    { "{\"error\":null,\"x\":{\"code\":-32601}}", 0 },
    { "[{\"result\":1},{\"error\":{\"code\":-32601}}]", 1 },
    { "[{\"result\":1},{\"error\":{\"code\":3}}]", 0 },
    { "[[{\"error\":{\"code\":-32601}}]]", 0 },
    { "{\"error\":{\"code\":\"-32601\"}}", 0 },
    { "{\"error\":{\"code\":-32601}", 0 },
    { "not JSON", 0 },
};

static const chunks_t  chunks[] = {
    { "5\r\nhello\r\n0\r\n\r\n", 1, "hello" },
    { "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", 1, "hello" },
    { "0005\r\nhello\r\n000\r\nA: b\r\nC: d\r\n\r\n", 1, "hello" },
    { "0\r\n\r\n", 1, "" },
    { "", 0, NULL },
    { "5", 0, NULL },
    { "5\r\nhel", 0, NULL },
    { "5\r\nhello\r\n0\r\n", 0, NULL },
    { "5\r\nhello\r\n0\r\nA: b\r\n", 0, NULL },
    { "5\r\nhelloxx0\r\n\r\n", -1, NULL },
    { "x\r\n", -1, NULL },
    { "5\nhello", -1, NULL },
    { "fffffffff\r\n", -1, NULL },
};


int
main(void)
{
    int              rc;
    char             buffer[256];
    size_t           i, len, size;
    uint64_t         height;
    wgw_text_t       body;
    static const int64_t  codes[] = { -32601, -32000 };

    for (i = 0; i < sizeof(heights) / sizeof(heights[0]); i++) {
        body.data = heights[i].body;
        body.len = strlen(body.data);

        rc = wgw_answer_height(&height, body);

        ok(heights[i].height < 0 ? rc == -1
           : rc == 0 && height == (uint64_t) heights[i].height,
           "height of %s", heights[i].body);
    }

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        body.data = errors[i].body;
        body.len = strlen(body.data);

        ok(wgw_answer_error(body, codes, 2) == errors[i].listed,
           "error in %s", errors[i].body);
    }

    for (i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
        len = strlen(chunks[i].bytes);
        memcpy(buffer, chunks[i].bytes, len);

        rc = wgw_answer_chunks(buffer, len, &size);

        ok(rc == chunks[i].rc, "chunks %zu", i);

        if (rc == 1) {
            is(buffer, size, chunks[i].whole, "what they hold");

        } else {
            ok(memcmp(buffer, chunks[i].bytes, len) == 0, "nothing moved");
        }
    }

    return done();
}
