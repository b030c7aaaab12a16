"""What to write on Postgres instead of another dialect's function of time, by its unit.

BigQuery's weeks begin on Sunday, those of Snowflake and Postgres on Monday. BigQuery writes
the unit last, and the later time of a difference first; Snowflake the other way round.
"""

import re
from collections.abc import Sequence

from sqlglot import exp
from sqlglot.dialects.snowflake import Snowflake

from warehouse.sql.customer.remedies.remedy_forms import fill
from warehouse.sql.customer.written_names import find_written_call

# What an author means as a unit of time, at whatever place.
UNITS = frozenset(
    {
        "MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "ISOWEEK",
        "MONTH", "QUARTER", "YEAR", "ISOYEAR",
    }
)  # fmt: skip
BIGQUERY_DIFFERENCES = frozenset(
    {"date_diff", "datetime_diff", "time_diff", "timestamp_diff"}
)
DIFFERENCES = BIGQUERY_DIFFERENCES | {"datediff", "timediff", "timestampdiff"}
TRUNCATIONS = frozenset(
    {"date_trunc", "datetime_trunc", "time_trunc", "timestamp_trunc", "trunc"}
)
ADDITIONS = frozenset(
    {"date_add", "dateadd", "timeadd", "timestampadd", "datetime_add", "timestamp_add"}
)
# Functions whose remedy depends on the unit.
NAMES = DIFFERENCES | TRUNCATIONS | ADDITIONS | {"last_day", "time_slice"}
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
SECONDS = {"DAY": 86400, "HOUR": 3600, "MINUTE": 60, "SECOND": 1}
YEARS = {"MONTH": 12, "QUARTER": 4, "YEAR": 1, "ISOYEAR": 1}
FRACTIONS = {"MILLISECOND": 1000, "MICROSECOND": 1000000}
INTERVALS = {"QUARTER": "3 months", "ISOWEEK": "1 week"}
# Short names that Postgres does not know.
SHORT_NAMES = {
    "DD": "day", "HH": "hour", "MI": "minute", "Q": "quarter", "WK": "week",
    "YY": "year", "YYY": "year", "YYYY": "year",
}  # fmt: skip
# From the first to the last day of a period.
PERIODS = {
    "WEEK": "6 days", "ISOWEEK": "6 days", "MONTH": "1 month - 1 day",
    "QUARTER": "3 months - 1 day", "YEAR": "1 year - 1 day",
}  # fmt: skip
# Parts of a time by their names elsewhere, for EXTRACT and date_part.
PARTS = {
    "DATE": "time::date",
    "DATETIME": "time::timestamp",
    "DAYOFMONTH": "EXTRACT(DAY FROM time)",
    "DAYOFWEEK": "EXTRACT(DOW FROM time), which is 0 on Sunday where BigQuery has 1,",
    "DAYOFWEEKISO": "EXTRACT(ISODOW FROM time)",
    "DAYOFWEEK_ISO": "EXTRACT(ISODOW FROM time)",
    "DAYOFYEAR": "EXTRACT(DOY FROM time)",
    "EPOCH_MILLISECOND": "floor(1000 * EXTRACT(EPOCH FROM time))",
    "EPOCH_SECOND": "floor(EXTRACT(EPOCH FROM time))",
    "ISOWEEK": "EXTRACT(WEEK FROM time)",
    "TIME": "time::time",
    "WEEKDAY": "EXTRACT(DOW FROM time)",
    "WEEKISO": "EXTRACT(WEEK FROM time)",
    "WEEKOFYEAR": "EXTRACT(WEEK FROM time)",
    "YEAROFWEEK": "EXTRACT(ISOYEAR FROM time)",
    "YEAROFWEEKISO": "EXTRACT(ISOYEAR FROM time)",
}
TIME_NAME = re.compile(r"\btime\b")
ISO_YEAR = "date_trunc('week', make_date(EXTRACT(ISOYEAR FROM time)::int, 1, 4))"


