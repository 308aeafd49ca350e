
/*
 * check_host: the machine's clock, disk and limits.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include "cli/check.h"
#include "cli/file.h"
#include "cli/human.h"


#define HOST_PROC      65536            /* bytes of a file of /proc */
#define HOST_FREE      ((uint64_t) 1 << 30)
#define HOST_LITTLE    ((uint64_t) 100 << 20)
#define HOST_FILES     8192             /* open ones, of a worker */
#define HOST_BACKLOG   1024
#define HOST_PORTS     20000            /* for connections to backends */
#define HOST_PID       "/run/wgw/nginx.pid"


static int host_number(const char *path, uint64_t *number);
static void host_backlog(cli_check_t *check);
static void host_ports(cli_check_t *check);
static void host_conntrack(cli_check_t *check);
static void host_files(cli_check_t *check);


void
cli_check_clock(cli_check_t *check)
{
    int           state;
    struct timex  tx;

    memset(&tx, 0, sizeof(tx));
    state = adjtimex(&tx);

    if (state < 0) {
        cli_check_found(check, CLI_DOUBT, "clock", "timedatectl",
                        "adjtimex(): %s", strerror(errno));

    } else if (state == TIME_ERROR || (tx.status & STA_UNSYNC)) {
        cli_check_found(check, CLI_DOUBT, "clock",
                        "apt-get install chrony, or systemd-timesyncd",
                        "nobody keeps it right: months, keys and "
                        "certificates go by it");

    } else {
        cli_check_found(check, CLI_FINE, "clock", "", "it is kept right");
    }
}


void
cli_check_disk(cli_check_t *check)
{
    char            left[CLI_HUMAN], percent[CLI_HUMAN];
    uint64_t        bytes;
    cli_finding_t   finding;
    struct statvfs  fs;

    if (statvfs(check->state, &fs) != 0) {
        cli_check_found(check, CLI_WRONG, "disk", "mkdir -m 755 it, or say "
                        "state= in " CLI_CONFIG, "%s: %s", check->state,
                        strerror(errno));
        return;
    }

    /* the kernel does that to a disk that fails, whatever is free on it */

    if (fs.f_flag & ST_RDONLY) {
        cli_check_found(check, CLI_WRONG, "disk", "dmesg says why; mend it, "
                        "then: mount -o remount,rw", "%s is read-only: "
                        "no change of names is taken", check->state);
        return;
    }

    bytes = (uint64_t) fs.f_bavail * fs.f_frsize;

    finding = bytes < HOST_LITTLE || (fs.f_files && fs.f_favail == 0)
              ? CLI_WRONG
              : bytes < HOST_FREE || fs.f_bavail < fs.f_blocks / 20
                ? CLI_DOUBT : CLI_FINE;

    cli_check_found(check, finding, "disk", finding == CLI_FINE ? ""
                    : "make room: changes of names are refused on a full "
                    "one", "%s, %s, are free for %s",
                    cli_human_bytes(left, bytes),
                    cli_human_percent(percent, fs.f_bavail, fs.f_blocks),
                    check->state);
}


void
cli_check_limits(cli_check_t *check)
{
    unsigned  before;

    before = check->doubts;

    host_backlog(check);
    host_ports(check);
    host_conntrack(check);
    host_files(check);

    if (check->doubts == before) {
        cli_check_found(check, CLI_FINE, "limits", "", "the kernel's are "
                        "wide enough");
    }
}


static int
host_number(const char *path, uint64_t *number)
{
    char    *text;
    size_t   len;

    text = cli_file_read(path, HOST_PROC, &len);

    if (text == NULL) {
        return -1;
    }

    *number = strtoull(text, NULL, 10);
    free(text);

    return 0;
}


static void
host_backlog(cli_check_t *check)
{
    uint64_t  n;

    if (host_number("/proc/sys/net/core/somaxconn", &n) == 0
        && n < HOST_BACKLOG)
    {
        cli_check_found(check, CLI_DOUBT, "limits",
                        "sysctl -w net.core.somaxconn=4096, and in "
                        "/etc/sysctl.d", "net.core.somaxconn is %llu: new "
                        "connections are dropped in a rush",
                        (unsigned long long) n);
    }
}


static void
host_ports(cli_check_t *check)
{
    char      *text, *end;
    size_t     len;
    uint64_t   first, last;

    text = cli_file_read("/proc/sys/net/ipv4/ip_local_port_range", HOST_PROC,
                         &len);

    if (text == NULL) {
        return;
    }

    first = strtoull(text, &end, 10);
    last = strtoull(end, NULL, 10);
    free(text);

    if (last < first + HOST_PORTS) {
        cli_check_found(check, CLI_DOUBT, "limits", "sysctl -w net.ipv4."
                        "ip_local_port_range=\"16384 65000\", and in "
                        "/etc/sysctl.d", "net.ipv4.ip_local_port_range is "
                        "%llu to %llu: few connections to one backend",
                        (unsigned long long) first,
                        (unsigned long long) last);
    }
}


/* Only where a firewall follows connections. */

static void
host_conntrack(cli_check_t *check)
{
    uint64_t  n, max;

    if (host_number("/proc/sys/net/netfilter/nf_conntrack_count", &n) == 0
        && host_number("/proc/sys/net/netfilter/nf_conntrack_max", &max) == 0
        && n * 10 >= max * 8)
    {
        cli_check_found(check, CLI_DOUBT, "limits", "sysctl -w net.netfilter."
                        "nf_conntrack_max to twice as much, and in "
                        "/etc/sysctl.d", "the firewall follows %llu of %llu "
                        "connections: others are dropped beyond",
                        (unsigned long long) n, (unsigned long long) max);
    }
}


/* Of a worker, which may have other ones than its master and this process. */

static void
host_files(cli_check_t *check)
{
    char        path[64], *text, *line;
    size_t      len;
    uint64_t    pid, worker, n;

    if (host_number(cli_conf_get(&check->conf, "pid", HOST_PID), &pid) != 0) {
        return;
    }

    (void) snprintf(path, sizeof(path), "/proc/%llu/task/%llu/children",
                    (unsigned long long) pid, (unsigned long long) pid);

    if (host_number(path, &worker) == 0 && worker) {
        pid = worker;
    }

    (void) snprintf(path, sizeof(path), "/proc/%llu/limits",
                    (unsigned long long) pid);

    text = cli_file_read(path, HOST_PROC, &len);
    line = text ? strstr(text, "Max open files") : NULL;

    if (line) {
        n = strtoull(line + strlen("Max open files"), NULL, 10);

        if (n < HOST_FILES) {
            cli_check_found(check, CLI_DOUBT, "limits",
                            "LimitNOFILE=65536 in wgw.service (systemctl edit"
                            " wgw), or worker_rlimit_nofile in nginx.conf",
                            "a worker may have %llu files open, two for "
                            "each connection", (unsigned long long) n);
        }
    }

    free(text);
}
