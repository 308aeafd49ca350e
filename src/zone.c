
/*
 * The lock: whoever uses a file holds it shared, through a descriptor that
 * workers inherit, until the last process of the instance is gone.  Whoever
 * gets it exclusive is alone.  FILE.tmp is locked exclusive by the process
 * that makes it, and becomes FILE only while it holds that lock.
 */

#include <sys/file.h>

#include <openssl/rand.h>

#include "zone.h"


/* as long as another master may take to repair or to make a table */
#define WGW_ZONE_WAIT   10000   /* ms */
#define WGW_ZONE_NAP    20

#define WGW_ZONE_RETRY  NGX_AGAIN

/* of all kinds of tables */
#define WGW_ZONE_HEADER  4096
#define WGW_ZONE_BOOT    16
#define WGW_ZONE_TEXT    128


_Static_assert(WGW_TABLE_HEADER == WGW_ZONE_HEADER, "header");
_Static_assert(WGW_EXPIRING_HEADER == WGW_ZONE_HEADER, "header");
_Static_assert(WGW_TABLE_BOOT == WGW_ZONE_BOOT, "boot");
_Static_assert(WGW_EXPIRING_BOOT == WGW_ZONE_BOOT, "boot");


typedef struct wgw_mapping_s  wgw_mapping_t;

struct wgw_mapping_s {
    wgw_mapping_t           *next;
    ngx_cycle_t             *cycle;     /* the newest that uses it */
    wgw_zone_t              *zone;      /* of that cycle */
    const wgw_zone_class_t  *class;
    ngx_uint_t               cycles;
    ngx_str_t                name;      /* a copy: cycles come and go */
    dev_t                    device;
    ino_t                    inode;
    ngx_fd_t                 fd;
    void                    *memory;
    size_t                   size;
    u_char                   made[WGW_ZONE_TEXT];
};


typedef struct {
    wgw_mapping_t      *mapping;
    ngx_cycle_t        *cycle;
} wgw_mapping_use_t;


static ngx_int_t wgw_zone_open_anonymous(ngx_cycle_t *cycle,
    wgw_zone_t *zone);
static ngx_int_t wgw_zone_open_file(ngx_cycle_t *cycle, wgw_zone_t *zone);
static ngx_int_t wgw_zone_look(ngx_cycle_t *cycle, wgw_zone_t *zone);
static ngx_int_t wgw_zone_use(ngx_cycle_t *cycle, wgw_zone_t *zone,
    wgw_mapping_t *m);
static ngx_int_t wgw_zone_twice(ngx_cycle_t *cycle, wgw_zone_t *zone,
    wgw_mapping_t *m);

static ngx_int_t wgw_zone_make(ngx_log_t *log, wgw_zone_t *zone,
    ngx_fd_t *fd);
static ngx_int_t wgw_zone_fill(ngx_log_t *log, wgw_zone_t *zone, char *tmp,
    ngx_fd_t fd);
static ngx_err_t wgw_zone_write(ngx_fd_t fd, const wgw_zone_t *zone);
static ngx_int_t wgw_zone_check(ngx_log_t *log, wgw_zone_t *zone,
    ngx_fd_t fd, ngx_file_info_t *fi);
static ngx_int_t wgw_zone_conf(ngx_log_t *log, wgw_zone_t *zone,
    const wgw_zone_t *made);
static void wgw_zone_describe(const wgw_zone_t *zone,
    u_char text[WGW_ZONE_TEXT]);
static ngx_int_t wgw_zone_map(ngx_log_t *log, wgw_zone_t *zone,
    wgw_mapping_t *m);
static ngx_int_t wgw_zone_lock(ngx_log_t *log, wgw_zone_t *zone,
    wgw_mapping_t *m);
static ngx_int_t wgw_zone_repair(ngx_log_t *log, wgw_zone_t *zone,
    wgw_mapping_t *m);
static ngx_int_t wgw_zone_boot(u_char boot[WGW_ZONE_BOOT]);

static wgw_mapping_t *wgw_mapping_create(ngx_log_t *log, wgw_zone_t *zone);
static wgw_mapping_t *wgw_mapping_find(dev_t device, ino_t inode);
static void wgw_mapping_unuse(void *data);
static void wgw_mapping_destroy(wgw_mapping_t *m);