def advise_time(node: exp.Expr) -> str:
    """Return what to write instead of a call of another dialect; "" if it has no unit."""
    call = find_written_call(node)
    if call is None or call.tail:
        return ""
    text, values = _advise(call.name.lower(), call.arguments)
    return fill(text, values) if text else ""


def _advise(name: str, arguments: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return a text, and the call's own values for the names in it."""
    number = len(arguments)
    if name in DIFFERENCES and number in {2, 3}:
        return _advise_difference(name, arguments)
    if name in TRUNCATIONS and number in {2, 3}:
        return _advise_truncation(*arguments)
    if name in ADDITIONS and number in {2, 3}:
        return _advise_addition(arguments)
    if name == "last_day" and number == 2:
        return _advise_last_day(read_unit(arguments[1])[0]), {"date": arguments[0]}
    if name == "time_slice" and number in {3, 4}:
        return _advise_slice(*arguments), {"time": arguments[0]}
    return "", {}


def advise_part(call: str, unit: str) -> str:
    """Return what Postgres has for a unit in quotes that it does not know; "" if it does."""
    short = SHORT_NAMES.get(unit.upper(), "")
    if call.lower() != "date_trunc":
        of_short = f"EXTRACT({short.upper()} FROM time)" if short else ""
        return PARTS.get(unit.upper(), of_short)
    name = read_unit(unit)[0]
    is_iso = name in {"ISOWEEK", "ISOYEAR"}
    return _truncate(name, "MONDAY") if is_iso or short else ""


def list_arguments(node: exp.Expr) -> Sequence[exp.Expr]:
    """Return a call's arguments in their order."""
    if isinstance(node, exp.Anonymous):
        return list(node.expressions)
    return [
        node.args[key]
        for key in node.arg_types
        if isinstance(node.args.get(key), exp.Expr)
    ]


def read_unit(written: str) -> tuple[str, str]:
    """Return a unit of time, in capitals, and the first day of its weeks; "" without."""
    if week := re.fullmatch(r"WEEK\s*\(\s*(\w+)\s*\)", written, re.IGNORECASE):
        return "WEEK", week[1].upper()
    name = written.strip("'").upper()
    if name.removesuffix("S") not in UNITS:
        name = Snowflake.DATE_PART_MAPPING.get(name, name)
    name = {"WEEKISO": "ISOWEEK"}.get(name, name.removesuffix("S"))
    return (name if name in UNITS else ""), ""


def _advise_difference(
    name: str, arguments: Sequence[str]
) -> tuple[str, dict[str, str]]:
    """Return the difference that a call means: a count of boundaries, but for timestamps."""
    if len(arguments) < 3:
        days = "end_time::date - start_time::date" if name == "datediff" else ""
        return days, dict(zip(("end_time", "start_time"), arguments, strict=True))
    is_last = name in BIGQUERY_DIFFERENCES
    unit, day = read_unit(arguments[2 if is_last else 0])
    if not unit and is_last:  # date_diff('day', a, b), as others have it
        (unit, day), is_last = read_unit(arguments[0]), False
    names = (
        ("end_time", "start_time") if is_last else ("unit", "start_time", "end_time")
    )
    values = dict(zip(names, arguments, strict=False))
    values.pop("unit", "")
    if name == "timestamp_diff" and unit in SECONDS and is_last:
        text = (
            "div(EXTRACT(EPOCH FROM end_time::timestamptz - start_time::timestamptz),"
            f" {SECONDS[unit]})"
        )
        return text, values
    return _count_boundaries(unit, day or ("SUNDAY" if is_last else "MONDAY")), values


def _count_boundaries(unit: str, day: str) -> str:
    """Return how many days, weeks, months … begin between two times."""
    if unit in YEARS:
        return _count_months(unit)
    if unit in FRACTIONS:
        return f"{FRACTIONS[unit]} * {_subtract_seconds(unit.lower() + 's')}"
    if unit in {"WEEK", "ISOWEEK"}:
        first = day if unit == "WEEK" else "MONDAY"
        end, start = (_shift(each, first) for each in ("end_time", "start_time"))
        return (
            f"(date_trunc('week', {end})::date - date_trunc('week', {start})::date) / 7"
        )
    if unit == "DAY":
        return "end_time::date - start_time::date"
    is_short = unit in SECONDS
    return (
        f"div({_subtract_seconds(unit.lower())}, {SECONDS[unit]})" if is_short else ""
    )


def _count_months(unit: str) -> str:
    year = "ISOYEAR" if unit == "ISOYEAR" else "YEAR"
    years = f"EXTRACT({year} FROM end_time) - EXTRACT({year} FROM start_time)"
    if year == unit:
        return years
    parts = f"EXTRACT({unit} FROM end_time) - EXTRACT({unit} FROM start_time)"
    return f"{YEARS[unit]} * ({years}) + {parts}"


def _subtract_seconds(unit: str) -> str:
    end, start = (
        f"date_trunc('{unit}', {each})" for each in ("end_time", "start_time")
    )
    return f"EXTRACT(EPOCH FROM {end} - {start})"


def _shift(time: str, day: str, sign: str = "+") -> str:
    """Return a time, moved so that weeks from a day are weeks from Monday."""
    shift = (1 + DAYS[::-1].index(day)) % 7 if day in DAYS else 0
    days = f"{shift} day{'s' * (shift > 1)}"
    return f"{time} {sign} INTERVAL '{days}'" if shift else time


def _advise_truncation(
    first: str, second: str, zone: str = ""
) -> tuple[str, dict[str, str]]:
    """Return the truncation of a time; with the unit last, BigQuery's is meant."""
    (unit, day), time = read_unit(second), first
    is_text = second.startswith("'")  # Snowflake's TRUNC(time, 'week')
    if not unit:
        (unit, day), time, is_text = read_unit(first), second, True
    text = _truncate(unit, day or ("MONDAY" if is_text else "SUNDAY"))
    values = {"time": time}
    if zone and text:
        local = "(time AT TIME ZONE zone)"
        text = f"({re.sub(TIME_NAME, local, text)}) AT TIME ZONE zone"
        values["zone"] = zone
    return text, values


def _truncate(unit: str, day: str) -> str:
    if unit == "ISOYEAR":
        return ISO_YEAR
    if unit == "WEEK":
        return _shift(f"date_trunc('week', {_shift('time', day)})", day, "-")
    unit = {"ISOWEEK": "week"}.get(unit, unit.lower())
    return f"date_trunc('{unit}', time)" if unit else ""


def _advise_last_day(unit: str) -> str:
    if unit not in PERIODS:
        return ""
    begin = f"date_trunc('{unit.lower().removeprefix('iso')}', date)"
    note = " -- where weeks begin on Monday" if unit == "WEEK" else ""
    return f"({begin} + INTERVAL '{PERIODS[unit]}')::date{note}"


def _advise_slice(_time: str, number: str, unit: str, end: str = "START") -> str:
    """Return the begin or end of a slice: date_bin knows neither months nor years."""
    unit, end = read_unit(unit)[0], end.strip("'").upper()
    if not unit or not number.isdigit() or end not in {"START", "END"}:
        return ""
    if unit in PERIODS and unit != "WEEK":
        text = f"date_trunc('{unit.lower()}', time)" if number == "1" else ""
    else:
        origin = "1970-01-05" if unit == "WEEK" else "1970-01-01"
        text = f"date_bin('{number} {unit.lower()}s', time, '{origin}')"
    step = INTERVALS.get(unit, f"1 {unit.lower()}")
    return f"{text} + {number} * INTERVAL '{step}'" if text and end == "END" else text


def _advise_addition(arguments: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return the sum of a time and n units; a number alone is one of days."""
    if len(arguments) == 2:
        is_number = bool(re.fullmatch(r"[-+]?\s*\d+", arguments[1]))
        text = "time + n * INTERVAL '1 day'" if is_number else ""
        return text, dict(zip(("time", "n"), arguments, strict=True))
    unit, _ = read_unit(arguments[0])
    interval = INTERVALS.get(unit, f"1 {unit.lower()}")
    text = f"time + n * INTERVAL '{interval}'" if unit else ""
    return text, {"n": arguments[1], "time": arguments[2]}
