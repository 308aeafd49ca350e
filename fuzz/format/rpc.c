
/*
 * JSON-RPC bodies.  The first byte chooses the rules.
 */

#include "format/rpc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


#define BATCH  8


/* The answer is JSON-RPC itself, an error for each call that came. */

static void
answer(wgw_text_t reply)
{
    char               *buffer;
    wgw_out_t           out;
    wgw_rpc_rules_t     rules;
    wgw_rpc_verdict_t   verdict;

    memset(&rules, 0, sizeof(rules));
    rules.batch = BATCH;

    buffer = malloc(WGW_RPC_REPLY(BATCH));
    wgw_out_init(&out, buffer, WGW_RPC_REPLY(BATCH));

    verdict = wgw_rpc_check(reply, &rules, &out);
    assert(verdict == WGW_RPC_INVALID);

    free(buffer);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char               *copy, *buffer;
    size_t              room;
    wgw_out_t           out;
    wgw_text_t          body;
    wgw_rpc_rules_t     rules;
    wgw_rpc_verdict_t   verdict, again;

    static const wgw_text_t  allow[] = { { "eth_*", 5 }, { "x", 1 } };
    static const wgw_text_t  deny[] = { { "eth_sign*", 9 } };

    if (size == 0) {
        return 0;
    }

    memset(&rules, 0, sizeof(rules));
    rules.allow = allow;
    rules.nallow = (data[0] & 1) ? 2 : 0;
    rules.deny = deny;
    rules.ndeny = (data[0] & 2) ? 1 : 0;
    rules.batch = BATCH;
    room = WGW_RPC_REPLY((data[0] & 4) ? 1 : BATCH);

    copy = malloc(size - 1);

    if (size > 1) {
        memcpy(copy, data + 1, size - 1);
    }

    body.data = copy;
    body.len = size - 1;
    buffer = malloc(room);

    wgw_out_init(&out, buffer, room);
    verdict = wgw_rpc_check(body, &rules, &out);

    assert(!out.overflow);
    assert((verdict == WGW_RPC_ALLOWED) == (out.pos == out.start));

    if (verdict != WGW_RPC_ALLOWED) {
        answer((wgw_text_t) { out.start, (size_t) (out.pos - out.start) });
    }

    /* with fewer rules no more is refused */

    rules.nallow = 0;
    rules.ndeny = 0;
    wgw_out_init(&out, buffer, room);
    again = wgw_rpc_check(body, &rules, &out);

    assert(again == (verdict == WGW_RPC_REFUSED ? WGW_RPC_ALLOWED : verdict));

    free(buffer);
    free(copy);

    return 0;
}
