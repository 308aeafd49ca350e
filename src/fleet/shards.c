
#include <stdio.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "fleet/shards.h"


static uint16_t wgw_shard_crc(const char *data, size_t len);
static int wgw_shard_number(const redisReply *reply, uint64_t max,
    uint16_t *number);


uint16_t
wgw_shard_slot(wgw_text_t key)
{
    size_t       len;
    const char  *open, *close;

    open = memchr(key.data, '{', key.len);

    if (open) {
        open++;
        len = key.len - (size_t) (open - key.data);
        close = memchr(open, '}', len);

        if (close && close != open) {
            key.data = open;
            key.len = (size_t) (close - open);
        }
    }

    return wgw_shard_crc(key.data, key.len) % WGW_SLOTS_ALL;
}


static uint16_t
wgw_shard_crc(const char *data, size_t len)
{
    int       bit;
    size_t    i;
    uint16_t  crc;

    crc = 0;

    for (i = 0; i < len; i++) {
        crc ^= (uint16_t) ((uint8_t) data[i] << 8);

        for (bit = 0; bit < 8; bit++) {
            crc = (uint16_t) (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
        }
    }

    return crc;
}


uint32_t
wgw_shard_tag(uint16_t slot)
{
    int       len;
    char      text[16];
    uint32_t  tag;

    for (tag = 0; tag < UINT32_MAX; tag++) {
        len = snprintf(text, sizeof(text), "%u", tag);

        if (wgw_shard_crc(text, (size_t) len) % WGW_SLOTS_ALL == slot) {
            break;
        }
    }

    return tag;
}


/* [[first, last, [host, port, id, ...], replica, ...], ...] */

int
wgw_shard_range(const redisReply *reply, size_t i, wgw_shard_range_t *range)
{
    const redisReply  *r, *master;

    if (reply->type != REDIS_REPLY_ARRAY || i >= reply->elements) {
        return -1;
    }

    r = reply->element[i];

    if (r->type != REDIS_REPLY_ARRAY || r->elements < 3
        || r->element[2]->type != REDIS_REPLY_ARRAY
        || r->element[2]->elements < 2)
    {
        return -1;
    }

    master = r->element[2];

    range->host.data = "";
    range->host.len = 0;

    if (master->element[0]->type == REDIS_REPLY_STRING) {
        range->host.data = master->element[0]->str;
        range->host.len = master->element[0]->len;
    }

    return wgw_shard_number(r->element[0], WGW_SLOTS_ALL - 1, &range->first)
           || wgw_shard_number(r->element[1], WGW_SLOTS_ALL - 1, &range->last)
           || wgw_shard_number(master->element[1], 65535, &range->port)
           || range->host.len >= WGW_SHARD_HOST
           || range->first > range->last
           || range->port == 0
           ? -1 : 0;
}


static int
wgw_shard_number(const redisReply *reply, uint64_t max, uint16_t *number)
{
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0
        || (uint64_t) reply->integer > max)
    {
        return -1;
    }

    *number = (uint16_t) reply->integer;

    return 0;
}


int
wgw_shard_moved(wgw_text_t error, wgw_shard_range_t *to)
{
    int          kind;
    size_t       skip;
    uint64_t     n;
    wgw_text_t   part;
    const char  *p, *end;

    if (error.len > 6 && memcmp(error.data, "MOVED ", 6) == 0) {
        kind = 'M';
        skip = 6;

    } else if (error.len > 4 && memcmp(error.data, "ASK ", 4) == 0) {
        kind = 'A';
        skip = 4;

    } else {
        return 0;
    }

    end = error.data + error.len;
    part.data = error.data + skip;
    p = memchr(part.data, ' ', error.len - skip);

    if (p == NULL) {
        return 0;
    }

    part.len = (size_t) (p - part.data);

    if (wgw_text_uint(part, WGW_SLOTS_ALL - 1, &n) != 0) {
        return 0;
    }

    to->first = to->last = (uint16_t) n;
    to->host.data = p + 1;

    for (p = end; p > to->host.data && p[-1] != ':'; p--) { /* void */ }

    part.data = p;
    part.len = (size_t) (end - p);

    if (p == to->host.data || wgw_text_uint(part, 65535, &n) != 0 || n == 0) {
        return 0;
    }

    to->host.len = (size_t) (p - 1 - to->host.data);
    to->port = (uint16_t) n;

    return to->host.len < WGW_SHARD_HOST ? kind : 0;
}


void
wgw_shard_why(const redisReply *error, char why[WGW_SHARD_WHY])
{
    size_t  len;

    len = error->len < WGW_SHARD_WHY ? error->len : WGW_SHARD_WHY - 1;

    memcpy(why, error->str, len);
    why[len] = '\0';
}


int
wgw_shard_refused(const redisReply *reply, char why[WGW_SHARD_WHY])
{
    wgw_text_t         error;
    wgw_shard_range_t  to;

    if (reply == NULL || reply->type != REDIS_REPLY_ERROR) {
        return 0;
    }

    error.data = reply->str;
    error.len = reply->len;

    if (wgw_shard_moved(error, &to)) {
        return 0;
    }

    wgw_shard_why(reply, why);

    return 1;
}


wgw_text_t
wgw_shard_info(wgw_text_t info, const char *name)
{
    size_t       len, left;
    wgw_text_t   value = { "", 0 };
    const char  *p, *line, *end;

    len = strlen(name);
    end = info.data + info.len;

    for (line = info.data; line < end; line = p + 1) {
        left = (size_t) (end - line);
        p = memchr(line, '\n', left);
        p = p ? p : end;

        if (left > len && memcmp(line, name, len) == 0 && line[len] == ':') {
            value.data = line + len + 1;
            value.len = (size_t) (p - value.data);

            if (value.len && value.data[value.len - 1] == '\r') {
                value.len--;
            }

            break;
        }
    }

    return value;
}
