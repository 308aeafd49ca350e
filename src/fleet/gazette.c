
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "fleet/gazette.h"
#include "fleet/shards.h"


#define GAZETTE_LENGTH  "100000"        /* of the log, about */
#define GAZETTE_FEW     "1000"          /* entries of news */
#define GAZETTE_MANY    "500"           /* rows of a scan, about */
#define GAZETTE_BYTES   "1048576"
#define GAZETTE_ENTRY   6               /* texts of an entry, of news */
#define GAZETTE_ROW     3               /* and of a row */
#define GAZETTE_EVAL    6               /* arguments before its own */


static const char  gazette_claim[] =
    "if redis.call('HEXISTS',KEYS[1],'#epoch')==1 then return 0 end\n"
    "local t=redis.call('TIME')\n"
    "local v=math.max(t[1]*1000000+t[2],tonumber(ARGV[2])+1)\n"
    "redis.call('DEL',KEYS[2])\n"
    "redis.call('HSET',KEYS[1],'#epoch',ARGV[1],"
                               "'#v',string.format('%.0f',v))\n"
    "return 1\n";


/* A row that is there more than once is sent once. */

static const char  gazette_news[] =
    "local h=redis.call('HMGET',KEYS[1],'#epoch','#v')\n"
    "local es=redis.call('XRANGE',KEYS[2],'('..ARGV[1]..'-0','+',"
                                  "'COUNT',ARGV[2])\n"
    "local out,rows,at,size={},{},{},0\n"
    "for _,e in ipairs(es) do\n"
    "  if size>tonumber(ARGV[3]) then break end\n"
    "  local f={}\n"
    "  for i=1,#e[2],2 do f[e[2][i]]=e[2][i+1] end\n"
    "  local n=f.n or ''\n"
    "  for _,x in ipairs({string.match(e[1],'^%d+'),f.p or '',n,f.o or '',"
                          "f.s or '',f.c or '0'}) do out[#out+1]=x end\n"
    "  if at[n] then\n"
    "    if f.c=='1' then rows[at[n]]='1' end\n"
    "  else\n"
    "    local r=redis.call('HGET',KEYS[1],n)\n"
    "    if not r then\n"
    "      local s=redis.call('ZSCORE',KEYS[3],n)\n"
    "      r=s and string.format('%.0f',s) or ''\n"
    "    end\n"
    "    rows[#rows+1]=n\n"
    "    rows[#rows+1]=r\n"
    "    rows[#rows+1]=f.c or '0'\n"
    "    at[n]=#rows\n"
    "    size=size+#r\n"
    "  end\n"
    "end\n"
    "return {h[1] or '',h[2] or '0',out,rows}\n";


/*
 * An item is "NAME-LENGTH BASE SEQ CLOSE LIFE JSON-LENGTH\n", name and JSON;
 * BASE is "*", or the version it has, below which it is taken.
 */

static const char  gazette_tell[] =
    "local h=redis.call('HMGET',KEYS[1],'#epoch','#v')\n"
    "if h[1]~=ARGV[1] then return false end\n"
    "local t=redis.call('TIME')\n"
    "local now=t[1]*1000000+t[2]\n"
    "local v=tonumber(h[2])\n"
    "local d,p,out=ARGV[4],1,{}\n"
    "while p<=#d do\n"
    "  local _,b,nl,base,seq,close,life,jl=string.find(d,"
        "'^(%d+) (%S+) (%d+) (%d) (%d+) (%d+)\\n',p)\n"
    "  nl=tonumber(nl)\n"
    "  jl=tonumber(jl)\n"
    "  local n=string.sub(d,b+1,b+nl)\n"
    "  local j=string.sub(d,b+nl+1,b+nl+jl)\n"
    "  p=b+nl+jl+1\n"
    "  local cur=-1\n"
    "  if base~='*' then\n"
    "    local r=redis.call('HGET',KEYS[1],n)\n"
    "    cur=r and tonumber(string.match(r,'^%d+'))"
            " or tonumber(redis.call('ZSCORE',KEYS[3],n) or -1)\n"
    "  end\n"
    "  if base~='*' and cur>=tonumber(base) then\n"
    "    out[#out+1]=cur>tonumber(base) and '0' or base\n"
    "  else\n"
    "    v=math.max(v+1,now,tonumber(base) or 0)\n"
    "    local id=string.format('%.0f',v)\n"
    "    local r=(base=='*' or base=='0') and id or base\n"
    "    redis.call('XADD',KEYS[2],'MAXLEN','~',ARGV[3],id..'-0','p',h[2],"
                   "'n',n,'o',ARGV[2],'s',seq,'c',close)\n"
    "    h[2]=id\n"
    "    if jl==0 then\n"
    "      redis.call('HDEL',KEYS[1],n)\n"
    "      redis.call('ZADD',KEYS[3],r,n)\n"
    "    else\n"
    "      redis.call('HSET',KEYS[1],n,r..' '..life..' '..j)\n"
    "      redis.call('ZREM',KEYS[3],n)\n"
    "    end\n"
    "    out[#out+1]=r\n"
    "  end\n"
    "end\n"
    "redis.call('HSET',KEYS[1],'#v',h[2])\n"
    "redis.call('ZREMRANGEBYSCORE',KEYS[3],'-inf',"
               "string.format('%.0f',now-2592000000000))\n"
    "redis.call('ZREMRANGEBYRANK',KEYS[3],0,-1000001)\n"
    "return out\n";


