
/*
 * siwe: see siwe.h.
 */

#include "format/rfc3339.h"
#include "auth/siwe.h"
#include "format/uri.h"

#include <string.h>


/* 2^64 - 1 has as many */
#define WGW_SIWE_DIGITS  20


typedef struct {
    wgw_text_t         rest;            /* behind the line */
    wgw_text_t         line;
    unsigned           number;          /* of the line, from 1 */
    unsigned           last:1;          /* no LF ended it */
    wgw_siwe_error_t  *error;
} wgw_siwe_lines_t;


static int wgw_siwe_returns(wgw_siwe_lines_t *lines);
static int wgw_siwe_origin(wgw_siwe_lines_t *lines, wgw_siwe_t *siwe);
static int wgw_siwe_domain(wgw_siwe_lines_t *lines, wgw_text_t domain);
static int wgw_siwe_statement(wgw_siwe_lines_t *lines, wgw_siwe_t *siwe);
static int wgw_siwe_required(wgw_siwe_lines_t *lines, wgw_siwe_t *siwe);
static int wgw_siwe_chain(wgw_siwe_lines_t *lines, uint64_t *chain);
static int wgw_siwe_nonce(wgw_siwe_lines_t *lines, wgw_text_t *nonce);
static int wgw_siwe_optional(wgw_siwe_lines_t *lines, wgw_siwe_t *siwe);
static int wgw_siwe_time(wgw_siwe_lines_t *lines, const char *field,
    wgw_text_t value, int64_t *seconds);
static int wgw_siwe_resources(wgw_siwe_lines_t *lines, wgw_siwe_t *siwe);
static int wgw_siwe_next(wgw_siwe_lines_t *lines);
static int wgw_siwe_field(wgw_siwe_lines_t *lines, const char *field,
    wgw_text_t *value);
static int wgw_siwe_take(wgw_siwe_lines_t *lines, const char *field,
    wgw_text_t *value);
static int wgw_siwe_labeled(const wgw_siwe_lines_t *lines, const char *field,
    wgw_text_t *value);
static int wgw_siwe_within(wgw_text_t text, const char *marks);
static int wgw_siwe_refuse(wgw_siwe_lines_t *lines, const char *field,
    const char *phrase);


int
wgw_siwe_parse(wgw_siwe_t *siwe, wgw_text_t message, unsigned lenient,
    wgw_siwe_error_t *error)
{
    const char        *phrase;
    wgw_siwe_lines_t   lines;

    memset(siwe, 0, sizeof(wgw_siwe_t));
    memset(&lines, 0, sizeof(wgw_siwe_lines_t));

    lines.rest = message;
    lines.error = error;

    if (message.len > WGW_SIWE_MAX) {
        return wgw_siwe_refuse(&lines, "", "longer than 16384 bytes");
    }

    if (wgw_siwe_returns(&lines)) {
        return wgw_siwe_refuse(&lines, "",
                               "has a carriage return: lines end in LF");
    }

    if (wgw_siwe_next(&lines) != 0 || wgw_siwe_origin(&lines, siwe) != 0
        || wgw_siwe_next(&lines) != 0)
    {
        return -1;
    }

    siwe->account = lines.line;

    phrase = wgw_eip55_parse(siwe->address, siwe->account, lenient);

    if (phrase) {
        return wgw_siwe_refuse(&lines, "the address", phrase);
    }

    if (wgw_siwe_statement(&lines, siwe) != 0
        || wgw_siwe_required(&lines, siwe) != 0
        || wgw_siwe_optional(&lines, siwe) != 0)
    {
        return -1;
    }

    return 0;
}


void
wgw_siwe_explain(const wgw_siwe_error_t *error, wgw_out_t *out)
{
    if (error->line) {
        wgw_out_str(out, "line ");
        wgw_out_uint(out, error->line);
        wgw_out_str(out, ": ");
    }

    if (error->field[0] != '\0') {
        wgw_out_str(out, error->field);
        wgw_out_str(out, " ");
    }

    wgw_out_str(out, error->phrase);
}


