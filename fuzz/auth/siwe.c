
/*
 * Messages, and what stands in them: URIs, domains, times, addresses.
 */

#include "auth/origin.h"
#include "format/rfc3339.h"
#include "auth/siwe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
within(wgw_text_t whole, wgw_text_t part)
{
    assert(part.data == NULL
           || (part.data >= whole.data
               && part.data + part.len <= whole.data + whole.len));
}


/* The parts, put together again, are the text. */

static void
uri(wgw_text_t text)
{
    size_t       len;
    uint16_t     port;
    wgw_uri_t    parts;

    if (wgw_uri_parse(&parts, text) != 0) {
        return;
    }

    within(text, parts.scheme);
    within(text, parts.userinfo);
    within(text, parts.host);
    within(text, parts.port);
    within(text, parts.path);
    within(text, parts.query);
    within(text, parts.fragment);

    len = parts.scheme.len + 1 + parts.path.len;
    len += parts.host.data ? 2 + parts.host.len : 0;
    len += parts.host.data && parts.host.data[-1] == '[' ? 2 : 0;
    len += parts.userinfo.data ? 1 + parts.userinfo.len : 0;
    len += parts.port.data ? 1 + parts.port.len : 0;
    len += parts.query.data ? 1 + parts.query.len : 0;
    len += parts.fragment.data ? 1 + parts.fragment.len : 0;

    assert(len == text.len);

    if (parts.host.len) {
        assert(wgw_uri_same_host(parts.host, parts.host));
    }

    (void) wgw_uri_port(&port, parts.scheme, parts.port);
}


/* What can be configured is itself. */

static void
origin(wgw_text_t text)
{
    wgw_uri_t      parts;
    wgw_origin_t   origin;

    if (wgw_origin_parse(&origin, text) == NULL && origin.scheme.data
        && wgw_uri_parse(&parts, text) == 0
        && (origin.port || parts.port.data == NULL))
    {
        assert(wgw_origin_is_uri(&origin, &parts));
    }
}


static void
message(const wgw_siwe_t *siwe, wgw_text_t text)
{
    size_t         i;
    wgw_uri_t      parts;
    wgw_origin_t   origin;

    assert(text.len <= WGW_SIWE_MAX);
    assert(memchr(text.data, '\r', text.len) == NULL);
    assert(memchr(text.data, '\0', text.len) == NULL);
    assert(text.data[text.len - 1] != '\n');

    within(text, siwe->scheme);
    within(text, siwe->domain);
    within(text, siwe->statement);
    within(text, siwe->uri);
    within(text, siwe->nonce);
    within(text, siwe->request_id);

    assert(siwe->nonce.len >= WGW_SIWE_NONCE_MIN);
    assert(siwe->nonce.len <= WGW_SIWE_NONCE_MAX);
    assert(siwe->domain.len && memchr(siwe->domain.data, '@',
                                      siwe->domain.len) == NULL);

    for (i = 0; i < siwe->nresources; i++) {
        within(text, siwe->resources[i]);
        uri(siwe->resources[i]);
    }

    i = (size_t) wgw_uri_parse(&parts, siwe->uri);
    assert(i == 0);

    assert(wgw_origin_domain_parse(&origin, siwe->domain) == NULL);
    assert(wgw_origin_is_domain(&origin, siwe->scheme, siwe->domain,
                                &parts));
    (void) wgw_origin_of_uri(&parts, siwe->scheme, siwe->domain);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                rc;
    char              *copy, why[256];
    int64_t            seconds;
    wgw_out_t          out;
    wgw_siwe_t         siwe, strict;
    wgw_text_t         text;
    wgw_siwe_error_t   error;

    copy = malloc(size);

    if (size) {
        memcpy(copy, data, size);
    }

    text.data = copy;
    text.len = size;

    rc = wgw_siwe_parse(&siwe, text, 1, &error);

    if (rc == 0) {
        message(&siwe, text);

    } else {
        wgw_out_init(&out, why, sizeof(why));
        wgw_siwe_explain(&error, &out);
        assert(!out.overflow && out.pos > out.start);
        assert(wgw_siwe_parse(&strict, text, 0, &error) == -1);
    }

    uri(text);
    origin(text);

    if (wgw_rfc3339_parse(&seconds, text) == 0) {
        assert(seconds >= -62167219200 - 86400);
        assert(seconds <= 253402300799 + 86400);
    }

    free(copy);

    return 0;
}
