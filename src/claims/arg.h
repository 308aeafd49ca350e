
/*
 * arg: what a policy may look at, of a request, by its name.
 *
 *     content         bytes of the multihash
 *     url             what the gateway would fetch, if that is configured
 *     method, host, path
 *     headers.NAME    by lower-case name
 *     query.NAME
 */

#ifndef WGW_ARG_NAME_H
#define WGW_ARG_NAME_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


typedef enum {
    WGW_CLAIM_ARG_NONE = 0,             /* there is no such argument */
    WGW_CLAIM_ARG_GROUP,                /* all headers, or all of the query */
    WGW_CLAIM_ARG_CONTENT,
    WGW_CLAIM_ARG_URL,
    WGW_CLAIM_ARG_METHOD,
    WGW_CLAIM_ARG_HOST,
    WGW_CLAIM_ARG_PATH,
    WGW_CLAIM_ARG_HEADER,
    WGW_CLAIM_ARG_QUERY
} wgw_claim_arg_t;


/* .group or, with a name, .group.name */
wgw_claim_arg_t wgw_claim_arg(wgw_text_t group, unsigned named);


#pragma GCC visibility pop

#endif /* WGW_ARG_NAME_H */
