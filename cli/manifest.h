
/*
 * manifest: what is in a backup, manifest.json in its directory.
 *
 *     {"wgw_backup":1,"version":"0.2.0","made":"2026-11-27T10:04:30Z",
 *      "state":"/var/lib/wgw","entries":[
 *       {"path":"meter","kind":"counters","mode":"0640","user":"root",
 *        "group":"root","size":39325696,"sha256":"...","keys":12,
 *        "sent":1,"received":1,"requests":1}, ...]}
 *
 * A backup is a directory as the one of the state, without what a start makes
 * anew (lock.mdb).  Paths are relative and stay below it: one that does not
 * is refused, since a manifest may come from elsewhere.
 */

#ifndef WGW_CLI_MANIFEST_H
#define WGW_CLI_MANIFEST_H


#include "cli/cli.h"
#include "cli/file.h"
#include "cli/progress.h"


#define CLI_MANIFEST      "manifest.json"
#define CLI_MANIFEST_MAX  ((size_t) 64 << 20)


typedef enum {
    CLI_ENTRY_DIRECTORY = 0,
    CLI_ENTRY_NAMES,                    /* a store of names, its data.mdb */
    CLI_ENTRY_STORE,                    /* another store's */
    CLI_ENTRY_COUNTERS,
    CLI_ENTRY_NOTES,
    CLI_ENTRY_FILE,
    CLI_ENTRY_LINK                      /* to something beside or below it */
} cli_entry_kind_t;


typedef struct {
    char              *path;
    cli_entry_kind_t   kind;
    unsigned           mode;
    char              *user;
    char              *group;
    char              *target;          /* of a link, else NULL */
    uint64_t           size;
    char               sha[CLI_FILE_SHA];

    uint64_t           rows;            /* of stores; keys of zones */
    uint64_t           sent;            /* of counters */
    uint64_t           received;
    uint64_t           requests;
} cli_entry_t;


typedef struct {
    char              *state;
    char              *made;
    cli_entry_t       *entries;
    size_t             n;
    size_t             room;
} cli_manifest_t;


/* The new one at the end. */
cli_entry_t *cli_manifest_add(cli_manifest_t *m, const char *path,
    cli_entry_kind_t kind);
void cli_manifest_free(cli_manifest_t *m);

int cli_manifest_write(const cli_manifest_t *m, const cli_t *cli,
    const char *backup);
int cli_manifest_read(cli_manifest_t *m, const cli_t *cli,
    const char *backup);

/*
 * Looks at all of a backup: each file is there, with its size and SHA-256,
 * and a gateway could start with it.
 */
int cli_manifest_verify(const cli_manifest_t *m, const cli_t *cli,
    const char *backup);

/* 1 for a relative path without "." and ".." and empty parts. */
int cli_manifest_below(const char *path);

/* Where a link leads, or NULL and errno. */
char *cli_manifest_target(const char *path);

/* Fills in what a file of this kind has in it; NULL, or why it has not. */
char *cli_manifest_facts(cli_entry_t *entry, const char *file);

const char *cli_manifest_kind(cli_entry_kind_t kind);

/* "3 names, 12 keys, 1.23 GB": one line of what there is. */
void cli_manifest_print(const cli_manifest_t *m, const cli_t *cli);


#endif /* WGW_CLI_MANIFEST_H */
