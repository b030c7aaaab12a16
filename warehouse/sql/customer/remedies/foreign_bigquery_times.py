"""What to write on BigQuery instead of other dialects' functions of time and casts."""

AS_DATES = "CAST(end_time AS DATE), CAST(start_time AS DATE)"
AS_TIMES = "CAST(end_time AS DATETIME), CAST(start_time AS DATETIME)"
SUM = "DATETIME_ADD(CAST(time AS DATETIME), INTERVAL n interval)"
OF_SECONDS = "where it is a text; seconds need TIMESTAMP_SECONDS"
SUNDAY_IS_ONE = " -- which is 1 on Sunday"
PIECES = {
    "day": "DAY", "dayofmonth": "DAY", "dayofyear": "DAYOFYEAR", "hour": "HOUR",
    "minute": "MINUTE", "month": "MONTH", "quarter": "QUARTER", "second": "SECOND",
    "weekofyear": "ISOWEEK", "year": "YEAR",
}  # fmt: skip
# Parts of a time by Postgres' names.
PARTS = {
    "dow": "EXTRACT(DAYOFWEEK FROM time) - 1",
    "doy": "EXTRACT(DAYOFYEAR FROM time)",
    "epoch": "UNIX_SECONDS(CAST(time AS TIMESTAMP))",
    "isodow": "MOD(EXTRACT(DAYOFWEEK FROM time) + 5, 7) + 1",
    "isoyear": "EXTRACT(ISOYEAR FROM time)",
}
# A difference of two times is an interval on BigQuery, and has no UNIX_SECONDS.
SECONDS_BETWEEN = (
    "TIMESTAMP_DIFF(CAST(end_time AS TIMESTAMP), CAST(start_time AS TIMESTAMP),"
    " MICROSECOND) / 1000000"
)
DATE_PARTS, TIME_PARTS = "year, month, day", "hour, minute, second"
DATE_OF_PARTS = "DATE_ADD(DATE_ADD(DATE(year, 1, 1), INTERVAL (month - 1) MONTH), INTERVAL (day - 1) DAY)"


def _build_parts() -> dict[str, str]:
    forms = {
        f"{name}(time)": f"EXTRACT({part} FROM time)" for name, part in PIECES.items()
    }
    for difference in ("(end_time - start_time)", "end_time - start_time"):
        forms[f"date_part('epoch', {difference})"] = SECONDS_BETWEEN
    for part, text in PARTS.items():
        forms[f"extract({part.upper()} FROM time)"] = text
    for name in ("date_part", "datepart"):
        for part, text in PARTS.items():
            forms[f"{name}('{part}', time)"] = text
            forms[f"{name}({part.upper()}, time)"] = text
        forms[f"{name}(date_unit, time)"] = "EXTRACT(date_unit FROM time)"
        forms[f"{name}(time_unit, time)"] = "EXTRACT(time_unit FROM time)"
    return forms


def _build_sums() -> dict[str, str]:
    """Return differences and sums whose unit stands first."""
    forms = {}
    for name in ("datediff", "timestampdiff", "timediff"):
        forms[f"{name}(date_unit, start_time, end_time)"] = (
            f"DATE_DIFF({AS_DATES}, date_unit)"
        )
        forms[f"{name}(time_unit, start_time, end_time)"] = (
            f"DATETIME_DIFF({AS_TIMES}, time_unit)"
        )
    forms["datediff(end_time, start_time)"] = f"DATE_DIFF({AS_DATES}, DAY)"
    for name in ("dateadd", "timestampadd"):
        forms[f"{name}(interval, n, time)"] = SUM
    return forms


