
/*
 * json: see json.h.  The syntax is yajl's work.
 */

#include "format/json.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <yajl/yajl_parse.h>


typedef struct {
    const wgw_json_member_t  *members;
    size_t                    n;
    const wgw_json_member_t  *member;       /* being read */
    void                     *data;
    uint32_t                  seen;
    wgw_json_error_t         *error;
    size_t                    index;        /* of the next element */
    unsigned                  object:1;     /* inside the object */
    unsigned                  array:1;      /* inside an array */
    unsigned                  open:1;       /* unknown members may be */
    unsigned                  skip:1;       /* inside an unknown member */
    unsigned                  depth;        /* and how deep */
} wgw_json_reader_t;


static int wgw_json_parse(wgw_json_reader_t *reader, wgw_text_t json,
    uint32_t *seen);
static int wgw_json_null(void *data);
static int wgw_json_boolean(void *data, int truth);
static int wgw_json_number(void *data, const char *text, size_t len);
static int wgw_json_string(void *data, const unsigned char *text,
    size_t len);
static int wgw_json_start_map(void *data);
static int wgw_json_key(void *data, const unsigned char *text, size_t len);
static int wgw_json_end_map(void *data);
static int wgw_json_start_array(void *data);
static int wgw_json_end_array(void *data);
static int wgw_json_skip(wgw_json_reader_t *reader);
static int wgw_json_enter(wgw_json_reader_t *reader);
static int wgw_json_leave(wgw_json_reader_t *reader);
static int wgw_json_set(wgw_json_reader_t *reader, wgw_json_value_t *value);
static int wgw_json_mistyped(wgw_json_reader_t *reader);
static int wgw_json_stop(wgw_json_reader_t *reader, const char *message);
static int wgw_json_unknown(wgw_json_reader_t *reader, wgw_text_t key);
static unsigned wgw_json_surrogate(wgw_text_t json, size_t i);


static const yajl_callbacks  wgw_json_callbacks = {
    wgw_json_null,
    wgw_json_boolean,
    NULL,                                   /* integers: */
    NULL,                                   /* doubles: */
    wgw_json_number,                        /* come as text */
    wgw_json_string,
    wgw_json_start_map,
    wgw_json_key,
    wgw_json_end_map,
    wgw_json_start_array,
    wgw_json_end_array
};


int
wgw_json_read(wgw_text_t json, const wgw_json_member_t *members, size_t n,
    void *data, uint32_t *seen, wgw_json_error_t *error)
{
    wgw_json_reader_t  reader;

    memset(&reader, 0, sizeof(wgw_json_reader_t));
    reader.members = members;
    reader.n = n;
    reader.data = data;
    reader.error = error;

    return wgw_json_parse(&reader, json, seen);
}


int
wgw_json_read_open(wgw_text_t json, const wgw_json_member_t *members,
    size_t n, void *data, uint32_t *seen, wgw_json_error_t *error)
{
    wgw_json_reader_t  reader;

    memset(&reader, 0, sizeof(wgw_json_reader_t));
    reader.members = members;
    reader.n = n;
    reader.data = data;
    reader.error = error;
    reader.open = 1;

    return wgw_json_parse(&reader, json, seen);
}


static int
wgw_json_parse(wgw_json_reader_t *reader, wgw_text_t json, uint32_t *seen)
{
    char         message[sizeof(reader->error->message)];
    yajl_handle  yajl;
    yajl_status  status;

    assert(reader->n <= 32);

    if (!wgw_json_paired(json)) {
        return wgw_json_refuse(reader->error, "",
                               "has an unpaired surrogate");
    }

    yajl = yajl_alloc(&wgw_json_callbacks, NULL, reader);

    if (yajl == NULL) {
        return wgw_json_refuse(reader->error, "",
                               "cannot be read: out of memory");
    }

    message[0] = '\0';

    status = yajl_parse(yajl, (const unsigned char *) json.data, json.len);

    if (status == yajl_status_error) {
        snprintf(message, sizeof(message), "is not valid JSON near byte %zu",
                 yajl_get_bytes_consumed(yajl));

    } else if (status == yajl_status_ok
               && yajl_complete_parse(yajl) != yajl_status_ok)
    {
        snprintf(message, sizeof(message), "is not complete JSON");
    }

    yajl_free(yajl);

    if (message[0] != '\0') {
        return wgw_json_refuse(reader->error, "", message);
    }

    *seen = reader->seen;

    /* a callback that stops has filled the error */

    return (status == yajl_status_ok) ? 0 : -1;
}


