"""Dataclasses of the SQL layer: checked queries, a cube's spec, and the cube itself."""

from dataclasses import dataclass
from datetime import date, datetime

# The outcome of users who had none of the outcomes that a metric names: a reserved key.
FAILURE_OUTCOME = "failure"


@dataclass(frozen=True, slots=True)
class RowTraits:
    """What a query's rows depend on besides the rows that it reads.

    `row_limit` is the clause that limits the rows of the whole query, `limits_inside`
    whether any part of it does. `constructs` are what combines several rows. An earlier
    start date changes no later row if the mapped time is among `start_columns` (in lower
    case). `own_times` are the result's columns that are the managed store's timestamps.
    `aliases` are columns with an alias, each with the column that it renames, or None if
    it is computed; `sources` are columns with what stands for them in the query, before
    the alias. `reads_clock` is whether a text such as 'today' or `age(x)` reads the
    current time.
    """

    row_limit: str | None = None
    limits_inside: bool = False
    constructs: tuple[str, ...] = ()
    start_columns: tuple[str, ...] = ()
    own_times: tuple[str, ...] = ()
    aliases: tuple[tuple[str, str | None], ...] = ()
    reads_clock: bool = False
    sources: tuple[tuple[str, str], ...] = ()


NO_TRAITS = RowTraits()


@dataclass(frozen=True, slots=True)
class Recursion:
    """A WITH query that reads itself, by name and line (None if unknown).

    `text` is a query of the same parameters that reads all its rows, and nothing else.
    """

    name: str
    line: int | None
    text: str


