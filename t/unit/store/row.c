
/*
 * Rows with a version: put, changed, deleted.
 */

#include "t/unit/store/store.h"


static void
test_rows(void)
{
    wgw_store_t         *store;
    wgw_store_row_t      rows[3];
    wgw_store_counts_t   counts;

    store = fresh("rows");

    rows[0] = row(0, 1, 1);
    rows[1] = row(1, 1, 2);
    ok(wgw_row_write(store, WGW_ROWS, rows, 2, &counts, &error) == WGW_STORE_OK
       && counts.added == 2 && counts.changed == 0 && counts.deleted == 0,
       "rows: two are added");

    rows[0] = row(0, -1, 1);
    rows[1] = row(1, 2, 2);
    rows[2] = row(2, -1, 3);
    ok(wgw_row_write(store, WGW_ROWS, rows, 3, &counts, &error) == WGW_STORE_OK
       && counts.added == 0 && counts.changed == 1 && counts.deleted == 1,
       "one is deleted, one changed; deleting what is not there is nothing");
    ok(wgw_row_write(store, WGW_ROWS, rows, 3, &counts, &error) == WGW_STORE_OK
       && counts.added + counts.changed + counts.deleted == 0,
       "and the same again is nothing");
    ok(row_cap(store, 0) == -1 && row_cap(store, 1) == 2, "so it is there");

    rows[0] = row(0, 5, 1);
    rows[1] = row(1, 5, 2);
    rows[1].value.len = 15;
    ok(wgw_row_write(store, WGW_ROWS, rows, 2, &counts, &error)
       == WGW_STORE_FAILED,
       "one bad row: %s", error.text);
    ok(row_cap(store, 0) == -1 && row_cap(store, 1) == 2, "changes nothing");

    wgw_store_close();
}


int
main(void)
{
    if (mkdtemp(root) == NULL) {
        return 1;
    }

    test_rows();

    return done_in(root);
}
