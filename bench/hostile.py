#!/usr/bin/env python3
"""Documents built to overload a server: time until each is refused, and growth of memory.

Each document is sent a hundred times, one at a time. Bars: a median of 10 ms, and 16 MB more memory than after the first
round. tests/transport/hostile.rs checks the errors.
"""
import json, os, statistics, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers"))
import measure, servers
from servers import Stop

BAR_MS, BAR_MB, TIMES = 10.0, 16.0, 100


def many(count, text):
    return " ".join(text(number) for number in range(count))


def documents():
    bomb = "{ ...F0 }" + many(200, lambda n: f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}") + " fragment F200 on Query { serverInfo { version } }"
    short = "{ ...F0 }" + many(18, lambda n: f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}") + " fragment F18 on Query { serverInfo { version } }"
    query = lambda text, **more: {"query": text, **more}
    return {
        "a fragment bomb of 740 bytes": query(short),
        "a fragment bomb of 200 steps": query(bomb),
        "a bomb without an end": query(short.replace("{ serverInfo { version } }", "{ ...Gone }")),
        "a large variable 2,300 times": query("query ($a: [ID!]!) { nodes(ids: [" + "$a " * 2_300 + "]) { id } }", variables={"a": [1] * 100_000}),
        "2,000 aliases": query("{ " + many(2_000, lambda n: f"a{n}: __typename") + " }"),
        "20,000 times the same field": query("{ " + "__typename " * 20_000 + "}"),
        "2,400 levels": query("{a" * 2_400 + "}" * 2_400),
        "200,000 brackets": query("{" * 200_000),
        "a value of 2,000 lists": query("{ miner(by: " + "[" * 2_000 + "7" + "]" * 2_000 + ") }"),
        "a string of 200,000": query('{ a(b: "' + "x" * 200_000 + '") }'),
        "a variable of 200,000": query("query ($a: Int) { leaderboard(limit: $a) { entries { rank } } }", variables={"a": "x" * 200_000}),
        "a list of 20,000": query("query ($a: [ID!]!) { nodes(ids: $a) { id } }", variables={"a": ["x"] * 20_000}),
        "a fragment in itself": query("{ ...A } fragment A on Query { ...A ...A }"),
        "the schema in the schema": query("{ __schema { types { " + "fields { type { " * 5 + "name" + " } }" * 5 + " } } }"),
        "1,500 directives": query("{ __typename " + "@a " * 1_500 + "}"),
        "NUL bytes": query("{ a\0b }"),
        "a batch of 1,000": [query("{ __typename }")] * 1_000,
    }


def main():
    os.makedirs(servers.FOLDER, exist_ok=True)
    ours = servers.start_ours({"GOODGO_RATE_ANONYMOUS": "100000000"})
    missed = []
    try:
        ours.wait()
        bodies = {name: json.dumps(document, separators=(",", ":")).encode() for name, document in documents().items()}
        beside = {"beside: the smallest query": "{ __typename }", "beside: the largest query": "{ serverInfo { " + "version " * 4_990 + "} }"}
        bodies = {**{name: json.dumps({"query": query}).encode() for name, query in beside.items()}, **bodies}
        took = {name: [] for name in bodies}
        for turn in range(TIMES):
            for name, body in bodies.items():
                start = time.perf_counter()
                answer = json.loads(ours.ask(body))
                took[name].append((time.perf_counter() - start) * 1e3)
                if turn == 0 and "errors" not in answer and "beside" not in name:
                    raise Stop(f"{name} was answered")
            if turn == TIMES // 10:
                before = measure.memory(ours.pid)[0]
        grown = measure.memory(ours.pid)[0] - before
        for name, times in took.items():
            median = statistics.median(times)
            is_met = median < BAR_MS or "beside" in name
            missed += [] if is_met else [name]
            print(f"{name:32} {median:8.2f} ms   {'' if is_met else 'MISSED'}")
        print(f"{'memory, in 90 rounds':32} {grown:+8.1f} MB   {'' if grown < BAR_MB else 'MISSED'}")
        missed += [] if grown < BAR_MB else ["memory"]
    finally:
        ours.stop()
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stop as problem:
        sys.exit(f"bench: {problem}")
