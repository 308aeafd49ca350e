
#include <ngx_config.h>
#include <ngx_core.h>

#include "names/bulk.h"
#include "store/shadow.h"
#include "store/writer.h"


#define BULK_STEP     1000              /* lines read in one step */
#define BULK_WINDOW   (2 * WGW_RECORD_JSON)
#define BULK_BLOCK    (256 * 1024)      /* of names and packed records */


typedef struct bulk_block_s  bulk_block_t;

struct bulk_block_s {
    bulk_block_t         *next;
    size_t                used;
    char                  data[BULK_BLOCK];
};


/* The body: what was not looked at yet is from pos to last. */
typedef struct {
    ngx_chain_t          *cl;
    off_t                 done;         /* bytes of its buffer */
    u_char               *pos;
    u_char               *last;
    u_char                window[BULK_WINDOW];
} bulk_body_t;


typedef struct bulk_s  bulk_t;

struct bulk_s {
    wgw_job_t                  job;
    void                     (*step)(bulk_t *bulk);     /* NULL: no more */

    wgw_store_t               *store;
    const wgw_record_rules_t  *rules;
    wgw_bulk_handler_pt        handler;
    void                      *data;
    wgw_bulk_result_t          result;
    ngx_uint_t                 replace;

    bulk_body_t                body;
    uint32_t                   lines;
    uint64_t                   total;   /* rows, of earlier batches, too */

    wgw_store_row_t           *rows;    /* the batch */
    size_t                     nrows;
    size_t                     size;    /* of the array */
    size_t                     bytes;
    size_t                     loaded;
    bulk_block_t              *blocks;

    wgw_shadow_t               shadow;
    unsigned                   eof:1;
    unsigned                   started:1;       /* the shadow is ours */
    unsigned                   replied:1;

    char                       storage[WGW_RECORD_JSON];
    uint8_t                    packed[WGW_RECORD_PACKED];
};


_Static_assert(BULK_BLOCK >= WGW_RECORD_PACKED, "a block holds any record");
_Static_assert(BULK_WINDOW >= WGW_RECORD_JSON + sizeof(CRLF),
               "the window holds any line");


static ngx_uint_t bulk_step(wgw_job_t *job);
static void bulk_done(wgw_job_t *job);
static void bulk_free(bulk_t *bulk);

static void bulk_read(bulk_t *bulk);
static void bulk_sort(bulk_t *bulk);
static void bulk_write(bulk_t *bulk);
static void bulk_mark(bulk_t *bulk);
static void bulk_clear(bulk_t *bulk);
static void bulk_load(bulk_t *bulk);
static void bulk_next(bulk_t *bulk);
static void bulk_flip(bulk_t *bulk);
static void bulk_tidy(bulk_t *bulk);

static ngx_int_t bulk_line(bulk_t *bulk, wgw_text_t *line);
static ngx_uint_t bulk_blank(wgw_text_t line);
static ngx_int_t bulk_fill(bulk_t *bulk);
static ngx_int_t bulk_row(bulk_t *bulk, wgw_text_t line);
static ngx_int_t bulk_keep(bulk_t *bulk, const wgw_record_t *record,
    ngx_uint_t deleted);
static wgw_store_row_t *bulk_push(bulk_t *bulk);
static char *bulk_copy(bulk_t *bulk, const void *data, size_t len);
static void bulk_reset(bulk_t *bulk);
static int ngx_libc_cdecl bulk_compare(const void *one, const void *two);

static ngx_int_t bulk_refuse(bulk_t *bulk, uint32_t line, const char *field,
    const char *message);
static ngx_int_t bulk_fail(bulk_t *bulk, const char *message);
static ngx_uint_t bulk_stored(bulk_t *bulk, wgw_store_rc_t rc);


ngx_int_t
wgw_bulk_start(wgw_store_t *store, const wgw_record_rules_t *rules,
    ngx_chain_t *body, ngx_uint_t replace, wgw_bulk_handler_pt handler,
    void *data)
{
    bulk_t  *bulk;

    bulk = ngx_calloc(sizeof(bulk_t), ngx_cycle->log);
    if (bulk == NULL) {
        return NGX_ERROR;
    }

    bulk->job.step = bulk_step;
    bulk->job.handler = bulk_done;
    bulk->step = bulk_read;

    bulk->store = store;
    bulk->rules = rules;
    bulk->handler = handler;
    bulk->data = data;
    bulk->replace = replace;

    bulk->body.cl = body;
    bulk->body.pos = bulk->body.window;
    bulk->body.last = bulk->body.window;

    wgw_writer_run(&bulk->job);

    return NGX_OK;
}


