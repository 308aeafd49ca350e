
/* statx() */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "store/hints.h"


#define HINTS_WAYS    4
#define HINTS_LINE    64
#define HINTS_ROWS    3                 /* most in a set, on average */

/* `place`: where the row begins, its length, and what tells keys apart */
#define HINTS_TAG     16
#define HINTS_LEN     12
#define HINTS_WHERE   (HINTS_TAG + HINTS_LEN)

/* bits of a hash, of which the lowest are those of other tables */
#define HINTS_SET     16
#define HINTS_TAGGED  (64 - HINTS_TAG)


typedef struct {
    uint64_t          place;
    uint64_t          stamp;            /* the snapshot's id, mixed */
} hints_way_t;


typedef struct {
    hints_way_t       ways[HINTS_WAYS];
} hints_set_t;


/* all zero at first */
struct wgw_hints_s {
    uint64_t          file;             /* which one; 0: not said yet */
    uint64_t          mask;             /* of sets; only grows */
    uint64_t          unused[6];
    hints_set_t       sets[];
};


_Static_assert(sizeof(hints_set_t) == HINTS_LINE
               && offsetof(wgw_hints_t, sets) == HINTS_LINE,
               "a set is a line of the processor's cache");

_Static_assert(WGW_STORE_MAP <= (uint64_t) 1 << (64 - HINTS_WHERE)
               && WGW_HINTS_ROOM < 1 << HINTS_LEN, "a place is one word");


#define HINTS_SETS                                                            \
    ((WGW_HINTS_SIZE - sizeof(wgw_hints_t)) / sizeof(hints_set_t))


static uint64_t hints_file(MDB_env *env);
static hints_set_t *hints_set(wgw_hints_t *hints, uint64_t hash);
static uint64_t hints_find(const hints_set_t *set, uint64_t id,
    uint64_t hash);
static unsigned hints_located(wgw_hinted_t *hinted, const char *row,
    wgw_text_t key);
static hints_way_t *hints_way(hints_set_t *set, uint64_t id, uint64_t hash);
static uint64_t hints_mix(uint64_t word);
static uint64_t hints_load(const uint64_t *word);
static void hints_store(uint64_t *word, uint64_t value);


wgw_hints_t *
wgw_hints_create(void)
{
    void  *memory;

    memory = mmap(NULL, WGW_HINTS_SIZE, PROT_READ|PROT_WRITE,
                  MAP_ANONYMOUS|MAP_SHARED|MAP_NORESERVE, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}


void
wgw_hints_destroy(wgw_hints_t *hints)
{
    if (hints) {
        (void) munmap(hints, WGW_HINTS_SIZE);
    }
}


void
wgw_hints_open(wgw_hinted_t *hinted, wgw_hints_t *shared, MDB_env *env)
{
    uint64_t  file, none;
    MDB_stat  st;

    memset(hinted, 0, sizeof(wgw_hinted_t));

    if (shared == NULL || mdb_env_stat(env, &st) != 0) {
        return;
    }

    none = 0;
    file = hints_file(env);

    if (file == 0
        || (!__atomic_compare_exchange_n(&shared->file, &none, file, 0,
                                         __ATOMIC_RELAXED, __ATOMIC_RELAXED)
            && none != file))
    {
        return;
    }

    hinted->shared = shared;
    hinted->env = env;
    hinted->page = st.ms_psize;
}


/* Device, inode and birth: a file that was put in its place is another. */

static uint64_t
hints_file(MDB_env *env)
{
    uint64_t          file;
    struct stat       st;
    mdb_filehandle_t  fd;
#ifdef STATX_BTIME
    struct statx      stx;
#endif

    if (mdb_env_get_fd(env, &fd) != 0 || fstat(fd, &st) == -1) {
        return 0;
    }

    file = hints_mix(st.st_dev) + hints_mix(~(uint64_t) st.st_ino);

#ifdef STATX_BTIME

    if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &stx) == 0
        && (stx.stx_mask & STATX_BTIME))
    {
        file = hints_mix(file + (uint64_t) stx.stx_btime.tv_sec)
               + stx.stx_btime.tv_nsec;
    }

#endif

    return file ? file : 1;
}


/* Hints whose set becomes another are lost. */

void
wgw_hints_fit(wgw_hinted_t *hinted, size_t rows)
{
    uint64_t  mask, old;

    if (hinted->shared == NULL) {
        return;
    }

    old = hints_load(&hinted->shared->mask);
    mask = old;

    while ((mask + 1) * HINTS_ROWS < rows && 2 * mask + 2 <= HINTS_SETS) {
        mask = 2 * mask + 1;
    }

    if (mask > old) {
        (void) __atomic_compare_exchange_n(&hinted->shared->mask, &old, mask,
                                           0, __ATOMIC_RELAXED,
                                           __ATOMIC_RELAXED);
    }
}


