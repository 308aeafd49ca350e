
/*
 * What of a deployment's form is accepted, against the verdicts of zos in
 * t/vectors/tf/rules.json; and where we refuse what zos does not.
 */

#include "grid/form.h"
#include "grid/grid.h"
#include "t/unit/vectors.h"


static grid_deployment_t  d;
static grid_self_t        self;
static char               error[GRID_ERROR];


/* A deployment of one workload, judged. */

static int
judge(const char *type, const char *name, const char *target,
    unsigned passthrough, const char *backend, const char *metadata)
{
    memset(&d, 0, sizeof(d));

    d.twin = 7341;
    d.contract = 1;
    d.metadata = d.description = d.style = "";
    d.nworkloads = 1;

    d.workloads[0].name = name;
    d.workloads[0].type = type;
    d.workloads[0].fqdn = (strcmp(type, GRID_TYPE_FQDN) == 0);
    d.workloads[0].target = target;
    d.workloads[0].passthrough = passthrough;
    d.workloads[0].metadata = metadata;
    d.workloads[0].description = "";

    if (backend) {
        d.workloads[0].backends[0] = backend;
        d.workloads[0].nbackends = 1;
    }

    error[0] = '\0';

    return grid_form_judge(&d, &self, error);
}


static int
backend(const char *text, unsigned passthrough)
{
    return judge(GRID_TYPE_NAME, "wl", "mysite", passthrough, text, "");
}


static int
wish(const char *metadata)
{
    return judge(GRID_TYPE_NAME, "wl", "mysite", 0, "http://192.0.2.10",
                 metadata);
}


/* Whether zos accepts what only could do harm, so that we do not (tf 15). */

static int
harmful(const char *text)
{
    size_t  i, len;

    static const char  *const texts[] = {
        ":65536", ":99999999", "[::]", "0.0.0.0", "[ff02::1]",
        "224.0.0.1", "255.255.255.255", "127.0.0.1", "127.8.9.1", "[::1]",
        "http://2001:db8::10:80", "%25", "[fe80", "169.254", "fe80"
    };

    for (i = 0; i < grid_count(texts); i++) {
        if (strstr(text, texts[i])) {
            return 1;
        }
    }

    len = strlen(text);

    return len > 2 && strcmp(text + len - 2, ":0") == 0;
}


/* On one line. */

static const char *
line(const char *text)
{
    char  *p;

    static char  copy[GRID_ERROR];

    grid_put(copy, sizeof(copy), "%s", text);

    for (p = copy; *p; p++) {
        *p = *p < ' ' && *p > 0 ? '?' : *p;
    }

    return copy;
}


static void
test_backends(void)
{
    int          mode, got, zos;
    size_t       i;
    yajl_val     root, list, row;
    const char  *text;

    root = vectors_read("tf", "rules");
    list = member(root, "backends");

    for (i = 0; i < YAJL_GET_ARRAY(list)->len; i++) {
        row = YAJL_GET_ARRAY(list)->values[i];
        text = wgw_doc_text(row, "backend");

        for (mode = 0; mode < 2; mode++) {
            zos = strcmp(wgw_doc_text(row, mode ? "tls_passthrough_true"
                                                : "tls_passthrough_false"),
                         "accept") == 0;
            got = backend(text, (unsigned) mode) == GRID_OK;

            ok(zos ? (got || harmful(text)) && !(got && harmful(text)) : !got,
               "tf %d: \"%s\": %s%s", 15 + mode, text,
               got ? "accepted" : "refused: ", error);

            ok(got || (strstr(error, "\"wl\"") && strstr(error, "write ")),
               "and told what would do");
        }
    }

    yajl_tree_free(root);

    ok(backend("http://192.0.2.1:0000000000000000000000000000000000000000000"
               "00000000000080x", 0) != GRID_OK, "tf 15: %s", error);

    ok(judge(GRID_TYPE_NAME, "wl", "mysite", 0, NULL, "") != GRID_OK
       && strstr(error, "backends is empty"), "tf 14: %s", error);
}


/* tf 19: in each way that an own address is written. */

