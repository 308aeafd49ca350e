
/*
 * rpc: see rpc.h.  The syntax is yajl's work.
 *
 * A body is read once to decide, and once more to answer if it may not pass:
 * most pass, and what is written for a call depends on those behind it.
 */

#include "format/json.h"
#include "format/rpc.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include <yajl/yajl_parse.h>


typedef enum {
    WGW_RPC_OTHER = 0,
    WGW_RPC_IS_METHOD,
    WGW_RPC_IS_ID,
    WGW_RPC_IS_PARAMS
} wgw_rpc_member_t;


typedef enum {
    WGW_RPC_NULL = 0,
    WGW_RPC_NUMBER,
    WGW_RPC_STRING,
    WGW_RPC_ELSE
} wgw_rpc_kind_t;


typedef struct {
    const wgw_rpc_rules_t  *rules;
    wgw_out_t              *reply;          /* NULL: only decide */
    unsigned                depth;
    size_t                  calls;
    size_t                  answers;
    const char             *whole;          /* why nothing of it may pass */
    unsigned                batch:1;
    unsigned                any_invalid:1;
    unsigned                any_refused:1;

    /* the call at hand */
    wgw_rpc_member_t        member;
    unsigned                seen;           /* a bit for each of them */
    const char             *invalid;        /* why it is none */
    unsigned                refused:1;
    char                    method[WGW_RPC_METHOD];
    size_t                  method_len;
    wgw_rpc_kind_t          id_kind;
    char                    id[WGW_RPC_ID];
    size_t                  id_len;
} wgw_rpc_reader_t;


static wgw_rpc_verdict_t wgw_rpc_parse(wgw_rpc_reader_t *reader,
    wgw_text_t body);
static void wgw_rpc_single(wgw_out_t *reply, wgw_rpc_verdict_t verdict,
    const char *message);
static int wgw_rpc_null(void *data);
static int wgw_rpc_boolean(void *data, int truth);
static int wgw_rpc_number(void *data, const char *text, size_t len);
static int wgw_rpc_string(void *data, const unsigned char *text, size_t len);
static int wgw_rpc_start_map(void *data);
static int wgw_rpc_key(void *data, const unsigned char *text, size_t len);
static int wgw_rpc_end_map(void *data);
static int wgw_rpc_start_array(void *data);
static int wgw_rpc_end_array(void *data);
static int wgw_rpc_value(wgw_rpc_reader_t *reader, wgw_rpc_kind_t kind,
    wgw_text_t text);
static void wgw_rpc_member(wgw_rpc_reader_t *reader, wgw_rpc_kind_t kind,
    wgw_text_t text);
static int wgw_rpc_enter(wgw_rpc_reader_t *reader);
static int wgw_rpc_begin(wgw_rpc_reader_t *reader);
static void wgw_rpc_end(wgw_rpc_reader_t *reader);
static void wgw_rpc_answer(wgw_rpc_reader_t *reader);
static void wgw_rpc_error(wgw_out_t *reply, const char *code,
    wgw_text_t message);
static int wgw_rpc_printable(wgw_text_t text);
static int wgw_rpc_stop(wgw_rpc_reader_t *reader, const char *whole);
static int wgw_rpc_listed(wgw_text_t method, const wgw_text_t *list,
    size_t n, int (*compare)(const char *, const char *, size_t));


static const yajl_callbacks  wgw_rpc_callbacks = {
    wgw_rpc_null,
    wgw_rpc_boolean,
    NULL,                                   /* integers: */
    NULL,                                   /* doubles: */
    wgw_rpc_number,                         /* come as text */
    wgw_rpc_string,
    wgw_rpc_start_map,
    wgw_rpc_key,
    wgw_rpc_end_map,
    wgw_rpc_start_array,
    wgw_rpc_end_array
};


static const struct {
    const char  *reason;
    const char  *code;
} wgw_rpc_texts[] = {
    { "allowed", "0" },
    { "refused", "-32601" },
    { "invalid", "-32600" },
    { "unparsable", "-32700" }
};