unsigned
wgw_hints_get(const wgw_hinted_t *hinted, uint64_t id, uint64_t hash,
    wgw_text_t key, char *room, wgw_text_t *value)
{
    size_t       len;
    uint64_t     place, where, end;
    MDB_envinfo  info;

    if (hinted->file == NULL) {
        return 0;
    }

    place = hints_find(hints_set(hinted->shared, hash), id, hash);

    if (place == 0 || mdb_env_info(hinted->env, &info) != 0) {
        return 0;
    }

    where = place >> HINTS_WHERE;
    len = place >> HINTS_TAG & ((1 << HINTS_LEN) - 1);
    end = ((uint64_t) info.me_last_pgno + 1) * hinted->page;

    if (where < key.len || where + len > end
        || key.len + len > WGW_HINTS_ROOM)
    {
        return 0;
    }

    memcpy(room, hinted->file + where - key.len, key.len + len);

    __atomic_thread_fence(__ATOMIC_ACQUIRE);

    if (mdb_env_info(hinted->env, &info) != 0
        || info.me_last_txnid != id
        || memcmp(room, key.data, key.len) != 0)
    {
        return 0;
    }

    value->data = room + key.len;
    value->len = len;

    return 1;
}


void
wgw_hints_prefetch(const wgw_hinted_t *hinted, uint64_t hash)
{
    if (hinted->file) {
        __builtin_prefetch(hints_set(hinted->shared, hash));
    }
}


/* Of which snapshot the hint is does not matter yet. */

void
wgw_hints_prefetch_row(const wgw_hinted_t *hinted, uint64_t hash, size_t key)
{
    unsigned      i;
    uint64_t      place;
    const char   *row;
    hints_set_t  *set;

    if (hinted->file == NULL) {
        return;
    }

    set = hints_set(hinted->shared, hash);

    for (i = 0; i < HINTS_WAYS; i++) {
        place = hints_load(&set->ways[i].place);

        if ((uint16_t) place == hash >> HINTS_TAGGED && place) {
            row = hinted->file + (place >> HINTS_WHERE) - key;

            __builtin_prefetch(row);
            __builtin_prefetch(row + HINTS_LINE);
            return;
        }
    }
}


static hints_set_t *
hints_set(wgw_hints_t *hints, uint64_t hash)
{
    return &hints->sets[hash >> HINTS_SET & hints_load(&hints->mask)];
}


/* The place, or 0. */

static uint64_t
hints_find(const hints_set_t *set, uint64_t id, uint64_t hash)
{
    unsigned  i;
    uint64_t  place;

    for (i = 0; i < HINTS_WAYS; i++) {
        place = hints_load(&set->ways[i].place);

        if ((uint16_t) place == hash >> HINTS_TAGGED
            && place
            && (hints_load(&set->ways[i].stamp) ^ hints_mix(place)) == id)
        {
            return place;
        }
    }

    return 0;
}


void
wgw_hints_put(wgw_hinted_t *hinted, uint64_t id, uint64_t hash,
    wgw_text_t key, wgw_text_t value)
{
    uint64_t      place;
    const char   *row;
    hints_way_t  *way;

    row = value.data;

    if (hinted->shared == NULL
        || key.len + value.len > WGW_HINTS_ROOM
        || !hints_located(hinted, row, key))
    {
        return;
    }

    place = (uint64_t) (row - hinted->file) << HINTS_WHERE
            | (uint64_t) value.len << HINTS_TAG | hash >> HINTS_TAGGED;

    way = hints_way(hints_set(hinted->shared, hash), id, hash);

    hints_store(&way->place, place);
    hints_store(&way->stamp, id ^ hints_mix(place));
}


/* Whether the row is where a row has to be, in the file that is known. */

static unsigned
hints_located(wgw_hinted_t *hinted, const char *row, wgw_text_t key)
{
    size_t       number;
    const char  *page, *file;

    page = row - (uintptr_t) row % hinted->page;

    if ((size_t) (row - page) < sizeof(number) + key.len
        || memcmp(row - key.len, key.data, key.len) != 0)
    {
        return 0;
    }

    memcpy(&number, page, sizeof(number));

    if (number >= WGW_STORE_MAP / hinted->page) {
        return 0;
    }

    file = page - number * hinted->page;

    if (hinted->file != file) {
        hinted->file = hinted->seen == file && hinted->by != page ? file
                                                                  : NULL;
        hinted->seen = file;
        hinted->by = page;
    }

    return hinted->file != NULL;
}


/* The key's own, else one of another snapshot, else any. */

static hints_way_t *
hints_way(hints_set_t *set, uint64_t id, uint64_t hash)
{
    unsigned      i;
    uint64_t      place;
    hints_way_t  *way, *chosen;

    chosen = &set->ways[hash >> (HINTS_TAGGED - 2) & (HINTS_WAYS - 1)];

    for (i = 0; i < HINTS_WAYS; i++) {
        way = &set->ways[i];
        place = hints_load(&way->place);

        if ((uint16_t) place == hash >> HINTS_TAGGED) {
            return way;
        }

        if ((hints_load(&way->stamp) ^ hints_mix(place)) != id) {
            chosen = way;
        }
    }

    return chosen;
}


/* The end of MurmurHash3: each bit of the word changes half of the others. */

static uint64_t
hints_mix(uint64_t word)
{
    word ^= word >> 33;
    word *= UINT64_C(0xff51afd7ed558ccd);
    word ^= word >> 33;
    word *= UINT64_C(0xc4ceb9fe1a85ec53);

    return word ^ word >> 33;
}


static uint64_t
hints_load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}


static void
hints_store(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}
