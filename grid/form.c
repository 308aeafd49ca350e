
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/addr.h"
#include "format/name.h"
#include "grid/form.h"
#include "grid/grid.h"
#include "names/record.h"
#include "program/memory.h"


#define FORM_BACKEND  80                /* as the gateway writes it */


static int form_workload(const grid_deployment_t *d, size_t n,
    const grid_self_t *self, char error[GRID_ERROR]);
static const char *form_workload_name(const char *name);
static int form_target(const grid_workload_t *w, char error[GRID_ERROR]);
static const char *form_label(const char *name);
static const char *form_fqdn(const char *fqdn);
static int form_backends(const grid_workload_t *w, const grid_wish_t *wish,
    grid_out_t *record, char error[GRID_ERROR]);
static const char *form_backend(const char *text, unsigned passthrough,
    unsigned secure, char canonical[FORM_BACKEND]);
static int form_ips(const grid_wish_t *wish, const grid_self_t *self,
    grid_out_t *record, char error[GRID_ERROR]);
static int form_gateway(grid_out_t *record, const grid_self_t *self,
    char error[GRID_ERROR]);
static int form_refuse(char error[GRID_ERROR], const char *format, ...)
    __attribute__((format(printf, 2, 3)));


int
grid_form_judge(const grid_deployment_t *d, const grid_self_t *self,
    char error[GRID_ERROR])
{
    size_t  i;

    if (d->contract == 0) {
        return form_refuse(error, "contract_id is missing: make a node "
                           "contract on the chain first");
    }

    if (d->nworkloads == 0) {
        return form_refuse(error, "there are no workloads: to end a "
                           "deployment, cancel its contract");
    }

    for (i = 0; i < d->nworkloads; i++) {
        if (form_workload(d, i, self, error) != GRID_OK) {
            return GRID_FAILED;
        }
    }

    return GRID_OK;
}


static int
form_workload(const grid_deployment_t *d, size_t n, const grid_self_t *self,
    char error[GRID_ERROR])
{
    int                     rc;
    char                    inner[GRID_ERROR];
    const char             *phrase;
    grid_out_t              record = { NULL, 0, 0 };
    grid_wish_t             wish;
    grid_place_t            place;
    const grid_workload_t  *w;

    w = &d->workloads[n];
    phrase = form_workload_name(w->name);

    if (phrase) {
        return form_refuse(error, "workload name \"%.64s\" %s", w->name,
                           phrase);
    }

    if (w->version > d->version) {
        return form_refuse(error, "workload \"%s\" has version %u, above its "
                           "deployment's %u: give it that one", w->name,
                           w->version, d->version);
    }

    memset(&place, 0, sizeof(grid_place_t));
    place.host = "form.test";
    place.owner = place.workload = "";

    rc = grid_wish_read(&wish, w->metadata, d->metadata, inner);

    if (rc == GRID_OK) {
        rc = form_target(w, inner);
    }

    if (rc == GRID_OK) {
        rc = grid_form_record(w, &wish, self, &place, &record, inner);
    }

    grid_wish_free(&wish);
    grid_out_free(&record);

    return rc == GRID_OK ? rc : form_refuse(error, "workload \"%s\": %.400s",
                                            w->name, inner);
}


static const char *
form_workload_name(const char *name)
{
    size_t  n;

    n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                     "0123456789_");

    if (n == 0 || name[n] != '\0' || n > GRID_WORKLOAD_NAME) {
        return "must be 1 to 36 of A-Z a-z 0-9 _";
    }

    return strcmp(name, "ygg") == 0 ? "is reserved: take another one" : NULL;
}