wgw_rpc_verdict_t
wgw_rpc_check(wgw_text_t body, const wgw_rpc_rules_t *rules, wgw_out_t *reply)
{
    char               *start;
    wgw_rpc_reader_t    reader;
    wgw_rpc_verdict_t   verdict;

    assert(rules->batch > 0);

    if (!wgw_json_paired(body)) {
        wgw_rpc_single(reply, WGW_RPC_UNPARSABLE,
                       "the body has an unpaired surrogate");
        return WGW_RPC_UNPARSABLE;
    }

    memset(&reader, 0, sizeof(wgw_rpc_reader_t));
    reader.rules = rules;

    verdict = wgw_rpc_parse(&reader, body);

    if (verdict == WGW_RPC_ALLOWED) {
        return verdict;
    }

    if (verdict == WGW_RPC_UNPARSABLE) {
        wgw_rpc_single(reply, verdict, "the body is not valid JSON");
        return verdict;
    }

    if (reader.whole) {
        wgw_rpc_single(reply, verdict, reader.whole);
        return verdict;
    }

    start = reply->pos;

    memset(&reader, 0, sizeof(wgw_rpc_reader_t));
    reader.rules = rules;
    reader.reply = reply;

    wgw_rpc_parse(&reader, body);

    if (reply->overflow || reader.answers == 0) {
        reply->pos = start;
        reply->overflow = 0;

        wgw_rpc_single(reply, verdict, "a call of the batch may not pass");
    }

    return verdict;
}


int
wgw_rpc_method(wgw_text_t method, const wgw_rpc_rules_t *rules)
{
    if (wgw_rpc_listed(method, rules->deny, rules->ndeny, strncasecmp)) {
        return 0;
    }

    return rules->nallow == 0
           || wgw_rpc_listed(method, rules->allow, rules->nallow, strncmp);
}


void
wgw_rpc_too_long(wgw_out_t *reply)
{
    wgw_rpc_single(reply, WGW_RPC_INVALID, "the body is too long");
}


const char *
wgw_rpc_reason(wgw_rpc_verdict_t verdict)
{
    return wgw_rpc_texts[verdict].reason;
}


static wgw_rpc_verdict_t
wgw_rpc_parse(wgw_rpc_reader_t *reader, wgw_text_t body)
{
    yajl_handle  yajl;
    yajl_status  status;

    yajl = yajl_alloc(&wgw_rpc_callbacks, NULL, reader);

    if (yajl == NULL) {
        reader->whole = "the body cannot be read: out of memory";
        return WGW_RPC_INVALID;
    }

    status = yajl_parse(yajl, (const unsigned char *) body.data, body.len);

    if (status == yajl_status_ok) {
        status = yajl_complete_parse(yajl);
    }

    yajl_free(yajl);

    if (reader->whole) {
        return WGW_RPC_INVALID;
    }

    if (status != yajl_status_ok) {
        return WGW_RPC_UNPARSABLE;
    }

    if (reader->any_invalid) {
        return WGW_RPC_INVALID;
    }

    return reader->any_refused ? WGW_RPC_REFUSED : WGW_RPC_ALLOWED;
}


static void
wgw_rpc_single(wgw_out_t *reply, wgw_rpc_verdict_t verdict,
    const char *message)
{
    wgw_text_t  text = { message, strlen(message) };

    wgw_out_str(reply, "{\"jsonrpc\":\"2.0\",\"id\":null,");
    wgw_rpc_error(reply, wgw_rpc_texts[verdict].code, text);
}


/* yajl's callbacks return 1, or 0 to stop */

static int
wgw_rpc_null(void *data)
{
    return wgw_rpc_value(data, WGW_RPC_NULL, wgw_text(""));
}


static int
wgw_rpc_boolean(void *data, int truth)
{
    (void) truth;

    return wgw_rpc_value(data, WGW_RPC_ELSE, wgw_text(""));
}


static int
wgw_rpc_number(void *data, const char *text, size_t len)
{
    wgw_text_t  number = { text, len };

    return wgw_rpc_value(data, WGW_RPC_NUMBER, number);
}


static int
wgw_rpc_string(void *data, const unsigned char *text, size_t len)
{
    wgw_text_t  string = { (const char *) text, len };

    return wgw_rpc_value(data, WGW_RPC_STRING, string);
}


static int
wgw_rpc_start_map(void *data)
{
    wgw_rpc_reader_t  *reader = data;

    if (reader->depth == reader->batch) {
        return wgw_rpc_begin(reader) && wgw_rpc_enter(reader);
    }

    return wgw_rpc_value(reader, WGW_RPC_ELSE, wgw_text(""))
           && wgw_rpc_enter(reader);
}


