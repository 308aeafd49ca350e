
#include "table/labels.h"
#include "table/mend.h"
#include "table/segment.h"


static uint32_t wgw_mend_rebuild(wgw_table_t *t, const wgw_segment_t *s);
static int wgw_mend_restore(wgw_table_t *t, const wgw_segment_t *s,
    uint32_t record);
static int wgw_mend_blank(const wgw_segment_t *s, uint32_t record);


uint32_t
wgw_table_repair(wgw_table_t *t, int rebuild)
{
    uint32_t   i, record, end, dropped;
    uint64_t  *held;

    dropped = 0;

    for (i = 0; rebuild && i < t->count; i++) {
        dropped += wgw_mend_rebuild(t, &t->segments[i]);
    }

    /* another boot has another steady clock */

    if (rebuild) {
        t->header->trust = 0;
    }

    end = wgw_table_end(t);

    /* written only where it differs: pages that rest stay clean */

    for (record = 0; record < end; record++) {
        held = &wgw_table_hot(t, record)->held;

        if (wgw_load(held) != 0) {
            __atomic_store_n(held, 0, __ATOMIC_SEQ_CST);
        }

        wgw_counter_fade(t, record);
    }

    return dropped;
}


/*
 * What the header says was taken may be older than the records: all are
 * looked at.
 */

static uint32_t
wgw_mend_rebuild(wgw_table_t *t, const wgw_segment_t *s)
{
    uint32_t             record, end, dropped;
    uint64_t             granule;
    wgw_text_t           key;
    wgw_table_header_t  *header;

    header = s->header;
    end = s->end - s->first;
    dropped = 0;

    memset(s->index, 0, 2 * sizeof(uint32_t) * header->made.keys);

    header->records = WGW_TABLE_FIRST;
    header->granules = 0;

    for (record = WGW_TABLE_FIRST; record < end; record++) {

        if (!wgw_mend_blank(s, record)
            && wgw_mend_restore(t, s, record) != 0)
        {
            dropped += wgw_table_counted(t, s->first + record);
            wgw_counter_merge(t, WGW_TABLE_OTHER, s->first + record);
        }

        if (wgw_segment_key(s, record, &key) == 0) {
            wgw_labels_drop(s, record);
            continue;
        }

        granule = (s->cold[record].granule & ~WGW_LIFE_BITS)
                  + wgw_segment_granules(key.len, (s->cold[record].granule
                                                   & WGW_LIFE_BITS) != 0);

        header->records = record + 1;

        if (header->granules < granule) {
            header->granules = granule;
        }
    }

    wgw_labels_mend(s);

    return dropped;
}


/*
 * Returns -1 for a record without a whole key.  The segments before it have
 * been built.
 */

static int
wgw_mend_restore(wgw_table_t *t, const wgw_segment_t *s, uint32_t record)
{
    size_t          at;
    uint32_t        mark, found;
    wgw_text_t      key;
    wgw_table_id_t  id;

    mark = wgw_segment_key(s, record, &key);

    if (mark == 0 || wgw_table_id(t, s->first + record, &id) != 0
        || mark != wgw_segment_mark(id.hash, key.len))
    {
        return -1;
    }

    found = wgw_table_look_in(t, &id, (uint32_t) (s - t->segments) + 1);

    if (found != WGW_TABLE_UNKNOWN) {
        wgw_counter_merge(t, found, s->first + record);
        return 0;
    }

    if (wgw_segment_probe(s, &id, &at) != WGW_TABLE_UNKNOWN) {
        return -1;
    }

    wgw_segment_name(s, record, &id, at);

    return 0;
}


static int
wgw_mend_blank(const wgw_segment_t *s, uint32_t record)
{
    static const wgw_record_hot_t   hot;
    static const wgw_record_cold_t  cold;

    return memcmp(&s->hot[record], &hot, sizeof(hot)) == 0
           && memcmp(&s->cold[record], &cold, sizeof(cold)) == 0;
}
