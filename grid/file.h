
/*
 * file: JSON of a file, whole.
 */

#ifndef WGW_GRID_FILE_H
#define WGW_GRID_FILE_H


#include <yajl/yajl_tree.h>

#include "grid/grid.h"


#define GRID_FILE_MAX  ((size_t) 16 << 20)      /* bytes */


/* The caller's (yajl_tree_free); NULL, and a phrase of what is wrong. */
yajl_val grid_file_json(const char *path, const char **error);

/* A string's text; "" of what is none. */
const char *grid_file_text(yajl_val value);


#endif /* WGW_GRID_FILE_H */
