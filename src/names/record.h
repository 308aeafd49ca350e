
/*
 * record: what the gateway knows of one name.
 *
 * Three forms.  JSON is what an administrator writes and reads:
 *
 *     {"name":"shop.gw1.example","backends":["http://[2001:db8::10]:8080"],
 *      "cap_bytes":1000000000,"tls_verify":true,"state":"ok", ...}
 *
 * The struct below is the same, checked.  Packed bytes are what the store
 * keeps: little-endian, no padding, read without copying.
 *
 *     offset  size
 *          0     1  format, 1 to 3
 *          1     1  flags, WGW_RECORD_*
 *          2     1  number of backends
 *          3     1  number of addresses
 *          4     4  length of the whole, bytes
 *          8     8  change: the store's transaction that last altered it
 *         16     8  cap_bytes
 *         24  20 n  backends, then addresses: family 4 or 6, zero, port
 *                   (high byte first), 16 address bytes (IPv4: the first 4)
 *          .  2+n   tls_name, tls_ca, owner, workload: length, then bytes
 *          .  2+n   gateways, in format 3 only: the same as in the struct
 *          .     8  life, in formats 2 and 3
 *
 * A record's life begins when its name is made, or given to another owner:
 * microseconds since the epoch.  It is 0, and not there, for one that was
 * made before this was kept.
 *
 * A record with `gateways` is served by these machines only; all of them keep
 * it.
 *
 * The name itself is the store's key and not part of the packed bytes.
 * All checks of a record are in this part (of tls_ca: in ca.h) and nowhere
 * else: record.c reads JSON and checks, record_json.c writes it, and
 * record_packed.c has the packed form.
 */

#ifndef WGW_RECORD_H
#define WGW_RECORD_H


#include "format/addr.h"
#include "format/json.h"
#include "format/name.h"
#include "format/text.h"
#include "names/ca.h"

#pragma GCC visibility push(hidden)


#define WGW_RECORD_BACKENDS   16
#define WGW_RECORD_ADDRESSES  16
#define WGW_RECORD_TEXT       255               /* owner, workload */
#define WGW_RECORD_CA         WGW_CA_MAX        /* tls_ca, PEM text */
#define WGW_RECORD_GATEWAYS   16
#define WGW_RECORD_NODE       63                /* a gateway's name */
#define WGW_RECORD_PLACES     (WGW_RECORD_GATEWAYS * (1 + WGW_RECORD_NODE))
#define WGW_RECORD_CAP        9007199254740992  /* 2^53, cap_bytes */
#define WGW_RECORD_JSON       65536             /* JSON form, in and out */
#define WGW_RECORD_PACKED     40960             /* packed form */
#define WGW_RECORD_CHANGE     8                 /* where its change is */

/* packed: it becomes the record's when that is stored, see rows.h */
#define WGW_RECORD_LIFE_NEW   UINT64_MAX

/* packed flags */
#define WGW_RECORD_PASSTHROUGH  0x01
#define WGW_RECORD_HTTPS        0x02
#define WGW_RECORD_VERIFY       0x04
#define WGW_RECORD_PAUSED       0x08
#define WGW_RECORD_PROXY        0x10


/*
 * Texts point into the bytes the record was made from, which must outlive
 * it: the packed bytes after wgw_record_unpack(), `storage` after
 * wgw_record_parse().
 */
typedef struct {
    wgw_text_t   name;          /* canonical; empty after unpack */
    uint64_t     change;        /* 0 until it was stored */
    uint64_t     life;          /* see above */
    uint64_t     cap_bytes;     /* per window, both directions; 0: none */
    unsigned     passthrough:1;
    unsigned     https:1;
    unsigned     verify:1;      /* tls_verify, default 1 */
    unsigned     paused:1;
    unsigned     proxy:1;       /* proxy_protocol, with passthrough only */
    unsigned     elsewhere:1;   /* see wgw_record_place() */
    uint8_t      nbackends;     /* at least 1 */
    uint8_t      naddresses;
    wgw_addr_t   backends[WGW_RECORD_BACKENDS];
    wgw_addr_t   addresses[WGW_RECORD_ADDRESSES];
    wgw_text_t   tls_name;      /* canonical name or IP literal, or empty */
    wgw_text_t   tls_ca;        /* PEM certificates, or empty */
    wgw_text_t   owner;
    wgw_text_t   workload;
    wgw_text_t   gateways;      /* of each a byte, its length, and its
                                   name; empty: all of them */
} wgw_record_t;


/* What the configuration says about acceptable records. */
typedef struct {
    wgw_text_t         domain;          /* completes bare names */
    const wgw_addr_t  *own;             /* the gateway's addresses, port 0 */
    size_t             nown;
    wgw_text_t         node;            /* the name of this gateway */
    unsigned           allow_loopback:1;
    unsigned           shared:1;        /* a record may name addresses of
                                           other gateways */
} wgw_record_rules_t;


typedef wgw_json_error_t  wgw_record_error_t;


/*
 * Parses and checks the JSON form, before which a byte order mark may be, as
 * editors leave it.  Unknown and repeated members are
 * refused, as is anything after the object.  `name`, if not empty, is the
 * canonical name from the URL: the member may then be absent, but must agree
 * where it is present.  `storage` takes the texts; WGW_RECORD_JSON bytes are
 * always enough.
 *
 * Returns 0, or -1 and the error.  A member "delete":true (bulk lines) is
 * accepted only where `deleted` is not NULL, next to "name" alone; it is
 * then 1 and the record has only its name.
 */
int wgw_record_parse(wgw_record_t *record, wgw_text_t json, wgw_text_t name,
    const wgw_record_rules_t *rules, char *storage, int *deleted,
    wgw_record_error_t *error);

/*
 * Returns the length, at most WGW_RECORD_PACKED.  Two records describe the
 * same route when their bytes are the same but for the change.
 */
size_t wgw_record_pack(const wgw_record_t *record, uint8_t *packed);

/*
 * Gives packed bytes of format 2 this life; 0 makes them format 1, of a record
 * without.  Returns the length.
 */
size_t wgw_record_live(uint8_t *packed, size_t len, uint64_t life);

/*
 * Returns 0, or -1 for bytes that wgw_record_pack() cannot have made: a
 * damaged or foreign store must not reach the request path.
 */
int wgw_record_unpack(wgw_record_t *record, const uint8_t *packed,
    size_t len);

/*
 * The JSON form, every member written, without a line end, and "served":false
 * for one that is served elsewhere, which says nothing when read.  At most
 * WGW_RECORD_JSON bytes; wgw_record_parse() makes an equal record of it.
 */
void wgw_record_json(const wgw_record_t *record, wgw_out_t *out);

/* Sets `elsewhere`: other gateways serve it, and this one does not. */
void wgw_record_place(wgw_record_t *record, wgw_text_t node);

/*
 * The next of `gateways`, of which `*rest` is what remains.  1, or 0 at the
 * end, or where it is damaged: then something remains.
 */
int wgw_record_gateway(wgw_text_t *rest, wgw_text_t *gateway);

/*
 * A backend as JSON shows it: "http://[2001:db8::10]:8080", or, for a
 * passthrough record, "[2001:db8::10]:8080".
 */
void wgw_record_backend(const wgw_record_t *record, size_t n, wgw_out_t *out);


#pragma GCC visibility pop

#endif /* WGW_RECORD_H */
