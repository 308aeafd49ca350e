
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/reply.h"
#include "core/request.h"
#include "format/addr.h"


static ngx_uint_t request_host(ngx_str_t *host, ngx_array_t *hosts);
static ngx_int_t request_address(wgw_addr_t *addr, ngx_str_t *host);
static ngx_uint_t request_same_origin(ngx_str_t *origin, ngx_str_t *host,
    ngx_str_t *server);
static void request_path(ngx_http_request_t *r, ngx_str_t *path);
static ngx_uint_t request_is(u_char *p, u_char *last, const char *type);
static ngx_int_t request_unescape(ngx_http_request_t *r, wgw_text_t *text);


void *
wgw_request_lost(ngx_http_request_t *r, ngx_module_t *module,
    ngx_pool_cleanup_pt handler)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == handler) {
            r->ctx[module->ctx_index] = cln->data;
            return cln->data;
        }
    }

    return NULL;
}


ngx_table_elt_t *
wgw_request_header(ngx_http_request_t *r, const char *name, ngx_uint_t *n)
{
    size_t            len;
    ngx_uint_t        i, found;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header, *first;

    len = ngx_strlen(name);
    first = NULL;
    found = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (header[i].key.len != len
                || ngx_memcmp(header[i].lowcase_key, name, len) != 0)
            {
                continue;
            }

            if (found++ == 0) {
                first = &header[i];
            }
        }
    }

    if (n) {
        *n = found;
    }

    return first;
}


ngx_int_t
wgw_request_rest(ngx_http_request_t *r, wgw_text_t *rest)
{
    ngx_str_t                 *name, path;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    name = &clcf->name;

    rest->data = "";
    rest->len = 0;

    if (r->uri.len <= name->len
        || ngx_strncmp(r->uri.data, name->data, name->len) != 0)
    {
        return NGX_OK;
    }

    path = r->uri;

    if (r->valid_unparsed_uri) {
        request_path(r, &path);

        if (path.len <= name->len
            || ngx_strncmp(path.data, name->data, name->len) != 0)
        {
            return NGX_DECLINED;
        }
    }

    rest->data = (char *) path.data + name->len;
    rest->len = path.len - name->len;

    if (name->len == 0 || name->data[name->len - 1] != '/') {

        if (rest->data[0] != '/') {
            return NGX_DECLINED;
        }

        rest->data++;
        rest->len--;
    }

    return r->valid_unparsed_uri ? request_unescape(r, rest) : NGX_OK;
}


/* As it came, with escapes, double slashes and dots. */

static void
request_path(ngx_http_request_t *r, ngx_str_t *path)
{
    size_t  len;

    *path = r->unparsed_uri;

    for (len = 0; len < path->len; len++) {
        if (path->data[len] == '?' || path->data[len] == '#') {
            break;
        }
    }

    path->len = len;
}


static ngx_int_t
request_unescape(ngx_http_request_t *r, wgw_text_t *text)
{
    u_char  *dst, *src;

    src = (u_char *) text->data;

    if (ngx_strlchr(src, src + text->len, '%') == NULL) {
        return NGX_OK;
    }

    dst = ngx_pnalloc(r->pool, text->len);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    text->data = (char *) dst;

    ngx_unescape_uri(&dst, &src, text->len, 0);

    text->len = (char *) dst - text->data;

    return NGX_OK;
}


