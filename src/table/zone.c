
/*
 * Zones of cycles, and the list of what they have mapped.
 */

#include "core/statefile.h"
#include "table/zone.h"
#include "table/zone_file.h"
#include "table/zone_lock.h"


/* how often a file may be replaced while it is opened */
#define WGW_ZONE_TRIES  100


#define WGW_ZONE_CLAIM      "wgw zone's file"
#define WGW_ZONE_CLAIM_LEN  sizeof(WGW_ZONE_CLAIM)


typedef struct {
    wgw_mapping_t      *mapping;
    ngx_cycle_t        *cycle;
} wgw_mapping_use_t;


typedef struct {
    char                magic[WGW_ZONE_CLAIM_LEN];
    ngx_str_t           file;
    ngx_str_t           name;
} wgw_zone_claim_t;


static ngx_int_t wgw_zone_open_anonymous(ngx_cycle_t *cycle,
    wgw_zone_t *zone);
static ngx_int_t wgw_zone_keep_anonymous(ngx_cycle_t *cycle,
    wgw_zone_t *zone, wgw_mapping_t *m);
static ngx_int_t wgw_zone_grow_anonymous(ngx_cycle_t *cycle,
    wgw_zone_t *zone, wgw_mapping_t *m);
static ngx_int_t wgw_zone_open_file(ngx_cycle_t *cycle, wgw_zone_t *zone);
static ngx_int_t wgw_zone_open_once(ngx_cycle_t *cycle, wgw_zone_t *zone);
static ngx_int_t wgw_zone_look(ngx_cycle_t *cycle, wgw_zone_t *zone);
static ngx_int_t wgw_zone_use(ngx_cycle_t *cycle, wgw_zone_t *zone,
    wgw_mapping_t *m);
static ngx_int_t wgw_zone_twice(ngx_cycle_t *cycle, wgw_zone_t *zone,
    ngx_str_t *other);
static ngx_int_t wgw_zone_place(ngx_cycle_t *cycle, wgw_zone_t *zone);

static wgw_mapping_t *wgw_mapping_create(ngx_log_t *log, wgw_zone_t *zone);
static wgw_mapping_t *wgw_mapping_find(dev_t device, ino_t inode);
static void wgw_mapping_unuse(void *data);
static void wgw_mapping_destroy(wgw_mapping_t *m);


static wgw_mapping_t  *wgw_mappings;


wgw_zone_t *
wgw_zone_get(ngx_conf_t *cf, ngx_array_t *zones, ngx_str_t *name,
    const wgw_zone_class_t *class, size_t size)
{
    ngx_uint_t    i;
    wgw_zone_t   *zone, **p;

    p = zones->elts;

    for (i = 0; i < zones->nelts; i++) {
        if (p[i]->name.len == name->len
            && ngx_strncmp(p[i]->name.data, name->data, name->len) == 0)
        {
            return p[i];
        }
    }

    zone = ngx_pcalloc(cf->pool, size);
    if (zone == NULL) {
        return NULL;
    }

    zone->class = class;
    zone->name = *name;
    zone->line = wgw_line(cf);

    p = ngx_array_push(zones);
    if (p == NULL) {
        return NULL;
    }

    *p = zone;

    return zone;
}


ngx_int_t
wgw_zone_define(ngx_conf_t *cf, wgw_zone_t *zone)
{
    if (zone->defined) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" is duplicate", &zone->name);
        return NGX_ERROR;
    }

    zone->defined = 1;
    zone->line = wgw_line(cf);

    return NGX_OK;
}


