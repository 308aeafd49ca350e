
/*
 * claim: UCAN delegations by hand.
 *
 *     claim key FILE
 *         prints the did:key of the key in FILE; makes it if there is none
 *     claim cid FILE
 *         prints the CID of a file's bytes (version 1, raw, SHA-256)
 *     claim make OPTION ...
 *         prints a delegation, in a container of one token:
 *             -k FILE       the issuer's key
 *             -a DID        audience
 *             -i DID        issuer, if it is no did:key of that key
 *             -s DID|any    subject, by default the issuer
 *             -c COMMAND    by default /assert/location
 *             -e N|never    end: seconds from now, by default a month
 *             -n N          beginning: seconds from now
 *             -C CID        a statement: .content is this content
 *             -p JSON       a statement of the policy, in DAG-JSON; several
 *             -m JSON       meta, in DAG-JSON
 *     claim join FILE ...
 *         prints one container of all tokens of these (- is stdin)
 *     claim show FILE ...
 *         prints each token as JSON, and on stderr whether its signature is
 *         right; the key of a did:web is not known here
 *     claim post URL FILE ...
 *         posts these to a gateway's wgw_claims_api, by curl(1)
 *
 * A key is 64 hexadecimal digits, the seed of an Ed25519 key.
 *
 * Exit codes: 0; 1, refused, said on stderr; 2, wrong usage.
 */

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <yajl/yajl_tree.h>

#include "claims/claim_json.h"
#include "format/cid.h"
#include "format/container.h"
#include "format/dagjson.h"
#include "format/dagjson_read.h"
#include "format/hex.h"
#include "format/multibase.h"


#define INPUT       262144
#define TOKENS      256
#define STATEMENTS  64
#define MONTH       (30 * 24 * 3600)


typedef struct {
    EVP_PKEY       *pkey;
    wgw_did_key_t   key;
    char            did[80];
    wgw_text_t      text;               /* the same */
} signer_t;


typedef struct {
    const char     *key;
    const char     *aud;
    const char     *iss;
    const char     *sub;
    const char     *cmd;
    const char     *end;
    const char     *begin;
    const char     *meta;
    const char     *statements[STATEMENTS];
    unsigned        content[STATEMENTS];    /* it is a CID */
    size_t          n;
} wish_t;


/* Tokens of several files. */
typedef struct {
    wgw_text_t      tokens[TOKENS];
    size_t          n;
} set_t;


static void stop(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));
static int usage(void);
static void signer_open(signer_t *signer, const char *path);
static void signer_make(const char *path);
static int command_key(int argc, char **argv);
static int command_cid(int argc, char **argv);
static int command_make(int argc, char **argv);
static size_t make_token(const wish_t *wish, char *buffer, size_t size);
static size_t make_payload(const wish_t *wish, const signer_t *signer,
    char *buffer, size_t size);
static void put_field(wgw_out_t *out, const char *name, const char *text);
static void put_seconds(wgw_out_t *out, const char *name, const char *text);
static void put_json(wgw_out_t *out, const char *json);
static void put_content(wgw_out_t *out, const char *text);
static void set_add(set_t *set, const char *path);
static void set_print(const set_t *set, FILE *file);
static int command_join(int argc, char **argv);
static int command_show(int argc, char **argv);
static int command_post(int argc, char **argv);


int
main(int argc, char **argv)
{
    if (argc < 3) {
        return usage();
    }

    if (strcmp(argv[1], "key") == 0) {
        return command_key(argc - 2, argv + 2);
    }

    if (strcmp(argv[1], "cid") == 0) {
        return command_cid(argc - 2, argv + 2);
    }

    if (strcmp(argv[1], "make") == 0) {
        return command_make(argc - 1, argv + 1);
    }

    if (strcmp(argv[1], "join") == 0) {
        return command_join(argc - 2, argv + 2);
    }

    if (strcmp(argv[1], "show") == 0) {
        return command_show(argc - 2, argv + 2);
    }

    if (strcmp(argv[1], "post") == 0) {
        return command_post(argc - 2, argv + 2);
    }

    return usage();
}


