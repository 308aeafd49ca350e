
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "route/certs_file.h"


#define FILE_PATH  (WGW_CERTS_DIR + WGW_CERTS_FOLDER + 16)


static int file_time(const ASN1_TIME *time, int64_t *seconds);
static void file_issuer(X509 *x509, char *issuer);
static void file_names(X509 *x509, wgw_certs_file_t *file);
static X509 *file_chain(const char *path);
static EVP_PKEY *file_key(const char *path, unsigned *locked);
static int file_password(char *buf, int size, int writing, void *data);


int
wgw_certs_file(const char *path, wgw_certs_file_t *file)
{
    int    rc;
    X509  *x509;

    x509 = wgw_certs_x509(path);
    if (x509 == NULL) {
        return -1;
    }

    rc = file_time(X509_get0_notBefore(x509), &file->not_before) != 0
         || file_time(X509_get0_notAfter(x509), &file->not_after) != 0
         ? -1 : 0;

    file->self_signed = X509_NAME_cmp(X509_get_subject_name(x509),
                                      X509_get_issuer_name(x509)) == 0;

    file_issuer(x509, file->issuer);
    file_names(x509, file);

    X509_free(x509);

    return rc;
}


X509 *
wgw_certs_x509(const char *path)
{
    FILE  *f;
    X509  *x509;

    f = fopen(path, "re");
    if (f == NULL) {
        return NULL;
    }

    x509 = PEM_read_X509(f, NULL, NULL, NULL);

    fclose(f);
    ERR_clear_error();

    return x509;
}


static int
file_time(const ASN1_TIME *time, int64_t *seconds)
{
    struct tm  tm;

    if (ASN1_TIME_to_tm(time, &tm) != 1) {
        return -1;
    }

    *seconds = timegm(&tm);

    return 0;
}


static void
file_issuer(X509 *x509, char *issuer)
{
    X509_NAME  *name;

    name = X509_get_issuer_name(x509);

    issuer[0] = '\0';

    if (X509_NAME_get_text_by_NID(name, NID_commonName, issuer,
                                  WGW_CERTS_ISSUER)
        < 1)
    {
        (void) X509_NAME_get_text_by_NID(name, NID_organizationName, issuer,
                                         WGW_CERTS_ISSUER);
    }
}


static void
file_names(X509 *x509, wgw_certs_file_t *file)
{
    int                 i, len;
    GENERAL_NAME       *name;
    GENERAL_NAMES      *names;
    const ASN1_STRING  *text;

    file->names_len = 0;

    names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);

    for (i = 0; i < sk_GENERAL_NAME_num(names) && i < WGW_CERTS_NAMES; i++) {

        name = sk_GENERAL_NAME_value(names, i);

        if (name->type != GEN_DNS) {
            continue;
        }

        text = name->d.dNSName;
        len = ASN1_STRING_length(text);

        if (len <= 0
            || memchr(ASN1_STRING_get0_data(text), '\0', len)
            || (size_t) len >= sizeof(file->names) - file->names_len)
        {
            continue;
        }

        memcpy(file->names + file->names_len, ASN1_STRING_get0_data(text),
               len);
        file->names_len += len;
        file->names[file->names_len++] = '\0';
    }

    GENERAL_NAMES_free(names);
}


int
wgw_certs_pair(const char *folder)
{
    int        rc;
    char       path[FILE_PATH];
    X509      *x509;
    unsigned   locked;
    EVP_PKEY  *key;

    snprintf(path, sizeof(path), "%s/" WGW_CERTS_CERT, folder);
    x509 = file_chain(path);

    if (x509 == NULL) {
        return -1;
    }

    snprintf(path, sizeof(path), "%s/" WGW_CERTS_KEY, folder);
    key = file_key(path, &locked);

    rc = locked || (key && X509_check_private_key(x509, key) == 1) ? 0 : -1;

    EVP_PKEY_free(key);
    X509_free(x509);
    ERR_clear_error();

    return rc;
}


/* The first certificate, when there is nothing wrong with those behind it. */

static X509 *
file_chain(const char *path)
{
    FILE           *f;
    X509           *first, *x509;
    unsigned long   error;

    f = fopen(path, "re");
    if (f == NULL) {
        return NULL;
    }

    first = PEM_read_X509_AUX(f, NULL, file_password, NULL);

    if (first) {
        ERR_clear_error();

        while ((x509 = PEM_read_X509(f, NULL, file_password, NULL))) {
            X509_free(x509);
        }

        error = ERR_peek_last_error();

        if (ERR_GET_LIB(error) != ERR_LIB_PEM
            || ERR_GET_REASON(error) != PEM_R_NO_START_LINE)
        {
            X509_free(first);
            first = NULL;
        }
    }

    fclose(f);
    ERR_clear_error();

    return first;
}


EVP_PKEY *
wgw_certs_key(const char *path)
{
    unsigned  locked;

    return file_key(path, &locked);
}


/* Locked is one with a password: nginx may have it, by ssl_password_file. */

static EVP_PKEY *
file_key(const char *path, unsigned *locked)
{
    FILE      *f;
    EVP_PKEY  *key;

    *locked = 0;

    f = fopen(path, "re");
    if (f == NULL) {
        return NULL;
    }

    key = PEM_read_PrivateKey(f, NULL, file_password, locked);

    fclose(f);
    ERR_clear_error();

    return key;
}


static int
file_password(char *buf, int size, int writing, void *data)
{
    (void) buf;
    (void) size;
    (void) writing;

    if (data) {
        *(unsigned *) data = 1;
    }

    return -1;
}
