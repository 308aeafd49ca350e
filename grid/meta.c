
#include <stdlib.h>
#include <string.h>

#include "grid/grid.h"
#include "grid/meta.h"
#include "program/memory.h"


#define META_MAGIC    0x6174656d        /* "meta" */
#define META_VERSION  14


struct grid_meta_s {
    uint8_t         *data;
    size_t           len;
    const uint8_t  **types;             /* where each begins */
    size_t           ntypes;
    const uint8_t   *pallets;
    const uint8_t   *extrinsic;
};


static int meta_types(grid_meta_t *meta, grid_scale_t *s);
static void meta_skip_head(grid_scale_t *s);
static void meta_skip_kind(grid_scale_t *s);
static void meta_skip_fields(grid_scale_t *s);
static void meta_skip_texts(grid_scale_t *s);
static void meta_skip_pallet(grid_scale_t *s);
static void meta_skip_storage(grid_scale_t *s);
static void meta_skip_option(grid_scale_t *s);
static int meta_pallet(const grid_meta_t *meta, const char *pallet,
    grid_scale_t *s);
static int meta_entry(grid_scale_t *s, const char *item,
    grid_storage_t *storage);
static void meta_variant_text(const grid_meta_t *meta, grid_scale_t *s,
    wgw_out_t *out, unsigned depth);
static void meta_fields_text(const grid_meta_t *meta, grid_scale_t *s,
    wgw_out_t *out, unsigned depth);
static void meta_tuple_text(const grid_meta_t *meta, grid_scale_t *s,
    wgw_out_t *out, unsigned depth);
static void meta_text(const grid_meta_t *meta, uint32_t type,
    wgw_out_t *out, unsigned depth);
static void meta_out(wgw_out_t *out, wgw_text_t text);
static int meta_is(wgw_text_t text, const char *name);


static const char  *const meta_primitives[] = {
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "u256",
    "i8", "i16", "i32", "i64", "i128", "i256"
};


/* ---- the document */

grid_meta_t *
grid_meta_read(const uint8_t *data, size_t len)
{
    uint64_t       n;
    grid_meta_t   *meta;
    grid_scale_t   s;

    meta = wgw_alloc(sizeof(grid_meta_t));
    meta->data = wgw_alloc(len);
    meta->len = len;
    memcpy(meta->data, data, len);

    grid_scale_init(&s, meta->data, len);

    if (grid_scale_uint(&s, 4) != META_MAGIC
        || grid_scale_uint(&s, 1) != META_VERSION
        || meta_types(meta, &s) != 0)
    {
        grid_meta_free(meta);
        return NULL;
    }

    meta->pallets = s.p;

    for (n = grid_scale_count(&s); n && !s.bad; n--) {
        meta_skip_pallet(&s);
    }

    meta->extrinsic = s.p;

    (void) grid_scale_compact(&s);
    (void) grid_scale_uint(&s, 1);

    for (n = grid_scale_count(&s); n && !s.bad; n--) {
        (void) grid_scale_text(&s);
        (void) grid_scale_compact(&s);
        (void) grid_scale_compact(&s);
    }

    (void) grid_scale_compact(&s);      /* the runtime itself */

    if (s.bad || s.p != s.end) {
        grid_meta_free(meta);
        return NULL;
    }

    return meta;
}


void
grid_meta_free(grid_meta_t *meta)
{
    if (meta) {
        free(meta->types);
        free(meta->data);
        free(meta);
    }
}


static int
meta_types(grid_meta_t *meta, grid_scale_t *s)
{
    size_t  i;

    meta->ntypes = grid_scale_count(s);
    meta->types = wgw_alloc(meta->ntypes * sizeof(uint8_t *));

    for (i = 0; i < meta->ntypes && !s->bad; i++) {

        if (grid_scale_compact(s) != i) {
            return -1;
        }

        meta->types[i] = s->p;

        meta_skip_head(s);
        meta_skip_kind(s);
        meta_skip_texts(s);
    }

    return s->bad ? -1 : 0;
}


/* The path and the parameters of a type. */

static void
meta_skip_head(grid_scale_t *s)
{
    uint64_t  n;

    meta_skip_texts(s);

    for (n = grid_scale_count(s); n && !s->bad; n--) {
        (void) grid_scale_text(s);
        meta_skip_option(s);
    }
}


