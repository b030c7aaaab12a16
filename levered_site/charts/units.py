"""How the numbers of a chart are written: as on the pages."""

import math
from dataclasses import dataclass

from levered_site.number_texts import (
    NO_VALUE,
    format_percent,
    format_significant,
    write_minus,
)


@dataclass(frozen=True, slots=True)
class Unit:
    """Percentages or plain numbers, with or without a plus sign."""

    is_percent: bool = False
    is_signed: bool = False

    def format_value(self, value: float | None) -> str:
        """Return the value as it stands in a sentence; a dash for None."""
        if value is None:
            return NO_VALUE
        if self.is_percent:
            return format_percent(value, signed=self.is_signed)
        return format_significant(value, sign="+" if self.is_signed else "")

    def format_tick(self, value: float, step: float) -> str:
        """Return the value with no more decimals than its axis needs."""
        sign = "+" if self.is_signed and value else ""
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        if decimals > 6 or step >= 1e9:
            text = format_significant(value, 3, sign)
        else:
            text = write_minus(f"{value:{sign},.{decimals}f}")
        return f"{text}\N{NO-BREAK SPACE}%" if self.is_percent else text

    def format_interval(self, low: float | None, high: float | None) -> str:
        """Return both ends; an end without a bound is called so."""
        if low is None and high is None:
            return NO_VALUE
        ends = (
            "no bound" if end is None else self.format_value(end) for end in (low, high)
        )
        return " to ".join(ends)


LIFT = Unit(is_percent=True, is_signed=True)
SHARE = Unit(is_percent=True)
PLAIN = Unit()
CHANGE = Unit(is_signed=True)
