"""Two nodes, PostgreSQL and NATS, each in a network namespace of its own, through bad minutes.

cluster.py --build FOLDER [--seed N] [--minutes M] [--keep FOLDER]       (script/test cluster runs it)

Round after round people book, hold, cancel and ask at both nodes, and a rush goes over both, while cables
are cut and healed, and nodes, their processes, the database and the bus are killed, frozen and started
again at moments that the seed draws. After each round it is asked whether all that everybody was told
could have come from one ticket office that does one thing at a time (tests/prove), whether the rush sold
each ticket of its event, and nothing twice, and in the end whether the store is sound.
"""

import argparse
import collections
import json
import os
import secrets
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "prove"))

import bus  # noqa: E402
import database  # noqa: E402
import history  # noqa: E402
from network import Network  # noqa: E402
from nodes import Nodes  # noqa: E402
from prove import RECURSION_MAX, Programs  # noqa: E402
from server import Failed  # noqa: E402

OPERATIONS = 500        # a round
RUSH_TICKETS = 3000     # a round
RUSH_BUYERS = 3500
RUSH_CONNECTIONS = 24
RUSH_SECONDS = 120      # until it must be over
PORT = 7000
BUS_PORT = 4222
A_DAY = 86400           # seconds
SECOND_ROUND = 2        # there are at least so many, however short the time
PASSWORD = "operators-of-the-cluster"
AS_NOBODY = ["setpriv", "--reuid", str(database.NOBODY), "--regid", str(database.NOBODY), "--clear-groups"]


def write_secret(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(text)


class Cluster(Nodes):
    STRIKES = [3, 4, 6]
    SECONDS = [0.3, 1.0, 2.5, 6.0]
    CLOCKS = [-421, 733]
    WEATHERS = ["all"]
    FAULTS = {"all": ["cut"] * 4 + ["isolate", "kill", "kill_all", "stop", "database", "backend", "freeze", "bus",
                    "bus_freeze", "kill_bus_process", "reload"] + ["master"] * 3}
    pause_seconds = 0.2     # at most, between what a person asks

    def __init__(self, plan, programs, folder, network):
        self.network = network
        for name in (*self.NAMES, "database", "bus"):
            self.network.add_machine(name)
        self.links = [self.network.lay_cable(name, "database") for name in self.NAMES]
        self.bus_links = [self.network.lay_cable(name, "bus") for name in self.NAMES]
        self.ways_in = {name: self.network.lay_way_in(name) for name in self.NAMES}
        self.secret = secrets.token_hex(16)
        self.programs = programs
        super().__init__(plan, programs, folder)

    # The database: by TLS, and a password that stands in a file

    def make_database(self, programs):
        addresses = [link.addresses["database"] for link in self.links]
        base = database.Database(programs.template, self.folder, prefix=[*self.network.prefix("database"), *AS_NOBODY],
                                 addresses=",".join(addresses))
        self.certify(base, addresses, programs)
        with open(os.path.join(base.data, "pg_hba.conf"), "a") as rules:
            rules.write("hostssl all all 10.77.0.0/16 scram-sha-256\n")
        self.passwords = os.path.join(self.folder, "passwords")
        write_secret(self.passwords, f"*:*:*:{database.ROLE}:{self.secret}\n")
        return base

    def certify(self, base, addresses, programs):
        self.certificate, key = self.make_certificate("database", [f"IP:{address}" for address in addresses], programs)
        database.give(key)
        base.command += ["-c", "ssl=on", "-c", f"ssl_cert_file={self.certificate}", "-c", f"ssl_key_file={key}"]

    def make_certificate(self, name, others, programs):
        """Good since yesterday: one of the nodes' clocks is behind."""
        certificate = os.path.join(self.folder, f"{name}.pem")
        key = os.path.join(self.folder, f"{name}-key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", f"/CN={name}", "-addext", f"subjectAltName={','.join(others)}", "-keyout", key, "-out", certificate],
                       check=True, stderr=subprocess.DEVNULL,
                       env={**os.environ, "LD_PRELOAD": programs.skew, "TURNSTILE_SKEW": str(-A_DAY)})
        os.chmod(key, 0o600)
        os.chmod(certificate, 0o644)
        return certificate, key

    # The bus, likewise: its certificate is for names, that only these namespaces know

    def make_bus(self):
        names = [f"bus-of-{name}" for name in self.NAMES]
        self.network.know(dict(zip(names, (link.addresses["bus"] for link in self.bus_links))))
        self.bus_certificate, key = self.make_certificate("bus", [f"DNS:{name}" for name in names], self.programs)
        self.signing_in = os.path.join(self.folder, "signing-in")
        write_secret(self.signing_in, f"turnstile:{self.secret}\n")
        more = (f'tls {{ cert_file: "{self.bus_certificate}", key_file: "{key}" }}\n'
                f'authorization {{ users = [ {{ user: turnstile, password: "{self.secret}" }} ] }}\n')
        return bus.Bus(self.folder, self.network.prefix("bus"), "0.0.0.0", BUS_PORT, more)

    def bus_url(self, name):
        return f"tls://bus-of-{name}:{BUS_PORT}"

    def url_for(self, name):
        address = self.links[self.NAMES.index(name)].addresses["database"]
        return (f"postgresql://{database.ROLE}@{address}/postgres?sslmode=verify-full&sslrootcert={self.certificate}")

    def environment(self):
        return {"PGPASSFILE": self.passwords, "NATS_CREDS": self.signing_in, "NATS_CA": self.bus_certificate}

    def more_arguments(self, name):
        path = os.path.join(self.folder, name, "password")
        write_secret(path, PASSWORD + "\n")
        return [*super().more_arguments(name), "--op-password-file", path]

    def make_server(self, name, plan, programs):
        return super().make_server(name, plan, programs, prefix=self.network.prefix(name), address=self.ways_in[name], port=PORT)

    def start(self):
        self.database.start()
        self.bus.start()
        subprocess.run([database.find("psql"), "-q", "-h", self.database.folder, "-U", database.ROLE, "-d", "postgres", "-c",
                        f"ALTER ROLE {database.ROLE} PASSWORD '{self.secret}'"], check=True)
        for server in self.servers:
            server.start()

    # Faults

    def strike(self, kind, chance, seconds, now):
        links = self.links + self.bus_links
        if kind == "cut":
            self.cut([links[int(chance * len(links))]], seconds, now)
        elif kind == "isolate":
            self.cut([link for link in links if self.NAMES[int(chance * 2)] in link.ends], seconds, now)
        else:
            super().strike(kind, chance, seconds, now)
            return
        self.struck[kind] += 1

    def cut(self, links, seconds, now):
        for link in links:
            link.cut()
            self.heal(now, seconds, link.heal)

    def expect_secret_kept(self):
        """The passwords stand in their files, and nowhere where others look."""
        for server in self.servers:
            with open(server.log, "rb") as log:
                if self.secret.encode() in log.read():
                    raise Failed("a password is in a log")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as words:
                    if self.secret.encode() in words.read():
                        raise Failed("a password is in a command line")
            except OSError:
                pass


