
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "format/doc.h"
#include "cli/rates.h"
#include "program/memory.h"


static cli_rate_t *rates_get(cli_rates_t *rates, yajl_val item);
static size_t rates_slot(const cli_rates_t *rates, const char *id);
static void rates_grow(cli_rates_t *rates);
static void rates_index(cli_rates_t *rates);
static void rates_count(cli_rate_t *rate, yajl_val item, double seconds);


void
cli_rates_begin(cli_rates_t *rates)
{
    size_t  i;

    for (i = 0; i < rates->n; i++) {
        rates->keys[i]->out = 0;
        rates->keys[i]->in = 0;
        rates->keys[i]->rate = 0;
    }
}


void
cli_rates_look(cli_rates_t *rates, yajl_val page, double seconds)
{
    size_t  i;

    for (i = 0; i < wgw_doc_count(page, "keys"); i++) {
        rates_count(rates_get(rates, wgw_doc_at(page, "keys", i)),
                    wgw_doc_at(page, "keys", i), seconds);
    }
}


static cli_rate_t *
rates_get(cli_rates_t *rates, yajl_val item)
{
    char        *id;
    size_t       slot;
    cli_rate_t  *rate;

    id = wgw_format("%s %llu %s", wgw_doc_text(item, "zone"),
                    (unsigned long long) wgw_doc_number(item, "life"),
                    wgw_doc_text(item, "key"));

    if (rates->n * 2 >= rates->nslots) {
        rates_grow(rates);
    }

    slot = rates_slot(rates, id);

    if (rates->slots[slot]) {
        free(id);
        return rates->keys[rates->slots[slot] - 1];
    }

    rate = wgw_alloc(sizeof(cli_rate_t));

    rate->id = id;
    rate->zone = wgw_copy(wgw_doc_text(item, "zone"));
    rate->key = wgw_copy(wgw_doc_text(item, "key"));

    rates->keys[rates->n++] = rate;
    rates->slots[slot] = (uint32_t) rates->n;

    return rate;
}


/* FNV-1a; whoever makes keys collide slows down a display. */

static size_t
rates_slot(const cli_rates_t *rates, const char *id)
{
    size_t       slot;
    uint64_t     hash;
    const char  *p;

    hash = 0xcbf29ce484222325;

    for (p = id; *p; p++) {
        hash = (hash ^ (unsigned char) *p) * 0x100000001b3;
    }

    for (slot = hash % rates->nslots; rates->slots[slot];
         slot = (slot + 1) % rates->nslots)
    {
        if (strcmp(rates->keys[rates->slots[slot] - 1]->id, id) == 0) {
            break;
        }
    }

    return slot;
}


static void
rates_grow(cli_rates_t *rates)
{
    rates->nslots = rates->nslots ? rates->nslots * 4 : 1024;
    rates->room = rates->nslots / 2 + 1;

    rates->keys = wgw_grow(rates->keys, rates->room * sizeof(cli_rate_t *));

    free(rates->slots);
    rates->slots = wgw_alloc(rates->nslots * sizeof(uint32_t));

    rates_index(rates);
}


static void
rates_index(cli_rates_t *rates)
{
    size_t  i;

    memset(rates->slots, 0, rates->nslots * sizeof(uint32_t));

    for (i = 0; i < rates->n; i++) {
        rates->slots[rates_slot(rates, rates->keys[i]->id)]
            = (uint32_t) i + 1;
    }
}


/* A key that is new since the last look has counted all of it meanwhile. */

static void
rates_count(cli_rate_t *rate, yajl_val item, double seconds)
{
    uint64_t  sent, received, requests;
    yajl_val  window;

    sent = wgw_doc_number(item, "sent");
    received = wgw_doc_number(item, "received");
    requests = wgw_doc_number(item, "requests");

    if (seconds > 0 && sent >= rate->sent && received >= rate->received
        && requests >= rate->requests)
    {
        rate->out = (double) (sent - rate->sent) / seconds;
        rate->in = (double) (received - rate->received) / seconds;
        rate->rate = (double) (requests - rate->requests) / seconds;
        rate->known = 1;
    }

    rate->sent = sent;
    rate->received = received;
    rate->requests = requests;

    window = wgw_doc_get(item, "window");
    rate->used = wgw_doc_number(window, "sent")
                 + wgw_doc_number(window, "received");
    rate->cap = wgw_doc_number(item, "cap");
}


void
cli_rates_sort(cli_rates_t *rates,
    int (*compare)(const void *one, const void *two))
{
    if (rates->n) {
        qsort(rates->keys, rates->n, sizeof(cli_rate_t *), compare);
        rates_index(rates);
    }
}


void
cli_rates_free(cli_rates_t *rates)
{
    size_t  i;

    for (i = 0; i < rates->n; i++) {
        free(rates->keys[i]->id);
        free(rates->keys[i]->zone);
        free(rates->keys[i]->key);
        free(rates->keys[i]);
    }

    free(rates->keys);
    free(rates->slots);
}
