"""The byte format of one stored day of the cube: compressed columns. Pure."""

import hashlib
import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

import orjson

from warehouse.sql.cube.statement import Cell, CubeSpec

# Raise it when the format changes: days of another format are counted again. Format and
# fingerprint come first and uncompressed, so that they can be read without the cells.
FORMAT_VERSION = b"2"
FINGERPRINT_LENGTH = 16
HEADER_LENGTH = len(FORMAT_VERSION) + FINGERPRINT_LENGTH
CELL_COLUMNS = tuple(field.name for field in fields(Cell) if field.name != "day")
CELL_SETTERS = {field.name: getattr(Cell, field.name).__set__ for field in fields(Cell)}
# A change of these fields makes stored counts wrong. The metric's SQL and the regimes are
# not among them: changing those opens a regime, and earlier counts stay valid.
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
    """The cells of one day of first touch, and the counts that belong to no cell.

    `lags` are 32 buckets over the horizon, of mature users. `fingerprint` identifies the
    spec that was counted. `exposure_rows` and `reward_rows` are a connected warehouse's
    rows of that day; a later refresh compares them to see whether more have arrived.
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
    """Return a hash of what a stored day's counts depend on besides its events."""
    values = asdict(spec)
    text = orjson.dumps([values[name] for name in FINGERPRINTED_FIELDS])
    return hashlib.sha256(text).hexdigest()[:FINGERPRINT_LENGTH]


def matches_fingerprint(data: bytes | memoryview, fingerprint: str) -> bool:
    """Return whether a stored day was counted under the spec with this fingerprint.

    Needs only the first HEADER_LENGTH bytes of the stored day.
    """
    return bytes(data[:HEADER_LENGTH]) == FORMAT_VERSION + fingerprint.encode()


def encode_day(day: StoredDay) -> bytes:
    """Return a day as compressed JSON, one list per column; see `decode_day`."""
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
    header = FORMAT_VERSION + day.fingerprint.encode()
    return header + zlib.compress(orjson.dumps(document), level=6)


def decode_day(day: date, data: bytes | memoryview) -> StoredDay | None:
    """Return the day that `encode_day` wrote; None for another format."""
    data = bytes(data)
    if not data.startswith(FORMAT_VERSION):
        return None
    document = orjson.loads(zlib.decompress(data[HEADER_LENGTH:]))
    columns = document.pop("columns")
    columns["hour"] = [_parse_hour(text) for text in columns["hour"]]
    columns["day"] = [day] * len(columns["hour"])
    cells = _build_cells(columns, len(columns["hour"]))
    document["lags"] = tuple(document["lags"])
    fingerprint = data[len(FORMAT_VERSION) : HEADER_LENGTH].decode()
    return StoredDay(day=day, cells=cells, fingerprint=fingerprint, **document)


def _build_cells(columns: Mapping[str, list[Any]], count: int) -> tuple[Cell, ...]:
    """Build cells column by column.

    Building them one by one takes three times as long, and a year has tens of thousands.
    """
    cells = tuple(object.__new__(Cell) for _ in range(count))
    for name, set_field in CELL_SETTERS.items():
        deque(map(set_field, cells, columns[name]), maxlen=0)
    return cells


def _parse_hour(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
