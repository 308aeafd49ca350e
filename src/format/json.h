
/*
 * json: reads one flat JSON object (RFC 8259) by a table of its members.
 *
 * A number is what it is worth, however it is written: 1e3 is 1000.
 *
 * Strict, since what is read is configuration or comes from strangers:
 * unknown and repeated members, other types, deeper nesting, text after the
 * object and unpaired surrogates are refused.  Each string is handed over
 * once, decoded and whole; it is UTF-8 only if the caller checks that.
 *
 * Documents of other people's making, which may say more than is asked, are
 * read the open way: unknown members are passed over, nested ones down to
 * WGW_JSON_DEPTH; what is asked for is read as strictly.
 */

#ifndef WGW_JSON_H
#define WGW_JSON_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_JSON_NUMBER_MAX  9007199254740992   /* 2^53, always exact */
#define WGW_JSON_DEPTH       32                 /* of what is passed over */


typedef enum {
    WGW_JSON_STRING = 0,
    WGW_JSON_NUMBER,            /* whole, 0 to WGW_JSON_NUMBER_MAX */
    WGW_JSON_BOOLEAN,
    WGW_JSON_ARRAY,             /* of strings */
    WGW_JSON_STRINGS,           /* a string, or an array of strings */
    WGW_JSON_SECONDS            /* a number; the truth is its fraction */
} wgw_json_type_t;


/* Why something was refused; field is "" when it is the whole. */
typedef struct {
    char              field[32];        /* "backends[2]" */
    char              message[128];     /* "has a port out of range" */
} wgw_json_error_t;


typedef struct {
    wgw_text_t        text;             /* a string, or one of an array */
    uint64_t          number;
    unsigned          truth;
    size_t            index;            /* in the array */
} wgw_json_value_t;


/*
 * `set` takes a value, of an array one string at a time, and returns NULL or
 * a phrase to refuse it with.  It is not called for null, which leaves an
 * optional member at its default, nor for an empty array.
 */
typedef struct {
    const char       *name;
    wgw_json_type_t   type;
    unsigned          required;         /* null is refused */
    const char     *(*set)(void *data, const wgw_json_value_t *value);
} wgw_json_member_t;


/*
 * Reads `json` by at most 32 members.  `seen` gets a bit for each member that
 * was there, the first being bit 0.  Returns 0, or -1 and the error.
 */
int wgw_json_read(wgw_text_t json, const wgw_json_member_t *members,
    size_t n, void *data, uint32_t *seen, wgw_json_error_t *error);

int wgw_json_read_open(wgw_text_t json, const wgw_json_member_t *members,
    size_t n, void *data, uint32_t *seen, wgw_json_error_t *error);

/*
 * 1 unless the text escapes half of a surrogate pair (\ud800 alone).  To be
 * asked of any text before yajl parses it: that replaces such a half by "?",
 * takes anything for its second half, and without the fix of CVE-2017-16516
 * ends the process.
 */
int wgw_json_paired(wgw_text_t json);

/* Fills the error; what is too long for it is cut.  Returns -1. */
int wgw_json_refuse(wgw_json_error_t *error, const char *field,
    const char *message);
int wgw_json_refuse_element(wgw_json_error_t *error, const char *field,
    size_t index, const char *message);


#pragma GCC visibility pop

#endif /* WGW_JSON_H */
