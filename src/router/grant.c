
/*
 * grant: see grant.h.  The syntax is yajl's work.
 */

#include "router/grant.h"

#include <string.h>
#include <strings.h>

#include <yajl/yajl_parse.h>


#define GRANT_DEPTH  32


typedef enum {
    GRANT_OTHER = 0,
    GRANT_HEADERS,
    GRANT_EXP,
    GRANT_USES,
    GRANT_ERROR
} grant_member_t;


typedef struct {
    wgw_grant_t      *grant;
    wgw_out_t         out;
    const char       *phrase;       /* why it is none */
    grant_member_t    member;
    unsigned          seen;         /* a bit for each */
    unsigned          depth;
    wgw_text_t        name;         /* of the header at hand */
    unsigned          keep:1;       /* and it is set */
    unsigned          key:1;        /* x-api-key was there */
} grant_reader_t;


static int grant_null(void *data);
static int grant_boolean(void *data, int truth);
static int grant_number(void *data, const char *text, size_t len);
static int grant_string(void *data, const unsigned char *text, size_t len);
static int grant_start_map(void *data);
static int grant_name(void *data, const unsigned char *text, size_t len);
static int grant_start_array(void *data);
static int grant_end(void *data);
static int grant_header(grant_reader_t *reader, wgw_text_t value);
static int grant_field_name(grant_reader_t *reader, wgw_text_t name);
static wgw_text_t grant_copy(grant_reader_t *reader, wgw_text_t text);
static int grant_stop(grant_reader_t *reader, const char *phrase);
static int grant_token(wgw_text_t text);
static int grant_value(wgw_text_t text);


static const yajl_callbacks  grant_callbacks = {
    grant_null,
    grant_boolean,
    NULL,
    NULL,
    grant_number,
    grant_string,
    grant_start_map,
    grant_name,
    grant_end,
    grant_start_array,
    grant_end
};


static const char  *grant_members[] = {
    "", "headers", "exp", "uses", "error"
};


/* RFC 9110, 7.6.1, what frames a message, and Host */

static const char  *grant_refused[] = {
    "connection", "content-length", "expect", "host", "keep-alive",
    "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
    "trailer", "transfer-encoding", "upgrade", NULL
};


const char *
wgw_grant_read(wgw_grant_t *grant, wgw_text_t body,
    char buffer[WGW_GRANT_BYTES])
{
    yajl_handle     yajl;
    yajl_status     status;
    grant_reader_t  reader;

    memset(grant, 0, sizeof(wgw_grant_t));
    memset(&reader, 0, sizeof(grant_reader_t));

    reader.grant = grant;
    wgw_out_init(&reader.out, buffer, WGW_GRANT_BYTES);

    if (body.len > WGW_GRANT_BODY) {
        return "is too long";
    }

    yajl = yajl_alloc(&grant_callbacks, NULL, &reader);

    if (yajl == NULL) {
        return "cannot be read: out of memory";
    }

    status = yajl_parse(yajl, (const unsigned char *) body.data, body.len);

    if (status == yajl_status_ok) {
        status = yajl_complete_parse(yajl);
    }

    yajl_free(yajl);

    if (reader.phrase) {
        return reader.phrase;
    }

    if (status != yajl_status_ok) {
        return "is not JSON";
    }

    return reader.key ? NULL : "has no x-api-key";
}


static int
grant_null(void *data)
{
    grant_reader_t *reader = data;

    if (reader->depth == 0) {
        return grant_stop(reader, "is not an object");
    }

    if (reader->depth == 2 && reader->member == GRANT_HEADERS) {
        return grant_stop(reader, "has a header that is no text");
    }

    return 1;
}


static int
grant_boolean(void *data, int truth)
{
    grant_reader_t *reader = data;

    (void) truth;

    if (reader->depth == 0) {
        return grant_stop(reader, "is not an object");
    }

    if (reader->member != GRANT_OTHER) {
        return grant_stop(reader, "has a member of another type");
    }

    return 1;
}


static int
grant_number(void *data, const char *text, size_t len)
{
    uint64_t        number;
    wgw_text_t      digits = { text, len };
    grant_reader_t *reader = data;

    if (reader->depth == 0) {
        return grant_stop(reader, "is not an object");
    }

    if (reader->member == GRANT_OTHER) {
        return 1;
    }

    if (reader->depth != 1
        || (reader->member != GRANT_EXP && reader->member != GRANT_USES))
    {
        return grant_stop(reader, "has a member of another type");
    }

    if (wgw_text_uint(digits, INT64_MAX, &number) != 0) {
        return grant_stop(reader, "has a number that is none of seconds "
                          "or uses");
    }

    if (reader->member == GRANT_EXP) {
        reader->grant->exp = number;

    } else {
        reader->grant->uses = number;
    }

    return 1;
}


static int
grant_string(void *data, const unsigned char *text, size_t len)
{
    wgw_text_t      value = { (const char *) text, len };
    grant_reader_t *reader = data;

    if (reader->depth == 0) {
        return grant_stop(reader, "is not an object");
    }

    if (reader->depth == 2 && reader->member == GRANT_HEADERS) {
        return grant_header(reader, value);
    }

    if (reader->member == GRANT_ERROR) {
        return len ? grant_stop(reader, "is an error") : 1;
    }

    if (reader->member != GRANT_OTHER) {
        return grant_stop(reader, "has a member of another type");
    }

    return 1;
}


