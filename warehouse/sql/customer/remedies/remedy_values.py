"""Values of a call that a remedy writes otherwise: formats, paths, types, units, shares."""

import re
from collections.abc import Callable

TEXT = re.compile(r"'((?:[^']|'')*)'")
PATH = re.compile(r"\$((?:\.\w+|\[\d+\])+)")
# Parts of a format, from strftime's and BigQuery's to to_char's.
FORMATS = {
    "%Y": "YYYY", "%m": "MM", "%d": "DD", "%H": "HH24", "%M": "MI", "%S": "SS", "%y": "YY",
    "%F": "YYYY-MM-DD", "%T": "HH24:MI:SS", "%j": "DDD", "%b": "Mon", "%B": "FMMonth",
    "%a": "Dy", "%A": "FMDay", "%G": "IYYY", "%V": "IW", "%I": "HH12", "%p": "AM", "%Q": "Q",
    "%R": "HH24:MI", "%u": "ID",
}  # fmt: skip
MYSQL_PARTS = {"%i": "MI", "%s": "SS", "%M": "FMMonth", "%k": "FMHH24", "%W": "FMDay"}
TYPES = {
    "int": "int", "integer": "int", "bigint": "bigint", "date": "date", "time": "time",
    "varchar": "varchar", "nvarchar": "varchar", "char": "varchar", "text": "text",
    "numeric": "numeric", "decimal": "numeric", "float": "float8", "real": "real",
    "datetime": "timestamp", "timestamp": "timestamp", "bit": "boolean", "signed": "bigint",
}  # fmt: skip
UNITS = {
    "day": "day", "days": "day", "d": "day", "dd": "day", "week": "week", "weeks": "week",
    "isoweek": "week", "month": "month", "months": "month", "mm": "month", "mon": "month",
    "year": "year", "years": "year", "yy": "year", "yyyy": "year", "hour": "hour",
    "hours": "hour", "hh": "hour", "minute": "minute", "minutes": "minute", "mi": "minute",
    "second": "second", "seconds": "second", "ss": "second", "quarter": "quarter",
    "quarters": "quarter", "q": "quarter", "qq": "quarter", "millisecond": "millisecond",
    "milliseconds": "millisecond", "ms": "millisecond", "microsecond": "microsecond",
    "microseconds": "microsecond", "us": "microsecond",
}  # fmt: skip
DATE_UNITS = frozenset({"day", "week", "month", "quarter", "year"})
WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
WHOLE = re.compile(r"\d+")
FRACTION = re.compile(r"0?\.\d{1,4}|[01](\.0*)?")


def read_text(value: str) -> str:
    """Return what is in a text's quotes; "" if the value is none."""
    match = TEXT.fullmatch(value)
    return match[1] if match else ""


def write_unit(value: str) -> str:
    """Return a unit of time, in quotes or without, by its name on Postgres."""
    return UNITS.get((read_text(value) or value).lower(), "")


def write_step(value: str) -> str:
    """Return an interval of one unit."""
    unit = write_unit(value)
    return {"": "", "quarter": "'3 months'"}.get(unit, f"'1 {unit}'")


def write_date_unit(value: str) -> str:
    """Return a unit of days or longer for BigQuery, whose weeks else begin on Sunday."""
    unit = write_unit(value)
    return {"week": "ISOWEEK"}.get(unit, unit.upper()) if unit in DATE_UNITS else ""


def write_time_unit(value: str) -> str:
    """Return a unit shorter than a day for BigQuery."""
    unit = write_unit(value)
    return "" if unit in DATE_UNITS else unit.upper()


def write_format(value: str) -> str:
    """Return a format for to_char; "" if it has a part that to_char lacks."""
    return _translate(read_text(value), FORMATS)


def write_mysql_format(value: str) -> str:
    """Return a format of MySQL's for to_char, where %M is a month's name."""
    known = FORMATS | MYSQL_PARTS
    return _translate(read_text(value), {k: v for k, v in known.items() if k != "%V"})


def _translate(text: str, parts: dict[str, str]) -> str:
    found = re.findall(r"%.|[^%]", text)
    written = [
        parts.get(part, "") if part[0] == "%" else _write_mark(part) for part in found
    ]
    return f"'{''.join(written)}'" if written and all(written) else ""


