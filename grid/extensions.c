
#include <string.h>

#include "grid/extensions.h"


#define EXTENSION_TYPE  4096            /* of a type as text */


/* What a signed extension adds. */
typedef enum {
    EXTENSION_NOTHING = 0,
    EXTENSION_SPEC,
    EXTENSION_TRANSACTION,
    EXTENSION_GENESIS,
    EXTENSION_ERA,
    EXTENSION_NONCE,
    EXTENSION_TIP,
    EXTENSION_MODE
} extension_adds_t;


static int extension_write(const grid_meta_t *meta,
    const grid_extension_t *extension, const grid_signing_t *with,
    wgw_out_t *extra, wgw_out_t *additional);
static void extension_add(extension_adds_t adds, const grid_signing_t *with,
    wgw_out_t *extra, wgw_out_t *additional);


/* Each with its two types as they are known. */

static const struct {
    const char        *name;
    const char        *extra;
    const char        *additional;
    extension_adds_t   adds;
} extension_known[] = {
    { "CheckSpecVersion", "()", "u32", EXTENSION_SPEC },
    { "CheckTxVersion", "()", "u32", EXTENSION_TRANSACTION },
    { "CheckGenesis", "()", "[u8;32]", EXTENSION_GENESIS },
    { "CheckMortality", "<Immortal|Mortal1(", "[u8;32]", EXTENSION_ERA },
    { "CheckEra", "<Immortal|Mortal1(", "[u8;32]", EXTENSION_ERA },
    { "CheckNonce", "compact u32", "()", EXTENSION_NONCE },
    { "ChargeTransactionPayment", "compact u128", "()", EXTENSION_TIP },
    { "CheckMetadataHash", "{mode:<Disabled|Enabled>}",
      "<None|Some([u8;32])>", EXTENSION_MODE },
    { NULL, "()", "()", EXTENSION_NOTHING }     /* any that adds nothing */
};


int
grid_extensions_write(const grid_meta_t *meta, const grid_signing_t *with,
    wgw_out_t *extra, wgw_out_t *additional, wgw_text_t *unknown)
{
    size_t            i;
    grid_extension_t  extension;

    for (i = 0; grid_meta_extension(meta, i, &extension); i++) {
        if (extension_write(meta, &extension, with, extra, additional) != 0) {
            *unknown = extension.name;
            return -1;
        }
    }

    return 0;
}


static int
extension_write(const grid_meta_t *meta, const grid_extension_t *extension,
    const grid_signing_t *with, wgw_out_t *extra, wgw_out_t *additional)
{
    size_t      i;
    wgw_text_t  name;

    for (i = 0; extension_known[i].name; i++) {
        name.data = extension_known[i].name;
        name.len = strlen(name.data);

        if (wgw_text_equal(extension->name, name)) {
            break;
        }
    }

    if (!grid_extensions_is(meta, extension->extra, extension_known[i].extra)
        || !grid_extensions_is(meta, extension->additional,
                               extension_known[i].additional))
    {
        return -1;
    }

    extension_add(extension_known[i].adds, with, extra, additional);

    return 0;
}


static void
extension_add(extension_adds_t adds, const grid_signing_t *with,
    wgw_out_t *extra, wgw_out_t *additional)
{
    switch (adds) {

    case EXTENSION_SPEC:
        grid_scale_put_uint(additional, with->spec, 4);
        break;

    case EXTENSION_TRANSACTION:
        grid_scale_put_uint(additional, with->transaction, 4);
        break;

    case EXTENSION_ERA:
        grid_scale_put_uint(extra, 0, 1);   /* immortal: since the genesis */
        wgw_out_bytes(additional, with->genesis, GRID_GENESIS);
        break;

    case EXTENSION_GENESIS:
        wgw_out_bytes(additional, with->genesis, GRID_GENESIS);
        break;

    case EXTENSION_NONCE:
        grid_scale_put_compact(extra, with->nonce);
        break;

    case EXTENSION_TIP:
        grid_scale_put_compact(extra, 0);
        break;

    case EXTENSION_MODE:
        grid_scale_put_uint(extra, 0, 1);
        grid_scale_put_uint(additional, 0, 1);
        break;

    case EXTENSION_NOTHING:
        break;
    }
}


int
grid_extensions_is(const grid_meta_t *meta, uint32_t type, const char *text)
{
    char       is[EXTENSION_TYPE];
    wgw_out_t  out;

    wgw_out_init(&out, is, sizeof(is) - 1);
    grid_meta_type(meta, type, &out);
    *out.pos = '\0';

    return strncmp(is, text, strlen(text)) == 0;
}
