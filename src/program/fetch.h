
/*
 * fetch: requests by libcurl, for the programs beside nginx.
 *
 * A handle is of one thread and keeps its connection.  What is set on `curl`
 * for one request (method, body, fields, time) is its owner's; what all have
 * alike, and the reply, is here.
 */

#ifndef WGW_FETCH_H
#define WGW_FETCH_H


#include <stddef.h>

#include <curl/curl.h>

#pragma GCC visibility push(hidden)


typedef struct {
    CURL        *curl;
    char        *base;                  /* of wgw_fetch_base(), or NULL */
    const char  *unix_socket;           /* that it is at, or NULL */
    char         error[CURL_ERROR_SIZE];

    char        *data;                  /* of the last reply, terminated ... */
    size_t       len;                   /* ... if this is not 0 */
    size_t       room;
    size_t       max;
} wgw_fetch_t;


/*
 * `agent` is what it says it is; replies have at most `max` bytes, and a
 * connection is there within so many seconds.  0, or -1: libcurl does not
 * start.  To be closed in either case.
 */
int wgw_fetch_open(wgw_fetch_t *fetch, const char *agent, size_t max,
    long seconds);
void wgw_fetch_close(wgw_fetch_t *fetch);

/*
 * Where the gateway's API is: "unix:/PATH", or a URL below which is /v1, for
 * which no proxy is asked.  `where` must live as long.  0, or -1 for neither.
 */
int wgw_fetch_base(wgw_fetch_t *fetch, const char *where);

/* The request that is set; after another code than 0, `error` says why. */
CURLcode wgw_fetch_perform(wgw_fetch_t *fetch);

/*
 * Appends a part of a path, or a value of a query, with its escapes, to a
 * terminated path in `size` bytes; cut where it does not fit.
 */
void wgw_fetch_escape(char *path, size_t size, const char *text);


#pragma GCC visibility pop

#endif /* WGW_FETCH_H */
