"""Share links by the API: made and revoked by members, with their tokens and audit log."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from levered_site.observability import logs
from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import AuditEntry
from optimizations.models import Optimization, ShareLink
from optimizations.sharing import links, tokens
from tests.support import factories
from tests.support.factories import Api, read_body, read_error
from tests.support.optimization_factories import make_optimization, make_organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def optimization() -> Optimization:
    return make_optimization(make_organization())


@pytest.fixture
def api(optimization: Optimization) -> Api:
    return factories.make_member_api(optimization.organization)


@pytest.fixture
def path(optimization: Optimization) -> str:
    return f"/optimizations/{optimization.pk}/share-links"


def make_link(api: Api, path: str, **body: Any) -> dict[str, Any]:
    response = api.post(path, body)
    assert response.status_code == 201, response.content
    return read_body(response)


def read_token(made: dict[str, Any]) -> str:
    return str(made["url"]).rpartition("/")[2]


def test_a_member_makes_lists_and_revokes_a_link(api: Api, path: str) -> None:
    made = make_link(api, path, label="Board meeting", expires_in_days=7)
    listed = read_body(api.get(path))["share_links"]
    revoked = api.delete(f"{path}/{made['id']}")

    assert made["url"].startswith(f"{settings.PUBLIC_URL}/shared/lev_share_")
    assert {name: made[name] for name in made if name != "url"} == listed[0] | {
        "meta": made["meta"]
    }
    assert listed[0]["label"] == "Board meeting"
    assert listed[0]["created_by"] == "user:user_bob"
    assert (listed[0]["last_opened_at"], listed[0]["times_opened"]) == (None, 0)
    assert revoked.status_code == 204
    assert read_body(api.get(path))["share_links"] == []
    assert api.delete(f"{path}/{made['id']}").status_code == 404


def test_a_link_works_for_30_days_unless_told(api: Api, path: str) -> None:
    made = make_link(api, path)

    created = datetime.fromisoformat(made["created_at"])
    expires = datetime.fromisoformat(made["expires_at"])
    assert abs(expires - created - timedelta(days=30)) <= timedelta(seconds=1)
    assert made["label"] == ""


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expires_in_days": 1}, "expires_in_days"),
        ({"expires_in_days": "30"}, "expires_in_days"),
        ({"expires_in_days": True}, "expires_in_days"),
        ({"expires_in_days": None}, "expires_in_days"),
        ({"label": 5}, "label"),
        ({"label": "x" * 201}, "label"),
        ({"expires_at": "2027-01-01T00:00:00Z"}, "expires_at"),
    ],
)
def test_a_body_that_is_not_valid_is_refused(
    api: Api, path: str, body: dict[str, Any], field: str
) -> None:
    response = api.post(path, body)

    assert response.status_code == 400, response.content
    assert read_error(response)["details"][0]["field"] == field
    assert not ShareLink.objects.exists()


def test_a_token_is_random_signed_and_not_stored(api: Api, path: str) -> None:
    first, second = (read_token(make_link(api, path)) for _ in range(2))

    stored = str(list(ShareLink.objects.values()))
    random_part = first.removeprefix(tokens.PREFIX)[:32]
    assert first != second
    assert random_part not in stored
    assert str(tokens.read_digest(first)) in stored
    assert random_part not in str(list(AuditEntry.objects.values()))
    assert random_part not in logs.redact_text(f"Internal error: /shared/{first}")


@pytest.mark.parametrize("place", [0, 12, -1])
def test_a_token_that_was_changed_anywhere_opens_nothing(
    optimization: Optimization, place: int
) -> None:
    _, url = links.create_link(optimization, SYSTEM_ACTOR, days=7)
    token = url.rpartition("/")[2]
    letters = list(token)
    letters[place] = "A" if letters[place] != "A" else "E"

    assert links.open_link("".join(letters)) is None
    assert links.open_link(token) is not None


def test_tokens_signed_by_another_installation_open_nothing(
    optimization: Optimization, settings: Any
) -> None:
    _, url = links.create_link(optimization, SYSTEM_ACTOR, days=7)

    settings.SECRET_KEY = "that of somebody else"

    assert links.open_link(url.rpartition("/")[2]) is None


def test_only_a_link_that_works_is_opened(optimization: Optimization) -> None:
    now = timezone.now()
    opened = {}
    for name in ("fine", "revoked", "expired"):
        link, url = links.create_link(optimization, SYSTEM_ACTOR, days=7)
        if name == "revoked":
            links.revoke_link(link, SYSTEM_ACTOR)
        if name == "expired":
            ShareLink.objects.filter(pk=link.pk).update(expires_at=now)
        opened[name] = links.open_link(url.rpartition("/")[2])

    assert opened["fine"] is not None
    assert (opened["revoked"], opened["expired"]) == (None, None)
    counts = ShareLink.objects.order_by("created_at").values_list(
        "times_opened", flat=True
    )
    assert list(counts) == [1, 0, 0]


def test_deleting_the_optimization_or_the_organization_ends_its_links(
    optimization: Optimization,
) -> None:
    _, url = links.create_link(optimization, SYSTEM_ACTOR, days=7)
    token = url.rpartition("/")[2]
    rows = Optimization.objects.filter(pk=optimization.pk)

    rows.update(deleted_at=timezone.now())
    of_deleted = links.open_link(token)
    rows.update(deleted_at=None)
    of_restored = links.open_link(token)
    model = optimization.model
    optimization.delete()
    model.delete()
    optimization.organization.delete()

    assert of_deleted is None
    assert of_restored is not None
    assert links.open_link(token) is None
    assert not ShareLink.objects.exists()


def test_making_opening_and_revoking_are_in_the_history_of_the_optimization(
    api: Api, path: str, optimization: Optimization
) -> None:
    made = make_link(api, path, label="Board", expires_in_days=90)
    links.open_link(read_token(made))
    api.delete(f"{path}/{made['id']}")

    entries = AuditEntry.objects.filter(action__startswith="share_link.").order_by("id")

    assert {entry.target_id for entry in entries} == {str(optimization.pk)}
    assert [entry.action.partition(".")[2] for entry in entries] == [
        "create",
        "open",
        "revoke",
    ]
    assert [f"{entry.actor_kind}:{entry.actor_id}" for entry in entries] == [
        "user:user_bob",
        f"public:share_link:{made['id']}",
        "user:user_bob",
    ]
    assert entries[1].changes == {"id": made["id"], "label": "Board"}
    assert (entries[2].before or {})["label"] == "Board"
    link = ShareLink.objects.get()
    assert link.times_opened == 1
    assert link.last_opened_at is not None
    assert timezone.now().astimezone(UTC) - link.last_opened_at < timedelta(minutes=5)


def test_so_many_links_may_work_at_a_time(
    api: Api, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "MAX_LINKS", 2)
    made = [make_link(api, path) for _ in range(2)]

    refused = api.post(path, {})
    api.delete(f"{path}/{made[0]['id']}")
    again = api.post(path, {})

    assert refused.status_code == 409
    assert "revoke one first" in read_error(refused)["message"]
    assert again.status_code == 201


def test_an_address_is_not_stored_for_repeats(api: Api, path: str) -> None:
    key = {"Idempotency_Key": "once"}

    first = api.post(path, {}, **key)
    second = api.post(path, {}, **key)

    assert first.status_code == 201
    assert "url" in read_body(first)
    assert b"lev_share_" not in second.content
    assert ShareLink.objects.count() == 1


def test_a_key_that_only_reads_lists_and_makes_none(
    api: Api, path: str, optimization: Optimization
) -> None:
    make_link(api, path)
    reader = Api(factories.make_api_key(optimization.organization, scopes=("read",)))

    assert len(read_body(reader.get(path))["share_links"]) == 1
    assert reader.post(path, {}).status_code == 403
