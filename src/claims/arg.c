
/*
 * arg: see arg.h.
 */

#include "claims/arg.h"


wgw_claim_arg_t
wgw_claim_arg(wgw_text_t group, unsigned named)
{
    size_t  i;

    static const struct {
        wgw_text_t        name;
        wgw_claim_arg_t   alone;
        wgw_claim_arg_t   named;
    } args[] = {
        { { "headers", 7 }, WGW_CLAIM_ARG_GROUP, WGW_CLAIM_ARG_HEADER },
        { { "query", 5 }, WGW_CLAIM_ARG_GROUP, WGW_CLAIM_ARG_QUERY },
        { { "content", 7 }, WGW_CLAIM_ARG_CONTENT, WGW_CLAIM_ARG_NONE },
        { { "url", 3 }, WGW_CLAIM_ARG_URL, WGW_CLAIM_ARG_NONE },
        { { "method", 6 }, WGW_CLAIM_ARG_METHOD, WGW_CLAIM_ARG_NONE },
        { { "host", 4 }, WGW_CLAIM_ARG_HOST, WGW_CLAIM_ARG_NONE },
        { { "path", 4 }, WGW_CLAIM_ARG_PATH, WGW_CLAIM_ARG_NONE }
    };

    for (i = 0; i < sizeof(args) / sizeof(args[0]); i++) {

        if (wgw_text_equal(args[i].name, group)) {
            return named ? args[i].named : args[i].alone;
        }
    }

    return WGW_CLAIM_ARG_NONE;
}
