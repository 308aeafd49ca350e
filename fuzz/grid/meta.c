
/*
 * meta, value: what a chain says of itself, and what it stores.  The first
 * two bytes tell how long the metadata are; the rest is a value.
 */

#include <assert.h>
#include <string.h>

#include "grid/value.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const char  *const items[] = {
    "Contracts", "Nodes", "Twins", "Account", "ServiceContracts"
};

static const char  *const pallets[] = {
    "SmartContractModule", "TfgridModule", "System"
};


static void
look(const grid_value_t *value)
{
    int           bad;
    wgw_text_t    name, bytes;
    grid_value_t  field, inside, one;

    bad = 0;
    (void) grid_value_whole(value);
    (void) grid_value_number(value, "twin_id", &bad);
    (void) grid_value_uint(value, &bad);
    (void) grid_value_bytes(value, &bad);

    if (grid_value_field(value, "contract_type", &field)
        || grid_value_field(value, "public_config", &field))
    {
        name = grid_value_variant(&field, &inside);
        bytes = grid_value_text(&inside, "domain", &bad);
        assert(name.len <= 1 << 20 && bytes.len <= 1 << 20);
    }

    field = *value;

    if (grid_value_count(&field)) {
        while (grid_value_next(&field, &one) && field.data.p < field.data.end
               && one.data.p != field.data.p)
        {
            (void) grid_value_uint(&one, &bad);
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char              text[512];
    size_t            i, k, len;
    uint8_t           index[2];
    wgw_out_t         out;
    grid_meta_t      *meta;
    grid_value_t      value;
    grid_storage_t    storage;
    grid_extension_t  extension;

    if (size < 2) {
        return 0;
    }

    len = (size_t) (data[0] | data[1] << 8);
    data += 2;
    size -= 2;

    if (len > size) {
        len = size;
    }

    meta = grid_meta_read(data, len);

    if (meta == NULL) {
        return 0;
    }

    for (i = 0; i < 3; i++) {
        wgw_out_init(&out, text, sizeof(text));
        (void) grid_meta_call(meta, pallets[i], "add_nru_reports", index,
                              &out);

        for (k = 0; k < 5; k++) {
            if (grid_meta_storage(meta, pallets[i], items[k], &storage)) {
                wgw_out_init(&out, text, sizeof(text));
                grid_meta_type(meta, storage.value, &out);
                grid_value_init(&value, meta, storage.value, data + len,
                                size - len);
                look(&value);
            }
        }
    }

    for (i = 0; grid_meta_extension(meta, i, &extension); i++) {
        wgw_out_init(&out, text, sizeof(text));
        grid_meta_type(meta, extension.extra, &out);
        grid_meta_type(meta, extension.additional, &out);
    }

    (void) grid_meta_version(meta);
    grid_meta_free(meta);

    return 0;
}
