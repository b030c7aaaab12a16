"""Notes on days of an optimization: written by members, listed for charts."""

from datetime import UTC, date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from levered_site.organizations.models import AuditEntry
from optimizations.configuration import notes
from optimizations.models import Note, Optimization
from tests.support import factories
from tests.support.factories import Api, read_body, read_error
from tests.support.optimization_factories import make_optimization, make_organization
from tests.support.unhealthy_worlds import call_tool

pytestmark = pytest.mark.django_db

SALE = {"date": "2026-03-28", "text": "The summer sale began."}


@pytest.fixture
def optimization() -> Optimization:
    return make_optimization(make_organization())


@pytest.fixture
def api(optimization: Optimization) -> Api:
    return factories.make_member_api(optimization.organization)


@pytest.fixture
def path(optimization: Optimization) -> str:
    return f"/optimizations/{optimization.pk}/notes"


def write(api: Api, path: str, **fields: Any) -> dict[str, Any]:
    response = api.post(path, SALE | fields)
    assert response.status_code == 201, response.content
    return read_body(response)


def test_a_member_writes_reads_changes_and_deletes_a_note(api: Api, path: str) -> None:
    written = write(api, path)
    address = f"{path}/{written['id']}"
    changed = read_body(api.patch(address, {"text": "The sale: 20% off."}))
    listed = read_body(api.get(path))["notes"]
    deleted = api.delete(address)

    assert {name: written[name] for name in SALE} == SALE
    assert written["author"] == "user:user_bob"
    assert (changed["text"], changed["date"]) == ("The sale: 20% off.", SALE["date"])
    assert changed["created_at"] == written["created_at"]
    assert [row["id"] for row in listed] == [written["id"]]
    assert deleted.status_code == 204
    assert api.get(address).status_code == 404
    assert read_body(api.get(path))["notes"] == []


def test_a_note_without_a_date_is_about_today_in_utc(api: Api, path: str) -> None:
    before = timezone.now().astimezone(UTC).date()
    written = read_body(api.post(path, {"text": "The checkout was down."}))
    after = timezone.now().astimezone(UTC).date()

    assert before <= date.fromisoformat(written["date"]) <= after


def test_the_author_stays_who_wrote_it(
    api: Api, path: str, optimization: Optimization
) -> None:
    written = write(api, path)
    key = factories.make_api_key(optimization.organization, scopes=("write",))

    address = f"{path}/{written['id']}"
    changed = factories.Api(key).patch(address, {"date": "2026-03-29"})
    by_key = read_body(factories.Api(key).post(path, SALE))

    assert read_body(changed)["author"] == "user:user_bob"
    assert by_key["author"].startswith("key:")


def test_every_change_is_in_the_history_of_the_optimization(
    api: Api, path: str, optimization: Optimization
) -> None:
    written = write(api, path)
    address = f"{path}/{written['id']}"
    api.patch(address, {"text": "A sale."})
    api.patch(address, {"text": "A sale."})  # no change
    api.delete(address)

    entries = AuditEntry.objects.filter(action__startswith="note.").order_by("id")

    assert {entry.target_id for entry in entries} == {str(optimization.pk)}
    own = {"id": written["id"]}
    assert [(entry.action, entry.before, entry.changes) for entry in entries] == [
        ("note.create", {}, own | SALE),
        ("note.change", {"text": SALE["text"]}, own | {"text": "A sale."}),
        ("note.delete", own | SALE | {"text": "A sale."}, {}),
    ]


def test_charts_get_the_days_and_texts_the_oldest_day_first(
    api: Api, path: str, optimization: Optimization
) -> None:
    for day in ("2026-03-28", "2026-03-01", "2026-03-28"):
        write(api, path, date=day, text=f"about {day}")

    listed = notes.list_day_notes(optimization)
    loaded = notes.load_day_notes(Optimization.objects.filter(pk=optimization.pk)).get()

    assert [(note.date, note.text) for note in listed] == [
        (date(2026, 3, 1), "about 2026-03-01"),
        (date(2026, 3, 28), "about 2026-03-28"),
        (date(2026, 3, 28), "about 2026-03-28"),
    ]
    assert notes.list_day_notes(loaded) == listed
    assert {note.id for note in listed} == set(
        Note.objects.values_list("pk", flat=True)
    )


