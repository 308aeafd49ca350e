
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "format/doc.h"
#include "grid/dns.h"
#include "grid/file.h"
#include "grid/options.h"


static int dns_file(const char *path, const char *name,
    wgw_addr_t addresses[GRID_DNS_MAX], size_t *n);
static int dns_resolver(const char *name,
    wgw_addr_t addresses[GRID_DNS_MAX], size_t *n);
static void dns_take(wgw_addr_t addresses[GRID_DNS_MAX], size_t *n,
    const char *text);


int
grid_dns_look(const grid_options_t *options, const char *name,
    wgw_addr_t addresses[GRID_DNS_MAX], size_t *n)
{
    int  rc;

    *n = 0;

    rc = options->dns_file ? dns_file(options->dns_file, name, addresses, n)
                           : dns_resolver(name, addresses, n);

    return rc == GRID_OK && *n == 0 ? GRID_NONE : rc;
}


static int
dns_file(const char *path, const char *name,
    wgw_addr_t addresses[GRID_DNS_MAX], size_t *n)
{
    size_t       i, k;
    yajl_val     doc, list;
    const char  *error;

    doc = grid_file_json(path, &error);

    if (doc == NULL) {
        grid_log(GRID_WARN, "%s: %s", path, error);
        return GRID_AWAY;
    }

    for (i = 0; i < doc->u.object.len; i++) {
        if (strcasecmp(doc->u.object.keys[i], name) != 0) {
            continue;
        }

        list = doc->u.object.values[i];

        for (k = 0; YAJL_IS_ARRAY(list) && k < list->u.array.len; k++) {
            dns_take(addresses, n,
                     grid_file_text(list->u.array.values[k]));
        }
    }

    yajl_tree_free(doc);

    return GRID_OK;
}


/* With a final dot, so that no search list is gone through. */

static int
dns_resolver(const char *name, wgw_addr_t addresses[GRID_DNS_MAX], size_t *n)
{
    int               rc;
    char              full[NI_MAXHOST], text[NI_MAXHOST];
    struct addrinfo   hints, *all, *one;

    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;

    grid_put(full, sizeof(full), "%s.", name);
    rc = getaddrinfo(full, NULL, &hints, &all);

    if (rc != 0) {
        return rc == EAI_NONAME || rc == EAI_NODATA ? GRID_NONE : GRID_AWAY;
    }

    for (one = all; one; one = one->ai_next) {
        if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof(text),
                        NULL, 0, NI_NUMERICHOST) == 0)
        {
            dns_take(addresses, n, text);
        }
    }

    freeaddrinfo(all);

    return GRID_OK;
}


static void
dns_take(wgw_addr_t addresses[GRID_DNS_MAX], size_t *n, const char *text)
{
    wgw_text_t  literal = { text, strlen(text) };

    if (*n < GRID_DNS_MAX
        && wgw_addr_parse(&addresses[*n], literal) == 0)
    {
        (*n)++;
    }
}
