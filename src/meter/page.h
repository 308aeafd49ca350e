
/*
 * page: the status page, a document of HTML.
 *
 * Its text is page/page.html, with style and script from beside it, put into
 * the module when it is configured (tools/embed.sh).  Where it has a mark,
 * <!--wgw:NAME-->, stands what the function of that name in page.c writes:
 * all that the meter knows, so that the page is of use without a script.  What
 * a script adds, and how it loads these parts anew, is in page/page.js.
 *
 * Names are listed in order, each with what was counted under it, where a
 * zone has names for keys and the route module is loaded; else the keys of
 * the first zone.
 */

#ifndef WGW_PAGE_H
#define WGW_PAGE_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "meter/page_query.h"

#pragma GCC visibility push(hidden)


/* Returns the length of `*out`, or NGX_ERROR. */
off_t wgw_page(ngx_pool_t *pool, wgw_page_query_t *query, ngx_chain_t **out);

/* The text of the script and of the style, for hashes of them. */
void wgw_page_parts(wgw_text_t *script, wgw_text_t *style);


#pragma GCC visibility pop

#endif /* WGW_PAGE_H */
