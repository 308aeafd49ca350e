
#include "ledger/schema.h"

/* ledger/schema/N.sql as text of C, made by the Makefile */
#include <ledger_schema.h>


#define STEP(name)  { (const char *) (name), sizeof(name) }


const schema_step_t  schema_step[] = {
    STEP(schema_1),
};


const int  schema_steps = sizeof(schema_step) / sizeof(schema_step[0]);
