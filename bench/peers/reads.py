#!/usr/bin/env python3
"""The nested read beside PostGraphile and Apollo, over one database, in one run, in rounds that take turns.

Starts the three servers, compares their answers, loads them by wrk, prints medians and ratios against the bars of
the project, and ends with 1 when a bar is missed. Raw rows go to target/bench/reads/. Run it by script/bench reads.
"""
import argparse, json, os, re, signal, sys, time

import measure, servers
from servers import Stop

PEERS = ["postgraphile", "apollo"]
# What a page is ordered by, for ours and Apollo, for PostGraphile, and in SQL.
PAGES = {
    "shared": ({"field": "CREATED_AT", "direction": "ASC"}, "CREATED_AT_ASC", "miners.created_at ASC, miners.id ASC"),
    "spread": ({"field": "TOTAL_MINED_POINTS", "direction": "DESC"}, "LIFETIME_POINTS_DESC", "miners.lifetime_points DESC, miners.id DESC"),
}
# Figure, of ours or its ratio to a peer's, and the bar: at least (+) or at most (-).
BARS = [
    ("requests/s", "rps", "postgraphile", +3.5), ("requests/s", "rps", "apollo", +8.0),
    ("server CPU", "cpu_ms", "postgraphile", -1 / 4), ("server CPU", "cpu_ms", "apollo", -1 / 10),
    ("p50, one connection", "single_p50", "postgraphile", -0.55),
    ("resident memory, MB", "rss", None, -64.0),
]


def options():
    p = argparse.ArgumentParser(prog="script/bench reads", description=__doc__.split("\n\n")[0])
    p.add_argument("--rounds", type=int, default=5, help="how often each server is loaded (5)")
    p.add_argument("--seconds", type=int, default=8, help="how long each time (8)")
    p.add_argument("--conns", type=int, default=32, help="over so many connections (32)")
    p.add_argument("--page", choices=PAGES, default="shared", help="50 miners of 13 circles (shared) or of 50 (spread)")
    p.add_argument("--only", default="", metavar="NAMES", help="only some, comma-separated: ours,postgraphile,apollo")
    p.add_argument("--ours", action="append", default=[], metavar="NAME=VALUE", help="a setting of ours, such as GOODGO_POOL_SIZE=8; repeatable")
    p.add_argument("--report-only", action="store_true", help="exit code 0 also when a bar is missed")
    p.add_argument("--serve", action="store_true", help="start everything, compare, and stay until Ctrl-C: for a profiler")
    return p.parse_args()


def body(name, page):
    file = "nested.postgraphile.graphql" if name == "postgraphile" else "nested.graphql"
    with open(os.path.join(servers.HERE, "queries", file)) as f:
        query = re.sub(r"\s+", " ", f.read()).strip()
    miners, postgraphile, _ = PAGES[page]
    order = [postgraphile, "PRIMARY_KEY_" + miners["direction"]] if name == "postgraphile" else miners
    return json.dumps({"query": query, "variables": {"order": order}}).encode()


def compare(running, bodies):
    """All servers must say the same before any is measured."""
    first = None
    for server in running:
        raw = server.ask(bodies[server.name])
        answer = json.loads(raw)
        if "errors" in answer:
            raise Stop(f"{server.name} answers with errors: {raw[:1000].decode()}")
        rows = answer["data"]["miners"]["nodes"]
        for row in rows:
            if "userId" in row:  # PostGraphile's row of a view is flat
                row["user"] = {"uuid": row.pop("userId"), "displayName": row.pop("displayName")}
        text = servers.canonical(answer["data"])
        with open(os.path.join(servers.FOLDER, server.name + ".json"), "w") as f:
            f.write(text)
        circles = {row["circle"]["uuid"] for row in rows}
        print(f"{server.name}: {len(raw)} bytes, {len(rows)} miners, {len(circles)} circles, "
              f"{sum(len(row['circle']['members']) for row in rows)} members", flush=True)
        if first is None:
            first = text
        elif text != first:
            raise Stop(f"{server.name} answers something else than {running[0].name}: compare the files in {servers.FOLDER}")
    print("the answers are equal" if len(running) > 1 else "one server alone: nothing to compare", flush=True)


def line(name, row):
    return (f"{name:14}{row['rps']:9.0f}{row['p50']:9.1f}{row['p99']:9.1f}{row['cpu_ms']:10.2f}{row['pg_ms']:10.2f}"
            f"{row['rss']:8.0f}{row.get('single_p50', float('nan')):10.2f}")


HEAD = f"{'':14}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>10}{'PG CPU':>10}{'RSS MB':>8}{'1c p50':>10}"


