
#include <stddef.h>
#include <string.h>

#include "format/name.h"
#include "format/text.h"
#include "grid/options.h"


typedef enum {
    OPTION_FLAG = 0,
    OPTION_VALUE,
    OPTION_LIST
} option_kind_t;


typedef struct {
    const char     *name;
    option_kind_t   kind;
    const char     *value;              /* what it is called */
    size_t          offset;
    const char     *help;
} option_t;


static int option_take(grid_options_t *options, int argc, char **argv,
    int *at);
static int option_set(grid_options_t *options, const option_t *option,
    const char *value);
static int options_judge(grid_options_t *options);
static int options_judge_chain(const grid_list_t *chain);
static int option_price(const char *text, uint64_t *price);
static int options_judge_place(grid_options_t *options);
static int option_number(const char *name, const char *text,
    uint32_t *number);
static int option_among(const char *name, const char *text,
    const char *const *words);


#define OPTION(member)  offsetof(grid_options_t, member)

static const option_t  options_table[] = {
    { "farm", OPTION_VALUE, "ID", OPTION(farm_text),
      "the farm that this gateway is of" },
    { "mnemonic-file", OPTION_VALUE, "FILE", OPTION(mnemonic_file),
      "12 to 24 words, or 0x and 64 digits, of the farm's owner" },
    { "key", OPTION_VALUE, "sr25519|ed25519", OPTION(key),
      "the account's kind; otherwise the one that owns the farm" },
    { "network", OPTION_VALUE, "main|test|qa|dev", OPTION(network),
      "which grid (main)" },
    { "chain", OPTION_LIST, "URL", OPTION(chain),
      "a node of the chain, http or https, instead of the network's" },
    { "chain-file", OPTION_VALUE, "FILE", OPTION(chain_file),
      "twins and contracts of a private grid, instead of a chain" },
    { "dns-file", OPTION_VALUE, "FILE", OPTION(dns_file),
      "names and addresses, instead of DNS" },
    { "redis", OPTION_VALUE, "URL", OPTION(redis),
      "where rmb-peer is (" GRID_REDIS ")" },
    { "admin", OPTION_VALUE, "unix:PATH|URL", OPTION(admin),
      "the gateway's API (" GRID_ADMIN ")" },
    { "state", OPTION_VALUE, "DIR", OPTION(state),
      "where it remembers (" GRID_STATE ")" },
    { "node", OPTION_VALUE, "ID", OPTION(node_text),
      "the node that it is, instead of the chain's word" },
    { "domain", OPTION_VALUE, "NAME", OPTION(domain),
      "the gateway's domain, instead of the chain's word" },
    { "address", OPTION_LIST, "IP", OPTION(address),
      "an address of it, instead of the chain's word" },
    { "zone", OPTION_VALUE, "NAME", OPTION(zone),
      "the meter zone with windows of an hour (hours)" },
    { "recheck", OPTION_VALUE, "SECONDS", OPTION(recheck_text),
      "how often contracts and names are looked at again (3600)" },
    { "price", OPTION_VALUE, "MUSD", OPTION(price_text),
      "of a GB to who has a service contract (1.5)" },
    { "month", OPTION_VALUE, "YYYY-MM", OPTION(month),
      "bills: of this month only" },
    { "json", OPTION_FLAG, NULL, OPTION(json), "status, bills: for programs" },
    { "metrics", OPTION_FLAG, NULL, OPTION(metrics),
      "status: as Prometheus reads it" },
    { "ip4", OPTION_VALUE, "ADDRESS/BITS", OPTION(ip4),
      "register: the address, with its network, ..." },
    { "gw4", OPTION_VALUE, "ADDRESS", OPTION(gw4), "... and its gateway" },
    { "ip6", OPTION_VALUE, "ADDRESS/BITS", OPTION(ip6), "the same of IPv6" },
    { "gw6", OPTION_VALUE, "ADDRESS", OPTION(gw6), "" },
    { "city", OPTION_VALUE, "NAME", OPTION(city), "where it is (Unknown)" },
    { "country", OPTION_VALUE, "NAME", OPTION(country), "(Unknown)" },
    { "latitude", OPTION_VALUE, "DEGREES", OPTION(latitude), "(0)" },
    { "longitude", OPTION_VALUE, "DEGREES", OPTION(longitude), "(0)" },
    { "yes", OPTION_FLAG, NULL, OPTION(yes), "register: ask nothing" },
    { "help", OPTION_FLAG, NULL, OPTION(help), "this text" },
    { "version", OPTION_FLAG, NULL, OPTION(version), "which wgw this is" },
};

