
#include "format/rfc3339.h"
#include "meter/usage_page.h"
#include "meter/usage_past.h"


/* a page ends at a zone and a byte of its file */
#define WGW_PAST_SHIFT  44

/* "2026-10-31T23:59", from the end of which something may be missing */
#define WGW_PAST_TEXT   "0000-01-01T00:00:00Z"


static ngx_int_t wgw_past_zones(wgw_usage_page_t *page, uint64_t *next);
static ngx_int_t wgw_past_start(wgw_usage_query_t *query, wgw_window_t window,
    int64_t *start);
static FILE *wgw_past_open(wgw_usage_query_t *query, ngx_uint_t n,
    int64_t start);
static ngx_int_t wgw_past_zone(wgw_usage_page_t *page, ngx_uint_t n,
    FILE *file, ngx_uint_t *rows, uint64_t *next);
static ngx_int_t wgw_past_line(wgw_usage_page_t *page, ngx_uint_t n,
    wgw_text_t line, ngx_uint_t *rows);
static ngx_uint_t wgw_past_asked(wgw_usage_query_t *query, wgw_text_t key);
static ngx_uint_t wgw_past_labelled(const char *rest);
static wgw_text_t wgw_past_key(wgw_text_t line);


off_t
wgw_usage_past(ngx_pool_t *pool, wgw_usage_query_t *query, ngx_chain_t **out)
{
    uint64_t           next;
    ngx_int_t          rc;
    wgw_usage_page_t   page;

    ngx_memzero(&page, sizeof(wgw_usage_page_t));
    page.pool = pool;
    page.query = query;

    if (wgw_usage_page_room(&page) != NGX_OK) {
        return NGX_ERROR;
    }

    wgw_out_str(&page.out, "{\"keys\":[");

    rc = wgw_past_zones(&page, &next);

    if (rc != NGX_OK) {
        return rc;
    }

    if (wgw_usage_page_room(&page) != NGX_OK) {
        return NGX_ERROR;
    }

    wgw_out_str(&page.out, "],\"next\":");

    if (next) {
        wgw_out_uint(&page.out, next);

    } else {
        wgw_out_str(&page.out, "null");
    }

    wgw_out_str(&page.out, "}\n");

    return wgw_usage_page_end(&page, out);
}


/* NGX_DECLINED: no zone has it in its archive; NGX_ABORT: nor could have. */