static ngx_uint_t
bulk_step(wgw_job_t *job)
{
    bulk_t  *bulk;

    bulk = (bulk_t *) job;

    bulk->step(bulk);

    return bulk->step != NULL;
}


static void
bulk_done(wgw_job_t *job)
{
    bulk_t  *bulk;

    bulk = (bulk_t *) job;

    if (!bulk->replied) {
        bulk->replied = 1;
        bulk->handler(&bulk->result, bulk->data);

        bulk_reset(bulk);

        if (bulk->started) {
            bulk->step = bulk_tidy;
            wgw_writer_run(job);
            return;
        }
    }

    bulk_free(bulk);
}


static void
bulk_free(bulk_t *bulk)
{
    bulk_reset(bulk);

    ngx_free(bulk->rows);
    ngx_free(bulk);
}


/*
 * The steps, in the thread; each sets the next one.  After a bad line the
 * lines before it are still searched for a name that is there twice, since
 * it is the first of them that is named.
 */

static void
bulk_read(bulk_t *bulk)
{
    ngx_uint_t  n;
    ngx_int_t   rc;
    wgw_text_t  line;

    for (n = 0; n < BULK_STEP; n++) {

        if (bulk->replace
            && (bulk->nrows == WGW_BULK_ROWS || bulk->bytes > WGW_BULK_BYTES))
        {
            bulk->step = bulk_sort;
            return;
        }

        rc = bulk_line(bulk, &line);

        if (rc == NGX_DONE) {
            bulk->eof = 1;
        }

        if (rc == NGX_OK) {
            rc = bulk_row(bulk, line);
        }

        if (rc != NGX_OK) {
            bulk->step = bulk->result.status == WGW_BULK_BODY ? NULL
                                                              : bulk_sort;
            return;
        }
    }
}


static void
bulk_sort(bulk_t *bulk)
{
    size_t            i;
    wgw_store_row_t  *row;

    ngx_qsort(bulk->rows, bulk->nrows, sizeof(wgw_store_row_t),
              bulk_compare);

    for (i = 1; i < bulk->nrows; i++) {
        row = &bulk->rows[i];

        if (wgw_text_equal(row[-1].key, row->key)) {
            bulk_refuse(bulk, row->line, "name", "is duplicate");
        }
    }

    bulk->loaded = 0;

    if (bulk->replace) {
        if (bulk->started) {
            bulk->step = bulk_load;

        } else {
            bulk->step = bulk->result.status == WGW_BULK_OK ? bulk_mark
                                                            : NULL;
        }

        return;
    }

    bulk->step = bulk->result.status == WGW_BULK_OK ? bulk_write : NULL;
}


static void
bulk_write(bulk_t *bulk)
{
    wgw_store_rc_t  rc;

    rc = wgw_row_write(bulk->store, WGW_ROWS, bulk->rows, bulk->nrows,
                       &bulk->result.counts, &bulk->result.failure);

    (void) bulk_stored(bulk, rc);

    bulk->step = NULL;
}


static void
bulk_mark(bulk_t *bulk)
{
    wgw_store_rc_t  rc;

    bulk->step = bulk_clear;

    rc = wgw_shadow_start(bulk->store, &bulk->shadow, &bulk->result.failure);

    if (bulk_stored(bulk, rc)) {
        bulk->started = 1;
    }
}


static void
bulk_clear(bulk_t *bulk)
{
    unsigned        more;
    wgw_store_rc_t  rc;

    rc = wgw_shadow_clear(bulk->store, &bulk->shadow, 1, &more,
                          &bulk->result.failure);

    if (bulk_stored(bulk, rc) && !more) {
        bulk->step = bulk_load;
    }
}


static void
bulk_load(bulk_t *bulk)
{
    size_t          n;
    wgw_store_rc_t  rc;

    n = ngx_min(bulk->nrows - bulk->loaded, WGW_SHADOW_ROWS);

    rc = n ? wgw_shadow_load(bulk->store, &bulk->shadow,
                             &bulk->rows[bulk->loaded], n,
                             &bulk->result.failure)
           : WGW_STORE_OK;

    bulk->loaded += n;

    if (bulk_stored(bulk, rc) && bulk->loaded == bulk->nrows) {
        bulk_next(bulk);
    }
}


/* All of a batch is in the shadow. */

static void
bulk_next(bulk_t *bulk)
{
    if (bulk->shadow.duplicate) {
        bulk_refuse(bulk, bulk->shadow.duplicate, "name", "is duplicate");
    }

    if (bulk->result.status != WGW_BULK_OK) {
        bulk->step = NULL;

    } else if (bulk->eof) {
        bulk->step = bulk_flip;

    } else {
        bulk_reset(bulk);
        bulk->step = bulk_read;
    }
}


