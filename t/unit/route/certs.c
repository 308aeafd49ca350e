
/*
 * Which folder has a name's certificate.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/tap.h"
#include "route/certs.h"


static char  dir[] = "/tmp/wgw-certs.XXXXXX";


static void
folder(const char *name)
{
    char   path[600];
    FILE  *file;

    static const char *const  files[] = { WGW_CERTS_CERT, WGW_CERTS_KEY };

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    mkdir(path, 0700);

    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s/%s", dir, name, files[i]);

        file = fopen(path, "w");

        if (file) {
            fclose(file);
        }
    }
}


/* What a handshake can do with. */

static void
pair(const char *name)
{
    char  command[800];

    snprintf(command, sizeof(command),
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
             "-nodes -days 2 -subj /CN=x -keyout %s/%s/" WGW_CERTS_KEY
             " -out %s/%s/" WGW_CERTS_CERT " 2> /dev/null",
             dir, name, dir, name);

    ok(system(command) == 0, "a certificate and its key");
}


static void
found(const char *name, wgw_certs_kind_e kind, const char *where)
{
    char              got[WGW_CERTS_FOLDER];
    wgw_text_t        text = { name, strlen(name) };
    wgw_certs_kind_e  rc;

    rc = wgw_certs_look(dir, text, got);

    ok(rc == kind && strcmp(got, where) == 0, "\"%.40s\": %s", name, got);
}


int
main(void)
{
    int         rc;
    char        path[300], command[64], got[WGW_CERTS_FOLDER];
    char        label[300];
    wgw_text_t  shop = { "shop.example", 12 };

    if (mkdtemp(dir) == NULL) {
        return 1;
    }

    folder("shop.example");
    folder("_.gw.test");
    folder(".1.a");

    snprintf(path, sizeof(path), "%s/linked.example", dir);
    rc = symlink(".1.a", path);
    snprintf(path, sizeof(path), "%s/far.example", dir);
    rc |= symlink("../elsewhere", path);
    ok(rc == 0, "links");

    found("shop.example", WGW_CERTS_OWN, "shop.example");
    found("linked.example", WGW_CERTS_OWN, ".1.a");
    found("far.example", WGW_CERTS_NONE, ".self");
    found("a.gw.test", WGW_CERTS_WILDCARD, "_.gw.test");
    found("gw.test", WGW_CERTS_NONE, ".self");

    folder(".2.b");
    snprintf(path, sizeof(path), "%s/.default", dir);
    rc = symlink(".2.b", path);
    ok(rc == 0, "one for all others");
    found("gw.test", WGW_CERTS_NONE, ".2.b");
    found("", WGW_CERTS_NONE, ".2.b");
    found("shop.example", WGW_CERTS_OWN, "shop.example");
    unlink(path);
    found("gw.test", WGW_CERTS_NONE, ".self");
    found("a.b.gw.test", WGW_CERTS_NONE, ".self");
    found("", WGW_CERTS_NONE, ".self");
    found(".self", WGW_CERTS_NONE, ".self");
    found("..", WGW_CERTS_NONE, ".self");
    found("../shop.example", WGW_CERTS_NONE, ".self");
    found("shop.example/", WGW_CERTS_NONE, ".self");
    found("Shop.example", WGW_CERTS_NONE, ".self");

    memset(label, 'x', sizeof(label));
    label[WGW_NAME_MAX] = '\0';
    found(label, WGW_CERTS_NONE, ".self");

    /* an empty pair is none */

    ok(wgw_certs_find(dir, shop, 99, got) == WGW_CERTS_BROKEN
       && strcmp(got, ".self") == 0, "broken");

    /* kept for a second, and not longer */

    pair("shop.example");

    ok(wgw_certs_find(dir, shop, 100, got) == WGW_CERTS_OWN, "found");
    snprintf(path, sizeof(path), "%s/shop.example/" WGW_CERTS_KEY, dir);
    unlink(path);
    ok(wgw_certs_find(dir, shop, 100, got) == WGW_CERTS_OWN, "kept");
    ok(wgw_certs_find(dir, shop, 101, got) == WGW_CERTS_NONE, "looked for");

    snprintf(command, sizeof(command), "rm -rf %s", dir);
    ok(system(command) == 0, "gone");

    return done();
}
