
/*
 * Sizes, as nginx has them and as billing has.
 */

#include <inttypes.h>

#include "format/size.h"
#include "t/unit/tap.h"


#define MAX  UINT64_C(9007199254740992)


static const struct {
    const char  *text;
    uint64_t     bytes;
} good[] = {
    { "0", 0 },
    { "1", 1 },
    { "4096", 4096 },
    { "1k", 1024 },
    { "1K", 1024 },
    { "1m", 1048576 },
    { "1M", 1048576 },
    { "1g", 1073741824 },
    { "1G", 1073741824 },
    { "1t", UINT64_C(1099511627776) },
    { "1T", UINT64_C(1099511627776) },
    { "1KiB", 1024 },
    { "1MiB", 1048576 },
    { "1GiB", 1073741824 },
    { "1TiB", UINT64_C(1099511627776) },
    { "1kB", 1000 },
    { "1MB", 1000000 },
    { "1GB", 1000000000 },
    { "1TB", UINT64_C(1000000000000) },
    { "1.5GB", 1500000000 },
    { "0.5k", 512 },
    { "1.25GiB", 1342177280 },
    { "0.1k", 102 },
    { "1.000000001GB", 1000000001 },
    { "9007199254740992", MAX },
    { "8192T", MAX },
    { "8191.999999999T", UINT64_C(9007199254739892) }
};


static const char  *bad[] = {
    "", "k", "GB", ".5GB", "1.GB", "1.5", "1.5.5GB", "-1", "+1", " 1", "1 ",
    "1 GB", "1gb", "1KB", "1mB", "1gB", "1kiB", "1Gi", "1GIB", "1Gib", "1KiBs",
    "1P", "1PB", "1x", "1B", "0x10", "1e3", "1,5GB",
    "9007199254740993", "8192.1T", "8193T", "9999999TB",
    "18446744073709551616", "99999999999999999999k", "1.0000000001GB"
};


int
main(void)
{
    int         rc;
    size_t      i;
    uint64_t    bytes;
    wgw_text_t  text;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        text.data = good[i].text;
        text.len = strlen(text.data);
        bytes = 7;
        rc = wgw_size_parse(text, MAX, &bytes);

        ok(rc == 0 && bytes == good[i].bytes,
           "start 10.7 %s: %" PRIu64, text.data, bytes);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        text.data = bad[i];
        text.len = strlen(text.data);
        bytes = 7;
        rc = wgw_size_parse(text, MAX, &bytes);

        ok(rc == -1 && bytes == 7, "start 10.7 refused: \"%s\"", text.data);
    }

    text.data = "1kB2";
    text.len = 3;

    ok(wgw_size_parse(text, 1000, &bytes) == 0 && bytes == 1000,
       "no byte behind the text is looked at");
    ok(wgw_size_parse(text, 999, &bytes) == -1, "a maximum");

    return done();
}