/* An item is "NAME-LENGTH VERSION\n" and the name. */

static const char  gazette_compare[] =
    "if redis.call('HGET',KEYS[1],'#epoch')~=ARGV[1] then return false end\n"
    "local d,p,out,size=ARGV[2],1,{},0\n"
    "while p<=#d and size<tonumber(ARGV[3]) do\n"
    "  local _,b,nl,v=string.find(d,'^(%d+) (%d+)\\n',p)\n"
    "  local n=string.sub(d,b+1,b+nl)\n"
    "  p=b+nl+1\n"
    "  v=tonumber(v)\n"
    "  local a='?'\n"
    "  local r=redis.call('HGET',KEYS[1],n)\n"
    "  if r then\n"
    "    local c=tonumber(string.match(r,'^%d+')) or 0\n"
    "    a=c==v and '=' or c>v and r or '<'\n"
    "  else\n"
    "    local s=redis.call('ZSCORE',KEYS[3],n)\n"
    "    if s then\n"
    "      a=tonumber(s)>=v and string.format('%.0f',s) or '<'\n"
    "    end\n"
    "  end\n"
    "  size=size+#a\n"
    "  out[#out+1]=a\n"
    "end\n"
    "return out\n";


static int gazette_eval(wgw_gazette_t *gazette, wgw_text_t *args,
    const char *script, size_t len);
static wgw_text_t gazette_number(wgw_gazette_t *gazette, uint64_t number);
static wgw_text_t gazette_text(const redisReply *reply);
static const redisReply *gazette_at(const redisReply *reply, size_t i);
static int gazette_name(const redisReply *reply, wgw_text_t *name);
static int gazette_version(const redisReply *reply, uint64_t *version);
static int gazette_value(wgw_text_t value, wgw_follow_row_t *row);


void
wgw_gazette_init(wgw_gazette_t *gazette, wgw_text_t prefix)
{
    int                i;
    wgw_out_t          out;
    static const char  *names[] = { ":{names}:rows", ":{names}:log",
                                    ":{names}:gone" };

    for (i = 0; i < 3; i++) {
        wgw_out_init(&out, gazette->bytes[i], WGW_GAZETTE_KEY);
        wgw_out_bytes(&out, prefix.data, prefix.len);
        wgw_out_str(&out, names[i]);

        gazette->keys[i] = wgw_out_text(&out);
    }

    gazette->slot = wgw_shard_slot(gazette->keys[0]);
}


static int
gazette_eval(wgw_gazette_t *gazette, wgw_text_t *args, const char *script,
    size_t len)
{
    args[0] = wgw_text("EVAL");
    args[1] = (wgw_text_t) { script, len };
    args[2] = wgw_text("3");
    args[3] = gazette->keys[0];
    args[4] = gazette->keys[1];
    args[5] = gazette->keys[2];

    return GAZETTE_EVAL;
}


static wgw_text_t
gazette_number(wgw_gazette_t *gazette, uint64_t number)
{
    wgw_out_t  out;

    wgw_out_init(&out, gazette->number, sizeof(gazette->number));
    wgw_out_uint(&out, number);

    return wgw_out_text(&out);
}


int
wgw_gazette_head(wgw_gazette_t *gazette, wgw_text_t *args)
{
    args[0] = wgw_text("HMGET");
    args[1] = gazette->keys[0];
    args[2] = wgw_text("#epoch");
    args[3] = wgw_text("#v");

    return 4;
}


int
wgw_gazette_claim(wgw_gazette_t *gazette, wgw_text_t *args,
    wgw_text_t epoch, uint64_t version)
{
    int  n;

    n = gazette_eval(gazette, args, gazette_claim, sizeof(gazette_claim) - 1);

    args[n++] = epoch;
    args[n++] = gazette_number(gazette, version);

    return n;
}


int
wgw_gazette_news(wgw_gazette_t *gazette, wgw_text_t *args, uint64_t version)
{
    int  n;

    n = gazette_eval(gazette, args, gazette_news, sizeof(gazette_news) - 1);

    args[n++] = gazette_number(gazette, version);
    args[n++] = wgw_text(GAZETTE_FEW);
    args[n++] = wgw_text(GAZETTE_BYTES);

    return n;
}


