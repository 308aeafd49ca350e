
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "route/certs.h"
#include "route/certs_file.h"
#include "route/certs_own.h"


#define OWN_PATH    (WGW_CERTS_DIR + 64)
#define OWN_FILE    (OWN_PATH + 32)
#define OWN_DAYS    3650
#define OWN_LEFT    (30 * 24 * 3600)        /* seconds */
#define OWN_SERIAL  16                      /* bytes */


static int own_good(const char *dir, const char *domain);
static int own_make(const char *dir, const char *domain, gid_t group,
    const char **error);
static X509 *own_certificate(EVP_PKEY *key, const char *domain);
static int own_names(X509 *x509, const char *domain);
static int own_serial(X509 *x509);
static int own_write(const char *dir, const char *name, gid_t group,
    X509 *x509, EVP_PKEY *key);
static int own_folder(const char *path, gid_t group);
static int own_group(const char *dir, const char *file, gid_t group);


int
wgw_certs_own(const char *dir, wgw_text_t domain, gid_t group,
    const char **error)
{
    char  path[OWN_PATH], name[WGW_NAME_MAX + 1];

    snprintf(name, sizeof(name), "%.*s", (int) domain.len,
             domain.len ? domain.data : "");
    snprintf(path, sizeof(path), "%s/" WGW_CERTS_SELF, dir);

    if (own_folder(dir, group) != 0 || own_folder(path, group) != 0) {
        *error = "cannot be made";
        return -1;
    }

    if (own_good(path, name[0] ? name : "localhost")) {
        *error = "cannot be given to the workers";

        return own_group(path, "", group) == 0
               && own_group(path, WGW_CERTS_KEY, group) == 0
               && own_group(path, WGW_CERTS_CERT, group) == 0 ? 0 : -1;
    }

    return own_make(path, name, group, error);
}


static int
own_folder(const char *path, gid_t group)
{
    struct stat  st;

    if (stat(path, &st) == 0) {
        errno = ENOTDIR;
        return S_ISDIR(st.st_mode) ? 0 : -1;
    }

    if (mkdir(path, 0750) == -1) {
        return -1;
    }

    return group == (gid_t) -1 ? 0 : chown(path, (uid_t) -1, group);
}


/* What is made here is for the workers, who may have become others. */

static int
own_group(const char *dir, const char *file, gid_t group)
{
    char         path[OWN_FILE];
    struct stat  st;

    snprintf(path, sizeof(path), "%s/%s", dir, file);

    if (group == (gid_t) -1 || lstat(path, &st) == -1 || st.st_gid == group) {
        return 0;
    }

    return lchown(path, (uid_t) -1, group);
}


/* 1: both are there, and of use. */

static int
own_good(const char *dir, const char *domain)
{
    int     good;
    char    path[OWN_FILE];
    X509   *x509;
    time_t  then;

    if (wgw_certs_pair(dir) != 0) {
        return 0;
    }

    snprintf(path, sizeof(path), "%s/" WGW_CERTS_CERT, dir);

    x509 = wgw_certs_x509(path);
    then = time(NULL) + OWN_LEFT;

    good = x509
           && X509_check_host(x509, domain, 0, 0, NULL) == 1
           && X509_cmp_time(X509_get0_notAfter(x509), &then) == 1;

    X509_free(x509);

    return good;
}


static int
own_make(const char *dir, const char *domain, gid_t group,
    const char **error)
{
    int        rc;
    char       path[OWN_FILE];
    X509      *x509;
    EVP_PKEY  *key;

    *error = "could not be given a certificate";

    /* a key that is there stays: workers serve it meanwhile */

    snprintf(path, sizeof(path), "%s/" WGW_CERTS_KEY, dir);

    key = wgw_certs_key(path);
    rc = 0;

    errno = 0;

    if (key == NULL) {
        key = EVP_EC_gen("P-256");
        rc = key ? own_write(dir, WGW_CERTS_KEY, group, NULL, key) : -1;
    }

    x509 = rc == 0 ? own_certificate(key, domain) : NULL;

    rc = x509 ? own_write(dir, WGW_CERTS_CERT, group, x509, NULL) : -1;

    X509_free(x509);
    EVP_PKEY_free(key);

    return rc;
}


static X509 *
own_certificate(EVP_PKEY *key, const char *domain)
{
    X509       *x509;
    X509_NAME  *name;

    x509 = X509_new();
    if (x509 == NULL) {
        return NULL;
    }

    name = X509_get_subject_name(x509);

    /* a name of the subject has 64 characters at most */

    if (X509_set_version(x509, X509_VERSION_3) == 1
        && own_serial(x509) == 0
        && X509_gmtime_adj(X509_getm_notBefore(x509), -3600)
        && X509_time_adj_ex(X509_getm_notAfter(x509), OWN_DAYS, 0, NULL)
        && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                      (const unsigned char *) "wgw", -1, -1,
                                      0) == 1
        && X509_set_issuer_name(x509, name) == 1
        && X509_set_pubkey(x509, key) == 1
        && own_names(x509, domain) == 0
        && X509_sign(x509, key, EVP_sha256()) > 0)
    {
        return x509;
    }

    X509_free(x509);

    return NULL;
}


static int
own_serial(X509 *x509)
{
    int            rc;
    BIGNUM        *number;
    unsigned char  bytes[OWN_SERIAL];

    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return -1;
    }

    bytes[0] &= 0x7f;

    number = BN_bin2bn(bytes, sizeof(bytes), NULL);

    rc = number
         && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) ? 0 : -1;

    BN_free(number);

    return rc;
}


static int
own_names(X509 *x509, const char *domain)
{
    int              rc;
    char             names[2 * WGW_NAME_MAX + 64];
    X509V3_CTX       context;
    X509_EXTENSION  *extension;

    if (domain[0]) {
        snprintf(names, sizeof(names), "DNS:%s,DNS:*.%s,DNS:localhost",
                 domain, domain);
    } else {
        strcpy(names, "DNS:localhost");
    }

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);

    extension = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name,
                                    names);
    if (extension == NULL) {
        return -1;
    }

    rc = X509_add_ext(x509, extension, -1) == 1 ? 0 : -1;

    X509_EXTENSION_free(extension);

    return rc;
}


/* Whole, or not at all. */

static int
own_write(const char *dir, const char *name, gid_t group, X509 *x509,
    EVP_PKEY *key)
{
    int    fd, ok;
    char   path[OWN_FILE], temp[OWN_FILE + 8];
    FILE  *file;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    snprintf(temp, sizeof(temp), "%s.new", path);

    (void) unlink(temp);

    fd = open(temp, O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC, 0600);
    if (fd == -1) {
        return -1;
    }

    file = fdopen(fd, "w");

    if (file == NULL) {
        close(fd);
        return -1;
    }

    ok = x509 ? PEM_write_X509(file, x509)
              : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);

    ok = ok && fflush(file) == 0 && fsync(fd) == 0
         && (group == (gid_t) -1
             || (fchown(fd, (uid_t) -1, group) == 0
                 && fchmod(fd, 0640) == 0));

    ok = fclose(file) == 0 && ok;

    return ok && rename(temp, path) == 0 ? 0 : -1;
}
