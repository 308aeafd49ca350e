
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/body.h"
#include "core/reply.h"
#include "core/request.h"
#include "names/etag.h"
#include "names/names_change.h"
#include "names/names_request.h"
#include "names/patch.h"
#include "store/writer.h"


#define CHANGE_TOO_LARGE  "a record has at most 65536 bytes"


/* A change on its way to the store and the reply to it. */
typedef struct {
    ngx_http_request_t        *request;
    wgw_change_t               change;
    wgw_rows_write_t           write;
    wgw_patch_t                patch;       /* of a PATCH */
    wgw_record_t               record;
    char                       name[WGW_NAME_MAX];
    char                       storage[WGW_RECORD_JSON];
} change_t;


static ngx_int_t change_close(ngx_http_request_t *r, ngx_uint_t *close,
    wgw_names_refusal_t *refusal);
static void change_put(ngx_http_request_t *r, ngx_uint_t status,
    wgw_text_t body);
static ngx_uint_t change_patch_type(ngx_http_request_t *r);
static ngx_int_t change_patch_refuse(ngx_http_request_t *r);
static ngx_int_t change_record(ngx_http_request_t *r, change_t *ch,
    wgw_text_t body, wgw_names_refusal_t *refusal);
static change_t *change_create(ngx_http_request_t *r, wgw_text_t name);
static ngx_int_t change_conditions(ngx_http_request_t *r,
    wgw_rows_write_t *write, wgw_names_refusal_t *refusal);
static ngx_int_t change_post(change_t *ch, wgw_names_refusal_t *refusal);
static wgw_store_rc_t change_make(wgw_txn_t *t, wgw_change_t *change);
static void change_done(wgw_change_t *change);
static ngx_int_t change_reply(change_t *ch);