/* Sets the number of the line that has the first CR, if there is one. */

static int
wgw_siwe_returns(wgw_siwe_lines_t *lines)
{
    size_t      i;
    wgw_text_t  text;

    text = lines->rest;

    if (text.len == 0 || memchr(text.data, '\r', text.len) == NULL) {
        return 0;
    }

    lines->number = 1;

    for (i = 0; text.data[i] != '\r'; i++) {
        lines->number += text.data[i] == '\n';
    }

    return 1;
}


static int
wgw_siwe_origin(wgw_siwe_lines_t *lines, wgw_siwe_t *siwe)
{
    size_t       i;
    wgw_text_t   text;

    static const wgw_text_t  sentence = {
        " wants you to sign in with your Ethereum account:",
        sizeof(" wants you to sign in with your Ethereum account:") - 1
    };

    text = lines->line;

    if (text.len < sentence.len
        || memcmp(text.data + text.len - sentence.len, sentence.data,
                  sentence.len) != 0)
    {
        return wgw_siwe_refuse(lines, "", "does not end in \" wants you to "
                               "sign in with your Ethereum account:\"");
    }

    text.len -= sentence.len;

    for (i = 0; i + 3 <= text.len; i++) {

        if (memcmp(text.data + i, "://", 3) != 0) {
            continue;
        }

        siwe->scheme.data = text.data;
        siwe->scheme.len = i;

        if (!wgw_uri_scheme(siwe->scheme)) {
            return wgw_siwe_refuse(lines, "the scheme", "is not valid");
        }

        text.data += i + 3;
        text.len -= i + 3;
        break;
    }

    siwe->domain = text;

    return wgw_siwe_domain(lines, text);
}


static int
wgw_siwe_domain(wgw_siwe_lines_t *lines, wgw_text_t domain)
{
    uint16_t   port;
    wgw_uri_t  uri;

    memset(&uri, 0, sizeof(wgw_uri_t));

    if (domain.len == 0) {
        return wgw_siwe_refuse(lines, "the domain", "is empty");
    }

    if (wgw_uri_authority(&uri, domain, 1) != 0) {
        return wgw_siwe_refuse(lines, "the domain",
                               "is not a host with an optional port");
    }

    /* good.example@evil.example is another host than it seems */

    if (uri.userinfo.data) {
        return wgw_siwe_refuse(lines, "the domain", "has user information");
    }

    if (uri.host.len == 0) {
        return wgw_siwe_refuse(lines, "the domain", "has no host");
    }

    if (uri.port.data && (uri.port.len == 0
                          || wgw_uri_port(&port, uri.scheme, uri.port) != 0))
    {
        return wgw_siwe_refuse(lines, "the domain",
                               "has a port that is not 1 to 65535");
    }

    return 0;
}


/* The lines between the address and the URI: "", "", or "", text, "". */

static int
wgw_siwe_statement(wgw_siwe_lines_t *lines, wgw_siwe_t *siwe)
{
    /* of RFC 3986: reserved, unreserved; and the blank */
    static const char  marks[] = " -._~:/?#[]@!$&'()*+,;=";

    if (wgw_siwe_next(lines) != 0) {
        return -1;
    }

    if (lines->line.len) {
        return wgw_siwe_refuse(lines, "", "must be empty");
    }

    if (wgw_siwe_next(lines) != 0) {
        return -1;
    }

    if (lines->line.len == 0) {

        /* an empty statement, if another empty line follows */

        if (lines->rest.len && lines->rest.data[0] == '\n') {
            siwe->statement = lines->line;
            return wgw_siwe_next(lines);
        }

        return 0;
    }

    siwe->statement = lines->line;

    if (!wgw_siwe_within(lines->line, marks)) {
        return wgw_siwe_refuse(lines, "the statement", "has a character "
                               "that may not stand in one");
    }

    if (wgw_siwe_next(lines) != 0) {
        return -1;
    }

    if (lines->line.len) {
        return wgw_siwe_refuse(lines, "", "must be empty, after the "
                               "statement (two empty lines follow the "
                               "address when there is none)");
    }

    return 0;
}


