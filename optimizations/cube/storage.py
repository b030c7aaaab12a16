"""One day of the cube as bytes and back: columns side by side, compressed. Pure."""

import hashlib
import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

import orjson

from warehouse.sql.cube.statement import Cell, CubeSpec

# Grows when the bytes change; a day of another format is counted again. Format and
# fingerprint stand uncompressed in front, so that they are read without the cells.
FORMAT_VERSION = b"2"
FINGERPRINT_LENGTH = 16
HEADER_LENGTH = len(FORMAT_VERSION) + FINGERPRINT_LENGTH
CELL_COLUMNS = tuple(field.name for field in fields(Cell) if field.name != "day")
CELL_SETTERS = {field.name: getattr(Cell, field.name).__set__ for field in fields(Cell)}
# What a change of makes stored counts wrong. Not the metric's text nor the regimes: a
# change of those opens a regime, and what was counted before stands.
FINGERPRINTED_FIELDS = (
    "variants",
    "contexts",
    "reward_type",
    "outcomes",
    "attribution",
    "window_hours",
    "horizon_hours",
    "excluded_users",
)


@dataclass(frozen=True, slots=True)
class StoredDay:
    """The cells of one day of first touch, and what was counted beside them.

    `lags` are 32 buckets over the horizon, of mature users; `fingerprint` names the
    question that was answered. A connected warehouse's rows of that day, exposures and
    rewards, show later whether more have come.
    """

    day: date
    cells: tuple[Cell, ...]
    lags: tuple[int, ...]
    crossover_users: int
    arm_mismatch_users: int
    fingerprint: str
    exposure_rows: int | None = None
    reward_rows: int | None = None


def compute_fingerprint(spec: CubeSpec) -> str:
    """Name what a stored day's counts depend on besides its events."""
    asked = asdict(spec)
    text = orjson.dumps([asked[name] for name in FINGERPRINTED_FIELDS])
    return hashlib.sha256(text).hexdigest()[:FINGERPRINT_LENGTH]


def matches_fingerprint(data: bytes | memoryview, asked: str) -> bool:
    """Tell whether a stored day's counts answer the question of this fingerprint.

    The first HEAD bytes of them will do.
    """
    return bytes(data[:HEADER_LENGTH]) == FORMAT_VERSION + asked.encode()


def encode_day(day: StoredDay) -> bytes:
    """Write a day as compressed JSON, one list per column; `read` is the inverse."""
    document = {
        "lags": day.lags,
        "crossover_users": day.crossover_users,
        "arm_mismatch_users": day.arm_mismatch_users,
        "exposure_rows": day.exposure_rows,
        "reward_rows": day.reward_rows,
        "columns": {
            name: [getattr(cell, name) for cell in day.cells] for name in CELL_COLUMNS
        },
    }
    head = FORMAT_VERSION + day.fingerprint.encode()
    return head + zlib.compress(orjson.dumps(document), level=6)


def decode_day(day: date, data: bytes | memoryview) -> StoredDay | None:
    """Read what `write` wrote for a day; None for another format."""
    data = bytes(data)
    if not data.startswith(FORMAT_VERSION):
        return None
    document = orjson.loads(zlib.decompress(data[HEADER_LENGTH:]))
    columns = document.pop("columns")
    columns["hour"] = [_parse_hour(text) for text in columns["hour"]]
    columns["day"] = [day] * len(columns["hour"])
    cells = _build_cells(columns, len(columns["hour"]))
    document["lags"] = tuple(document["lags"])
    asked = data[len(FORMAT_VERSION) : HEADER_LENGTH].decode()
    return StoredDay(day=day, cells=cells, fingerprint=asked, **document)


def _build_cells(columns: Mapping[str, list[Any]], count: int) -> tuple[Cell, ...]:
    """Make cells column by column: one by one takes three times as long, and a year has
    tens of thousands.
    """
    cells = tuple(object.__new__(Cell) for _ in range(count))
    for name, put in CELL_SETTERS.items():
        deque(map(put, cells, columns[name]), maxlen=0)
    return cells


def _parse_hour(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
