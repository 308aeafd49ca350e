
/*
 * What is done while the configuration is read, and before workers start.
 */

#include "fleet/bookkeeper.h"
#include "core/shm.h"
#include "core/statefile.h"
#include "meter/meter_conf.h"

#include <sys/file.h>


static char *wgw_bookkeeper_param(ngx_conf_t *cf, ngx_str_t *value,
    wgw_bookkeeper_t *keeper);
static ngx_int_t wgw_bookkeeper_size(ngx_str_t *text, off_t least,
    off_t *size);
static ngx_int_t wgw_bookkeeper_time(ngx_str_t *text, time_t least,
    time_t *seconds);
static ngx_int_t wgw_bookkeeper_books(ngx_cycle_t *cycle,
    wgw_bookkeeper_t *keeper, ngx_array_t *zones);
static ngx_int_t wgw_bookkeeper_dir(ngx_cycle_t *cycle,
    wgw_bookkeeper_t *keeper);
static ngx_int_t wgw_bookkeeper_begin(ngx_cycle_t *cycle,
    wgw_bookkeeper_t *keeper);
static void wgw_bookkeeper_raise(ngx_cycle_t *cycle,
    wgw_bookkeeper_t *keeper);


char *
wgw_bookkeeper_parse(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char               *p = conf;

    char               *rc;
    ngx_str_t          *value;
    ngx_uint_t          i;
    wgw_bookkeeper_t   *keeper, **slot;

    static ngx_str_t  name = ngx_string("journal");

    slot = (wgw_bookkeeper_t **) (p + cmd->offset);

    if (*slot) {
        return "is duplicate";
    }

    keeper = ngx_pcalloc(cf->pool, sizeof(wgw_bookkeeper_t));
    if (keeper == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    keeper->line = wgw_line(cf);
    keeper->dir = value[1];
    keeper->every = 10;
    keeper->keep = 28 * 86400;
    keeper->max = (off_t) 4 * 1024 * 1024 * 1024;
    keeper->segment = 64 * 1024 * 1024;

    if (ngx_conf_full_name(cf->cycle, &keeper->dir, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (keeper->dir.len > WGW_JOURNAL_DIR) {
        return "has a path that is too long";
    }

    for (i = 2; i < cf->args->nelts; i++) {
        rc = wgw_bookkeeper_param(cf, &value[i], keeper);
        if (rc != NGX_CONF_OK) {
            return rc;
        }
    }

    keeper->state = wgw_shm_memory(cf, &name, sizeof(wgw_usage_journal_t));
    *slot = keeper;

    ((ngx_wgw_meter_conf_t *) conf)->journal = keeper->state;

    return keeper->state ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
wgw_bookkeeper_param(ngx_conf_t *cf, ngx_str_t *value,
    wgw_bookkeeper_t *keeper)
{
    ngx_str_t   text;
    wgw_text_t  node;

    text = *value;

    if (ngx_strncmp(text.data, "node=", 5) == 0) {
        keeper->node.data = text.data + 5;
        keeper->node.len = text.len - 5;

        node.data = (const char *) keeper->node.data;
        node.len = keeper->node.len;

        if (wgw_journal_node(node)) {
            return NGX_CONF_OK;
        }

    } else if (ngx_strncmp(text.data, "every=", 6) == 0) {
        text.data += 6;
        text.len -= 6;

        /* so that every turn of a window is the end of a reading */

        if (wgw_bookkeeper_time(&text, 1, &keeper->every) == NGX_OK
            && 60 % keeper->every == 0)
        {
            return NGX_CONF_OK;
        }

    } else if (ngx_strncmp(text.data, "keep=", 5) == 0) {
        text.data += 5;
        text.len -= 5;

        if (wgw_bookkeeper_time(&text, 3600, &keeper->keep) == NGX_OK) {
            return NGX_CONF_OK;
        }

    } else if (ngx_strncmp(text.data, "max=", 4) == 0) {
        text.data += 4;
        text.len -= 4;

        if (wgw_bookkeeper_size(&text, 1024 * 1024, &keeper->max) == NGX_OK) {
            return NGX_CONF_OK;
        }

    } else if (ngx_strncmp(text.data, "segment=", 8) == 0) {
        text.data += 8;
        text.len -= 8;

        if (wgw_bookkeeper_size(&text, 4096, &keeper->segment) == NGX_OK) {
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                       value);

    return NGX_CONF_ERROR;
}


static ngx_int_t
wgw_bookkeeper_size(ngx_str_t *text, off_t least, off_t *size)
{
    *size = ngx_parse_offset(text);

    return *size >= least ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
wgw_bookkeeper_time(ngx_str_t *text, time_t least, time_t *seconds)
{
    *seconds = ngx_parse_time(text, 1);

    return *seconds >= least ? NGX_OK : NGX_ERROR;
}


ngx_int_t
wgw_bookkeeper_open(ngx_cycle_t *cycle, wgw_bookkeeper_t *keeper,
    ngx_array_t *zones, wgw_fleet_t *fleet)
{
    const char  *unfit;
    wgw_text_t   text;

    if (keeper == NULL) {
        return NGX_OK;
    }

    if (keeper->node.len == 0) {
        keeper->node = fleet && fleet->node.len ? fleet->node
                                                : cycle->hostname;
    }

    text.data = (const char *) keeper->node.data;
    text.len = keeper->node.len;

    if (!wgw_journal_node(text)) {
        (void) wgw_line_error(cycle->log, &keeper->line, 0,
                              "the host's name \"%V\" is fit for no node: "
                              "\"node=\" is needed", &keeper->node);
        return NGX_ERROR;
    }

    unfit = wgw_statefile_unfit((char *) keeper->dir.data);

    if (unfit) {
        (void) wgw_line_error(cycle->log, &keeper->line, 0,
                              "wgw journal \"%V\" %s", &keeper->dir, unfit);
        return NGX_ERROR;
    }

    if (ngx_test_config || ngx_process == NGX_PROCESS_SIGNALLER) {
        return NGX_OK;
    }

    if (wgw_bookkeeper_books(cycle, keeper, zones) != NGX_OK
        || wgw_bookkeeper_dir(cycle, keeper) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return wgw_bookkeeper_begin(cycle, keeper) == NGX_OK
           ? wgw_bookkeeper_send(keeper, fleet) : NGX_ERROR;
}


/* One for each zone that outlives a process. */

static ngx_int_t
wgw_bookkeeper_books(ngx_cycle_t *cycle, wgw_bookkeeper_t *keeper,
    ngx_array_t *zones)
{
    ngx_uint_t          i;
    wgw_book_t         *book;
    wgw_books_t        *books;
    wgw_zone_t        **all;
    wgw_meter_zone_t   *zone;

    books = ngx_pcalloc(cycle->pool, sizeof(wgw_books_t));
    if (books == NULL) {
        return NGX_ERROR;
    }

    books->books = ngx_pcalloc(cycle->pool,
                               zones->nelts * sizeof(wgw_book_t));
    if (books->books == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(books->journal.dir, keeper->dir.data, keeper->dir.len);
    ngx_memcpy(books->journal.node, keeper->node.data, keeper->node.len);

    books->journal.segment = keeper->segment;
    books->journal.max = keeper->max;
    books->journal.keep = keeper->keep;

    all = zones->elts;

    for (i = 0; i < zones->nelts; i++) {
        zone = (wgw_meter_zone_t *) all[i];

        if (zone->zone.file.len == 0) {
            continue;
        }

        book = &books->books[books->n++];

        book->table = &zone->zone.table;
        book->window = zone->zone.conf.window;
        book->lost = zone->zone.lost;
        book->zone.data = (const char *) zone->zone.name.data;
        book->zone.len = zone->zone.name.len;
        book->kind.data = zone->kind ? zone->kind : "key";
        book->kind.len = ngx_strlen(book->kind.data);
    }

    keeper->books = books;

    return NGX_OK;
}


static ngx_int_t
wgw_bookkeeper_dir(ngx_cycle_t *cycle, wgw_bookkeeper_t *keeper)
{
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (ngx_create_dir(keeper->dir.data, 0750) == NGX_FILE_ERROR) {

        if (ngx_errno == NGX_EEXIST) {
            return NGX_OK;
        }

    } else if (geteuid() != 0
               || chown((char *) keeper->dir.data, ccf->user, ccf->group)
                  != -1)
    {
        return NGX_OK;
    }

    (void) wgw_line_error(cycle->log, &keeper->line, ngx_errno,
                          "wgw journal \"%V\" cannot be made", &keeper->dir);
    return NGX_ERROR;
}


/*
 * Who has the lock is at work: then the tables are not behind.  What root
 * makes here the helper process goes on with; as that may do what it likes in
 * this directory, only what was opened is given to it.
 */

static ngx_int_t
wgw_bookkeeper_begin(ngx_cycle_t *cycle, wgw_bookkeeper_t *keeper)
{
    int               fd, rc;
    char              path[WGW_BOOKS_PATH];
    size_t            i;
    wgw_books_t      *books;
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);
    books = keeper->books;

    (void) snprintf(path, sizeof(path), "%s/lock", books->journal.dir);

    fd = wgw_statefile_open(path);

    rc = fd == -1 || (geteuid() == 0
                      && fchown(fd, ccf->user, ccf->group) == -1) ? -1 : 0;

    if (rc == 0 && flock(fd, LOCK_EX|LOCK_NB) == 0) {
        wgw_bookkeeper_raise(cycle, keeper);
    }

    for (i = 0; rc == 0 && i < books->n; i++) {
        rc = wgw_books_fresh(books, &books->books[i], ccf->user, ccf->group);
    }

    if (rc != 0) {
        (void) wgw_line_error(cycle->log, &keeper->line, ngx_errno,
                              "wgw journal \"%V\" cannot be written",
                              &keeper->dir);
    }

    if (fd != -1) {
        (void) close(fd);
    }

    return rc == 0 ? NGX_OK : NGX_ERROR;
}


/* A journal that cannot be read is the keeper's business, who says so. */

static void
wgw_bookkeeper_raise(ngx_cycle_t *cycle, wgw_bookkeeper_t *keeper)
{
    int64_t  n;

    n = wgw_books_raise(keeper->books, ngx_time());

    if (n > 0) {
        ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                      "wgw journal \"%V\": %L keys had counted more than "
                      "their tables say, and are raised to that",
                      &keeper->dir, n);
    }
}
