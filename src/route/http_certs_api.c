
/*
 * What certificates there are, and which names want one.
 */

#include "core/args.h"
#include "core/endpoint.h"
#include "core/reply.h"
#include "core/request.h"
#include "format/rfc3339.h"
#include "names/rows.h"
#include "route/certs.h"
#include "route/certs_file.h"
#include "route/http_certs.h"
#include "route/lookup.h"

#include <dirent.h>


#define API_LOOKS   20000           /* records of names, in one answer */
#define API_FILE    20              /* records, for what a file costs */
#define API_LINE    12288           /* a certificate's names, and the rest */
#define API_DAY     86400
#define API_DAYS    3650


typedef struct {
    ngx_http_request_t  *request;
    const char          *dir;
    char                 name[WGW_NAME_MAX];    /* of `after` */
    wgw_text_t           after;     /* then where to go on, or empty */
    ngx_uint_t           limit;
    ngx_uint_t           missing;
    int64_t              due;       /* a time; 0: only those without */
    ngx_chain_t         *first;
    ngx_chain_t         *last;
    ngx_uint_t           n;         /* that were written */
    ngx_uint_t           looks;     /* at names, and files */
} api_t;


static ngx_int_t api_args(api_t *api, wgw_args_error_t *error);
static ngx_int_t api_after(api_t *api, wgw_text_t after);
static ngx_int_t api_number(wgw_arg_t *arg, uint64_t max, uint64_t *n,
    wgw_args_error_t *error, const char *message);
static ngx_int_t api_there(api_t *api);
static ngx_int_t api_names(api_t *api, ngx_array_t *names);
static int api_compare(const void *one, const void *two);
static ngx_int_t api_certificate(api_t *api, ngx_str_t *name);
static void api_file(wgw_out_t *out, wgw_certs_file_t *file);
static void api_time(wgw_out_t *out, int64_t time);
static ngx_int_t api_wanting(api_t *api);
static ngx_int_t api_failed(api_t *api, wgw_store_error_t *error);
static ngx_uint_t api_wants(api_t *api, wgw_text_t name, wgw_text_t packed);
static ngx_int_t api_text(api_t *api, const char *text, size_t len);
static wgw_out_t api_line(api_t *api);


