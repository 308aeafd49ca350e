
/*
 * ca: the certificates that a record trusts (tls_ca), as PEM.
 *
 * They are kept, the text around them is not: one set has one form, and this
 * form has a known length in JSON.
 */

#ifndef WGW_CA_H
#define WGW_CA_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_CA_MAX  32768

/* a certificate is written in short lines; JSON escapes each line's end */
#define WGW_CA_LINE  sizeof("-----END CERTIFICATE-----")


/*
 * Writes the certificates in `text`, at most WGW_CA_MAX bytes.  Returns NULL,
 * or what is wrong: a phrase, "has broken PEM".
 */
const char *wgw_ca_parse(wgw_text_t text, wgw_out_t *ca);


#pragma GCC visibility pop

#endif /* WGW_CA_H */
