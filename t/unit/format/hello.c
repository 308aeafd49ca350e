
/*
 * ClientHellos, whole and in parts.
 */

#include "t/unit/tap.h"
#include "format/hello.h"

#include <stdlib.h>


#define HANDSHAKE    22
#define ALERT        21

#define SERVER_NAME  0
#define GROUPS       10
#define ALPN         16
#define KEY_SHARE    51
#define ECH          0xfe0d
#define GREASE       0x3a3a


/* What the builder puts a hello together from. */
typedef struct {
    size_t    len;
    uint8_t   data[262144];
} buf_t;


/*
 * openssl s_client 3.0, -servername Shop.GW1.example -alpn h2,http/1.1,
 * as it went over the wire
 */

static const char  captured[] =
    "160301014f0100014b0303a2a01cc22739b7c5882af2d68402f7651ea7eb0743b192"
    "8fb5cf28320256a21a20294e7c01d3601e272d8672cba9dbe185979c413f21f35c02"
    "6359e1d9dd8353ea003e130213031301c02cc030009fcca9cca8ccaac02bc02f009e"
    "c024c028006bc023c0270067c00ac0140039c009c0130033009d009c003d003c0035"
    "002f00ff010000c400000015001300001053686f702e4757312e6578616d706c6500"
    "0b000403000102000a00160014001d0017001e001900180100010101020103010400"
    "2300000010000e000c02683208687474702f312e310016000000170000000d002a00"
    "28040305030603080708080809080a080b0804080508060401050106010303030103"
    "02040205020602002b0009080304030303020301002d00020101003300260024001d"
    "00209c182c328fa04a27807e8c06e1239db69f2f7077f8967529be0fadf9a84f0f1f";


static buf_t  message, wire;


static void
put(buf_t *b, size_t number, size_t size)
{
    while (size--) {
        b->data[b->len++] = (uint8_t) (number >> 8 * size);
    }
}


static void
put_bytes(buf_t *b, const void *data, size_t len)
{
    memcpy(b->data + b->len, data, len);
    b->len += len;
}


static void
put_fill(buf_t *b, size_t len)
{
    memset(b->data + b->len, 0xa5, len);
    b->len += len;
}


/* Puts the length of what follows `at`, where room of `size` was left. */

static void
put_length(buf_t *b, size_t at, size_t size)
{
    size_t  end;

    end = b->len;
    b->len = at;
    put(b, end - at - size, size);
    b->len = end;
}


/* Up to the extensions; with a session id, as TLS 1.3 in middlebox mode. */

static void
hello_start(size_t session, size_t ciphers)
{
    message.len = 0;

    put(&message, 1, 1);                /* client_hello */
    put(&message, 0, 3);
    put(&message, 0x0303, 2);
    put_fill(&message, 32);
    put(&message, session, 1);
    put_fill(&message, session);
    put(&message, 2 * ciphers, 2);
    put_fill(&message, 2 * ciphers);
    put(&message, 1, 1);
    put(&message, 0, 1);
    put(&message, 0, 2);                /* length of the extensions */
}


static size_t
hello_extensions(void)
{
    return 4 + 2 + 32 + 1 + message.data[38] + 2
           + (size_t) (message.data[39 + message.data[38]] << 8
                       | message.data[40 + message.data[38]])
           + 2;
}


static void
hello_end(void)
{
    put_length(&message, hello_extensions(), 2);
    put_length(&message, 1, 3);
}


static void
extension(size_t type, size_t len)
{
    put(&message, type, 2);
    put(&message, len, 2);
    put_fill(&message, len);
}


static void
extension_name(const char *name, size_t len)
{
    put(&message, SERVER_NAME, 2);
    put(&message, len + 5, 2);
    put(&message, len + 3, 2);
    put(&message, 0, 1);
    put(&message, len, 2);
    put_bytes(&message, name, len);
}


static void
extension_alpn(const char *protocols)
{
    put(&message, ALPN, 2);
    put(&message, strlen(protocols) + 2, 2);
    put(&message, strlen(protocols), 2);
    put_bytes(&message, protocols, strlen(protocols));
}