ngx_int_t
wgw_request_body(ngx_http_request_t *r, size_t max, wgw_text_t *body)
{
    u_char       *p;
    size_t        len;
    ngx_buf_t    *buf;
    ngx_chain_t  *in, *cl;

    in = r->request_body ? r->request_body->bufs : NULL;

    body->data = "";
    body->len = 0;

    for (cl = in; cl; cl = cl->next) {
        len = (size_t) ngx_buf_size(cl->buf);

        if (len > max - body->len) {
            return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
        }

        body->len += len;
    }

    if (body->len == 0) {
        return NGX_OK;
    }

    if (in->next == NULL && ngx_buf_in_memory(in->buf)) {
        body->data = (char *) in->buf->pos;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, body->len);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body->data = (char *) p;

    for (cl = in; cl; cl = cl->next) {
        buf = cl->buf;
        len = (size_t) ngx_buf_size(buf);

        if (ngx_buf_in_memory(buf)) {
            p = ngx_cpymem(p, buf->pos, len);
            continue;
        }

        if (len
            && ngx_read_file(buf->file, p, len, buf->file_pos)
               != (ssize_t) len)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        p += len;
    }

    return NGX_OK;
}


ngx_uint_t
wgw_request_trusted(ngx_http_request_t *r, ngx_array_t *hosts)
{
    ngx_str_t         *host;
    ngx_uint_t         n;
    ngx_table_elt_t   *origin;

    host = &r->headers_in.server;

    if (host->len && !request_host(host, hosts)) {
        return 0;
    }

    origin = wgw_request_header(r, "origin", &n);

    if (origin == NULL) {
        return 1;
    }

    return n == 1
           && r->headers_in.host
           && request_same_origin(&origin->value,
                                  &r->headers_in.host->value, host);
}


/*
 * By either scheme.  A request line with a host of its own makes that the
 * server's name: Host is then another name, if it does not begin with it.
 */

static ngx_uint_t
request_same_origin(ngx_str_t *origin, ngx_str_t *host, ngx_str_t *server)
{
    size_t  len;

    if (origin->len <= host->len + sizeof("://") - 1
        || ngx_strncasecmp(origin->data + origin->len - host->len, host->data,
                           host->len)
           != 0)
    {
        return 0;
    }

    if (host->len < server->len
        || ngx_strncasecmp(host->data, server->data, server->len) != 0)
    {
        return 0;
    }

    len = origin->len - host->len;

    return (len == sizeof("http://") - 1
            && ngx_strncmp(origin->data, "http://", len) == 0)
           || (len == sizeof("https://") - 1
               && ngx_strncmp(origin->data, "https://", len) == 0);
}


ngx_int_t
wgw_request_distrust(ngx_http_request_t *r)
{
    return wgw_reply_error(r, NGX_HTTP_FORBIDDEN, "",
                           "this Host or Origin may not use the API: use a "
                           "loopback address, localhost or the server_name");
}


/* nginx has stripped the port, and keeps the brackets of IPv6. */

