
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "ledger/redis_link.h"
#include "program/memory.h"


#define REDIS_SECONDS   5               /* for a reply, or to connect */
#define REDIS_BUFFER    65536
#define REDIS_MOST      (64 * 1024 * 1024)      /* bytes of a reply */


struct redis_link_s {
    int           fd;
    SSL          *ssl;
    redisReader  *reader;
    char          address[REDIS_ADDRESS];
    char          buffer[REDIS_BUFFER];
};


static int redis_link_connect(redis_link_t *link);
static int redis_link_socket(const struct addrinfo *ai);
static int redis_link_secure(const redis_login_t *login, redis_link_t *link);
static int redis_link_hello(const redis_login_t *login, redis_link_t *link);
static int redis_link_host(const char *address, char host[REDIS_ADDRESS],
    char port[16]);
static redisReply *redis_link_once(redis_link_t *link, int n,
    const char *const *args);
static int redis_link_send(redis_link_t *link, const char *data, size_t len);
static redisReply *redis_link_reply(redis_link_t *link);


redis_link_t *
redis_link_open(const redis_login_t *login, const char *address)
{
    redis_link_t  *link;

    link = wgw_alloc(sizeof(redis_link_t));
    (void) snprintf(link->address, REDIS_ADDRESS, "%s", address);

    link->fd = redis_link_connect(link);
    link->reader = redisReaderCreate();

    if (link->fd == -1 || link->reader == NULL
        || (login->ssl && redis_link_secure(login, link) != 0)
        || redis_link_hello(login, link) != 0)
    {
        redis_link_close(link);
        return NULL;
    }

    return link;
}


void
redis_link_close(redis_link_t *link)
{
    if (link->reader) {
        redisReaderFree(link->reader);
    }

    SSL_free(link->ssl);

    if (link->fd != -1) {
        (void) close(link->fd);
    }

    free(link);
}


const char *
redis_link_address(const redis_link_t *link)
{
    return link->address;
}


static int
redis_link_connect(redis_link_t *link)
{
    int               fd;
    char              host[REDIS_ADDRESS], port[16];
    struct addrinfo   hints, *list, *ai;

    if (redis_link_host(link->address, host, port) != 0) {
        return -1;
    }

    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;

    if (getaddrinfo(host, port, &hints, &list) != 0) {
        return -1;
    }

    fd = -1;

    for (ai = list; ai && fd == -1; ai = ai->ai_next) {
        fd = redis_link_socket(ai);
    }

    freeaddrinfo(list);

    return fd;
}


static int
redis_link_socket(const struct addrinfo *ai)
{
    int             fd, err, one;
    socklen_t       len;
    struct pollfd   pfd;
    struct timeval  tv;

    fd = socket(ai->ai_family, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);

    if (fd == -1) {
        return -1;
    }

    one = 1;
    err = 0;
    len = sizeof(err);
    tv.tv_sec = REDIS_SECONDS;
    tv.tv_usec = 0;
    pfd.fd = fd;
    pfd.events = POLLOUT;

    if ((connect(fd, ai->ai_addr, ai->ai_addrlen) == -1
         && (errno != EINPROGRESS || poll(&pfd, 1, REDIS_SECONDS * 1000) != 1))
        || getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1 || err
        || fcntl(fd, F_SETFL, 0) == -1
        || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == -1
        || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == -1
        || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == -1)
    {
        (void) close(fd);
        return -1;
    }

    return fd;
}


/* "[::1]:6379", "::1:6379" as Redis writes it, "host:6379" */

static int
redis_link_host(const char *address, char host[REDIS_ADDRESS], char port[16])
{
    size_t       len;
    const char  *colon;

    colon = strrchr(address, ':');

    if (colon == NULL || strlen(colon + 1) >= 16) {
        return -1;
    }

    len = (size_t) (colon - address);

    if (len > 2 && address[0] == '[' && address[len - 1] == ']') {
        address++;
        len -= 2;
    }

    (void) snprintf(host, REDIS_ADDRESS, "%.*s", (int) len, address);
    (void) snprintf(port, 16, "%s", colon + 1);

    return len ? 0 : -1;
}