int
wgw_json_refuse(wgw_json_error_t *error, const char *field,
    const char *message)
{
    snprintf(error->field, sizeof(error->field), "%s", field);
    snprintf(error->message, sizeof(error->message), "%s", message);

    return -1;
}


int
wgw_json_refuse_element(wgw_json_error_t *error, const char *field,
    size_t index, const char *message)
{
    snprintf(error->field, sizeof(error->field), "%s[%zu]", field, index);
    snprintf(error->message, sizeof(error->message), "%s", message);

    return -1;
}


/* yajl's callbacks return 1, or 0 to stop */

static int
wgw_json_null(void *data)
{
    wgw_json_reader_t  *reader = data;

    if (wgw_json_skip(reader)) {
        return 1;
    }

    if (!reader->object || reader->array || reader->member->required) {
        return wgw_json_mistyped(reader);
    }

    return 1;
}


static int
wgw_json_boolean(void *data, int truth)
{
    wgw_json_value_t    value;
    wgw_json_reader_t  *reader = data;

    if (wgw_json_skip(reader)) {
        return 1;
    }

    if (!reader->object || reader->member->type != WGW_JSON_BOOLEAN) {
        return wgw_json_mistyped(reader);
    }

    memset(&value, 0, sizeof(wgw_json_value_t));
    value.truth = (truth != 0);

    return wgw_json_set(reader, &value);
}


static int
wgw_json_number(void *data, const char *text, size_t len)
{
    wgw_text_t          digits = { text, len };
    wgw_json_type_t     type;
    wgw_json_value_t    value;
    wgw_json_reader_t  *reader = data;

    if (wgw_json_skip(reader)) {
        return 1;
    }

    memset(&value, 0, sizeof(wgw_json_value_t));

    if (!reader->object) {
        return wgw_json_mistyped(reader);
    }

    type = reader->member->type;

    if ((type != WGW_JSON_NUMBER && type != WGW_JSON_SECONDS)
        || wgw_text_number(digits, WGW_JSON_NUMBER_MAX, &value.number,
                           &value.truth)
           != 0
        || (value.truth && type == WGW_JSON_NUMBER))
    {
        return wgw_json_mistyped(reader);
    }

    return wgw_json_set(reader, &value);
}


static int
wgw_json_string(void *data, const unsigned char *text, size_t len)
{
    wgw_json_value_t    value;
    wgw_json_reader_t  *reader = data;

    if (wgw_json_skip(reader)) {
        return 1;
    }

    if (!reader->object
        || (!reader->array && reader->member->type != WGW_JSON_STRING
            && reader->member->type != WGW_JSON_STRINGS))
    {
        return wgw_json_mistyped(reader);
    }

    memset(&value, 0, sizeof(wgw_json_value_t));
    value.text.data = (const char *) text;
    value.text.len = len;
    value.index = reader->index;

    if (!wgw_json_set(reader, &value)) {
        return 0;
    }

    reader->index++;

    return 1;
}


static int
wgw_json_start_map(void *data)
{
    wgw_json_reader_t  *reader = data;

    if (reader->skip) {
        return wgw_json_enter(reader);
    }

    if (reader->object) {
        return wgw_json_mistyped(reader);
    }

    reader->object = 1;

    return 1;
}


static int
wgw_json_key(void *data, const unsigned char *text, size_t len)
{
    size_t              i;
    uint32_t            bit;
    wgw_text_t          name, key = { (const char *) text, len };
    wgw_json_reader_t  *reader = data;

    if (reader->skip) {
        return 1;
    }

    for (i = 0; i < reader->n; i++) {
        name.data = reader->members[i].name;
        name.len = strlen(name.data);

        if (!wgw_text_equal(name, key)) {
            continue;
        }

        reader->member = &reader->members[i];
        reader->index = 0;

        bit = (uint32_t) 1 << i;

        if (reader->seen & bit) {
            return wgw_json_stop(reader, "is duplicate");
        }

        reader->seen |= bit;

        return 1;
    }

    if (reader->open) {
        reader->skip = 1;
        return 1;
    }

    return wgw_json_unknown(reader, key);
}


