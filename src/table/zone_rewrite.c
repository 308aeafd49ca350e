
#include <sys/file.h>

#include "core/statefile.h"
#include "table/zone_rewrite.h"


static ngx_int_t wgw_zone_rewritten(ngx_log_t *log, wgw_zone_t *zone,
    wgw_mapping_t *m, ngx_err_t err, ngx_uint_t purged, ngx_uint_t smaller);
static ngx_err_t wgw_zone_lock_tmp(const char *tmp, ngx_fd_t *fd);
static ngx_err_t wgw_zone_replace(wgw_zone_t *zone, const wgw_zone_t *to,
    wgw_mapping_t *m, const ngx_file_info_t *old);
static ngx_err_t wgw_zone_rewrite_file(wgw_zone_t *zone, const wgw_zone_t *to,
    ngx_fd_t fd, size_t size, void **memory);
static void wgw_zone_sync_directory(wgw_zone_t *zone);


/* Alone.  A table that cannot be rewritten is used as it is, if it can be. */

ngx_int_t
wgw_zone_rewrite(ngx_cycle_t *cycle, wgw_zone_t *zone, wgw_mapping_t *m)
{
    ngx_int_t                 rc;
    ngx_err_t                 err;
    ngx_uint_t                purged, same;
    wgw_zone_t                made, to;
    ngx_file_info_t           fi;
    const wgw_zone_growth_t  *growth;

    growth = zone->class->growth;

    if (growth == NULL) {
        return NGX_OK;
    }

    rc = wgw_zone_check(cycle->log, zone, m->fd, &made, &fi);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    purged = growth->purged(zone);

    same = rc == NGX_OK && m->parts.count == 1 && !growth->narrow(zone, &made);

    if (same && purged == 0) {
        return NGX_OK;
    }

    to = *zone;

    if (growth->fit(zone, &to) != 0) {
        return wgw_zone_error(cycle->log, zone, 0,
                              "has more keys in use than the configuration "
                              "says");
    }

    if (purged && zone->archive && zone->archive(cycle, zone) != NGX_OK) {
        purged = 0;
        zone->purge = 0;
        to = *zone;

        if (growth->fit(zone, &to) != 0) {
            return wgw_zone_differs(cycle->log, zone, &made);
        }

        if (same) {
            return NGX_OK;
        }
    }

    err = wgw_zone_replace(zone, &to, m, &fi);

    return wgw_zone_rewritten(cycle->log, zone, m, err, purged,
                              rc == WGW_ZONE_FEWER);
}


/* Without a table that is smaller there is none that fits the configuration. */

static ngx_int_t
wgw_zone_rewritten(ngx_log_t *log, wgw_zone_t *zone, wgw_mapping_t *m,
    ngx_err_t err, ngx_uint_t purged, ngx_uint_t smaller)
{
    if (err && smaller) {
        return wgw_zone_error(log, zone, err, "cannot be rewritten");
    }

    if (err) {
        ngx_log_error(NGX_LOG_WARN, log, err,
                      "wgw table \"%V\" cannot be rewritten", &zone->file);

        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_NOTICE, log, 0,
                  "wgw table \"%V\" was rewritten, %ui keys purged",
                  &zone->file, purged);

    wgw_zone_view(zone, m);

    return NGX_OK;
}


static ngx_err_t
wgw_zone_lock_tmp(const char *tmp, ngx_fd_t *fd)
{
    ngx_err_t         err;
    ngx_file_info_t   fi, other;

    *fd = wgw_statefile_tmp(tmp, 1);

    if (*fd == -1) {
        return ngx_errno;
    }

    err = 0;

    if (flock(*fd, LOCK_EX|LOCK_NB) == -1
        || fstat(*fd, &fi) == -1 || stat(tmp, &other) == -1)
    {
        err = ngx_errno;

    } else if (fi.st_ino != other.st_ino || fi.st_dev != other.st_dev) {

        /* who had the lock before has taken its name away */

        err = EBUSY;
    }

    if (err) {
        (void) close(*fd);
    }

    return err;
}


/* FILE.tmp is locked before it has the name: nobody else is ever alone. */

static ngx_err_t
wgw_zone_replace(wgw_zone_t *zone, const wgw_zone_t *to, wgw_mapping_t *m,
    const ngx_file_info_t *old)
{
    char              tmp[NGX_MAX_PATH];
    void             *memory;
    size_t            size;
    ngx_fd_t          fd;
    ngx_err_t         err;
    ngx_file_info_t   fi;

    if (zone->file.len + sizeof(".tmp") > NGX_MAX_PATH) {
        return ENAMETOOLONG;
    }

    *ngx_sprintf((u_char *) tmp, "%V.tmp", &zone->file) = '\0';

    err = wgw_zone_lock_tmp(tmp, &fd);

    if (err) {
        return err;
    }

    size = to->class->size(to);
    memory = MAP_FAILED;
    ngx_memzero(&fi, sizeof(ngx_file_info_t));

    err = wgw_zone_rewrite_file(zone, to, fd, size, &memory);

    if (err == 0
        && (fchown(fd, old->st_uid, old->st_gid) == -1
            || fchmod(fd, old->st_mode & 07777) == -1
            || fstat(fd, &fi) == -1
            || rename(tmp, (char *) zone->file.data) == -1))
    {
        err = ngx_errno;
    }

    if (err) {
        if (memory != MAP_FAILED) {
            (void) munmap(memory, size);
        }

        (void) unlink(tmp);
        (void) close(fd);

        return err;
    }

    wgw_zone_sync_directory(zone);
    wgw_zone_unmap(m);
    (void) close(m->fd);

    m->fd = fd;
    m->device = fi.st_dev;
    m->inode = fi.st_ino;

    wgw_zone_mapped(m, memory, size, 0);

    return 0;
}


static ngx_err_t
wgw_zone_rewrite_file(wgw_zone_t *zone, const wgw_zone_t *to, ngx_fd_t fd,
    size_t size, void **memory)
{
    ngx_err_t  err;

    if (ftruncate(fd, 0) == -1) {
        return ngx_errno;
    }

    err = posix_fallocate(fd, 0, size);

    if (err) {
        return err;
    }

    *memory = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);

    if (*memory == MAP_FAILED) {
        return ngx_errno;
    }

    zone->class->growth->rewrite(zone, to, *memory);

    return fsync(fd) == -1 ? ngx_errno : 0;
}


/* After a power loss the old file must not come back. */

static void
wgw_zone_sync_directory(wgw_zone_t *zone)
{
    char      path[NGX_MAX_PATH];
    u_char   *p;
    ngx_fd_t  fd;

    *ngx_sprintf((u_char *) path, "%V", &zone->file) = '\0';

    p = (u_char *) strrchr(path, '/');

    if (p == NULL) {
        return;
    }

    p[1] = '\0';

    fd = open(path, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd != -1) {
        (void) fsync(fd);
        (void) close(fd);
    }
}
