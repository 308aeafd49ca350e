
/*
 * sload: new TLS connections, or what looks like one, by server name.
 *
 *     sload [options] PORT
 *
 *     -m hello    a ClientHello, then whatever is answered, to the end: no
 *                 cryptography anywhere, so that the proxy alone is weighed
 *     -m tls      a handshake (TLS 1.3, no session), a GET, its answer
 *     -m keep     the same, over connections that are kept
 *     -u PATH     of the GET (/)
 *     -c N        at the same time (16)
 *     -w S        seconds to warm up (0.2), then -d S seconds measured (2)
 *     -n N        this many instead, all of them measured
 *     -N N        names: n0000000.gw.test and on (1)
 *     -z          Zipf's distribution, exponent 1, instead of a uniform one
 *     -p PID      a process whose CPU time is measured; repeated for more
 *     -s N        another sequence of random numbers
 *
 *     sload -l BYTES -c PORTS PORT
 *
 *     listens: BYTES for the first thing that comes, and the end.
 *
 * Prints one line of JSON, like wload's.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <math.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>


#define LOAD_PIDS     64
#define LOAD_THREADS  256
#define LOAD_SAMPLES  1000000
#define LOAD_HELLO    4096
#define LOAD_NAME     "n0000000.gw.test"

/* as in wload.c */
#define LOAD_SCATTER  2654435761
#define LOAD_SEED     UINT64_C(0xd1342543de82ef95)


enum { LOAD_RAW, LOAD_TLS, LOAD_KEEP };


typedef struct {
    pthread_t    thread;
    uint64_t     random;
    SSL         *ssl;           /* of LOAD_KEEP, or NULL */
    int          fd;
} load_worker_t;


static int load_options(int argc, char **argv);
static void load_measure(double *seconds, double *cpu);
static void load_start(void);
static void load_listen(int first, int n, int bytes)
    __attribute__((noreturn));
static void *load_run(void *data);
static int load_hello(load_worker_t *w);
static int load_tls(load_worker_t *w);
static int load_get(load_worker_t *w, const char *name);
static void load_close(load_worker_t *w);
static int load_connect(void);
static void load_name(load_worker_t *w, char *name);
static void load_capture(void);
static double load_now(void);
static double load_cpu(void);
static double load_percentile(double p);
static int load_compare(const void *a, const void *b);
static void load_die(const char *what);


static int            mode, port, zipf, npids;
static int            nworkers = 16;
static long           names = 1, total;
static double         warm = 0.2, duration = 2;
static int            bytes;
static uint64_t       seed = 1;
static const char    *path = "/";
static pid_t          pids[LOAD_PIDS];
static load_worker_t  workers[LOAD_THREADS];
static SSL_CTX       *ssl_ctx;
static unsigned char  hello[LOAD_HELLO];
static size_t         hello_len, hello_name;

static atomic_int     measuring, ending;
static atomic_long    started, done, bad, broken;
static float         *samples;          /* seconds */


int
main(int argc, char **argv)
{
    double  seconds = 0, cpu = 0;

    if (load_options(argc, argv) != 0) {
        fprintf(stderr, "usage: see the head of sload.c\n");
        return 2;
    }

    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);

    if (bytes) {
        load_listen(port, nworkers, bytes);
    }

    ssl_ctx = SSL_CTX_new(TLS_client_method());
    samples = malloc(LOAD_SAMPLES * sizeof(float));

    if (ssl_ctx == NULL || samples == NULL) {
        load_die("memory");
    }

    SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_OFF);
    load_capture();

    load_measure(&seconds, &cpu);

    qsort(samples, done < LOAD_SAMPLES ? (size_t) done : LOAD_SAMPLES,
          sizeof(float), load_compare);

    printf("{\"rps\": %.1f, \"cpu_us\": %.3f, \"p50\": %.1f, \"p99\": %.1f, "
           "\"requests\": %ld, \"bad\": %ld, \"broken\": %ld}\n",
           done / seconds, done ? cpu * 1e6 / done : 0,
           load_percentile(0.5), load_percentile(0.99), (long) done,
           (long) bad, (long) broken);

    return 0;
}


