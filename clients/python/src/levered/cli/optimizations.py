"""Commands: optimizations list, show, create, update, and what happens to them."""

from typing import Any

import click

from levered.cli import definitions, lifecycle, notes, readings, screenshots, sharing
from levered.cli.options import printing
from levered.cli.session import Session
from levered.cli.tables import (
    Column,
    format_change,
    format_percent,
    format_plain,
    format_time,
)


def format_names(documents: Any) -> str:
    """Return the names of documents."""
    return format_plain([each["name"] for each in documents or ()])


def format_factors(factors: Any) -> str:
    """Return factors with their levels."""
    return "; ".join(
        f"{factor['name']}: {format_plain([_read_level(each) for each in factor['levels']])}"
        for factor in factors or ()
    ) or format_plain(None)


def _read_level(level: Any) -> Any:
    return level["value"] if isinstance(level, dict) else level


STATUSES = ("draft", "live", "paused", "shipped", "completed", "archived")
LISTED = (
    Column("name"),
    Column("status"),
    Column("model_status", "model"),
    Column("summary.lift", "lift", format_change, is_number=True),
    Column("summary.exposures", "exposures", is_number=True),
    Column("summary.health.status", "health"),
    Column("updated_at", "updated", format_time),
    Column("id"),
)
SHOWN = (
    Column("id"),
    Column("status"),
    Column("model_id", "model"),
    Column("model_status", "model is"),
    Column("policy_version"),
    Column("reward_metric.name", "reward"),
    Column(
        "training_data_config.attribution.conversion_window_hours", "counts for hours"
    ),
    Column("guardrail_metrics", "guardrails", format_names),
    Column("training_data_config.design_factors", "factors", format_factors),
    Column("training_data_config.context_factors", "context factors", format_factors),
    Column("holdout_percentage", "holdout", lambda value: f"{format_plain(value)}%"),
    Column("allocation"),
    Column("exploration_share", "exploration", format_percent),
    Column("retrain_every_minutes", "trains every", lambda value: f"{value} minutes"),
    Column("public_policy"),
    Column("went_live_at", "went live", format_time),
    Column("updated_at", "updated", format_time),
)
VARIANTS = (
    Column("number", is_number=True),
    Column("variant"),
    Column("enabled"),
    Column("excluded"),
)


@click.group()
def optimizations() -> None:
    """Optimizations: what varies, what came of it, and what happens next."""


@optimizations.command("list")
@click.option("--status", type=click.Choice(STATUSES))
@click.option("--search", help="Part of the name.")
@click.option("--all", "archived", is_flag=True, help="Archived ones, too.")
@printing(rows=True)
@click.pass_obj
def list_optimizations(
    session: Session, status: str | None, search: str | None, *, archived: bool
) -> None:
    """List optimizations, newest first."""
    filters: Any = {"status": status, "search": search}
    filters["include_archived"] = archived or None
    if session.output == "csv":
        session.take_csv("optimizations", **filters, limit=100)
        return
    rows = session.client.optimizations.list(**filters)
    session.show_rows(LISTED, rows, title="optimizations")


@optimizations.command("show")
@click.argument("optimization")
@printing(rows=True)
@click.pass_obj
def show_optimization(session: Session, optimization: str) -> None:
    """Show an optimization and its variants; --csv has the variants."""
    name = session.find_optimization(optimization)
    if session.output == "csv":
        session.take_csv("optimizations", name, "variants")
        return
    document = session.client.optimizations.get(name)
    session.show_fields(document, SHOWN, title=document["name"])
    if session.output != "json":
        variants = session.client.optimizations.variants(name)["variants"]
        session.show_rows(VARIANTS, variants, title="variants")


for group in (definitions, readings, lifecycle, screenshots, notes, sharing):
    for command in group.COMMANDS:
        optimizations.add_command(command)
