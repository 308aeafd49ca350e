
/*
 * glob: see glob.h.
 */

#define _GNU_SOURCE         /* memmem() */

#include "claims/glob.h"

#include <string.h>


static const uint8_t *wgw_glob_piece(wgw_text_t *piece, const uint8_t *p);


void
wgw_glob_read(wgw_glob_t *glob, uint8_t *room, wgw_text_t pattern)
{
    size_t       i, len;
    uint8_t     *head, *p;
    const char  *c;

    head = room;
    p = room + 2;
    c = pattern.data;

    glob->pieces = room;
    glob->n = 1;

    for (i = 0; ; i++) {

        if (i == pattern.len || c[i] == '*') {
            len = (size_t) (p - head) - 2;
            head[0] = (uint8_t) (len >> 8);
            head[1] = (uint8_t) len;

            if (i == pattern.len) {
                return;
            }

            glob->n++;
            head = p;
            p += 2;
            continue;
        }

        if (c[i] == '\\' && i + 1 < pattern.len && c[i + 1] == '*') {
            i++;
        }

        *p++ = (uint8_t) c[i];
    }
}


int
wgw_glob_match(const wgw_glob_t *glob, wgw_text_t text)
{
    size_t          i;
    wgw_text_t      piece;
    const char     *found;
    const uint8_t  *p;

    p = wgw_glob_piece(&piece, glob->pieces);

    if (glob->n == 1) {
        return wgw_text_equal(piece, text);
    }

    if (piece.len > text.len
        || (piece.len && memcmp(text.data, piece.data, piece.len) != 0))
    {
        return 0;
    }

    text.data += piece.len;
    text.len -= piece.len;

    /* those in between as early as they are found, the last one at the end */

    for (i = 1; i < glob->n - 1; i++) {
        p = wgw_glob_piece(&piece, p);

        if (piece.len == 0) {
            continue;
        }

        found = text.len ? memmem(text.data, text.len, piece.data, piece.len)
                         : NULL;

        if (found == NULL) {
            return 0;
        }

        text.len -= (size_t) (found - text.data) + piece.len;
        text.data = found + piece.len;
    }

    wgw_glob_piece(&piece, p);

    return piece.len <= text.len
           && (piece.len == 0
               || memcmp(text.data + text.len - piece.len, piece.data,
                         piece.len)
                  == 0);
}


static const uint8_t *
wgw_glob_piece(wgw_text_t *piece, const uint8_t *p)
{
    piece->len = (size_t) p[0] << 8 | p[1];
    piece->data = (const char *) p + 2;

    return p + 2 + piece->len;
}
