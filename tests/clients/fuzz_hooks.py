"""What Schemathesis asks with, and what it must never be answered.

Loaded by `schemathesis run` through SCHEMATHESIS_HOOKS. GOODGO_FUZZ_VALUES names a JSON file with values that exist,
by scalar; GOODGO_FUZZ_REPORT names the file in which answers are counted.
"""

import atexit
import json
import os
import threading
from collections import Counter

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

with open(os.environ["GOODGO_FUZZ_VALUES"], encoding="utf-8") as file:
    VALUES = json.load(file)

# Nonsense finds what is refused; what exists gets beyond that.
NONSENSE = {
    "BigInt": st.integers(-(2**63), 2**63 - 1).map(str),
    "CurrencyCode": st.text(alphabet="ABCMPSTZ019", min_size=1, max_size=10),
    "Date": st.dates().map(str),
    "DateTime": st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    "Decimal": st.decimals(allow_nan=False, allow_infinity=False, places=4).map(str),
    "ID": st.text(max_size=80),
    "String": st.text(max_size=150),
    "TimeZone": st.sampled_from(["UTC", "Asia/Ho_Chi_Minh", "Mars/Base"]),
    "URL": st.just("https://example.com/"),
    "UUID": st.uuids().map(str),
}
for name, nonsense in NONSENSE.items():
    known = VALUES.get(name)
    strategy = st.one_of(st.sampled_from(known), nonsense) if known else nonsense
    schemathesis.graphql.scalar(name, strategy.map(nodes.String))
# Mostly such as pages have, else few lists would be answered.
numbers = st.one_of(st.integers(1, 100), st.integers(-(2**31), 2**31 - 1))
schemathesis.graphql.scalar("Int", numbers.map(nodes.Int))

counts = Counter()
lock = threading.Lock()


@schemathesis.check
def answered_or_refused(ctx, response, case):
    """Whatever is asked, the answer is GraphQL's, below 500, and nothing that nobody foresaw."""
    assert response.status_code < 500, f"status {response.status_code}: {response.text[:2000]}"
    body = response.json()
    codes = [error["extensions"]["code"] for error in body.get("errors", [])]
    has_data = any(value is not None for value in (body.get("data") or {}).values())
    with lock:
        counts["answered" if has_data else "refused"] += 1
        counts.update(set(codes))
    assert "INTERNAL_SERVER_ERROR" not in codes, f"masked: {response.text[:2000]}"
    assert codes or body.get("data") is not None, f"neither data nor errors: {response.text[:2000]}"


@atexit.register
def report():
    with open(os.environ["GOODGO_FUZZ_REPORT"], "w", encoding="utf-8") as file:
        json.dump(counts, file)
