
/*
 * answer: see answer.h.  The syntax is yajl's work.
 */

#include "router/answer.h"

#include <string.h>

#include <yajl/yajl_parse.h>


#define ANSWER_CHUNK_LINE  256      /* bytes, with its extensions */


typedef enum {
    ANSWER_OTHER = 0,
    ANSWER_RESULT,
    ANSWER_ERROR,
    ANSWER_CODE
} answer_member_t;


typedef struct {
    const int64_t    *codes;
    size_t            ncodes;
    uint64_t          height;
    unsigned          depth;        /* of maps and arrays */
    unsigned          top;          /* of an answer: 1, in a batch 2 */
    answer_member_t   member;
    unsigned          seen:1;       /* a height */
    unsigned          failed:1;     /* there was an error */
    unsigned          listed:1;     /* of one of these codes */
    unsigned          bad:1;
} answer_reader_t;


static int answer_parse(answer_reader_t *reader, wgw_text_t body);
static int answer_null(void *data);
static int answer_boolean(void *data, int truth);
static int answer_number(void *data, const char *text, size_t len);
static int answer_string(void *data, const unsigned char *text, size_t len);
static int answer_map(void *data);
static int answer_key(void *data, const unsigned char *text, size_t len);
static int answer_end(void *data);
static int answer_array(void *data);
static int answer_value(answer_reader_t *reader);
static int answer_hex(uint64_t *number, wgw_text_t text);
static int answer_chunk(const char *data, size_t len, size_t *pos,
    size_t *size);
static int answer_trailer(const char *data, size_t len, size_t *pos);


static const yajl_callbacks  answer_callbacks = {
    answer_null,
    answer_boolean,
    NULL,
    NULL,
    answer_number,
    answer_string,
    answer_map,
    answer_key,
    answer_end,
    answer_array,
    answer_end
};


int
wgw_answer_height(uint64_t *height, wgw_text_t body)
{
    answer_reader_t  reader;

    memset(&reader, 0, sizeof(answer_reader_t));

    if (answer_parse(&reader, body) != 0 || !reader.seen || reader.failed
        || reader.bad)
    {
        return -1;
    }

    *height = reader.height;

    return 0;
}


int
wgw_answer_error(wgw_text_t body, const int64_t *codes, size_t n)
{
    answer_reader_t  reader;

    memset(&reader, 0, sizeof(answer_reader_t));

    reader.codes = codes;
    reader.ncodes = n;

    return answer_parse(&reader, body) == 0 && reader.listed;
}


static int
answer_parse(answer_reader_t *reader, wgw_text_t body)
{
    yajl_handle  yajl;
    yajl_status  status;

    yajl = yajl_alloc(&answer_callbacks, NULL, reader);

    if (yajl == NULL) {
        return -1;
    }

    status = yajl_parse(yajl, (const unsigned char *) body.data, body.len);

    if (status == yajl_status_ok) {
        status = yajl_complete_parse(yajl);
    }

    yajl_free(yajl);

    return status == yajl_status_ok ? 0 : -1;
}


static int
answer_null(void *data)
{
    answer_reader_t *reader = data;

    /* "error":null is none */

    if (reader->depth == reader->top && reader->member == ANSWER_ERROR) {
        reader->member = ANSWER_OTHER;
    }

    return answer_value(reader);
}


static int
answer_boolean(void *data, int truth)
{
    (void) truth;

    return answer_value(data);
}


static int
answer_number(void *data, const char *text, size_t len)
{
    size_t           i, minus;
    int64_t          code;
    uint64_t         number;
    wgw_text_t       digits = { text, len };
    answer_reader_t *reader = data;

    minus = len && text[0] == '-';
    digits.data += minus;
    digits.len -= minus;

    if (wgw_text_uint(digits, INT64_MAX, &number) != 0) {
        return answer_value(reader);
    }

    if (reader->depth == reader->top && reader->member == ANSWER_RESULT
        && !minus)
    {
        reader->height = number;
        reader->seen = 1;
        return 1;
    }

    if (reader->depth == reader->top + 1 && reader->member == ANSWER_CODE) {
        code = minus ? - (int64_t) number : (int64_t) number;

        for (i = 0; i < reader->ncodes; i++) {
            if (reader->codes[i] == code) {
                reader->listed = 1;
            }
        }
    }

    return answer_value(reader);
}


static int
answer_string(void *data, const unsigned char *text, size_t len)
{
    wgw_text_t       value = { (const char *) text, len };
    answer_reader_t *reader = data;

    if (reader->depth == reader->top && reader->member == ANSWER_RESULT
        && answer_hex(&reader->height, value) == 0)
    {
        reader->seen = 1;
        return 1;
    }

    return answer_value(reader);
}


/* What is not a height in the place of one makes the answer none. */