static int
wgw_rpc_key(void *data, const unsigned char *text, size_t len)
{
    unsigned           bit;
    wgw_text_t         key = { (const char *) text, len };
    wgw_rpc_reader_t  *reader = data;

    if (reader->depth != reader->batch + 1u) {
        return 1;
    }

    reader->member = WGW_RPC_OTHER;

    if (wgw_text_equal(key, wgw_text("method"))) {
        reader->member = WGW_RPC_IS_METHOD;

    } else if (wgw_text_equal(key, wgw_text("id"))) {
        reader->member = WGW_RPC_IS_ID;

    } else if (wgw_text_equal(key, wgw_text("params"))) {
        reader->member = WGW_RPC_IS_PARAMS;

    } else if (!wgw_rpc_printable(key)) {
        reader->invalid = "a member has a name that is not printable ASCII";
        return 1;

    } else if (len == 6 && strncasecmp(key.data, "method", 6) == 0) {
        reader->invalid = "a member is \"method\" but for its case";
        return 1;
    }

    bit = 1u << reader->member;

    if (reader->member != WGW_RPC_OTHER && (reader->seen & bit)) {
        reader->invalid = "a member is duplicate";
    }

    reader->seen |= bit;

    return 1;
}


static int
wgw_rpc_end_map(void *data)
{
    wgw_rpc_reader_t  *reader = data;

    reader->depth--;

    if (reader->depth == reader->batch) {
        wgw_rpc_end(reader);
    }

    return 1;
}


static int
wgw_rpc_start_array(void *data)
{
    wgw_rpc_reader_t  *reader = data;

    if (reader->depth == 0) {
        reader->batch = 1;

        if (reader->reply) {
            wgw_out_str(reader->reply, "[");
        }

        return wgw_rpc_enter(reader);
    }

    return wgw_rpc_value(reader, WGW_RPC_ELSE, wgw_text(""))
           && wgw_rpc_enter(reader);
}


static int
wgw_rpc_end_array(void *data)
{
    wgw_rpc_reader_t  *reader = data;

    reader->depth--;

    if (reader->depth) {
        return 1;
    }

    if (reader->calls == 0) {
        return wgw_rpc_stop(reader, "the batch is empty");
    }

    if (reader->reply) {
        wgw_out_str(reader->reply, "]");
    }

    return 1;
}


/* Any value that is not a call; of an array or object its start. */

static int
wgw_rpc_value(wgw_rpc_reader_t *reader, wgw_rpc_kind_t kind, wgw_text_t text)
{
    if (reader->depth == 0) {
        return wgw_rpc_stop(reader, "the body is not an object or an array");
    }

    if (reader->depth == reader->batch) {

        if (!wgw_rpc_begin(reader)) {
            return 0;
        }

        reader->invalid = "the call is not an object";
        wgw_rpc_end(reader);

        return 1;
    }

    if (reader->depth == reader->batch + 1u) {
        wgw_rpc_member(reader, kind, text);
    }

    return 1;
}


static void
wgw_rpc_member(wgw_rpc_reader_t *reader, wgw_rpc_kind_t kind, wgw_text_t text)
{
    if (reader->member == WGW_RPC_IS_METHOD) {

        if (kind != WGW_RPC_STRING || !wgw_rpc_printable(text)) {
            reader->invalid = "the method is not a string of printable "
                              "ASCII";
            return;
        }

        reader->refused = !wgw_rpc_method(text, reader->rules);
        reader->method_len = text.len < WGW_RPC_METHOD ? text.len
                                                       : WGW_RPC_METHOD;
        memcpy(reader->method, text.data, reader->method_len);

    } else if (reader->member == WGW_RPC_IS_ID) {

        if (kind == WGW_RPC_ELSE) {
            reader->invalid = "the id is not a string, a number or null";
            return;
        }

        if (text.len <= WGW_RPC_ID) {
            reader->id_kind = kind;
            reader->id_len = text.len;
            memcpy(reader->id, text.data, text.len);
        }
    }
}


static int
wgw_rpc_enter(wgw_rpc_reader_t *reader)
{
    if (reader->depth == WGW_RPC_DEPTH) {
        return wgw_rpc_stop(reader, "the body is nested too deep");
    }

    reader->depth++;

    return 1;
}


