
/*
 * scale: lengths that are not there.
 *
 * field 20.20: paritytech/parity-scale-codec 160 and 211, ChainSafe/gossamer
 * 3476: a length from outside is believed, and memory asked for, or an index
 * made of it, before the bytes were seen.
 */

#include "grid/scale.h"

#include "t/unit/tap.h"


/* All bytes are 0xff but the first one, the length's. */

static void
lengths(void)
{
    size_t        i;
    uint8_t       data[80];
    wgw_text_t    text;
    grid_scale_t  scale;

    memset(data, 0xff, sizeof(data));

    for (i = 0; i < 256; i++) {
        data[0] = (uint8_t) i;

        grid_scale_init(&scale, data, sizeof(data));
        text = grid_scale_text(&scale);

        if (!scale.bad && text.len > sizeof(data)) {
            ok(0, "field 20.20: %u: a text that is longer than all",
               (unsigned) i);
            return;
        }

        grid_scale_init(&scale, data, sizeof(data));

        if (grid_scale_count(&scale) > sizeof(data)) {
            ok(0, "field 20.20: %u: more of it than bytes", (unsigned) i);
            return;
        }
    }

    ok(1, "field 20.20: no length is more than there is");
}


static void
edges(void)
{
    wgw_text_t     text;
    grid_scale_t   scale;
    const uint8_t  whole[] = { 3 << 2, 'a', 'b', 'c' };
    const uint8_t  huge[] = { 0x13, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                              0xff, 'a' };
    const uint8_t  none[] = { 0xff };

    grid_scale_init(&scale, whole, sizeof(whole));
    text = grid_scale_text(&scale);
    ok(!scale.bad && text.len == 3 && scale.p == scale.end,
       "field 20.20: all of it is there");

    grid_scale_init(&scale, whole, sizeof(whole) - 1);
    text = grid_scale_text(&scale);
    ok(scale.bad && text.len == 0, "field 20.20: a byte is missing");
    ok(grid_scale_uint(&scale, 1) == 0,
       "field 20.20: and nothing is read then");

    grid_scale_init(&scale, huge, sizeof(huge));
    text = grid_scale_text(&scale);
    ok(scale.bad && text.len == 0, "field 20.20: 2^64 - 1 bytes");

    grid_scale_init(&scale, huge, sizeof(huge));
    ok(grid_scale_count(&scale) == 0, "field 20.20: 2^64 - 1 of something");
    ok(scale.bad, "field 20.20: is bad");

    grid_scale_init(&scale, none, sizeof(none));
    ok(grid_scale_compact(&scale) == 0, "field 20.20: a number of 67 bytes");
    ok(scale.bad, "field 20.20: is bad, too");

    grid_scale_init(&scale, none, 0);
    ok(grid_scale_count(&scale) == 0, "field 20.20: no bytes at all");
    ok(scale.bad, "field 20.20: are bad");
}


int
main(void)
{
    lengths();
    edges();

    return done();
}
