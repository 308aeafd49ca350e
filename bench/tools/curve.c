
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "curve.h"


#define CURVE_PEERS   1024              /* file descriptors */
#define CURVE_BUFFER  4096
#define CURVE_EVENTS  256


typedef struct {
    size_t  len;
    char    bytes[CURVE_BUFFER];
} curve_peer_t;


static int curve_listen(int port);
static void curve_accept(int epoll, int listening);
static int curve_read(int fd, curve_peer_t *peer);
static int curve_whole(const curve_peer_t *peer);


static curve_peer_t  peers[CURVE_PEERS];


int
curve_serve(int port, void (*work)(void *data, long n), void *data)
{
    int                 i, fd, n, epoll, listening;
    long                requests;
    char                answer[CURVE_ANSWER + 128];
    size_t              len;
    struct epoll_event  events[CURVE_EVENTS];

    listening = curve_listen(port);
    epoll = epoll_create1(0);

    if (listening == -1 || epoll == -1) {
        perror("curve");
        return 1;
    }

    len = (size_t) snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\n"
                            "Content-Type: application/json\r\n"
                            "Content-Length: %d\r\n\r\n%*s", CURVE_ANSWER,
                            CURVE_ANSWER, "}");
    requests = 0;
    events[0].events = EPOLLIN;
    events[0].data.fd = listening;
    (void) epoll_ctl(epoll, EPOLL_CTL_ADD, listening, &events[0]);

    for ( ;; ) {
        n = epoll_wait(epoll, events, CURVE_EVENTS, -1);

        for (i = 0; i < n; i++) {
            fd = events[i].data.fd;

            if (fd == listening) {
                curve_accept(epoll, listening);

            } else if (curve_read(fd, &peers[fd])) {
                work(data, requests++);
                (void) send(fd, answer, len, MSG_NOSIGNAL);
            }
        }
    }
}


static int
curve_listen(int port)
{
    int                 fd, on;
    struct sockaddr_in  sin;

    fd = socket(AF_INET, SOCK_STREAM, 0);
    on = 1;

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons((uint16_t) port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));

    if (bind(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        || listen(fd, 4096) == -1)
    {
        return -1;
    }

    return fd;
}


static void
curve_accept(int epoll, int listening)
{
    int                 fd;
    struct epoll_event  event;

    fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK);

    if (fd == -1 || fd >= CURVE_PEERS) {
        (void) close(fd);
        return;
    }

    peers[fd].len = 0;
    event.events = EPOLLIN;
    event.data.fd = fd;
    (void) epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}


/* True when a request is whole; nobody sends the next before its answer. */

static int
curve_read(int fd, curve_peer_t *peer)
{
    ssize_t  n;

    n = recv(fd, peer->bytes + peer->len, CURVE_BUFFER - 1 - peer->len, 0);

    if (n <= 0) {
        (void) close(fd);
        return 0;
    }

    peer->len += (size_t) n;
    peer->bytes[peer->len] = '\0';

    if (!curve_whole(peer)) {
        return 0;
    }

    peer->len = 0;

    return 1;
}


static int
curve_whole(const curve_peer_t *peer)
{
    size_t       size;
    const char  *end, *length;

    end = strstr(peer->bytes, "\r\n\r\n");

    if (end == NULL) {
        return 0;
    }

    length = strcasestr(peer->bytes, "Content-Length:");
    size = (size_t) (end + 4 - peer->bytes)
           + (length && length < end ? strtoul(length + 15, NULL, 10) : 0);

    return peer->len >= size;
}
