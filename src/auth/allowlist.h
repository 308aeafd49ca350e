
/*
 * allowlist: a set of wallet addresses, as an administrator writes it.
 *
 *     # a comment
 *     0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
 *     0x70997970c51812dc3a010c7d01b50e0d17dc79c8   # the watcher
 *
 * An address a line, with or without its EIP-55 capitals, all capitals or
 * all small letters being taken too, since lists are copied from many
 * places; blanks around it, seen or not (a byte order mark, spaces of other
 * kinds, a carriage return), and what follows a # do not count.
 */

#ifndef WGW_ALLOWLIST_H
#define WGW_ALLOWLIST_H


#include "crypto/eip55.h"
#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_ALLOWLIST_FILE  ((size_t) 16 << 20)     /* bytes of a text */

/* Addresses that such a text may have. */
#define WGW_ALLOWLIST_MAX   (WGW_ALLOWLIST_FILE / (WGW_EIP55_LEN + 1) + 1)


/* Sorted; the caller frees the array with free(). */
typedef struct {
    uint8_t    (*addresses)[WGW_EIP55_BYTES];
    size_t       n;
} wgw_allowlist_t;


/*
 * One address in a form that lists have.  Returns NULL, or a phrase such as
 * "has a wrong EIP-55 checksum".
 */
const char *wgw_allowlist_address(uint8_t address[WGW_EIP55_BYTES],
    wgw_text_t text);

/*
 * Reads a list.  Returns NULL, or a phrase, and the line in `*line` (0: the
 * whole); then the list is empty.
 */
const char *wgw_allowlist_parse(wgw_allowlist_t *list, wgw_text_t text,
    unsigned *line);

/* 1 when the address is in the list. */
int wgw_allowlist_has(const wgw_allowlist_t *list,
    const uint8_t address[WGW_EIP55_BYTES]);


#pragma GCC visibility pop

#endif /* WGW_ALLOWLIST_H */