def _write_mark(character: str) -> str:
    """Return what stands between a format's parts: a letter in quotes."""
    if character.isalpha():
        return f'"{character}"'
    return "" if character in "\\\"'" else character


def write_path(value: str) -> str:
    """Return a path of JSON such as '$.a[0]' as Postgres has it, '{a,0}'."""
    match = PATH.fullmatch(read_text(value))
    parts = re.findall(r"\w+", match[1]) if match else []
    return f"'{{{','.join(parts)}}}'" if parts else ""


def write_dotted(value: str) -> str:
    """Return a path such as 'a.b' as Postgres has it."""
    text = read_text(value)
    is_path = re.fullmatch(r"\w+(\.\w+)*", text)
    return f"'{{{text.replace('.', ',')}}}'" if is_path else ""


def write_dollar(value: str) -> str:
    """Return a path such as 'a.b' or '{a,b}' as BigQuery has it, '$.a.b'."""
    parts = re.split("[.,]", read_text(value).strip("{}"))
    return f"'$.{'.'.join(parts)}'" if all(map(str.isidentifier, parts)) else ""


def _write_key(value: str) -> str:
    """Return a key of JSON without its quotes; "" if a path needs some around it."""
    text = read_text(value)
    return text if text.isidentifier() else ""


def write_dollar_path(value: str) -> str:
    """Return a path such as '$.a[0]' as Snowflake has it, 'a[0]'."""
    match = PATH.fullmatch(read_text(value))
    return f"'{match[1].removeprefix('.')}'" if match else ""


def _write_plain(layout: str) -> str:
    """Return a format of to_char's that Snowflake has too."""
    return "" if re.search('FM|I[YWD]|DDD|Q|"', layout) else layout


def write_type(value: str) -> str:
    """Return the type of Postgres' for one of SQL Server's or MySQL's."""
    name, _, sizes = value.lower().partition("(")
    kind = TYPES.get(name.strip(), "")
    return f"{kind}({sizes}" if kind and sizes else kind


def _write_whole(value: str) -> str:
    return value if WHOLE.fullmatch(value) else ""


def _write_fraction(value: str) -> str:
    return value if FRACTION.fullmatch(value) else ""


def _write_percent(value: str) -> str:
    is_whole = FRACTION.fullmatch(value) and (100 * float(value)).is_integer()
    return str(int(100 * float(value))) if is_whole else ""


def _write_start(value: str) -> str:
    """Return a position from 1; "" for a number below it, which counts from the end."""
    number = re.fullmatch(r"(-?)\s*0*(\d*)", value)
    return "" if number and (number[1] or not number[2]) else value


def _write_weekday(value: str) -> str:
    """Return the number of a day, from 1 for Monday, by its first two letters."""
    name = read_text(value).lower()[:2]
    return str(WEEKDAYS.index(name) + 1) if name in WEEKDAYS else ""


def _write_positive(value: str) -> str:
    """Return a number, unless it is written as a negative one."""
    return "" if value.startswith("-") else value


KINDS: dict[str, Callable[[str], str]] = {
    "count": _write_whole,
    "date_unit": write_date_unit,
    "dollar_path": write_dollar_path,
    "dollar": write_dollar,
    "dotted": write_dotted,
    "following": lambda value: str(int(value) + 1) if WHOLE.fullmatch(value) else "",
    "format": write_format,
    "first_key": _write_key,
    "fraction": _write_fraction,
    "hundredths": lambda value: f"{int(value) / 100}" if WHOLE.fullmatch(value) else "",
    "interval": lambda value: write_unit(value).upper(),
    "kind": write_type,
    "literal": lambda value: value if TEXT.fullmatch(value) else "",
    "mysql_format": write_mysql_format,
    "path": write_path,
    "percent": _write_percent,
    "begin": _write_start,
    "m": _write_positive,
    "mysql_plain": lambda value: _write_plain(write_mysql_format(value)),
    "plain": lambda value: _write_plain(write_format(value)),
    "scale": _write_whole,
    "second_key": _write_key,
    "weekday": _write_weekday,
    "step": write_step,
    "time_unit": write_time_unit,
    "unit": write_unit,
}
