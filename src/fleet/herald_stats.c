
#include "core/steady.h"
#include "fleet/herald_stats.h"
#include "names/rows.h"
#include "table/word.h"


static uint64_t
herald_outbox(wgw_store_t *store)
{
    uint64_t           id, n;
    wgw_store_error_t  error;

    if (store == NULL || wgw_store_begin(store, &id, &error) != WGW_STORE_OK) {
        return 0;
    }

    n = wgw_store_rows(store, WGW_ROWS_OUTBOX)
        + wgw_store_rows(store, WGW_ROWS_REFILL);

    wgw_store_end(store);

    return n;
}


void
wgw_herald_numbers(const wgw_herald_stats_t *stats, wgw_store_t *store,
    wgw_out_t *out)
{
    size_t  i;

    const uint64_t  numbers[] = {
        wgw_load(&stats->connected), herald_outbox(store),
        wgw_load(&stats->told), wgw_load(&stats->taken),
        wgw_load(&stats->refused), wgw_load(&stats->snapshots),
        wgw_load(&stats->losses)
    };

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        wgw_out_uint(out, numbers[i]);
        wgw_out_str(out, " ");
    }

    wgw_out_uint(out, wgw_steady_ms() - wgw_load(&stats->caught));
}
