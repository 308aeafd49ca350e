
/*
 * zone_file: the files of zones, and their mappings, of which zone.c has the
 * list.
 */

#ifndef WGW_ZONE_FILE_H
#define WGW_ZONE_FILE_H


#include "core/place.h"
#include "table/fault.h"
#include "table/lease.h"
#include "table/zone_class.h"

#pragma GCC visibility push(hidden)


#define WGW_ZONE_TEXT   128
#define WGW_ZONE_HEAD   64      /* bytes of a header that never change */

#define WGW_ZONE_RETRY  NGX_AGAIN

/* as long as another master may take to repair or to make a table */
#define WGW_ZONE_WAIT   10000   /* ms */
#define WGW_ZONE_NAP    20


typedef struct wgw_mapping_s  wgw_mapping_t;

struct wgw_mapping_s {
    wgw_mapping_t           *next;
    ngx_cycle_t             *cycle;     /* the newest that uses it */
    wgw_zone_t              *zone;      /* of that cycle */
    const wgw_zone_class_t  *class;
    ngx_uint_t               cycles;
    ngx_str_t                name;      /* copies: cycles come and go */
    ngx_str_t                file;
    dev_t                    device;
    ino_t                    inode;
    ngx_fd_t                 fd;
    wgw_zone_t               made;      /* of an anonymous one */
    wgw_holders_t           *holders;   /* of a table of counters */
    wgw_table_parts_t        parts;     /* those that are mapped, ... */
    void                    *memory[WGW_TABLE_SEGMENTS];  /* ... here */
    wgw_fault_t              faults[WGW_TABLE_SEGMENTS];
    u_char                   head[WGW_ZONE_HEAD];   /* of memory[0] */
    volatile int             lost;      /* pages of it, in this process */
    wgw_lease_t              lease;     /* of zone_lease.h, ... */
    void                    *lease_memory;      /* ... or NULL */
    ngx_fd_t                 lease_fd;
    wgw_fault_t              lease_fault;
    volatile int             lease_lost;
    ngx_uint_t               told_lost; /* in the log */
    ngx_uint_t               told_name;
};


/* Leaves the open file, made by this process or by another meanwhile. */
ngx_int_t wgw_zone_make(ngx_log_t *log, wgw_zone_t *zone, ngx_fd_t *fd);

/*
 * Looks at a file.  Returns NGX_OK, WGW_ZONE_MORE or WGW_ZONE_FEWER and how
 * it was made, or NGX_ERROR when that is logged.
 */
ngx_int_t wgw_zone_check(ngx_log_t *log, wgw_zone_t *zone, ngx_fd_t fd,
    wgw_zone_t *made, ngx_file_info_t *fi);

/*
 * What a start would find, as far as a look can tell: a file that is not
 * there can be made, or one that was checked can be written and grown.
 * NGX_OK, or NGX_ERROR when that is logged.
 */
ngx_int_t wgw_zone_makes(ngx_log_t *log, wgw_zone_t *zone);
ngx_int_t wgw_zone_usable(ngx_log_t *log, wgw_zone_t *zone,
    const wgw_zone_t *made, const ngx_file_info_t *fi, ngx_int_t rc);

/* Logs that the configuration is another; returns NGX_ERROR. */
ngx_int_t wgw_zone_differs(ngx_log_t *log, wgw_zone_t *zone,
    const wgw_zone_t *made);

/*
 * The mapping of a list that a zone is to go on with, as its file has not the
 * name any more, which is logged; or NULL.
 */
wgw_mapping_t *wgw_zone_kept(ngx_log_t *log, wgw_zone_t *zone,
    wgw_mapping_t *list);

/* A part is mapped: touching it is safe from now on. */
void wgw_zone_mapped(wgw_mapping_t *m, void *memory, size_t size,
    uint64_t offset);

/* Maps the parts that are not. */
ngx_int_t wgw_zone_map(ngx_log_t *log, wgw_zone_t *zone, wgw_mapping_t *m,
    const wgw_table_parts_t *parts);
void wgw_zone_unmap(wgw_mapping_t *m);

/* The zone's table is what is mapped. */
void wgw_zone_view(wgw_zone_t *zone, wgw_mapping_t *m);

/*
 * Alone: another boot than the table's may have found pages of all ages.
 * NGX_OK, or NGX_ERROR when that is logged.
 */
ngx_int_t wgw_zone_repair(ngx_log_t *log, wgw_zone_t *zone,
    wgw_mapping_t *m);

/* Grows a locked file, and maps it. */
ngx_int_t wgw_zone_adapt(ngx_log_t *log, wgw_zone_t *zone, wgw_mapping_t *m,
    ngx_fd_t fd);

/* The seed for a table that is made; NGX_ERROR: there is none. */
ngx_int_t wgw_zone_seed(const wgw_zone_t *zone, u_char *seed);

/* A zone's parameters as text. */
void wgw_zone_describe(const wgw_zone_t *zone, u_char text[WGW_ZONE_TEXT]);

/* Logs; returns NGX_ERROR. */
ngx_int_t wgw_zone_error(ngx_log_t *log, wgw_zone_t *zone, ngx_err_t err,
    const char *what);


#pragma GCC visibility pop

#endif /* WGW_ZONE_FILE_H */