static int
form_target(const grid_workload_t *w, char error[GRID_ERROR])
{
    const char  *phrase;

    phrase = w->fqdn ? form_fqdn(w->target) : form_label(w->target);

    if (phrase) {
        return form_refuse(error, "%s \"%.80s\" %s", w->fqdn ? "fqdn" : "name",
                           w->target, phrase);
    }

    if (w->network && w->network[0]) {
        return form_refuse(error, "network \"%.64s\" is not here: a gateway "
                           "has no networks of users, leave it out and give "
                           "backends an address that can be reached",
                           w->network);
    }

    return GRID_OK;
}


static const char *
form_label(const char *name)
{
    size_t  n;

    n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                     "0123456789-_");

    if (n == 0 || name[n] != '\0') {
        return "must be one label of A-Z a-z 0-9 - _, without dots";
    }

    if (n > 63) {
        return "is longer than the 63 bytes that DNS allows";
    }

    return strcasecmp(name, "_acme-challenge") == 0
           ? "is the gateway's own, for its certificate: take another one"
           : NULL;
}


static const char *
form_fqdn(const char *fqdn)
{
    char         name[WGW_NAME_MAX];
    wgw_text_t   text = { fqdn, strlen(fqdn) };
    const char  *phrase;

    if (text.len && fqdn[text.len - 1] == '.') {
        return "must not end with a dot";
    }

    if (strchr(fqdn, '*')) {
        return "must not be a wildcard: deploy each name";
    }

    if (strchr(fqdn, '.') == NULL) {
        return "must be a full name, such as www.example.com";
    }

    if (strlen(strrchr(fqdn, '.')) < 3) {
        return "has a last label of less than two letters";
    }

    return wgw_name_parse(name, text, wgw_text(""), &phrase) ? NULL : phrase;
}


int
grid_form_record(const grid_workload_t *w, const grid_wish_t *wish,
    const grid_self_t *self, const grid_place_t *place, grid_out_t *record,
    char error[GRID_ERROR])
{
    uint64_t  gb;

    gb = place->capped ? place->gb_month : wish->gb_month;

    grid_out_text(record, "{\"name\":");
    grid_out_json(record, place->host);

    if (form_backends(w, wish, record, error) != GRID_OK
        || form_ips(wish, self, record, error) != GRID_OK)
    {
        return GRID_FAILED;
    }

    grid_out_format(record, ",\"tls_passthrough\":%s,\"cap_bytes\":%llu,"
                    "\"proxy_protocol\":%s,\"tls_verify\":%s,\"tls_name\":",
                    w->passthrough ? "true" : "false",
                    (unsigned long long) gb * GRID_GB,
                    wish->proxy_protocol ? "true" : "false",
                    wish->tls_verify ? "true" : "false");
    grid_out_json(record, wish->tls_name);
    grid_out_text(record, ",\"owner\":");
    grid_out_json(record, place->owner);
    grid_out_text(record, ",\"workload\":");
    grid_out_json(record, place->workload);
    grid_out_format(record, ",\"state\":\"%s\"}",
                    place->paused ? "paused" : "ok");

    return form_gateway(record, self, error);
}


static int
form_backends(const grid_workload_t *w, const grid_wish_t *wish,
    grid_out_t *record, char error[GRID_ERROR])
{
    char                canonical[FORM_BACKEND];
    size_t              i, n;
    unsigned            own;
    const char         *phrase;
    const char *const  *backends;

    own = wish->nbackends > 0;

    backends = own ? wish->backends : w->backends;
    n = own ? wish->nbackends : w->nbackends;

    if (w->nbackends == 0) {
        return form_refuse(error, "backends is empty: give at least one, %s",
                           w->passthrough ? "IP:PORT" : "http://IP:PORT");
    }

    grid_out_text(record, ",\"backends\":[");

    for (i = 0; i < n; i++) {
        phrase = form_backend(backends[i], w->passthrough, own, canonical);

        if (phrase) {
            return form_refuse(error, "backend \"%.80s\" %s: write %s",
                               backends[i], phrase,
                               w->passthrough ? "IP:PORT, as "
                                                "[2001:db8::10]:443"
                                              : "http://IP:PORT, as "
                                                "http://[2001:db8::10]:8080");
        }

        grid_out_text(record, i ? "," : "");
        grid_out_json(record, canonical);
    }

    grid_out_text(record, "]");

    return GRID_OK;
}