@dataclass(frozen=True, slots=True)
class CheckedQuery:
    """A customer's query that passed the check; only this regenerated text is ever run.

    On the managed store `text` has four numbered parameters: $1 the organization's id
    (text), $2 the start date (timestamp with time zone), $3 an optimization's id (uuid),
    which hides the rewards that were sent for other optimizations, or null, and $4 the
    moment after which no row is seen (timestamp with time zone, or `infinity`). On a
    connected warehouse it has only the start date, as dialects.Dialect writes it
    (Postgres: $2 in a metric, $1 in an assignment source). `columns` are the names of the
    result's columns, or None if the text alone does not tell them. `table_lines` says in
    which line of the customer's text each table is first named. `reward_names`, on the
    managed store, are those of all rewards that the result may depend on; None is any.
    `recursions` are the WITH queries that read themselves and must end.
    """

    text: str
    dialect: str
    columns: tuple[str, ...] | None
    tables: tuple[str, ...]
    takes_start_date: bool
    table_lines: tuple[tuple[str, int], ...] = ()
    reward_names: tuple[str, ...] | None = None
    traits: RowTraits = NO_TRAITS
    recursions: tuple[Recursion, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckedMetric:
    """A checked query whose rows are rewards, and the names of its mapped columns."""

    query: CheckedQuery
    anonymous_id: str
    timestamp: str
    value: str | None = None
    name: str | None = None

    @property
    def depends_on_start(self) -> bool:
        """Whether an earlier start date might change what the later rows are."""
        is_bounded = self.timestamp.lower() in self.query.traits.start_columns
        return self.query.takes_start_date and not is_bounded


@dataclass(frozen=True, slots=True)
class CheckedSource:
    """A checked query whose rows are exposures, and the names of its mapped columns.

    The column `variant` holds a JSON object of factor to level, or its text; `context` likewise.
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
    """SQL text with parameters, and their values in order."""

    text: str
    parameters: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class ContextFactor:
    """A context factor: level index len(levels) is 'other', len(levels) + 1 'missing'."""

    name: str
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegimeSpan:
    """A stretch of time with one configuration, until the next one starts.

    `holdout_threshold` is 8 lower-case hex characters: users whose hash is below it are
    held out, so '00000000' means no holdout.
    """

    number: int
    starts_at: datetime
    holdout_threshold: str


@dataclass(frozen=True, slots=True)
class TimeGap:
    """A stretch of time whose exposures do not count, and what it was; None is no end."""

    starts_at: datetime
    ends_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class OutcomeRule:
    """An outcome, its weight, and the name or value of the rewards that match it."""

    key: str
    weight: float
    by: str
    value: str | float


@dataclass(frozen=True, slots=True)
class FirstTouchCoverage:
    """The time until which the managed store has stored each user's first touch.

    `first_at` is the earliest of them, or None if there is none before `until`.
    """

    until: datetime
    first_at: datetime | None


@dataclass(frozen=True, slots=True)
class CubeSpec:
    """Everything that decides what a cube counts; see docs/statistics.md section 1.

    `days` are the requested days of first touch (UTC). `as_of` is the moment of reading:
    nothing later counts. `excluded_users` holds ids, or prefixes that end in '*'.
    `history_from` is for connected warehouses: exposures before it are not read, and it is
    the start date of the assignment source; None reads all. `remembered` is for the
    managed store, whose backend fills it in. So are `definition`, which names the metric
    whose erased people are added, and `only_user`, who is counted alone, without them.
    Exposures within `gaps` are not counted. `counted_regimes` are the regimes whose users
    are counted; None for all. `metric_start` is the metric's @start_date; None for the
    start of the first day. `depends_on_start` is whether an earlier one would change what
    later rows are. `decided_at` is when the figures became final: rows dated before that
    came later are noted, where the warehouse knows when a row came.
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
    definition: str = ""
    only_user: str | None = None
    gaps: tuple[TimeGap, ...] = ()
    counted_regimes: tuple[int, ...] | None = None
    metric_start: datetime | None = None
    depends_on_start: bool = False
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """The sums over all users of a cube who share its first columns, up to `hour`.

    `variant` is a variant's number, or 0 for none of the variants. `context` is a row-major
    index over the context factors, each of size len(levels) + 2. `hour` is the hour of first
    touch of users who are not mature yet, else None. `payers` and `log_sum*` are the users
    whose value is above zero and the sums of its logarithms; `negatives` and
    `negative_log_sum*` are those below zero, by the logarithms of their sizes.
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
    negatives: int = 0
    negative_log_sum: float = 0.0
    negative_log_sum_squares: float = 0.0


@dataclass(frozen=True, slots=True)
class AmountBucket:
    """The mature users of one arm whose values share a bucket; 0 is in no bucket.

    `bucket` is numbered as in warehouse/sql/cube/amount_buckets.py. Only numeric rewards
    have any.
    """

    regime: int
    day: date
    holdout: bool
    bucket: int
    users: int
    value_sum: float
    value_sum_squares: float


@dataclass(frozen=True, slots=True)
class Note:
    """What was logged on a day, and how often.

    Of the kind `variant` it is the users logged with `text`, which is no variant; of
    `context` those whose value of the context factor number `factor` is `text`, which is
    no level; of `keys` those without a value of some factor whose context has these keys.
    Of the kind `exposures` it is exposures, and `text` says what is special about their
    time (`day_notes`, or the reason of a gap). Of the kinds `late_exposures` and
    `late_rewards` it is rows that came after `CubeSpec.decided_at`, and `text` is when the
    last one came. Of `unread_amounts` it is rewards whose value `text` is no amount.
    """

    kind: str
    factor: int | None
    text: str
    count: int


@dataclass(frozen=True, slots=True)
class DayCounts:
    """The counts of one day of first touch that are not split by cell.

    `blank_exposures` counts the day's exposures whose id is empty or blank: nobody's.
    `notes` are in order.
    """

    day: date
    lags: tuple[int, ...]
    crossover_users: int
    arm_mismatch_users: int
    blank_exposures: int = 0
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Cube:
    """The cells of the requested days, and counts that are not split by cell.

    `lags` counts the mature users by the time from first touch to their first counted
    reward, in 32 buckets over the horizon. `rows_read` is the number of raw exposure rows.
    `days` has the same counts for each day of first touch with users, ascending, so that
    sealed days keep theirs. `amounts` are by regime, day, arm and bucket.
    """

    cells: tuple[Cell, ...]
    lags: tuple[int, ...]
    crossover_users: int
    arm_mismatch_users: int
    rows_read: int
    days: tuple[DayCounts, ...] = ()
    amounts: tuple[AmountBucket, ...] = ()