class Operator:
    """Makes the round's events, at whichever node answers."""

    def __init__(self, cluster, turn):
        self.cluster = cluster
        self.turn = turn

    def ask(self, node, *questions):
        """The final line to the last of them; None when there was none."""
        address = self.cluster.address(node)
        try:
            with socket.create_connection(address or history.NOWHERE, timeout=10) as connection:
                lines = (line for line in connection.makefile("r") if line[0] in "+-")
                next(lines)
                for question in questions:
                    connection.sendall(f"{question}\n".encode())
                    answer = next(lines)
                return answer.strip()
        except (OSError, StopIteration):
            return None

    def until(self, what, condition):
        until = time.monotonic() + Cluster.ANSWER_SECONDS
        while not condition():
            if time.monotonic() > until:
                raise Failed(f"{what} in {Cluster.ANSWER_SECONDS} s")
            self.turn(time.monotonic())
            time.sleep(0.05)

    def make(self, name, total):
        def made():
            answer = self.ask(0, f"/op {PASSWORD}", f"/event new {name} {total}") or ""
            return answer.startswith(("+event", "-EXISTS"))

        self.until(f"{name} is not made", made)
        for node in range(len(Cluster.NAMES)):
            self.until(f"node {node} does not know of {name}",
                       lambda: (self.ask(node, f"/left {name}") or "").startswith("+left"))


