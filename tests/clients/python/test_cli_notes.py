"""Notes by commands, against the real service."""

import csv
import io

import pytest

from optimizations.models import Note, Optimization
from tests.support.python_client import Terminal

pytestmark = pytest.mark.django_db(transaction=True)


def test_notes_are_added_listed_and_deleted(
    terminal: Terminal, optimization: Optimization
) -> None:
    notes = ("optimizations", "notes")
    added = terminal.run(
        *(*notes, "add", optimization.name, "The sale began."),
        *("--date", "2026-03-28", "--json"),
    ).read()
    later = terminal.run(*notes, "add", optimization.pk, "It ended.").out
    early = terminal.run(
        *(*notes, "add", optimization.pk, "A launch", "--date", "2026-03-01", "--json")
    ).read()
    table = terminal.run(*notes, "list", optimization.pk).out
    rows = list(
        csv.DictReader(
            io.StringIO(terminal.run(*notes, "list", optimization.pk, "--csv").out)
        )
    )
    unconfirmed = terminal.run(*notes, "delete", optimization.pk, added["id"])
    by_text = terminal.run(*notes, "delete", optimization.pk, "A launch", "--yes")
    by_id = terminal.run(
        *(*notes, "delete", optimization.pk, added["id"], "--yes", "--json")
    )
    unknown = terminal.run(*notes, "delete", optimization.pk, "A launch", "--yes")

    assert (added["text"], added["date"]) == ("The sale began.", "2026-03-28")
    assert "It ended." in later
    assert "The sale began." in table
    by_day = sorted(rows, key=lambda row: row["date"])
    assert [row["text"] for row in by_day[:2]] == ["A launch", "The sale began."]
    assert by_day[0]["id"] == early["id"]
    assert unconfirmed.code == 1
    assert (by_text.code, by_text.out) == (0, "deleted\n")
    assert by_id.read() == {"id": added["id"], "deleted": True}
    assert unknown.code == 4
    assert Note.objects.get().text == "It ended."


def test_a_note_with_an_invalid_date_is_refused_with_its_field(
    terminal: Terminal, optimization: Optimization
) -> None:
    done = terminal.run(
        *("optimizations", "notes", "add", optimization.pk, "x", "--date", "soon")
    )

    assert done.code == 1
    assert "date" in done.err
    assert terminal.run("optimizations", "notes", "list", optimization.pk).out == (
        "notes: none\n"
    )