static int
load_options(int argc, char **argv)
{
    int  c;

    while ((c = getopt(argc, argv, "m:u:c:w:d:n:N:zp:s:l:")) != -1) {
        switch (c) {

        case 'm':
            mode = strcmp(optarg, "tls") == 0 ? LOAD_TLS
                   : strcmp(optarg, "keep") == 0 ? LOAD_KEEP : LOAD_RAW;
            break;

        case 'u': path = optarg; break;
        case 'c': nworkers = atoi(optarg); break;
        case 'w': warm = atof(optarg); break;
        case 'd': duration = atof(optarg); break;
        case 'n': total = atol(optarg); break;
        case 'N': names = atol(optarg); break;
        case 'z': zipf = 1; break;
        case 's': seed = strtoul(optarg, NULL, 10); break;
        case 'l': bytes = atoi(optarg); break;

        case 'p':
            if (npids < LOAD_PIDS) {
                pids[npids++] = atoi(optarg);
            }
            break;

        default:
            return -1;
        }
    }

    if (optind != argc - 1 || nworkers < 1 || nworkers > LOAD_THREADS) {
        return -1;
    }

    port = atoi(argv[optind]);

    return 0;
}


/* For so many requests, or after a warm-up for so long. */

static void
load_measure(double *seconds, double *cpu)
{
    int     i;
    double  begin;

    measuring = total > 0;
    begin = load_now();
    *cpu = load_cpu();

    load_start();

    if (total == 0) {
        usleep((useconds_t) (warm * 1e6));

        done = 0;
        begin = load_now();
        *cpu = load_cpu();
        measuring = 1;

        usleep((useconds_t) (duration * 1e6));

        measuring = 0;
        *seconds = load_now() - begin;
        *cpu = load_cpu() - *cpu;
        ending = 1;
    }

    for (i = 0; i < nworkers; i++) {
        pthread_join(workers[i].thread, NULL);
    }

    if (total) {
        *seconds = load_now() - begin;
        *cpu = load_cpu() - *cpu;
    }
}


static void
load_start(void)
{
    int  i;

    for (i = 0; i < nworkers; i++) {
        workers[i].random = (seed * 1000 + (uint64_t) i + 1) * LOAD_SEED;

        if (pthread_create(&workers[i].thread, NULL, load_run, &workers[i])
            != 0)
        {
            load_die("pthread_create()");
        }
    }
}


static void
load_listen(int first, int n, int bytes)
{
    int                 i, fd, on;
    char               *answer, in[LOAD_HELLO];
    struct pollfd       listening[LOAD_THREADS];
    struct sockaddr_in  sin;

    on = 1;
    answer = calloc(1, (size_t) bytes);

    for (i = 0; i < n; i++) {
        fd = socket(AF_INET, SOCK_STREAM, 0);

        memset(&sin, 0, sizeof(sin));
        sin.sin_family = AF_INET;
        sin.sin_port = htons((uint16_t) (first + i));
        sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));

        if (answer == NULL
            || bind(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
            || listen(fd, 4096) == -1)
        {
            load_die("listen");
        }

        listening[i].fd = fd;
        listening[i].events = POLLIN;
    }

    for ( ;; ) {
        if (poll(listening, (nfds_t) n, -1) < 1) {
            continue;
        }

        for (i = 0; i < n; i++) {
            if (!(listening[i].revents & POLLIN)) {
                continue;
            }

            fd = accept(listening[i].fd, NULL, NULL);

            if (fd != -1) {
                if (read(fd, in, sizeof(in)) > 0
                    && write(fd, answer, (size_t) bytes) != bytes)
                {
                    perror("write");
                }

                close(fd);
            }
        }
    }
}


static void *
load_run(void *data)
{
    load_worker_t *w = data;

    int     rc;
    long    n;
    double  begin;

    w->fd = -1;

    while (!ending) {

        if (total && atomic_fetch_add(&started, 1) >= total) {
            break;
        }

        begin = load_now();

        rc = mode == LOAD_RAW ? load_hello(w) : load_tls(w);

        if (!measuring) {
            continue;
        }

        if (rc < 0) {
            broken++;

        } else if (rc > 0) {
            bad++;

        } else {
            n = atomic_fetch_add(&done, 1);

            if (n < LOAD_SAMPLES) {
                samples[n] = (float) (load_now() - begin);
            }
        }
    }

    load_close(w);

    return NULL;
}


/* 0, 1 for another answer than was expected, -1 for none. */

static int
load_hello(load_worker_t *w)
{
    char            in[65536];
    ssize_t         n;
    size_t          got;
    unsigned char   out[LOAD_HELLO];
    struct linger   linger = { 1, 0 };

    w->fd = load_connect();
    if (w->fd == -1) {
        return -1;
    }

    memcpy(out, hello, hello_len);
    load_name(w, (char *) out + hello_name);

    got = 0;
    n = write(w->fd, out, hello_len);

    while (n > 0) {
        n = read(w->fd, in, sizeof(in));
        got += n > 0 ? (size_t) n : 0;
    }

    /* the ports of this side are not to run out */

    setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    load_close(w);

    return got ? 0 : -1;
}


