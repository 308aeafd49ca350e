
/*
 * Deployments: their challenges against the vectors, three implementations
 * agreeing on each; how they are read; and that what is sent back can be read
 * again as the same.
 */

#include "grid/deployment.h"
#include "grid/grid.h"
#include "program/memory.h"
#include "t/unit/vectors.h"


static grid_deployment_t  d;
static char               error[GRID_ERROR];


static int
read_text(const char *json)
{
    grid_deployment_free(&d);

    return grid_deployment_read(&d, view(json), error);
}


/* A deployment of one workload, whose members are `inside`. */

static int
read_workload(const char *inside)
{
    int    rc;
    char  *json;

    json = wgw_format("{\"version\":0,\"twin_id\":7341,\"contract_id\":1,"
                      "\"workloads\":[{%s}]}", inside);
    rc = read_text(json);
    free(json);

    return rc;
}


static void
test_vectors(void)
{
    char         hash[GRID_HASH + 1];
    size_t       i;
    yajl_val     root, row;
    grid_out_t   out;
    const char  *id, *json;

    root = vectors_read("tf", "deployments");

    for (i = 0; i < YAJL_GET_ARRAY(root)->len; i++) {
        row = YAJL_GET_ARRAY(root)->values[i];
        id = wgw_doc_text(row, "id");
        json = wgw_doc_text(member(member(row, "signed"), "sr25519"),
                            "wire_json");

        memset(&out, 0, sizeof(out));
        memset(hash, 0, sizeof(hash));

        ok(read_text(json) == GRID_OK, "tf 12: %s is read", id);

        grid_deployment_challenge(&d, &out);
        is(out.data, out.len, wgw_doc_text(row, "challenge_utf8"),
           "tf 12: its challenge");
        grid_out_free(&out);

        ok(grid_deployment_hash(&d, hash) == GRID_OK, "it has a hash");
        is(hash, strlen(hash), wgw_doc_text(row, "challenge_hash_md5_hex"),
           "tf 12: the contract's hash");

        ok(d.nsignatures == 1 && strlen(d.signatures[0].digits) == 128
           && strcmp(d.signatures[0].type, "sr25519") == 0, "its signature");
    }

    yajl_tree_free(root);
}


/* tf 18: what is not known, or is nothing, changes nothing. */

static void
test_open(void)
{
    char  hash[GRID_HASH + 1];

    ok(read_text("{\"workloads\":[{\"name\":\"a\",\"later\":{\"a\":[1,{}]},"
                 "\"type\":\"gateway-name-proxy\",\"result\":{},"
                 "\"data\":{\"__type\":\"x\",\"name\":\"mysite\","
                 "\"network\":null,\"backends\":[\"http://192.0.2.1\"],"
                 "\"tls_passthrough\":null}}],\"expiration\":null,"
                 "\"version\":7,\"version\":3,\"twin_id\":1e3,"
                 "\"signature_requirement\":null}") == GRID_OK,
       "tf 18: unknown members, null, an empty result: %s", error);

    ok(d.version == 3, "the last of two members counts");
    ok(d.twin == 1000, "a number is what it is worth");
    ok(d.workloads[0].network == NULL, "no network");
    ok(d.nrequests == 0 && d.metadata[0] == '\0', "what is missing is zero");

    ok(read_text("{\"expiration\":\"2021-07-16T01:22:19Z\"}") == GRID_OK
       && d.expiration == 1626398539, "expiration as a date");
    ok(read_text("{\"expiration\":-5}") == GRID_OK && d.expiration == -5
       && grid_deployment_hash(&d, hash) == GRID_OK, "expiration below zero");
    ok(read_text("{\"expiration\":\"soon\"}") != GRID_OK, "expiration: soon");
}


/* tf 14, 29: types, and the phrases that tell of them. */

