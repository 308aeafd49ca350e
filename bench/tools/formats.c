
/*
 * formats: what a metered request does with its key's record (find it, hold,
 * add, release), in the format that there is and in two that there are not, in
 * which a record has its key beside it:
 *
 *     table    four places: index, cold words, key, counters (src/table)
 *     beside   two: an index word, and a record of two lines with the key in it
 *     hashed   one: such a record, where the key's hash says
 *
 *     formats [-n KEYS] [-r REQUESTS]     (1000000, 1000000)
 *
 * Keys are asked for at random, after all of them were once.  Prints one line
 * of JSON: ns of processor a request, for each.
 */

#define _GNU_SOURCE

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "table/table.h"

#include "tool.h"


#define FORMATS_CREDIT  512
#define FORMATS_SENT    200
#define FORMATS_CAP     (UINT64_C(1) << 50)


typedef struct {
    uint64_t            words[8];       /* sent, received, requests, held ... */
    uint32_t            length;
    char                key[60];
} formats_record_t;


typedef struct {
    uint64_t            keys;
    wgw_table_t         table;
    uint64_t            mask;           /* of words, and of records */
    uint32_t           *index;
    formats_record_t   *records;
    formats_record_t   *hashed;
    uint64_t            used;
} formats_t;


static const uint8_t  formats_seed[WGW_HASH_SEED];


typedef void (*formats_request_pt)(formats_t *f, wgw_text_t key);


static void formats_table(formats_t *f, wgw_text_t key);
static void formats_beside(formats_t *f, wgw_text_t key);
static void formats_hashed(formats_t *f, wgw_text_t key);
static void formats_count(formats_record_t *record);
static void *formats_memory(size_t size);
static double formats_run(formats_t *f, formats_request_pt request,
    uint64_t requests);


int
main(int argc, char **argv)
{
    int               option;
    uint64_t          requests;
    formats_t         f;
    wgw_table_conf_t  conf;

    memset(&f, 0, sizeof(formats_t));
    f.keys = 1000000;
    requests = 1000000;

    while ((option = getopt(argc, argv, "n:r:")) != -1) {
        if (option == 'n') {
            f.keys = strtoull(optarg, NULL, 10);

        } else if (option == 'r') {
            requests = strtoull(optarg, NULL, 10);

        } else {
            fprintf(stderr, "formats: see the head of formats.c\n");
            return 2;
        }
    }

    memset(&conf, 0, sizeof(wgw_table_conf_t));
    conf.keys = (uint32_t) f.keys;
    conf.key_bytes = WGW_TABLE_KEY_BYTES;
    conf.window.kind = WGW_WINDOW_MONTH;
    conf.window.reset_day = 1;

    for (f.mask = 1; f.mask < 2 * f.keys; f.mask *= 2) { /* void */ }
    f.mask--;

    wgw_table_open(&f.table, formats_memory(wgw_table_size(&conf)));
    wgw_table_format(f.table.header, &conf, formats_seed);
    wgw_table_open(&f.table, f.table.header);
    (void) wgw_table_period(&f.table, time(NULL));

    f.index = formats_memory((f.mask + 1) * sizeof(uint32_t));
    f.records = formats_memory((f.keys + 1) * sizeof(formats_record_t));
    f.hashed = formats_memory((f.mask + 1) * sizeof(formats_record_t));

    printf("{\"table\": %.1f", formats_run(&f, formats_table, requests));
    printf(", \"beside\": %.1f", formats_run(&f, formats_beside, requests));
    printf(", \"hashed\": %.1f}\n", formats_run(&f, formats_hashed, requests));

    return 0;
}


static void
formats_table(formats_t *f, wgw_text_t key)
{
    int       waiting;
    uint32_t  record;

    record = wgw_table_get(&f->table, key);

    (void) wgw_table_hold(&f->table, record, 0, WGW_COUNT_BOTH, FORMATS_CAP,
                          FORMATS_CREDIT, &waiting);
    wgw_table_add(&f->table, record, 0, FORMATS_SENT, FORMATS_SENT, 1);
    wgw_table_release(&f->table, record, FORMATS_CREDIT);
}


/* Eight bits of a word tell most keys apart, as the table's do. */

static void
formats_beside(formats_t *f, wgw_text_t key)
{
    uint32_t           word, tag;
    uint64_t           hash, at;
    formats_record_t  *record;

    hash = wgw_hash(formats_seed, key.data, key.len);
    tag = (uint32_t) (hash >> 56) << 24;

    for (at = hash & f->mask; f->index[at]; at = (at + 1) & f->mask) {
        word = f->index[at];
        record = &f->records[word & 0xffffff];

        if ((word & 0xff000000) == tag && record->length == key.len
            && memcmp(record->key, key.data, key.len) == 0)
        {
            formats_count(record);
            return;
        }
    }

    f->index[at] = tag | (uint32_t) ++f->used;

    record = &f->records[f->used];
    record->length = (uint32_t) key.len;
    memcpy(record->key, key.data, key.len);
}


static void
formats_hashed(formats_t *f, wgw_text_t key)
{
    uint64_t           at;
    formats_record_t  *record;

    at = wgw_hash(formats_seed, key.data, key.len) & f->mask;

    for (record = &f->hashed[at]; record->length; record = &f->hashed[at]) {

        if (record->length == key.len
            && memcmp(record->key, key.data, key.len) == 0)
        {
            formats_count(record);
            return;
        }

        at = (at + 1) & f->mask;
    }

    record->length = (uint32_t) key.len;
    memcpy(record->key, key.data, key.len);
}


static void
formats_count(formats_record_t *record)
{
    uint64_t  held;

    held = __atomic_fetch_add(&record->words[3], FORMATS_CREDIT,
                              __ATOMIC_SEQ_CST);

    if (record->words[0] + held > FORMATS_CAP) {
        return;
    }

    (void) __atomic_fetch_add(&record->words[0], FORMATS_SENT,
                              __ATOMIC_SEQ_CST);
    (void) __atomic_fetch_add(&record->words[1], FORMATS_SENT,
                              __ATOMIC_SEQ_CST);
    (void) __atomic_fetch_add(&record->words[2], 1, __ATOMIC_SEQ_CST);
    (void) __atomic_fetch_sub(&record->words[3], FORMATS_CREDIT,
                              __ATOMIC_SEQ_CST);
}


/* As a zone without a file has it: shared by processes, in usual pages. */

static void *
formats_memory(size_t size)
{
    void  *memory;

    memory = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                  -1, 0);

    if (memory == MAP_FAILED) {
        perror("formats");
        exit(1);
    }

    return memory;
}


static double
formats_run(formats_t *f, formats_request_pt request, uint64_t requests)
{
    char        bytes[TOOL_KEY];
    double      begin;
    uint64_t    i, random;
    wgw_text_t  key;

    key.data = bytes;
    key.len = TOOL_KEY;

    for (i = 0; i < f->keys; i++) {
        tool_key(bytes, i);
        request(f, key);
    }

    random = TOOL_RANDOM;
    begin = tool_seconds();

    for (i = 0; i < requests; i++) {
        tool_key(bytes, tool_random(&random) % f->keys);
        request(f, key);
    }

    return (tool_seconds() - begin) * 1e9 / requests;
}
