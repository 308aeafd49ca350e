
/*
 * mend: a table that was left by processes that were killed, or by a machine
 * that lost power.
 */

#ifndef WGW_MEND_H
#define WGW_MEND_H


#include "table/table.h"

#pragma GCC visibility push(hidden)


/*
 * Only while no other process uses the memory.  Releases what killed
 * processes held and, when `rebuild` is not 0 (the machine lost power, so
 * pages may be of different times), builds the index anew from the records
 * that are whole.  Records of one key become one.  Returns the number of
 * records that had lost their key: WGW_TABLE_OTHER gets what they counted.
 */
uint32_t wgw_table_repair(wgw_table_t *table, int rebuild);


#pragma GCC visibility pop

#endif /* WGW_MEND_H */
