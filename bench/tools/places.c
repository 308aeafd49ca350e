
/*
 * places: what it takes to find the row of one of many names, without nginx.
 *
 *     places PATH NAMES           a store that fill made
 *
 * Names are asked for at random, each of them as likely.  `bare` does only
 * what must be done: hashes the name, reads one line of memory that says where
 * the row is, and the two lines of the file that it is in.  `hint` is that as
 * a worker does it (store/hints.h), with all checks and a copy of the row;
 * `look` is LMDB's search in a snapshot that is kept.  In turn, a short round
 * each; prints the medians in nanoseconds of processor time.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "names/rows.h"

#include "tool.h"


#define PLACES_ROUNDS  41
#define PLACES_EACH    20000            /* names a round */
#define PLACES_LINE    64
#define PLACES_KEY     16               /* bytes of a name */


typedef struct {
    wgw_store_t  *store;
    long          names;
    uint64_t      id;
    uint64_t      random;
    uint64_t      sum;          /* so that nothing is left out */

    const char   *file;
    uint64_t      lines;        /* of memory, a power of 2 */
    uint64_t     *where;        /* the first word of each line: in `file` */
} places_t;


static const uint8_t  places_seed[WGW_HASH_SEED] = "places of a seed";


static wgw_text_t
places_name(places_t *p)
{
    static char  text[32];

    p->random = p->random * UINT64_C(6364136223846793005) + 1442695040888963407;

    snprintf(text, sizeof(text), "n%07ld.gw.test",
             (long) (p->random >> 33) % p->names);

    return (wgw_text_t) { text, PLACES_KEY };
}


static void
places_bare(places_t *p, wgw_text_t name, uint64_t hash)
{
    const char  *row;

    (void) name;

    row = p->file + p->where[(hash >> 16 & (p->lines - 1)) * PLACES_LINE / 8];

    p->sum += (uint64_t) row[0] + (uint64_t) row[PLACES_LINE];
}


static void
places_hint(places_t *p, wgw_text_t name, uint64_t hash)
{
    char        room[WGW_HINTS_ROOM];
    wgw_text_t  value;

    p->sum += wgw_store_recall(p->store, wgw_store_id(p->store), hash, name,
                               room, &value);
}


static void
places_look(places_t *p, wgw_text_t name, uint64_t hash)
{
    wgw_text_t         value;
    wgw_store_error_t  error;

    if (wgw_store_begin(p->store, &p->id, &error) == WGW_STORE_OK) {

        if (wgw_store_get(p->store, WGW_ROWS, name, &value, &error)
            == WGW_STORE_OK)
        {
            p->sum += (uint64_t) value.data[value.len - 1];
            wgw_store_remember(p->store, hash, name, value);
        }

        wgw_store_hold(p->store);
    }
}


static void
places_none(places_t *p, wgw_text_t name, uint64_t hash)
{
    p->sum += hash + (uint64_t) name.data[7];
}


/* Nanoseconds of one, with the making of a name. */

static double
places_round(places_t *p, void (*find)(places_t *, wgw_text_t, uint64_t))
{
    long        i;
    double      begin;
    uint64_t    hash;
    wgw_text_t  name;

    begin = tool_seconds();

    for (i = 0; i < PLACES_EACH; i++) {
        name = places_name(p);
        hash = wgw_hash(places_seed, name.data, name.len);
        find(p, name, hash);
    }

    return (tool_seconds() - begin) * 1e9 / PLACES_EACH;
}


/* A line for each two names, which says a place in the file. */

static int
places_memory(places_t *p, const char *path)
{
    int          fd;
    char         name[4096];
    uint64_t     i;
    struct stat  st;

    snprintf(name, sizeof(name), "%s/data.mdb", path);

    fd = open(name, O_RDONLY);
    if (fd == -1 || fstat(fd, &st) == -1) {
        return -1;
    }

    p->file = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_SHARED, fd, 0);

    for (p->lines = 1; p->lines * 3 < (uint64_t) p->names; p->lines *= 2) {
        /* void */
    }

    p->where = mmap(NULL, p->lines * PLACES_LINE, PROT_READ|PROT_WRITE,
                    MAP_ANONYMOUS|MAP_SHARED, -1, 0);

    if (p->file == MAP_FAILED || p->where == MAP_FAILED) {
        return -1;
    }

    for (i = 0; i < p->lines; i++) {
        p->random = p->random * UINT64_C(6364136223846793005) + 1;
        p->where[i * PLACES_LINE / 8] = (p->random >> 20)
                                        % ((uint64_t) st.st_size
                                           - 2 * PLACES_LINE);
    }

    return 0;
}


static int
places_order(const void *a, const void *b)
{
    double  x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}


int
main(int argc, char **argv)
{
    int                i, k;
    long               n;
    char               text[32];
    double             times[4][PLACES_ROUNDS];
    places_t           p;
    wgw_text_t         name;
    wgw_store_error_t  error;

    static void      (*finds[4])(places_t *, wgw_text_t, uint64_t) = {
        places_none, places_bare, places_hint, places_look
    };

    if (argc != 3) {
        fprintf(stderr, "usage: places PATH NAMES\n");
        return 2;
    }

    memset(&p, 0, sizeof(p));
    p.names = atol(argv[2]);
    p.random = 1;
    p.store = wgw_store_open(&wgw_rows_class, argv[1], WGW_STORE_SYNC_OFF,
                             &error);

    if (p.store == NULL || places_memory(&p, argv[1]) != 0) {
        fprintf(stderr, "places: no store in %s\n", argv[1]);
        return 1;
    }

    wgw_store_hints(p.store, wgw_hints_create());

    for (n = 0; n < p.names; n++) {
        snprintf(text, sizeof(text), "n%07ld.gw.test", n);
        name = (wgw_text_t) { text, PLACES_KEY };
        places_look(&p, name, wgw_hash(places_seed, text, PLACES_KEY));
    }

    for (i = 0; i < PLACES_ROUNDS; i++) {
        for (k = 0; k < 4; k++) {
            times[k][i] = places_round(&p, finds[k]);
        }
    }

    for (k = 0; k < 4; k++) {
        qsort(times[k], PLACES_ROUNDS, sizeof(double), places_order);
    }

    printf("{\"bare\":%.0f,\"hint\":%.0f,\"look\":%.0f,\"sum\":%lu}\n",
           times[1][PLACES_ROUNDS / 2] - times[0][PLACES_ROUNDS / 2],
           times[2][PLACES_ROUNDS / 2] - times[0][PLACES_ROUNDS / 2],
           times[3][PLACES_ROUNDS / 2] - times[0][PLACES_ROUNDS / 2],
           (unsigned long) p.sum);

    return 0;
}
