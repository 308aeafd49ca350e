
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "core/shm.h"
#include "core/steady.h"
#include "fleet/desk.h"


#define DESK_LOOK   10                  /* ms */


typedef struct {
    wgw_desk_sheet_t    *sheet;
    uint64_t             word;          /* while it is ours */
    uint64_t             until;         /* ms */
    wgw_desk_done_pt     done;
    void                *data;
    ngx_event_t          timer;
} desk_wait_t;


static wgw_desk_sheet_t *desk_sheet(wgw_desk_t *desk, uint64_t *word);
static uint64_t desk_write(wgw_desk_sheet_t *sheet, uint64_t word,
    uint32_t kind, ngx_str_t *text, uint64_t seconds);
static void desk_look(ngx_event_t *ev);
static ngx_int_t desk_tell(wgw_desk_t *desk, uint32_t kind, ngx_str_t *text);


wgw_desk_t *
wgw_desk_create(ngx_conf_t *cf)
{
    ngx_str_t  name = ngx_string("desk");

    return wgw_shm_memory(cf, &name, sizeof(wgw_desk_t));
}


void *
wgw_desk_take(void *data, ngx_str_t *name, uint64_t seconds,
    wgw_desk_done_pt done, void *ctx)
{
    wgw_desk_t *desk = data;

    uint64_t           word;
    desk_wait_t       *wait;
    wgw_desk_sheet_t  *sheet;

    if (name->len > WGW_DESK_TEXT) {
        return NULL;
    }

    wait = ngx_calloc(sizeof(desk_wait_t), ngx_cycle->log);
    if (wait == NULL) {
        return NULL;
    }

    sheet = desk_sheet(desk, &word);

    if (sheet == NULL) {
        ngx_free(wait);
        return NULL;
    }

    wait->sheet = sheet;
    wait->word = desk_write(sheet, word, WGW_DESK_TAKE, name, seconds);
    wait->until = wgw_steady_ms() + WGW_DESK_WAIT;
    wait->done = done;
    wait->data = ctx;

    wait->timer.handler = desk_look;
    wait->timer.data = wait;
    wait->timer.log = ngx_cycle->log;

    ngx_add_timer(&wait->timer, DESK_LOOK);

    return wait;
}


/* One that is free, or that nobody comes back to. */

static wgw_desk_sheet_t *
desk_sheet(wgw_desk_t *desk, uint64_t *word)
{
    uint64_t           seen, next, now;
    ngx_uint_t         i, from, state;
    wgw_desk_sheet_t  *sheet;

    now = wgw_steady_ms();
    from = (ngx_uint_t) ngx_random();

    for (i = 0; i < WGW_DESK_SHEETS; i++) {
        sheet = &desk->sheets[(from + i) % WGW_DESK_SHEETS];
        seen = wgw_load(&sheet->word);
        state = seen & WGW_DESK_STATE;

        if (state != WGW_DESK_FREE
            && (now < wgw_load(&sheet->stamp) + WGW_DESK_STALE
                || (state != WGW_DESK_WRITING
                    && sheet->kind != WGW_DESK_TAKE)))
        {
            continue;
        }

        next = (seen & ~(uint64_t) WGW_DESK_STATE) + WGW_DESK_STATE + 1
               + WGW_DESK_WRITING;

        if (wgw_swap(&sheet->word, seen, next)) {
            __atomic_store_n(&sheet->stamp, now, __ATOMIC_SEQ_CST);
            *word = next;
            return sheet;
        }
    }

    return NULL;
}


/* The word of the sheet that is posted. */

static uint64_t
desk_write(wgw_desk_sheet_t *sheet, uint64_t word, uint32_t kind,
    ngx_str_t *text, uint64_t seconds)
{
    uint64_t  posted;

    ngx_memcpy(sheet->text, text->data, text->len);
    sheet->len = (uint32_t) text->len;
    sheet->kind = kind;
    sheet->seconds = seconds;
    sheet->answer = 0;

    posted = word - WGW_DESK_WRITING + WGW_DESK_POSTED;
    (void) wgw_swap(&sheet->word, word, posted);

    return posted;
}


static void
desk_look(ngx_event_t *ev)
{
    void              *data;
    uint64_t           seen;
    ngx_int_t          rc;
    desk_wait_t       *wait;
    wgw_desk_done_pt   done;

    wait = ev->data;
    seen = wgw_load(&wait->sheet->word);

    if (seen >> 3 == wait->word >> 3
        && (seen & WGW_DESK_STATE) == WGW_DESK_ANSWERED)
    {
        rc = wait->sheet->answer == 1 ? NGX_OK
             : wait->sheet->answer == 2 ? NGX_DECLINED : NGX_ERROR;

    } else if (wgw_steady_ms() < wait->until) {
        ngx_add_timer(&wait->timer, DESK_LOOK);
        return;

    } else {
        rc = NGX_ERROR;
    }

    done = wait->done;
    data = wait->data;

    wgw_desk_forget(wait);

    done(data, rc);
}


void
wgw_desk_forget(void *data)
{
    desk_wait_t *wait = data;

    uint64_t  seen;

    if (wait->timer.timer_set) {
        ngx_del_timer(&wait->timer);
    }

    seen = wgw_load(&wait->sheet->word);

    if (seen >> 3 == wait->word >> 3) {
        (void) wgw_swap(&wait->sheet->word, seen,
                        seen & ~(uint64_t) WGW_DESK_STATE);
    }

    ngx_free(wait);
}


ngx_int_t
wgw_desk_say(void *desk, ngx_str_t *text)
{
    return desk_tell(desk, WGW_DESK_SAY, text);
}


ngx_int_t
wgw_desk_pass(void *desk, ngx_str_t *text)
{
    return desk_tell(desk, WGW_DESK_PASS, text);
}


static ngx_int_t
desk_tell(wgw_desk_t *desk, uint32_t kind, ngx_str_t *text)
{
    uint64_t           word;
    wgw_desk_sheet_t  *sheet;

    if (text->len > WGW_DESK_TEXT) {
        return NGX_ERROR;
    }

    sheet = desk_sheet(desk, &word);

    if (sheet == NULL) {
        return NGX_ERROR;
    }

    (void) desk_write(sheet, word, kind, text, 0);

    return NGX_OK;
}


ngx_uint_t
wgw_desk_behind(void *data)
{
    wgw_desk_t *desk = data;

    return wgw_load(&desk->caught[0]) == 0;
}


ngx_uint_t
wgw_desk_silent(void *data)
{
    wgw_desk_t *desk = data;

    uint64_t  caught;

    caught = wgw_load(&desk->caught[WGW_DESK_PASS - 1]);

    return caught == 0 || wgw_steady_ms() > caught + WGW_DESK_SILENT;
}


int64_t
wgw_desk_lost(void *data)
{
    wgw_desk_t *desk = data;

    return __atomic_load_n(&desk->lost, __ATOMIC_SEQ_CST);
}
