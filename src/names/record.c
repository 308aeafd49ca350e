
/*
 * record: the JSON form of a record, read, and all the checks.
 */

#include "names/record.h"

#include <assert.h>
#include <string.h>


#define WGW_RECORD_BACKEND  1024        /* a backend as written */


_Static_assert(WGW_RECORD_CAP == WGW_JSON_NUMBER_MAX,
               "json checks the cap");

_Static_assert(WGW_RECORD_BACKENDS * WGW_RECORD_BACKEND + WGW_RECORD_CA
               + 2 * WGW_NAME_MAX + 2 * WGW_RECORD_TEXT
               + WGW_RECORD_PLACES <= WGW_RECORD_JSON,
               "the texts fit the storage");


/* The members, in the order of their table. */
enum {
    WGW_RECORD_M_NAME = 0,
    WGW_RECORD_M_BACKENDS,
    WGW_RECORD_M_PASSTHROUGH,
    WGW_RECORD_M_CAP,
    WGW_RECORD_M_ADDRESSES,
    WGW_RECORD_M_TLS_NAME,
    WGW_RECORD_M_TLS_VERIFY,
    WGW_RECORD_M_TLS_CA,
    WGW_RECORD_M_PROXY,
    WGW_RECORD_M_OWNER,
    WGW_RECORD_M_WORKLOAD,
    WGW_RECORD_M_STATE,
    WGW_RECORD_M_GATEWAYS,
    WGW_RECORD_M_SERVED,
    WGW_RECORD_M_DELETE,                /* known in bulk lines only */
    WGW_RECORD_MEMBERS
};


/*
 * What a backend may be depends on tls_passthrough, which may come after it:
 * backends are kept as written until all is read.
 */

typedef struct {
    wgw_record_t              *record;
    const wgw_record_rules_t  *rules;
    wgw_record_error_t        *error;
    wgw_out_t                  storage;
    wgw_text_t                 backends[WGW_RECORD_BACKENDS];
    size_t                     nbackends;
    char                       gateways[WGW_RECORD_PLACES];
    size_t                     ngateways;
    size_t                     size;    /* of the above */
    uint32_t                   seen;    /* a bit for each member */
    unsigned                   deleted:1;
} wgw_record_parse_t;


static const char *wgw_record_set_name(void *data,
    const wgw_json_value_t *value);
static const char *wgw_record_set_backend(void *data,
    const wgw_json_value_t *value);
static const char *wgw_record_set_passthrough(void *data,
    const wgw_json_value_t *value);
static const char *wgw_record_set_cap(void *data,
    const wgw_json_value_t *value);
static const char *wgw_record_set_address(void *data,
    const wgw_json_value_t *value);
static const char *wgw_record_set_tls_name(void *data,
    const wgw_json_value_t *value);
static const char *wgw_record_set_tls_verify(void *data,
    const wgw_json_value_t *value);
static const char *wgw_record_set_tls_ca(void *data,
    const wgw_json_value_t *value);
static const char *wgw_record_set_proxy(void *data,
    const wgw_json_value_t *value);
static const char *wgw_record_set_owner(void *data,
    const wgw_json_value_t *value);
static const char *wgw_record_set_workload(void *data,
    const wgw_json_value_t *value);
static const char *wgw_record_set_state(void *data,
    const wgw_json_value_t *value);
static const char *wgw_record_set_gateway(void *data,
    const wgw_json_value_t *value);
static const char *wgw_record_set_served(void *data,
    const wgw_json_value_t *value);
static const char *wgw_record_set_delete(void *data,
    const wgw_json_value_t *value);
static const char *wgw_record_note(wgw_record_parse_t *p, wgw_text_t *note,
    wgw_text_t text);
static wgw_text_t wgw_record_store(wgw_record_parse_t *p, const char *data,
    size_t len);

