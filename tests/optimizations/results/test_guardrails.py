"""Guardrails over HTTP: each keeps its share of the error whatever is added later."""

from datetime import date, timedelta
from importlib import import_module

import pytest
from django.db import connection
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import create_update
from optimizations.models import GuardrailShare, Optimization
from optimizations.results import stored
from tests.support import traffic, unhealthy_worlds
from tests.support.factories import read_body
from tests.support.optimization_factories import (
    make_metric,
    make_optimization,
    make_organization,
)
from tests.support.result_visitors import make_member_api
from tests.support.unhealthy_worlds import make_violated_guardrail
from warehouse.models import ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)


def set_guardrails(optimization: Optimization, metrics: list[object]) -> None:
    """Change the guardrails as the API does."""
    ids = [getattr(metric, "pk", metric) for metric in metrics]
    fields = {"guardrail_metric_ids": ids}
    create_update.update_configuration(optimization, fields, SYSTEM_ACTOR)


def read_levels(optimization: Optimization) -> dict[str, float]:
    """Return the error of each guardrail, by the name of its metric."""
    path = f"/optimizations/{optimization.pk}/guardrails"
    rows = read_body(make_member_api(optimization).get(path))["guardrails"]
    return {row["name"]: round(1 - row["level"], 6) for row in rows}


def test_nine_silent_guardrails_change_nothing_of_a_violated_one() -> None:
    optimization, refunds = make_violated_guardrail()
    path = f"/optimizations/{optimization.pk}/guardrails"
    api = make_member_api(optimization)
    (before,) = read_body(api.get(path))["guardrails"]
    silent = [make_metric(optimization.organization) for _ in range(9)]

    set_guardrails(optimization, [refunds, *silent])
    rows = read_body(api.get(path))["guardrails"]

    (after,) = [row for row in rows if row["name"] == "Refunds"]
    assert after == before
    assert (after["status"], after["level"]) == ("violated", 0.92)
    assert after["lift_ci_anytime"][0] > 0
    assert len(rows) == 10


def test_the_day_of_the_first_violation_stays_when_the_status_returns() -> None:
    optimization, refunds = make_violated_guardrail()
    path = f"/optimizations/{optimization.pk}/guardrails"
    api = make_member_api(optimization)
    (violated,) = read_body(api.get(f"{path}?refresh=true"))["guardrails"]
    GuardrailShare.objects.update(first_violated_on=date(2026, 3, 1))

    ManagedReward.objects.filter(name="refund").delete()
    stored.refresh_counts(optimization, full=True)
    (returned,) = read_body(api.get(path))["guardrails"]
    other = make_metric(optimization.organization)
    set_guardrails(optimization, [refunds, other])
    rows = read_body(api.get(path))["guardrails"]

    assert violated["status"] == "violated"
    assert violated["first_violated_on"] == violated["as_of"][:10]
    assert returned["status"] != "violated"
    assert returned["first_violated_on"] == "2026-03-01"
    assert {row["first_violated_on"] for row in rows} == {"2026-03-01", None}


def test_a_guardrail_that_breaks_down_alarms_on_the_first_day() -> None:
    organization = make_organization()
    checkout = make_metric(organization, name="Checkout")
    optimization = make_optimization(
        organization, holdout_percentage=10, guardrail_metric_ids=[checkout.pk]
    )
    traffic.simulate_visitors(
        optimization, timezone.now() - timedelta(days=3), 300, lambda *_: 0.0
    )
    unhealthy_worlds.send_purchases_of_holdout(optimization, every_nth=4)
    path = f"/optimizations/{optimization.pk}/guardrails?refresh=true"

    (row,) = read_body(make_member_api(optimization).get(path))["guardrails"]

    assert row["status"] == "violated"
    assert row["optimization_rate"] == 0
    assert row["lift_ci_anytime"][1] < 0


def test_shares_are_fixed_at_going_live_and_when_one_is_added() -> None:
    organization = make_organization()
    names = "abcde"
    metrics = {name: make_metric(organization, name=name) for name in names}
    launch = [metrics[name] for name in "abcd"]
    optimization = make_optimization(
        organization, guardrail_metric_ids=[metric.pk for metric in launch[:4]]
    )

    at_launch = read_levels(optimization)
    set_guardrails(optimization, [metrics["a"], metrics["e"]])
    fewer = read_levels(optimization)
    late = make_metric(organization, name="f")
    set_guardrails(optimization, [*launch, late])
    again = read_levels(optimization)

    assert at_launch == dict.fromkeys("abcd", 0.02)
    assert fewer == {"a": 0.02, "e": 0.01}
    assert again == dict.fromkeys("abcd", 0.02) | {"f": round(0.02 / 6, 6)}


def test_a_draft_has_no_fixed_shares_yet() -> None:
    organization = make_organization()
    draft = make_optimization(
        organization,
        status="draft",
        guardrail_metric_ids=[make_metric(organization, name=name).pk for name in "ab"],
    )

    assert not GuardrailShare.objects.exists()
    assert read_levels(draft) == {"a": 0.04, "b": 0.04}


def test_the_share_of_a_deleted_metric_stays_spent() -> None:
    organization = make_organization()
    optimization = make_optimization(organization)
    first, second = (make_metric(organization, name=name) for name in "ab")
    set_guardrails(optimization, [first])
    set_guardrails(optimization, [])
    first.delete()

    set_guardrails(optimization, [second])

    assert read_levels(optimization) == {"b": round(0.02 / 6, 6)}


def test_guardrails_of_an_earlier_version_count_as_those_of_the_launch() -> None:
    migration = import_module("optimizations.migrations.0010_guardrail_shares")
    organization = make_organization()
    metrics = [make_metric(organization, name=name) for name in "ab"]
    ids = [metric.pk for metric in metrics]
    optimization = make_optimization(organization, guardrail_metric_ids=ids)
    make_optimization(organization, status="draft", guardrail_metric_ids=ids)
    GuardrailShare.objects.all().delete()

    with connection.cursor() as cursor:
        cursor.execute(migration.FIX_SHARES)

    assert GuardrailShare.objects.count() == 2
    assert read_levels(optimization) == {"a": 0.04, "b": 0.04}
