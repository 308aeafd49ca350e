
/*
 * member: typed members of JSON objects that strangers sent.
 *
 * A member that is not there, or null, leaves the value as it was; another
 * type is told as "workloads[2].data.name must be a string".  Of members with
 * one name the last one counts.
 */

#ifndef WGW_GRID_MEMBER_H
#define WGW_GRID_MEMBER_H


#include <stddef.h>
#include <stdint.h>

#include <yajl/yajl_tree.h>


#define GRID_ERROR  512                 /* what a user is told, at most */


/* Where it is read, and what is wrong there. */
typedef struct {
    char     where[64];                 /* "workloads[2].", or "" */
    char    *error;                     /* of GRID_ERROR bytes */
} grid_reader_t;


/* NULL where it is not there, or null, or `object` is none. */
yajl_val grid_member(yajl_val object, const char *name);

/* GRID_OK, or GRID_FAILED and the error. */
int grid_member_text(grid_reader_t *reader, yajl_val object,
    const char *name, const char **value);
int grid_member_number(grid_reader_t *reader, yajl_val object,
    const char *name, uint64_t max, uint64_t *value);
int grid_member_u32(grid_reader_t *reader, yajl_val object, const char *name,
    uint32_t *value);
int grid_member_truth(grid_reader_t *reader, yajl_val object,
    const char *name, unsigned *value);

/* `*array` is NULL when it is not there; at most `max` items. */
int grid_member_array(grid_reader_t *reader, yajl_val object,
    const char *name, size_t max, yajl_val *array);
/* An array of strings, at most `max`: `*n` of them, 0 without. */
int grid_member_texts(grid_reader_t *reader, yajl_val object,
    const char *name, size_t max, const char **texts, size_t *n);

int grid_member_object(grid_reader_t *reader, yajl_val object,
    const char *name, yajl_val *value);

/* Fills the error; returns GRID_FAILED. */
int grid_reader_refuse(grid_reader_t *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));


#endif /* WGW_GRID_MEMBER_H */
