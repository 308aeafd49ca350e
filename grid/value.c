
#include <string.h>

#include "grid/value.h"


#define VALUE_STEPS  (1 << 20)


static int value_fields(grid_value_t *value, grid_scale_t *s);
static void value_skip(const grid_meta_t *meta, uint32_t type,
    grid_scale_t *data, unsigned depth);
static void value_skip_leaf(const grid_meta_t *meta, grid_meta_kind_t kind,
    grid_scale_t *s, grid_scale_t *data);
static void value_skip_fields(const grid_meta_t *meta, grid_scale_t *s,
    grid_scale_t *data, unsigned depth);
static void value_skip_many(const grid_meta_t *meta, uint32_t type,
    uint64_t n, grid_scale_t *data, unsigned depth);
static void value_skip_compact(grid_scale_t *data);
static void value_skip_bits(const grid_meta_t *meta, grid_scale_t *s,
    grid_scale_t *data);
static int value_byte(const grid_meta_t *meta, uint32_t type);


void
grid_value_init(grid_value_t *value, const grid_meta_t *meta, uint32_t type,
    const void *data, size_t len)
{
    value->meta = meta;
    value->type = type;
    grid_scale_init(&value->data, data, len);
}


/*
 * Goes into structures of one field without a name; then `s` is behind the
 * kind of what it is, which is returned.
 */

static int
value_fields(grid_value_t *value, grid_scale_t *s)
{
    unsigned           depth;
    grid_scale_t       ahead;
    grid_meta_kind_t   kind;
    grid_meta_field_t  field;

    for (depth = 0; depth < GRID_META_DEPTH; depth++) {
        kind = grid_meta_kind(value->meta, value->type, s);

        if (kind != GRID_META_COMPOSITE) {
            return kind;
        }

        ahead = *s;

        if (grid_scale_count(&ahead) != 1) {
            return kind;
        }

        grid_meta_field(&ahead, &field);

        if (field.name.len) {
            return kind;
        }

        value->type = field.type;
    }

    return GRID_META_NONE;
}


int
grid_value_field(const grid_value_t *value, const char *name,
    grid_value_t *field)
{
    uint64_t           n;
    grid_scale_t       s;
    grid_meta_field_t  f;

    *field = *value;

    if (value_fields(field, &s) != GRID_META_COMPOSITE) {
        field->data.bad = 1;
        return 0;
    }

    for (n = grid_scale_count(&s); n && !s.bad; n--) {
        grid_meta_field(&s, &f);
        field->type = f.type;

        if (wgw_text_equal(f.name, (wgw_text_t) { name, strlen(name) })) {
            return !field->data.bad;
        }

        value_skip(field->meta, f.type, &field->data, 0);
    }

    field->data.bad = 1;

    return 0;
}


wgw_text_t
grid_value_variant(const grid_value_t *value, grid_value_t *inside)
{
    uint8_t            index;
    wgw_text_t         name;
    grid_scale_t       s, fields;
    grid_value_t       v;
    grid_meta_field_t  field;

    v = *value;
    name = wgw_text("");

    if (value_fields(&v, &s) != GRID_META_VARIANT) {
        v.data.bad = 1;

    } else {
        index = (uint8_t) grid_scale_uint(&v.data, 1);

        if (v.data.bad
            || !grid_meta_variant(&s, NULL, &index, &name, &fields))
        {
            v.data.bad = 1;
            name = wgw_text("");
        }
    }

    if (inside) {
        *inside = v;

        if (v.data.bad || grid_scale_count(&fields) != 1) {
            inside->data.bad = 1;

        } else {
            grid_meta_field(&fields, &field);
            inside->type = field.type;
        }
    }

    return name;
}


uint64_t
grid_value_uint(const grid_value_t *value, int *bad)
{
    int            kind;
    size_t         size;
    uint64_t       number;
    grid_scale_t   s;
    grid_value_t   v;

    v = *value;
    kind = value_fields(&v, &s);

    if (kind == GRID_META_COMPACT) {
        number = grid_scale_compact(&v.data);

    } else {
        size = kind == GRID_META_PRIMITIVE
               ? grid_meta_primitive(grid_scale_uint(&s, 1)) : 0;

        if (size == 0) {
            v.data.bad = 1;
        }

        number = grid_scale_uint(&v.data, size);
    }

    *bad |= v.data.bad;

    return v.data.bad ? 0 : number;
}


wgw_text_t
grid_value_bytes(const grid_value_t *value, int *bad)
{
    int            kind;
    uint64_t       n;
    wgw_text_t     text;
    grid_scale_t   s;
    grid_value_t   v;

    v = *value;
    kind = value_fields(&v, &s);
    text = wgw_text("");

    if (kind == GRID_META_PRIMITIVE && grid_scale_uint(&s, 1) == 2) {
        text = grid_scale_text(&v.data);

    } else if (kind == GRID_META_SEQUENCE || kind == GRID_META_ARRAY) {
        n = kind == GRID_META_ARRAY ? grid_scale_uint(&s, 4)
                                    : grid_scale_compact(&v.data);

        if (!value_byte(v.meta, (uint32_t) grid_scale_compact(&s))) {
            v.data.bad = 1;
        }

        text.data = (const char *) grid_scale_bytes(&v.data, n);
        text.len = n;

    } else {
        v.data.bad = 1;
    }

    *bad |= v.data.bad;

    return v.data.bad ? wgw_text("") : text;
}


static int
value_byte(const grid_meta_t *meta, uint32_t type)
{
    grid_scale_t  s;
    grid_value_t  v;

    grid_value_init(&v, meta, type, "", 0);

    return value_fields(&v, &s) == GRID_META_PRIMITIVE
           && grid_meta_primitive(grid_scale_uint(&s, 1)) == 1;
}


