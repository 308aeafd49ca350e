
#include "names/ca.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>


static BIO *ca_text(wgw_text_t text);
static const char *ca_certificates(BIO *in, BIO *out);
static const char *ca_certificate(const char *label, const char *header,
    const uint8_t *der, long len);


const char *
wgw_ca_parse(wgw_text_t text, wgw_out_t *ca)
{
    BIO         *in, *out;
    long         len;
    char        *pem;
    const char  *error;

    if (text.len > WGW_CA_MAX) {
        return "is longer than 32768 bytes";
    }

    in = ca_text(text);
    out = BIO_new(BIO_s_mem());

    if (in && out) {
        error = ca_certificates(in, out);

    } else {
        error = "cannot be read: out of memory";
    }

    if (error == NULL) {
        len = BIO_get_mem_data(out, &pem);

        if (len > WGW_CA_MAX) {
            error = "is longer than 32768 bytes";

        } else {
            wgw_out_bytes(ca, pem, (size_t) len);
        }
    }

    BIO_free(in);
    BIO_free(out);

    /* nginx reports what it finds in this queue later on */
    ERR_clear_error();

    return error;
}


/*
 * Files that were put together have byte order marks at their seams, before
 * which OpenSSL sees no certificate.
 */

static BIO *
ca_text(wgw_text_t text)
{
    BIO        *in;
    size_t      i, len;
    wgw_text_t  rest;

    in = BIO_new(BIO_s_mem());

    for (i = 0; in && i < text.len; i += len) {
        rest.data = text.data + i;
        rest.len = text.len - i;

        len = wgw_text_marked(rest).len;

        if (len < rest.len) {
            len = rest.len - len;
            continue;
        }

        for (len = 1; len < rest.len && rest.data[len] != '\xef'; len++) {
            /* void */
        }

        if (BIO_write(in, rest.data, (int) len) != (int) len) {
            BIO_free(in);
            in = NULL;
        }
    }

    return in;
}


static const char *
ca_certificates(BIO *in, BIO *out)
{
    int             n;
    long            len;
    char           *label, *header;
    unsigned char  *der;
    const char     *error;
    unsigned long   reason;

    ERR_clear_error();

    for (n = 0; PEM_read_bio(in, &label, &header, &der, &len) == 1; n++) {

        error = ca_certificate(label, header, der, len);

        if (error == NULL
            && PEM_write_bio(out, PEM_STRING_X509, "", der, len) <= 0)
        {
            error = "cannot be read: out of memory";
        }

        OPENSSL_free(label);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t) len);

        if (error) {
            return error;
        }
    }

    reason = ERR_peek_last_error();

    if (ERR_GET_LIB(reason) != ERR_LIB_PEM
        || ERR_GET_REASON(reason) != PEM_R_NO_START_LINE)
    {
        return "has broken PEM";
    }

    return n ? NULL : "has no certificate";
}


static const char *
ca_certificate(const char *label, const char *header,
    const uint8_t *der, long len)
{
    X509           *x509;
    const uint8_t  *p;

    if (strcmp(label, PEM_STRING_X509) != 0 || header[0] != '\0') {
        return "has something other than certificates";
    }

    p = der;
    x509 = d2i_X509(NULL, &p, len);

    if (x509 == NULL) {
        return "has a broken certificate";
    }

    X509_free(x509);

    return (p == der + len) ? NULL : "has a broken certificate";
}
