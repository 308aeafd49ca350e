
/*
 * check_net: what others see of the gateway: its names in the DNS, its ports,
 * its certificate.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "cli/check.h"


#define NET_ADDRESSES  32
#define NET_TEXT       256
#define NET_TIMEOUT    5                /* seconds */
#define NET_SOON       14               /* days */


/* Addresses of a name, or of this machine, in text. */
typedef struct {
    char             items[NET_ADDRESSES][INET6_ADDRSTRLEN];
    size_t           n;
    unsigned         v4;
    unsigned         v6;
} net_addresses_t;


static void net_resolve(net_addresses_t *to, const char *name);
static void net_own(net_addresses_t *to);
static int net_local(const struct sockaddr *address);
static void net_add(net_addresses_t *to, const struct sockaddr *address);
static int net_has(const net_addresses_t *among, const char *text);
static int net_same(const net_addresses_t *a, const net_addresses_t *b);
static const char *net_join(char text[NET_TEXT], const net_addresses_t *list);
static void net_judge(cli_check_t *check, const char *name,
    const net_addresses_t *found, const net_addresses_t *own);
static void net_port(cli_check_t *check, const char *port);
static SSL *net_handshake(SSL_CTX *ctx, int fd, const char *name);
static void net_certificate(cli_check_t *check, SSL *ssl);
static int net_days(X509 *certificate);


/*
 * The name itself, and one below it that nobody has put there: only a
 * wildcard gives that an address.
 */

void
cli_check_dns(cli_check_t *check)
{
    char             below[NET_TEXT], wildcard[NET_TEXT], text[NET_TEXT];
    net_addresses_t  apex, star, own;

    if (check->domain == NULL) {
        cli_check_found(check, CLI_DOUBT, "dns", "say domain= in " CLI_CONFIG
                        ", or --domain", "the gateway's domain is not known");
        return;
    }

    (void) snprintf(below, sizeof(below), "wgw-check-%u.%s",
                    (unsigned) getpid(), check->domain);
    (void) snprintf(wildcard, sizeof(wildcard), "*.%s", check->domain);

    net_resolve(&apex, check->domain);
    net_resolve(&star, below);
    net_own(&own);

    net_judge(check, check->domain, &apex, &own);
    net_judge(check, wildcard, &star, &own);

    if (apex.n && star.n && !net_same(&apex, &star)) {
        cli_check_found(check, CLI_DOUBT, "dns", "give both the same records",
                        "%s has other addresses, %s", wildcard,
                        net_join(text, &star));
    }
}


static void
net_resolve(net_addresses_t *to, const char *name)
{
    struct addrinfo   hints, *list, *ai;

    memset(to, 0, sizeof(net_addresses_t));
    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;

    if (getaddrinfo(name, NULL, &hints, &list) != 0) {
        return;
    }

    for (ai = list; ai; ai = ai->ai_next) {
        net_add(to, ai->ai_addr);
    }

    freeaddrinfo(list);
}


static void
net_own(net_addresses_t *to)
{
    struct ifaddrs  *list, *i;

    memset(to, 0, sizeof(net_addresses_t));

    if (getifaddrs(&list) != 0) {
        return;
    }

    for (i = list; i; i = i->ifa_next) {
        if (i->ifa_addr && !net_local(i->ifa_addr)) {
            net_add(to, i->ifa_addr);
        }
    }

    freeifaddrs(list);
}


/* One that nobody else can use, on whatever interface it is. */

static int
net_local(const struct sockaddr *address)
{
    const struct in6_addr  *v6;

    if (address->sa_family == AF_INET6) {
        v6 = &((const struct sockaddr_in6 *) address)->sin6_addr;

        return IN6_IS_ADDR_LOOPBACK(v6) || IN6_IS_ADDR_LINKLOCAL(v6);
    }

    return address->sa_family == AF_INET
           && ntohl(((const struct sockaddr_in *) address)->sin_addr.s_addr)
              >> 24 == 127;
}