static int
wgw_siwe_required(wgw_siwe_lines_t *lines, wgw_siwe_t *siwe)
{
    wgw_uri_t   uri;
    wgw_text_t  version, issued;

    if (wgw_siwe_field(lines, "URI", &siwe->uri) != 0) {
        return -1;
    }

    if (wgw_uri_parse(&uri, siwe->uri) != 0) {
        return wgw_siwe_refuse(lines, "URI", "is not an absolute URI");
    }

    if (wgw_siwe_field(lines, "Version", &version) != 0) {
        return -1;
    }

    if (!wgw_text_equal(version, wgw_text("1"))) {
        return wgw_siwe_refuse(lines, "Version", "is not 1");
    }

    if (wgw_siwe_chain(lines, &siwe->chain) != 0
        || wgw_siwe_nonce(lines, &siwe->nonce) != 0
        || wgw_siwe_field(lines, "Issued At", &issued) != 0)
    {
        return -1;
    }

    return wgw_siwe_time(lines, "Issued At", issued, &siwe->issued);
}


static int
wgw_siwe_chain(wgw_siwe_lines_t *lines, uint64_t *chain)
{
    wgw_text_t  value;

    if (wgw_siwe_field(lines, "Chain ID", &value) != 0) {
        return -1;
    }

    if (value.len > WGW_SIWE_DIGITS
        || wgw_text_uint(value, UINT64_MAX, chain) != 0)
    {
        return wgw_siwe_refuse(lines, "Chain ID",
                               "is not a number of at most 64 bits");
    }

    return 0;
}


static int
wgw_siwe_nonce(wgw_siwe_lines_t *lines, wgw_text_t *nonce)
{
    if (wgw_siwe_field(lines, "Nonce", nonce) != 0) {
        return -1;
    }

    if (nonce->len < WGW_SIWE_NONCE_MIN || nonce->len > WGW_SIWE_NONCE_MAX
        || !wgw_siwe_within(*nonce, ""))
    {
        return wgw_siwe_refuse(lines, "Nonce",
                               "is not 8 to 128 letters and digits");
    }

    return 0;
}


static int
wgw_siwe_optional(wgw_siwe_lines_t *lines, wgw_siwe_t *siwe)
{
    wgw_text_t  value;

    if (wgw_siwe_take(lines, "Expiration Time", &value)) {
        siwe->has_expires = 1;

        if (wgw_siwe_time(lines, "Expiration Time", value, &siwe->expires)
            != 0)
        {
            return -1;
        }
    }

    if (wgw_siwe_take(lines, "Not Before", &value)) {
        siwe->has_not_before = 1;

        if (wgw_siwe_time(lines, "Not Before", value, &siwe->not_before)
            != 0)
        {
            return -1;
        }
    }

    if (wgw_siwe_take(lines, "Request ID", &siwe->request_id)
        && !wgw_uri_segment(siwe->request_id))
    {
        return wgw_siwe_refuse(lines, "Request ID", "has a character that "
                               "may not stand in one");
    }

    return lines->last ? 0 : wgw_siwe_resources(lines, siwe);
}


static int
wgw_siwe_time(wgw_siwe_lines_t *lines, const char *field, wgw_text_t value,
    int64_t *seconds)
{
    if (wgw_rfc3339_parse(seconds, value) != 0) {
        return wgw_siwe_refuse(lines, field, "is not a date-time such as "
                               "2026-01-02T03:04:05Z");
    }

    return 0;
}


