"""Notes written, changed and deleted where they stand, by the API's rules."""

from dataclasses import replace
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from levered_site.admin.pages import validate_serializer
from levered_site.errors import LeveredError, NotFoundError
from levered_site.organizations.admin import get_staff_actor
from optimizations.admin.history_page.note_form import NoteForm
from optimizations.configuration import notes
from optimizations.models import Note, Optimization
from optimizations.serializers.notes import NoteBodySerializer

TEMPLATE: Final = "levered_admin/optimization/note_form.html"
DELETE: Final = "delete"
GONE: Final = (
    "The note is gone: somebody deleted it meanwhile. Reload the page, and write it as a "
    "new one if it is still needed."
)


def handle_post(request: HttpRequest, optimization: Optimization) -> HttpResponse:
    """Store what the form says and open the tab again, or show what is wrong."""
    form = NoteForm(
        day=request.POST.get("date", ""),
        text=request.POST.get("text", "").strip(),
        note_id=request.POST.get("note", ""),
    )
    try:
        message = _store(request, optimization, form)
    except LeveredError as error:
        return _show_problems(request, _add_problems(form, error))
    messages.success(request, message)
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": request.get_full_path()})
    return HttpResponseRedirect(request.get_full_path())


def _store(request: HttpRequest, optimization: Optimization, form: NoteForm) -> str:
    """Write, change or delete the note; return what was done."""
    actor = get_staff_actor(request)
    note = _find_note(optimization, form)
    if note is not None and request.POST.get("do") == DELETE:
        notes.delete_note(note, actor)
        return f"Note deleted: {note.text}"
    body = validate_serializer(
        NoteBodySerializer(data={"date": form.day, "text": form.text})
    )
    if note is None:
        notes.create_note(optimization, body, actor)
        return f"Note written on {form.day}. It stands on the charts of that day."
    notes.change_note(note, body, actor)
    return f"Note changed: {form.text}"


def _find_note(optimization: Optimization, form: NoteForm) -> Note | None:
    """Return the note of the form, None for a new one. Raises NotFoundError if gone."""
    if not form.note_id:
        return None
    try:
        number = UUID(form.note_id)
    except ValueError as error:
        raise NotFoundError(GONE) from error
    own = optimization.notes.select_related("optimization")
    note = own.filter(pk=number).first()
    if note is None:
        raise NotFoundError(GONE)
    return note


def _add_problems(form: NoteForm, error: LeveredError) -> NoteForm:
    """Return the form with each problem beside its field."""
    by_field = {problem.field: problem.message for problem in error.details}
    return replace(
        form,
        day_error=by_field.get("date", ""),
        text_error=by_field.get("text", ""),
        error="" if by_field.keys() & {"date", "text"} else error.message,
    )


def _show_problems(request: HttpRequest, form: NoteForm) -> HttpResponse:
    """Show the form again in its place; without htmx say the problem on the tab."""
    if "HX-Request" in request.headers:
        return render(
            request, TEMPLATE, {"form": form, "path": request.get_full_path()}
        )
    for text in filter(None, (form.day_error, form.text_error, form.error)):
        messages.error(request, f"The note was not stored: {text}")
    return HttpResponseRedirect(request.get_full_path())
