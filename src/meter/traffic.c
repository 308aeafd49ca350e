
#include "meter/traffic.h"


#define TRAFFIC_NOTES  (WGW_TRAFFIC_STEPS + 2)


static int traffic_note(wgw_traffic_t *traffic, uint64_t step,
    wgw_traffic_sum_t *sum);
static void traffic_sum(wgw_traffic_t *traffic, wgw_traffic_sum_t *sum);
static void traffic_share(wgw_traffic_step_t *steps, uint64_t n,
    wgw_traffic_sum_t *from, wgw_traffic_sum_t *to);
static uint64_t traffic_part(uint64_t from, uint64_t to, uint64_t i,
    uint64_t n);


wgw_traffic_sum_t  wgw_traffic_own;


void
wgw_traffic_turn(wgw_traffic_t *traffic, uint64_t now)
{
    uint64_t             step, claimed;
    wgw_traffic_sum_t   *own, *sum;
    wgw_traffic_note_t  *note;

    step = now / WGW_TRAFFIC_STEP;
    note = &traffic->notes[step % TRAFFIC_NOTES];
    claimed = __atomic_load_n(&note->claimed, __ATOMIC_RELAXED);

    /* before the sum grows by what may be of the step that begins */

    if (claimed != step
        && __atomic_compare_exchange_n(&note->claimed, &claimed, step, 0,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
    {
        __atomic_store_n(&note->step, 0, __ATOMIC_SEQ_CST);
        traffic_sum(traffic, &note->sum);
        __atomic_store_n(&note->step, step, __ATOMIC_RELEASE);
    }

    own = &wgw_traffic_own;
    sum = &traffic->sum;

    __atomic_fetch_add(&sum->sent, own->sent, __ATOMIC_RELAXED);
    __atomic_fetch_add(&sum->received, own->received, __ATOMIC_RELAXED);
    __atomic_fetch_add(&sum->requests, own->requests, __ATOMIC_RELAXED);

    *own = (wgw_traffic_sum_t) { 0, 0, 0 };
}


void
wgw_traffic_read(wgw_traffic_t *traffic, uint64_t now,
    wgw_traffic_step_t steps[WGW_TRAFFIC_STEPS])
{
    uint64_t           i, step, from;
    wgw_traffic_sum_t  last, sum;

    from = WGW_TRAFFIC_STEPS;       /* none is known */
    last = (wgw_traffic_sum_t) { 0, 0, 0 };
    step = now / WGW_TRAFFIC_STEP - WGW_TRAFFIC_STEPS + 1;

    for (i = 0; i <= WGW_TRAFFIC_STEPS; i++, step++) {

        if (i < WGW_TRAFFIC_STEPS) {
            steps[i] = (wgw_traffic_step_t) { step * WGW_TRAFFIC_STEP, 0,
                                              { 0, 0, 0 } };

            if (!traffic_note(traffic, step, &sum)) {
                continue;
            }

        } else {
            traffic_sum(traffic, &sum);
        }

        if (from < i) {
            traffic_share(&steps[from], i - from, &last, &sum);
        }

        from = i;
        last = sum;
    }
}


/* 1 and the note of a step, if there is one. */

static int
traffic_note(wgw_traffic_t *traffic, uint64_t step, wgw_traffic_sum_t *sum)
{
    wgw_traffic_note_t  *note;

    note = &traffic->notes[step % TRAFFIC_NOTES];

    if (__atomic_load_n(&note->step, __ATOMIC_ACQUIRE) != step) {
        return 0;
    }

    *sum = note->sum;

    __atomic_thread_fence(__ATOMIC_ACQUIRE);

    return __atomic_load_n(&note->step, __ATOMIC_RELAXED) == step;
}


static void
traffic_sum(wgw_traffic_t *traffic, wgw_traffic_sum_t *sum)
{
    sum->sent = __atomic_load_n(&traffic->sum.sent, __ATOMIC_RELAXED);
    sum->received = __atomic_load_n(&traffic->sum.received, __ATOMIC_RELAXED);
    sum->requests = __atomic_load_n(&traffic->sum.requests, __ATOMIC_RELAXED);
}


/* What came between two notes is of the `n` steps between, to the byte. */

static void
traffic_share(wgw_traffic_step_t *steps, uint64_t n, wgw_traffic_sum_t *from,
    wgw_traffic_sum_t *to)
{
    uint64_t            i;
    wgw_traffic_sum_t  *sum;

    /* notes of before and after the clock went back */

    if (to->sent < from->sent || to->received < from->received
        || to->requests < from->requests)
    {
        return;
    }

    for (i = 0; i < n; i++) {
        sum = &steps[i].sum;

        sum->sent = traffic_part(from->sent, to->sent, i, n);
        sum->received = traffic_part(from->received, to->received, i, n);
        sum->requests = traffic_part(from->requests, to->requests, i, n);

        steps[i].known = 1;
    }
}


static uint64_t
traffic_part(uint64_t from, uint64_t to, uint64_t i, uint64_t n)
{
    return (to - from) / n + (i < (to - from) % n ? 1 : 0);
}
