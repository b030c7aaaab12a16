"""What differs between the SQL of the cloud engines, and how they take parameters.

In warehouse/sql an engine is a SQL dialect with its spelling: names of types and
functions, quotes, and marks of parameters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from warehouse.sql.shapes import Statement

# All events lie between these times, and every engine's timestamp type holds them.
MIN_TIMESTAMP = datetime(1900, 1, 1, tzinfo=UTC)
MAX_TIMESTAMP = datetime(9999, 1, 1, tzinfo=UTC)

# Surrounds a parameter's number until the text is complete. No checked query contains it.
PARAMETER_MARK = "\0"

# Texts accepted as numbers: at most 1e139, so that the square still fits a double. No
# backslash, because the engines disagree on its meaning inside quotes.
NUMBER_PATTERN = (
    "[-+]?([0-9]{1,40}([.][0-9]{0,40})?|[.][0-9]{1,40})([eE][-+]?[0-9]{1,2})?"
)
INTEGER_PATTERN = "[0-9]{1,9}"


@dataclass(frozen=True, slots=True)
class Engine:
    """The spelling of one dialect whose statements take no arrays.

    These functions take and return SQL:

    - `to_utc`: a column of any time type as a UTC timestamp
    - `to_integer`, `to_number`: a text as integer or double, null where it is neither
    - `parse_json`: a text as JSON, null where it is no JSON object
    - `read_level(json, name)`: a factor of a JSON value as text, normalized as the API
      compares levels
    - `add_hours(timestamp, hours)`
    - `hash_row(columns)`: a whole number of 31 bits of these columns; null counts as ''
    - `hash_user(optimization_id, anonymous_id)`: MD5 of "id:user" in lower-case hex

    The others work on Python values: `bind_timestamp` converts a UTC datetime to the
    value of a parameter, `mark_start_date(query, mark)` puts a mark wherever a checked
    query names its start date, `number_parameters(text, values)` turns marks into the
    engine's parameters. `expressions` fills the remaining slots of cloud.sql.
    """

    text_type: str
    integer_type: str
    double_type: str
    timestamp_type: str
    starts_with: str
    quote_identifier: Callable[[str], str]
    to_utc: Callable[[str], str]
    to_integer: Callable[[str], str]
    to_number: Callable[[str], str]
    parse_json: Callable[[str], str]
    read_level: Callable[[str, str], str]
    add_hours: Callable[[str, str], str]
    hash_row: Callable[[Sequence[str]], str]
    hash_user: Callable[[str, str], str]
    bind_timestamp: Callable[[datetime], object]
    mark_start_date: Callable[[str, str], str]
    number_parameters: Callable[[str, list[object]], Statement]
    expressions: Mapping[str, str]


@dataclass(slots=True)
class Parameters:
    """Parameter values of a statement under construction, each marked by its number."""

    engine: Engine
    values: list[object] = field(default_factory=list)

    def add(self, value: object) -> str:
        """Add a value; return the mark that stands for it."""
        self.values.append(value)
        return f"{PARAMETER_MARK}{len(self.values)}{PARAMETER_MARK}"

    def add_as(self, value: object, sql_type: str) -> str:
        """Add a value; return the SQL that casts it. None adds nothing and is NULL."""
        return f"CAST({'NULL' if value is None else self.add(value)} AS {sql_type})"

    def add_timestamp(self, at: datetime) -> str:
        """Add a time; return the SQL that casts it to the engine's timestamp type."""
        value = self.engine.bind_timestamp(at.astimezone(UTC))
        return self.add_as(value, self.engine.timestamp_type)
