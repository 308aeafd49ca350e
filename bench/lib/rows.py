"""The rows of what is to be reached, and what the runs just measured of them.

Each run writes its figures by record(), a line of JSON for each contender of a
table; compare prints the rows, with the best peer of the same table, and ends
with those that are behind.
"""

import json
import os
import sys

from collections import namedtuple

# a row: the run's folder, our contender, which of its figures, at most how
# much, peers in the same table, what peers had when they were measured where
# these are not installed; and the probe that does only what must be done, if
# there is one: below it nothing can be
Row = namedtuple("Row", "what part name figure reach peers known floor",
                 defaults=(None,))

# a probe: what it is, and its figure in the row's unit
Floor = namedtuple("Floor", "what part name figure unit")

SIXTEEN = Floor("1,000 names and as many backends by nginx's own server_name",
                "route", "static-16", "ratio", 1)

HEAD = ["row", "here", "middle half", "to reach", "reached", "best peer"]

ROWS = [
    Row("a route, 1k names: CPU, static = 1", "route", "wgw-1k", "ratio",
        1.04, ["map-1k", "haproxy-1k", "lua-1k"], "nginx map 1.055",
        SIXTEEN),
    Row("a route, 1M names, Zipf: CPU, static = 1", "route", "wgw-1M-zipf",
        "ratio", 1.05, ["map-1M-zipf"], "nginx map 1.09", SIXTEEN),
    Row("a route, 1M names, uniform: CPU, static = 1", "route", "wgw-1M",
        "ratio", 1.12, ["map-1M", "haproxy-1M", "lua-1M"],
        "nginx map 1.14",
        Floor("as many backends by nginx's own server_name, and a name's row "
              "in three lines of memory, nothing checked (bench/route/run "
              "places)", "route", "places", "ratio", 1)),
    Row("a backend each, 4k names: CPU, static = 1", "route", "wgw-own",
        "ratio", 2.2, ["map-own", "haproxy-own"], "HAProxy 2.46"),
    Row("a route, 1k names: instructions", "route", "wgw-1k",
        "instructions", 1500, ["map-1k"], "nginx map +2,357"),
    Row("a route, 1M names, uniform: instructions", "route", "wgw-1M",
        "instructions", 1500, ["map-1M"], "nginx map +2,400"),
    Row("start with 1M names: s", "route", "wgw-1M", "start", 0.1,
        ["map-1M"], "nginx map 2.4"),
    Row("a change of 1M names, in every worker: us", "route", "wgw-1M-meta",
        "served", 1000, [], "HAProxy, Lua: 1,000, not durable"),
    Row("a meter with a cap, 1k keys: us over bare", "meter", "wgw-cap-1k",
        "over", 0.30, ["haproxy-1k", "limit_req-1k"], "HAProxy +0.9",
        Floor("nginx's own limit_req, which counts one number and no byte",
              "meter", "limit_req-1k", "over", 1)),
    Row("a meter with a cap, 1M keys, uniform: us over bare", "meter",
        "wgw-cap-1M", "over", 0.50, ["haproxy-1M", "limit_req-1M"],
        "HAProxy +8.2",
        Floor("limit_req with 1k keys, and a record of a million in one place, "
              "with its key (bench/meter/run formats)", "meter", "formats",
              "over", 1)),
    Row("a meter with a cap, 1k keys: instructions", "meter", "wgw-cap-1k",
        "instructions", 1000, ["haproxy-1k", "limit_conn-1k"],
        "limit_conn +949"),
    Row("a metered key: bytes", "meter", "wgw-memory", "bytes", 128, [],
        "HAProxy 264"),
    Row("a key (HS256): us over bare", "auth", "wgw", "over", 1.3,
        ["haproxy-jwt", "lua"], "HAProxy +4.1"),
    Row("a key (HS256): instructions", "auth", "wgw", "instructions", 15000,
        ["haproxy-jwt", "lua"], "HAProxy +45,257"),
    Row("a sign-in: CPU over a POST, the curve = 1", "auth", "wgw-signin",
        "ratio", 1.15, [], "Go 3.2",
        Floor("a recovery in a server that does nothing else "
              "(bench/auth/run signin)", "auth", "curve", "ratio", 1)),
    Row("a connection by SNI, 1M names: CPU, static = 1", "port",
        "wgw-1000k", "ratio", 1.05, ["map-1000k", "haproxy-1000k"],
        "nginx map 1.09",
        Floor("nginx's own ssl_preread, with one backend", "port",
              "preread-static", "ratio", 1)),
    Row("a connection by SNI, 1k names: instructions", "port", "wgw-1k",
        "instructions", 2800, ["map-1k"], "nginx map +5,708"),
    Row("a new TLS connection through the port: us", "port", "wgw", "over",
        25, ["pass", "loopback"], "stock pass +75"),
    Row("1 MB through the port: CPU, direct = 1", "port", "wgw-1MB", "ratio",
        1.02, ["pass-1MB", "loopback-1MB"], "stock pass 1.056",
        Floor("nginx's own pass, to the same server", "port", "pass-1MB",
              "ratio", 1)),
    Row("two candidate claims: instructions over a meter", "claims",
        "claims", "instructions", 1500, [], "-"),
    Row("a public limit: instructions over a meter", "claims", "public",
        "instructions", 800, [], "-"),
    Row("the router, with sessions: us over proxy_pass to the same",
        "router", "router-session", "over", 1.5, ["haproxy", "caddy"], "-"),
    Row("the router, with sessions: instructions over that", "router",
        "router-session", "instructions", 6000, [], "-"),
    Row("one node of a fleet, with its agent: CPU, alone = 1", "meter",
        "wgw-fleet", "ratio", 1.05, [], "-"),
]


