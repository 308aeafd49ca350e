
/*
 * passing: uses of a key, where it has a number of them, on several machines.
 *
 * All are at the machine that gave the key.  One that has none of a key that
 * it is brought says that it wants some, and the request is to come again;
 * each machine that has some passes half of them on.  It takes them from its
 * own before it says so: all machines together never have more than there
 * were.  What a machine has when it is gone, or what is lost on its way, is
 * lost.
 *
 *     want ID MACHINE              32 and 16 hexadecimal digits
 *     give ID MACHINE SERIAL N     16 of them again, and how many
 *
 * A machine has another name at each start, so that what was meant for it
 * before is not its own again.  Texts may come twice: who gets uses remembers
 * the serial for as long as the key lives.  What was wanted before a reader
 * has caught up is not wanted any more.
 */

#ifndef WGW_PASSING_H
#define WGW_PASSING_H


#include "auth/elsewhere.h"

#pragma GCC visibility push(hidden)


#define WGW_PASSING_WANTS  4096

#define WGW_PASSING_SOON   1500         /* ms in which somebody answers */
#define WGW_PASSING_AGAIN  10000        /* until it is asked for again */


/* What was asked for lately; another key may take its place. */
typedef struct {
    uint64_t             key;           /* of the id; 0: none */
    uint64_t             asked;         /* ms */
} wgw_passing_want_t;


/* In memory that all processes share. */
struct wgw_passing_s {
    uint64_t             self;
    wgw_passing_want_t   wants[WGW_PASSING_WANTS];
};


typedef enum {
    WGW_PASSING_LATER = 0,              /* it is asked for */
    WGW_PASSING_NONE,                   /* nobody has any */
    WGW_PASSING_SILENT                  /* nobody can be asked now */
} wgw_passing_rc_t;


/* Zeroed memory, with a name; NULL, logged. */
wgw_passing_t *wgw_passing_create(ngx_conf_t *cf);

/* This machine has no uses of a good key: `uses` of it is not looked at. */
wgw_passing_rc_t wgw_passing_want(wgw_elsewhere_t *elsewhere,
    wgw_expiring_t *table, const wgw_token_t *token, int64_t now);

/*
 * Does what such a text says, which is `old` when it was said before all was
 * known; NGX_DECLINED: it says nothing.
 */
ngx_int_t wgw_passing_heard(wgw_elsewhere_t *elsewhere,
    wgw_expiring_t *table, wgw_text_t text, ngx_uint_t old, int64_t now);


#pragma GCC visibility pop

#endif /* WGW_PASSING_H */