static const char  *const options_commands[] = {
    "status", "bills", "register", NULL
};

static const char  *const options_networks[] = {
    "main", "test", "qa", "dev", NULL
};

static const char  *const options_keys[] = { "sr25519", "ed25519", NULL };


int
grid_options_read(grid_options_t *options, int argc, char **argv)
{
    int  i;

    memset(options, 0, sizeof(grid_options_t));

    options->network = "main";
    options->redis = GRID_REDIS;
    options->admin = GRID_ADMIN;
    options->state = GRID_STATE;
    options->zone = "hours";
    options->price_text = "1.5";
    options->city = "Unknown";
    options->country = "Unknown";
    options->latitude = "0";
    options->longitude = "0";
    options->recheck = GRID_RECHECK;
    options->command = "";

    for (i = 1; i < argc; i++) {

        if (strncmp(argv[i], "--", 2) == 0) {
            if (option_take(options, argc, argv, &i) != GRID_OK) {
                return GRID_USAGE;
            }

        } else if (options->command[0] == '\0' && argv[i][0] != '-') {
            options->command = argv[i];

        } else {
            return grid_fail(GRID_USAGE, "unexpected \"%s\": see wgw-grid "
                             "--help", argv[i]);
        }
    }

    return options->help || options->version ? GRID_OK
                                             : options_judge(options);
}


static int
option_take(grid_options_t *options, int argc, char **argv, int *at)
{
    size_t       i, len;
    const char  *text, *value;

    text = argv[*at] + 2;
    len = strcspn(text, "=");
    value = text[len] ? text + len + 1 : NULL;

    for (i = 0; i < grid_count(options_table); i++) {

        if (strlen(options_table[i].name) != len
            || strncmp(options_table[i].name, text, len) != 0)
        {
            continue;
        }

        if (options_table[i].kind == OPTION_FLAG) {
            return value ? grid_fail(GRID_USAGE, "--%s takes no value",
                                     options_table[i].name)
                         : option_set(options, &options_table[i], "");
        }

        if (value == NULL && *at + 1 < argc) {
            value = argv[++*at];
        }

        if (value == NULL || value[0] == '\0') {
            return grid_fail(GRID_USAGE, "--%s needs a value, %s",
                             options_table[i].name, options_table[i].value);
        }

        return option_set(options, &options_table[i], value);
    }

    return grid_fail(GRID_USAGE, "unknown option --%.*s: see wgw-grid --help",
                     (int) len, text);
}


static int
option_set(grid_options_t *options, const option_t *option,
    const char *value)
{
    void         *member;
    grid_list_t  *list;

    member = (char *) options + option->offset;

    if (option->kind != OPTION_LIST) {
        *(const char **) member = value;
        return GRID_OK;
    }

    list = member;

    if (list->n == GRID_LIST) {
        return grid_fail(GRID_USAGE, "--%s is there more than %d times",
                         option->name, GRID_LIST);
    }

    list->items[list->n++] = value;

    return GRID_OK;
}


static int
options_judge(grid_options_t *options)
{
    int  daemon;

    if (options->command[0]
        && option_among("command", options->command, options_commands))
    {
        return GRID_USAGE;
    }

    daemon = options->command[0] == '\0'
             || strcmp(options->command, "register") == 0;

    if (daemon && options->farm_text == NULL) {
        return grid_fail(GRID_USAGE, "--farm is missing: the number of the "
                         "farm that this gateway is of");
    }

    if (daemon && options->mnemonic_file == NULL) {
        return grid_fail(GRID_USAGE, "--mnemonic-file is missing: a file with "
                         "the words of the farm's owner");
    }

    if (options->farm_text
        && option_number("farm", options->farm_text, &options->farm))
    {
        return GRID_USAGE;
    }

    if (options->node_text
        && option_number("node", options->node_text, &options->node))
    {
        return GRID_USAGE;
    }

    if (option_among("--network", options->network, options_networks)
        || (options->key && option_among("--key", options->key,
                                         options_keys)))
    {
        return GRID_USAGE;
    }

    if (options_judge_chain(&options->chain) != GRID_OK) {
        return GRID_USAGE;
    }

    if (option_price(options->price_text, &options->price)) {
        return GRID_USAGE;
    }

    return options_judge_place(options);
}


