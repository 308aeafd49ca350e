
/*
 * tree: directories with all that is in them.  No link is followed.
 */

#ifndef WGW_CLI_TREE_H
#define WGW_CLI_TREE_H


/* in a state: what a restore put aside, and what it has not finished */
#define CLI_TREE_OLD  "before-restore-"
#define CLI_TREE_NEW  ".restore-"


/* Without "/" at the end; the caller's. */
char *cli_tree_bare(const char *path);

/* They return 0, or -1 and errno. */
int cli_tree_remove(const char *path);
int cli_tree_sync(const char *path);


#endif /* WGW_CLI_TREE_H */
