"""Commands: warehouse status, connect, tables, columns, query, preview."""

from typing import Any

import click

from levered.cli.options import printing, read_document, read_pairs, read_text
from levered.cli.session import Session
from levered.cli.tables import Column

STATUS = (
    Column("connection.provider", "provider"),
    Column("connection.project_id", "project"),
    Column("connection.dataset_id", "dataset"),
    Column("test.success", "answers"),
    Column("test.latency_ms", "after ms"),
    Column("test.message", "message"),
    Column("test.warnings", "warnings"),
)
TABLES = (
    Column("schema"),
    Column("name"),
    Column("type"),
    Column("rows", is_number=True),
)
COLUMNS = (Column("name"), Column("type"), Column("nullable"))


@click.group()
def warehouse() -> None:
    """The warehouse that observations are counted in."""


@warehouse.command("status")
@printing()
@click.pass_obj
def show_status(session: Session) -> None:
    """Show the connection, and whether it answers."""
    found = session.client.warehouse
    document = {"connection": found.connection(), "test": found.test()}
    session.show_fields(document, STATUS)


@warehouse.command("connect")
@click.argument(
    "provider", type=click.Choice(["postgres", "snowflake", "bigquery", "managed"])
)
@click.option("--credentials", help="JSON file; - for the input.")
@click.option("--project", "project_id", help="BigQuery's project.")
@click.option("--dataset", "dataset_id", help="BigQuery's dataset.")
@printing()
@click.pass_obj
def connect_warehouse(
    session: Session, /, provider: Any, credentials: str | None, **options: str | None
) -> None:
    """Connect a warehouse. It is tested before it is stored."""
    fields: dict[str, Any] = {
        name: value for name, value in options.items() if value is not None
    }
    if credentials:
        fields["credentials"] = read_document(credentials)
    saved = session.client.warehouse.connect(provider=provider, **fields)
    session.say(f"connected to {provider}", saved)


@warehouse.command("tables")
@click.argument("search", required=False)
@printing(rows=True)
@click.pass_obj
def list_tables(session: Session, search: str | None) -> None:
    """List tables."""
    if session.output == "csv":
        session.take_csv("warehouse", "tables", search=search)
        return
    document = session.client.warehouse.tables(search)
    session.show_rows(TABLES, document["tables"], title="tables", document=document)


@warehouse.command("columns")
@click.argument("table")
@printing(rows=True)
@click.pass_obj
def list_columns(session: Session, table: str) -> None:
    """List the columns of a table, such as managed_dw.rewards."""
    if session.output == "csv":
        session.take_csv("warehouse", "tables", table, "columns")
        return
    document = session.client.warehouse.columns(table)
    session.show_rows(COLUMNS, document["columns"], document=document)


@warehouse.command("query")
@click.argument("sql")
@click.option("--limit", default=100, show_default=True)
@printing(rows=True)
@click.pass_obj
def run_query(session: Session, sql: str, limit: int) -> None:
    """Run one SELECT: a text, @file, or - for the input."""
    text = read_text(sql)
    if session.output == "csv":
        session.take_csv("warehouse", "query", body={"sql": text, "limit": limit})
        return
    document = session.client.warehouse.query(text, limit=limit)
    show_query_rows(session, document)


@warehouse.command("preview")
@click.argument("sql")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="anonymous_id=…, timestamp=…, value=…, name=…, reward_type=bool.",
)
@click.option("--limit", default=20, show_default=True)
@printing(rows=True)
@click.pass_obj
def preview_sql(
    session: Session, sql: str, columns: tuple[str, ...], limit: int
) -> None:
    """Run the SQL of a metric that is not saved, with warnings."""
    show_unsaved_preview(session, read_text(sql), read_pairs(columns), limit)


def show_unsaved_preview(session: Session, sql: str, mapping: Any, limit: int) -> None:
    """Print rows of SQL that is not saved, and its warnings to the error output."""
    body = {"sql": sql, "column_mapping": mapping, "limit": limit}
    if session.output == "csv":
        session.take_csv("warehouse", "preview", body=body)
        return
    show_query_rows(session, session.client.warehouse.preview(**body))


def show_query_rows(session: Session, document: Any) -> None:
    """Print the rows of a query, and its warnings to the error output."""
    names = document["columns"]
    rows = [dict(zip(names, row, strict=True)) for row in document["rows"]]
    session.show_rows([Column(name, name) for name in names], rows, document=document)
    for warning in document.get("warnings", ()):
        click.echo(f"warning: {warning}", err=True)
    if document["truncated"]:
        click.echo("there are more rows; see --limit", err=True)
