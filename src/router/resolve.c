
#include <ngx_config.h>
#include <ngx_core.h>

#include "crypto/hash.h"
#include "router/resolve.h"


#define RESOLVE_FILE     65536          /* bytes of a file that are read */
#define RESOLVE_SERVERS  3
#define RESOLVE_LEAST    5
#define RESOLVE_MOST     300


static ngx_int_t resolve_literal(wgw_host_t *host);
static void resolve_timer(ngx_event_t *ev);
static void resolve_done(ngx_resolver_ctx_t *ctx);
static void resolve_again(wgw_host_t *host, time_t seconds);
static ngx_uint_t resolve_hosts(wgw_host_t *host);
static ngx_uint_t resolve_line(wgw_host_t *host, u_char *p, u_char *last);
static void resolve_add(wgw_host_t *host, struct sockaddr *sockaddr,
    socklen_t socklen);
static u_char *resolve_word(u_char **p, u_char *last);
static size_t resolve_read(const char *name, u_char *buf);


ngx_resolver_t *
wgw_resolve_system(ngx_conf_t *cf)
{
    u_char      *buf, *p, *last, *line, *word;
    ngx_str_t    names[RESOLVE_SERVERS];
    ngx_uint_t   n;

    buf = ngx_palloc(cf->temp_pool, RESOLVE_FILE);
    if (buf == NULL) {
        return NULL;
    }

    last = buf + resolve_read("/etc/resolv.conf", buf);
    n = 0;

    for (p = buf; p < last && n < RESOLVE_SERVERS; p = line + 1) {
        line = ngx_strlchr(p, last, '\n');
        line = line ? line : last;

        word = resolve_word(&p, line);

        if (p - word != sizeof("nameserver") - 1
            || ngx_strncmp(word, "nameserver", p - word) != 0)
        {
            continue;
        }

        word = resolve_word(&p, line);

        /* a link-local one has a zone that nginx does not take */

        if (p == word || ngx_strlchr(word, p, '%')) {
            continue;
        }

        names[n].len = p - word + 2;
        names[n].data = ngx_pnalloc(cf->pool, names[n].len);
        if (names[n].data == NULL) {
            return NULL;
        }

        names[n].len = ngx_sprintf(names[n].data,
                                   ngx_strlchr(word, p, ':') ? "[%*s]"
                                                             : "%*s",
                                   (size_t) (p - word), word)
                       - names[n].data;
        n++;
    }

    return n ? ngx_resolver_create(cf, names, n) : NULL;
}


ngx_int_t
wgw_resolve_host(ngx_conf_t *cf, wgw_host_t *host)
{
    host->addresses = ngx_pcalloc(cf->pool, WGW_RESOLVE_ADDRESSES
                                            * sizeof(wgw_address_t));
    if (host->addresses == NULL) {
        return NGX_ERROR;
    }

    host->literal = (resolve_literal(host) == NGX_OK);
    host->asked = host->literal;

    return NGX_OK;
}


static ngx_int_t
resolve_literal(wgw_host_t *host)
{
    u_char               *p;
    size_t                len;
    in_addr_t             addr;
    struct sockaddr_in    sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6   sin6;
#endif

    p = host->name.data;
    len = host->name.len;

#if (NGX_HAVE_INET6)

    if (len > 2 && p[0] == '[') {
        ngx_memzero(&sin6, sizeof(struct sockaddr_in6));
        sin6.sin6_family = AF_INET6;

        if (ngx_inet6_addr(p + 1, len - 2, sin6.sin6_addr.s6_addr)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        resolve_add(host, (struct sockaddr *) &sin6, sizeof(sin6));
        return NGX_OK;
    }

#endif

    addr = ngx_inet_addr(p, len);

    if (addr == INADDR_NONE) {
        return NGX_DECLINED;
    }

    ngx_memzero(&sin, sizeof(struct sockaddr_in));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = addr;

    resolve_add(host, (struct sockaddr *) &sin, sizeof(sin));

    return NGX_OK;
}


void
wgw_resolve_start(wgw_host_t *host)
{
    if (host->literal) {
        return;
    }

    host->timer.handler = resolve_timer;
    host->timer.data = host;
    host->timer.log = ngx_cycle->log;
    host->timer.cancelable = 1;

    resolve_timer(&host->timer);
}


static void
resolve_timer(ngx_event_t *ev)
{
    wgw_host_t *host = ev->data;

    ngx_resolver_ctx_t  *ctx;

    if (ngx_exiting || host->question) {
        return;
    }

    if (resolve_hosts(host)) {
        host->asked = 1;
        host->changed();
        resolve_again(host, RESOLVE_MOST / 5);
        return;
    }

    if (host->resolver == NULL) {
        host->asked = 1;
        resolve_again(host, RESOLVE_MOST / 5);
        return;
    }

    ctx = ngx_resolve_start(host->resolver, NULL);

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        resolve_again(host, RESOLVE_LEAST);
        return;
    }

    ctx->name = host->name;
    ctx->handler = resolve_done;
    ctx->data = host;
    ctx->timeout = host->timeout;
    ctx->cancelable = 1;

    host->question = ctx;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        host->question = NULL;
        resolve_again(host, RESOLVE_LEAST);
    }
}