/* Puts the message into records of at most `size` bytes. */

static void
records(size_t size)
{
    size_t  n, pos;

    wire.len = 0;

    for (pos = 0; pos < message.len; pos += n) {
        n = message.len - pos;

        if (n > size) {
            n = size;
        }

        put(&wire, HANDSHAKE, 1);
        put(&wire, pos ? 0x0303 : 0x0301, 2);
        put(&wire, n, 2);
        put_bytes(&wire, message.data + pos, n);
    }
}


/* A copy of just the length, where the sanitizer sees a byte too many. */

static wgw_hello_rc_t
parse(wgw_hello_t *hello, size_t len)
{
    uint8_t         *copy;
    wgw_hello_rc_t   rc;

    copy = malloc(len ? len : 1);
    memcpy(copy, wire.data, len);

    rc = wgw_hello_parse(hello, copy, len);

    free(copy);

    return rc;
}


/*
 * What a caller does that gets bytes one by one and waits for `wanted`:
 * returns how often it asked, 0 if it was misled.
 */

static size_t
dribble(void)
{
    size_t          len, asked;
    wgw_hello_t     hello;
    wgw_hello_rc_t  rc;

    asked = 0;
    hello.wanted = 0;

    for (len = 0; len <= wire.len; len++) {

        if (len < hello.wanted) {
            continue;
        }

        rc = parse(&hello, len);
        asked++;

        if (rc != WGW_HELLO_AGAIN) {
            return rc == WGW_HELLO_DONE && len == wire.len ? asked : 0;
        }

        if (hello.wanted <= len) {
            return 0;
        }
    }

    return 0;
}


/* Every part must ask for more, the whole must be done. */

static void
test_done(const char *name, unsigned acme, const char *what)
{
    size_t       len, step, wrong;
    wgw_hello_t  hello;

    wrong = 0;
    step = wire.len > 8192 ? 61 : 1;

    for (len = 0; len < wire.len; len += step) {
        if (parse(&hello, len) != WGW_HELLO_AGAIN || hello.len) {
            wrong++;
        }
    }

    ok(wrong == 0, "%s: each part of %zu bytes asks for more", what,
       wire.len);

    step = dribble();
    ok(step > 0 && step <= 64, "%s: byte by byte, asked %zu times", what,
       step);

    if (parse(&hello, wire.len - 1) != WGW_HELLO_AGAIN) {
        ok(0, "%s: all but one byte asks for more", what);
    }

    ok(parse(&hello, wire.len) == WGW_HELLO_DONE, "%s: done", what);
    is(hello.name, hello.len, name, what);
    ok(hello.acme == acme, "%s: acme %u", what, acme);

    put_bytes(&wire, "\x14\x03\x03\x00\x01\x01", 6);
    ok(parse(&hello, wire.len) == WGW_HELLO_DONE && hello.len == strlen(name),
       "%s: done with more behind it", what);
}


/* Some part must be refused, all before it ask for more. */

static void
test_refused(wgw_hello_rc_t rc, size_t at, const char *what)
{
    size_t          len;
    wgw_hello_t     hello;
    wgw_hello_rc_t  got;

    got = WGW_HELLO_AGAIN;

    for (len = 0; len <= wire.len; len++) {
        got = parse(&hello, len);

        if (got != WGW_HELLO_AGAIN) {
            break;
        }
    }

    ok(got == rc, "%s: refused", what);
    ok(at == 0 || len == at, "%s: after %zu bytes", what, len);
    ok(parse(&hello, wire.len) == rc && hello.len == 0,
       "%s: refused as a whole", what);
}


static void
test_captured(void)
{
    size_t    i;
    unsigned  byte;

    wire.len = 0;

    for (i = 0; captured[i]; i += 2) {
        sscanf(captured + i, "%2x", &byte);
        put(&wire, byte, 1);
    }

    test_done("shop.gw1.example", 0, "captured");
}


/* A name of another type, then the host name. */

