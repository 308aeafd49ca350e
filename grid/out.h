
/*
 * out: a text that grows, of ASCII alone: the JSON that is sent to clients,
 * of which one decodes its base64 as ASCII, and that is kept.
 */

#ifndef WGW_GRID_OUT_H
#define WGW_GRID_OUT_H


#include <stddef.h>
#include <stdint.h>
#include <stdio.h>


typedef struct {
    char    *data;                      /* terminated; NULL while empty */
    size_t   len;
    size_t   room;
} grid_out_t;


void grid_out_free(grid_out_t *out);

/* As they are. */
void grid_out_bytes(grid_out_t *out, const void *data, size_t len);
void grid_out_text(grid_out_t *out, const char *text);
void grid_out_format(grid_out_t *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A quoted JSON string; all that is no printable ASCII is escaped, bytes that
 * are no UTF-8 become U+FFFD.
 */
void grid_out_json(grid_out_t *out, const char *text);

/* The same to a file. */
void grid_out_print_json(FILE *file, const char *text);

/* Without its last byte, if it is this one: a comma too many. */
void grid_out_trim(grid_out_t *out, char byte);


#endif /* WGW_GRID_OUT_H */
