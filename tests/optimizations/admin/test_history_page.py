"""The tab History: one stream of periods, trainings, changes and notes."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from levered_site.organizations.actors import SYSTEM_ACTOR, Actor
from levered_site.organizations.models import AuditEntry
from models_app import runs, versions
from models_app.bandit.policy.allocation import CompiledPolicy
from models_app.models import TrainingRun
from optimizations.admin.tabs import registry
from optimizations.configuration import create_update, lifecycle, notes
from optimizations.models import Note, Optimization
from tests.support import staff_world
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db
ANN = Actor("staff", "ann")
MAX_QUERIES = 12


@pytest.fixture
def optimization(world: World) -> Optimization:
    return Optimization.objects.select_related("model").get(pk=world.optimization.pk)


@pytest.fixture
def editor(client: Client, world: World) -> Client:
    client.force_login(staff_world.make_member(world.organization, "editor"))
    return client


def publish(optimization: Optimization, *weights: float) -> None:
    """Publish what a training would, with these shares in every context."""
    run = runs.request_training(optimization.model, requested_by="system:clock")
    TrainingRun.objects.filter(pk=run.pk).update(
        status="succeeded", rows_read=1200, seconds={"fit": 1.5}, policy_version=1
    )
    table = np.tile(np.array(weights), (3, 1))
    rows = [
        {"number": number, "weight": weight, "prob_best": weight}
        for number, weight in enumerate(weights, start=1)
    ]
    policy = CompiledPolicy(table, table)
    numbers = list(range(1, len(weights) + 1))
    versions.publish_trained(
        optimization.model, run, policy, numbers, {"variants": rows}
    )


def open_stream(client: Client, optimization: Optimization, **query: Any) -> str:
    answer = client.get(registry.build_url(optimization, "history"), query)
    assert answer.status_code == 200
    return answer.content.decode()


def list_titles(client: Client, optimization: Optimization, **query: Any) -> list[str]:
    """Return the titles of the stream's first page, newest first."""
    answer = client.get(registry.build_url(optimization, "history"), query)
    days = answer.context["page"].days
    return [entry.title for day in days for entry in day.entries]


def test_a_period_says_why_it_began_and_what_differs(
    editor: Client, optimization: Optimization
) -> None:
    create_update.update_configuration(optimization, {"holdout_percentage": 5.0}, ANN)
    create_update.set_variant_enabled(optimization, 4, ANN, enabled=False)

    page = open_stream(editor, optimization, kind="period")

    titles = list_titles(editor, optimization, kind="period")
    assert titles == [
        "A new measuring period began because other variants are served",
        "A new measuring period began because the holdout changed",
        "The first measuring period began because the optimization went live",
    ]
    assert "Holdout: 10 % → 5 %." in page.replace("\xa0", " ")
    assert "Not served any more: 4 Bold · Green." in page


def test_a_training_says_how_much_traffic_it_moved(
    editor: Client, optimization: Optimization
) -> None:
    publish(optimization, 0.25, 0.25, 0.45, 0.05)

    page = open_stream(editor, optimization, kind="training").replace("\xa0", " ")

    assert "A training published policy version 1" in page
    assert "20.0 % of the optimized traffic moved" in page
    assert "3 Bold · Gray 25.0 % → 45.0 %, 4 Bold · Green 25.0 % → 5.0 %" in page
    assert "1,200 rows read, 1.5 s." in page
    assert "The clock" in page


def test_a_failed_training_says_why(editor: Client, optimization: Optimization) -> None:
    run = runs.request_training(optimization.model, requested_by="user:user_alice")
    TrainingRun.objects.filter(pk=run.pk).update(status="failed", error="no such table")

    page = open_stream(editor, optimization, kind="training")

    assert "A training failed" in page
    assert "no such table" in page
    assert "Member user_alice" in page


def test_a_change_is_shown_before_and_after_in_words(
    editor: Client, world: World, optimization: Optimization
) -> None:
    guard = staff_world.make_metric(world.organization, "Refunds")
    key = Actor("key", str(world.key.pk))
    body = {"guardrail_metric_ids": [guard.pk], "name": "Basket"}
    create_update.update_configuration(optimization, body, key)

    page = open_stream(editor, optimization, kind="change")

    assert "Settings changed" in page
    assert "API key “backend”" in page
    assert "<del>Checkout</del>" in page
    assert "<ins>Basket</ins>" in page
    assert "<ins>Refunds</ins>" in page
    assert "optimization.change" not in page


def test_a_change_of_a_variant_names_it(
    editor: Client, optimization: Optimization
) -> None:
    create_update.set_variant_enabled(optimization, 4, ANN, enabled=False)

    titles = list_titles(editor, optimization, kind="change")

    assert titles[0] == "Variant disabled: 4 Bold · Green"


