
/*
 * session: see session.h.
 */

#include "router/session.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>


#define SESSION_PROCESS  0xffffff       /* pid_max is 2^22 */
#define SESSION_UNTIL    UINT64_C(0xffffffffff)
#define SESSION_BACKOFF  60000


static int session_look(wgw_session_t *session, uint64_t now);
static int session_take(wgw_session_t *session, unsigned *due);
static int session_claimed(uint64_t claim, uint64_t now);
static int session_admit(wgw_session_t *session, uint64_t now);
static uint64_t session_spent(wgw_session_t *session);
static void session_back_off(wgw_session_t *session, uint64_t now,
    uint32_t chance);
static void session_release(wgw_session_t *session);
static uint64_t session_load(const uint64_t *word);
static void session_store(uint64_t *word, uint64_t value);


wgw_session_rc_t
wgw_session_use(wgw_session_t *session, uint64_t now, unsigned *due)
{
    *due = 1;

    if (session_look(session, now) && session_take(session, due)) {
        *due |= now >= session->body->renew;
        return WGW_SESSION_GOOD;
    }

    return session_claimed(session_load(&session->shared->claim), now)
           ? WGW_SESSION_WAIT : WGW_SESSION_NONE;
}


/* 1 when the one that is up is good by its time. */

static int
session_look(wgw_session_t *session, uint64_t now)
{
    void                *data;
    size_t               len;
    uint64_t             digest;
    wgw_session_body_t  *body;

    if (wgw_board_other(session->board, session->digest, &data, &len,
                        &digest))
    {
        wgw_session_close(session);

        body = calloc(1, sizeof(wgw_session_body_t));

        if (body == NULL || len > sizeof(wgw_session_body_t)
            || len < offsetof(wgw_session_body_t, bytes))
        {
            free(body);
            free(data);
            return 0;
        }

        memcpy(body, data, len);

        OPENSSL_cleanse(data, len);
        free(data);

        session->body = body;
        session->digest = digest;
    }

    body = session->body;

    return body
           && body->id == session_load(&session->shared->id)
           && body->id != session_load(&session->shared->refused)
           && now < body->ends;
}


/* One use; the last but a tenth makes a new session due. */

static int
session_take(wgw_session_t *session, unsigned *due)
{
    uint64_t  word, left;

    *due = 0;

    if (session->body->uses == 0) {
        return 1;
    }

    word = session_load(&session->shared->left);

    do {
        left = (uint32_t) word;

        if (word >> 32 != (uint32_t) session->body->id || left == 0) {
            *due = 1;
            return 0;
        }

    } while (!__atomic_compare_exchange_n(&session->shared->left, &word,
                                          word - 1, 0, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));

    *due = left - 1 <= session->body->uses / 10;

    return 1;
}


int
wgw_session_good(wgw_session_t *session, uint64_t now)
{
    return session_look(session, now)
           && (session->body->uses == 0
               || (uint32_t) session_load(&session->shared->left));
}


int
wgw_session_hope(wgw_session_t *session, uint64_t now)
{
    uint64_t  wait;

    return wgw_session_good(session, now)
           || !wgw_session_barred(session, now, &wait);
}