static void
meta_skip_kind(grid_scale_t *s)
{
    uint64_t  n;

    switch (grid_scale_uint(s, 1)) {

    case GRID_META_COMPOSITE:
        meta_skip_fields(s);
        break;

    case GRID_META_VARIANT:
        for (n = grid_scale_count(s); n && !s->bad; n--) {
            (void) grid_scale_text(s);
            meta_skip_fields(s);
            (void) grid_scale_uint(s, 1);
            meta_skip_texts(s);
        }

        break;

    case GRID_META_ARRAY:
        (void) grid_scale_uint(s, 4);
        (void) grid_scale_compact(s);
        break;

    case GRID_META_TUPLE:
        for (n = grid_scale_count(s); n && !s->bad; n--) {
            (void) grid_scale_compact(s);
        }

        break;

    case GRID_META_PRIMITIVE:
        s->bad |= grid_scale_uint(s, 1) >= grid_count(meta_primitives);
        break;

    case GRID_META_BITS:
        (void) grid_scale_compact(s);
        (void) grid_scale_compact(s);
        break;

    case GRID_META_SEQUENCE:
    case GRID_META_COMPACT:
        (void) grid_scale_compact(s);
        break;

    default:
        s->bad = 1;
    }
}


void
grid_meta_field(grid_scale_t *s, grid_meta_field_t *field)
{
    field->name = wgw_text("");

    if (grid_scale_uint(s, 1)) {
        field->name = grid_scale_text(s);
    }

    field->type = (uint32_t) grid_scale_compact(s);

    if (grid_scale_uint(s, 1)) {
        (void) grid_scale_text(s);
    }

    meta_skip_texts(s);
}


static void
meta_skip_fields(grid_scale_t *s)
{
    uint64_t      n;
    grid_meta_field_t  field;

    for (n = grid_scale_count(s); n && !s->bad; n--) {
        grid_meta_field(s, &field);
    }
}


static void
meta_skip_texts(grid_scale_t *s)
{
    uint64_t  n;

    for (n = grid_scale_count(s); n && !s->bad; n--) {
        (void) grid_scale_text(s);
    }
}


static void
meta_skip_option(grid_scale_t *s)
{
    if (grid_scale_uint(s, 1)) {
        (void) grid_scale_compact(s);
    }
}


static void
meta_skip_pallet(grid_scale_t *s)
{
    uint64_t  n;

    (void) grid_scale_text(s);
    meta_skip_storage(s);
    meta_skip_option(s);                /* calls */
    meta_skip_option(s);                /* events */

    for (n = grid_scale_count(s); n && !s->bad; n--) {
        (void) grid_scale_text(s);
        (void) grid_scale_compact(s);
        (void) grid_scale_text(s);
        meta_skip_texts(s);
    }

    meta_skip_option(s);                /* errors */
    (void) grid_scale_uint(s, 1);
}


static void
meta_skip_storage(grid_scale_t *s)
{
    uint64_t        n;
    grid_storage_t  storage;

    if (grid_scale_uint(s, 1) == 0) {
        return;
    }

    (void) grid_scale_text(s);

    for (n = grid_scale_count(s); n && !s->bad; n--) {
        (void) meta_entry(s, "", &storage);
    }
}


/* 1 when it is that one; what is no map of one part has map 0 or -1. */

static int
meta_entry(grid_scale_t *s, const char *item, grid_storage_t *storage)
{
    uint64_t        n;
    wgw_text_t      name;
    const uint8_t  *hashers;

    name = grid_scale_text(s);
    (void) grid_scale_uint(s, 1);
    storage->map = (int) grid_scale_uint(s, 1);

    if (storage->map) {
        n = grid_scale_compact(s);
        hashers = grid_scale_bytes(s, n);
        storage->key = (uint32_t) grid_scale_compact(s);
        storage->map = n == 1 ? 1 : -1;

        if (hashers && n == 1) {
            storage->hash = (grid_hash_t) hashers[0];
        }
    }

    storage->value = (uint32_t) grid_scale_compact(s);

    (void) grid_scale_text(s);
    meta_skip_texts(s);

    return !s->bad && meta_is(name, item);
}


/* The reader is left behind the pallet's name. */

static int
meta_pallet(const grid_meta_t *meta, const char *pallet, grid_scale_t *s)
{
    uint64_t      n;
    grid_scale_t  here;

    grid_scale_init(s, meta->pallets,
                    (size_t) (meta->data + meta->len - meta->pallets));

    for (n = grid_scale_count(s); n && !s->bad; n--) {
        here = *s;

        if (meta_is(grid_scale_text(&here), pallet)) {
            *s = here;
            return 1;
        }

        meta_skip_pallet(s);
    }

    return 0;
}


int
grid_meta_storage(const grid_meta_t *meta, const char *pallet,
    const char *item, grid_storage_t *storage)
{
    uint64_t      n;
    wgw_text_t    prefix;
    grid_scale_t  s;

    if (!meta_pallet(meta, pallet, &s) || grid_scale_uint(&s, 1) == 0) {
        return 0;
    }

    prefix = grid_scale_text(&s);

    for (n = grid_scale_count(&s); n && !s.bad; n--) {
        if (meta_entry(&s, item, storage)) {
            storage->prefix = prefix;
            return 1;
        }
    }

    return 0;
}


