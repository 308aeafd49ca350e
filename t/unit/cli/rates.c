
/*
 * rates: how fast keys move, from look to look, also over a restart of the
 * gateway that lost what they had counted.
 */

#include <stdio.h>
#include <string.h>

#include "cli/rates.h"

#include "t/unit/tap.h"


static cli_rates_t  rates;


static void
look(const char *text, double seconds)
{
    char      error[256];
    yajl_val  page;

    page = yajl_tree_parse(text, error, sizeof(error));
    ok(page != NULL, "a page");

    cli_rates_begin(&rates);
    cli_rates_look(&rates, page, seconds);
    yajl_tree_free(page);
}


static double
out(const char *key)
{
    size_t  i;

    for (i = 0; i < rates.n; i++) {
        if (strcmp(rates.keys[i]->key, key) == 0) {
            return rates.keys[i]->out;
        }
    }

    return -1;
}


int
main(void)
{
    look("{\"keys\":[{\"zone\":\"z\",\"key\":\"a\",\"sent\":100},"
         "{\"zone\":\"z\",\"key\":\"b\",\"sent\":100}]}", 0);
    ok(out("a") == 0 && out("b") == 0, "the first look knows no rate");

    look("{\"keys\":[{\"zone\":\"z\",\"key\":\"a\",\"sent\":300},"
         "{\"zone\":\"z\",\"key\":\"b\",\"sent\":500}]}", 2);
    ok(out("a") == 100 && out("b") == 200, "the second does");

    look("{\"keys\":[{\"zone\":\"z\",\"key\":\"b\",\"sent\":50}]}", 2);
    ok(out("a") == 0, "a key that is gone does not move on");
    ok(out("b") == 0, "nor one that counts anew");

    look("{\"keys\":[{\"zone\":\"z\",\"key\":\"b\",\"sent\":70}]}", 2);
    ok(out("b") == 10, "until it does");

    cli_rates_free(&rates);

    return done();
}
