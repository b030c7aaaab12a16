"""Commands: metrics create, list, preview, delete."""

from typing import Any

import click

from levered.cli.options import printing, read_pairs, read_text
from levered.cli.session import Session
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
@click.option(
    "--type",
    "reward_type",
    type=click.Choice(["bool", "numeric"]),
    default="bool",
    show_default=True,
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Where a column has another name: timestamp=occurred_at.",
)
@click.option("--direction", type=click.Choice(["increase", "decrease"]))
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
        "column_mapping": {
            "anonymous_id": "anonymous_id",
            "timestamp": "timestamp_utc",
            **({"value": "value"} if reward_type == "numeric" else {}),
            "reward_type": reward_type,
            **read_pairs(options["columns"]),
        },
    }
    if options["direction"]:
        fields["direction"] = options["direction"]
    created = session.client.metrics.create(**fields)
    session.show_fields(created, CREATED, title="created")


def _build_sql(sql: str | None, event: str | None, reward_type: str) -> str:
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
@click.option("--limit", default=20, show_default=True)
@printing(rows=True)
@click.pass_obj
def preview_metric(session: Session, metric: str, limit: int) -> None:
    """Show rows of a metric, with warnings."""
    show_query_rows(session, session.client.metrics.preview(metric, limit=limit))


@metrics.command("delete")
@click.argument("metric")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete_metric(session: Session, metric: str, *, yes: bool) -> None:
    """Delete a metric that no optimization uses."""
    if not yes:
        click.confirm("Delete the metric?", abort=True, err=True)
    session.client.metrics.delete(metric)
    session.say("deleted")
