
/*
 * session: one session with a provider, in memory that all workers share,
 * without a lock: what a killed process held is free again at once.
 *
 * It has an id, headers (grant.h), an end and perhaps a number of uses.
 * Whoever finds none, or one that is about to end, may start a handshake; at
 * most one process does at a time (a claim, which ends by itself).  Meanwhile
 * a session that is still good is used; where there is none, one waits.
 *
 * Handshakes are bounded whatever the provider answers: after a failure, and
 * after a session that was refused before it was ever good for anything,
 * nobody tries again for 1, 2, 4 to 60 seconds; and without failures there
 * are WGW_SESSION_BURST, then one in WGW_SESSION_EVERY ms.  Only sessions
 * that ended by their uses, each of which served somebody, are not counted.
 *
 * Times are milliseconds of a clock that does not step, the same in all
 * processes.  An end is judged by it from the receipt on, so that the
 * machine's date may be wrong.
 */

#ifndef WGW_SESSION_H
#define WGW_SESSION_H


#include "core/board.h"
#include "router/grant.h"

#pragma GCC visibility push(hidden)


#define WGW_SESSION_LIFE   3600000      /* where neither exp nor uses is */
#define WGW_SESSION_LEAST  1000         /* a shorter life is none */
#define WGW_SESSION_MOST   86400000     /* then it is asked for anew */
#define WGW_SESSION_BURST  6
#define WGW_SESSION_EVERY  10000


/* Shared; zeroed at first. */
typedef struct {
    uint64_t      claim;        /* {until : 40, process : 24}; 0: none */
    uint64_t      id;           /* of the one that is up; 0: none */
    uint64_t      left;         /* {id : 32, uses : 32} */
    uint64_t      retry;        /* no handshake before */
    uint64_t      failures;     /* in a row */
    uint64_t      paced;        /* handshakes: up to when they are spent */
    uint64_t      proven;       /* the last id that a provider accepted */
    uint64_t      refused;      /* the last one it did not */
    uint64_t      handshakes;   /* that were begun, of all time */
    uint64_t      granted;
    uint64_t      failed;
} wgw_session_shared_t;


/* As it is put up. */
typedef struct {
    uint64_t      id;
    uint64_t      received;
    uint64_t      renew;        /* a handshake is due, while it is good */
    uint64_t      ends;
    uint32_t      uses;         /* 0: any number */
    uint32_t      nheaders;
    uint16_t      names[WGW_GRANT_HEADERS];     /* lengths */
    uint16_t      values[WGW_GRANT_HEADERS];
    char          bytes[WGW_GRANT_BYTES];
} wgw_session_body_t;


/* One process's view. */
typedef struct {
    wgw_session_shared_t  *shared;
    wgw_board_t           *board;
    wgw_session_body_t    *body;        /* a copy of what was up; or NULL */
    uint64_t               digest;      /* of that */
} wgw_session_t;


typedef enum {
    WGW_SESSION_GOOD = 0,       /* the body is there, one use taken */
    WGW_SESSION_WAIT,           /* there is none, but somebody asks */
    WGW_SESSION_NONE            /* and nobody does, or may */
} wgw_session_rc_t;


/*
 * One to use now.  `*due`: wgw_session_claim() is worth a try, to have a new
 * one in time.
 */
wgw_session_rc_t wgw_session_use(wgw_session_t *session, uint64_t now,
    unsigned *due);

/* 1 when one is there, of which a use could be taken. */
int wgw_session_good(wgw_session_t *session, uint64_t now);

/* 1 when one is good, or may be had: a try is worth it. */
int wgw_session_hope(wgw_session_t *session, uint64_t now);

/* 1 when the caller is the one to do a handshake, at most for `lease` ms. */
int wgw_session_claim(wgw_session_t *session, uint64_t now, uint64_t lease);

/* 1 while nobody may: how long that lasts. */
int wgw_session_barred(wgw_session_t *session, uint64_t now, uint64_t *wait);

/*
 * By who claimed: what came.  `life` is ms, 0 for none; `chance` is random:
 * not all sessions end at once.  Returns NULL, or a phrase when it is no
 * session.
 */
const char *wgw_session_granted(wgw_session_t *session,
    const wgw_grant_t *grant, uint64_t life, uint64_t now, uint32_t chance);
void wgw_session_failed(wgw_session_t *session, uint64_t now,
    uint32_t chance);

/* What became of a request with it: 401 or 403; or anything else. */
void wgw_session_refused(wgw_session_t *session, uint64_t id, uint64_t now,
    uint32_t chance);
void wgw_session_proven(wgw_session_t *session, uint64_t id);

/* The i-th header. */
void wgw_session_header(const wgw_session_body_t *body, size_t i,
    wgw_text_t *name, wgw_text_t *value);

/* Forgets the copy. */
void wgw_session_close(wgw_session_t *session);


#pragma GCC visibility pop

#endif /* WGW_SESSION_H */
