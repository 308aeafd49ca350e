
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "format/doc.h"
#include "format/hex.h"
#include "grid/extensions.h"
#include "grid/file.h"
#include "grid/substrate.h"
#include "grid/twox.h"
#include "program/memory.h"


#define SUBSTRATE_AGAIN    60           /* s, between looks at the version */
#define SUBSTRATE_PREFIX   32           /* bytes, of a key: pallet and item */
#define SUBSTRATE_KEY      256          /* bytes of a map's key */
#define SUBSTRATE_TYPE     4096         /* of a type as text */
#define SUBSTRATE_TRIES    3
#define SUBSTRATE_PAGE     1000         /* keys a request */
#define SUBSTRATE_KEYS     100000       /* ... and in all */
#define SUBSTRATE_LONG     256          /* what is longer is signed hashed */

/* of the pool: it has it already, or another one with its nonce */
#define SUBSTRATE_KNOWN    1013
#define SUBSTRATE_FIRST    1014


struct grid_substrate_s {
    grid_rpc_t      *rpc;
    grid_meta_t     *meta;
    grid_runtime_t   runtime;
    uint8_t          genesis[32];
    time_t           looked;
    uint8_t         *data;              /* of the last value */
    char             why[512];
};


static int substrate_failed(grid_substrate_t *chain, int rc);
static int substrate_version(grid_substrate_t *chain,
    grid_runtime_t *runtime);
static int substrate_genesis(grid_substrate_t *chain);
static int substrate_metadata(grid_substrate_t *chain);
static int substrate_item(grid_substrate_t *chain, const char *pallet,
    const char *item, grid_storage_t *storage);
static int substrate_fetch(grid_substrate_t *chain, const char *params,
    uint32_t type, grid_value_t *value);
static int substrate_strange(grid_substrate_t *chain, const char *pallet,
    const char *item);
static void substrate_prefix(uint8_t prefix[SUBSTRATE_PREFIX],
    const grid_storage_t *storage, const char *item);
static int substrate_key(const grid_storage_t *storage, const char *item,
    const void *key, size_t len, wgw_out_t *out);
static void substrate_hash(wgw_out_t *out, grid_hash_t hash, const void *key,
    size_t len);
static int substrate_page(grid_substrate_t *chain, const char *prefix,
    char last[2 * SUBSTRATE_KEY], uint64_t **numbers, size_t *n);
static int substrate_fit(grid_substrate_t *chain);
static int substrate_extend(grid_substrate_t *chain, uint32_t nonce,
    wgw_out_t *extra, wgw_out_t *additional);
static void substrate_signature(uint8_t signature[GRID_SIGNATURE],
    const grid_identity_t *identity, grid_kind_t kind, const void *payload,
    size_t len);
static wgw_text_t substrate_written(const wgw_out_t *out);


/* ---- what is asked */

grid_substrate_t *
grid_substrate_open(const grid_options_t *options)
{
    grid_rpc_t        *rpc;
    grid_substrate_t  *chain;

    rpc = grid_rpc_open(options);

    if (rpc == NULL) {
        return NULL;
    }

    chain = wgw_alloc(sizeof(grid_substrate_t));
    chain->rpc = rpc;

    return chain;
}


void
grid_substrate_close(grid_substrate_t *chain)
{
    grid_rpc_close(chain->rpc);
    grid_meta_free(chain->meta);
    free(chain->data);
    free(chain);
}


const char *
grid_substrate_why(const grid_substrate_t *chain)
{
    return chain->why;
}


static int
substrate_failed(grid_substrate_t *chain, int rc)
{
    if (rc != GRID_OK && rc != GRID_NONE) {
        grid_put(chain->why, sizeof(chain->why), "%s",
                 grid_rpc_why(chain->rpc));
    }

    return rc;
}


int
grid_substrate_look(grid_substrate_t *chain)
{
    int             rc;
    grid_runtime_t  runtime;

    if (chain->meta && time(NULL) - chain->looked < SUBSTRATE_AGAIN
        && time(NULL) >= chain->looked)
    {
        return GRID_OK;
    }

    rc = substrate_version(chain, &runtime);

    if (rc == GRID_OK
        && (chain->meta == NULL
            || memcmp(&runtime, &chain->runtime, sizeof(runtime)) != 0))
    {
        rc = substrate_genesis(chain);

        if (rc == GRID_OK) {
            rc = substrate_metadata(chain);
        }
    }

    if (rc != GRID_OK) {
        return GRID_AWAY;
    }

    chain->runtime = runtime;
    chain->looked = time(NULL);

    return GRID_OK;
}