/* ---- types */

size_t
grid_meta_primitive(uint64_t primitive)
{
    static const uint8_t  sizes[] = {
        1, 4, 0, 1, 2, 4, 8, 16, 32, 1, 2, 4, 8, 16, 32
    };

    return primitive < grid_count(sizes) ? sizes[primitive] : 0;
}


grid_meta_kind_t
grid_meta_kind(const grid_meta_t *meta, uint32_t type, grid_scale_t *s)
{
    if (type >= meta->ntypes) {
        grid_scale_init(s, meta->data, 0);
        return GRID_META_NONE;
    }

    grid_scale_init(s, meta->types[type],
                    (size_t) (meta->data + meta->len - meta->types[type]));
    meta_skip_head(s);

    return (grid_meta_kind_t) grid_scale_uint(s, 1);
}


/* Of this name, or of this index when `name` is NULL. */

int
grid_meta_variant(grid_scale_t *s, const char *name, uint8_t *index,
    wgw_text_t *found, grid_scale_t *fields)
{
    uint8_t   i;
    uint64_t  n;

    for (n = grid_scale_count(s); n && !s->bad; n--) {
        *found = grid_scale_text(s);
        *fields = *s;

        meta_skip_fields(s);
        i = (uint8_t) grid_scale_uint(s, 1);
        meta_skip_texts(s);

        if (name ? meta_is(*found, name) : i == *index) {
            *index = i;
            return !s->bad;
        }
    }

    return 0;
}


int
grid_meta_call(const grid_meta_t *meta, const char *pallet,
    const char *call, uint8_t index[2], wgw_out_t *out)
{
    uint64_t      n, type;
    wgw_text_t    name;
    grid_scale_t  s, t, fields;

    if (!meta_pallet(meta, pallet, &s)) {
        return 0;
    }

    meta_skip_storage(&s);

    if (grid_scale_uint(&s, 1) == 0) {
        return 0;
    }

    type = grid_scale_compact(&s);
    meta_skip_option(&s);

    for (n = grid_scale_count(&s); n && !s.bad; n--) {
        (void) grid_scale_text(&s);
        (void) grid_scale_compact(&s);
        (void) grid_scale_text(&s);
        meta_skip_texts(&s);
    }

    meta_skip_option(&s);
    index[0] = (uint8_t) grid_scale_uint(&s, 1);

    if (grid_meta_kind(meta, (uint32_t) type, &t) != GRID_META_VARIANT
        || !grid_meta_variant(&t, call, &index[1], &name, &fields))
    {
        return 0;
    }

    meta_fields_text(meta, &fields, out, 0);

    return 1;
}


int
grid_meta_extension(const grid_meta_t *meta, size_t i,
    grid_extension_t *extension)
{
    uint64_t      n;
    grid_scale_t  s;

    grid_scale_init(&s, meta->extrinsic,
                    (size_t) (meta->data + meta->len - meta->extrinsic));

    (void) grid_scale_compact(&s);
    (void) grid_scale_uint(&s, 1);

    for (n = grid_scale_count(&s); n && !s.bad; n--) {
        extension->name = grid_scale_text(&s);
        extension->extra = (uint32_t) grid_scale_compact(&s);
        extension->additional = (uint32_t) grid_scale_compact(&s);

        if (i-- == 0) {
            return !s.bad;
        }
    }

    return 0;
}


unsigned
grid_meta_version(const grid_meta_t *meta)
{
    grid_scale_t  s;

    grid_scale_init(&s, meta->extrinsic,
                    (size_t) (meta->data + meta->len - meta->extrinsic));

    (void) grid_scale_compact(&s);

    return (unsigned) grid_scale_uint(&s, 1);
}


/* A parameter of the extrinsic's type. */

int
grid_meta_extrinsic(const grid_meta_t *meta, const char *part,
    uint32_t *type)
{
    int           found;
    uint64_t      n, of;
    grid_scale_t  s;

    grid_scale_init(&s, meta->extrinsic,
                    (size_t) (meta->data + meta->len - meta->extrinsic));
    of = grid_scale_compact(&s);

    if (of >= meta->ntypes) {
        return 0;
    }

    grid_scale_init(&s, meta->types[of],
                    (size_t) (meta->data + meta->len - meta->types[of]));
    meta_skip_texts(&s);

    for (n = grid_scale_count(&s); n && !s.bad; n--) {
        found = meta_is(grid_scale_text(&s), part);

        if (grid_scale_uint(&s, 1)) {
            *type = (uint32_t) grid_scale_compact(&s);

            if (found) {
                return !s.bad;
            }
        }
    }

    return 0;
}