static void
test_own(void)
{
    size_t  i;

    static const char  *const own[] = {
        "http://203.0.113.10", "http://[::ffff:203.0.113.10]:80",
        "http://[2001:db8:ffff::10]:8080", "http://[::203.0.113.10]",
        "http://[64:ff9b::203.0.113.10]", "http://203.0.113.11:81"
    };

    for (i = 0; i < grid_count(own); i++) {
        ok(backend(own[i], 0) != GRID_OK, "tf 19: %s: %s", own[i], error);
    }

    ok(backend("203.0.113.10:443", 1) != GRID_OK, "tf 19: %s", error);
    ok(backend("http://203.0.113.12", 0) == GRID_OK, "but its neighbour");
}


static void
test_names(void)
{
    int          got, zos;
    size_t       i;
    yajl_val     root, list, row;
    const char  *text;

    root = vectors_read("tf", "rules");
    list = member(root, "names");

    for (i = 0; i < YAJL_GET_ARRAY(list)->len; i++) {
        row = YAJL_GET_ARRAY(list)->values[i];
        text = wgw_doc_text(row, "name");
        zos = strcmp(wgw_doc_text(row, "node_rule"), "accept") == 0;
        got = judge(GRID_TYPE_NAME, "wl", text, 0, "http://192.0.2.10", "")
              == GRID_OK;

        if (strcmp(text, "_acme-challenge") == 0 || strlen(text) > 63) {
            zos = 0;
        }

        ok(got == zos, "tf 17: name %s", line(got ? text : error));
    }

    list = member(root, "workload_names");

    for (i = 0; i < YAJL_GET_ARRAY(list)->len; i++) {
        row = YAJL_GET_ARRAY(list)->values[i];
        text = wgw_doc_text(row, "value");
        zos = strcmp(wgw_doc_text(row, "node_rule"), "accept") == 0;

        ok((judge(GRID_TYPE_NAME, text, "mysite", 0, "http://192.0.2.10", "")
            == GRID_OK) == zos, "tf 13: workload \"%s\": %s", text, error);
    }

    list = member(root, "fqdns");

    for (i = 0; i < YAJL_GET_ARRAY(list)->len; i++) {
        row = YAJL_GET_ARRAY(list)->values[i];
        text = wgw_doc_text(row, "value");
        zos = strcmp(wgw_doc_text(row, "node_rule"), "accept") == 0;
        got = judge(GRID_TYPE_FQDN, "wl", text, 0, "http://192.0.2.10", "")
              == GRID_OK;

        /* what DNS does not have, or what is an address */

        if (strcmp(text, "192.0.2.10") == 0 || strlen(text) > 253
            || strcspn(text, ".") > 63)
        {
            zos = 0;
        }

        ok(got == zos, "tf 17: fqdn %s", line(got ? text : error));
    }

    yajl_tree_free(root);
}


static void
test_versions(void)
{
    (void) judge(GRID_TYPE_NAME, "wl", "mysite", 0, "http://192.0.2.10", "");
    d.workloads[0].version = 1;

    ok(grid_form_judge(&d, &self, error) != GRID_OK
       && strstr(error, "version 1"), "tf 13: %s", error);

    d.workloads[0].version = 0;
    d.workloads[0].network = "mynet";

    ok(grid_form_judge(&d, &self, error) != GRID_OK
       && strstr(error, "mynet"), "%s", error);

    d.workloads[0].network = "";
    ok(grid_form_judge(&d, &self, error) == GRID_OK, "an empty network");

    d.nworkloads = 0;
    ok(grid_form_judge(&d, &self, error) != GRID_OK, "%s", error);

    d.nworkloads = 1;
    d.contract = 0;
    ok(grid_form_judge(&d, &self, error) != GRID_OK, "%s", error);
}


/* tf 27, 28: what the metadata may wish. */

