
#include "format/merge.h"


typedef struct {
    wgw_text_t    name;                 /* with its quotes */
    wgw_text_t    value;
} wgw_merge_member_t;


typedef struct {
    size_t              n;
    wgw_merge_member_t  members[WGW_MERGE_MEMBERS];
} wgw_merge_object_t;


static int wgw_merge_read(wgw_text_t text, wgw_merge_object_t *object);
static const char *wgw_merge_member(const char *p, const char *end,
    wgw_merge_member_t *member);
static const char *wgw_merge_blank(const char *p, const char *end);
static const char *wgw_merge_string(const char *p, const char *end);
static const char *wgw_merge_value(const char *p, const char *end);
static const wgw_merge_member_t *wgw_merge_find(
    const wgw_merge_object_t *object, wgw_text_t name);
static void wgw_merge_write(wgw_out_t *out, const wgw_merge_member_t *member);


const char *
wgw_merge(wgw_text_t document, wgw_text_t patch, wgw_out_t *out)
{
    size_t                     i;
    const wgw_merge_member_t  *member;
    wgw_merge_object_t         from, by;

    if (wgw_merge_read(patch, &by) != 0) {
        return "must be a JSON object";
    }

    if (wgw_merge_read(document, &from) != 0) {
        return "cannot be merged";
    }

    wgw_out_str(out, "{");

    for (i = 0; i < from.n; i++) {
        if (wgw_merge_find(&by, from.members[i].name) == NULL) {
            wgw_merge_write(out, &from.members[i]);
        }
    }

    for (i = 0; i < by.n; i++) {
        member = &by.members[i];

        if (!wgw_text_equal(member->value, wgw_text("null"))
            || wgw_merge_find(&from, member->name) == NULL)
        {
            wgw_merge_write(out, member);
        }
    }

    wgw_out_str(out, "}");

    return NULL;
}


static void
wgw_merge_write(wgw_out_t *out, const wgw_merge_member_t *member)
{
    if (out->pos[-1] != '{') {
        wgw_out_str(out, ",");
    }

    wgw_out_bytes(out, member->name.data, member->name.len);
    wgw_out_str(out, ":");
    wgw_out_bytes(out, member->value.data, member->value.len);
}


static const wgw_merge_member_t *
wgw_merge_find(const wgw_merge_object_t *object, wgw_text_t name)
{
    size_t  i;

    for (i = 0; i < object->n; i++) {
        if (wgw_text_equal(object->members[i].name, name)) {
            return &object->members[i];
        }
    }

    return NULL;
}


static int
wgw_merge_read(wgw_text_t text, wgw_merge_object_t *object)
{
    const char  *p, *end;

    object->n = 0;

    end = text.data + text.len;
    p = wgw_merge_blank(text.data, end);

    if (p == end || *p != '{') {
        return -1;
    }

    p = wgw_merge_blank(p + 1, end);

    if (p < end && *p == '}') {
        return wgw_merge_blank(p + 1, end) == end ? 0 : -1;
    }

    while (object->n < WGW_MERGE_MEMBERS) {

        p = wgw_merge_member(p, end, &object->members[object->n++]);

        if (p == NULL || p == end) {
            return -1;
        }

        if (*p == '}') {
            return wgw_merge_blank(p + 1, end) == end ? 0 : -1;
        }

        if (*p != ',') {
            return -1;
        }

        p = wgw_merge_blank(p + 1, end);
    }

    return -1;
}


/* Returns what follows it, blanks skipped, or NULL. */

static const char *
wgw_merge_member(const char *p, const char *end, wgw_merge_member_t *member)
{
    member->name.data = p;

    p = wgw_merge_string(p, end);
    if (p == NULL) {
        return NULL;
    }

    member->name.len = (size_t) (p - member->name.data);

    p = wgw_merge_blank(p, end);

    if (p == end || *p != ':') {
        return NULL;
    }

    p = wgw_merge_blank(p + 1, end);
    member->value.data = p;

    p = wgw_merge_value(p, end);
    if (p == NULL || p == member->value.data) {
        return NULL;
    }

    member->value.len = (size_t) (p - member->value.data);

    return wgw_merge_blank(p, end);
}


static const char *
wgw_merge_blank(const char *p, const char *end)
{
    while (p < end
           && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
    {
        p++;
    }

    return p;
}


/* Past the closing quote, or NULL. */

static const char *
wgw_merge_string(const char *p, const char *end)
{
    if (p == end || *p != '"') {
        return NULL;
    }

    for (p++; p < end; p++) {

        if (*p == '"') {
            return p + 1;
        }

        if (*p == '\\' && ++p == end) {
            return NULL;
        }
    }

    return NULL;
}


/* Past a value: to where a comma, a brace or a blank of this level is. */

static const char *
wgw_merge_value(const char *p, const char *end)
{
    size_t  depth;

    for (depth = 0; p < end; p++) {

        switch (*p) {

        case '"':
            p = wgw_merge_string(p, end);

            if (p == NULL || depth == 0) {
                return p;
            }

            p--;
            break;

        case '{':
        case '[':
            depth++;
            break;

        case '}':
        case ']':
            if (depth == 0) {
                return p;
            }

            if (--depth == 0) {
                return p + 1;
            }

            break;

        case ',':
        case ' ':
        case '\t':
        case '\r':
        case '\n':
            if (depth == 0) {
                return p;
            }
        }
    }

    return NULL;
}
