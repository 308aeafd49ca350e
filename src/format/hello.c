
/*
 * hello: see hello.h.
 *
 * The message is read through a cursor that steps over the headers of the
 * TLS records it is spread over.  All lengths are judged against what
 * encloses them as soon as they are read, so that a broken hello is not
 * waited for.
 */

#include "format/hello.h"

#include <assert.h>
#include <string.h>


#define WGW_HELLO_HANDSHAKE    22       /* record's content type */
#define WGW_HELLO_CLIENT       1        /* handshake type */
#define WGW_HELLO_RECORD       16384    /* most bytes of a record */
#define WGW_HELLO_HEADER       5        /* of a record */
#define WGW_HELLO_RANDOM       34       /* legacy_version and random */
#define WGW_HELLO_SESSION      32
#define WGW_HELLO_LEAST        41       /* nothing but the fixed fields */

#define WGW_HELLO_SERVER_NAME  0        /* extension */
#define WGW_HELLO_ALPN         16       /* extension */

#define WGW_HELLO_HOST_NAME    0        /* type of a server name */


/*
 * A scope is a vector with a length of its own.  It is known by its end,
 * counted like `left` from the end of the message.
 */

typedef struct {
    const uint8_t  *pos;
    const uint8_t  *last;
    size_t          here;       /* bytes of this record, at hand */
    size_t          later;      /* and those that have not come */
    size_t          left;       /* bytes to come of the message */
    size_t          scope;      /* `left` at the end of the scope */
    unsigned        first:1;    /* no record was read yet */
    unsigned        sni:1;      /* extensions seen */
    unsigned        alpn:1;
} wgw_hello_cursor_t;


/* what a name may have: letters, digits, '.', '-' and '_' */
static const uint8_t  wgw_hello_letters[256] = {
    ['a' ... 'z'] = 1, ['A' ... 'Z'] = 1, ['0' ... '9'] = 1,
    ['.'] = 1, ['-'] = 1, ['_'] = 1
};


static wgw_hello_rc_t wgw_hello_message(wgw_hello_t *hello,
    wgw_hello_cursor_t *c);
static wgw_hello_rc_t wgw_hello_start(wgw_hello_cursor_t *c);
static wgw_hello_rc_t wgw_hello_fields(wgw_hello_cursor_t *c);
static wgw_hello_rc_t wgw_hello_extension(wgw_hello_t *hello,
    wgw_hello_cursor_t *c);
static wgw_hello_rc_t wgw_hello_list(wgw_hello_cursor_t *c, unsigned seen);
static wgw_hello_rc_t wgw_hello_server_name(wgw_hello_t *hello,
    wgw_hello_cursor_t *c);
static wgw_hello_rc_t wgw_hello_host_name(wgw_hello_t *hello,
    wgw_hello_cursor_t *c, size_t len);
static wgw_hello_rc_t wgw_hello_alpn(wgw_hello_t *hello,
    wgw_hello_cursor_t *c);
static void wgw_hello_pass_over(wgw_hello_cursor_t *c);
static inline wgw_hello_rc_t wgw_hello_skip(wgw_hello_cursor_t *c,
    size_t len);
static inline wgw_hello_rc_t wgw_hello_number(wgw_hello_cursor_t *c,
    size_t size, size_t *number);
static inline const uint8_t *wgw_hello_near(wgw_hello_cursor_t *c, size_t len);
static wgw_hello_rc_t wgw_hello_bytes(wgw_hello_cursor_t *c, void *copy,
    size_t len);
static wgw_hello_rc_t wgw_hello_record(wgw_hello_cursor_t *c);
static size_t wgw_hello_rest(const wgw_hello_cursor_t *c);


wgw_hello_rc_t
wgw_hello_parse(wgw_hello_t *hello, const uint8_t *data, size_t len)
{
    size_t              wanted;
    wgw_hello_rc_t      rc;
    wgw_hello_cursor_t  c;

    hello->len = 0;
    hello->acme = 0;
    hello->wanted = 0;

    if (len == 0) {
        /* the first byte tells TLS from all else */
        hello->wanted = 1;
        return WGW_HELLO_AGAIN;
    }

    if (len > WGW_HELLO_MAX) {
        len = WGW_HELLO_MAX;
    }

    c.pos = data;
    c.last = data + len;
    c.here = 0;
    c.later = 0;
    c.left = 4;                 /* the handshake header */
    c.scope = 0;
    c.first = 1;
    c.sni = 0;
    c.alpn = 0;

    rc = wgw_hello_message(hello, &c);

    if (rc == WGW_HELLO_DONE) {
        return rc;
    }

    hello->len = 0;
    hello->acme = 0;

    if (rc == WGW_HELLO_AGAIN) {
        wanted = len + wgw_hello_rest(&c);

        if (wanted > WGW_HELLO_MAX) {
            return WGW_HELLO_BAD;
        }

        hello->wanted = (uint16_t) wanted;
    }

    return rc;
}


