"""What every benchmark shares: contenders, interleaved rounds, tables.

The servers run on processor 0 with one worker; the load and the backends on
processor 1.  All contenders of a table are started once and stay up; then,
round by round, each gets the same load for a moment, one after another and
always right after the floor, so that a slow spell of the machine hits both.
A figure is the median of the rounds (lowest..highest); a ratio the median of
the ratios to the floor just before.  CPU per request is the clock of all the
server's processes.  A measurement in which other processes took more than
0.12 processors is repeated, TRIES times in all, and the quietest counts.

Instructions are those of user space, counted by callgrind over a number of
requests after a warm-up, and repeat within 1 %.
"""

import atexit
import itertools
import json
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

import rows

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

NGINX = os.path.abspath(os.environ.get("NGINX", TOP + "/build/bin/nginx"))
MODULES = os.path.abspath(os.environ.get("MODULES", TOP + "/build/modules"))
RUN = os.path.abspath(os.environ.get("BENCH_RUN", TOP + "/build/bench"))
TOOLS = RUN + "/tools"

PEERS = TOP + "/build/peers"


def peer(name, installed):
    """How a peer is started: that which tools/peers.sh unpacked, with its own
    libraries, or the one that is installed; [] for none."""
    for path in (f"{PEERS}/bin/{name}", installed):
        if os.path.exists(path):
            return [path]
    return []


def in_peers(path):
    """A folder of the peers' own, or of this system."""
    own = f"{PEERS}/root{path}"
    return own if os.path.exists(own) else path


HAPROXY = ([os.environ["HAPROXY"]] if "HAPROXY" in os.environ
           else peer("haproxy", "/usr/sbin/haproxy"))
CADDY = peer("caddy", "/usr/bin/caddy")
REDIS = peer("redis-server", "/usr/bin/redis-server")
LUA_NGINX = ([os.environ["LUA_NGINX"]] if "LUA_NGINX" in os.environ
             else peer("nginx", "/usr/sbin/nginx"))
LUA_MODULES = os.environ.get("LUA_MODULES",
                             in_peers("/usr/lib/nginx/modules"))
LUA_PATH = os.environ.get("LUA_PATH",
                          in_peers("/usr/share/lua/5.1") + "/?.lua;;")

ROUNDS = int(os.environ.get("ROUNDS", "0"))
SECONDS = float(os.environ.get("SECONDS", "0"))
TRIES = int(os.environ.get("TRIES", "2"))

# seconds for the rounds of one table, of which there are three at least; 0:
# as many rounds as it wants
LIMIT = float(os.environ.get("LIMIT", "0"))
ONLY = re.compile(os.environ.get("ONLY", "."))

SERVER, LOAD = {0}, {1}
FOREIGN = 0.12
LEAST = 3
CONNECTIONS = 64

BACKEND_PORT = 9100
BACKENDS = 16
GOES = 3                # in which instructions are counted

# caches in which nothing makes room for anything: a miss is a line touched
EVERY_LINE = ["--cache-sim=yes"] + [f"--{name}=4194304,16,64" for name in
                                    ("I1", "D1", "LL")]

# nginx would take it for sockets to inherit
os.environ.pop("NGINX", None)

_started = []
_lock = socket.socket(socket.AF_UNIX)

# every run of wload asks for other names: what a table of names has cached
# from the run before must not be what the next one asks for
_seeds = itertools.count(1)

# contenders with requests that were not answered well, whose times say nothing
_failed = []


def say(text):
    print(text, flush=True)


def note(text):
    print(text, file=sys.stderr, flush=True)


