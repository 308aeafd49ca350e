
/*
 * contents: a content as it was asked for, by the text of its CID, and its
 * chains, found and taken apart once, kept by each worker.
 *
 * An entry is good while the store's id is that at which it was looked at;
 * then, while both of the content's stamps are the same (rows.h).  Tokens
 * that are revoked or put are seen by the next request.  Times are not part
 * of it: each chain says from when to when it holds.
 *
 * Another content may take an entry's place; who needs what is in it for
 * longer than until the next one is found holds it.
 */

#ifndef WGW_CONTENTS_H
#define WGW_CONTENTS_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "claims/content.h"

#pragma GCC visibility push(hidden)


#define WGW_CONTENTS  16384        /* kept by a worker */


/*
 * The entry, until the next call; without chains, and that logged, when the
 * store cannot be used.  NGX_OK, NGX_DECLINED where the text is no CID, or
 * NGX_ERROR: no memory.
 */
ngx_int_t wgw_contents_find(wgw_claims_t *claims, wgw_text_t text,
    wgw_content_t **content, ngx_log_t *log);


#pragma GCC visibility pop

#endif /* WGW_CONTENTS_H */