static int
usage(void)
{
    fprintf(stderr,
            "usage: claim key FILE\n"
            "       claim cid FILE\n"
            "       claim make -k FILE -a DID [-i DID] [-s DID|any] "
            "[-c COMMAND]\n"
            "                  [-e SECONDS|never] [-n SECONDS] [-C CID] "
            "[-p JSON ...] [-m JSON]\n"
            "       claim join FILE ...\n"
            "       claim show FILE ...\n"
            "       claim post URL FILE ...\n");
    return 2;
}


static void
stop(int code, const char *format, ...)
{
    va_list  args;

    fputs("claim: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);

    exit(code);
}


static void
signer_open(signer_t *signer, const char *path)
{
    FILE        *file;
    char         digits[72];
    size_t       n;
    uint8_t      seed[32];
    wgw_out_t    out;

    file = fopen(path, "r");

    if (file == NULL) {
        stop(2, "%s cannot be opened", path);
    }

    n = fread(digits, 1, sizeof(digits), file);
    fclose(file);

    while (n && (digits[n - 1] == '\n' || digits[n - 1] == '\r')) {
        n--;
    }

    if (n != 64
        || wgw_hex_decode(seed, 32, (wgw_text_t) { digits, n }) != 0)
    {
        stop(2, "%s is not 64 hexadecimal digits", path);
    }

    signer->pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
                                                sizeof(seed));
    signer->key.algorithm = WGW_VARSIG_ED25519;
    signer->key.len = 32;
    n = 32;

    if (signer->pkey == NULL
        || EVP_PKEY_get_raw_public_key(signer->pkey, signer->key.bytes, &n)
           != 1)
    {
        stop(1, "no key could be made");
    }

    wgw_out_init(&out, signer->did, sizeof(signer->did) - 1);
    wgw_did_write(&out, &signer->key);
    *out.pos = '\0';

    signer->text.data = signer->did;
    signer->text.len = (size_t) (out.pos - signer->did);
}


/* Only its owner may read it. */

static void
signer_make(const char *path)
{
    int      fd;
    char     digits[65];
    uint8_t  seed[32];

    fd = open(path, O_WRONLY|O_CREAT|O_EXCL, 0600);

    if (fd == -1) {
        return;
    }

    if (RAND_bytes(seed, sizeof(seed)) != 1) {
        stop(1, "no randomness");
    }

    wgw_hex_encode(digits, seed, sizeof(seed));
    digits[64] = '\n';

    if (write(fd, digits, sizeof(digits)) != (ssize_t) sizeof(digits)
        || close(fd) != 0)
    {
        stop(1, "%s cannot be written", path);
    }
}


static int
command_key(int argc, char **argv)
{
    signer_t  signer;

    if (argc != 1) {
        return usage();
    }

    signer_make(argv[0]);
    signer_open(&signer, argv[0]);
    puts(signer.did);
    EVP_PKEY_free(signer.pkey);

    return 0;
}


