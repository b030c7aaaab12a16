"""Commands: optimizations notes list, add, delete."""

from typing import Any

import click

from levered.cli.options import printing
from levered.cli.session import Session
from levered.cli.tables import Column, format_time

LISTED = (
    Column("date"),
    Column("text"),
    Column("author", "by"),
    Column("updated_at", "changed", format_time),
    Column("id"),
)


@click.group("notes")
def notes() -> None:
    """Notes on days: what happened that the figures may show."""


@notes.command("list")
@click.argument("optimization")
@printing(rows=True)
@click.pass_obj
def list_notes(session: Session, optimization: str) -> None:
    """List notes by their day, the newest day first."""
    name = session.find_optimization(optimization)
    if session.output == "csv":
        session.take_csv("optimizations", name, "notes", limit=100)
        return
    rows: list[Any] = list(session.client.optimizations.notes(name))
    rows.sort(key=lambda row: (row["date"], row["created_at"]), reverse=True)
    session.show_rows(LISTED, rows, title="notes")


@notes.command("add")
@click.argument("optimization")
@click.argument("text")
@click.option("--date", "day", metavar="YYYY-MM-DD", help="Its day in UTC, or today.")
@printing()
@click.pass_obj
def add_note(session: Session, optimization: str, text: str, day: str | None) -> None:
    """Write a note on a day.

    levered optimizations notes add "Landing page" "The sale began." --date 2026-11-27
    """
    name = session.find_optimization(optimization)
    fields: dict[str, Any] = {"text": text, **({"date": day} if day else {})}
    note = session.client.optimizations.add_note(name, **fields)
    session.show_fields(note, LISTED, title="noted")


@notes.command("delete")
@click.argument("optimization")
@click.argument("note")
@click.option("--yes", is_flag=True, help="Do not ask.")
@printing()
@click.pass_obj
def delete_note(session: Session, optimization: str, note: str, *, yes: bool) -> None:
    """Delete a note, by its id or its text."""
    name = session.find_optimization(optimization)
    found = session.find_note(name, note)
    if not yes:
        click.confirm("Delete the note?", abort=True, err=True)
    session.client.optimizations.delete_note(name, found)
    session.say("deleted", {"id": found, "deleted": True})


COMMANDS = (notes,)
