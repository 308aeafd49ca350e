
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/doc.h"
#include "grid/items.h"
#include "grid/member.h"
#include "grid/told.h"
#include "program/memory.h"


#define TOLD_PAGE  100                  /* workloads, unless asked for less */


/* What is asked of the usage. */
typedef struct {
    uint64_t     contract;              /* 0: of all */
    uint64_t     after;
    uint64_t     limit;
    int          all;                   /* of every twin */
} told_wish_t;


/* A workload whose figures are asked for. */
typedef struct {
    int64_t      id;
    int64_t      twin;
    int64_t      contract;
    char        *name;
    char        *host;
} told_workload_t;


static int told_wish(told_wish_t *wish, const grid_message_t *message,
    char error[GRID_ERROR]);
static size_t told_rows(grid_desk_t *desk, const told_wish_t *wish,
    uint32_t twin, told_workload_t rows[TOLD_PAGE + 1]);
static int told_figures(grid_desk_t *desk, const told_workload_t *row,
    grid_out_t *out, char error[GRID_ERROR]);
static void told_zone(yajl_val key, grid_out_t *out);
static void told_value(yajl_val value, grid_out_t *out);
static size_t told_connections(const char *path);


yajl_val
grid_told_payload(const grid_message_t *message, char error[GRID_ERROR])
{
    yajl_val       root;
    grid_reader_t  reader = { "", error };

    if (message->len > GRID_TOLD_PAYLOAD) {
        (void) grid_reader_refuse(&reader, "the payload has %zu bytes, and "
                                  "may have %d", message->len,
                                  GRID_TOLD_PAYLOAD);
        return NULL;
    }

    root = wgw_doc_read(message->payload, message->len);

    if (!YAJL_IS_OBJECT(root)) {
        (void) grid_reader_refuse(&reader, "the payload must be an object, "
                                  "{\"contract_id\":1234}");
        yajl_tree_free(root);
        return NULL;
    }

    return root;
}


int
grid_told_contract(const grid_message_t *message, uint64_t *contract,
    char error[GRID_ERROR])
{
    int            rc;
    yajl_val       root;
    grid_reader_t  reader = { "", error };

    *contract = 0;
    root = grid_told_payload(message, error);

    rc = root ? grid_member_number(&reader, root, "contract_id", INT64_MAX,
                                   contract)
              : GRID_FAILED;

    yajl_tree_free(root);

    return rc;
}


int
grid_told_usage(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR])
{
    int               rc;
    size_t            i, n;
    told_wish_t       wish;
    told_workload_t   rows[TOLD_PAGE + 1];

    if (told_wish(&wish, message, error) != GRID_OK) {
        return GRID_FAILED;
    }

    wish.all = desk->self.twin && message->twin == desk->self.twin;

    n = told_rows(desk, &wish, message->twin, rows);

    if (n == 0 && wish.contract && wish.after == 0) {
        grid_put(error, GRID_ERROR, "deployment not found: nothing of contract "
                 "%llu is yours here", (unsigned long long) wish.contract);
        return GRID_FAILED;
    }

    rc = GRID_OK;
    grid_out_text(out, "{\"workloads\":[");

    for (i = 0; i < n; i++) {
        if (i < wish.limit && rc == GRID_OK) {
            grid_out_text(out, i ? "," : "");
            rc = told_figures(desk, &rows[i], out, error);
        }

        free(rows[i].name);
        free(rows[i].host);
    }

    if (n > wish.limit) {
        grid_out_format(out, "],\"next\":%lld}",
                        (long long) rows[wish.limit - 1].id);
    } else {
        grid_out_text(out, "],\"next\":null}");
    }

    return rc;
}


static int
told_wish(told_wish_t *wish, const grid_message_t *message,
    char error[GRID_ERROR])
{
    int            rc;
    yajl_val       root;
    grid_reader_t  reader = { "", error };

    memset(wish, 0, sizeof(told_wish_t));
    wish->limit = TOLD_PAGE;

    if (message->len == 0 || strcmp(message->payload, "null") == 0) {
        return GRID_OK;
    }

    root = grid_told_payload(message, error);

    if (root == NULL) {
        return GRID_FAILED;
    }

    if (grid_member_number(&reader, root, "contract_id", INT64_MAX,
                           &wish->contract) != GRID_OK
        || grid_member_number(&reader, root, "after", INT64_MAX, &wish->after)
           != GRID_OK
        || grid_member_number(&reader, root, "limit", TOLD_PAGE, &wish->limit)
           != GRID_OK)
    {
        rc = GRID_FAILED;

    } else {
        rc = GRID_OK;
    }

    yajl_tree_free(root);

    wish->limit = wish->limit ? wish->limit : TOLD_PAGE;

    return rc;
}


