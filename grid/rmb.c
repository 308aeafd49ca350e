
#include <stdlib.h>
#include <string.h>

#include "format/json.h"
#include "format/multibase.h"
#include "grid/grid.h"
#include "grid/rmb.h"
#include "program/memory.h"


#define RMB_DIGITS(n)  (((n) + 2) / 3 * 4)


static const char *rmb_set_ref(void *data, const wgw_json_value_t *value);
static const char *rmb_set_src(void *data, const wgw_json_value_t *value);
static const char *rmb_set_cmd(void *data, const wgw_json_value_t *value);
static const char *rmb_set_ret(void *data, const wgw_json_value_t *value);
static const char *rmb_set_shm(void *data, const wgw_json_value_t *value);
static const char *rmb_set_exp(void *data, const wgw_json_value_t *value);
static const char *rmb_set_now(void *data, const wgw_json_value_t *value);
static const char *rmb_set_dat(void *data, const wgw_json_value_t *value);
static const char *rmb_set(char *member, size_t size, wgw_text_t text);
static int rmb_twin(grid_message_t *message);


static const wgw_json_member_t  rmb_members[] = {
    { "ref", WGW_JSON_STRING, 1, rmb_set_ref },
    { "src", WGW_JSON_STRING, 1, rmb_set_src },
    { "cmd", WGW_JSON_STRING, 1, rmb_set_cmd },
    { "ret", WGW_JSON_STRING, 1, rmb_set_ret },
    { "exp", WGW_JSON_NUMBER, 1, rmb_set_exp },
    { "now", WGW_JSON_NUMBER, 0, rmb_set_now },
    { "dat", WGW_JSON_STRING, 0, rmb_set_dat },
    { "shm", WGW_JSON_STRING, 0, rmb_set_shm }
};

#define RMB_REQUIRED  0x1f              /* the first five */


int
grid_rmb_read(grid_message_t *message, wgw_text_t element)
{
    uint32_t          seen;
    wgw_json_error_t  error;

    memset(message, 0, sizeof(grid_message_t));
    grid_put(message->shm, sizeof(message->shm), "application/json");

    if (element.len > GRID_RMB_ELEMENT
        || wgw_json_read_open(element, rmb_members, grid_count(rmb_members),
                              message, &seen, &error) != 0
        || (seen & RMB_REQUIRED) != RMB_REQUIRED
        || rmb_twin(message) != GRID_OK)
    {
        return GRID_FAILED;
    }

    if (message->payload == NULL) {
        message->payload = wgw_copy("");
    }

    return GRID_OK;
}


void
grid_rmb_free(grid_message_t *message)
{
    free(message->payload);
    message->payload = NULL;
}


static const char *
rmb_set_ref(void *data, const wgw_json_value_t *value)
{
    grid_message_t  *message = data;

    return rmb_set(message->ref, sizeof(message->ref), value->text);
}


static const char *
rmb_set_src(void *data, const wgw_json_value_t *value)
{
    grid_message_t  *message = data;

    return rmb_set(message->src, sizeof(message->src), value->text);
}


static const char *
rmb_set_cmd(void *data, const wgw_json_value_t *value)
{
    grid_message_t  *message = data;

    return rmb_set(message->cmd, sizeof(message->cmd), value->text);
}


static const char *
rmb_set_ret(void *data, const wgw_json_value_t *value)
{
    grid_message_t  *message = data;

    return rmb_set(message->ret, sizeof(message->ret), value->text);
}


/* One that cannot be is no reason to leave somebody without a reply. */

static const char *
rmb_set_shm(void *data, const wgw_json_value_t *value)
{
    grid_message_t  *message = data;

    (void) rmb_set(message->shm, sizeof(message->shm), value->text);

    return NULL;
}


static const char *
rmb_set_exp(void *data, const wgw_json_value_t *value)
{
    grid_message_t  *message = data;

    message->exp = value->number;

    return NULL;
}


static const char *
rmb_set_now(void *data, const wgw_json_value_t *value)
{
    grid_message_t  *message = data;

    message->now = value->number;

    return NULL;
}


/* As it came it is given back: yajl lets some bad UTF-8 through. */

static const char *
rmb_set(char *member, size_t size, wgw_text_t text)
{
    if (text.len == 0 || text.len >= size
        || memchr(text.data, '\0', text.len) || !wgw_text_well_formed(text))
    {
        return "is not usable";
    }

    memcpy(member, text.data, text.len);
    member[text.len] = '\0';

    return NULL;
}


/* Standard digits with their padding. */

static const char *
rmb_set_dat(void *data, const wgw_json_value_t *value)
{
    size_t           pad;
    wgw_text_t       digits;
    grid_message_t  *message = data;

    digits = value->text;

    if (digits.len > RMB_DIGITS(GRID_RMB_PAYLOAD)) {
        message->fault = "the payload is too large";
        return NULL;
    }

    for (pad = 0; pad < 2 && digits.len; pad++, digits.len--) {
        if (digits.data[digits.len - 1] != '=') {
            break;
        }
    }

    message->payload = wgw_alloc(digits.len + 1);

    if (value->text.len == 0) {
        return NULL;
    }

    if (value->text.len % 4
        || wgw_base64_decode(message->payload, digits.len, &message->len,
                             digits, 0) != WGW_MULTIBASE_OK)
    {
        message->fault = "the payload is not valid base64";
        message->len = 0;
    }

    message->payload[message->len] = '\0';

    return NULL;
}


/* A peer takes replies to "U32" and "U32:TEXT" only. */

static int
rmb_twin(grid_message_t *message)
{
    uint64_t    twin;
    wgw_text_t  digits;

    digits.data = message->src;
    digits.len = strcspn(message->src, ":");

    if (wgw_text_uint(digits, UINT32_MAX, &twin) != 0 || twin == 0) {
        return GRID_FAILED;
    }

    message->twin = (uint32_t) twin;

    return GRID_OK;
}


int
grid_rmb_expired(const grid_message_t *message, uint64_t now)
{
    uint64_t  sent;

    sent = message->now && message->now < now ? message->now : now;

    return sent + message->exp + GRID_RMB_SKEW <= now;
}


void
grid_rmb_reply(grid_out_t *out, const grid_message_t *message, uint64_t now,
    const char *json, const char *error)
{
    char       *digits;
    size_t      len, room;
    wgw_out_t   base64;

    if (error) {
        json = "null";
    }

    len = strlen(json);
    room = RMB_DIGITS(len);
    digits = wgw_alloc(room + 1);

    wgw_out_init(&base64, digits, room);
    wgw_base64_encode(&base64, json, len);

    while (base64.pos < digits + room) {
        *base64.pos++ = '=';
    }

    grid_out_text(out, "{\"ver\":1,\"ref\":");
    grid_out_json(out, message->ref);
    grid_out_text(out, ",\"dat\":\"");
    grid_out_bytes(out, digits, room);
    grid_out_text(out, "\",\"dst\":");
    grid_out_json(out, message->src);
    grid_out_text(out, ",\"shm\":");
    grid_out_json(out, message->shm);
    grid_out_format(out, ",\"now\":%llu,\"err\":", (unsigned long long) now);

    if (error) {
        grid_out_format(out, "{\"code\":%d,\"message\":", GRID_RMB_CODE);
        grid_out_json(out, error);
        grid_out_text(out, "}}");

    } else {
        grid_out_text(out, "null}");
    }

    free(digits);
}
