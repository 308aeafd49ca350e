
/*
 * signin: see signin.h.
 */

#include "format/json.h"
#include "auth/signin.h"
#include "format/uri.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>


/* What can be added to any time that a message can say. */
#define WGW_SIGNIN_SPAN  (INT64_MAX / 4)


typedef struct {
    wgw_signin_request_t  *request;
    char                  *pos;
} wgw_signin_reader_t;


static const char *wgw_signin_set_msg(void *data,
    const wgw_json_value_t *value);
static const char *wgw_signin_set_sig(void *data,
    const wgw_json_value_t *value);
static wgw_text_t wgw_signin_copy(wgw_signin_reader_t *reader,
    wgw_text_t text);
static int wgw_signin_times(wgw_signin_t *signin, const wgw_siwe_t *siwe,
    const wgw_signin_rules_t *rules, int64_t now);
static int wgw_signin_place(wgw_signin_t *signin, const wgw_siwe_t *siwe,
    const wgw_signin_rules_t *rules);
static int wgw_signin_domain(const wgw_siwe_t *siwe, const wgw_uri_t *uri,
    const wgw_signin_rules_t *rules);
static int wgw_signin_uri(const wgw_uri_t *uri,
    const wgw_signin_rules_t *rules);
static int wgw_signin_chain(uint64_t chain, const wgw_signin_rules_t *rules);
static int wgw_signin_signer(wgw_signin_t *signin,
    const wgw_signin_request_t *request, const wgw_siwe_t *siwe,
    const wgw_eip191_t *eip191);
static int wgw_signin_refuse(wgw_signin_t *signin, unsigned status,
    const char *reason, const char *subject, const char *phrase);


static const wgw_json_member_t  wgw_signin_members[] = {
    { "msg", WGW_JSON_STRING, 1, wgw_signin_set_msg },
    { "sig", WGW_JSON_STRING, 1, wgw_signin_set_sig }
};


int
wgw_signin_read(wgw_signin_request_t *request, wgw_text_t body, char *buffer,
    wgw_signin_t *signin)
{
    uint32_t              seen;
    wgw_json_error_t      error;
    wgw_signin_reader_t   reader;

    if (body.len > WGW_SIGNIN_BODY) {
        return wgw_signin_refuse(signin, 400, "body", "the body",
                                 "is longer than 16384 bytes");
    }

    reader.request = request;
    reader.pos = buffer;

    if (wgw_json_read_open(body, wgw_signin_members,
                           sizeof(wgw_signin_members)
                           / sizeof(wgw_signin_members[0]),
                           &reader, &seen, &error)
        != 0)
    {
        return wgw_signin_refuse(signin, 400, "body",
                                 error.field[0] ? error.field : "the body",
                                 error.message);
    }

    if (seen != 3) {
        return wgw_signin_refuse(signin, 400, "body",
                                 (seen & 1) ? "sig" : "msg", "is missing");
    }

    return 0;
}


static const char *
wgw_signin_set_msg(void *data, const wgw_json_value_t *value)
{
    wgw_signin_reader_t  *reader = data;

    reader->request->message = wgw_signin_copy(reader, value->text);

    return NULL;
}


static const char *
wgw_signin_set_sig(void *data, const wgw_json_value_t *value)
{
    wgw_signin_reader_t  *reader = data;

    reader->request->signature = wgw_signin_copy(reader, value->text);

    return NULL;
}


/* No text is longer decoded than it was in the body. */

static wgw_text_t
wgw_signin_copy(wgw_signin_reader_t *reader, wgw_text_t text)
{
    wgw_text_t  copy = { reader->pos, text.len };

    memcpy(reader->pos, text.data, text.len);
    reader->pos += text.len;

    return copy;
}


int
wgw_signin_decide(wgw_signin_t *signin, const wgw_signin_request_t *request,
    const wgw_signin_rules_t *rules, const wgw_eip191_t *eip191, int64_t now)
{
    char               why[WGW_SIGNIN_MESSAGE - 16];
    wgw_out_t          out;
    wgw_siwe_t         siwe;
    wgw_siwe_error_t   error;

    assert(rules->skew >= 0 && rules->skew < WGW_SIGNIN_SPAN);
    assert(rules->life > 0 && rules->life < WGW_SIGNIN_SPAN);
    assert(rules->most_skew < WGW_SIGNIN_SPAN);
    assert(rules->most_life < WGW_SIGNIN_SPAN);

    if (wgw_siwe_parse(&siwe, request->message, rules->lenient, &error)
        != 0)
    {
        wgw_out_init(&out, why, sizeof(why) - 1);
        wgw_siwe_explain(&error, &out);
        *out.pos = '\0';

        return wgw_signin_refuse(signin, 400, "message", "the message:",
                                 why);
    }

    if (wgw_signin_times(signin, &siwe, rules, now) != 0
        || wgw_signin_place(signin, &siwe, rules) != 0
        || wgw_signin_signer(signin, request, &siwe, eip191) != 0)
    {
        return -1;
    }

    signin->status = 200;
    signin->reason = "ok";
    signin->explanation[0] = '\0';
    signin->account = siwe.account;
    signin->nonce = siwe.nonce;
    signin->uri = siwe.uri;

    memcpy(signin->address, siwe.address, sizeof(signin->address));

    return 0;
}


