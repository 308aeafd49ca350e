
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program/fetch.h"
#include "program/memory.h"


static size_t fetch_take(char *data, size_t size, size_t n, void *user);


int
wgw_fetch_open(wgw_fetch_t *fetch, const char *agent, size_t max,
    long seconds)
{
    CURL  *curl;

    memset(fetch, 0, sizeof(wgw_fetch_t));

    curl = curl_easy_init();

    if (curl == NULL) {
        return -1;
    }

    fetch->curl = curl;
    fetch->max = max;

    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, seconds);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, fetch->error);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, fetch_take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetch);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, agent);

    return 0;
}


void
wgw_fetch_close(wgw_fetch_t *fetch)
{
    if (fetch->curl) {
        curl_easy_cleanup(fetch->curl);
    }

    free(fetch->base);
    free(fetch->data);
}


int
wgw_fetch_base(wgw_fetch_t *fetch, const char *where)
{
    size_t  n;

    if (strncmp(where, "unix:/", 6) == 0) {
        fetch->unix_socket = where + 5;
        where = "http://localhost";
        curl_easy_setopt(fetch->curl, CURLOPT_UNIX_SOCKET_PATH,
                         fetch->unix_socket);

    } else if (strncmp(where, "http://", 7) != 0
               && strncmp(where, "https://", 8) != 0)
    {
        return -1;
    }

    for (n = strlen(where); where[n - 1] == '/'; n--) { /* void */ }

    fetch->base = wgw_copy_bytes(where, n);
    curl_easy_setopt(fetch->curl, CURLOPT_NOPROXY, "*");

    return 0;
}


CURLcode
wgw_fetch_perform(wgw_fetch_t *fetch)
{
    CURLcode  code;

    fetch->len = 0;
    fetch->error[0] = '\0';

    code = curl_easy_perform(fetch->curl);

    if (code != CURLE_OK && fetch->error[0] == '\0') {
        (void) snprintf(fetch->error, sizeof(fetch->error), "%s",
                        curl_easy_strerror(code));
    }

    return code;
}


static size_t
fetch_take(char *data, size_t size, size_t n, void *user)
{
    wgw_fetch_t  *fetch = user;

    n *= size;

    if (n > fetch->max - fetch->len) {
        return 0;
    }

    if (fetch->len + n + 1 > fetch->room) {
        fetch->room = (fetch->len + n + 1) * 2;
        fetch->data = wgw_grow(fetch->data, fetch->room);
    }

    memcpy(fetch->data + fetch->len, data, n);
    fetch->len += n;
    fetch->data[fetch->len] = '\0';

    return n;
}


void
wgw_fetch_escape(char *path, size_t size, const char *text)
{
    char  *p, *end;

    p = path + strlen(path);
    end = path + size - 4;

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
