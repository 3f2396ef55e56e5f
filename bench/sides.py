"""The servers that the benches compare: how each is started, on a free port of the loopback address
and with a folder of its own, how it is asked, and how it is ended.

All run in the foreground as children of ours, so that ending a process is ending the server.
"""
import os
import pathlib
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILT = ROOT / "build" / "release"
START_SECONDS = 15
STOP_SECONDS = 10
EVENT_TOTAL = 1_000_000_000


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Side:
    """A server. `name` stands in the table."""
    name = ""
    peer = ""  # what bench/peer calls it
    stop_signal = signal.SIGTERM

    def __init__(self, folder):
        self.folder = folder / self.name.replace(" ", "-")
        self.folder.mkdir()
        self.port = free_port()
        self.process = None

    def command(self):
        raise NotImplementedError

    def prepare(self):
        """Before it is started."""

    def fill(self):
        """After it was started: what the bench needs to find there."""

    def bench(self):
        """What drives it; the bench's name and options come behind."""
        return [BUILT / "bench" / "peer", self.peer, "--port", self.port]

    def start(self):
        self.prepare()
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen([str(word) for word in self.command()], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder)
        self.wait_until_it_listens()
        self.fill()

    def wait_until_it_listens(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.name} does not start:\n{(self.folder / 'log').read_text()}")

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Turnstile(Side):
    name = "turnstile"
    stop_signal = signal.SIGQUIT

    def command(self):
        return [BUILT / "turnstiled", "--listen", f"lines:127.0.0.1:{self.port}",
                "--store", f"sqlite:{self.folder}/sale.db", "--event", f"rush={EVENT_TOTAL}",
                "--rate", 0]

    def bench(self):
        return [BUILT / "turnstile", "--port", self.port, "bench"]


class TurnstileHttp(Turnstile):
    """Asked on its HTTP port."""
    name = "turnstile, http"
    peer = "http"

    def command(self):
        self.http_port = free_port()
        return [*super().command(), "--listen", f"http:127.0.0.1:{self.http_port}"]

    def bench(self):
        return [BUILT / "bench" / "peer", self.peer, "--port", self.http_port]


class TurnstileWebSocket(TurnstileHttp):
    name = "turnstile, websocket"
    peer = "websocket"


class TurnstileTls(Turnstile):
    """Through its own TLS."""
    name = "turnstile, tls"

    def prepare(self):
        self.certificate = self.folder / "certificate.pem"
        self.key = self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key, "-out",
                        self.certificate, "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)

    def command(self):
        return [BUILT / "turnstiled", "--listen", f"tls:127.0.0.1:{self.port}", "--tls-cert",
                self.certificate, "--tls-key", self.key,
                "--store", f"sqlite:{self.folder}/sale.db", "--rate", 0]

    def client(self):
        return [BUILT / "turnstile", "--port", self.port, "--ca", self.certificate]

    def bench(self):
        return [*self.client(), "bench"]


class BehindProxy(TurnstileTls):
    """Through another's TLS in front of its lines port, both counted."""

    def proxy(self):
        raise NotImplementedError

    def command(self):
        self.lines_port = free_port()
        server = [BUILT / "turnstiled", "--listen", f"lines:127.0.0.1:{self.lines_port}",
                  "--store", f"sqlite:{self.folder}/sale.db", "--rate", 0]
        return ["sh", "-c", f"{shlex.join(map(str, server))} & first=$!\n"
                f"{shlex.join(map(str, self.proxy()))} & second=$!\n"
                "trap 'kill $first $second' QUIT TERM\nwait; wait"]


class NginxTls(BehindProxy):
    name = "turnstile behind nginx"
    configuration = """
load_module modules/ngx_stream_module.so;
daemon off;
{user}
worker_processes auto;
error_log {folder}/error.log;
pid {folder}/pid;
events {{ worker_connections 20000; }}
stream {{
    server {{
        listen 127.0.0.1:{port} ssl backlog=4096;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        proxy_pass 127.0.0.1:{lines_port};
        proxy_half_close on;
    }}
}}
"""

    def proxy(self):
        user = f"user {pwd.getpwuid(0).pw_name};" if os.getuid() == 0 else ""
        text = self.configuration.format(port=self.port, folder=self.folder, user=user,
                                         certificate=self.certificate, key=self.key,
                                         lines_port=self.lines_port)
        (self.folder / "nginx.conf").write_text(text)
        return ["/usr/sbin/nginx", "-c", self.folder / "nginx.conf", "-e",
                self.folder / "error.log"]


