
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "route/certs.h"


#define CERTS_KEPT  1024        /* names */
#define CERTS_PAIRS 256         /* folders */
#define CERTS_PATH  (WGW_CERTS_DIR + WGW_CERTS_FOLDER + 16)


typedef struct {
    time_t              time;       /* 0: nothing is kept */
    wgw_certs_kind_e    kind;
    uint16_t            len;
    char                name[WGW_NAME_MAX];
    char                folder[WGW_CERTS_FOLDER];
} certs_entry_t;


typedef struct {
    time_t              time;       /* 0: nothing is kept */
    unsigned            good;
    char                folder[WGW_CERTS_FOLDER];
} certs_pair_t;


static uint64_t certs_hash(wgw_text_t text);
static wgw_certs_kind_e certs_look(const char *dir, wgw_text_t name,
    time_t now, char folder[WGW_CERTS_FOLDER]);
static wgw_certs_kind_e certs_others(const char *dir, wgw_certs_kind_e own,
    time_t now, char folder[WGW_CERTS_FOLDER]);
static wgw_certs_kind_e certs_folder(const char *dir, const char *name,
    size_t len, time_t now, char folder[WGW_CERTS_FOLDER]);
static unsigned certs_good(const char *dir,
    const char folder[WGW_CERTS_FOLDER], time_t now);
static int certs_readable(const char *dir, const char *folder,
    const char *file);
static unsigned certs_plain(wgw_text_t name);


/* what shares a place drives the other out */
static certs_entry_t  certs_kept[CERTS_KEPT];
static certs_pair_t   certs_pairs[CERTS_PAIRS];


wgw_certs_kind_e
wgw_certs_find(const char *dir, wgw_text_t name, time_t now,
    char folder[WGW_CERTS_FOLDER])
{
    certs_entry_t  *entry;

    if (name.len > WGW_NAME_MAX) {
        name.len = 0;
    }

    entry = &certs_kept[certs_hash(name) % CERTS_KEPT];

    if (entry->time != now
        || !wgw_text_equal(name, (wgw_text_t) { entry->name, entry->len }))
    {
        entry->kind = certs_look(dir, name, now, entry->folder);
        entry->time = now;
        entry->len = (uint16_t) name.len;

        if (name.len) {
            memcpy(entry->name, name.data, name.len);
        }
    }

    memcpy(folder, entry->folder, WGW_CERTS_FOLDER);

    return entry->kind;
}


static uint64_t
certs_hash(wgw_text_t text)
{
    static const uint8_t  seed[WGW_HASH_SEED];

    return wgw_hash(seed, text.data, text.len);
}


wgw_certs_kind_e
wgw_certs_look(const char *dir, wgw_text_t name,
    char folder[WGW_CERTS_FOLDER])
{
    return certs_look(dir, name, 0, folder);
}


wgw_certs_kind_e
wgw_certs_state(const char *dir, wgw_text_t name, time_t now)
{
    char  folder[WGW_CERTS_FOLDER];

    return certs_folder(dir, name.data, name.len, now, folder);
}


/* Also whether a handshake can do with them, unless `now` is 0. */

static wgw_certs_kind_e
certs_look(const char *dir, wgw_text_t name, time_t now,
    char folder[WGW_CERTS_FOLDER])
{
    char               wide[WGW_NAME_MAX + 1];
    const char        *dot;
    wgw_certs_kind_e   own, wild;

    own = WGW_CERTS_NONE;

    if (certs_plain(name)) {
        own = certs_folder(dir, name.data, name.len, now, folder);

        if (own == WGW_CERTS_OWN) {
            return WGW_CERTS_OWN;
        }

        dot = memchr(name.data, '.', name.len);

        if (dot) {
            wide[0] = '_';
            memcpy(&wide[1], dot, name.data + name.len - dot);

            wild = certs_folder(dir, wide, name.data + name.len - dot + 1,
                                now, folder);

            if (wild == WGW_CERTS_OWN) {
                return WGW_CERTS_WILDCARD;
            }

            own = own == WGW_CERTS_NONE ? wild : own;
        }
    }

    return certs_others(dir, own, now, folder);
}


