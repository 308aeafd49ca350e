
#include <openssl/rand.h>

#include "auth/passing.h"
#include "core/shm.h"
#include "core/steady.h"
#include "format/hex.h"
#include "table/word.h"


static ngx_int_t passing_say(wgw_elsewhere_t *elsewhere, const char *word,
    const uint8_t id[WGW_TOKENS_ID], uint64_t machine, uint64_t serial,
    uint32_t n);
static void passing_give(wgw_elsewhere_t *elsewhere, wgw_expiring_t *table,
    const uint8_t id[WGW_TOKENS_ID], uint64_t machine, int64_t now);
static wgw_passing_want_t *passing_find(wgw_passing_t *passing,
    const uint8_t id[WGW_TOKENS_ID], uint64_t *key);
static ngx_int_t passing_word(wgw_text_t *text, uint64_t *word);


wgw_passing_t *
wgw_passing_create(ngx_conf_t *cf)
{
    uint64_t        self;
    wgw_passing_t  *passing;

    ngx_str_t  name = ngx_string("passing");

    passing = wgw_shm_memory(cf, &name, sizeof(wgw_passing_t));

    if (passing == NULL || passing->self) {
        return passing;
    }

    if (RAND_bytes((u_char *) &self, sizeof(self)) != 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "no random number");
        return NULL;
    }

    passing->self = self | 1;

    return passing;
}


wgw_passing_rc_t
wgw_passing_want(wgw_elsewhere_t *e, wgw_expiring_t *table,
    const wgw_token_t *token, int64_t now)
{
    uint64_t             key, asked, ms;
    wgw_token_t          mine;
    wgw_passing_want_t  *want;

    if (e->silent(e->desk)) {
        return WGW_PASSING_SILENT;
    }

    want = passing_find(e->passing, token->id, &key);
    asked = wgw_load(&want->asked);
    ms = wgw_steady_ms();

    if (wgw_load(&want->key) == key && ms < asked + WGW_PASSING_AGAIN) {
        return ms < asked + WGW_PASSING_SOON ? WGW_PASSING_LATER
                                             : WGW_PASSING_NONE;
    }

    mine = *token;
    mine.uses = 0;

    if (wgw_tokens_mint(table, &mine, now) == WGW_TOKENS_FULL) {
        return WGW_PASSING_SILENT;
    }

    __atomic_store_n(&want->asked, ms, __ATOMIC_SEQ_CST);
    __atomic_store_n(&want->key, key, __ATOMIC_SEQ_CST);

    return passing_say(e, "want ", token->id, e->passing->self, 0, 0)
           == NGX_OK ? WGW_PASSING_LATER : WGW_PASSING_SILENT;
}


static wgw_passing_want_t *
passing_find(wgw_passing_t *passing, const uint8_t id[WGW_TOKENS_ID],
    uint64_t *key)
{
    /* ids are random */

    ngx_memcpy(key, id, sizeof(uint64_t));
    *key |= 1;

    return &passing->wants[(*key >> 1) % WGW_PASSING_WANTS];
}


ngx_int_t
wgw_passing_heard(wgw_elsewhere_t *e, wgw_expiring_t *table, wgw_text_t text,
    ngx_uint_t old, int64_t now)
{
    uint8_t              id[WGW_TOKENS_ID];
    uint64_t             machine, serial, n, key;
    wgw_passing_want_t  *want;

    if (wgw_elsewhere_bytes(&text, "want ", id, WGW_TOKENS_ID) == NGX_OK) {

        if (passing_word(&text, &machine) != NGX_OK || text.len) {
            return NGX_DECLINED;
        }

        if (!old && machine != e->passing->self) {
            passing_give(e, table, id, machine, now);
        }

        return NGX_OK;
    }

    if (wgw_elsewhere_bytes(&text, "give ", id, WGW_TOKENS_ID) != NGX_OK
        || passing_word(&text, &machine) != NGX_OK
        || passing_word(&text, &serial) != NGX_OK
        || passing_word(&text, &n) != NGX_OK || text.len)
    {
        return NGX_DECLINED;
    }

    if (machine != e->passing->self || n >= WGW_TOKENS_UNLIMITED) {
        return NGX_OK;
    }

    if (wgw_tokens_receive(table, id, serial, (uint32_t) n, now)
        == WGW_TOKENS_OK)
    {
        /* when these are gone, more are asked for at once */

        want = passing_find(e->passing, id, &key);
        (void) wgw_swap(&want->key, key, 0);
    }

    return NGX_OK;
}


static void
passing_give(wgw_elsewhere_t *e, wgw_expiring_t *table,
    const uint8_t id[WGW_TOKENS_ID], uint64_t machine, int64_t now)
{
    uint32_t  n;
    uint64_t  serial;

    if (RAND_bytes((u_char *) &serial, sizeof(serial)) != 1) {
        return;
    }

    n = wgw_tokens_part(table, id, now);

    if (n && passing_say(e, "give ", id, machine, serial, n) != NGX_OK) {
        (void) wgw_tokens_receive(table, id, serial, n, now);
    }
}


static ngx_int_t
passing_say(wgw_elsewhere_t *e, const char *word,
    const uint8_t id[WGW_TOKENS_ID], uint64_t machine, uint64_t serial,
    uint32_t n)
{
    u_char     *p, buffer[WGW_ELSEWHERE_TEXT];
    ngx_str_t   text;

    p = ngx_cpymem(buffer, word, ngx_strlen(word));
    p = ngx_hex_dump(p, (u_char *) id, WGW_TOKENS_ID);
    p = ngx_sprintf(p, " %016xL", machine);

    if (n) {
        p = ngx_sprintf(p, " %016xL %016xL", serial, (uint64_t) n);
    }

    text.data = buffer;
    text.len = p - buffer;

    return e->pass(e->desk, &text);
}


/* " HEX" of 16 digits */

static ngx_int_t
passing_word(wgw_text_t *text, uint64_t *word)
{
    size_t   i;
    uint8_t  bytes[sizeof(uint64_t)];

    if (wgw_elsewhere_bytes(text, " ", bytes, sizeof(bytes)) != NGX_OK) {
        return NGX_DECLINED;
    }

    for (*word = 0, i = 0; i < sizeof(bytes); i++) {
        *word = *word << 8 | bytes[i];
    }

    return NGX_OK;
}
