#!/usr/bin/env python3
"""Thousands of sockets on one instance, each with its own user and subscription: time until all have received an event.

All subscribe to one miner, whose session starts and is claimed; then to the leaderboard's top ten; then both again with
clients that don't read their answers. Times run from before the command is sent until this program, which reads all
sockets on the same machine, has the event. Exits with 1 if a bar is missed: p99 within 1 s, at most 400 MB resident, no
lost event. Run it with script/bench sockets.
"""
import argparse, asyncio, json, os, re, resource, socket, struct, subprocess, sys, time, urllib.request, uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers"))
import measure, servers
from servers import Stop

BAR_SECONDS, BAR_MB = 1.0, 400.0
MINER = "subscription ($id: ID!) { minerUpdated(minerId: $id) { __typename sequence occurredAt miner { totalMinedPoints streak { streakDays } } } }"
BOARD = "subscription { leaderboardUpdated(limit: 10) { occurredAt entries { rank totalMinedPoints miner { displayName streakDays } } } }"
LARGE = "{ leaderboard(limit: 100) { entries { rank rankPrecision totalMinedPoints miner { id displayName role totalMinedPoints streakDays badge } } } }"


def options():
    p = argparse.ArgumentParser(prog="script/bench sockets", description=__doc__.split("\n\n")[0])
    p.add_argument("--sockets", type=int, default=5_000, help="number of sockets (5000)")
    p.add_argument("--slow", type=int, default=100, help="number of clients that don't read, in the second half (100)")
    p.add_argument("--rounds", type=int, default=3, help="events of each kind in each half (3)")
    return p.parse_args()


def frame(text):
    """A client's text frame; a mask of zeros is a mask."""
    data = text.encode()
    length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data)) if len(data) < 65536 else b"\xff" + struct.pack(">Q", len(data))
    return b"\x81" + length + b"\0\0\0\0" + data


class Client(asyncio.Protocol):
    """One socket, from handshake to its last event."""

    def __init__(self, bearer):
        self.bearer, self.buffer, self.is_open = bearer, bytearray(), False
        self.ready = asyncio.get_running_loop().create_future()
        self.heard, self.closed = [], None

    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n")

    def data_received(self, data):
        self.buffer += data
        if not self.is_open:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self.buffer.startswith(b"HTTP/1.1 101"):
                return self.fail(self.buffer[:end].decode())
            del self.buffer[: end + 4]
            self.is_open = True
            self.say({"type": "connection_init", "payload": {"Authorization": "Bearer " + self.bearer}})
        while (message := self.next()) is not None:
            kind, body = message
            if kind == 1:
                self.on_text(json.loads(body))
            elif kind == 8:
                self.closed = struct.unpack(">H", body[:2])[0] if len(body) >= 2 else 1005
            elif kind == 9:
                self.transport.write(b"\x8a" + bytes([0x80 | len(body)]) + b"\0\0\0\0" + body)

    def next(self):
        if len(self.buffer) < 2:
            return None
        kind, length, start = self.buffer[0] & 15, self.buffer[1] & 127, 2
        for code, size, form in ((126, 2, ">H"), (127, 8, ">Q")):
            if length == code:
                if len(self.buffer) < 2 + size:
                    return None
                length, start = struct.unpack(form, self.buffer[2 : 2 + size])[0], 2 + size
                break
        if len(self.buffer) < start + length:
            return None
        body = bytes(self.buffer[start : start + length])
        del self.buffer[: start + length]
        return kind, body

    def on_text(self, message):
        if message["type"] == "connection_ack":
            self.ready.set_result(None)
        elif message["type"] == "next" and "errors" not in message["payload"]:
            self.heard.append((time.perf_counter(), message["id"], message["payload"]["data"]))
        elif message["type"] != "pong":
            self.fail(f"heard {message}")

    def say(self, message):
        self.transport.write(frame(json.dumps(message)))

    def subscribe(self, id, query, variables=None):
        self.say({"id": id, "type": "subscribe", "payload": {"query": query, "variables": variables or {}}})

    def fail(self, why):
        if not self.ready.done():
            self.ready.set_exception(Stop(why))
        self.closed = self.closed or why

    def connection_lost(self, error):
        self.fail(f"the connection was lost: {error}")


