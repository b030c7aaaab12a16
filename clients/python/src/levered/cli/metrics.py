"""Commands: metrics create, list, preview, delete."""

from collections.abc import Sequence
from typing import Any

import click

from levered.cli.options import (
    Command,
    is_source,
    printing,
    read_pairs,
    read_text,
    refuse_together,
)
from levered.cli.session import Session, warn_of_namesakes
from levered.cli.tables import Column, format_time
from levered.cli.warehouse import show_query_rows

LISTED = (
    Column("name"),
    Column("column_mapping.reward_type", "type"),
    Column("direction"),
    Column("created_at", "created", format_time),
    Column("id"),
)
CREATED = (Column("id"), Column("name"), Column("warnings"))


def reading_columns(command: Command) -> Command:
    """Add --type and --column, which say how the rows of SQL are read."""
    command = click.option(
        "--column",
        "columns",
        multiple=True,
        metavar="FIELD=COLUMN",
        help="Where a column has another name: timestamp=occurred_at.",
    )(command)
    return click.option(
        "--type",
        "reward_type",
        type=click.Choice(["bool", "numeric"]),
        default="bool",
        show_default=True,
    )(command)


@click.group()
def metrics() -> None:
    """Metrics: what counts as success, in SQL."""


@metrics.command("list")
@printing(rows=True)
@click.pass_obj
def list_metrics(session: Session) -> None:
    """List metrics, newest first."""
    session.show_rows(LISTED, session.client.metrics.list(), title="metrics")


@metrics.command("create")
@click.argument("name")
@click.option("--sql", help="One SELECT: a text, @file, or - for the input.")
@click.option(
    "--event", help="Instead of SQL: the name of a reward on the managed warehouse."
)
@reading_columns
@click.option("--direction", type=click.Choice(["increase", "decrease"]))
@click.option(
    "--value",
    "value_per_conversion",
    type=float,
    help="What a conversion is worth, in --currency.",
)
@click.option(
    "--currency", metavar="CODE", help="EUR, USD, …: of the value or amounts."
)
@printing()
@click.pass_obj
def create_metric(session: Session, /, name: str, **options: Any) -> None:
    """Create a metric. Its SQL is checked and run for a row.

    levered metrics create Signups --event signup
    """
    reward_type = options["reward_type"]
    fields: dict[str, Any] = {
        "name": name,
        "sql": _build_sql(options["sql"], options["event"], reward_type),
        "column_mapping": _build_mapping(reward_type, options["columns"]),
    }
    for field in ("direction", "value_per_conversion", "currency"):
        if options[field] is not None:
            fields[field] = options[field]
    created = session.client.metrics.create(**fields)
    session.show_fields(created, CREATED, title="created")
    warn_of_namesakes(session.client.metrics.list(), created, "metric")


def _build_mapping(reward_type: str, columns: Sequence[str]) -> Any:
    """Return the mapping of columns: those of the managed warehouse if not told."""
    return {
        "anonymous_id": "anonymous_id",
        "timestamp": "timestamp_utc",
        **({"value": "value"} if reward_type == "numeric" else {}),
        "reward_type": reward_type,
        **read_pairs(columns),
    }


def _build_sql(sql: str | None, event: str | None, reward_type: str) -> str:
    refuse_together(sql=sql, event=event)
    if sql:
        return read_text(sql)
    if not event:
        raise click.UsageError("give --sql or --event")
    value = ", value" if reward_type == "numeric" else ""
    quoted = event.replace("'", "''")
    return (
        f"SELECT anonymous_id, timestamp_utc{value} FROM managed_dw.rewards "  # noqa: S608  # quoted; the service checks it
        f"WHERE name = '{quoted}' AND timestamp_utc >= @start_date"
    )


@metrics.command("preview")
@click.argument("metric")
@reading_columns
@click.option("--limit", default=20, show_default=True)
@printing(rows=True)
@click.pass_obj
def preview_metric(
    session: Session,
    metric: str,
    reward_type: str,
    columns: tuple[str, ...],
    limit: int,
) -> None:
    """Show rows of a metric, with warnings.

    METRIC is its name or id. Of one that is not saved it is @file or - with the SQL;
    --type and --column say how that is read.
    """
    if is_source(metric):
        document = session.client.warehouse.preview(
            sql=read_text(metric),
            column_mapping=_build_mapping(reward_type, columns),
            limit=limit,
        )
    else:
        name = session.find_metric(metric)
        document = session.client.metrics.preview(name, limit=limit)
    show_query_rows(session, document)


@metrics.command("delete")
@click.argument("metric")
@click.option("--yes", is_flag=True, help="Do not ask.")
@printing()
@click.pass_obj
def delete_metric(session: Session, metric: str, *, yes: bool) -> None:
    """Delete a metric that no optimization uses."""
    name = session.find_metric(metric)
    if not yes:
        click.confirm("Delete the metric?", abort=True, err=True)
    session.client.metrics.delete(name)
    session.say("deleted", {"id": name, "deleted": True})
