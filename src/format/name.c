
/*
 * name: see name.h.
 */

#include "format/name.h"

#include <assert.h>
#include <string.h>


#define WGW_NAME_LABEL  63


static const char *wgw_name_check(const char *name, size_t len);
static const char *wgw_name_label(const char *label, size_t len);
static const char *wgw_name_byte(char c);
static unsigned wgw_name_numeric(const char *label, size_t len);
static size_t wgw_name_dot(const char *name, size_t from, size_t len);
static char wgw_name_lower(char c);
static void wgw_name_lower_eight(char *to, const char *from);


size_t
wgw_name_parse(char name[WGW_NAME_MAX], wgw_text_t text, wgw_text_t domain,
    const char **error)
{
    size_t  len;

    if (text.len == 0) {
        *error = "is empty";
        return 0;
    }

    len = wgw_name_fold(name, text);

    if (len == 0) {
        *error = (text.len > 1) ? "is longer than 253 bytes"
                                : "has an empty label";
        return 0;
    }

    *error = wgw_name_check(name, len);

    if (*error) {
        return 0;
    }

    if (wgw_name_dot(name, 0, len) == len) {

        if (name[0] == '*') {
            *error = "is a wildcard without a domain";
            return 0;
        }

        if (domain.len == 0) {
            *error = "is a single label and no domain completes it";
            return 0;
        }

        if (len + 1 + domain.len > WGW_NAME_MAX) {
            *error = "is longer than 253 bytes with the domain";
            return 0;
        }

        name[len] = '.';
        memcpy(name + len + 1, domain.data, domain.len);

        return len + 1 + domain.len;
    }

    return len;
}


/* Judges a folded name, label by label. */

static const char *
wgw_name_check(const char *name, size_t len)
{
    size_t       start, end;
    const char  *error;

    static const char  acme[] = "_acme-challenge";

    start = 0;

    for ( ;; ) {
        end = wgw_name_dot(name, start, len);

        if (start > 0 || end != 1 || name[0] != '*') {
            error = wgw_name_label(name + start, end - start);

            if (error) {
                return error;
            }
        }

        if (end == len) {
            break;
        }

        start = end + 1;
    }

    /* a name of several labels that end in a number is read as IPv4 */

    if (start > 0 && wgw_name_numeric(name + start, len - start)) {
        return "ends in a number, as an IP address does";
    }

    if (wgw_name_dot(name, 0, len) == sizeof(acme) - 1
        && memcmp(name, acme, sizeof(acme) - 1) == 0)
    {
        return "is reserved for the gateway's own certificate";
    }

    return NULL;
}


static const char *
wgw_name_label(const char *label, size_t len)
{
    size_t       i;
    const char  *error;

    if (len == 0) {
        return "has an empty label";
    }

    for (i = 0; i < len; i++) {
        error = wgw_name_byte(label[i]);

        if (error) {
            return error;
        }
    }

    if (len > WGW_NAME_LABEL) {
        return "has a label longer than 63 bytes";
    }

    return NULL;
}


static const char *
wgw_name_byte(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
        || c == '-' || c == '_')
    {
        return NULL;
    }

    if (c == '*') {
        return "has a wildcard that is not the whole first label";
    }

    if ((unsigned char) c >= 0x80) {
        return "must be written as an A-label (xn--...)";
    }

    return "has a character that is not a letter, digit, \"-\" or \"_\"";
}


static unsigned
wgw_name_numeric(const char *label, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (label[i] < '0' || label[i] > '9') {
            return 0;
        }
    }

    return 1;
}


size_t
wgw_name_fold(char name[WGW_NAME_MAX], wgw_text_t text)
{
    size_t  i, len;

    len = text.len;

    if (len > 0 && text.data[len - 1] == '.') {
        len--;
    }

    if (len == 0 || len > WGW_NAME_MAX) {
        return 0;
    }

    for (i = 0; i + 8 <= len; i += 8) {
        wgw_name_lower_eight(name + i, text.data + i);
    }

    for ( /* void */ ; i < len; i++) {
        name[i] = wgw_name_lower(text.data[i]);
    }

    return len;
}


/*
 * Eight bytes in one word: the high bit of each says whether its letter is
 * at least 'A', then whether it is above 'Z'; bytes above 127 are no letters.
 */

static void
wgw_name_lower_eight(char *to, const char *from)
{
    uint64_t        word, seven, upper;
    const uint64_t  ones = UINT64_C(0x0101010101010101);

    memcpy(&word, from, sizeof(word));

    seven = word & 0x7f * ones;
    upper = (seven + (0x80 - 'A') * ones) & ~(seven + (0x7f - 'Z') * ones)
            & ~word & 0x80 * ones;

    word |= upper >> 2;

    memcpy(to, &word, sizeof(word));
}


size_t
wgw_name_widen(char name[WGW_NAME_MAX], size_t len)
{
    size_t  start, dot;

    assert(len <= WGW_NAME_MAX);

    start = (len >= 2 && name[0] == '*' && name[1] == '.') ? 2 : 0;

    dot = wgw_name_dot(name, start, len);

    /*
     * What a client sends is not judged and may have empty labels: these
     * end the search, so that the result is never longer than the name.
     */

    if (dot == start || dot + 1 >= len) {
        return 0;
    }

    name[0] = '*';
    memmove(name + 1, name + dot, len - dot);

    return 1 + len - dot;
}


/* Where the next dot from `from` on is, `len` if there is none. */

static size_t
wgw_name_dot(const char *name, size_t from, size_t len)
{
    const char  *dot;

    if (from == len) {
        return len;
    }

    dot = memchr(name + from, '.', len - from);

    return dot ? (size_t) (dot - name) : len;
}


/* The C library's tolower() would depend on the locale. */

static char
wgw_name_lower(char c)
{
    return (c >= 'A' && c <= 'Z') ? (char) (c | 0x20) : c;
}
