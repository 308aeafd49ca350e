
/*
 * live: how long a change takes until every worker serves it.
 *
 *     live PORT API_PORT WORKERS CHANGES NAME
 *
 * The server on PORT says in X-Worker which process answers; a connection to
 * each worker is opened first.  Then, CHANGES times: PUT of a new name, which
 * begins with NAME, on API_PORT; when the reply is there, at once a request
 * for that name to every worker.  Prints one line of JSON: microseconds to
 * the reply, and to the last worker's answer; `stale` counts answers other
 * than 200, that is workers which did not know the name yet.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define LIVE_WORKERS  64
#define LIVE_TRIES    10000
#define LIVE_BUFFER   8192


static void live_put(int api, const char *name, int i);
static int live_get(const int *fds, int workers, const char *name, int i);
static void live_workers(int port, int *fds, int n);
static void live_print(const char *name, double *times, int n);
static int live_connect(int port);
static void live_send(int fd, const char *text);
static int live_receive(int fd, char *buffer);
static int live_compare(const void *a, const void *b);
static double live_now(void);
static void live_die(const char *what);


int
main(int argc, char **argv)
{
    int     i, api, workers, changes, stale, fds[LIVE_WORKERS];
    double  start, *reply, *served;

    if (argc != 6) {
        fprintf(stderr, "usage: live PORT API_PORT WORKERS CHANGES NAME\n");
        return 2;
    }

    workers = atoi(argv[3]);
    changes = atoi(argv[4]);
    stale = 0;

    reply = calloc(changes, sizeof(double));
    served = calloc(changes, sizeof(double));

    if (reply == NULL || served == NULL || workers > LIVE_WORKERS) {
        live_die("start");
    }

    live_workers(atoi(argv[1]), fds, workers);
    api = live_connect(atoi(argv[2]));

    for (i = 0; i < changes; i++) {
        start = live_now();
        live_put(api, argv[5], i);
        reply[i] = live_now() - start;

        stale += live_get(fds, workers, argv[5], i);
        served[i] = live_now() - start;

        usleep(2000);
    }

    printf("{\"changes\":%d,\"stale\":%d,", changes, stale);
    live_print("reply", reply, changes);
    printf(",");
    live_print("served", served, changes);
    printf("}\n");

    return 0;
}


static void
live_put(int api, const char *name, int i)
{
    char  text[512], body[64], buffer[LIVE_BUFFER];

    snprintf(body, sizeof(body), "{\"backends\":[\"http://127.0.0.1:%d\"]}",
             9100 + i % 16);

    snprintf(text, sizeof(text), "PUT /v1/names/%.99s%d.gw.test HTTP/1.1"
             "\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s",
             name, i, strlen(body), body);

    live_send(api, text);

    if (live_receive(api, buffer) != 201) {
        fprintf(stderr, "the API answers:\n%s\n", buffer);
        exit(1);
    }
}


/* From each worker; returns how many do not know the name. */

static int
live_get(const int *fds, int workers, const char *name, int i)
{
    int   k, stale;
    char  text[256], buffer[LIVE_BUFFER];

    snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %.99s%d.gw.test"
             "\r\n\r\n", name, i);

    for (k = 0; k < workers; k++) {
        live_send(fds[k], text);
    }

    stale = 0;

    for (k = 0; k < workers; k++) {
        stale += live_receive(fds[k], buffer) != 200;
    }

    return stale;
}


/* Which worker accepts is the kernel's choice: connect until each has. */

static void
live_workers(int port, int *fds, int n)
{
    int    fd, i, found, tries;
    char   buffer[LIVE_BUFFER], *worker;
    pid_t  pid, pids[LIVE_WORKERS];

    found = 0;

    for (tries = 0; found < n; tries++) {
        if (tries == LIVE_TRIES) {
            fprintf(stderr, "%d workers of %d answer\n", found, n);
            exit(1);
        }

        fd = live_connect(port);
        live_send(fd, "GET / HTTP/1.1\r\nHost: unknown\r\n\r\n");
        (void) live_receive(fd, buffer);

        worker = strstr(buffer, "\r\nX-Worker: ");
        if (worker == NULL) {
            live_die("no X-Worker");
        }

        pid = atoi(worker + 12);

        for (i = 0; i < found && pids[i] != pid; i++) {
            /* void */
        }

        if (i < found) {
            close(fd);
            continue;
        }

        pids[found] = pid;
        fds[found++] = fd;
    }
}


static void
live_print(const char *name, double *times, int n)
{
    qsort(times, n, sizeof(double), live_compare);

    printf("\"%s\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f}",
           name, times[n / 2] * 1e6, times[n * 9 / 10] * 1e6,
           times[n * 99 / 100] * 1e6, times[n - 1] * 1e6);
}


static int
live_connect(int port)
{
    int                 fd, one;
    struct sockaddr_in  sin;

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons(port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd == -1
        || connect(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1)
    {
        live_die("connect()");
    }

    one = 1;
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));

    return fd;
}


static void
live_send(int fd, const char *text)
{
    size_t  len;

    len = strlen(text);

    if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t) len) {
        live_die("send()");
    }
}


/* A whole answer, with a Content-Length, to `buffer`; returns its status. */

static int
live_receive(int fd, char *buffer)
{
    char     *end, *length;
    size_t    got, need;
    ssize_t   n;

    got = 0;
    need = 0;

    do {
        n = recv(fd, buffer + got, LIVE_BUFFER - 1 - got, 0);
        if (n <= 0) {
            live_die("recv()");
        }

        got += n;
        buffer[got] = '\0';

        end = strstr(buffer, "\r\n\r\n");

        if (end && need == 0) {
            length = strcasestr(buffer, "\r\ncontent-length:");

            need = end + 4 - buffer
                   + (length ? strtoul(length + 17, NULL, 10) : 0);
        }

    } while (need == 0 || got < need);

    return atoi(buffer + 9);
}


static int
live_compare(const void *a, const void *b)
{
    double  x, y;

    x = *(const double *) a;
    y = *(const double *) b;

    return (x > y) - (x < y);
}


static double
live_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec + ts.tv_nsec / 1e9;
}


static void
live_die(const char *what)
{
    perror(what);
    exit(1);
}
