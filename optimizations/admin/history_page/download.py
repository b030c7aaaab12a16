"""The stream as CSV: what happened in words, with the codes beside."""

from collections.abc import Sequence
from datetime import UTC

from django.http import HttpResponse

from levered_site.admin import csv_download
from levered_site.api.csv_tables import CsvTable
from optimizations.admin.history_page import stream
from optimizations.admin.history_page.entry import StreamEntry
from optimizations.admin.history_page.stream import StreamFilter
from optimizations.models import Optimization, Regime

COLUMNS = ("at", "kind", "code", "what", "details", "actor", "who", "note_id")


def build_download(
    optimization: Optimization, wanted: StreamFilter, regimes: Sequence[Regime]
) -> HttpResponse:
    """Return the newest 1,000 entries of the filter as a file."""
    entries = stream.load_entries(optimization, wanted, regimes, stream.MAX_DOWNLOADED)
    rows = [_build_row(entry) for entry in entries[: stream.MAX_DOWNLOADED]]
    table = CsvTable(COLUMNS, rows)
    return csv_download.build_download(table, str(optimization.pk)[:8], "history")


def _build_row(entry: StreamEntry) -> tuple[str | None, ...]:
    moment = entry.at.astimezone(UTC).isoformat()
    details = [*entry.sentences, *map(str, entry.changes)]
    return (
        entry.note.day if entry.note else moment,
        entry.kind,
        entry.code,
        entry.title,
        "; ".join(details),
        entry.actor or None,
        entry.who or None,
        entry.note.note_id if entry.note else None,
    )