def setup():
    """The tools, room for many connections, and nobody else's run."""
    try:
        _lock.bind("\0wgw-bench")
    except OSError:
        sys.exit("bench: another run is going on, on the same ports and "
                 "processors")

    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("bench: needs two processors, 0 and 1")

    for path in (NGINX, MODULES + "/ngx_wgw_route_module.so"):
        if not os.path.exists(path):
            sys.exit(f"bench: no {path}: make it first, or set NGINX and "
                     "MODULES")

    os.makedirs(TOOLS, exist_ok=True)
    subprocess.run(["make", "-s", "-C", TOP + "/bench/tools", "OUT=" + TOOLS],
                   check=True)

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(65536, hard), hard))

    atexit.register(stop_all)
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(1))


# --- processes

def pinned(cpus):
    def before_exec():
        os.sched_setaffinity(0, cpus)
        os.setsid()
    return before_exec


def spawn(argv, cpus, log=None, env=None):
    out = open(log, "ab") if log else subprocess.DEVNULL
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out,
                               stderr=out, preexec_fn=pinned(cpus),
                               env={**os.environ, **(env or {})})
    _started.append(process)
    return process


def run_tool(name, *args, timeout=600):
    out = subprocess.run([f"{TOOLS}/{name}", *map(str, args)], check=True,
                         stdout=subprocess.PIPE, preexec_fn=pinned(LOAD),
                         timeout=timeout).stdout
    return json.loads(out)


def load(tool, *args):
    return run_tool(tool, "-s", next(_seeds), *args)


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(x) for x in f.read().split()]
    except OSError:
        return []


def stop(process):
    """Ends it and the workers it had."""
    workers = children(process.pid)

    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    for pid in workers:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass

    if process in _started:
        _started.remove(process)


def stop_all():
    for process in list(reversed(_started)):
        stop(process)


def cpu_seconds(pids):
    """All threads of these processes, by their clocks (nanoseconds)."""
    total = 0.0
    for pid in pids:
        try:
            total += time.clock_gettime((~pid << 3) | 2)
        except OSError:
            pass
    return total


def memory(pids, *keys):
    """Sums of smaps_rollup, in bytes."""
    sums = dict.fromkeys(keys, 0)
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as f:
                text = f.read()
        except OSError:
            continue
        for key in keys:
            sums[key] += 1024 * int(
                re.search(rf"^{key}:\s+(\d+)", text, re.M).group(1))
    return [sums[key] for key in keys]


