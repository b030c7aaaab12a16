"""Notes on days of an optimization: write, change and delete them, list them for charts."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONArray
from django.utils import timezone

from levered_site.errors import ConflictError
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from optimizations.configuration import create_update
from optimizations.models import Note, Optimization

MAX_NOTES = 1000  # of one optimization
LOADED_NOTES = "loaded_notes"
NOTE_FIELDS = ("date", "text", "id", "author", "created_at")  # of a DayNote


class DayNote(NamedTuple):
    """A note as it is read with its optimization; charts show its date and text."""

    date: date
    text: str
    id: UUID
    author: str
    created_at: datetime


@transaction.atomic
def create_note(
    optimization: Optimization, fields: Mapping[str, Any], actor: Actor
) -> Note:
    """Store a note: `text`, and `date` where it is not about today (UTC).

    Raises ConflictError where the optimization has as many notes as it may.
    """
    optimization = create_update.lock_optimization(optimization)
    count = optimization.notes.count()
    if count >= MAX_NOTES:
        raise ConflictError(
            f"The optimization has {count:,} notes, and {MAX_NOTES:,} are allowed: "
            "delete some first."
        )
    day = fields.get("date") or timezone.now().astimezone(UTC).date()
    note = Note.objects.create(
        optimization=optimization, date=day, text=fields["text"], author=str(actor)
    )
    _record(note, actor, "note.create", _describe_note(note))
    return note


@transaction.atomic
def change_note(note: Note, fields: Mapping[str, Any], actor: Actor) -> Note:
    """Change the date or the text; the author stays who wrote it first."""
    note = Note.objects.select_for_update().get(pk=note.pk)
    changes = {
        name: value for name, value in fields.items() if getattr(note, name) != value
    }
    if not changes:
        return note
    before = audit.read_fields(note, changes)
    for name, value in changes.items():
        setattr(note, name, value)
    note.save()
    _record(note, actor, "note.change", {"id": note.pk} | changes, before)
    return note


@transaction.atomic
def delete_note(note: Note, actor: Actor) -> None:
    """Delete a note; the audit log keeps what it said."""
    _record(note, actor, "note.delete", {}, _describe_note(note))
    note.delete()


def list_day_notes(optimization: Optimization) -> list[DayNote]:
    """Return all notes, the oldest day first."""
    loaded = getattr(optimization, LOADED_NOTES, None)
    if loaded is None:
        return [DayNote(*row) for row in optimization.notes.values_list(*NOTE_FIELDS)]
    return [
        DayNote(
            date.fromisoformat(day),
            text,
            UUID(number),
            author,
            datetime.fromisoformat(created_at),
        )
        for day, text, number, author, created_at in loaded
    ]


def load_day_notes(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Load the notes of optimizations together with them, for `list_day_notes`."""
    own = Note.objects.filter(optimization=OuterRef("pk")).order_by(
        "date", "created_at"
    )
    found = own.annotate(fields=JSONArray(*NOTE_FIELDS)).values("fields")
    loaded: QuerySet[Any] = rows.annotate(**{LOADED_NOTES: ArraySubquery(found)})
    return loaded


def _describe_note(note: Note) -> dict[str, Any]:
    return {"id": note.pk, "date": note.date, "text": note.text}


def _record(
    note: Note,
    actor: Actor,
    action: str,
    changes: Mapping[str, Any],
    before: Mapping[str, Any] = audit.NOTHING,
) -> None:
    """Write the audit entry of the optimization, whose history shows its notes."""
    optimization = note.optimization
    organization_id = optimization.organization_id
    audit.record(organization_id, actor, action, optimization, changes, before=before)