static ngx_int_t
wgw_past_zones(wgw_usage_page_t *page, uint64_t *next)
{
    FILE               *file;
    int64_t             start;
    ngx_int_t           rc;
    ngx_uint_t          n, rows, zones, texts;
    wgw_usage_query_t  *query;

    query = page->query;

    rows = 0;
    *next = 0;
    zones = 0;
    texts = 0;

    for (n = 0; n < query->nzones && *next == 0; n++) {

        if (!wgw_usage_selected(query, n)
            || wgw_past_start(query, query->zones[n]->conf.window, &start)
               != NGX_OK)
        {
            continue;
        }

        texts++;
        file = wgw_past_open(query, n, start);

        if (file == NULL) {
            continue;
        }

        zones++;
        rc = wgw_past_zone(page, n, file, &rows, next);

        (void) fclose(file);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return zones ? NGX_OK : texts ? NGX_DECLINED : NGX_ABORT;
}


/* NGX_OK and the window's first second; NGX_DECLINED for other windows. */

static ngx_int_t
wgw_past_start(wgw_usage_query_t *query, wgw_window_t window, int64_t *start)
{
    char        text[] = WGW_PAST_TEXT;
    int64_t     time, end;
    wgw_text_t  whole;

    static const size_t  lengths[] = { 7, 10, 13, 16 };

    if (window.kind > WGW_WINDOW_MINUTE
        || query->window.len != lengths[window.kind])
    {
        return NGX_DECLINED;
    }

    ngx_memcpy(text, query->window.data, query->window.len);

    whole = (wgw_text_t) { text, sizeof(text) - 1 };

    if (wgw_rfc3339_parse(&time, whole) != 0 || time < 0) {
        return NGX_DECLINED;
    }

    end = time;

    /* the one that begins in the month: on its reset_day, or its last day */

    if (window.kind == WGW_WINDOW_MONTH) {
        window.reset_day = ngx_max(window.reset_day, 1);
        end = wgw_window_start((wgw_window_t) { WGW_WINDOW_MONTH, 1 },
                               wgw_window_period((wgw_window_t)
                                                 { WGW_WINDOW_MONTH, 1 },
                                                 time) + 1) - 1;
    }

    *start = wgw_window_start(window, wgw_window_period(window, end));

    return NGX_OK;
}


static FILE *
wgw_past_open(wgw_usage_query_t *query, ngx_uint_t n, int64_t start)
{
    u_char             path[NGX_MAX_PATH];
    uint64_t           left;
    ngx_tm_t           tm;
    wgw_meter_zone_t  *zone;

    zone = (wgw_meter_zone_t *) query->zones[n];

    left = wgw_table_left(&zone->zone.table);

    /* what a leap of the clock left may go on yet, see table/clock.h */

    if (zone->archive.len == 0
        || (left && start == wgw_window_start(zone->zone.conf.window, left)))
    {
        return NULL;
    }

    ngx_gmtime((time_t) start, &tm);

    *ngx_snprintf(path, sizeof(path) - 1,
                  "%V/%V-%04d%02d%02dT%02d%02d%02dZ.ndjson", &zone->archive,
                  &zone->zone.name, tm.ngx_tm_year, tm.ngx_tm_mon,
                  tm.ngx_tm_mday, tm.ngx_tm_hour, tm.ngx_tm_min,
                  tm.ngx_tm_sec) = '\0';

    return fopen((char *) path, "re");
}


static ngx_int_t
wgw_past_zone(wgw_usage_page_t *page, ngx_uint_t n, FILE *file,
    ngx_uint_t *rows, uint64_t *next)
{
    char        line[WGW_USAGE_LINE];
    off_t       offset;
    wgw_text_t  text;

    if (n < page->query->after >> WGW_PAST_SHIFT) {
        return NGX_OK;
    }

    offset = 0;

    if (n == page->query->after >> WGW_PAST_SHIFT) {
        offset = page->query->after & ((UINT64_C(1) << WGW_PAST_SHIFT) - 1);
    }

    if (fseeko(file, offset, SEEK_SET) != 0) {
        return NGX_ERROR;
    }

    while (fgets(line, sizeof(line), file)) {

        if (*rows == page->query->limit) {
            *next = ((uint64_t) n << WGW_PAST_SHIFT) | offset;
            return NGX_OK;
        }

        text = (wgw_text_t) { line, ngx_strlen(line) };
        offset += text.len;

        if (wgw_past_line(page, n, text, rows) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ferror(file) ? NGX_ERROR : NGX_OK;
}


/* A line goes into the answer as it is, but for what is known now. */

static ngx_int_t
wgw_past_line(wgw_usage_page_t *page, ngx_uint_t n, wgw_text_t line,
    ngx_uint_t *rows)
{
    size_t              len;
    wgw_text_t          key;
    wgw_labels_t        labels;
    wgw_usage_query_t  *query;

    query = page->query;
    key = wgw_past_key(line);

    if (key.len < 2) {
        return NGX_OK;
    }

    if (query->key.len && !wgw_past_asked(query, key)) {
        return NGX_OK;
    }

    if (wgw_usage_page_room(page) != NGX_OK) {
        return NGX_ERROR;
    }

    if ((*rows)++) {
        wgw_out_str(&page->out, ",");
    }

    /* behind the key; names need no escapes */

    len = (size_t) (key.data + key.len - line.data);

    wgw_out_bytes(&page->out, line.data, len);

    /* as it was, unless the line is older than labels */

    labels.n = 0;

    if (key.len > 2 && !wgw_past_labelled(line.data + len)
        && wgw_usage_page_owner(page, query->zones[n],
                                (wgw_text_t) { key.data + 1, key.len - 2 },
                                &labels)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    while (line.len && line.data[line.len - 1] == '\n') {
        line.len--;
    }

    if (line.len < len) {
        return NGX_ERROR;
    }

    wgw_out_bytes(&page->out, line.data + len, line.len - len);

    return NGX_OK;
}


/* 1 for the key that is asked for. */

static ngx_uint_t
wgw_past_asked(wgw_usage_query_t *query, wgw_text_t key)
{
    char        buffer[WGW_USAGE_LINE];
    wgw_out_t   quoted;
    wgw_text_t  asked;

    wgw_out_init(&quoted, buffer, sizeof(buffer));
    wgw_out_json(&quoted, (wgw_text_t) { (char *) query->key.data,
                                         query->key.len });

    asked = (wgw_text_t) { quoted.start, (size_t) (quoted.pos
                                                   - quoted.start) };

    return wgw_text_equal(key, asked);
}


/* 1 when what follows a key says whose it was, or that it was another's. */

static ngx_uint_t
wgw_past_labelled(const char *rest)
{
    return strstr(rest, ",\"life\":") || strstr(rest, ",\"owner\":")
           || strstr(rest, ",\"workload\":");
}


/* With its quotes; empty if the line has none. */

static wgw_text_t
wgw_past_key(wgw_text_t line)
{
    char        *p, *end;
    wgw_text_t   key = { line.data, 0 };

    /* a zone's name may have quotes, but those are escaped */

    p = strstr(line.data, "\",\"key\":\"");
    if (p == NULL) {
        return key;
    }

    key.data = p + sizeof("\",\"key\":") - 1;

    for (end = (char *) key.data + 1; *end && *end != '"'; end++) {
        if (*end == '\\' && end[1]) {
            end++;
        }
    }

    if (*end == '"' && end[1] == ',') {
        key.len = (size_t) (end + 1 - key.data);
    }

    return key;
}
