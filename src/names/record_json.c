
/*
 * record_json: the JSON form of a record, written.
 */

#include "names/record.h"

#include <assert.h>


/* JSON but for the values, and the short ones: more than enough */
#define WGW_RECORD_FIXED    512


_Static_assert(WGW_RECORD_FIXED
               + (WGW_RECORD_BACKENDS + WGW_RECORD_ADDRESSES)
                 * sizeof("\"https://"
                          "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]"
                          ":65535\",")
               + 2 * WGW_NAME_MAX
               + WGW_RECORD_CA + WGW_RECORD_CA / WGW_CA_LINE
               + 2 * 2 * WGW_RECORD_TEXT
               + WGW_RECORD_GATEWAYS * (WGW_RECORD_NODE + sizeof("\"\","))
               <= WGW_RECORD_JSON,
               "the JSON form fits");


static void wgw_record_member_gateways(wgw_out_t *out, wgw_text_t gateways);
static void wgw_record_member(wgw_out_t *out, const char *member);
static void wgw_record_member_text(wgw_out_t *out, const char *member,
    wgw_text_t text);


void
wgw_record_json(const wgw_record_t *record, wgw_out_t *out)
{
    size_t  i;

    wgw_out_str(out, "{\"name\":");
    wgw_out_json(out, record->name);

    wgw_record_member(out, "backends");

    for (i = 0; i < record->nbackends; i++) {
        wgw_out_str(out, i ? ",\"" : "[\"");
        wgw_record_backend(record, i, out);
        wgw_out_str(out, "\"");
    }

    wgw_out_str(out, "]");

    wgw_record_member(out, "tls_passthrough");
    wgw_out_str(out, record->passthrough ? "true" : "false");

    wgw_record_member(out, "cap_bytes");
    wgw_out_uint(out, record->cap_bytes);

    wgw_record_member(out, "addresses");
    wgw_out_str(out, "[");

    for (i = 0; i < record->naddresses; i++) {
        wgw_out_str(out, i ? ",\"" : "\"");
        wgw_addr_text(&record->addresses[i], out);
        wgw_out_str(out, "\"");
    }

    wgw_out_str(out, "]");

    wgw_record_member_text(out, "tls_name", record->tls_name);

    wgw_record_member(out, "tls_verify");
    wgw_out_str(out, record->verify ? "true" : "false");

    wgw_record_member_text(out, "tls_ca", record->tls_ca);

    wgw_record_member(out, "proxy_protocol");
    wgw_out_str(out, record->proxy ? "true" : "false");

    wgw_record_member_text(out, "owner", record->owner);
    wgw_record_member_text(out, "workload", record->workload);
    wgw_record_member_text(out, "state",
                           record->paused ? wgw_text("paused")
                                          : wgw_text("ok"));
    wgw_record_member_gateways(out, record->gateways);

    if (record->elsewhere) {
        wgw_record_member(out, "served");
        wgw_out_str(out, "false");
    }

    wgw_out_str(out, "}");
}


static void
wgw_record_member_gateways(wgw_out_t *out, wgw_text_t gateways)
{
    wgw_text_t  gateway;

    wgw_record_member(out, "gateways");
    wgw_out_str(out, "[");

    while (wgw_record_gateway(&gateways, &gateway)) {
        wgw_out_json(out, gateway);
        wgw_out_str(out, gateways.len ? "," : "");
    }

    wgw_out_str(out, "]");
}


static void
wgw_record_member(wgw_out_t *out, const char *member)
{
    wgw_out_str(out, ",\"");
    wgw_out_str(out, member);
    wgw_out_str(out, "\":");
}


static void
wgw_record_member_text(wgw_out_t *out, const char *member, wgw_text_t text)
{
    wgw_record_member(out, member);
    wgw_out_json(out, text);
}


void
wgw_record_backend(const wgw_record_t *record, size_t n, wgw_out_t *out)
{
    assert(n < record->nbackends);

    if (!record->passthrough) {
        wgw_out_str(out, record->https ? "https://" : "http://");
    }

    wgw_addr_text(&record->backends[n], out);
}
