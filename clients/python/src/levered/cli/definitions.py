"""Commands: optimizations create and update."""

from typing import Any

import click

from levered.cli.options import printing, read_document, read_levels, read_pairs
from levered.cli.session import Session, warn_of_namesakes
from levered.cli.tables import Column

CREATED = (
    Column("id"),
    Column("status"),
    Column("model_id", "model"),
    Column("variants_count", "variants"),
    Column("holdout_percentage", "holdout %"),
)


@click.command("create")
@click.argument("name", required=False)
@click.option("--metric", help="Name or id of the reward metric.")
@click.option(
    "--reward", help="Name of the reward; by default that of the metric's rows."
)
@click.option(
    "--reward-type",
    type=click.Choice(["bool", "numeric", "outcomes"]),
    default="bool",
    show_default=True,
)
@click.option(
    "--factor",
    "factors",
    multiple=True,
    metavar="NAME=LEVEL,LEVEL",
    help="What varies; the first levels are the baseline. Levels that are all numbers, "
    "or all true and false, are no texts. A comma in a level is \\,; JSON lists work, too.",
)
@click.option(
    "--context", "contexts", multiple=True, metavar="NAME=LEVEL,LEVEL", help="Context."
)
@click.option(
    "--window",
    type=int,
    metavar="HOURS",
    help="How long after seeing the variant a reward counts; 24 if not told.",
)
@click.option("--holdout", type=float, help="Percentage of the holdout.")
@click.option(
    "--guardrail", "guardrails", multiple=True, help="Name or id of a metric."
)
@click.option("--draft", is_flag=True, help="Do not go live yet.")
@click.option(
    "--set", "fields", multiple=True, metavar="FIELD=VALUE", help="Any other field."
)
@click.option("--file", "source", help="The body as JSON; - for the input.")
@printing()
@click.pass_obj
def create_optimization(session: Session, /, **options: Any) -> None:
    """Create an optimization.

    levered optimizations create "Landing page" --metric ID --reward signup --factor
    "headline=Start free,Save hours" --context device=mobile,desktop
    """
    body = read_document(options["source"]) if options["source"] else {}
    body |= build_body(session, options) | read_pairs(options["fields"])
    created = session.client.optimizations.create(**body)
    session.show_fields(created, CREATED, title=f"created {created['name']}")
    rows = session.client.optimizations.list(
        search=created["name"], include_archived=True
    )
    warn_of_namesakes(rows, created, "optimization")


def build_body(session: Session, options: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a new optimization that were given as options.

    Raise NotFoundError or UsageError for a metric that is not found by its name.
    """
    metric = options["metric"]
    guardrails = [session.find_metric(each) for each in options["guardrails"]]
    body = {
        "name": options["name"],
        "reward_metric_id": metric and session.find_metric(metric),
        "holdout_percentage": options["holdout"],
        "guardrail_metric_ids": guardrails or None,
        "status": "draft" if options["draft"] else None,
        "training_data_config": _build_config(options),
    }
    return {name: value for name, value in body.items() if value is not None}


def _build_config(options: dict[str, Any]) -> dict[str, Any] | None:
    if not options["factors"]:
        return None
    name = options["reward"] or "reward"
    config: dict[str, Any] = {
        "reward": {"name": name, "type": options["reward_type"]},
        "design_factors": read_levels(options["factors"]),
    }
    if options["contexts"]:
        config["context_factors"] = read_levels(options["contexts"])
    if options["window"]:
        config["attribution"] = {"conversion_window_hours": options["window"]}
    return config


@click.command("update")
@click.argument("optimization")
@click.option("--name")
@click.option("--holdout", "holdout_percentage", type=float)
@click.option("--retrain-every", "retrain_every_minutes", type=int)
@click.option("--allocation", type=click.Choice(["default", "thompson", "uniform"]))
@click.option("--public-policy/--no-public-policy", default=None)
@click.option(
    "--set", "fields", multiple=True, metavar="FIELD=VALUE", help="Any other field."
)
@printing()
@click.pass_obj
def update_optimization(
    session: Session, /, optimization: str, fields: tuple[str, ...], **options: Any
) -> None:
    """Change fields; --set takes JSON: --set 'allowed_origins=["https://shop.com"]'."""
    changes = {name: value for name, value in options.items() if value is not None}
    changes |= read_pairs(fields)
    if not changes:
        raise click.UsageError("name a field to change")
    name = session.find_optimization(optimization)
    changed = session.client.optimizations.update(name, **changes)
    session.show_fields(changed, CREATED, title=f"changed {changed['name']}")


COMMANDS = (create_optimization, update_optimization)