static int
wgw_signin_times(wgw_signin_t *signin, const wgw_siwe_t *siwe,
    const wgw_signin_rules_t *rules, int64_t now)
{
    int64_t  expires, skew, life;

    if (!siwe->has_expires && rules->require_exp) {
        return wgw_signin_refuse(signin, 401, "lifetime", "the message",
                                 "has no Expiration Time, which is required "
                                 "here");
    }

    expires = siwe->has_expires ? siwe->expires : siwe->issued + rules->life;

    if (expires + rules->skew <= now) {
        return wgw_signin_refuse(signin, 401, "expired", "the message",
                                 siwe->has_expires ? "has expired"
                                 : "has no Expiration Time and was issued "
                                   "too long ago");
    }

    if (siwe->issued - rules->skew > now) {
        return wgw_signin_refuse(signin, 401, "not_yet", "the message",
                                 "was issued in the future: the clocks "
                                 "differ");
    }

    if (siwe->has_not_before && siwe->not_before - rules->skew > now) {
        return wgw_signin_refuse(signin, 401, "not_yet", "the message",
                                 "is not valid before its Not Before");
    }

    if (rules->cap_exp && expires - siwe->issued > rules->life) {
        return wgw_signin_refuse(signin, 401, "lifetime", "the message",
                                 "has a longer life than is allowed here");
    }

    /* elsewhere the message may be good for longer */

    skew = rules->most_skew > rules->skew ? rules->most_skew : rules->skew;
    life = rules->most_life > rules->life ? rules->most_life : rules->life;

    signin->open = !siwe->has_expires;
    signin->issued = siwe->issued;
    signin->remember = skew + (siwe->has_expires ? siwe->expires
                                                 : siwe->issued + life);

    return 0;
}


static int
wgw_signin_place(wgw_signin_t *signin, const wgw_siwe_t *siwe,
    const wgw_signin_rules_t *rules)
{
    int        rc;
    wgw_uri_t  uri;

    rc = wgw_uri_parse(&uri, siwe->uri);
    assert(rc == 0);
    (void) rc;

    if (!wgw_signin_domain(siwe, &uri, rules)) {
        return wgw_signin_refuse(signin, 401, "domain", "the domain",
                                 rules->ndomains
                                 ? "of the message is not one of this server"
                                 : "of the message is not that of its URI");
    }

    if (!wgw_signin_uri(&uri, rules)) {
        return wgw_signin_refuse(signin, 401, "uri", "the URI",
                                 "of the message is not that of this "
                                 "server");
    }

    if (!wgw_signin_chain(siwe->chain, rules)) {
        return wgw_signin_refuse(signin, 401, "chain", "the chain",
                                 "of the message is not accepted here");
    }

    return 0;
}


static int
wgw_signin_domain(const wgw_siwe_t *siwe, const wgw_uri_t *uri,
    const wgw_signin_rules_t *rules)
{
    size_t  i;

    if (rules->any_domain) {
        return 1;
    }

    for (i = 0; i < rules->ndomains; i++) {

        if (wgw_origin_is_domain(&rules->domains[i], siwe->scheme,
                                 siwe->domain, uri))
        {
            return 1;
        }
    }

    return rules->ndomains == 0
           && wgw_origin_of_uri(uri, siwe->scheme, siwe->domain);
}


static int
wgw_signin_uri(const wgw_uri_t *uri, const wgw_signin_rules_t *rules)
{
    size_t  i;

    for (i = 0; i < rules->nuris; i++) {

        if (wgw_origin_is_uri(&rules->uris[i], uri)) {
            return 1;
        }
    }

    return rules->nuris == 0;
}


static int
wgw_signin_chain(uint64_t chain, const wgw_signin_rules_t *rules)
{
    size_t  i;

    for (i = 0; i < rules->nchains; i++) {

        if (rules->chains[i] == chain) {
            return 1;
        }
    }

    return rules->nchains == 0;
}


static int
wgw_signin_signer(wgw_signin_t *signin, const wgw_signin_request_t *request,
    const wgw_siwe_t *siwe, const wgw_eip191_t *eip191)
{
    uint8_t      address[WGW_EIP191_ADDRESS], hash[WGW_EIP191_HASH],
                 signature[WGW_EIP191_SIGNATURE];
    const char  *error;

    error = wgw_eip191_signature(signature, request->signature);

    if (error) {
        return wgw_signin_refuse(signin, 400, "signature", "the signature",
                                 error);
    }

    wgw_eip191_hash(hash, request->message);

    error = wgw_eip191_recover(eip191, address, signature, hash);

    if (error) {
        return wgw_signin_refuse(signin, 401, "signature", "the signature",
                                 error);
    }

    if (memcmp(address, siwe->address, sizeof(address)) != 0) {
        return wgw_signin_refuse(signin, 401, "signer", "the signature",
                                 "is not of this message by its address");
    }

    return 0;
}


static int
wgw_signin_refuse(wgw_signin_t *signin, unsigned status, const char *reason,
    const char *subject, const char *phrase)
{
    signin->status = status;
    signin->reason = reason;

    snprintf(signin->explanation, sizeof(signin->explanation), "%s %s",
             subject, phrase);

    return -1;
}
