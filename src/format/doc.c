
#include <stdlib.h>
#include <string.h>

#include "format/doc.h"
#include "format/json.h"


static int doc_shallow(const char *data, size_t len);


yajl_val
wgw_doc_read(const char *data, size_t len)
{
    char      *text;
    yajl_val   root;

    /* what yajl must not be given: see json.h, and its tree recurses */

    if (!doc_shallow(data, len)
        || !wgw_json_paired((wgw_text_t) { data, len })
        || memchr(data, '\0', len))
    {
        return NULL;
    }

    text = malloc(len + 1);
    if (text == NULL) {
        return NULL;
    }

    memcpy(text, data, len);
    text[len] = '\0';

    root = yajl_tree_parse(text, NULL, 0);

    free(text);

    return root;
}


static int
doc_shallow(const char *data, size_t len)
{
    int     quoted;
    size_t  i, depth;

    quoted = 0;
    depth = 0;

    for (i = 0; i < len; i++) {

        if (quoted) {
            if (data[i] == '\\') {
                i++;

            } else if (data[i] == '"') {
                quoted = 0;
            }

        } else if (data[i] == '"') {
            quoted = 1;

        } else if (data[i] == '[' || data[i] == '{') {
            if (++depth > WGW_DOC_DEPTH) {
                return 0;
            }

        } else if ((data[i] == ']' || data[i] == '}') && depth) {
            depth--;
        }
    }

    return 1;
}


yajl_val
wgw_doc_get(yajl_val object, const char *name)
{
    const char  *path[] = { name, NULL };

    return YAJL_IS_OBJECT(object)
           ? yajl_tree_get(object, path, yajl_t_any) : NULL;
}


const char *
wgw_doc_text(yajl_val object, const char *name)
{
    yajl_val  value;

    value = wgw_doc_get(object, name);

    return YAJL_IS_STRING(value) ? YAJL_GET_STRING(value) : "";
}


uint64_t
wgw_doc_number(yajl_val object, const char *name)
{
    yajl_val     value;
    const char  *text;

    value = wgw_doc_get(object, name);

    if (!YAJL_IS_NUMBER(value)) {
        return 0;
    }

    text = YAJL_GET_NUMBER(value);

    return text[0] == '-' ? 0 : strtoull(text, NULL, 10);
}


int
wgw_doc_true(yajl_val object, const char *name)
{
    return YAJL_IS_TRUE(wgw_doc_get(object, name));
}


size_t
wgw_doc_count(yajl_val object, const char *name)
{
    yajl_val  value;

    value = wgw_doc_get(object, name);

    return YAJL_IS_ARRAY(value) ? value->u.array.len : 0;
}


yajl_val
wgw_doc_at(yajl_val object, const char *name, size_t i)
{
    yajl_val  value;

    value = wgw_doc_get(object, name);

    return YAJL_IS_ARRAY(value) && i < value->u.array.len
           ? value->u.array.values[i] : NULL;
}
