"""Starts the three servers over one private PostgreSQL, and stops them again, by process id."""
import base64, glob, hashlib, hmac, json, os, re, signal, socket, subprocess, time, uuid, urllib.error, urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TARGET = os.path.abspath(os.environ.get("CARGO_TARGET_DIR") or os.path.join(ROOT, "target"))
FOLDER = os.path.join(TARGET, "bench", "reads")

# What ours is told beside its defaults; --ours NAME=VALUE adds to it. It serves with every limit on. One caller asks
# for everything here: a limit by caller belongs here, so high that it counts and is never met.
OURS = {"GOODGO_RATE_STAFF": "100000000", "GOODGO_CONNECTIONS_PER_ADDRESS": "1000000"}
POOL_OF_PEERS = 16


class Stop(Exception):
    """Something is not as it must be; the text says what."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One process that answers GraphQL."""

    def __init__(self, name, command, env, port, path):
        self.name, self.url = name, f"http://127.0.0.1:{port}{path}"
        self.origin = f"http://127.0.0.1:{port}"
        self.log_path = os.path.join(FOLDER, name + ".log")
        self.token = None
        # A session of its own: Ctrl-C reaches the harness alone, which then stops each in order.
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen(command, env={**os.environ, **env}, stdout=log, stderr=log, cwd=HERE, start_new_session=True)
        self.pid = self.process.pid

    def log(self):
        with open(self.log_path) as f:
            return f.read()

    def ask(self, body):
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self.token:
            headers["authorization"] = "Bearer " + self.token
        try:
            return urllib.request.urlopen(urllib.request.Request(self.url, body, headers), timeout=60).read()
        except urllib.error.HTTPError as e:
            return e.read()

    def wait(self, seconds=120):
        until = time.time() + seconds
        while time.time() < until:
            if self.process.poll() is not None:
                raise Stop(f"{self.name} ended at start, see {self.log_path}:\n{self.log()[-2000:]}")
            try:
                self.ask(b'{"query":"{__typename}"}')
                return self
            except OSError:
                time.sleep(0.1)
        raise Stop(f"{self.name} doesn't answer, see {self.log_path}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Cluster:
    """The private PostgreSQL that ours runs: found by its process file."""

    def __init__(self, ours):
        files = glob.glob(os.path.join(data_of(ours), "pg*", "postmaster.pid"))
        if len(files) != 1:
            raise Stop(f"the private PostgreSQL is not where it should be: {files}")
        lines = open(files[0]).read().splitlines()
        self.pid, self.port, self.sockets = int(lines[0]), lines[3], lines[4]
        self.env = {**os.environ, "PGHOST": self.sockets, "PGPORT": self.port, "PGUSER": "goodgo", "PGDATABASE": "goodgo"}
        self.url = f"postgres://goodgo@localhost:{self.port}/goodgo?host={self.sockets}"
        # psql and pgbench from the same folder as the server.
        exe = os.path.realpath(f"/proc/{self.pid}/exe")
        self.bin = os.path.dirname(exe) if os.path.exists(exe) else ""

    def tool(self, name, *args, **kwargs):
        path = os.path.join(self.bin, name)
        done = subprocess.run([path if os.path.exists(path) else name, *args], env=self.env, capture_output=True, text=True, **kwargs)
        if done.returncode:
            raise Stop(f"{name} failed: {done.stderr[-2000:]}")
        return done.stdout

    def psql(self, *args):
        return self.tool("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *args)

    def sql_file(self, name):
        return self.psql("-f", os.path.join(HERE, "sql", name))

    def load(self):
        """Makes the rows once, the peers' views each time."""
        if self.psql("-c", "SELECT to_regnamespace('bench') IS NULL").strip() == "t":
            self.sql_file("seed.sql")
        self.sql_file("views.sql")


def data_folder():
    return os.path.join(FOLDER, "data")


def data_of(ours):
    """The data of a running server. As root they may lie elsewhere: the log says where."""
    moved = re.search(r"keeping the data elsewhere.*?path=(\S+)", ours.log())
    return moved[1] if moved else data_folder()


def secret(ours):
    """The key that signs people's tokens."""
    with open(os.path.join(data_of(ours), "secrets.json")) as f:
        return json.load(f)["jwt_secret"]


def token(secret, *roles, person=None):
    """A token of a person, by default of one whom nobody has seen before."""
    now = int(time.time())
    claims = {"iss": "goodgo-platform", "aud": "goodgo-services", "sub": person or str(uuid.uuid4()), "roles": list(roles), "iat": now, "nbf": now - 5, "exp": now + 3600}
    url64 = lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=")
    text = url64(b'{"alg":"HS256","typ":"JWT"}') + b"." + url64(json.dumps(claims).encode())
    return (text + b"." + url64(hmac.new(secret.encode(), text, hashlib.sha256).digest())).decode()


def goodgo():
    return os.path.abspath(os.environ.get("GOODGO_BIN") or os.path.join(TARGET, "release", "goodgo"))


def start_ours(more):
    port = free_port()
    env = {"GOODGO_DATA_DIR": data_folder(), "GOODGO_ENV": "development", "DATABASE_URL": "", "PORT": str(port), **OURS, **more}
    ours = Server("ours", [goodgo(), "serve"], env, port, "/graphql")
    return ours


def sign_in(ours, more, name="support"):
    env = {**os.environ, "GOODGO_DATA_DIR": data_folder(), "DATABASE_URL": "", **OURS, **more}
    done = subprocess.run([goodgo(), "token", "--as", name], env=env, capture_output=True, text=True)
    if done.returncode:
        raise Stop(f"no token: {done.stderr}")
    ours.token = done.stdout.strip()


def start_peer(name, cluster):
    port = free_port()
    env = {"NODE_ENV": "production", "PORT": str(port), "POOL": str(POOL_OF_PEERS), "DATABASE_URL": cluster.url}
    node = os.path.join(HERE, "node_modules", "node", "bin", "node")
    return Server(name, [node, name + ".mjs"], env, port, {"apollo": "/", "postgraphile": "/graphql"}[name])


def statements(ours):
    """SQL statements that ours has sent so far, by its own count."""
    text = urllib.request.urlopen(ours.origin + "/metrics").read().decode()
    return int(float(re.search(r"^goodgo_statements_total(?:\{[^}]*\})? (\S+)", text, re.M)[1]))


def canonical(answer):
    """An answer without what each server may write its own way: order of keys, forms of moments and decimals."""
    import datetime, decimal

    def walk(value, key=""):
        if isinstance(value, dict):
            return {k: walk(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [walk(v, key) for v in value]
        if key.endswith("At") and isinstance(value, str):
            moment = datetime.datetime.fromisoformat(re.sub(r"(\.\d+)", lambda m: (m[1] + "000000")[:7], value.replace("Z", "+00:00")))
            return moment.astimezone(datetime.timezone.utc).isoformat(timespec="microseconds")
        if key == "totalMinedPoints":
            return str(decimal.Decimal(value).quantize(decimal.Decimal("0.0001")))
        return value

    return json.dumps(walk(answer), sort_keys=True, indent=1)
