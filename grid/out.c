
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "format/text.h"
#include "grid/grid.h"
#include "grid/out.h"
#include "program/memory.h"


#define OUT_FIRST  512


static void out_room(grid_out_t *out, size_t more);
static void out_code(grid_out_t *out, uint32_t code);


void
grid_out_free(grid_out_t *out)
{
    free(out->data);
    memset(out, 0, sizeof(grid_out_t));
}


void
grid_out_bytes(grid_out_t *out, const void *data, size_t len)
{
    out_room(out, len);

    if (len) {
        memcpy(out->data + out->len, data, len);
    }

    out->len += len;
    out->data[out->len] = '\0';
}


void
grid_out_text(grid_out_t *out, const char *text)
{
    grid_out_bytes(out, text, strlen(text));
}


void
grid_out_format(grid_out_t *out, const char *format, ...)
{
    int      n;
    va_list  args;

    out_room(out, OUT_FIRST);

    va_start(args, format);
    n = vsnprintf(out->data + out->len, out->room - out->len, format, args);
    va_end(args);

    if (n >= 0 && (size_t) n >= out->room - out->len) {
        out_room(out, (size_t) n);

        va_start(args, format);
        n = vsnprintf(out->data + out->len, out->room - out->len, format,
                      args);
        va_end(args);
    }

    out->len += (size_t) (n > 0 ? n : 0);
}


void
grid_out_json(grid_out_t *out, const char *text)
{
    size_t          n, left;
    uint32_t        code;
    const uint8_t  *p;

    p = (const uint8_t *) text;
    left = strlen(text);

    grid_out_bytes(out, "\"", 1);

    for ( /* void */ ; left; p += n, left -= n) {
        n = wgw_text_utf8(p, left, &code);

        if (n == 0) {
            n = 1;
            code = 0xfffd;
        }

        if (code == '"' || code == '\\') {
            grid_out_bytes(out, "\\", 1);
        }

        if (code >= ' ' && code < 0x7f) {
            grid_out_bytes(out, p, 1);
            continue;
        }

        out_code(out, code);
    }

    grid_out_bytes(out, "\"", 1);
}


void
grid_out_print_json(FILE *file, const char *text)
{
    grid_out_t  out = { NULL, 0, 0 };

    grid_out_json(&out, text);
    fputs(out.data, file);
    grid_out_free(&out);
}


static void
out_code(grid_out_t *out, uint32_t code)
{
    if (code > 0xffff) {
        code -= 0x10000;
        grid_out_format(out, "\\u%04x\\u%04x", 0xd800 + (code >> 10),
                        0xdc00 + (code & 0x3ff));

    } else {
        grid_out_format(out, "\\u%04x", code);
    }
}


void
grid_out_trim(grid_out_t *out, char byte)
{
    if (out->len && out->data[out->len - 1] == byte) {
        out->data[--out->len] = '\0';
    }
}


/* And one byte for the end. */

static void
out_room(grid_out_t *out, size_t more)
{
    if (out->room - out->len > more) {
        return;
    }

    out->room = out->room * 2 + OUT_FIRST + more;
    out->data = wgw_grow(out->data, out->room);
    out->data[out->len] = '\0';
}
