
/*
 * question: what is said and asked of one key's lease, in one write; see
 * leases.h, 6 to 9.
 *
 *     HSET key field units   HGETALL key   EXPIRE key ttl   GET sentinel
 */

#ifndef WGW_QUESTION_H
#define WGW_QUESTION_H


#include "fleet/witness.h"

#pragma GCC visibility push(hidden)


/* bytes */
#define WGW_QUESTION_KEY    512
#define WGW_QUESTION_FIELD  128
#define WGW_QUESTION_OLDER  8           /* fields that one takes away */


typedef struct wgw_question_s  wgw_question_t;

typedef void (*wgw_question_pt)(wgw_question_t *question);


struct wgw_question_s {
    wgw_witness_t     *witness;
    wgw_question_pt    done;        /* once; the question is freed after it */
    void              *data;
    uint64_t           index;       /* the caller's */

    uint16_t           slot;
    uint64_t           serial;      /* of the connection */
    uint64_t           units;       /* that are declared, ... */
    uint64_t           asked;       /* ... of them so many are asked for */
    uint64_t           ttl;         /* seconds, 0: none */
    size_t             key_len;
    size_t             field_len;
    size_t             own_len;     /* of the field: "NODE.INCARNATION." */
    unsigned           sure:1;      /* the witness was */

    /* for done(): */

    uint64_t           others;      /* the sum of what other nodes declared */
    unsigned           failed:1;    /* nothing is known */
    unsigned           created:1;   /* our field was not there */
    unsigned           missing:1;   /* and is not there now */
    unsigned           strange:1;   /* another sentinel */
    unsigned           older;       /* fields of earlier connections */
    char               error[WGW_SHARD_WHY];   /* that Redis replied */

    /* private: */

    unsigned           waits;       /* replies */
    size_t             old_len[WGW_QUESTION_OLDER];
    char               old[WGW_QUESTION_OLDER][WGW_QUESTION_FIELD];
    char               key[WGW_QUESTION_KEY];
    char               field[WGW_QUESTION_FIELD];
};


/* Zeroed; NULL: no memory. */
wgw_question_t *wgw_question_create(void);

/* Sends it: done() follows, perhaps at once. */
void wgw_question_send(wgw_question_t *question);

/*
 * In done(): declares other units, where they are not those that were asked
 * for, and takes away older fields.  Nobody waits for that.
 */
void wgw_question_correct(wgw_question_t *question, uint64_t units);

/* Only declares: HSET, EXPIRE.  0, or -1: it is not sent. */
int wgw_question_declare(const wgw_question_t *question);


#pragma GCC visibility pop

#endif /* WGW_QUESTION_H */
