#!/usr/bin/env python3
"""Runs benches on turnstile and on what one would take instead, and prints one table for each:
run.py [book|chat|echo|connect|http|tls|idle|fair|adopt|all]... [--rounds N] [--seconds S] [--clients N,N] [--only NAME] [--without-precedence]

In each round every server is measured once, one after the other, so that a busy moment of the
machine does not hit one alone; a figure is the median of the rounds.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import fair
import sides

RUN_SECONDS = 120  # that one run may take at most, its connecting counted in


@contextlib.contextmanager
def started(kinds, only):
    """The servers, running; ended, and their folder gone, whatever happens."""
    with tempfile.TemporaryDirectory(prefix="turnstile-bench-", dir="/var/tmp",
                                     ignore_cleanup_errors=True) as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        running = []
        try:
            for kind in kinds:
                if only and not any(word in kind.name for word in only):
                    continue
                side = kind(folder)
                running.append(side)
                side.start()
            yield running
        finally:
            for side in running:
                side.stop()


def run(side, *words):
    """One run of a bench on one server: its figures."""
    command = [*side.bench(), *words, "--server-pid", side.process.pid, "--json"]
    return execute(side, command)


def execute(side, command):
    command = [str(word) for word in command]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=RUN_SECONDS, text=True)
    if not done.stdout:
        print(f"{side.name}: nothing came of {' '.join(command)}", file=sys.stderr)
        return None
    return json.loads(done.stdout)


def median(runs):
    """Of each figure on its own; None when there was no run."""
    runs = [figures for figures in runs if figures]
    if not runs:
        return None
    return {name: statistics.median(figures[name] for figures in runs)
            for name, value in runs[0].items() if isinstance(value, (int, float))}


def in_rounds(options, running, measure):
    """Measures every server once a round; says each server's median."""
    runs = {side: [] for side in running}
    for _ in range(options.rounds):
        for side in running:
            try:
                runs[side].append(measure(side))
            except subprocess.TimeoutExpired:
                print(f"{side.name}: took too long", file=sys.stderr)
    return {side.name: median(figures) for side, figures in runs.items()}


def number(value):
    if value is None:
        return "-"
    if value == 0 or value >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.3g}" if value < 100 else f"{value:,.0f}"


def ratio(figures, reference, name):
    if not reference or not figures.get(name) or not reference.get(name):
        return None
    return figures[name] / reference[name]


