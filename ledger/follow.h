
/*
 * follow: takes records from where they are, for ever or once.
 */

#ifndef WGW_LEDGER_FOLLOW_H
#define WGW_LEDGER_FOLLOW_H


#include "ledger/database.h"


/* LEDGER_ALARM with --once, when something is to be looked at. */
int follow(const ledger_t *ledger, database_t *db);


#endif /* WGW_LEDGER_FOLLOW_H */
