
#include <openssl/rand.h>
#include <sys/mman.h>

#include "core/place.h"
#include "core/statefile.h"
#include "table/zone_file.h"
#include "table/zone_lease.h"


#define LEASE_SUFFIX  ".lease"
#define LEASE_TMP     ".tmp"


static ngx_int_t lease_path(ngx_log_t *log, wgw_zone_t *zone, u_char *path);
static ngx_int_t lease_look(ngx_log_t *log, wgw_zone_t *zone,
    const char *path);
static ngx_int_t lease_map(ngx_log_t *log, wgw_zone_t *zone,
    wgw_mapping_t *m, const char *path);
static ngx_int_t lease_usable(ngx_fd_t fd, const uint8_t *identity);
static ngx_int_t lease_make(ngx_log_t *log, wgw_zone_t *zone,
    const char *path, const uint8_t *identity, ngx_fd_t *fd);
static ngx_err_t lease_fill(wgw_zone_t *zone, ngx_fd_t fd,
    const uint8_t *identity);
static ngx_int_t lease_identity(wgw_zone_t *zone, wgw_mapping_t *m,
    uint8_t *identity);
static ngx_int_t lease_grow(ngx_log_t *log, wgw_zone_t *zone,
    wgw_mapping_t *m);
static uint64_t lease_records(wgw_zone_t *zone);
static ngx_int_t lease_error(ngx_log_t *log, ngx_err_t err, const char *path,
    const char *what);


ngx_int_t
wgw_zone_lease(ngx_cycle_t *cycle, wgw_zone_t *zone, ngx_uint_t nodes)
{
    u_char          path[NGX_MAX_PATH];
    wgw_mapping_t  *m;

    if (lease_path(cycle->log, zone, path) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_test_config || ngx_process == NGX_PROCESS_SIGNALLER) {
        return lease_look(cycle->log, zone, (char *) path);
    }

    m = zone->mapping;

    if (m->lease_memory == NULL
        && lease_map(cycle->log, zone, m, (char *) path) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (lease_grow(cycle->log, zone, m) != NGX_OK) {
        return NGX_ERROR;
    }

    m->lease.header->mode = zone->fleet;
    m->lease.header->nodes = nodes;

    zone->table.lease = &m->lease;

    return NGX_OK;
}


static ngx_int_t
lease_path(ngx_log_t *log, wgw_zone_t *zone, u_char *path)
{
    if (zone->file.len + sizeof(LEASE_SUFFIX LEASE_TMP) > NGX_MAX_PATH) {
        return wgw_zone_error(log, zone, 0, "has too long a name");
    }

    ngx_sprintf(path, "%V" LEASE_SUFFIX "%Z", &zone->file);

    return NGX_OK;
}


static ngx_int_t
lease_look(ngx_log_t *log, wgw_zone_t *zone, const char *path)
{
    const char       *error;
    ngx_file_info_t   fi;

    if (stat(path, &fi) == 0) {
        return S_ISREG(fi.st_mode) && access(path, R_OK|W_OK) == 0
               ? NGX_OK : lease_error(log, ngx_errno, path,
                                      "cannot be opened");
    }

    if (ngx_errno != NGX_ENOENT) {
        return lease_error(log, ngx_errno, path, "cannot be opened");
    }

    if (wgw_place_makes(path, &error) != 0
        || wgw_place_room(path, wgw_lease_size(zone->conf.keys), &error) != 0)
    {
        return lease_error(log, ngx_errno, path, error);
    }

    return NGX_OK;
}


/* All that there can ever be, as it grows in its place. */

static ngx_int_t
lease_map(ngx_log_t *log, wgw_zone_t *zone, wgw_mapping_t *m,
    const char *path)
{
    void      *memory;
    size_t     size;
    uint8_t    identity[WGW_LEASE_IDENTITY];
    ngx_fd_t   fd;

    if (lease_identity(zone, m, identity) != NGX_OK) {
        return lease_error(log, ngx_errno, path, "cannot be made");
    }

    fd = open(path, O_RDWR|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC);

    if (fd != -1 && lease_usable(fd, identity) != NGX_OK) {
        (void) close(fd);
        fd = -1;

        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "wgw lease \"%s\" is of another boot or table and is "
                      "made anew", path);
    }

    if (fd == -1 && lease_make(log, zone, path, identity, &fd) != NGX_OK) {
        return NGX_ERROR;
    }

    size = wgw_lease_size(WGW_LEASE_RECORDS);
    memory = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);

    if (memory == MAP_FAILED) {
        (void) lease_error(log, ngx_errno, path, "cannot be mapped");
        (void) close(fd);
        return NGX_ERROR;
    }

    m->lease_memory = memory;
    m->lease_fd = fd;

    m->lease_fault.start = memory;
    m->lease_fault.size = size;
    m->lease_fault.lost = &m->lease_lost;
    wgw_fault_add(&m->lease_fault);

    wgw_lease_open(&m->lease, memory);

    return NGX_OK;
}