static int
command_cid(int argc, char **argv)
{
    FILE        *file;
    char         buffer[65536];
    size_t       n;
    uint8_t      cid[36] = { 0x01, 0x55, 0x12, 0x20 };
    wgw_out_t    out;
    EVP_MD_CTX  *ctx;

    if (argc != 1) {
        return usage();
    }

    file = fopen(argv[0], "r");
    ctx = EVP_MD_CTX_new();

    if (file == NULL || ctx == NULL
        || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
    {
        stop(2, "%s cannot be read", argv[0]);
    }

    while ((n = fread(buffer, 1, sizeof(buffer), file)) > 0) {
        EVP_DigestUpdate(ctx, buffer, n);
    }

    EVP_DigestFinal_ex(ctx, cid + 4, NULL);
    EVP_MD_CTX_free(ctx);
    fclose(file);

    wgw_out_init(&out, buffer, sizeof(buffer));
    wgw_out_str(&out, "b");
    wgw_base32_encode(&out, cid, sizeof(cid));
    printf("%.*s\n", (int) (out.pos - buffer), buffer);

    return 0;
}


static int
command_make(int argc, char **argv)
{
    int          c;
    set_t        set;
    wish_t       wish;

    static char  buffer[WGW_TOKEN_MAX + 1];

    memset(&wish, 0, sizeof(wish));
    wish.cmd = "/assert/location";

    while ((c = getopt(argc, argv, "k:a:i:s:c:e:n:m:p:C:")) != -1) {

        switch (c) {
        case 'k': wish.key = optarg; break;
        case 'a': wish.aud = optarg; break;
        case 'i': wish.iss = optarg; break;
        case 's': wish.sub = optarg; break;
        case 'c': wish.cmd = optarg; break;
        case 'e': wish.end = optarg; break;
        case 'n': wish.begin = optarg; break;
        case 'm': wish.meta = optarg; break;
        case 'p':
        case 'C':
            if (wish.n == STATEMENTS) {
                stop(2, "too many statements");
            }

            wish.content[wish.n] = c == 'C';
            wish.statements[wish.n++] = optarg;
            break;
        default:
            return usage();
        }
    }

    if (wish.key == NULL || wish.aud == NULL || optind != argc) {
        return usage();
    }

    set.n = 1;
    set.tokens[0].data = buffer;
    set.tokens[0].len = make_token(&wish, buffer, sizeof(buffer));
    set_print(&set, stdout);

    return 0;
}


static size_t
make_token(const wish_t *wish, char *buffer, size_t size)
{
    size_t        n, len;
    uint8_t       signature[WGW_VARSIG_SIGNATURE];
    signer_t      signer;
    wgw_out_t     out;
    EVP_MD_CTX   *ctx;
    const char   *reason;
    wgw_claim_t   claim;

    static char   payload[WGW_TOKEN_MAX];

    signer_open(&signer, wish->key);
    n = make_payload(wish, &signer, payload, sizeof(payload));
    len = sizeof(signature);
    ctx = EVP_MD_CTX_new();

    if (ctx == NULL
        || EVP_DigestSignInit(ctx, NULL, NULL, NULL, signer.pkey) != 1
        || EVP_DigestSign(ctx, signature, &len, (uint8_t *) payload, n) != 1)
    {
        stop(1, "it could not be signed");
    }

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(signer.pkey);

    wgw_out_init(&out, buffer, size);
    wgw_cbor_put_list(&out, 2);
    wgw_cbor_put_bytes(&out, signature, sizeof(signature));
    wgw_out_bytes(&out, payload, n);

    n = (size_t) (out.pos - buffer);
    reason = out.overflow ? "token:too-long"
                          : wgw_claim_read(&claim,
                                           (wgw_text_t) { buffer, n }, 1);
    if (reason) {
        stop(1, "no gateway would take it: %s", reason);
    }

    return n;
}


/* What is signed; keys are in their order. */

static size_t
make_payload(const wish_t *wish, const signer_t *signer, char *buffer,
    size_t size)
{
    char         sub[512];
    size_t       i;
    wgw_out_t    out;
    const char  *iss;

    iss = wish->iss ? wish->iss : signer->did;
    snprintf(sub, sizeof(sub), "%s", wish->sub ? wish->sub : iss);

    wgw_out_init(&out, buffer, size);
    wgw_cbor_put_map(&out, 2);
    wgw_cbor_put_text(&out, wgw_text("h"));
    wgw_cbor_put_bytes(&out, wgw_varsig_header(WGW_VARSIG_ED25519),
                       WGW_VARSIG_HEADER);
    wgw_cbor_put_text(&out, wgw_text("ucan/dlg@1.0.0-rc.1"));
    wgw_cbor_put_map(&out, 7 + (wish->begin != NULL) + (wish->meta != NULL));

    put_field(&out, "aud", wish->aud);
    put_field(&out, "cmd", wish->cmd);
    put_seconds(&out, "exp", wish->end ? wish->end : "2592000");
    put_field(&out, "iss", iss);

    if (wish->begin) {
        put_seconds(&out, "nbf", wish->begin);
    }

    wgw_cbor_put_text(&out, wgw_text("pol"));
    wgw_cbor_put_list(&out, wish->n);

    for (i = 0; i < wish->n; i++) {

        if (wish->content[i]) {
            put_content(&out, wish->statements[i]);

        } else {
            put_json(&out, wish->statements[i]);
        }
    }

    put_field(&out, "sub", strcmp(sub, "any") == 0 ? NULL : sub);

    if (wish->meta) {
        wgw_cbor_put_text(&out, wgw_text("meta"));
        put_json(&out, wish->meta);
    }

    if (RAND_bytes((uint8_t *) sub, 12) != 1) {
        stop(1, "no randomness");
    }

    wgw_cbor_put_text(&out, wgw_text("nonce"));
    wgw_cbor_put_bytes(&out, sub, 12);

    if (out.overflow) {
        stop(1, "it would be too long");
    }

    return (size_t) (out.pos - buffer);
}


static void
put_field(wgw_out_t *out, const char *name, const char *text)
{
    wgw_cbor_put_text(out, (wgw_text_t) { name, strlen(name) });

    if (text == NULL) {
        wgw_cbor_put_null(out);
        return;
    }

    wgw_cbor_put_text(out, (wgw_text_t) { text, strlen(text) });
}


static void
put_seconds(wgw_out_t *out, const char *name, const char *text)
{
    char       *end;
    long long   n;

    wgw_cbor_put_text(out, (wgw_text_t) { name, strlen(name) });

    if (strcmp(text, "never") == 0) {
        wgw_cbor_put_null(out);
        return;
    }

    n = strtoll(text, &end, 10);

    if (*text == '\0' || *end != '\0') {
        stop(2, "\"%s\" is no number of seconds", text);
    }

    wgw_cbor_put_int(out, time(NULL) + n);
}


static void
put_json(wgw_out_t *out, const char *json)
{
    char      error[256];
    yajl_val  value;

    value = yajl_tree_parse(json, error, sizeof(error));

    if (value == NULL) {
        stop(2, "%s: %s", json, error);
    }

    if (wgw_dagjson_put(out, value) != 0) {
        stop(2, "%s: is no DAG-JSON", json);
    }

    yajl_tree_free(value);
}


static void
put_content(wgw_out_t *out, const char *text)
{
    wgw_cid_t  cid;

    if (wgw_cid_read(&cid, (wgw_text_t) { text, strlen(text) }) != 0) {
        stop(2, "%s is no CID", text);
    }

    wgw_cbor_put_list(out, 3);
    wgw_cbor_put_text(out, wgw_text("=="));
    wgw_cbor_put_text(out, wgw_text(".content"));
    wgw_cbor_put_bytes(out, cid.multihash.data, cid.multihash.len);
}


/* What was read stays where it is. */

static void
set_add(set_t *set, const char *path)
{
    char             *data;
    FILE             *file;
    uint8_t          *room;
    wgw_text_t        text, token;
    const char       *reason;
    wgw_container_t   container;

    file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    data = malloc(INPUT);
    room = malloc(INPUT);

    if (file == NULL || data == NULL || room == NULL) {
        stop(2, "%s cannot be read", path);
    }

    text.data = data;
    text.len = fread(data, 1, INPUT, file);
    fclose(file);

    if (!wgw_container_is(text)) {
        container.n = 0;
        token = text;

    } else {
        reason = wgw_container_read(&container, text, room, INPUT);

        if (reason) {
            stop(1, "%s: %s", path, reason);
        }

        if (!wgw_container_next(&container, &token)) {
            return;
        }
    }

    do {
        if (set->n == TOKENS) {
            stop(1, "more than %d tokens", TOKENS);
        }

        set->tokens[set->n++] = token;

    } while (wgw_container_next(&container, &token));
}


static int
token_order(const void *a, const void *b)
{
    int                rc;
    const wgw_text_t  *x, *y;

    x = a;
    y = b;
    rc = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);

    return rc ? rc : (x->len > y->len) - (x->len < y->len);
}


