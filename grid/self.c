
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/name.h"
#include "grid/self.h"
#include "program/memory.h"


struct grid_selves_s {
    pthread_mutex_t  mutex;
    grid_self_t      self;
    int              news;
};


static void self_keep_value(grid_state_t *state, const char *key,
    const char *value);
static void self_value(grid_self_t *self, const char *key,
    const char *value);
static size_t self_addresses(const char *text,
    wgw_addr_t addresses[GRID_ADDRESSES]);


static const char  *const self_steps[] = {
    "create table self (key text primary key, value text not null)",
    "create table missing (topic text primary key, what text not null, "
        "cure text not null)",
    NULL
};

const grid_schema_t  grid_self_schema = { "self", self_steps };


grid_selves_t *
grid_selves_make(void)
{
    grid_selves_t  *selves;

    selves = wgw_alloc(sizeof(grid_selves_t));
    (void) pthread_mutex_init(&selves->mutex, NULL);

    return selves;
}


void
grid_selves_free(grid_selves_t *selves)
{
    (void) pthread_mutex_destroy(&selves->mutex);
    free(selves);
}


void
grid_self_get(const grid_t *grid, grid_self_t *self)
{
    (void) pthread_mutex_lock(&grid->selves->mutex);
    *self = grid->selves->self;
    (void) pthread_mutex_unlock(&grid->selves->mutex);
}


/* All but what is missing, which is told by several threads. */

void
grid_self_put(const grid_t *grid, const grid_self_t *self)
{
    grid_self_t  *mine = &grid->selves->self;

    (void) pthread_mutex_lock(&grid->selves->mutex);

    mine->kind = self->kind;
    mine->farm = self->farm;
    mine->twin = self->twin;
    mine->node = self->node;
    mine->naddresses = self->naddresses;
    mine->balance = self->balance;
    memcpy(mine->address, self->address, sizeof(mine->address));
    memcpy(mine->domain, self->domain, sizeof(mine->domain));
    memcpy(mine->addresses, self->addresses, sizeof(mine->addresses));

    (void) pthread_mutex_unlock(&grid->selves->mutex);
}


void
grid_self_missing(const grid_t *grid, const char *topic, const char *cure,
    const char *what, ...)
{
    int              news;
    char             text[sizeof(((grid_missing_t *) NULL)->what)];
    size_t           i;
    va_list          args;
    grid_self_t     *self = &grid->selves->self;
    grid_missing_t  *m;

    text[0] = '\0';

    if (what) {
        va_start(args, what);
        (void) vsnprintf(text, sizeof(text), what, args);
        va_end(args);
    }

    news = 0;

    (void) pthread_mutex_lock(&grid->selves->mutex);

    for (i = 0; i < self->nmissing; i++) {
        if (strcmp(self->missing[i].topic, topic) == 0) {
            break;
        }
    }

    m = &self->missing[i];

    if (what == NULL && i < self->nmissing) {
        news = -1;
        *m = self->missing[--self->nmissing];

    } else if (what && i < GRID_MISSING) {
        news = i == self->nmissing || strcmp(m->what, text) != 0;
        self->nmissing += i == self->nmissing;

        grid_put(m->topic, sizeof(m->topic), "%s", topic);
        grid_put(m->what, sizeof(m->what), "%s", text);
        grid_put(m->cure, sizeof(m->cure), "%s", cure);
    }

    grid->selves->news |= news != 0;

    (void) pthread_mutex_unlock(&grid->selves->mutex);

    if (news > 0) {
        grid_log(GRID_WARN, "%s%s%s", text, cure[0] ? "; cure: " : "", cure);

    } else if (news < 0) {
        grid_log(GRID_NOTE, "%s: nothing is missing any more", topic);
    }
}


int
grid_self_misses(const grid_self_t *self, const char *topic)
{
    size_t  i;

    for (i = 0; i < self->nmissing; i++) {
        if (strcmp(self->missing[i].topic, topic) == 0) {
            return 1;
        }
    }

    return 0;
}


void
grid_self_load(const grid_t *grid, grid_state_t *state)
{
    grid_self_t  self;

    grid_self_read(&self, state);
    self.nmissing = 0;

    if (self.farm != grid->options->farm) {
        memset(&self, 0, sizeof(self));
        self.farm = grid->options->farm;
        self.kind = GRID_SR25519;
    }

    grid_self_put(grid, &self);
}


void
grid_self_read(grid_self_t *self, grid_state_t *state)
{
    sqlite3_stmt    *query;
    grid_missing_t  *m;

    memset(self, 0, sizeof(grid_self_t));

    query = grid_state_query(state, "select key, value from self", "");

    while (grid_state_row(state, query)) {
        self_value(self, grid_state_text(query, 0),
                   grid_state_text(query, 1));
    }

    grid_state_done(query);

    query = grid_state_query(state, "select topic, what, cure from missing "
                             "order by topic", "");

    while (grid_state_row(state, query) && self->nmissing < GRID_MISSING) {
        m = &self->missing[self->nmissing++];

        grid_put(m->topic, sizeof(m->topic), "%s", grid_state_text(query, 0));
        grid_put(m->what, sizeof(m->what), "%s", grid_state_text(query, 1));
        grid_put(m->cure, sizeof(m->cure), "%s", grid_state_text(query, 2));
    }

    grid_state_done(query);
}


