"""The byte format of one stored day of the cube: compressed columns. Pure."""

import hashlib
import zlib
from dataclasses import asdict, dataclass
from datetime import date

import orjson

from optimizations.cube import cell_columns
from optimizations.cube.cell_columns import DayColumns
from warehouse.sql.cube.statement import Cell, CubeSpec

# Raise it when the format changes: days of another format are counted again. Format and
# fingerprint come first and uncompressed, so that they can be read without the cells.
FORMAT_VERSION = b"2"
FINGERPRINT_LENGTH = 16
HEADER_LENGTH = len(FORMAT_VERSION) + FINGERPRINT_LENGTH
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


def compute_fingerprint(spec: CubeSpec) -> str:
    """Return a hash of what a stored day's counts depend on besides its events."""
    values = asdict(spec)
    parts = [values[name] for name in FINGERPRINTED_FIELDS]
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
    document = {
        "lags": day.lags,
        "crossover_users": day.crossover_users,
        "arm_mismatch_users": day.arm_mismatch_users,
        "exposure_rows": day.exposure_rows,
        "reward_rows": day.reward_rows,
        "columns": cell_columns.collect_columns(day.cells),
    }
    if (
        day.blank_exposures
    ):  # earlier versions, which run until the upgrade ends, lack it
        document["blank_exposures"] = day.blank_exposures
    header = FORMAT_VERSION + day.fingerprint.encode()
    return header + zlib.compress(orjson.dumps(document), level=6)


def decode_columns(day: date, data: bytes | memoryview) -> StoredColumns | None:
    """Return the day that `encode_day` wrote, as columns; None for another format."""
    data = bytes(data)
    if not data.startswith(FORMAT_VERSION):
        return None
    document = orjson.loads(zlib.decompress(data[HEADER_LENGTH:]))
    return StoredColumns(
        cells=DayColumns(day, document.pop("columns")),
        lags=tuple(document.pop("lags")),
        fingerprint=data[len(FORMAT_VERSION) : HEADER_LENGTH].decode(),
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
    )