def print_table(title, head, rows):
    cells = [head] + [[cell if isinstance(cell, str) else number(cell) for cell in row]
                      for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    print(f"\n{title}\n")
    for i, row in enumerate(cells):
        print("| " + " | ".join(cell.ljust(width) if at == 0 else cell.rjust(width)
                                for at, (cell, width) in enumerate(zip(row, widths))) + " |")
        if i == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|", flush=True)


def book(options):
    def measure(side):
        if isinstance(side, sides.Local):
            return execute(side, side.run(clients, options.seconds))
        return run(side, "book", "--keys", "--clients", clients, "--seconds", options.seconds)

    kinds = [sides.Turnstile, sides.TurnstilePostgres, sides.TurnstileNodes, sides.RedisSale, sides.Postgres,
             sides.Sqlite, sides.Python]
    rows = []
    for clients in options.clients or [16, 64, 256]:
        with started(kinds, options.only) as running:
            found = in_rounds(options, running, measure)
        for name, it in found.items():
            if it:
                rows.append([name, clients, it["per_second"], it["p50_ms"], it["p99_ms"],
                             it["longest_ms"], it["cpu_us"], it.get("own_cpu_us"),
                             ratio(it, found.get("redis"), "cpu_us"),
                             ratio(it, found.get("redis"), "per_second"), it["refused"]])
    print_table("book: one event, one ticket each, a key for each, one request in flight a client",
                ["side", "clients", "bookings/s", "p50 ms", "p99 ms", "longest ms", "CPU us each",
                 "driver's CPU", "CPU: redis = 1", "rate: redis = 1", "refused"], rows)


def echo(options):
    def measure(side):
        kind = "echo" if isinstance(side, sides.TurnstileEcho) else "ping"
        return run(side, kind, "--clients", 50, "--pipeline", in_flight,
                   "--seconds", options.seconds)

    kinds = [sides.TurnstileSingle, sides.Bare, sides.TurnstilePair, sides.BarePair,
             sides.TurnstileEcho, sides.Redis]
    # One process that never sleeps is cheaper an operation than two that share the work: each is
    # set beside the bare echo of as many processes.
    floors = {kind.name: sides.BarePair if getattr(kind, "processes", 1) == 2 else sides.Bare
              for kind in kinds}
    rows = []
    with started(kinds, options.only) as running:
        for in_flight in [1, 16]:
            found = in_rounds(options, running, measure)
            for name, it in found.items():
                if it:
                    rows.append([name, in_flight, it["per_second"], it["p50_ms"], it["p99_ms"],
                                 it["longest_ms"], it["cpu_us"],
                                 ratio(it, found.get(floors[name].name), "cpu_us")])
    print_table("echo: /ping and its like on 50 connections",
                ["side", "in flight", "requests/s", "p50 ms", "p99 ms", "longest ms",
                 "CPU us each", "CPU: the bare echo = 1"], rows)


CHAT_KINDS = [sides.Turnstile, sides.TurnstileSingle, sides.TurnstileRooms, sides.Redis, sides.Nats, sides.Ngircd,
              sides.Inspircd]


def chat_room(options, running, members):
    """At full rate, and then the latency at a fifth of each one's own full rate."""
    full = in_rounds(options, running, lambda side: run(
        side, "chat", "--members", members, "--seconds", options.seconds))

    def at_a_fifth(side):
        if not full[side.name]:
            return None
        rate = max(1, int(full[side.name]["per_second"] / (members - 1) / 5))
        return run(side, "chat", "--members", members, "--rate", rate,
                   "--seconds", options.seconds)

    fifth = in_rounds(options, running, at_a_fifth)
    for name, it in full.items():
        if it:
            calm = fifth[name] or {}
            yield [name, str(members), it["per_second"], it["cpu_us"],
                   ratio(it, full.get("redis"), "cpu_us"), calm.get("p50_ms"),
                   calm.get("p99_ms"), it["lost"] + calm.get("lost", 0),
                   it["out_of_order"] + calm.get("out_of_order", 0), it["other_orders"]]


def quiet_room(options, running):
    found = in_rounds(options, running, lambda side: run(
        side, "chat", "--members", 100, "--rate", 500, "--seconds", options.seconds))
    for name, it in found.items():
        if it:
            yield [name, "100, quiet", it["per_second"], it["cpu_us"],
                   ratio(it, found.get("redis"), "cpu_us"), it["p50_ms"], it["p99_ms"],
                   it["lost"], it["out_of_order"], it["other_orders"]]


def chat(options):
    rows = []
    for members in options.clients or [10, 100, 1000, 5000]:
        with started(CHAT_KINDS, options.only) as running:
            rows += chat_room(options, running, members)
    with started(CHAT_KINDS, options.only) as running:
        rows += quiet_room(options, running)
    print_table("chat: one room, four speakers, lines of 64 bytes; p50 and p99 from speaking to "
                "hearing at a fifth of the full rate; quiet: 500 lines a second",
                ["side", "members", "deliveries/s", "CPU us each", "CPU: redis = 1", "p50 ms",
                 "p99 ms", "lost", "out of order", "other orders"], rows)


def connect(options):
    with started([sides.Turnstile, sides.Nginx, sides.Bare], options.only) as running:
        found = in_rounds(options, running, lambda side: run(
            side, "connect", "--clients", 16, "--seconds", options.seconds))
    print_table("connect: made, asked once and closed, 16 at a time",
                ["side", "connections/s", "p50 ms", "p99 ms", "longest ms", "CPU us each",
                 "driver's CPU", "CPU: nginx = 1"],
                [[name, it["per_second"], it["p50_ms"], it["p99_ms"], it["longest_ms"],
                  it["cpu_us"], it["own_cpu_us"], ratio(it, found.get("nginx"), "cpu_us")]
                 for name, it in found.items() if it])


def idle(options):
    count = (options.clients or [10000])[0]
    # ngircd takes more than a minute to let so many in.
    kinds = [sides.Turnstile, sides.Redis, sides.Nats, sides.Inspircd, sides.Nginx]
    rows = []
    for kind in kinds:
        with started([kind], options.only) as running:
            for side in running:
                it = run(side, "idle", "--clients", count)
                if it:
                    rows.append([side.name, it["operations"], it["memory_kib"], it["cpu_us"]])
    print_table("idle: memory (PSS) of all the server's processes",
                ["side", "connections", "KiB each", "CPU us to connect"], rows)


def ticks_of(pid):
    """The processors' time, in seconds, that a process and its descendants have had."""
    total = 0.0
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            total += ticks_of(child)
    except OSError:
        pass
    return total


def carry(side, megabytes=100):
    """So much through one connection, both ways, in lines of 1,000 bytes."""
    lines = b"/ping " + b"x" * 993 + b"\n"
    before = ticks_of(side.process.pid)
    begun = time.monotonic()
    # Its input is not ended before its output: not every proxy knows half of a connection.
    with subprocess.Popen([str(word) for word in [*side.client(), "send"]], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL) as client:
        for _ in range(megabytes):
            client.stdin.write(lines * 1000)
        client.stdin.write(b"/quit\n")
        client.stdin.flush()
        if client.wait(RUN_SECONDS) != 0:
            return None
    taken = time.monotonic() - begun
    return {"rate": 2 * megabytes / taken,
            "cpu_ms": 1000 * (ticks_of(side.process.pid) - before) / (2 * megabytes)}


def asked(options, running, kind, peer=None, clients=64):
    """Requests on kept connections, one in flight each."""
    def measure(side):
        words = [kind, "--clients", clients, "--seconds", options.seconds, *(["--keys"] if kind == "book" else [])]
        if not peer:
            return run(side, *words)
        command = side.bench()
        command[1] = peer
        return execute(side, [*command, *words, "--server-pid", side.process.pid, "--json"])

    return in_rounds(options, running, measure)


def http_rows(what, found, reference):
    for name, it in found.items():
        if it:
            yield [what, name, it["per_second"], it["p50_ms"], it["p99_ms"], it["cpu_us"],
                   ratio(it, found.get(reference), "cpu_us"), it["refused"]]


def http(options):
    rows = []
    with started([sides.TurnstileHttp, sides.NginxStatic], options.only) as running:
        rows += http_rows("GET /healthz", asked(options, running, "ping"), "nginx, static")
        rows += http_rows("GET /api/v1/events", asked(options, running, "ping", "http-events"), "nginx, static")
    with started([sides.TurnstileHttp, sides.Turnstile], options.only) as running:
        rows += http_rows("a booking with a key", asked(options, running, "book"), "turnstile")
    print_table("http: 64 connections that are kept, one request in flight; beside a static answer "
                "of the same bytes, and a booking by lines",
                ["what", "side", "requests/s", "p50 ms", "p99 ms", "CPU us each", "CPU: the other = 1", "refused"], rows)
    rows = []
    members = (options.clients or [1000])[0]
    with started([sides.TurnstileWebSocket, sides.Nchan, sides.Mosquitto], options.only) as running:
        found = in_rounds(options, running, lambda side: run(
            side, "chat", "--members", members, "--seconds", options.seconds))
    for name, it in found.items():
        if it:
            rows.append([name, members, it["per_second"], it["cpu_us"], ratio(it, found.get("nchan"), "cpu_us"),
                         it["p50_ms"], it["p99_ms"], it["lost"], it["out_of_order"]])
    print_table("http: one room over WebSocket (mosquitto: MQTT, Debian's has no WebSocket), four speakers, lines of 64 bytes, full rate",
                ["side", "members", "deliveries/s", "CPU us each", "CPU: nchan = 1", "p50 ms", "p99 ms", "lost",
                 "out of order"], rows)


def tls(options):
    kinds = [sides.TurnstileTls, sides.NginxTls, sides.HitchTls]
    with started(kinds, options.only) as running:
        made = in_rounds(options, running, lambda side: run(
            side, "connect", "--clients", 16, "--seconds", options.seconds))
        asked = in_rounds(options, running, lambda side: run(
            side, "ping", "--clients", 50, "--seconds", options.seconds))
        carried = in_rounds(options, running, carry)
    reference = sides.NginxTls.name
    print_table("tls: a handshake, /ping and the end, 16 at a time; /ping on 50 connections, one "
                "in flight; 100 MB there and back. CPU of all server processes",
                ["side", "handshakes/s", "CPU us each", "nginx = 1", "requests/s", "CPU us each",
                 "nginx = 1", "MB/s", "CPU ms a MB", "nginx = 1"],
                [[name, made[name]["per_second"], made[name]["cpu_us"],
                  ratio(made[name], made.get(reference), "cpu_us"), asked[name]["per_second"],
                  asked[name]["cpu_us"], ratio(asked[name], asked.get(reference), "cpu_us"),
                  carried[name]["rate"], carried[name]["cpu_ms"],
                  ratio(carried[name], carried.get(reference), "cpu_ms")]
                 for name in made if made[name] and asked[name] and carried[name]])


ADOPTS, LETS_GO = sides.TurnstileAdopts.name, sides.TurnstileLetsGo.name


def adopt_rows(options, running):
    """What it costs that connections outlive their worker: CPU of all server processes."""
    each = {"a connection made, asked and closed": ["connect", "--clients", 16],
            "/ping, 50 connections": ["ping", "--clients", 50],
            "/ping, 16 in flight": ["ping", "--clients", 50, "--pipeline", 16],
            "a delivery, room of 100": ["chat", "--members", 100],
            "a booking, 64 clients": ["book", "--keys", "--clients", 64]}
    for what, words in each.items():
        found = in_rounds(options, running,
                          lambda side, words=words: run(side, *words, "--seconds", options.seconds))
        on, off = found[ADOPTS]["cpu_us"], found[LETS_GO]["cpu_us"]
        yield [what, on, off, f"{on - off:+.3g}", f"{100 * (on / off - 1):+.1f} %"]


def idle_row(count):
    bytes_each = {}
    for kind in [sides.TurnstileAdopts, sides.TurnstileLetsGo]:
        with started([kind], None) as [side]:
            bytes_each[kind.name] = run(side, "idle", "--clients", count)["memory_kib"] * 1024
    on, off = bytes_each[ADOPTS], bytes_each[LETS_GO]
    return ["bytes an idle connection", on, off, f"{on - off:+.0f}", f"{100 * (on / off - 1):+.1f} %"]


def at_most(count):
    """Of so many connections, as many as two workers may have of them each: the limit of open files
    holds for the master and for us."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(count, (most - 600) // 2)


def open_to(port, count):
    return [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]


def worker_of(connection):
    """Its worker's number and process."""
    connection.sendall(b"/where\n")
    text = b""
    while b"+where " not in text or not text.endswith(b"\n"):
        text += connection.recv(4096)
    words = text.split(b"+where ")[1].split()
    return int(words[1]), int(words[2])


def ping_until(connections, done):
    """The longest that any of them waited for its /ping, in ms, while DONE() was false."""
    longest = 0.0
    while True:
        last = done()
        for connection in connections:
            begun = time.monotonic()
            connection.sendall(b"/ping\n")
            connection.recv(4096)
            longest = max(longest, 1000 * (time.monotonic() - begun))
        if last:
            return longest


def take_over(count):
    """Kills one of two workers, which has so many idle connections: until its successor has them; and
    how long others waited meanwhile."""
    with started([sides.TurnstileAdopts], None) as [side]:
        log = side.folder / "log"
        idle = open_to(side.port, 2 * at_most(count))
        pingers = open_to(side.port, 20)
        _, pid = worker_of(idle[0])
        others = [one for one in pingers if worker_of(one)[1] != pid]
        os.kill(pid, signal.SIGKILL)
        longest = ping_until(others, lambda: "goes on with" in log.read_text())
        found = re.search(r"goes on with (\d+) connections after ([\d.]+) ms", log.read_text())
        for one in idle + pingers:
            one.close()
        return {"adopted": int(found[1]), "took_ms": float(found[2]), "ping_ms": longest}


def adopt(options):
    count = (options.clients or [10000])[0]
    with started([sides.TurnstileAdopts, sides.TurnstileLetsGo], None) as running:
        rows = list(adopt_rows(options, running))
    rows.append(idle_row(count))
    print_table("adopt: CPU us of all server processes, and memory, with --adopt on and off",
                ["what", "on", "off", "more", "in percent"], rows)
    found = median([take_over(count) for _ in range(options.rounds)])
    print_table("adopt: one of two workers is killed, with so many idle connections",
                ["connections", "adopted in ms", "others' longest /ping in ms"],
                [[found["adopted"], found["took_ms"], found["ping_ms"]]])


def fair_shares(options):
    for name, rate in {"at the default --rate": [], "--rate 0": ["--rate", "0"]}.items():
        print_table(f"fair: others' /ping while one connection sends 64 KiB batches, {name}",
                    fair.HEAD, list(fair.rows(rate, options)))


BENCHES = {"book": book, "echo": echo, "chat": chat, "connect": connect, "http": http, "tls": tls,
           "idle": idle, "fair": fair_shares, "adopt": adopt}


def numbers(text):
    return [int(word) for word in text.split(",")]


def read_command_line():
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benches", nargs="*", choices=[*BENCHES, "all", []], metavar="BENCH")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (%(default)s)")
    parser.add_argument("--seconds", type=int, default=2, help="of each run (%(default)s)")
    parser.add_argument("--clients", type=numbers, help="instead of the bench's own: 16,64")
    parser.add_argument("--without-precedence", action="store_true", help="fair: as the machine is, root or not")
    parser.add_argument("--only", type=lambda text: text.split(","), help="servers: turnstile,redis; of fair: /who,/say")
    return parser.parse_args()


def main():
    options = read_command_line()
    # So that the servers are ended then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    chosen = options.benches or ["all"]
    for name, bench in BENCHES.items():
        if name in chosen or "all" in chosen:
            bench(options)


if __name__ == "__main__":
    main()
