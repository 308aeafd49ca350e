
/*
 * conffile: a small file that a directive names, read while the configuration
 * is: a secret, a key, certificates.
 */

#ifndef WGW_CONFFILE_H
#define WGW_CONFFILE_H


#include <ngx_config.h>
#include <ngx_core.h>

#pragma GCC visibility push(hidden)


/*
 * Returns how much was read, at most `size`, which is to be one byte more
 * than is allowed; NGX_ERROR, logged at the directive's line.  The name is
 * made whole.  `secret`: what it is, "secret", for a warning where everybody
 * may read it; NULL: anybody may.
 */
ssize_t wgw_conffile(ngx_conf_t *cf, ngx_str_t *name, u_char *buf,
    size_t size, const char *secret);


#pragma GCC visibility pop

#endif /* WGW_CONFFILE_H */
