#!/usr/bin/env python3
"""Holds and settlements a second over HTTP, with a service's token.

A service places holds of many owners, a hundred for each reference, and settles them as lost: one by one, and in batches. In the same run
pgbench measures the commits a second of one message in the log. Rates are counted by the database's own times.
Run it with script/bench ledger.
"""
import argparse, json, os, re, signal, subprocess, sys, tempfile, uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "peers"))
import measure, servers
from servers import Stop

OURS = {"GOODGO_RATE_SERVICE": "100000000"}
DEPOSIT = "mutation($i: DepositCreditInput!){depositCredit(input:$i){userErrors{code}}}"
# Number of rows since a time, and the seconds between the first and the last.
COUNTS = {
    "place": "SELECT count(*), extract(epoch FROM max(created_at) - min(created_at)) FROM holds WHERE created_at > '{since}'",
    "settle": "SELECT count(*), extract(epoch FROM max(created_at) - min(created_at)) FROM settlements WHERE created_at > '{since}'",
}


def options():
    p = argparse.ArgumentParser(prog="script/bench ledger", description=__doc__.split("\n\n")[0])
    p.add_argument("--rounds", type=int, default=3, help="number of rounds (3)")
    p.add_argument("--seconds", type=int, default=8, help="seconds of each kind of command in a round (8)")
    p.add_argument("--conns", type=int, default=16, help="number of connections (16)")
    p.add_argument("--owners", type=int, default=500, help="number of owners (500)")
    p.add_argument("--batch", type=int, default=100, help="holds of a batch (100)")
    return p.parse_args()


def deposit(ours, owner):
    """Gives an owner money. The first deposit of a new owner is the one that counts."""
    payment = {"provider": "bench", "reference": str(uuid.uuid4())}
    given = {"idempotencyKey": str(uuid.uuid4()), "payment": payment, "owner": {"kind": "MERCHANT", "ownerId": owner}, "amount": {"amount": "1", "currency": "USD"}}
    answer = json.loads(ours.ask(json.dumps({"query": DEPOSIT, "variables": {"i": given}}).encode()))
    if answer != {"data": {"depositCredit": {"userErrors": []}}}:
        raise Stop(f"no deposit: {answer}")


def commits(cluster, connections, seconds):
    """Empty commits a second: each is written to the disk."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as f:
        f.write("SELECT pg_logical_emit_message(true, 'bench', '');\n")
        f.flush()
        out = cluster.tool("pgbench", "-n", "-M", "prepared", "-f", f.name, "-c", str(connections), "-T", str(seconds))
    return float(re.search(r"tps = ([\d.]+)", out)[1])


def load(o, ours, cluster, mode, files, number):
    """One kind of command for some seconds: rate, percentiles in ms, CPU time per item in ms."""
    since = cluster.psql("-c", "SELECT app_now()").strip()
    batch = o.batch if mode == "batch" else 1
    env = {**os.environ, **files, "TOKEN": ours.token, "MODE": mode, "BATCH": str(batch), "ROUND": f"{number}-{mode}-{uuid.uuid4()}"}
    command = ["wrk", "-t1", f"-c{o.conns}", f"-d{o.seconds}s", "--timeout", "30s", "--latency", "-s", os.path.join(HERE, "ledger.lua"), ours.url]
    cpu, pg = measure.stat(ours.pid)[1], measure.postgres_cpu(cluster.pid)
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    cpu, pg = measure.stat(ours.pid)[1] - cpu, measure.postgres_cpu(cluster.pid) - pg
    if done.returncode or done.stderr or "Socket errors" in done.stdout:
        raise Stop(f"{mode} failed: {done.stderr}{done.stdout[-500:]}")
    count, seconds = cluster.psql("-F", " ", "-c", COUNTS["place" if mode == "place" else "settle"].format(since=since)).split()
    count, seconds = int(count), float(seconds)
    percentile = lambda p: measure.milliseconds(re.search(rf"^\s+{p}%\s+(\S+)", done.stdout, re.M)[1])
    with open(files["HOLDS"]) as f:
        holds = sum(1 for _ in f)
    if mode != "place" and count + batch > holds:
        # Further answers were replays.
        percentile = lambda p: float("nan")
    return {"mode": mode, "rate": count / max(seconds, 0.001), "count": count, "p50": percentile(50), "p99": percentile(99), "cpu_ms": cpu / count * 1e3, "pg_ms": pg / count * 1e3}


def run(o, started):
    os.makedirs(servers.FOLDER, exist_ok=True)
    ours = servers.start_ours(OURS)
    started.append(ours)
    ours.wait()
    cluster = servers.Cluster(ours)
    servers.sign_in(ours, OURS, "service")
    # Owners of earlier runs are used again: deposits have a daily ceiling.
    owners = cluster.psql("-c", f"SELECT owner_id FROM wallets WHERE owner_kind = 'MERCHANT' AND available > 500000 LIMIT {o.owners}").split()
    while len(owners) < o.owners:
        owners.append(str(uuid.uuid4()))
        deposit(ours, owners[-1])
    files = {name: os.path.join(servers.FOLDER, name.lower() + ".txt") for name in ("OWNERS", "HOLDS")}
    with open(files["OWNERS"], "w") as f:
        f.write("\n".join(owners) + "\n")
    rows = []
    settings = ", ".join(f"{name} {cluster.psql('-c', 'SHOW ' + name).strip()}" for name in ("fsync", "synchronous_commit"))
    print(f"{o.rounds} rounds, {o.conns} connections, {o.owners} owners, batches of {o.batch}; {settings}")
    print(f"{'':10}{'items/s':>10}{'p50 ms':>10}{'p99 ms':>10}{'CPU ms':>10}{'PG ms':>10}   (times per item, percentiles per request)", flush=True)
    for number in range(o.rounds):
        empty = commits(cluster, o.conns, 3)
        rows.append({"mode": "commits", "rate": empty})
        print(f"{'commits':10}{empty:10.0f}", flush=True)
        for mode in ("place", "settle", "place", "batch"):
            row = load(o, ours, cluster, mode, files, number)
            rows.append(row)
            print(f"{mode:10}{row['rate']:10.0f}{row['p50']:10.1f}{row['p99']:10.1f}{row['cpu_ms']:10.3f}{row['pg_ms']:10.3f}", flush=True)
    of = lambda mode, key: measure.median([row for row in rows if row["mode"] == mode], key)
    print("\nmedians, and their ratios to empty commits")
    for mode in ("place", "settle", "batch"):
        print(f"{mode:10}{of(mode, 'rate'):10.0f}/s{of(mode, 'rate') / of('commits', 'rate'):8.2f}")
    with open(os.path.join(servers.FOLDER, "rows-ledger.json"), "w") as f:
        json.dump({"options": vars(o), "rows": rows}, f, indent=1)
    return 0


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