def _build_casts() -> dict[str, str]:
    forms = {
        "to_timestamp(count)": "TIMESTAMP_SECONDS(count)",
        "to_boolean(text)": "CAST(text AS BOOL)",
        "to_double(text)": "CAST(text AS FLOAT64)",
        "date_to_date_str(value)": "CAST(value AS STRING)",
    }
    kinds = {"date": "DATE", "timestamp": "TIMESTAMP", "timestamp_ntz": "DATETIME"}
    for before, cast in (("", "CAST"), ("try_", "SAFE_CAST")):
        for name, kind in kinds.items():
            note = f" -- {OF_SECONDS}" if kind == "TIMESTAMP" else ""
            forms[f"{before}to_{name}(text)"] = f"{cast}(text AS {kind}){note}"
            forms[f"{before}to_{name}(text, literal)"] = (
                f"{cast}(text AS {kind} FORMAT literal)"
            )
        number = f"{cast}(text AS NUMERIC)"
        for name in ("number", "decimal", "numeric"):
            forms[f"{before}to_{name}(text)"] = f"ROUND({number})"
            forms[f"{before}to_{name}(text, count, scale)"] = f"ROUND({number}, scale)"
    for name in ("to_char", "to_varchar"):
        forms[f"{name}(value)"] = "CAST(value AS STRING)"
        forms[f"{name}(value, literal)"] = "CAST(value AS STRING FORMAT literal)"
    return forms


def _build_makers() -> dict[str, str]:
    forms = {
        f"make_date({DATE_PARTS})": f"DATE({DATE_PARTS})",
        f"make_timestamp({DATE_PARTS}, {TIME_PARTS})": f"DATETIME({DATE_PARTS}, {TIME_PARTS})",
    }
    for between in ("", "_"):
        end = f"{between}from{between}parts"
        forms[f"date{end}({DATE_PARTS})"] = DATE_OF_PARTS
        forms[f"time{end}({TIME_PARTS})"] = (
            f"TIME({TIME_PARTS}) -- which fails where a part is out of its range"
        )
        forms[f"timestamp{end}({DATE_PARTS}, {TIME_PARTS})"] = (
            f"DATETIME({DATE_PARTS}, {TIME_PARTS}) -- which fails where a part is out of its range"
        )
    return forms


FORMS = {
    **_build_parts(),
    **_build_sums(),
    **_build_casts(),
    **_build_makers(),
    "add_months(date, n)": "DATE_ADD(date, INTERVAL n MONTH)",
    "adddate(date, INTERVAL n interval)": "DATE_ADD(date, INTERVAL n interval)",
    "adddate(date, n)": "DATE_ADD(date, INTERVAL n DAY)",
    "age(a, b)": "DATE_DIFF(CAST(a AS DATE), CAST(b AS DATE), DAY) -- which is a number of days, and no interval",
    "convert_timezone(source, zone, time)": "DATETIME(TIMESTAMP(time, source), zone)",
    "convert_timezone(zone, time)": "DATETIME(time, zone)",
    "curdate()": "CURRENT_DATE",
    "dayname(time)": "FORMAT_DATE('%a', CAST(time AS DATE))",
    "dayofweek(time)": f"EXTRACT(DAYOFWEEK FROM time){SUNDAY_IS_ONE}",
    "eomonth(date)": "LAST_DAY(date)",
    "getdate()": "CURRENT_TIMESTAMP",
    "monthname(time)": "FORMAT_DATE('%b', CAST(time AS DATE))",
    "months_between(a, b)": "DATE_DIFF(CAST(a AS DATE), CAST(b AS DATE), MONTH) + (EXTRACT(DAY FROM a) - EXTRACT(DAY FROM b)) / 31 -- without the time of day and the rule for last days of months",
    "now()": "CURRENT_TIMESTAMP",
    "strftime(literal, time)": "FORMAT_DATETIME(literal, CAST(time AS DATETIME))",
    "strftime(time, literal)": "FORMAT_DATETIME(literal, CAST(time AS DATETIME))",
    "strptime(text, literal)": "PARSE_DATETIME(literal, text)",
    "subdate(date, INTERVAL n interval)": "DATE_SUB(date, INTERVAL n interval)",
    "subdate(date, n)": "DATE_SUB(date, INTERVAL n DAY)",
    "unix_timestamp()": "UNIX_SECONDS(CURRENT_TIMESTAMP())",
    "utc_timestamp()": "CURRENT_TIMESTAMP",
}
