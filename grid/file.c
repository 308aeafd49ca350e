
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/doc.h"
#include "grid/file.h"
#include "program/memory.h"


yajl_val
grid_file_json(const char *path, const char **error)
{
    char      *data;
    FILE      *file;
    size_t     len;
    yajl_val   doc;

    file = fopen(path, "re");

    if (file == NULL) {
        *error = strerror(errno);
        return NULL;
    }

    data = wgw_alloc(GRID_FILE_MAX);
    len = fread(data, 1, GRID_FILE_MAX, file);
    doc = ferror(file) || len == GRID_FILE_MAX ? NULL
                                               : wgw_doc_read(data, len);

    (void) fclose(file);
    free(data);

    *error = YAJL_IS_OBJECT(doc) ? NULL : "is no JSON object";

    if (*error) {
        yajl_tree_free(doc);
        return NULL;
    }

    return doc;
}


const char *
grid_file_text(yajl_val value)
{
    return YAJL_IS_STRING(value) ? YAJL_GET_STRING(value) : "";
}
