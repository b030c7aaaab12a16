"""Store the answers of an unfinished form, and create the optimization from it once."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.http import Http404
from django.utils import timezone

from levered_site.organizations.actors import Actor
from optimizations.admin.create.answers import (
    Answers,
    Saved,
    Step,
    change_goal,
    dump_answers,
    load_answers,
)
from optimizations.configuration import lifecycle
from optimizations.models import UnfinishedOptimization

MOST_FORMS: Final = 20  # of one user; the oldest go
KEPT: Final = timedelta(days=30)
LAST: Final = 2**53


@dataclass(frozen=True, slots=True)
class Form:
    """An unfinished form. `optimization_id` is what it has created, if anything."""

    pk: UUID
    user_id: int
    answers: Answers
    optimization_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """The revision of a step that a page was opened with, and the page that sends it.

    `sent` orders what one page sends in the background, in milliseconds of its clock. A
    page that is left sends its last: nothing that it sent before may come after that.
    """

    revision: int
    writer: str
    sent: int = LAST


class OutdatedPageError(Exception):
    """Another page has saved the step since this one was opened."""


def load_form(pk: UUID, user_id: int) -> Form:
    """Return a form; an empty one where nothing is saved yet. Raises Http404 for another's."""
    row = UnfinishedOptimization.objects.filter(pk=pk).first()
    if row is None:
        return Form(pk, user_id, Answers())
    if row.user_id != user_id:
        raise Http404
    return _read_row(row)


def _read_row(row: UnfinishedOptimization) -> Form:
    return Form(
        row.pk, row.user_id, load_answers(json.loads(row.answers)), row.optimization_id
    )


def list_unfinished(user_id: int) -> list[tuple[UUID, str, Any]]:
    """Return id, name and time of the last change of the user's unfinished forms."""
    rows = UnfinishedOptimization.objects.filter(user_id=user_id, optimization=None)
    return [
        (row.pk, _read_row(row).answers.goal.name, row.updated_at)
        for row in rows[:MOST_FORMS]
    ]


@transaction.atomic
def save_step(
    pk: UUID, user_id: int, step: Step, answers: Answers, version: Version
) -> Form:
    """Save the answers of one step; those of the others stay as they are stored.

    Raises OutdatedPageError, and Http404 for the form of another user.
    """
    row = _lock_row(pk, user_id)
    form = _read_row(row)
    if form.optimization_id is not None:
        return form
    stored = form.answers.get_saved(step)
    is_own = stored.writer == version.writer
    if not is_own and stored.revision != version.revision:
        raise OutdatedPageError
    if is_own and version.sent < stored.sent:
        return form
    saved = Saved(
        stored.revision + 1,
        version.writer,
        version.sent,
        is_checked=stored.is_checked or answers.get_saved(step).is_checked,
    )
    changed = _merge_step(form.answers, answers, step, saved)
    row.answers = json.dumps(dump_answers(changed))
    row.save()
    return replace(form, answers=changed)


def _merge_step(stored: Answers, sent: Answers, step: Step, saved: Saved) -> Answers:
    merged = replace(stored, saved={**stored.saved, step: saved})
    if step == "goal":
        return change_goal(merged, sent.goal)
    if step == "factors":
        return replace(merged, factors=sent.factors)
    return replace(merged, traffic=sent.traffic)


def _lock_row(pk: UUID, user_id: int) -> UnfinishedOptimization:
    defaults = {"user_id": user_id, "answers": json.dumps(dump_answers(Answers()))}
    rows = UnfinishedOptimization.objects.select_for_update(of=("self",))
    row, is_new = rows.get_or_create(pk=pk, defaults=defaults)
    if row.user_id != user_id:
        raise Http404
    if is_new:
        _delete_old_forms(user_id)
    return row


def _delete_old_forms(user_id: int) -> None:
    forms = UnfinishedOptimization.objects
    forms.filter(updated_at__lt=timezone.now() - KEPT).delete()
    kept = forms.filter(user_id=user_id)[:MOST_FORMS]
    forms.filter(user_id=user_id).exclude(pk__in=[form.pk for form in kept]).delete()


def discard_form(pk: UUID, user_id: int) -> None:
    """Delete an unfinished form of the user."""
    UnfinishedOptimization.objects.filter(pk=pk, user_id=user_id).delete()


@transaction.atomic
def create_once(
    form: Form, organization_id: str, actor: Actor, fields: dict[str, Any]
) -> UUID:
    """Create the optimization and return its id; the second time return the first one's.

    `fields` is a validated body of the API. Raises what creating raises.
    """
    rows = UnfinishedOptimization.objects.select_for_update(of=("self",))
    row = rows.filter(pk=form.pk).first()
    if row is None:
        raise Http404
    if row.optimization_id is None:
        optimization = lifecycle.create_optimization(organization_id, actor, fields)
        row.optimization = optimization
        row.save()
        return optimization.pk
    return row.optimization_id
