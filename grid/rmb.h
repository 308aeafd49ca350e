
/*
 * rmb: what a service gets of its rmb-peer, and gives back, over lists of
 * Redis; bytes only, bus.h has the connections.
 *
 * LPUSHed to msgbus.CMD by the peer, which has proven who `src` is:
 *
 *     {"ver":1,"ref":"5b16...","src":"7341:session","cmd":"zos.deployment.get",
 *      "exp":20,"dat":"eyJjb250cmFjdF9pZCI6MTAwN30=","tag":null,
 *      "ret":"msgbus.system.reply","shm":"application/json","now":1795212169}
 *
 * LPUSHed to `ret` by us; the peer drops without a word what is not exactly
 * so, and a caller then waits for nothing:
 *
 *     {"ver":1,"ref":"5b16...","dat":"bnVsbA==","dst":"7341:session",
 *      "shm":"application/json","now":1795212170,
 *      "err":{"code":255,"message":"..."}}         or "err":null
 *
 * `now` of a request is the sender's clock, or a relay's, and `exp` seconds
 * later nobody waits for the answer any more.
 */

#ifndef WGW_GRID_RMB_H
#define WGW_GRID_RMB_H


#include "format/text.h"
#include "grid/out.h"


#define GRID_RMB_ELEMENT  ((size_t) 16 << 20)   /* of a list, bytes */
#define GRID_RMB_PAYLOAD  ((size_t) 256 << 10)  /* decoded */
#define GRID_RMB_SKEW     5                     /* seconds a clock may be off */
#define GRID_RMB_CODE     255                   /* of each error, as Go's */


typedef struct {
    char        ref[128];
    char        src[128];               /* given back as it is */
    char        cmd[64];
    char        ret[128];
    char        shm[64];                /* given back, too */
    uint32_t    twin;                   /* of src */
    uint64_t    exp;
    uint64_t    now;
    char       *payload;                /* terminated; of no bytes: "" */
    size_t      len;
    const char *fault;                  /* why it has none, or NULL */
} grid_message_t;


/*
 * GRID_OK, or GRID_FAILED: nobody could be answered.  A payload that cannot
 * be had is a `fault`, which is.  To be freed in either case.
 */
int grid_rmb_read(grid_message_t *message, wgw_text_t element);
void grid_rmb_free(grid_message_t *message);

/* 1 when nobody waits for the answer any more. */
int grid_rmb_expired(const grid_message_t *message, uint64_t now);

/* The reply: `json` is ASCII; or, unless NULL, why there is none. */
void grid_rmb_reply(grid_out_t *out, const grid_message_t *message,
    uint64_t now, const char *json, const char *error);


#endif /* WGW_GRID_RMB_H */
