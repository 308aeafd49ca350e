
/*
 * Who may sign in: the rules of `wgw_auth_allow`, and the files they name.
 */


#include "auth/auth_module.h"


static char *ngx_http_wgw_auth_allow_whom(ngx_conf_t *cf,
    ngx_http_wgw_auth_rule_t *rule, ngx_str_t *value);
static ngx_http_wgw_auth_file_t *ngx_http_wgw_auth_allow_file(ngx_conf_t *cf,
    ngx_str_t *name);
static void ngx_http_wgw_auth_free_list(void *data);
static ngx_int_t auth_look(ngx_http_wgw_auth_file_t *file, ngx_uint_t level,
    ngx_log_t *log);
static ngx_int_t auth_read(ngx_http_wgw_auth_file_t *file, ngx_fd_t fd,
    ngx_file_info_t *fi, ngx_uint_t level, ngx_log_t *log);
static ngx_int_t auth_parse(ngx_http_wgw_auth_file_t *file, wgw_text_t text,
    ngx_uint_t level, ngx_log_t *log);
static void auth_adopt(ngx_http_wgw_auth_file_t *file);


char *
ngx_http_wgw_auth_allow(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_auth_conf_t *aucf = conf;

    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ngx_http_wgw_auth_rule_t  *rule;

    if (aucf->rules == NGX_CONF_UNSET_PTR) {
        aucf->rules = ngx_array_create(cf->pool, 4,
                                       sizeof(ngx_http_wgw_auth_rule_t));
        if (aucf->rules == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    rule = ngx_array_push(aucf->rules);
    if (rule == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(rule, sizeof(ngx_http_wgw_auth_rule_t));

    value = cf->args->elts;

    rule->nservices = cf->args->nelts - 2;

    if (rule->nservices > NGX_HTTP_WGW_AUTH_SERVICES) {
        return "has too many services";
    }

    /* the next directive's words take the place of these */

    rule->services = ngx_palloc(cf->pool, cf->args->nelts * sizeof(ngx_str_t));
    if (rule->services == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < rule->nservices; i++) {
        rule->services[i] = value[i + 2];

        if (ngx_http_wgw_auth_service(cf, &rule->services[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return ngx_http_wgw_auth_allow_whom(cf, rule, &value[1]);
}


static char *
ngx_http_wgw_auth_allow_whom(ngx_conf_t *cf, ngx_http_wgw_auth_rule_t *rule,
    ngx_str_t *value)
{
    ngx_str_t    name;
    wgw_text_t   text;
    const char  *error;

    if (ngx_strcmp(value->data, "any") == 0) {
        rule->any = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value->data, "file=") == 0) {
        return "needs a name after \"file=\"";
    }

    if (ngx_strncmp(value->data, "file=", 5) == 0) {
        name.data = value->data + 5;
        name.len = value->len - 5;

        rule->file = ngx_http_wgw_auth_allow_file(cf, &name);

        return rule->file ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    text.data = (char *) value->data;
    text.len = value->len;

    error = wgw_allowlist_address(rule->address, text);

    if (error) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "address \"%V\" %s", value,
                           error);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_http_wgw_auth_file_t *
ngx_http_wgw_auth_allow_file(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_wgw_auth_file_t  *file;

    cln = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_http_wgw_auth_file_t));
    if (cln == NULL) {
        return NULL;
    }

    file = cln->data;
    ngx_memzero(file, sizeof(ngx_http_wgw_auth_file_t));

    cln->handler = ngx_http_wgw_auth_free_list;

    file->name = *name;

    file->board = wgw_board_create(WGW_ALLOWLIST_MAX * WGW_EIP55_BYTES);

    if (file->board == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "mmap() failed");
        return NULL;
    }

    if (ngx_conf_full_name(cf->cycle, &file->name, 1) != NGX_OK
        || ngx_http_wgw_auth_load(file, NGX_LOG_EMERG, cf->log) != NGX_OK)
    {
        return NULL;
    }

    return file;
}


static void
ngx_http_wgw_auth_free_list(void *data)
{
    ngx_http_wgw_auth_file_t *file = data;

    free(file->list.addresses);
    file->list.addresses = NULL;
    file->list.n = 0;

    wgw_board_destroy(file->board);
    file->board = NULL;
}


ngx_uint_t
ngx_http_wgw_auth_allowed(ngx_http_wgw_auth_conf_t *conf,
    const uint8_t address[WGW_EIP55_BYTES], ngx_str_t *service,
    ngx_log_t *log)
{
    ngx_uint_t                 i, j;
    ngx_http_wgw_auth_rule_t  *rule;

    rule = conf->rules->elts;

    for (i = 0; i < conf->rules->nelts; i++) {

        for (j = 0; j < rule[i].nservices; j++) {
            if (rule[i].services[j].len == service->len
                && ngx_memcmp(rule[i].services[j].data, service->data,
                              service->len)
                   == 0)
            {
                break;
            }
        }

        if (rule[i].nservices && service->len && j == rule[i].nservices) {
            continue;
        }

        if (ngx_http_wgw_auth_matches(&rule[i], address, log)) {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_wgw_auth_matches(ngx_http_wgw_auth_rule_t *rule,
    const uint8_t address[WGW_EIP55_BYTES], ngx_log_t *log)
{
    if (rule->any) {
        return 1;
    }

    if (rule->file == NULL) {
        return ngx_memcmp(rule->address, address, WGW_EIP55_BYTES) == 0;
    }

    (void) ngx_http_wgw_auth_load(rule->file, NGX_LOG_ERR, log);

    return wgw_allowlist_has(&rule->file->list, address);
}


ngx_int_t
ngx_http_wgw_auth_load(ngx_http_wgw_auth_file_t *file, ngx_uint_t level,
    ngx_log_t *log)
{
    ngx_int_t  rc;

    if (file->checked == ngx_time()) {
        return NGX_OK;
    }

    file->checked = ngx_time();

    rc = auth_look(file, level, log);

    if (rc != NGX_DECLINED) {
        file->bad = (rc == NGX_ERROR);
    }

    /* another worker may have read what was there before it was bad */

    if (file->bad) {
        auth_adopt(file);
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/* Returns NGX_DECLINED when it is as it was. */

static ngx_int_t
auth_look(ngx_http_wgw_auth_file_t *file, ngx_uint_t level, ngx_log_t *log)
{
    ngx_fd_t         fd;
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    if (ngx_file_info(file->name.data, &fi) == NGX_FILE_ERROR) {
        ngx_log_error(level, log, ngx_errno, ngx_file_info_n " \"%V\" failed",
                      &file->name);
        return NGX_ERROR;
    }

    if (file->mtime == ngx_file_mtime(&fi)
        && file->ctime.tv_sec == fi.st_ctim.tv_sec
        && file->ctime.tv_nsec == fi.st_ctim.tv_nsec
        && file->size == ngx_file_size(&fi)
        && file->uniq == ngx_file_uniq(&fi))
    {
        return NGX_DECLINED;
    }

    fd = ngx_open_file(file->name.data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(level, log, ngx_errno, ngx_open_file_n " \"%V\" failed",
                      &file->name);
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR || !ngx_is_file(&fi)
        || ngx_file_size(&fi) > (off_t) WGW_ALLOWLIST_FILE)
    {
        ngx_log_error(level, log, 0,
                      "\"%V\" is not a file of at most 16 MB", &file->name);

    } else {
        rc = auth_read(file, fd, &fi, level, log);
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", &file->name);
    }

    return rc;
}


static ngx_int_t
auth_read(ngx_http_wgw_auth_file_t *file, ngx_fd_t fd, ngx_file_info_t *fi,
    ngx_uint_t level, ngx_log_t *log)
{
    char        *data;
    ssize_t      n;
    ngx_int_t    rc;
    wgw_text_t   text;

    data = ngx_alloc((size_t) ngx_file_size(fi) + 1, log);
    if (data == NULL) {
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, data, (size_t) ngx_file_size(fi) + 1);

    /* of another size: it is just being written */

    if (n != ngx_file_size(fi)) {
        ngx_log_error(level, log, n == -1 ? ngx_errno : 0,
                      ngx_read_fd_n " \"%V\" failed", &file->name);
        ngx_free(data);

        return NGX_ERROR;
    }

    text.data = data;
    text.len = (size_t) n;

    rc = auth_parse(file, text, level, log);

    ngx_free(data);

    if (rc == NGX_OK || level != NGX_LOG_EMERG) {

        /* one that is bad is looked at again when it is another */

        file->mtime = ngx_file_mtime(fi);
        file->ctime = fi->st_ctim;
        file->size = ngx_file_size(fi);

        /*
         * it may still change without a change of its time, which is the
         * system's own: the other one is for anybody to set
         */

        if (file->ctime.tv_sec >= ngx_time() - 1
            && file->ctime.tv_sec <= ngx_time() + 1)
        {
            file->size = -1;
        }

        file->uniq = ngx_file_uniq(fi);
    }

    return rc;
}


static ngx_int_t
auth_parse(ngx_http_wgw_auth_file_t *file, wgw_text_t text, ngx_uint_t level,
    ngx_log_t *log)
{
    unsigned          line;
    const char       *error;
    wgw_allowlist_t   list;

    error = wgw_allowlist_parse(&list, text, &line);

    if (error) {
        ngx_log_error(level, log, 0, "address in %V:%ui %s%s", &file->name,
                      (ngx_uint_t) line, error,
                      level == NGX_LOG_EMERG ? "" : ", the list stays as it "
                                                    "was");
        return NGX_ERROR;
    }

    free(file->list.addresses);
    file->list = list;

    file->digest = wgw_board_digest(list.addresses,
                                    list.n * WGW_EIP55_BYTES);

    wgw_board_put(file->board, list.addresses, list.n * WGW_EIP55_BYTES,
                  file->digest);

    return NGX_OK;
}


static void
auth_adopt(ngx_http_wgw_auth_file_t *file)
{
    void      *data;
    size_t     len;
    uint64_t   digest;

    if (!wgw_board_other(file->board, file->digest, &data, &len, &digest)) {
        return;
    }

    free(file->list.addresses);

    file->list.addresses = data;
    file->list.n = len / WGW_EIP55_BYTES;
    file->digest = digest;
}
