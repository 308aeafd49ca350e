
/*
 * meta, value: contracts and twins of t/vectors/tf/chain.json, by metadata as
 * tfchain's (fuzz/corpus/meta/tfchain: two bytes of length, the metadata).
 */

#include "format/doc.h"
#include "format/hex.h"
#include "grid/file.h"
#include "grid/value.h"

#include "t/unit/tap.h"


static uint8_t  bytes[65536];


static grid_meta_t *
metadata(void)
{
    FILE    *file;
    size_t   n;

    file = fopen("fuzz/corpus/meta/tfchain", "r");

    if (file == NULL) {
        return NULL;
    }

    n = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);

    return n > 2 ? grid_meta_read(bytes + 2, (size_t) (bytes[0]
                                                       | bytes[1] << 8))
                 : NULL;
}


static size_t
decode(uint8_t *data, const char *hex)
{
    size_t  n;

    n = (strlen(hex) - 2) / 2;

    return wgw_hex_decode(data, n, (wgw_text_t) { hex + 2, 2 * n }) == 0 ? n
                                                                         : 0;
}


static void
contract(const grid_meta_t *meta, uint32_t type, yajl_val vector)
{
    int           bad;
    size_t        n, i;
    uint8_t       data[512];
    wgw_text_t    state, kind;
    const char   *id;
    grid_value_t  value, field, inside;

    id = wgw_doc_text(vector, "id");
    n = decode(data, wgw_doc_text(vector, "scale"));
    bad = 0;

    grid_value_init(&value, meta, type, data, n);
    ok(grid_value_whole(&value), "%s is understood to its end", id);
    ok(grid_value_number(&value, "contract_id", &bad) == 1234
       && grid_value_number(&value, "twin_id", &bad) == 7341 && !bad,
       "its numbers");

    (void) grid_value_field(&value, "state", &field);
    state = grid_value_variant(&field, NULL);
    ok(wgw_text_equal(state, strstr(id, "grace") ? wgw_text("GracePeriod")
                             : strstr(id, "deleted") ? wgw_text("Deleted")
                                                     : wgw_text("Created")),
       "its state");

    (void) grid_value_field(&value, "contract_type", &field);
    kind = grid_value_variant(&field, &inside);

    if (wgw_text_equal(kind, wgw_text("NameContract"))) {
        ok(wgw_text_equal(grid_value_text(&inside, "name", &bad),
                          wgw_text("mysite")) && !bad, "its name");

    } else {
        ok(grid_value_number(&inside, "node_id", &bad) == 11 && !bad,
           "its node");
    }

    (void) grid_value_number(&inside, "moon", &bad);
    ok(bad, "what is not there is bad");

    for (i = 0; i < n; i++) {
        grid_value_init(&value, meta, type, data, i);

        if (grid_value_whole(&value)) {
            break;
        }
    }

    ok(i == n, "and what is cut is none");
}


int
main(void)
{
    int              bad;
    size_t           i, n;
    uint8_t          data[512];
    yajl_val         chain, one;
    wgw_text_t       key;
    const char      *error;
    grid_meta_t     *meta;
    grid_value_t     value;
    grid_storage_t   storage;

    chain = grid_file_json("t/vectors/tf/chain.json", &error);
    meta = metadata();

    if (!ok(chain && meta
            && grid_meta_storage(meta, "SmartContractModule", "Contracts",
                                 &storage), "vectors and metadata"))
    {
        return done();
    }

    for (i = 0; i < wgw_doc_count(chain, "contracts"); i++) {
        contract(meta, storage.value, wgw_doc_at(chain, "contracts", i));
    }

    ok(i == 6, "all of them");
    ok(grid_meta_storage(meta, "TfgridModule", "Twins", &storage), "twins");

    for (i = 0; i < wgw_doc_count(chain, "twins"); i++) {
        one = wgw_doc_at(chain, "twins", i);
        n = decode(data, wgw_doc_text(one, "scale"));
        bad = 0;

        grid_value_init(&value, meta, storage.value, data, n);
        key = grid_value_text(&value, "account_id", &bad);
        ok(grid_value_whole(&value) && !bad && key.len == 32
           && (uint8_t) key.data[0] == 0x46
           && grid_value_number(&value, "id", &bad) == 7341, "%s",
           wgw_doc_text(one, "id"));
    }

    /* of metadata each cut is none */

    for (i = 0; i < 4000; i += 7) {
        if (grid_meta_read(bytes + 2, i) != NULL) {
            break;
        }
    }

    ok(i >= 4000, "metadata that are cut are none");

    grid_meta_free(meta);
    yajl_tree_free(chain);

    return done();
}