def test_the_stream_is_grouped_by_day_and_read_page_by_page(
    editor: Client, optimization: Optimization
) -> None:
    now = timezone.now()
    for number in range(60):
        entry = AuditEntry.objects.create(
            organization_id=optimization.organization_id,
            actor_kind="staff",
            actor_id="ann",
            action="optimization.change",
            target_type="optimizations.optimization",
            target_id=str(optimization.pk),
            changes={"retrain_every_minutes": number},
            before={},
        )
        moment = now - timedelta(days=1 + number // 30, minutes=number % 30)
        AuditEntry.objects.filter(pk=entry.pk).update(created_at=moment)
    path = registry.build_url(optimization, "history")

    first = editor.get(path, {"kind": "change"}).context["page"]
    second = editor.get(path, {"kind": "change", "before": first.next_before}).context[
        "page"
    ]

    shown = [
        entry.at
        for page in (first, second)
        for day in page.days
        for entry in day.entries
    ]
    assert len(shown) == AuditEntry.objects.filter(target_id=optimization.pk).count()
    assert shown == sorted(set(shown), reverse=True)
    assert second.next_before == ""
    assert first.days[1].title.startswith("Yesterday, ")


def test_what_nobody_can_read_in_the_address_chooses_nothing(
    editor: Client, optimization: Optimization
) -> None:
    titles = list_titles(editor, optimization, kind="dragon", before="soon")

    assert titles == list_titles(editor, optimization)
    assert list_titles(editor, optimization, before="2001-01-01T00:00:00") == []


def test_a_note_is_written_changed_and_deleted_in_its_place(
    editor: Client, optimization: Optimization
) -> None:
    path = registry.build_url(optimization, "history")

    written = editor.post(path, {"date": "2026-11-20", "text": "A sale began."})
    note = Note.objects.get()
    editor.post(
        path, {"note": str(note.pk), "date": "2026-11-21", "text": "A sale ended."}
    )
    page = open_stream(editor, optimization, kind="note")
    changed = Note.objects.get()
    editor.post(path, {"note": str(note.pk), "do": "delete"})

    assert written["Location"] == path
    assert (note.text, note.author) == ("A sale began.", "staff:clerk")
    assert (changed.text, f"{changed.date}") == ("A sale ended.", "2026-11-21")
    assert "Saturday 21 November 2026" in page
    assert not Note.objects.exists()
    titles = list_titles(editor, optimization, kind="change")
    assert titles[:2] == ["Note deleted", "Note changed"]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"date": "2026-11-20", "text": " "}, "note-text-error-new"),
        ({"date": "", "text": "A sale"}, "note-day-error-new"),
        ({"date": "1999-01-01", "text": "A sale"}, "must be a day from 2000-01-01"),
        (
            {"note": "nothing", "text": "A sale", "date": "2026-11-20"},
            "The note is gone",
        ),
    ],
)
def test_a_wrong_note_comes_back_with_what_was_typed_and_the_problem(
    editor: Client, optimization: Optimization, fields: dict[str, str], problem: str
) -> None:
    path = registry.build_url(optimization, "history")

    answer = editor.post(path, fields, headers={"HX-Request": "true"})

    form = answer.content.decode()
    assert problem in form
    assert fields["text"].strip() in form
    assert "<html" not in form
    assert not Note.objects.exists()


def test_a_viewer_reads_notes_and_writes_none(
    client: Client, world: World, optimization: Optimization
) -> None:
    notes.create_note(optimization, {"text": "A sale began."}, ANN)
    client.force_login(staff_world.make_member(world.organization, "viewer"))

    page = open_stream(client, optimization)
    refused = client.post(registry.build_url(optimization, "history"), {"text": "x"})

    assert "A sale began." in page
    assert "Write note" not in page
    assert refused.status_code == 403


def test_a_note_of_another_optimization_is_not_changed(
    editor: Client, world: World, optimization: Optimization
) -> None:
    other = staff_world.make_optimization(world.organization, world.metric, "Other")
    note = notes.create_note(other, {"text": "Elsewhere."}, ANN)

    fields = {"note": str(note.pk), "date": "2026-11-20", "text": "Here."}
    editor.post(registry.build_url(optimization, "history"), fields)

    assert Note.objects.get().text == "Elsewhere."


def test_notes_and_pauses_are_drawn_in_the_picture(
    editor: Client, optimization: Optimization
) -> None:
    notes.create_note(optimization, {"text": "A sale began."}, ANN)
    lifecycle.pause_optimization(optimization, SYSTEM_ACTOR)

    page = open_stream(editor, optimization)

    picture = page.partition("chart-numbers")[2].partition("</table>")[0]
    assert "Notes: note" in picture
    assert "A sale began." in picture
    assert "Status: paused" in picture
    assert "Periods: 1" in picture
    assert "Versions: v0" in picture


def test_the_csv_has_codes_and_words_of_the_chosen_kinds(
    editor: Client, optimization: Optimization
) -> None:
    notes.create_note(optimization, {"text": "=A sale"}, ANN)
    path = registry.build_url(optimization, "history")

    everything = editor.get(path, {"format": "csv"}).content.decode("utf-8-sig")
    only = editor.get(path, {"format": "csv", "kind": "note"})

    assert only["Content-Disposition"].endswith('-history.csv"')
    lines = only.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "at,kind,code,what,details,actor,who,note_id"
    assert len(lines) == 2
    assert "'=A sale" in lines[1]
    assert "optimization.go_live,Went live" in everything


@pytest.mark.django_db(transaction=True)
def test_the_history_takes_few_queries(
    editor: Client,
    world: World,
    optimization: Optimization,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    guard = staff_world.make_metric(world.organization, "Refunds")
    key = Actor("key", str(world.key.pk))
    body = {"guardrail_metric_ids": [guard.pk]}
    create_update.update_configuration(optimization, body, key)
    create_update.set_variant_enabled(optimization, 4, ANN, enabled=False)
    notes.create_note(optimization, {"text": "A sale began."}, ANN)
    runs.request_training(optimization.model, requested_by=str(key))
    open_stream(editor, optimization)

    with django_assert_max_num_queries(MAX_QUERIES):
        page = open_stream(editor, optimization)

    assert "Refunds" in page
