"""The byte format of one stored day of the cube: compressed columns. Pure."""

import hashlib
import zlib
from dataclasses import asdict, astuple, dataclass
from datetime import date
from typing import Any

import orjson

from optimizations.cube import cell_columns
from optimizations.cube.cell_columns import AMOUNT_NAMES, DayColumns
from warehouse.sql.cube.statement import AmountBucket, Cell, CubeSpec, Note

# Raise it when the format changes: days of another format are counted again. Format and
# fingerprint come first and uncompressed, so that they can be read without the cells.
FORMAT_VERSION = b"2"
FINGERPRINT_LENGTH = 16
HEADER_LENGTH = len(FORMAT_VERSION) + FINGERPRINT_LENGTH
# Days of numeric rewards have buckets of amounts, and logarithms of those below zero, since
# this version of them. Sealed days without are counted once more, and stay as they are
# where their events are gone.
AMOUNTS_VERSION = "amounts 2"
# A list beside the columns of cells, because earlier versions, which run until an upgrade
# ends, refuse what they do not know elsewhere and slice every column.
AMOUNTS_COLUMN = "amounts"
# A change of these fields makes stored counts wrong. The metric's SQL and the regimes are
# not among them: changing those opens a regime, and earlier counts stay valid. Reward type
# and outcomes are those of the newest revision with users of the day.
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
    `blank_exposures` counts the day's exposures without an id; 0 in days stored before.
    So are `notes`, as in `DayCounts`. `amounts` are the buckets of numeric rewards; None
    if they were not counted.
    """

    day: date
    cells: tuple[Cell, ...]
    lags: tuple[int, ...]
    crossover_users: int
    arm_mismatch_users: int
    fingerprint: str
    exposure_rows: int | None = None
    reward_rows: int | None = None
    blank_exposures: int = 0
    amounts: tuple[AmountBucket, ...] | None = None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredColumns:
    """A stored day as it is read for sums: its cells stay columns; see `StoredDay`."""

    cells: DayColumns
    lags: tuple[int, ...]
    crossover_users: int
    arm_mismatch_users: int
    fingerprint: str
    exposure_rows: int | None
    reward_rows: int | None
    blank_exposures: int = 0
    notes: tuple[Note, ...] = ()


def compute_fingerprint(spec: CubeSpec) -> str:
    """Return a hash of what a stored day's counts depend on besides its events."""
    values = asdict(spec)
    parts = [values[name] for name in FINGERPRINTED_FIELDS]
    if spec.reward_type == "numeric":
        parts.append(AMOUNTS_VERSION)
    if spec.depends_on_start:
        parts.append(spec.metric_start)
    text = orjson.dumps(parts)
    return hashlib.sha256(text).hexdigest()[:FINGERPRINT_LENGTH]


def matches_fingerprint(data: bytes | memoryview, fingerprint: str) -> bool:
    """Return whether a stored day was counted under the spec with this fingerprint.

    Needs only the first HEADER_LENGTH bytes of the stored day.
    """
    return bytes(data[:HEADER_LENGTH]) == FORMAT_VERSION + fingerprint.encode()


def encode_day(day: StoredDay) -> bytes:
    """Return a day as compressed JSON, one list per column; see `decode_day`."""
    columns: dict[str, Any] = cell_columns.collect_columns(day.cells)
    if day.amounts is not None:
        amounts = cell_columns.collect_amounts(day.amounts)
        columns[AMOUNTS_COLUMN] = list(amounts.values())
    document = {
        "lags": day.lags,
        "crossover_users": day.crossover_users,
        "arm_mismatch_users": day.arm_mismatch_users,
        "exposure_rows": day.exposure_rows,
        "reward_rows": day.reward_rows,
        "columns": columns,
    }
    if (
        day.blank_exposures
    ):  # earlier versions, which run until the upgrade ends, lack it
        document["blank_exposures"] = day.blank_exposures
    if day.notes:  # likewise
        document["notes"] = [astuple(note) for note in day.notes]
    header = FORMAT_VERSION + day.fingerprint.encode()
    return header + zlib.compress(orjson.dumps(document), level=6)


def decode_columns(day: date, data: bytes | memoryview) -> StoredColumns | None:
    """Return the day that `encode_day` wrote, as columns; None for another format."""
    data = bytes(data)
    if not data.startswith(FORMAT_VERSION):
        return None
    document = orjson.loads(zlib.decompress(data[HEADER_LENGTH:]))
    columns = document.pop("columns")
    amounts = columns.pop(AMOUNTS_COLUMN, None)
    return StoredColumns(
        cells=DayColumns.from_lists(
            day,
            columns,
            None if amounts is None else dict(zip(AMOUNT_NAMES, amounts, strict=True)),
        ),
        lags=tuple(document.pop("lags")),
        fingerprint=data[len(FORMAT_VERSION) : HEADER_LENGTH].decode(),
        notes=tuple(Note(*note) for note in document.pop("notes", ())),
        **document,
    )


def decode_day(day: date, data: bytes | memoryview) -> StoredDay | None:
    """Return the day that `encode_day` wrote; None for another format."""
    stored = decode_columns(day, data)
    if stored is None:
        return None
    return StoredDay(
        day=day,
        cells=tuple(cell_columns.build_cells(stored.cells)),
        lags=stored.lags,
        crossover_users=stored.crossover_users,
        arm_mismatch_users=stored.arm_mismatch_users,
        fingerprint=stored.fingerprint,
        exposure_rows=stored.exposure_rows,
        reward_rows=stored.reward_rows,
        blank_exposures=stored.blank_exposures,
        amounts=cell_columns.build_amounts(stored.cells),
        notes=stored.notes,
    )
