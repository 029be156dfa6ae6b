#!/usr/bin/env python3
"""Overhead of traces: the nested read with all operations exported to a collector, and without traces.

Two servers over one database are loaded in alternating rounds. Prints the medians of the server's CPU time per request.
Exits with 1 if the ratio exceeds the bar. Run it with script/bench tracing.
"""
import argparse, http.server, json, os, signal, sys, threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "peers"))
import measure, reads, servers
from servers import Stop

# Ratio of CPU time per request with and without traces.
BAR = 1.10


class Sink(http.server.BaseHTTPRequestHandler):
    """Discards traces and counts requests and bytes."""

    protocol_version = "HTTP/1.1"
    bytes = requests = 0

    def do_POST(self):
        Sink.bytes += len(self.rfile.read(int(self.headers["content-length"])))
        Sink.requests += 1
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def options():
    p = argparse.ArgumentParser(prog="script/bench tracing", description=__doc__.split("\n\n")[0])
    p.add_argument("--rounds", type=int, default=5, help="how often each server is loaded (5)")
    p.add_argument("--seconds", type=int, default=8, help="how long each time (8)")
    p.add_argument("--conns", type=int, default=32, help="over so many connections (32)")
    p.add_argument("--ratio", default="0.1", help="the part of traces that is told (0.1, as by default)")
    p.add_argument("--page", choices=reads.PAGES, default="shared", help="as of script/bench reads")
    return p.parse_args()


def run(o, started):
    sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    os.makedirs(servers.FOLDER, exist_ok=True)
    plain = servers.start_ours({})
    started.append(plain)
    plain.wait()
    cluster = servers.Cluster(plain)
    cluster.load()
    servers.sign_in(plain, {})
    # The first one owns the private database; the other is a second instance over it.
    port = servers.free_port()
    env = {"GOODGO_DATA_DIR": servers.data_folder(), "GOODGO_ENV": "development", "DATABASE_URL": cluster.url, "PORT": str(port), **servers.OURS,
           "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{sink.server_port}", "OTEL_TRACES_SAMPLER_ARG": o.ratio}
    traced = servers.Server("traced", [servers.goodgo(), "serve"], env, port, "/graphql")
    started.append(traced)
    traced.wait()
    traced.token = plain.token
    running = [plain, traced]
    body = reads.body("ours", o.page)
    bodies = {server.name: body for server in running}
    reads.compare(running, bodies)
    for server in running:
        measure.load(server, body, o.conns, 3, cluster.pid)
    Sink.bytes = Sink.requests = 0
    print(f"\n{o.rounds} rounds of {o.seconds} s over {o.conns} connections; CPU per request", flush=True)
    print(reads.HEAD, flush=True)
    rows = []
    for number in range(o.rounds):
        # Whoever is first in a round is last in the next.
        for server in running if number % 2 == 0 else running[::-1]:
            row = measure.load(server, body, o.conns, o.seconds, cluster.pid)
            rows.append(row)
            print(reads.line(server.name, row) + ("  ERRORS" if row["errors"] else ""), flush=True)
    of = lambda name, key: measure.median([row for row in rows if row["name"] == name], key)
    asked = sum(row["requests"] for row in rows if row["name"] == "traced")
    print(f"\nthe collector took {Sink.bytes / max(asked, 1):.0f} bytes a request, in {Sink.requests} requests")
    metrics = servers.urllib.request.urlopen(traced.origin + "/metrics").read().decode()
    print("\n".join(line for line in metrics.splitlines() if line.startswith("goodgo_spans_")))
    for key in ("cpu_ms", "pg_ms", "rps", "p50", "p99", "rss"):
        print(f"{key:8}{of('ours', key):10.3f} without{of('traced', key):10.3f} with{of('traced', key) / of('ours', key):8.3f} ×")
    with open(os.path.join(servers.FOLDER, "rows-tracing.json"), "w") as f:
        json.dump({"options": vars(o), "rows": rows}, f, indent=1)
    if any(row["errors"] for row in rows):
        raise Stop("some requests failed: the figures don't count")
    ratio = of("traced", "cpu_ms") / of("ours", "cpu_ms")
    print(f"\nCPU with traces : without {ratio:.3f}, bar {BAR:g}: {'met' if ratio <= BAR else 'MISSED'}")
    return 0 if ratio <= BAR else 1


def main():
    o = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started, code = [], 1
    try:
        code = run(o, started)
    except Stop as stop:
        print(f"bench: {stop}", file=sys.stderr)
    except KeyboardInterrupt:
        code = 130
    finally:
        for server in reversed(started):
            server.stop()
    sys.exit(code)


if __name__ == "__main__":
    main()