static void
test_other_type(void)
{
    hello_start(32, 20);
    put(&message, SERVER_NAME, 2);
    put(&message, 2 + 3 + 4 + 3 + 3, 2);
    put(&message, 3 + 4 + 3 + 3, 2);
    put(&message, 1, 1);
    put(&message, 4, 2);
    put_fill(&message, 4);
    put(&message, 0, 1);
    put(&message, 3, 2);
    put_bytes(&message, "a.b", 3);
    hello_end();
    records(16384);
    test_done("a.b", 0, "a name of another type");
}


static void
test_names(void)
{
    char  name[256];

    hello_start(0, 1);
    message.len -= 2;
    put_length(&message, 1, 3);
    records(16384);
    test_done("", 0, "no extensions");

    hello_start(32, 20);
    hello_end();
    records(16384);
    test_done("", 0, "an empty list of extensions");

    hello_start(32, 20);
    extension(GROUPS, 10);
    hello_end();
    records(16384);
    test_done("", 0, "tf 40: no server name");

    hello_start(32, 20);
    extension_name("a", 1);
    hello_end();
    records(16384);
    test_done("a", 0, "name of one byte");

    hello_start(32, 20);
    extension(GREASE, 0);
    extension_name("Shop.GW1.example.", 17);
    extension(GREASE, 1);
    extension(ECH, 300);
    hello_end();
    records(16384);
    test_done("shop.gw1.example", 0, "tf 38: case, dot, GREASE, ECH");

    memset(name, 'A', sizeof(name));
    name[253] = '.';

    hello_start(32, 20);
    extension_name(name, 254);
    hello_end();
    records(16384);
    memset(name, 'a', 253);
    name[253] = '\0';
    test_done(name, 0, "name of 253 bytes and a dot");

    test_other_type();
}


static void
test_alpn(void)
{
    static const struct {
        const char  *protocols;
        unsigned     acme;
    } cases[] = {
        { "\002h2\010http/1.1", 0 },
        { "\012acme-tls/1", 1 },
        { "\002h2\012acme-tls/1", 1 },
        { "\012acme-tls/2", 0 },
        { "\012ACME-TLS/1", 0 },
        { "\013acme-tls/1x", 0 },
        { "\011acme-tls/", 0 }
    };

    size_t  i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        hello_start(32, 20);
        extension_name("a.b", 3);
        extension_alpn(cases[i].protocols);
        hello_end();
        records(16384);
        test_done("a.b", cases[i].acme, cases[i].protocols + 1);
    }
}


static void
test_longest(void)
{
    size_t  last;

    /* 32768 bytes on the wire, in the fewest records */

    hello_start(32, 20);
    extension_name("a.b", 3);
    last = WGW_HELLO_MAX - 2 * 5 - message.len - 4;
    extension(KEY_SHARE, last);
    hello_end();
    records(16384);
    ok(wire.len == WGW_HELLO_MAX, "the longest hello has 32768 bytes");
    test_done("a.b", 0, "the longest hello");

    hello_start(32, 20);
    extension_name("a.b", 3);
    extension(KEY_SHARE, last + 1);
    hello_end();
    records(16384);
    test_refused(WGW_HELLO_BAD, 9, "one byte longer");

    /* the same message in more records is too long as well */

    hello_start(32, 20);
    extension_name("a.b", 3);
    extension(KEY_SHARE, last);
    hello_end();
    records(8192);
    test_refused(WGW_HELLO_BAD, 0, "the longest message in small records");

    records(1);
    test_refused(WGW_HELLO_BAD, 0, "endless records of a byte");
}


