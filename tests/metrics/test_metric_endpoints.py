"""/warehouse/metrics: works, refuses, isolates, leaves no trace."""

import pytest

from metrics.models import AssignmentSource, Metric
from tests.support import factories, warehouse_events
from tests.support.factories import read_body, read_error
from tests.support.metric_requests import (
    MAPPING,
    OUTCOMES,
    PATH,
    SQL,
    body,
    create_metric,
    store_two_users,
)
from tests.support.optimization_factories import make_optimization
from tests.support.reference_cube import Reward, Touch
from tests.support.warehouse_events import parse_moment

pytestmark = pytest.mark.django_db


def test_it_works() -> None:
    acme = factories.make_organization()
    bob = factories.make_member_api(acme)

    answer = bob.post(PATH, body(outcomes=OUTCOMES, direction="decrease"))

    metric_body = read_body(answer)
    assert answer.status_code == 201
    assert answer["Location"].endswith(f"{PATH}/{metric_body['id']}")
    assert metric_body["column_mapping"] == MAPPING
    assert metric_body["outcomes"] == OUTCOMES
    assert (metric_body["direction"], metric_body["updated_at"]) == ("decrease", None)
    saved = bob.get(f"{PATH}/{metric_body['id']}")
    assert metric_body.pop("warnings") == [
        "The query returned no rows for the last 30 days."
    ]
    assert {**read_body(saved), "meta": 0} == {**metric_body, "meta": 0}
    assert saved["ETag"] == answer["ETag"]


