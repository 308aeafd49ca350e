
#include <stdio.h>
#include <string.h>

#include "table/layout.h"


#define WGW_MAGIC         "wgwtable"
#define WGW_SLOTS_MAGIC   "wgwslots"
#define WGW_BYTE_ORDER    0x01020304
#define WGW_BILLABLE      1

/* the version of a table without labels, which older readers know */
#define WGW_TABLE_PLAIN   2


typedef struct {
    size_t  hot;
    size_t  cold;
    size_t  arena;
    size_t  keys;       /* one past the arena */
    size_t  labels;
    size_t  blocks;
    size_t  end;
} wgw_table_layout_t;


_Static_assert(sizeof(wgw_table_made_t) == WGW_LINE, "made");
_Static_assert(offsetof(wgw_table_made_t, version) == 12, "version");
_Static_assert(offsetof(wgw_table_made_t, keys) == 20, "keys");
_Static_assert(offsetof(wgw_table_made_t, key_bytes) == 24, "key_bytes");
_Static_assert(offsetof(wgw_table_made_t, label_bytes) == 26, "label_bytes");
_Static_assert(offsetof(wgw_table_made_t, window) == 28, "window");
_Static_assert(offsetof(wgw_table_made_t, number) == 30, "number");
_Static_assert(offsetof(wgw_table_made_t, seed) == 32, "seed");
_Static_assert(offsetof(wgw_table_made_t, size) == 48, "size");
_Static_assert(offsetof(wgw_table_made_t, checksum) == 56, "checksum");

_Static_assert(sizeof(wgw_table_header_t) == WGW_TABLE_HEADER, "header");
_Static_assert(offsetof(wgw_table_header_t, clock) == 64, "clock");
_Static_assert(offsetof(wgw_table_header_t, records) == 128, "records");
_Static_assert(offsetof(wgw_table_header_t, granules) == 136, "granules");
_Static_assert(offsetof(wgw_table_header_t, boot) == 192, "boot");
_Static_assert(offsetof(wgw_table_header_t, segments) == 208, "segments");
_Static_assert(offsetof(wgw_table_header_t, trust) == 216, "trust");
_Static_assert(offsetof(wgw_table_header_t, leap) == 224, "leap");
_Static_assert(offsetof(wgw_table_header_t, units) == 232, "units");
_Static_assert(offsetof(wgw_table_header_t, unused) == 240, "unused");

_Static_assert(sizeof(wgw_record_hot_t) == WGW_LINE, "hot record");
_Static_assert(offsetof(wgw_record_hot_t, requests) == 16, "requests");
_Static_assert(offsetof(wgw_record_hot_t, base_sent) == 24, "base_sent");
_Static_assert(offsetof(wgw_record_hot_t, base_received) == 40,
               "base_received");
_Static_assert(offsetof(wgw_record_hot_t, held) == 56, "held");

_Static_assert(sizeof(wgw_record_cold_t) == 32, "cold record");
_Static_assert(offsetof(wgw_record_cold_t, mark) == 4, "mark");
_Static_assert(offsetof(wgw_record_cold_t, refused) == 8, "refused");
_Static_assert(offsetof(wgw_record_cold_t, cap) == 24, "cap");


static wgw_table_layout_t wgw_table_layout(uint32_t keys, uint32_t key_bytes,
    uint32_t label_bytes);
static size_t wgw_table_line(size_t offset);
static void wgw_table_make(wgw_table_header_t *header,
    const wgw_table_conf_t *conf, const uint8_t seed[WGW_HASH_SEED],
    uint32_t number);
static int wgw_table_look(wgw_table_made_t *made, const void *header,
    wgw_table_conf_t *conf, const char **error);
static void wgw_table_view(wgw_segment_t *segment, void *memory,
    uint32_t first);
static uint64_t wgw_table_checksum(const wgw_table_made_t *made);
static const char *wgw_table_foreign(const wgw_table_made_t *made);


/* of the header's checksum, which guards against damage, not against men */
static const uint8_t  wgw_table_seed[WGW_HASH_SEED] = {
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
};


size_t
wgw_table_size(const wgw_table_conf_t *conf)
{
    return wgw_table_layout(conf->keys, conf->key_bytes,
                            conf->label_bytes).end;
}


