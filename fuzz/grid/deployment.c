
/*
 * deployment, wish, form: whatever is read as a deployment is sent back as one
 * that is the same, of ASCII; and what is accepted has a record that the
 * gateway accepts.
 */

#include <stdlib.h>
#include <string.h>

#include "grid/form.h"
#include "grid/grid.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
ascii(const grid_out_t *out)
{
    size_t  i;

    for (i = 0; i < out->len; i++) {
        if (out->data[i] < ' ' || out->data[i] > '~') {
            abort();
        }
    }
}


/* Each workload, alone, is read again as what it was. */

static void
again(const grid_deployment_t *d)
{
    char              error[GRID_ERROR];
    size_t            i;
    yajl_val          root;
    grid_out_t        once, twice;
    grid_workload_t   w;

    for (i = 0; i < d->nworkloads; i++) {
        memset(&once, 0, sizeof(once));
        memset(&twice, 0, sizeof(twice));

        grid_out_text(&once, "{");
        grid_workload_json(&d->workloads[i], &once);
        grid_out_text(&once, "}");
        ascii(&once);

        if (once.len <= GRID_DEPLOYMENT_JSON) {
            if (grid_workload_read(&w, &root,
                                   (wgw_text_t) { once.data, once.len },
                                   error) != GRID_OK)
            {
                abort();
            }

            grid_out_text(&twice, "{");
            grid_workload_json(&w, &twice);
            grid_out_text(&twice, "}");
            yajl_tree_free(root);

            if (once.len != twice.len
                || memcmp(once.data, twice.data, once.len) != 0)
            {
                abort();
            }
        }

        grid_out_free(&once);
        grid_out_free(&twice);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char         hash[GRID_HASH + 1], error[GRID_ERROR];
    grid_out_t   out = { NULL, 0, 0 };
    grid_self_t  self;

    static grid_deployment_t  d;

    memset(&self, 0, sizeof(self));

    if (grid_deployment_read(&d, (wgw_text_t) { (const char *) data, size },
                             error) == GRID_OK)
    {
        if (grid_deployment_hash(&d, hash) != GRID_OK
            || strlen(hash) != GRID_HASH)
        {
            abort();
        }

        grid_requirement_json(&d, &out);
        ascii(&out);
        grid_out_free(&out);

        again(&d);

        if (grid_form_judge(&d, &self, error) != GRID_OK
            && memchr(error, '\0', sizeof(error)) == NULL)
        {
            abort();
        }

    } else if (error[0] == '\0' || memchr(error, '\0', sizeof(error)) == NULL)
    {
        abort();
    }

    grid_deployment_free(&d);

    return 0;
}
