
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/file.h"
#include "cli/zonefile.h"
#include "program/memory.h"
#include "table/growth.h"
#include "table/mend.h"
#include "table/notes.h"


#define ZONE_MAGIC   8
#define ZONE_PIECE   16384              /* bytes; holes are of so many */
#define ZONE_LINE    64
#define ZONE_UNIT    128                /* two lines: a bucket, a note */
#define ZONE_WORDS   (ZONE_UNIT / 8)
#define ZONE_TRIES   64                 /* until it is the same twice */
#define ZONE_AGAIN   8                  /* while it grows */

_Static_assert(ZONE_PIECE % ZONE_UNIT == 0, "pieces are of units");


/* A file's segments, mapped. */
typedef struct {
    wgw_table_parts_t    parts;
    char                *memory[WGW_TABLE_SEGMENTS];
} zone_map_t;


static int zone_copy_once(int from, int to, cli_zone_kind_t kind,
    const char **error);
static int zone_parts(int fd, cli_zone_kind_t kind, wgw_table_parts_t *parts,
    const char **error);
static int zone_map(int fd, cli_zone_kind_t kind, int mend, zone_map_t *map,
    const char **error);
static void zone_unmap(zone_map_t *map);
static int zone_copy_parts(const zone_map_t *map, int to,
    cli_zone_kind_t kind);
static int zone_copy_range(const char *memory, size_t size, int to,
    off_t offset);
static void zone_read(uint64_t *to, const uint64_t *from, size_t n);
static void zone_read_words(uint64_t *to, const uint64_t *from, size_t n);
static int zone_header(const char *memory, int to, off_t offset,
    cli_zone_kind_t kind);
static void zone_look_counters(zone_map_t *map, int mend,
    cli_zone_facts_t *facts);
static void zone_look_notes(zone_map_t *map, cli_zone_facts_t *facts);
static int zone_put(int fd, const void *data, size_t len, off_t offset);


cli_zone_kind_t
cli_zone_kind(int fd)
{
    char  magic[ZONE_MAGIC];

    if (pread(fd, magic, sizeof(magic), 0) != sizeof(magic)) {
        return CLI_ZONE_NONE;
    }

    return memcmp(magic, "wgwtable", ZONE_MAGIC) == 0 ? CLI_ZONE_COUNTERS
           : memcmp(magic, "wgwslots", ZONE_MAGIC) == 0 ? CLI_ZONE_NOTES
           : CLI_ZONE_NONE;
}


/* A file that grew meanwhile is copied once more. */

int
cli_zone_copy(int from, int to, const char **error)
{
    int              rc, i;
    cli_zone_kind_t  kind;

    kind = cli_zone_kind(from);

    for (i = 0; i < ZONE_AGAIN; i++) {
        rc = zone_copy_once(from, to, kind, error);

        if (rc <= 0) {
            return rc;
        }
    }

    *error = "changes all the time";

    return -1;
}


static int
zone_copy_once(int from, int to, cli_zone_kind_t kind, const char **error)
{
    int                rc;
    zone_map_t         map;
    wgw_table_parts_t  after;

    if (zone_map(from, kind, 0, &map, error) != 0) {
        return -1;
    }

    rc = ftruncate(to, 0);

    if (rc == 0) {
        rc = zone_copy_parts(&map, to, kind);
    }

    zone_unmap(&map);

    if (rc != 0) {
        *error = strerror(errno);
        return -1;
    }

    if (zone_parts(from, kind, &after, error) != 0) {
        return -1;
    }

    return after.count != map.parts.count;
}