static void
bulk_flip(bulk_t *bulk)
{
    wgw_store_rc_t  rc;

    rc = wgw_shadow_flip(bulk->store, &bulk->shadow, &bulk->result.counts,
                         &bulk->result.failure);

    (void) bulk_stored(bulk, rc);

    bulk->step = NULL;
}


/*
 * After the reply: the set that is not served is emptied, be it the old one
 * or what was loaded in vain.  If that fails, the next replace does it.
 */

static void
bulk_tidy(bulk_t *bulk)
{
    unsigned           more;
    wgw_store_rc_t     rc;
    wgw_store_error_t  error;

    rc = wgw_shadow_clear(bulk->store, &bulk->shadow, 0, &more, &error);

    if (rc != WGW_STORE_OK && rc != WGW_STORE_TAKEN) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "names: the set that is not used was not emptied: %s",
                      error.text);
    }

    if (rc != WGW_STORE_OK || !more) {
        bulk->step = NULL;
    }
}


/*
 * The next line that is not blank, without its end: NGX_OK, NGX_DONE after
 * the last, NGX_ERROR and the result.
 */

static ngx_int_t
bulk_line(bulk_t *bulk, wgw_text_t *line)
{
    u_char       *end, *next;
    ngx_int_t     rc;
    bulk_body_t  *body;

    body = &bulk->body;

    for ( ;; ) {
        end = memchr(body->pos, LF, body->last - body->pos);
        next = end ? end + 1 : NULL;

        if (end == NULL) {
            rc = bulk_fill(bulk);

            if (rc == NGX_OK) {
                continue;
            }

            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            if (rc == NGX_DONE && body->pos == body->last) {
                return NGX_DONE;
            }

            end = body->last;
            next = end;
        }

        bulk->lines++;

        if (end > body->pos && end[-1] == CR) {
            end--;
        }

        line->data = (char *) body->pos;
        line->len = end - body->pos;

        body->pos = next;

        if (line->len > WGW_RECORD_JSON) {
            return bulk_refuse(bulk, bulk->lines, "",
                               "a line has at most 65536 bytes");
        }

        if (!bulk_blank(*line)) {
            return NGX_OK;
        }
    }
}


static ngx_uint_t
bulk_blank(wgw_text_t line)
{
    size_t  i;

    line = wgw_text_marked(line);

    for (i = 0; i < line.len; i++) {
        if (line.data[i] != ' ' && line.data[i] != '\t') {
            return 0;
        }
    }

    return 1;
}


/* NGX_OK: there is more than before; NGX_DECLINED: the window is full. */

static ngx_int_t
bulk_fill(bulk_t *bulk)
{
    off_t         rest;
    size_t        room, size;
    ssize_t       n;
    ngx_buf_t    *buf;
    bulk_body_t  *body;

    body = &bulk->body;

    size = body->last - body->pos;

    ngx_memmove(body->window, body->pos, size);

    body->pos = body->window;
    body->last = body->window + size;

    room = BULK_WINDOW - size;

    if (room == 0) {
        return NGX_DECLINED;
    }

    while (body->cl) {
        buf = body->cl->buf;
        rest = ngx_buf_size(buf) - body->done;

        if (rest == 0) {
            body->cl = body->cl->next;
            body->done = 0;
            continue;
        }

        n = (ssize_t) ngx_min(rest, (off_t) room);

        if (ngx_buf_in_memory(buf)) {
            ngx_memcpy(body->last, buf->pos + body->done, n);

        } else {
            n = pread(buf->file->fd, body->last, n,
                      buf->file_pos + body->done);

            if (n <= 0) {
                return bulk_fail(bulk, n == 0 ? "the body's file is short"
                                              : strerror(ngx_errno));
            }
        }

        body->done += n;
        body->last += n;

        return NGX_OK;
    }

    return NGX_DONE;
}


static ngx_int_t
bulk_row(bulk_t *bulk, wgw_text_t line)
{
    int           deleted;
    uint64_t      most;
    wgw_text_t    none;
    wgw_record_t  record;

    most = bulk->replace ? WGW_BULK_ROWS_REPLACE : WGW_BULK_ROWS;

    if (bulk->total == most) {
        bulk->result.status = WGW_BULK_LONG;
        bulk->result.line = bulk->lines;
        return NGX_ERROR;
    }

    none.data = "";
    none.len = 0;

    if (wgw_record_parse(&record, line, none, bulk->rules, bulk->storage,
                         &deleted, &bulk->result.error)
        != 0)
    {
        bulk->result.status = WGW_BULK_BAD;
        bulk->result.line = bulk->lines;
        return NGX_ERROR;
    }

    if (deleted && bulk->replace) {
        return bulk_refuse(bulk, bulk->lines, "delete",
                           "has no meaning with replace=true");
    }

    bulk->total++;

    return bulk_keep(bulk, &record, deleted);
}


