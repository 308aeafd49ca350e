
/*
 * rmb: whatever is read as a request gets a reply of ASCII that is JSON, with
 * the request's ref and src.
 */

#include <stdlib.h>
#include <string.h>

#include "format/doc.h"
#include "grid/grid.h"
#include "grid/rmb.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          i;
    yajl_val        doc;
    grid_out_t      out = { NULL, 0, 0 };
    grid_message_t  m;

    if (grid_rmb_read(&m, (wgw_text_t) { (const char *) data, size })
        == GRID_OK)
    {
        if (m.twin == 0 || m.ret[0] == '\0' || m.payload[m.len] != '\0'
            || grid_rmb_expired(&m, 0))
        {
            abort();
        }

        grid_rmb_reply(&out, &m, 1, "null", size % 2 ? m.payload : NULL);

        for (i = 0; i < out.len; i++) {
            if (out.data[i] < ' ' || out.data[i] > '~') {
                abort();
            }
        }

        doc = wgw_doc_read(out.data, out.len);

        if (doc == NULL || strcmp(wgw_doc_text(doc, "dst"), m.src) != 0
            || strcmp(wgw_doc_text(doc, "ref"), m.ref) != 0)
        {
            abort();
        }

        yajl_tree_free(doc);
        grid_out_free(&out);
    }

    grid_rmb_free(&m);

    return 0;
}
