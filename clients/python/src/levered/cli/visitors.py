"""Commands about single visitors: serve, explain, ingest."""

import json
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import click
from rich.progress import track

from levered.cli.options import printing, read_pairs, section_option
from levered.cli.session import Session
from levered.cli.tables import Column, format_percent, format_time
from levered.client import Levered
from levered.management.api_keys import LARGEST_BATCH

SERVED = (
    Column("variant_number", "variant"),
    Column("variant", "levels"),
    Column("in_holdout", "held out"),
    Column("policy_version", "version"),
    Column("propensity", render=format_percent),
    Column("sticky", "served before"),
)
EXPLAINED = (
    Column("arm"),
    Column("variant_number", "variant"),
    Column("variant", "levels"),
    Column("policy_version", "version"),
    Column("propensity", render=format_percent),
    Column("context"),
    Column("draw_rule"),
    Column("is_reproduced", "drawn again alike"),
    Column("timestamp", "decided", format_time),
)


@click.command()
@click.argument("optimization")
@click.argument("anonymous_id")
@click.option("--context", multiple=True, metavar="NAME=VALUE")
@click.option("--dry-run", is_flag=True, help="Decide without recording.")
@printing()
@click.pass_obj
def serve(
    session: Session,
    optimization: str,
    anonymous_id: str,
    context: tuple[str, ...],
    *,
    dry_run: bool,
) -> None:
    """Decide for a visitor, as a page would."""
    name = session.find_optimization(optimization)
    decided = session.client.optimizations.serve(
        name, anonymous_id, read_pairs(context), dry_run=dry_run
    )
    session.show_fields(decided, SERVED)


@click.command()
@click.argument("optimization")
@click.argument("anonymous_id")
@section_option("receipts", "probabilities")
@printing(rows=True)
@click.pass_obj
def explain(
    session: Session, optimization: str, anonymous_id: str, section: str | None
) -> None:
    """Show why a visitor got the variant; --csv has the receipts."""
    name = session.find_optimization(optimization)
    if session.output == "csv":
        path = ("optimizations", name, "decisions", anonymous_id)
        session.take_csv(*path, section=section)
        return
    document = session.client.optimizations.explain(name, anonymous_id)
    session.show_fields(document, EXPLAINED)


@click.command()
@click.argument("kind", type=click.Choice(["rewards", "exposures"]))
@click.argument("file")
@click.option(
    "--key", help="API key; by default the one that api-keys create --keep kept."
)
@printing()
@click.pass_obj
def ingest(
    session: Session,
    kind: Literal["rewards", "exposures"],
    file: str,
    key: str | None,
) -> None:
    """Send events: JSON lines or a JSON list in a file, or - for the input.

    An event without idempotency key gets one of its own, so give them keys to be able to
    send a file twice. Exit code 1 if events were refused.
    """
    secret = key or session.find_kept("ingest")
    events = list(_read_events(sys.stdin.read() if file == "-" else _read(file)))
    total = {"accepted": 0, "duplicates": 0, "rejected": [], "sent": len(events)}
    starts = range(0, len(events), LARGEST_BATCH)
    with Levered(session.url, secret or session.credential) as client:
        for start in track(
            starts,
            "sending",
            console=session.console,
            transient=True,
            disable=session.output == "json" or not session.console.is_terminal,
        ):
            _send(client, kind, events[start : start + LARGEST_BATCH], start, total)
    _report(session, total)


def _send(
    client: Levered,
    kind: Literal["rewards", "exposures"],
    batch: list[dict[str, Any]],
    start: int,
    total: dict[str, Any],
) -> None:
    receipt = client.account.ingest(kind, batch)
    total["accepted"] += receipt["accepted"]
    total["duplicates"] += receipt["duplicates"]
    total["rejected"] += [
        {**each, "index": each["index"] + start} for each in receipt["rejected"]
    ]


def _report(session: Session, total: dict[str, Any]) -> None:
    session.say(
        f"{total['accepted']} accepted, {total['duplicates']} known before, "
        f"{len(total['rejected'])} refused",
        total,
    )
    for each in total["rejected"][:20]:
        click.echo(f"event {each['index']}: {each['message']}", err=True)
    if total["rejected"]:
        raise click.exceptions.Exit(1)


def _read(file: str) -> str:
    try:
        return Path(file).read_text()
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}") from error


def _read_events(text: str) -> Iterator[dict[str, Any]]:
    """Yield events, each with an idempotency key."""
    lines = [text] if text.lstrip().startswith("[") else text.splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except ValueError as error:
            raise click.BadParameter(f"line {number} is not JSON: {error}") from error
        for event in document if isinstance(document, list) else [document]:
            if not isinstance(event, dict):
                raise click.BadParameter(f"line {number} holds no event")
            yield {"idempotency_key": str(uuid.uuid4()), **event}