def test_another_organizations_metric_is_not_there() -> None:
    acme, other = factories.make_organization(), factories.make_organization()
    theirs = f"{PATH}/{create_metric(other)['id']}"
    alice = factories.make_admin_api(acme)

    answers = [
        alice.get(theirs),
        alice.patch(theirs, {"name": "mine"}),
        alice.delete(theirs),
        alice.post(f"{theirs}/preview", {}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert read_body(alice.get(PATH))["metrics"] == []
    assert Metric.objects.get().name == "revenue"


def test_revision_grows_with_what_is_counted_and_with_nothing_else() -> None:
    acme = factories.make_organization()
    path = f"{PATH}/{create_metric(acme)['id']}"
    bob = factories.make_member_api(acme)

    revisions = []
    for change in (
        {"name": "income"},
        {"direction": "decrease"},
        {"sql": SQL},
        {"sql": SQL + " AND value > 1"},
        {"outcomes": OUTCOMES},
        {"outcomes": None},
    ):
        assert bob.patch(path, change).status_code == 200
        revisions.append(Metric.objects.get().revision)

    assert revisions == [1, 1, 1, 2, 3, 2]  # the last change takes the one before back
    assert read_body(bob.get(path))["updated_at"] is not None


def test_metric_in_use_is_neither_deleted_nor_turned_into_another_type() -> None:
    acme = factories.make_organization()
    mapping = {name: MAPPING[name] for name in ("anonymous_id", "timestamp")}
    metric_body = create_metric(acme, column_mapping={**mapping, "reward_type": "bool"})
    metric = Metric.objects.get(pk=metric_body["id"])
    user = make_optimization(acme, name="Home page", reward_metric_id=metric.pk)
    alice = factories.make_admin_api(acme)
    path = f"{PATH}/{metric.pk}"

    answers = [alice.delete(path), alice.patch(path, {"column_mapping": MAPPING})]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert all(str(user) in read_error(answer)["message"] for answer in answers)
    metric.refresh_from_db()
    assert metric.reward_type == "bool"


def test_metric_of_no_use_is_deleted_by_an_admin_alone() -> None:
    acme = factories.make_organization()
    path = f"{PATH}/{create_metric(acme)['id']}"

    refused = factories.make_member_api(acme).delete(path)
    there = Metric.objects.exists()
    deleted = factories.make_admin_api(acme).delete(path)

    assert (refused.status_code, there, deleted.status_code) == (403, True, 204)
    assert not Metric.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_preview_shows_rows_and_says_what_is_wrong() -> None:
    acme = factories.make_organization()
    sql = "SELECT anonymous_id, timestamp_utc, value, name FROM managed_dw.rewards"
    path = f"{PATH}/{create_metric(acme, sql=sql)['id']}/preview"
    at = parse_moment("2026-03-02 10:00")
    warehouse_events.store_events(
        acme.pk,
        "00000000-0000-0000-0000-000000000001",
        [Touch("somebody else", at, "{}", "{}", 1)],
        [Reward("u1", at), Reward("u1", at), Reward("u2", at.replace(year=2199))],
    )

    preview = read_body(factories.make_member_api(acme).post(path, {"limit": 2}))

    assert (preview["row_count"], preview["truncated"]) == (2, True)
    assert preview["columns"] == ["anonymous_id", "timestamp_utc", "value", "name"]
    assert preview["rows"][0] == ["u1", "2026-03-02T10:00:00Z", 1.0, "purchase"]
    assert preview["match_rate"] == 0
    assert [sentence[:30] for sentence in preview["warnings"]] == [
        "None of 2 ids matches an expos",
        "Rows with a timestamp in the f",
        "All values are equal.",
        "Rows that repeat another one i",
        "The SQL does not use @start_da",
    ]


@pytest.mark.django_db(transaction=True)
def test_saving_a_metric_says_what_looks_wrong_with_its_rows() -> None:
    acme = factories.make_organization()
    store_two_users(acme, "2026-03-02")
    sql = (
        "SELECT anonymous_id, date_trunc('day', timestamp_utc) AS timestamp_utc,"
        " value > 1 AS converted FROM managed_dw.rewards"
        " WHERE timestamp_utc < now() - interval '1 day'"
    )
    mapping = {
        "anonymous_id": "anonymous_id",
        "timestamp": "timestamp_utc",
        "reward_type": "bool",
    }

    metric = create_metric(acme, sql=sql, column_mapping=mapping)
    path = f"{PATH}/{metric['id']}"
    renamed = factories.make_member_api(acme).patch(path, {"name": "other"})

    about = ["'converted' is false", "1 would match in lower case", "at midnight"]
    about += ["does not use @start_date", "current time"]
    assert [
        text in warning for text, warning in zip(about, metric["warnings"], strict=True)
    ] == [True] * len(about), metric["warnings"]
    assert read_body(renamed)["warnings"] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("spelling", "warning"),
    [
        ("md5(anonymous_id)", "2 are the MD5 or SHA-256 of an id that was served"),
        ("encode(sha256(anonymous_id::bytea), 'hex')", "2 are the MD5 or SHA-256"),
        ("chr(160) || upper(anonymous_id) || '\"'", "2 would match in lower case"),
    ],
)
def test_a_metric_of_another_spelling_of_served_ids_says_so(
    spelling: str, warning: str
) -> None:
    acme = factories.make_organization()
    store_two_users(acme, "2026-03-02")
    sql = f"SELECT {spelling} AS anonymous_id, timestamp_utc FROM managed_dw.exposures"  # noqa: S608
    mapping = {
        "anonymous_id": "anonymous_id",
        "timestamp": "timestamp_utc",
        "reward_type": "bool",
    }

    metric = create_metric(acme, sql=sql, column_mapping=mapping)

    assert warning in metric["warnings"][0]


def test_the_managed_warehouse_needs_no_assignment_source() -> None:
    bob = factories.make_member_api(factories.make_organization())
    mapping = {
        name: name
        for name in ("anonymous_id", "timestamp", "optimization_id", "variant")
    }
    source = {"name": "exposures", "sql": "SELECT 1", "column_mapping": mapping}

    listed = bob.get("/warehouse/assignment-sources")
    refused = bob.post("/warehouse/assignment-sources", source)

    assert read_body(listed)["assignment_sources"] == []
    assert refused.status_code == 409
    assert "needs no assignment source" in read_error(refused)["message"]
    assert not AssignmentSource.objects.exists()