class Round:
    def __init__(self, cluster, programs, seed, number):
        self.cluster = cluster
        self.programs = programs
        self.plan = history.Plan(seed, "cluster", OPERATIONS, Cluster)
        self.plan.events = {f"{name}-{number}": total for name, total in self.plan.events.items()}
        self.plan.room = f"#round-{number}"
        self.history = history.History(self.plan, programs, cluster)
        self.rush_event = f"rush-{number}"
        self.rush = None

    def start_rush(self):
        hosts = []
        for address in self.cluster.ways_in.values():
            hosts += ["--host", f"{address}:{PORT}"]
        self.rush = subprocess.Popen([self.programs.turnstile, "rush", *hosts, self.rush_event, "--json", "--buyers",
                                      str(RUSH_BUYERS), "--connections", str(RUSH_CONNECTIONS)],
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def finish_rush(self):
        until = time.monotonic() + RUSH_SECONDS
        while self.rush.poll() is None:
            if time.monotonic() > until:
                raise Failed("the rush does not end")
            self.cluster.turn(time.monotonic())
            time.sleep(0.01)
        said, problem = self.rush.communicate()
        if self.rush.returncode != 0:
            raise Failed(f"the rush: {said.decode()}{problem.decode()}")
        figures = json.loads(said)
        wanted = {"sold": RUSH_TICKETS, "refused": RUSH_BUYERS - RUSH_TICKETS, "errors": 0, "double_sales": 0}
        if any(figures[name] != value for name, value in wanted.items()):
            raise Failed(f"the rush should have {wanted}: {said.decode()}")
        return figures

    def audit_rush(self):
        """All is well again; the rush itself may have ended when nobody could count."""
        wanted = f"+audit {self.rush_event} {RUSH_TICKETS} 0 0 {RUSH_TICKETS} ok"
        for node in range(len(Cluster.NAMES)):
            audit = self.history.question(f"/audit {self.rush_event}", node)[-1].decode()
            if audit != wanted:
                raise Failed(f"the audit of the rush says '{audit}', not '{wanted}'")

    def run(self):
        """What is wrong; and what the rush did."""
        figures = {"retries": 0}
        wrong = []
        try:
            operator = Operator(self.cluster, self.cluster.turn)
            for name, total in [*self.plan.events.items(), (self.rush_event, RUSH_TICKETS)]:
                operator.make(name, total)
            self.start_rush()
            self.history.go_through()
            figures = self.finish_rush()
            self.audit_rush()
        except Failed as failure:
            wrong.append(str(failure))
        finally:
            if self.rush and self.rush.poll() is None:
                self.rush.kill()
                self.rush.wait()
        return wrong or self.history.judge(), figures


def read_arguments():
    parser = argparse.ArgumentParser(prog="script/test cluster", description="Two nodes, a database and a bus through bad minutes.")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="what is drawn (drawn itself, and printed)")
    parser.add_argument("--minutes", type=float, default=1, metavar="M", help="how long (1)")
    parser.add_argument("--keep", default=".", metavar="FOLDER", help="where a round that is wrong is written to (.)")
    return parser.parse_args()


def run_rounds(cluster, programs, arguments, seed):
    """The number of rounds that were wrong."""
    until = time.monotonic() + arguments.minutes * 60
    sums = collections.Counter()
    while sums["rounds"] < SECOND_ROUND or time.monotonic() < until:
        number = seed + sums["rounds"]
        a_round = Round(cluster, programs, number, sums["rounds"])
        wrong, figures = a_round.run()
        sums["rounds"] += 1
        sums["operations"] += sum(map(len, a_round.history.operations.values()))
        sums["lines"] += len(a_round.history.lines)
        sums["asked again"] += figures["retries"]
        sums["undecided"] += a_round.history.undecided
        if wrong:
            sums["wrong"] += 1
            path = os.path.join(arguments.keep, f"cluster-{number}.txt")
            a_round.history.write(path, wrong)
            print(f"cluster: seed {number} is wrong, see {path}", *wrong[:8], sep="\n  ", flush=True)
            break
        a_round.history.finish()
    faults = ", ".join(f"{count} {kind}" for kind, count in sorted(cluster.struck.items()))
    print(f"cluster: {sums['rounds']} rounds, {sums['operations']} operations, {sums['lines']} lines, {sums['rounds'] * RUSH_BUYERS} buyers in a rush, of "
          f"whom some asked again {sums['asked again']} times, {sum(cluster.struck.values())} faults ({faults}): "
          f"{sums['wrong']} wrong, {sums['undecided']} with too many orders to try them all", flush=True)
    return sums["wrong"]


def run_cluster(arguments, seed, programs, network):
    shape = history.Plan(seed, "cluster", OPERATIONS, Cluster)
    shape.events = {}
    cluster = Cluster(shape, programs, network.folder, network)
    try:
        cluster.start()
        wrong = run_rounds(cluster, programs, arguments, seed)
        cluster.expect_secret_kept()
        if not wrong:
            cluster.finish()
            history.History(shape, programs, cluster).check_store()
        return wrong
    except Failed as failure:
        print(f"cluster: {failure}\n{cluster.end_of_logs()}")
        return 1
    finally:
        cluster.abandon()


def main():
    sys.setrecursionlimit(RECURSION_MAX)
    arguments = read_arguments()
    seed = secrets.randbelow(2**31) if arguments.seed is None else arguments.seed
    programs = Programs(os.path.abspath(arguments.build))
    if not database.find("initdb") or not bus.is_installed():
        print("cluster: no PostgreSQL or no nats-server is installed (script/bootstrap cluster)")
        return 1
    print(f"cluster: seed {seed}, {arguments.minutes:g} minutes", flush=True)
    network = Network()
    os.environ["XDG_RUNTIME_DIR"] = network.folder  # where tools have the lock of a database
    programs.template = database.make_template(network.folder)
    return 1 if run_cluster(arguments, seed, programs, network) else 0


if __name__ == "__main__":
    sys.exit(main())