class HitchTls(BehindProxy):
    name = "turnstile behind hitch"

    def proxy(self):
        both = self.folder / "both.pem"
        both.write_text(self.key.read_text() + self.certificate.read_text())
        # It refuses to be root.
        user = ["--user=nobody", "--group=nogroup"] if os.getuid() == 0 else []
        return ["hitch", *user, f"--frontend=[127.0.0.1]:{self.port}",
                f"--backend=[127.0.0.1]:{self.lines_port}", "--workers=2", both]


class TurnstileSingle(Turnstile):
    """With one worker, to be set beside others that are one process."""
    name = "turnstile, 1 worker"
    processes = 1

    def command(self):
        return [*super().command(), "--workers", self.processes]


class TurnstilePair(TurnstileSingle):
    name = "turnstile, 2 workers"
    processes = 2


class TurnstileAdopts(TurnstilePair):
    """Connections outlive their worker, as they do by default."""
    name = "--adopt on"
    adopt = "on"

    def command(self):
        return [*super().command(), "--adopt", self.adopt, "--max-connections", 25000]


class TurnstileLetsGo(TurnstileAdopts):
    name = "--adopt off"
    adopt = "off"


class TurnstileEcho(TurnstilePair):
    """The same on its echo port, and asked there."""
    name = "turnstile's echo service, 2 workers"

    def command(self):
        return [BUILT / "turnstiled", "--listen", f"echo:127.0.0.1:{self.port}",
                "--store", f"sqlite:{self.folder}/sale.db", "--workers", self.processes]

    def bench(self):
        return [BUILT / "turnstile", "bench", "--port", self.port]


class Redis(Side):
    name = "redis"
    peer = "redis"
    durable = ["--appendonly", "no"]

    def command(self):
        return ["redis-server", "--bind", "127.0.0.1", "--port", self.port, "--daemonize", "no",
                "--save", "", "--maxclients", "15000", *self.durable]


class RedisSale(Redis):
    durable = ["--appendonly", "yes", "--appendfsync", "always"]

    def client(self, *words, **options):
        subprocess.run(["redis-cli", "-p", str(self.port), *words], check=True,
                       stdout=subprocess.DEVNULL, **options)

    def fill(self):
        self.client("-x", "FUNCTION", "LOAD", input=(ROOT / "bench" / "sale.lua").read_bytes())
        self.client("SET", "left:rush", str(EVENT_TOTAL))


class Postgres(Side):
    name = "postgres"
    peer = "postgres"
    stop_signal = signal.SIGINT  # "fast": it does not wait for its clients
    schema = f"""
        CREATE TABLE events (name text PRIMARY KEY, free bigint NOT NULL);
        CREATE TABLE bookings (id bigserial PRIMARY KEY, event text NOT NULL,
                               key text NOT NULL UNIQUE, quantity bigint NOT NULL);
        INSERT INTO events VALUES ('rush', {EVENT_TOTAL});"""

    def program(self, name):
        return max(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))

    def as_other_user(self):
        """It refuses to be root."""
        if os.getuid() != 0:
            return []
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def prepare(self):
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        subprocess.run([*self.as_other_user(), self.program("initdb"), "-D", self.folder / "data",
                        "-A", "trust", "-U", "bench", "--no-sync"], check=True,
                       cwd=self.folder, stdout=subprocess.DEVNULL)

    def command(self):
        return [*self.as_other_user(), self.program("postgres"), "-D", self.folder / "data",
                "-p", self.port, "-k", self.folder, "-c", "listen_addresses=127.0.0.1",
                "-c", "max_connections=300", "-c", "synchronous_commit=on"]

    def fill(self):
        deadline = time.monotonic() + START_SECONDS
        psql = ["psql", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "bench", "postgres"]
        while subprocess.run([*psql, "-c", self.schema], stderr=subprocess.DEVNULL).returncode != 0:
            if time.monotonic() > deadline:
                raise RuntimeError("postgres takes no schema")
            time.sleep(0.1)