void
wgw_table_format(void *memory, const wgw_table_conf_t *conf,
    const uint8_t seed[WGW_HASH_SEED])
{
    wgw_table_make(memory, conf, seed, 0);
}


void
wgw_table_format_segment(void *memory, const wgw_table_conf_t *conf,
    const void *header, uint32_t number)
{
    wgw_table_made_t  first;

    memcpy(&first, header, sizeof(first));
    wgw_table_make(memory, conf, first.seed, number);
}


static void
wgw_table_make(wgw_table_header_t *header, const wgw_table_conf_t *conf,
    const uint8_t seed[WGW_HASH_SEED], uint32_t number)
{
    wgw_table_made_t  *made;

    made = &header->made;

    memcpy(made->magic, WGW_MAGIC, sizeof(made->magic));

    made->byte_order = WGW_BYTE_ORDER;
    made->version = conf->label_bytes ? WGW_TABLE_VERSION
                                      : WGW_TABLE_PLAIN;
    made->discipline = WGW_BILLABLE;
    made->keys = conf->keys;
    made->key_bytes = (uint16_t) conf->key_bytes;
    made->label_bytes = (uint16_t) conf->label_bytes;
    made->window = conf->window.kind;
    made->reset_day = conf->window.reset_day;
    made->number = (uint16_t) number;
    made->size = wgw_table_size(conf);

    memcpy(made->seed, seed, WGW_HASH_SEED);

    made->checksum = wgw_table_checksum(made);

    header->records = WGW_TABLE_FIRST;
}


int
wgw_table_check(const void *header, size_t size, wgw_table_conf_t *conf,
    const char **error)
{
    wgw_table_made_t  made;

    if (wgw_table_look(&made, header, conf, error) != 0) {
        return -1;
    }

    if (made.number != 0 || wgw_table_segments(header) == 0) {
        *error = "has a damaged header";
        return -1;
    }

    if (size < made.size) {
        *error = "is truncated";
        return -1;
    }

    return 0;
}


int
wgw_table_check_segment(const void *first, const void *header,
    uint32_t number, size_t size, wgw_table_conf_t *conf, const char **error)
{
    wgw_table_made_t  made, other;

    if (size < WGW_TABLE_HEADER) {
        *error = "is truncated";
        return -1;
    }

    memcpy(&other, first, sizeof(other));

    if (wgw_table_look(&made, header, conf, error) != 0
        || made.number != number
        || made.window != other.window || made.reset_day != other.reset_day
        || memcmp(made.seed, other.seed, WGW_HASH_SEED) != 0)
    {
        *error = "has a damaged header";
        return -1;
    }

    if (size < made.size) {
        *error = "is truncated";
        return -1;
    }

    return 0;
}


static int
wgw_table_look(wgw_table_made_t *made, const void *header,
    wgw_table_conf_t *conf, const char **error)
{
    memcpy(made, header, sizeof(wgw_table_made_t));

    *error = wgw_table_foreign(made);

    if (*error) {
        return -1;
    }

    if (made->checksum != wgw_table_checksum(made)
        || made->keys == 0 || made->keys > WGW_TABLE_KEYS_MAX
        || made->key_bytes < 8 || made->key_bytes > WGW_TABLE_KEY_ROOM
        || made->label_bytes > WGW_LABEL_MOST
        || (made->label_bytes && made->version <= WGW_TABLE_PLAIN)
        || wgw_window_name(made->window) == NULL
        || made->reset_day > 31)
    {
        *error = "has a damaged header";
        return -1;
    }

    conf->keys = made->keys;
    conf->key_bytes = made->key_bytes;
    conf->label_bytes = made->label_bytes;
    conf->window.kind = made->window;
    conf->window.reset_day = made->reset_day;

    if (made->size != wgw_table_size(conf)) {
        *error = "has a damaged header";
        return -1;
    }

    return 0;
}


uint32_t
wgw_table_segments(const void *header)
{
    uint32_t  segments;

    memcpy(&segments,
           (const char *) header + offsetof(wgw_table_header_t, segments),
           sizeof(segments));

    if (segments == 0) {
        return 1;
    }

    return segments <= WGW_TABLE_SEGMENTS ? segments : 0;
}


void
wgw_table_open(wgw_table_t *t, void *memory)
{
    t->header = memory;
    t->lease = NULL;
    t->count = 1;

    wgw_table_view(&t->segments[0], memory, 0);
}


