"""/warehouse/metrics: works, refuses, isolates, leaves no trace."""

from typing import Any

import pytest

from levered_site.organizations.models import AuditEntry, Organization
from metrics.models import AssignmentSource, Metric
from tests.support import factories, warehouse_events
from tests.support.factories import read_body, read_error
from tests.support.optimization_factories import make_optimization
from tests.support.reference_cube import Reward, Touch
from tests.support.warehouse_events import parse_moment

pytestmark = pytest.mark.django_db

PATH = "/warehouse/metrics"
SQL = (
    "SELECT anonymous_id, timestamp_utc, value, name FROM managed_dw.rewards"
    " WHERE timestamp_utc >= @start_date"
)
MAPPING = {
    "anonymous_id": "anonymous_id",
    "timestamp": "timestamp_utc",
    "value": "value",
    "name": "name",
    "reward_type": "numeric",
}
OUTCOMES = [
    {"key": "buy", "weight": 3, "match": {"by": "name", "value": "purchase"}},
    {"key": "lead", "weight": 0.5, "match": {"by": "name", "value": "signup"}},
]


def body(**overrides: Any) -> dict[str, Any]:
    """The least that makes a metric, or what a test says."""
    return {"name": "revenue", "sql": SQL, "column_mapping": MAPPING, **overrides}


def create_metric(organization: Organization, **overrides: Any) -> dict[str, Any]:
    """Make a metric by the API."""
    answer = factories.make_member_api(organization).post(PATH, body(**overrides))
    assert answer.status_code == 201, answer.content
    return read_body(answer)


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


def test_mapped_column_that_is_missing_is_named_with_those_there_are() -> None:
    bob = factories.make_member_api(factories.make_organization())

    answer = bob.post(PATH, body(column_mapping={**MAPPING, "value": "amount"}))

    problem = read_error(answer)["details"][0]
    assert answer.status_code == 400
    assert problem["field"] == "column_mapping.value"
    assert "anonymous_id, timestamp_utc, value, name" in problem["message"]
    assert not Metric.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"sql": "DELETE FROM managed_dw.rewards"}, "sql"),
        ({"sql": "SELECT nothing FROM managed_dw.rewards"}, "sql"),
        ({"sql": "SELECT 1; SELECT 2"}, "sql"),
        ({"sql": "  "}, "sql"),
        ({"sql": "SELECT\x00"}, "sql"),
        (
            {
                "sql": "SELECT anonymous_id, value AS timestamp_utc, value, name"
                " FROM managed_dw.rewards"
            },
            "column_mapping",
        ),
        (
            {
                "sql": "SELECT anonymous_id, timestamp_utc, value, value, name"
                " FROM managed_dw.rewards"
            },
            "column_mapping.value",
        ),
        ({"name": 3}, "name"),
        ({"nmae": "x"}, "nmae"),
        ({"direction": "up"}, "direction"),
        ({"column_mapping": {"timestamp": "t"}}, "column_mapping.anonymous_id"),
        (
            {
                "column_mapping": {
                    "anonymous_id": "anonymous_id",
                    "timestamp": "timestamp_utc",
                    "reward_type": "numeric",
                }
            },
            "column_mapping.value",
        ),
        ({"outcomes": OUTCOMES[:1]}, "outcomes"),
        ({"outcomes": [OUTCOMES[0], OUTCOMES[0]]}, "outcomes"),
        ({"outcomes": [{**outcome, "weight": 0} for outcome in OUTCOMES]}, "outcomes"),
        (
            {"outcomes": [OUTCOMES[0], {**OUTCOMES[1], "key": "failure"}]},
            "outcomes[1].key",
        ),
        (
            {"outcomes": [OUTCOMES[0], {**OUTCOMES[1], "match": {"by": "name"}}]},
            "outcomes[1].match.value",
        ),
    ],
)
def test_rubbish_is_refused_by_name(change: dict[str, Any], field: str) -> None:
    bob = factories.make_member_api(factories.make_organization())

    answer = bob.post(PATH, body(**change))

    fields = [problem["field"] for problem in read_error(answer)["details"]]
    assert answer.status_code == 400
    assert field in fields
    assert not Metric.objects.exists()
    assert not AuditEntry.objects.exists()


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

    assert revisions == [1, 1, 1, 2, 3, 4]
    assert read_body(bob.get(path))["updated_at"] is not None


def test_part_of_a_mapping_is_refused_in_a_change() -> None:
    acme = factories.make_organization()
    path = f"{PATH}/{create_metric(acme)['id']}"

    answer = factories.make_member_api(acme).patch(
        path, {"column_mapping": {"anonymous_id": "name"}}
    )

    fields = {problem["field"] for problem in read_error(answer)["details"]}
    assert answer.status_code == 400
    assert fields == {"column_mapping.timestamp", "column_mapping.reward_type"}
    assert Metric.objects.get().column_mapping == MAPPING


def test_outcomes_worth_nothing_are_refused_in_a_change() -> None:
    acme = factories.make_organization()
    path = f"{PATH}/{create_metric(acme)['id']}"
    bob = factories.make_member_api(acme)

    accepted = bob.patch(
        path, {"outcomes": [{**OUTCOMES[0], "weight": 0}, OUTCOMES[1]]}
    )
    refused = bob.patch(
        path, {"outcomes": [{**outcome, "weight": 0} for outcome in OUTCOMES]}
    )

    (problem,) = read_error(refused)["details"]
    assert (accepted.status_code, refused.status_code) == (200, 400)
    assert problem["field"] == "outcomes"
    assert "weight" in problem["message"]
    outcomes = Metric.objects.get().outcomes
    assert outcomes is not None
    assert [outcome["weight"] for outcome in outcomes] == [0, OUTCOMES[1]["weight"]]


def test_change_of_an_older_state_is_refused() -> None:
    acme = factories.make_organization()
    path = f"{PATH}/{create_metric(acme)['id']}"
    bob = factories.make_member_api(acme)
    tag = bob.get(path)["ETag"]
    bob.patch(path, {"name": "theirs"}, If_Match=tag)

    answer = bob.patch(path, {"name": "mine"}, If_Match=tag)

    assert read_error(answer)["code"] == "precondition_failed"
    assert Metric.objects.get().name == "theirs"


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


def store_two_users(organization: Organization, day: str) -> None:
    """Store two rewards, and exposures whose ids are spelled otherwise."""
    at = parse_moment(f"{day} 10:00")
    warehouse_events.store_events(
        organization.pk,
        "00000000-0000-0000-0000-000000000001",
        [Touch(user, at, "{}", "{}", 1) for user in ("U1 ", "u3")],
        [Reward("u1", at), Reward("u2", at, 2.0)],
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "value", ["name", "NULL::text", "value > 1", "value::money", "'12 EUR'"]
)
def test_a_metric_is_refused_whose_values_are_no_numbers(value: str) -> None:
    acme = factories.make_organization()
    store_two_users(acme, "2026-03-02")
    sql = SQL.partition(" WHERE")[0].replace("value, name", f"{value} AS value")
    mapping = {key: MAPPING[key] for key in MAPPING if key != "name"}

    refused = factories.make_member_api(acme).post(
        PATH, body(sql=sql, column_mapping=mapping)
    )

    details = read_error(refused)["details"]
    if value == "value::money":
        assert refused.status_code == 400  # the check of the SQL may refuse the type
        return
    assert [problem["field"] for problem in details] == ["column_mapping.value"]
    assert "worth 0" in details[0]["message"]
    assert not Metric.objects.exists()


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
