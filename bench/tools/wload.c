
/*
 * wload: asks a server for names, over HTTP/1.1 connections that are kept.
 *
 *     wload [options] PORT
 *
 *     -c N    connections (64)
 *     -w S    seconds to warm up (0.5), then -d S seconds measured (3)
 *     -n N    this many requests instead, all of them measured
 *     -r N    open loop, N requests a second; 0 is a closed loop (0)
 *     -N N    names: n0000000.gw.test and on (1)
 *     -z      Zipf's distribution, exponent 1, instead of a uniform one
 *     -q      all names in turn
 *     -p PID  a process whose CPU time is measured; repeated for more
 *     -W      writes instead: PUT /v1/names/NAME, a new backend each time
 *     -b N    first of the 16 ports that -W writes (9100)
 *     -k FILE keys, one a line, any of which goes with each GET
 *     -B FILE bodies, one a line, instead: POST /auth, in turn
 *     -g FILE requests instead, one a line, any of which is sent: the target,
 *             and after a tab each a header
 *     -s N    another sequence of random numbers
 *
 * Prints one line of JSON.  In a closed loop a latency is from sending to
 * the end of the answer; in an open one from the moment the request was due,
 * so that a server that stops for a while cannot hide it.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define LOAD_PIDS     64
#define LOAD_EVENTS   256
#define LOAD_PORTS    16                /* backends that -W alternates */
#define LOAD_IN       16384
#define LOAD_OUT      8192
#define LOAD_LINE     4096              /* bytes of a line of -k and -B */
#define LOAD_LINES    1048576

#define LOAD_BUCKETS  1024              /* of 2 %, from 1 us to 100 s */
#define LOAD_STEP     1.02

/* coprime to powers of ten: popular names are scattered over the table */
#define LOAD_SCATTER  2654435761

/* sequences of neighbouring seeds start far apart */
#define LOAD_SEED     UINT64_C(0xd1342543de82ef95)


typedef struct {
    int           fd;
    int           waiting;
    size_t        got;
    size_t        need;                 /* 0: the header is not complete */
    double        due;
    char          in[LOAD_IN];
} load_conn_t;


typedef struct {
    char         *data;
    int           len;
} load_line_t;


typedef struct {
    long          done;
    long          bad;                  /* answers other than 2xx */
    long          broken;               /* connections lost */
    double        time;
    double        cpu;
} load_count_t;


static void load_options(int argc, char **argv);
static void load_lines(const char *name);
static void load_gets(void);
static void load_run(void);
static void load_issue(double start);
static void load_timeout(double start, struct timespec *timeout);
static void load_report(load_count_t *from, load_count_t *to);
static void load_snapshot(load_count_t *count);

static void load_open(load_conn_t *c);
static void load_send(load_conn_t *c, double due);
static int load_request(char *out);
static int load_write(char *out, long name);
static void load_read(load_conn_t *c);
static int load_header(load_conn_t *c);
static void load_done(load_conn_t *c);

static long load_name(void);
static long load_zipf(void);
static double load_uniform(void);
static uint64_t load_random(void);

static double load_now(void);
static double load_cpu(void);
static void load_latency(double seconds);
static double load_percentile(double p);
static void load_die(const char *what);


static int            port, ep, nconns = 64, npids, zipf, writes;
static int            in_turn, first_port = 9100, bodies, gets;
static long           total, names = 1, sent, turn;
static double         warm = 0.5, duration = 3, rate;
static pid_t          pids[LOAD_PIDS];
static uint64_t       state = 1;

static load_line_t   *lines;
static long           nlines;

static load_conn_t   *conns;
static load_conn_t  **idle;             /* of an open loop */
static int            nidle, measuring;
static load_count_t   count;
static uint64_t       histogram[LOAD_BUCKETS];


int
main(int argc, char **argv)
{
    int            i;
    struct rlimit  limit;

    load_options(argc, argv);

    limit.rlim_cur = 65536;
    limit.rlim_max = 65536;
    (void) setrlimit(RLIMIT_NOFILE, &limit);

    (void) prctl(PR_SET_TIMERSLACK, 1000UL);

    signal(SIGPIPE, SIG_IGN);

    conns = calloc(nconns, sizeof(load_conn_t));
    idle = calloc(nconns, sizeof(load_conn_t *));
    ep = epoll_create1(0);

    if (conns == NULL || idle == NULL || ep == -1) {
        load_die("start");
    }

    for (i = 0; i < nconns; i++) {
        load_open(&conns[i]);
    }

    load_run();

    return 0;
}


