
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "format/doc.h"
#include "format/hex.h"
#include "format/rfc3339.h"
#include "grid/deployment.h"
#include "grid/grid.h"
#include "grid/member.h"


static int deployment_root(yajl_val *root, wgw_text_t json,
    grid_reader_t *reader);
static const char *deployment_unfit(wgw_text_t json);
static int deployment_head(grid_deployment_t *d, grid_reader_t *reader);
static int deployment_expiration(grid_deployment_t *d,
    grid_reader_t *reader);
static int deployment_requirement(grid_deployment_t *d,
    grid_reader_t *reader);
static int deployment_requests(grid_deployment_t *d, yajl_val requirement,
    grid_reader_t *reader);
static int deployment_signatures(grid_deployment_t *d, yajl_val requirement,
    grid_reader_t *reader);
static int deployment_workloads(grid_deployment_t *d, grid_reader_t *reader);
static int workload_read(grid_workload_t *w, yajl_val object, size_t n,
    grid_reader_t *reader);
static int workload_type(grid_workload_t *w, grid_reader_t *reader);
static int workload_data(grid_workload_t *w, yajl_val data,
    grid_reader_t *reader);
static void workload_challenge(const grid_workload_t *w, grid_out_t *out);


int
grid_deployment_read(grid_deployment_t *d, wgw_text_t json,
    char error[GRID_ERROR])
{
    grid_reader_t  reader = { "", error };

    memset(d, 0, sizeof(grid_deployment_t));

    if (deployment_root(&d->root, json, &reader) != GRID_OK
        || deployment_head(d, &reader) != GRID_OK
        || deployment_requirement(d, &reader) != GRID_OK
        || deployment_workloads(d, &reader) != GRID_OK)
    {
        return GRID_FAILED;
    }

    return GRID_OK;
}


void
grid_deployment_free(grid_deployment_t *d)
{
    yajl_tree_free(d->root);
    d->root = NULL;
}


int
grid_workload_read(grid_workload_t *w, yajl_val *root, wgw_text_t json,
    char error[GRID_ERROR])
{
    grid_reader_t  reader = { "", error };

    if (deployment_root(root, json, &reader) != GRID_OK) {
        return GRID_FAILED;
    }

    return workload_read(w, *root, 0, &reader);
}


static int
deployment_root(yajl_val *root, wgw_text_t json, grid_reader_t *reader)
{
    const char  *unfit;

    *root = NULL;

    if (json.len > GRID_DEPLOYMENT_JSON) {
        return grid_reader_refuse(reader, "the deployment has %zu bytes, and "
                                  "may have %d", json.len,
                                  GRID_DEPLOYMENT_JSON);
    }

    unfit = deployment_unfit(json);

    if (unfit) {
        return grid_reader_refuse(reader, "the payload %s", unfit);
    }

    *root = wgw_doc_read(json.data, json.len);

    if (*root == NULL) {
        return grid_reader_refuse(reader, "the payload is not valid JSON, or "
                                  "is nested too deeply");
    }

    if (!YAJL_IS_OBJECT(*root)) {
        return grid_reader_refuse(reader, "the payload must be an object, the "
                                  "deployment");
    }

    return GRID_OK;
}


/*
 * NULL, or why a tree must not be made of it: a NUL that is written in it,
 * at which a string of the tree would end; and more values than a tree, whose
 * arrays grow one by one, has in good time.
 */

static const char *
deployment_unfit(wgw_text_t json)
{
    int     quoted;
    size_t  i, values;

    quoted = 0;
    values = 0;

    for (i = 0; i < json.len; i++) {

        if (json.data[i] == '"') {
            quoted = !quoted;

        } else if (json.data[i] == '\\') {
            if (json.len - i >= 6
                && memcmp(json.data + i, "\\u0000", 6) == 0)
            {
                return "has a NUL in a string";
            }

            i++;

        } else if (json.data[i] == ',' && !quoted
                   && ++values > GRID_DEPLOYMENT_VALUES)
        {
            return "has more values than any deployment";
        }
    }

    return NULL;
}


