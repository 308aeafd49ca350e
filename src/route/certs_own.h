
/*
 * certs_own: a certificate that nobody signed but itself, so that a handshake
 * never fails for want of one.
 *
 *     DIR/.self/fullchain.pem  privkey.pem
 *
 * ECDSA on P-256, for the domain, what is one label below it, and localhost;
 * ten years.  Made when it is not there, is of another domain, or ends within
 * a month.
 */

#ifndef WGW_CERTS_OWN_H
#define WGW_CERTS_OWN_H


#include <sys/types.h>

#include "format/text.h"

#pragma GCC visibility push(hidden)


/*
 * `dir` is made, if it is not there, 0750; with that group, unless it is -1,
 * whom the files are readable for.  Returns 0, or -1; then errno is 0 or says
 * why, and `*error` is a phrase.
 */
int wgw_certs_own(const char *dir, wgw_text_t domain, gid_t group,
    const char **error);


#pragma GCC visibility pop

#endif /* WGW_CERTS_OWN_H */
