
#include "core/steady.h"
#include "fleet/herald_stats.h"


void
wgw_herald_numbers(const wgw_herald_stats_t *stats, wgw_out_t *out)
{
    size_t            i;
    const uint64_t   *number;

    const uint64_t   *numbers[] = {
        &stats->connected, &stats->outbox, &stats->told, &stats->taken,
        &stats->refused, &stats->snapshots, &stats->losses
    };

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        number = numbers[i];

        wgw_out_uint(out, __atomic_load_n(number, __ATOMIC_RELAXED));
        wgw_out_str(out, " ");
    }

    wgw_out_uint(out, wgw_steady_ms()
                      - __atomic_load_n(&stats->caught, __ATOMIC_RELAXED));
}
