
/*
 * Sign-in bodies, read and decided.
 */

#include "auth/signin.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


#define NOW  1767323050


static void
refused(const wgw_signin_t *signin)
{
    size_t  i;

    assert(signin->status == 400 || signin->status == 401);
    assert(signin->reason[0] != '\0');
    assert(signin->explanation[0] != '\0');

    /* nothing raw of what was sent is in it */

    for (i = 0; signin->explanation[i] != '\0'; i++) {
        assert(signin->explanation[i] >= ' ' && signin->explanation[i] < 127);
        assert(i + 1 < sizeof(signin->explanation) - 1);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                  *copy, *buffer;
    wgw_text_t             body;
    wgw_origin_t           uri;
    wgw_signin_t           signin;
    wgw_signin_rules_t     rules;
    wgw_signin_request_t   request;

    static const uint64_t   chain = 1;
    static wgw_eip191_t    *eip191;

    if (eip191 == NULL) {
        eip191 = wgw_eip191_create();
        assert(eip191 != NULL);
    }

    wgw_origin_parse(&uri, wgw_text("provider.example/auth"));

    memset(&rules, 0, sizeof(rules));
    rules.uris = &uri;
    rules.nuris = 1;
    rules.chains = &chain;
    rules.nchains = 1;
    rules.skew = 30;
    rules.life = 3600;
    rules.cap_exp = 1;
    rules.lenient = size & 1;

    copy = malloc(size);
    buffer = malloc(size);

    if (size) {
        memcpy(copy, data, size);
    }

    body.data = copy;
    body.len = size;

    if (wgw_signin_read(&request, body, buffer, &signin) != 0
        || wgw_signin_decide(&signin, &request, &rules, eip191, NOW) != 0)
    {
        refused(&signin);

    } else {
        assert(signin.status == 200);
        assert(signin.nonce.len >= WGW_SIWE_NONCE_MIN);
        assert(signin.remember > NOW);
        assert(signin.remember <= NOW + 30 + 3600 + 30);
    }

    free(buffer);
    free(copy);

    return 0;
}
