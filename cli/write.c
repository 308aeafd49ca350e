
#include <string.h>

#include "cli/write.h"
#include "format/text.h"


#define WRITE_PIECE  64             /* bytes, which become 6 each at most */
#define WRITE_DEPTH  64


static void write_value(FILE *file, yajl_val value, unsigned depth);
static size_t write_piece(const char *text, size_t left);


/* By pieces that end where a character does. */

void
cli_write_string(FILE *file, const char *text)
{
    char        buffer[6 * WRITE_PIECE + 2];
    size_t      n, left;
    wgw_out_t   out;

    fputc('"', file);

    for (left = strlen(text); left; left -= n, text += n) {
        n = write_piece(text, left);

        wgw_out_init(&out, buffer, sizeof(buffer));
        wgw_out_json(&out, (wgw_text_t) { text, n });

        /* without the quotes */
        fwrite(buffer + 1, 1, (size_t) (out.pos - out.start) - 2, file);
    }

    fputc('"', file);
}


static size_t
write_piece(const char *text, size_t left)
{
    size_t    n, len;
    uint32_t  code;

    for (n = 0; n < left && n <= WRITE_PIECE - 4; n += len) {
        len = wgw_text_utf8((const uint8_t *) text + n, left - n, &code);

        if (len == 0) {
            len = 1;
        }
    }

    return n;
}


void
cli_write_member(FILE *file, int first, const char *name, const char *text)
{
    fprintf(file, "%s\"%s\":", first ? "" : ",", name);
    cli_write_string(file, text);
}


void
cli_write_number(FILE *file, int first, const char *name, uint64_t number)
{
    fprintf(file, "%s\"%s\":%llu", first ? "" : ",", name,
            (unsigned long long) number);
}


void
cli_write_value(FILE *file, yajl_val value)
{
    write_value(file, value, 0);
}


static void
write_value(FILE *file, yajl_val value, unsigned depth)
{
    size_t  i;

    if (YAJL_IS_STRING(value)) {
        cli_write_string(file, YAJL_GET_STRING(value));

    } else if (YAJL_IS_NUMBER(value)) {
        fputs(YAJL_GET_NUMBER(value), file);

    } else if (YAJL_IS_TRUE(value)) {
        fputs("true", file);

    } else if (YAJL_IS_FALSE(value)) {
        fputs("false", file);

    } else if (YAJL_IS_ARRAY(value) && depth < WRITE_DEPTH) {
        fputc('[', file);

        for (i = 0; i < value->u.array.len; i++) {
            fputs(i ? "," : "", file);
            write_value(file, value->u.array.values[i], depth + 1);
        }

        fputc(']', file);

    } else if (YAJL_IS_OBJECT(value) && depth < WRITE_DEPTH) {
        fputc('{', file);

        for (i = 0; i < value->u.object.len; i++) {
            fputs(i ? "," : "", file);
            cli_write_string(file, value->u.object.keys[i]);
            fputc(':', file);
            write_value(file, value->u.object.values[i], depth + 1);
        }

        fputc('}', file);

    } else {
        fputs("null", file);
    }
}


void
cli_write_error(FILE *file, const char *subject, const char *field,
    const char *error, uint64_t line, long status)
{
    fputc('{', file);
    cli_write_member(file, 1, "error", error);

    if (subject[0]) {
        cli_write_member(file, 0, "of", subject);
    }

    if (field[0]) {
        cli_write_member(file, 0, "field", field);
    }

    if (line) {
        cli_write_number(file, 0, "line", line);
    }

    if (status) {
        cli_write_number(file, 0, "status", (uint64_t) status);
    }

    fputs("}\n", file);
}


void
cli_write_visible(FILE *file, const char *text)
{
    size_t    i, len, left;
    uint32_t  code;

    for (left = strlen(text); left; left -= len, text += len) {
        len = wgw_text_utf8((const uint8_t *) text, left, &code);

        if (len && wgw_text_visible((wgw_text_t) { text, len })) {
            fwrite(text, 1, len, file);
            continue;
        }

        len = len ? len : 1;

        for (i = 0; i < len; i++) {
            fprintf(file, "\\x%02x", (unsigned) (uint8_t) text[i]);
        }
    }
}
