
/*
 * siwe-token URL KEYFILE: signs in at a DIN provider, for curl.
 *
 *     curl -H "$(siwe-token http://127.0.0.1:8545/auth key)" ...
 *
 * KEYFILE holds a private key, 64 hexadecimal digits, with or without 0x.
 * The message has the layout that DIN routers send; curl(1) posts it.  On
 * success the wallet's address goes to stderr and the header field to
 * stdout.  `siwe-token -a KEYFILE` only prints the address.
 *
 * Exit codes: 0; 1, refused or no answer, said on stderr; 2, wrong usage or
 * no good key.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <yajl/yajl_tree.h>

#include "crypto/eip191.h"
#include "crypto/eip55.h"
#include "format/hex.h"
#include "crypto/keccak.h"
#include "format/text.h"
#include "format/uri.h"


#define MESSAGE   2048
#define BODY      8192
#define ANSWER    65536
#define KEYFILE   256
#define NONCE     16
#define LIFE      60


typedef struct {
    secp256k1_context  *context;
    uint8_t             key[32];
    char                address[WGW_EIP55_LEN + 1];
} wallet_t;


static int usage(void);
static void stop(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));
static void wallet_open(wallet_t *wallet, const char *path);
static void wallet_close(wallet_t *wallet);
static void wallet_read(uint8_t key[32], const char *path);
static void wallet_address(wallet_t *wallet);
static void wallet_sign(const wallet_t *wallet, wgw_text_t message,
    wgw_out_t *out);
static void write_message(const wallet_t *wallet, const char *url,
    wgw_out_t *out);
static void write_time(wgw_out_t *out, time_t when);
static void write_nonce(wgw_out_t *out);
static void post(const char *url, wgw_text_t body, char *answer);
static void post_child(const char *url, int in, int out);
static void print_header(const char *answer);


int
main(int argc, char **argv)
{
    char        message[MESSAGE], body[BODY], answer[ANSWER];
    wallet_t    wallet;
    wgw_out_t   out, json;
    wgw_text_t  text;

    if (argc != 3) {
        return usage();
    }

    wallet_open(&wallet, argv[2]);

    if (strcmp(argv[1], "-a") == 0) {
        printf("%s\n", wallet.address);
        wallet_close(&wallet);
        return 0;
    }

    wgw_out_init(&out, message, sizeof(message));
    write_message(&wallet, argv[1], &out);

    text.data = message;
    text.len = (size_t) (out.pos - out.start);

    wgw_out_init(&json, body, sizeof(body));
    wgw_out_str(&json, "{\"msg\":");
    wgw_out_json(&json, text);
    wgw_out_str(&json, ",\"sig\":\"0x");
    wallet_sign(&wallet, text, &json);
    wgw_out_str(&json, "\"}");

    if (out.overflow || json.overflow) {
        stop(2, "the URL is too long");
    }

    text.data = body;
    text.len = (size_t) (json.pos - json.start);

    post(argv[1], text, answer);

    fprintf(stderr, "%s\n", wallet.address);
    print_header(answer);

    wallet_close(&wallet);

    return 0;
}


static int
usage(void)
{
    fputs("usage: siwe-token URL KEYFILE\n"
          "       siwe-token -a KEYFILE\n", stderr);

    return 2;
}


static void
stop(int code, const char *format, ...)
{
    va_list  args;

    fputs("siwe-token: ", stderr);

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);

    fputc('\n', stderr);

    exit(code);
}


static void
wallet_open(wallet_t *wallet, const char *path)
{
    uint8_t  seed[32];

    wallet->context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);

    if (wallet->context == NULL
        || RAND_bytes(seed, sizeof(seed)) != 1
        || !secp256k1_context_randomize(wallet->context, seed))
    {
        stop(1, "no randomness or no memory");
    }

    OPENSSL_cleanse(seed, sizeof(seed));

    wallet_read(wallet->key, path);

    /* from 1 to n - 1 */

    if (!secp256k1_ec_seckey_verify(wallet->context, wallet->key)) {
        OPENSSL_cleanse(wallet->key, sizeof(wallet->key));
        stop(2, "%s: the key is 0 or too large", path);
    }

    wallet_address(wallet);
}