class Town:
    """The server, and the one miner that things happen to."""

    def __init__(self, ours, slow):
        self.ours, self.claims, self.points = ours, 0, 10**12
        self.cluster = servers.Cluster(ours)
        self.secret = servers.secret(ours)
        self.miner_token = servers.token(self.secret, "SUPPORT")
        self.id = self.ask("mutation { minerRegister(input: {}) { miner { id } } }")["minerRegister"]["miner"]["id"]
        self.is_mining = False

    def ask(self, query):
        self.ours.token = self.miner_token
        answer = json.loads(self.ours.ask(json.dumps({"query": query}).encode()))
        if "errors" in answer:
            raise Stop(f"{query}: {answer}")
        return answer["data"]

    def prepare(self):
        """Brings the miner to where the next command makes an event."""
        if self.is_mining:
            env = {**os.environ, "GOODGO_DATA_DIR": servers.data_folder(), "DATABASE_URL": ""}
            subprocess.run([servers.goodgo(), "clock", "advance", "24h"], env=env, check=True, capture_output=True)

    def happen(self):
        """One command; answers when it was sent."""
        sent = time.perf_counter()
        if self.is_mining:
            self.claims += 1
            self.ask(f'mutation {{ miningSessionClaim(input: {{idempotencyKey: "{uuid.uuid4()}"}}) {{ userErrors {{ code }} }} }}')
        else:
            self.ask("mutation { miningSessionStart(input: {}) { userErrors { code } } }")
        self.is_mining = not self.is_mining
        return sent

    def overtake(self):
        """Puts the miner ahead of everybody by ever more points, behind the API's back: the top changes with the next event."""
        self.points += 10_000
        self.cluster.psql("-c", f"UPDATE miners SET lifetime_points = {self.points} WHERE id = (SELECT id FROM miners ORDER BY created_at DESC LIMIT 1)")

    def metric(self, name):
        text = urllib.request.urlopen(self.ours.origin + "/metrics").read().decode()
        return sum(float(value) for value in re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.M))


async def connect(town, count, port, is_slow=False):
    """Opens sockets, a hundred at a time."""
    loop, gate = asyncio.get_running_loop(), asyncio.Semaphore(100)

    async def one():
        async with gate:
            raw = socket.socket()
            if is_slow:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.setblocking(False)
            await loop.sock_connect(raw, ("127.0.0.1", port))
            _, client = await loop.create_connection(lambda: Client(servers.token(town.secret, "SUPPORT")), sock=raw)
            await asyncio.wait_for(client.ready, 30)
            return client

    return await asyncio.gather(*(one() for _ in range(count)))


async def until(what, is_so, seconds=60):
    end = time.perf_counter() + seconds
    while not is_so():
        if time.perf_counter() > end:
            raise Stop(f"not in time: {what}")
        await asyncio.sleep(0.02)


async def told(town, clients, id, happen):
    """Makes one event; answers how long each client waited for it, in seconds, sorted; all that follow count."""
    before = [len(client.heard) for client in clients]
    sent = await asyncio.get_running_loop().run_in_executor(None, happen)

    def first(client, seen):
        return next((at for at, of, _ in client.heard[seen:] if of == id), None)

    try:
        await until("everybody told", lambda: all(first(c, seen) for c, seen in zip(clients, before)), 20)
    except Stop:
        pass
    waits = [first(client, seen) for client, seen in zip(clients, before)]
    missing = [client for client, at in zip(clients, waits) if at is None]
    if missing:
        raise Stop(f"{len(missing)} of {len(clients)} were not told of it: {missing[0].closed}")
    return sorted(at - sent for at in waits)


