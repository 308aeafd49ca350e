
/*
 * scale, twox, nru, service: bytes that go to the chain against
 * t/vectors/tf/billing.json, and keys of its storage against chain.json.
 */

#include <sodium.h>

#include "format/doc.h"
#include "format/hex.h"
#include "grid/file.h"
#include "grid/nru.h"
#include "grid/service.h"
#include "grid/twox.h"

#include "t/unit/tap.h"


#define ROOM  65536


static const uint8_t  report[2] = { 0x1a, 0x05 };
static const uint8_t  bill[2] = { 0x1a, 0x11 };

static uint8_t  bytes[ROOM];
static char     digits[2 * ROOM + 1];


/* A number, or a text of one that is too large for JSON. */

static uint64_t
number(yajl_val object, const char *name)
{
    const char  *digits;

    digits = wgw_doc_text(object, name);

    return digits[0] ? strtoull(digits, NULL, 10)
                     : wgw_doc_number(object, name);
}


static const char *
hex(const wgw_out_t *out)
{
    size_t  n;

    n = (size_t) (out->pos - out->start);
    wgw_hex_encode(digits, bytes, n);
    digits[2 * n] = '\0';

    return out->overflow ? "overflow" : digits;
}


static void
reports(yajl_val billing)
{
    size_t      i, k, n;
    yajl_val    one, item;
    wgw_out_t   out;
    grid_nru_t  all[64];

    for (i = 0; i < wgw_doc_count(billing, "scale_add_nru_reports"); i++) {
        one = wgw_doc_at(billing, "scale_add_nru_reports", i);
        n = wgw_doc_count(one, "reports");

        for (k = 0; k < n && k < 64; k++) {
            item = wgw_doc_at(one, "reports", k);
            all[k].contract = number(item, "contract_id");
            all[k].time = number(item, "timestamp");
            all[k].window = number(item, "window");
            all[k].bytes = number(item, "nru");
        }

        wgw_out_init(&out, bytes, sizeof(bytes));
        grid_nru_call(&out, report, all, n);
        ok(strcmp(hex(&out), wgw_doc_text(one, "call_hex")) == 0,
           "tf 63: reports, %s", wgw_doc_text(one, "id"));
    }

    ok(i == 5, "all of them");
}


static void
services(yajl_val billing)
{
    size_t       i;
    yajl_val     one;
    wgw_out_t    out;
    const char  *text;

    for (i = 0; i < wgw_doc_count(billing, "scale_service_contract_bill");
         i++)
    {
        one = wgw_doc_at(billing, "scale_service_contract_bill", i);
        text = wgw_doc_text(one, "metadata");

        wgw_out_init(&out, bytes, sizeof(bytes));
        grid_service_call(&out, bill, number(one, "service_contract_id"),
                          number(one, "variable_amount_musd"),
                          (wgw_text_t) { text, strlen(text) });
        ok(strcmp(hex(&out), wgw_doc_text(one, "call_hex")) == 0,
           "a bill, \"%s\"", text);
    }

    ok(i == 3, "all of them");
}


static void
costs(void)
{
    uint64_t  carry;

    carry = 0;
    ok(grid_service_cost(1000000000, 1500, &carry) == 1, "a GB is 1.5 mUSD");
    ok(grid_service_cost(1000000000, 1500, &carry) == 2 && carry == 0,
       "half of one is carried on");
    ok(grid_service_cost(1, 1, &carry) == 0 && carry == 1, "a byte too");
    ok(grid_service_cost(UINT64_MAX, UINT64_MAX, &carry) == 1000000000000,
       "there is an end");
}


static void
compacts(void)
{
    size_t        i;
    wgw_out_t     out;
    grid_scale_t  s;

    static const uint64_t  all[] = {
        0, 1, 63, 64, 16383, 16384, 1073741823, 1073741824, UINT32_MAX,
        UINT64_C(1) << 32, UINT64_C(1) << 56, UINT64_MAX
    };

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        wgw_out_init(&out, bytes, sizeof(bytes));
        grid_scale_put_compact(&out, all[i]);
        grid_scale_init(&s, bytes, (size_t) (out.pos - out.start));
        ok(grid_scale_compact(&s) == all[i] && s.p == s.end && !s.bad,
           "compact %llu", (unsigned long long) all[i]);
    }

    grid_scale_init(&s, "\x13\xff\xff\xff\xff\xff\xff\xff\xff", 9);
    ok(grid_scale_compact(&s) == UINT64_MAX && !s.bad, "eight bytes");
    grid_scale_init(&s, "\x17\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
    (void) grid_scale_compact(&s);
    ok(s.bad, "more than that is none");
    grid_scale_init(&s, "\x02\xff\xff", 3);
    ok(grid_scale_compact(&s) == 0 && s.bad, "nor what is cut");
}


/* The prefix of each item, and Twins of 7341. */

static void
storage(yajl_val chain)
{
    char         pallet[64];
    size_t       i, n;
    uint8_t      hash[32], blake[16];
    yajl_val     prefixes;
    const char  *item;

    prefixes = wgw_doc_get(chain, "prefixes");

    for (i = 0; i < prefixes->u.object.len; i++) {
        item = prefixes->u.object.keys[i];
        n = strcspn(item, ".");
        snprintf(pallet, sizeof(pallet), "%.*s", (int) n, item);

        grid_twox(hash, 2, pallet, n);
        grid_twox(hash + 16, 2, item + n + 1, strlen(item + n + 1));
        wgw_hex_encode(digits, hash, sizeof(hash));
        digits[64] = '\0';

        ok(strcmp(digits, grid_file_text(prefixes->u.object.values[i]) + 2)
           == 0, "%s", item);
    }

    for (i = 0; i < wgw_doc_count(chain, "blake2b_128"); i++) {
        item = wgw_doc_text(wgw_doc_at(chain, "blake2b_128", i), "text");
        (void) crypto_generichash(blake, 16, (const uint8_t *) item,
                                  strlen(item), NULL, 0);
        wgw_hex_encode(digits, blake, 16);
        digits[32] = '\0';
        ok(strcmp(digits, wgw_doc_text(wgw_doc_at(chain, "blake2b_128", i),
                                       "hash") + 2) == 0,
           "BLAKE2b of \"%s\"", item);
    }

    grid_twox(hash, 1, "Nobody inspects the spammish repetition", 39);
    wgw_hex_encode(digits, hash, 8);
    digits[16] = '\0';
    is(digits, 16, "f18b378a3ca8cefb", "xxHash64 of more than 32 bytes");
}


int
main(void)
{
    yajl_val     billing, chain;
    const char  *error;

    billing = grid_file_json("t/vectors/tf/billing.json", &error);
    chain = grid_file_json("t/vectors/tf/chain.json", &error);

    if (!ok(billing && chain, "vectors")) {
        return done();
    }

    reports(billing);
    services(billing);
    costs();
    compacts();
    storage(chain);

    yajl_tree_free(billing);
    yajl_tree_free(chain);

    return done();
}