static void
wallet_close(wallet_t *wallet)
{
    OPENSSL_cleanse(wallet->key, sizeof(wallet->key));
    secp256k1_context_destroy(wallet->context);
}


static void
wallet_read(uint8_t key[32], const char *path)
{
    int          fd, bad;
    char         file[KEYFILE];
    ssize_t      n;
    wgw_text_t   text;

    fd = open(path, O_RDONLY|O_CLOEXEC);

    if (fd == -1) {
        stop(2, "%s: %s", path, strerror(errno));
    }

    n = read(fd, file, sizeof(file));
    close(fd);

    text.data = file;
    text.len = n > 0 ? (size_t) n : 0;

    while (text.len && strchr(" \t\r\n", *text.data) && *text.data) {
        text.data++;
        text.len--;
    }

    while (text.len && strchr(" \t\r\n", text.data[text.len - 1])
           && text.data[text.len - 1])
    {
        text.len--;
    }

    if (text.len > 2 && text.data[0] == '0'
        && (text.data[1] == 'x' || text.data[1] == 'X'))
    {
        text.data += 2;
        text.len -= 2;
    }

    bad = text.len != 64 || wgw_hex_decode(key, 32, text) != 0;

    OPENSSL_cleanse(file, sizeof(file));

    if (bad) {
        stop(2, "%s: a key has 64 hexadecimal digits", path);
    }
}


/* The last 20 bytes of the Keccak-256 of the public key. */

static void
wallet_address(wallet_t *wallet)
{
    size_t            len;
    uint8_t           bytes[65], digest[WGW_KECCAK_SIZE];
    secp256k1_pubkey  public;

    len = sizeof(bytes);

    if (!secp256k1_ec_pubkey_create(wallet->context, &public, wallet->key)
        || !secp256k1_ec_pubkey_serialize(wallet->context, bytes, &len,
                                          &public,
                                          SECP256K1_EC_UNCOMPRESSED))
    {
        stop(1, "libsecp256k1 failed");
    }

    wgw_keccak(digest, bytes + 1, 64);
    wgw_eip55_print(wallet->address, digest + 12);

    wallet->address[WGW_EIP55_LEN] = '\0';
}


static void
wallet_sign(const wallet_t *wallet, wgw_text_t message, wgw_out_t *out)
{
    int                                  id;
    char                                 digits[2 * WGW_EIP191_SIGNATURE];
    uint8_t                              hash[WGW_EIP191_HASH];
    uint8_t                              bytes[WGW_EIP191_SIGNATURE];
    secp256k1_ecdsa_recoverable_signature  signature;

    wgw_eip191_hash(hash, message);

    if (!secp256k1_ecdsa_sign_recoverable(wallet->context, &signature, hash,
                                          wallet->key, NULL, NULL)
        || !secp256k1_ecdsa_recoverable_signature_serialize_compact(
               wallet->context, bytes, &id, &signature))
    {
        stop(1, "libsecp256k1 failed");
    }

    bytes[64] = (uint8_t) (27 + id);

    wgw_hex_encode(digits, bytes, sizeof(bytes));
    wgw_out_bytes(out, digits, sizeof(digits));
}


/* As routers do: the host without its port, no statement. */

