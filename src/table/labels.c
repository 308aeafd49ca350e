
#include <string.h>

#include "table/labels.h"


typedef struct {
    uint32_t           check;
    uint32_t           record;          /* of the segment */
    uint32_t           next;            /* of those that are not used */
    uint16_t           len;
    uint16_t           class;           /* it has 1 << class units */
    char               text[];
} wgw_block_t;


_Static_assert(sizeof(wgw_block_t) == 16, "block");
_Static_assert(sizeof(wgw_block_t) + WGW_LABELS_TEXT <= WGW_LABEL_MOST,
               "all labels fit a block");
_Static_assert(WGW_LABEL_UNIT << (WGW_LABEL_CLASSES - 1) == WGW_LABEL_MOST,
               "classes");
_Static_assert((uint64_t) WGW_TABLE_KEYS_MAX * (WGW_LABEL_MOST / WGW_LABEL_UNIT)
               + WGW_LABEL_MOST / WGW_LABEL_UNIT < UINT32_MAX,
               "a block's number fits a word");


static inline wgw_block_t *wgw_block_at(const wgw_segment_t *s,
    uint32_t number);
static wgw_block_t *wgw_block_of(const wgw_segment_t *s, uint32_t number);
static int wgw_block_read(const wgw_segment_t *s, uint32_t record,
    uint32_t number, char text[WGW_LABELS_TEXT], size_t *len);
static uint32_t wgw_block_take(const wgw_segment_t *s, size_t len);
static uint32_t wgw_block_cut(const wgw_segment_t *s, unsigned class);
static uint32_t wgw_block_pop(const wgw_segment_t *s, unsigned class);
static void wgw_block_push(const wgw_segment_t *s, uint32_t number);
static uint32_t wgw_block_check(const wgw_segment_t *s, uint32_t record,
    const char *text, size_t len);


size_t
wgw_labels_add(char text[WGW_LABELS_TEXT], size_t len,
    const wgw_label_t *label)
{
    const wgw_text_t  *part;

    if (label->name.len > WGW_LABEL_NAME || label->value.len > WGW_LABEL_VALUE
        || label->name.len + label->value.len + 2 > WGW_LABELS_TEXT - len)
    {
        return len;
    }

    for (part = &label->name; part; ) {
        text[len++] = (char) part->len;

        if (part->len) {
            memcpy(text + len, part->data, part->len);
        }

        len += part->len;
        part = part == &label->name ? &label->value : NULL;
    }

    return len;
}


/* The block of before is this process' own once its number was replaced. */