static void
load_options(int argc, char **argv)
{
    int  option;

    while ((option = getopt(argc, argv, "c:w:d:n:r:N:zqp:Wb:s:k:B:g:")) != -1) {

        switch (option) {
        case 'c': nconns = atoi(optarg); break;
        case 'w': warm = atof(optarg); break;
        case 'd': duration = atof(optarg); break;
        case 'n': total = atol(optarg); break;
        case 'r': rate = atof(optarg); break;
        case 'N': names = atol(optarg); break;
        case 'z': zipf = 1; break;
        case 'q': in_turn = 1; break;
        case 'W': writes = 1; break;
        case 'b': first_port = atoi(optarg); break;
        case 's': state = atol(optarg) * LOAD_SEED; break;
        case 'k': load_lines(optarg); break;
        case 'B': load_lines(optarg); bodies = 1; break;
        case 'g': load_lines(optarg); load_gets(); break;

        case 'p':
            if (npids < LOAD_PIDS) {
                pids[npids++] = atoi(optarg);
            }
            break;

        default:
            exit(2);
        }
    }

    if (optind + 1 != argc || nconns < 1 || names < 1 || names > 10000000) {
        fprintf(stderr, "usage: see the head of wload.c\n");
        exit(2);
    }

    port = atoi(argv[optind]);

    if (total) {
        warm = 0;
    }
}


static void
load_lines(const char *name)
{
    FILE     *file;
    char     *data;
    size_t    size;
    ssize_t   len;

    file = fopen(name, "r");
    lines = calloc(LOAD_LINES, sizeof(load_line_t));

    if (file == NULL || lines == NULL) {
        load_die(name);
    }

    for (nlines = 0; nlines < LOAD_LINES; nlines++) {
        data = NULL;
        size = 0;
        len = getline(&data, &size, file);

        if (len <= 0) {
            free(data);
            break;
        }

        len -= data[len - 1] == '\n';

        if (len > LOAD_LINE) {
            fprintf(stderr, "%s: a line is too long\n", name);
            exit(1);
        }

        lines[nlines].data = data;
        lines[nlines].len = (int) len;
    }

    fclose(file);

    if (nlines == 0) {
        fprintf(stderr, "%s is empty\n", name);
        exit(1);
    }
}


/* Makes them requests. */

static void
load_gets(void)
{
    long    i;
    char   *line, *p, *end, *out;

    gets = 1;

    for (i = 0; i < nlines; i++) {
        line = lines[i].data;
        end = line + lines[i].len;
        out = malloc(2 * lines[i].len + 64);

        if (out == NULL) {
            load_die("malloc()");
        }

        lines[i].data = out;
        p = memchr(line, '\t', lines[i].len);
        p = p ? p : end;

        out += sprintf(out, "GET %.*s HTTP/1.1\r\nHost: gw.test\r\n",
                       (int) (p - line), line);

        while (p < end) {

            if (*p == '\t') {
                p++;
            }

            while (p < end && *p != '\t') {
                *out++ = *p++;
            }

            *out++ = '\r';
            *out++ = '\n';
        }

        *out++ = '\r';
        *out++ = '\n';

        lines[i].len = (int) (out - lines[i].data);
        free(line);
    }
}


static void
load_run(void)
{
    int                 i, n;
    double              start, now;
    load_count_t        from, to;
    struct timespec     timeout;
    struct epoll_event  events[LOAD_EVENTS];

    start = load_now();
    measuring = (warm == 0);

    load_snapshot(&from);

    for (i = 0; i < nconns; i++) {
        if (rate > 0) {
            idle[nidle++] = &conns[i];

        } else if (total == 0 || sent < total) {
            load_send(&conns[i], load_now());
        }
    }

    for ( ;; ) {
        now = load_now();

        if (!measuring && now >= start + warm) {
            measuring = 1;
            load_snapshot(&from);
        }

        if (total ? count.done >= total
                  : measuring && now >= from.time + duration)
        {
            break;
        }

        if (rate > 0) {
            load_issue(start);
        }

        load_timeout(start, &timeout);

        n = epoll_pwait2(ep, events, LOAD_EVENTS, &timeout, NULL);

        for (i = 0; i < n; i++) {
            load_read(events[i].data.ptr);
        }
    }

    load_snapshot(&to);
    load_report(&from, &to);
}