static int wgw_record_finish(wgw_record_parse_t *p, wgw_text_t name);
static int wgw_record_finish_tls(wgw_record_parse_t *p);
static int wgw_record_finish_backends(wgw_record_parse_t *p);
static const char *wgw_record_backend_parse(wgw_record_parse_t *p,
    wgw_addr_t *addr, size_t n);
static int wgw_record_refuse(wgw_record_parse_t *p, unsigned member,
    const char *message);
static unsigned wgw_record_own(const wgw_record_rules_t *rules,
    const wgw_addr_t *addr);
static unsigned wgw_record_listed(const wgw_addr_t *list, size_t n,
    const wgw_addr_t *addr);


static const wgw_json_member_t  wgw_record_members[WGW_RECORD_MEMBERS] = {
    { "name", WGW_JSON_STRING, 1, wgw_record_set_name },
    { "backends", WGW_JSON_ARRAY, 1, wgw_record_set_backend },
    { "tls_passthrough", WGW_JSON_BOOLEAN, 0, wgw_record_set_passthrough },
    { "cap_bytes", WGW_JSON_NUMBER, 0, wgw_record_set_cap },
    { "addresses", WGW_JSON_ARRAY, 0, wgw_record_set_address },
    { "tls_name", WGW_JSON_STRING, 0, wgw_record_set_tls_name },
    { "tls_verify", WGW_JSON_BOOLEAN, 0, wgw_record_set_tls_verify },
    { "tls_ca", WGW_JSON_STRING, 0, wgw_record_set_tls_ca },
    { "proxy_protocol", WGW_JSON_BOOLEAN, 0, wgw_record_set_proxy },
    { "owner", WGW_JSON_STRING, 0, wgw_record_set_owner },
    { "workload", WGW_JSON_STRING, 0, wgw_record_set_workload },
    { "state", WGW_JSON_STRING, 0, wgw_record_set_state },
    { "gateways", WGW_JSON_ARRAY, 0, wgw_record_set_gateway },
    { "served", WGW_JSON_BOOLEAN, 0, wgw_record_set_served },
    { "delete", WGW_JSON_BOOLEAN, 1, wgw_record_set_delete }
};


int
wgw_record_parse(wgw_record_t *record, wgw_text_t json, wgw_text_t name,
    const wgw_record_rules_t *rules, char *storage, int *deleted,
    wgw_record_error_t *error)
{
    wgw_record_parse_t  p;

    if (deleted) {
        *deleted = 0;
    }

    if (json.len > WGW_RECORD_JSON) {
        return wgw_json_refuse(error, "", "is longer than 65536 bytes");
    }

    json = wgw_text_marked(json);

    memset(record, 0, sizeof(wgw_record_t));
    record->verify = 1;

    memset(&p, 0, sizeof(wgw_record_parse_t));
    p.record = record;
    p.rules = rules;
    p.error = error;

    wgw_out_init(&p.storage, storage, WGW_RECORD_JSON);

    if (wgw_json_read(json, wgw_record_members,
                      deleted ? WGW_RECORD_MEMBERS : WGW_RECORD_M_DELETE,
                      &p, &p.seen, error)
        != 0)
    {
        return -1;
    }

    if (wgw_record_finish(&p, name) != 0) {
        return -1;
    }

    assert(!p.storage.overflow);

    if (deleted) {
        *deleted = p.deleted;
    }

    return 0;
}


static const char *
wgw_record_set_name(void *data, const wgw_json_value_t *value)
{
    wgw_record_parse_t  *p = data;

    char         name[WGW_NAME_MAX];
    size_t       len;
    const char  *error;

    len = wgw_name_parse(name, value->text, p->rules->domain, &error);

    if (len == 0) {
        return error;
    }

    p->record->name = wgw_record_store(p, name, len);

    return NULL;
}


static const char *
wgw_record_set_backend(void *data, const wgw_json_value_t *value)
{
    wgw_record_parse_t  *p = data;

    if (p->nbackends == WGW_RECORD_BACKENDS) {
        return "is one more than 16";
    }

    if (value->text.len > WGW_RECORD_BACKEND) {
        return "is longer than 1024 bytes";
    }

    p->backends[p->nbackends++] = wgw_record_store(p, value->text.data,
                                                   value->text.len);
    return NULL;
}