def taken(port):
    """Whether somebody listens there already, who would answer for us."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def wait_answer(port, process, seconds=120, knock=None):
    """Until it answers a request, whatever it says."""
    end = time.time() + seconds
    while time.time() < end and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 60) as s:
                s.sendall(knock or Contender.knock)
                if s.recv(1):
                    return True
        except OSError:
            time.sleep(0.001)
    return False


def get(s, name):
    """A request on a connection that is kept, whose answer is one piece."""
    s.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    if not s.recv(65536).startswith(b"HTTP/1.1 200"):
        sys.exit(f"bench: no answer for {name}")


# --- other people's use of the machine

def busy():
    """Seconds that the machine worked, and those that were our own."""
    with open("/proc/stat") as f:
        ticks = [int(x) for x in f.readline().split()[1:]]
    ours = [p for s in _started for p in [s.pid] + children(s.pid)]
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ((sum(ticks[:3]) + sum(ticks[5:8])) / os.sysconf("SC_CLK_TCK"),
            cpu_seconds(ours + [os.getpid()])
            + ended.ru_utime + ended.ru_stime)


class Watch:
    """Processors that others used since it was made."""

    def __init__(self):
        self.busy, self.time = busy(), time.time()

    def foreign(self):
        now = busy()
        used = (now[0] - self.busy[0]) - (now[1] - self.busy[1])
        return max(0.0, used) / (time.time() - self.time)


def quiet(seconds=1):
    """Waits for others to pause, but not for long."""
    end = time.time() + seconds
    while time.time() < end:
        watch = Watch()
        time.sleep(0.05)
        if watch.foreign() < FOREIGN:
            return


# --- contenders

class Contender:
    """A server: `kind` nginx, wgw or haproxy; `conf` is a template."""

    tool = "wload"
    connections = CONNECTIONS
    knock = b"GET / HTTP/1.1\r\nHost: n0000000.gw.test\r\n\r\n"

    def __init__(self, name, kind, conf, port, load=(), **values):
        self.name, self.kind, self.conf, self.port = name, kind, conf, port
        self.load = [str(x) for x in load]
        self.values = values
        self.dir = f"{RUN}/{name}"
        self.cpus = SERVER
        self.warm = 1           # times a warm-up has to be longer
        self.each = 0           # names that are asked for before, in turn
        self.floor = None       # its own, unless that of the table
        self.figures_of = None  # its name in rows.py, if that is another
        self.rounds = []
        self.ratios = []
        self.over = []          # us
        self.process = None
        self.start_seconds = 0

    def available(self):
        return bool(ONLY.search(self.name))

    def binary(self):
        return [NGINX]

    def argv(self, conf, single):
        directives = "daemon off;"
        if os.geteuid() == 0:
            directives += " user root;"
        if single:
            directives += " master_process off;"
        return [*self.binary(), "-p", self.dir, "-e", self.dir + "/error.log",
                "-c", conf, "-g", directives]

    def env(self):
        return {}

    def configure(self):
        os.makedirs(self.dir + "/tmp", exist_ok=True)
        temp = "".join(f"    {x}_temp_path {self.dir}/tmp/{x};\n" for x in
                       ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        values = {"PORT": self.port, "DIR": self.dir, "TEMP": temp,
                  "MODULES": MODULES, "WORKERS": 1, **self.values}
        with open(self.conf) as f:
            text = f.read()
        text = re.sub(r"@(\w+)@", lambda m: str(values[m.group(1)]), text)
        with open(self.dir + "/conf", "w") as f:
            f.write(text)
        return self.dir + "/conf"

    def start(self, single=False, prefix=()):
        if taken(self.port):
            sys.exit(f"bench: port {self.port} is in use")

        conf = self.configure()
        begin = time.time()
        self.process = spawn([*prefix, *self.argv(conf, single)], self.cpus,
                             self.dir + "/log", self.env())
        if not wait_answer(self.port, self.process, knock=self.knock):
            note(f"bench: {self.name} does not start, see {self.dir}/log")
            stop(self.process)
            self.process = None
            return False
        self.start_seconds = time.time() - begin
        return True

    def stop(self):
        if self.process:
            stop(self.process)
            self.process = None

    def pids(self):
        return [self.process.pid] + children(self.process.pid)

    def workers(self):
        return children(self.process.pid)

    def ask(self, *args):
        """One run of the load tool."""
        pids = [x for pid in self.pids() for x in ("-p", pid)]
        return load(self.tool, *pids, *args, *self.load, self.port)

    def faults(self):
        """Of pages, those that needed no disk."""
        result = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/stat") as f:
                result += int(f.read().rpartition(")")[2].split()[7])
        return result

    def shoot(self, seconds):
        """The quietest of a few measurements."""
        best, tries = None, 0
        while best is None or tries < TRIES:
            quiet()
            watch, faults = Watch(), self.faults()
            result = self.ask("-c", self.connections, "-w",
                              min(0.1, seconds / 3), "-d", seconds)
            result["foreign"] = watch.foreign()
            tries += 1
            if result["requests"] == 0:
                if tries > 10:
                    sys.exit(f"bench: {self.name} answers nothing")
                continue
            result["faults"] = ((self.faults() - faults)
                                / result["requests"])
            if best is None or result["foreign"] < best["foreign"]:
                best = result
            if result["foreign"] < FOREIGN:
                break
        return best

    def instructions(self, warm, requests):
        """Per request, in user space; None without valgrind.  The median
        of some goes, each on other connections: what malloc has to look for, or
        not, in one heap or another, is up to 250 of them."""
        out = self.start_callgrind()
        if not out:
            return None
        try:
            self.ask_each(16)
            self.ask("-c", 16, "-n", warm * self.warm)
            self.control("--instr=on")
            goes = []
            for go in range(1, GOES + 1):
                connections = 16 + 3 * go
                self.ask("-c", connections, "-n", 1000)
                self.control("--zero")
                self.ask("-c", connections, "-n", requests // GOES)
                self.control("--dump")
                goes.append(self.totals(f"{out}.{go}")
                            / (requests // GOES))
            return median(goes)
        finally:
            self.stop()

    def start_callgrind(self, *options):
        """Where it writes, or None; it does not count yet."""
        out = f"{self.dir}/callgrind"
        os.makedirs(self.dir, exist_ok=True)
        for name in os.listdir(self.dir):
            if name.startswith("callgrind"):
                os.unlink(f"{self.dir}/{name}")

        found = self.start(True, ["env", f"LD_PRELOAD={TOOLS}/smallmap.so",
                                  "valgrind", "--tool=callgrind",
                                  "--instr-atstart=no", *options,
                                  "--callgrind-out-file=" + out])
        return out if found else None

    def ask_each(self, connections):
        if self.each:
            self.ask("-c", connections, "-q", "-n", self.each)

    def control(self, action):
        subprocess.run(["callgrind_control", action, str(self.process.pid)],
                       check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=120)

    def touched(self, before, names):
        """Lines of the cache, of data and of code, of a request for each of
        `names`, after those for `before`, on one connection; medians.  Before
        these so many were asked for in turn."""
        data, code = [], []
        out = self.start_callgrind(*EVERY_LINE)
        if not out:
            return None
        try:
            self.ask_each(16)
            with socket.create_connection(("127.0.0.1", self.port)) as s:
                for name in before:
                    get(s, name)
                for i, name in enumerate(names, 1):
                    # which begins with an empty cache
                    self.control("--instr=on")
                    get(s, name)
                    self.control("--dump")
                    self.control("--instr=off")
                    events = self.all_totals(f"{out}.{i}")
                    data.append(events["D1mr"] + events["D1mw"])
                    code.append(events["I1mr"])
            return median(data), median(code)
        finally:
            self.stop()

    @staticmethod
    def all_totals(path):
        """By event; a dump is not always whole when it is asked for."""
        for _ in range(100):
            with open(path) as f:
                text = f.read()
            totals = re.search(r"^totals: (.*)\n", text, re.M)
            if totals:
                break
            time.sleep(0.05)
        else:
            sys.exit(f"bench: no totals in {path}")

        names = re.search(r"^events: (.*)", text, re.M).group(1).split()
        return {**dict.fromkeys(names, 0),
                **dict(zip(names, map(int, totals.group(1).split())))}

    @staticmethod
    def totals(path):
        return Contender.all_totals(path)["Ir"]


class Haproxy(Contender):

    def available(self):
        return super().available() and bool(HAPROXY)

    def argv(self, conf, single):
        return [*HAPROXY, "-db", "-f", conf]


class Caddy(Contender):

    def available(self):
        return super().available() and bool(CADDY)

    def argv(self, conf, single):
        return [*CADDY, "run", "--adapter", "caddyfile", "--config", conf]

    def env(self):
        return {"HOME": self.dir, "GOMAXPROCS": "1"}


class Lua(Contender):

    def available(self):
        return (super().available() and bool(LUA_NGINX)
                and os.path.exists(LUA_MODULES + "/ngx_http_lua_module.so"))

    def binary(self):
        return LUA_NGINX


class Redis:
    """One for all, where the load is; nothing is written to disk."""

    def __init__(self, port):
        self.port, self.process = port, None
        self.dir = f"{RUN}/redis.{port}"
        self.path = self.dir + "/socket"

    def start(self):
        if self.process:
            return True
        if not REDIS:
            return False
        os.makedirs(self.dir, exist_ok=True)
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.process = spawn(
            [*REDIS, "--port", str(self.port), "--bind", "127.0.0.1",
             "--unixsocket", self.path, "--save", "", "--appendonly", "no",
             "--dir", self.dir], LOAD, self.dir + "/log")
        end = time.time() + 10
        while not os.path.exists(self.path):
            if time.time() > end or self.process.poll() is not None:
                note(f"bench: Redis does not start, see {self.dir}/log")
                return False
            time.sleep(0.01)
        self.fill()
        return True

    def fill(self):
        pass


def start_backend():
    """What all contenders proxy to: a plain nginx, 200 bytes of body."""
    if taken(BACKEND_PORT):
        sys.exit(f"bench: port {BACKEND_PORT} is in use")

    directory = RUN + "/backend"
    os.makedirs(directory + "/tmp", exist_ok=True)
    listen = " ".join(f"listen {BACKEND_PORT + i} backlog=8192;"
                      for i in range(BACKENDS))
    with open(directory + "/conf", "w") as f:
        f.write(f"worker_processes 1;\npid {directory}/pid;\n"
                f"error_log {directory}/error.log;\n"
                "events { worker_connections 40000; }\n"
                "http {\n    access_log off;\n"
                "    keepalive_timeout 1h;\n"
                "    keepalive_requests 1000000000;\n"
                + "".join(f"    {x}_temp_path {directory}/tmp/{x};\n"
                          for x in ("client_body", "proxy", "fastcgi",
                                    "uwsgi", "scgi"))
                + f"    server {{ {listen} return 200 '{'x' * 200}'; }}\n}}\n")

    directives = "daemon off;"
    if os.geteuid() == 0:
        directives += " user root;"
    process = spawn([NGINX, "-p", directory, "-e", directory + "/error.log",
                     "-c", directory + "/conf", "-g", directives], LOAD,
                    directory + "/log")
    if not wait_answer(BACKEND_PORT, process, 10):
        sys.exit(f"bench: the backend does not start, see {directory}/log")


# --- tables

def median(values):
    return statistics.median(values) if values else float("nan")


def spread(values, form="{:.2f}"):
    if not values:
        return "-"
    return (f"{form.format(median(values))} ({form.format(min(values))}.."
            f"{form.format(max(values))})")


def middle(values):
    """The quartiles, which say more than the ends when others work too."""
    if len(values) < 4:
        return "-"
    return "{:.3f}..{:.3f}".format(*quarters(values))


def quarters(values):
    """The middle half: where it begins and where it ends; of one value there
    is none."""
    if len(values) < 2:
        return None
    low, _, high = statistics.quantiles(values, n=4)
    return [low, high]


def table(title, head, body):
    """A Markdown table, aligned so that it reads as text as well."""
    lines = [[str(cell) for cell in row] for row in [head, *body]]
    widths = [max(len(row[i]) for row in lines) for i in range(len(head))]
    lines.insert(1, ["-" * w for w in widths])

    say(f"\n### {title}\n")
    for row in lines:
        say("| " + " | ".join(c.ljust(w) for c, w in zip(row, widths))
            + " |")


def rounds(most):
    """The numbers of a table's rounds."""
    end = time.time() + LIMIT

    for number in range(1, (ROUNDS or most) + 1):
        if LIMIT and number > LEAST and time.time() > end:
            return
        yield number


