
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
static int rpc_judge(grid_rpc_t *rpc, const char *url, const char *method,
    yajl_val reply, yajl_val *result);


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
    int     rc;
    char   *body;
    size_t  i, at;

    rc = GRID_AWAY;
    rpc->code = 0;

    body = wgw_format("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\","
                      "\"params\":%s}", method, params);

    for (i = 0; i < rpc->nurls && rc == GRID_AWAY; i++) {
        at = (rpc->at + i) % rpc->nurls;
        rc = rpc_ask(rpc, rpc->urls[at], body, reply);

        if (rc == GRID_OK) {
            rc = rpc_judge(rpc, rpc->urls[at], method, *reply, result);

            if (rc != GRID_OK) {
                yajl_tree_free(*reply);
            }
        }

        if (rc != GRID_AWAY) {
            rpc->at = at;
        }
    }

    free(body);

    return rc;
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
    yajl_val reply, yajl_val *result)
{
    yajl_val     error, code;
    const char  *data;

    *result = wgw_doc_get(reply, "result");
    error = wgw_doc_get(reply, "error");

    if (*result && !YAJL_IS_OBJECT(error)) {
        return GRID_OK;
    }

    if (!YAJL_IS_OBJECT(error)) {
        grid_put(rpc->why, sizeof(rpc->why), "%s answers %s with neither a "
                 "result nor an error", url, method);
        return GRID_AWAY;
    }

    code = wgw_doc_get(error, "code");
    rpc->code = YAJL_IS_INTEGER(code) ? YAJL_GET_INTEGER(code) : 0;

    data = wgw_doc_text(error, "data");

    grid_put(rpc->why, sizeof(rpc->why), "%s: %s%s%s", method,
             wgw_doc_text(error, "message"), data[0] ? ": " : "", data);

    return GRID_FAILED;
}


int
grid_rpc_text(grid_rpc_t *rpc, const char *method, const char *params,
    char **text)
{
    int       rc;
    yajl_val  reply, result;

    *text = NULL;
    rc = grid_rpc_call(rpc, method, params, &reply, &result);

    if (rc != GRID_OK) {
        return rc;
    }

    if (YAJL_IS_STRING(result)) {
        *text = wgw_copy(YAJL_GET_STRING(result));

    } else if (YAJL_IS_NULL(result)) {
        rc = GRID_NONE;

    } else {
        rc = GRID_AWAY;
        grid_put(rpc->why, sizeof(rpc->why), "%s has an answer of another "
                 "type", method);
    }

    yajl_tree_free(reply);

    return rc;
}


int
grid_rpc_bytes(grid_rpc_t *rpc, const char *method, const char *params,
    uint8_t **data, size_t *len)
{
    int         rc;
    char       *text;
    wgw_text_t  digits;

    *data = NULL;
    *len = 0;

    rc = grid_rpc_text(rpc, method, params, &text);

    if (rc != GRID_OK) {
        return rc;
    }

    digits.data = text;
    digits.len = strlen(text);

    if (digits.len >= 2 && memcmp(text, "0x", 2) == 0) {
        digits.data += 2;
        digits.len -= 2;
        *len = digits.len / 2;
        *data = wgw_alloc(*len);
    }

    if (*data == NULL || digits.len % 2
        || wgw_hex_decode(*data, *len, digits) != 0)
    {
        free(*data);
        *data = NULL;
        rc = GRID_AWAY;
        grid_put(rpc->why, sizeof(rpc->why), "%s has an answer that is not "
                 "hexadecimal", method);
    }

    free(text);

    return rc;
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
