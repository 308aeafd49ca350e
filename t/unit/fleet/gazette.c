
/*
 * Names in the fleet's Redis: commands as they are sent, and replies that are
 * good, or not.
 */

#include <hiredis/hiredis.h>

#include "fleet/gazette.h"

#include "t/unit/tap.h"


static wgw_gazette_t  gazette;
static redisReply    *replies[100];
static size_t         nreplies;


static wgw_text_t
text(const char *s)
{
    return (wgw_text_t) { s, strlen(s) };
}


/* A reply as Redis sends it. */

static redisReply *
reply(const char *sent)
{
    void         *r;
    redisReader  *reader;

    reader = redisReaderCreate();
    r = NULL;

    redisReaderFeed(reader, sent, strlen(sent));
    redisReaderGetReply(reader, &r);
    redisReaderFree(reader);

    replies[nreplies++] = r;

    return r;
}


static void
commands(void)
{
    char              room[1024];
    wgw_out_t         out;
    wgw_text_t        args[WGW_GAZETTE_ARGS];
    wgw_follow_row_t  row;

    memset(&row, 0, sizeof(row));
    wgw_gazette_init(&gazette, text("wgw"));

    ok(wgw_gazette_head(&gazette, args) == 4, "head");
    is(args[1].data, args[1].len, "wgw:{names}:rows", "the rows' key");

    ok(wgw_gazette_news(&gazette, args, 123) == 9, "news");
    is(args[6].data, args[6].len, "123", "behind a version");
    is(args[4].data, args[4].len, "wgw:{names}:log", "the log's key");

    row.name = text("a.example");
    row.version = 7;
    row.life = 8;
    row.json = text("{}");

    wgw_out_init(&out, room, sizeof(room));
    wgw_gazette_item(&out, &row, 5, 0);
    wgw_gazette_item(&out, &row, 0, 1);
    row.gone = 1;
    row.close = 1;
    wgw_gazette_item(&out, &row, 6, 0);
    wgw_gazette_have(&out, &row);

    is(out.start, (size_t) (out.pos - out.start),
       "9 * 5 0 8 2\na.example{}9 7 0 0 8 2\na.example{}"
       "9 * 6 1 8 0\na.example9 7\na.example", "items");
}


static void
heads(void)
{
    wgw_gazette_head_t  head;

    ok(wgw_gazette_head_of(reply("*2\r\n$16\r\n0123456789abcdef\r\n"
                                 "$3\r\n123\r\n"), &head) == 0
       && head.epoch.len == 16 && head.version == 123, "a head");
    ok(wgw_gazette_head_of(reply("*2\r\n$-1\r\n$-1\r\n"), &head) == 0
       && head.epoch.len == 0, "none");
    ok(wgw_gazette_head_of(reply("*2\r\n$3\r\nabc\r\n$3\r\n123\r\n"), &head)
       == -1, "an epoch of another length");
    ok(wgw_gazette_head_of(reply("*2\r\n$16\r\n0123456789abcdef\r\n"
                                 "$3\r\n12x\r\n"), &head)
       == -1, "a version that is no number");
    ok(wgw_gazette_head_of(reply("*1\r\n$3\r\nabc\r\n"), &head) == -1,
       "too few");
    ok(wgw_gazette_head_of(reply(":1\r\n"), &head) == -1, "a number");
    ok(wgw_gazette_head_of(NULL, &head) == -1, "no reply");
}


#define HEAD   "*4\r\n$16\r\n0123456789abcdef\r\n$1\r\n9\r\n"
#define ENTRY  "*6\r\n$1\r\n9\r\n$1\r\n8\r\n$9\r\na.example\r\n$2\r\ngw\r\n"  \
               "$1\r\n4\r\n$1\r\n0\r\n"
#define NAME   "*3\r\n$9\r\na.example\r\n"


static int
row_of(const char *value, wgw_follow_row_t *row)
{
    char    sent[1024];
    size_t  entries, rows;

    snprintf(sent, sizeof(sent), HEAD ENTRY NAME "$%zu\r\n%s\r\n$1\r\n0\r\n",
             strlen(value), value);

    return wgw_gazette_entries(reply(sent), &entries, &rows) == 0
           && entries == 1 && rows == 1
           ? wgw_gazette_row(reply(sent), 0, row) : -2;
}


