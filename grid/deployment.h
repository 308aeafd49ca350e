
/*
 * deployment: what a user sends with zos.deployment.deploy and .update, read
 * and judged by its form; its challenge; and its JSON, as it is sent back.
 *
 *     {"version":0,"twin_id":7341,"contract_id":1000,"metadata":"",
 *      "description":"","expiration":0,
 *      "signature_requirement":{"requests":[{"twin_id":7341,
 *          "required":false,"weight":1}],"weight_required":1,
 *          "signatures":[{"twin_id":7341,"signature":"b091...",
 *              "signature_type":"sr25519"}],"signature_style":""},
 *      "workloads":[{"version":0,"name":"mysite",
 *          "type":"gateway-name-proxy","metadata":"","description":"",
 *          "data":{"name":"mysite","tls_passthrough":false,
 *              "backends":["http://[2001:db8::10]:8080"]}}]}
 *
 * Read as zos does: what is not known is passed over at every level, what is
 * not there or null is zero, the last one of two members counts, and another
 * type refuses the whole.  What differs: a number is a whole one, however it
 * is written; names of members are in lower case; there are bounds.
 *
 * The challenge is all of it that is signed, one text without separators;
 * the chain's contract has the MD5 of it, in hexadecimal digits.
 */

#ifndef WGW_GRID_DEPLOYMENT_H
#define WGW_GRID_DEPLOYMENT_H


#include <yajl/yajl_tree.h>

#include "format/text.h"
#include "grid/facts.h"
#include "grid/member.h"
#include "grid/out.h"


#define GRID_DEPLOYMENT_JSON    131072  /* bytes */
#define GRID_DEPLOYMENT_VALUES  8192    /* commas between them */
#define GRID_WORKLOADS         64
#define GRID_WORKLOAD_NAME     36
#define GRID_BACKENDS          16
#define GRID_SIGNERS           16

#define GRID_TYPE_NAME  "gateway-name-proxy"
#define GRID_TYPE_FQDN  "gateway-fqdn-proxy"


/* Texts are those of the tree, never NULL unless said. */
typedef struct {
    uint32_t      version;
    unsigned      fqdn;                 /* and else a name proxy */
    unsigned      passthrough;
    const char   *name;
    const char   *type;
    const char   *metadata;
    const char   *description;
    const char   *target;               /* `name` or `fqdn` of its data */
    const char   *network;              /* NULL: none */
    const char   *backends[GRID_BACKENDS];
    size_t        nbackends;
} grid_workload_t;


typedef struct {
    uint32_t      twin;
    unsigned      required;
    uint64_t      weight;
} grid_request_t;


typedef struct {
    uint32_t      twin;
    const char   *digits;
    const char   *type;
} grid_signature_t;


typedef struct {
    yajl_val          root;
    uint32_t          version;
    uint32_t          twin;
    uint64_t          contract;
    int64_t           expiration;
    const char       *metadata;
    const char       *description;

    grid_request_t    requests[GRID_SIGNERS];
    size_t            nrequests;
    uint64_t          weight;           /* that is required */
    grid_signature_t  signatures[GRID_SIGNERS];
    size_t            nsignatures;
    const char       *style;

    grid_workload_t   workloads[GRID_WORKLOADS];
    size_t            nworkloads;
} grid_deployment_t;


/*
 * GRID_OK, or GRID_FAILED and the error.  To be freed in either case; the
 * struct is large.
 */
int grid_deployment_read(grid_deployment_t *deployment, wgw_text_t json,
    char error[GRID_ERROR]);
void grid_deployment_free(grid_deployment_t *deployment);

/* One workload, as grid_workload_json() wrote it between braces. */
int grid_workload_read(grid_workload_t *workload, yajl_val *root,
    wgw_text_t json, char error[GRID_ERROR]);

/* What is signed, and its MD5 as digits, terminated. */
void grid_deployment_challenge(const grid_deployment_t *deployment,
    grid_out_t *out);
int grid_deployment_hash(const grid_deployment_t *deployment,
    char hash[GRID_HASH + 1]);

/*
 * As they are sent back: members without braces, of a workload all but its
 * result; of a deployment its signature_requirement's value.
 */
void grid_workload_json(const grid_workload_t *workload, grid_out_t *out);
void grid_requirement_json(const grid_deployment_t *deployment,
    grid_out_t *out);


#endif /* WGW_GRID_DEPLOYMENT_H */
