
/*
 * rfc3339: a date-time as seconds since 1970.
 *
 * RFC 3339, 5.6: 2026-01-02T03:04:05.678+02:00.  Accepted are T and Z in
 * either case, a fraction of 1 to 9 digits (dropped: the second is what has
 * begun), years 0000 to 9999, the offset -00:00, and second 60, which counts
 * as 59.  Refused is a day that the month does not have, hour 24, a missing
 * offset or one without colon, and a blank in place of the T.
 */

#ifndef WGW_RFC3339_H
#define WGW_RFC3339_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


/* The offset is applied.  Returns 0, or -1 for anything else. */
int wgw_rfc3339_parse(int64_t *seconds, wgw_text_t text);

/* 2026-01-02T03:04:05Z; nothing for what is in no year of four digits. */
void wgw_out_rfc3339(wgw_out_t *out, int64_t seconds);


#pragma GCC visibility pop

#endif /* WGW_RFC3339_H */
