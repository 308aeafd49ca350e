
#include <stdlib.h>
#include <string.h>

#include "format/doc.h"
#include "grid/gateway.h"
#include "grid/options.h"
#include "program/fetch.h"
#include "program/memory.h"


#define GATEWAY_CONNECT  5L             /* seconds */
#define GATEWAY_ANSWER   30L


struct grid_gateway_s {
    wgw_fetch_t   fetch;
    const char   *where;
    char          why[512];
};


static int gateway_perform(grid_gateway_t *gateway, const char *method,
    const char *path, const char *body);
static void gateway_refused(grid_gateway_t *gateway, long status,
    yajl_val doc);


grid_gateway_t *
grid_gateway_open(const grid_options_t *options)
{
    grid_gateway_t  *gateway;

    gateway = wgw_alloc(sizeof(grid_gateway_t));
    gateway->where = options->admin;

    if (wgw_fetch_open(&gateway->fetch, "wgw-grid", GRID_GATEWAY_REPLY,
                       GATEWAY_CONNECT) != 0)
    {
        (void) grid_fail(GRID_FAILED, "libcurl does not start");
        grid_gateway_close(gateway);
        return NULL;
    }

    if (wgw_fetch_base(&gateway->fetch, gateway->where) != 0) {
        (void) grid_fail(GRID_USAGE, "--admin \"%s\" is neither unix:/PATH "
                         "nor http://... nor https://...", gateway->where);
        grid_gateway_close(gateway);
        return NULL;
    }

    curl_easy_setopt(gateway->fetch.curl, CURLOPT_TIMEOUT, GATEWAY_ANSWER);

    return gateway;
}


void
grid_gateway_close(grid_gateway_t *gateway)
{
    wgw_fetch_close(&gateway->fetch);
    free(gateway);
}


int
grid_gateway_call(grid_gateway_t *gateway, const char *method,
    const char *path, const char *body, long *status, yajl_val *reply)
{
    yajl_val  doc;

    *status = 0;

    if (reply) {
        *reply = NULL;
    }

    if (gateway_perform(gateway, method, path, body) != GRID_OK) {
        return GRID_AWAY;
    }

    curl_easy_getinfo(gateway->fetch.curl, CURLINFO_RESPONSE_CODE, status);

    doc = gateway->fetch.len
          ? wgw_doc_read(gateway->fetch.data, gateway->fetch.len) : NULL;

    if (*status >= 300) {
        gateway_refused(gateway, *status, doc);
    }

    if (reply) {
        *reply = doc;

    } else {
        yajl_tree_free(doc);
    }

    return GRID_OK;
}


static int
gateway_perform(grid_gateway_t *gateway, const char *method,
    const char *path, const char *body)
{
    char               *url;
    CURL               *curl = gateway->fetch.curl;
    CURLcode            code;
    struct curl_slist  *headers;

    gateway->why[0] = '\0';

    url = wgw_format("%s%s", gateway->fetch.base, path);

    /* no waiting for 100 */
    headers = curl_slist_append(NULL, "Expect:");

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);

    if (body) {
        headers = curl_slist_append(headers, "Content-Type: application/json");
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t) strlen(body));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }

    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);

    code = wgw_fetch_perform(&gateway->fetch);

    curl_slist_free_all(headers);
    free(url);

    if (code != CURLE_OK) {
        grid_put(gateway->why, sizeof(gateway->why), "the gateway at %s does "
                 "not answer: %s", gateway->where, gateway->fetch.error);
        return GRID_AWAY;
    }

    return GRID_OK;
}


static void
gateway_refused(grid_gateway_t *gateway, long status, yajl_val doc)
{
    const char  *error, *field;

    error = wgw_doc_text(doc, "error");
    field = wgw_doc_text(doc, "field");

    if (error[0]) {
        grid_put(gateway->why, sizeof(gateway->why), "%s%s%s", field,
                 field[0] ? " " : "", error);
    } else {
        grid_put(gateway->why, sizeof(gateway->why), "the gateway answered "
                 "%ld", status);
    }
}


const char *
grid_gateway_why(const grid_gateway_t *gateway)
{
    return gateway->why;
}


void
grid_gateway_escape(char path[GRID_GATEWAY_PATH], const char *text)
{
    wgw_fetch_escape(path, GRID_GATEWAY_PATH, text);
}


void
grid_gateway_name(char path[GRID_GATEWAY_PATH], const char *name)
{
    grid_put(path, GRID_GATEWAY_PATH, "/v1/names/");
    grid_gateway_escape(path, name);
}
