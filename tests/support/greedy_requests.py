# ruff: noqa: S608 - the texts of the tests are their own
"""Requests that ask a web process for much memory: what was found, and close variants."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from tests.support.pictures import build_png

MB = 2**20
LARGEST_BODY = 5 * MB
MARKS = 199_000  # just below what a body may have; see parsers.MAX_MARKS
MCP_HEADERS = (("Accept", "application/json, text/event-stream"),)
# Tiny values; 5 MB of each are some million values.
TINY_VALUES = (b"[]", b'""', b'{"":0}', b"null")


@dataclass(frozen=True, slots=True)
class GreedyRequest:
    """A request that is sent `times` times at once.

    `path` may hold `{optimization}`, the id of an optimization.
    """

    name: str
    path: str
    body: bytes | None = None
    times: int = 4
    headers: tuple[tuple[str, str], ...] = ()
    needs_key: bool = False
    method: str = "POST"  # without a body it is GET

    def __str__(self) -> str:
        return self.name


def list_requests() -> list[GreedyRequest]:
    """Return the requests to the managed store, bodies first."""
    return [*_list_bodies(), *_list_queries(), *_list_answers()]


# --- bodies


def _list_bodies() -> Iterator[GreedyRequest]:
    for value in TINY_VALUES:
        name = value.decode()
        body = _repeat(value, LARGEST_BODY)
        yield _ingest(f"5 MB of {name} to ingestion", body, times=12)
        yield _call_mcp(f"5 MB of {name} to MCP", body, times=8)
    for value in (b"[]", b'{"":0}', b'{"a":[{}]}'):
        body = _fill_up(_repeat(value, MARKS * len(value) // _count_marks(value)))
        name = value.decode()
        yield _ingest(f"as many {name} as are read", body, times=12)
        yield _call_mcp(f"as many {name} as MCP reads", body, times=8)
        yield _ingest(
            f"as many {name} as are read, compressed",
            gzip.compress(body),
            times=32,
            headers=(("Content-Encoding", "gzip"),),
        )
    emoji = _build_wide_text()
    yield _ingest("a wide text of 5 MB", emoji, times=24)
    yield _ingest(
        "a wide text of 5 MB, compressed",
        gzip.compress(emoji),
        times=40,
        headers=(("Content-Encoding", "gzip"),),
    )
    for key in ("context", "properties", "variant"):
        yield _ingest(f"500 events with a large {key}", _build_events(key), times=12)
    yield GreedyRequest(
        "an optimization of 50,000 empty factors",
        "/api/v2/optimizations",
        _build_optimization([{}] * 50_000),
        times=8,
    )
    yield GreedyRequest(
        "an optimization of 50,000 levels",
        "/api/v2/optimizations",
        _build_optimization([{"name": "a", "levels": list(range(50_000))}]),
        times=8,
    )
    for name, items in {
        "guardrail_metric_ids": b'""',
        "excluded_combinations": b'{"":0}',
        "allowed_origins": b"0",
        "unknown": b"0",
    }.items():
        body = b'{"name":"Greedy","%b":[%b]}' % (name.encode(), _join(items, 999_000))
        yield GreedyRequest(
            f"1 MB of invalid {name}", "/api/v2/optimizations", body, times=32
        )
    unknown = b",".join(b'"%d":0' % number for number in range(80_000))
    yield GreedyRequest(
        "80,000 unknown fields",
        "/api/v2/optimizations",
        b"{%b}" % unknown,
        times=32,
    )
    exclusion = b"{%b}" % b",".join(b'"%d":[]' % number for number in range(20))
    yield GreedyRequest(
        "60 KB of invalid exclusions, each body small",
        "/api/v2/optimizations",
        b'{"name":"Greedy","excluded_combinations":[%b]}' % _join(exclusion, 60_000),
        times=64,
    )
    yield GreedyRequest(
        "50,000 decisions of a client",
        "/api/v2/optimizations/{optimization}/decisions",
        b'{"decisions":[' + b",".join([b"{}"] * 50_000) + b"]}",
        times=8,
        needs_key=True,
    )


def _repeat(value: bytes, size: int) -> bytes:
    """Return a JSON object of as many equal values as fit."""
    return b'{"events":[' + _join(value, size - 20) + b"]}"


def _join(value: bytes, size: int) -> bytes:
    """Return equal values with commas between them."""
    return b",".join([value] * (size // (len(value) + 1)))


def _count_marks(value: bytes) -> int:
    """Return how many marks a value in a list has, its comma included."""
    return 1 + sum(map(value.count, (b",", b":", b"[", b"{")))


def _fill_up(body: bytes) -> bytes:
    """Return the body with a text that makes it as large as bodies may be."""
    return body[:-1] + b',"a":"' + b"x" * (LARGEST_BODY - len(body) - 10) + b'"}'


def _build_wide_text() -> bytes:
    """Return an event whose name takes four bytes a character, for one of them does."""
    name = "\N{GRINNING FACE}" + "x" * (LARGEST_BODY - 100)
    return orjson.dumps({"events": [{"anonymous_id": "u", "name": name}]})


def _build_events(key: str) -> bytes:
    many = {f"k{number}": number for number in range(180)}
    event = {"anonymous_id": "a", "name": "signup", key: many}
    return orjson.dumps({"events": [event] * 500})


def _build_optimization(factors: list[dict[str, Any]]) -> bytes:
    config = {"reward": {"name": "a", "type": "bool"}, "design_factors": factors}
    return orjson.dumps({"name": "Greedy", "training_data_config": config})


def _ingest(name: str, body: bytes, **options: Any) -> GreedyRequest:
    return GreedyRequest(
        name, "/api/v2/ingest/rewards", body, needs_key=True, **options
    )


def _call_mcp(name: str, body: bytes, times: int) -> GreedyRequest:
    start = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"overview","arguments":'
    return GreedyRequest(name, "/mcp", start + body + b"}}", times, MCP_HEADERS)


# --- customers' queries

ROWS = " UNION ALL ".join(["SELECT 1 AS n"] * 60)
LETTERS = "a" * 90
QUERIES = {
    "nested arrays": "SELECT " + "ARRAY[" * 18 + "1" + "]" * 18,
    "nested brackets of every kind": "SELECT " + "ARRAY[(" * 12 + "1" + ")]" * 12,
    "nested types": "SELECT CAST(1 AS " + "decimal(" * 20 + "1" + ")" * 20 + ")",
    "a chain of AND": "SELECT 1 AS a WHERE " + " AND ".join(["1=1"] * 2_400),
    "20,000 characters of nests": "SELECT "
    + ", ".join([f"{'ARRAY[' * 5}1{']' * 5}"] * 500),
    "nested replace()": "SELECT replace(replace(replace(replace('a', 'a',"
    f" '{LETTERS}'), 'a', '{LETTERS}'), 'a', '{LETTERS}'), 'a', '{LETTERS}') AS a",
    "30 rows of 10 MB": f"SELECT replace('{'a' * 1000}', 'a', '{'b' * 9_900}') AS a"
    f" FROM ({ROWS}) AS q LIMIT 30",
    "the length of long texts": "SELECT "
    + " + ".join([f"length(replace('{'a' * 90}', 'a', '{'b' * 9_000}'))"] * 2)
    + " AS a",
    "all rows as one text": "SELECT string_agg(md5(CAST(a.n AS text)), ',') AS a"
    f" FROM ({ROWS}) AS a, ({ROWS}) AS b, ({ROWS}) AS c",
    "all rows as one array": "SELECT array_agg(md5(CAST(a.n AS text))) AS a"
    f" FROM ({ROWS}) AS a, ({ROWS}) AS b, ({ROWS}) AS c",
    "a window over four joined tables": f"WITH t AS ({ROWS}) SELECT max(r) AS m FROM"
    " (SELECT row_number() OVER (ORDER BY md5(CAST(a.n + b.n AS text))) AS r"
    " FROM t AS a, t AS b, t AS c, t AS d) AS q",
    "a long series": "SELECT array_agg(n) AS a, string_agg(CAST(n AS text), ',') AS b"
    " FROM generate_series(1, 100000) AS n",
    "a series of series": "SELECT a.n, b.n AS m FROM generate_series(1, 100000) AS a(n),"
    " generate_series(1, 100000) AS b(n)",
    "wide texts": "SELECT "
    + ", ".join(f"lpad('a', 1000, 'b') AS a{number}" for number in range(300))
    + f" FROM ({ROWS}) AS q",
    "JSON of many items": f"SELECT CAST('[{'[],' * 5000}[]]' AS jsonb) AS a"
    f" FROM ({ROWS}) AS q",
    "a JSON object of all rows": "SELECT jsonb_agg(jsonb_build_object('a', n)) AS a"
    " FROM generate_series(1, 100000) AS n",
    "a table written out": "SELECT * FROM (VALUES "
    + ", ".join(["(1, 2)"] * 2_300)
    + ") AS v(a, b)",
}


def _list_queries() -> Iterator[GreedyRequest]:
    for name, sql in QUERIES.items():
        assert len(sql) <= 20_000, name
        body = orjson.dumps({"sql": sql, "limit": 1000})
        yield GreedyRequest(f"query: {name}", "/api/v2/warehouse/query", body)
    for item in ("true", "1.5::numeric", "now()", "NULL::text", "ROW(1, NULL)"):
        # Postgres writes a row out with 1 KB of its own memory. More of them would only
        # reach its limit, in every backend at once, and never a web process.
        count = 5 if item.startswith("ROW") else 25
        sql = (
            f"SELECT array_agg({item}) AS a FROM generate_series(1, 100000) AS g,"
            f" generate_series(1, {count}) AS h"
        )
        body = orjson.dumps({"sql": sql})
        yield GreedyRequest(
            f"an array of {item}", "/api/v2/warehouse/query", body, times=16
        )
    body = orjson.dumps({"sql": QUERIES["wide texts"], "limit": 1000})
    for number in range(2):
        yield GreedyRequest(
            f"a large answer under an idempotency key, {number}",
            "/api/v2/warehouse/query",
            body,
            headers=(("Idempotency-Key", f"greedy-{number}"),),
        )


# --- answers


def _list_answers() -> Iterator[GreedyRequest]:
    base = "/api/v2/optimizations/{optimization}"
    screenshot = f"{base}/variants/by-number/1/screenshot"
    png = (("Content-Type", "image/png"),)
    yield GreedyRequest(
        "PUT a screenshot of 5 MB", screenshot, _build_png(), 16, png, method="PUT"
    )
    yield GreedyRequest("GET a screenshot of 5 MB", screenshot, times=64)
    for path in (
        *("/api/v2/models/{model}/policy", "/api/v2/models/{model}/state"),
        *(f"{base}/report-data", f"{base}/results?sql=true", f"{base}/variants"),
        *(f"{base}/outcome-mix?limit=10000", f"{base}/observations?limit=100"),
        *("/api/v2/schema", "/api/v2/optimizations?limit=100", "/metrics"),
    ):
        yield GreedyRequest(
            f"GET {path.removeprefix('/api/v2')}",
            path,
            times=32,
            headers=(("Accept-Encoding", "gzip"),),
        )


def _build_png() -> bytes:
    """Return one of the largest PNG files, of which all pixels are there."""
    width, height = 2_500, 2_090
    return build_png(width, height, rows=bytes((width + 1) * height), level=0)
