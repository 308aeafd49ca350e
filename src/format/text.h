
/*
 * text: a view of bytes, and a bounded writer for what is sent to users.
 *
 * A view does not own its bytes and is not terminated.  The writer never
 * writes past its end: what does not fit sets `overflow` and is dropped, so
 * that a caller checks once, after the last piece.  Nothing here allocates
 * or knows of nginx.
 */

#ifndef WGW_TEXT_H
#define WGW_TEXT_H


#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)


typedef struct {
    const char  *data;
    size_t       len;
} wgw_text_t;


typedef struct {
    char        *start;
    char        *pos;
    char        *end;           /* one past the last usable byte */
    int          overflow;      /* 1 once something did not fit */
} wgw_out_t;


#define wgw_text(literal)                                                     \
    ((wgw_text_t) { (literal), sizeof(literal) - 1 })


/* 1 when both views hold the same bytes. */
int wgw_text_equal(wgw_text_t a, wgw_text_t b);

/* 1 for letters of ASCII, digits and any of "._-"; 0 for the empty text. */
int wgw_text_plain(wgw_text_t text);

/*
 * Decimal digits only, no sign, no blank; at most `max`.
 * Returns 0 and the number, or -1 for anything else, the empty text included.
 */
int wgw_text_uint(wgw_text_t text, uint64_t max, uint64_t *number);

/*
 * A number as JSON writes it (RFC 8259), not negative: its whole part, at most
 * `max`, and whether there is more of it, "1.5e3" being 1500 and no more.
 * Returns 0 or -1.
 */
int wgw_text_number(wgw_text_t text, uint64_t max, uint64_t *whole,
    unsigned *fraction);

/*
 * 1 when the bytes are well-formed UTF-8 (RFC 3629: no surrogates, nothing
 * above U+10FFFF, no overlong form).
 */
int wgw_text_well_formed(wgw_text_t text);

/* 1 when, besides, there is no control character among them. */
int wgw_text_printable(wgw_text_t text);

/*
 * 1 when, besides, nothing is in it that nobody sees: blanks of no width,
 * marks of direction, a byte order mark.
 */
int wgw_text_visible(wgw_text_t text);

/*
 * The length of the well-formed UTF-8 sequence at `p`, of which there are
 * `left` bytes (at least one), and its code point; 0 if there is none.
 */
size_t wgw_text_utf8(const uint8_t *p, size_t left, uint32_t *code);

/*
 * Files that people write may have characters that no editor shows.  How many
 * bytes the first one of a text has, or the last one, if that is a blank, a
 * tab, a carriage return, a no-break space, a byte order mark or one without
 * width; 0 if it can be seen.
 */
size_t wgw_text_unseen(wgw_text_t text, int at_end);

void wgw_out_init(wgw_out_t *out, void *buffer, size_t size);

/* What was written, in the buffer. */
static inline wgw_text_t
wgw_out_text(const wgw_out_t *out)
{
    wgw_text_t  text = { out->start, (size_t) (out->pos - out->start) };

    return text;
}

/* Bytes as they are. */
void wgw_out_bytes(wgw_out_t *out, const void *data, size_t len);
void wgw_out_str(wgw_out_t *out, const char *terminated);
void wgw_out_uint(wgw_out_t *out, uint64_t number);

/*
 * A quoted JSON string (RFC 8259).  Bytes that are not well-formed UTF-8
 * become U+FFFD, one for each bad byte, so that the document stays valid
 * whatever a client sent.
 */
void wgw_out_json(wgw_out_t *out, wgw_text_t text);

/*
 * The same for the key of a record, which is any bytes: bad bytes, control
 * characters and such as nobody sees are written as \xhh, byte by byte, a
 * backslash before an "x" as \x5c.  So two keys are never written as one, and
 * can be told apart by eye.
 */
void wgw_out_json_key(wgw_out_t *out, wgw_text_t text);

/* What comes before is cut off, if it is a byte order mark (U+FEFF). */
wgw_text_t wgw_text_marked(wgw_text_t text);

/*
 * A quoted label value of the Prometheus text format: backslash, quote and
 * line feed escaped, bad UTF-8 replaced as above, or written as for a key.
 */
void wgw_out_label(wgw_out_t *out, wgw_text_t text);
void wgw_out_label_key(wgw_out_t *out, wgw_text_t text);


#pragma GCC visibility pop

#endif /* WGW_TEXT_H */
