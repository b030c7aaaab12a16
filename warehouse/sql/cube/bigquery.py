"""BigQuery's side of the cloud template: expressions, casts and named parameters."""

import re
from collections.abc import Sequence

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from warehouse.sql.cube.engine import (
    INTEGER_PATTERN,
    NUMBER_PATTERN,
    PARAMETER_MARK,
    Engine,
)
from warehouse.sql.shapes import Statement

EXPRESSIONS = {
    "to_json_text": "TO_JSON_STRING",
    "factor_count": "ARRAY_LENGTH(JSON_KEYS(j.json, 1))",
    "before_qualify": "WHERE TRUE",  # QUALIFY alone was once a syntax error
    "logical_or": "LOGICAL_OR",
    "count_if": "COUNTIF",
    "lag_microseconds": "TIMESTAMP_DIFF(r.moment, u.moment, MICROSECOND)",
    "hour_of_first_touch": "TIMESTAMP_TRUNC(u.moment, HOUR)",
    "lag_bucket": "DIV(e.lag_microseconds * 32, u.horizon)",
    "result_hour": "first_hour",
}


def name_parameters(text: str, values: list[object]) -> Statement:
    """Turn the marks into @p1, @p2 … in the order of the values."""
    return Statement(
        re.sub(rf"{PARAMETER_MARK}(\d+){PARAMETER_MARK}", r"@p\1", text), tuple(values)
    )


def quote_identifier(name: str) -> str:
    """Write a column's name as a quoted identifier."""
    return str(exp.to_identifier(name, quoted=True).sql("bigquery"))


def mark_start_date(text: str, mark: str) -> str:
    """Replace the only parameter of a checked query, its start date, by a mark."""
    parts, copied_until, parameter_start = [], 0, -1
    for token in sqlglot.tokenize(text, dialect="bigquery"):
        if token.token_type == TokenType.PARAMETER:
            parameter_start = token.start
        elif parameter_start >= 0:
            parts += [text[copied_until:parameter_start], mark]
            copied_until, parameter_start = token.end + 1, -1
    return "".join(parts) + text[copied_until:]


def _cast_matching(text: str, pattern: str, sql_type: str) -> str:
    return (
        f"SAFE_CAST(CASE WHEN REGEXP_CONTAINS({text}, '^({pattern})$') THEN {text} END"
        f" AS {sql_type})"
    )


def _parse_json(text: str) -> str:
    return f"""SAFE.PARSE_JSON(
           CASE WHEN STARTS_WITH(LTRIM({text}), '{{') THEN {text} END,
           wide_number_mode => 'round')"""


def _read_level(json: str, name: str) -> str:
    """Read a factor: a scalar as its text, numbers without trailing zeros, else JSON."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    path = exp.Literal.string(f'$."{escaped}"').sql("bigquery")
    text = f"JSON_VALUE({json}, {path})"
    value = f"JSON_QUERY({json}, {path})"
    return f"""CASE JSON_TYPE({value})
           WHEN 'number' THEN
             COALESCE(CAST(SAFE_CAST({text} AS BIGNUMERIC) AS STRING), {text})
           WHEN 'object' THEN TO_JSON_STRING({value})
           WHEN 'array' THEN TO_JSON_STRING({value})
           ELSE {text} END"""


def _hash_row(columns: Sequence[str]) -> str:
    texts = ", '|', ".join(
        f"COALESCE(CAST({column} AS STRING), '')" for column in columns
    )
    return f"MOD(FARM_FINGERPRINT(CONCAT({texts})), 2147483648)"


def _hash_user(optimization_id: str, anonymous_id: str) -> str:
    return f"TO_HEX(MD5(CONCAT({optimization_id}, ':', {anonymous_id})))"


ENGINE = Engine(
    text_type="STRING",
    integer_type="INT64",
    double_type="FLOAT64",
    timestamp_type="TIMESTAMP",
    starts_with="STARTS_WITH",
    quote_identifier=quote_identifier,
    to_utc=lambda column: f"CAST({column} AS TIMESTAMP)",
    to_integer=lambda text: _cast_matching(text, INTEGER_PATTERN, "INT64"),
    to_number=lambda text: _cast_matching(text, NUMBER_PATTERN, "FLOAT64"),
    parse_json=_parse_json,
    read_level=_read_level,
    add_hours=lambda at, hours: f"TIMESTAMP_ADD({at}, INTERVAL {hours} HOUR)",
    hash_row=_hash_row,
    hash_user=_hash_user,
    bind_timestamp=lambda at: at,
    mark_start_date=mark_start_date,
    number_parameters=name_parameters,
    expressions=EXPRESSIONS,
)
