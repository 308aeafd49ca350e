
/*
 * Failed backends: left alone, tried by one, forgotten.
 */

#include "t/unit/tap.h"
#include "route/health.h"


#define BACKEND  0x1234567890abcdefULL
#define SHARED   (BACKEND + WGW_HEALTH_WORDS)
#define OTHER    (0xffff000000000000ULL | (BACKEND & 0xffffffffffffULL))


static wgw_health_t             health;
static const wgw_health_conf_t  conf = { .max_fails = 2, .fail_timeout = 10 };


int
main(void)
{
    wgw_health_conf_t  never = { .max_fails = 0, .fail_timeout = 10 };

    ok(wgw_health_try(&health, &conf, BACKEND, 100), "unknown: tried");

    wgw_health_failed(&health, BACKEND, 100);
    ok(wgw_health_try(&health, &conf, BACKEND, 100), "one failure of two");

    wgw_health_failed(&health, BACKEND, 101);
    ok(!wgw_health_try(&health, &conf, BACKEND, 101), "two: left alone");
    ok(!wgw_health_try(&health, &conf, BACKEND, 111), "until the pause ends");
    ok(wgw_health_try(&health, &never, BACKEND, 101), "max_fails=0: never");

    ok(wgw_health_try(&health, &conf, BACKEND, 112), "then one tries it");
    ok(!wgw_health_try(&health, &conf, BACKEND, 112), "and nobody else");

    wgw_health_failed(&health, BACKEND, 113);
    ok(!wgw_health_try(&health, &conf, BACKEND, 122), "it failed: a pause");

    ok(wgw_health_try(&health, &conf, BACKEND, 124), "the next try");
    wgw_health_worked(&health, BACKEND);
    ok(wgw_health_try(&health, &conf, BACKEND, 124), "it worked: forgotten");

    wgw_health_failed(&health, BACKEND, 200);
    ok(wgw_health_try(&health, &conf, BACKEND, 200), "counted from one again");
    wgw_health_failed(&health, BACKEND, 200);

    ok(wgw_health_try(&health, &conf, BACKEND, 100),
       "a clock that was set back ends the pause");

    wgw_health_failed(&health, BACKEND, 300);
    wgw_health_failed(&health, BACKEND, 300);

    ok(wgw_health_try(&health, &conf, OTHER, 300),
       "another backend with the same word is not taken for it");

    wgw_health_worked(&health, OTHER);
    ok(!wgw_health_try(&health, &conf, BACKEND, 300),
       "nor does its success count for this one");

    wgw_health_failed(&health, OTHER, 300);
    ok(wgw_health_try(&health, &conf, BACKEND, 300),
       "the later failure has the word");

    ok(wgw_health_try(&health, &conf, SHARED, 300), "other words: untouched");

    return done();
}