static int
answer_value(answer_reader_t *reader)
{
    if (reader->depth == reader->top) {

        if (reader->member == ANSWER_RESULT) {
            reader->bad = 1;

        } else if (reader->member == ANSWER_ERROR) {
            reader->failed = 1;
        }
    }

    return 1;
}


static int
answer_map(void *data)
{
    answer_reader_t *reader = data;

    (void) answer_value(reader);

    if (reader->depth == 0) {
        reader->top = 1;
    }

    return ++reader->depth <= WGW_ANSWER_DEPTH;
}


static int
answer_key(void *data, const unsigned char *text, size_t len)
{
    wgw_text_t       key = { (const char *) text, len };
    answer_reader_t *reader = data;

    if (reader->depth == reader->top) {
        reader->member = wgw_text_equal(key, wgw_text("result"))
                         ? ANSWER_RESULT
                         : wgw_text_equal(key, wgw_text("error"))
                         ? ANSWER_ERROR : ANSWER_OTHER;
        return 1;
    }

    if (reader->depth == reader->top + 1
        && (reader->member == ANSWER_ERROR || reader->member == ANSWER_CODE))
    {
        reader->member = wgw_text_equal(key, wgw_text("code"))
                         ? ANSWER_CODE : ANSWER_ERROR;
    }

    return 1;
}


static int
answer_end(void *data)
{
    answer_reader_t *reader = data;

    reader->depth--;

    if (reader->depth <= reader->top) {
        reader->member = ANSWER_OTHER;
    }

    return 1;
}


static int
answer_array(void *data)
{
    answer_reader_t *reader = data;

    (void) answer_value(reader);

    if (reader->depth == 0) {
        reader->top = 2;
    }

    return ++reader->depth <= WGW_ANSWER_DEPTH;
}


/* 0x and 1 to 16 digits */

static int
answer_hex(uint64_t *number, wgw_text_t text)
{
    char      c;
    size_t    i;
    uint64_t  n, digit;

    if (text.len < 3 || text.len > 18 || text.data[0] != '0'
        || (text.data[1] != 'x' && text.data[1] != 'X'))
    {
        return -1;
    }

    n = 0;

    for (i = 2; i < text.len; i++) {
        c = text.data[i];

        if (c >= '0' && c <= '9') {
            digit = (uint64_t) (c - '0');

        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            digit = (uint64_t) (c | 0x20) - 'a' + 10;

        } else {
            return -1;
        }

        n = n << 4 | digit;
    }

    *number = n;

    return 0;
}


/* First looks whether all is there, then moves. */

int
wgw_answer_chunks(char *data, size_t len, size_t *size)
{
    int     rc;
    size_t  pos, chunk, to, pass;

    to = 0;

    for (pass = 0; pass < 2; pass++) {
        pos = 0;
        to = 0;

        for ( ;; ) {
            rc = answer_chunk(data, len, &pos, &chunk);

            if (rc != 1) {
                return rc;
            }

            if (chunk == 0) {
                break;
            }

            if (len - pos < chunk + 2) {
                return 0;
            }

            if (data[pos + chunk] != '\r' || data[pos + chunk + 1] != '\n') {
                return -1;
            }

            if (pass) {
                memmove(data + to, data + pos, chunk);
            }

            to += chunk;
            pos += chunk + 2;
        }

        if (pass == 0) {
            rc = answer_trailer(data, len, &pos);

            if (rc != 1) {
                return rc;
            }
        }
    }

    *size = to;

    return 1;
}


/* The line before a chunk: its size in hexadecimal, and extensions. */

static int
answer_chunk(const char *data, size_t len, size_t *pos, size_t *size)
{
    char    c;
    size_t  i, n, digits;

    n = 0;
    digits = 0;

    for (i = *pos; i < len; i++) {
        c = data[i];

        if (c >= '0' && c <= '9') {
            n = n << 4 | (size_t) (c - '0');

        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            n = n << 4 | (size_t) ((c | 0x20) - 'a' + 10);

        } else {
            break;
        }

        if (++digits > 7) {
            return -1;
        }
    }

    for ( /* void */ ; i < len; i++) {

        if (i - *pos > ANSWER_CHUNK_LINE) {
            return -1;
        }

        if (data[i] == '\n') {

            if (digits == 0 || data[i - 1] != '\r') {
                return -1;
            }

            *pos = i + 1;
            *size = n;

            return 1;
        }
    }

    return len - *pos > ANSWER_CHUNK_LINE ? -1 : 0;
}


/* Lines up to an empty one. */

static int
answer_trailer(const char *data, size_t len, size_t *pos)
{
    size_t  i, start;

    start = *pos;

    for (i = start; i < len; i++) {

        if (data[i] != '\n') {
            continue;
        }

        if (i - start < 2) {
            return 1;
        }

        start = i + 1;
    }

    return 0;
}