static void
write_message(const wallet_t *wallet, const char *url, wgw_out_t *out)
{
    time_t     now;
    wgw_uri_t  uri;

    if (wgw_uri_parse(&uri, (wgw_text_t) { url, strlen(url) }) != 0
        || uri.host.data == NULL || uri.host.len == 0 || uri.userinfo.data)
    {
        stop(2, "\"%s\" is no URL, as http://127.0.0.1:8545/auth", url);
    }

    now = time(NULL);

    wgw_out_bytes(out, uri.host.data, uri.host.len);
    wgw_out_str(out, " wants you to sign in with your Ethereum account:\n");
    wgw_out_str(out, wallet->address);
    wgw_out_str(out, "\n\n\nURI: ");
    wgw_out_str(out, url);
    wgw_out_str(out, "\nVersion: 1\nChain ID: 1\nNonce: ");
    write_nonce(out);
    wgw_out_str(out, "\nIssued At: ");
    write_time(out, now);
    wgw_out_str(out, "\nExpiration Time: ");
    write_time(out, now + LIFE);
}


static void
write_time(wgw_out_t *out, time_t when)
{
    char       text[32];
    struct tm  tm;

    gmtime_r(&when, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);

    wgw_out_str(out, text);
}


static void
write_nonce(wgw_out_t *out)
{
    size_t   n;
    uint8_t  byte;

    static const char  letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789";

    for (n = 0; n < NONCE; /* void */) {

        if (RAND_bytes(&byte, 1) != 1) {
            stop(1, "no randomness");
        }

        /* 248 is the largest multiple of 62 in a byte */

        if (byte < 248) {
            wgw_out_bytes(out, &letters[byte % 62], 1);
            n++;
        }
    }
}


/* The body goes through a pipe, so that no process list shows it. */

static void
post(const char *url, wgw_text_t body, char *answer)
{
    int      in[2], out[2], status;
    size_t   len;
    pid_t    pid;
    ssize_t  n;

    if (pipe(in) == -1 || pipe(out) == -1) {
        stop(1, "pipe: %s", strerror(errno));
    }

    pid = fork();

    if (pid == -1) {
        stop(1, "fork: %s", strerror(errno));
    }

    if (pid == 0) {
        close(in[1]);
        close(out[0]);
        post_child(url, in[0], out[1]);
    }

    close(in[0]);
    close(out[1]);

    /* less than a pipe holds */

    n = write(in[1], body.data, body.len);
    close(in[1]);

    if (n != (ssize_t) body.len) {
        stop(1, "curl does not read");
    }

    for (len = 0; len < ANSWER - 1; len += (size_t) n) {
        n = read(out[0], answer + len, ANSWER - 1 - len);

        if (n <= 0) {
            break;
        }
    }

    answer[len] = '\0';
    close(out[0]);

    if (waitpid(pid, &status, 0) == -1 || !WIFEXITED(status)
        || WEXITSTATUS(status))
    {
        stop(1, "no answer from %s", url);
    }
}


static void
post_child(const char *url, int in, int out)
{
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    close(in);
    close(out);

    execlp("curl", "curl", "-q", "-sS", "--max-time", "30", "-H",
           "Content-Type: text/plain", "--data-binary", "@-", "--", url,
           (char *) NULL);

    fprintf(stderr, "siwe-token: curl: %s\n", strerror(errno));
    _exit(127);
}


/* {"headers":{"x-api-key":"..."}}; providers of 2024 write "Headers" */

static void
print_header(const char *answer)
{
    char         reason[256];
    yajl_val     tree, token, error;

    static const char  *headers[] = { "headers", "x-api-key", NULL };
    static const char  *old[] = { "Headers", "x-api-key", NULL };
    static const char  *message[] = { "error", NULL };

    tree = yajl_tree_parse(answer, reason, sizeof(reason));

    token = yajl_tree_get(tree, headers, yajl_t_string);

    if (token == NULL) {
        token = yajl_tree_get(tree, old, yajl_t_string);
    }

    if (token == NULL) {
        error = yajl_tree_get(tree, message, yajl_t_string);
        stop(1, "refused: %s", error ? YAJL_GET_STRING(error)
                                     : "the answer has no key");
    }

    printf("x-api-key: %s\n", YAJL_GET_STRING(token));

    yajl_tree_free(tree);
}
