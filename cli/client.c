
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/client.h"
#include "cli/file.h"
#include "program/memory.h"


#define CLIENT_CONNECT   10L            /* seconds */
#define CLIENT_ANSWER    60L            /* where no file is sent */
#define CLIENT_PASSWORD  4096


static const char *client_where(const cli_t *cli, const cli_conf_t *conf);
static int client_password(cli_client_t *c, const cli_conf_t *conf);
static void client_set(cli_client_t *c, const cli_conf_t *conf);
static struct curl_slist *client_request(cli_client_t *c,
    const cli_call_t *call, const char *url);
static struct curl_slist *client_body(cli_client_t *c, const cli_call_t *call,
    struct curl_slist *headers);
static size_t client_give(char *data, size_t size, size_t n, void *user);
static int client_seek(void *user, curl_off_t offset, int origin);
static int client_progress(void *user, curl_off_t dltotal, curl_off_t dlnow,
    curl_off_t ultotal, curl_off_t ulnow);
static int client_away(cli_client_t *c, CURLcode code);


int
cli_client_open(cli_client_t *c, const cli_t *cli, const cli_conf_t *conf)
{
    int          rc;
    const char  *where, *rest;

    memset(c, 0, sizeof(cli_client_t));

    c->cli = cli;

    where = client_where(cli, conf);
    c->where = wgw_copy(where);

    if (wgw_fetch_open(&c->fetch, "wgw", CLI_REPLY_MAX, CLIENT_CONNECT) != 0) {
        return cli_fail(cli, CLI_FAILED, "libcurl does not start");
    }

    if (wgw_fetch_base(&c->fetch, c->where) != 0) {
        return cli_fail(cli, CLI_USAGE, "\"%s\" is neither unix:/PATH nor "
                        "http://... nor https://...", where);
    }

    rest = c->fetch.unix_socket ? "" : strstr(where, "://") + 3;

    if (memchr(rest, '@', strcspn(rest, "/"))) {
        return cli_fail(cli, CLI_USAGE, "a user and password are not for a "
                        "URL, where ps shows them: put them in a file, see "
                        "--password-file");
    }

    rc = client_password(c, conf);

    if (rc == CLI_OK) {
        client_set(c, conf);
    }

    return rc;
}


static const char *
client_where(const cli_t *cli, const cli_conf_t *conf)
{
    const char  *where;

    if (cli->url) {
        return cli->url;
    }

    where = getenv("WGW_URL");

    return where && where[0] ? where : cli_conf_get(conf, "url", CLI_SOCKET);
}


static int
client_password(cli_client_t *c, const cli_conf_t *conf)
{
    size_t        len;
    const char   *path;
    struct stat   st;

    path = c->cli->password_file
           ? c->cli->password_file
           : cli_conf_get(conf, "password_file", NULL);

    if (path == NULL) {
        return CLI_OK;
    }

    c->password = cli_file_read(path, CLIENT_PASSWORD, &len);

    if (c->password == NULL || stat(path, &st) != 0) {
        return cli_fail_file(c->cli, path);
    }

    if (st.st_mode & 077) {
        return cli_fail(c->cli, CLI_FAILED, "%s may be read by others: "
                        "chmod 600 %s", path, path);
    }

    c->password[strcspn(c->password, "\r\n")] = '\0';

    if (strchr(c->password, ':') == NULL) {
        return cli_fail(c->cli, CLI_FAILED, "%s has no line user:password",
                        path);
    }

    return CLI_OK;
}


static void
client_set(cli_client_t *c, const cli_conf_t *conf)
{
    const char  *cacert;

    cacert = c->cli->cacert ? c->cli->cacert
                            : cli_conf_get(conf, "cacert", NULL);

    if (cacert) {
        curl_easy_setopt(c->fetch.curl, CURLOPT_CAINFO, cacert);
    }

    if (c->password) {
        curl_easy_setopt(c->fetch.curl, CURLOPT_USERPWD, c->password);
    }
}


