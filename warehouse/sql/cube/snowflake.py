"""Fills the cube's text for Snowflake: question marks, values in the order of the text."""

import re
from datetime import datetime
from pathlib import Path

import sqlglot
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
    """Write the one statement that counts the cells of `spec.days` in Snowflake.

    The exposures until the days wanted are scanned since `spec.history_from`: there is
    no index to look up who was here before.
    """
    parameters = Parameters(ENGINE)
    pieces = build_slots(ENGINE, parameters, spec, metric, source)
    return order_parameters(fill_slots(TEMPLATE, pieces), parameters.values)


def order_parameters(text: str, values: list[object]) -> Statement:
    """Turn marks into question marks, and repeat the values as often as they stand."""
    ordered: list[object] = []

    def replace_mark(mark: re.Match[str]) -> str:
        ordered.append(values[int(mark[1]) - 1])
        return "?"

    return Statement(
        re.sub(rf"{PARAMETER_MARK}(\d+){PARAMETER_MARK}", replace_mark, text),
        tuple(ordered),
    )


def quote_identifier(name: str) -> str:
    """Write a column's name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def mark_start_date(text: str, mark: str) -> str:
    """Put a mark where a checked query holds a question mark: each is its start date."""
    parts, end = [], 0
    for token in sqlglot.tokenize(text, dialect="snowflake"):
        if token.token_type == TokenType.PLACEHOLDER:
            parts += [text[end : token.start], mark]
            end = token.end + 1
    return "".join(parts) + text[end:]


def _cast_moment(column: str) -> str:
    """Read any column of time as UTC; one without a zone is taken for UTC."""
    aware = f"CAST({column} AS TIMESTAMP_TZ)"
    return f"CAST(CONVERT_TIMEZONE('UTC', {aware}) AS TIMESTAMP_NTZ)"


def _cast_integer(text: str) -> str:
    return f"TRY_CAST(CASE WHEN REGEXP_LIKE({text}, '{INTEGER_PATTERN}') THEN {text} END AS INTEGER)"


def _cast_number(text: str) -> str:
    return f"TRY_CAST(CASE WHEN REGEXP_LIKE({text}, '{NUMBER_PATTERN}') THEN {text} END AS DOUBLE)"


def _read_level(json: str, name: str) -> str:
    """Read a factor; numbers lose trailing zeros, up to 12 digits after the point."""
    value = f"{json}:{quote_identifier(name)}"
    text = f"CAST({value} AS VARCHAR)"
    plain = f"CAST(TRY_CAST({text} AS NUMBER(38, 12)) AS VARCHAR)"
    return f"""CASE WHEN REGEXP_LIKE(TO_JSON({value}), '-?[0-9].*')
           THEN COALESCE(REGEXP_REPLACE({plain}, '[.]?0+$', ''), {text})
           ELSE {text} END"""


def _bind_moment(at: datetime) -> str:
    """Moments travel as text: the client would send them without their zone."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")


ENGINE = Engine(
    text="VARCHAR",
    integer="INTEGER",
    double="DOUBLE",
    timestamp="TIMESTAMP_NTZ",
    starts_with="STARTSWITH",
    quote=quote_identifier,
    moment=_cast_moment,
    whole=_cast_integer,
    number=_cast_number,
    level=_read_level,
    later=lambda at, hours: f"DATEADD('hour', {hours}, {at})",
    bound=_bind_moment,
    start_date=mark_start_date,
)