static ngx_int_t wgw_zone_error(ngx_log_t *log, wgw_zone_t *zone,
    ngx_err_t err, const char *what);


static wgw_mapping_t  *wgw_mappings;


ngx_int_t
wgw_zone_open(ngx_cycle_t *cycle, wgw_zone_t *zone)
{
    wgw_mapping_t  *m;

    for (m = wgw_mappings; m; m = m->next) {
        if (m->cycle == cycle && zone->file.len
            && m->zone->file.len == zone->file.len
            && ngx_strncmp(m->zone->file.data, zone->file.data,
                           zone->file.len)
               == 0)
        {
            return wgw_zone_twice(cycle, zone, m);
        }
    }

    if (ngx_test_config || ngx_process == NGX_PROCESS_SIGNALLER) {
        return wgw_zone_look(cycle, zone);
    }

    if (zone->file.len == 0) {
        return wgw_zone_open_anonymous(cycle, zone);
    }

    return wgw_zone_open_file(cycle, zone);
}


static ngx_int_t
wgw_zone_open_anonymous(ngx_cycle_t *cycle, wgw_zone_t *zone)
{
    u_char          seed[WGW_HASH_SEED], made[WGW_ZONE_TEXT];
    wgw_mapping_t  *m;

    /* the newest of that name comes first */

    for (m = wgw_mappings; m; m = m->next) {
        if (m->inode == 0 && m->class == zone->class
            && m->name.len == zone->name.len
            && ngx_strncmp(m->name.data, zone->name.data, m->name.len) == 0)
        {
            break;
        }
    }

    if (m) {
        wgw_zone_describe(zone, made);

        if (ngx_strcmp(m->made, made) == 0
            && m->size == zone->class->size(zone))
        {
            return wgw_zone_use(cycle, zone, m);
        }

        ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                      "wgw zone \"%V\" was changed and starts anew",
                      &zone->name);
    }

    if (RAND_bytes(seed, WGW_HASH_SEED) != 1) {
        return wgw_zone_error(cycle->log, zone, 0, "has no random seed");
    }

    m = wgw_mapping_create(cycle->log, zone);
    if (m == NULL) {
        return NGX_ERROR;
    }

    m->size = zone->class->size(zone);

    if (wgw_zone_map(cycle->log, zone, m) != NGX_OK) {
        wgw_mapping_destroy(m);
        return NGX_ERROR;
    }

    zone->class->format(zone, m->memory, seed);

    return wgw_zone_use(cycle, zone, m);
}


