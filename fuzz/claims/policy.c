
/*
 * A policy against arguments: the input is a list of both.  It makes no
 * difference whether the arguments are given one by one or as a whole.
 */

#include "claims/policy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int
find(void *data, wgw_text_t group, const wgw_text_t *name, wgw_cbor_t *value)
{
    wgw_cbor_t  map;

    if (!wgw_cbor_find(&map, data, group, NULL)) {
        return 0;
    }

    if (name == NULL) {
        *value = map;
        return 1;
    }

    return wgw_cbor_find(value, &map, *name, NULL);
}


static const wgw_cbor_t *
whole(void *data)
{
    return data;
}


static void
judge(const wgw_cbor_t *value, wgw_cbor_t *args)
{
    void               *memory;
    size_t              i;
    wgw_limit_t         limit;
    wgw_policy_t        policy;
    wgw_policy_args_t   one, all;
    wgw_policy_size_t   size;

    if (wgw_policy_check(value, 1, &size) != NULL) {
        return;
    }

    memory = malloc(wgw_policy_room(&size) + 1);
    wgw_policy_build(&policy, value, 1, &size, memory);

    one.find = find;
    one.whole = whole;
    one.data = args;
    all = one;
    all.find = NULL;

    assert(wgw_policy_holds(&policy, &one) == wgw_policy_holds(&policy, &all));

    for (i = 0; i < policy.n; i++) {
        assert(policy.statements[i].end > i);
        assert(policy.statements[i].end <= policy.n);
        (void) wgw_policy_limit(&policy.statements[i], &limit);
    }

    free(memory);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t        *copy;
    wgw_cbor_t      pair, policy, args;
    const uint8_t  *p;

    copy = malloc(size ? size : 1);
    memcpy(copy, data, size);

    if (wgw_cbor_check(copy, size) == NULL) {
        p = wgw_cbor_read(&pair, copy);

        if (pair.type == WGW_CBOR_LIST && pair.number == 2) {
            wgw_cbor_read(&policy, p);
            wgw_cbor_read(&args, wgw_cbor_skip(p));
            judge(&policy, &args);
        }
    }

    free(copy);

    return 0;
}
