"""What a run measured, written where it is read: the tables of README.md, the
picture in docs/, the sizes in docs/operations.md.  Each is between two comments
in its file, and all come from figures.jsonl."""

import os
import platform
import re
import subprocess
import textwrap
import time

import bench
import rows

TOP = bench.TOP
README = TOP + "/bench/README.md"
OPERATIONS = TOP + "/docs/operations.md"
PICTURE = TOP + "/docs/bench.svg"

PARTS = {"route": "Routing", "meter": "Meter", "auth": "Keys and sign-in",
         "port": "TLS port", "claims": "Contents and claims",
         "router": "DIN router", "size": "Sizes"}


def between(path, name, text):
    """Puts it there; the file says where."""
    with open(path) as f:
        old = f.read()
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.S)
    if not pattern.search(old):
        raise SystemExit(f"bench: {path} has no place for {name}")
    new = pattern.sub(lambda m: f"{begin}\n{text}\n\n{end}", old)
    if new != old:
        with open(path, "w") as f:
            f.write(new)


def markdown(head, body):
    lines = ["| " + " | ".join(str(c) for c in line) + " |"
             for line in [head, *body]]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(lines)


def output(argv, form):
    try:
        text = subprocess.run(argv, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(form, text)
    return found.group(1) if found else None


def processor():
    with open("/proc/cpuinfo") as f:
        found = re.search(r"^model name\s*: (.*)", f.read(), re.M)
    return found.group(1) if found else platform.machine()


def versions():
    """What was compared; what could not be had is said."""
    asked = [("nginx", [bench.NGINX, "-v"], r"nginx/(\S+)"),
             ("HAProxy", bench.HAPROXY + ["-v"], r"version (\S+)"),
             ("Caddy", bench.CADDY + ["version"], r"v?(\d\S+)"),
             ("nginx with Lua", bench.LUA_NGINX + ["-v"], r"nginx/(\S+)"),
             ("Redis", bench.REDIS + ["--version"], r"v=(\S+)")]
    lua = os.path.exists(bench.LUA_MODULES + "/ngx_http_lua_module.so")
    had, missing = [], []
    for name, argv, form in asked:
        version = output(argv, form) if argv[1:] else None
        if version and (name != "nginx with Lua" or lua):
            had.append(f"{name} {version}")
        else:
            missing.append(name)
    return (", ".join(had)
            + (". Not to be had here: " + ", ".join(missing) if missing
               else ""))


# --- README.md of bench/

def contenders(figures):
    """One table a part, of all that was measured in turn or counted."""
    found = {}
    for (part, name, figure), value in figures.items():
        found.setdefault(part, {}).setdefault(name, {})[figure] = value

    text = []
    for part, title in PARTS.items():
        body = []
        for name, f in found.get(part, {}).items():
            if "cpu_us" not in f and "instructions" not in f:
                continue
            body.append([
                f"**{name}**" if name.startswith(("wgw", "router", "public",
                                                  "claims")) else name,
                number(f.get("cpu_us"), "{:.2f}"),
                number(f.get("ratio"), "{:.3f}"),
                quarters(f.get("ratio_middle"), "{:.3f}"),
                number(f.get("over"), "{:+.2f}"),
                number(f.get("rps"), "{:,.0f}"),
                number(f.get("p50"), "{:,.0f}"),
                number(f.get("p99"), "{:,.0f}"),
                number(f.get("counted"), "{:,.0f}"),
                number(f.get("instructions"), "{:+,.0f}")])
        if body:
            text.append(f"### {title}\n\n" + markdown(
                ["contender", "CPU us a request", "floor = 1", "middle half",
                 "us over it", "requests/s", "p50 us", "p99 us",
                 "instructions", "over the floor"], body))
    return "\n\n".join(text)


def number(value, form):
    return "" if value is None else form.format(value)


def quarters(middle, form):
    return "" if not middle else "-".join(form.format(x) for x in middle)


def readme(command, seconds, foreign):
    figures = rows.measured(bench.RUN)
    cells, behind, _ = rows.compare(bench.RUN)

    head = (f"`{command}`, {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} "
            f"UTC, {seconds / 60:.0f} minutes; {processor()}, "
            f"{os.cpu_count()} processors, Linux {platform.release()}. "
            f"{versions()}. Processors that others used meanwhile: "
            f"{foreign:.2f}.")
    tail = ("Behind:\n\n" + "\n".join(f"* {line}" for line in behind)
            if behind else "No row that was measured is behind.")

    between(README, "figures", "\n\n".join([
        fold(head), markdown(rows.HEAD, cells), tail, contenders(figures)]))


def fold(text):
    return textwrap.fill(" ".join(text.split()), 80, break_long_words=False,
                         break_on_hyphens=False)


# --- the picture

GROUPS = [
    ("a request routed by name, 1M names: CPU, nginx with one backend = 1",
     "route", "ratio", "{:.2f}",
     [("wgw-1M", "wgw"), ("map-1M", "nginx map"), ("haproxy-1M", "HAProxy"),
      ("lua-1M", "nginx and Lua")], 1),
    ("counted under a cap, 1k keys: CPU us over nginx", "meter", "over",
     "{:+.2f}", [("wgw-cap-1k", "wgw"), ("limit_req-1k", "nginx limit_req"),
                 ("haproxy-1k", "HAProxy stick table")], 0),
    ("the same, 1M keys", "meter", "over", "{:+.2f}",
     [("wgw-cap-1M", "wgw"), ("limit_req-1M", "nginx limit_req"),
      ("haproxy-1M", "HAProxy stick table")], 0),
    ("an api key (HS256): CPU us over nginx", "auth", "over", "{:+.2f}",
     [("wgw", "wgw"), ("haproxy-jwt", "HAProxy jwt_verify"),
      ("lua", "nginx and Lua")], 0),
    ("a TLS connection by SNI, 1M names: CPU, nginx stream = 1", "port",
     "ratio", "{:.2f}", [("wgw-1000k", "wgw"),
                         ("map-1000k", "nginx preread and map"),
                         ("haproxy-1000k", "HAProxy")], 1),
    ("a request to a provider that wants sessions: CPU us over proxy_pass",
     "router", "over", "{:+.2f}",
     [("router-session", "wgw"), ("haproxy", "HAProxy, without"),
      ("caddy", "Caddy, without")], 0),
]

STYLE = """
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; }
    .note { fill: #59636e; font-size: 12px; }
    .own { fill: #0969da; }
    .peer { fill: #8c959f; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .note { fill: #9198a1; }
      .own { fill: #4493f8; }
      .peer { fill: #6e7681; }
    }
"""


def picture():
    """Bars from the floor on: less is better; one scale a group."""
    figures = rows.measured(bench.RUN)
    left, width, high = 190, 380, 20
    parts, y = [], 24

    for title, part, figure, form, bars, zero in GROUPS:
        found = [(label, figures.get((part, name, figure)))
                 for name, label in bars]
        found = [(label, value) for label, value in found
                 if value is not None]
        if not found or found[0][0] != "wgw":
            continue
        # what is next to nothing shall look so
        most = max([value - zero for _, value in found]
                   + [0.2 if zero else 1])
        parts.append(f'  <text class="title" x="12" y="{y}">{title}</text>')
        y += 10
        for label, value in found:
            bar = max(2, width * max(0, value - zero) / most)
            kind = "own" if label == "wgw" else "peer"
            parts.append(
                f'  <text x="{left - 8}" y="{y + 13}" text-anchor="end">'
                f'{label}</text>\n'
                f'  <rect class="{kind}" x="{left}" y="{y + 2}" '
                f'width="{bar:.0f}" height="{high - 6}"/>\n'
                f'  <text x="{left + bar + 6:.0f}" y="{y + 13}">'
                f'{form.format(value)}</text>')
            y += high
        y += 22

    parts.append(f'  <text class="note" x="12" y="{y}">bars begin where nginx '
                 "is: less is better; medians of rounds in turn; make bench, "
                 f"{time.strftime('%Y-%m-%d', time.gmtime())}</text>")
    y += 14

    with open(PICTURE, "w") as f:
        f.write('<svg xmlns="http://www.w3.org/2000/svg" '
                f'viewBox="0 0 680 {y}" width="680" height="{y}" role="img">\n'
                "  <title>What a request costs with wgw and with others"
                f"</title>\n  <style>{STYLE}  </style>\n"
                + "\n".join(parts) + "\n</svg>\n")


# --- docs/operations.md

def sizes():
    """In a reader's words: what one machine carries, and ten."""
    figures = rows.measured(bench.RUN)

    def get(part, name, figure):
        return figures.get((part, name, figure))

    def row(what, value, one, ten, command):
        return None if value is None else [what, one(value), ten(value),
                                           f"`{command}`"]

    def per_second(v):
        return f"{rounded(1e6 / v)}/s a core"

    def ten_cores(v):
        return f"{rounded(1e7 / v)}/s with a core each"

    day = 86400 * 1.048576                  # TB, by us for a MiB

    def per_day(v):
        return f"{rounded(day / v)} TB a day a core"

    def ten_per_day(v):
        return f"{rounded(10 * day / v)} TB a day"

    lines = [
        row("names", get("size", "name", "bytes"),
            lambda v: f"1M take {v:.0f} MB, shared by all workers, and "
            f"{get('size', 'name', 'own'):.0f} MB in each",
            lambda v: "the same names on each", "bench/size/run names"),
        row("metered keys", get("meter", "wgw-memory", "bytes"),
            lambda v: f"1M take {v:.0f} MB; up to 16M in a zone",
            lambda v: "caps in common, counters on each",
            "bench/meter/run memory"),
        row("requests to a backend, 1M names",
            get("route", "wgw-1M", "cpu_us"),
            per_second, ten_cores, "bench/route/run routing"),
        row("requests that nginx answers, counted under a cap",
            get("meter", "wgw-cap-1k", "cpu_us"), per_second, ten_cores,
            "bench/meter/run cpu"),
        row("requests with an api key", get("auth", "wgw", "cpu_us"),
            per_second, ten_cores, "bench/auth/run keys"),
        row("requests to RPC providers", get("router", "router-session",
                                             "cpu_us"),
            per_second, ten_cores, "bench/router/run routers"),
        row("new connections passed on by SNI", get("port", "wgw-1000k",
                                                   "cpu_us"),
            per_second, ten_cores, "bench/port/run sni"),
        row("new TLS connections that end here", get("size", "tls", "cpu_us"),
            per_second, ten_cores, "bench/size/run traffic"),
        row("connections that are open and idle", get("size", "idle",
                                                      "bytes"),
            lambda v: f"{v / 1000:.1f} KB each: 100,000 in {v / 10:,.0f} MB",
            lambda v: f"1M in {v / 10:,.0f} MB on each",
            "bench/size/run idle"),
        row("the same with TLS", get("size", "idle-tls", "bytes"),
            lambda v: f"{v / 1000:.0f} KB each: 100,000 in {v / 10:,.0f} MB",
            lambda v: f"1M in {v / 10:,.0f} MB on each",
            "bench/size/run idle"),
        row("traffic, counted under a cap, in answers of 1 MB",
            get("size", "bulk", "cpu_us"), per_day, ten_per_day,
            "bench/size/run traffic"),
        row("the same with TLS", get("size", "bulk-tls", "cpu_us"), per_day,
            ten_per_day, "bench/size/run traffic"),
        row("a change of a name, live in all workers",
            get("route", "wgw-1M-meta", "served"),
            lambda v: f"{v:.0f} us", lambda v: "on each of them",
            "bench/route/run live"),
        row("what a fleet adds to a request, with its agent, of 1,000 keys",
            get("meter", "wgw-fleet", "over"),
            lambda v: f"{v:+.1f} us", lambda v: "the same on each, and a Redis",
            "bench/meter/run fleet"),
    ]
    body = [line for line in lines if line]
    if body:
        between(OPERATIONS, "sizes", fold(
            f"{time.strftime('%Y-%m-%d', time.gmtime())}, {processor()}, one "
            "worker on one processor, by its own time, all over loopback: what "
            "a network card takes comes on top. Written by `make bench`.")
            + "\n\n" + markdown(
                ["", "one machine", "ten of them", "measured by"], body))


def rounded(v):
    """Two digits: more would be of this machine and day."""
    if v <= 0:
        return "0"
    digits = 10 ** max(0, len(str(int(v))) - 2)
    return f"{round(v / digits) * digits:,.0f}"