static int
substrate_version(grid_substrate_t *chain, grid_runtime_t *runtime)
{
    int       rc;
    yajl_val  reply, result;

    rc = grid_rpc_call(chain->rpc, "state_getRuntimeVersion", "[]", &reply,
                       &result);

    if (rc != GRID_OK) {
        return substrate_failed(chain, rc);
    }

    runtime->spec = (uint32_t) wgw_doc_number(result, "specVersion");
    runtime->transaction = (uint32_t) wgw_doc_number(result,
                                                     "transactionVersion");
    yajl_tree_free(reply);

    return GRID_OK;
}


static int
substrate_genesis(grid_substrate_t *chain)
{
    int       rc;
    size_t    len;
    uint8_t  *data;

    rc = grid_rpc_bytes(chain->rpc, "chain_getBlockHash", "[0]", &data, &len);

    if (rc == GRID_OK && len != sizeof(chain->genesis)) {
        grid_rpc_distrust(chain->rpc);
        rc = GRID_AWAY;
    }

    if (rc == GRID_OK) {
        memcpy(chain->genesis, data, len);
    }

    free(data);

    return substrate_failed(chain, rc);
}


static int
substrate_metadata(grid_substrate_t *chain)
{
    int           rc;
    size_t        len;
    uint8_t      *data;
    grid_meta_t  *meta;

    rc = grid_rpc_bytes(chain->rpc, "state_getMetadata", "[]", &data, &len);

    if (rc != GRID_OK) {
        return substrate_failed(chain, rc);
    }

    meta = grid_meta_read(data, len);
    free(data);

    if (meta == NULL) {
        grid_put(chain->why, sizeof(chain->why), "the chain's metadata are "
                 "not of version 14, which this wgw-grid knows");
        grid_rpc_distrust(chain->rpc);
        return GRID_AWAY;
    }

    grid_meta_free(chain->meta);
    chain->meta = meta;

    return GRID_OK;
}


const grid_meta_t *
grid_substrate_meta(const grid_substrate_t *chain)
{
    return chain->meta;
}


void
grid_substrate_runtime(const grid_substrate_t *chain,
    grid_runtime_t *runtime)
{
    *runtime = chain->runtime;
}


int
grid_substrate_final(grid_substrate_t *chain, char block[GRID_BLOCK])
{
    int    rc;
    char  *text;

    rc = grid_rpc_text(chain->rpc, "chain_getFinalizedHead", "[]", &text);

    if (rc == GRID_OK) {
        /* it goes into a request as it is */
        if (strlen(text) >= GRID_BLOCK
            || strspn(text, "0123456789abcdefx") != strlen(text))
        {
            grid_rpc_distrust(chain->rpc);
            rc = GRID_AWAY;

        } else {
            grid_put(block, GRID_BLOCK, "%s", text);
        }
    }

    free(text);

    return substrate_failed(chain, rc);
}


int
grid_substrate_get(grid_substrate_t *chain, const char *pallet,
    const char *item, const void *key, size_t len, const char *block,
    grid_value_t *value)
{
    int              rc;
    char            *params;
    char             hex[2 * SUBSTRATE_KEY + 1];
    size_t           size;
    uint8_t          bytes[SUBSTRATE_KEY];
    wgw_out_t        out;
    grid_storage_t   storage;

    rc = substrate_item(chain, pallet, item, &storage);

    if (rc != GRID_OK) {
        return rc;
    }

    wgw_out_init(&out, bytes, sizeof(bytes));

    if (substrate_key(&storage, item, key, len, &out) != 0) {
        return substrate_strange(chain, pallet, item);
    }

    size = (size_t) (out.pos - out.start);
    wgw_hex_encode(hex, bytes, size);
    hex[2 * size] = '\0';

    params = block ? wgw_format("[\"0x%s\",\"%s\"]", hex, block)
                   : wgw_format("[\"0x%s\"]", hex);

    rc = substrate_fetch(chain, params, storage.value, value);
    free(params);

    if (rc != GRID_FAILED) {
        return rc;
    }

    grid_put(chain->why, sizeof(chain->why), "the chain says of %s.%s what "
             "cannot be", pallet, item);

    return GRID_AWAY;
}


/* GRID_FAILED: some nodes, of a few, said what is no such value. */

