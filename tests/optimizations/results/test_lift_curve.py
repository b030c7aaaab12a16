"""The lift curve: the measured figures of the lift history, as results name them."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from optimizations.models import Optimization, PublishedDay
from optimizations.results.readings import history, lift_curve
from tests.support.factories import read_body
from tests.support.optimization_factories import make_optimization, make_organization
from tests.support.result_visitors import (
    make_member_api,
    make_visited_optimization,
    train_and_return,
)

pytestmark = pytest.mark.django_db(transaction=True)


def read(optimization: Optimization, name: str) -> dict[str, Any]:
    api = make_member_api(optimization)
    return read_body(api.get(f"/optimizations/{optimization.pk}/{name}"))


def copy_to_yesterday(optimization: Optimization, **changes: Any) -> None:
    """Publish the day before today's, with other figures where they are given."""
    today = PublishedDay.objects.get(optimization=optimization)
    PublishedDay.objects.create(
        optimization=optimization,
        day=today.day - timedelta(days=1),
        figures=today.figures | changes,
        published_at=today.published_at - timedelta(days=1),
    )


def test_the_last_day_has_the_figures_of_results_with_both_intervals() -> None:
    optimization = train_and_return(make_visited_optimization())

    curve, results = read(optimization, "lift-curve"), read(optimization, "results")

    (day,) = curve["daily"]
    measured = results["primary_metric_vs_holdout"]
    names = history.MEASURED_FIGURES
    assert {name: day[name] for name in names} == {
        name: measured[name] for name in names
    }
    low, high = day["lift_ci_anytime"]
    inner_low, inner_high = day["lift_ci"]
    assert low < inner_low < day["lift_percent"] < inner_high < high
    arms = ("holdout_exposures", "optimization_exposures")
    assert day["users"] == sum(measured[arm] for arm in arms)
    assert curve["health"] == results["health"]
    assert day["unavailable"] == {}


def test_every_day_has_the_figures_and_reasons_of_the_lift_history() -> None:
    optimization = train_and_return(make_visited_optimization())
    withheld = dict.fromkeys(
        ("measured_lift_percent", "measured_lift_ci", "measured_lift_ci_anytime")
    )
    reason = "the holdout has no reward yet"
    copy_to_yesterday(
        optimization, **withheld, unavailable=dict.fromkeys(withheld, reason)
    )

    days = read(optimization, "lift-curve")["daily"]
    published = read(optimization, "lift-history")["daily"]

    assert [day["date"] for day in days] == [day["date"] for day in published]
    for day, other in zip(days, published, strict=True):
        shared = ("users", "health", "as_of")
        assert [day[name] for name in shared] == [other[name] for name in shared]
        for name in history.MEASURED_FIGURES:
            assert day[name] == other[f"measured_{name}"]
            assert day["unavailable"].get(name) == other["unavailable"].get(
                f"measured_{name}"
            )
    assert days[0]["unavailable"] == {
        "lift_percent": reason,
        "lift_ci": reason,
        "lift_ci_anytime": reason,
    }


def test_a_day_of_an_earlier_version_says_what_it_lacks() -> None:
    optimization = train_and_return(make_visited_optimization())
    copy_to_yesterday(optimization)
    days = PublishedDay.objects.order_by("day")
    figures = {"measured_lift_percent": 3.5, "measured_lift_ci": [1.0, 6.0]}
    PublishedDay.objects.filter(pk=days[0].pk).update(figures=figures)

    old, _ = read(optimization, "lift-curve")["daily"]

    assert (old["lift_percent"], old["lift_ci"]) == (3.5, [1.0, 6.0])
    assert old["lift_ci_anytime"] is old["health"] is old["users"] is None
    lacking = set(lift_curve.CURVE_FIGURES) - {"lift_percent", "lift_ci"}
    assert old["unavailable"] == dict.fromkeys(
        [*lacking, "health"], history.NOT_PUBLISHED
    )


def test_regimes_and_notes_are_marks_in_the_order_of_their_days() -> None:
    optimization = make_optimization(make_organization())
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"
    today = timezone.now().date()
    for text, days in (("The sale ended.", -1), ("The sale began.", -9)):
        day = str(today + timedelta(days=days))
        assert api.post(f"{path}/notes", {"text": text, "date": day}).status_code == 201
    assert api.patch(path, {"holdout_percentage": 20}).status_code == 200
    changed = optimization.regimes.get(number=2)

    marks = read(optimization, "lift-curve")["marks"]

    assert marks == [
        {
            "date": str(today - timedelta(days=9)),
            "kind": "note",
            "text": "The sale began.",
        },
        {
            "date": str(today - timedelta(days=1)),
            "kind": "note",
            "text": "The sale ended.",
        },
        {
            "date": str(changed.starts_at.date()),
            "kind": "regime",
            "text": changed.reason,
        },
    ]


def test_a_draft_has_no_days() -> None:
    draft = make_optimization(make_organization(), status="draft")

    curve = read(draft, "lift-curve")

    assert (curve["daily"], curve["as_of"], curve["notes"]) == ([], None, [])
    assert curve["marks"] == []