static int
deployment_head(grid_deployment_t *d, grid_reader_t *reader)
{
    d->metadata = "";
    d->description = "";

    if (grid_member_u32(reader, d->root, "version", &d->version) != GRID_OK
        || grid_member_u32(reader, d->root, "twin_id", &d->twin) != GRID_OK
        || grid_member_number(reader, d->root, "contract_id", INT64_MAX,
                              &d->contract) != GRID_OK
        || grid_member_text(reader, d->root, "metadata", &d->metadata)
           != GRID_OK
        || grid_member_text(reader, d->root, "description", &d->description)
           != GRID_OK)
    {
        return GRID_FAILED;
    }

    return deployment_expiration(d, reader);
}


/* Seconds since 1970, or a date and time; it may be before that. */

static int
deployment_expiration(grid_deployment_t *d, grid_reader_t *reader)
{
    int          negative;
    unsigned     fraction;
    uint64_t     number;
    yajl_val     member;
    wgw_text_t   text;

    member = grid_member(d->root, "expiration");

    if (member == NULL) {
        return GRID_OK;
    }

    if (YAJL_IS_STRING(member)) {
        text.data = YAJL_GET_STRING(member);
        text.len = strlen(text.data);

        if (wgw_rfc3339_parse(&d->expiration, text) == 0) {
            return GRID_OK;
        }

    } else if (YAJL_IS_NUMBER(member)) {
        text.data = YAJL_GET_NUMBER(member);
        negative = (text.data[0] == '-');
        text.data += negative;
        text.len = strlen(text.data);

        if (wgw_text_number(text, INT64_MAX, &number, &fraction) == 0
            && !fraction)
        {
            d->expiration = negative ? -(int64_t) number : (int64_t) number;
            return GRID_OK;
        }
    }

    return grid_reader_refuse(reader, "expiration must be a number of "
                              "seconds, or a date and time of RFC 3339");
}


static int
deployment_requirement(grid_deployment_t *d, grid_reader_t *reader)
{
    yajl_val  requirement;

    d->style = "";

    if (grid_member_object(reader, d->root, "signature_requirement",
                           &requirement) != GRID_OK)
    {
        return GRID_FAILED;
    }

    grid_put(reader->where, sizeof(reader->where), "signature_requirement.");

    if (grid_member_number(reader, requirement, "weight_required", INT64_MAX,
                           &d->weight) != GRID_OK
        || grid_member_text(reader, requirement, "signature_style",
                            &d->style) != GRID_OK
        || deployment_requests(d, requirement, reader) != GRID_OK
        || deployment_signatures(d, requirement, reader) != GRID_OK)
    {
        return GRID_FAILED;
    }

    reader->where[0] = '\0';

    return GRID_OK;
}


static int
deployment_requests(grid_deployment_t *d, yajl_val requirement,
    grid_reader_t *reader)
{
    size_t           i;
    yajl_val         array, item;
    grid_request_t  *request;

    if (grid_member_array(reader, requirement, "requests", GRID_SIGNERS,
                          &array) != GRID_OK)
    {
        return GRID_FAILED;
    }

    for (i = 0; array && i < array->u.array.len; i++) {
        item = array->u.array.values[i];
        request = &d->requests[d->nrequests++];

        if (!YAJL_IS_OBJECT(item)) {
            return grid_reader_refuse(reader, "requests[%zu] must be an "
                                      "object", i);
        }

        if (grid_member_u32(reader, item, "twin_id", &request->twin)
            != GRID_OK
            || grid_member_truth(reader, item, "required",
                                 &request->required) != GRID_OK
            || grid_member_number(reader, item, "weight", INT64_MAX,
                                  &request->weight) != GRID_OK)
        {
            return GRID_FAILED;
        }
    }

    return GRID_OK;
}