static int
grant_start_map(void *data)
{
    grant_reader_t *reader = data;

    if (++reader->depth > GRANT_DEPTH) {
        return grant_stop(reader, "is nested too deeply");
    }

    if (reader->depth == 1 || reader->member == GRANT_OTHER
        || (reader->depth == 2 && reader->member == GRANT_HEADERS))
    {
        return 1;
    }

    return grant_stop(reader, reader->member == GRANT_HEADERS
                              ? "has a header that is no text"
                              : "has a member of another type");
}


static int
grant_name(void *data, const unsigned char *text, size_t len)
{
    unsigned        i;
    wgw_text_t      name = { (const char *) text, len };
    grant_reader_t *reader = data;

    if (reader->depth == 2 && reader->member == GRANT_HEADERS) {
        return grant_field_name(reader, name);
    }

    if (reader->depth != 1) {
        return 1;
    }

    reader->member = GRANT_OTHER;

    for (i = GRANT_HEADERS; i <= GRANT_ERROR; i++) {

        if (strlen(grant_members[i]) != len
            || strncasecmp(grant_members[i], name.data, len) != 0)
        {
            continue;
        }

        if (reader->seen & (1u << i)) {
            return grant_stop(reader, "has a member twice");
        }

        reader->seen |= 1u << i;
        reader->member = (grant_member_t) i;
    }

    return 1;
}


static int
grant_start_array(void *data)
{
    grant_reader_t *reader = data;

    if (reader->depth == 0) {
        return grant_stop(reader, "is not an object");
    }

    if (++reader->depth > GRANT_DEPTH) {
        return grant_stop(reader, "is nested too deeply");
    }

    if (reader->member != GRANT_OTHER) {
        return grant_stop(reader, "has a member of another type");
    }

    return 1;
}


static int
grant_end(void *data)
{
    grant_reader_t *reader = data;

    reader->depth--;

    return 1;
}


static int
grant_field_name(grant_reader_t *reader, wgw_text_t name)
{
    if (!grant_token(name)) {
        return grant_stop(reader, "has a header that is none of HTTP");
    }

    reader->keep = (wgw_grant_field(name) != 0);
    reader->name = reader->keep ? grant_copy(reader, name) : name;

    return reader->phrase == NULL;
}


static int
grant_header(grant_reader_t *reader, wgw_text_t value)
{
    size_t               i;
    wgw_grant_t         *grant;
    wgw_grant_header_t  *header;

    grant = reader->grant;

    if (!grant_value(value)) {
        return grant_stop(reader, "has a header that is none of HTTP");
    }

    if (!reader->keep) {
        return 1;
    }

    for (i = 0; i < grant->nheaders; i++) {
        header = &grant->headers[i];

        if (header->name.len == reader->name.len
            && strncasecmp(header->name.data, reader->name.data,
                           reader->name.len) == 0)
        {
            return grant_stop(reader, "has a header twice");
        }
    }

    if (grant->nheaders == WGW_GRANT_HEADERS) {
        return grant_stop(reader, "has too many headers");
    }

    if (reader->name.len == sizeof("x-api-key") - 1
        && strncasecmp(reader->name.data, "x-api-key", reader->name.len) == 0)
    {
        if (value.len == 0) {
            return grant_stop(reader, "has no x-api-key");
        }

        reader->key = 1;
    }

    header = &grant->headers[grant->nheaders++];

    header->name = reader->name;
    header->value = grant_copy(reader, value);

    return reader->phrase == NULL;
}


static wgw_text_t
grant_copy(grant_reader_t *reader, wgw_text_t text)
{
    wgw_text_t  copy = { reader->out.pos, text.len };

    wgw_out_bytes(&reader->out, text.data, text.len);

    if (reader->out.overflow) {
        (void) grant_stop(reader, "has too many headers");
    }

    return copy;
}


static int
grant_stop(grant_reader_t *reader, const char *phrase)
{
    reader->phrase = phrase;

    return 0;
}


int
wgw_grant_field(wgw_text_t name)
{
    size_t  i;

    for (i = 0; grant_refused[i]; i++) {
        if (strlen(grant_refused[i]) == name.len
            && strncasecmp(grant_refused[i], name.data, name.len) == 0)
        {
            return 0;
        }
    }

    return grant_token(name);
}


/* RFC 9110, 5.6.2 */

static int
grant_token(wgw_text_t text)
{
    char    c;
    size_t  i;

    for (i = 0; i < text.len; i++) {
        c = text.data[i];

        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
            && (c < '0' || c > '9')
            && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
        {
            return 0;
        }
    }

    return text.len > 0 && text.len <= 256;
}


static int
grant_value(wgw_text_t text)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < text.len; i++) {
        c = (unsigned char) text.data[i];

        if (c < 0x20 || c == 0x7f) {
            return 0;
        }
    }

    return 1;
}
