
#include "meter/usage_journal.h"


typedef struct {
    const char   *family;
    const char   *help;
    size_t        offset;       /* in wgw_usage_journal_t */
    ngx_uint_t    counter;
} journal_metric_t;


static const journal_metric_t  journal_metrics[] = {

    { "wgw_journal_read_seconds", "When the meters were written down last.",
      offsetof(wgw_usage_journal_t, time), 0 },

    { "wgw_journal_record", "The last record that is on the disk.",
      offsetof(wgw_usage_journal_t, seq), 0 },

    { "wgw_journal_size_bytes", "All files of the journal.",
      offsetof(wgw_usage_journal_t, size), 0 },

    { "wgw_journal_failing", "1 while it cannot be written.",
      offsetof(wgw_usage_journal_t, failing), 0 },

    { "wgw_journal_failures_total", "Readings that were not written.",
      offsetof(wgw_usage_journal_t, failures), 1 },

    { "wgw_journal_sent_total", "Records that went to Redis.",
      offsetof(wgw_usage_journal_t, sent), 1 },

    { NULL, NULL, 0, 0 }
};


ngx_int_t
wgw_usage_journal(wgw_usage_page_t *page, const wgw_usage_journal_t *journal)
{
    const uint64_t          *word;
    const journal_metric_t  *metric;

    for (metric = journal_metrics; journal && metric->family; metric++) {

        if (wgw_usage_page_family(page, metric->family, metric->help,
                                  metric->counter)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        word = (const uint64_t *) ((const u_char *) journal + metric->offset);

        wgw_out_str(&page->out, metric->family);
        wgw_out_str(&page->out, " ");
        wgw_out_uint(&page->out, __atomic_load_n(word, __ATOMIC_RELAXED));
        wgw_out_str(&page->out, "\n");
    }

    return NGX_OK;
}
