
#include <sys/file.h>

#include "table/zone_lock.h"
#include "table/zone_rewrite.h"


static ngx_int_t wgw_zone_share(ngx_log_t *log, wgw_zone_t *zone,
    wgw_mapping_t *m);
static ngx_int_t wgw_zone_current(wgw_zone_t *zone, ngx_fd_t fd);


ngx_int_t
wgw_zone_lock(ngx_cycle_t *cycle, wgw_zone_t *zone, wgw_mapping_t *m)
{
    ngx_int_t   rc;
    ngx_log_t  *log;

    log = cycle->log;

    if (flock(m->fd, LOCK_EX|LOCK_NB) == 0) {

        /* another may have rewritten it before it let go of it */

        if (wgw_zone_current(zone, m->fd) != NGX_OK) {
            return WGW_ZONE_RETRY;
        }

        if (wgw_zone_repair(log, zone, m) != NGX_OK
            || wgw_zone_rewrite(cycle, zone, m) != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else if (ngx_errno != EWOULDBLOCK) {
        return wgw_zone_error(log, zone, ngx_errno, "cannot be locked");
    }

    rc = wgw_zone_share(log, zone, m);

    if (rc != NGX_OK) {
        return rc;
    }

    return wgw_zone_current(zone, m->fd) == NGX_OK
           ? wgw_zone_adapt(log, zone, m, m->fd) : WGW_ZONE_RETRY;
}


static ngx_int_t
wgw_zone_share(ngx_log_t *log, wgw_zone_t *zone, wgw_mapping_t *m)
{
    ngx_msec_t  waited;

    for (waited = 0; waited < WGW_ZONE_WAIT; waited += WGW_ZONE_NAP) {

        if (flock(m->fd, LOCK_SH|LOCK_NB) == 0) {
            return NGX_OK;
        }

        if (ngx_errno != EWOULDBLOCK) {
            return wgw_zone_error(log, zone, ngx_errno, "cannot be locked");
        }

        ngx_msleep(WGW_ZONE_NAP);
    }

    return wgw_zone_error(log, zone, 0, "is locked by another process");
}


/* Who locks a file must have the one that has its name. */

static ngx_int_t
wgw_zone_current(wgw_zone_t *zone, ngx_fd_t fd)
{
    ngx_file_info_t  fi, other;

    return fstat(fd, &fi) == 0
           && stat((char *) zone->file.data, &other) == 0
           && fi.st_ino == other.st_ino && fi.st_dev == other.st_dev
           ? NGX_OK : NGX_DECLINED;
}