static void
net_add(net_addresses_t *to, const struct sockaddr *address)
{
    char        *text;
    const void  *bytes;

    if (to->n == NET_ADDRESSES || (address->sa_family != AF_INET
                                   && address->sa_family != AF_INET6))
    {
        return;
    }

    bytes = address->sa_family == AF_INET
            ? (const void *) &((const struct sockaddr_in *) address)->sin_addr
            : (const void *) &((const struct sockaddr_in6 *) address)
                             ->sin6_addr;

    text = to->items[to->n];

    if (inet_ntop(address->sa_family, bytes, text, INET6_ADDRSTRLEN)
        && !net_has(to, text))
    {
        to->n++;
        to->v4 |= address->sa_family == AF_INET;
        to->v6 |= address->sa_family == AF_INET6;
    }
}


static int
net_has(const net_addresses_t *among, const char *text)
{
    size_t  i;

    for (i = 0; i < among->n; i++) {
        if (strcmp(among->items[i], text) == 0) {
            return 1;
        }
    }

    return 0;
}


static int
net_same(const net_addresses_t *a, const net_addresses_t *b)
{
    size_t  i;

    for (i = 0; i < a->n; i++) {
        if (!net_has(b, a->items[i])) {
            return 0;
        }
    }

    return a->n == b->n;
}


static const char *
net_join(char text[NET_TEXT], const net_addresses_t *list)
{
    size_t  i, len;

    text[0] = '\0';

    for (i = 0, len = 0; i < list->n && len < NET_TEXT; i++) {
        len += (size_t) snprintf(text + len, NET_TEXT - len, "%s%s",
                                 i ? " " : "", list->items[i]);
    }

    return list->n ? text : "none";
}


static void
net_judge(cli_check_t *check, const char *name, const net_addresses_t *found,
    const net_addresses_t *own)
{
    char    text[NET_TEXT], mine[NET_TEXT], cure[NET_TEXT * 2];
    size_t  i, n;

    for (i = 0, n = 0; i < found->n; i++) {
        n += (size_t) net_has(own, found->items[i]);
    }

    (void) snprintf(cure, sizeof(cure), "at who serves your DNS: %s  %s%s",
                    name, own->v4 ? "A " : "", own->v6 ? "AAAA" : "");

    if (found->n == 0) {
        cli_check_found(check, CLI_WRONG, "dns", cure, "%s has no address",
                        name);

    } else if (n < found->n) {
        cli_check_found(check, CLI_DOUBT, "dns", "right where a router "
                        "forwards the ports; else mend the record",
                        "%s leads to %s, this machine has %s", name,
                        net_join(text, found), net_join(mine, own));

    } else if ((own->v4 && !found->v4) || (own->v6 && !found->v6)) {
        cli_check_found(check, CLI_DOUBT, "dns", cure, "%s has no IPv%d "
                        "address, this machine has %s", name,
                        found->v4 ? 6 : 4, net_join(mine, own));

    } else {
        cli_check_found(check, CLI_FINE, "dns", "", "%s leads to %s", name,
                        net_join(text, found));
    }
}


void
cli_check_ports(cli_check_t *check)
{
    net_port(check, check->http_port);
    net_port(check, check->tls_port);
}


static void
net_port(cli_check_t *check, const char *port)
{
    int   v4, v6, has_v6;
    char  cure[NET_TEXT];

    v4 = cli_check_connect(AF_INET, port);
    v6 = cli_check_connect(AF_INET6, port);
    has_v6 = access("/proc/net/if_inet6", F_OK) == 0;

    if (v4 < 0 && v6 < 0) {
        (void) snprintf(cure, sizeof(cure), "systemctl start wgw; who has "
                        "it: ss -ltnp sport = :%s", port);
        cli_check_found(check, CLI_WRONG, "ports", cure,
                        "nobody listens on %s", port);

    } else if (v4 < 0 || (v6 < 0 && has_v6)) {
        (void) snprintf(cure, sizeof(cure), v4 < 0 ? "listen %s;"
                                                   : "listen [::]:%s;", port);
        cli_check_found(check, CLI_DOUBT, "ports", cure,
                        "nobody listens on %s of IPv%d", port,
                        v4 < 0 ? 4 : 6);

    } else {
        cli_check_found(check, CLI_FINE, "ports", "", "%s is served", port);
    }

    (void) close(v4);
    (void) close(v6);
}


