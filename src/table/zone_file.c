
#include <sys/file.h>

#include <openssl/rand.h>

#include "core/statefile.h"
#include "table/zone_file.h"


/* of all kinds of tables */
#define WGW_ZONE_HEADER  4096
#define WGW_ZONE_BOOT    16


_Static_assert(WGW_TABLE_HEADER == WGW_ZONE_HEADER, "header");
_Static_assert(WGW_EXPIRING_HEADER == WGW_ZONE_HEADER, "header");
_Static_assert(WGW_TABLE_BOOT == WGW_ZONE_BOOT, "boot");
_Static_assert(WGW_EXPIRING_BOOT == WGW_ZONE_BOOT, "boot");


static ngx_int_t wgw_zone_fill(ngx_log_t *log, wgw_zone_t *zone, char *tmp,
    ngx_fd_t fd);
static ngx_err_t wgw_zone_write(ngx_fd_t fd, const wgw_zone_t *zone);
static ngx_int_t wgw_zone_compare(ngx_log_t *log, wgw_zone_t *zone,
    const wgw_zone_t *made);
static ngx_int_t wgw_zone_boot(u_char boot[WGW_ZONE_BOOT]);


/* Leaves the open file, made by this process or by another meanwhile. */

ngx_int_t
wgw_zone_make(ngx_log_t *log, wgw_zone_t *zone, ngx_fd_t *fd)
{
    char            tmp[NGX_MAX_PATH];
    ngx_int_t       rc;
    ngx_msec_t      waited;

    if (zone->file.len + sizeof(".tmp") > NGX_MAX_PATH) {
        return wgw_zone_error(log, zone, 0, "has too long a name");
    }

    *ngx_sprintf((u_char *) tmp, "%V.tmp", &zone->file) = '\0';

    for (waited = 0; waited < WGW_ZONE_WAIT; waited += WGW_ZONE_NAP) {

        *fd = wgw_statefile_tmp(tmp, 1);

        if (*fd == -1) {
            return wgw_zone_error(log, zone, ngx_errno, "cannot be made");
        }

        rc = wgw_zone_fill(log, zone, tmp, *fd);

        if (rc != WGW_ZONE_RETRY) {
            if (rc != NGX_OK) {
                (void) close(*fd);
            }

            return rc;
        }

        (void) close(*fd);

        *fd = open((char *) zone->file.data, O_RDWR|O_CLOEXEC);

        if (*fd != -1) {
            return NGX_OK;
        }

        ngx_msleep(WGW_ZONE_NAP);
    }

    return wgw_zone_error(log, zone, 0, "is being made by another process");
}


/*
 * WGW_ZONE_RETRY: another process makes the table, or was faster.  One that
 * was killed while it made it has left some of FILE.tmp and no lock.
 */

static ngx_int_t
wgw_zone_fill(ngx_log_t *log, wgw_zone_t *zone, char *tmp, ngx_fd_t fd)
{
    ngx_err_t         err;
    ngx_file_info_t   fi, other;

    if (flock(fd, LOCK_EX|LOCK_NB) == -1) {
        return ngx_errno == EWOULDBLOCK ? WGW_ZONE_RETRY
               : wgw_zone_error(log, zone, ngx_errno, "cannot be locked");
    }

    if (fstat(fd, &fi) == -1 || stat(tmp, &other) == -1
        || fi.st_ino != other.st_ino || fi.st_dev != other.st_dev)
    {
        return WGW_ZONE_RETRY;
    }

    if (access((char *) zone->file.data, F_OK) == 0) {
        (void) unlink(tmp);
        return WGW_ZONE_RETRY;
    }

    err = wgw_zone_write(fd, zone);

    if (err == 0 && rename(tmp, (char *) zone->file.data) == -1) {
        err = ngx_errno;
    }

    if (err) {
        (void) unlink(tmp);
        return wgw_zone_error(log, zone, err, "cannot be made");
    }

    return NGX_OK;
}


static ngx_err_t
wgw_zone_write(ngx_fd_t fd, const wgw_zone_t *zone)
{
    void        *memory;
    size_t       size;
    u_char       seed[WGW_HASH_SEED];
    ngx_err_t    err;
    wgw_zone_t   new;

    size = zone->class->size(zone);

    if (ftruncate(fd, 0) == -1) {
        return ngx_errno;
    }

    err = posix_fallocate(fd, 0, size);

    if (err) {
        return err;
    }

    if (wgw_zone_seed(zone, seed) != NGX_OK) {
        return EIO;
    }

    memory = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);

    if (memory == MAP_FAILED) {
        return ngx_errno;
    }

    new = *zone;

    new.class->format(&new, memory, seed);
    new.class->open(&new, memory);
    (void) wgw_zone_boot(new.class->boot(&new));

    (void) munmap(memory, size);

    return fsync(fd) == -1 ? ngx_errno : 0;
}