/* Sends what is due, as far as connections are free. */

static void
load_issue(double start)
{
    double  elapsed;

    elapsed = load_now() - start;

    while (nidle && sent < elapsed * rate && (total == 0 || sent < total)) {
        load_send(idle[--nidle], start + sent / rate);
    }
}


/* Until the next request is due; it must not spin, others may load as well. */

static void
load_timeout(double start, struct timespec *timeout)
{
    double  wait;

    timeout->tv_sec = 0;
    timeout->tv_nsec = 100000000;

    if (rate > 0 && nidle) {
        wait = start + sent / rate - load_now();

        if (wait < 0.1) {
            timeout->tv_nsec = wait > 0 ? (long) (wait * 1e9) : 0;
        }
    }
}


static void
load_report(load_count_t *from, load_count_t *to)
{
    long    done;
    double  time, cpu;

    done = to->done - from->done;
    time = to->time - from->time;
    cpu = to->cpu - from->cpu;

    printf("{\"requests\":%ld,\"seconds\":%.3f,\"rps\":%.0f,"
           "\"cpu_us\":%.4f,\"bad\":%ld,\"broken\":%ld,"
           "\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}\n",
           done, time, done / time, done ? cpu * 1e6 / done : 0,
           to->bad - from->bad, to->broken - from->broken,
           load_percentile(0.5), load_percentile(0.99),
           load_percentile(0.999), load_percentile(1));
}


static void
load_snapshot(load_count_t *to)
{
    *to = count;
    to->time = load_now();
    to->cpu = load_cpu();
}


static void
load_open(load_conn_t *c)
{
    int                 one, tries;
    struct sockaddr_in  sin;
    struct epoll_event  event;

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons(port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd == -1) {
        load_die("socket()");
    }

    for (tries = 0; connect(c->fd, (struct sockaddr *) &sin, sizeof(sin));) {
        if (++tries == 1000) {
            load_die("connect()");
        }

        usleep(1000);
    }

    one = 1;
    (void) setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void) fcntl(c->fd, F_SETFL, O_NONBLOCK);

    event.events = EPOLLIN;
    event.data.ptr = c;

    if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &event) == -1) {
        load_die("epoll_ctl()");
    }
}


static void
load_send(load_conn_t *c, double due)
{
    int   n;
    char  out[LOAD_OUT];

    n = load_request(out);

    c->due = due;
    c->waiting = 1;
    c->got = 0;
    c->need = 0;
    sent++;

    /* a connection that the server has closed is noticed in reading */

    (void) !send(c->fd, out, n, MSG_NOSIGNAL);
}


static int
load_request(char *out)
{
    long         name;
    load_line_t  line;

    if (bodies) {
        line = lines[sent % nlines];

        return sprintf(out, "POST /auth HTTP/1.1\r\nHost: gw.test\r\n"
                       "Content-Type: application/json\r\n"
                       "Content-Length: %d\r\n\r\n%.*s",
                       line.len, line.len, line.data);
    }

    if (gets) {
        line = lines[load_random() % nlines];
        memcpy(out, line.data, line.len);

        return line.len;
    }

    if (lines) {
        line = lines[load_random() % nlines];

        return sprintf(out, "GET / HTTP/1.1\r\nHost: gw.test\r\n"
                       "x-api-key: %.*s\r\n\r\n", line.len, line.data);
    }

    name = load_name();

    if (writes) {
        return load_write(out, name);
    }

    return sprintf(out, "GET / HTTP/1.1\r\nHost: n%07ld.gw.test\r\n\r\n",
                   name);
}


static int
load_write(char *out, long name)
{
    int   len;
    char  body[64];

    len = sprintf(body, "{\"backends\":[\"http://127.0.0.1:%d\"]}",
                  first_port
                  + (int) ((name + 1 + sent / names) % LOAD_PORTS));

    return sprintf(out, "PUT /v1/names/n%07ld.gw.test HTTP/1.1\r\n"
                   "Host: localhost\r\nContent-Length: %d\r\n\r\n%s",
                   name, len, body);
}