static void
set_print(const set_t *set, FILE *file)
{
    set_t       sorted;
    size_t      i, len;
    wgw_out_t   cbor, text;

    static char  bytes[INPUT], base64[INPUT / 3 * 4 + 8];

    sorted = *set;
    qsort(sorted.tokens, sorted.n, sizeof(sorted.tokens[0]), token_order);

    wgw_out_init(&cbor, bytes, sizeof(bytes));
    wgw_cbor_put_map(&cbor, 1);
    wgw_cbor_put_text(&cbor, wgw_text("ctn-v1"));
    wgw_cbor_put_list(&cbor, sorted.n);

    for (i = 0; i < sorted.n; i++) {
        wgw_cbor_put_bytes(&cbor, sorted.tokens[i].data,
                           sorted.tokens[i].len);
    }

    len = (size_t) (cbor.pos - bytes);

    wgw_out_init(&text, base64, sizeof(base64));
    wgw_out_str(&text, "B");
    wgw_base64_encode(&text, bytes, len);

    for (i = len % 3; i && i < 3; i++) {
        wgw_out_str(&text, "=");
    }

    if (cbor.overflow || text.overflow) {
        stop(1, "they are too long");
    }

    fwrite(base64, 1, (size_t) (text.pos - base64), file);
    fputc('\n', file);
}