static int
wgw_rpc_begin(wgw_rpc_reader_t *reader)
{
    if (reader->calls == reader->rules->batch) {
        return wgw_rpc_stop(reader, "the batch has too many calls");
    }

    reader->calls++;

    reader->member = WGW_RPC_OTHER;
    reader->seen = 0;
    reader->invalid = NULL;
    reader->refused = 0;
    reader->method_len = 0;
    reader->id_kind = WGW_RPC_NULL;
    reader->id_len = 0;

    return 1;
}


static void
wgw_rpc_end(wgw_rpc_reader_t *reader)
{
    wgw_text_t  method;

    if (reader->invalid == NULL && !(reader->seen & 1u << WGW_RPC_IS_METHOD))
    {
        reader->invalid = "the call has no method";
    }

    if (reader->invalid) {
        reader->any_invalid = 1;

    } else if (reader->refused) {
        reader->any_refused = 1;
    }

    if (reader->reply) {

        /* in a batch a call without an id waits for no answer */

        if (!reader->batch || reader->invalid
            || reader->seen & 1u << WGW_RPC_IS_ID)
        {
            wgw_rpc_answer(reader);
        }

    } else if (reader->rules->called && reader->invalid == NULL) {
        method.data = reader->method;
        method.len = reader->method_len;
        reader->rules->called(reader->rules->data, method);
    }
}


static void
wgw_rpc_answer(wgw_rpc_reader_t *reader)
{
    char         buffer[sizeof("the method  is not allowed")
                        + WGW_RPC_METHOD];
    wgw_out_t   *reply, message;
    wgw_text_t   text, id = { reader->id, reader->id_len };

    reply = reader->reply;

    wgw_out_str(reply, reader->answers++ ? "," : "");
    wgw_out_str(reply, "{\"jsonrpc\":\"2.0\",\"id\":");

    if (reader->id_kind == WGW_RPC_STRING) {
        wgw_out_json(reply, id);

    } else if (reader->id_kind == WGW_RPC_NUMBER) {
        wgw_out_bytes(reply, id.data, id.len);

    } else {
        wgw_out_str(reply, "null");
    }

    wgw_out_str(reply, ",");

    if (reader->invalid) {
        text.data = reader->invalid;
        text.len = strlen(reader->invalid);
        wgw_rpc_error(reply, wgw_rpc_texts[WGW_RPC_INVALID].code, text);
        return;
    }

    if (!reader->refused) {
        wgw_rpc_error(reply, wgw_rpc_texts[WGW_RPC_INVALID].code,
                      wgw_text("refused with its batch"));
        return;
    }

    wgw_out_init(&message, buffer, sizeof(buffer));
    wgw_out_str(&message, "the method ");
    wgw_out_bytes(&message, reader->method, reader->method_len);
    wgw_out_str(&message, " is not allowed");

    text.data = message.start;
    text.len = (size_t) (message.pos - message.start);
    wgw_rpc_error(reply, wgw_rpc_texts[WGW_RPC_REFUSED].code, text);
}


/* The rest of an error's object. */

static void
wgw_rpc_error(wgw_out_t *reply, const char *code, wgw_text_t message)
{
    wgw_out_str(reply, "\"error\":{\"code\":");
    wgw_out_str(reply, code);
    wgw_out_str(reply, ",\"message\":");
    wgw_out_json(reply, message);
    wgw_out_str(reply, "}}");
}


static int
wgw_rpc_printable(wgw_text_t text)
{
    size_t  i;

    for (i = 0; i < text.len; i++) {

        if (text.data[i] <= ' ' || text.data[i] >= 0x7f) {
            return 0;
        }
    }

    return 1;
}


static int
wgw_rpc_stop(wgw_rpc_reader_t *reader, const char *whole)
{
    reader->whole = whole;

    return 0;
}


static int
wgw_rpc_listed(wgw_text_t method, const wgw_text_t *list, size_t n,
    int (*compare)(const char *, const char *, size_t))
{
    size_t      i;
    wgw_text_t  name;

    for (i = 0; i < n; i++) {
        name = list[i];

        if (name.len && name.data[name.len - 1] == '*') {
            name.len--;

            if (method.len < name.len) {
                continue;
            }

        } else if (method.len != name.len) {
            continue;
        }

        if (name.len == 0 || compare(method.data, name.data, name.len) == 0) {
            return 1;
        }
    }

    return 0;
}
