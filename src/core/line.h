
/*
 * line: where in the configuration a directive is, for what is found wrong
 * only when more of it has been read: when levels are merged, or at its end.
 * nginx itself would name whatever it read last, "proxy_pass" perhaps, and
 * the line of a closing brace.
 */

#ifndef WGW_LINE_H
#define WGW_LINE_H


#include <ngx_config.h>
#include <ngx_core.h>

#pragma GCC visibility push(hidden)


typedef struct {
    u_char              *file;      /* NULL: the command line, -g */
    ngx_uint_t           number;    /* 0: no directive */
} wgw_line_t;


/* The line of the directive that is being read. */
wgw_line_t wgw_line(ngx_conf_t *cf);

/*
 * Logs "... (2: No such file) in FILE:LINE" as [emerg], as nginx does while
 * it reads, without the error's text when it is 0.  Returns NGX_CONF_ERROR.
 * Without a line that is left out.
 */
char *wgw_line_error(ngx_log_t *log, const wgw_line_t *line, ngx_err_t err,
    const char *fmt, ...);


#pragma GCC visibility pop

#endif /* WGW_LINE_H */
