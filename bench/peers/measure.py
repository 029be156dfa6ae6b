"""One load by wrk, with the CPU time it cost: the server with its threads, PostgreSQL as the postmaster's children."""
import os, re, subprocess, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
HZ = os.sysconf("SC_CLK_TCK")


def stat(pid):
    with open(f"/proc/{pid}/stat") as f:
        s = f.read().rsplit(")", 1)[1].split()
    return int(s[1]), (int(s[11]) + int(s[12])) / HZ, (int(s[13]) + int(s[14])) / HZ  # parent, own, waited-for children


def postgres_cpu(postmaster):
    total = stat(postmaster)[2]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            parent, own, _ = stat(pid)
        except (OSError, IndexError):
            continue
        if parent == postmaster:
            total += own
    return total


def memory(pid):
    """Resident now, and at most ever, in MB."""
    with open(f"/proc/{pid}/status") as f:
        fields = dict(line.split(":", 1) for line in f if ":" in line)
    return int(fields["VmRSS"].split()[0]) / 1024, int(fields["VmHWM"].split()[0]) / 1024


def milliseconds(text):
    m = re.match(r"([\d.]+)(us|ms|s|m)$", text)
    return float(m[1]) * {"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}[m[2]]


def load(server, body, connections, seconds, postmaster):
    """Asks for so long over so many connections; answers a row of figures."""
    with tempfile.NamedTemporaryFile("wb", suffix=".json") as f:
        f.write(body)
        f.flush()
        env = dict(os.environ, BODY_FILE=f.name, TOKEN=server.token or "")
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency", "-s", os.path.join(HERE, "post.lua"), server.url]
        cpu, pg = stat(server.pid)[1], postgres_cpu(postmaster)
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        cpu, pg = stat(server.pid)[1] - cpu, postgres_cpu(postmaster) - pg
    out = done.stdout
    count = int(re.search(r"(\d+) requests in", out)[1])
    percentile = lambda p: milliseconds(re.search(rf"^\s+{p}%\s+(\S+)", out, re.M)[1])
    rss, peak = memory(server.pid)
    return {
        "name": server.name, "connections": connections, "requests": count,
        "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),
        "p50": percentile(50), "p99": percentile(99),
        "cpu_ms": cpu / max(count, 1) * 1e3, "pg_ms": pg / max(count, 1) * 1e3, "rss": rss, "peak": peak,
        "errors": "Non-2xx" in out or "Socket errors" in out or "status" in done.stderr,
    }


def median(rows, key):
    values = sorted(row[key] for row in rows)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
