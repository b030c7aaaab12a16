"""What to write on Postgres instead of other dialects' functions of time, by the form.

Where the unit decides what is written, postgres_times says it.
"""

TIME_OR_NULL = (
    "(jsonb_path_query_first(to_jsonb(value::text), '$.datetime()', '{}', true)"
    " #>> '{}')::"
)
MONTHS = (
    "12 * (EXTRACT(YEAR FROM a) - EXTRACT(YEAR FROM b)) + EXTRACT(MONTH FROM a)"
    " - EXTRACT(MONTH FROM b) + (EXTRACT(DAY FROM a) - EXTRACT(DAY FROM b)) / 31"
    " -- without the time of day and the rule for last days of months"
)
# Parts beyond their range count on, as Snowflake's do: month 13 is the next January.
DATE_OF_PARTS = (
    "make_date(year, 1, 1) + (month - 1) * INTERVAL '1 month'"
    " + (day - 1) * INTERVAL '1 day'"
)
CLOCK = " + hour * INTERVAL '1 hour' + minute * INTERVAL '1 minute' + second * INTERVAL '1 second'"
NANOSECONDS = " + n / 1000.0 * INTERVAL '1 microsecond'"
DATE_PARTS, TIME_PARTS = "year, month, day", "hour, minute, second"
MONTH_END = "which leaves the last day of a month where the next is longer"
# Parts that date_part has, beside units.
PARTS = ("century", "decade", "dow", "doy", "epoch", "isodow", "isoyear")
PIECES = {
    "day": ("DAY", "day_of_month", "dayofmonth"),
    "hour": ("HOUR",),
    "minute": ("MINUTE",),
    "month": ("MONTH",),
    "quarter": ("QUARTER",),
    "week": ("WEEK", "week_of_year", "weekiso", "weekofyear"),
    "year": ("YEAR",),
    "day_of_year": ("DOY", "dayofyear"),
    "dayofweek_iso": ("ISODOW", "dayofweekiso"),
    "year_of_week": ("ISOYEAR", "yearofweek", "yearofweekiso"),
}


def _build_pieces() -> dict[str, str]:
    return {
        f"{name}(time)": f"EXTRACT({piece} FROM time)"
        for first, (piece, *others) in PIECES.items()
        for name in (first, *others)
    }


def _build_parts() -> dict[str, str]:
    """Return the functions that make a time of its parts, by both of their spellings."""
    forms = {}
    for between in ("", "_"):
        date, time, stamp = (
            f"{kind}{between}from{between}parts"
            for kind in ("date", "time", "timestamp")
        )
        of_time, of_stamp = f"TIME '00:00'{CLOCK}", f"{DATE_OF_PARTS}{CLOCK}"
        forms[f"{date}({DATE_PARTS})"] = f"({DATE_OF_PARTS})::date"
        forms[f"{time}({TIME_PARTS})"] = of_time
        forms[f"{time}({TIME_PARTS}, n)"] = f"{of_time}{NANOSECONDS}"
        for kind, cast in (("", ""), ("ntz", ""), ("tz", "::timestamptz")):
            name = stamp.replace(
                "timestamp", f"timestamp{between if kind else ''}{kind}"
            )
            for last, more in (("", ""), (", n", NANOSECONDS)):
                text = f"{of_stamp}{more}"
                form = f"{name}({DATE_PARTS}, {TIME_PARTS}{last})"
                forms[form] = f"({text}){cast}" if cast else text
    return forms


def _build_steps() -> dict[str, str]:
    """Return the sums of a time and an interval, as BigQuery and MySQL write them."""
    names = ("date", "datetime", "timestamp", "time")
    return {
        f"{name}_{suffix}(time, INTERVAL n step)": f"time {sign} n * INTERVAL step"
        for name in names
        for suffix, sign in (("add", "+"), ("sub", "-"))
    }


def _build_formats() -> dict[str, str]:
    forms = {}
    for name in ("date", "datetime", "time", "timestamp"):
        forms[f"format_{name}(format, time)"] = "to_char(time, format)"
    forms["format_timestamp(format, time, zone)"] = (
        "to_char(time AT TIME ZONE zone, format)"
    )
    forms["parse_date(format, text)"] = "to_date(text, format)"
    kinds = {"datetime": "timestamp", "time": "time"}
    for name, kind in kinds.items():
        forms[f"parse_{name}(format, text)"] = f"to_timestamp(text, format)::{kind}"
    return forms