ngx_int_t
ngx_http_wgw_certs_handler(ngx_http_request_t *r)
{
    api_t                           api;
    ngx_int_t                       rc;
    wgw_out_t                       out;
    wgw_args_error_t                error;
    ngx_http_wgw_certs_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_certs_module);

    if (!wgw_endpoint_get(r, clcf->hosts, &rc)) {
        return rc;
    }

    ngx_memzero(&api, sizeof(api_t));

    api.request = r;
    api.dir = (char *) wgw_lookup_names()->certs.data;

    rc = api_args(&api, &error);
    if (rc != NGX_OK) {
        return wgw_args_refused(r, rc, &error);
    }

    if (api_text(&api, api.missing ? "{\"names\":[" : "{\"certificates\":[",
                 api.missing ? 10 : 17)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = api.missing ? api_wanting(&api) : api_there(&api);

    if (rc == NGX_DECLINED) {
        return wgw_reply_error(r, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                               "the store of names is not available");
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    out = api_line(&api);

    if (out.start == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wgw_out_str(&out, "],\"next\":");

    if (api.after.len) {
        wgw_out_json(&out, api.after);

    } else {
        wgw_out_str(&out, "null");
    }

    wgw_out_str(&out, "}\n");
    api.last->buf->last = (u_char *) out.pos;

    return wgw_reply_send(r, NGX_HTTP_OK, "application/json", api.first);
}


static ngx_int_t
api_args(api_t *api, wgw_args_error_t *error)
{
    uint64_t   limit, days;
    ngx_int_t  rc;

    enum { AFTER = 0, LIMIT, MISSING, DUE };

    wgw_arg_t  args[] = { { "after", { NULL, 0 } }, { "limit", { NULL, 0 } },
                          { "missing", { NULL, 0 } }, { "due", { NULL, 0 } },
                          { NULL, { NULL, 0 } } };

    rc = wgw_args_read(api->request, args, error);
    if (rc != NGX_OK) {
        return rc;
    }

    limit = WGW_CERTS_API_LIMIT;
    days = 0;

    if (api_number(&args[LIMIT], WGW_CERTS_API_MAX, &limit, error,
                   "must be a number from 1 to 1000") != NGX_OK
        || api_number(&args[DUE], API_DAYS, &days, error,
                      "must be a number of days from 1 to 3650") != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (args[MISSING].value.data
        && !wgw_text_equal(args[MISSING].value, wgw_text("true")))
    {
        error->field = "missing";
        error->message = "must be \"true\"";
        return NGX_DECLINED;
    }

    if (api_after(api, args[AFTER].value) != NGX_OK) {
        error->field = "after";
        error->message = "must be the \"next\" of a page";
        return NGX_DECLINED;
    }

    api->limit = limit;
    api->missing = args[MISSING].value.data || days;
    api->due = days ? ngx_time() + (int64_t) days * API_DAY : 0;

    return NGX_OK;
}


static ngx_int_t
api_after(api_t *api, wgw_text_t after)
{
    api->after.data = api->name;
    api->after.len = ngx_min(after.len, WGW_NAME_MAX);

    if (api->after.len) {
        ngx_memcpy(api->name, after.data, api->after.len);
    }

    return after.len <= WGW_NAME_MAX ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
api_number(wgw_arg_t *arg, uint64_t max, uint64_t *n,
    wgw_args_error_t *error, const char *message)
{
    if (arg->value.data == NULL
        || (wgw_text_uint(arg->value, max, n) == 0 && *n > 0))
    {
        return NGX_OK;
    }

    error->field = arg->name;
    error->message = message;

    return NGX_DECLINED;
}


/* In the order of their names, those behind `after`. */

static ngx_int_t
api_there(api_t *api)
{
    ngx_str_t    *name;
    ngx_uint_t    i;
    ngx_array_t   names;

    if (ngx_array_init(&names, api->request->pool, 64, sizeof(ngx_str_t))
        != NGX_OK
        || api_names(api, &names) != NGX_OK)
    {
        return NGX_ERROR;
    }

    name = names.elts;

    ngx_qsort(name, names.nelts, sizeof(ngx_str_t), api_compare);

    for (i = 0; i < names.nelts; i++) {

        if (api->n == api->limit) {
            return NGX_OK;
        }

        if (api_certificate(api, &name[i]) == NGX_ERROR
            || api_after(api, (wgw_text_t) { (char *) name[i].data,
                                             name[i].len })
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    api->after.len = 0;

    return NGX_OK;
}


static ngx_int_t
api_names(api_t *api, ngx_array_t *names)
{
    DIR            *dir;
    size_t          len;
    ngx_str_t      *name;
    struct dirent  *de;

    dir = opendir(api->dir);

    /* it may have been taken away */

    if (dir == NULL) {
        return NGX_OK;
    }

    while ((de = readdir(dir))) {
        len = ngx_strlen(de->d_name);

        if (de->d_name[0] == '.' || len > WGW_NAME_MAX
            || ngx_memn2cmp((u_char *) de->d_name, (u_char *) api->after.data,
                            len, api->after.len)
               <= 0)
        {
            continue;
        }

        name = ngx_array_push(names);

        if (name) {
            name->len = len;
            name->data = ngx_pnalloc(api->request->pool, len + 1);
        }

        if (name == NULL || name->data == NULL) {
            closedir(dir);
            return NGX_ERROR;
        }

        ngx_memcpy(name->data, de->d_name, len + 1);
    }

    closedir(dir);

    return NGX_OK;
}


static int
api_compare(const void *one, const void *two)
{
    const ngx_str_t  *a = one, *b = two;

    return (int) ngx_memn2cmp(a->data, b->data, a->len, b->len);
}


/*
 * Nothing for what is no folder with a certificate; one of which nothing can
 * be read is there for its state.
 */

static ngx_int_t
api_certificate(api_t *api, ngx_str_t *name)
{
    char               path[WGW_CERTS_DIR + WGW_NAME_MAX + 32];
    wgw_out_t          out;
    wgw_text_t         text;
    wgw_certs_file_t   file;
    wgw_certs_kind_e   kind;

    text = (wgw_text_t) { (char *) name->data, name->len };
    kind = wgw_certs_state(api->dir, text, ngx_time());

    *ngx_snprintf((u_char *) path, sizeof(path) - 1, "%s/%V/%s", api->dir,
                  name, WGW_CERTS_CERT) = '\0';

    if (wgw_certs_file(path, &file) != 0) {

        if (kind == WGW_CERTS_NONE) {
            return NGX_OK;
        }

        ngx_memzero(&file, sizeof(wgw_certs_file_t));
    }

    out = api_line(api);

    if (out.start == NULL) {
        return NGX_ERROR;
    }

    wgw_out_str(&out, api->n++ ? ",{\"name\":" : "{\"name\":");
    wgw_out_json(&out, text);
    wgw_out_str(&out, ",\"state\":\"");
    wgw_out_str(&out, kind == WGW_CERTS_OWN ? "ok"
                      : kind == WGW_CERTS_UNREADABLE ? "unreadable"
                      : "damaged");
    wgw_out_str(&out, "\"");
    api_file(&out, &file);

    api->last->buf->last = (u_char *) out.pos;

    return out.overflow ? NGX_ERROR : NGX_OK;
}


static void
api_file(wgw_out_t *out, wgw_certs_file_t *file)
{
    size_t       i;
    const char  *separator;

    wgw_out_str(out, ",\"not_before\":");
    api_time(out, file->not_before);
    wgw_out_str(out, ",\"not_after\":");
    api_time(out, file->not_after);
    wgw_out_str(out, ",\"issuer\":");
    wgw_out_json(out, (wgw_text_t) { file->issuer, strlen(file->issuer) });
    wgw_out_str(out, ",\"self_signed\":");
    wgw_out_str(out, file->self_signed ? "true" : "false");
    wgw_out_str(out, ",\"names\":[");

    separator = "";

    for (i = 0; i < file->names_len; i += strlen(file->names + i) + 1) {
        wgw_out_str(out, separator);
        wgw_out_json(out, (wgw_text_t) { file->names + i,
                                         strlen(file->names + i) });
        separator = ",";
    }

    wgw_out_str(out, "]}");
}


/* 0: not known */

static void
api_time(wgw_out_t *out, int64_t time)
{
    if (time == 0) {
        wgw_out_str(out, "null");
        return;
    }

    wgw_out_str(out, "\"");
    wgw_out_rfc3339(out, time);
    wgw_out_str(out, "\"");
}


/*
 * Names of the store that have no certificate, or one that ends; DECLINED: it
 * cannot be read, and who was asked by half of it would take that for all.
 */

static ngx_int_t
api_wanting(api_t *api)
{
    uint64_t            id;
    ngx_int_t           rc;
    wgw_out_t           out;
    wgw_text_t          name, packed;
    wgw_store_t        *store;
    wgw_store_rc_t      found;
    wgw_store_error_t   error;

    if (wgw_lookup_names()->path.len == 0) {
        return NGX_OK;
    }

    store = wgw_lookup_store(api->request->connection->log);
    if (store == NULL) {
        return NGX_DECLINED;
    }

    found = wgw_store_begin(store, &id, &error);
    if (found != WGW_STORE_OK) {
        return api_failed(api, &error);
    }

    rc = NGX_OK;

    while (api->looks < API_LOOKS && api->n < api->limit) {

        api->looks++;

        found = wgw_store_next(store, WGW_ROWS, api->after, &name, &packed,
                               &error);

        if (found == WGW_STORE_NONE) {
            api->after.len = 0;
            break;
        }

        if (found != WGW_STORE_OK) {
            rc = api_failed(api, &error);
            break;
        }

        if (api_wants(api, name, packed)) {
            out = api_line(api);

            if (out.start == NULL) {
                rc = NGX_ERROR;
                break;
            }

            wgw_out_str(&out, api->n++ ? "," : "");
            wgw_out_json(&out, name);
            api->last->buf->last = (u_char *) out.pos;
        }

        (void) api_after(api, name);
    }

    wgw_store_end(store);

    return rc;
}


static ngx_int_t
api_failed(api_t *api, wgw_store_error_t *error)
{
    ngx_log_error(NGX_LOG_ERR, api->request->connection->log, 0, "names: %s",
                  error->text);

    return NGX_DECLINED;
}


static ngx_uint_t
api_wants(api_t *api, wgw_text_t name, wgw_text_t packed)
{
    char               folder[WGW_CERTS_FOLDER];
    char               path[WGW_CERTS_DIR + WGW_CERTS_FOLDER + 32];
    wgw_text_t         domain;
    const char        *dot;
    wgw_record_t       record;
    wgw_certs_kind_e   kind;
    wgw_certs_file_t   file;

    domain = wgw_lookup_names()->rules.domain;
    dot = memchr(name.data, '.', name.len);

    if (name.data[0] == '*'
        || wgw_record_unpack(&record, (uint8_t *) packed.data, packed.len)
           != 0
        || record.passthrough
        || record.paused
        || (dot && wgw_text_equal(domain,
                                  (wgw_text_t) { dot + 1, name.data + name.len
                                                          - dot - 1 })))
    {
        return 0;
    }

    kind = wgw_certs_look(api->dir, name, folder);
    api->looks += API_FILE;

    if (kind == WGW_CERTS_NONE) {
        return 1;
    }

    /* one that is put there anew can be read, unless none of all can */

    if (kind == WGW_CERTS_UNREADABLE) {
        return api->due && wgw_certs_reach(api->dir);
    }

    if (kind != WGW_CERTS_OWN || api->due == 0) {
        return 0;
    }

    *ngx_snprintf((u_char *) path, sizeof(path) - 1, "%s/%s/%s", api->dir,
                  folder, WGW_CERTS_CERT) = '\0';

    if (wgw_certs_file(path, &file) != 0 || file.not_after <= api->due) {
        return 1;
    }

    path[ngx_strlen(path) - sizeof("/" WGW_CERTS_CERT) + 1] = '\0';

    return wgw_certs_pair(path) != 0;
}


static ngx_int_t
api_text(api_t *api, const char *text, size_t len)
{
    wgw_out_t  out;

    out = api_line(api);

    if (out.start == NULL) {
        return NGX_ERROR;
    }

    wgw_out_bytes(&out, text, len);
    api->last->buf->last = (u_char *) out.pos;

    return NGX_OK;
}


/* Room for a line, of which the caller says the end; start NULL: none. */

static wgw_out_t
api_line(api_t *api)
{
    wgw_out_t     out;
    ngx_chain_t  *cl;

    cl = api->last;

    if (cl == NULL || cl->buf->end - cl->buf->last < API_LINE) {

        cl = wgw_reply_chain(api->request->pool, 4 * API_LINE);

        if (cl == NULL) {
            ngx_memzero(&out, sizeof(wgw_out_t));
            return out;
        }

        if (api->last) {
            api->last->next = cl;

        } else {
            api->first = cl;
        }

        api->last = cl;
    }

    wgw_out_init(&out, cl->buf->last, cl->buf->end - cl->buf->last);

    return out;
}
