
/*
 * Records: the JSON form, written.
 */

#include "t/unit/names/record.h"


static void
test_json(const char *json, const char *expected, const char *what)
{
    char                *out;
    wgw_out_t            o;
    wgw_record_t         record;
    wgw_record_error_t   error;

    if (!ok(parse(&record, json, "", NULL, &error) == 0, "%s: accepted",
            what))
    {
        return;
    }

    out = malloc(WGW_RECORD_JSON);
    wgw_out_init(&o, out, WGW_RECORD_JSON);
    wgw_record_json(&record, &o);
    is(out, (size_t) (o.pos - out), expected, what);
    free(out);
}


static void
test_written(void)
{
    test_json("{\"name\":\"Shop.\",\"backends\":[\"http://[2001:DB8:0::10]\","
              "\"HTTP://192.0.2.10:08080/\"]}",
              "{\"name\":\"shop.gw.test\","
              "\"backends\":[\"http://[2001:db8::10]:80\","
              "\"http://192.0.2.10:8080\"],\"tls_passthrough\":false,"
              "\"cap_bytes\":0,\"addresses\":[],\"tls_name\":\"\","
              "\"tls_verify\":true,\"tls_ca\":\"\","
              "\"proxy_protocol\":false,\"owner\":\"\","
              "\"workload\":\"\",\"state\":\"ok\",\"gateways\":[]}",
              "written: defaults");

    test_json("{\"state\":\"paused\",\"workload\":\"w\\\"\","
              "\"owner\":\"\xc3\xa9\","
              "\"tls_ca\":\"x\\n" CERT2 "\",\"tls_verify\":false,"
              "\"tls_name\":\"::FFFF:192.0.2.9\","
              "\"addresses\":[\"2001:DB8:FFFF::10\",\"203.0.113.10\"],"
              "\"cap_bytes\":9007199254740992,"
              "\"backends\":[\"https://192.0.2.10\"],\"name\":\"*.A.b\"}",
              "{\"name\":\"*.a.b\",\"backends\":[\"https://192.0.2.10:443\"],"
              "\"tls_passthrough\":false,\"cap_bytes\":9007199254740992,"
              "\"addresses\":[\"2001:db8:ffff::10\",\"203.0.113.10\"],"
              "\"tls_name\":\"192.0.2.9\",\"tls_verify\":false,"
              "\"tls_ca\":\"" CERT2 "\",\"proxy_protocol\":false,"
              "\"owner\":\"\xc3\xa9\","
              "\"workload\":\"w\\\"\",\"state\":\"paused\",\"gateways\":[]}",
              "written: everything");

    test_json("{\"name\":\"a.b\",\"backends\":[\"https://192.0.2.10\"],"
              "\"tls_ca\":\"\\ufeff" CERT1 "\\ufeff" CERT2 "\\ufeff\"}",
              "{\"name\":\"a.b\",\"backends\":[\"https://192.0.2.10:443\"],"
              "\"tls_passthrough\":false,"
              "\"cap_bytes\":0,\"addresses\":[],\"tls_name\":\"\","
              "\"tls_verify\":true,\"tls_ca\":\"" CERT1 CERT2 "\","
              "\"proxy_protocol\":false,\"owner\":\"\","
              "\"workload\":\"\",\"state\":\"ok\",\"gateways\":[]}",
              "field 11 kinds: byte order marks between certificates");

    test_json("{\"name\":\"a.b\",\"proxy_protocol\":true,"
              "\"tls_passthrough\":true,\"backends\":[\"192.0.2.10:443\"]}",
              "{\"name\":\"a.b\",\"backends\":[\"192.0.2.10:443\"],"
              "\"tls_passthrough\":true,"
              "\"cap_bytes\":0,\"addresses\":[],\"tls_name\":\"\","
              "\"tls_verify\":true,\"tls_ca\":\"\","
              "\"proxy_protocol\":true,\"owner\":\"\","
              "\"workload\":\"\",\"state\":\"ok\",\"gateways\":[]}",
              "written: PROXY protocol");

    test_json("{\"name\":\"*.a.b\",\"tls_passthrough\":true,"
              "\"backends\":[\"[2001:db8::10]:0443\",\"[192.0.2.10]:443\"]}",
              "{\"name\":\"*.a.b\",\"backends\":[\"[2001:db8::10]:443\","
              "\"192.0.2.10:443\"],\"tls_passthrough\":true,"
              "\"cap_bytes\":0,\"addresses\":[],\"tls_name\":\"\","
              "\"tls_verify\":true,\"tls_ca\":\"\","
              "\"proxy_protocol\":false,\"owner\":\"\","
              "\"workload\":\"\",\"state\":\"ok\",\"gateways\":[]}",
              "written: passthrough");

    test_json("{\"name\":\"a.b\",\"backends\":[\"http://192.0.2.10\"],"
              "\"served\":false,\"gateways\":[\"gw1\",\"Gw_2.x\"]}",
              "{\"name\":\"a.b\",\"backends\":[\"http://192.0.2.10:80\"],"
              "\"tls_passthrough\":false,"
              "\"cap_bytes\":0,\"addresses\":[],\"tls_name\":\"\","
              "\"tls_verify\":true,\"tls_ca\":\"\","
              "\"proxy_protocol\":false,\"owner\":\"\","
              "\"workload\":\"\",\"state\":\"ok\","
              "\"gateways\":[\"gw1\",\"Gw_2.x\"]}",
              "written: gateways");
}


int
main(void)
{
    gateway();

    test_written();

    return done();
}
