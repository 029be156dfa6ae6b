#!/usr/bin/env python3
"""Large campaigns, and claims of their vouchers over HTTP, one voucher per person.

Each round creates two campaigns of 100,000 vouchers. People whom nobody has seen before claim of the first one, then the same
people of the second one. At last new miners register beside eight claims at once, and beside a thousand that wait for their
turn. Exits with 1 if a bar is missed: 5 s for 100,000 vouchers, 500 claims a second with p95 within 100 ms, p99 of the
registrations within 10 % of each other. Run it with script/bench claims.
"""
import argparse, json, os, re, resource, signal, subprocess, sys, tempfile, time, uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "peers"))
import measure, servers
from servers import Stop

BAR_SECONDS, BAR_RATE, BAR_MS, BAR_SHARE = 5.0, 500.0, 100.0, 1.10
OURS = {"GOODGO_RATE_SERVICE": "100000000"}
DEPOSIT = "mutation($i: DepositCreditInput!){depositCredit(input:$i){userErrors{code}}}"
CREATE = "mutation($i: CampaignCreateInput!){campaignCreate(input:$i){campaign{id}userErrors{code}}}"
ACTIVATE = "mutation($i: CampaignActivateInput!){campaignActivate(input:$i){userErrors{code}}}"
CLAIM = "mutation($i: VoucherClaimInput!){voucherClaim(input:$i){voucher{id}userErrors{code}}}"
COUNT = "SELECT count(*), extract(epoch FROM max(claimed_at) - min(claimed_at)) FROM vouchers WHERE claimed_at > '{since}'"
REGISTER = "mutation{minerRegister(input:{}){miner{id}userErrors{code}}}"


def options():
    p = argparse.ArgumentParser(prog="script/bench claims", description=__doc__.split("\n\n")[0])
    p.add_argument("--rounds", type=int, default=3, help="number of rounds (3)")
    p.add_argument("--seconds", type=int, default=8, help="seconds of claims of known people in a round, half of those of new ones (8)")
    p.add_argument("--conns", type=int, default=16, help="number of connections (16)")
    p.add_argument("--waiting", type=int, default=1_000, help="claims at once in the last part (1000)")
    return p.parse_args()


class Shop:
    """A merchant with money, whose campaigns have 100,000 vouchers of a millionth of a dollar."""

    def __init__(self, ours):
        self.ours, self.secret = ours, servers.secret(ours)
        person = str(uuid.uuid4())
        self.merchant = servers.token(self.secret, "MERCHANT", person=person)
        owner = {"kind": "MERCHANT", "ownerId": person}
        servers.sign_in(ours, OURS, "service")
        payment = {"provider": "bench", "reference": str(uuid.uuid4())}
        self.do(DEPOSIT, owner=owner, payment=payment, amount={"amount": "10", "currency": "USD"})

    def do(self, query, **given):
        given = {"idempotencyKey": str(uuid.uuid4()), **given}
        answer = json.loads(self.ours.ask(json.dumps({"query": query, "variables": {"i": given}}).encode()))
        payload = next(iter((answer.get("data") or {}).values()), None)
        if not payload or payload["userErrors"]:
            raise Stop(f"{query}: {answer}")
        return payload

    def offer(self):
        """An active campaign; its id, and the seconds that its creation took."""
        self.ours.token = self.merchant
        given = {"name": "Bench", "acquisitionType": "FREE", "faceValue": {"amount": "0.000001", "currency": "USD"}, "totalVouchers": 100_000,
                 "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2100-01-01T00:00:00Z"}
        sent = time.perf_counter()
        campaign = self.do(CREATE, **given)["campaign"]["id"]
        took = time.perf_counter() - sent
        self.do(ACTIVATE, campaignId=campaign)
        return campaign, took


class Load:
    """One wrk, whose people send one request each."""

    def __init__(self, ours, people, query, variables, conns, seconds):
        self.files = [tempfile.NamedTemporaryFile("w") for _ in range(2)]
        body, tokens = self.files
        body.write(json.dumps({"query": query, "variables": variables}))
        tokens.write("".join(token + "\n" for token in people))
        for file in self.files:
            file.flush()
        env = {**os.environ, "BODY_FILE": body.name, "TOKENS": tokens.name}
        command = ["wrk", "-t1", f"-c{conns}", f"-d{seconds}s", "--timeout", "30s", "-s", os.path.join(HERE, "claims.lua"), ours.url]
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def figures(self):
        out, err = self.process.communicate()
        if self.process.returncode or err or "Socket errors" in out:
            raise Stop(f"wrk failed: {err}{out[-500:]}")
        return {name: float(value) for name, value in re.findall(r"^(p\d+|answers|seconds) (\S+)$", out, re.M)}