static void
news(void)
{
    size_t               entries, rows;
    redisReply          *r;
    wgw_follow_row_t     row;
    wgw_gazette_entry_t  entry;

    r = reply(HEAD ENTRY NAME "$5\r\n9 7 x\r\n$1\r\n1\r\n");

    ok(wgw_gazette_entries(r, &entries, &rows) == 0
       && entries == 1 && rows == 1, "news");
    ok(wgw_gazette_entry(r, 0, &entry) == 0
       && entry.version == 9 && entry.before == 8 && entry.seq == 4
       && wgw_text_equal(entry.name, text("a.example"))
       && wgw_text_equal(entry.origin, text("gw")), "its entry");
    ok(wgw_gazette_entry(r, 1, &entry) == -1, "there is one");
    ok(wgw_gazette_row(r, 0, &row) == 0
       && row.version == 9 && row.life == 7 && !row.gone && row.close
       && wgw_text_equal(row.json, text("x")), "its row");
    ok(wgw_gazette_row(r, 1, &row) == -1, "there is one");

    ok(row_of("12", &row) == 0 && row.gone && row.version == 12, "gone");
    ok(row_of("", &row) == -1, "without a value");
    ok(row_of("x", &row) == -1, "no version");
    ok(row_of("9007199254740993", &row) == -1, "a version above 2^53");
    ok(row_of("9007199254740992", &row) == 0, "the last");
    ok(row_of("1 x", &row) == -1, "no life");
    ok(row_of("1 2", &row) == -1, "no record");
    ok(row_of("1 2 ", &row) == -1, "an empty one");
    ok(row_of("1 18446744073709551615 x", &row) == -1, "a life that is none");
    ok(row_of("-1 2 x", &row) == -1, "below zero");

    ok(wgw_gazette_entries(reply(HEAD "*1\r\n$1\r\nx\r\n*0\r\n"), &entries,
                           &rows)
       == -1, "an entry too short");
    ok(wgw_gazette_entries(reply(HEAD "*0\r\n*1\r\n$1\r\nx\r\n"), &entries,
                           &rows)
       == -1, "a row too short");
    ok(wgw_gazette_entries(reply(HEAD "$1\r\nx\r\n*0\r\n"), &entries, &rows)
       == -1, "no list");

    r = reply(HEAD "*6\r\n$1\r\n9\r\n$1\r\n8\r\n$9\r\nA.example\r\n$2\r\ngw"
              "\r\n$1\r\n4\r\n$1\r\n0\r\n*0\r\n");
    ok(wgw_gazette_entry(r, 0, &entry) == -1, "a name that is not canonical");
}


static void
others(void)
{
    size_t                  rows;
    uint64_t                version;
    wgw_text_t              cursor;
    redisReply             *r;
    wgw_follow_row_t        row;
    wgw_gazette_verdict_t   verdict;

    r = reply("*2\r\n$3\r\n123\r\n$1\r\n0\r\n");
    ok(wgw_gazette_told(r, 0, &version) == 0 && version == 123, "told");
    ok(wgw_gazette_told(r, 1, &version) == 0 && version == 0, "not taken");
    ok(wgw_gazette_told(r, 2, &version) == -1, "no more");

    r = reply("*6\r\n$1\r\n=\r\n$1\r\n<\r\n$1\r\n?\r\n$1\r\n7\r\n"
              "$5\r\n7 8 x\r\n$1\r\n!\r\n");
    ok(wgw_gazette_compared(r, 0, &row, &verdict) == 0
       && verdict == WGW_GAZETTE_SAME, "compared: the same");
    ok(wgw_gazette_compared(r, 1, &row, &verdict) == 0
       && verdict == WGW_GAZETTE_OLDER, "compared: older");
    ok(wgw_gazette_compared(r, 2, &row, &verdict) == 0
       && verdict == WGW_GAZETTE_ABSENT, "compared: absent");
    ok(wgw_gazette_compared(r, 3, &row, &verdict) == 0
       && verdict == WGW_GAZETTE_LATER && row.gone && row.version == 7,
       "compared: gone");
    ok(wgw_gazette_compared(r, 4, &row, &verdict) == 0
       && verdict == WGW_GAZETTE_LATER && !row.gone, "compared: later");
    ok(wgw_gazette_compared(r, 5, &row, &verdict) == -1, "compared: neither");

    r = reply("*2\r\n$2\r\n17\r\n*6\r\n$6\r\n#epoch\r\n$1\r\nx\r\n"
              "$9\r\na.example\r\n$5\r\n7 8 x\r\n$1\r\nx\r\n$5\r\n7 8 x\r\n");
    ok(wgw_gazette_scanned(r, &cursor, &rows) == 0 && rows == 3
       && wgw_text_equal(cursor, text("17")), "scanned");
    ok(wgw_gazette_found(r, 0, &row) == 1, "what is no row");
    ok(wgw_gazette_found(r, 1, &row) == 0 && row.version == 7, "a row");
    ok(wgw_gazette_found(r, 2, &row) == -1, "one of no name");
    ok(wgw_gazette_scanned(reply("*2\r\n$0\r\n\r\n*0\r\n"), &cursor, &rows)
       == -1, "no cursor");
    ok(wgw_gazette_scanned(reply("*2\r\n$1\r\n0\r\n*1\r\n$1\r\nx\r\n"),
                           &cursor, &rows)
       == -1, "half a row");
}


int
main(void)
{
    commands();
    heads();
    news();
    others();

    while (nreplies) {
        freeReplyObject(replies[--nreplies]);
    }

    return done();
}