void
grid_meta_type(const grid_meta_t *meta, uint32_t type, wgw_out_t *out)
{
    meta_text(meta, type, out, 0);
}


static void
meta_text(const grid_meta_t *meta, uint32_t type, wgw_out_t *out,
    unsigned depth)
{
    grid_meta_kind_t   kind;
    uint64_t      n;
    grid_scale_t  s;

    kind = grid_meta_kind(meta, type, &s);

    if (depth > GRID_META_DEPTH || out->overflow) {
        out->overflow = 1;
        return;
    }

    switch (kind) {

    case GRID_META_COMPOSITE:
        meta_fields_text(meta, &s, out, depth);
        break;

    case GRID_META_VARIANT:
        meta_variant_text(meta, &s, out, depth);
        break;

    case GRID_META_SEQUENCE:
        wgw_out_str(out, "[");
        meta_text(meta, (uint32_t) grid_scale_compact(&s), out, depth + 1);
        wgw_out_str(out, "]");
        break;

    case GRID_META_ARRAY:
        n = grid_scale_uint(&s, 4);
        wgw_out_str(out, "[");
        meta_text(meta, (uint32_t) grid_scale_compact(&s), out, depth + 1);
        wgw_out_str(out, ";");
        wgw_out_uint(out, n);
        wgw_out_str(out, "]");
        break;

    case GRID_META_TUPLE:
        meta_tuple_text(meta, &s, out, depth);
        break;

    case GRID_META_PRIMITIVE:
        wgw_out_str(out, meta_primitives[grid_scale_uint(&s, 1)]);
        break;

    case GRID_META_COMPACT:
        wgw_out_str(out, "compact ");
        meta_text(meta, (uint32_t) grid_scale_compact(&s), out, depth + 1);
        break;

    case GRID_META_BITS:
        wgw_out_str(out, "bits");
        break;

    default:
        wgw_out_str(out, "?");
    }
}


static void
meta_tuple_text(const grid_meta_t *meta, grid_scale_t *s, wgw_out_t *out,
    unsigned depth)
{
    uint64_t     n;
    const char  *comma;

    comma = "";
    wgw_out_str(out, "(");

    for (n = grid_scale_count(s); n && !s->bad && !out->overflow; n--) {
        wgw_out_str(out, comma);
        meta_text(meta, (uint32_t) grid_scale_compact(s), out, depth + 1);
        comma = ",";
    }

    wgw_out_str(out, ")");
}


static void
meta_fields_text(const grid_meta_t *meta, grid_scale_t *s, wgw_out_t *out,
    unsigned depth)
{
    int            alone;
    uint64_t       n;
    const char    *comma;
    grid_scale_t   ahead;
    grid_meta_field_t   field;

    n = grid_scale_count(s);
    comma = "";
    alone = 0;

    if (n == 0) {
        wgw_out_str(out, "()");
        return;
    }

    if (n == 1) {
        ahead = *s;
        grid_meta_field(&ahead, &field);
        alone = field.name.len == 0;
    }

    wgw_out_str(out, alone ? "" : "{");

    for ( /* void */ ; n && !s->bad && !out->overflow; n--) {
        grid_meta_field(s, &field);

        wgw_out_str(out, comma);
        meta_out(out, field.name);
        wgw_out_str(out, field.name.len ? ":" : "");
        meta_text(meta, field.type, out, depth + 1);
        comma = ",";
    }

    wgw_out_str(out, alone ? "" : "}");
}


/* Their numbers go without saying where they are 0, 1, 2 ... */

static void
meta_variant_text(const grid_meta_t *meta, grid_scale_t *s, wgw_out_t *out,
    unsigned depth)
{
    uint64_t       n, i, index;
    wgw_text_t     name;
    grid_scale_t   fields, ahead;

    n = grid_scale_count(s);
    wgw_out_str(out, "<");

    for (i = 0; i < n && !s->bad && !out->overflow; i++) {
        name = grid_scale_text(s);
        fields = *s;

        meta_skip_fields(s);
        index = grid_scale_uint(s, 1);
        meta_skip_texts(s);

        wgw_out_str(out, i ? "|" : "");
        meta_out(out, name);

        if (index != i) {
            wgw_out_str(out, "=");
            wgw_out_uint(out, index);
        }

        ahead = fields;

        if (grid_scale_count(&ahead)) {
            wgw_out_str(out, "(");
            meta_fields_text(meta, &fields, out, depth + 1);
            wgw_out_str(out, ")");
        }
    }

    wgw_out_str(out, ">");
}


static void
meta_out(wgw_out_t *out, wgw_text_t text)
{
    wgw_out_bytes(out, text.data, text.len);
}


static int
meta_is(wgw_text_t text, const char *name)
{
    return wgw_text_equal(text, (wgw_text_t) { name, strlen(name) });
}
