
/*
 * write: JSON, and text for a terminal, on a FILE.
 *
 * What comes from elsewhere, a key or an owner, may be any bytes: on a
 * terminal what nobody sees, and what would move the cursor, is written as
 * \xhh.
 */

#ifndef WGW_CLI_WRITE_H
#define WGW_CLI_WRITE_H


#include <stdint.h>
#include <stdio.h>

#include <yajl/yajl_tree.h>


/* A quoted string. */
void cli_write_string(FILE *file, const char *text);

/* ,"name":"text" and the like, the comma unless `first`. */
void cli_write_member(FILE *file, int first, const char *name,
    const char *text);
void cli_write_number(FILE *file, int first, const char *name,
    uint64_t number);

/* A value that was read, numbers as they were written, without blanks. */
void cli_write_value(FILE *file, yajl_val value);

/* One line; what is "" or 0 is left out. */
void cli_write_error(FILE *file, const char *subject, const char *field,
    const char *error, uint64_t line, long status);

/* For a terminal. */
void cli_write_visible(FILE *file, const char *text);


#endif /* WGW_CLI_WRITE_H */