static ngx_int_t
wgw_zone_open_file(ngx_cycle_t *cycle, wgw_zone_t *zone)
{
    ngx_fd_t          fd;
    ngx_log_t        *log;
    wgw_mapping_t    *m;
    ngx_file_info_t   fi;

    log = cycle->log;

    fd = open((char *) zone->file.data, O_RDWR|O_CLOEXEC);

    if (fd == -1) {
        if (ngx_errno != NGX_ENOENT) {
            return wgw_zone_error(log, zone, ngx_errno, "cannot be opened");
        }

        if (wgw_zone_make(log, zone, &fd) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (wgw_zone_check(log, zone, fd, &fi) != NGX_OK) {
        (void) close(fd);
        return NGX_ERROR;
    }

    m = wgw_mapping_find(fi.st_dev, fi.st_ino);

    if (m) {
        (void) close(fd);
        return wgw_zone_use(cycle, zone, m);
    }

    m = wgw_mapping_create(log, zone);

    if (m == NULL) {
        (void) close(fd);
        return NGX_ERROR;
    }

    m->fd = fd;
    m->device = fi.st_dev;
    m->inode = fi.st_ino;
    m->size = fi.st_size;

    if (wgw_zone_map(log, zone, m) != NGX_OK
        || wgw_zone_lock(log, zone, m) != NGX_OK)
    {
        wgw_mapping_destroy(m);
        return NGX_ERROR;
    }

    return wgw_zone_use(cycle, zone, m);
}


/*
 * A configuration that is only tested gets no table.  Its zones are kept in
 * the list, without memory, for the names that are used twice.
 */

static ngx_int_t
wgw_zone_look(ngx_cycle_t *cycle, wgw_zone_t *zone)
{
    ngx_fd_t          fd;
    ngx_int_t         rc;
    wgw_mapping_t    *m;
    ngx_file_info_t   fi;

    ngx_memzero(&fi, sizeof(ngx_file_info_t));

    if (zone->file.len) {
        fd = open((char *) zone->file.data, O_RDONLY|O_NONBLOCK|O_CLOEXEC);

        if (fd != -1) {
            rc = wgw_zone_check(cycle->log, zone, fd, &fi);

            (void) close(fd);

            if (rc != NGX_OK) {
                return NGX_ERROR;
            }

        } else if (ngx_errno != NGX_ENOENT) {
            return wgw_zone_error(cycle->log, zone, ngx_errno,
                                  "cannot be opened");
        }
    }

    m = fi.st_ino ? wgw_mapping_find(fi.st_dev, fi.st_ino) : NULL;

    if (m == NULL) {
        m = wgw_mapping_create(cycle->log, zone);

        if (m == NULL) {
            return NGX_ERROR;
        }

        m->device = fi.st_dev;
        m->inode = fi.st_ino;
    }

    return wgw_zone_use(cycle, zone, m);
}


static ngx_int_t
wgw_zone_use(ngx_cycle_t *cycle, wgw_zone_t *zone, wgw_mapping_t *m)
{
    wgw_mapping_use_t   *use;
    ngx_pool_cleanup_t  *cln;

    if (m->cycle == cycle) {
        return wgw_zone_twice(cycle, zone, m);
    }

    cln = ngx_pool_cleanup_add(cycle->pool, sizeof(wgw_mapping_use_t));

    if (cln == NULL) {
        if (m->cycles == 0) {
            wgw_mapping_destroy(m);
        }

        return NGX_ERROR;
    }

    cln->handler = wgw_mapping_unuse;

    use = cln->data;
    use->mapping = m;
    use->cycle = cycle;

    m->cycle = cycle;
    m->zone = zone;
    m->cycles++;

    zone->mapping = m;

    if (m->memory) {
        zone->class->open(zone, m->memory);
    }

    return NGX_OK;
}


static ngx_int_t
wgw_zone_twice(ngx_cycle_t *cycle, wgw_zone_t *zone, wgw_mapping_t *m)
{
    ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                  "wgw table \"%V\" is already used by zone \"%V\"",
                  zone->file.len ? &zone->file : &zone->name, &m->zone->name);

    return NGX_ERROR;
}


/* Leaves the open file, made by this process or by another meanwhile. */

static ngx_int_t
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

        *fd = open(tmp, O_RDWR|O_CREAT|O_CLOEXEC, 0640);

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

    if (RAND_bytes(seed, WGW_HASH_SEED) != 1) {
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


static ngx_int_t
wgw_zone_check(ngx_log_t *log, wgw_zone_t *zone, ngx_fd_t fd,
    ngx_file_info_t *fi)
{
    ssize_t      n;
    u_char       header[WGW_ZONE_HEADER];
    const char  *error;
    wgw_zone_t   made;

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

    made = *zone;

    if (zone->class->check(&made, header, fi->st_size, &error) != 0) {
        return wgw_zone_error(log, zone, 0, error);
    }

    return wgw_zone_conf(log, zone, &made);
}


static ngx_int_t
wgw_zone_conf(ngx_log_t *log, wgw_zone_t *zone, const wgw_zone_t *made)
{
    u_char  text[2][WGW_ZONE_TEXT];

    wgw_zone_describe(made, text[0]);
    wgw_zone_describe(zone, text[1]);

    if (ngx_strcmp(text[0], text[1]) == 0) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, log, 0,
                  "wgw table \"%V\" was made with %s, "
                  "the configuration says %s", &zone->file, text[0], text[1]);

    return NGX_ERROR;
}


static void
wgw_zone_describe(const wgw_zone_t *zone, u_char text[WGW_ZONE_TEXT])
{
    *zone->class->describe(zone, text, text + WGW_ZONE_TEXT - 1) = '\0';
}


/*
 * A file that was copied may have got holes: they are filled now, as no page
 * may be without a place on the disk when it is written to.
 */

static ngx_int_t
wgw_zone_map(ngx_log_t *log, wgw_zone_t *zone, wgw_mapping_t *m)
{
    int        flags;
    ngx_err_t  err;

    flags = MAP_SHARED;

    if (m->fd == NGX_INVALID_FILE) {
        flags |= MAP_ANONYMOUS;

    } else {
        err = posix_fallocate(m->fd, 0, m->size);

        if (err) {
            return wgw_zone_error(log, zone, err, "cannot be allocated");
        }
    }

    m->memory = mmap(NULL, m->size, PROT_READ|PROT_WRITE, flags, m->fd, 0);

    if (m->memory == MAP_FAILED) {
        m->memory = NULL;
        return wgw_zone_error(log, zone, ngx_errno, "cannot be mapped");
    }

    return NGX_OK;
}


static ngx_int_t
wgw_zone_lock(ngx_log_t *log, wgw_zone_t *zone, wgw_mapping_t *m)
{
    ngx_msec_t  waited;

    if (flock(m->fd, LOCK_EX|LOCK_NB) == 0) {
        if (wgw_zone_repair(log, zone, m) != NGX_OK) {
            return NGX_ERROR;
        }

    } else if (ngx_errno != EWOULDBLOCK) {
        return wgw_zone_error(log, zone, ngx_errno, "cannot be locked");
    }

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


/* Alone: another boot than the table's may have found pages of all ages. */

static ngx_int_t
wgw_zone_repair(ngx_log_t *log, wgw_zone_t *zone, wgw_mapping_t *m)
{
    u_char       boot[WGW_ZONE_BOOT];
    uint8_t     *last;
    uint32_t     dropped;
    ngx_int_t    known;
    ngx_uint_t   rebuild;

    zone->class->open(zone, m->memory);

    known = wgw_zone_boot(boot);
    last = zone->class->boot(zone);

    rebuild = known != NGX_OK || ngx_memcmp(last, boot, WGW_ZONE_BOOT) != 0;

    dropped = zone->class->repair(zone, rebuild);

    if (dropped) {
        ngx_log_error(NGX_LOG_WARN, log, 0, zone->class->lost, &zone->file,
                      dropped);
    }

    /* the next start may trust the index only once it is on the disk */

    if (rebuild && msync(m->memory, m->size, MS_SYNC) == -1) {
        return wgw_zone_error(log, zone, ngx_errno, "cannot be written");
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


static wgw_mapping_t *
wgw_mapping_create(ngx_log_t *log, wgw_zone_t *zone)
{
    wgw_mapping_t  *m;

    m = ngx_calloc(sizeof(wgw_mapping_t) + zone->name.len, log);

    if (m == NULL) {
        return NULL;
    }

    m->name.len = zone->name.len;
    m->name.data = (u_char *) m + sizeof(wgw_mapping_t);
    ngx_memcpy(m->name.data, zone->name.data, zone->name.len);

    m->fd = NGX_INVALID_FILE;
    m->class = zone->class;
    wgw_zone_describe(zone, m->made);

    m->next = wgw_mappings;
    wgw_mappings = m;

    return m;
}


static wgw_mapping_t *
wgw_mapping_find(dev_t device, ino_t inode)
{
    wgw_mapping_t  *m;

    for (m = wgw_mappings; m; m = m->next) {
        if (m->inode == inode && m->device == device) {
            return m;
        }
    }

    return NULL;
}


static void
wgw_mapping_unuse(void *data)
{
    wgw_mapping_use_t  *use = data;

    wgw_mapping_t  *m;

    m = use->mapping;

    /* the address may be another cycle's soon */

    if (m->cycle == use->cycle) {
        m->cycle = NULL;
    }

    if (--m->cycles == 0) {
        wgw_mapping_destroy(m);
    }
}


/* Closing the descriptor unlocks when no worker has it any more. */

static void
wgw_mapping_destroy(wgw_mapping_t *m)
{
    wgw_mapping_t  **p;

    for (p = &wgw_mappings; *p != m; p = &(*p)->next) { /* void */ }

    *p = m->next;

    if (m->memory) {
        (void) munmap(m->memory, m->size);
    }

    if (m->fd != NGX_INVALID_FILE) {
        (void) close(m->fd);
    }

    ngx_free(m);
}


static ngx_int_t
wgw_zone_error(ngx_log_t *log, wgw_zone_t *zone, ngx_err_t err,
    const char *what)
{
    ngx_log_error(NGX_LOG_EMERG, log, err, "wgw table \"%V\" %s",
                  zone->file.len ? &zone->file : &zone->name, what);

    return NGX_ERROR;
}