static wgw_hello_rc_t
wgw_hello_message(wgw_hello_t *hello, wgw_hello_cursor_t *c)
{
    size_t          len;
    wgw_hello_rc_t  rc;

    rc = wgw_hello_start(c);

    if (rc != WGW_HELLO_DONE) {
        return rc;
    }

    rc = wgw_hello_fields(c);

    if (rc != WGW_HELLO_DONE) {
        return rc;
    }

    if (c->left == 0) {
        /* TLS 1.2 and before know hellos without extensions */
        return WGW_HELLO_DONE;
    }

    rc = wgw_hello_number(c, 2, &len);

    if (rc != WGW_HELLO_DONE) {
        return rc;
    }

    if (len != c->left) {
        return WGW_HELLO_BAD;
    }

    for ( ;; ) {
        wgw_hello_pass_over(c);

        if (c->left == 0) {
            return WGW_HELLO_DONE;
        }

        rc = wgw_hello_extension(hello, c);

        if (rc != WGW_HELLO_DONE) {
            return rc;
        }
    }
}


/*
 * Extensions that mean nothing here, as far as they are whole: most of them,
 * where the message came in one record.
 */

static void
wgw_hello_pass_over(wgw_hello_cursor_t *c)
{
    size_t          left, type, len;
    const uint8_t  *p;

    if (c->here < c->left) {
        return;
    }

    p = c->pos;
    left = c->left;

    while (left >= 4) {
        type = (size_t) (p[0] << 8 | p[1]);
        len = (size_t) (p[2] << 8 | p[3]) + 4;

        if (len > left
            || type == WGW_HELLO_SERVER_NAME
            || type == WGW_HELLO_ALPN)
        {
            break;
        }

        p += len;
        left -= len;
    }

    c->pos = p;
    c->here -= c->left - left;
    c->left = left;
}


/* The handshake header: type and length. */

static wgw_hello_rc_t
wgw_hello_start(wgw_hello_cursor_t *c)
{
    size_t          i, n, len;
    wgw_hello_rc_t  rc;

    rc = wgw_hello_number(c, 1, &n);

    if (rc != WGW_HELLO_DONE) {
        return rc;
    }

    if (n != WGW_HELLO_CLIENT) {
        return WGW_HELLO_BAD;
    }

    len = 0;

    for (i = 3; i > 0; i--) {
        rc = wgw_hello_number(c, 1, &n);

        if (rc != WGW_HELLO_DONE) {
            return rc;
        }

        len |= n << (8 * (i - 1));

        if (len > WGW_HELLO_MAX) {
            return WGW_HELLO_BAD;
        }
    }

    if (len < WGW_HELLO_LEAST) {
        return WGW_HELLO_BAD;
    }

    c->left = len;

    return WGW_HELLO_DONE;
}


/* What stands before the extensions. */

static wgw_hello_rc_t
wgw_hello_fields(wgw_hello_cursor_t *c)
{
    size_t          len;
    wgw_hello_rc_t  rc;

    rc = wgw_hello_skip(c, WGW_HELLO_RANDOM);

    if (rc != WGW_HELLO_DONE) {
        return rc;
    }

    rc = wgw_hello_number(c, 1, &len);

    if (rc != WGW_HELLO_DONE) {
        return rc;
    }

    if (len > WGW_HELLO_SESSION) {
        return WGW_HELLO_BAD;
    }

    rc = wgw_hello_skip(c, len);

    if (rc != WGW_HELLO_DONE) {
        return rc;
    }

    rc = wgw_hello_number(c, 2, &len);

    if (rc != WGW_HELLO_DONE) {
        return rc;
    }

    /* cipher suites are pairs of bytes */

    if (len < 2 || len % 2 != 0) {
        return WGW_HELLO_BAD;
    }

    rc = wgw_hello_skip(c, len);

    if (rc != WGW_HELLO_DONE) {
        return rc;
    }

    rc = wgw_hello_number(c, 1, &len);

    if (rc != WGW_HELLO_DONE) {
        return rc;
    }

    if (len == 0) {
        return WGW_HELLO_BAD;
    }

    return wgw_hello_skip(c, len);
}


