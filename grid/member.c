
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "format/text.h"
#include "grid/grid.h"
#include "grid/member.h"


yajl_val
grid_member(yajl_val object, const char *name)
{
    size_t    i;
    yajl_val  value;

    if (!YAJL_IS_OBJECT(object)) {
        return NULL;
    }

    for (i = object->u.object.len; i > 0; i--) {
        if (strcmp(object->u.object.keys[i - 1], name) == 0) {
            value = object->u.object.values[i - 1];
            return YAJL_IS_NULL(value) ? NULL : value;
        }
    }

    return NULL;
}


int
grid_member_text(grid_reader_t *reader, yajl_val object, const char *name,
    const char **value)
{
    yajl_val  member;

    member = grid_member(object, name);

    if (member == NULL) {
        return GRID_OK;
    }

    if (!YAJL_IS_STRING(member)) {
        return grid_reader_refuse(reader, "%s must be a string", name);
    }

    *value = YAJL_GET_STRING(member);

    return GRID_OK;
}


int
grid_member_number(grid_reader_t *reader, yajl_val object, const char *name,
    uint64_t max, uint64_t *value)
{
    unsigned    fraction;
    yajl_val    member;
    wgw_text_t  text;

    member = grid_member(object, name);

    if (member == NULL) {
        return GRID_OK;
    }

    if (YAJL_IS_NUMBER(member)) {
        text.data = YAJL_GET_NUMBER(member);
        text.len = strlen(text.data);

        if (wgw_text_number(text, max, value, &fraction) == 0 && !fraction) {
            return GRID_OK;
        }
    }

    return grid_reader_refuse(reader, "%s must be a whole number from 0 to "
                              "%llu", name, (unsigned long long) max);
}


int
grid_member_u32(grid_reader_t *reader, yajl_val object, const char *name,
    uint32_t *value)
{
    int       rc;
    uint64_t  number;

    number = *value;

    rc = grid_member_number(reader, object, name, UINT32_MAX, &number);

    *value = (uint32_t) number;

    return rc;
}


int
grid_member_truth(grid_reader_t *reader, yajl_val object, const char *name,
    unsigned *value)
{
    yajl_val  member;

    member = grid_member(object, name);

    if (member == NULL) {
        return GRID_OK;
    }

    if (!YAJL_IS_TRUE(member) && !YAJL_IS_FALSE(member)) {
        return grid_reader_refuse(reader, "%s must be true or false", name);
    }

    *value = YAJL_IS_TRUE(member) ? 1 : 0;

    return GRID_OK;
}


int
grid_member_array(grid_reader_t *reader, yajl_val object, const char *name,
    size_t max, yajl_val *array)
{
    yajl_val  member;

    *array = NULL;

    member = grid_member(object, name);

    if (member == NULL) {
        return GRID_OK;
    }

    if (!YAJL_IS_ARRAY(member)) {
        return grid_reader_refuse(reader, "%s must be an array", name);
    }

    if (member->u.array.len > max) {
        return grid_reader_refuse(reader, "%s has %zu items, and may have %zu",
                                  name, member->u.array.len, max);
    }

    *array = member;

    return GRID_OK;
}


int
grid_member_texts(grid_reader_t *reader, yajl_val object, const char *name,
    size_t max, const char **texts, size_t *n)
{
    size_t    i;
    yajl_val  array, item;

    *n = 0;

    if (grid_member_array(reader, object, name, max, &array) != GRID_OK) {
        return GRID_FAILED;
    }

    for (i = 0; array && i < array->u.array.len; i++) {
        item = array->u.array.values[i];

        if (!YAJL_IS_STRING(item)) {
            return grid_reader_refuse(reader, "%s[%zu] must be a string",
                                      name, i);
        }

        texts[(*n)++] = YAJL_GET_STRING(item);
    }

    return GRID_OK;
}


int
grid_member_object(grid_reader_t *reader, yajl_val object, const char *name,
    yajl_val *value)
{
    *value = grid_member(object, name);

    if (*value && !YAJL_IS_OBJECT(*value)) {
        return grid_reader_refuse(reader, "%s must be an object", name);
    }

    return GRID_OK;
}


int
grid_reader_refuse(grid_reader_t *reader, const char *format, ...)
{
    size_t   n;
    va_list  args;

    grid_put(reader->error, GRID_ERROR, "%s", reader->where);
    n = strlen(reader->error);

    va_start(args, format);
    (void) vsnprintf(reader->error + n, GRID_ERROR - n, format, args);
    va_end(args);

    return GRID_FAILED;
}
