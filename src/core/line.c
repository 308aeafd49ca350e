
#include "core/line.h"


wgw_line_t
wgw_line(ngx_conf_t *cf)
{
    wgw_line_t  line;

    line.file = NULL;
    line.number = 1;

    if (cf->conf_file && cf->conf_file->file.fd != NGX_INVALID_FILE) {
        line.file = cf->conf_file->file.name.data;
        line.number = cf->conf_file->line;
    }

    return line;
}


char *
wgw_line_error(ngx_log_t *log, const wgw_line_t *line, ngx_err_t err,
    const char *fmt, ...)
{
    u_char   *p, text[NGX_MAX_CONF_ERRSTR];
    va_list   args;

    va_start(args, fmt);
    p = ngx_vslprintf(text, text + sizeof(text), fmt, args);
    va_end(args);

    if (err) {
        p = ngx_log_errno(p, text + sizeof(text), err);
    }

    if (line->number == 0) {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "%*s", p - text, text);

    } else if (line->file == NULL) {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "%*s in command line", p - text,
                      text);

    } else {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "%*s in %s:%ui", p - text, text,
                      line->file, line->number);
    }

    return NGX_CONF_ERROR;
}
