
#include <string.h>

#include "store/mark.h"
#include "store/number.h"


#define MARK_SIZE  (WGW_MARK_TOKEN + 4 + 1 + 8 + 8)


static const MDB_val  mark_key = { sizeof("replace") - 1, "replace" };


int
wgw_mark_get(wgw_env_t *env, MDB_txn *txn, wgw_mark_t *mark)
{
    int             err;
    MDB_val         key, value;
    const uint8_t  *p;

    key = mark_key;

    err = mdb_get(txn, env->dbs[WGW_STORE_META], &key, &value);
    if (err) {
        return err;
    }

    if (value.mv_size != MARK_SIZE) {
        return MDB_CORRUPTED;
    }

    p = value.mv_data;

    memcpy(mark->token, p, WGW_MARK_TOKEN);
    p += WGW_MARK_TOKEN;

    mark->pid = (uint32_t) wgw_number_get(p, 4);
    mark->filling = p[4];
    mark->common = wgw_number_get(p + 5, 8);
    mark->differ = wgw_number_get(p + 13, 8);

    return 0;
}


int
wgw_mark_put(wgw_env_t *env, MDB_txn *txn, const wgw_mark_t *mark)
{
    MDB_val   key, value;
    uint8_t  *p, bytes[MARK_SIZE];

    memcpy(bytes, mark->token, WGW_MARK_TOKEN);

    p = wgw_number_put(bytes + WGW_MARK_TOKEN, mark->pid, 4);
    p = wgw_number_put(p, mark->filling, 1);
    p = wgw_number_put(p, mark->common, 8);
    wgw_number_put(p, mark->differ, 8);

    key = mark_key;
    value.mv_data = bytes;
    value.mv_size = MARK_SIZE;

    return mdb_put(txn, env->dbs[WGW_STORE_META], &key, &value, 0);
}


int
wgw_mark_delete(wgw_env_t *env, MDB_txn *txn)
{
    MDB_val  key;

    key = mark_key;

    return mdb_del(txn, env->dbs[WGW_STORE_META], &key, NULL);
}