ngx_int_t
wgw_zone_defined(ngx_cycle_t *cycle, ngx_array_t *zones,
    const char *directive)
{
    ngx_uint_t    i;
    wgw_zone_t  **zone;

    zone = zones->elts;

    for (i = 0; i < zones->nelts; i++) {
        if (!zone[i]->defined) {
            (void) wgw_line_error(cycle->log, &zone[i]->line, 0,
                                  "unknown %s \"%V\"", directive,
                                  &zone[i]->name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
wgw_zone_open(ngx_cycle_t *cycle, wgw_zone_t *zone)
{
    const char  *error;

    if (zone->file.len && wgw_zone_place(cycle, zone) != NGX_OK) {
        return NGX_ERROR;
    }

    error = zone->file.len ? wgw_statefile_unfit((char *) zone->file.data)
                           : NULL;
    if (error) {
        return wgw_zone_error(cycle->log, zone, 0, error);
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
    u_char              seed[WGW_HASH_SEED];
    ngx_int_t           rc;
    wgw_mapping_t      *m;
    wgw_table_parts_t   parts;

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
        rc = wgw_zone_keep_anonymous(cycle, zone, m);

        if (rc != NGX_DECLINED) {
            return rc;
        }

        /* one of that seed gets what the other has, see notes.h */

        if (zone->seed == NULL) {
            ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                          "wgw zone \"%V\" was changed and starts anew",
                          &zone->name);
        }
    }

    if (wgw_zone_seed(zone, seed) != NGX_OK) {
        return wgw_zone_error(cycle->log, zone, 0, "has no random seed");
    }

    m = wgw_mapping_create(cycle->log, zone);
    if (m == NULL) {
        return NGX_ERROR;
    }

    parts.count = 1;
    parts.parts[0].offset = 0;
    parts.parts[0].size = zone->class->size(zone);

    if (wgw_zone_map(cycle->log, zone, m, &parts) != NGX_OK) {
        wgw_mapping_destroy(m);
        return NGX_ERROR;
    }

    zone->class->format(zone, m->memory[0], seed);

    return wgw_zone_use(cycle, zone, m);
}


/*
 * NGX_DECLINED: it starts anew.  One of counters has what it counted, and the
 * room it was made with, as long as the master lives.
 */

static ngx_int_t
wgw_zone_keep_anonymous(ngx_cycle_t *cycle, wgw_zone_t *zone,
    wgw_mapping_t *m)
{
    u_char     text[2][WGW_ZONE_TEXT];
    ngx_int_t  rc;

    wgw_zone_describe(&m->made, text[0]);
    wgw_zone_describe(zone, text[1]);

    if (ngx_strcmp(text[0], text[1]) == 0) {
        return zone->class->growth
               || m->parts.parts[0].size == zone->class->size(zone)
               ? wgw_zone_use(cycle, zone, m) : NGX_DECLINED;
    }

    if (zone->class->growth == NULL) {
        return NGX_DECLINED;
    }

    rc = zone->class->growth->compare(zone, &m->made);

    if (rc == WGW_ZONE_MORE) {
        return wgw_zone_grow_anonymous(cycle, zone, m);
    }

    if (rc != WGW_ZONE_FEWER) {
        return NGX_DECLINED;
    }

    ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                  "wgw zone \"%V\" has %s until a restart", &zone->name,
                  text[0]);

    zone->conf.keys = m->made.conf.keys;

    return wgw_zone_use(cycle, zone, m);
}


static ngx_int_t
wgw_zone_grow_anonymous(ngx_cycle_t *cycle, wgw_zone_t *zone,
    wgw_mapping_t *m)
{
    ngx_uint_t          n;
    wgw_zone_t          more;
    wgw_table_parts_t   parts;

    n = m->parts.count;

    if (n == WGW_TABLE_SEGMENTS) {
        return wgw_zone_error(cycle->log, zone, 0,
                              "has grown too often, a restart lets it grow "
                              "again");
    }

    more = *zone;
    more.conf.keys -= m->made.conf.keys;

    parts = m->parts;
    parts.parts[n].offset = 0;
    parts.parts[n].size = zone->class->size(&more);
    parts.count++;

    if (wgw_zone_map(cycle->log, zone, m, &parts) != NGX_OK) {
        return NGX_ERROR;
    }

    zone->class->growth->more(&more, m->memory[n], m->memory[0], n);

    m->made.conf.keys = zone->conf.keys;

    return wgw_zone_use(cycle, zone, m);
}


static ngx_int_t
wgw_zone_open_file(ngx_cycle_t *cycle, wgw_zone_t *zone)
{
    ngx_int_t       rc;
    ngx_uint_t      tries;
    wgw_mapping_t  *m;

    m = wgw_zone_kept(cycle->log, zone, wgw_mappings);

    if (m) {
        rc = wgw_zone_adapt(cycle->log, zone, m, m->fd);

        return rc == NGX_OK ? wgw_zone_use(cycle, zone, m) : rc;
    }

    for (tries = 0; tries < WGW_ZONE_TRIES; tries++) {
        rc = wgw_zone_open_once(cycle, zone);

        if (rc != WGW_ZONE_RETRY) {
            return rc;
        }
    }

    return wgw_zone_error(cycle->log, zone, 0,
                          "is being replaced by another process");
}


static ngx_int_t
wgw_zone_open_once(ngx_cycle_t *cycle, wgw_zone_t *zone)
{
    ngx_fd_t          fd;
    ngx_int_t         rc;
    ngx_log_t        *log;
    wgw_zone_t        made;
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

    if (wgw_zone_check(log, zone, fd, &made, &fi) == NGX_ERROR) {
        (void) close(fd);
        return NGX_ERROR;
    }

    m = wgw_mapping_find(fi.st_dev, fi.st_ino);

    if (m) {
        rc = wgw_zone_adapt(log, zone, m, fd);
        (void) close(fd);

        return rc == NGX_OK ? wgw_zone_use(cycle, zone, m) : rc;
    }

    m = wgw_mapping_create(log, zone);
    if (m == NULL) {
        (void) close(fd);
        return NGX_ERROR;
    }

    m->fd = fd;
    m->device = fi.st_dev;
    m->inode = fi.st_ino;

    rc = wgw_zone_map(log, zone, m, &made.parts);

    if (rc == NGX_OK) {
        rc = wgw_zone_lock(cycle, zone, m);
    }

    if (rc != NGX_OK) {
        wgw_mapping_destroy(m);
        return rc;
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
    wgw_zone_t        made;
    wgw_mapping_t    *m;
    ngx_file_info_t   fi;

    ngx_memzero(&fi, sizeof(ngx_file_info_t));

    if (zone->file.len) {
        fd = open((char *) zone->file.data, O_RDONLY|O_NONBLOCK|O_CLOEXEC);

        if (fd != -1) {
            rc = wgw_zone_check(cycle->log, zone, fd, &made, &fi);

            (void) close(fd);

            if (rc == NGX_ERROR
                || wgw_zone_usable(cycle->log, zone, &made, &fi, rc)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }

            if (rc == WGW_ZONE_FEWER) {
                ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                              "wgw table \"%V\" was made with %uD keys: only "
                              "a start, not a reload, can make it smaller",
                              &zone->file, made.parts.keys);
            }

        } else if (ngx_errno != NGX_ENOENT) {
            return wgw_zone_error(cycle->log, zone, ngx_errno,
                                  "cannot be opened");

        } else if (wgw_zone_makes(cycle->log, zone) != NGX_OK) {
            return NGX_ERROR;
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
        return wgw_zone_twice(cycle, zone, &m->zone->name);
    }

    if (m->parts.count && m->holders == NULL && m->class->holders) {
        m->holders = m->class->holders();
    }

    cln = ngx_pool_cleanup_add(cycle->pool, sizeof(wgw_mapping_use_t));

    if (cln == NULL
        || (m->parts.count && m->holders == NULL && m->class->holders))
    {
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
    zone->holders = m->holders;
    zone->lost = &m->lost;

    if (m->parts.count) {
        wgw_zone_view(zone, m);
    }

    return NGX_OK;
}


/*
 * What holds for a start as well.  The other modules' files are known by
 * what each leaves in the pool of the cycle, as they share no symbols: an
 * entry without a handler, which nginx skips.
 */

static ngx_int_t
wgw_zone_place(ngx_cycle_t *cycle, wgw_zone_t *zone)
{
    const char          *error;
    wgw_zone_claim_t    *claim;
    ngx_pool_cleanup_t  *cln;

    if (wgw_place_shared((char *) zone->file.data, &error) != 0) {
        return wgw_zone_error(cycle->log, zone, ngx_errno, error);
    }

    for (cln = cycle->pool->cleanup; cln; cln = cln->next) {
        claim = cln->data;

        if (cln->handler == NULL && claim
            && ngx_memcmp(claim->magic, WGW_ZONE_CLAIM, WGW_ZONE_CLAIM_LEN)
               == 0
            && (ngx_strcmp(claim->file.data, zone->file.data) == 0
                || wgw_place_same((char *) claim->file.data,
                                  (char *) zone->file.data)))
        {
            return wgw_zone_twice(cycle, zone, &claim->name);
        }
    }

    cln = ngx_pool_cleanup_add(cycle->pool, sizeof(wgw_zone_claim_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    claim = cln->data;

    ngx_memcpy(claim->magic, WGW_ZONE_CLAIM, WGW_ZONE_CLAIM_LEN);
    claim->file = zone->file;
    claim->name = zone->name;

    return NGX_OK;
}


static ngx_int_t
wgw_zone_twice(ngx_cycle_t *cycle, wgw_zone_t *zone, ngx_str_t *other)
{
    (void) wgw_line_error(cycle->log, &zone->line, 0,
                          "wgw table \"%V\" is already used by zone \"%V\"",
                          zone->file.len ? &zone->file : &zone->name,
                          other);
    return NGX_ERROR;
}


static wgw_mapping_t *
wgw_mapping_create(ngx_log_t *log, wgw_zone_t *zone)
{
    wgw_mapping_t  *m;

    m = ngx_calloc(sizeof(wgw_mapping_t) + zone->name.len + zone->file.len + 1,
                   log);

    if (m == NULL) {
        return NULL;
    }

    m->name.len = zone->name.len;
    m->name.data = (u_char *) m + sizeof(wgw_mapping_t);
    ngx_memcpy(m->name.data, zone->name.data, zone->name.len);

    m->file.len = zone->file.len;
    m->file.data = m->name.data + zone->name.len;
    ngx_memcpy(m->file.data, zone->file.data, zone->file.len);

    m->fd = NGX_INVALID_FILE;
    m->class = zone->class;
    m->made = *zone;

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

    wgw_zone_unmap(m);

    if (m->holders) {
        m->class->forget(m->holders);
    }

    if (m->fd != NGX_INVALID_FILE) {
        (void) close(m->fd);
    }

    ngx_free(m);
}
