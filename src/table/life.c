
/*
 * The lives of keys.
 *
 * Of the first life that came, or of a key without any, the record is found
 * by the key; those of others are found by key and life.  The first leads to
 * them by a list, and knows the highest life: a record whose own is less has
 * ended, and stays what it was.  A process that is killed between an insert
 * and the list leaves a record that only the table's whole shows.
 */

#include "table/table.h"


static void wgw_life_link(wgw_table_t *t, uint32_t first, uint32_t later,
    uint64_t life);


uint32_t
wgw_table_get(wgw_table_t *t, wgw_text_t key)
{
    return wgw_table_live(t, key, 0);
}


uint32_t
wgw_table_live(wgw_table_t *t, wgw_text_t key, uint64_t life)
{
    uint32_t            first, later;
    wgw_table_id_t      id;
    wgw_record_life_t  *own;

    if (key.len == 0) {
        return WGW_TABLE_UNKNOWN;
    }

    if (key.len > WGW_TABLE_KEY_MAX) {
        return WGW_TABLE_OTHER;
    }

    wgw_table_first(t, &id, key);
    id.life = life;

    first = wgw_table_put(t, &id);

    if (first == WGW_TABLE_OTHER) {
        return first;
    }

    own = wgw_table_life(t, first);

    if ((own ? own->life : 0) == life) {
        return first;
    }

    wgw_table_later(t, &id, key, life);

    later = wgw_table_put(t, &id);

    if (later != WGW_TABLE_OTHER) {
        wgw_life_link(t, first, later, life);
    }

    return later;
}


static void
wgw_life_link(wgw_table_t *t, uint32_t first, uint32_t later, uint64_t life)
{
    uint64_t            last;
    wgw_record_life_t  *head, *own;

    own = wgw_table_life(t, later);
    head = wgw_table_widen(t, first);

    if (head == NULL || wgw_load(&own->link) != 0) {
        return;
    }

    last = wgw_load(&head->link);

    if (!wgw_swap(&own->link, 0, last ? last : first)) {
        return;
    }

    wgw_raise(&head->newest, life);

    while (!wgw_swap(&head->link, last, later)) {
        last = wgw_load(&head->link);
        __atomic_store_n(&own->link, last ? last : first, __ATOMIC_SEQ_CST);
    }
}


uint32_t
wgw_table_lives(wgw_table_t *t, wgw_text_t key, uint32_t *records,
    uint32_t max)
{
    uint32_t            n, first, record;
    wgw_record_life_t  *own;

    first = wgw_table_find(t, key);

    if (first < WGW_TABLE_FIRST || max == 0) {
        return 0;
    }

    own = wgw_table_life(t, first);
    record = own && own->link ? (uint32_t) wgw_load(&own->link) : first;

    for (n = 0; n < max; n++) {
        records[n] = record;

        if (record == first) {
            return n + 1;
        }

        own = wgw_table_life(t, record);

        if (own == NULL || wgw_load(&own->link) < WGW_TABLE_FIRST) {
            return n + 1;
        }

        record = (uint32_t) wgw_load(&own->link);
    }

    return n;
}


uint64_t
wgw_life_of(wgw_table_t *t, uint32_t record, int *ended)
{
    uint32_t            first;
    uint64_t            life;
    wgw_table_id_t      id;
    wgw_record_life_t  *own;

    *ended = 0;

    own = wgw_table_life(t, record);

    if (own == NULL || wgw_table_id(t, record, &id) != 0) {
        return 0;
    }

    life = own->life;

    if (id.later) {
        first = wgw_table_find(t, id.text);
        own = first < WGW_TABLE_FIRST ? NULL : wgw_table_life(t, first);
    }

    *ended = own && wgw_load(&own->newest) > life;

    return life;
}
