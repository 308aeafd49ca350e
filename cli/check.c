
/*
 * wgw check: the command, the configuration and the gateway itself.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/session.h"
#include "core/version.h"
#include "program/memory.h"


#define CHECK_NGINX   "/usr/sbin/nginx"
#define CHECK_CONF    "/etc/wgw/nginx.conf"
#define CHECK_OUTPUT  65536
#define CHECK_FULL    80                /* percent of a zone */


typedef struct {
    const char     *domain;
    const char     *state;
} check_wish_t;


static int check_run(const cli_t *cli, const void *options, char **args,
    size_t n);
static const char *check_host(void);
static void check_all(cli_check_t *check);
static void check_configuration(cli_check_t *check);
static void check_said(cli_check_t *check, const char *conf, int status,
    char *output);
static char *check_nginx(const cli_check_t *check, const char *conf,
    int *status);
static void check_exec(const cli_check_t *check, const char *conf, int out);
static char *check_line(char *output, const char *level);
static void check_gateway(cli_check_t *check);
static void check_names(cli_check_t *check, cli_client_t *client);
static void check_zones(cli_check_t *check, yajl_val usage);
static void check_labels(cli_check_t *check, yajl_val zone);


static const cli_option_t  check_options[] = {
    { "domain", 'd', CLI_VALUE, "NAME", offsetof(check_wish_t, domain),
      "instead of gateway.conf's" },
    { "state", 's', CLI_VALUE, "DIR", offsetof(check_wish_t, state),
      "where the state is (" CLI_STATE ")" },
};


static const cli_command_t  check_commands[] = {
    { "check", "", "what is wrong, and its cure", 0, 0,
      check_options, cli_count(check_options), check_run },
};


const cli_group_t  cli_check_group = {
    check_commands, cli_count(check_commands)
};


static int
check_run(const cli_t *cli, const void *options, char **args, size_t n)
{
    int                  rc;
    cli_check_t          check;
    const check_wish_t  *wish = options;

    (void) args;
    (void) n;

    memset(&check, 0, sizeof(check));
    check.cli = cli;

    rc = cli_conf_open(&check.conf, cli);

    if (rc == CLI_OK) {
        check.domain = wish->domain ? wish->domain
                       : cli_conf_get(&check.conf, "domain", check_host());
        check.state = wish->state ? wish->state
                      : cli_conf_get(&check.conf, "state", CLI_STATE);
        check.http_port = cli_conf_get(&check.conf, "http_port", "80");
        check.tls_port = cli_conf_get(&check.conf, "tls_port", "443");

        check_all(&check);
        rc = check.wrongs ? CLI_FAILED : CLI_OK;
    }

    cli_conf_close(&check.conf);

    return rc;
}


/* What the package takes where nothing is said; NULL: it has no domain. */

static const char *
check_host(void)
{
    static char  name[256];

    if (gethostname(name, sizeof(name) - 1) != 0 || strchr(name, '.') == NULL)
    {
        return NULL;
    }

    return name;
}


static void
check_all(cli_check_t *check)
{
    if (check->cli->json) {
        fputs("{\"findings\":[", stdout);
    }

    check_configuration(check);
    check_gateway(check);
    cli_check_ports(check);
    cli_check_certificate(check);
    cli_check_dns(check);
    cli_check_clock(check);
    cli_check_disk(check);
    cli_check_limits(check);

    if (check->cli->json) {
        printf("],\"wrong\":%u,\"doubtful\":%u}\n", check->wrongs,
               check->doubts);

    } else {
        printf("%u wrong, %u doubtful, %u fine\n", check->wrongs,
               check->doubts, check->n - check->wrongs - check->doubts);
    }
}


