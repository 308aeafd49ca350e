
/*
 * What `nginx -t` says of a zone's file, without touching it: what a start
 * would say.
 */

#include "table/zone_file.h"


/* disks whose room is added up, more than anybody has */
#define WGW_ZONE_DISKS   16


static ngx_int_t wgw_zone_room(ngx_log_t *log, wgw_zone_t *zone,
    uint64_t bytes, const char *what);


ngx_int_t
wgw_zone_makes(ngx_log_t *log, wgw_zone_t *zone)
{
    const char  *error;

    if (zone->file.len + sizeof(".tmp") > NGX_MAX_PATH) {
        return wgw_zone_error(log, zone, 0, "has too long a name");
    }

    if (wgw_place_makes((char *) zone->file.data, &error) != 0) {
        return wgw_zone_error(log, zone, ngx_errno, error);
    }

    return wgw_zone_room(log, zone, zone->class->size(zone),
                         "cannot be made");
}


ngx_int_t
wgw_zone_usable(ngx_log_t *log, wgw_zone_t *zone, const wgw_zone_t *made,
    const ngx_file_info_t *fi, ngx_int_t rc)
{
    uint64_t    bytes, there;
    ngx_uint_t  n;
    wgw_zone_t  more;

    if (faccessat(AT_FDCWD, (char *) zone->file.data, R_OK|W_OK, AT_EACCESS)
        == -1)
    {
        return wgw_zone_error(log, zone, ngx_errno, "cannot be opened");
    }

    bytes = 0;

    for (n = 0; n < made->parts.count; n++) {
        bytes += made->parts.parts[n].size;
    }

    /* a file that was copied may have holes, which a start fills */

    there = (uint64_t) fi->st_blocks * 512;
    bytes = bytes > there ? bytes - there : 0;

    if (rc == WGW_ZONE_MORE) {
        more = *zone;
        more.conf.keys -= made->parts.keys;
        bytes += zone->class->size(&more);
    }

    if (rc == WGW_ZONE_FEWER) {
        bytes += zone->class->size(zone);
    }

    return wgw_zone_room(log, zone, bytes,
                         rc == WGW_ZONE_MORE ? "cannot be grown"
                         : rc == WGW_ZONE_FEWER ? "cannot be rewritten"
                         : "cannot be allocated");
}


/* All zones of the configuration together, on each disk. */

static ngx_int_t
wgw_zone_room(ngx_log_t *log, wgw_zone_t *zone, uint64_t bytes,
    const char *what)
{
    dev_t        device;
    ngx_uint_t   n;
    const char  *error;

    static struct {
        dev_t     device;
        uint64_t  bytes;
    } needs[WGW_ZONE_DISKS];

    device = wgw_place_device((char *) zone->file.data);

    for (n = 0; n < WGW_ZONE_DISKS - 1; n++) {
        if (needs[n].device == device || needs[n].bytes == 0) {
            break;
        }
    }

    needs[n].device = device;
    needs[n].bytes += bytes;

    if (wgw_place_room((char *) zone->file.data, needs[n].bytes, &error)
        != 0)
    {
        return wgw_zone_error(log, zone, ngx_errno,
                              ngx_errno == NGX_ENOSPC ? what : error);
    }

    return NGX_OK;
}