static int
deployment_signatures(grid_deployment_t *d, yajl_val requirement,
    grid_reader_t *reader)
{
    size_t             i;
    yajl_val           array, item;
    grid_signature_t  *signature;

    if (grid_member_array(reader, requirement, "signatures", GRID_SIGNERS,
                          &array) != GRID_OK)
    {
        return GRID_FAILED;
    }

    for (i = 0; array && i < array->u.array.len; i++) {
        item = array->u.array.values[i];
        signature = &d->signatures[d->nsignatures++];
        signature->digits = "";
        signature->type = "";

        if (!YAJL_IS_OBJECT(item)) {
            return grid_reader_refuse(reader, "signatures[%zu] must be an "
                                      "object", i);
        }

        if (grid_member_u32(reader, item, "twin_id", &signature->twin)
            != GRID_OK
            || grid_member_text(reader, item, "signature",
                                &signature->digits) != GRID_OK
            || grid_member_text(reader, item, "signature_type",
                                &signature->type) != GRID_OK)
        {
            return GRID_FAILED;
        }
    }

    return GRID_OK;
}


static int
deployment_workloads(grid_deployment_t *d, grid_reader_t *reader)
{
    size_t    i, k;
    yajl_val  array;

    if (grid_member_array(reader, d->root, "workloads", GRID_WORKLOADS,
                          &array) != GRID_OK)
    {
        return GRID_FAILED;
    }

    for (i = 0; array && i < array->u.array.len; i++) {

        if (workload_read(&d->workloads[i], array->u.array.values[i], i,
                          reader) != GRID_OK)
        {
            return GRID_FAILED;
        }

        for (k = 0; k < i; k++) {
            if (strcmp(d->workloads[k].name, d->workloads[i].name) == 0) {
                return grid_reader_refuse(reader, "name \"%s\" is that of "
                                          "another workload: each needs its "
                                          "own", d->workloads[i].name);
            }
        }

        d->nworkloads++;
    }

    reader->where[0] = '\0';

    return GRID_OK;
}


static int
workload_read(grid_workload_t *w, yajl_val object, size_t n,
    grid_reader_t *reader)
{
    yajl_val  data;

    memset(w, 0, sizeof(grid_workload_t));
    w->name = w->type = w->metadata = w->description = w->target = "";

    grid_put(reader->where, sizeof(reader->where), "workloads[%zu].", n);

    if (!YAJL_IS_OBJECT(object)) {
        return grid_reader_refuse(reader, "must be an object");
    }

    if (grid_member_u32(reader, object, "version", &w->version) != GRID_OK
        || grid_member_text(reader, object, "name", &w->name) != GRID_OK
        || grid_member_text(reader, object, "type", &w->type) != GRID_OK
        || grid_member_text(reader, object, "metadata", &w->metadata)
           != GRID_OK
        || grid_member_text(reader, object, "description", &w->description)
           != GRID_OK
        || workload_type(w, reader) != GRID_OK
        || grid_member_object(reader, object, "data", &data) != GRID_OK)
    {
        return GRID_FAILED;
    }

    if (data == NULL) {
        return grid_reader_refuse(reader, "data is missing");
    }

    return workload_data(w, data, reader);
}


static int
workload_type(grid_workload_t *w, grid_reader_t *reader)
{
    w->fqdn = (strcmp(w->type, GRID_TYPE_FQDN) == 0);

    if (w->fqdn || strcmp(w->type, GRID_TYPE_NAME) == 0) {
        return GRID_OK;
    }

    return grid_reader_refuse(reader, "type \"%.64s\" is not served here: "
                              "this is a gateway, for " GRID_TYPE_NAME
                              " and " GRID_TYPE_FQDN, w->type);
}


static int
workload_data(grid_workload_t *w, yajl_val data, grid_reader_t *reader)
{
    size_t  n;

    n = strlen(reader->where);
    grid_put(reader->where + n, sizeof(reader->where) - n, "data.");

    if (grid_member_text(reader, data, w->fqdn ? "fqdn" : "name",
                         &w->target) != GRID_OK
        || grid_member_truth(reader, data, "tls_passthrough",
                             &w->passthrough) != GRID_OK
        || grid_member_text(reader, data, "network", &w->network) != GRID_OK
        || grid_member_texts(reader, data, "backends", GRID_BACKENDS,
                             w->backends, &w->nbackends) != GRID_OK)
    {
        return GRID_FAILED;
    }

    return GRID_OK;
}