static int
zone_parts(int fd, cli_zone_kind_t kind, wgw_table_parts_t *parts,
    const char **error)
{
    char                 header[WGW_EXPIRING_HEADER];
    struct stat          st;
    wgw_table_conf_t     conf;
    wgw_expiring_conf_t  notes;

    if (fstat(fd, &st) != 0) {
        *error = strerror(errno);
        return -1;
    }

    if (kind == CLI_ZONE_COUNTERS) {
        return wgw_growth_look(fd, (uint64_t) st.st_size, parts, &conf,
                               error);
    }

    if (pread(fd, header, sizeof(header), 0) != sizeof(header)) {
        *error = "is truncated";
        return -1;
    }

    if (wgw_expiring_check(header, (size_t) st.st_size, &notes, error) != 0) {
        return -1;
    }

    parts->count = 1;
    parts->parts[0].offset = 0;
    parts->parts[0].size = (size_t) st.st_size;

    return 0;
}


static int
zone_map(int fd, cli_zone_kind_t kind, int mend, zone_map_t *map,
    const char **error)
{
    void      *memory;
    uint32_t   i;

    memset(map, 0, sizeof(zone_map_t));

    if (zone_parts(fd, kind, &map->parts, error) != 0) {
        return -1;
    }

    for (i = 0; i < map->parts.count; i++) {
        memory = mmap(NULL, map->parts.parts[i].size,
                      mend ? PROT_READ|PROT_WRITE : PROT_READ,
                      mend ? MAP_PRIVATE|MAP_NORESERVE : MAP_SHARED, fd,
                      (off_t) map->parts.parts[i].offset);

        if (memory == MAP_FAILED) {
            *error = strerror(errno);
            zone_unmap(map);
            return -1;
        }

        map->memory[i] = memory;
    }

    return 0;
}


static void
zone_unmap(zone_map_t *map)
{
    uint32_t  i;

    for (i = 0; i < map->parts.count; i++) {
        if (map->memory[i]) {
            (void) munmap(map->memory[i], map->parts.parts[i].size);
        }
    }
}


/* What headers say is read behind all that it is said of. */

static int
zone_copy_parts(const zone_map_t *map, int to, cli_zone_kind_t kind)
{
    off_t     offset;
    size_t    size;
    uint32_t  i;

    for (i = 0; i < map->parts.count; i++) {
        offset = (off_t) map->parts.parts[i].offset;
        size = map->parts.parts[i].size;

        if (ftruncate(to, offset + (off_t) size) != 0
            || zone_copy_range(map->memory[i] + WGW_TABLE_HEADER,
                               size - WGW_TABLE_HEADER, to,
                               offset + WGW_TABLE_HEADER)
               != 0)
        {
            return -1;
        }
    }

    while (i--) {
        offset = (off_t) map->parts.parts[i].offset;

        if (zone_header(map->memory[i], to, offset, kind) != 0) {
            return -1;
        }
    }

    return 0;
}


/* What is zero stays a hole. */

static int
zone_copy_range(const char *memory, size_t size, int to, off_t offset)
{
    int        rc;
    char      *piece;
    size_t     n, done;

    piece = wgw_alloc(ZONE_PIECE);
    rc = 0;

    for (done = 0; rc == 0 && done < size; done += n) {
        n = size - done < ZONE_PIECE ? size - done : ZONE_PIECE;

        zone_read((uint64_t *) piece, (const uint64_t *) (memory + done),
                  n / 8);

        if (piece[0] || memcmp(piece, piece + 1, n - 1) != 0) {
            rc = zone_put(to, piece, n, offset + (off_t) done);
        }
    }

    free(piece);

    return rc;
}


static void
zone_read(uint64_t *to, const uint64_t *from, size_t n)
{
    int       i;
    size_t    k;
    uint64_t  again[ZONE_WORDS];

    for ( /* void */ ; n; n -= k, to += k, from += k) {
        k = n < ZONE_WORDS ? n : ZONE_WORDS;

        zone_read_words(to, from, k);

        for (i = 0; i < ZONE_TRIES; i++) {
            zone_read_words(again, from, k);

            if (memcmp(again, to, k * 8) == 0) {
                break;
            }

            memcpy(to, again, k * 8);
        }
    }
}


/* Lines in their order, the words of one backwards: bases before totals. */