ngx_int_t
wgw_zone_seed(const wgw_zone_t *zone, u_char *seed)
{
    if (zone->seed) {
        ngx_memcpy(seed, zone->seed, WGW_HASH_SEED);
        return NGX_OK;
    }

    return RAND_bytes(seed, WGW_HASH_SEED) == 1 ? NGX_OK : NGX_ERROR;
}


ngx_int_t
wgw_zone_check(ngx_log_t *log, wgw_zone_t *zone, ngx_fd_t fd,
    wgw_zone_t *made, ngx_file_info_t *fi)
{
    ssize_t      n;
    u_char       header[WGW_ZONE_HEADER];
    const char  *error;

    if (fstat(fd, fi) == -1) {
        return wgw_zone_error(log, zone, ngx_errno, "cannot be read");
    }

    if (!S_ISREG(fi->st_mode)) {
        return wgw_zone_error(log, zone, 0, "is not a regular file");
    }

    ngx_memzero(header, WGW_ZONE_HEADER);

    n = pread(fd, header, WGW_ZONE_HEADER, 0);

    if (n == -1) {
        return wgw_zone_error(log, zone, ngx_errno, "cannot be read");
    }

    *made = *zone;

    if (zone->class->check(made, header, fd, fi->st_size, &error) != 0) {
        return wgw_zone_error(log, zone, 0, error);
    }

    return wgw_zone_compare(log, zone, made);
}


static ngx_int_t
wgw_zone_compare(ngx_log_t *log, wgw_zone_t *zone, const wgw_zone_t *made)
{
    u_char     text[2][WGW_ZONE_TEXT];
    ngx_int_t  rc;

    wgw_zone_describe(made, text[0]);
    wgw_zone_describe(zone, text[1]);

    if (ngx_strcmp(text[0], text[1]) == 0) {
        return NGX_OK;
    }

    rc = zone->class->growth ? zone->class->growth->compare(zone, made)
                             : NGX_DECLINED;

    return rc == NGX_DECLINED ? wgw_zone_differs(log, zone, made) : rc;
}


ngx_int_t
wgw_zone_differs(ngx_log_t *log, wgw_zone_t *zone, const wgw_zone_t *made)
{
    u_char  text[2][WGW_ZONE_TEXT];

    wgw_zone_describe(made, text[0]);
    wgw_zone_describe(zone, text[1]);

    (void) wgw_line_error(log, &zone->line, 0,
                          "wgw table \"%V\" was made with %s, "
                          "the configuration says %s", &zone->file, text[0],
                          text[1]);
    return NGX_ERROR;
}


void
wgw_zone_describe(const wgw_zone_t *zone, u_char text[WGW_ZONE_TEXT])
{
    *zone->class->describe(zone, text, text + WGW_ZONE_TEXT - 1) = '\0';
}


/*
 * A file that was copied may have got holes: they are filled now, as no page
 * may be without a place on the disk when it is written to.
 */

ngx_int_t
wgw_zone_map(ngx_log_t *log, wgw_zone_t *zone, wgw_mapping_t *m,
    const wgw_table_parts_t *parts)
{
    int          flags;
    void        *memory;
    ngx_err_t    err;
    ngx_uint_t   n;

    flags = m->fd == NGX_INVALID_FILE ? MAP_SHARED|MAP_ANONYMOUS : MAP_SHARED;

    for (n = m->parts.count; n < parts->count; n++) {

        if (m->fd != NGX_INVALID_FILE) {
            err = posix_fallocate(m->fd, parts->parts[n].offset,
                                  parts->parts[n].size);

            if (err) {
                return wgw_zone_error(log, zone, err, "cannot be allocated");
            }
        }

        memory = mmap(NULL, parts->parts[n].size, PROT_READ|PROT_WRITE, flags,
                      m->fd, parts->parts[n].offset);

        if (memory == MAP_FAILED) {
            return wgw_zone_error(log, zone, ngx_errno, "cannot be mapped");
        }

        wgw_zone_mapped(m, memory, parts->parts[n].size,
                        parts->parts[n].offset);
    }

    return NGX_OK;
}


void
wgw_zone_mapped(wgw_mapping_t *m, void *memory, size_t size, uint64_t offset)
{
    ngx_uint_t    n;
    wgw_fault_t  *fault;

    n = m->parts.count++;

    m->memory[n] = memory;
    m->parts.parts[n].offset = offset;
    m->parts.parts[n].size = size;

    if (m->fd == NGX_INVALID_FILE) {
        return;
    }

    fault = &m->faults[n];

    fault->start = memory;
    fault->size = size;
    fault->lost = &m->lost;

    wgw_fault_add(fault);

    if (n == 0) {
        ngx_memcpy(m->head, memory, WGW_ZONE_HEAD);
    }
}