static int
command_join(int argc, char **argv)
{
    int           i;

    static set_t  set;

    for (i = 0; i < argc; i++) {
        set_add(&set, argv[i]);
    }

    set_print(&set, stdout);

    return 0;
}


static int
command_show(int argc, char **argv)
{
    int           i, code;
    size_t        k, which;
    wgw_out_t     out;
    const char   *reason;
    wgw_claim_t   claim;

    static char   json[WGW_DAGJSON_ROOM(WGW_TOKEN_MAX) + 2048];
    static set_t  set;

    code = 0;

    for (i = 0; i < argc; i++) {
        set_add(&set, argv[i]);
    }

    for (k = 0; k < set.n; k++) {
        reason = wgw_claim_read(&claim, set.tokens[k], 1);

        if (reason) {
            fprintf(stderr, "token %zu: %s\n", k, reason);
            code = 1;
            continue;
        }

        wgw_claim_name(&claim);
        wgw_out_init(&out, json, sizeof(json));
        wgw_claim_json(&out, &claim);
        printf("%.*s\n", (int) (out.pos - json), json);
        fflush(stdout);

        reason = wgw_token_verify(&claim.token, NULL, 0, &which);
        fprintf(stderr, "token %zu: %s\n", k,
                reason ? reason : "signature:good");

        code |= reason && strcmp(reason, "did:unresolved") != 0;
    }

    return code;
}


static int
command_post(int argc, char **argv)
{
    int           i, pipes[2], status;
    FILE         *file;
    pid_t         pid;

    static set_t  set;

    if (argc < 2) {
        return usage();
    }

    for (i = 1; i < argc; i++) {
        set_add(&set, argv[i]);
    }

    if (pipe(pipes) != 0) {
        stop(1, "no pipe");
    }

    pid = fork();

    if (pid == 0) {
        dup2(pipes[0], 0);
        close(pipes[0]);
        close(pipes[1]);
        execlp("curl", "curl", "-sS", "--fail-with-body", "--data-binary",
               "@-", argv[0], (char *) NULL);
        stop(1, "curl cannot be run");
    }

    close(pipes[0]);
    file = fdopen(pipes[1], "w");

    if (pid == -1 || file == NULL) {
        stop(1, "curl cannot be run");
    }

    set_print(&set, file);
    fclose(file);

    return waitpid(pid, &status, 0) == pid && WIFEXITED(status)
           && WEXITSTATUS(status) == 0 ? 0 : 1;
}
