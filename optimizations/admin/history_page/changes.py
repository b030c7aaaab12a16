"""Entries of the audit log and notes, as the stream shows them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Final
from uuid import UUID

from django.db.models import Model, Q
from django.utils import timezone

from levered_site.admin import html
from levered_site.organizations import audit_changes, audit_log, audit_words
from levered_site.organizations.models import ApiKey, AuditEntry
from metrics.models import AssignmentSource, Metric
from optimizations.admin.history_page.entry import Span, StreamEntry
from optimizations.admin.history_page.note_form import NoteForm
from optimizations.admin.numbered_variants import find_name
from optimizations.configuration import notes
from optimizations.configuration.notes import DayNote
from optimizations.models import Optimization

# The stream has the note itself, with who wrote it and when.
HIDDEN_ACTION: Final = "note.create"
OF_METRIC: Final = "metrics.metric"
OF_A_VARIANT: Final = ("variant.enable", "variant.disable", "variant.screenshot")
NAMED: Final[Sequence[tuple[type[Model], str]]] = (
    (ApiKey, "label"),
    (Metric, "name"),
    (AssignmentSource, "name"),
)


def load_audit_entries(optimization: Optimization, span: Span) -> list[AuditEntry]:
    """Return the newest audit entries of the span: its own, and its reward metric's."""
    own = Q(target_id=str(optimization.pk))
    of_metric = Q(
        target_id=str(optimization.reward_metric_id),
        target_type=OF_METRIC,
        created_at__gte=optimization.created_at,
    )
    rows = AuditEntry.objects.filter(
        own | of_metric, organization_id=optimization.organization_id
    ).exclude(action=HIDDEN_ACTION)
    if span.before is not None:
        rows = rows.filter(created_at__lt=span.before)
    return list(rows.order_by("-created_at", "-id")[: span.limit])


def list_notes(optimization: Optimization, span: Span) -> list[StreamEntry]:
    """Return the notes of the newest days of the span."""
    entries = [_build_note(note) for note in notes.list_day_notes(optimization)]
    shown = [
        entry for entry in entries if span.before is None or entry.at < span.before
    ]
    return shown[-span.limit :]


def build_change(
    entry: AuditEntry, names: Mapping[str, str], variants: Sequence[str]
) -> StreamEntry:
    """Return an audit entry as the stream shows it.

    `names` are those of objects by their ids, `variants` those of variants by place.
    """
    title = audit_words.describe_action(entry.action)
    number = entry.changes.get("number") if entry.action in OF_A_VARIANT else None
    if entry.target_type == OF_METRIC:
        title = f"{title}: {entry.target_name}"
    elif isinstance(number, int):
        title = f"{title}: {find_name(variants, number)}"
    return StreamEntry(
        kind="change",
        at=entry.created_at,
        title=title,
        code=entry.action,
        # The title says all of it.
        changes=[] if number else audit_changes.list_changes(entry, names),
        sentences=(
            [f"What it was before is not known: {audit_log.NOT_RECORDED}."]
            if entry.before is None and audit_log.read_change(entry).before is None
            else []
        ),
        actor=f"{entry.actor_kind}:{entry.actor_id}",
        url=html.build_row_url(AuditEntry, entry.pk),
    )


def _build_note(note: DayNote) -> StreamEntry:
    return StreamEntry(
        kind="note",
        at=datetime.combine(note.date, time.max, UTC),
        title=note.text,
        code="note",
        sentences=[f"Written {timezone.localtime(note.created_at):%Y-%m-%d %H:%M}."],
        actor=note.author,
        note=NoteForm(f"{note.date}", note.text, f"{note.id}"),
    )


def load_names(optimization: Optimization, texts: Iterable[str]) -> dict[str, str]:
    """Return the names of metrics, sources and API keys by those texts that are ids."""
    ids = {number for number in map(_read_id, texts) if number is not None}
    metric = optimization.reward_metric
    names = {} if metric is None else {metric.pk: metric.name}
    if unknown := ids - names.keys():
        scope = {"organization_id": optimization.organization_id, "pk__in": unknown}
        keys, *others = (
            model._default_manager.filter(**scope).order_by().values_list("pk", name)
            for model, name in NAMED
        )
        names |= dict(keys.union(*others))
    return {str(number): name for number, name in names.items()}


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