static int
load_tls(load_worker_t *w)
{
    int   rc;
    char  name[] = LOAD_NAME;

    load_name(w, name);

    if (w->ssl == NULL) {
        w->fd = load_connect();
        if (w->fd == -1) {
            return -1;
        }

        w->ssl = SSL_new(ssl_ctx);

        if (w->ssl == NULL
            || SSL_set_tlsext_host_name(w->ssl, name) != 1
            || SSL_set_fd(w->ssl, w->fd) != 1
            || SSL_connect(w->ssl) != 1)
        {
            load_close(w);
            return -1;
        }
    }

    rc = load_get(w, name);

    if (rc || mode == LOAD_TLS) {
        load_close(w);
    }

    return rc;
}


static int
load_get(load_worker_t *w, const char *name)
{
    int     n;
    char    out[256], in[65536], *end, *length;
    long    got, expected;

    n = snprintf(out, sizeof(out), "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n",
                 path, name, mode == LOAD_TLS ? "Connection: close\r\n" : "");

    if (SSL_write(w->ssl, out, n) != n) {
        return -1;
    }

    got = 0;
    expected = 0;

    do {
        n = SSL_read(w->ssl, in, sizeof(in) - 1);
        if (n <= 0) {
            return -1;
        }

        if (expected == 0) {
            in[n] = '\0';

            end = strstr(in, "\r\n\r\n");
            length = strcasestr(in, "\r\nContent-Length:");

            if (strncmp(in, "HTTP/1.1 200 ", 13) != 0 || !end || !length) {
                return 1;
            }

            expected = end + 4 - in + atol(length + 17);
        }

        got += n;

    } while (got < expected);

    return 0;
}


static void
load_close(load_worker_t *w)
{
    SSL_free(w->ssl);
    w->ssl = NULL;

    if (w->fd != -1) {
        close(w->fd);
        w->fd = -1;
    }
}


static int
load_connect(void)
{
    int                 fd, on;
    struct sockaddr_in  sin;

    on = 1;
    fd = socket(AF_INET, SOCK_STREAM, 0);

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons((uint16_t) port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    if (fd == -1 || connect(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        close(fd);
        return -1;
    }

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    return fd;
}


/* The number of a name, over its first bytes. */

static void
load_name(load_worker_t *w, char *name)
{
    char      digits[32];
    double    u;
    uint64_t  n;

    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;

    u = (double) (w->random >> 11) / 9007199254740992.0;

    if (zipf) {
        n = (uint64_t) (exp(u * log((double) names + 1)) - 1) * LOAD_SCATTER;

    } else {
        n = (uint64_t) (u * (double) names);
    }

    snprintf(digits, sizeof(digits), "n%07lu",
             (unsigned long) (n % (uint64_t) names));
    memcpy(name, digits, 8);
}


/* What OpenSSL would send. */

static void
load_capture(void)
{
    int             n;
    BIO            *in, *out;
    SSL            *ssl;
    unsigned char  *name;

    ssl = SSL_new(ssl_ctx);
    in = BIO_new(BIO_s_mem());
    out = BIO_new(BIO_s_mem());

    SSL_set_bio(ssl, in, out);
    SSL_set_tlsext_host_name(ssl, LOAD_NAME);
    SSL_connect(ssl);

    n = BIO_read(out, hello, LOAD_HELLO);
    name = n > 0 ? memmem(hello, (size_t) n, LOAD_NAME, strlen(LOAD_NAME))
                 : NULL;

    if (name == NULL) {
        load_die("no hello");
    }

    hello_len = (size_t) n;
    hello_name = (size_t) (name - hello);

    SSL_free(ssl);
}


static double
load_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


static double
load_cpu(void)
{
    int              i;
    double           cpu;
    clockid_t        id;
    struct timespec  ts;

    cpu = 0;

    for (i = 0; i < npids; i++) {
        if (clock_getcpuclockid(pids[i], &id) == 0
            && clock_gettime(id, &ts) == 0)
        {
            cpu += (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
        }
    }

    return cpu;
}


static double
load_percentile(double p)
{
    size_t  n;

    n = done < LOAD_SAMPLES ? (size_t) done : LOAD_SAMPLES;

    return n ? samples[(size_t) (p * (double) (n - 1))] * 1e6 : 0;
}


static int
load_compare(const void *a, const void *b)
{
    float  x, y;

    x = *(const float *) a;
    y = *(const float *) b;

    return (x > y) - (x < y);
}


static void
load_die(const char *what)
{
    perror(what);
    exit(1);
}
