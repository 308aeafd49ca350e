
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "format/doc.h"
#include "grid/gateway.h"
#include "grid/options.h"


#define GATEWAY_CONNECT  5L             /* seconds */
#define GATEWAY_ANSWER   30L


struct grid_gateway_s {
    CURL    *curl;
    char    *where;
    char    *base;
    char     error[CURL_ERROR_SIZE];
    char     why[512];

    char    *data;                      /* of the last reply */
    size_t   len;
    size_t   room;
};


static void gateway_set(grid_gateway_t *gateway);
static size_t gateway_take(char *data, size_t size, size_t n, void *user);
static int gateway_perform(grid_gateway_t *gateway, const char *method,
    const char *path, const char *body);
static void gateway_refused(grid_gateway_t *gateway, long status,
    yajl_val doc);


grid_gateway_t *
grid_gateway_open(const grid_options_t *options)
{
    size_t           n;
    const char      *where;
    grid_gateway_t  *gateway;

    where = options->admin;

    if (strncmp(where, "unix:/", 6) != 0 && strncmp(where, "http://", 7) != 0
        && strncmp(where, "https://", 8) != 0)
    {
        (void) grid_fail(GRID_USAGE, "--admin \"%s\" is neither unix:/PATH "
                         "nor http://... nor https://...", where);
        return NULL;
    }

    gateway = grid_alloc(sizeof(grid_gateway_t));

    gateway->where = grid_copy(where);
    gateway->base = grid_copy(where[0] == 'u' ? "http://localhost" : where);

    for (n = strlen(gateway->base); gateway->base[n - 1] == '/'; n--) {
        gateway->base[n - 1] = '\0';
    }

    gateway->curl = curl_easy_init();

    if (gateway->curl == NULL) {
        (void) grid_fail(GRID_FAILED, "libcurl does not start");
        grid_gateway_close(gateway);
        return NULL;
    }

    gateway_set(gateway);

    return gateway;
}


static void
gateway_set(grid_gateway_t *gateway)
{
    CURL  *curl = gateway->curl;

    if (strncmp(gateway->where, "unix:", 5) == 0) {
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, gateway->where + 5);
    }

    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, GATEWAY_CONNECT);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, GATEWAY_ANSWER);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, gateway->error);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, gateway_take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, gateway);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "wgw-grid");
}


void
grid_gateway_close(grid_gateway_t *gateway)
{
    if (gateway->curl) {
        curl_easy_cleanup(gateway->curl);
    }

    free(gateway->where);
    free(gateway->base);
    free(gateway->data);
    free(gateway);
}


static size_t
gateway_take(char *data, size_t size, size_t n, void *user)
{
    grid_gateway_t  *gateway = user;

    n *= size;

    if (n > GRID_GATEWAY_REPLY - gateway->len) {
        return 0;
    }

    if (gateway->len + n + 1 > gateway->room) {
        gateway->room = (gateway->len + n + 1) * 2;
        gateway->data = grid_grow(gateway->data, gateway->room);
    }

    memcpy(gateway->data + gateway->len, data, n);
    gateway->len += n;
    gateway->data[gateway->len] = '\0';

    return n;
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

    curl_easy_getinfo(gateway->curl, CURLINFO_RESPONSE_CODE, status);

    doc = gateway->len ? wgw_doc_read(gateway->data, gateway->len) : NULL;

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
    CURL               *curl = gateway->curl;
    CURLcode            code;
    struct curl_slist  *headers;

    gateway->len = 0;
    gateway->why[0] = '\0';
    gateway->error[0] = '\0';

    url = grid_format("%s%s", gateway->base, path);

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

    code = curl_easy_perform(curl);

    curl_slist_free_all(headers);
    free(url);

    if (code != CURLE_OK) {
        grid_put(gateway->why, sizeof(gateway->why), "the gateway at %s does "
                 "not answer: %s", gateway->where, gateway->error[0]
                 ? gateway->error : curl_easy_strerror(code));
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
    char  *p, *end;

    p = path + strlen(path);
    end = path + GRID_GATEWAY_PATH - 4;

    for ( /* void */ ; *text && p < end; text++) {
        if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z')
            || (*text >= '0' && *text <= '9') || strchr("-._~*:", *text))
        {
            *p++ = *text;

        } else {
            p += sprintf(p, "%%%02X", (unsigned) (unsigned char) *text);
        }
    }

    *p = '\0';
}


void
grid_gateway_name(char path[GRID_GATEWAY_PATH], const char *name)
{
    grid_put(path, GRID_GATEWAY_PATH, "/v1/names/");
    grid_gateway_escape(path, name);
}
