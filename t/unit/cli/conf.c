
/*
 * conf: gateway.conf, as people write it.
 */

#include <assert.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/conf.h"

#include "t/unit/tap.h"


static char  path[] = "/tmp/wgw-conf.XXXXXX";


static void
says(const char *file, size_t len, const char *name, const char *expected)
{
    int          fd;
    cli_t        cli;
    cli_conf_t   conf;
    const char  *value;

    fd = open(path, O_WRONLY|O_TRUNC);
    assert(fd >= 0 && write(fd, file, len) == (ssize_t) len);
    close(fd);

    memset(&cli, 0, sizeof(cli));
    cli.config = path;

    ok(cli_conf_open(&conf, &cli) == CLI_OK, "%s", name);
    value = cli_conf_get(&conf, name, "missing");
    is(value, strlen(value), expected, expected);

    cli_conf_close(&conf);
}


#define says(file, name, expected)                                            \
    says(file, sizeof(file) - 1, name, expected)


int
main(void)
{
    int         fd;
    cli_t       cli;
    cli_conf_t  conf;

    fd = mkstemp(path);
    assert(fd >= 0);
    close(fd);

    says("", "domain", "missing");
    says("domain=gw1.example", "domain", "gw1.example");
    says("domain=gw1.example\n", "domain", "gw1.example");
    says("  domain  =  gw1.example  \r\n", "domain", "gw1.example");
    says("WGW_DOMAIN=\"a b\"\n", "domain", "a b");
    says("Domain='x'\n", "WGW_domain", "x");
    says("domain='x\"\n", "domain", "'x\"");
    says("domain=\"\n", "domain", "\"");
    says("# domain=x\n\n#\n", "domain", "missing");
    says("domain=x\ndomain=y\n", "domain", "y");
    says("domain=x\ndomain=\n", "domain", "x");
    says("domain\nfarm=1\n", "domain", "missing");
    says("domain\nfarm=1\n", "farm", "1");
    says("domains=x\n", "domain", "missing");
    says("=x\ndomain=y\n", "domain", "y");
    says("a=b=c\n", "a", "b=c");
    says("a=b\n\0domain=x\n", "domain", "missing");
    says("\0", "domain", "missing");

    memset(&cli, 0, sizeof(cli));
    cli.silent = "";
    cli.config = "/none";
    ok(cli_conf_open(&conf, &cli) != CLI_OK, "one that is not there");
    cli_conf_close(&conf);

    unlink(path);

    return done();
}
