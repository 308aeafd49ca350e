
/*
 * A zone's file while it is used: it may be deleted, replaced or shortened.
 */

#include "table/zone.h"
#include "table/zone_file.h"


static ngx_uint_t wgw_watch_lost(const wgw_mapping_t *m);
static const char *wgw_watch_name(const wgw_mapping_t *m);


void
wgw_zone_watch(wgw_zone_t *zone, ngx_log_t *log)
{
    const char     *what;
    wgw_mapping_t  *m;

    m = zone->mapping;

    if (m->fd == NGX_INVALID_FILE) {
        return;
    }

    if (wgw_watch_lost(m)) {
        m->lost = 1;
    }

    if (m->lost && !m->told_lost) {
        m->told_lost = 1;

        ngx_log_error(NGX_LOG_CRIT, log, 0,
                      "wgw table \"%V\" was damaged while it is used: what is "
                      "in it is lost, it is as full until a start with "
                      "another file", &zone->file);
    }

    if (ngx_worker != 0) {
        return;
    }

    what = wgw_watch_name(m);

    if (what && !m->told_name) {
        ngx_log_error(NGX_LOG_CRIT, log, 0,
                      "wgw table \"%V\" was %s while it is used: the gateway "
                      "goes on with the one it has, which ends with it",
                      &zone->file, what);
    }

    m->told_name = what != NULL;
}


/* The beginning never changes; what is missing at the end would be zeros. */

static ngx_uint_t
wgw_watch_lost(const wgw_mapping_t *m)
{
    off_t            end;
    ngx_uint_t       last;
    ngx_file_info_t  fi;

    last = m->parts.count - 1;
    end = m->parts.parts[last].offset + m->parts.parts[last].size;

    return (fstat(m->fd, &fi) == 0 && fi.st_size < end)
           || ngx_memcmp(m->memory[0], m->head, WGW_ZONE_HEAD) != 0;
}


/* NULL while it has its name, or nobody can tell. */

static const char *
wgw_watch_name(const wgw_mapping_t *m)
{
    ngx_file_info_t  fi;

    if (stat((char *) m->file.data, &fi) == -1) {
        return ngx_errno == NGX_ENOENT ? "deleted" : NULL;
    }

    return fi.st_ino == m->inode && fi.st_dev == m->device ? NULL : "replaced";
}


wgw_mapping_t *
wgw_zone_kept(ngx_log_t *log, wgw_zone_t *zone, wgw_mapping_t *list)
{
    const char     *what;
    wgw_mapping_t  *m;

    for (m = list; m; m = m->next) {

        if (m->fd == NGX_INVALID_FILE || m->parts.count == 0
            || m->class != zone->class
            || m->file.len != zone->file.len
            || ngx_memcmp(m->file.data, zone->file.data, m->file.len) != 0)
        {
            continue;
        }

        what = wgw_watch_name(m);

        if (what) {
            ngx_log_error(NGX_LOG_CRIT, log, 0,
                          "wgw table \"%V\" was %s while it is used: a reload "
                          "goes on with the one it has", &zone->file, what);
            return m;
        }
    }

    return NULL;
}