static int
redis_link_secure(const redis_login_t *login, redis_link_t *link)
{
    char               host[REDIS_ADDRESS], port[16];
    X509_VERIFY_PARAM  *param;

    (void) redis_link_host(link->address, host, port);

    link->ssl = SSL_new(login->ssl);

    if (link->ssl == NULL || SSL_set_fd(link->ssl, link->fd) != 1) {
        return -1;
    }

    param = SSL_get0_param(link->ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) != 1
        && (X509_VERIFY_PARAM_set1_host(param, host, 0) != 1
            || SSL_set_tlsext_host_name(link->ssl, host) != 1))
    {
        return -1;
    }

    if (SSL_connect(link->ssl) == 1) {
        return 0;
    }

    ledger_log("redis \"%s\": TLS failed: %s", link->address,
               X509_verify_cert_error_string(
                   SSL_get_verify_result(link->ssl)));

    return -1;
}


static int
redis_link_hello(const redis_login_t *login, redis_link_t *link)
{
    int          n, rc;
    redisReply  *reply;
    const char  *args[3];

    if (login->password == NULL) {
        return 0;
    }

    n = 0;
    args[n++] = "AUTH";

    if (login->user) {
        args[n++] = login->user;
    }

    args[n++] = login->password;

    reply = redis_link_once(link, n, args);

    if (reply == NULL) {
        return -1;
    }

    rc = reply->type == REDIS_REPLY_ERROR ? -1 : 0;

    if (rc != 0) {
        ledger_log("redis \"%s\": %s", link->address, reply->str);
    }

    freeReplyObject(reply);

    return rc;
}


int
redis_link_master(redis_link_t *link)
{
    int          master;
    redisReply  *reply;

    static const char  *const args[] = { "ROLE" };

    reply = redis_link_once(link, 1, args);

    if (reply == NULL) {
        return 0;
    }

    /* who may not ask is told so when it writes */

    master = reply->type != REDIS_REPLY_ARRAY || reply->elements == 0
             || reply->element[0]->type != REDIS_REPLY_STRING
             || strcmp(reply->element[0]->str, "slave") != 0;

    freeReplyObject(reply);

    return master;
}


redisReply *
redis_link_command(redis_link_t *link, int n, const char *const *args,
    int ask)
{
    redisReply  *reply;

    static const char  *const asking[] = { "ASKING" };

    if (ask) {
        reply = redis_link_once(link, 1, asking);

        if (reply == NULL) {
            return NULL;
        }

        freeReplyObject(reply);
    }

    return redis_link_once(link, n, args);
}


static redisReply *
redis_link_once(redis_link_t *link, int n, const char *const *args)
{
    int          rc;
    char        *command;
    long long    len;
    const char  *copy[REDIS_ARGS];

    memcpy(copy, args, (size_t) n * sizeof(char *));

    len = redisFormatCommandArgv(&command, n, copy, NULL);

    if (len <= 0) {
        return NULL;
    }

    rc = redis_link_send(link, command, (size_t) len);
    redisFreeCommand(command);

    return rc == 0 ? redis_link_reply(link) : NULL;
}


static int
redis_link_send(redis_link_t *link, const char *data, size_t len)
{
    ssize_t  n;

    while (len) {
        n = link->ssl ? SSL_write(link->ssl, data, (int) len)
                      : send(link->fd, data, len, MSG_NOSIGNAL);

        if (n <= 0) {
            if (link->ssl == NULL && n == -1 && errno == EINTR) {
                continue;
            }

            return -1;
        }

        data += n;
        len -= (size_t) n;
    }

    return 0;
}


static redisReply *
redis_link_reply(redis_link_t *link)
{
    void    *reply;
    size_t   fed;
    ssize_t  n;

    fed = 0;

    for ( ;; ) {
        if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
            return NULL;
        }

        if (reply) {
            return reply;
        }

        n = link->ssl ? SSL_read(link->ssl, link->buffer, REDIS_BUFFER)
                      : recv(link->fd, link->buffer, REDIS_BUFFER, 0);

        if (link->ssl == NULL && n == -1 && errno == EINTR && !ledger_stop) {
            continue;
        }

        if (n <= 0 || fed > REDIS_MOST
            || redisReaderFeed(link->reader, link->buffer, (size_t) n)
               != REDIS_OK)
        {
            return NULL;
        }

        fed += (size_t) n;
    }
}
