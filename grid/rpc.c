
#include <stdlib.h>
#include <string.h>

#include "format/doc.h"
#include "format/hex.h"
#include "grid/rpc.h"
#include "program/fetch.h"
#include "program/memory.h"


#define RPC_CONNECT  4L                 /* seconds */
#define RPC_ANSWER   10L
#define RPC_WHOLE    60L                /* of what is long */


/* What a result is to be. */
typedef enum {
    RPC_TREE = 0,                       /* an object or an array */
    RPC_TEXT,                           /* or null */
    RPC_HEX                             /* a text of 0x and whole bytes */
} rpc_want_t;


struct grid_rpc_s {
    wgw_fetch_t         fetch;
    struct curl_slist  *headers;
    char               *urls[GRID_LIST];
    size_t              nurls;
    size_t              at;             /* which answered last */
    char                why[384];
    int64_t             code;
};


static void rpc_urls(grid_rpc_t *rpc, const grid_options_t *options);
static char *rpc_url(const char *url);
static int rpc_ask(grid_rpc_t *rpc, const char *url, const char *body,
    yajl_val *reply);
static int rpc_call(grid_rpc_t *rpc, const char *method, const char *params,
    rpc_want_t want, yajl_val *reply, yajl_val *result);
static int rpc_judge(grid_rpc_t *rpc, const char *url, const char *method,
    rpc_want_t want, yajl_val reply, yajl_val *result);
static int rpc_fits(yajl_val result, rpc_want_t want);
static int rpc_string(grid_rpc_t *rpc, const char *method,
    const char *params, rpc_want_t want, char **text);


static const struct {
    const char  *network;
    const char  *urls[4];
} rpc_networks[] = {
    { "main", { "https://tfchain.grid.tf", "https://02.tfchain.grid.tf",
                "https://03.tfchain.grid.tf", NULL } },
    { "test", { "https://tfchain.test.grid.tf",
                "https://02.tfchain.test.grid.tf", NULL } },
    { "qa",   { "https://tfchain.qa.grid.tf",
                "https://02.tfchain.qa.grid.tf", NULL } },
    { "dev",  { "https://tfchain.dev.grid.tf",
                "https://02.tfchain.dev.grid.tf", NULL } },
};


grid_rpc_t *
grid_rpc_open(const grid_options_t *options)
{
    CURL        *curl;
    grid_rpc_t  *rpc;

    rpc = wgw_alloc(sizeof(grid_rpc_t));
    rpc_urls(rpc, options);

    if (wgw_fetch_open(&rpc->fetch, "wgw-grid", GRID_RPC_REPLY, RPC_CONNECT)
        != 0)
    {
        (void) grid_fail(GRID_FAILED, "libcurl does not start");
        grid_rpc_close(rpc);
        return NULL;
    }

    rpc->headers = curl_slist_append(NULL, "Content-Type: application/json");
    rpc->headers = curl_slist_append(rpc->headers, "Expect:");

    curl = rpc->fetch.curl;
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, rpc->headers);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, RPC_ANSWER);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, RPC_WHOLE);

    return rpc;
}


static void
rpc_urls(grid_rpc_t *rpc, const grid_options_t *options)
{
    size_t  i, k;

    for (i = 0; i < options->chain.n; i++) {
        rpc->urls[rpc->nurls++] = rpc_url(options->chain.items[i]);
    }

    for (i = 0; rpc->nurls == 0 && i < grid_count(rpc_networks); i++) {
        if (strcmp(rpc_networks[i].network, options->network) == 0) {
            for (k = 0; rpc_networks[i].urls[k]; k++) {
                rpc->urls[k] = rpc_url(rpc_networks[i].urls[k]);
            }

            rpc->nurls = k;
        }
    }
}


/* Where a node is asked by WebSocket it is by HTTP as well. */

static char *
rpc_url(const char *url)
{
    return strncmp(url, "ws", 2) == 0 ? wgw_format("http%s", url + 2)
                                      : wgw_copy(url);
}


void
grid_rpc_close(grid_rpc_t *rpc)
{
    size_t  i;

    wgw_fetch_close(&rpc->fetch);
    curl_slist_free_all(rpc->headers);

    for (i = 0; i < rpc->nurls; i++) {
        free(rpc->urls[i]);
    }

    free(rpc);
}


int
grid_rpc_call(grid_rpc_t *rpc, const char *method, const char *params,
    yajl_val *reply, yajl_val *result)
{
    return rpc_call(rpc, method, params, RPC_TREE, reply, result);
}


/*
 * One that refuses, or says what cannot be, may be alone with that: the next
 * one is asked.  A refusal is the answer when nobody has a better one.
 */