class TurnstilePostgres(Turnstile):
    """Its tickets in a PostgreSQL of its own, both counted."""
    name = "turnstile on postgres"

    def prepare(self):
        self.beneath = Postgres(self.folder)
        self.beneath.start()

    def command(self):
        return [BUILT / "turnstiled", "--listen", f"lines:127.0.0.1:{self.port}",
                "--state", self.folder, "--rate", 0, "--event", f"rush={EVENT_TOTAL}",
                "--store", f"postgresql://bench@127.0.0.1:{self.beneath.port}/postgres"]

    def stop(self):
        super().stop()
        self.beneath.stop()


class TurnstileNodes(TurnstilePostgres):
    """Two of them on one PostgreSQL, half of the clients at each."""
    name = "turnstile on two nodes"

    def shared(self, _):
        """What makes them one."""
        return ["--store", f"postgresql://bench@127.0.0.1:{self.beneath.port}/postgres"]

    def node(self, name, port):
        state = self.folder / name
        state.mkdir(exist_ok=True)
        return [BUILT / "turnstiled", "--listen", f"lines:127.0.0.1:{port}", "--state", state, "--rate", 0,
                "--event", f"rush={EVENT_TOTAL}", *self.shared(name)]

    def command(self):
        self.second_port = free_port()
        nodes = [shlex.join(map(str, self.node(name, port))) for name, port in [("a", self.port), ("b", self.second_port)]]
        return ["sh", "-c", f"{nodes[0]} & first=$!\n{nodes[1]} & second=$!\n"
                "trap 'kill -QUIT $first $second' QUIT TERM\nwait; wait"]

    def fill(self):
        """Both listen, and the second knows of the event."""
        deadline = time.monotonic() + START_SECONDS
        ask = [BUILT / "turnstile", "--port", str(self.second_port), "send", "/left rush"]
        while subprocess.run(ask, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            if time.monotonic() > deadline:
                raise RuntimeError("the second node does not start")
            time.sleep(0.05)

    def bench(self):
        return [BUILT / "turnstile", "bench", "--host", f"127.0.0.1:{self.port}", "--host", f"127.0.0.1:{self.second_port}"]


class Local(Side):
    """Processes on one file, without a server: a program that is given FILE PROCESSES SECONDS."""
    program = []

    def start(self):
        pass

    def run(self, clients, seconds):
        run_folder = self.folder / str(time.monotonic_ns())
        run_folder.mkdir()
        return [*self.program, run_folder / "sale", clients, seconds]


class Sqlite(Local):
    name = "sqlite, busy timeout"
    program = [BUILT / "bench" / "sqlite_sale"]


class Python(Local):
    name = "python, json and a lock"
    program = ["python3", ROOT / "bench" / "tickets.py"]


class Ngircd(Side):
    name = "ngircd"
    peer = "irc"
    configuration = """
[Global]
Name = irc.bench.test
Info = bench
AdminInfo1 = bench
Listen = 127.0.0.1
Ports = {port}
MotdPhrase = bench
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxPenaltyTime = 0
PingTimeout = 3600
PongTimeout = 3600
[Options]
DNS = no
Ident = no
PAM = no
"""

    def prepare(self):
        (self.folder / "ngircd.conf").write_text(self.configuration.format(port=self.port))
        self.folder.chmod(0o755)

    def command(self):
        return ["ngircd", "-n", "-f", self.folder / "ngircd.conf"]


class Inspircd(Side):
    name = "inspircd"
    peer = "irc"
    configuration = """
<server name="irc.bench.test" description="bench" network="bench">
<admin name="bench" nick="bench" email="bench@bench.test">
<bind address="127.0.0.1" port="{port}" type="clients">
<connect name="all" allow="*" timeout="60" pingfreq="1h" softsendq="16M" hardsendq="32M" recvq="64K"
 threshold="1000000" commandrate="1000000000" fakelag="no" localmax="20000" globalmax="20000"
 maxconnwarn="no" resolvehostnames="no">
<performance softlimit="20000" somaxconn="4096" netbuffersize="65534">
<options syntaxhints="no" nosnoticestack="yes">
<path datadir="{folder}" logdir="{folder}" runtimedir="{folder}">
<pid file="{folder}/pid">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="{folder}/inspircd.log">
"""

    def prepare(self):
        text = self.configuration.format(port=self.port, folder=self.folder)
        (self.folder / "inspircd.conf").write_text(text)

    def command(self):
        root = ["--runasroot"] if os.getuid() == 0 else []
        return ["inspircd", "--nofork", *root, "--config", self.folder / "inspircd.conf"]


class Nats(Side):
    name = "nats"
    peer = "nats"

    def command(self):
        return ["nats-server", "-a", "127.0.0.1", "-p", self.port]


class Bus(Nats):
    """With its files."""
    name = "bus"

    def command(self):
        return [*super().command(), "-js", "-sd", self.folder / "files"]


class TurnstileRooms(TurnstileNodes):
    """Two nodes whose rooms are one over NATS JetStream, half of the members at each; NATS is not counted."""
    name = "turnstile on two nodes"

    def prepare(self):
        self.beneath = Bus(self.folder)
        self.beneath.start()

    def shared(self, name):
        return ["--node", name, "--bus", f"nats://127.0.0.1:{self.beneath.port}"]


class Nginx(Side):
    name = "nginx"
    peer = "http"
    configuration = """
daemon off;
{user}
worker_processes auto;
error_log {folder}/error.log;
pid {folder}/pid;
events {{ worker_connections 20000; }}
http {{
    access_log off;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "ok\\n"; }} }}
}}
"""

    def prepare(self):
        user = f"user {pwd.getpwuid(0).pw_name};" if os.getuid() == 0 else ""
        text = self.configuration.format(port=self.port, folder=self.folder, user=user)
        (self.folder / "nginx.conf").write_text(text)

    def command(self):
        return ["/usr/sbin/nginx", "-c", self.folder / "nginx.conf", "-e",
                self.folder / "error.log"]


class Bare(Side):
    name = "bare echo"
    peer = "bare"
    processes = 1

    def command(self):
        return [BUILT / "bench" / "bare_echo", self.port, self.processes]


class BarePair(Bare):
    name = "bare echo, 2 processes"
    processes = 2


class NginxStatic(Nginx):
    """With the same bytes for answers, which it need not know."""
    name = "nginx, static"
    events = f'{{"events":[\n{{"name":"rush","title":"","total":{EVENT_TOTAL},"left":{EVENT_TOTAL},"open":true}}\n]}}\n'
    configuration = Nginx.configuration.replace("location / ", "location = /api/v1/events {{ return 200 '{events}'; }} location / ")

    def prepare(self):
        self.configuration = self.configuration.replace("{events}", self.events.replace("{", "{{").replace("}", "}}"))
        super().prepare()


class Nchan(Nginx):
    name = "nchan"
    peer = "nchan"
    configuration = "load_module modules/ngx_nchan_module.so;\n" + Nginx.configuration.replace("location / {{ return 200 \"ok\\n\"; }}", """
        location = /listen {{
            nchan_subscriber websocket;
            nchan_channel_id bench;
            nchan_subscriber_first_message newest;
        }}
        location = /speak {{
            nchan_publisher websocket;
            nchan_channel_id bench;
            nchan_message_buffer_length 4096;
            nchan_message_timeout 5m;
        }}""").replace("http {{", "http {{\n    nchan_shared_memory_size 256M;")


class Mosquitto(Side):
    name = "mosquitto"
    peer = "mqtt"

    def prepare(self):
        (self.folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n"
            f"max_queued_messages 0\n{'user root' if os.getuid() == 0 else ''}\n")

    def command(self):
        return ["mosquitto", "-c", self.folder / "mosquitto.conf"]
