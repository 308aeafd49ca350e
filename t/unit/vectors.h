
/*
 * vectors: JSON documents of t/vectors, read with yajl's tree.
 */

#ifndef WGW_T_VECTORS_H
#define WGW_T_VECTORS_H


#include "format/doc.h"
#include "format/text.h"
#include "t/unit/tap.h"

#include <stdlib.h>
#include <string.h>


static inline yajl_val
vectors_read(const char *set, const char *name)
{
    long       len;
    char       path[100], *text, error[1000];
    FILE      *file;
    yajl_val   root;

    snprintf(path, sizeof(path), "t/vectors/%s/%s.json", set, name);
    file = fopen(path, "r");

    if (file == NULL) {
        perror(path);
        exit(1);
    }

    fseek(file, 0, SEEK_END);
    len = ftell(file);
    rewind(file);

    text = calloc(1, (size_t) len + 1);

    if (fread(text, 1, (size_t) len, file) != (size_t) len) {
        perror(path);
        exit(1);
    }

    fclose(file);

    root = yajl_tree_parse(text, error, sizeof(error));
    free(text);

    if (root == NULL) {
        fprintf(stderr, "%s: %s\n", path, error);
        exit(1);
    }

    return root;
}


static inline yajl_val
member(yajl_val object, const char *name)
{
    return wgw_doc_get(object, name);
}


static inline wgw_text_t
view(const char *terminated)
{
    return (wgw_text_t) { terminated, strlen(terminated) };
}


#endif /* WGW_T_VECTORS_H */
