
/*
 * health: which backends failed lately, for all workers.
 *
 * A small table in shared memory, one 64-bit word a backend: tag, failures,
 * time.  It is lossy: two backends may share a word, and then the later one
 * has it; what is lost is a failure that the next request finds again.  As
 * in nginx's own balancer a backend with max_fails failures is left alone
 * for fail_timeout, then one request, of one worker, tries it.
 */

#ifndef WGW_HEALTH_H
#define WGW_HEALTH_H


#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)


#define WGW_HEALTH_WORDS  8192


typedef struct {
    uint64_t     words[WGW_HEALTH_WORDS];       /* all zero at first */
} wgw_health_t;


typedef struct {
    uint32_t     max_fails;     /* 0: never left alone */
    uint32_t     fail_timeout;  /* seconds */
} wgw_health_conf_t;


/* `backend` is a hash of its address; `now` in seconds. */

/* 1 if a request may go there. */
int wgw_health_try(wgw_health_t *health, const wgw_health_conf_t *conf,
    uint64_t backend, uint32_t now);

void wgw_health_failed(wgw_health_t *health, uint64_t backend, uint32_t now);

/* How many failures it has had in a row, and the time of the last one. */
uint32_t wgw_health_look(wgw_health_t *health, uint64_t backend,
    uint32_t *time);

/* After a success; costs one load when there was no failure. */
void wgw_health_worked(wgw_health_t *health, uint64_t backend);


#pragma GCC visibility pop

#endif /* WGW_HEALTH_H */