def one_round(others, base, seconds):
    """Each between two of its floor, the second of which is the next one's
    first: a processor that gets slower or quicker is no difference."""
    last = before = None

    for c in others:
        under = c.floor or base
        if under is not last:
            last, before = under, under.shoot(seconds)
            under.rounds.append(before)

        found, after = c.shoot(seconds), under.shoot(seconds)
        c.rounds.append(found)
        under.rounds.append(after)

        least = (before["cpu_us"] + after["cpu_us"]) / 2
        c.ratios.append(found["cpu_us"] / least)
        c.over.append(found["cpu_us"] - least)
        before = after


def compare(title, contenders, floor, most, seconds):
    """Interleaved rounds of all contenders that start; prints the table."""
    seconds = SECONDS or seconds
    base = next(c for c in contenders if c.name == floor)
    running = [c for c in contenders
               if c is base or c.available() and c.start()]

    if not base.start():
        sys.exit(1)

    running = [c for c in running if (c.floor or base) in running]

    for c in running:
        c.ask_each(CONNECTIONS)

    floors = [base] + [c.floor for c in running if c.floor]
    others = sorted((c for c in running if c not in floors),
                    key=lambda c: floors.index(c.floor or base))

    for done in rounds(most):
        one_round(others, base, seconds)
        note(f"  round {done}: " + "  ".join(
            f"{c.name} {c.ratios[-1]:.3f}" for c in running if c.ratios))

    def column(c, key):
        return [r[key] for r in c.rounds]

    table(title, ["contender", "CPU us a request", "ratio to the floor",
                  "middle half", "us over it", "requests/s", "p50 us",
                  "p99 us", "faults a request", "failed"],
          [[c.name, spread(column(c, "cpu_us")), spread(c.ratios, "{:.3f}"),
            middle(c.ratios), f"{median(c.over):+.2f}" if c.over else "-",
            f"{median(column(c, 'rps')):.0f}",
            f"{median(column(c, 'p50')):.0f}",
            f"{median(column(c, 'p99')):.0f}",
            f"{median(column(c, 'faults')):.3f}",
            sum(column(c, "bad")) + sum(column(c, "broken"))]
           for c in running])

    for c in running:
        rows.record(RUN, c.figures_of or c.name, table=title, **{
            key: median(column(c, key))
            for key in ("cpu_us", "rps", "p50", "p99")})
        if c.ratios:
            rows.record(RUN, c.figures_of or c.name, ratio=median(c.ratios),
                        over=median(c.over), ratio_middle=quarters(c.ratios),
                        over_middle=quarters(c.over))

    foreign = [r["foreign"] for c in running for r in c.rounds]
    say(f"\n{done} rounds of {seconds:g} s.  Processors that others used "
        f"meanwhile: {spread(foreign)}.")

    for c in running:
        c.stop()

        failed = sum(column(c, "bad")) + sum(column(c, "broken"))
        if failed:
            _failed.append(f"{c.name}: {failed}")