static void
resolve_done(ngx_resolver_ctx_t *ctx)
{
    time_t       seconds;
    ngx_uint_t   i;
    wgw_host_t  *host;

    host = ctx->data;
    host->question = NULL;
    host->asked = 1;

    if (ctx->state || ctx->naddrs == 0) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "provider's host %V could not be resolved (%i: %s)",
                      &host->name, ctx->state,
                      ngx_resolver_strerror(ctx->state));

        seconds = RESOLVE_LEAST;

    } else {
        host->naddresses = 0;

        for (i = 0; i < ctx->naddrs; i++) {
            resolve_add(host, ctx->addrs[i].sockaddr, ctx->addrs[i].socklen);
        }

        seconds = ctx->valid - ngx_time();
    }

    ngx_resolve_name_done(ctx);

    host->changed();

    resolve_again(host, seconds);
}


static void
resolve_again(wgw_host_t *host, time_t seconds)
{
    seconds = ngx_max(seconds, RESOLVE_LEAST);
    seconds = ngx_min(seconds, RESOLVE_MOST);

    ngx_add_timer(&host->timer, (ngx_msec_t) seconds * 1000);
}


wgw_address_t *
wgw_resolve_next(wgw_host_t *host)
{
    if (host->naddresses == 0) {
        return NULL;
    }

    return &host->addresses[host->next++ % host->naddresses];
}


/* How many addresses /etc/hosts has for it. */

static ngx_uint_t
resolve_hosts(wgw_host_t *host)
{
    u_char      *buf, *p, *last, *line;
    ngx_uint_t   was, found;

    buf = ngx_alloc(RESOLVE_FILE, ngx_cycle->log);
    if (buf == NULL) {
        return 0;
    }

    last = buf + resolve_read("/etc/hosts", buf);

    was = host->naddresses;
    host->naddresses = 0;
    found = 0;

    for (p = buf; p < last; p = line + 1) {
        line = ngx_strlchr(p, last, '\n');
        line = line ? line : last;

        found += resolve_line(host, p, line);
    }

    if (found == 0) {
        host->naddresses = was;
    }

    ngx_free(buf);

    return found;
}


/* ADDRESS NAME ... # comment: adds it where the name is there. */

static ngx_uint_t
resolve_line(wgw_host_t *host, u_char *p, u_char *last)
{
    u_char      *comment, *word;
    ngx_str_t    text;
    ngx_addr_t   addr;
    ngx_pool_t  *pool;
    ngx_uint_t   found;

    comment = ngx_strlchr(p, last, '#');
    last = comment ? comment : last;

    text.data = resolve_word(&p, last);
    text.len = p - text.data;

    found = 0;

    while (text.len && p < last) {
        word = resolve_word(&p, last);

        if ((size_t) (p - word) == host->name.len
            && ngx_strncasecmp(word, host->name.data, host->name.len) == 0)
        {
            found = 1;
            break;
        }
    }

    if (!found) {
        return 0;
    }

    pool = ngx_create_pool(512, ngx_cycle->log);
    if (pool == NULL) {
        return 0;
    }

    found = ngx_parse_addr(pool, &addr, text.data, text.len) == NGX_OK;

    if (found) {
        resolve_add(host, addr.sockaddr, addr.socklen);
    }

    ngx_destroy_pool(pool);

    return found;
}


static void
resolve_add(wgw_host_t *host, struct sockaddr *sockaddr, socklen_t socklen)
{
    wgw_address_t  *address;

    static const uint8_t  seed[WGW_HASH_SEED];

    if (host->naddresses == WGW_RESOLVE_ADDRESSES
        || socklen > sizeof(ngx_sockaddr_t))
    {
        return;
    }

    address = &host->addresses[host->naddresses++];

    ngx_memzero(&address->sockaddr, sizeof(ngx_sockaddr_t));
    ngx_memcpy(&address->sockaddr, sockaddr, socklen);
    ngx_inet_set_port(&address->sockaddr.sockaddr, host->port);

    address->socklen = socklen;
    address->text.data = address->buffer;
    address->text.len = ngx_sock_ntop(&address->sockaddr.sockaddr, socklen,
                                      address->buffer, NGX_SOCKADDR_STRLEN,
                                      1);

    wgw_hash_128(seed, &address->sockaddr, sizeof(ngx_sockaddr_t),
                 address->hash);
}


static u_char *
resolve_word(u_char **p, u_char *last)
{
    u_char  *word;

    while (*p < last && (**p == ' ' || **p == '\t' || **p == '\r')) {
        (*p)++;
    }

    word = *p;

    while (*p < last && **p != ' ' && **p != '\t' && **p != '\r') {
        (*p)++;
    }

    return word;
}


static size_t
resolve_read(const char *name, u_char *buf)
{
    ssize_t   n;
    ngx_fd_t  fd;

    fd = ngx_open_file((u_char *) name, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return 0;
    }

    n = ngx_read_fd(fd, buf, RESOLVE_FILE);

    (void) ngx_close_file(fd);

    return n > 0 ? (size_t) n : 0;
}
