
/*
 * certs: a name's certificate among files, found when a client asks for it.
 *
 *     DIR/shop.example/fullchain.pem     the name's own, and
 *                      privkey.pem
 *     DIR/_.gw1.example/...              for names one label below
 *     DIR/.default/...                   for all others, where it is there
 *     DIR/.self/...                      or this one, made at the start
 *
 * A name may be a link to a directory beside it: who renews makes a new one
 * and moves the link, so that a certificate and its key are never of two
 * renewals.  The link is read once for both.
 *
 * Of each name what was found is kept for a second, in a process; names come
 * from clients, and there is a fixed place for so many.  Then certificate and
 * key are looked into, once a second for each folder: with half a file, or a
 * key of another, a handshake would fail, as nginx has no other way.  nginx
 * reads the files, as its workers' user, and from 1.27.4 on may cache them by
 * path (ssl_certificate_cache).
 */

#ifndef WGW_CERTS_H
#define WGW_CERTS_H


#include <time.h>

#include "format/name.h"
#include "format/text.h"
#include "route/certs_file.h"

#pragma GCC visibility push(hidden)


#define WGW_CERTS_OTHERS ".default"
#define WGW_CERTS_SELF   ".self"


typedef enum {
    WGW_CERTS_OWN = 0,
    WGW_CERTS_WILDCARD,
    WGW_CERTS_NONE,                 /* what is for all others */
    WGW_CERTS_UNREADABLE,           /* one is there: what is for others */
    WGW_CERTS_BROKEN                /* one that no handshake can do with */
} wgw_certs_kind_e;


/* Whether this process can read what is for all others. */
unsigned wgw_certs_reach(const char *dir);

/*
 * What is wrong with the folder of a name, as a list of them has it; NONE: a
 * file of the two is not there.
 */
wgw_certs_kind_e wgw_certs_state(const char *dir, wgw_text_t name,
    time_t now);

/*
 * The folder, below `dir`, with the files for a folded name, which may be
 * empty; terminated.
 */
wgw_certs_kind_e wgw_certs_find(const char *dir, wgw_text_t name, time_t now,
    char folder[WGW_CERTS_FOLDER]);

/* The same without what is kept, and without a look into the files. */
wgw_certs_kind_e wgw_certs_look(const char *dir, wgw_text_t name,
    char folder[WGW_CERTS_FOLDER]);


#pragma GCC visibility pop

#endif /* WGW_CERTS_H */