static int
wgw_json_end_map(void *data)
{
    wgw_json_reader_t  *reader = data;

    return reader->skip ? wgw_json_leave(reader) : 1;
}


static int
wgw_json_start_array(void *data)
{
    wgw_json_reader_t  *reader = data;

    if (reader->skip) {
        return wgw_json_enter(reader);
    }

    if (!reader->object || reader->array
        || (reader->member->type != WGW_JSON_ARRAY
            && reader->member->type != WGW_JSON_STRINGS))
    {
        return wgw_json_mistyped(reader);
    }

    reader->array = 1;

    return 1;
}


static int
wgw_json_end_array(void *data)
{
    wgw_json_reader_t  *reader = data;

    if (reader->skip) {
        return wgw_json_leave(reader);
    }

    reader->array = 0;

    return 1;
}


/* What is inside an unknown member is passed over, up to its end. */

static int
wgw_json_skip(wgw_json_reader_t *reader)
{
    if (!reader->skip) {
        return 0;
    }

    reader->skip = (reader->depth > 0);

    return 1;
}


static int
wgw_json_enter(wgw_json_reader_t *reader)
{
    if (reader->depth == WGW_JSON_DEPTH) {
        wgw_json_refuse(reader->error, "", "is nested too deep");
        return 0;
    }

    reader->depth++;

    return 1;
}


static int
wgw_json_leave(wgw_json_reader_t *reader)
{
    reader->depth--;
    reader->skip = (reader->depth > 0);

    return 1;
}


static int
wgw_json_set(wgw_json_reader_t *reader, wgw_json_value_t *value)
{
    const char  *error;

    error = reader->member->set(reader->data, value);

    return error ? wgw_json_stop(reader, error) : 1;
}


static int
wgw_json_mistyped(wgw_json_reader_t *reader)
{
    static const char  *phrases[] = {
        "must be a string",
        "must be a whole number from 0 to 9007199254740992",
        "must be true or false",
        "must be an array of strings",
        "must be a string or an array of strings",
        "must be a number of seconds"
    };

    if (!reader->object) {
        wgw_json_refuse(reader->error, "", "is not a JSON object");
        return 0;
    }

    return wgw_json_stop(reader, phrases[reader->array ? WGW_JSON_STRING
                                                       : reader->member->type]);
}


static int
wgw_json_stop(wgw_json_reader_t *reader, const char *message)
{
    if (reader->array) {
        wgw_json_refuse_element(reader->error, reader->member->name,
                                reader->index, message);

    } else {
        wgw_json_refuse(reader->error, reader->member->name, message);
    }

    return 0;
}


/* The name comes from outside and goes to logs: only its plain part. */

static int
wgw_json_unknown(wgw_json_reader_t *reader, wgw_text_t key)
{
    char    c, field[sizeof(reader->error->field)];
    size_t  i;

    for (i = 0; i < key.len && i < sizeof(field) - 1; i++) {
        c = key.data[i];
        field[i] = (c > ' ' && c < 0x7f && c != '"' && c != '\\') ? c : '?';
    }

    field[i] = '\0';

    wgw_json_refuse(reader->error, field, "is not known");

    return 0;
}


/*
 * Escapes are told apart rightly up to where the text is not JSON any more;
 * there yajl stops, too.
 */

int
wgw_json_paired(wgw_text_t json)
{
    size_t       i;
    unsigned     high, low;
    const char  *p;

    for (i = 0; i < json.len; i++) {
        p = memchr(json.data + i, '\\', json.len - i);

        if (p == NULL) {
            break;
        }

        i = (size_t) (p - json.data);

        high = wgw_json_surrogate(json, i);

        if (high == 0) {
            i++;
            continue;
        }

        low = wgw_json_surrogate(json, i + 6);

        if (high != 1 || low != 2) {
            return 0;
        }

        i += 11;
    }

    return 1;
}


/* 1 for an escaped high surrogate at `i`, 2 for a low one, else 0 */

static unsigned
wgw_json_surrogate(wgw_text_t json, size_t i)
{
    const char  *p;

    if (i > json.len || json.len - i < 6) {
        return 0;
    }

    p = json.data + i;

    if (p[0] != '\\' || p[1] != 'u' || (p[2] != 'd' && p[2] != 'D')) {
        return 0;
    }

    if (memchr("89abAB", p[3], 6)) {
        return 1;
    }

    return memchr("cdefCDEF", p[3], 8) ? 2 : 0;
}
