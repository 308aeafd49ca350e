
/*
 * doc: JSON that the gateway, or a file, said, read as a tree.
 *
 * What is not there, or is of another type, is read as empty: "", 0, an array
 * of none.  Numbers are whole and not negative.
 */

#ifndef WGW_DOC_H
#define WGW_DOC_H


#include <stddef.h>
#include <stdint.h>

#include <yajl/yajl_tree.h>

#pragma GCC visibility push(hidden)


#define WGW_DOC_DEPTH  32               /* deeper ones are refused */


/* NULL when it is not JSON; to be given to yajl_tree_free(). */
yajl_val wgw_doc_read(const char *data, size_t len);

/* A member of an object, or NULL. */
yajl_val wgw_doc_get(yajl_val object, const char *name);

const char *wgw_doc_text(yajl_val object, const char *name);
uint64_t wgw_doc_number(yajl_val object, const char *name);
int wgw_doc_true(yajl_val object, const char *name);

/* An array's length, and one of it. */
size_t wgw_doc_count(yajl_val object, const char *name);
yajl_val wgw_doc_at(yajl_val object, const char *name, size_t i);


#pragma GCC visibility pop

#endif /* WGW_DOC_H */