def rounds(o, running, bodies, cluster):
    for server in running:
        for connections in (o.conns, 1):
            measure.load(server, bodies[server.name], connections, 3 if connections > 1 else 1, cluster.pid)
    print(f"\n{o.rounds} rounds of {o.seconds} s over {o.conns} connections; CPU per request\n{HEAD}", flush=True)
    rows = []
    for _ in range(o.rounds):
        for server in running:
            row = measure.load(server, bodies[server.name], o.conns, o.seconds, cluster.pid)
            single = measure.load(server, bodies[server.name], 1, max(2, o.seconds // 3), cluster.pid)
            row.update(single_p50=single["p50"], single_rps=single["rps"], single_cpu_ms=single["cpu_ms"], errors=row["errors"] or single["errors"])
            rows.append(row)
            print(line(server.name, row) + ("  ERRORS" if row["errors"] else ""), flush=True)
    return rows


def floor(o, cluster):
    """The statements alone, by pgbench: requests/s."""
    script = os.path.join(servers.FOLDER, "nested.pgbench")
    with open(script, "w") as f:
        f.write(cluster.psql("-v", "ordering=" + PAGES[o.page][2], "-f", os.path.join(servers.HERE, "sql", "make-pgbench.sql")))
    args = ["-n", "-M", "prepared", "-f", script]
    found = []
    for _ in range(3):
        out = cluster.tool("pgbench", *args, "-c", str(o.conns), "-j", "2", "-T", str(o.seconds))
        found.append(float(re.search(r"tps = ([\d.]+)", out)[1]))
    return sorted(found)[1]


def judge(medians):
    """Prints each bar; answers whether all are met, as far as they could be measured."""
    met = True
    print(f"\n{'ours':34}{'figure':>10}{'bar':>12}")
    for what, key, peer, bar in BARS:
        if "ours" not in medians or (peer and peer not in medians):
            continue
        figure = medians["ours"][key] / (medians[peer][key] if peer else 1)
        good = figure >= bar if bar > 0 else figure <= -bar
        met = met and good
        name = f"{what} : {peer}" if peer else what
        print(f"{name:34}{figure:10.3f}{('>= ' if bar > 0 else '<= ') + format(abs(bar), 'g'):>12}  {'met' if good else 'MISSED'}")
    return met


def run(o, started):
    settings = dict(setting.split("=", 1) for setting in o.ours)
    names = [name for name in ["ours", *PEERS] if not o.only or name in o.only.split(",")]
    os.makedirs(servers.FOLDER, exist_ok=True)
    # Ours runs the database, so it is always started.
    ours = servers.start_ours(settings)
    started.append(ours)
    ours.wait()
    cluster = servers.Cluster(ours)
    since = time.time()
    cluster.load()
    print(f"data ready after {time.time() - since:.0f} s", flush=True)
    servers.sign_in(ours, settings)
    for name in names:
        if name != "ours":
            started.append(servers.start_peer(name, cluster))
    running = [server.wait() for server in started if server.name in names]
    bodies = {server.name: body(server.name, o.page) for server in started}
    compare(running, bodies)
    ours.ask(bodies["ours"])
    before = servers.statements(ours)
    for _ in range(10):
        ours.ask(bodies["ours"])
    sent = (servers.statements(ours) - before) / 10
    print(f"ours sends {sent:g} SQL statements a request", flush=True)
    if o.serve:
        body_file = os.path.join(servers.FOLDER, "ours.body")
        with open(body_file, "wb") as f:
            f.write(bodies["ours"])
        print(f"pid {ours.pid}, PostgreSQL {cluster.pid}; load it by:\n  BODY_FILE={body_file} TOKEN={ours.token} "
              f"wrk -t1 -c{o.conns} -d30s -s {servers.HERE}/post.lua {ours.url}", flush=True)
        signal.pause()
    rows = rounds(o, running, bodies, cluster)
    alone = floor(o, cluster)
    medians = {}
    print(f"\nmedians\n{HEAD}")
    for server in running:
        own = [row for row in rows if row["name"] == server.name]
        medians[server.name] = {key: measure.median(own, key) for key in own[0] if key not in ("name", "errors")}
        medians[server.name]["rss"] = max(row["rss"] for row in own)
        print(line(server.name, medians[server.name]))
    print(f"{'SQL alone':14}{alone:9.0f}  (pgbench, prepared)")
    if "ours" in medians:
        print(f"ours / SQL alone: {medians['ours']['rps'] / alone:.2f}")
    with open(os.path.join(servers.FOLDER, f"rows-{o.page}.json"), "w") as f:
        json.dump({"options": vars(o), "statements": sent, "pgbench": alone, "rows": rows, "medians": medians}, f, indent=1)
    met = judge(medians)
    if any(row["errors"] for row in rows):
        raise Stop("some requests failed: the figures don't count")
    return 0 if met or o.report_only else 1


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