static wgw_hello_rc_t
wgw_hello_extension(wgw_hello_t *hello, wgw_hello_cursor_t *c)
{
    size_t          n, type, len;
    wgw_hello_rc_t  rc;

    rc = wgw_hello_number(c, 4, &n);

    if (rc != WGW_HELLO_DONE) {
        return rc;
    }

    type = n >> 16;
    len = n & 0xffff;

    if (type != WGW_HELLO_SERVER_NAME && type != WGW_HELLO_ALPN) {
        return wgw_hello_skip(c, len);
    }

    if (len > c->left) {
        return WGW_HELLO_BAD;
    }

    c->scope = c->left - len;

    rc = (type == WGW_HELLO_SERVER_NAME) ? wgw_hello_server_name(hello, c)
                                         : wgw_hello_alpn(hello, c);
    if (rc == WGW_HELLO_DONE) {
        c->scope = 0;
    }

    return rc;
}


/* An extension that is there once, and whose scope is one list. */

static wgw_hello_rc_t
wgw_hello_list(wgw_hello_cursor_t *c, unsigned seen)
{
    size_t          len;
    wgw_hello_rc_t  rc;

    if (seen) {
        return WGW_HELLO_BAD;
    }

    rc = wgw_hello_number(c, 2, &len);

    if (rc != WGW_HELLO_DONE) {
        return rc;
    }

    return len == 0 || len != c->left - c->scope ? WGW_HELLO_BAD
                                                 : WGW_HELLO_DONE;
}


static wgw_hello_rc_t
wgw_hello_server_name(wgw_hello_t *hello, wgw_hello_cursor_t *c)
{
    size_t          type, len;
    wgw_hello_rc_t  rc;

    rc = wgw_hello_list(c, c->sni);

    if (rc != WGW_HELLO_DONE) {
        return rc;
    }

    c->sni = 1;

    while (c->left > c->scope) {

        rc = wgw_hello_number(c, 1, &type);

        if (rc != WGW_HELLO_DONE) {
            return rc;
        }

        rc = wgw_hello_number(c, 2, &len);

        if (rc != WGW_HELLO_DONE) {
            return rc;
        }

        rc = (type == WGW_HELLO_HOST_NAME) ? wgw_hello_host_name(hello, c, len)
                                           : wgw_hello_skip(c, len);

        if (rc != WGW_HELLO_DONE) {
            return rc;
        }
    }

    return WGW_HELLO_DONE;
}


static wgw_hello_rc_t
wgw_hello_host_name(wgw_hello_t *hello, wgw_hello_cursor_t *c, size_t len)
{
    char            sent[WGW_NAME_MAX + 1];
    size_t          i;
    uint8_t         good;
    wgw_text_t      name;
    wgw_hello_rc_t  rc;

    if (hello->len > 0 || len == 0 || len > sizeof(sent)) {
        return WGW_HELLO_BAD;
    }

    name.data = (const char *) wgw_hello_near(c, len);
    name.len = len;

    if (name.data == NULL) {
        rc = wgw_hello_bytes(c, sent, len);

        if (rc != WGW_HELLO_DONE) {
            return rc;
        }

        name.data = sent;
    }

    good = 1;

    for (i = 0; i < len; i++) {
        good &= wgw_hello_letters[(uint8_t) name.data[i]];
    }

    if (!good) {
        return WGW_HELLO_BAD;
    }

    hello->len = (uint8_t) wgw_name_fold(hello->name, name);

    return hello->len ? WGW_HELLO_DONE : WGW_HELLO_BAD;
}


/* RFC 7301; acme-tls/1 is RFC 8737's. */

static wgw_hello_rc_t
wgw_hello_alpn(wgw_hello_t *hello, wgw_hello_cursor_t *c)
{
    char            protocol[sizeof("acme-tls/1") - 1];
    size_t          len;
    wgw_hello_rc_t  rc;

    rc = wgw_hello_list(c, c->alpn);

    if (rc != WGW_HELLO_DONE) {
        return rc;
    }

    c->alpn = 1;

    while (c->left > c->scope) {

        rc = wgw_hello_number(c, 1, &len);

        if (rc != WGW_HELLO_DONE) {
            return rc;
        }

        if (len == 0) {
            return WGW_HELLO_BAD;
        }

        if (len != sizeof(protocol)) {
            rc = wgw_hello_skip(c, len);

        } else {
            rc = wgw_hello_bytes(c, protocol, len);

            if (rc == WGW_HELLO_DONE
                && memcmp(protocol, "acme-tls/1", sizeof(protocol)) == 0)
            {
                hello->acme = 1;
            }
        }

        if (rc != WGW_HELLO_DONE) {
            return rc;
        }
    }

    return WGW_HELLO_DONE;
}