static void
zone_read_words(uint64_t *to, const uint64_t *from, size_t n)
{
    size_t  i, k;

    for (i = 0; i < n; i += ZONE_LINE / 8) {
        k = n - i < ZONE_LINE / 8 ? n - i : ZONE_LINE / 8;

        while (k--) {
            to[i + k] = __atomic_load_n(&from[i + k], __ATOMIC_ACQUIRE);
        }
    }
}


static int
zone_header(const char *memory, int to, off_t offset, cli_zone_kind_t kind)
{
    uint64_t        header[WGW_TABLE_HEADER / 8];
    wgw_table_t     table;
    wgw_expiring_t  notes;

    zone_read(header, (const uint64_t *) memory, WGW_TABLE_HEADER / 8);

    if (kind == CLI_ZONE_COUNTERS) {
        wgw_table_open(&table, header);
        memset(wgw_table_boot(&table), 0, WGW_TABLE_BOOT);

    } else {
        wgw_expiring_open(&notes, header);
        memset(wgw_expiring_boot(&notes), 0, WGW_EXPIRING_BOOT);
    }

    return zone_put(to, header, sizeof(header), offset);
}


int
cli_zone_look(int fd, int mend, cli_zone_facts_t *facts, const char **error)
{
    zone_map_t       map;
    cli_zone_kind_t  kind;

    memset(facts, 0, sizeof(cli_zone_facts_t));

    kind = cli_zone_kind(fd);

    if (kind == CLI_ZONE_NONE) {
        *error = "is not a wgw table";
        return -1;
    }

    if (zone_map(fd, kind, mend, &map, error) != 0) {
        return -1;
    }

    if (kind == CLI_ZONE_COUNTERS) {
        zone_look_counters(&map, mend, facts);

    } else if (mend) {
        zone_look_notes(&map, facts);
    }

    zone_unmap(&map);

    return 0;
}


static void
zone_look_counters(zone_map_t *map, int mend, cli_zone_facts_t *facts)
{
    int64_t      now;
    uint32_t     i, end;
    wgw_table_t  table;
    wgw_usage_t  usage;

    wgw_table_open(&table, map->memory[0]);

    for (i = 1; i < map->parts.count; i++) {
        wgw_table_join(&table, map->memory[i]);
    }

    if (mend) {
        facts->lost = wgw_table_repair(&table, 1);
    }

    now = (int64_t) time(NULL);
    end = wgw_table_end(&table);

    for (i = 0; i < end; i++) {
        if (wgw_table_read(&table, i, now, &usage) != 0) {
            continue;
        }

        facts->keys += i >= WGW_TABLE_FIRST;
        facts->sent += usage.sent;
        facts->received += usage.received;
        facts->requests += usage.requests;
    }
}


static void
zone_look_notes(zone_map_t *map, cli_zone_facts_t *facts)
{
    int64_t         now;
    uint32_t        kind;
    wgw_expiring_t  notes;

    wgw_expiring_open(&notes, map->memory[0]);

    facts->lost = wgw_expiring_repair(&notes, 1);

    if (notes.notes == NULL) {
        return;
    }

    now = (int64_t) time(NULL);

    for (kind = 0; kind < WGW_NOTE_KINDS; kind++) {
        facts->keys += wgw_notes_live(&notes, kind, now);
    }
}


/* All processes of an instance hold its lock, which none of ours does. */

int
cli_zone_used(const char *path)
{
    int  fd, used;

    fd = open(path, O_RDONLY|O_CLOEXEC);

    if (fd < 0) {
        return 0;
    }

    used = cli_zone_kind(fd) != CLI_ZONE_NONE
           && flock(fd, LOCK_EX|LOCK_NB) != 0 && errno == EWOULDBLOCK;

    close(fd);

    return used;
}


static int
zone_put(int fd, const void *data, size_t len, off_t offset)
{
    return lseek(fd, offset, SEEK_SET) < 0 ? -1
           : cli_file_put(fd, data, len);
}
