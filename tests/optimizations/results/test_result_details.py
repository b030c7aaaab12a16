"""Endpoints of results: they agree with each other, and are empty for a draft."""

import base64
from typing import Any

import pytest
from django.utils import timezone

from optimizations.models import CubeDay
from optimizations.results.readings import report
from tests.support import factories
from tests.support.factories import read_body, read_error
from tests.support.optimization_factories import (
    make_metric,
    make_optimization,
    make_organization,
)
from tests.support.result_visitors import (
    make_member_api,
    make_visited_optimization,
    train_and_return,
)

pytestmark = pytest.mark.django_db(transaction=True)

ENDPOINTS = (
    "results",
    "progress",
    "guardrails",
    "lift-history",
    "lift-curve",
    "holdout-daily",
    "outcome-mix",
    "report-data",
    "observations",
)


def test_all_endpoints_answer_and_agree() -> None:
    optimization = train_and_return(make_visited_optimization())
    api = make_member_api(optimization)

    bodies = {}
    for name in ENDPOINTS:
        response = api.get(f"/optimizations/{optimization.pk}/{name}")
        assert response.status_code == 200, (name, response.content)
        bodies[name] = read_body(response)

    progress = bodies["progress"]
    assert sum(progress["users"].values()) == 1000
    assert progress["winner"]["number"] in {3, 4}
    assert progress["stable_since"] == timezone.now().date().isoformat()
    daily = bodies["holdout-daily"]["metrics"][0]["daily"]
    users = [day[arm]["exposures"] for day in daily for arm in ("holdout", "levered")]
    assert sum(users) == 1000
    mix = bodies["outcome-mix"]["rows"]
    assert sum(row["users"] for row in mix) == 1000
    converted = sum(
        row["users"] for row in mix if row["outcome_key"] == "__converted__"
    )
    assert converted == progress["conversions"]
    (day,) = bodies["lift-history"]["daily"]
    measured = bodies["results"]["primary_metric_vs_holdout"]
    assert day["measured_lift_percent"] == measured["lift_percent"]
    document = bodies["report-data"]
    assert document["optimization"]["optimization"]["id"] == str(optimization.pk)
    assert document["results"]["stats"] == bodies["results"]["stats"]
    assert bodies["guardrails"]["guardrails"] == []


def test_a_guardrail_is_judged_by_its_own_metric() -> None:
    organization = make_organization()
    guard = make_metric(organization, name="purchases too")
    optimization = train_and_return(
        make_visited_optimization(organization, guardrail_metric_ids=[guard.pk])
    )

    path = f"/optimizations/{optimization.pk}/guardrails"
    (row,) = read_body(factories.make_member_api(organization).get(path))["guardrails"]

    assert (row["metric_id"], row["status"]) == (str(guard.pk), "ok")
    assert row["lift_percent"] is not None


def test_observations_come_in_pages_or_raw() -> None:
    optimization = train_and_return(make_visited_optimization())
    api = make_member_api(optimization)
    path = f"/optimizations/{optimization.pk}/observations"

    users, cursor = 0, ""
    while True:
        page = read_body(api.get(f"{path}?limit=3&cursor={cursor}"))
        users += sum(cell["users"] for cell in page["observations"])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    raw = read_body(api.get(f"{path}?raw=true"))["observations"]
    too_long = base64.urlsafe_b64encode(b"cell:1234567890").decode()
    bad = [api.get(f"{path}?cursor={cursor}") for cursor in ("x", too_long)]

    assert users == 1000
    assert len(raw) == 100
    assert raw[0]["at"] > raw[-1]["at"]
    assert any(touch["rewards"] for touch in raw)
    assert [response.status_code for response in bad] == [400, 400]
    assert read_error(bad[0])["details"][0]["field"] == "cursor"


def test_an_invalid_refresh_fails_the_whole_report_document() -> None:
    optimization = make_visited_optimization()
    api = make_member_api(optimization)

    response = api.get(f"/optimizations/{optimization.pk}/report-data?refresh=banana")

    assert response.status_code == 400
    assert read_error(response)["details"][0]["field"] == "refresh"


def test_the_list_summarizes_by_the_same_few_queries_for_the_page(
    django_assert_max_num_queries: Any,
) -> None:
    optimization = train_and_return(make_visited_optimization())
    make_optimization(optimization.organization)
    api = make_member_api(optimization)
    read_body(api.get("/optimizations"))  # creates the member

    with django_assert_max_num_queries(6):
        rows = read_body(api.get("/optimizations"))["optimizations"]

    summaries = {row["id"]: row["summary"] for row in rows}
    summary = summaries.pop(str(optimization.pk))
    assert summary.pop("health") == {
        "status": "ok",
        "reasons": [],
        "as_of": summary.pop("as_of"),
    }
    results = read_body(api.get(f"/optimizations/{optimization.pk}/results"))
    measured = results["primary_metric_vs_holdout"]
    shown = (
        *("difference", "difference_ci", "difference_ci_anytime"),
        "lift_ci_anytime",
    )
    assert {name: summary.pop(name) for name in shown} == {
        name: measured[name] for name in shown
    }
    assert (summary.pop("unavailable"), summary.pop("notes")) == ({}, [])
    assert summary == {
        "variants_count": 4,
        "lift": pytest.approx(100, abs=100),
        "confidence": pytest.approx(0.5, abs=0.5),
        "exposures": 1000,
    }
    assert list(summaries.values()) == [None]


def test_the_endpoints_of_a_draft_have_the_same_fields_and_no_figures() -> None:
    draft = make_optimization(make_organization(), status="draft")
    live = make_optimization(draft.organization)
    api = make_member_api(draft)

    responses = {
        name: (
            api.get(f"/optimizations/{draft.pk}/{name}?refresh=true"),
            api.get(f"/optimizations/{live.pk}/{name}"),
        )
        for name in ENDPOINTS
    }

    for name, (own, other) in responses.items():
        assert own.status_code == 200, (name, own.content)
        assert read_body(own).keys() == read_body(other).keys()
    results = read_body(responses["results"][0])
    assert results["primary_metric_vs_holdout"]["metric_id"] is None
    assert {row["weight"] for row in results["variants"]} == {None}
    assert results["unavailable"]["as_of"] == report.NOT_LIVE
    assert read_body(responses["progress"][0])["users"] == {
        "optimized": 0,
        "holdout": 0,
    }
    assert not CubeDay.objects.filter(optimization=draft).exists()


def test_another_organization_gets_a_404() -> None:
    live = make_optimization(make_organization())
    stranger = factories.make_admin_api(make_organization())

    responses = [stranger.get(f"/optimizations/{live.pk}/{name}") for name in ENDPOINTS]

    assert {response.status_code for response in responses} == {404}
