
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/columns.h"
#include "cli/write.h"
#include "program/memory.h"


static char *columns_seen(const char *text);
static size_t columns_width(const char *text);
static void columns_cell(cli_columns_t *c, size_t i, const char *text);


void
cli_columns_begin(cli_columns_t *c, FILE *file, const cli_column_t *columns,
    size_t n)
{
    char    *title;
    size_t   i;

    memset(c, 0, sizeof(cli_columns_t));

    c->file = file;
    c->columns = columns;
    c->n = n;

    for (i = 0; i < n; i++) {
        title = columns_seen(columns[i].title);
        c->width[i] = columns_width(title);
        free(title);
    }
}


/* Kept as it is seen. */

void
cli_columns_add(cli_columns_t *c, const char *text)
{
    size_t  i, len;

    if (c->used == c->room) {
        c->room = c->room ? c->room * 2 : 256;
        c->cells = wgw_grow(c->cells, c->room * sizeof(char *));
    }

    i = c->used % c->n;
    c->cells[c->used++] = columns_seen(text);

    len = columns_width(c->cells[c->used - 1]);

    if (len > c->width[i]) {
        c->width[i] = len;
    }
}


/* What a server said, in a title, too, is nothing for a terminal to act on. */

static char *
columns_seen(const char *text)
{
    char    *seen;
    FILE    *memory;
    size_t   len;

    seen = NULL;
    memory = open_memstream(&seen, &len);

    if (memory) {
        cli_write_visible(memory, text);
        fclose(memory);
    }

    return seen ? seen : wgw_copy("");
}


/* A character is one wide: continuations of UTF-8 are none. */

static size_t
columns_width(const char *text)
{
    size_t  n;

    for (n = 0; *text; text++) {
        n += (*text & 0xc0) != 0x80;
    }

    return n;
}


void
cli_columns_flush(cli_columns_t *c)
{
    char    *title;
    size_t   i;

    if (c->n == 0) {
        return;
    }

    for (i = 0; i < c->n && c->used && !c->titled; i++) {
        title = columns_seen(c->columns[i].title);
        columns_cell(c, i, title);
        free(title);
    }

    c->titled = c->titled || c->used;

    for (i = 0; i < c->used; i++) {
        columns_cell(c, i % c->n, c->cells[i]);
        free(c->cells[i]);
    }

    c->used = 0;
}


static void
columns_cell(cli_columns_t *c, size_t i, const char *text)
{
    int     last;
    size_t  fill;

    last = i + 1 == c->n;
    fill = c->width[i] - columns_width(text);

    if (c->columns[i].right) {
        fprintf(c->file, "%*s%s", (int) fill, "", text);

    } else {
        fprintf(c->file, "%s%*s", text, last ? 0 : (int) fill, "");
    }

    fputs(last ? "\n" : "  ", c->file);
}


void
cli_columns_end(cli_columns_t *c)
{
    cli_columns_flush(c);
    free(c->cells);
    c->cells = NULL;
}