int
wgw_gazette_tell(wgw_gazette_t *gazette, wgw_text_t *args, wgw_text_t epoch,
    wgw_text_t origin, wgw_text_t items)
{
    int  n;

    n = gazette_eval(gazette, args, gazette_tell, sizeof(gazette_tell) - 1);

    args[n++] = epoch;
    args[n++] = origin;
    args[n++] = wgw_text(GAZETTE_LENGTH);
    args[n++] = items;

    return n;
}


int
wgw_gazette_compare(wgw_gazette_t *gazette, wgw_text_t *args,
    wgw_text_t epoch, wgw_text_t items)
{
    int  n;

    n = gazette_eval(gazette, args, gazette_compare,
                     sizeof(gazette_compare) - 1);

    args[n++] = epoch;
    args[n++] = items;
    args[n++] = wgw_text(GAZETTE_BYTES);

    return n;
}


int
wgw_gazette_scan(wgw_gazette_t *gazette, wgw_text_t *args, wgw_text_t cursor)
{
    args[0] = wgw_text("HSCAN");
    args[1] = gazette->keys[0];
    args[2] = cursor;
    args[3] = wgw_text("COUNT");
    args[4] = wgw_text(GAZETTE_MANY);

    return 5;
}


void
wgw_gazette_item(wgw_out_t *out, const wgw_follow_row_t *row, uint64_t seq,
    unsigned fill)
{
    size_t  len;

    len = row->gone ? 0 : row->json.len;

    wgw_out_uint(out, row->name.len);

    if (fill) {
        wgw_out_str(out, " ");
        wgw_out_uint(out, row->version);

    } else {
        wgw_out_str(out, " *");
    }

    wgw_out_str(out, " ");
    wgw_out_uint(out, seq);
    wgw_out_str(out, row->close ? " 1 " : " 0 ");
    wgw_out_uint(out, row->life);
    wgw_out_str(out, " ");
    wgw_out_uint(out, len);
    wgw_out_str(out, "\n");
    wgw_out_bytes(out, row->name.data, row->name.len);

    if (len) {
        wgw_out_bytes(out, row->json.data, len);
    }
}


void
wgw_gazette_have(wgw_out_t *out, const wgw_follow_row_t *row)
{
    wgw_out_uint(out, row->name.len);
    wgw_out_str(out, " ");
    wgw_out_uint(out, row->version);
    wgw_out_str(out, "\n");
    wgw_out_bytes(out, row->name.data, row->name.len);
}


/* Empty for what is no string. */

static wgw_text_t
gazette_text(const redisReply *reply)
{
    wgw_text_t  text = { "", 0 };

    if (reply && reply->type == REDIS_REPLY_STRING) {
        text.data = reply->str;
        text.len = reply->len;
    }

    return text;
}


static const redisReply *
gazette_at(const redisReply *reply, size_t i)
{
    return reply && reply->type == REDIS_REPLY_ARRAY && i < reply->elements
           ? reply->element[i] : NULL;
}


static int
gazette_name(const redisReply *reply, wgw_text_t *name)
{
    char         parsed[WGW_NAME_MAX];
    size_t       len;
    const char  *error;

    *name = gazette_text(reply);

    len = wgw_name_parse(parsed, *name, wgw_text(""), &error);

    return len && len == name->len && memcmp(parsed, name->data, len) == 0
           ? 0 : -1;
}


static int
gazette_version(const redisReply *reply, uint64_t *version)
{
    return wgw_text_uint(gazette_text(reply), WGW_FOLLOW_VERSION, version);
}


/* "VERSION LIFE JSON", or "VERSION" of what is gone. */

static int
gazette_value(wgw_text_t value, wgw_follow_row_t *row)
{
    const char  *space, *second;
    wgw_text_t   text;

    row->close = 0;
    row->life = 0;
    row->json = (wgw_text_t) { "", 0 };
    row->gone = 1;

    space = memchr(value.data, ' ', value.len);

    if (space == NULL) {
        return wgw_text_uint(value, WGW_FOLLOW_VERSION, &row->version);
    }

    row->gone = 0;

    text.data = value.data;
    text.len = (size_t) (space - value.data);

    if (wgw_text_uint(text, WGW_FOLLOW_VERSION, &row->version) != 0) {
        return -1;
    }

    value.len -= text.len + 1;
    value.data = space + 1;

    second = memchr(value.data, ' ', value.len);
    if (second == NULL) {
        return -1;
    }

    text.data = value.data;
    text.len = (size_t) (second - value.data);

    row->json.data = second + 1;
    row->json.len = value.len - text.len - 1;

    return row->json.len && row->json.len <= WGW_RECORD_JSON
           && wgw_text_uint(text, WGW_RECORD_LIFE_NEW - 1, &row->life) == 0
           ? 0 : -1;
}