static void
test_records(void)
{
    char           what[64];
    size_t         i;

    static const size_t  sizes[] = { 1, 2, 3, 5, 50, 513 };

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        hello_start(32, 20);
        extension(GREASE, 0);
        extension_alpn("\002h2\012acme-tls/1");
        extension(KEY_SHARE, 1258);
        extension_name("shop.gw1.example", 16);
        hello_end();
        records(sizes[i]);

        snprintf(what, sizeof(what), "tf 41: records of %zu", sizes[i]);
        test_done("shop.gw1.example", 1, what);
    }

    hello_start(32, 20);
    extension(KEY_SHARE, 5300);
    extension_name("a.b", 3);
    hello_end();
    records(1);
    ok(wire.len > 32000, "nothing but headers: %zu bytes", wire.len);
    test_done("a.b", 0, "nothing but headers");

    /* post-quantum, and as large as one record takes */

    hello_start(32, 20);
    extension(KEY_SHARE, 16384);
    extension_name("a.b", 3);
    hello_end();
    records(16384);
    test_done("a.b", 0, "tf 41: key share of 16 KiB");

    test_longest();
}


static void
test_foreign(void)
{
    static const struct {
        const char  *bytes;
        size_t       len;
        size_t       at;
        const char  *what;
    } cases[] = {
        { "GET / HTTP/1.1\r\n", 16, 1, "plain HTTP" },
        { "SSH-2.0-x\r\n", 11, 1, "SSH" },
        { "\x80\x2e\x01\x03\x01", 5, 1, "SSLv2 hello" },
        { "\0", 1, 1, "a zero byte" },
        { "\x15\x03\x01\x00\x02", 5, 1, "an alert" },
        { "\x16\x02\x00", 3, 2, "another version" },
        { "\x16\xfe\xfd", 3, 2, "DTLS" }
    };

    size_t  i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        wire.len = 0;
        put_bytes(&wire, cases[i].bytes, cases[i].len);
        test_refused(WGW_HELLO_FOREIGN, cases[i].at, cases[i].what);
    }
}


static void
test_framing(void)
{
    hello_start(32, 20);
    extension_name("a.b", 3);
    hello_end();

    records(16384);
    wire.data[3] = 0;
    wire.data[4] = 0;
    test_refused(WGW_HELLO_BAD, 5, "a record without bytes");

    records(16384);
    wire.data[3] = 0x41;
    test_refused(WGW_HELLO_BAD, 4, "a record longer than may be");

    records(16384);
    wire.data[3] = 0x40;
    wire.data[4] = 1;
    test_refused(WGW_HELLO_BAD, 5, "a record one byte longer than may be");

    records(50);
    wire.data[55] = ALERT;
    test_refused(WGW_HELLO_BAD, 56, "an alert in between");

    records(50);
    wire.data[56] = 2;
    test_refused(WGW_HELLO_BAD, 57, "another version in between");

    records(50);
    wire.data[58] = 0;
    wire.data[59] = 0;
    test_refused(WGW_HELLO_BAD, 60, "a record without bytes in between");

    records(16384);
    wire.data[5] = 2;
    test_refused(WGW_HELLO_BAD, 6, "a server hello");

    records(16384);
    wire.data[6] = 1;
    test_refused(WGW_HELLO_BAD, 7, "a message of 64 KiB");

    records(16384);
    wire.data[7] = 0x81;
    test_refused(WGW_HELLO_BAD, 8, "a message of 33 KiB");

    records(16384);
    wire.data[7] = 0;
    wire.data[8] = 40;
    test_refused(WGW_HELLO_BAD, 9, "a message of 40 bytes");

    records(16384);
    wire.data[8]--;
    test_refused(WGW_HELLO_BAD, 0, "a message one byte shorter");
}


/* A number set in a good hello, counted from the start of the message. */

static void
test_number(size_t at, size_t size, size_t number, const char *what)
{
    buf_t  *keep;

    keep = malloc(sizeof(buf_t));
    memcpy(keep, &message, sizeof(buf_t));

    message.len = at;
    put(&message, number, size);
    message.len = keep->len;

    records(16384);
    test_refused(WGW_HELLO_BAD, at + size + 5, what);

    records(7);
    test_refused(WGW_HELLO_BAD, 0, what);

    memcpy(&message, keep, sizeof(buf_t));
    free(keep);
}