/* One more than the limit, when there are. */

static size_t
told_rows(grid_desk_t *desk, const told_wish_t *wish, uint32_t twin,
    told_workload_t rows[TOLD_PAGE + 1])
{
    size_t         n;
    sqlite3_stmt  *query;

    query = grid_state_query(&desk->state, "select id, twin, contract, name, "
                             "host from workloads where (twin = ?1 or ?2) and "
                             "(contract = ?3 or ?3 = 0) and gone = 0 and "
                             "id > ?4 order by id limit ?5", "iiiii",
                             (int64_t) twin, (int64_t) wish->all,
                             (int64_t) wish->contract, (int64_t) wish->after,
                             (int64_t) wish->limit + 1);

    for (n = 0; n <= TOLD_PAGE && grid_state_row(&desk->state, query); n++) {
        rows[n].id = sqlite3_column_int64(query, 0);
        rows[n].twin = sqlite3_column_int64(query, 1);
        rows[n].contract = sqlite3_column_int64(query, 2);
        rows[n].name = wgw_copy(grid_state_text(query, 3));
        rows[n].host = wgw_copy(grid_state_text(query, 4));
    }

    grid_state_done(query);

    return n;
}


static int
told_figures(grid_desk_t *desk, const told_workload_t *row, grid_out_t *out,
    char error[GRID_ERROR])
{
    long       status;
    char       path[GRID_GATEWAY_PATH], label[GRID_LABEL];
    size_t     i;
    yajl_val   reply, key;

    grid_out_format(out, "{\"twin_id\":%lld,\"contract_id\":%lld,\"name\":",
                    (long long) row->twin, (long long) row->contract);
    grid_out_json(out, row->name);
    grid_out_text(out, ",\"fqdn\":");
    grid_out_json(out, row->host);
    grid_out_text(out, ",\"zones\":[");

    grid_put(path, sizeof(path), "/v1/usage/");
    grid_gateway_escape(path, row->host);
    grid_put(label, sizeof(label), "%lld-%lld-%s", (long long) row->twin,
             (long long) row->contract, row->name);

    reply = NULL;

    if (row->host[0]
        && (grid_gateway_call(desk->gateway, "GET", path, NULL, &status,
                              &reply) != GRID_OK
            || (status != 200 && status != 404)))
    {
        grid_put(error, GRID_ERROR, "the gateway does not tell its figures "
                 "(%s): try again", grid_gateway_why(desk->gateway));
        yajl_tree_free(reply);
        return GRID_FAILED;
    }

    for (i = 0; i < wgw_doc_count(reply, "keys"); i++) {
        key = wgw_doc_at(reply, "keys", i);

        /* earlier lives of the name were others' */

        if (wgw_doc_get(key, "life") == NULL
            && strcmp(wgw_doc_text(key, "workload"), label) == 0)
        {
            told_zone(key, out);
        }
    }

    yajl_tree_free(reply);

    grid_out_trim(out, ',');
    grid_out_text(out, "]}");

    return GRID_OK;
}


/* All but the key and its labels, which are said already. */

static void
told_zone(yajl_val key, grid_out_t *out)
{
    size_t       i;
    const char  *name;

    grid_out_text(out, "{");

    for (i = 0; i < key->u.object.len; i++) {
        name = key->u.object.keys[i];

        if (strcmp(name, "key") == 0 || strcmp(name, "owner") == 0
            || strcmp(name, "workload") == 0)
        {
            continue;
        }

        grid_out_json(out, name);
        grid_out_text(out, ":");
        told_value(key->u.object.values[i], out);
        grid_out_text(out, ",");
    }

    grid_out_trim(out, ',');
    grid_out_text(out, "},");
}


/* What the gateway said, again; two levels, as its figures have. */

static void
told_value(yajl_val value, grid_out_t *out)
{
    size_t  i;

    if (YAJL_IS_STRING(value)) {
        grid_out_json(out, YAJL_GET_STRING(value));

    } else if (YAJL_IS_NUMBER(value)) {
        grid_out_text(out, YAJL_GET_NUMBER(value));

    } else if (YAJL_IS_OBJECT(value)) {
        grid_out_text(out, "{");

        for (i = 0; i < value->u.object.len; i++) {
            grid_out_text(out, i ? "," : "");
            grid_out_json(out, value->u.object.keys[i]);
            grid_out_text(out, ":");
            told_value(value->u.object.values[i], out);
        }

        grid_out_text(out, "}");

    } else {
        grid_out_text(out, YAJL_IS_TRUE(value) ? "true"
                           : YAJL_IS_FALSE(value) ? "false" : "null");
    }
}


