"""Commands: models list, state, runs, versions, train, policy, delete."""

from itertools import islice
from typing import Any

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from levered import schemas
from levered.cli.options import printing, read_pairs, section_option
from levered.cli.session import Session
from levered.cli.tables import (
    NOTHING,
    Column,
    format_bar,
    format_percent,
    format_time,
)

MOST_SHARES = 3


def format_shares(shares: Any) -> str:
    """Return the variants with the largest shares, the largest first."""
    if not shares:
        return NOTHING
    ordered = sorted(shares.items(), key=lambda item: (-item[1], int(item[0])))
    texts = [
        f"{number}: {format_percent(share)}" for number, share in ordered[:MOST_SHARES]
    ]
    rest = len(ordered) - len(texts)
    return ", ".join(texts) + (f" and {rest} more" if rest else "")


LISTED = (
    Column("id"),
    Column("model_type", "type"),
    Column("status"),
    Column("policy_version", "version", is_number=True),
    Column("updated_at", "updated", format_time),
)
STATE = (
    Column("number", is_number=True),
    Column("variant"),
    Column("users", is_number=True),
    Column("conversions", is_number=True),
    Column("weight", "share of traffic", format_bar),
    Column("prob_best", "probability of being best", format_bar),
    Column("expected_reward_mean", "expected", is_number=True),
    Column("expected_reward_lo", "from", is_number=True),
    Column("expected_reward_hi", "to", is_number=True),
)
VERSIONS = (
    Column("version", is_number=True),
    Column("created_at", "published", format_time),
    Column("cause"),
    Column("weights", "share of users", format_shares),
    Column("prob_best", "probability of being best", format_shares),
)
RUN = (
    Column("id", "run"),
    Column("status"),
    Column("policy_version", "version"),
    Column("rows_read", "rows"),
    Column("in_sample_metrics.historic_reward", "earned so far"),
    Column("in_sample_metrics.expected_reward.mean", "expected from now on"),
    Column("error"),
)
STARTED = (Column("training_run_id", "run"), Column("status"))
RUNS = (
    Column("created_at", "asked for", format_time),
    Column("requested_by", "by"),
    Column("status"),
    Column("progress", render=format_bar),
    Column("policy_version", "version", is_number=True),
    Column("rows_read", "rows", is_number=True),
    Column("finished_at", "ended", format_time),
    Column("error"),
    Column("id"),
)


@click.group()
def models() -> None:
    """Models: what was learned, and training. An optimization names its model, too."""


@models.command("list")
@printing(rows=True)
@click.pass_obj
def list_models(session: Session) -> None:
    """List models, newest first."""
    if session.output == "csv":
        session.take_csv("models", limit=100)
        return
    session.show_rows(LISTED, session.client.models.list(), title="models")


@models.command("state")
@click.argument("model")
@section_option("variants", "contexts", "coefficients")
@printing(rows=True)
@click.pass_obj
def show_state(session: Session, model: str, section: str | None) -> None:
    """Show what was learned of each variant."""
    name = session.find_model(model)
    if session.output == "csv":
        session.take_csv("models", name, "state", section=section)
        return
    document = session.client.models.state(name)
    title = f"version {document['policy_version']}, {document['status']}"
    session.show_rows(STATE, document["variants"], title=title, document=document)


@models.command("runs")
@click.argument("model")
@click.option("--limit", default=20, show_default=True, help="How many at most.")
@printing(rows=True)
@click.pass_obj
def list_runs(session: Session, model: str, limit: int) -> None:
    """List trainings, newest first: how far they are, and why one failed."""
    name = session.find_model(model)
    if session.output == "csv":
        size = min(max(limit, 1), 100)
        session.take_csv("models", name, "training-runs", most=limit, limit=size)
        return
    runs = session.client.models.runs(name)
    session.show_rows(RUNS, islice(runs, limit), title="training runs")


@models.command("versions")
@click.argument("model")
@click.option("--limit", default=20, show_default=True, help="How many at most.")
@printing(rows=True)
@click.pass_obj
def list_versions(session: Session, model: str, limit: int) -> None:
    """List policy versions, newest first: who was shown what."""
    name = session.find_model(model)
    if session.output == "csv":
        size = min(max(limit, 1), 100)
        session.take_csv("models", name, "versions", most=limit, limit=size)
        return
    rows = session.client.models.versions(name)
    session.show_rows(VERSIONS, islice(rows, limit), title="policy versions")


@models.command("train")
@click.argument("model")
@click.option(
    "--bias", multiple=True, metavar="FACTOR=NUMBER", help="Explore a factor more."
)
@click.option("--watch", is_flag=True, help="Wait for the end, with a progress bar.")
@printing()
@click.pass_obj
def train_model(
    session: Session, model: str, bias: tuple[str, ...], *, watch: bool
) -> None:
    """Start a training, or join the one that runs."""
    name = session.find_model(model)
    trained = session.client.models
    started = trained.start_training(name, bias=read_pairs(bias) or None)
    if not watch:
        session.show_fields(started, STARTED)
        return
    session.show_fields(_wait(session, name, started["training_run_id"]), RUN)


def _wait(session: Session, model_id: str, run_id: str) -> schemas.TrainingRun:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=session.console,
        transient=True,
        disable=session.output == "json" or not session.console.is_terminal,
    )
    with bar:
        task = bar.add_task("queued", total=1.0)

        def show(run: schemas.TrainingRun) -> None:
            bar.update(task, description=run["status"], completed=run["progress"])

        return session.client.models.wait_for(model_id, run_id, on_progress=show)


@models.command("policy")
@click.argument("model")
@section_option("contexts", "variants")
@printing(rows=True)
@click.pass_obj
def show_policy(session: Session, model: str, section: str | None) -> None:
    """Show the probability of each variant in each context."""
    name = session.find_model(model)
    if session.output == "csv":
        session.take_csv("models", name, "policy", section=section)
        return
    document = session.client.models.policy(name)
    numbers = [variant["number"] for variant in document["variants"]]
    columns = [
        Column("context", render=_format_context),
        *(
            Column(f"variant_{number}", str(number), format_percent)
            for number in numbers
        ),
    ]
    rows: list[dict[str, Any]] = [
        {
            "context": row["context"],
            **{
                f"variant_{number}": probability
                for number, probability in zip(
                    numbers, row["probabilities"], strict=True
                )
            },
        }
        for row in document["contexts"]
    ]
    title = f"version {document['version']}"
    session.show_rows(columns, rows, title=title, document=document)


def _format_context(context: dict[str, Any]) -> str:
    def format_level(level: Any) -> str:
        if level is None:
            return "missing"
        return "other" if isinstance(level, dict) else str(level)

    levels = (f"{name}={format_level(level)}" for name, level in context.items())
    return ", ".join(levels) or "everybody"


@models.command("delete")
@click.argument("model")
@click.option("--yes", is_flag=True, help="Do not ask.")
@printing()
@click.pass_obj
def delete_model(session: Session, model: str, *, yes: bool) -> None:
    """Delete a model that no optimization uses."""
    name = session.find_model(model)
    if not yes:
        click.confirm("Delete the model?", abort=True, err=True)
    session.client.models.delete(name)
    session.say("deleted", {"id": name, "deleted": True})