void
grid_deployment_challenge(const grid_deployment_t *d, grid_out_t *out)
{
    size_t  i;

    grid_out_format(out, "%u%u", d->version, d->twin);
    grid_out_text(out, d->metadata);
    grid_out_text(out, d->description);
    grid_out_format(out, "%lld", (long long) d->expiration);

    for (i = 0; i < d->nworkloads; i++) {
        workload_challenge(&d->workloads[i], out);
    }

    for (i = 0; i < d->nrequests; i++) {
        grid_out_format(out, "%u%s%llu", d->requests[i].twin,
                        d->requests[i].required ? "true" : "false",
                        (unsigned long long) d->requests[i].weight);
    }

    grid_out_format(out, "%llu", (unsigned long long) d->weight);
    grid_out_text(out, d->style);
}


static void
workload_challenge(const grid_workload_t *w, grid_out_t *out)
{
    size_t  i;

    grid_out_format(out, "%u", w->version);
    grid_out_text(out, w->name);
    grid_out_text(out, w->type);
    grid_out_text(out, w->metadata);
    grid_out_text(out, w->description);
    grid_out_text(out, w->target);
    grid_out_text(out, w->passthrough ? "true" : "false");

    for (i = 0; i < w->nbackends; i++) {
        grid_out_text(out, w->backends[i]);
    }

    grid_out_text(out, w->network ? w->network : "");
}


int
grid_deployment_hash(const grid_deployment_t *d, char hash[GRID_HASH + 1])
{
    int         rc;
    uint8_t     digest[EVP_MAX_MD_SIZE];
    unsigned    n;
    grid_out_t  out = { NULL, 0, 0 };

    grid_deployment_challenge(d, &out);

    rc = EVP_Digest(out.data, out.len, digest, &n, EVP_md5(), NULL);

    grid_out_free(&out);

    if (rc != 1) {
        return GRID_FAILED;
    }

    wgw_hex_encode(hash, digest, GRID_HASH / 2);
    hash[GRID_HASH] = '\0';

    return GRID_OK;
}


void
grid_workload_json(const grid_workload_t *w, grid_out_t *out)
{
    size_t  i;

    grid_out_format(out, "\"version\":%u,\"name\":", w->version);
    grid_out_json(out, w->name);
    grid_out_text(out, ",\"type\":");
    grid_out_json(out, w->type);
    grid_out_text(out, w->fqdn ? ",\"data\":{\"fqdn\":"
                               : ",\"data\":{\"name\":");
    grid_out_json(out, w->target);
    grid_out_format(out, ",\"tls_passthrough\":%s,\"backends\":[",
                    w->passthrough ? "true" : "false");

    for (i = 0; i < w->nbackends; i++) {
        grid_out_text(out, i ? "," : "");
        grid_out_json(out, w->backends[i]);
    }

    grid_out_text(out, "]");

    if (w->network) {
        grid_out_text(out, ",\"network\":");
        grid_out_json(out, w->network);
    }

    grid_out_text(out, "},\"metadata\":");
    grid_out_json(out, w->metadata);
    grid_out_text(out, ",\"description\":");
    grid_out_json(out, w->description);
}


void
grid_requirement_json(const grid_deployment_t *d, grid_out_t *out)
{
    size_t  i;

    grid_out_text(out, "{\"requests\":[");

    for (i = 0; i < d->nrequests; i++) {
        grid_out_format(out, "%s{\"twin_id\":%u,\"required\":%s,"
                        "\"weight\":%llu}", i ? "," : "",
                        d->requests[i].twin,
                        d->requests[i].required ? "true" : "false",
                        (unsigned long long) d->requests[i].weight);
    }

    grid_out_format(out, "],\"weight_required\":%llu,\"signatures\":[",
                    (unsigned long long) d->weight);

    for (i = 0; i < d->nsignatures; i++) {
        grid_out_format(out, "%s{\"twin_id\":%u,\"signature\":",
                        i ? "," : "", d->signatures[i].twin);
        grid_out_json(out, d->signatures[i].digits);
        grid_out_text(out, ",\"signature_type\":");
        grid_out_json(out, d->signatures[i].type);
        grid_out_text(out, "}");
    }

    grid_out_text(out, "],\"signature_style\":");
    grid_out_json(out, d->style);
    grid_out_text(out, "}");
}
