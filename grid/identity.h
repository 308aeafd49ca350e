
/*
 * identity: an account of the chain, from its words: Substrate's way, which
 * is not the ordinary BIP-39 one.
 *
 *     words      -> entropy (16 to 32 bytes) and a checksum, BIP-39 English
 *     mini secret = PBKDF2-HMAC-SHA512(entropy, "mnemonic", 2048), 32 bytes;
 *                   or given itself, as 0x and 64 hexadecimal digits
 *     ed25519    : RFC 8032 with it as the seed
 *     sr25519    : schnorrkel's expansion "ed25519", grid/sr25519.h
 *
 * Both kinds give accounts of their own; which of them is the farm's the
 * chain tells.  What is secret is in locked memory that no core has, and
 * wiped at the end.
 */

#ifndef WGW_GRID_IDENTITY_H
#define WGW_GRID_IDENTITY_H


#include "format/text.h"
#include "grid/grid.h"


#define GRID_KEY        32
#define GRID_SIGNATURE  64
#define GRID_ADDRESS    64              /* an address's text, terminated */


typedef enum {
    GRID_ED25519 = 0,                   /* as MultiSignature numbers them */
    GRID_SR25519 = 1
} grid_kind_t;


/*
 * Reads the file, which nobody else may read; a phrase that is none is told
 * without a word of it.  NULL when it was told.
 */
grid_identity_t *grid_identity_open(const char *file);

/* The same from text.  NULL, and in `*error` a phrase of what is wrong. */
grid_identity_t *grid_identity_make(wgw_text_t words, const char **error);

void grid_identity_close(grid_identity_t *identity);

const uint8_t *grid_identity_key(const grid_identity_t *identity,
    grid_kind_t kind);

void grid_identity_sign(const grid_identity_t *identity, grid_kind_t kind,
    uint8_t signature[GRID_SIGNATURE], const void *data, size_t len);

/* 1 when the signature is right; of nobody's secret. */
int grid_verify(grid_kind_t kind, const uint8_t key[GRID_KEY],
    const uint8_t signature[GRID_SIGNATURE], const void *data, size_t len);

/* SS58 with prefix 42, which is tfchain's. */
void grid_address(char address[GRID_ADDRESS], const uint8_t key[GRID_KEY]);

/* 0, or -1 for what is no such address. */
int grid_address_read(uint8_t key[GRID_KEY], wgw_text_t address);

const char *grid_kind_name(grid_kind_t kind);


#endif /* WGW_GRID_IDENTITY_H */