static int
substrate_fetch(grid_substrate_t *chain, const char *params, uint32_t type,
    grid_value_t *value)
{
    int     i, rc;
    size_t  len;

    for (i = 0; i < SUBSTRATE_TRIES; i++) {
        free(chain->data);
        rc = grid_rpc_bytes(chain->rpc, "state_getStorage", params,
                            &chain->data, &len);

        if (rc != GRID_OK) {
            return rc == GRID_NONE ? rc : substrate_failed(chain, GRID_AWAY);
        }

        grid_value_init(value, chain->meta, type, chain->data, len);

        if (grid_value_whole(value)) {
            return GRID_OK;
        }

        grid_rpc_distrust(chain->rpc);
    }

    return GRID_FAILED;
}


int
grid_substrate_get_number(grid_substrate_t *chain, const char *pallet,
    const char *item, uint64_t number, size_t size, const char *block,
    grid_value_t *value)
{
    uint8_t    key[8];
    wgw_out_t  out;

    wgw_out_init(&out, key, sizeof(key));
    grid_scale_put_uint(&out, number, size);

    return grid_substrate_get(chain, pallet, item, key, size, block, value);
}


static int
substrate_item(grid_substrate_t *chain, const char *pallet, const char *item,
    grid_storage_t *storage)
{
    int  rc;

    rc = grid_substrate_look(chain);

    if (rc != GRID_OK) {
        return rc;
    }

    return grid_meta_storage(chain->meta, pallet, item, storage)
           ? GRID_OK : substrate_strange(chain, pallet, item);
}


static int
substrate_strange(grid_substrate_t *chain, const char *pallet,
    const char *item)
{
    grid_put(chain->why, sizeof(chain->why), "this chain has no %s.%s as it "
             "is expected", pallet, item);

    return GRID_FAILED;
}


static void
substrate_prefix(uint8_t prefix[SUBSTRATE_PREFIX],
    const grid_storage_t *storage, const char *item)
{
    grid_twox(prefix, 2, storage->prefix.data, storage->prefix.len);
    grid_twox(prefix + 16, 2, item, strlen(item));
}


static int
substrate_key(const grid_storage_t *storage, const char *item,
    const void *key, size_t len, wgw_out_t *out)
{
    uint8_t  prefix[SUBSTRATE_PREFIX];

    substrate_prefix(prefix, storage, item);
    wgw_out_bytes(out, prefix, sizeof(prefix));

    if (storage->map != (key != NULL)) {
        return -1;
    }

    if (storage->map) {
        substrate_hash(out, storage->hash, key, len);
    }

    return out->overflow ? -1 : 0;
}


static void
substrate_hash(wgw_out_t *out, grid_hash_t hash, const void *key, size_t len)
{
    size_t   size;
    uint8_t  bytes[32];

    size = 0;

    switch (hash) {

    case GRID_HASH_BLAKE2_128:
    case GRID_HASH_BLAKE2_128_CONCAT:
        size = 16;
        (void) crypto_generichash(bytes, size, key, len, NULL, 0);
        break;

    case GRID_HASH_BLAKE2_256:
        size = 32;
        (void) crypto_generichash(bytes, size, key, len, NULL, 0);
        break;

    case GRID_HASH_TWOX_128:
        size = 16;
        grid_twox(bytes, 2, key, len);
        break;

    case GRID_HASH_TWOX_256:
        size = 32;
        grid_twox(bytes, 4, key, len);
        break;

    case GRID_HASH_TWOX_64_CONCAT:
        size = 8;
        grid_twox(bytes, 1, key, len);
        break;

    case GRID_HASH_IDENTITY:
        break;

    default:
        out->overflow = 1;
    }

    wgw_out_bytes(out, bytes, size);

    if (hash == GRID_HASH_BLAKE2_128_CONCAT
        || hash == GRID_HASH_TWOX_64_CONCAT || hash == GRID_HASH_IDENTITY)
    {
        wgw_out_bytes(out, key, len);
    }
}


int
grid_substrate_numbers(grid_substrate_t *chain, const char *pallet,
    const char *item, uint64_t **numbers, size_t *n)
{
    int              rc;
    char             hex[2 * SUBSTRATE_PREFIX + 1], last[2 * SUBSTRATE_KEY];
    size_t           page;
    uint8_t          prefix[SUBSTRATE_PREFIX];
    grid_storage_t   storage;

    *n = 0;
    *numbers = NULL;

    rc = substrate_item(chain, pallet, item, &storage);

    if (rc != GRID_OK) {
        return rc;
    }

    if (storage.map != 1 || storage.hash != GRID_HASH_BLAKE2_128_CONCAT) {
        return substrate_strange(chain, pallet, item);
    }

    substrate_prefix(prefix, &storage, item);
    wgw_hex_encode(hex, prefix, sizeof(prefix));
    hex[2 * SUBSTRATE_PREFIX] = '\0';
    last[0] = '\0';

    do {
        page = *n;
        rc = substrate_page(chain, hex, last, numbers, n);
        page = *n - page;

    } while (rc == GRID_OK && page == SUBSTRATE_PAGE && *n < SUBSTRATE_KEYS);

    if (rc != GRID_OK) {
        free(*numbers);
        *numbers = NULL;
        *n = 0;
    }

    return rc;
}


