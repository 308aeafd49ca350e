
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/conf.h"
#include "cli/file.h"
#include "program/memory.h"


#define CONF_PREFIX  "wgw_"


static void conf_cut(char *text);
static void conf_line(char *to, const char *line, size_t len);
static const char *conf_bare(const char *name);


int
cli_conf_open(cli_conf_t *conf, const cli_t *cli)
{
    size_t  len;
    char   *text;

    conf->path = wgw_copy(cli->config ? cli->config : CLI_CONFIG);

    text = cli_file_read(conf->path, CLI_CONF_MAX, &len);

    if (text == NULL) {
        conf->text = wgw_copy_bytes("", 1);

        /* who may not read it may still use another gateway */

        if (cli->config == NULL && (errno == ENOENT || errno == EACCES)) {
            return CLI_OK;
        }

        return cli_fail_file(cli, conf->path);
    }

    conf->text = wgw_alloc(len + 2);
    memcpy(conf->text, text, len);
    memcpy(conf->text + len, "\n", 2);
    free(text);

    conf_cut(conf->text);

    return CLI_OK;
}


void
cli_conf_close(cli_conf_t *conf)
{
    free(conf->text);
    free(conf->path);
}


/* Makes it NAME NUL VALUE NUL ... NUL, in place. */

static void
conf_cut(char *text)
{
    char  *to, *line, *end;

    to = text;

    for (line = text; *line; line = end + 1) {
        end = strchr(line, '\n');

        if (end == NULL) {
            break;
        }

        while (line < end && isspace((unsigned char) *line)) {
            line++;
        }

        if (line < end && *line != '#' && *line != '='
            && memchr(line, '=', (size_t) (end - line)))
        {
            conf_line(to, line, (size_t) (end - line));
            to += strlen(to) + 1;
            to += strlen(to) + 1;
        }
    }

    *to = '\0';
}


/* What is written is never longer than what was read. */

static void
conf_line(char *to, const char *line, size_t len)
{
    const char  *value, *end, *name;

    end = line + len;
    value = memchr(line, '=', len);
    name = value;

    while (name > line && isspace((unsigned char) name[-1])) {
        name--;
    }

    memmove(to, line, (size_t) (name - line));
    to += name - line;
    *to++ = '\0';

    for (value++; value < end && isspace((unsigned char) *value); value++) {
        /* void */
    }

    while (end > value && isspace((unsigned char) end[-1])) {
        end--;
    }

    if (end - value >= 2 && (*value == '"' || *value == '\'')
        && end[-1] == *value)
    {
        value++;
        end--;
    }

    memmove(to, value, (size_t) (end - value));
    to[end - value] = '\0';
}


const char *
cli_conf_get(const cli_conf_t *conf, const char *name, const char *missing)
{
    const char  *p, *value, *found;

    found = missing;

    for (p = conf->text; *p; p = value + strlen(value) + 1) {
        value = p + strlen(p) + 1;

        if (strcasecmp(conf_bare(p), conf_bare(name)) == 0 && *value) {
            found = value;
        }
    }

    return found;
}


static const char *
conf_bare(const char *name)
{
    size_t  n;

    n = sizeof(CONF_PREFIX) - 1;

    return strncasecmp(name, CONF_PREFIX, n) == 0 ? name + n : name;
}