static int
options_judge_chain(const grid_list_t *chain)
{
    size_t       i;
    const char  *url;

    for (i = 0; i < chain->n; i++) {
        url = chain->items[i];

        if (strncmp(url, "http://", 7) != 0
            && strncmp(url, "https://", 8) != 0
            && strncmp(url, "ws://", 5) != 0
            && strncmp(url, "wss://", 6) != 0)
        {
            return grid_fail(GRID_USAGE, "--chain \"%s\" is neither "
                             "http(s)://... nor ws(s)://...", url);
        }
    }

    return GRID_OK;
}


/* Up to three digits behind the point. */

static int
option_price(const char *text, uint64_t *price)
{
    char        digits[16];
    size_t      whole, rest;

    whole = strcspn(text, ".");
    rest = text[whole] ? strlen(text + whole + 1) : 0;

    if (whole + rest > 12 || whole == 0 || rest > 3
        || (text[whole] && rest == 0))
    {
        return grid_fail(GRID_USAGE, "--price \"%s\" is no number of mUSD, "
                         "as 1.5 is", text);
    }

    grid_put(digits, sizeof(digits), "%.*s%s%.*s", (int) whole, text,
             rest ? text + whole + 1 : "", (int) (3 - rest), "000");

    if (wgw_text_uint((wgw_text_t) { digits, strlen(digits) }, UINT64_MAX,
                      price) != 0)
    {
        return grid_fail(GRID_USAGE, "--price \"%s\" is no number of mUSD, "
                         "as 1.5 is", text);
    }

    return GRID_OK;
}


static int
options_judge_place(grid_options_t *options)
{
    char         name[WGW_NAME_MAX];
    size_t       i;
    wgw_addr_t   addr;
    wgw_text_t   text;
    const char  *error;

    if (options->recheck_text
        && option_number("recheck", options->recheck_text, &options->recheck))
    {
        return GRID_USAGE;
    }

    for (i = 0; i < options->address.n; i++) {
        text.data = options->address.items[i];
        text.len = strlen(text.data);

        if (wgw_addr_parse(&addr, text) != 0) {
            return grid_fail(GRID_USAGE, "--address \"%s\" is no IP address",
                             text.data);
        }
    }

    if (options->domain) {
        text.data = options->domain;
        text.len = strlen(text.data);

        if (wgw_name_parse(name, text, wgw_text(""), &error) == 0) {
            return grid_fail(GRID_USAGE, "--domain \"%s\" %s", text.data,
                             error);
        }
    }

    return GRID_OK;
}


static int
option_number(const char *name, const char *text, uint32_t *number)
{
    uint64_t    value;
    wgw_text_t  digits = { text, strlen(text) };

    if (wgw_text_uint(digits, UINT32_MAX, &value) != 0 || value == 0) {
        return grid_fail(GRID_USAGE, "--%s \"%s\" is no number from 1 to "
                         "4294967295", name, text);
    }

    *number = (uint32_t) value;

    return GRID_OK;
}


static int
option_among(const char *name, const char *text, const char *const *words)
{
    char    list[128];
    size_t  n;

    for (n = 0; *words; words++) {
        if (strcmp(*words, text) == 0) {
            return GRID_OK;
        }

        grid_put(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", *words);
        n += strlen(list + n);
    }

    return grid_fail(GRID_USAGE, "%s \"%s\" is none of %s", name, text, list);
}


void
grid_options_help(FILE *file)
{
    char    text[64];
    size_t  i;

    fputs("wgw-grid --farm ID --mnemonic-file FILE [OPTION ...]\n"
          "    makes the gateway one of the ThreeFold grid\n"
          "wgw-grid status [--json | --metrics]\n"
          "    who it is, what is missing and its cure, what was earned\n"
          "wgw-grid bills [--month YYYY-MM] [--json]\n"
          "    what was reported to the chain, and what became of it\n"
          "wgw-grid register --farm ID --mnemonic-file FILE --domain NAME\n"
          "                  --ip4 ADDRESS/BITS --gw4 ADDRESS\n"
          "    makes it a node of the farm, after a question\n"
          "\noptions:\n", file);

    for (i = 0; i < grid_count(options_table); i++) {
        grid_put(text, sizeof(text), "--%s%s%s", options_table[i].name,
                 options_table[i].value ? " " : "",
                 options_table[i].value ? options_table[i].value : "");

        fprintf(file, "    %-26s %s\n", text, options_table[i].help);
    }
}
