
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "cli/cli.h"
#include "cli/file.h"
#include "format/hex.h"
#include "program/memory.h"


#define FILE_PIECE  65536


static int file_zero(const char *data, size_t len);
static ssize_t file_get(int fd, void *data, size_t len);


char *
cli_file_read(const char *path, size_t max, size_t *len)
{
    int      fd, err;
    char    *text;
    size_t   room;
    ssize_t  n;

    fd = open(path, O_RDONLY|O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }

    *len = 0;
    room = 4096;
    text = wgw_alloc(room + 1);

    while ((n = file_get(fd, text + *len, room - *len)) > 0) {
        *len += (size_t) n;

        if (*len > max) {
            n = -1;
            errno = EFBIG;
            break;
        }

        if (*len == room) {
            room *= 2;
            text = wgw_grow(text, room + 1);
        }
    }

    err = errno;
    close(fd);

    if (n < 0) {
        free(text);
        errno = err;
        return NULL;
    }

    text[*len] = '\0';

    return text;
}


FILE *
cli_file_create(const char *path, unsigned mode)
{
    int    fd;
    char  *new;
    FILE  *file;

    new = wgw_format("%s.new", path);
    (void) unlink(new);

    fd = open(new, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, mode);
    file = fd < 0 ? NULL : fdopen(fd, "w");

    free(new);

    return file;
}


int
cli_file_commit(FILE *file, const char *path)
{
    int    rc, err;
    char  *new;

    rc = fflush(file) != 0 || ferror(file) || fsync(fileno(file)) != 0;
    err = errno;

    if (rc) {
        cli_file_drop(file, path);
        errno = err;
        return -1;
    }

    (void) fclose(file);

    new = wgw_format("%s.new", path);
    rc = rename(new, path);
    free(new);

    return rc;
}


void
cli_file_drop(FILE *file, const char *path)
{
    char  *new;

    (void) fclose(file);

    new = wgw_format("%s.new", path);
    (void) unlink(new);
    free(new);
}


int
cli_file_put(int fd, const void *data, size_t len)
{
    ssize_t      n;
    const char  *p;

    for (p = data; len; p += n, len -= (size_t) n) {
        do {
            n = write(fd, p, len);
        } while (n < 0 && errno == EINTR);

        if (n < 0) {
            return -1;
        }
    }

    return 0;
}


static ssize_t
file_get(int fd, void *data, size_t len)
{
    ssize_t  n;

    do {
        n = read(fd, data, len);
    } while (n < 0 && errno == EINTR);

    return n;
}


int
cli_file_copy(int from, int to, int sparse)
{
    off_t    size;
    char     data[FILE_PIECE];
    ssize_t  n;

    size = 0;

    while ((n = file_get(from, data, sizeof(data))) > 0) {
        size += n;

        if (sparse && file_zero(data, (size_t) n)) {
            if (lseek(to, n, SEEK_CUR) < 0) {
                return -1;
            }

        } else if (cli_file_put(to, data, (size_t) n) != 0) {
            return -1;
        }
    }

    return n < 0 || (sparse && ftruncate(to, size) != 0) ? -1 : 0;
}


static int
file_zero(const char *data, size_t len)
{
    return data[0] == 0 && memcmp(data, data + 1, len - 1) == 0;
}


int
cli_file_sha(int fd, char sha[CLI_FILE_SHA], uint64_t *size)
{
    char           data[FILE_PIECE];
    ssize_t        n;
    unsigned       len;
    EVP_MD_CTX    *ctx;
    unsigned char  digest[EVP_MAX_MD_SIZE];

    *size = 0;

    ctx = EVP_MD_CTX_new();

    if (ctx == NULL || lseek(fd, 0, SEEK_SET) < 0
        || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
    {
        EVP_MD_CTX_free(ctx);
        return -1;
    }

    while ((n = file_get(fd, data, sizeof(data))) > 0) {
        *size += (uint64_t) n;
        (void) EVP_DigestUpdate(ctx, data, (size_t) n);
    }

    (void) EVP_DigestFinal_ex(ctx, digest, &len);
    EVP_MD_CTX_free(ctx);

    wgw_hex_encode(sha, digest, CLI_FILE_SHA / 2);
    sha[CLI_FILE_SHA - 1] = '\0';

    return n < 0 ? -1 : 0;
}


int
cli_file_sync(const char *path)
{
    int  fd, rc;

    fd = open(path, O_RDONLY|O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }

    rc = fsync(fd);
    close(fd);

    return rc;
}