static int
rpc_call(grid_rpc_t *rpc, const char *method, const char *params,
    rpc_want_t want, yajl_val *reply, yajl_val *result)
{
    int     rc, refused;
    char   *body, why[sizeof(rpc->why)];
    size_t  i, at;

    rc = GRID_AWAY;
    refused = 0;
    rpc->code = 0;

    body = wgw_format("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\","
                      "\"params\":%s}", method, params);

    for (i = 0; i < rpc->nurls && rc != GRID_OK; i++) {
        at = (rpc->at + i) % rpc->nurls;
        rc = rpc_ask(rpc, rpc->urls[at], body, reply);

        if (rc == GRID_OK) {
            rc = rpc_judge(rpc, rpc->urls[at], method, want, *reply, result);

            if (rc != GRID_OK) {
                yajl_tree_free(*reply);
            }
        }

        if (rc == GRID_FAILED) {
            refused = 1;
            memcpy(why, rpc->why, sizeof(why));
        }
    }

    free(body);

    if (rc == GRID_OK) {
        rpc->at = (rpc->at + i - 1) % rpc->nurls;
        return GRID_OK;
    }

    if (refused) {
        memcpy(rpc->why, why, sizeof(why));
        return GRID_FAILED;
    }

    return GRID_AWAY;
}


static int
rpc_ask(grid_rpc_t *rpc, const char *url, const char *body, yajl_val *reply)
{
    long          status;
    wgw_fetch_t  *fetch = &rpc->fetch;

    curl_easy_setopt(fetch->curl, CURLOPT_URL, url);
    curl_easy_setopt(fetch->curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     (curl_off_t) strlen(body));
    curl_easy_setopt(fetch->curl, CURLOPT_POSTFIELDS, body);

    if (wgw_fetch_perform(fetch) != CURLE_OK) {
        grid_put(rpc->why, sizeof(rpc->why), "%s: %s", url, fetch->error);
        return GRID_AWAY;
    }

    curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &status);

    *reply = fetch->len ? wgw_doc_read(fetch->data, fetch->len) : NULL;

    if (!YAJL_IS_OBJECT(*reply)) {
        yajl_tree_free(*reply);
        grid_put(rpc->why, sizeof(rpc->why), "%s answered %ld, and not with "
                 "JSON-RPC", url, status);
        return GRID_AWAY;
    }

    return GRID_OK;
}


static int
rpc_judge(grid_rpc_t *rpc, const char *url, const char *method,
    rpc_want_t want, yajl_val reply, yajl_val *result)
{
    yajl_val     error, code;
    const char  *data;

    *result = wgw_doc_get(reply, "result");
    error = wgw_doc_get(reply, "error");

    if (!YAJL_IS_OBJECT(error)) {
        if (*result && rpc_fits(*result, want)) {
            return GRID_OK;
        }

        grid_put(rpc->why, sizeof(rpc->why), "%s answers %s with %s", url,
                 method, *result ? "what is no result of that"
                                 : "neither a result nor an error");
        return GRID_AWAY;
    }

    code = wgw_doc_get(error, "code");
    rpc->code = YAJL_IS_INTEGER(code) ? YAJL_GET_INTEGER(code) : 0;

    data = wgw_doc_text(error, "data");

    grid_put(rpc->why, sizeof(rpc->why), "%s: %s%s%s", method,
             wgw_doc_text(error, "message"), data[0] ? ": " : "", data);

    return GRID_FAILED;
}


static int
rpc_fits(yajl_val result, rpc_want_t want)
{
    size_t       len;
    const char  *text;

    if (want == RPC_TREE) {
        return YAJL_IS_OBJECT(result) || YAJL_IS_ARRAY(result);
    }

    if (!YAJL_IS_STRING(result)) {
        return YAJL_IS_NULL(result);
    }

    text = YAJL_GET_STRING(result);
    len = strlen(text);

    return want == RPC_TEXT
           || (len >= 2 && len % 2 == 0 && memcmp(text, "0x", 2) == 0
               && strspn(text + 2, "0123456789abcdefABCDEF") == len - 2);
}


int
grid_rpc_text(grid_rpc_t *rpc, const char *method, const char *params,
    char **text)
{
    return rpc_string(rpc, method, params, RPC_TEXT, text);
}


static int
rpc_string(grid_rpc_t *rpc, const char *method, const char *params,
    rpc_want_t want, char **text)
{
    int       rc;
    yajl_val  reply, result;

    *text = NULL;
    rc = rpc_call(rpc, method, params, want, &reply, &result);

    if (rc != GRID_OK) {
        return rc;
    }

    if (YAJL_IS_STRING(result)) {
        *text = wgw_copy(YAJL_GET_STRING(result));

    } else {
        rc = GRID_NONE;
    }

    yajl_tree_free(reply);

    return rc;
}


int
grid_rpc_bytes(grid_rpc_t *rpc, const char *method, const char *params,
    uint8_t **data, size_t *len)
{
    int    rc;
    char  *text;

    *data = NULL;
    *len = 0;

    rc = rpc_string(rpc, method, params, RPC_HEX, &text);

    if (rc != GRID_OK) {
        return rc;
    }

    *len = (strlen(text) - 2) / 2;
    *data = wgw_alloc(*len);

    if (wgw_hex_decode(*data, *len, (wgw_text_t) { text + 2, 2 * *len }) != 0)
    {
        rc = GRID_AWAY;
    }

    free(text);

    return rc;
}


void
grid_rpc_distrust(grid_rpc_t *rpc)
{
    rpc->at = (rpc->at + 1) % rpc->nurls;
}


int64_t
grid_rpc_code(const grid_rpc_t *rpc)
{
    return rpc->code;
}


const char *
grid_rpc_why(const grid_rpc_t *rpc)
{
    return rpc->why;
}
