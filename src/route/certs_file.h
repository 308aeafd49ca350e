
/*
 * certs_file: what the first certificate of a file says, for those who look
 * after them.
 */

#ifndef WGW_CERTS_FILE_H
#define WGW_CERTS_FILE_H


#include <stdint.h>

#include <openssl/x509.h>

#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_CERTS_DIR    256        /* the length of DIR, at most */
#define WGW_CERTS_FOLDER 320        /* a name, and what a link names */

#define WGW_CERTS_CERT   "fullchain.pem"
#define WGW_CERTS_KEY    "privkey.pem"

#define WGW_CERTS_ISSUER  128
#define WGW_CERTS_NAMES   100       /* more are not listed, nor longer ones */


typedef struct {
    int64_t      not_before;        /* seconds since 1970 */
    int64_t      not_after;
    unsigned     self_signed:1;
    char         issuer[WGW_CERTS_ISSUER];      /* its common name, or
                                                   organization; terminated */
    size_t       names_len;
    char         names[1024];       /* of DNS, each with a zero behind it */
} wgw_certs_file_t;


/* Returns 0, or -1 when there is none, or it cannot be read. */
int wgw_certs_file(const char *path, wgw_certs_file_t *file);

/*
 * Returns 0 when a handshake can do with what is in a folder: all of the chain
 * can be read, and the key is the one of its first certificate, or has a
 * password, which is not known here; or -1.
 */
int wgw_certs_pair(const char *folder);

/* The first certificate of a file, or NULL. */
X509 *wgw_certs_x509(const char *path);

/* The key of a file, or NULL; nobody is asked for a password. */
EVP_PKEY *wgw_certs_key(const char *path);


#pragma GCC visibility pop

#endif /* WGW_CERTS_FILE_H */
