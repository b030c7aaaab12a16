"""What crosses the floor of the SQL cellar: the question to a cube and its answer."""

from dataclasses import dataclass
from datetime import date, datetime

# The outcome of users who had none of the outcomes that a metric names: a reserved key.
FAILURE_OUTCOME = "failure"


@dataclass(frozen=True, slots=True)
class CheckedQuery:
    """A customer's query after proof: only this regenerated text is ever run.

    On the managed store `text` knows three numbered parameters: $1 the organization's
    id (text), $2 the start date (timestamp with time zone), $3 an optimization's id
    (uuid) or null, which hides the rewards that were sent for other optimizations. On a
    connected warehouse it knows the start date alone, as dialects.Dialect writes it
    (Postgres: $2 in a metric, $1 in an assignment source). `columns` are the names of
    the result where the text alone tells them, else None.
    """

    text: str
    dialect: str
    columns: tuple[str, ...] | None
    tables: tuple[str, ...]
    takes_start_date: bool


@dataclass(frozen=True, slots=True)
class CheckedMetric:
    """A checked query whose rows are rewards, and which column says what."""

    query: CheckedQuery
    anonymous_id: str
    timestamp: str
    value: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedSource:
    """A checked query whose rows are exposures, and which column says what.

    `variant` holds a JSON object of factor to level, or its text; `context` likewise.
    """

    query: CheckedQuery
    anonymous_id: str
    timestamp: str
    optimization_id: str
    variant: str
    context: str | None
    policy_version: str | None


@dataclass(frozen=True, slots=True)
class Statement:
    """Text with numbered parameters, and their values in order."""

    text: str
    parameters: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class ContextFactor:
    """A context factor; index len(levels) is 'other', len(levels) + 1 'missing'."""

    name: str
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegimeSpan:
    """A stretch of time with one configuration, until the next one starts.

    `holdout_threshold` is 8 lower-case hex characters; '00000000' holds nobody out.
    """

    number: int
    starts_at: datetime
    holdout_threshold: str


@dataclass(frozen=True, slots=True)
class OutcomeRule:
    """An outcome, its weight, and the name or value of the rewards that match it."""

    key: str
    weight: float
    by: str
    value: str | float


@dataclass(frozen=True, slots=True)
class FirstTouchCoverage:
    """Until when the managed store remembers each user's first touch.

    `first_at` is the earliest of all, None where nobody was touched before `until`.
    """

    until: datetime
    first_at: datetime | None


@dataclass(frozen=True, slots=True)
class CubeSpec:
    """Everything that decides what a cube counts; see STATISTICS section 1.

    `days` are the first-touch days (UTC) wanted, `as_of` the moment of reading: nothing
    later is seen. `excluded_users` holds ids, or prefixes that end in '*'. `history_from`
    matters to connected warehouses: no exposure before it is looked at, and it is the
    start date of the assignment source; None looks at all. `remembered` matters to the
    managed store, which fills it in itself.
    """

    optimization_id: str
    organization_id: str
    variants: tuple[tuple[int, str], ...]
    contexts: tuple[ContextFactor, ...]
    reward_type: str
    outcomes: tuple[OutcomeRule, ...]
    attribution: str
    window_hours: int
    horizon_hours: int
    regimes: tuple[RegimeSpan, ...]
    excluded_users: tuple[str, ...]
    days: tuple[date, ...]
    as_of: datetime
    history_from: datetime | None = None
    remembered: FirstTouchCoverage | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """Users alike in everything that matters, and their sums.

    `variant` is a number (0: none of the variants), `context` a row-major index over
    factors of size len(levels) + 2, `hour` the hour of first touch of immature users.
    """

    regime: int
    day: date
    policy_version: int | None
    holdout: bool
    variant: int
    context: int
    outcome: str | None
    mature: bool
    hour: datetime | None
    users: int
    exposures: int
    converted: int
    value_sum: float
    value_sum_squares: float
    payers: int
    log_sum: float
    log_sum_squares: float


@dataclass(frozen=True, slots=True)
class DayCounts:
    """What is counted beside the cells of one day of first touch."""

    day: date
    lags: tuple[int, ...]
    crossover_users: int
    arm_mismatch_users: int


@dataclass(frozen=True, slots=True)
class Cube:
    """The cells of the days asked for, and what was counted beside them.

    `lags`: first counted rewards of mature users by time since first touch, 32 buckets
    over the horizon. `rows_read`: raw exposure rows. `days`: the same counts for each
    day of first touch that has any, ascending, so that sealed days keep theirs.
    """

    cells: tuple[Cell, ...]
    lags: tuple[int, ...]
    crossover_users: int
    arm_mismatch_users: int
    rows_read: int
    days: tuple[DayCounts, ...] = ()
