
/*
 * Tokens: what is read is within the input, and its policy can be taken
 * apart.  Only what was signed is taken by the signature.
 */

#include "claims/chain.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
within(const wgw_token_t *token, wgw_text_t view)
{
    assert(view.data >= token->bytes.data);
    assert(view.data + view.len <= token->bytes.data + token->bytes.len);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void               *memory;
    size_t              which;
    uint8_t            *copy, id[WGW_TOKEN_ID], cid[WGW_TOKEN_CID];
    const char         *reason;
    wgw_token_t         token;
    wgw_chain_t         chains[2];
    wgw_policy_t        policy;
    wgw_chain_link_t    link;
    wgw_chain_rules_t   rules;

    copy = malloc(size ? size : 1);
    memcpy(copy, data, size);

    if (wgw_token_read(&token, copy, size, 1) == NULL) {
        within(&token, token.iss);
        within(&token, token.aud);
        within(&token, token.cmd);
        within(&token, token.signed_part);
        within(&token, token.signature);

        memory = malloc(wgw_policy_room(&token.size) + 1);
        wgw_policy_build(&policy, &token.pol, 1, &token.size, memory);
        free(memory);

        assert(wgw_token_id(&token, id) == 0);
        assert(wgw_token_cid(&token, cid) == 0);
        (void) wgw_token_twin(&token, cid);
        (void) wgw_token_time(&token, 1715000000, 60);
        (void) wgw_token_verify(&token, NULL, 0, &which);

        link.token = &token;
        link.barred = NULL;
        rules.gateway = token.aud;
        rules.subjects = &token.iss;
        rules.nsubjects = 1;
        rules.command = token.cmd;
        assert(wgw_chain_search(&rules, &link, 1, chains, 2, &reason) == 0);
    }

    free(copy);

    return 0;
}