int
wgw_gazette_head_of(const redisReply *reply, wgw_gazette_head_t *head)
{
    head->epoch = (wgw_text_t) { "", 0 };
    head->version = 0;

    if (gazette_at(reply, 1) == NULL) {
        return -1;
    }

    if (reply->element[0]->type == REDIS_REPLY_NIL) {
        return 0;
    }

    head->epoch = gazette_text(reply->element[0]);

    return head->epoch.len == WGW_FOLLOW_EPOCH
           ? gazette_version(reply->element[1], &head->version) : -1;
}


int
wgw_gazette_entries(const redisReply *reply, size_t *entries, size_t *rows)
{
    const redisReply  *e, *r;

    e = gazette_at(reply, 2);
    r = gazette_at(reply, 3);

    if (e == NULL || e->type != REDIS_REPLY_ARRAY
        || e->elements % GAZETTE_ENTRY
        || r == NULL || r->type != REDIS_REPLY_ARRAY
        || r->elements % GAZETTE_ROW)
    {
        return -1;
    }

    *entries = e->elements / GAZETTE_ENTRY;
    *rows = r->elements / GAZETTE_ROW;

    return 0;
}


int
wgw_gazette_entry(const redisReply *reply, size_t i,
    wgw_gazette_entry_t *entry)
{
    const redisReply  *e;

    e = gazette_at(reply, 2);
    i *= GAZETTE_ENTRY;

    entry->origin = gazette_text(gazette_at(e, i + 3));

    return gazette_version(gazette_at(e, i), &entry->version) == 0
           && gazette_version(gazette_at(e, i + 1), &entry->before) == 0
           && gazette_name(gazette_at(e, i + 2), &entry->name) == 0
           && wgw_text_uint(gazette_text(gazette_at(e, i + 4)), UINT64_MAX,
                            &entry->seq)
              == 0
           ? 0 : -1;
}


int
wgw_gazette_row(const redisReply *reply, size_t i, wgw_follow_row_t *row)
{
    const redisReply  *r;

    r = gazette_at(reply, 3);
    i *= GAZETTE_ROW;

    if (gazette_name(gazette_at(r, i), &row->name) != 0
        || gazette_value(gazette_text(gazette_at(r, i + 1)), row) != 0)
    {
        return -1;
    }

    row->close = wgw_text_equal(gazette_text(gazette_at(r, i + 2)),
                                wgw_text("1"));
    return 0;
}


int
wgw_gazette_told(const redisReply *reply, size_t i, uint64_t *version)
{
    return gazette_version(gazette_at(reply, i), version);
}


int
wgw_gazette_compared(const redisReply *reply, size_t i,
    wgw_follow_row_t *row, wgw_gazette_verdict_t *verdict)
{
    wgw_text_t  text;

    text = gazette_text(gazette_at(reply, i));

    if (text.len == 0) {
        return -1;
    }

    if (text.len == 1 && (text.data[0] < '0' || text.data[0] > '9')) {
        *verdict = text.data[0] == '=' ? WGW_GAZETTE_SAME
                   : text.data[0] == '<' ? WGW_GAZETTE_OLDER
                   : WGW_GAZETTE_ABSENT;

        return text.data[0] == '=' || text.data[0] == '<'
               || text.data[0] == '?' ? 0 : -1;
    }

    *verdict = WGW_GAZETTE_LATER;

    return gazette_value(text, row);
}


int
wgw_gazette_scanned(const redisReply *reply, wgw_text_t *cursor,
    size_t *rows)
{
    const redisReply  *r;

    *cursor = gazette_text(gazette_at(reply, 0));
    r = gazette_at(reply, 1);

    if (cursor->len == 0 || cursor->len > WGW_GAZETTE_CURSOR
        || r == NULL || r->type != REDIS_REPLY_ARRAY || r->elements % 2)
    {
        return -1;
    }

    *rows = r->elements / 2;

    return 0;
}


int
wgw_gazette_found(const redisReply *reply, size_t i, wgw_follow_row_t *row)
{
    wgw_text_t         name;
    const redisReply  *r;

    r = gazette_at(reply, 1);
    name = gazette_text(gazette_at(r, 2 * i));

    if (name.len && name.data[0] == '#') {
        return 1;
    }

    return gazette_name(gazette_at(r, 2 * i), &row->name) == 0
           && gazette_value(gazette_text(gazette_at(r, 2 * i + 1)), row) == 0
           && !row->gone
           ? 0 : -1;
}