static void
load_read(load_conn_t *c)
{
    size_t   at;
    ssize_t  n;

    for ( ;; ) {
        /* of a body nothing is kept */

        at = c->need ? 0 : c->got;

        n = recv(c->fd, c->in + at, LOAD_IN - 1 - at, 0);

        if (n == -1 && errno == EAGAIN) {
            return;
        }

        if (n <= 0) {
            count.broken += c->waiting;

            close(c->fd);
            load_open(c);

            if (c->waiting) {
                sent--;
                load_send(c, c->due);
            }

            return;
        }

        c->got += n;

        if (c->need == 0 && !load_header(c)) {
            continue;
        }

        if (c->got >= c->need) {
            load_done(c);
            return;
        }
    }
}


static int
load_header(load_conn_t *c)
{
    char  *end, *length;

    c->in[c->got] = '\0';

    end = strstr(c->in, "\r\n\r\n");
    if (end == NULL) {
        return 0;
    }

    length = strcasestr(c->in, "\r\ncontent-length:");

    c->need = end + 4 - c->in;

    if (length && length < end) {
        c->need += strtoul(length + 17, NULL, 10);
    }

    if (c->in[9] != '2') {
        count.bad++;
    }

    return 1;
}


static void
load_done(load_conn_t *c)
{
    double  now;

    now = load_now();

    count.done++;
    c->waiting = 0;

    if (measuring) {
        load_latency(now - c->due);
    }

    if (rate > 0) {
        idle[nidle++] = c;

    } else if (total == 0 || sent < total) {
        load_send(c, now);
    }
}


static long
load_name(void)
{
    if (in_turn) {
        return turn++ % names;
    }

    if (zipf) {
        return (uint64_t) load_zipf() * LOAD_SCATTER % names;
    }

    return load_random() % names;
}


/*
 * A rank k with probability proportional to 1/k.  exp(u ln(n + 1)) rounded
 * down has ln(1 + 1/k), which is accepted with the quotient of the two.
 */

static long
load_zipf(void)
{
    long    k;
    double  u;

    do {
        u = load_uniform();
        k = (long) exp(u * log(names + 1.0));

    } while (k > names || load_uniform() * k * log1p(1.0 / k) > M_LN2);

    return k - 1;
}


static double
load_uniform(void)
{
    return (load_random() >> 11) * 0x1p-53;
}


/* splitmix64: any seed will do, and close ones give unlike sequences. */

static uint64_t
load_random(void)
{
    uint64_t  z;

    state += UINT64_C(0x9e3779b97f4a7c15);

    z = state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);

    return z ^ (z >> 31);
}


static double
load_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec + ts.tv_nsec / 1e9;
}


/* The clocks of whole processes, all threads, in nanoseconds. */

static double
load_cpu(void)
{
    int              i;
    double           cpu;
    clockid_t        clock;
    struct timespec  ts;

    cpu = 0;

    for (i = 0; i < npids; i++) {
        if (clock_getcpuclockid(pids[i], &clock) == 0
            && clock_gettime(clock, &ts) == 0)
        {
            cpu += ts.tv_sec + ts.tv_nsec / 1e9;
        }
    }

    return cpu;
}


static void
load_latency(double seconds)
{
    int  bucket;

    bucket = seconds <= 1e-6 ? 0 : (int) (log(seconds * 1e6)
                                          / log(LOAD_STEP));

    histogram[bucket < LOAD_BUCKETS ? bucket : LOAD_BUCKETS - 1]++;
}


static double
load_percentile(double p)
{
    int       i;
    double    below;
    uint64_t  all;

    all = 0;

    for (i = 0; i < LOAD_BUCKETS; i++) {
        all += histogram[i];
    }

    below = 0;

    for (i = 0; i < LOAD_BUCKETS; i++) {
        below += histogram[i];

        if (below >= p * all && all) {
            return pow(LOAD_STEP, i + 0.5);
        }
    }

    return 0;
}


static void
load_die(const char *what)
{
    perror(what);
    exit(1);
}