def count(title, contenders, floor, warm, requests):
    """Instructions of each contender, one after another."""
    if not shutil.which("valgrind"):
        say(f"\n### {title}\n\nNot counted: valgrind is not installed.")
        return

    lines, counted = [], {}

    for c in contenders:
        if not c.available():
            continue
        n = c.instructions(warm, requests)
        if n is None:
            continue
        counted[c] = n
        base = counted.get(c.floor) or next(
            (counted[f] for f in counted if f.name == floor), None)
        lines.append([c.name, f"{n:.0f}",
                      f"{n - base:+.0f}" if base else "-"])
        note(f"  {c.name} {n:.0f}")
        if base:
            rows.record(RUN, c.name, instructions=n - base, counted=n)

    table(title, ["contender", "instructions a request", "over the floor"],
          lines)


# --- a benchmark of some parts

def main(parts, usage, argv, backend=start_backend):
    """`parts` are functions that get whether all of it is wanted."""
    full = argv[:1] == ["full"]
    names = {part.__name__: part for part in parts}

    if argv in (["short"], ["full"]):
        chosen = parts
    elif argv and all(a in names for a in argv):
        chosen, full = [names[a] for a in argv], "SHORT" not in os.environ
    else:
        sys.exit(usage)

    setup()
    if backend:
        backend()

    version = subprocess.run([NGINX, "-v"], stderr=subprocess.PIPE,
                             text=True).stderr.strip()
    say(f"{version}; {time.strftime('%Y-%m-%d')}")

    for part in chosen:
        begin = time.time()
        part(full)
        note(f"  {part.__name__}: {time.time() - begin:.0f} s")

    if _failed:
        sys.exit("bench: requests failed: " + ", ".join(_failed))
