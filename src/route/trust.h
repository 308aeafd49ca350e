
/*
 * trust: whether a backend's certificate is the one a name asks for.
 *
 * Pure OpenSSL.  Verification runs inside the handshake, in a context of its
 * own, so that what one name trusts never reaches another.
 */

#ifndef WGW_TRUST_H
#define WGW_TRUST_H


#include <openssl/x509.h>

#include "format/text.h"

#pragma GCC visibility push(hidden)


/*
 * A store of the certificates in `pem`, which may be of authorities or of
 * the backend itself; of the system's authorities when it is empty.  NULL
 * on failure.  The caller owns it.
 */
X509_STORE *wgw_trust_store(wgw_text_t pem);

/*
 * Verifies the chain that `handshake` was made for against `store`, as that
 * of a TLS server with this name, or IP address.  Returns 1 or 0; the reason
 * is then in X509_STORE_CTX_get_error(handshake).
 */
int wgw_trust_verify(X509_STORE_CTX *handshake, X509_STORE *store,
    wgw_text_t name);


#pragma GCC visibility pop

#endif /* WGW_TRUST_H */
