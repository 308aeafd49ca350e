
/*
 * doc, write: whatever is read as JSON is written as JSON that is read as the
 * same; what is shown on a terminal has no control characters.
 */

#include <stdlib.h>
#include <string.h>

#include "format/doc.h"
#include "cli/write.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static char *
text_of(yajl_val value, void (*write)(FILE *file, yajl_val value),
    size_t *len)
{
    char  *text;
    FILE  *file;

    file = open_memstream(&text, len);

    if (file == NULL) {
        abort();
    }

    write(file, value);
    fclose(file);

    return text;
}


static void
visible(FILE *file, yajl_val value)
{
    if (YAJL_IS_STRING(value)) {
        cli_write_visible(file, YAJL_GET_STRING(value));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char      *once, *twice, *seen;
    size_t     len, again, i;
    yajl_val   value, same;

    value = wgw_doc_read((const char *) data, size);

    if (value == NULL) {
        return 0;
    }

    once = text_of(value, cli_write_value, &len);
    same = wgw_doc_read(once, len);

    if (same == NULL) {
        abort();
    }

    twice = text_of(same, cli_write_value, &again);

    if (len != again || memcmp(once, twice, len) != 0) {
        abort();
    }

    seen = text_of(value, visible, &len);

    for (i = 0; i < len; i++) {
        if ((unsigned char) seen[i] < 0x20 || seen[i] == 0x7f) {
            abort();
        }
    }

    free(once);
    free(twice);
    free(seen);
    yajl_tree_free(value);
    yajl_tree_free(same);

    return 0;
}
