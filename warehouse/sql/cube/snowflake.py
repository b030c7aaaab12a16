"""Snowflake's side of the cloud template: expressions, casts and question marks."""

import re
from datetime import datetime

import sqlglot
from sqlglot.tokenizer_core import TokenType

from warehouse.sql.cube.engine import (
    INTEGER_PATTERN,
    NUMBER_PATTERN,
    PARAMETER_MARK,
    Engine,
)
from warehouse.sql.customer.check import quote_identifier
from warehouse.sql.shapes import Statement

EXPRESSIONS = {
    "to_json_text": "TO_JSON",
    "factor_count": "ARRAY_SIZE(OBJECT_KEYS(j.json))",
    "before_qualify": "",
    "logical_or": "BOOLOR_AGG",
    "count_if": "COUNT_IF",
    "lag_microseconds": "DATEDIFF('microsecond', u.moment, r.moment)",
    "hour_of_first_touch": "DATE_TRUNC('hour', u.moment)",
    # There is no integer division.
    "lag_bucket": """CAST(
             (e.lag_microseconds * 32 - MOD(e.lag_microseconds * 32, u.horizon))
               / u.horizon AS INTEGER)""",
    "result_hour": "CAST(first_hour AS TIMESTAMP_TZ) AS first_hour",
}


def order_parameters(text: str, values: list[object]) -> Statement:
    """Turn the marks into question marks; a value used twice is passed twice."""
    ordered: list[object] = []

    def replace_mark(mark: re.Match[str]) -> str:
        ordered.append(values[int(mark[1]) - 1])
        return "?"

    return Statement(
        re.sub(rf"{PARAMETER_MARK}(\d+){PARAMETER_MARK}", replace_mark, text),
        tuple(ordered),
    )


def mark_start_date(text: str, mark: str) -> str:
    """Replace each question mark of a checked query, its start date, by a mark."""
    parts, copied_until = [], 0
    for token in sqlglot.tokenize(text, dialect="snowflake"):
        if token.token_type == TokenType.PLACEHOLDER:
            parts += [text[copied_until : token.start], mark]
            copied_until = token.end + 1
    return "".join(parts) + text[copied_until:]


def _to_utc(column: str) -> str:
    """Convert a time of any type; the session's UTC applies to one without a zone."""
    aware = f"CAST({column} AS TIMESTAMP_TZ)"
    return f"CAST(CONVERT_TIMEZONE('UTC', {aware}) AS TIMESTAMP_NTZ)"


def _cast_matching(text: str, pattern: str, sql_type: str) -> str:
    # REGEXP_LIKE matches the whole text.
    return (
        f"TRY_CAST(CASE WHEN REGEXP_LIKE({text}, '{pattern}') THEN {text} END"
        f" AS {sql_type})"
    )


def _parse_json(text: str) -> str:
    return f"TRY_PARSE_JSON(CASE WHEN STARTSWITH(LTRIM({text}), '{{') THEN {text} END)"


def _read_level(json: str, name: str) -> str:
    """Read a factor; numbers lose trailing zeros, up to 12 digits after the point."""
    value = f"{json}:{quote_identifier(name)}"
    text = f"CAST({value} AS VARCHAR)"
    plain = f"CAST(TRY_CAST({text} AS NUMBER(38, 12)) AS VARCHAR)"
    return f"""CASE WHEN REGEXP_LIKE(TO_JSON({value}), '-?[0-9].*')
           THEN COALESCE(REGEXP_REPLACE({plain}, '[.]?0+$', ''), {text})
           ELSE {text} END"""


def _bind_timestamp(at: datetime) -> str:
    """Write a time as text, because the client would send it without its zone."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")


ENGINE = Engine(
    text_type="VARCHAR",
    integer_type="INTEGER",
    double_type="DOUBLE",
    timestamp_type="TIMESTAMP_NTZ",
    starts_with="STARTSWITH",
    quote_identifier=quote_identifier,
    to_utc=_to_utc,
    to_integer=lambda text: _cast_matching(text, INTEGER_PATTERN, "INTEGER"),
    to_number=lambda text: _cast_matching(text, NUMBER_PATTERN, "DOUBLE"),
    parse_json=_parse_json,
    read_level=_read_level,
    add_hours=lambda at, hours: f"DATEADD('hour', {hours}, {at})",
    hash_row=lambda columns: f"MOD(HASH({', '.join(columns)}), 2147483648)",
    hash_user=lambda optimization_id, anonymous_id: (
        f"MD5({optimization_id} || ':' || {anonymous_id})"
    ),
    bind_timestamp=_bind_timestamp,
    mark_start_date=mark_start_date,
    number_parameters=order_parameters,
    expressions=EXPRESSIONS,
)