/* A handshake is also told what is wrong with the one for all others. */

static wgw_certs_kind_e
certs_others(const char *dir, wgw_certs_kind_e own, time_t now,
    char folder[WGW_CERTS_FOLDER])
{
    wgw_certs_kind_e  kind;

    kind = certs_folder(dir, WGW_CERTS_OTHERS, sizeof(WGW_CERTS_OTHERS) - 1,
                        now, folder);

    if (kind == WGW_CERTS_OWN) {
        return own;
    }

    strcpy(folder, WGW_CERTS_SELF);

    return now && own == WGW_CERTS_NONE ? kind : own;
}


/* WGW_CERTS_OWN and the folder, or what is wrong with it. */

static wgw_certs_kind_e
certs_folder(const char *dir, const char *name, size_t len, time_t now,
    char folder[WGW_CERTS_FOLDER])
{
    int      cert, key;
    char     path[CERTS_PATH], target[WGW_CERTS_FOLDER];
    ssize_t  n;

    memcpy(folder, name, len);
    folder[len] = '\0';

    snprintf(path, sizeof(path), "%s/%s", dir, folder);

    n = readlink(path, target, sizeof(target));

    /* elsewhere is for the kernel to follow */

    if (n > 0 && n < WGW_CERTS_FOLDER && memchr(target, '/', n) == NULL) {
        memcpy(folder, target, n);
        folder[n] = '\0';
    }

    cert = certs_readable(dir, folder, WGW_CERTS_CERT);

    if (cert == -1) {
        return WGW_CERTS_NONE;
    }

    key = certs_readable(dir, folder, WGW_CERTS_KEY);

    if (key == -1) {
        return WGW_CERTS_NONE;
    }

    if (!cert || !key) {
        return WGW_CERTS_UNREADABLE;
    }

    return now && !certs_good(dir, folder, now) ? WGW_CERTS_BROKEN
                                                : WGW_CERTS_OWN;
}


/* A wildcard's, or what is for all others, is not read for each name anew. */

static unsigned
certs_good(const char *dir, const char folder[WGW_CERTS_FOLDER], time_t now)
{
    char           path[CERTS_PATH];
    certs_pair_t  *pair;

    pair = &certs_pairs[certs_hash((wgw_text_t) { folder, strlen(folder) })
                        % CERTS_PAIRS];

    if (pair->time != now || strcmp(pair->folder, folder) != 0) {
        snprintf(path, sizeof(path), "%s/%s", dir, folder);

        pair->good = wgw_certs_pair(path) == 0;
        pair->time = now;
        strcpy(pair->folder, folder);
    }

    return pair->good;
}


unsigned
wgw_certs_reach(const char *dir)
{
    return certs_readable(dir, WGW_CERTS_SELF, WGW_CERTS_CERT) == 1
           && certs_readable(dir, WGW_CERTS_SELF, WGW_CERTS_KEY) == 1;
}


static int
certs_readable(const char *dir, const char *folder, const char *file)
{
    char  path[CERTS_PATH];

    snprintf(path, sizeof(path), "%s/%s/%s", dir, folder, file);

    if (access(path, R_OK) == 0) {
        return 1;
    }

    return errno == EACCES ? 0 : -1;
}


/* Nothing of a path: letters, digits, hyphens, underlines, dots between. */

static unsigned
certs_plain(wgw_text_t name)
{
    size_t  i;
    char    c;

    if (name.len == 0 || name.data[0] == '.') {
        return 0;
    }

    for (i = 0; i < name.len; i++) {
        c = name.data[i];

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-'
            && c != '_' && c != '.')
        {
            return 0;
        }
    }

    return 1;
}