static void
test_wishes(void)
{
    size_t  i;

    static const char  *const good[] = {
        "", "free text", "{\"version\":3}", "{\"wgw\":null}", "{\"wgw\":{}}",
        "{\"wgw\":{\"gb_month\":0}}", "{\"wgw\":{\"gb_month\":9007199}}",
        "{\"wgw\":{\"gb_month\":null},\"version\":3}",
        "{\"wgw\":{\"ip\":\"203.0.113.11\"}}",
        "{\"wgw\":{\"ip\":[\"203.0.113.10\",\"2001:db8:ffff::10\"]}}",
        ("{\"wgw\":{\"backends\":[\"https://[2001:db8::10]:8443\"],"
         "\"tls_verify\":false,\"tls_name\":\"shop.example\"}}"),
        "not { \"wgwx\" json"
    }, *const bad[] = {
        "{\"wgw\":{\"gb_month\":-1}}", "{\"wgw\":{\"gb_month\":1.5}}",
        "{\"wgw\":{\"gb_month\":\"1\"}}", "{\"wgw\":{\"gb_month\":\"1.5\"}}",
        "{\"wgw\":{\"gb_month\":9007200}}",
        "{\"wgw\":{\"gb_month\":9007199254740993}}",
        "{\"wgw\":{\"gb_mont\":1}}", "{\"wgw\":7}", "{\"wgw\":[]}",
        "{\"wgw\":{\"gb_month\":1}", "\"wgw\"",
        "{\"wgw\":{\"ip\":\"203.0.113.12\"}}", "{\"wgw\":{\"ip\":\"x\"}}",
        "{\"wgw\":{\"ip\":7}}", "{\"wgw\":{\"ip\":[7]}}",
        "{\"wgw\":{\"backends\":[\"ftp://192.0.2.1\"]}}",
        "{\"wgw\":{\"backends\":[\"https://127.0.0.1\"]}}",
        "{\"wgw\":{\"backends\":[\"https://203.0.113.10\"]}}",
        "{\"wgw\":{\"backends\":\"https://192.0.2.1\"}}",
        "{\"wgw\":{\"backends\":[\"https://192.0.2.1\",\"http://192.0.2.2\"]}}",
        "{\"wgw\":{\"proxy_protocol\":true}}",
        "{\"wgw\":{\"tls_verify\":\"no\"}}"
    };

    for (i = 0; i < grid_count(good); i++) {
        ok(wish(good[i]) == GRID_OK, "tf 28: %s %s", good[i], error);
    }

    for (i = 0; i < grid_count(bad); i++) {
        ok(wish(bad[i]) == GRID_FAILED, "tf 28: %s: %s", bad[i], error);
    }
}


/* The record that comes of it, whose wish was the deployment's. */

static void
test_record(void)
{
    grid_out_t    record = { NULL, 0, 0 };
    grid_wish_t   wished;
    grid_place_t  place = { "mysite.gw.test", "7341", "7341-1-wl", 0, 0, 1 };

    static const char  metadata[] =
        "{\"wgw\":{\"gb_month\":2,\"ip\":\"203.0.113.11\"}}";

    (void) judge(GRID_TYPE_NAME, "wl", "mysite", 0,
                 "HTTP://u:p@192.0.2.10:81/a?b#c", "");

    ok(grid_wish_read(&wished, "free", metadata, error) == GRID_OK
       && wished.said, "the deployment's wish, where there is none other");
    ok(grid_form_record(&d.workloads[0], &wished, &self, &place, &record,
                        error) == GRID_OK, "a record %s", error);

    is(record.data, record.len, "{\"name\":\"mysite.gw.test\",\"backends\":"
       "[\"http://192.0.2.10:81\"],\"addresses\":[\"203.0.113.11\"],"
       "\"tls_passthrough\":false,\"cap_bytes\":2000000000,"
       "\"proxy_protocol\":false,\"tls_verify\":true,\"tls_name\":\"\","
       "\"owner\":\"7341\",\"workload\":\"7341-1-wl\",\"state\":\"paused\"}",
       "tf 27, 28: as the gateway takes it");

    grid_out_free(&record);
    place.capped = 1;

    ok(grid_form_record(&d.workloads[0], &wished, &self, &place, &record,
                        error) == GRID_OK
       && strstr(record.data, "\"cap_bytes\":0"), "a limit that was set later");

    grid_out_free(&record);
    grid_wish_free(&wished);
}


int
main(void)
{
    self.naddresses = 3;
    (void) wgw_addr_parse(&self.addresses[0], view("203.0.113.10"));
    (void) wgw_addr_parse(&self.addresses[1], view("203.0.113.11"));
    (void) wgw_addr_parse(&self.addresses[2], view("2001:db8:ffff::10"));

    test_backends();
    test_own();
    test_names();
    test_versions();
    test_wishes();
    test_record();

    return done();
}