FORMS = {
    **_build_pieces(),
    **_build_parts(),
    **_build_steps(),
    **_build_formats(),
    "add_months(date, n)": f"date + n * INTERVAL '1 month' -- {MONTH_END}",
    "adddate(date, INTERVAL n step)": "date + n * INTERVAL step",
    "adddate(date, n)": "date + n",
    "convert_timezone(zone, time)": "time AT TIME ZONE zone",
    "convert_timezone(source, zone, time)": "time AT TIME ZONE source AT TIME ZONE zone",
    "curdate()": "current_date",
    "current_datetime()": "now() AT TIME ZONE 'UTC'",
    "current_datetime(zone)": "now() AT TIME ZONE zone",
    "date(time, zone)": "(time AT TIME ZONE zone)::date",
    "date(year, month, day)": "make_date(year, month, day)",
    "date_format(time, mysql_format)": "to_char(time, mysql_format)",
    "date_from_unix_date(n)": "DATE '1970-01-01' + n",
    "date_sub(date, n)": "date - n",
    "datepart(unit, time)": "date_part('{unit}', time)",
    **{
        f"datepart({part.upper()}, time)": f"date_part('{part}', time)"
        for part in PARTS
    },
    **{f"datepart('{part}', time)": f"date_part('{part}', time)" for part in PARTS},
    "datetime(time, zone)": "time AT TIME ZONE zone",
    "datetime(value)": "CAST(value AS timestamp)",
    f"datetime({DATE_PARTS}, {TIME_PARTS})": f"make_timestamp({DATE_PARTS}, {TIME_PARTS})",
    "day_of_week(time)": "EXTRACT(DOW FROM time) -- which is 0 on Sunday",
    "dayname(time)": "to_char(time, 'Dy')",
    "dayofweek(time)": "EXTRACT(DOW FROM time) -- which is 0 on Sunday",
    "from_unixtime(n)": "to_timestamp(n)",
    "generate_date_array(a, b)": "ARRAY(SELECT item::date FROM generate_series(a, b, INTERVAL '1 day') AS item)",
    "generate_date_array(a, b, INTERVAL n step)": "ARRAY(SELECT item::date FROM generate_series(a, b, n * INTERVAL step) AS item)",
    "getdate()": "now()",
    "eomonth(date)": "(date_trunc('month', date) + INTERVAL '1 month - 1 day')::date",
    "last_day(date)": "(date_trunc('month', date) + INTERVAL '1 month - 1 day')::date",
    "monthname(time)": "to_char(time, 'Mon')",
    "months_between(a, b)": MONTHS,
    "next_day(date, weekday)": "date::date + (weekday - EXTRACT(ISODOW FROM date)::int + 6) % 7 + 1",
    "parse_timestamp(format, text)": "to_timestamp(text, format)",
    "parse_timestamp(format, text, zone)": "to_timestamp(text, format)::timestamp AT TIME ZONE zone",
    "previous_day(date, weekday)": "date::date - (EXTRACT(ISODOW FROM date)::int - weekday + 6) % 7 - 1",
    "second(time)": "floor(EXTRACT(SECOND FROM time))",
    "str_to_date(text, mysql_format)": "to_date(text, mysql_format)",
    "strftime(format, time)": "to_char(time, format)",
    "strftime(time, format)": "to_char(time, format)",
    "strptime(text, format)": "to_timestamp(text, format)",
    "subdate(date, INTERVAL n step)": "date - n * INTERVAL step",
    "subdate(date, n)": "date - n",
    "time(value)": "CAST(value AS time)",
    f"time({TIME_PARTS})": f"make_time({TIME_PARTS})",
    "timestamp(value)": "CAST(value AS timestamptz)",
    "timestamp(time, zone)": "time::timestamp AT TIME ZONE zone",
    "timestamp_micros(n)": "to_timestamp(n / 1000000.0)",
    "timestamp_millis(n)": "to_timestamp(n / 1000.0)",
    "timestamp_seconds(n)": "to_timestamp(n)",
    "to_time(text)": "text::time",
    "to_timestamp_ltz(text)": "text::timestamptz",
    "to_timestamp_ntz(text)": "text::timestamp",
    "to_timestamp_tz(text)": "text::timestamptz",
    "try_to_date(value)": f"{TIME_OR_NULL}date",
    "try_to_time(value)": f"{TIME_OR_NULL}time",
    "try_to_timestamp(value)": f"{TIME_OR_NULL}timestamp",
    "try_to_timestamp_ltz(value)": f"{TIME_OR_NULL}timestamptz",
    "try_to_timestamp_ntz(value)": f"{TIME_OR_NULL}timestamp",
    "try_to_timestamp_tz(value)": f"{TIME_OR_NULL}timestamptz",
    "unix_date(date)": "date - DATE '1970-01-01'",
    "unix_micros(time)": "floor(1000000 * EXTRACT(EPOCH FROM time))",
    "unix_millis(time)": "floor(1000 * EXTRACT(EPOCH FROM time))",
    "unix_seconds(time)": "floor(EXTRACT(EPOCH FROM time))",
    "unix_timestamp()": "floor(EXTRACT(EPOCH FROM now()))",
    "unix_timestamp(time)": "floor(EXTRACT(EPOCH FROM time))",
    "unix_to_time(n)": "to_timestamp(n)",
    "utc_timestamp()": "now() AT TIME ZONE 'UTC'",
    "weekday(time)": "EXTRACT(ISODOW FROM time) - 1",
}