static ngx_int_t
bulk_keep(bulk_t *bulk, const wgw_record_t *record, ngx_uint_t deleted)
{
    wgw_record_t      new;
    wgw_store_row_t  *row;

    row = bulk_push(bulk);
    if (row == NULL) {
        return bulk_fail(bulk, "out of memory");
    }

    row->line = bulk->lines;
    row->key.len = record->name.len;
    row->key.data = bulk_copy(bulk, record->name.data, record->name.len);
    row->value.data = NULL;
    row->value.len = 0;

    if (!deleted) {
        new = *record;
        new.life = WGW_RECORD_LIFE_NEW;

        row->value.len = wgw_record_pack(&new, bulk->packed);
        row->value.data = bulk_copy(bulk, bulk->packed, row->value.len);

        if (row->value.data == NULL) {
            return bulk_fail(bulk, "out of memory");
        }
    }

    return row->key.data ? NGX_OK : bulk_fail(bulk, "out of memory");
}


static wgw_store_row_t *
bulk_push(bulk_t *bulk)
{
    size_t            size;
    wgw_store_row_t  *rows;

    if (bulk->nrows == bulk->size) {
        size = ngx_min(bulk->size * 2 + 1000, WGW_BULK_ROWS);

        rows = realloc(bulk->rows, size * sizeof(wgw_store_row_t));
        if (rows == NULL) {
            return NULL;
        }

        bulk->rows = rows;
        bulk->size = size;
    }

    return &bulk->rows[bulk->nrows++];
}


static char *
bulk_copy(bulk_t *bulk, const void *data, size_t len)
{
    char          *copy;
    bulk_block_t  *block;

    block = bulk->blocks;

    if (block == NULL || len > BULK_BLOCK - block->used) {
        block = malloc(sizeof(bulk_block_t));
        if (block == NULL) {
            return NULL;
        }

        block->used = 0;
        block->next = bulk->blocks;
        bulk->blocks = block;
    }

    copy = block->data + block->used;

    ngx_memcpy(copy, data, len);

    block->used += len;
    bulk->bytes += len;

    return copy;
}


static void
bulk_reset(bulk_t *bulk)
{
    bulk_block_t  *block;

    while (bulk->blocks) {
        block = bulk->blocks;
        bulk->blocks = block->next;

        free(block);
    }

    bulk->nrows = 0;
    bulk->bytes = 0;
}


/* By name as the store orders them, then by line. */

static int ngx_libc_cdecl
bulk_compare(const void *one, const void *two)
{
    const wgw_store_row_t *a = one;
    const wgw_store_row_t *b = two;

    int     rc;
    size_t  len;

    len = ngx_min(a->key.len, b->key.len);

    rc = memcmp(a->key.data, b->key.data, len);

    if (rc == 0 && a->key.len != b->key.len) {
        rc = a->key.len < b->key.len ? -1 : 1;
    }

    return rc ? rc : a->line < b->line ? -1 : 1;
}


/* Only the first bad line counts. */

static ngx_int_t
bulk_refuse(bulk_t *bulk, uint32_t line, const char *field,
    const char *message)
{
    wgw_bulk_result_t  *result;

    result = &bulk->result;

    if (result->status == WGW_BULK_OK || line < result->line) {
        result->status = WGW_BULK_BAD;
        result->line = line;

        (void) wgw_json_refuse(&result->error, field, message);
    }

    return NGX_ERROR;
}


static ngx_int_t
bulk_fail(bulk_t *bulk, const char *message)
{
    bulk->result.status = WGW_BULK_BODY;

    ngx_snprintf((u_char *) bulk->result.failure.text,
                 sizeof(bulk->result.failure.text), "%s%Z", message);

    return NGX_ERROR;
}


/* Ends the steps unless rc is OK; a store that fails beats a bad line. */

static ngx_uint_t
bulk_stored(bulk_t *bulk, wgw_store_rc_t rc)
{
    if (rc == WGW_STORE_OK) {
        return 1;
    }

    bulk->result.status = WGW_BULK_STORE;
    bulk->result.rc = rc;
    bulk->step = NULL;

    if (rc == WGW_STORE_TAKEN) {
        bulk->started = 0;
    }

    return 0;
}
