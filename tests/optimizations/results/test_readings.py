"""The readings beside results: each agrees with the others, a draft's are empty."""

from typing import Any

import pytest
from django.utils import timezone

from optimizations.models import CubeDay
from tests.support import factories
from tests.support.factories import read_body, read_error
from tests.support.optimization_factories import (
    make_metric,
    make_optimization,
    make_organization,
)
from tests.support.result_visitors import (
    make_visited_optimization,
    member_api,
    train_and_return,
)

pytestmark = pytest.mark.django_db(transaction=True)

READINGS = (
    "results",
    "progress",
    "guardrails",
    "lift-history",
    "holdout-daily",
    "outcome-mix",
    "report-data",
    "observations",
)


def test_every_reading_answers_and_agrees() -> None:
    optimization = train_and_return(make_visited_optimization())
    api = member_api(optimization)

    found = {}
    for reading in READINGS:
        answer = api.get(f"/optimizations/{optimization.pk}/{reading}")
        assert answer.status_code == 200, (reading, answer.content)
        found[reading] = read_body(answer)

    progress = found["progress"]
    assert sum(progress["users"].values()) == 1000
    assert progress["winner"]["number"] in {3, 4}
    assert progress["stable_since"] == timezone.now().date().isoformat()
    daily = found["holdout-daily"]["metrics"][0]["daily"]
    users = [day[arm]["exposures"] for day in daily for arm in ("holdout", "levered")]
    assert sum(users) == 1000
    mix = found["outcome-mix"]["rows"]
    assert sum(row["users"] for row in mix) == 1000
    converted = sum(
        row["users"] for row in mix if row["outcome_key"] == "__converted__"
    )
    assert converted == progress["conversions"]
    (day,) = found["lift-history"]["daily"]
    measured = found["results"]["primary_metric_vs_holdout"]
    assert day["measured_lift_percent"] == measured["lift_percent"]
    report = found["report-data"]
    assert report["optimization"]["optimization"]["id"] == str(optimization.pk)
    assert report["results"]["stats"] == found["results"]["stats"]
    assert found["guardrails"]["guardrails"] == []


def test_a_guardrail_is_judged_by_its_own_metric() -> None:
    organization = make_organization()
    guard = make_metric(organization, name="purchases too")
    optimization = train_and_return(
        make_visited_optimization(organization, guardrail_metric_ids=[guard.pk])
    )

    place = f"/optimizations/{optimization.pk}/guardrails"
    (row,) = read_body(factories.make_member_api(organization).get(place))["guardrails"]

    assert (row["metric_id"], row["status"]) == (str(guard.pk), "ok")
    assert row["lift_percent"] is not None


def test_observations_come_in_pages_or_raw() -> None:
    optimization = train_and_return(make_visited_optimization())
    api = member_api(optimization)
    place = f"/optimizations/{optimization.pk}/observations"

    users, cursor = 0, ""
    while True:
        page = read_body(api.get(f"{place}?limit=3&cursor={cursor}"))
        users += sum(cell["users"] for cell in page["observations"])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    raw = read_body(api.get(f"{place}?raw=true"))["observations"]
    bad = api.get(f"{place}?cursor=x")

    assert users == 1000
    assert len(raw) == 100
    assert raw[0]["at"] > raw[-1]["at"]
    assert any(touch["rewards"] for touch in raw)
    assert bad.status_code == 400
    assert read_error(bad)["details"][0]["field"] == "cursor"


def test_the_list_summarizes_by_one_query_for_the_page(
    django_assert_max_num_queries: Any,
) -> None:
    optimization = train_and_return(make_visited_optimization())
    make_optimization(optimization.organization)
    api = member_api(optimization)
    read_body(api.get("/optimizations"))  # the member is known now

    with django_assert_max_num_queries(4):
        rows = read_body(api.get("/optimizations"))["optimizations"]

    summaries = {row["id"]: row["summary"] for row in rows}
    assert summaries.pop(str(optimization.pk)) == {
        "variants_count": 4,
        "lift": pytest.approx(100, abs=100),
        "confidence": pytest.approx(0.5, abs=0.5),
        "exposures": 1000,
    }
    assert list(summaries.values()) == [None]


def test_readings_of_a_draft_have_their_shape_and_nothing_in_it() -> None:
    draft = make_optimization(make_organization(), status="draft")
    live = make_optimization(draft.organization)
    api = member_api(draft)

    answers = {
        reading: (
            api.get(f"/optimizations/{draft.pk}/{reading}?refresh=true"),
            api.get(f"/optimizations/{live.pk}/{reading}"),
        )
        for reading in READINGS
    }

    for reading, (own, other) in answers.items():
        assert own.status_code == 200, (reading, own.content)
        assert read_body(own).keys() == read_body(other).keys()
    shown = read_body(answers["results"][0])
    assert shown["primary_metric_vs_holdout"]["metric_id"] is None
    assert {row["weight"] for row in shown["variants"]} == {None}
    assert shown["unavailable"]["as_of"] == "it has not been live: nothing is observed"
    assert read_body(answers["progress"][0])["users"] == {"optimized": 0, "holdout": 0}
    assert not CubeDay.objects.filter(optimization=draft).exists()


def test_a_stranger_sees_nothing() -> None:
    live = make_optimization(make_organization())
    stranger = factories.make_admin_api(make_organization())

    foreign = [
        stranger.get(f"/optimizations/{live.pk}/{reading}") for reading in READINGS
    ]

    assert {answer.status_code for answer in foreign} == {404}