def test_notes_come_in_pages(api: Api, path: str) -> None:
    written = {write(api, path)["id"] for _ in range(3)}

    first = read_body(api.get(f"{path}?limit=2"))
    second = read_body(api.get(f"{path}?limit=2&cursor={first['next_cursor']}"))

    assert second["next_cursor"] is None
    rows = first["notes"] + second["notes"]
    assert len(rows) == 3
    assert {row["id"] for row in rows} == written


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": "  "}, "text"),
        ({"text": "x" * 501}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"text": 5}, "text"),
        ({"text": "x", "date": "yesterday"}, "date"),
        ({"text": "x", "date": "2026-02-30"}, "date"),
        ({"text": "x", "date": 20260328}, "date"),
        ({"text": "x", "date": None}, "date"),
        ({"text": "x", "date": "1999-12-31"}, "date"),
        ({"text": "x", "author": "user:user_alice"}, "author"),
    ],
)
def test_a_note_that_is_not_valid_is_refused(
    api: Api, path: str, body: dict[str, Any], field: str
) -> None:
    response = api.post(path, body)

    assert response.status_code == 400, response.content
    assert read_error(response)["details"][0]["field"] == field
    assert not Note.objects.exists()


def test_a_note_is_at_most_a_year_ahead(api: Api, path: str) -> None:
    today = timezone.now().astimezone(UTC).date()

    planned = api.post(path, SALE | {"date": str(today + timedelta(days=300))})
    refused = api.post(path, SALE | {"date": str(today + timedelta(days=400))})

    assert planned.status_code == 201
    assert "a year ahead" in read_error(refused)["message"]


def test_the_longest_note_is_stored_whole(api: Api, path: str) -> None:
    text = "é" * 500

    assert write(api, path, text=text)["text"] == text
    assert Note.objects.get().text == text


def test_an_optimization_has_at_most_so_many_notes(
    api: Api, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "MAX_NOTES", 2)
    for _ in range(2):
        write(api, path)

    refused = api.post(path, SALE)

    assert refused.status_code == 409
    assert "delete some first" in read_error(refused)["message"]
    assert Note.objects.count() == 2


def test_a_stale_change_is_refused(api: Api, path: str) -> None:
    written = write(api, path)
    address = f"{path}/{written['id']}"
    tag = api.get(address)["ETag"]
    api.patch(address, {"text": "first"})

    stale = api.patch(address, {"text": "second"}, If_Match=tag)

    assert stale.status_code == 412
    assert Note.objects.get().text == "first"


def test_an_optimization_of_any_status_takes_notes(api: Api) -> None:
    organization = make_organization()
    draft = make_optimization(organization, status="draft")
    admin = factories.make_admin_api(organization)
    path = f"/optimizations/{draft.pk}"

    write(admin, f"{path}/notes")
    assert admin.post(f"{path}/archive").status_code == 200
    write(admin, f"{path}/notes")
    assert admin.delete(path).status_code == 204

    assert admin.get(f"{path}/notes").status_code == 404
    assert not Note.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_agent_writes_a_note_on_a_live_optimization_without_a_confirm(
    api: Api, optimization: Optimization
) -> None:
    live = {"optimization_id": str(optimization.pk)}

    done = call_tool(api, "update_optimization", **live, note=SALE)
    read = call_tool(api, "get_optimization", **live, detail="notes")
    asked = call_tool(
        api, "update_optimization", **live, note=SALE, holdout_percentage=20
    )

    assert done["done"] is True
    before, note = done["changes"]["note"]
    assert before is None
    assert {name: note[name] for name in SALE} == SALE
    assert [row["id"] for row in read["items"]] == [note["id"]]
    assert asked["done"] is False
    assert set(asked["changes"]) == {"note", "holdout_percentage"}
    assert Note.objects.count() == 1