async def half(town, o, clients, name):
    """Events of both kinds; each client has one subscription at a time."""
    rows = []
    for kind, id, query, variables in (("a miner", "miner", MINER, {"id": town.id}), ("the leaderboard", "board", BOARD, {})):
        for client in clients:
            client.subscribe(id, query, variables)
        # Slow ones may be among them, until they are given up on.
        await until("all following", lambda: town.metric("goodgo_event_followers") >= len(clients))
        await asyncio.sleep(0.5)
        for number in range(o.rounds):
            town.prepare()
            if id == "board":
                town.overtake()
            waits = await told(town, clients, id, town.happen)
            await asyncio.sleep(1.2)
            at = lambda share: waits[min(len(waits) - 1, int(len(waits) * share))] * 1e3
            rows.append((kind, at(0.5), at(0.99), waits[-1] * 1e3, measure.memory(town.ours.pid)[0]))
            print(f"{name:24}{kind:18}{number + 1:4}{at(0.5):10.0f}{at(0.99):10.0f}{waits[-1] * 1e3:10.0f}{rows[-1][4]:10.0f}", flush=True)
        for client in clients:
            client.say({"id": id, "type": "complete"})
        await until("nobody following", lambda: town.metric("goodgo_event_followers") <= o.slow)
    return rows


async def main(o, ours):
    town = Town(ours, o.slow)
    port = int(ours.origin.rsplit(":", 1)[1])
    empty = measure.memory(ours.pid)[0]
    started = time.perf_counter()
    clients = await connect(town, o.sockets, port)
    resident = measure.memory(ours.pid)[0]
    print(f"{o.sockets} sockets in {time.perf_counter() - started:.1f} s: {resident:.0f} MB, {(resident - empty) * 1024 / o.sockets:.1f} KB each\n")
    print(f"{'':24}{'follow':18}{'':4}{'p50 ms':>10}{'p99 ms':>10}{'last ms':>10}{'RSS MB':>10}")
    rows = await half(town, o, clients, "alone")
    peak = max(row[4] for row in rows)
    slow = await connect(town, o.slow, port, is_slow=True)
    for client in slow:
        client.transport.pause_reading()
        client.subscribe("miner", MINER, {"id": town.id})
        for number in range(95):
            client.subscribe(str(number), LARGE)
    # Until what they asked for fills every buffer on the way: then nothing more is executed for them.
    quiet, before = 0, -1
    while quiet < 3:
        await asyncio.sleep(0.5)
        sent = town.metric("goodgo_statements_total")
        quiet, before = (quiet + 1 if sent - before < 20 else 0), sent
    print(f"{o.slow} more that read nothing: {measure.memory(ours.pid)[0]:.0f} MB")
    beside = await half(town, o, clients, f"beside {o.slow} slow")
    peak_with_slow, ever = max(row[4] for row in beside), measure.memory(ours.pid)[1]
    rows += beside
    # They are given up on: what was kept for them is free again.
    await until("the slow ones closed", lambda: town.metric("websocket_connections") <= o.sockets)
    lost = [client for client in clients if client.closed]
    dropped = town.metric("goodgo_events_dropped_total")
    closed = town.metric("websocket_closes_total")
    told_slow = town.metric("goodgo_events_coalesced_total")
    for client in clients + slow:
        client.transport.abort()
    worst = max(row[2] for row in rows)
    print(f"\n{closed:.0f} sockets were closed by the server, {len(lost)} of those that read; {told_slow:.0f} events coalesced; most memory ever, while the slow ones' queries were executed: {ever:.0f} MB")
    met = True
    for what, figure, bar in (("told, worst p99, ms", worst, BAR_SECONDS * 1e3), ("resident memory, MB", peak, BAR_MB),
                              ("beside slow readers, MB", peak_with_slow, BAR_MB), ("events left out", dropped, 0), ("readers lost", len(lost), 0)):
        met = met and figure <= bar
        print(f"{what:34}{figure:10.0f}   <= {bar:<8g}{'met' if figure <= bar else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    o = options()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    os.makedirs(servers.FOLDER, exist_ok=True)
    ours = servers.start_ours({"GOODGO_RATE_ANONYMOUS": "100000000", "LOG_LEVEL": "warn,goodgo::postgres=info"})
    try:
        ours.wait()
        sys.exit(asyncio.run(main(o, ours)))
    except Stop as problem:
        sys.exit(f"bench: {problem}")
    finally:
        ours.stop()
