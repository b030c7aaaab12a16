"""Command: audit."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import click

from levered.cli.options import printing
from levered.cli.session import Session
from levered.cli.tables import NOTHING, Column, format_plain, format_time

LONGEST_VALUE = 60
MAX_PAGE = 100
SHOWN = (
    Column("created_at", "when", format_time),
    Column("who"),
    Column("action"),
    Column("target.name", "what"),
    Column("changes"),
)


@click.command("audit")
@click.option("--optimization", help="Of this optimization, by its name or id.")
@click.option("--target", "target_id", metavar="ID", help="Of this metric, key, ….")
@click.option("--action", help="optimization.ship, or optimization for all of these.")
@click.option("--actor", help="user:user_alice, or an id alone.")
@click.option("--since", metavar="TIME", help="ISO 8601; a day begins at midnight UTC.")
@click.option("--until", metavar="TIME", help="ISO 8601, not included.")
@click.option("--limit", default=20, show_default=True, help="How many at most.")
@printing(rows=True)
@click.pass_obj
def audit(session: Session, /, limit: int, **options: Any) -> None:
    """Show who changed what, newest first; for admins.

    levered audit --optimization "Landing page" --since 2026-11-01
    """
    optimization = options.pop("optimization")
    if optimization and options["target_id"]:
        raise click.UsageError("--optimization and --target cannot be combined")
    if optimization:
        options["target_id"] = session.find_optimization(optimization)
    if session.output == "csv":
        size = min(max(limit, 1), MAX_PAGE)
        session.take_csv("audit", most=limit, limit=size, **options)
        return
    entries: list[Any] = list(islice(session.client.account.audit(**options), limit))
    if session.output == "json":
        session.show_rows((), entries)
    else:
        session.show_rows(SHOWN, [_describe(each) for each in entries], title="audit")


def _describe(entry: Mapping[str, Any]) -> dict[str, Any]:
    actor = entry["actor"]
    return {
        **entry,
        "who": f"{actor['kind']}:{actor['id']}",
        "changes": format_changes(entry["before"], entry["after"]),
    }


def format_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str:
    """Return the fields of an entry: what they were, and what they are since then."""
    names = dict.fromkeys([*(before or {}), *after])
    return "; ".join(_format_change(name, before or {}, after) for name in names)


def _format_change(
    name: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> str:
    label = name.replace("_", " ")
    if name not in before:
        return f"{label}: {_shorten(after[name])}"
    old = _shorten(before[name])
    return f"{label}: {old} → {_shorten(after[name]) if name in after else 'gone'}"


def _shorten(value: Any) -> str:
    text = format_plain(value) or NOTHING
    is_long = len(text) > LONGEST_VALUE
    return f"{text[: LONGEST_VALUE - 1]}…" if is_long else text