static void
check_configuration(cli_check_t *check)
{
    int          status;
    char        *output;
    const char  *conf;

    conf = cli_conf_get(&check->conf, "nginx_conf", CHECK_CONF);

    if (access(conf, R_OK) != 0) {
        cli_check_found(check, errno == EACCES ? CLI_DOUBT : CLI_WRONG,
                        "configuration", errno == EACCES
                        ? "ask as root" : "install the package wgw, or say "
                        "nginx_conf= in " CLI_CONFIG,
                        "%s: %s", conf, strerror(errno));
        return;
    }

    output = check_nginx(check, conf, &status);

    if (output == NULL) {
        cli_check_found(check, CLI_WRONG, "configuration",
                        "install nginx, or say nginx= in " CLI_CONFIG,
                        "nginx -t: %s", strerror(errno));
        return;
    }

    check_said(check, conf, status, output);

    free(output);
}


static void
check_said(cli_check_t *check, const char *conf, int status, char *output)
{
    char  *line;

    line = check_line(output, "[emerg]");

    if (status != 0) {
        cli_check_found(check, CLI_WRONG, "configuration", geteuid() == 0
                        ? "mend that line; until then a reload changes "
                        "nothing, and a start fails" : "ask as root",
                        "%s", line ? line : output[0] ? output
                        : "nginx -t fails");
        return;
    }

    line = check_line(output, "[warn]");

    if (line) {
        cli_check_found(check, CLI_DOUBT, "configuration", "mend that line",
                        "%s", line);
        return;
    }

    cli_check_found(check, CLI_FINE, "configuration", "", "%s", conf);
}


/* What nginx -t says; NULL and errno when it could not be asked. */

static char *
check_nginx(const cli_check_t *check, const char *conf, int *status)
{
    int      out[2], wait;
    char    *output;
    pid_t    pid;
    size_t   len;
    ssize_t  n;

    if (pipe2(out, O_CLOEXEC) != 0) {
        return NULL;
    }

    pid = fork();

    if (pid == 0) {
        check_exec(check, conf, out[1]);
    }

    (void) close(out[1]);

    output = wgw_alloc(CHECK_OUTPUT + 1);
    len = 0;

    while (pid > 0 && len < CHECK_OUTPUT
           && (n = read(out[0], output + len, CHECK_OUTPUT - len)) > 0)
    {
        len += (size_t) n;
    }

    output[len] = '\0';
    (void) close(out[0]);

    if (pid < 0 || waitpid(pid, &wait, 0) != pid || !WIFEXITED(wait)
        || WEXITSTATUS(wait) == 127)
    {
        free(output);
        errno = pid < 0 ? EAGAIN : ENOENT;
        return NULL;
    }

    *status = WEXITSTATUS(wait);

    return output;
}


static void
check_exec(const cli_check_t *check, const char *conf, int out)
{
    const char  *nginx, *prefix;

    nginx = cli_conf_get(&check->conf, "nginx", CHECK_NGINX);
    prefix = cli_conf_get(&check->conf, "nginx_prefix", NULL);

    (void) dup2(out, STDOUT_FILENO);
    (void) dup2(out, STDERR_FILENO);

    (void) execlp(nginx, nginx, "-t", "-c", conf, prefix ? "-p" : NULL,
                  prefix, NULL);

    _exit(127);
}


/*
 * The last line of this level, without what is before it, which may be
 * "2026/11/27 10:04:30 [emerg] 123#123: ", too.
 */

static char *
check_line(char *output, const char *level)
{
    char    *line, *next;
    size_t   n;

    line = NULL;

    for (next = output; (next = strstr(next, level)); next++) {
        line = next;
    }

    if (line) {
        line += strlen(level);
        line += strspn(line, " ");
        line[strcspn(line, "\n")] = '\0';

        n = strspn(line, "0123456789#");

        if (n && strncmp(line + n, ": ", 2) == 0) {
            line += n + 2;
        }
    }

    return line;
}