void
cli_client_close(cli_client_t *c)
{
    wgw_fetch_close(&c->fetch);

    if (c->password) {
        memset(c->password, 0, strlen(c->password));
    }

    free(c->password);
    free(c->where);
}


int
cli_client_call(cli_client_t *c, const cli_call_t *call, const char *path)
{
    char               *url;
    CURLcode            code;
    struct curl_slist  *headers;

    c->status = 0;

    url = wgw_format("%s%s", c->fetch.base, path);
    headers = client_request(c, call, url);

    code = wgw_fetch_perform(&c->fetch);

    curl_slist_free_all(headers);
    free(url);

    if (code != CURLE_OK) {
        return client_away(c, code);
    }

    curl_easy_getinfo(c->fetch.curl, CURLINFO_RESPONSE_CODE, &c->status);

    return CLI_OK;
}


static struct curl_slist *
client_request(cli_client_t *c, const cli_call_t *call, const char *url)
{
    char               *line;
    struct curl_slist  *headers;

    /* no waiting for 100 */
    headers = curl_slist_append(NULL, "Expect:");

    if (call->type) {
        line = wgw_format("Content-Type: %s", call->type);
        headers = curl_slist_append(headers, line);
        free(line);
    }

    if (call->condition) {
        headers = curl_slist_append(headers, call->condition);
    }

    curl_easy_setopt(c->fetch.curl, CURLOPT_URL, url);
    curl_easy_setopt(c->fetch.curl, CURLOPT_CUSTOMREQUEST, NULL);
    curl_easy_setopt(c->fetch.curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(c->fetch.curl, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(c->fetch.curl, CURLOPT_TIMEOUT,
                     call->file ? 0L : CLIENT_ANSWER);

    headers = client_body(c, call, headers);

    if (call->method) {
        curl_easy_setopt(c->fetch.curl, CURLOPT_CUSTOMREQUEST, call->method);
    }

    if (call->progress) {
        curl_easy_setopt(c->fetch.curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(c->fetch.curl, CURLOPT_XFERINFOFUNCTION,
                         client_progress);
        curl_easy_setopt(c->fetch.curl, CURLOPT_XFERINFODATA, call->progress);
    }

    curl_easy_setopt(c->fetch.curl, CURLOPT_HTTPHEADER, headers);

    return headers;
}


static struct curl_slist *
client_body(cli_client_t *c, const cli_call_t *call,
    struct curl_slist *headers)
{
    if (call->file) {
        curl_easy_setopt(c->fetch.curl, CURLOPT_POST, 1L);
        curl_easy_setopt(c->fetch.curl, CURLOPT_POSTFIELDS, NULL);
        curl_easy_setopt(c->fetch.curl, CURLOPT_READFUNCTION, client_give);
        curl_easy_setopt(c->fetch.curl, CURLOPT_READDATA, call->file);
        curl_easy_setopt(c->fetch.curl, CURLOPT_SEEKFUNCTION, client_seek);
        curl_easy_setopt(c->fetch.curl, CURLOPT_SEEKDATA, call->file);
        curl_easy_setopt(c->fetch.curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t) call->size);

        if (call->size < 0) {
            headers = curl_slist_append(headers,
                                        "Transfer-Encoding: chunked");
        }

    } else if (call->body) {
        curl_easy_setopt(c->fetch.curl, CURLOPT_POST, 1L);
        curl_easy_setopt(c->fetch.curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t) call->len);
        curl_easy_setopt(c->fetch.curl, CURLOPT_POSTFIELDS, call->body);
    }

    return headers;
}


static size_t
client_give(char *data, size_t size, size_t n, void *user)
{
    FILE  *file = user;

    n = fread(data, 1, size * n, file);

    return n == 0 && ferror(file) ? CURL_READFUNC_ABORT : n;
}


/* When a kept connection was closed meanwhile, curl begins anew. */

static int
client_seek(void *user, curl_off_t offset, int origin)
{
    return fseeko(user, (off_t) offset, origin) == 0 ? CURL_SEEKFUNC_OK
                                                     : CURL_SEEKFUNC_FAIL;
}


static int
client_progress(void *user, curl_off_t dltotal, curl_off_t dlnow,
    curl_off_t ultotal, curl_off_t ulnow)
{
    (void) dltotal;
    (void) dlnow;

    cli_progress_bytes(user, (uint64_t) ulnow,
                       ultotal > 0 ? (uint64_t) ultotal : 0);

    return 0;
}


static int
client_away(cli_client_t *c, CURLcode code)
{
    long         err;
    const char  *cure;

    err = 0;
    curl_easy_getinfo(c->fetch.curl, CURLINFO_OS_ERRNO, &err);

    /* of a socket curl says the host of the URL, which is none */

    if (code == CURLE_COULDNT_CONNECT && err && c->fetch.unix_socket) {
        (void) snprintf(c->fetch.error, sizeof(c->fetch.error), "%s",
                        strerror((int) err));
    }

    cure = err == EACCES ? "; only root and the gateway's group may"
           : err == ENOENT || err == ECONNREFUSED
             ? "; does it run? (systemctl status wgw)" : "";

    return cli_fail(c->cli, code == CURLE_ABORTED_BY_CALLBACK
                            || code == CURLE_READ_ERROR ? CLI_FAILED
                                                        : CLI_AWAY,
                    "the gateway at %s does not answer: %s%s", c->where,
                    c->fetch.error, cure);
}


int
cli_client_ask(cli_client_t *c, const cli_call_t *call, const char *path,
    const char *subject)
{
    int  rc;

    rc = cli_client_call(c, call, path);

    if (rc == CLI_OK && c->status >= 300) {
        return cli_client_refused(c, subject);
    }

    return rc;
}


int
cli_client_refused(cli_client_t *c, const char *subject)
{
    int       rc;
    char      other[96];
    yajl_val  doc;

    rc = c->status == 404 ? CLI_NONE
         : c->status == 409 || c->status == 412 ? CLI_CONFLICT : CLI_FAILED;

    doc = c->fetch.len ? wgw_doc_read(c->fetch.data, c->fetch.len) : NULL;

    if (wgw_doc_text(doc, "error")[0]) {
        cli_fail_field(c->cli, rc, subject, wgw_doc_text(doc, "field"),
                       wgw_doc_text(doc, "error"),
                       wgw_doc_number(doc, "line"), c->status);

    } else {
        (void) snprintf(other, sizeof(other), "the gateway answered %ld%s",
                        c->status, c->status == 404
                        ? ": that is not configured there"
                        : c->status == 413
                          ? ": more than its client_max_body_size" : "");
        cli_fail_field(c->cli, rc, subject, "", other, 0, c->status);
    }

    yajl_tree_free(doc);

    return rc;
}


yajl_val
cli_client_get(cli_client_t *c, const char *path, const char *subject,
    int *rc)
{
    yajl_val    doc;
    cli_call_t  call;

    memset(&call, 0, sizeof(call));

    *rc = cli_client_ask(c, &call, path, subject);

    if (*rc != CLI_OK) {
        return NULL;
    }

    doc = c->fetch.len ? wgw_doc_read(c->fetch.data, c->fetch.len) : NULL;

    if (!YAJL_IS_OBJECT(doc)) {
        *rc = cli_fail(c->cli, CLI_FAILED, "what answers at %s is not the "
                       "gateway's administration", c->where);
        yajl_tree_free(doc);
        return NULL;
    }

    return doc;
}


void
cli_client_escape(char path[CLI_PATH], const char *text)
{
    wgw_fetch_escape(path, CLI_PATH, text);
}
