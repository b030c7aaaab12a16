"""Brings names and texts of a parsed query into the spelling that the warehouse reads."""

from sqlglot import exp
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

from warehouse.sql.customer import snowflake_spelling, written_names
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.rules import validator


def spell_names(query: exp.Query, dialect: Dialect) -> exp.Query:
    """Write each name in the case in which the warehouse stores it, if it changes any.

    BigQuery compares columns without regard to case, but tables and the keys of JSON
    values exactly: there only a WITH query's name is written as it was defined.
    """
    if not dialect.folds_names:
        for table in query.find_all(exp.Table):
            _spell_cte(table)
        return query
    written_names.remember_case(query)
    for identifier in query.find_all(exp.Identifier):
        if not identifier.quoted and _is_in_type(identifier):
            identifier.set("this", identifier.name.lower())
    if dialect.name == "snowflake":
        snowflake_spelling.keep_meaning(query)
    query = normalize_identifiers(query, dialect=dialect.name)
    if dialect.name == "snowflake":
        snowflake_spelling.mark_recursion(query)
    return query


def decode_escapes(query: exp.Query) -> None:
    r"""Replace Postgres' texts with escapes (E'a\n') by the plain texts that they mean."""
    for text in list(query.find_all(exp.ByteString)):
        if not text.args.get("is_bytes") and "\x00" not in text.name:
            text.replace(exp.Literal.string(text.name))


def _is_in_type(identifier: exp.Identifier) -> bool:
    around = identifier.parent
    return isinstance(around, exp.DataType) or (
        isinstance(around, exp.Dot) and isinstance(around.parent, exp.DataType)
    )


def _spell_cte(table: exp.Table) -> None:
    """Give a bare name that means a WITH query the spelling of its definition."""
    if table.db or not isinstance(table.this, exp.Identifier):
        return
    for name in validator.list_visible_ctes(table):
        if name.lower() == table.name.lower():
            table.this.set("this", name)
            return