static void
check_gateway(cli_check_t *check)
{
    int            rc;
    cli_t          silent;
    yajl_val       usage;
    const char    *version;
    cli_session_t  s;

    silent = *check->cli;
    silent.silent = "";
    usage = NULL;

    rc = cli_session_open(&s, &silent);

    if (rc == CLI_OK) {
        usage = cli_client_get(&s.client, "/v1/usage?limit=1", "", &rc);
    }

    if (usage == NULL && s.client.status) {
        cli_check_found(check, CLI_WRONG, "gateway",
                        "see `wgw_usage` in ngx_wgw_meter_module(5)",
                        "it answers %ld at %s", s.client.status,
                        s.client.where);

    } else if (usage == NULL) {
        cli_check_found(check, CLI_WRONG, "gateway",
                        "systemctl start wgw; journalctl -u wgw",
                        "it does not answer at %s: %s", s.client.where
                        ? s.client.where : "-", s.client.fetch.error);

    } else {
        version = wgw_doc_text(usage, "version");

        cli_check_found(check, strcmp(version, WGW_VERSION) ? CLI_DOUBT
                                                            : CLI_FINE,
                        "gateway", strcmp(version, WGW_VERSION)
                        ? "systemctl restart wgw, when you upgraded it" : "",
                        "%s, at %s", version, s.client.where);

        check_names(check, &s.client);
        check_zones(check, usage);
    }

    yajl_tree_free(usage);
    cli_session_close(&s);
}


/*
 * Workers, who are another user than `nginx -t` is, and look into the store.
 * Where nothing is routed there is none: 404.
 */

static void
check_names(cli_check_t *check, cli_client_t *client)
{
    int       rc;
    yajl_val  names;

    names = cli_client_get(client, "/v1/names?limit=1", "", &rc);

    if (names == NULL && client->status >= 500) {
        cli_check_found(check, CLI_WRONG, "names",
                        "see what the error log says of names: whose the "
                        "store is; or restore a backup",
                        "the gateway cannot use its store: it answers %ld",
                        client->status);

    } else if (names) {
        cli_check_found(check, CLI_FINE, "names", "", "can be used");
    }

    yajl_tree_free(names);
}


static void
check_zones(cli_check_t *check, yajl_val usage)
{
    char      percent[CLI_HUMAN];
    size_t    i;
    uint64_t  keys, max, used, room;
    yajl_val  zone, bytes;

    for (i = 0; i < wgw_doc_count(usage, "zones"); i++) {
        zone = wgw_doc_at(usage, "zones", i);
        bytes = wgw_doc_get(zone, "key_bytes");

        check_labels(check, zone);

        keys = wgw_doc_number(zone, "keys");
        max = wgw_doc_number(zone, "keys_max");
        used = wgw_doc_number(bytes, "used");
        room = wgw_doc_number(bytes, "max");

        if (keys * 100 < max * CHECK_FULL && used * 100 < room * CHECK_FULL) {
            continue;
        }

        cli_check_found(check, CLI_DOUBT, "gateway",
                        "give its wgw_meter_zone more keys=, and reload",
                        "the zone \"%s\" is %s full",
                        wgw_doc_text(zone, "zone"),
                        keys * room >= used * max
                        ? cli_human_percent(percent, keys, max)
                        : cli_human_percent(percent, used, room));
    }
}


/* 0 of 0 where there are none. */

static void
check_labels(cli_check_t *check, yajl_val zone)
{
    char      percent[CLI_HUMAN];
    uint64_t  used, room;
    yajl_val  bytes;

    bytes = wgw_doc_get(zone, "label_bytes");
    used = wgw_doc_number(bytes, "used");
    room = wgw_doc_number(bytes, "max");

    if (room && used * 100 >= room * CHECK_FULL) {
        cli_check_found(check, CLI_DOUBT, "gateway",
                        "give its wgw_meter_zone more label_bytes=, and "
                        "restart", "the room for labels of the zone \"%s\" is"
                        " %s full", wgw_doc_text(zone, "zone"),
                        cli_human_percent(percent, used, room));
    }
}