/* `secure`: https may be. */

static const char *
form_backend(const char *text, unsigned passthrough, unsigned secure,
    char canonical[FORM_BACKEND])
{
    char         bare[FORM_BACKEND];
    size_t       scheme, len, i;
    unsigned     https;
    wgw_addr_t   addr;
    const char  *phrase;

    https = 0;

    if (passthrough) {
        phrase = wgw_addr_target(&addr, (wgw_text_t) { text, strlen(text) });

    } else {
        scheme = strncasecmp(text, "http://", 7) == 0 ? 7
                 : strncasecmp(text, "https://", 8) == 0 ? 8 : 0;

        if (scheme == 0 || (scheme == 8 && !secure)) {
            return scheme ? "is https, which is for wgw.backends in the "
                            "metadata" : "does not begin with http://";
        }

        len = strcspn(text + scheme, "/?#") + scheme;

        for (i = scheme; i < len; i++) {
            if (text[i] == '@') {
                scheme = i + 1;
            }
        }

        if (len - scheme > WGW_ADDR_TEXT) {
            return "is too long";
        }

        grid_put(bare, sizeof(bare), "%s%.*s",
                 strncasecmp(text, "https", 5) == 0 ? "https://" : "http://",
                 (int) (len - scheme), text + scheme);

        phrase = wgw_addr_url(&addr, &https,
                              (wgw_text_t) { bare, strlen(bare) });
    }

    if (phrase == NULL) {
        phrase = wgw_addr_unfit(&addr, 0);
    }

    if (phrase) {
        return phrase;
    }

    *wgw_addr_write(&addr, stpcpy(canonical, passthrough ? ""
                                             : https ? "https://"
                                                     : "http://")) = '\0';

    return NULL;
}


static int
form_ips(const grid_wish_t *wish, const grid_self_t *self,
    grid_out_t *record, char error[GRID_ERROR])
{
    char    text[WGW_ADDR_TEXT + 1];
    size_t  i;

    grid_out_text(record, ",\"addresses\":[");

    for (i = 0; i < wish->nips; i++) {
        *wgw_addr_write(&wish->ips[i], text) = '\0';

        if (!grid_self_has(self, &wish->ips[i])) {
            return form_refuse(error, "metadata: wgw.ip %s is no address of "
                               "this gateway: zos.network.interfaces lists "
                               "them", text);
        }

        grid_out_format(record, "%s\"%s\"", i ? "," : "", text);
    }

    grid_out_text(record, "]");

    return GRID_OK;
}


static int
form_gateway(grid_out_t *record, const grid_self_t *self,
    char error[GRID_ERROR])
{
    int                   rc;
    char                 *storage;
    wgw_record_t         *parsed;
    wgw_text_t            json = { record->data, record->len };
    wgw_record_error_t    wrong;
    wgw_record_rules_t    rules;

    memset(&rules, 0, sizeof(wgw_record_rules_t));
    rules.own = self->addresses;
    rules.nown = self->naddresses;

    storage = wgw_alloc(WGW_RECORD_JSON);
    parsed = wgw_alloc(sizeof(wgw_record_t));

    rc = wgw_record_parse(parsed, json, wgw_text(""), &rules, storage, NULL,
                          &wrong);

    free(parsed);
    free(storage);

    return rc == 0 ? GRID_OK
                   : form_refuse(error, "%s %s: change it, and send the "
                                 "deployment again", wrong.field,
                                 wrong.message);
}


static int
form_refuse(char error[GRID_ERROR], const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    (void) vsnprintf(error, GRID_ERROR, format, args);
    va_end(args);

    return GRID_FAILED;
}