def claims(shop, people, campaign, conns, seconds):
    key = {"i": {"idempotencyKey": campaign, "campaignId": campaign}}
    return Load(shop.ours, people, CLAIM, key, conns, seconds)


def strangers(shop, count):
    return [servers.token(shop.secret) for _ in range(count)]


def claimed(shop, cluster, people, o, seconds):
    """Claims of a new campaign for some seconds, with the CPU time of each in ms. The rate is by the database's own times."""
    campaign, took = shop.offer()
    since = cluster.psql("-c", "SELECT app_now()").strip()
    cpu, pg = measure.stat(shop.ours.pid)[1], measure.postgres_cpu(cluster.pid)
    row = claims(shop, people, campaign, o.conns, seconds).figures()
    cpu, pg = measure.stat(shop.ours.pid)[1] - cpu, measure.postgres_cpu(cluster.pid) - pg
    count, took_all = cluster.psql("-F", " ", "-c", COUNT.format(since=since)).split()
    count = int(count)
    return {**row, "count": count, "took": took, "rate": count / float(took_all), "cpu_ms": cpu / count * 1e3, "pg_ms": pg / count * 1e3}


def run(o, started):
    os.makedirs(servers.FOLDER, exist_ok=True)
    ours = servers.start_ours(OURS)
    started.append(ours)
    ours.wait()
    cluster = servers.Cluster(ours)
    print(f"{o.rounds} rounds, {o.conns} connections; fsync {cluster.psql('-c', 'SHOW fsync').strip()}")
    print(f"{'people':8}{'100,000 vouchers, s':>20}{'claims/s':>10}{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}{'CPU ms':>10}{'PG ms':>10}", flush=True)
    rows = []
    for _ in range(o.rounds):
        # A merchant's campaigns of a day have 500,000 vouchers.
        shop = Shop(ours)
        people = strangers(shop, 4_000 * o.seconds)
        # Known people claim faster than new ones.
        for known, seconds in ((False, 2 * o.seconds), (True, o.seconds)):
            row = claimed(shop, cluster, people, o, seconds)
            people = people[: row["count"]]
            rows.append({**row, "known": known})
            print(f"{'known' if known else 'new':8}{row['took']:20.2f}{row['rate']:10.0f}{row['p50']:10.1f}{row['p95']:10.1f}{row['p99']:10.1f}{row['cpu_ms']:10.2f}{row['pg_ms']:10.2f}", flush=True)
    campaign, _ = Shop(ours).offer()
    beside = {8: [], o.waiting: []}
    for _ in range(o.rounds):
        for conns, seen in beside.items():
            load = claims(shop, strangers(shop, 1_000 * o.seconds), campaign, conns, o.seconds + 2)
            time.sleep(1)
            seen.append(Load(ours, strangers(shop, 1_000 * o.seconds), REGISTER, {}, 1, o.seconds).figures())
            load.figures()
            print(f"registrations beside {conns} claims: {seen[-1]['answers'] / seen[-1]['seconds']:.0f}/s, p50 {seen[-1]['p50']:.1f} ms, p99 {seen[-1]['p99']:.1f} ms", flush=True)
    of = lambda key: measure.median([row for row in rows if row["known"]], key)
    few, many = (measure.median(seen, "p99") for seen in beside.values())
    met = True
    for what, figure, bar in (("100,000 vouchers, s", of("took"), BAR_SECONDS), ("claims a second", of("rate"), -BAR_RATE), ("claims, p95, ms", of("p95"), BAR_MS),
                              (f"p99 beside {o.waiting} and 8", many / few, BAR_SHARE)):
        good = figure <= bar if bar > 0 else figure >= -bar
        met = met and good
        print(f"{what:34}{figure:10.2f}   {'<=' if bar > 0 else '>='} {abs(bar):<8g}{'met' if good else 'MISSED'}")
    return 0 if met else 1


def main():
    o = options()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started, code = [], 1
    try:
        code = run(o, started)
    except Stop as stop:
        print(f"bench: {stop}", file=sys.stderr)
    finally:
        for server in reversed(started):
            server.stop()
    sys.exit(code)


if __name__ == "__main__":
    main()