uint64_t
grid_value_number(const grid_value_t *value, const char *name, int *bad)
{
    grid_value_t  field;

    if (!grid_value_field(value, name, &field)) {
        *bad = 1;
        return 0;
    }

    return grid_value_uint(&field, bad);
}


wgw_text_t
grid_value_text(const grid_value_t *value, const char *name, int *bad)
{
    grid_value_t  field;

    if (!grid_value_field(value, name, &field)) {
        *bad = 1;
        return wgw_text("");
    }

    return grid_value_bytes(&field, bad);
}


/* The sequence's type is its element's from then on. */

uint64_t
grid_value_count(grid_value_t *sequence)
{
    uint64_t      n;
    grid_scale_t  s;

    if (value_fields(sequence, &s) != GRID_META_SEQUENCE) {
        sequence->data.bad = 1;
        return 0;
    }

    n = grid_scale_count(&sequence->data);
    sequence->type = (uint32_t) grid_scale_compact(&s);

    return n;
}


int
grid_value_next(grid_value_t *sequence, grid_value_t *element)
{
    *element = *sequence;

    value_skip(sequence->meta, sequence->type, &sequence->data, 0);

    return !sequence->data.bad;
}


int
grid_value_whole(const grid_value_t *value)
{
    grid_scale_t  data;

    data = value->data;
    value_skip(value->meta, value->type, &data, 0);

    return !data.bad && data.p == data.end;
}


static void
value_skip(const grid_meta_t *meta, uint32_t type, grid_scale_t *data,
    unsigned depth)
{
    uint8_t            index;
    uint64_t           n;
    wgw_text_t         name;
    grid_scale_t       s, fields;
    grid_meta_kind_t   kind;

    /* types of a stranger may be twice in each other, and take no data */

    if (depth > GRID_META_DEPTH || ++data->steps > VALUE_STEPS) {
        data->bad = 1;
    }

    if (data->bad) {
        return;
    }

    kind = grid_meta_kind(meta, type, &s);

    switch (kind) {

    case GRID_META_COMPOSITE:
        value_skip_fields(meta, &s, data, depth);
        break;

    case GRID_META_VARIANT:
        index = (uint8_t) grid_scale_uint(data, 1);

        if (grid_meta_variant(&s, NULL, &index, &name, &fields)) {
            value_skip_fields(meta, &fields, data, depth);
        } else {
            data->bad = 1;
        }

        break;

    case GRID_META_SEQUENCE:
    case GRID_META_ARRAY:
        n = kind == GRID_META_ARRAY ? grid_scale_uint(&s, 4)
                                    : grid_scale_count(data);
        value_skip_many(meta, (uint32_t) grid_scale_compact(&s), n, data,
                        depth);
        break;

    case GRID_META_TUPLE:
        for (n = grid_scale_count(&s); n && !s.bad; n--) {
            value_skip(meta, (uint32_t) grid_scale_compact(&s), data,
                       depth + 1);
        }

        break;

    default:
        value_skip_leaf(meta, kind, &s, data);
    }

    data->bad |= s.bad;
}


/* What has no others in it. */

static void
value_skip_leaf(const grid_meta_t *meta, grid_meta_kind_t kind,
    grid_scale_t *s, grid_scale_t *data)
{
    uint64_t  n;

    switch (kind) {

    case GRID_META_PRIMITIVE:
        n = grid_meta_primitive(grid_scale_uint(s, 1));

        (void) grid_scale_bytes(data, n ? n : grid_scale_compact(data));
        break;

    case GRID_META_COMPACT:
        value_skip_compact(data);
        break;

    case GRID_META_BITS:
        value_skip_bits(meta, s, data);
        break;

    default:
        data->bad = 1;
    }
}


static void
value_skip_fields(const grid_meta_t *meta, grid_scale_t *s,
    grid_scale_t *data, unsigned depth)
{
    uint64_t           n;
    grid_meta_field_t  field;

    for (n = grid_scale_count(s); n && !s->bad && !data->bad; n--) {
        grid_meta_field(s, &field);
        value_skip(meta, field.type, data, depth + 1);
    }

    data->bad |= s->bad;
}


/* Elements that take no room are not gone through one by one. */

static void
value_skip_many(const grid_meta_t *meta, uint32_t type, uint64_t n,
    grid_scale_t *data, unsigned depth)
{
    const uint8_t  *p;

    if (value_byte(meta, type)) {
        (void) grid_scale_bytes(data, n);
        return;
    }

    for ( /* void */ ; n && !data->bad; n--) {
        p = data->p;
        value_skip(meta, type, data, depth + 1);

        if (p == data->p) {
            return;
        }
    }
}


static void
value_skip_compact(grid_scale_t *data)
{
    if (data->bad || data->p == data->end) {
        data->bad = 1;

    } else if ((*data->p & 3) == 3) {
        (void) grid_scale_bytes(data, (uint64_t) (*data->p >> 2) + 5);

    } else {
        (void) grid_scale_compact(data);
    }
}


static void
value_skip_bits(const grid_meta_t *meta, grid_scale_t *s,
    grid_scale_t *data)
{
    size_t        size;
    uint64_t      n;
    grid_scale_t  store;

    size = 0;

    if (grid_meta_kind(meta, (uint32_t) grid_scale_compact(s), &store)
        == GRID_META_PRIMITIVE)
    {
        size = grid_meta_primitive(grid_scale_uint(&store, 1));
    }

    n = grid_scale_compact(data);

    if (size == 0 || n > UINT32_MAX) {
        data->bad = 1;
        return;
    }

    (void) grid_scale_bytes(data, (n + 8 * size - 1) / (8 * size) * size);
}