# of what is to be reached a probe alone must take so much to be the reason
ALONE = 0.75


def path(run):
    return run + "/figures.jsonl"


def record(run, name, **figures):
    """Of the contender `name` of the run that is going on."""
    part = os.path.basename(os.path.dirname(os.path.abspath(sys.argv[0])))
    with open(path(run), "a") as f:
        f.write(json.dumps({"part": part, "name": name, **figures}) + "\n")


def measured(run):
    """The newest figure of each contender, by part, name and which."""
    result = {}
    try:
        with open(path(run)) as f:
            lines = [json.loads(line) for line in f]
    except OSError:
        lines = []
    for line in lines:
        part, name = line.pop("part"), line.pop("name")
        for figure, value in line.items():
            result[part, name, figure] = value
    return result


def shown(figure, value):
    if value is None:
        return "not measured"
    form = {"ratio": "{:.3f}", "over": "{:+.2f}", "start": "{:.3f}",
            "instructions": "{:+,.0f}"}.get(figure, "{:,.0f}")
    return form.format(value)


def best(row, figures):
    """The cheapest peer that was measured beside it, or what is known."""
    found = [(figures[row.part, peer, row.figure], peer)
             for peer in row.peers if (row.part, peer, row.figure) in figures]
    if not found:
        return row.known + ("" if row.known == "-" else ", before")
    value, peer = min(found)
    return f"{peer} {shown(row.figure, value)}"


def middle(row, figures):
    found = figures.get((row.part, row.name, row.figure + "_middle"))
    return "" if not found else " to ".join(shown(row.figure, x)
                                            for x in found)


def floor(row, figures):
    """What the row's probe had, in its unit, or None."""
    if row.floor is None:
        return None
    value = figures.get((row.floor.part, row.floor.name, row.floor.figure))
    return None if value is None else value / row.floor.unit


def compare(run):
    """The table's cells, the rows that are behind, and how many of these no
    probe explains."""
    figures = measured(run)
    cells, behind, unexplained = [], [], 0
    for row in ROWS:
        value = figures.get((row.part, row.name, row.figure))
        reached = value is not None and value <= row.reach
        state = ("-" if value is None else "yes" if reached else "**no**")
        cells.append([row.what, shown(row.figure, value),
                      middle(row, figures), shown(row.figure, row.reach),
                      state, best(row, figures)])
        if value is None or reached:
            continue
        least = floor(row, figures)
        # of a ratio what is over 1
        none = 1 if row.figure == "ratio" else 0
        if least is not None and least - none > (row.reach - none) * ALONE:
            why = (f"; {row.floor.what} alone: "
                   f"{shown(row.figure, least)}")
        else:
            why, unexplained = "", unexplained + 1
        behind.append(f"{row.what}: {shown(row.figure, value)}, to reach "
                      f"{shown(row.figure, row.reach)}; the best peer: "
                      f"{best(row, figures)}{why}")
    return cells, behind, unexplained
