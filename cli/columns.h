
/*
 * columns: rows whose cells stand below one another.
 *
 * A list may have no end: rows are kept until a flush, which prints them in
 * the widths of what was seen so far.
 */

#ifndef WGW_CLI_COLUMNS_H
#define WGW_CLI_COLUMNS_H


#include <stddef.h>
#include <stdio.h>


#define CLI_COLUMNS  12


typedef struct {
    const char          *title;
    int                  right;         /* figures */
} cli_column_t;


typedef struct {
    FILE                *file;
    const cli_column_t  *columns;
    size_t               n;
    size_t               width[CLI_COLUMNS];
    char               **cells;
    size_t               used;
    size_t               room;
    int                  titled;
} cli_columns_t;


void cli_columns_begin(cli_columns_t *c, FILE *file,
    const cli_column_t *columns, size_t n);

/* The next cell of the row, or of the next row. */
void cli_columns_add(cli_columns_t *c, const char *text);

void cli_columns_flush(cli_columns_t *c);

/* Flushes, and releases. */
void cli_columns_end(cli_columns_t *c);


#endif /* WGW_CLI_COLUMNS_H */
