
#include "table/clock.h"
#include "table/raise.h"


static void wgw_raise_total(wgw_table_t *t, uint64_t base[2],
    uint64_t *total, uint64_t missing, uint64_t begin, int same);


int
wgw_table_raise(wgw_table_t *t, uint32_t record, const wgw_raise_t *to)
{
    int                same;
    uint32_t           i, n, twins[WGW_TABLE_SEGMENTS];
    uint64_t           sent, received, requests;
    wgw_record_hot_t  *hot, *other;

    hot = wgw_table_hot(t, record);

    sent = wgw_load(&hot->sent);
    received = wgw_load(&hot->received);
    requests = wgw_load(&hot->requests);

    n = record < WGW_TABLE_FIRST ? 0 : wgw_table_twins(t, record, twins);

    for (i = 0; i < n; i++) {
        other = wgw_table_hot(t, twins[i]);

        sent += wgw_load(&other->sent);
        received += wgw_load(&other->received);
        requests += wgw_load(&other->requests);
    }

    if (sent >= to->sent && received >= to->received
        && requests >= to->requests)
    {
        return 0;
    }

    same = wgw_clock_see(t, to->period) >> WGW_RING_BITS == to->period
           && n == 0;

    wgw_raise_total(t, hot->base_sent, &hot->sent,
                    to->sent > sent ? to->sent - sent : 0,
                    to->sent - to->window_sent, same);
    wgw_raise_total(t, hot->base_received, &hot->received,
                    to->received > received ? to->received - received : 0,
                    to->received - to->window_received, same);

    wgw_add(&hot->requests,
            to->requests > requests ? to->requests - requests : 0);

    return 1;
}


/*
 * In the window that it was read in, that began with what it did; in a later
 * one, with what is missing in it.
 */

static void
wgw_raise_total(wgw_table_t *t, uint64_t base[2], uint64_t *total,
    uint64_t missing, uint64_t begin, int same)
{
    int       known;
    uint64_t  clock, tag, now, *word;

    clock = wgw_load(&t->header->clock);
    tag = wgw_clock_tag(clock);
    word = &base[clock & 1];
    now = *word & WGW_TOTAL_MASK;
    known = *word >> WGW_TOTAL_BITS == tag;

    wgw_add(total, missing);

    if (same) {
        now = known && now > begin ? now : begin;

    } else if (known) {
        now += missing;

    } else {
        return;
    }

    __atomic_store_n(word, tag << WGW_TOTAL_BITS | (now & WGW_TOTAL_MASK),
                     __ATOMIC_SEQ_CST);
}