int
grid_told_features(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR])
{
    (void) message;
    (void) error;

    grid_out_format(out, "[%s\"" GRID_TYPE_FQDN "\"]",
                    desk->self.domain[0] ? "\"" GRID_TYPE_NAME "\"," : "");

    return GRID_OK;
}


/* A gateway has nothing of what a host lends. */

int
grid_told_statistics(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR])
{
    int64_t  deployments, workloads, last;

    static const char  none[] =
        "{\"cru\":0,\"sru\":0,\"hru\":0,\"mru\":0,\"ipv4u\":0}";

    (void) message;
    (void) error;

    deployments = grid_state_number(&desk->state, 0, "select count(distinct "
                                    "twin || '-' || contract) from workloads "
                                    "where gone = 0 and state not in "
                                    "('deleted', 'error')", "");
    workloads = grid_state_number(&desk->state, 0, "select count(*) from "
                                  "workloads where gone = 0 and state not in "
                                  "('deleted', 'error')", "");
    last = grid_state_number(&desk->state, 0, "select max(made) from "
                             "deployments", "");

    grid_out_format(out, "{\"total\":%s,\"used\":%s,\"system\":%s,"
                    "\"users\":{\"deployments\":%lld,\"workloads\":%lld,"
                    "\"last_deployment_timestamp\":%lld},"
                    "\"open_connections\":%llu}", none, none, none,
                    (long long) deployments, (long long) workloads,
                    (long long) last,
                    (unsigned long long) told_connections("/proc/net/tcp")
                    + told_connections("/proc/net/tcp6"));

    return GRID_OK;
}


/* Of this machine, as zos counts them: established ones. */

static size_t
told_connections(const char *path)
{
    char    line[256], state[3];
    FILE   *file;
    size_t  n;

    file = fopen(path, "re");

    if (file == NULL) {
        return 0;
    }

    for (n = 0; fgets(line, sizeof(line), file); /* void */ ) {
        if (sscanf(line, " %*[^:]: %*s %*s %2s", state) == 1
            && strcmp(state, "01") == 0)
        {
            n++;
        }
    }

    fclose(file);

    return n;
}


/* The first address of each family, as a node has one. */

int
grid_told_public_config(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR])
{
    char    ip[2][WGW_ADDR_TEXT + 5] = { "", "" };
    size_t  i, six;

    (void) message;

    if (desk->self.naddresses == 0) {
        grid_put(error, GRID_ERROR, "this gateway has no public config: its "
                 "farmer must write it on the chain (add_node_public_config)");
        return GRID_FAILED;
    }

    for (i = 0; i < desk->self.naddresses; i++) {
        six = (desk->self.addresses[i].family == 6);

        if (ip[six][0] == '\0') {
            strcpy(wgw_addr_write(&desk->self.addresses[i], ip[six]),
                   six ? "/128" : "/32");
        }
    }

    grid_out_format(out, "{\"type\":\"\",\"ipv4\":\"%s\",\"ipv6\":\"%s\","
                    "\"gw4\":\"\",\"gw6\":\"\",\"domain\":", ip[0], ip[1]);
    grid_out_json(out, desk->self.domain);
    grid_out_text(out, "}");

    return GRID_OK;
}


int
grid_told_interfaces(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR])
{
    char    text[WGW_ADDR_TEXT + 1];
    size_t  i;

    (void) message;
    (void) error;

    grid_out_text(out, "{\"zos\":[");

    for (i = 0; i < desk->self.naddresses; i++) {
        *wgw_addr_write(&desk->self.addresses[i], text) = '\0';
        grid_out_format(out, "%s\"%s\"", i ? "," : "", text);
    }

    grid_out_text(out, "],\"ygg\":[]}");

    return GRID_OK;
}


int
grid_told_has_ipv6(grid_desk_t *desk, const grid_message_t *message,
    grid_out_t *out, char error[GRID_ERROR])
{
    int     six;
    size_t  i;

    (void) message;
    (void) error;

    six = 0;

    for (i = 0; i < desk->self.naddresses; i++) {
        six |= (desk->self.addresses[i].family == 6);
    }

    grid_out_text(out, six ? "true" : "false");

    return GRID_OK;
}
