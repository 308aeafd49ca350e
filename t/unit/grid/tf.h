
/*
 * tf: the vectors of t/vectors/tf, which are ours.
 */

#ifndef WGW_T_TF_H
#define WGW_T_TF_H


#include "format/text.h"
#include "t/unit/tap.h"

#include <yajl/yajl_tree.h>


static inline yajl_val
tf_read(const char *name)
{
    long       len;
    char       path[100], *text, error[1000];
    FILE      *file;
    yajl_val   root;

    snprintf(path, sizeof(path), "t/vectors/tf/%s.json", name);
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
tf_member(yajl_val object, const char *name)
{
    const char  *path[] = { name, NULL };

    return yajl_tree_get(object, path, yajl_t_any);
}


static inline const char *
tf_text(yajl_val object, const char *name)
{
    yajl_val  value;

    value = tf_member(object, name);

    return YAJL_IS_STRING(value) ? YAJL_GET_STRING(value) : "";
}


static inline wgw_text_t
tf_view(const char *text)
{
    return (wgw_text_t) { text, strlen(text) };
}


#endif /* WGW_T_TF_H */