int
wgw_session_claim(wgw_session_t *session, uint64_t now, uint64_t lease)
{
    uint64_t  claim, mine, wait;

    claim = session_load(&session->shared->claim);

    if (session_claimed(claim, now)
        || wgw_session_barred(session, now, &wait))
    {
        return 0;
    }

    mine = ((now + lease) & SESSION_UNTIL) << 24
           | ((uint64_t) getpid() & SESSION_PROCESS);

    if (!__atomic_compare_exchange_n(&session->shared->claim, &claim, mine,
                                     0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    {
        return 0;
    }

    if (!session_admit(session, now)) {
        session_release(session);
        return 0;
    }

    (void) __atomic_fetch_add(&session->shared->handshakes, 1,
                              __ATOMIC_RELAXED);

    return 1;
}


/* Of a process that is gone, or too late, it is none. */

static int
session_claimed(uint64_t claim, uint64_t now)
{
    pid_t  process;

    if (claim == 0 || (claim >> 24) <= (now & SESSION_UNTIL)) {
        return 0;
    }

    process = (pid_t) (claim & SESSION_PROCESS);

    return process == (getpid() & SESSION_PROCESS)
           || kill(process, 0) == 0 || errno != ESRCH;
}


int
wgw_session_barred(wgw_session_t *session, uint64_t now, uint64_t *wait)
{
    uint64_t  until, paced, burst;

    until = session_load(&session->shared->retry);
    paced = session_load(&session->shared->paced);
    burst = (WGW_SESSION_BURST - 1) * WGW_SESSION_EVERY;

    if (paced > now + burst && !session_spent(session)
        && paced - burst > until)
    {
        until = paced - burst;
    }

    *wait = until > now ? until - now : 0;

    return until > now;
}


/* Under a claim: nobody else changes it. */

static int
session_admit(wgw_session_t *session, uint64_t now)
{
    uint64_t  paced;

    if (session_spent(session)) {
        return 1;
    }

    paced = session_load(&session->shared->paced);

    if (paced < now) {
        paced = now;
    }

    if (paced > now + (WGW_SESSION_BURST - 1) * WGW_SESSION_EVERY) {
        return 0;
    }

    session_store(&session->shared->paced, paced + WGW_SESSION_EVERY);

    return 1;
}


/* 1 when the last one was good, and is used up or all but. */

static uint64_t
session_spent(wgw_session_t *session)
{
    uint64_t             id;
    wgw_session_body_t  *body;

    body = session->body;

    if (body == NULL || body->uses == 0) {
        return 0;
    }

    id = session_load(&session->shared->id);

    return body->id == id
           && id == session_load(&session->shared->proven)
           && id != session_load(&session->shared->refused)
           && (uint32_t) session_load(&session->shared->left)
              <= body->uses / 10;
}


const char *
wgw_session_granted(wgw_session_t *session, const wgw_grant_t *grant,
    uint64_t life, uint64_t now, uint32_t chance)
{
    char                *p;
    size_t               i, len;
    uint64_t             id;
    wgw_session_body_t   body;

    if (grant->exp && life < WGW_SESSION_LEAST) {
        wgw_session_failed(session, now, chance);
        return "has an exp that has passed, or is about to";
    }

    if (life == 0) {
        life = grant->uses ? WGW_SESSION_MOST : WGW_SESSION_LIFE;
    }

    if (life > WGW_SESSION_MOST) {
        life = WGW_SESSION_MOST;
    }

    memset(&body, 0, sizeof(body));

    id = session_load(&session->shared->id) + 1;

    body.id = id;
    body.received = now;
    body.ends = now + life;
    body.renew = now + life / 10 * 8 + (life / 10) * (chance >> 22) / 1024;
    body.uses = grant->uses > UINT32_MAX ? 0 : (uint32_t) grant->uses;
    body.nheaders = (uint32_t) grant->nheaders;

    p = body.bytes;

    for (i = 0; i < grant->nheaders; i++) {
        body.names[i] = (uint16_t) grant->headers[i].name.len;
        body.values[i] = (uint16_t) grant->headers[i].value.len;

        memcpy(p, grant->headers[i].name.data, body.names[i]);
        p += body.names[i];
        memcpy(p, grant->headers[i].value.data, body.values[i]);
        p += body.values[i];
    }

    len = (size_t) (p - (char *) &body);

    session_store(&session->shared->left, id << 32 | body.uses);
    wgw_board_put(session->board, &body, len, wgw_board_digest(&body, len));
    session_store(&session->shared->id, id);

    (void) __atomic_fetch_add(&session->shared->granted, 1, __ATOMIC_RELAXED);

    OPENSSL_cleanse(&body, sizeof(body));

    session_release(session);

    return NULL;
}


void
wgw_session_failed(wgw_session_t *session, uint64_t now, uint32_t chance)
{
    (void) __atomic_fetch_add(&session->shared->failed, 1, __ATOMIC_RELAXED);

    session_back_off(session, now, chance);
    session_release(session);
}


void
wgw_session_refused(wgw_session_t *session, uint64_t id, uint64_t now,
    uint32_t chance)
{
    uint64_t  was;

    was = session_load(&session->shared->refused);

    if (id != session_load(&session->shared->id) || was == id
        || !__atomic_compare_exchange_n(&session->shared->refused, &was, id,
                                        0, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
    {
        return;
    }

    /* one that was good for something was taken back: ask at once */

    if (session_load(&session->shared->proven) != id) {
        session_back_off(session, now, chance);
    }
}


void
wgw_session_proven(wgw_session_t *session, uint64_t id)
{
    if (session_load(&session->shared->proven) == id) {
        return;
    }

    session_store(&session->shared->proven, id);
    session_store(&session->shared->failures, 0);
}


/* 1, 2, 4 to 60 seconds, and up to a quarter more. */

static void
session_back_off(wgw_session_t *session, uint64_t now, uint32_t chance)
{
    uint64_t  n, wait;

    n = __atomic_fetch_add(&session->shared->failures, 1, __ATOMIC_ACQ_REL);

    wait = n < 6 ? UINT64_C(1000) << n : SESSION_BACKOFF;

    if (wait > SESSION_BACKOFF) {
        wait = SESSION_BACKOFF;
    }

    wait += wait / 4 * (chance >> 22) / 1024;

    session_store(&session->shared->retry, now + wait);
}


/* Only one's own: it may have ended, and be another's. */

static void
session_release(wgw_session_t *session)
{
    uint64_t  claim;

    claim = session_load(&session->shared->claim);

    if ((claim & SESSION_PROCESS) == ((uint64_t) getpid() & SESSION_PROCESS))
    {
        (void) __atomic_compare_exchange_n(&session->shared->claim, &claim,
                                           0, 0, __ATOMIC_ACQ_REL,
                                           __ATOMIC_ACQUIRE);
    }
}


void
wgw_session_header(const wgw_session_body_t *body, size_t i,
    wgw_text_t *name, wgw_text_t *value)
{
    size_t       k;
    const char  *p;

    p = body->bytes;

    for (k = 0; k < i; k++) {
        p += body->names[k] + body->values[k];
    }

    name->data = p;
    name->len = body->names[i];

    value->data = p + body->names[i];
    value->len = body->values[i];
}


void
wgw_session_close(wgw_session_t *session)
{
    if (session->body) {
        OPENSSL_cleanse(session->body, sizeof(wgw_session_body_t));
        free(session->body);
        session->body = NULL;
    }

    session->digest = 0;
}


static uint64_t
session_load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}


static void
session_store(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}