static void
test_lengths(void)
{
    size_t  ext, name, alpn;

    hello_start(32, 20);
    ext = message.len;
    extension(GREASE, 4);
    name = message.len;
    extension_name("a.b", 3);
    alpn = message.len;
    extension_alpn("\002h2");
    hello_end();

    test_number(38, 1, 33, "session id of 33 bytes");
    test_number(71, 2, 39, "odd cipher suites");
    test_number(71, 2, 0, "no cipher suites");
    test_number(71, 2, 400, "cipher suites beyond the message");
    test_number(113, 1, 0, "no compression method");
    test_number(113, 1, 255, "compression methods beyond the message");
    test_number(ext - 2, 2, message.len - ext - 1, "extensions too short");
    test_number(ext - 2, 2, message.len - ext + 1, "extensions too long");
    test_number(ext + 2, 2, message.len - ext - 3,
                "an extension beyond the message");

    test_number(name + 2, 2, 400, "server_name beyond the message");
    test_number(name + 2, 2, 0, "server_name empty");
    test_number(name + 2, 2, 1, "server_name of one byte");
    test_number(name + 4, 2, 0, "list of names empty");
    test_number(name + 4, 2, 5, "list of names too short");
    test_number(name + 4, 2, 7, "list of names too long");
    test_number(name + 7, 2, 0, "host name empty");
    test_number(name + 7, 2, 4, "host name too long");
    test_number(name + 7, 2, 256, "host name of 256 bytes");
    test_number(name + 9, 3, 0x612f62, "host name with a slash");
    test_number(name + 9, 3, 0x610062, "host name with a zero byte");
    test_number(name + 9, 3, 0x61c3a9, "host name that is not ASCII");
    test_number(name + 9, 3, 0x2a2e62, "host name a wildcard");
    test_number(name + 9, 3, 0x613a31, "host name with a port");

    test_number(alpn + 2, 2, 1, "ALPN of one byte");
    test_number(alpn + 4, 2, 0, "list of protocols empty");
    test_number(alpn + 4, 2, 2, "list of protocols too short");
    test_number(alpn + 4, 2, 4, "list of protocols too long");
    test_number(alpn + 6, 1, 0, "protocol empty");
    test_number(alpn + 6, 1, 3, "protocol too long");
}


static void
test_repeated(void)
{
    char  name[255];

    hello_start(32, 20);
    extension_name("a.b", 3);
    extension_name("a.b", 3);
    hello_end();
    records(16384);
    test_refused(WGW_HELLO_BAD, 0, "tf 46: server_name twice");

    hello_start(32, 20);
    extension_alpn("\002h2");
    extension_alpn("\002h2");
    hello_end();
    records(16384);
    test_refused(WGW_HELLO_BAD, 0, "ALPN twice");

    hello_start(32, 20);
    put(&message, SERVER_NAME, 2);
    put(&message, 14, 2);
    put(&message, 12, 2);
    put_bytes(&message, "\0\0\003a.b\0\0\003c.d", 12);
    hello_end();
    records(16384);
    test_refused(WGW_HELLO_BAD, 0, "tf 46: two host names");

    memset(name, 'a', sizeof(name));

    hello_start(32, 20);
    extension_name(name, 254);
    hello_end();
    records(16384);
    test_refused(WGW_HELLO_BAD, 0, "tf 46: host name of 254 bytes");

    hello_start(32, 20);
    extension_name(name, 255);
    hello_end();
    records(16384);
    test_refused(WGW_HELLO_BAD, 0, "host name of 255 bytes");

    hello_start(32, 20);
    extension_name(".", 1);
    hello_end();
    records(16384);
    test_refused(WGW_HELLO_BAD, 0, "host name a dot");

    hello_start(32, 20);
    extension_name("a.b", 3);
    put(&message, 0, 3);
    hello_end();
    records(16384);
    test_refused(WGW_HELLO_BAD, 0, "half an extension's header at the end");

    hello_start(32, 20);
    message.len -= 1;
    put_length(&message, 1, 3);
    records(16384);
    test_refused(WGW_HELLO_BAD, 0, "half a length of extensions");
}


int
main(void)
{
    test_captured();
    test_names();
    test_alpn();
    test_records();
    test_foreign();
    test_framing();
    test_lengths();
    test_repeated();

    return done();
}