static const char *
wgw_record_set_passthrough(void *data, const wgw_json_value_t *value)
{
    wgw_record_parse_t  *p = data;

    p->record->passthrough = (value->truth != 0);

    return NULL;
}


static const char *
wgw_record_set_cap(void *data, const wgw_json_value_t *value)
{
    wgw_record_parse_t  *p = data;

    p->record->cap_bytes = value->number;

    return NULL;
}


static const char *
wgw_record_set_address(void *data, const wgw_json_value_t *value)
{
    wgw_record_parse_t  *p = data;

    wgw_addr_t     addr;
    wgw_record_t  *record;

    record = p->record;

    if (record->naddresses == WGW_RECORD_ADDRESSES) {
        return "is one more than 16";
    }

    if (wgw_addr_parse(&addr, value->text) != 0) {
        return "is not an IP address";
    }

    if (p->rules->nown == 0 && !p->rules->shared) {
        return "needs the gateway's addresses to be configured "
               "(address= of wgw_names)";
    }

    if (!p->rules->shared
        && !wgw_record_listed(p->rules->own, p->rules->nown, &addr))
    {
        return "is not an address of the gateway";
    }

    if (wgw_record_listed(record->addresses, record->naddresses, &addr)) {
        return "is duplicate";
    }

    record->addresses[record->naddresses++] = addr;

    return NULL;
}


static const char *
wgw_record_set_tls_name(void *data, const wgw_json_value_t *value)
{
    wgw_record_parse_t  *p = data;

    char         name[WGW_NAME_MAX];
    size_t       len;
    wgw_out_t    out;
    wgw_addr_t   addr;
    const char  *error;

    if (value->text.len == 0) {
        return NULL;
    }

    if (wgw_addr_parse(&addr, value->text) == 0) {
        wgw_out_init(&out, name, sizeof(name));
        wgw_addr_text(&addr, &out);
        len = (size_t) (out.pos - out.start);

    } else {
        len = wgw_name_parse(name, value->text, wgw_text(""), &error);

        if (len == 0) {
            return error;
        }

        if (name[0] == '*') {
            return "must not be a wildcard";
        }
    }

    p->record->tls_name = wgw_record_store(p, name, len);

    return NULL;
}


static const char *
wgw_record_set_tls_verify(void *data, const wgw_json_value_t *value)
{
    wgw_record_parse_t  *p = data;

    p->record->verify = (value->truth != 0);

    return NULL;
}


static const char *
wgw_record_set_tls_ca(void *data, const wgw_json_value_t *value)
{
    wgw_record_parse_t  *p = data;

    wgw_text_t   ca;
    const char  *error;

    if (value->text.len == 0) {
        return NULL;
    }

    ca.data = p->storage.pos;

    error = wgw_ca_parse(value->text, &p->storage);

    ca.len = (size_t) (p->storage.pos - ca.data);
    p->record->tls_ca = ca;

    return error;
}


static const char *
wgw_record_set_proxy(void *data, const wgw_json_value_t *value)
{
    wgw_record_parse_t  *p = data;

    p->record->proxy = (value->truth != 0);

    return NULL;
}


static const char *
wgw_record_set_owner(void *data, const wgw_json_value_t *value)
{
    wgw_record_parse_t  *p = data;

    return wgw_record_note(p, &p->record->owner, value->text);
}


static const char *
wgw_record_set_workload(void *data, const wgw_json_value_t *value)
{
    wgw_record_parse_t  *p = data;

    return wgw_record_note(p, &p->record->workload, value->text);
}


static const char *
wgw_record_note(wgw_record_parse_t *p, wgw_text_t *note, wgw_text_t text)
{
    if (text.len > WGW_RECORD_TEXT) {
        return "is longer than 255 bytes";
    }

    if (!wgw_text_printable(text)) {
        return "must be printable UTF-8";
    }

    if (!wgw_text_visible(text)) {
        return "has a character that nobody sees";
    }

    *note = wgw_record_store(p, text.data, text.len);

    return NULL;
}