static void
self_value(grid_self_t *self, const char *key, const char *value)
{
    uint32_t  number;

    number = (uint32_t) strtoul(value, NULL, 10);

    if (strcmp(key, "kind") == 0) {
        self->kind = strcmp(value, "ed25519") == 0 ? GRID_ED25519
                                                   : GRID_SR25519;
    } else if (strcmp(key, "address") == 0) {
        grid_put(self->address, sizeof(self->address), "%s", value);

    } else if (strcmp(key, "farm") == 0) {
        self->farm = number;

    } else if (strcmp(key, "twin") == 0) {
        self->twin = number;

    } else if (strcmp(key, "node") == 0) {
        self->node = number;

    } else if (strcmp(key, "domain") == 0) {
        grid_put(self->domain, sizeof(self->domain), "%s", value);

    } else if (strcmp(key, "balance") == 0) {
        self->balance = strtoull(value, NULL, 10);

    } else if (strcmp(key, "kept") == 0) {
        self->kept = strtoll(value, NULL, 10);

    } else if (strcmp(key, "addresses") == 0) {
        self->naddresses = self_addresses(value, self->addresses);
    }
}


/* With blanks between them. */

static size_t
self_addresses(const char *text, wgw_addr_t addresses[GRID_ADDRESSES])
{
    size_t      n;
    wgw_text_t  one;

    for (n = 0; *text && n < GRID_ADDRESSES; text += one.len) {
        text += strspn(text, " ");
        one.data = text;
        one.len = strcspn(text, " ");

        n += wgw_addr_parse(&addresses[n], one) == 0;
    }

    return n;
}


void
grid_self_keep(const grid_t *grid, grid_state_t *state)
{
    char         text[GRID_SELF_LIST];
    size_t       i;
    grid_self_t  self;

    (void) pthread_mutex_lock(&grid->selves->mutex);
    self = grid->selves->self;
    grid->selves->news = 0;
    (void) pthread_mutex_unlock(&grid->selves->mutex);

    grid_self_list(&self, " ", text);

    grid_state_begin(state);

    self_keep_value(state, "addresses", text);
    self_keep_value(state, "kind", grid_kind_name(self.kind));
    self_keep_value(state, "address", self.address);
    self_keep_value(state, "domain", self.domain);

    grid_put(text, sizeof(text), "%u", (unsigned) self.farm);
    self_keep_value(state, "farm", text);
    grid_put(text, sizeof(text), "%u", (unsigned) self.twin);
    self_keep_value(state, "twin", text);
    grid_put(text, sizeof(text), "%u", (unsigned) self.node);
    self_keep_value(state, "node", text);
    grid_put(text, sizeof(text), "%llu", (unsigned long long) self.balance);
    self_keep_value(state, "balance", text);
    grid_put(text, sizeof(text), "%lld", (long long) time(NULL));
    self_keep_value(state, "kept", text);

    (void) grid_state_run(state, "delete from missing", "");

    for (i = 0; i < self.nmissing; i++) {
        (void) grid_state_run(state, "insert into missing values (?, ?, ?)",
                              "ttt", self.missing[i].topic,
                              self.missing[i].what, self.missing[i].cure);
    }

    (void) grid_state_commit(state);
}


static void
self_keep_value(grid_state_t *state, const char *key, const char *value)
{
    (void) grid_state_run(state, "insert into self values (?1, ?2) on "
                          "conflict (key) do update set value = ?2 where "
                          "value <> ?2", "tt", key, value);
}


int
grid_self_news(const grid_t *grid)
{
    int  news;

    (void) pthread_mutex_lock(&grid->selves->mutex);
    news = grid->selves->news;
    (void) pthread_mutex_unlock(&grid->selves->mutex);

    return news;
}


int
grid_self_has(const grid_self_t *self, const wgw_addr_t *address)
{
    size_t  i;

    for (i = 0; i < self->naddresses; i++) {
        if (wgw_addr_equal(&self->addresses[i], address)) {
            return 1;
        }
    }

    return 0;
}


void
grid_self_list(const grid_self_t *self, const char *between,
    char list[GRID_SELF_LIST])
{
    size_t     i;
    wgw_out_t  out;

    wgw_out_init(&out, list, GRID_SELF_LIST - 1);

    for (i = 0; i < self->naddresses; i++) {
        wgw_out_str(&out, i ? between : "");
        wgw_addr_text(&self->addresses[i], &out);
    }

    *out.pos = '\0';
}


void
grid_self_record(const grid_self_t *self, char record[GRID_SELF_RECORD])
{
    char  *p;

    p = stpcpy(record, self->addresses[0].family == 4 ? "A " : "AAAA ");
    *wgw_addr_write(&self->addresses[0], p) = '\0';
}
