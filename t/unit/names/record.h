
/*
 * What the tests of records share: certificates, the least records, and the
 * rules of a gateway.
 */

#ifndef WGW_T_RECORD_H
#define WGW_T_RECORD_H


#include "t/unit/tap.h"
#include "names/record.h"

#include <stdlib.h>


/* self-signed, P-256 and Ed25519; their keys are not kept */

#define CERT1                                                                 \
    "-----BEGIN CERTIFICATE-----\\n"                                          \
    "MIIBejCCAR+gAwIBAgIUZDGiWL7gVFpr0JjRAjB3ll7JnIcwCgYIKoZIzj0EAwIw\\n"     \
    "EjEQMA4GA1UEAwwHY2EudGVzdDAeFw0yNjExMjEwODI5NDNaFw0zNjExMTgwODI5\\n"     \
    "NDNaMBIxEDAOBgNVBAMMB2NhLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\\n"     \
    "AAT3OiL4xmHs8JlyLzAFXYnHCM9cPUIU8JWRMjDa4U3HF2N1KifWpPMKy5Yf0KeS\\n"     \
    "LoOgALBF+HRArQh/T8OWI7D5o1MwUTAdBgNVHQ4EFgQUhtnIPuv4qG9EHhTKiIVU\\n"     \
    "ocM2sGMwHwYDVR0jBBgwFoAUhtnIPuv4qG9EHhTKiIVUocM2sGMwDwYDVR0TAQH/\\n"     \
    "BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAjMKG+i+/pyiLlnKw+zlzuYlZkQ3u\\n"     \
    "33pzdHt4GDg7zZQCIQCIqBnnT7f2kxjUr7IUMWK6zYSop+gJVz1s0nVA/i97kw==\\n"     \
    "-----END CERTIFICATE-----\\n"


#define CERT2                                                                 \
    "-----BEGIN CERTIFICATE-----\\n"                                          \
    "MIIBOjCB7aADAgECAhQ+IhYk6Oe0ZGCnOhZtQDwGUIIXazAFBgMrZXAwEzERMA8G\\n"     \
    "A1UEAwwIY2EyLnRlc3QwHhcNMjYxMTIxMDgyOTQzWhcNMzYxMTE4MDgyOTQzWjAT\\n"     \
    "MREwDwYDVQQDDAhjYTIudGVzdDAqMAUGAytlcAMhAHKPu3g2lx/kxQGjrSh7STei\\n"     \
    "CpmnOSxiliYZkd7DMbfto1MwUTAdBgNVHQ4EFgQUcoK1l7YIx2l49Puxe/wv95wt\\n"     \
    "/98wHwYDVR0jBBgwFoAUcoK1l7YIx2l49Puxe/wv95wt/98wDwYDVR0TAQH/BAUw\\n"     \
    "AwEB/zAFBgMrZXADQQBgvGMUfBKolt2fnshkf7F+m3ybJ5Wmbe8RULzn92pbsL3i\\n"     \
    "0iUemO2i2IHjF5DZNjWAGID/nHJ18pQa5KXsFAgJ\\n"                             \
    "-----END CERTIFICATE-----\\n"


#define NAMED     "{\"name\":\"a.b\","
#define HTTP      NAMED "\"backends\":[\"http://[2001:db8::10]:8080\"]"
#define HTTPS     NAMED "\"backends\":[\"https://[2001:db8::10]\"]"
#define PASS      NAMED "\"tls_passthrough\":true,"                           \
                  "\"backends\":[\"192.0.2.10:443\"]"
#define BACKEND   NAMED "\"backends\":"
#define NUMBER    "must be a whole number from 0 to 9007199254740992"
#define T60       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define T255      T60 T60 T60 T60 "aaaaaaaaaaaaaaa"


/* tf 8: the gateway of the acceptance cases */

static wgw_addr_t          own[3];
static wgw_record_rules_t  rules;
static char                storage[WGW_RECORD_JSON];


static inline void
gateway(void)
{
    wgw_addr_parse(&own[0], wgw_text("203.0.113.10"));
    wgw_addr_parse(&own[1], wgw_text("203.0.113.11"));
    wgw_addr_parse(&own[2], wgw_text("2001:db8:ffff::10"));

    rules.domain = wgw_text("gw.test");
    rules.own = own;
    rules.nown = 3;
}


/* As the store sees it: by the packed bytes but for the change. */

static inline int
equal(const wgw_record_t *a, const wgw_record_t *b)
{
    size_t           len;
    wgw_record_t     one, two;

    static uint8_t   first[WGW_RECORD_PACKED], second[WGW_RECORD_PACKED];

    one = *a;
    two = *b;
    one.change = two.change = 0;

    len = wgw_record_pack(&one, first);

    return wgw_record_pack(&two, second) == len
           && memcmp(first, second, len) == 0;
}


static inline int
parse(wgw_record_t *record, const char *json, const char *name, int *deleted,
    wgw_record_error_t *error)
{
    wgw_text_t  n = { name, strlen(name) }, text = { json, strlen(json) };

    strcpy(error->field, "none");
    strcpy(error->message, "none");

    return wgw_record_parse(record, text, n, &rules, storage, deleted, error);
}


#endif /* WGW_T_RECORD_H */
