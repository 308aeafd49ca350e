
/*
 * contents: see contents.h.
 */

#include "claims/contents.h"

#include "crypto/hash.h"


#define CONTENTS_WAYS  4
#define CONTENTS_SETS  (WGW_CONTENTS / CONTENTS_WAYS)


typedef struct {
    uint32_t          tag[CONTENTS_WAYS];
    wgw_content_t    *content[CONTENTS_WAYS];
} contents_set_t;


static void contents_forget(void);
static wgw_content_t **contents_slot(wgw_text_t text);
static wgw_content_t **contents_enter(wgw_text_t text, const wgw_cid_t *cid);
static contents_set_t *contents_set(wgw_text_t text, uint32_t *tag);
static void contents_look(wgw_claims_t *claims, wgw_content_t **slot,
    ngx_log_t *log);
static ngx_int_t contents_refresh(wgw_claims_t *claims, wgw_store_t *store,
    wgw_content_t **slot, ngx_log_t *log);


static contents_set_t     contents[CONTENTS_SETS];
static uint64_t           contents_seed[WGW_HASH_SEED / 8];

/* where they were looked up */
static wgw_store_t       *contents_store;

/* what is in them points to this one's zones */
static volatile ngx_cycle_t  *contents_cycle;


ngx_int_t
wgw_contents_find(wgw_claims_t *claims, wgw_text_t text,
    wgw_content_t **content, ngx_log_t *log)
{
    wgw_cid_t        cid;
    wgw_content_t  **slot, *found;

    if (contents_cycle != ngx_cycle) {
        contents_forget();
    }

    if (text.len == 0 || text.len > WGW_CID_TEXT_MAX) {
        return NGX_DECLINED;
    }

    slot = contents_slot(text);

    if (slot == NULL) {

        if (wgw_cid_read(&cid, text) != 0) {
            return NGX_DECLINED;
        }

        slot = contents_enter(text, &cid);
        if (slot == NULL) {
            return NGX_ERROR;
        }
    }

    found = *slot;

    if (found->id && found->id == wgw_store_id(contents_store)) {
        *content = found;
        return NGX_OK;
    }

    contents_look(claims, slot, log);
    *content = *slot;

    return NGX_OK;
}


/* At first, and after a reload without processes of its own. */

static void
contents_forget(void)
{
    ngx_uint_t  i, k;

    for (i = 0; i < CONTENTS_SETS; i++) {

        for (k = 0; k < CONTENTS_WAYS; k++) {

            if (contents[i].content[k]) {
                wgw_content_release(contents[i].content[k]);
                contents[i].content[k] = NULL;
            }
        }
    }

    for (i = 0; i < WGW_HASH_SEED; i++) {
        ((uint8_t *) contents_seed)[i] = (uint8_t) (ngx_random() >> 8);
    }

    contents_cycle = ngx_cycle;
}


/* The place of an entry, or NULL; the one asked for last is in front. */

static wgw_content_t **
contents_slot(wgw_text_t text)
{
    uint32_t         tag;
    ngx_uint_t       i;
    wgw_content_t   *found;
    contents_set_t  *set;

    set = contents_set(text, &tag);

    for (i = 0; i < CONTENTS_WAYS; i++) {
        found = set->content[i];

        if (set->tag[i] != tag || found == NULL
            || !wgw_text_equal(found->text, text))
        {
            continue;
        }

        if (i) {
            set->content[i] = set->content[i - 1];
            set->tag[i] = set->tag[i - 1];
            set->content[i - 1] = found;
            set->tag[i - 1] = tag;
            i--;
        }

        return &set->content[i];
    }

    return NULL;
}


/* A new one, in place of the last of its set; NULL: no memory. */

static wgw_content_t **
contents_enter(wgw_text_t text, const wgw_cid_t *cid)
{
    uint32_t         tag;
    wgw_content_t   *made;
    contents_set_t  *set;

    made = wgw_content_create(text, cid);
    if (made == NULL) {
        return NULL;
    }

    set = contents_set(text, &tag);

    if (set->content[CONTENTS_WAYS - 1]) {
        wgw_content_release(set->content[CONTENTS_WAYS - 1]);
    }

    set->content[CONTENTS_WAYS - 1] = made;
    set->tag[CONTENTS_WAYS - 1] = tag;

    return &set->content[CONTENTS_WAYS - 1];
}


/*
 * A CID ends with a digest.  Who makes some that meet slows himself down: a
 * word of a product is as good as a hash.
 */

static contents_set_t *
contents_set(wgw_text_t text, uint32_t *tag)
{
    uint64_t  first, last, word;

    if (text.len < 2 * sizeof(uint64_t)) {
        word = wgw_hash((uint8_t *) contents_seed, text.data, text.len);

    } else {
        ngx_memcpy(&first, text.data + text.len - 16, sizeof(uint64_t));
        ngx_memcpy(&last, text.data + text.len - 8, sizeof(uint64_t));

        word = ((first ^ contents_seed[0]) * (contents_seed[1] | 1))
               ^ ((last ^ contents_seed[1]) * (contents_seed[0] | 1));
    }

    *tag = (uint32_t) (word >> 32);

    return &contents[(word >> 20) % CONTENTS_SETS];
}


/* At the store: an entry whose stamps are the same stays as it is. */

static void
contents_look(wgw_claims_t *claims, wgw_content_t **slot, ngx_log_t *log)
{
    uint64_t            id;
    ngx_int_t           rc;
    wgw_store_t        *store;
    wgw_store_error_t   error;

    rc = NGX_ERROR;
    id = 0;

    store = wgw_claims_store(claims, log);

    if (store && wgw_store_begin(store, &id, &error) != WGW_STORE_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0, "claims: %s", error.text);
        store = NULL;
    }

    if (store) {
        rc = contents_refresh(claims, store, slot, log);
        wgw_store_end(store);
    }

    if (rc == NGX_OK) {
        contents_store = store;
        (*slot)->id = id;

    } else {
        (*slot)->id = 0;
        (*slot)->n = 0;
    }
}


static ngx_int_t
contents_refresh(wgw_claims_t *claims, wgw_store_t *store,
    wgw_content_t **slot, ngx_log_t *log)
{
    wgw_content_t       *content;
    wgw_store_error_t    error;
    wgw_claim_stamps_t   stamps;

    content = *slot;

    if (wgw_claim_rows_stamps(store, content->cid.multihash, &stamps, &error)
        != WGW_STORE_OK)
    {
        ngx_log_error(NGX_LOG_ERR, log, 0, "claims: %s", error.text);
        return NGX_ERROR;
    }

    if (content->id
        && ngx_memcmp(&content->stamps, &stamps, sizeof(stamps)) == 0)
    {
        return NGX_OK;
    }

    /* chains are filled in once: they may be held */

    if (content->chains) {
        content = wgw_content_create(content->text, &content->cid);
        if (content == NULL) {
            return NGX_ERROR;
        }

        wgw_content_release(*slot);
        *slot = content;
    }

    content->stamps = stamps;

    return wgw_content_fill(claims, store, content, log);
}