int
cli_check_connect(int family, const char *port)
{
    int               fd, rc;
    struct timeval    tv = { NET_TIMEOUT, 0 };
    struct addrinfo   hints, *ai;

    memset(&hints, 0, sizeof(hints));
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST|AI_NUMERICSERV;

    if (getaddrinfo(family == AF_INET ? "127.0.0.1" : "::1", port, &hints,
                    &ai)
        != 0)
    {
        return -1;
    }

    fd = socket(ai->ai_family, ai->ai_socktype|SOCK_CLOEXEC, 0);
    rc = -1;

    if (fd >= 0) {
        (void) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
        (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));

        rc = connect(fd, ai->ai_addr, ai->ai_addrlen);
    }

    freeaddrinfo(ai);

    if (rc != 0 && fd >= 0) {
        (void) close(fd);
        fd = -1;
    }

    return fd;
}


void
cli_check_certificate(cli_check_t *check)
{
    int       fd;
    SSL      *ssl;
    SSL_CTX  *ctx;

    fd = cli_check_connect(AF_INET, check->tls_port);
    fd = fd < 0 ? cli_check_connect(AF_INET6, check->tls_port) : fd;

    if (fd < 0) {
        return;                         /* the port was found wrong */
    }

    ctx = SSL_CTX_new(TLS_client_method());
    ssl = ctx ? net_handshake(ctx, fd, check->domain) : NULL;

    if (ssl) {
        net_certificate(check, ssl);
        SSL_free(ssl);

    } else {
        cli_check_found(check, CLI_WRONG, "certificate",
                        "see the error log, and ssl_certificate in "
                        "nginx.conf", "no TLS handshake on %s",
                        check->tls_port);
    }

    SSL_CTX_free(ctx);
    (void) close(fd);
}


/* Whoever signed it: what is wrong with it is to be seen. */

static SSL *
net_handshake(SSL_CTX *ctx, int fd, const char *name)
{
    SSL  *ssl;

    (void) SSL_CTX_set_default_verify_paths(ctx);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);

    ssl = SSL_new(ctx);

    if (ssl && SSL_set_fd(ssl, fd) == 1
        && (name == NULL || SSL_set_tlsext_host_name(ssl, name) == 1)
        && SSL_connect(ssl) == 1)
    {
        return ssl;
    }

    SSL_free(ssl);

    return NULL;
}


static void
net_certificate(cli_check_t *check, SSL *ssl)
{
    int     days;
    long    verified;
    char    below[NET_TEXT];
    X509   *certificate;

    certificate = SSL_get1_peer_certificate(ssl);

    if (certificate == NULL) {
        return;
    }

    days = net_days(certificate);
    verified = SSL_get_verify_result(ssl);

    (void) snprintf(below, sizeof(below), "wgw-check.%s",
                    check->domain ? check->domain : "");

    if (days < NET_SOON) {
        cli_check_found(check, days < 0 ? CLI_WRONG : CLI_DOUBT,
                        "certificate", "renew it, then: systemctl reload wgw",
                        days < 0 ? "it has ended %d days ago"
                                 : "it ends in %d days",
                        days < 0 ? -days : days);

    } else if (check->domain
               && (X509_check_host(certificate, check->domain, 0, 0, NULL)
                   != 1
                   || X509_check_host(certificate, below, 0, 0, NULL) != 1))
    {
        cli_check_found(check, CLI_DOUBT, "certificate", "get one for both",
                        "it is not for %s and *.%s", check->domain,
                        check->domain);

    } else if (verified != X509_V_OK) {
        cli_check_found(check, CLI_DOUBT, "certificate", "get one that "
                        "browsers trust, as of Let's Encrypt, and put it "
                        "there: wgw-certs-hook install FULLCHAIN KEY",
                        "%s; %d days are left",
                        X509_verify_cert_error_string(verified), days);

    } else {
        cli_check_found(check, CLI_FINE, "certificate", "",
                        "%d days are left", days);
    }

    X509_free(certificate);
}


static int
net_days(X509 *certificate)
{
    int  days, seconds;

    if (ASN1_TIME_diff(&days, &seconds, NULL,
                       X509_get0_notAfter(certificate))
        != 1)
    {
        return -1;
    }

    return days < 0 || (days == 0 && seconds < 0) ? days - 1 : days;
}
