"""An engine without arrays: how it says what a cube needs, and how it takes values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

# No query holds this character: it marks where a parameter stands until all is in place.
PARAMETER_MARK = "\0"

# What a number looks like whose square certainly fits a double (at most 1e139). Without
# a backslash: engines do not agree on it in quotes.
NUMBER_PATTERN = (
    "[-+]?([0-9]{1,40}([.][0-9]{0,40})?|[.][0-9]{1,40})([eE][-+]?[0-9]{1,2})?"
)
INTEGER_PATTERN = "[0-9]{1,9}"


@dataclass(frozen=True, slots=True)
class Engine:
    """How one engine says what the parts need; pieces of SQL in, pieces of SQL out.

    `moment` turns any column of time into UTC, `whole` and `number` a text into an
    integer or a double or null, `level` reads a factor of a JSON value as the contract
    compares it, `later` adds hours to a moment, `bound` writes a moment as a parameter's
    value, `start_date` puts a mark where a customer's query names its start date.
    """

    text: str
    integer: str
    double: str
    timestamp: str
    starts_with: str
    quote: Callable[[str], str]
    moment: Callable[[str], str]
    whole: Callable[[str], str]
    number: Callable[[str], str]
    level: Callable[[str, str], str]
    later: Callable[[str, str], str]
    bound: Callable[[datetime], object]
    start_date: Callable[[str, str], str]


@dataclass(slots=True)
class Parameters:
    """Values on their way into a text; each stands in it as a mark with its number."""

    engine: Engine
    values: list[object] = field(default_factory=list)

    def mark(self, value: object) -> str:
        """Keep a value and name its place, bare."""
        self.values.append(value)
        return f"{PARAMETER_MARK}{len(self.values)}{PARAMETER_MARK}"

    def cast(self, value: object, kind: str) -> str:
        """Keep a value, unless it is null, and name its place as one of that type."""
        return f"CAST({'NULL' if value is None else self.mark(value)} AS {kind})"

    def moment(self, at: datetime) -> str:
        """Keep a moment."""
        value = self.engine.bound(at.astimezone(UTC))
        return self.cast(value, self.engine.timestamp)
