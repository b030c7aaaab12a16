"""Numbers as people read them: never with an exponent of ten where they are large. Pure."""


def format_significant(value: float, digits: int = 4, sign: str = "") -> str:
    """Return a number with `digits` significant digits, as `21,550` or `0.0123`.

    `sign` is "+" where numbers above zero have one, too.
    """
    rounded = float(f"{value:.{digits}g}")
    if abs(rounded) >= 10**digits:
        return f"{rounded:{sign},.0f}"
    return f"{rounded:{sign},.{digits}g}"