static void
test_refused(void)
{
    size_t  i;

    static const struct {
        const char  *json;
        const char  *phrase;
    } whole[] = {
        { "", "JSON" }, { "{", "JSON" }, { "null", "object" },
        { "[]", "object" }, { "\xff\xfe\x01", "JSON" }, { "7", "object" },
        { "{\"version\":-1}", "version must be a whole number" },
        { "{\"version\":\"0\"}", "version must be a whole number" },
        { "{\"version\":1.5}", "version must be a whole number" },
        { "{\"twin_id\":4294967296}", "twin_id must be" },
        { "{\"metadata\":{}}", "metadata must be a string" },
        { "{\"metadata\":\"a\\u0000b\"}", "NUL" },
        { "{\"metadata\":\"\\ud800\"}", "JSON" },
        { "{\"workloads\":{}}", "workloads must be an array" },
        { "{\"workloads\":[null]}", "workloads[0].must be an object" },
        { "{\"signature_requirement\":[]}", "must be an object" },
        { "{\"signature_requirement\":{\"requests\":[7]}}",
          "signature_requirement.requests[0] must be an object" },
        { "{\"signature_requirement\":{\"signatures\":[{\"signature\":7}]}}",
          "signature must be a string" },
    }, part[] = {
        { "\"type\":\"gateway-udp-proxy\",\"data\":{}", "gateway-udp-proxy" },
        { "\"type\":\"zmachine\",\"data\":{}", "gateway-name-proxy" },
        { "\"type\":\"gateway-name-proxy\"", "data is missing" },
        { "\"type\":\"gateway-name-proxy\",\"data\":[]", "an object" },
        { "\"type\":\"gateway-name-proxy\",\"data\":{\"backends\":\"x\"}",
          "workloads[0].data.backends must be an array" },
        { "\"type\":\"gateway-name-proxy\",\"data\":{\"backends\":[1]}",
          "workloads[0].data.backends[0] must be a string" },
        { "\"type\":\"gateway-name-proxy\",\"data\":{\"tls_passthrough\":"
          "\"true\"}", "tls_passthrough must be true or false" },
        { "\"type\":\"gateway-fqdn-proxy\",\"data\":{\"fqdn\":7}",
          "workloads[0].data.fqdn must be a string" },
    };

    for (i = 0; i < grid_count(whole); i++) {
        ok(read_text(whole[i].json) == GRID_FAILED
           && strstr(error, whole[i].phrase), "tf 29: %s: %s",
           whole[i].json, error);
    }

    for (i = 0; i < grid_count(part); i++) {
        ok(read_workload(part[i].json) == GRID_FAILED
           && strstr(error, part[i].phrase), "tf 14: %s: %s", part[i].json,
           error);
    }

    ok(read_text("{\"workloads\":[{\"name\":\"a\",\"data\":{},"
                 "\"type\":\"gateway-name-proxy\"},{\"name\":\"a\","
                 "\"type\":\"gateway-name-proxy\",\"data\":{}}]}")
       == GRID_FAILED && strstr(error, "\"a\" is that of another"),
       "tf 13: a name twice: %s", error);
}


/* tf 36: what is too much is refused, before it costs much. */

static void
test_bounds(void)
{
    char    *json, *p;
    size_t   i, len;

    len = 5 << 20;
    json = calloc(1, len + 1);

    memset(json, ' ', len);
    ok(read_text(json) == GRID_FAILED && strstr(error, "bytes"),
       "tf 36: 5 MB: %s", error);

    memset(json, '[', 1000);
    json[1000] = '\0';
    ok(read_text(json) == GRID_FAILED && strstr(error, "nested"),
       "tf 36: 1,000 deep: %s", error);

    p = json + sprintf(json, "{\"workloads\":[{\"name\":\"a\",\"type\":"
                       "\"gateway-name-proxy\",\"data\":{\"backends\":[\"\"");

    for (i = 0; i < 40000; i++) {
        p += sprintf(p, ",\"\"");

        if (i == 1000) {
            strcpy(p, "]}}]}");
            ok(read_text(json) == GRID_FAILED
               && strstr(error, "1002 items, and may have 16"),
               "tf 36: 1,002 backends: %s", error);
        }
    }

    strcpy(p, "]}}]}");
    ok(read_text(json) == GRID_FAILED && strstr(error, "more values"),
       "tf 36: 40,001 backends: %s", error);

    free(json);
}


/* What is sent back has the same challenge. */

static void
test_json(void)
{
    char             hash[2][GRID_HASH + 1];
    size_t           i;
    yajl_val         root, row;
    grid_out_t       out = { NULL, 0, 0 };

    root = vectors_read("tf", "deployments");

    for (i = 0; i < YAJL_GET_ARRAY(root)->len; i++) {
        row = YAJL_GET_ARRAY(root)->values[i];

        (void) read_text(wgw_doc_text(member(member(row, "signed"),
                                              "ed25519"), "wire_json"));
        (void) grid_deployment_hash(&d, hash[0]);

        grid_out_format(&out, "{\"version\":%u,\"twin_id\":%u,"
                        "\"expiration\":%lld,\"metadata\":", d.version,
                        d.twin, (long long) d.expiration);
        grid_out_json(&out, d.metadata);
        grid_out_text(&out, ",\"description\":");
        grid_out_json(&out, d.description);
        grid_out_text(&out, ",\"signature_requirement\":");
        grid_requirement_json(&d, &out);
        grid_out_text(&out, ",\"workloads\":[");

        for (size_t k = 0; k < d.nworkloads; k++) {
            grid_out_text(&out, k ? ",{" : "{");
            grid_workload_json(&d.workloads[k], &out);
            grid_out_text(&out, "}");
        }

        grid_out_text(&out, "]}");

        ok(read_text(out.data) == GRID_OK
           && grid_deployment_hash(&d, hash[1]) == GRID_OK
           && strcmp(hash[0], hash[1]) == 0, "%s, sent back and read again",
           wgw_doc_text(row, "id"));

        grid_out_free(&out);
    }

    yajl_tree_free(root);
}


int
main(void)
{
    test_vectors();
    test_open();
    test_refused();
    test_bounds();
    test_json();

    grid_deployment_free(&d);

    return done();
}