static const char *
wgw_record_set_state(void *data, const wgw_json_value_t *value)
{
    wgw_record_parse_t  *p = data;

    if (wgw_text_equal(value->text, wgw_text("paused"))) {
        p->record->paused = 1;
        return NULL;
    }

    return wgw_text_equal(value->text, wgw_text("ok"))
           ? NULL : "must be \"ok\" or \"paused\"";
}


static const char *
wgw_record_set_gateway(void *data, const wgw_json_value_t *value)
{
    wgw_record_parse_t  *p = data;

    wgw_text_t  rest, gateway;

    if (p->ngateways == WGW_RECORD_GATEWAYS) {
        return "is one more than 16";
    }

    if (value->text.len == 0 || value->text.len > WGW_RECORD_NODE
        || !wgw_text_plain(value->text))
    {
        return "must be up to 63 letters, digits and any of \"._-\"";
    }

    rest = (wgw_text_t) { p->gateways, p->size };

    while (wgw_record_gateway(&rest, &gateway)) {
        if (wgw_text_equal(gateway, value->text)) {
            return "is duplicate";
        }
    }

    p->gateways[p->size] = (char) value->text.len;
    memcpy(p->gateways + p->size + 1, value->text.data, value->text.len);

    p->size += 1 + value->text.len;
    p->ngateways++;

    return NULL;
}


/* What the gateway has said of one that it does not serve itself. */

static const char *
wgw_record_set_served(void *data, const wgw_json_value_t *value)
{
    (void) data;
    (void) value;

    return NULL;
}


static const char *
wgw_record_set_delete(void *data, const wgw_json_value_t *value)
{
    wgw_record_parse_t  *p = data;

    p->deleted = (value->truth != 0);

    return p->deleted ? NULL : "must be true";
}


static wgw_text_t
wgw_record_store(wgw_record_parse_t *p, const char *data, size_t len)
{
    wgw_text_t  text = { p->storage.pos, len };

    wgw_out_bytes(&p->storage, data, len);

    return text;
}


/* What can be judged only when all members are known. */

static int
wgw_record_finish(wgw_record_parse_t *p, wgw_text_t name)
{
    uint32_t       others;
    wgw_record_t  *record;

    record = p->record;

    if (record->name.len == 0) {

        if (name.len == 0) {
            return wgw_record_refuse(p, WGW_RECORD_M_NAME, "is missing");
        }

        record->name = wgw_record_store(p, name.data, name.len);

    } else if (name.len && !wgw_text_equal(name, record->name)) {
        return wgw_record_refuse(p, WGW_RECORD_M_NAME,
                                 "is not the name in the URL");
    }

    if (p->deleted) {
        others = p->seen & ~((1u << WGW_RECORD_M_DELETE)
                             | (1u << WGW_RECORD_M_NAME));

        return others ? wgw_record_refuse(p, WGW_RECORD_M_DELETE,
                                        "must stand next to \"name\" alone")
                    : 0;
    }

    record->gateways = wgw_record_store(p, p->gateways, p->size);

    if (wgw_record_finish_backends(p) != 0) {
        return -1;
    }

    return wgw_record_finish_tls(p);
}


static int
wgw_record_finish_backends(wgw_record_parse_t *p)
{
    size_t         i;
    wgw_addr_t     addr;
    const char    *error;
    wgw_record_t  *record;

    if (p->nbackends == 0) {
        return wgw_record_refuse(p, WGW_RECORD_M_BACKENDS,
                                 p->seen & (1u << WGW_RECORD_M_BACKENDS)
                                 ? "is empty" : "is missing");
    }

    record = p->record;

    for (i = 0; i < p->nbackends; i++) {

        error = wgw_record_backend_parse(p, &addr, i);

        if (error) {
            return wgw_json_refuse_element(p->error,
                             wgw_record_members[WGW_RECORD_M_BACKENDS].name,
                             i, error);
        }

        record->backends[record->nbackends++] = addr;
    }

    return 0;
}


