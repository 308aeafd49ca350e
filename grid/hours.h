
/*
 * hours: the gateway's hours, taken once each, from its archive
 * (GET /v1/usage?zone=hours&window=2026-10-31T23) into the state.
 *
 * An hour is known by its first second, and its file is written once and never
 * changed, so that hours adjoin and no byte is in two of them, whatever was
 * restarted meanwhile.  One that is taken is in the state with all its lines
 * and with the reports that follow, in one step; one that is not there (yet)
 * is asked for again: a gateway that was down writes what is missing after its
 * start.  Only hours before the current one are asked for, of the last
 * GRID_HOURS_BACK and from the last one that was taken on, so a clock that
 * leaps takes nothing that is not there; nor what such a leap left, which may
 * go on yet: the gateway does not know that hour then.
 *
 * A line is a key's in that hour.  Its workload's label, "7341-1234-mysite",
 * says which contract it is of; what has none, unknown hosts as well, is
 * nobody's: it is kept as a line of contract 0, and never reported.
 *
 * A report is a contract's bytes of an hour, both ways, if there are any.  Its
 * time is the hour's end, or one second after the contract's last report if
 * that was later: the chain takes no earlier one, and an equal one twice.
 * One of a twin that pays by a service contract is for that one.
 */

#ifndef WGW_GRID_HOURS_H
#define WGW_GRID_HOURS_H


#include "grid/gateway.h"
#include "grid/state.h"


#define GRID_HOUR        3600
#define GRID_HOURS_BACK  (40 * 24)


/* What becomes of a report. */
typedef enum {
    GRID_REPORT_WAITING = 0,
    GRID_REPORT_SENT,                   /* it is in a batch */
    GRID_REPORT_FINAL,
    GRID_REPORT_VOID,                   /* ... or cannot be any more: why */
    GRID_REPORT_SERVICE                 /* it is paid by a service contract */
} grid_report_state_t;


extern const grid_schema_t  grid_hours_schema;


/*
 * Takes what is there; `all` asks for hours that were missing long ago as
 * well.  GRID_OK, GRID_AWAY (the gateway does not answer), or GRID_FAILED.
 */
int grid_hours_take(grid_state_t *state, grid_gateway_t *gateway,
    const char *zone, int64_t now, int all);


#endif /* WGW_GRID_HOURS_H */