int
wgw_labels_set(const wgw_segment_t *s, uint32_t record, wgw_text_t text)
{
    char          old_text[WGW_LABELS_TEXT];
    size_t        len;
    uint32_t     *word, old, new;
    wgw_block_t  *b;

    if (s->labels == NULL || text.len > WGW_LABELS_TEXT) {
        return text.len ? -1 : 0;
    }

    word = &s->labels[record];
    old = __atomic_load_n(word, __ATOMIC_ACQUIRE);

    if (old == 0 && text.len == 0) {
        return 0;
    }

    if (wgw_block_read(s, record, old, old_text, &len) == 0
        && len == text.len && memcmp(old_text, text.data, len) == 0)
    {
        return 0;
    }

    new = 0;

    if (text.len) {
        new = wgw_block_take(s, text.len);

        if (new == 0) {
            return -1;
        }

        b = wgw_block_at(s, new);

        memcpy(b->text, text.data, text.len);

        b->record = record;
        b->len = (uint16_t) text.len;
        b->check = wgw_block_check(s, record, b->text, text.len);
    }

    /* another was faster: what it saw is as new */

    if (__atomic_compare_exchange_n(word, &old, new, 0, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
    {
        new = old;
    }

    if (new) {
        wgw_block_push(s, new);
    }

    return 0;
}


/* A block that has got another owner meanwhile: the record has a new one. */

void
wgw_labels_get(const wgw_segment_t *s, uint32_t record, wgw_labels_t *labels)
{
    char         *p, *end;
    size_t        len;
    uint32_t      tries, number;
    wgw_label_t  *label;

    labels->n = 0;
    len = 0;

    if (s->labels == NULL) {
        return;
    }

    for (tries = 0; tries < 8; tries++) {
        number = __atomic_load_n(&s->labels[record], __ATOMIC_ACQUIRE);

        if (number == 0) {
            return;
        }

        if (wgw_block_read(s, record, number, labels->text, &len) == 0) {
            break;
        }

        len = 0;
    }

    p = labels->text;
    end = p + len;

    while (p < end && labels->n < WGW_LABELS) {
        label = &labels->elts[labels->n];

        label->name.len = (uint8_t) *p++;
        label->name.data = p;

        if (label->name.len >= (size_t) (end - p)) {
            return;
        }

        p += label->name.len;

        label->value.len = (uint8_t) *p++;
        label->value.data = p;

        if (label->value.len > (size_t) (end - p)) {
            return;
        }

        p += label->value.len;
        labels->n++;
    }
}


void
wgw_labels_drop(const wgw_segment_t *s, uint32_t record)
{
    if (s->labels && s->labels[record]) {
        s->labels[record] = 0;
    }
}


uint64_t
wgw_labels_taken(const wgw_segment_t *s, uint64_t *max)
{
    uint64_t  units;

    *max = (uint64_t) s->blocks_max * WGW_LABEL_UNIT;

    units = s->labels ? wgw_load(&s->header->units) : 0;

    return units < s->blocks_max ? units * WGW_LABEL_UNIT : *max;
}


size_t
wgw_labels_size(const wgw_segment_t *s, uint32_t record)
{
    wgw_block_t  *b;

    b = s->labels ? wgw_block_of(s, s->labels[record]) : NULL;

    return b ? (size_t) WGW_LABEL_UNIT << b->class : 0;
}


void
wgw_labels_mend(const wgw_segment_t *s)
{
    char          text[WGW_LABELS_TEXT];
    size_t        len;
    uint32_t      record, end;
    uint64_t      units;
    wgw_block_t  *b;

    if (s->labels == NULL) {
        return;
    }

    end = s->end - s->first;
    units = 0;

    for (record = 0; record < end; record++) {

        if (s->labels[record] == 0) {
            continue;
        }

        if (wgw_block_read(s, record, s->labels[record], text, &len) != 0) {
            s->labels[record] = 0;
            continue;
        }

        b = wgw_block_of(s, s->labels[record]);

        if (units < s->labels[record] - 1 + (1u << b->class)) {
            units = s->labels[record] - 1 + (1u << b->class);
        }
    }

    s->header->units = units;
    memset(s->header->unused, 0, sizeof(s->header->unused));
}


static inline wgw_block_t *
wgw_block_at(const wgw_segment_t *s, uint32_t number)
{
    return (wgw_block_t *)
           (s->blocks + (size_t) (number - 1) * WGW_LABEL_UNIT);
}


/* NULL for no number, or that of no block. */

static wgw_block_t *
wgw_block_of(const wgw_segment_t *s, uint32_t number)
{
    wgw_block_t  *b;

    if (number == 0 || number > s->blocks_max) {
        return NULL;
    }

    b = wgw_block_at(s, number);

    return b->class < WGW_LABEL_CLASSES
           && (1u << b->class) <= s->blocks_max - (number - 1) ? b : NULL;
}


static int
wgw_block_read(const wgw_segment_t *s, uint32_t record, uint32_t number,
    char text[WGW_LABELS_TEXT], size_t *len)
{
    wgw_block_t  *b;

    b = wgw_block_of(s, number);

    if (b == NULL || b->record != record) {
        return -1;
    }

    *len = b->len;

    if (*len > WGW_LABELS_TEXT
        || *len + sizeof(wgw_block_t) > (size_t) WGW_LABEL_UNIT << b->class)
    {
        return -1;
    }

    memcpy(text, b->text, *len);

    return b->check == wgw_block_check(s, record, text, *len) ? 0 : -1;
}


/* One that is not used, a new one, or half of one that is larger; or 0. */

static uint32_t
wgw_block_take(const wgw_segment_t *s, size_t len)
{
    unsigned      class;
    uint32_t      number;
    uint64_t      first;

    class = 0;

    while (sizeof(wgw_block_t) + len > (size_t) WGW_LABEL_UNIT << class) {
        class++;
    }

    number = wgw_block_pop(s, class);

    if (number) {
        return number;
    }

    if (wgw_take(&s->header->units, 1u << class, s->blocks_max, &first) != 0)
    {
        return wgw_block_cut(s, class);
    }

    number = (uint32_t) first + 1;
    wgw_block_at(s, number)->class = (uint16_t) class;

    return number;
}


static uint32_t
wgw_block_cut(const wgw_segment_t *s, unsigned class)
{
    unsigned  larger;
    uint32_t  number, half;

    number = 0;

    for (larger = class + 1; larger < WGW_LABEL_CLASSES; larger++) {
        number = wgw_block_pop(s, larger);

        if (number) {
            break;
        }
    }

    if (number == 0) {
        return 0;
    }

    while (larger-- > class) {
        half = number + (1u << larger);

        wgw_block_at(s, half)->class = (uint16_t) larger;

        wgw_block_push(s, half);
    }

    wgw_block_at(s, number)->class = (uint16_t) class;

    return number;
}


/*
 * The high half of a list's word counts its changes, since a number may come
 * back to the head of a list that is another one by then.
 */

static uint32_t
wgw_block_pop(const wgw_segment_t *s, unsigned class)
{
    uint32_t      number;
    uint64_t     *list, old, next;
    wgw_block_t  *b;

    list = &s->header->unused[class];

    do {
        old = wgw_load(list);
        number = (uint32_t) old;
        b = wgw_block_of(s, number);

        if (b == NULL) {
            return 0;
        }

        next = __atomic_load_n(&b->next, __ATOMIC_RELAXED);
        next |= ((old >> 32) + 1) << 32;

    } while (!wgw_swap(list, old, next));

    return number;
}


static void
wgw_block_push(const wgw_segment_t *s, uint32_t number)
{
    uint64_t     *list, old;
    wgw_block_t  *b;

    b = wgw_block_of(s, number);

    if (b == NULL) {
        return;
    }

    list = &s->header->unused[b->class];

    do {
        old = wgw_load(list);
        __atomic_store_n(&b->next, (uint32_t) old, __ATOMIC_RELAXED);

    } while (!wgw_swap(list, old, ((old >> 32) + 1) << 32 | number));
}


static uint32_t
wgw_block_check(const wgw_segment_t *s, uint32_t record, const char *text,
    size_t len)
{
    char  bytes[sizeof(record) + WGW_LABELS_TEXT];

    memcpy(bytes, &record, sizeof(record));
    memcpy(bytes + sizeof(record), text, len);

    return (uint32_t) wgw_hash(s->header->made.seed, bytes,
                               sizeof(record) + len);
}
