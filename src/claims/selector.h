
/*
 * selector: where in the arguments a policy looks (UCAN delegation 1.0, a
 * subset of jq).
 *
 *   .                     the whole
 *   .name  ["any name"]   a map's value
 *   [1]  [-1]             an element of a list, a byte
 *   [1:3]  [1:]  [:-1]    a part of a list, of bytes, of a text (by code
 *                         points), cut to what is there
 *   []                    all elements, a map's values
 *   ?                     after any of these: null where there is nothing
 *
 * A step that finds nothing ends the walk, even where a later one has a `?`.
 * ['name'] is no UCAN; who allows it reads what was written after an older
 * draft.
 */

#ifndef WGW_SELECTOR_H
#define WGW_SELECTOR_H


#include "format/cbor.h"

#pragma GCC visibility push(hidden)


#define WGW_SELECTOR_MAX    1024    /* bytes */
#define WGW_SELECTOR_STEPS  32


typedef enum {
    WGW_STEP_FIELD = 0,
    WGW_STEP_INDEX,
    WGW_STEP_SLICE,
    WGW_STEP_VALUES
} wgw_step_type_t;


typedef struct {
    uint8_t     type;               /* wgw_step_type_t */
    uint8_t     optional;
    uint8_t     has_from;
    uint8_t     has_to;
    int64_t     from;               /* of INDEX: which */
    int64_t     to;
    wgw_text_t  name;
} wgw_step_t;


typedef struct {
    wgw_step_t  *steps;
    size_t       n;
} wgw_selector_t;


/*
 * Reads into `steps`, of which there are WGW_SELECTOR_STEPS.  Names that
 * were written with escapes are put into `room` of text.len bytes; the others
 * are views of the text.  NULL, or "policy:selector", "policy:selector-long",
 * "policy:selector-start", "policy:selector-range".
 */
const char *wgw_selector_read(wgw_selector_t *selector, wgw_step_t *steps,
    wgw_text_t text, unsigned quotes, char *room);

/* What is there, seen from `root`: 1, or 0 when nothing is. */
int wgw_selector_find(wgw_cbor_t *value, const wgw_cbor_t *root,
    const wgw_step_t *steps, size_t n);

/* One step of it. */
int wgw_selector_step(wgw_cbor_t *value, const wgw_cbor_t *from,
    const wgw_step_t *step);


#pragma GCC visibility pop

#endif /* WGW_SELECTOR_H */
