"""/warehouse/metrics refuses what cannot be counted, and names the field."""

from typing import Any

import pytest

from levered_site.organizations.models import AuditEntry
from metrics.models import Metric
from tests.support import factories
from tests.support.factories import read_error
from tests.support.metric_requests import (
    MAPPING,
    OUTCOMES,
    PATH,
    SQL,
    body,
    create_metric,
    store_two_users,
)

pytestmark = pytest.mark.django_db


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
