
#include <string.h>

#include "format/doc.h"
#include "grid/grid.h"
#include "grid/member.h"
#include "grid/wish.h"


static int wish_from(grid_wish_t *wish, const char *metadata,
    grid_reader_t *reader);
static int wish_known(yajl_val object, grid_reader_t *reader);
static int wish_ips(grid_wish_t *wish, yajl_val object,
    grid_reader_t *reader);
static int wish_ip(grid_wish_t *wish, yajl_val value, grid_reader_t *reader);


static const char  *const wish_members[] = {
    "gb_month", "ip", "backends", "tls_name", "tls_verify", "proxy_protocol"
};


int
grid_wish_read(grid_wish_t *wish, const char *workload,
    const char *deployment, char error[GRID_ERROR])
{
    int            rc;
    grid_reader_t  reader = { "", error };

    memset(wish, 0, sizeof(grid_wish_t));
    wish->tls_name = "";
    wish->tls_verify = 1;

    rc = wish_from(wish, workload, &reader);

    if (rc != GRID_OK || wish->said) {
        return rc;
    }

    return wish_from(wish, deployment, &reader);
}


void
grid_wish_free(grid_wish_t *wish)
{
    yajl_tree_free(wish->root);
    wish->root = NULL;
}


static int
wish_from(grid_wish_t *wish, const char *metadata, grid_reader_t *reader)
{
    yajl_val  object;

    if (strstr(metadata, "\"wgw\"") == NULL) {
        return GRID_OK;
    }

    grid_wish_free(wish);
    wish->root = wgw_doc_read(metadata, strlen(metadata));

    if (!YAJL_IS_OBJECT(wish->root)) {
        return grid_reader_refuse(reader, "metadata has \"wgw\" and is no JSON "
                                  "object: write {\"wgw\":{\"gb_month\":100}}");
    }

    if (grid_member(wish->root, "wgw") == NULL) {
        return GRID_OK;
    }

    grid_put(reader->where, sizeof(reader->where), "metadata: ");

    if (grid_member_object(reader, wish->root, "wgw", &object) != GRID_OK) {
        return GRID_FAILED;
    }

    grid_put(reader->where, sizeof(reader->where), "metadata: wgw.");

    if (wish_known(object, reader) != GRID_OK
        || grid_member_number(reader, object, "gb_month", GRID_GB_MAX,
                              &wish->gb_month) != GRID_OK
        || wish_ips(wish, object, reader) != GRID_OK
        || grid_member_texts(reader, object, "backends", GRID_BACKENDS,
                             wish->backends, &wish->nbackends) != GRID_OK
        || grid_member_text(reader, object, "tls_name", &wish->tls_name)
           != GRID_OK
        || grid_member_truth(reader, object, "tls_verify", &wish->tls_verify)
           != GRID_OK
        || grid_member_truth(reader, object, "proxy_protocol",
                             &wish->proxy_protocol) != GRID_OK)
    {
        return GRID_FAILED;
    }

    wish->said = 1;

    return GRID_OK;
}


static int
wish_known(yajl_val object, grid_reader_t *reader)
{
    size_t       i, k;
    const char  *key;

    for (i = 0; i < object->u.object.len; i++) {
        key = object->u.object.keys[i];

        for (k = 0; k < grid_count(wish_members); k++) {
            if (strcmp(key, wish_members[k]) == 0) {
                break;
            }
        }

        if (k == grid_count(wish_members)) {
            return grid_reader_refuse(reader, "%.64s is not known: there are "
                                      "gb_month, ip, backends, tls_name, "
                                      "tls_verify and proxy_protocol", key);
        }
    }

    return GRID_OK;
}


static int
wish_ips(grid_wish_t *wish, yajl_val object, grid_reader_t *reader)
{
    size_t    i;
    yajl_val  array;

    if (YAJL_IS_STRING(grid_member(object, "ip"))) {
        return wish_ip(wish, grid_member(object, "ip"), reader);
    }

    if (grid_member_array(reader, object, "ip", GRID_WISH_IPS, &array)
        != GRID_OK)
    {
        return GRID_FAILED;
    }

    for (i = 0; array && i < array->u.array.len; i++) {
        if (wish_ip(wish, array->u.array.values[i], reader) != GRID_OK) {
            return GRID_FAILED;
        }
    }

    return GRID_OK;
}


static int
wish_ip(grid_wish_t *wish, yajl_val value, grid_reader_t *reader)
{
    wgw_text_t  text;

    if (!YAJL_IS_STRING(value)) {
        return grid_reader_refuse(reader, "ip must be an address, or an array "
                                  "of some");
    }

    text.data = YAJL_GET_STRING(value);
    text.len = strlen(text.data);

    if (wgw_addr_parse(&wish->ips[wish->nips++], text) != 0) {
        return grid_reader_refuse(reader, "ip \"%.64s\" is not an IP address",
                                  text.data);
    }

    return GRID_OK;
}