static ngx_int_t
lease_usable(ngx_fd_t fd, const uint8_t *identity)
{
    u_char           header[WGW_LEASE_HEADER];
    ngx_file_info_t  fi;

    return fstat(fd, &fi) == 0 && S_ISREG(fi.st_mode)
           && pread(fd, header, sizeof(header), 0) == sizeof(header)
           && wgw_lease_check(header, (size_t) fi.st_size, identity) == 0
           ? NGX_OK : NGX_DECLINED;
}


/* By another name, so that who has one that was there keeps that. */

static ngx_int_t
lease_make(ngx_log_t *log, wgw_zone_t *zone, const char *path,
    const uint8_t *identity, ngx_fd_t *fd)
{
    char        tmp[NGX_MAX_PATH];
    ngx_err_t   err;

    ngx_sprintf((u_char *) tmp, "%s" LEASE_TMP "%Z", path);

    *fd = wgw_statefile_tmp(tmp, 0);

    if (*fd == -1) {
        return lease_error(log, ngx_errno, tmp, "cannot be made");
    }

    err = lease_fill(zone, *fd, identity);

    if (err == 0 && rename(tmp, path) == -1) {
        err = ngx_errno;
    }

    if (err) {
        (void) unlink(tmp);
        (void) close(*fd);
        return lease_error(log, err, path, "cannot be made");
    }

    return NGX_OK;
}


static ngx_err_t
lease_fill(wgw_zone_t *zone, ngx_fd_t fd, const uint8_t *identity)
{
    u_char     header[WGW_LEASE_HEADER];
    uint64_t   period, seen, incarnation;
    ngx_err_t  err;

    err = posix_fallocate(fd, 0, wgw_lease_size(lease_records(zone)));

    if (err) {
        return err;
    }

    if (RAND_bytes((u_char *) &incarnation, sizeof(uint64_t)) != 1) {
        return EIO;
    }

    period = wgw_window_period(zone->conf.window, ngx_time());
    seen = wgw_table_seen(&zone->table);

    ngx_memzero(header, sizeof(header));

    wgw_lease_format(header, lease_records(zone), identity, incarnation,
                     period > seen ? period : seen);

    return pwrite(fd, header, sizeof(header), 0) == sizeof(header)
           ? 0 : (ngx_errno ? ngx_errno : EIO);
}


/* The boot, and the file of counters: a copy of it is another one. */

static ngx_int_t
lease_identity(wgw_zone_t *zone, wgw_mapping_t *m, uint8_t *identity)
{
    uint64_t         number;
    ngx_file_info_t  fi;

    if (fstat(m->fd, &fi) == -1) {
        return NGX_ERROR;
    }

    ngx_memzero(identity, WGW_LEASE_IDENTITY);
    ngx_memcpy(identity, zone->class->boot(zone), WGW_TABLE_BOOT);

    number = fi.st_dev;
    ngx_memcpy(identity + WGW_TABLE_BOOT, &number, sizeof(uint64_t));

    number = fi.st_ino;
    ngx_memcpy(identity + WGW_TABLE_BOOT + 8, &number, sizeof(uint64_t));

    return NGX_OK;
}


static ngx_int_t
lease_grow(ngx_log_t *log, wgw_zone_t *zone, wgw_mapping_t *m)
{
    uint64_t    records;
    ngx_err_t   err;

    records = lease_records(zone);

    if (records <= m->lease.header->capacity) {
        return NGX_OK;
    }

    err = posix_fallocate(m->lease_fd, 0, wgw_lease_size(records));

    if (err) {
        return wgw_zone_error(log, zone, err, "has a lease that cannot grow");
    }

    __atomic_store_n(&m->lease.header->capacity, records, __ATOMIC_SEQ_CST);

    return NGX_OK;
}


static uint64_t
lease_records(wgw_zone_t *zone)
{
    return zone->table.segments[zone->table.count - 1].end;
}


ngx_int_t
wgw_zone_lease_lock(wgw_zone_t *zone)
{
    struct flock    lock;
    wgw_mapping_t  *m;

    m = zone->mapping;

    ngx_memzero(&lock, sizeof(struct flock));
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_len = 1;

    return fcntl(m->lease_fd, F_SETLK, &lock) == 0 ? NGX_OK : NGX_AGAIN;
}


static ngx_int_t
lease_error(ngx_log_t *log, ngx_err_t err, const char *path,
    const char *what)
{
    ngx_log_error(NGX_LOG_EMERG, log, err, "wgw lease \"%s\" %s", path, what);

    return NGX_ERROR;
}