static int
wgw_siwe_resources(wgw_siwe_lines_t *lines, wgw_siwe_t *siwe)
{
    wgw_uri_t   uri;
    wgw_text_t  text;

    if (wgw_siwe_next(lines) != 0) {
        return -1;
    }

    if (!wgw_text_equal(lines->line, wgw_text("Resources:"))) {
        return wgw_siwe_refuse(lines, "", lines->line.len
                               ? "is not a field that may stand here"
                               : "must not be there: the message ends "
                                 "without a line feed");
    }

    while (!lines->last) {

        if (wgw_siwe_next(lines) != 0) {
            return -1;
        }

        text = lines->line;

        if (text.len < 2 || memcmp(text.data, "- ", 2) != 0) {
            return wgw_siwe_refuse(lines, "the resource",
                                   "does not start with \"- \"");
        }

        text.data += 2;
        text.len -= 2;

        if (wgw_uri_parse(&uri, text) != 0) {
            return wgw_siwe_refuse(lines, "the resource",
                                   "is not an absolute URI");
        }

        if (siwe->nresources == WGW_SIWE_RESOURCES) {
            return wgw_siwe_refuse(lines, "the resource",
                                   "is one more than 32");
        }

        siwe->resources[siwe->nresources++] = text;
    }

    return 0;
}


/* Moves on to the next line, which must be there. */

static int
wgw_siwe_next(wgw_siwe_lines_t *lines)
{
    const char  *end;

    lines->number++;

    if (lines->last) {
        return wgw_siwe_refuse(lines, "", "is missing");
    }

    lines->line = lines->rest;

    end = lines->rest.len ? memchr(lines->rest.data, '\n', lines->rest.len)
                          : NULL;

    if (end) {
        lines->line.len = (size_t) (end - lines->rest.data);
        lines->rest.data += lines->line.len + 1;
        lines->rest.len -= lines->line.len + 1;

    } else {
        lines->last = 1;
        lines->rest.len = 0;
    }

    return 0;
}


/* The next line must be "FIELD: VALUE". */

static int
wgw_siwe_field(wgw_siwe_lines_t *lines, const char *field, wgw_text_t *value)
{
    if (wgw_siwe_next(lines) != 0) {
        return -1;
    }

    if (wgw_siwe_labeled(lines, field, value) != 0) {
        return wgw_siwe_refuse(lines, field, "is missing here");
    }

    return 0;
}


/* Moves on if the next line is there and is "FIELD: VALUE". */

static int
wgw_siwe_take(wgw_siwe_lines_t *lines, const char *field, wgw_text_t *value)
{
    wgw_siwe_lines_t  ahead;

    if (lines->last) {
        return 0;
    }

    ahead = *lines;

    if (wgw_siwe_next(&ahead) != 0
        || wgw_siwe_labeled(&ahead, field, value) != 0)
    {
        return 0;
    }

    *lines = ahead;

    return 1;
}


static int
wgw_siwe_labeled(const wgw_siwe_lines_t *lines, const char *field,
    wgw_text_t *value)
{
    size_t       len;
    wgw_text_t   line;

    len = strlen(field);
    line = lines->line;

    if (line.len < len + 2 || memcmp(line.data, field, len) != 0
        || memcmp(line.data + len, ": ", 2) != 0)
    {
        return -1;
    }

    value->data = line.data + len + 2;
    value->len = line.len - len - 2;

    return 0;
}


/* Letters, digits and the characters of `marks` only. */

static int
wgw_siwe_within(wgw_text_t text, const char *marks)
{
    char    c, lower;
    size_t  i;

    for (i = 0; i < text.len; i++) {
        c = text.data[i];
        lower = (char) (c | 0x20);

        if ((lower < 'a' || lower > 'z') && (c < '0' || c > '9')
            && (c == '\0' || !strchr(marks, c)))
        {
            return 0;
        }
    }

    return 1;
}


static int
wgw_siwe_refuse(wgw_siwe_lines_t *lines, const char *field,
    const char *phrase)
{
    lines->error->line = lines->number;
    lines->error->field = field;
    lines->error->phrase = phrase;

    return -1;
}
