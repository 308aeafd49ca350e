
/*
 * schema: the steps that make the database, ledger/schema/N.sql, one after
 * another.  One that was released is never changed: another one is added.
 */

#ifndef WGW_LEDGER_SCHEMA_H
#define WGW_LEDGER_SCHEMA_H


#include <stddef.h>


typedef struct {
    const char  *text;
    size_t       len;
} schema_step_t;


extern const int            schema_steps;
extern const schema_step_t  schema_step[];


#endif /* WGW_LEDGER_SCHEMA_H */
