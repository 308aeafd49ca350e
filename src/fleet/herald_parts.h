
/*
 * herald_parts: what the files of the herald know of each other.
 *
 * One thing at a time: while `busy` a reply of Redis or the store's thread is
 * waited for, and then wgw_herald_step() says what is next.
 */

#ifndef WGW_HERALD_PARTS_H
#define WGW_HERALD_PARTS_H


#include "fleet/fleet_conf.h"
#include "fleet/gazette.h"
#include "fleet/herald_stats.h"
#include "store/writer.h"

#pragma GCC visibility push(hidden)


#define HERALD_ORIGIN  (WGW_FLEET_NAME + 1 + 16)


/* What is made of the store in one transaction, in this order. */
typedef enum {
    HERALD_TAKE = 0,                    /* see follow.h */
    HERALD_TOLD,
    HERALD_HEARD,
    HERALD_REFILL,
    HERALD_DROP
} herald_kind_t;


typedef struct {
    herald_kind_t            kind;
    wgw_follow_row_t         row;       /* of the batch's pool */
    uint64_t                 seq;
    unsigned                 asked:1;   /* of TOLD: it is in the command */
} herald_op_t;


typedef struct herald_s  herald_t;


typedef struct {
    wgw_change_t             change;
    ngx_pool_t              *pool;
    ngx_array_t              ops;       /* of herald_op_t */
    uint64_t                 id;        /* of the look, if there was one */
    wgw_follow_state_t       state;     /* is written, if `save` */
    unsigned                 save:1;
    unsigned                 last:1;    /* of a comparison */

    /* results, of the thread */
    ngx_uint_t               taken;
    ngx_uint_t               refused;
    char                     storage[WGW_RECORD_JSON];
} herald_batch_t;


typedef enum {
    HERALD_FOLLOWS = 0,
    HERALD_COMPARES,                    /* what is here */
    HERALD_SCANS                        /* what Redis has */
} herald_phase_t;


struct herald_s {
    wgw_fleet_t             *fleet;
    wgw_store_t           *(*open)(ngx_log_t *log);
    const char              *path;
    const wgw_record_rules_t *rules;
    wgw_herald_stats_t      *stats;
    wgw_wire_t              *wire;
    wgw_store_t             *store;
    wgw_gazette_t            gazette;
    ngx_event_t              timer;
    ngx_event_t              soon;
    ngx_fd_t                 lock;

    wgw_follow_state_t       state;
    herald_phase_t           phase;
    herald_batch_t          *batch;     /* the one that is being made */
    uint64_t                 serial;    /* of the connection */
    uint64_t                 next;      /* ms: it is looked after again */
    uint64_t                 polled;    /* ms: Redis was, last */
    uint64_t                 forgot;    /* ms */
    uint64_t                 seen;      /* of the store, where nothing is left
                                           to tell */
    uint64_t                 version;   /* of the fleet, as last heard */
    ngx_uint_t               unsaved;   /* entries since the position was */
    uint64_t                 limit;     /* of versions */

    /* of a comparison */
    uint64_t                 live;      /* read meanwhile, up to this */
    uint64_t                 told;      /* the state's, when it began */
    size_t                   len;       /* of the name that it has come to */
    char                     name[WGW_NAME_MAX];
    size_t                   cursor_len;
    char                     cursor[WGW_GAZETTE_CURSOR];

    size_t                   told_len;  /* the last of the outbox */
    char                     told_name[WGW_NAME_MAX];
    size_t                   forget_len;
    char                     forget_name[WGW_NAME_MAX];

    size_t                   origin_len;
    char                     origin[HERALD_ORIGIN];
    char                     epoch[WGW_FOLLOW_EPOCH];   /* of now */

    unsigned                 started:1;
    unsigned                 busy:1;
    unsigned                 doubt:1;   /* what was told may have arrived */
    unsigned                 within:1;  /* `epoch` is known */
    unsigned                 fills:1;   /* the fleet is told what it lacks,
                                           until a comparison has ended */
    unsigned                 moved:1;   /* there is more to read at once */
    unsigned                 telling:1; /* that was the last thing */
    unsigned                 failing:1; /* it was said */
    unsigned                 doubled:1; /* another has our name: was said */
    unsigned                 again:1;   /* the state's, when it was started */
    unsigned                 refused:1; /* something was, in a comparison */
};


/* Goes on, if nothing is waited for. */
void wgw_herald_step(herald_t *h);

/* After a second: what failed is said once. */
void wgw_herald_failed(herald_t *h, const char *what, wgw_text_t why);

/* 0, or -1: nothing was sent, nor will be called. */
int wgw_herald_send(herald_t *h, const wgw_text_t *args, int n,
    wgw_wire_reply_pt reply);

/*
 * What every function of a reply begins with: 0, or -1 where it is none; then
 * the batch is gone, and it will be gone on with.
 */
int wgw_herald_reply(herald_t *h, const struct redisReply *reply);

/* 1, or 0: there is something wrong with it, which was said. */
ngx_uint_t wgw_herald_sound(herald_t *h, const wgw_gazette_head_t *head);

/* A reply was of another epoch, or of none: Redis is asked anew, soon. */
void wgw_herald_elsewhere(herald_t *h);

/* Another epoch is the fleet's, or it has less than it had. */
void wgw_herald_compare_all(herald_t *h, ngx_uint_t fills);


/* tell: 1: it was begun; 0: there is nothing to tell */
ngx_uint_t wgw_herald_tell(herald_t *h);

/* read */
void wgw_herald_news(herald_t *h);
void wgw_herald_compare(herald_t *h);
void wgw_herald_scan(herald_t *h);


/* batch: NULL, as wgw_herald_failed() has said */
herald_batch_t *wgw_herald_batch(herald_t *h);

/* The same in a look at the store, which the caller ends. */
herald_batch_t *wgw_herald_look(herald_t *h);

/* An operation, with copies of the row's texts; NULL: no memory. */
herald_op_t *wgw_herald_op(herald_batch_t *batch, herald_kind_t kind,
    const wgw_follow_row_t *row, uint64_t seq);

/* Has it made, if there is something to make, and goes on after that. */
void wgw_herald_make(herald_t *h);
void wgw_herald_drop(herald_t *h);

/* Before the first of all, and now and then. */
void wgw_herald_begin(herald_t *h);
void wgw_herald_forget(herald_t *h);


#pragma GCC visibility pop

#endif /* WGW_HERALD_PARTS_H */