static const char *
wgw_record_backend_parse(wgw_record_parse_t *p, wgw_addr_t *addr, size_t n)
{
    size_t         i;
    unsigned       https;
    const char    *error;
    wgw_record_t  *record;

    record = p->record;
    https = 0;

    error = record->passthrough
            ? wgw_addr_target(addr, p->backends[n])
            : wgw_addr_url(addr, &https, p->backends[n]);

    if (error) {
        return error;
    }

    if (n == 0) {
        record->https = https;

    } else if (record->https != https) {
        return "has another scheme than the first";
    }

    if (wgw_record_own(p->rules, addr)) {
        return "is the gateway itself";
    }

    error = wgw_addr_unfit(addr, p->rules->allow_loopback);

    if (error) {
        return error;
    }

    for (i = 0; i < n; i++) {
        if (wgw_addr_equal(&record->backends[i], addr)
            && record->backends[i].port == addr->port)
        {
            return "is duplicate";
        }
    }

    return NULL;
}


void
wgw_record_place(wgw_record_t *record, wgw_text_t node)
{
    wgw_text_t  rest, gateway;

    record->elsewhere = 0;

    if (record->gateways.len == 0) {
        return;
    }

    rest = record->gateways;

    while (wgw_record_gateway(&rest, &gateway)) {
        if (wgw_text_equal(gateway, node)) {
            return;
        }
    }

    record->elsewhere = 1;
}


int
wgw_record_gateway(wgw_text_t *rest, wgw_text_t *gateway)
{
    size_t  len;

    if (rest->len == 0) {
        return 0;
    }

    len = (unsigned char) rest->data[0];

    if (len == 0 || len > WGW_RECORD_NODE || len >= rest->len) {
        return 0;
    }

    gateway->data = rest->data + 1;
    gateway->len = len;

    rest->data += 1 + len;
    rest->len -= 1 + len;

    return 1;
}


/* However it is written: as an IPv6 address that has it inside as well. */

static unsigned
wgw_record_own(const wgw_record_rules_t *rules, const wgw_addr_t *addr)
{
    size_t      i, n;
    wgw_addr_t  inside[WGW_ADDR_INSIDE];

    if (wgw_record_listed(rules->own, rules->nown, addr)) {
        return 1;
    }

    n = wgw_addr_inside(addr, inside);

    for (i = 0; i < n; i++) {
        if (wgw_record_listed(rules->own, rules->nown, &inside[i])) {
            return 1;
        }
    }

    return 0;
}


static int
wgw_record_finish_tls(wgw_record_parse_t *p)
{
    const char          *error;
    const wgw_record_t  *record;

    record = p->record;

    if (record->proxy && !record->passthrough) {
        return wgw_record_refuse(p, WGW_RECORD_M_PROXY,
                                 "needs tls_passthrough");
    }

    if (record->https) {
        return 0;
    }

    error = record->passthrough ? "has no meaning with tls_passthrough"
                                : "needs https backends";

    if (record->tls_name.len) {
        return wgw_record_refuse(p, WGW_RECORD_M_TLS_NAME, error);
    }

    if (record->tls_ca.len) {
        return wgw_record_refuse(p, WGW_RECORD_M_TLS_CA, error);
    }

    if (!record->verify) {
        return wgw_record_refuse(p, WGW_RECORD_M_TLS_VERIFY, error);
    }

    return 0;
}


static int
wgw_record_refuse(wgw_record_parse_t *p, unsigned member, const char *message)
{
    return wgw_json_refuse(p->error, wgw_record_members[member].name, message);
}


static unsigned
wgw_record_listed(const wgw_addr_t *list, size_t n, const wgw_addr_t *addr)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (wgw_addr_equal(&list[i], addr)) {
            return 1;
        }
    }

    return 0;
}