void
wgw_zone_unmap(wgw_mapping_t *m)
{
    ngx_uint_t  n;

    for (n = 0; n < m->parts.count; n++) {
        wgw_fault_remove(&m->faults[n]);
        (void) munmap(m->memory[n], m->parts.parts[n].size);
    }

    m->parts.count = 0;

    if (m->lease_memory) {
        wgw_fault_remove(&m->lease_fault);
        (void) munmap(m->lease_memory, wgw_lease_size(WGW_LEASE_RECORDS));
        (void) close(m->lease_fd);
        m->lease_memory = NULL;
    }
}


void
wgw_zone_view(wgw_zone_t *zone, wgw_mapping_t *m)
{
    ngx_uint_t  n;

    zone->class->open(zone, m->memory[0]);

    for (n = 1; n < m->parts.count; n++) {
        zone->class->growth->join(zone, m->memory[n]);
    }
}


/* What others use grows as it is, and never becomes smaller. */

ngx_int_t
wgw_zone_adapt(ngx_log_t *log, wgw_zone_t *zone, wgw_mapping_t *m,
    ngx_fd_t fd)
{
    ngx_int_t         rc;
    wgw_zone_t        made;
    const char       *error;
    ngx_file_info_t   fi;

    rc = wgw_zone_check(log, zone, fd, &made, &fi);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == WGW_ZONE_FEWER) {
        return wgw_zone_differs(log, zone, &made);
    }

    if (rc == WGW_ZONE_MORE) {
        if (zone->class->growth->append(zone, fd, &error) != 0) {
            return wgw_zone_error(log, zone, ngx_errno, error);
        }

        if (wgw_zone_check(log, zone, fd, &made, &fi) != NGX_OK) {
            return wgw_zone_error(log, zone, 0, "was grown by another");
        }

        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "wgw table \"%V\" has grown to %uD keys, "
                      "in %uD segments", &zone->file, made.parts.keys,
                      made.parts.count);
    }

    return wgw_zone_map(log, zone, m, &made.parts);
}


ngx_int_t
wgw_zone_repair(ngx_log_t *log, wgw_zone_t *zone, wgw_mapping_t *m)
{
    u_char       boot[WGW_ZONE_BOOT];
    uint8_t     *last;
    uint32_t     dropped;
    ngx_int_t    known;
    ngx_uint_t   n, rebuild;

    wgw_zone_view(zone, m);

    known = wgw_zone_boot(boot);
    last = zone->class->boot(zone);

    rebuild = known != NGX_OK || ngx_memcmp(last, boot, WGW_ZONE_BOOT) != 0;

    dropped = zone->class->repair(zone, rebuild);

    if (dropped) {
        ngx_log_error(NGX_LOG_WARN, log, 0, zone->class->lost, &zone->file,
                      dropped);
    }

    /* the next start may trust the index only once it is on the disk */

    for (n = 0; rebuild && n < m->parts.count; n++) {
        if (msync(m->memory[n], m->parts.parts[n].size, MS_SYNC) == -1) {
            return wgw_zone_error(log, zone, ngx_errno, "cannot be written");
        }
    }

    ngx_memcpy(last, boot, WGW_ZONE_BOOT);

    return NGX_OK;
}


/* The boot's id, "xxxxxxxx-xxxx-...", without the dashes, as bytes. */

static ngx_int_t
wgw_zone_boot(u_char boot[WGW_ZONE_BOOT])
{
    u_char      text[36], hex[2 * WGW_ZONE_BOOT];
    ssize_t     n;
    ngx_int_t   byte;
    ngx_fd_t    fd;
    ngx_uint_t  i, digits;

    ngx_memzero(boot, WGW_ZONE_BOOT);

    fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY|O_CLOEXEC);

    if (fd == -1) {
        return NGX_ERROR;
    }

    n = read(fd, text, sizeof(text));

    (void) close(fd);

    digits = 0;

    for (i = 0; n > 0 && i < (size_t) n; i++) {
        if (text[i] != '-' && digits < sizeof(hex)) {
            hex[digits++] = text[i];
        }
    }

    if (digits != sizeof(hex)) {
        return NGX_ERROR;
    }

    for (i = 0; i < WGW_ZONE_BOOT; i++) {
        byte = ngx_hextoi(&hex[2 * i], 2);

        if (byte == NGX_ERROR) {
            return NGX_ERROR;
        }

        boot[i] = (u_char) byte;
    }

    return NGX_OK;
}


ngx_int_t
wgw_zone_error(ngx_log_t *log, wgw_zone_t *zone, ngx_err_t err,
    const char *what)
{
    (void) wgw_line_error(log, &zone->line, err, "wgw table \"%V\" %s",
                          zone->file.len ? &zone->file : &zone->name, what);
    return NGX_ERROR;
}
