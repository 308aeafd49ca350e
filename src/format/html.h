
/*
 * html: text from anywhere in a document.
 *
 * As content of an element or in an attribute's quotes; nothing of it becomes
 * markup.  What cannot be seen is written as \xhh, as in wgw_out_json_key().
 */

#ifndef WGW_HTML_H
#define WGW_HTML_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


/* of a byte: "&quot;" */
#define WGW_HTML_MAX  6


void wgw_out_html(wgw_out_t *out, wgw_text_t text);

/*
 * As part of a query in a URL: all but what is unreserved (RFC 3986, 2.3) as
 * %HH, of WGW_HTML_MAX at most as well.
 */
void wgw_out_query(wgw_out_t *out, wgw_text_t text);


#pragma GCC visibility pop

#endif /* WGW_HTML_H */