/* The number is the last 8 bytes of a key. */

static int
substrate_page(grid_substrate_t *chain, const char *prefix,
    char last[2 * SUBSTRATE_KEY], uint64_t **numbers, size_t *n)
{
    int           rc;
    char         *params;
    size_t        i;
    uint8_t       bytes[8];
    yajl_val      reply, result;
    wgw_text_t    key;
    grid_scale_t  s;

    params = wgw_format("[\"0x%s\",%d%s%s%s]", prefix, SUBSTRATE_PAGE,
                        last[0] ? ",\"" : "", last, last[0] ? "\"" : "");
    rc = grid_rpc_call(chain->rpc, "state_getKeysPaged", params, &reply,
                       &result);
    free(params);

    if (rc != GRID_OK) {
        return substrate_failed(chain, rc);
    }

    for (i = 0; YAJL_IS_ARRAY(result) && i < result->u.array.len; i++) {
        key.data = grid_file_text(result->u.array.values[i]);
        key.len = strlen(key.data);

        if (key.len != 2 + 2 * (32 + 16 + 8)
            || wgw_hex_decode(bytes, 8, (wgw_text_t) {
                                  key.data + key.len - 16, 16 }) != 0)
        {
            continue;
        }

        grid_scale_init(&s, bytes, sizeof(bytes));
        *numbers = wgw_grow(*numbers, (*n + 1) * sizeof(uint64_t));
        (*numbers)[(*n)++] = grid_scale_uint(&s, 8);
        grid_put(last, 2 * SUBSTRATE_KEY, "%s", key.data);
    }

    yajl_tree_free(reply);

    return GRID_OK;
}


int
grid_substrate_nonce(grid_substrate_t *chain, const uint8_t key[GRID_KEY],
    const char *block, uint32_t *nonce)
{
    int           rc, bad;
    grid_value_t  account;

    *nonce = 0;
    rc = grid_substrate_get(chain, "System", "Account", key, GRID_KEY, block,
                            &account);

    if (rc != GRID_OK) {
        return rc == GRID_NONE ? GRID_OK : rc;
    }

    bad = 0;
    *nonce = (uint32_t) grid_value_number(&account, "nonce", &bad);

    if (bad) {
        grid_put(chain->why, sizeof(chain->why), "System.Account is not as "
                 "it is expected");
        return GRID_FAILED;
    }

    return GRID_OK;
}


int
grid_substrate_now(grid_substrate_t *chain, int64_t *now)
{
    int           rc, bad;
    grid_value_t  value;

    rc = grid_substrate_get(chain, "Timestamp", "Now", NULL, 0, NULL, &value);

    if (rc != GRID_OK) {
        return rc == GRID_NONE ? GRID_AWAY : rc;
    }

    bad = 0;
    *now = (int64_t) (grid_value_uint(&value, &bad) / 1000);

    return bad ? substrate_strange(chain, "Timestamp", "Now") : GRID_OK;
}


/* ---- what is signed */

int
grid_substrate_call(grid_substrate_t *chain, const char *pallet,
    const char *call, const char *arguments, uint8_t index[2])
{
    int        rc;
    char       text[SUBSTRATE_TYPE];
    wgw_out_t  out;

    rc = grid_substrate_look(chain);

    if (rc != GRID_OK) {
        return rc;
    }

    wgw_out_init(&out, text, sizeof(text) - 1);

    if (!grid_meta_call(chain->meta, pallet, call, index, &out)) {
        grid_put(chain->why, sizeof(chain->why), "this chain has no call "
                 "%s.%s", pallet, call);
        return GRID_FAILED;
    }

    *out.pos = '\0';

    if (out.overflow || strcmp(text, arguments) != 0) {
        grid_put(chain->why, sizeof(chain->why), "%s.%s has other arguments "
                 "than are known: %.120s, not %.120s", pallet, call, text,
                 arguments);
        return GRID_FAILED;
    }

    return GRID_OK;
}


/* What is not in the call: version, account and signature. */

