
/*
 * file: whole files, read and written.
 */

#ifndef WGW_CLI_FILE_H
#define WGW_CLI_FILE_H


#include <stddef.h>
#include <stdint.h>
#include <stdio.h>


#define CLI_FILE_SHA  65                /* hexadecimal digits, terminated */


/* All of a file of at most `max` bytes, terminated; NULL and errno. */
char *cli_file_read(const char *path, size_t max, size_t *len);

/*
 * A file that is there whole or not at all: it is written as PATH.new, and
 * synced and renamed by the commit.  NULL, or -1, and errno; -1 leaves none.
 */
FILE *cli_file_create(const char *path, unsigned mode);
int cli_file_commit(FILE *file, const char *path);
void cli_file_drop(FILE *file, const char *path);

/* All of these bytes; 0, or -1 and errno. */
int cli_file_put(int fd, const void *data, size_t len);

/*
 * Copies all there is from `from` to `to`, where both are.  With `sparse`
 * what is zero takes no room.
 */
int cli_file_copy(int from, int to, int sparse);

/* The SHA-256 of a file, from its beginning, and its size; 0 or -1. */
int cli_file_sha(int fd, char sha[CLI_FILE_SHA], uint64_t *size);

/* What is in it has reached the disk; of a directory, its names. */
int cli_file_sync(const char *path);


#endif /* WGW_CLI_FILE_H */