static ngx_uint_t
request_host(ngx_str_t *host, ngx_array_t *hosts)
{
    ngx_str_t   *name;
    ngx_uint_t   i;
    wgw_addr_t   addr, other;

    if (hosts == NULL) {
        return 1;
    }

    if (host->len == sizeof("localhost") - 1
        && ngx_strncasecmp(host->data, (u_char *) "localhost", host->len)
           == 0)
    {
        return 1;
    }

    addr.family = 0;

    if (request_address(&addr, host) == NGX_OK && wgw_addr_loopback(&addr)) {
        return 1;
    }

    name = hosts->elts;

    for (i = 0; i < hosts->nelts; i++) {

        if (addr.family
            && request_address(&other, &name[i]) == NGX_OK
            && wgw_addr_equal(&addr, &other))
        {
            return 1;
        }

        if (name[i].len == host->len
            && ngx_strncasecmp(name[i].data, host->data, host->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
request_address(wgw_addr_t *addr, ngx_str_t *host)
{
    wgw_text_t  text;

    text.data = (char *) host->data;
    text.len = host->len;

    if (text.len > 2 && text.data[0] == '['
        && text.data[text.len - 1] == ']')
    {
        text.data++;
        text.len -= 2;
    }

    return wgw_addr_parse(addr, text) == 0 ? NGX_OK : NGX_DECLINED;
}


char *
wgw_request_hosts(ngx_conf_t *cf, ngx_array_t *hosts)
{
    ngx_str_t                 *host;
    ngx_uint_t                 i;
    ngx_http_server_name_t    *name;
    ngx_http_core_srv_conf_t  *cscf;

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    name = cscf->server_names.elts;

    for (i = 0; i < cscf->server_names.nelts; i++) {

        if (name[i].name.len == 0) {
            continue;
        }

        host = ngx_array_push(hosts);
        if (host == NULL) {
            return NGX_CONF_ERROR;
        }

        *host = name[i].name;
    }

    return NGX_CONF_OK;
}


ngx_uint_t
wgw_request_inherits(ngx_conf_t *cf, ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* one that has another handler has other settings, too */

    if (!clcf->noname || clcf->handler) {
        return 0;
    }

    if (clcf->lmt_excpt) {
        clcf->handler = handler;
    }

    return 1;
}


void
wgw_request_wait(ngx_http_request_t *r)
{
    r->main->blocked++;
}


void
wgw_request_resume(ngx_http_request_t *r)
{
    ngx_http_set_log_request(r->connection->log, r);

    r->main->blocked--;
}


void
wgw_request_finish(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_connection_t  *c;

    c = r->connection;

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


ngx_uint_t
wgw_request_accepts(ngx_http_request_t *r, const char *type)
{
    u_char           *p, *end, *last;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len != 6
                || ngx_memcmp(h[i].lowcase_key, "accept", 6) != 0)
            {
                continue;
            }

            p = h[i].value.data;
            last = p + h[i].value.len;

            for ( /* void */ ; p < last; p = end + 1) {
                end = ngx_strlchr(p, last, ',');

                if (end == NULL) {
                    end = last;
                }

                if (request_is(p, end, type)) {
                    return 1;
                }
            }
        }
    }

    return 0;
}


/* One of a list: "TYPE; q=0" is one that is not wanted. */

static ngx_uint_t
request_is(u_char *p, u_char *last, const char *type)
{
    size_t   len;
    u_char  *q;

    len = ngx_strlen(type);

    while (p < last && (*p == ' ' || *p == '\t')) {
        p++;
    }

    if ((size_t) (last - p) < len
        || ngx_strncasecmp(p, (u_char *) type, len) != 0)
    {
        return 0;
    }

    p += len;

    if (p < last && *p != ';' && *p != ' ' && *p != '\t') {
        return 0;
    }

    q = ngx_strlcasestrn(p, last, (u_char *) "q=0", 3 - 1);

    if (q == NULL || (q[-1] != ';' && q[-1] != ' ' && q[-1] != '\t')) {
        return 1;
    }

    /* 0, 0.0 and so on */

    for (q += 3; q < last && (*q == '.' || *q == '0'); q++) {
        /* void */
    }

    return q < last && *q >= '1' && *q <= '9';
}


/*
 * The name was deleted.  A reset, so that a body without a length does not
 * look whole; in HTTP/2 nginx resets the stream.
 */

void
wgw_request_end(void *data)
{
    ngx_http_request_t *r = data;

    ngx_uint_t         reset;
    struct linger      linger;
    ngx_connection_t  *c;

    c = r->connection;

#if (NGX_HTTP_V2)
    reset = (r->stream == NULL);
#else
    reset = 1;
#endif

    if (reset) {
        linger.l_onoff = 1;
        linger.l_linger = 0;

        if (setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger,
                       sizeof(struct linger)) == -1)
        {
            ngx_log_error(NGX_LOG_INFO, c->log, ngx_socket_errno,
                          "setsockopt(SO_LINGER) failed");
        }
    }

    ngx_http_set_log_request(c->log, r);

    /* as in a shutdown: or an upstream's cleanup would free the request */

    r->main->count++;

    ngx_http_finalize_request(r, NGX_HTTP_CLOSE);
    ngx_http_run_posted_requests(c);
}