static int
substrate_fit(grid_substrate_t *chain)
{
    uint32_t  address, signature;

    if (grid_meta_version(chain->meta) != 4
        || !grid_meta_extrinsic(chain->meta, "Address", &address)
        || !grid_meta_extrinsic(chain->meta, "Signature", &signature)
        || !grid_extensions_is(chain->meta, address, "<Id([u8;32])|")
        || !grid_extensions_is(chain->meta, signature,
                         "<Ed25519([u8;64])|Sr25519([u8;64])|"))
    {
        grid_put(chain->why, sizeof(chain->why), "the chain's extrinsics are "
                 "of another form than is known");
        return GRID_FAILED;
    }

    return GRID_OK;
}


int
grid_substrate_sign(grid_substrate_t *chain, const grid_identity_t *identity,
    grid_kind_t kind, uint32_t nonce, const void *call, size_t len,
    wgw_out_t *out)
{
    char        extras[256], others[256], *payload;
    size_t      size;
    uint8_t     signature[GRID_SIGNATURE];
    wgw_out_t   extra, additional, signing;
    wgw_text_t  added, signed_too;

    wgw_out_init(&extra, extras, sizeof(extras));
    wgw_out_init(&additional, others, sizeof(others));

    if (grid_substrate_look(chain) != GRID_OK
        || substrate_fit(chain) != GRID_OK
        || substrate_extend(chain, nonce, &extra, &additional) != GRID_OK)
    {
        return GRID_FAILED;
    }

    added = substrate_written(&extra);
    signed_too = substrate_written(&additional);

    size = len + added.len + signed_too.len;
    payload = wgw_alloc(size);

    wgw_out_init(&signing, payload, size);
    wgw_out_bytes(&signing, call, len);
    wgw_out_bytes(&signing, added.data, added.len);
    wgw_out_bytes(&signing, signed_too.data, signed_too.len);

    substrate_signature(signature, identity, kind, payload, size);
    free(payload);

    grid_scale_put_compact(out, 1 + 1 + GRID_KEY + 1 + GRID_SIGNATURE
                                + added.len + len);
    grid_scale_put_uint(out, 0x84, 1);
    grid_scale_put_uint(out, 0, 1);
    wgw_out_bytes(out, grid_identity_key(identity, kind), GRID_KEY);
    grid_scale_put_uint(out, kind, 1);
    wgw_out_bytes(out, signature, GRID_SIGNATURE);
    wgw_out_bytes(out, added.data, added.len);
    wgw_out_bytes(out, call, len);

    if (out->overflow) {
        grid_put(chain->why, sizeof(chain->why), "an extrinsic is too long");
        return GRID_FAILED;
    }

    return GRID_OK;
}


static int
substrate_extend(grid_substrate_t *chain, uint32_t nonce, wgw_out_t *extra,
    wgw_out_t *additional)
{
    wgw_text_t      unknown;
    grid_signing_t  with;

    with.spec = chain->runtime.spec;
    with.transaction = chain->runtime.transaction;
    with.genesis = chain->genesis;
    with.nonce = nonce;

    if (grid_extensions_write(chain->meta, &with, extra, additional,
                              &unknown) != 0)
    {
        grid_put(chain->why, sizeof(chain->why), "the chain's extension "
                 "%.*s is not known, or is another one than is known",
                 (int) unknown.len, unknown.data);
        return GRID_FAILED;
    }

    return GRID_OK;
}


static void
substrate_signature(uint8_t signature[GRID_SIGNATURE],
    const grid_identity_t *identity, grid_kind_t kind, const void *payload,
    size_t len)
{
    uint8_t  hash[32];

    if (len > SUBSTRATE_LONG) {
        (void) crypto_generichash(hash, sizeof(hash), payload, len, NULL, 0);
        payload = hash;
        len = sizeof(hash);
    }

    grid_identity_sign(identity, kind, signature, payload, len);
}


static wgw_text_t
substrate_written(const wgw_out_t *out)
{
    return (wgw_text_t) { out->start, (size_t) (out->pos - out->start) };
}


int
grid_substrate_send(grid_substrate_t *chain, const void *data, size_t len)
{
    int    rc;
    char  *params, *hash;

    params = wgw_alloc(2 * len + 8);
    memcpy(params, "[\"0x", 4);
    wgw_hex_encode(params + 4, data, len);
    memcpy(params + 4 + 2 * len, "\"]", 3);

    rc = grid_rpc_text(chain->rpc, "author_submitExtrinsic", params, &hash);

    free(hash);
    free(params);

    if (rc == GRID_FAILED
        && (grid_rpc_code(chain->rpc) == SUBSTRATE_KNOWN
            || grid_rpc_code(chain->rpc) == SUBSTRATE_FIRST))
    {
        return GRID_OK;
    }

    return substrate_failed(chain, rc);
}
