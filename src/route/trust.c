
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "route/trust.h"


#define TRUST_NAME  256


static int trust_add(X509_STORE *store, wgw_text_t pem);
static int trust_name(X509_VERIFY_PARAM *param, wgw_text_t name);


X509_STORE *
wgw_trust_store(wgw_text_t pem)
{
    int          done;
    X509_STORE  *store;

    store = X509_STORE_new();
    if (store == NULL) {
        return NULL;
    }

    done = pem.len ? trust_add(store, pem)
           : X509_STORE_set_default_paths(store);

    ERR_clear_error();

    if (!done) {
        X509_STORE_free(store);
        return NULL;
    }

    return store;
}


static int
trust_add(X509_STORE *store, wgw_text_t pem)
{
    int    n;
    BIO   *bio;
    X509  *certificate;

    bio = BIO_new_mem_buf(pem.data, (int) pem.len);
    if (bio == NULL) {
        return 0;
    }

    n = 0;

    while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        n += X509_STORE_add_cert(store, certificate);
        X509_free(certificate);
    }

    BIO_free(bio);

    return n > 0;
}


int
wgw_trust_verify(X509_STORE_CTX *handshake, X509_STORE *store,
    wgw_text_t name)
{
    int                 verified, error;
    X509_STORE_CTX     *ctx;
    X509_VERIFY_PARAM  *param;

    verified = 0;
    error = X509_V_ERR_OUT_OF_MEM;

    ctx = X509_STORE_CTX_new();

    if (ctx
        && X509_STORE_CTX_init(ctx, store,
                               X509_STORE_CTX_get0_cert(handshake),
                               X509_STORE_CTX_get0_untrusted(handshake))
        && X509_STORE_CTX_set_default(ctx, "ssl_server"))
    {
        param = X509_STORE_CTX_get0_param(ctx);

        /* a backend's own certificate may be what is trusted */

        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);

        if (trust_name(param, name)) {
            verified = X509_verify_cert(ctx) == 1;
            error = X509_STORE_CTX_get_error(ctx);
        }
    }

    X509_STORE_CTX_free(ctx);
    ERR_clear_error();

    X509_STORE_CTX_set_error(handshake, error);

    return verified;
}


static int
trust_name(X509_VERIFY_PARAM *param, wgw_text_t name)
{
    char  text[TRUST_NAME];

    if (name.len == 0 || name.len >= TRUST_NAME) {
        return 0;
    }

    memcpy(text, name.data, name.len);
    text[name.len] = '\0';

    if (X509_VERIFY_PARAM_set1_ip_asc(param, text)) {
        return 1;
    }

    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);

    return X509_VERIFY_PARAM_set1_host(param, text, name.len);
}
