
/*
 * dump: a journal as lines of JSON, without a database.
 */

#ifndef WGW_LEDGER_DUMP_H
#define WGW_LEDGER_DUMP_H


#include "ledger/ledger.h"


int dump_print(const char *dir);


#endif /* WGW_LEDGER_DUMP_H */