ngx_int_t
wgw_names_delete(ngx_http_request_t *r, wgw_text_t name)
{
    ngx_int_t            rc;
    ngx_uint_t           close;
    change_t            *ch;
    wgw_names_refusal_t  refusal;

    if (change_close(r, &close, &refusal) != NGX_OK) {
        return wgw_names_refused(r, &refusal);
    }

    rc = wgw_reply_discard(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ch = change_create(r, name);
    if (ch == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ch->write.close = close;

    r->main->count++;

    if (change_conditions(r, &ch->write, &refusal) != NGX_OK
        || change_post(ch, &refusal) != NGX_OK)
    {
        r->main->count--;
        return wgw_names_refused(r, &refusal);
    }

    return NGX_DONE;
}


static ngx_int_t
change_close(ngx_http_request_t *r, ngx_uint_t *close,
    wgw_names_refusal_t *refusal)
{
    wgw_arg_t  args[] = { { "close", { NULL, 0 } }, { NULL, { NULL, 0 } } };

    if (wgw_names_args(r, args, refusal) != NGX_OK) {
        return NGX_ERROR;
    }

    *close = wgw_text_equal(args[0].value, wgw_text("true"));

    if (*close
        || args[0].value.data == NULL
        || wgw_text_equal(args[0].value, wgw_text("false")))
    {
        return NGX_OK;
    }

    return wgw_names_refuse(refusal, NGX_HTTP_BAD_REQUEST, "close",
                            "must be true or false");
}


ngx_int_t
wgw_names_put(ngx_http_request_t *r)
{
    wgw_names_refusal_t  refusal;

    if (wgw_names_args(r, NULL, &refusal) != NGX_OK) {
        return wgw_names_refused(r, &refusal);
    }

    if ((r->method & NGX_HTTP_PATCH) && !change_patch_type(r)) {
        return change_patch_refuse(r);
    }

    return wgw_body_read(r, WGW_RECORD_JSON, change_put);
}


/* The body is there; the name was checked before it was read. */

static void
change_put(ngx_http_request_t *r, ngx_uint_t status, wgw_text_t body)
{
    char                 name[WGW_NAME_MAX];
    wgw_text_t           text;
    change_t            *ch;
    wgw_names_refusal_t  refusal;

    if (status != NGX_HTTP_OK) {
        wgw_names_refuse(&refusal, status, "", CHANGE_TOO_LARGE);
        ngx_http_finalize_request(r, wgw_names_refused(r, &refusal));
        return;
    }

    if (wgw_names_name(r, name, &text, &refusal) != NGX_OK) {
        ngx_http_finalize_request(r, wgw_names_refused(r, &refusal));
        return;
    }

    ch = change_create(r, text);

    if (ch == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (change_record(r, ch, body, &refusal) != NGX_OK) {
        ngx_http_finalize_request(r, wgw_names_refused(r, &refusal));
    }
}


/* 1 for what a patch may be sent as: also without a type, or as curl's -d. */

static ngx_uint_t
change_patch_type(ngx_http_request_t *r)
{
    size_t      len;
    ngx_str_t  *type;
    ngx_uint_t  i;

    static const char  *types[] = {
        "application/merge-patch+json", "application/json",
        "application/x-www-form-urlencoded"
    };

    if (r->headers_in.content_type == NULL) {
        return 1;
    }

    type = &r->headers_in.content_type->value;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        len = ngx_strlen(types[i]);

        if (type->len >= len
            && ngx_strncasecmp(type->data, (u_char *) types[i], len) == 0
            && (type->len == len || type->data[len] == ';'
                || type->data[len] == ' '))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
change_patch_refuse(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = wgw_reply_discard(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (wgw_reply_header(r, "Accept-Patch",
                         "application/merge-patch+json, application/json")
        == NULL)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return wgw_reply_error(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                           "Content-Type",
                           "must be \"application/merge-patch+json\"");
}


static ngx_int_t
change_record(ngx_http_request_t *r, change_t *ch, wgw_text_t body,
    wgw_names_refusal_t *refusal)
{
    if (r->method & NGX_HTTP_PATCH) {
        ch->patch.text = body;
        ch->patch.rules = wgw_names_rules();
        ch->patch.record = &ch->record;
        ch->patch.storage = ch->storage;
        ch->patch.write = &ch->write;

    } else if (wgw_record_parse(&ch->record, body, ch->write.name,
                                wgw_names_rules(), ch->storage, NULL,
                                &refusal->record)
               != 0)
    {
        return wgw_names_refuse(refusal, NGX_HTTP_BAD_REQUEST,
                                refusal->record.field,
                                refusal->record.message);

    } else {
        ch->write.record = &ch->record;
    }

    if (change_conditions(r, &ch->write, refusal) != NGX_OK) {
        return NGX_ERROR;
    }

    return change_post(ch, refusal);
}


static change_t *
change_create(ngx_http_request_t *r, wgw_text_t name)
{
    change_t  *ch;

    ch = ngx_palloc(r->pool, sizeof(change_t));
    if (ch == NULL) {
        return NULL;
    }

    ngx_memzero(&ch->change, sizeof(wgw_change_t));
    ngx_memzero(&ch->write, sizeof(wgw_rows_write_t));
    ngx_memzero(&ch->patch, sizeof(wgw_patch_t));
    ngx_memcpy(ch->name, name.data, name.len);

    ch->request = r;
    ch->write.name.data = ch->name;
    ch->write.name.len = name.len;

    ch->change.key = ch->write.name;
    ch->change.make = change_make;
    ch->change.handler = change_done;
    ch->change.data = ch;

    return ch;
}


static ngx_int_t
change_conditions(ngx_http_request_t *r, wgw_rows_write_t *write,
    wgw_names_refusal_t *refusal)
{
    wgw_text_t        value;
    ngx_table_elt_t  *match, *none;

    match = r->headers_in.if_match;
    none = r->headers_in.if_none_match;

    if (none) {
        if (none->value.len != 1 || none->value.data[0] != '*') {
            return wgw_names_refuse(refusal, NGX_HTTP_BAD_REQUEST,
                                    "If-None-Match",
                                    "must be \"*\" for a change");
        }

        write->absent = 1;
    }

    if (match == NULL) {
        return NGX_OK;
    }

    write->match = 1;

    if (match->value.len == 1 && match->value.data[0] == '*') {
        return NGX_OK;
    }

    value.data = (char *) match->value.data;
    value.len = match->value.len;

    /* what does not look like ETags of ours matches no record */

    write->nmatch = wgw_etag_list(value, write->if_match, WGW_ROWS_MATCH);

    if (write->nmatch == 0) {
        return wgw_names_refuse(refusal, NGX_HTTP_PRECONDITION_FAILED,
                                "If-Match", "does not match the record");
    }

    return NGX_OK;
}


/* The request's count, already taken, is released by the reply. */

static ngx_int_t
change_post(change_t *ch, wgw_names_refusal_t *refusal)
{
    ch->change.store = wgw_names_store(ch->request, refusal);

    if (ch->change.store == NULL) {
        return NGX_ERROR;
    }

    wgw_request_wait(ch->request);
    wgw_writer_post(&ch->change);

    return NGX_OK;
}


/* In the thread. */

static wgw_store_rc_t
change_make(wgw_txn_t *t, wgw_change_t *change)
{
    change_t  *ch;

    ch = change->data;

    return ch->patch.rules ? wgw_patch_write(t, &ch->patch)
                           : wgw_rows_write(t, &ch->write);
}


static void
change_done(wgw_change_t *change)
{
    change_t            *ch;
    ngx_http_request_t  *r;

    ch = change->data;
    r = ch->request;

    wgw_request_resume(r);

    /* conditions were tested against the record before the change */

    r->disable_not_modified = 1;

    wgw_request_finish(r, change_reply(ch));
}


static ngx_int_t
change_reply(change_t *ch)
{
    wgw_names_refusal_t  refusal;
    wgw_rows_write_t    *write;
    ngx_http_request_t  *r;

    r = ch->request;
    write = &ch->write;

    if (ch->change.rc == WGW_STORE_MISMATCH && ch->patch.refused) {
        wgw_names_refuse(&refusal, NGX_HTTP_BAD_REQUEST,
                         ch->patch.error.field, ch->patch.error.message);
        return wgw_names_refused(r, &refusal);
    }

    if (ch->change.rc != WGW_STORE_OK) {
        wgw_names_failed(r, ch->change.rc, &ch->change.error, &refusal);
        return wgw_names_refused(r, &refusal);
    }

    if (write->record == NULL) {
        return wgw_reply_send(r, NGX_HTTP_NO_CONTENT, NULL, NULL);
    }

    ch->record.name = write->name;
    ch->record.change = write->change;
    wgw_record_place(&ch->record, wgw_names_rules()->node);

    return wgw_names_record(r, write->existed ? NGX_HTTP_OK : NGX_HTTP_CREATED,
                            &ch->record);
}
