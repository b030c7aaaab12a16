"""Fills the cube's text for BigQuery: named parameters, each value once."""

import re
from datetime import datetime
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from warehouse.sql.cube.engine import (
    INTEGER_PATTERN,
    NUMBER_PATTERN,
    PARAMETER_MARK,
    Engine,
    Parameters,
)
from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.cube.spec_text import build_slots
from warehouse.sql.shapes import CheckedMetric, CheckedSource, CubeSpec, Statement

TEMPLATE = Path(__file__).with_suffix(".sql").read_text()


def build_statement(
    spec: CubeSpec, metric: CheckedMetric, source: CheckedSource
) -> Statement:
    """Write the one statement that counts the cells of `spec.days` in BigQuery.

    Parameters are named @p1, @p2 … in the order of the values. The exposures until the
    days wanted are scanned since `spec.history_from`: there is no index to look up who
    was here before.
    """
    parameters = Parameters(ENGINE)
    pieces = build_slots(ENGINE, parameters, spec, metric, source)
    return name_parameters(fill_slots(TEMPLATE, pieces), parameters.values)


def name_parameters(text: str, values: list[object]) -> Statement:
    """Turn marks into names, each with its number."""
    return Statement(
        re.sub(rf"{PARAMETER_MARK}(\d+){PARAMETER_MARK}", r"@p\1", text), tuple(values)
    )


def quote_identifier(name: str) -> str:
    """Write a column's name as a quoted identifier."""
    return str(exp.to_identifier(name, quoted=True).sql("bigquery"))


def mark_start_date(text: str, mark: str) -> str:
    """Put a mark where a checked query holds its one parameter, the start date."""
    parts, end, at = [], 0, -1
    for token in sqlglot.tokenize(text, dialect="bigquery"):
        if token.token_type == TokenType.PARAMETER:
            at = token.start
        elif at >= 0:
            parts += [text[end:at], mark]
            end, at = token.end + 1, -1
    return "".join(parts) + text[end:]


def _cast_integer(text: str) -> str:
    whole = f"^({INTEGER_PATTERN})$"
    return (
        f"SAFE_CAST(CASE WHEN REGEXP_CONTAINS({text}, '{whole}') THEN {text} END"
        " AS INT64)"
    )


def _cast_number(text: str) -> str:
    whole = f"^({NUMBER_PATTERN})$"
    return (
        f"SAFE_CAST(CASE WHEN REGEXP_CONTAINS({text}, '{whole}') THEN {text} END"
        " AS FLOAT64)"
    )


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


def _bind_moment(at: datetime) -> datetime:
    return at


ENGINE = Engine(
    text="STRING",
    integer="INT64",
    double="FLOAT64",
    timestamp="TIMESTAMP",
    starts_with="STARTS_WITH",
    quote=quote_identifier,
    moment=lambda column: f"CAST({column} AS TIMESTAMP)",
    whole=_cast_integer,
    number=_cast_number,
    level=_read_level,
    later=lambda at, hours: f"TIMESTAMP_ADD({at}, INTERVAL {hours} HOUR)",
    bound=_bind_moment,
    start_date=mark_start_date,
)