static inline wgw_hello_rc_t
wgw_hello_skip(wgw_hello_cursor_t *c, size_t len)
{
    return wgw_hello_near(c, len) ? WGW_HELLO_DONE
                                  : wgw_hello_bytes(c, NULL, len);
}


/* A number of one, two or four bytes. */

static inline wgw_hello_rc_t
wgw_hello_number(wgw_hello_cursor_t *c, size_t size, size_t *number)
{
    uint8_t         bytes[4];
    const uint8_t  *p;
    wgw_hello_rc_t  rc;

    assert(size == 1 || size == 2 || size == sizeof(bytes));

    p = wgw_hello_near(c, size);

    if (p == NULL) {
        rc = wgw_hello_bytes(c, bytes, size);

        if (rc != WGW_HELLO_DONE) {
            return rc;
        }

        p = bytes;
    }

    *number = p[0];

    if (size > 1) {
        *number = *number << 8 | p[1];
    }

    if (size > 2) {
        *number = *number << 16 | (size_t) (p[2] << 8 | p[3]);
    }

    return WGW_HELLO_DONE;
}


/*
 * Passes over bytes of the scope if all of them have come and are in one
 * record, as most are.  Returns where they start, or NULL.
 */

static inline const uint8_t *
wgw_hello_near(wgw_hello_cursor_t *c, size_t len)
{
    const uint8_t  *p;

    if (len > c->here || len > c->left - c->scope) {
        return NULL;
    }

    p = c->pos;

    c->pos += len;
    c->here -= len;
    c->left -= len;

    return p;
}


/* Bytes of the scope: copied, or only passed over if `copy` is NULL. */

static wgw_hello_rc_t
wgw_hello_bytes(wgw_hello_cursor_t *c, void *copy, size_t len)
{
    size_t          n;
    uint8_t        *p;
    const uint8_t  *near;
    wgw_hello_rc_t  rc;

    near = wgw_hello_near(c, len);

    if (near) {

        if (copy) {
            memcpy(copy, near, len);
        }

        return WGW_HELLO_DONE;
    }

    if (len > c->left - c->scope) {
        return WGW_HELLO_BAD;
    }

    p = copy;

    while (len > 0) {

        if (c->here == 0) {

            if (c->later) {
                return WGW_HELLO_AGAIN;
            }

            rc = wgw_hello_record(c);

            if (rc != WGW_HELLO_DONE) {
                return rc;
            }

            continue;
        }

        n = c->here;

        if (n > len) {
            n = len;
        }

        if (p) {
            memcpy(p, c->pos, n);
            p += n;
        }

        c->pos += n;
        c->here -= n;
        c->left -= n;
        len -= n;
    }

    return WGW_HELLO_DONE;
}


/*
 * The header of the next record, judged as far as it has come.  A first
 * record that does not even look like one is not TLS at all.
 */

static wgw_hello_rc_t
wgw_hello_record(wgw_hello_cursor_t *c)
{
    size_t          n, len;
    wgw_hello_rc_t  rc;

    n = (size_t) (c->last - c->pos);
    rc = c->first ? WGW_HELLO_FOREIGN : WGW_HELLO_BAD;

    if ((n > 0 && c->pos[0] != WGW_HELLO_HANDSHAKE)
        || (n > 1 && c->pos[1] != 3))
    {
        return rc;
    }

    if (n > 3 && c->pos[3] > WGW_HELLO_RECORD >> 8) {
        return WGW_HELLO_BAD;
    }

    if (n < WGW_HELLO_HEADER) {
        return WGW_HELLO_AGAIN;
    }

    len = (size_t) (c->pos[3] << 8 | c->pos[4]);

    if (len == 0 || len > WGW_HELLO_RECORD) {
        return WGW_HELLO_BAD;
    }

    n -= WGW_HELLO_HEADER;

    c->pos += WGW_HELLO_HEADER;
    c->here = (len < n) ? len : n;
    c->later = len - c->here;
    c->first = 0;

    return WGW_HELLO_DONE;
}


/* The least number of bytes that must follow what has come. */

static size_t
wgw_hello_rest(const wgw_hello_cursor_t *c)
{
    size_t  n, came, record;

    came = (size_t) (c->last - c->pos);
    record = c->here + c->later;

    n = c->left;

    if (n > record) {
        n += (n - record + WGW_HELLO_RECORD - 1) / WGW_HELLO_RECORD
             * WGW_HELLO_HEADER;
    }

    return n > came ? n - came : 0;
}