void
wgw_table_join(wgw_table_t *t, void *memory)
{
    assert(t->count < WGW_TABLE_SEGMENTS);

    wgw_table_view(&t->segments[t->count], memory,
                   t->segments[t->count - 1].end);
    t->count++;
}


static void
wgw_table_view(wgw_segment_t *s, void *memory, uint32_t first)
{
    char                *bytes;
    wgw_table_layout_t   layout;

    bytes = memory;
    s->header = memory;

    layout = wgw_table_layout(s->header->made.keys, s->header->made.key_bytes,
                              s->header->made.label_bytes);

    s->index = (uint32_t *) (bytes + WGW_TABLE_HEADER);
    s->hot = (wgw_record_hot_t *) (bytes + layout.hot);
    s->cold = (wgw_record_cold_t *) (bytes + layout.cold);
    s->arena = bytes + layout.arena;
    s->arena_size = layout.keys - layout.arena;

    s->labels = NULL;
    s->blocks = bytes + layout.blocks;
    s->blocks_max = (uint32_t) ((layout.end - layout.blocks)
                                / WGW_LABEL_UNIT);

    if (s->header->made.label_bytes) {
        s->labels = (uint32_t *) (bytes + layout.labels);
    }

    s->first = first;
    s->end = first + WGW_TABLE_FIRST + s->header->made.keys;
}


uint8_t *
wgw_table_boot(wgw_table_t *t)
{
    return t->header->boot;
}


static wgw_table_layout_t
wgw_table_layout(uint32_t keys, uint32_t key_bytes, uint32_t label_bytes)
{
    size_t              records;
    wgw_table_layout_t  layout;

    records = WGW_TABLE_FIRST + (size_t) keys;

    layout.hot = wgw_table_line(WGW_TABLE_HEADER
                                + 2 * (size_t) keys * sizeof(uint32_t));
    layout.cold = layout.hot + records * sizeof(wgw_record_hot_t);
    layout.arena = layout.cold + records * sizeof(wgw_record_cold_t);
    layout.keys = layout.arena
                  + (size_t) keys * key_bytes / WGW_GRANULE * WGW_GRANULE;

    layout.labels = layout.keys;
    layout.blocks = layout.keys;
    layout.end = layout.keys;

    if (label_bytes) {
        layout.blocks = wgw_table_line(layout.labels
                                       + records * sizeof(uint32_t));
        layout.end = layout.blocks
                     + (size_t) keys * label_bytes / WGW_LABEL_UNIT
                       * WGW_LABEL_UNIT
                     + WGW_LABEL_MOST;
    }

    return layout;
}


static size_t
wgw_table_line(size_t offset)
{
    return (offset + WGW_LINE - 1) & ~(size_t) (WGW_LINE - 1);
}


static uint64_t
wgw_table_checksum(const wgw_table_made_t *made)
{
    return wgw_hash(wgw_table_seed, made,
                    offsetof(wgw_table_made_t, checksum));
}


/* Why the rest of a header must not be looked at, or NULL. */

static const char *
wgw_table_foreign(const wgw_table_made_t *made)
{
    static char  newer[64];

    if (memcmp(made->magic, WGW_SLOTS_MAGIC, sizeof(made->magic)) == 0) {
        return "is that of a wgw_auth_zone";
    }

    if (memcmp(made->magic, WGW_MAGIC, sizeof(made->magic)) != 0) {
        return "is not a wgw table";
    }

    if (made->byte_order != WGW_BYTE_ORDER) {
        return "was made by a machine of another byte order";
    }

    if (made->version > WGW_TABLE_VERSION) {
        (void) snprintf(newer, sizeof(newer),
                        "has format version %u, newer than %d",
                        (unsigned) made->version, WGW_TABLE_VERSION);
        return newer;
    }

    if (made->version == 0) {
        return "has a damaged header";
    }

    if (made->discipline != WGW_BILLABLE) {
        return "is a wgw table of another kind";
    }

    return NULL;
}


const wgw_segment_t *
wgw_table_segment(const wgw_table_t *t, uint32_t record)
{
    uint32_t  n;

    for (n = 0; n < t->count; n++) {
        if (record < t->segments[n].end) {
            return &t->segments[n];
        }
    }

    return NULL;
}
