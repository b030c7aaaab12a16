"""Numbers as people read them: never with an exponent of ten where they are large. Pure."""

import math

NO_VALUE = "—"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"  # a hyphen is shorter, and a line may break after it


def format_significant(value: float, digits: int = 4, sign: str = "") -> str:
    """Return a number with `digits` significant digits, as `21,550` or `0.0123`.

    `sign` is "+" where numbers above zero have one, too.
    """
    rounded = float(f"{value:.{digits}g}")
    if abs(rounded) >= 10**digits:
        return write_minus(f"{rounded:{sign},.0f}")
    return write_minus(f"{rounded:{sign},.{digits}g}")


def write_minus(number: str) -> str:
    """Return a number as text with a minus sign in place of the hyphen before it."""
    return f"{MINUS}{number[1:]}" if number.startswith("-") else number


def format_percent(value: float | None, *, signed: bool = False) -> str:
    """Return a percentage as `8.20 %` or, signed, `+8.2 %`; a dash if not finite.

    Its space does not break: a number stays in one line.
    """
    if value is None or not math.isfinite(value):
        return NO_VALUE
    number = f"{value:+.1f}" if signed else f"{value:.2f}"
    return f"{write_minus(number)}{NO_BREAK_SPACE}%"
